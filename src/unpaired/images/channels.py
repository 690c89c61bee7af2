"""Grey, colour and transparency: how pixels with one number of channels become pixels with another."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageColor

from unpaired.errors import DataError, ShapeError
from unpaired.images.levels import WHITE, Pixels, depth_of

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
ALPHA = (2, 4)
"""Numbers of channels of which the last is transparency."""

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Red, green and blue in grey (ITU-R 601), as Pillow mixes them."""

Colour = tuple[int, int, int, int]


class Samples(NamedTuple):
    """Pixels as a file holds them, upright.

    pixels: `[H, W, C]`; colours: how many of the first channels are a known colour: 1 (grey), 3 (RGB) or 0 (measurements of
    whatever kind); alpha: whether the channel after those is transparency.
    """

    pixels: Pixels
    colours: int
    alpha: bool


def named(pixels: Pixels) -> Samples:
    """Pixels whose 1 to 4 channels are what their number says."""
    channels = pixels.shape[2]
    return Samples(pixels, colours_of(channels), channels in ALPHA)


def colours_of(channels: int) -> int:
    """How many of so many channels are a colour, where nothing but their number is known: 1, 3, or 0 of more than 4."""
    return 0 if channels not in MODES else 1 if channels < 3 else 3


def convert(pixels: Pixels, *, channels: int, background: str = "white") -> Pixels:
    """Pixels `[H, W, 1 to 4]` of any depth with another number of channels; those that have it come back as they are.

    Colour becomes grey by ITU-R 601 (0.299 R + 0.587 G + 0.114 B), grey becomes three equal channels, new alpha is
    opaque, and alpha that is not wanted is composed over `background` (a name or "#rrggbb"). ShapeError beyond 4 channels.
    """
    found = require_pixels(pixels).shape[2]
    if found == channels:
        return pixels
    if found not in MODES or channels not in MODES:
        raise ShapeError(
            f"pixels have {found} channels; wanted {channels}: only grey, colour (1, 3) and their alpha (2, 4) become each other"
        )
    if pixels.dtype == np.uint8:
        return from_picture(to_channels(picture(pixels), channels=channels, behind=colour(background)))
    white, has_alpha = np.float32(WHITE[depth_of(pixels)]), found in ALPHA
    layer, alpha = (pixels[:, :, :-1], pixels[:, :, -1:]) if has_alpha else (pixels, None)
    if alpha is not None and channels not in ALPHA:
        behind = np.array(colour(background)[:3], np.float32) * (white / np.float32(255))
        if layer.shape[2] == 1 and behind.min() == behind.max():
            behind = behind[:1]
        share = alpha.astype(np.float32) / white
        layer = _rounded(layer * share + behind * (1 - share), like=pixels)
        alpha = None
    if layer.shape[2] == 3 and channels < 3:
        layer = _rounded((layer @ LUMA)[:, :, None], like=pixels)
    elif layer.shape[2] == 1 and channels > 2:
        layer = np.repeat(layer, 3, axis=2)
    if channels in ALPHA:
        alpha = np.full_like(layer[:, :, :1], white) if alpha is None else alpha
        layer = np.concatenate([layer, alpha], axis=2)
    return np.ascontiguousarray(layer)


def picture(pixels: Pixels) -> Image.Image:
    """Pixels uint8 `[H, W, 1 to 4]` as an image of Pillow. Raises ShapeError."""
    if pixels.ndim != 3 or pixels.dtype != np.uint8 or pixels.shape[2] not in MODES or not pixels.size:
        raise ShapeError(f"pixels are {pixels.dtype} {list(pixels.shape)}; wanted uint8 [H, W, C] with 1 to 4 channels")
    return Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels))


def from_picture(image: Image.Image) -> npt.NDArray[np.uint8]:
    """An image of Pillow with 8 bits a sample as pixels uint8 `[H, W, C]`."""
    pixels = np.array(image)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def to_channels(image: Image.Image, *, channels: int, behind: Colour) -> Image.Image:
    """An 8-bit image of any of Pillow's modes with 1 to 4 channels, over the colour `behind` where alpha is not wanted."""
    wanted = MODES[channels]
    if image.mode == wanted and "transparency" not in image.info:
        return image
    if not image.has_transparency_data:
        # Pillow has no way from some modes (LAB) to all others but through RGB.
        return image.convert(wanted) if image.mode in ("1", "L", "P", "RGB") else image.convert("RGB").convert(wanted)
    # Pillow knows no way from premultiplied grey (La) but this one.
    layers = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
    if channels in (1, 3):
        layers = Image.alpha_composite(Image.new("RGBA", layers.size, behind), layers)
    return layers.convert(wanted)


def native_channels(image: Image.Image) -> int:
    """The channels, 1 to 4, that hold all that an 8-bit image of Pillow shows."""
    grey = image.mode in ("1", "L", "LA", "La")
    return (1 if grey else 3) + bool(image.has_transparency_data)


def straight(pixels: Pixels) -> Pixels:
    """Pixels with premultiplied alpha in the last channel, with the colour as it is where it is opaque."""
    share = pixels[:, :, -1:].astype(np.float32) / np.float32(WHITE[depth_of(pixels)])
    colours = np.divide(pixels[:, :, :-1], share, out=np.zeros(pixels[:, :, :-1].shape, np.float32), where=share > 0)
    return np.concatenate([_rounded(colours, like=pixels), pixels[:, :, -1:]], axis=2)


def colour(name: str) -> Colour:
    """Red, green, blue and alpha (0 to 255) of a name or "#rrggbb". Raises DataError."""
    try:
        red, green, blue, *alpha = ImageColor.getrgb(name)
    except ValueError:
        raise DataError(f"'{name}' is no colour; wanted a name such as white, or #rrggbb") from None
    return red, green, blue, (alpha or [255])[0]


def require_pixels(pixels: Pixels) -> Pixels:
    """The pixels; ShapeError where they are not `[H, W, C]` of one of the three depths, or empty."""
    if pixels.ndim != 3 or not pixels.size:
        raise ShapeError(f"pixels are {pixels.dtype} {list(pixels.shape)}; wanted [H, W, C], none of them 0")
    depth_of(pixels)
    return pixels


def _rounded(values: npt.NDArray[np.float32], *, like: Pixels) -> Pixels:
    white = np.float32(WHITE[depth_of(like)])
    values = values.clip(0, white)
    return (values if like.dtype == np.float32 else np.rint(values)).astype(like.dtype)
