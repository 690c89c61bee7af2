"""Files out: whole or not at all, at their depth, with what their input said besides its pixels."""

import contextlib
import os
import re
import secrets
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any, NamedTuple, TypeVar, final

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile
from torch import Tensor

from unpaired.errors import DataError, ShapeError
from unpaired.files import owned, remove_abandoned
from unpaired.images import tiff_writing
from unpaired.images.channels import ALPHA, MODES, picture, require_pixels
from unpaired.images.levels import (
    DTYPES,
    Depth,
    Pixels,
    ValueRange,
    depth_of,
    require_depth,
    to_depth,
    to_pixels,
    type_for,
    unranged,
)
from unpaired.images.original import Original

WRITABLE = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP", ".npy": "NPY"
}  # fmt: skip
"""Endings of the files that can be written, and the format of each."""

PathT = TypeVar("PathT", bound=PurePath)


class _Holds(NamedTuple):
    depths: tuple[int, ...]
    channels: tuple[int, ...] | None  # None: any number


_HOLDS = {
    "PNG": _Holds((8, 16), (1, 2, 3, 4)),
    "JPEG": _Holds((8,), (1, 3)),
    "WEBP": _Holds((8,), (1, 2, 3, 4)),
    "TIFF": _Holds((8, 16, 32), None),
    "BMP": _Holds((8,), (1, 3)),
    "NPY": _Holds((8, 16, 32), None),
}
_HOW: dict[str, dict[str, Any]] = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}
_PARTIAL = re.compile(r"\..+\.[0-9a-f]{8}\.part", re.DOTALL)
_SAY_EXIF = ("PNG", "JPEG", "WEBP")


class Encoding(NamedTuple):
    """How pixels become the samples of a file. depth: that a format must hold for them; dtype: of the samples; value_range,
    alpha: see `levels.unranged`; no range for samples that are the pixels.
    """

    depth: Depth
    dtype: np.dtype[Any]
    value_range: ValueRange | None = None
    alpha: bool = False

    def samples(self, pixels: Pixels) -> npt.NDArray[Any]:
        """The samples of pixels `[H, W, C]`."""
        if self.value_range is None:
            return np.ascontiguousarray(to_depth(pixels, depth=self.depth))
        return unranged(pixels, dtype=self.dtype.name, value_range=self.value_range, alpha=self.alpha)


def encoding(like: Original | None, *, channels: int, depth: Depth) -> Encoding:
    """As samples of so many bits, or, where the file that is answered has a value range, as numbers of that range."""
    if like is None or like.value_range is None:
        return Encoding(depth, np.dtype(DTYPES[depth]))
    alpha = tiff_writing.has_alpha(like, channels=channels)
    dtype = type_for(like.dtype, found=like.value_range, wanted=like.value_range, alpha=alpha)
    return Encoding(depth_for(dtype), np.dtype(dtype), like.value_range, alpha)


def depth_for(dtype: str) -> Depth:
    """The depth that a format must have to hold samples of this type: PNG and others hold no numbers below 0."""
    return 8 if dtype == "uint8" else 16 if dtype == "uint16" else 32


def writable(path: PathT, *, channels: int, depth: Depth) -> PathT:
    """The path itself where its format can be written and holds such pixels, else the path with the ending of one that
    does: .png for up to 4 channels of 8 or 16 bits, .tif for all others.
    """
    holds = _HOLDS.get(WRITABLE.get(path.suffix.lower(), ""))
    if holds and depth in holds.depths and (holds.channels is None or channels in holds.channels):
        return path
    return path.with_suffix(".png" if depth != 32 and channels in MODES else ".tif")


PAGED = (".tif", ".tiff")
"""Endings of the files that can hold pages."""


def write(path: str | Path, image: Pixels | Tensor, *, like: Original | None = None, depth: Depth | None = None) -> None:
    """Write one image; the suffix of `path` chooses the format (PNG, JPEG, WebP, TIFF, BMP or NPY).

    image: pixels `[H, W, C]` of any depth, or an image float `[C, H, W]` in [-1, 1].
    like: the file that this one answers: its EXIF and dots per inch are kept where the format has room for them, its colour
        profile where the answer has the colour model that it is for. Where it has a value range, black and white are written
        as the numbers of that range, with the type that its samples have, or floats.
    depth: bits of a sample in the file; by default those of `like`, else those of the pixels, else 8.

    JPEG (quality 95, no subsampling) and no other loses; PNG holds up to 16 bits, TIFF and NPY any number of channels and
    floats too (see `writable`). A TIFF is compressed where `like` was; one of more than 4 GB loses its EXIF. A reader sees
    the old file or the whole new one, never a part.

    Raises DataError for an unknown suffix, ShapeError where the shape is no image or the format cannot hold its channels or
    depth, OSError where the folder cannot be written.
    """
    path = Path(path)
    if depth is None and like is not None:
        depth = like.depth
    if isinstance(image, Tensor) and image.is_floating_point() and image.ndim == 3:
        image = to_pixels(image[None], depth=depth or 8)[0].cpu().numpy()
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.dtype not in DTYPES.values() or not image.size:
        raise ShapeError(
            f"{path.name}: the image is {image.dtype} {list(image.shape)}; wanted uint8, uint16 or float32 [H, W, C] or "
            "float [C, H, W]"
        )
    how = encoding(like, channels=image.shape[2], depth=depth or depth_of(image))
    format = require_writable(path, channels=image.shape[2], depth=how.depth)
    samples = how.samples(require_pixels(image))
    height, width, channels = samples.shape
    with replacing(path) as partial:
        match format:
            case "TIFF":
                tiff_writing.write(partial, samples, shape=(height, width, channels), dtype=how.dtype, like=like)
            case "NPY":
                with partial.open("wb") as stream:
                    np.save(stream, samples)
            case "PNG" if how.depth == 16:
                content = imagecodecs.png_encode(samples if channels > 1 else samples[:, :, 0])
                partial.write_bytes(content[:33] + png_chunks(samples.shape, like) + content[33:])
            case _:
                said = _said(format, samples.shape, like) if like else {}
                picture(samples).save(partial, format=format, **_HOW.get(format, {}), **said)


@final
class PageWriter:
    """A TIFF to which pages are added."""

    def __init__(self, file: tifffile.TiffWriter) -> None:
        self._file = file
        self.parts: list[tiff_writing.Parts] = []

    def append(self, image: Pixels, *, like: Original | None = None, depth: Depth | None = None) -> None:
        """One page more, as `write` writes a file."""
        how = encoding(like, channels=require_pixels(image).shape[2], depth=depth or (like.depth if like else depth_of(image)))
        samples = how.samples(image)
        height, width, channels = samples.shape
        shape = (height, width, channels)
        self.parts.append(tiff_writing.add(self._file, samples, shape=shape, dtype=how.dtype, like=like))


@contextlib.contextmanager
def write_pages(path: str | Path, *, room: int) -> Iterator[PageWriter]:
    """A TIFF of several pages, of any sizes and depths, that go to the disk one after the other; it appears, whole, when the
    block ends.

    room: bytes of all their samples, or more: what makes more than 4 GB must be a BigTIFF from the start, which keeps no EXIF.
    DataError for another suffix than .tif or .tiff; OSError.
    """
    path = Path(path)
    if path.suffix.lower() not in PAGED:
        raise DataError(f"{path.name}: cannot write pages as '{path.suffix}'; wanted one of {', '.join(PAGED)}")
    with replacing(path) as partial:
        with tiff_writing.new(partial, room=room) as file:
            writer = PageWriter(file)
            yield writer
        tiff_writing.append_parts(partial, dict(enumerate(writer.parts)))


def require_writable(path: Path, *, channels: int, depth: Depth) -> str:
    """The format that the path's suffix stands for; DataError where there is none, ShapeError where it cannot hold that."""
    require_depth(depth)
    if path.suffix.lower() not in WRITABLE:
        raise DataError(f"{path.name}: cannot write '{path.suffix}'; wanted one of {', '.join(WRITABLE)}")
    format = WRITABLE[path.suffix.lower()]
    holds, other = _HOLDS[format], writable(path, channels=channels, depth=depth)
    if depth not in holds.depths:
        raise ShapeError(
            f"{path.name}: {format} cannot hold {'floats' if depth == 32 else f'{depth} bits'}; use {other.suffix}, or write "
            f"with depth={max(holds.depths)}"
        )
    if holds.channels is not None and channels not in holds.channels:
        what = "transparency" if channels in ALPHA else "so many channels"
        raise ShapeError(f"{path.name}: {format} cannot hold {what} ({channels} channels); use {other.suffix}")
    return format


def png_chunks(shape: tuple[int, ...], like: Original | None) -> bytes:
    """The chunks of a PNG that say what is kept of `like`; they stand right behind its header."""
    if like is None:
        return b""
    chunks = []
    if profile := like.profile(shape[2]):
        chunks.append(png_chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile)))
    if like.dpi:
        across, down = (round(number / 0.0254) for number in like.dpi)  # to the metre
        chunks.append(png_chunk(b"pHYs", struct.pack(">IIB", across, down, 1)))
    if exif := like.exif_for(width=shape[1], height=shape[0]):
        chunks.append(png_chunk(b"eXIf", exif.removeprefix(b"Exif\0\0")))
    return b"".join(chunks)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG: length, kind, content, checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; when the block ends well it takes the place of `path`, else it goes.

    Unlike `files.replacing` without waiting for the disk: a translation writes thousands of files, and can be repeated.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    with owned(partial):
        yield partial
        os.replace(partial, path)


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left of images that they wrote, at any depth; what living ones write stays."""
    for leftover in folder.rglob(".*.part"):
        if _PARTIAL.fullmatch(leftover.name):
            remove_abandoned(leftover)


def _said(format: str, shape: tuple[int, ...], like: Original) -> dict[str, Any]:
    """What of `like` Pillow writes into a file of this format."""
    said: dict[str, Any] = {}
    if format in _SAY_EXIF:
        if profile := like.profile(shape[2]):
            said["icc_profile"] = profile
        if exif := like.exif_for(width=shape[1], height=shape[0]):
            said["exif"] = exif
    if like.dpi and format != "WEBP":
        said["dpi"] = like.dpi
    return said
