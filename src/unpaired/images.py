"""The one door between image files, uint8 arrays and the float tensors that networks see.

Two forms, and no third:

- *pixels*: numpy uint8 `[H, W, C]` (a batch: `[N, H, W, C]`), C = 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA;
- *images*: torch float `[N, C, H, W]` in [-1, 1].

Files are decoded by Pillow in three stages, each one function: `_open` (what is in the file, upright), `_to_8_bit` (the
range of the samples) and `_to_channels` (palette, alpha, colour). Colour profiles are not applied: the samples are
taken as they stand, as every common tool for translation does.
"""

import contextlib
import io
import math
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageColor, ImageDraw, ImageFont, ImageOps
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from torch import Tensor

from unpaired.errors import DataError, ShapeError, UnreadableImages

Pixels = npt.NDArray[np.uint8]
Fit = Literal["crop", "resize", "pad"]

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".ppm", ".pgm", ".pbm"))
"""Endings (lower case) of the files that are taken for images."""

WANTED = "PNG, JPEG, WebP, TIFF, BMP, GIF (its first frame) or PPM"

# Only these decoders run: others (EPS, PDF, ...) start foreign programs or are rarely tested against hostile files.
_FORMATS = ("PNG", "JPEG", WebPImageFile.format, TiffImageFile.format, "BMP", "GIF", "PPM")
WRITABLE = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP"
}  # fmt: skip
"""Endings of the files that can be written, and the format of each."""
_WRITE_HOW: dict[str, dict[str, Any]] = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}

# Pillow registers its plugins at the first open, which is not safe when the first opens happen in several threads.
Image.preinit()


class Header(NamedTuple):
    """What a file says of itself, before its pixels are decoded.

    format: as Pillow names it ("PNG"); mode: as Pillow names it ("RGB", "P", "I;16"); width, height: pixels as stored,
    before the EXIF orientation.
    """

    format: str
    mode: str
    width: int
    height: int


def header(source: str | Path | bytes) -> Header:
    """The format, mode and size of a file (a path, or the file's bytes). Raises UnreadableImages."""
    with _explained(source), _stream(source) as stream, Image.open(stream, formats=_FORMATS) as image:
        return Header(str(image.format), image.mode, image.width, image.height)


def read(
    source: str | Path | bytes | Image.Image,
    *,
    channels: int = 3,
    background: str = "white",
    at_least: int | None = None,
) -> Pixels:
    """The pixels of a file, upright, uint8 `[H, W, channels]`.

    source: a path, the bytes of a file, or an image that Pillow opened. Of an animation the first frame is read.
    channels: 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA).
    background: the colour behind transparent pixels when `channels` has no alpha; a name or "#rrggbb".
    at_least: pixels; a JPEG may be decoded at a half, a quarter or an eighth of its size as long as both sides stay at
        least so long. Much faster for large photographs that are made small anyway.

    16-bit grey samples are divided by 257 and rounded, so that 0 and 65535 become 0 and 255. Float samples must lie in
    [0, 1]. Colour with 16 bits a channel comes from Pillow as its upper 8 bits.

    Raises UnreadableImages where the file is missing, truncated, not an image, too large or of an unknown sample range;
    DataError where `background` is no colour; ShapeError where `channels` is none of the above.
    """
    if channels not in _MODES:
        raise ShapeError(f"channels is {channels}; wanted 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA)")
    behind = _colour(background)
    with _explained(source):
        if isinstance(source, Image.Image):
            image = ImageOps.exif_transpose(source)
        else:
            with _stream(source) as stream:
                image = _open(stream, at_least=at_least)
        return _pixels(_to_channels(_to_8_bit(image), channels=channels, behind=behind))


def to_tensor(pixels: Pixels | Tensor, *, device: torch.device | str | None = None) -> Tensor:
    """Pixels uint8 `[N, H, W, C]` (numpy or torch) as images float32 `[N, C, H, W]` in [-1, 1], on `device`.

    0 becomes -1 and 255 becomes 1. The bytes travel to the device before they grow to floats. Raises ShapeError.
    """
    if pixels.ndim != 4 or pixels.dtype not in (np.uint8, torch.uint8):
        raise ShapeError(f"pixels are {pixels.dtype} {list(pixels.shape)}; wanted uint8 [N, H, W, C]")
    if isinstance(pixels, np.ndarray):
        # torch refuses to share read-only memory (a memory-mapped store) without a warning.
        pixels = torch.from_numpy(pixels if pixels.flags.writeable else pixels.copy())
    on_device = pixels.to(device) if device is not None else pixels
    return on_device.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format).div_(127.5).sub_(1.0)


def to_uint8(images: Tensor) -> Tensor:
    """Images `[N, C, H, W]` in [-1, 1] as pixels uint8 `[N, H, W, C]` on the same device.

    The exact inverse of `to_tensor` for all 256 values; values outside are clamped, not-a-number becomes 0. Raises
    ShapeError.
    """
    if images.ndim != 4 or not images.is_floating_point():
        raise ShapeError(f"images are {images.dtype} {list(images.shape)}; wanted float [N, C, H, W] in [-1, 1]")
    # In half precision 127.5 (x + 1) has fewer steps than a byte.
    levels = (images.detach().float() + 1.0) * 127.5
    return levels.nan_to_num(nan=0.0).round().clamp(0.0, 255.0).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def write(path: str | Path, image: Pixels | Tensor) -> None:
    """Write one image; the suffix of `path` chooses the format (PNG, JPEG, WebP, TIFF or BMP).

    image: pixels uint8 `[H, W, C]`, or an image float `[C, H, W]` in [-1, 1].

    A reader sees the old file or the whole new one, never a part. Raises DataError for an unknown suffix, ShapeError
    where the shape is no image or the format cannot hold its channels, OSError where the folder cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in WRITABLE:
        raise DataError(f"{path.name}: cannot write '{path.suffix}'; wanted one of {', '.join(WRITABLE)}")
    if isinstance(image, Tensor) and image.is_floating_point() and image.ndim == 3:
        image = to_uint8(image[None])[0].cpu().numpy()
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in _MODES:
        raise ShapeError(
            f"{path.name}: the image is {image.dtype} {list(image.shape)}; wanted uint8 [H, W, C] or float [C, H, W] "
            "with 1 to 4 channels"
        )
    format = WRITABLE[path.suffix.lower()]
    if image.shape[2] in (2, 4) and format in ("JPEG", "BMP"):
        raise ShapeError(f"{path.name}: {format} cannot hold transparency ({image.shape[2]} channels); use .png or .webp")
    how = _WRITE_HOW.get(format, {})
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        picture(image).save(partial, format=format, **how)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def fit(pixels: Pixels, *, size: int | tuple[int, int], how: Fit = "crop", background: str = "white") -> Pixels:
    """Pixels uint8 `[H, W, C]` brought to `size` (one number, or height and width).

    how: "crop" scales until the image just covers the size and cuts the centre; "resize" stretches; "pad" scales until
        the image just fits and fills the rest with `background` (an odd rest: the greater part right and below).

    Scaling is antialiased (Lanczos); an image that already has the size comes back unchanged.
    """
    height, width = (size, size) if isinstance(size, int) else size
    if height < 1 or width < 1:
        raise ShapeError(f"size is {height} x {width}; wanted at least 1 x 1")
    image = picture(pixels)
    if how == "resize":
        box = (0.0, 0.0, float(image.width), float(image.height))
        return _pixels(image.resize((width, height), Image.Resampling.LANCZOS, box=box))
    if how == "crop":
        scale = min(image.width / width, image.height / height)
        left, top = (image.width - width * scale) / 2, (image.height - height * scale) / 2
        # Rounding may carry the box past the border by a hair, which Pillow refuses.
        box = (
            max(left, 0.0),
            max(top, 0.0),
            min(left + width * scale, image.width),
            min(top + height * scale, image.height),
        )
        return _pixels(image.resize((width, height), Image.Resampling.LANCZOS, box=box))
    if how == "pad":
        scale = min(width / image.width, height / image.height)
        inner = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        canvas = Image.new("RGBA", (width, height), _colour(background)).convert(image.mode)
        canvas.paste(image.resize(inner, Image.Resampling.LANCZOS), ((width - inner[0]) // 2, (height - inner[1]) // 2))
        return _pixels(canvas)
    raise DataError(f"'{how}' is no way to fit an image; wanted crop, resize or pad")


def picture(pixels: Pixels) -> Image.Image:
    """Pixels uint8 `[H, W, C]` as an image of Pillow. Raises ShapeError."""
    if pixels.ndim != 3 or pixels.dtype != np.uint8 or pixels.shape[2] not in _MODES or not pixels.size:
        raise ShapeError(f"pixels are {pixels.dtype} {list(pixels.shape)}; wanted uint8 [H, W, C] with 1 to 4 channels")
    return Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels))


def grid(images: Tensor, *, columns: int, pad: int = 2, background: float = 1.0) -> Tensor:
    """Images `[N, C, H, W]` tiled row by row into one `[C, rows (H + pad) + pad, columns (W + pad) + pad]`.

    background: the value of the gaps and of empty places, in [-1, 1]. Raises ShapeError where there is nothing to tile.
    """
    if images.ndim != 4 or not len(images) or columns < 1:
        raise ShapeError(f"{list(images.shape)} in {columns} columns; wanted [N, C, H, W], N and columns at least 1")
    count, channels, height, width = images.shape
    rows = math.ceil(count / columns)
    sheet = images.new_full((channels, rows * (height + pad) + pad, columns * (width + pad) + pad), background)
    for index, image in enumerate(images):
        top, left = pad + index // columns * (height + pad), pad + index % columns * (width + pad)
        sheet[:, top : top + height, left : left + width] = image
    return sheet


def labelled_grid(
    rows: Sequence[tuple[str, Tensor]],
    *,
    titles: Sequence[str] = (),
    pad: int = 2,
    scale: int = 1,
    background: str = "white",
) -> Pixels:
    """Rows of images with a caption before each, as pixels uint8 `[H, W, 3]`.

    rows: caption and images `[N, C, H, W]` in [-1, 1]; the rows may differ in N and C, not in H and W.
    titles: words above the columns. scale: every pixel is drawn that many times, each way. background: a colour.
    """
    if not rows or not all(images.ndim == 4 and images.shape[2:] == rows[0][1].shape[2:] for _, images in rows):
        found = ", ".join(f"{caption} {list(images.shape)}" for caption, images in rows) or "no rows"
        raise ShapeError(f"found {found}; wanted rows of [N, C, H, W] with one H and W")
    behind = _colour(background)
    ink = (0, 0, 0) if sum(behind[:3]) > 382 else (255, 255, 255)
    height, width = (side * scale for side in rows[0][1].shape[2:])
    font = ImageFont.load_default(size=max(10, min(16, height // 4)))
    line = math.ceil(font.getbbox("Ag")[3]) + 4
    margin = max(math.ceil(font.getlength(caption)) for caption, _ in rows)
    margin += 8 if margin else 0
    head = line if titles else 0
    columns = max(max(len(images) for _, images in rows), len(titles))
    sheet = Image.new("RGB", (margin + columns * (width + pad) + pad, head + len(rows) * (height + pad) + pad), behind[:3])
    pen = ImageDraw.Draw(sheet)
    for column, title in enumerate(titles):
        pen.text((margin + pad + column * (width + pad), 1), title, fill=ink, font=font)
    for row, (caption, images) in enumerate(rows):
        top = head + pad + row * (height + pad)
        pen.text((4, top + max(0, (height - line) // 2)), caption, fill=ink, font=font)
        for column, pixels in enumerate(to_uint8(images).cpu().numpy()):
            tile = _to_channels(picture(pixels), channels=3, behind=behind)
            place = (margin + pad + column * (width + pad), top)
            sheet.paste(tile.resize((width, height), Image.Resampling.NEAREST), place)
    return _pixels(sheet)


def _open(stream: Any, *, at_least: int | None) -> Image.Image:
    if not stream.read(1):
        raise UnreadableImages("the file is empty")
    stream.seek(0)
    image = Image.open(stream, formats=_FORMATS)
    if at_least is not None:
        image.draft(None, (at_least, at_least))
    return ImageOps.exif_transpose(image)


def _to_8_bit(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return Image.fromarray(_divide_16_bit(np.asarray(image)))
    if image.mode == "I":  # 32-bit integers: PGM with 16 bits, and some 16-bit files in older Pillow
        samples = np.asarray(image)
        if samples.min() < 0 or samples.max() > 65535:
            found = f"from {samples.min()} to {samples.max()}"
            raise UnreadableImages(f"32-bit samples {found}; wanted 0 to 65535: convert the file to 8 or 16 bits")
        return Image.fromarray(_divide_16_bit(samples))
    if image.mode == "F":
        samples = np.asarray(image)
        if not (samples.min() >= 0.0 and samples.max() <= 1.0):  # not-a-number fails too
            found = f"from {samples.min():g} to {samples.max():g}"
            raise UnreadableImages(f"float samples {found}; wanted 0 to 1: rescale the file, or convert it to 16 bits")
        return Image.fromarray(np.rint(samples * 255.0).astype(np.uint8))
    return image


def _divide_16_bit(samples: npt.NDArray[Any]) -> Pixels:
    return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _to_channels(image: Image.Image, *, channels: int, behind: tuple[int, int, int, int]) -> Image.Image:
    wanted = _MODES[channels]
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


def _colour(name: str) -> tuple[int, int, int, int]:
    try:
        red, green, blue, *alpha = ImageColor.getrgb(name)
    except ValueError:
        raise DataError(f"'{name}' is no colour; wanted a name such as white, or #rrggbb") from None
    return red, green, blue, (alpha or [255])[0]


def _pixels(image: Image.Image) -> Pixels:
    pixels = np.array(image)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


@contextlib.contextmanager
def _stream(source: str | Path | bytes) -> Iterator[Any]:
    with io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as stream:
        yield stream


@contextlib.contextmanager
def _explained(source: str | Path | bytes | Image.Image) -> Iterator[None]:
    """Whatever a decoder raises for a bad file, as UnreadableImages; a path is named, nothing else has a name."""
    try:
        yield
    except MemoryError:  # says more of this machine than of the file
        raise
    except Exception as error:  # decoders raise nearly anything (struct.error, SyntaxError, ...) on damaged files
        label = f"{source}: " if isinstance(source, str | Path) else ""
        raise UnreadableImages(label + _reason(error)) from error


def _reason(error: Exception) -> str:
    if isinstance(error, UnreadableImages):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, Image.DecompressionBombError):
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        return f"too large ({error}); wanted at most {limit / 1e6:.0f} million pixels: make it smaller or cut it up"
    if isinstance(error, Image.UnidentifiedImageError):
        return f"not an image, or damaged at its start; wanted {WANTED}"
    if "truncated" in str(error).lower() or isinstance(error, EOFError):
        return f"the file is truncated ({error})"
    return f"damaged or unreadable ({type(error).__name__}: {error})"
