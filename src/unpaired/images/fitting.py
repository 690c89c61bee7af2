"""Pixels brought to a size: cut, stretched or padded; and back."""

from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from unpaired.errors import DataError, ShapeError
from unpaired.images.channels import ALPHA, LUMA, MODES, colour, from_picture, picture, require_pixels, straight
from unpaired.images.levels import WHITE, Pixels, depth_of

Fit = Literal["crop", "resize", "pad"]

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels."""


def fit(
    pixels: Pixels, *, size: int | tuple[int, int], how: Fit = "crop", background: str = "white", alpha: bool = True
) -> Pixels:
    """Pixels `[H, W, C]` of any depth brought to `size` (one number, or height and width).

    how: "crop" scales until the image just covers the size and cuts the centre; "resize" stretches; "pad" scales until
        the image just fits and fills the rest with `background` (an odd rest: the greater part right and below; from 5
        channels on, with the background's grey).
    alpha: whether the last of 2 or 4 channels is transparency: then what is transparent does not colour what is not.

    Scaling is antialiased (Lanczos); an image that already has the size comes back unchanged, and every image at the depth
    that it had. Raises ShapeError and DataError.
    """
    height, width = (size, size) if isinstance(size, int) else size
    if height < 1 or width < 1:
        raise ShapeError(f"size is {height} x {width}; wanted at least 1 x 1")
    rows, columns, channels = require_pixels(pixels).shape
    box, (top, left), inner = placed((rows, columns), (height, width), how=how)
    scaled = _resized(pixels, size=inner[::-1], box=box, alpha=alpha)
    if how != "pad":
        return scaled
    canvas = np.empty((height, width, channels), pixels.dtype)
    canvas[:] = _background(background, channels=channels, like=pixels)
    canvas[top : top + inner[0], left : left + inner[1]] = scaled
    return canvas


def placed(shape: tuple[int, ...], size: tuple[int, int], *, how: Fit) -> tuple[Box, tuple[int, int], tuple[int, int]]:
    """How `fit` brings an image of `shape` (height, width) to `size`: the part of it that is taken, where that stands (top,
    left), and its height and width there. DataError.
    """
    (rows, columns), (height, width) = shape[:2], size
    whole = (0.0, 0.0, float(columns), float(rows))
    match how:
        case "resize":
            return whole, (0, 0), size
        case "crop":
            scale = min(columns / width, rows / height)
            left, top = (columns - width * scale) / 2, (rows - height * scale) / 2
            # Rounding may carry the box past the border by a hair, which Pillow refuses.
            box = (max(left, 0.0), max(top, 0.0), min(left + width * scale, columns), min(top + height * scale, rows))
            return box, (0, 0), size
        case "pad":
            at_top, at_left, inner = _inner((rows, columns), size)
            return whole, (at_top, at_left), inner
    raise DataError(f"'{how}' is no way to fit an image; wanted crop, resize or pad")


def restored(answer: Pixels, *, shape: tuple[int, int], how: Fit, alpha: bool = True) -> Pixels:
    """The answer `[h, w, C]` to pixels that were fitted, brought back to what they were: the way back of `fit`.

    shape: height and width before. how: as they were fitted: "resize" stretches back; "pad" cuts off what was padded and
    scales the rest; "crop" scales to the size that the part had which was not cut off (see `seen`), so to no more than
    `shape`. alpha: as in `fit`. Raises ShapeError and DataError.
    """
    height, width, _ = require_pixels(answer).shape
    if how == "pad":
        top, left, inner = _inner(shape, (height, width))
        answer = answer[top : top + inner[0], left : left + inner[1]]
    return fit(answer, size=seen(shape, size=(height, width), how=how), how="resize", alpha=alpha)


def seen(shape: tuple[int, int], *, size: tuple[int, int], how: Fit) -> tuple[int, int]:
    """Height and width of the part of an image of `shape` that is still there when it is fitted to `size`: under "crop" the
    largest of the proportions of `size`, else all.
    """
    if how != "crop":
        return shape
    scale = min(shape[0] / size[0], shape[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _inner(shape: tuple[int, int], size: tuple[int, int]) -> tuple[int, int, tuple[int, int]]:
    """Where an image of `shape` stands when it is padded to `size`: top, left, and its height and width."""
    scale = min(size[0] / shape[0], size[1] / shape[1])
    height, width = max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))
    return (size[0] - height) // 2, (size[1] - width) // 2, (height, width)


def _resized(pixels: Pixels, *, size: tuple[int, int], box: Box, alpha: bool) -> Pixels:
    """The part of the pixels within `box` at `size` (width, height)."""
    layered = alpha and pixels.shape[2] in ALPHA
    if pixels.dtype == np.uint8 and pixels.shape[2] in MODES and (layered or pixels.shape[2] not in ALPHA):
        return from_picture(picture(pixels).resize(size, Image.Resampling.LANCZOS, box=box))
    if size == (pixels.shape[1], pixels.shape[0]) and box == (0.0, 0.0, *map(float, size)):
        return pixels
    values = pixels.astype(np.float32)
    white = np.float32(WHITE[depth_of(pixels)])
    if layered:
        values[:, :, :-1] *= values[:, :, -1:] / white
    scaled = np.empty((size[1], size[0], pixels.shape[2]), np.float32)
    for channel in range(pixels.shape[2]):
        plane = Image.fromarray(np.ascontiguousarray(values[:, :, channel]))
        scaled[:, :, channel] = np.asarray(plane.resize(size, Image.Resampling.LANCZOS, box=box))
    # The filter overshoots at edges.
    scaled = scaled.clip(0, white)
    if layered:
        scaled = straight(scaled / white) * white
    return (scaled if pixels.dtype == np.float32 else np.rint(scaled)).astype(pixels.dtype)


def _background(name: str, *, channels: int, like: Pixels) -> Pixels:
    """A colour as one pixel `[channels]`, as deep as `like`."""
    deep = np.array(colour(name), np.uint16)[None, None]
    if channels in MODES:
        shallow: npt.NDArray[np.uint8] = deep.astype(np.uint8)
        behind = from_picture(picture(shallow).convert(MODES[channels]))[0, 0].astype(np.float32)
    else:
        behind = np.full(channels, deep[0, 0, :3].astype(np.float32) @ LUMA, np.float32)
    values = behind * np.float32(WHITE[depth_of(like)] / 255)
    return (values if like.dtype == np.float32 else np.rint(values)).astype(like.dtype)
