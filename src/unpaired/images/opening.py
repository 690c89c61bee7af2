"""What every reader of files needs: streams, errors in words, bounds, and what Pillow decodes."""

import contextlib
import dataclasses
import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from unpaired.errors import UnpairedError, UnreadableImages
from unpaired.images import tiff
from unpaired.images.channels import ALPHA, MODES, Samples, convert, from_picture, named, native_channels, to_channels
from unpaired.images.levels import Depth, Pixels, ValueRange, ranged
from unpaired.images.original import Original, density, kept_exif

SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".ppm", ".pgm", ".pbm", ".npy")
)
"""Endings (lower case) of the files that are taken for images."""

WANTED = "PNG, JPEG, WebP, TIFF, BMP, GIF (its first frame), PPM or NPY"

LARGEST = 178_956_970
"""Pixels of the largest image that `read` decodes if not told otherwise: as Pillow has it, so that no small file in a data
set fills the memory."""
HUGE = 1 << 30
"""Pixels of the largest image that `open_image` and `open_rows` decode whole: who translates an image has chosen it."""

# Only these decoders run: others (EPS, PDF, ...) start foreign programs or are rarely tested against hostile files.
_FORMATS = ("PNG", "JPEG", str(WebPImageFile.format), str(TiffImageFile.format), "BMP", "GIF", "PPM")

# Pillow registers its plugins at the first open, which is not safe when the first opens happen in several threads.
Image.preinit()


@contextlib.contextmanager
def stream_of(source: str | Path | bytes) -> Iterator[Any]:
    """A file, or its bytes, to read from."""
    with io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as stream:
        yield stream


@contextlib.contextmanager
def explained(source: Any) -> Iterator[None]:
    """Whatever a decoder raises for a bad file, as UnreadableImages; a path and a page are named, bytes and others are not."""
    try:
        yield
    except MemoryError:  # says more of this machine than of the file
        raise
    except Exception as error:  # decoders raise nearly anything (struct.error, SyntaxError, ...) on damaged files
        if isinstance(error, UnpairedError) and not isinstance(error, UnreadableImages):
            raise  # speaks of an argument, not of the file
        label = "" if isinstance(source, bytes | Image.Image) else f"{source}: "
        raise UnreadableImages(label + _reason(error)) from error


def _reason(error: Exception) -> str:
    if isinstance(error, UnreadableImages):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return "no such file"
    said = str(error).lower()
    if "truncated" in said or "too small" in said or "corrupted strip" in said or isinstance(error, EOFError):
        return f"the file is truncated ({error})"
    return f"damaged or unreadable ({type(error).__name__}: {error})"


def start_of(stream: Any) -> bytes:
    """The first bytes of a stream, 26 at the most. UnreadableImages where there are none."""
    stream.seek(0)
    start: bytes = stream.read(26)
    if not start:
        raise UnreadableImages("the file is empty")
    stream.seek(0)
    return start


def require_size(height: int, width: int, channels: int, *, largest: int) -> None:
    """UnreadableImages where an image is larger than is decoded whole; channels beyond 4 count too."""
    if height * width * max(1.0, channels / 4) > largest:
        many = f" of {channels} channels" if channels > 4 else ""
        raise UnreadableImages(
            f"too large ({width} x {height} pixels{many}); wanted at most {largest / 1e6:.0f} million pixels: "
            "make it smaller or cut it up"
        )


def require_channels(found: int, colours: int, *, channels: int) -> None:
    """UnreadableImages where so many channels cannot become `channels`."""
    if found == channels or (colours and channels in MODES):
        return
    if channels > max(MODES):
        raise UnreadableImages(f"{found} channels; wanted {channels}: more than 4 come only from TIFF or NPY")
    raise UnreadableImages(
        f"{found} channels, none of them known for a colour; wanted {channels}: ask for {found}, or convert the file"
    )


def identify(stream: Any, *, largest: int | None) -> Image.Image | None:
    """The file as Pillow opens it, its pixels not yet decoded; None for a TIFF of a kind that Pillow does not know.

    Not by `Image.open`: its bound on the size is one for the whole process.
    """
    start = start_of(stream)
    for format in _FORMATS:
        factory, accept = Image.OPEN[format]
        accepted = accept is None or accept(start[:16])
        if not accepted or isinstance(accepted, str):
            continue
        stream.seek(0)
        try:
            image = factory(stream, b"")
        except (SyntaxError, IndexError, TypeError, struct.error):
            continue
        if largest is not None:
            require_size(image.height, image.width, 4, largest=largest)
        return image
    if start[:4] in tiff.STARTS:
        return None
    raise UnreadableImages(f"not an image, or damaged at its start; wanted {WANTED}")


def about_picture(image: Image.Image) -> Original:
    """What is kept of a decoded image, but for the numbers of its pixels."""
    icc, dpi = image.info.get("icc_profile") or None, density(image.info.get("dpi"))
    return Original(str(image.format), 0, 0, 0, 8, icc=icc, exif=kept_exif(image), dpi=dpi)


def by_pillow(
    image: Image.Image, about: Original | None, *, value_range: ValueRange | None
) -> tuple[Image.Image | Samples, Original | None]:
    """An opened image decoded and upright, and what is kept of it with the numbers that only the pixels tell."""
    image.load()
    with contextlib.suppress(Exception):  # a damaged EXIF block is no reason to refuse the picture
        ImageOps.exif_transpose(image, in_place=True)
    if about is not None:
        depth = mode_depth(image.mode)
        channels = native_channels(image) if depth == 8 else 1
        about = dataclasses.replace(about, width=image.width, height=image.height, channels=channels, depth=depth)
        about = dataclasses.replace(about, alpha=channels in ALPHA, dtype=mode_type(image.mode))
    return settled(image, value_range=value_range), about


def settled(image: Image.Image, *, value_range: ValueRange | None) -> Image.Image | Samples:
    """An upright image of Pillow's that has 8 bits at the most as it is, any other as samples."""
    if not image.mode.startswith(("I", "F")):
        return image
    # 32-bit integers: PGM with 16 bits, and some 16-bit files in older Pillow.
    return Samples(ranged(np.asarray(image)[:, :, None], alpha=False, value_range=value_range), 1, False)


def as_samples(decoded: Image.Image | Samples, *, value_range: ValueRange | None) -> Samples:
    """What was decoded, with all channels that it has."""
    if isinstance(decoded, Samples):
        return decoded
    channels = native_channels(decoded)
    pixels = from_picture(to_channels(decoded, channels=channels, behind=(0, 0, 0, 0)))
    return named(ranged(pixels, alpha=channels in ALPHA, value_range=value_range))


def with_channels(found: Samples, *, channels: int, background: str) -> Pixels:
    """The pixels with so many channels. UnreadableImages where they cannot have them."""
    pixels, colours, alpha = found
    require_channels(pixels.shape[2], colours, channels=channels)
    if pixels.shape[2] == channels:
        return pixels
    return convert(pixels[:, :, : colours + alpha], channels=channels, background=background)


def depth_of_samples(dtype: np.dtype[Any]) -> Depth:
    """The depth at which samples of this type are kept."""
    return 8 if dtype.name in ("bool", "uint8", "int8") else 32 if dtype.kind == "f" or dtype.itemsize == 8 else 16


def mode_depth(mode: str) -> Depth:
    return 16 if mode.startswith("I") else 32 if mode == "F" else 8


def mode_type(mode: str) -> str:
    return {"I": "int32", "F": "float32"}.get(mode, "uint16" if mode.startswith("I;16") else "uint8")
