"""Files in: what they say of themselves, and their pixels."""

import contextlib
import dataclasses
import io
import struct
from pathlib import Path
from typing import Any, NamedTuple

import imagecodecs
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from unpaired.errors import ShapeError, UnreadableImages
from unpaired.images import pages, tiff
from unpaired.images.channels import ALPHA, MODES, Samples, colour, from_picture, named, native_channels, to_channels
from unpaired.images.levels import Depth, Pixels, ValueRange, ranged, require_depth, to_depth, type_name
from unpaired.images.opening import (
    HUGE,
    LARGEST,
    about_picture,
    as_samples,
    by_pillow,
    depth_of_samples,
    explained,
    identify,
    mode_depth,
    mode_type,
    require_size,
    settled,
    start_of,
    stream_of,
    with_channels,
)
from unpaired.images.original import Original, density, kept_exif

NPY = b"\x93NUMPY"
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}
_PNG_MODES = {1: "I;16", 2: "LA;16", 3: "RGB;16", 4: "RGBA;16"}


class Header(NamedTuple):
    """What a file says of itself, before its pixels are decoded.

    format: as Pillow names it ("PNG"), or "NPY"; mode: as Pillow names it ("RGB", "P", "I;16"), or its channels and type
    where it has no name ("5 x uint16"); width, height: pixels as stored, before the EXIF orientation; channels: those that
    hold all that is there, so 3 for a palette and 4 for one with transparency; depth: bits of a sample, 32 for floats; dtype:
    of the samples, as numpy names it; pages: images in a TIFF, of which the rest speaks of the first.
    """

    format: str
    mode: str
    width: int
    height: int
    channels: int
    depth: Depth
    dtype: str = "uint8"
    pages: int = 1


def header(source: str | Path | bytes, *, channels: int | None = None) -> Header:
    """The format, mode, size, channels and depth of a file (a path, or the file's bytes). channels: how many will be asked for,
    if that is known, as the pages of a TIFF may be an image of so many (see `pages.arranged`). Raises UnreadableImages.
    """
    with explained(source), stream_of(source) as stream:
        start = start_of(stream)
        if start.startswith(NPY):
            shape, _, dtype = npy_header(stream)
            height, width, count = shape
            return Header("NPY", f"{count} x {dtype.name}", width, height, count, depth_of_samples(dtype), type_name(dtype))
        if is_deep_png(start):
            width, height = struct.unpack(">II", start[16:24])
            count = _PNG_CHANNELS.get(start[25], 3)
            return Header("PNG", _PNG_MODES[count], width, height, count, 16, "uint16")
        image = identify(stream, largest=None)
        if start[:4] not in tiff.STARTS or pages.alone(image, channels=channels):
            assert image is not None
            return _pillow_header(image)
        with tiff.opened(stream) as file:
            places = pages.arranged(file, channels=channels)
            image, found = pages.found(file, image, places[0], channels=None)
            if found is None:
                assert image is not None
                return _pillow_header(image)._replace(pages=len(places))
            dtype = np.dtype(found.page.dtype)
            mode = image.mode if image is not None and found.channels == 1 else f"{found.channels} x {dtype.name}"
            size = (found.width, found.height, found.channels)
            return Header("TIFF", mode, *size, depth_of_samples(dtype), type_name(dtype), len(places))


def read(
    source: str | Path | bytes | Image.Image,
    *,
    channels: int = 3,
    depth: Depth = 8,
    background: str = "white",
    at_least: int | None = None,
    value_range: ValueRange | None = None,
    largest: int = LARGEST,
) -> Pixels:
    """The pixels of a file, upright, `[H, W, channels]`, as uint8, uint16 or float32 in [0, 1].

    source: a path, the bytes of a file, or an image that Pillow opened. Of an animation the first frame is read.
    channels: 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA), which become each other as in `convert`; or as many as the
        file has, if it is a TIFF or NPY. An RGB TIFF's extra channels of no known meaning are left out where 3 are wanted.
    depth: bits of a sample of the result, see `to_depth`.
    background: the colour behind transparent pixels when `channels` has no alpha; a name or "#rrggbb".
    at_least: pixels; a JPEG may be decoded at a half, a quarter or an eighth of its size as long as both sides stay at
        least so long. Much faster for large photographs that are made small anyway.
    value_range: the file's samples that are black and white, where they are not 0 and 255, 65535 or 1.0: (-1000, 1000), say,
        for a CT image. Samples beyond are cut off; transparency has its own range.
    largest: pixels (of 4 channels; more count for more) that are decoded at the most.

    An NPY file holds `[H, W]` or `[H, W, C]`; its 2 or 4 channels are taken for grey or RGB with alpha where another number
    is wanted. The pages of a TIFF may be its channels or its rows (see `pages.arranged`). PPM with 16-bit colour comes from
    Pillow as its upper 8 bits.

    Raises UnreadableImages where the file is missing, truncated, not an image, several images (a TIFF of several pages: see
    `open_pages`), too large, of an unknown sample range or of other channels; DataError where `background` is no colour or
    `value_range` is empty; ShapeError where `channels` or `depth` is none of the above.
    """
    if not isinstance(channels, int) or channels < 1:
        raise ShapeError(f"channels is {channels}; wanted 1 (grey), 2 (grey, alpha), 3 (RGB), 4 (RGBA) or more")
    require_depth(depth)
    behind = colour(background)
    with explained(source):
        if isinstance(source, Image.Image):
            decoded = settled(ImageOps.exif_transpose(source), value_range=value_range)
        else:
            with stream_of(source) as stream:
                decoded, _ = decode(stream, channels=channels, at_least=at_least, value_range=value_range, largest=largest)
        if isinstance(decoded, Image.Image) and channels in MODES and value_range is None:
            return to_depth(from_picture(to_channels(decoded, channels=channels, behind=behind)), depth=depth)
        found = as_samples(decoded, value_range=value_range)
        return to_depth(with_channels(found, channels=channels, background=background), depth=depth)


def open_image(
    source: str | Path | bytes | Image.Image | pages.Page,
    *,
    channels: int | None = None,
    depth: Depth | None = None,
    background: str = "white",
    value_range: ValueRange | None = None,
    largest: int = HUGE,
) -> tuple[Pixels, Original]:
    """The pixels of a file (or of an image that Pillow opened, or of a page) as `read` gives them, by default with all its
    channels at its own depth, and what an answer keeps of the file besides. Raises as `read` does.
    """
    if depth is not None:
        require_depth(depth)
    colour(background)
    with explained(source):
        if isinstance(source, Image.Image):
            decoded, original = by_pillow(source.copy(), about_picture(source), value_range=value_range)
        elif isinstance(source, pages.Page):
            decoded, original = source.decode(channels=channels, value_range=value_range, largest=largest)
        else:
            with stream_of(source) as stream:
                decoded, original = decode(
                    stream, channels=channels, at_least=None, value_range=value_range, largest=largest, keep=True
                )
        assert original is not None
        found = as_samples(decoded, value_range=value_range)
        pixels = found.pixels if channels is None else with_channels(found, channels=channels, background=background)
        return to_depth(pixels, depth=depth or original.depth), dataclasses.replace(original, value_range=value_range)


def npy_header(stream: Any) -> tuple[tuple[int, int, int], bool, np.dtype[Any]]:
    """Shape `[H, W, C]`, whether it lies column by column (Fortran), and type of an NPY file; the stream stands at its data."""
    stream.seek(0)
    version = np.lib.format.read_magic(stream)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read_header(stream)
    if len(shape) not in (2, 3) or not all(shape):
        raise UnreadableImages(f"an array {list(shape)}; wanted [H, W] or [H, W, C], none of them 0")
    if dtype.kind not in "buif":
        raise UnreadableImages(f"an array of {dtype.name}; wanted uint8, uint16 or floats from 0 to 1")
    height, width, channels = shape if len(shape) == 3 else (*shape, 1)
    return (height, width, channels), fortran, dtype


def decode(
    stream: Any,
    *,
    channels: int | None,
    at_least: int | None,
    value_range: ValueRange | None,
    largest: int,
    keep: bool = False,
) -> tuple[Image.Image | Samples, Original | None]:
    """What is in a file, upright: an 8-bit image of Pillow's, or samples; and under `keep` what an answer keeps of it."""
    start = start_of(stream)
    if start.startswith(NPY):
        samples = _npy(stream, value_range=value_range, largest=largest)
        return samples, npy_original(samples.pixels.shape, npy_header(stream)[2])
    if is_deep_png(start):
        return _deep_png(stream, value_range=value_range, largest=largest)
    if start[:4] in tiff.STARTS:
        return pages.decode(stream, channels=channels, value_range=value_range, largest=largest, keep=keep)
    image = identify(stream, largest=largest)
    assert image is not None
    if at_least is not None:
        image.draft(None, (at_least, at_least))
    image.load()  # a PNG may say its EXIF last
    about = about_picture(image) if keep else None
    return by_pillow(image, about, value_range=value_range)


def _npy(stream: Any, *, value_range: ValueRange | None, largest: int) -> Samples:
    shape, fortran, dtype = npy_header(stream)
    require_size(*shape, largest=largest)
    count = shape[0] * shape[1] * shape[2]
    content = stream.read(count * dtype.itemsize)
    if len(content) < count * dtype.itemsize:
        raise UnreadableImages("the file is truncated")
    raw = np.frombuffer(content, dtype)
    return npy_samples(raw.reshape(shape[::-1]).transpose() if fortran else raw.reshape(shape), value_range=value_range)


def npy_samples(raw: npt.NDArray[Any], *, value_range: ValueRange | None) -> Samples:
    """The rows `[N, W, C]` of an NPY file as samples. UnreadableImages where nobody knows their range."""
    if raw.dtype.name in ("int16", "int32", "uint32") and value_range is None:
        # Elsewhere these are 16 bits by custom; numpy makes them of whatever was counted.
        raise UnreadableImages(
            f"{raw.dtype.name} samples, whose black and white nobody knows; wanted uint8, uint16 or floats from 0 to 1: convert "
            "the file, or say which samples are black and white: --value-range LOW HIGH in training, value_range in Python"
        )
    return named(np.ascontiguousarray(ranged(raw, alpha=raw.shape[2] in ALPHA, value_range=value_range)))


def npy_original(shape: tuple[int, int, int], dtype: np.dtype[Any]) -> Original:
    """What an answer keeps of an NPY file `[H, W, C]`."""
    depth = depth_of_samples(dtype)
    return Original("NPY", shape[1], shape[0], shape[2], depth, alpha=shape[2] in ALPHA, dtype=type_name(dtype))


def is_deep_png(start: bytes) -> bool:
    """Whether a file that starts so (26 bytes) is a PNG with 16 bits a sample, of which Pillow gives only the upper 8."""
    return start.startswith(_PNG) and start[12:16] == b"IHDR" and start[24:25] == b"\x10"


def _deep_png(stream: Any, *, value_range: ValueRange | None, largest: int) -> tuple[Samples, Original]:
    stream.seek(0)
    content = stream.read()
    width, height = struct.unpack(">II", content[16:24])
    require_size(height, width, 4, largest=largest)
    image = identify(io.BytesIO(content), largest=None)
    raw = imagecodecs.png_decode(content)
    raw = raw if raw.ndim == 3 else raw[:, :, None]
    assert image is not None
    exif = Image.Exif()
    if block := _png_exif(content):
        with contextlib.suppress(Exception):  # as below
            exif.load(b"Exif\0\0" + block)
    channels, alpha = raw.shape[2], raw.shape[2] in ALPHA
    turn = exif.get(0x0112, 1)
    pixels = tiff.upright(ranged(raw, alpha=alpha, value_range=value_range), turn if isinstance(turn, int) else 1)
    original = Original(
        format="PNG",
        width=pixels.shape[1],
        height=pixels.shape[0],
        channels=channels,
        depth=16,
        alpha=alpha,
        icc=image.info.get("icc_profile") or None,
        exif=kept_exif(exif),
        dpi=density(image.info.get("dpi")),
        dtype="uint16",
    )
    return named(pixels), original


def _png_exif(content: bytes) -> bytes | None:
    place = len(_PNG)
    while place + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        if kind == b"eXIf":
            return content[place + 8 : place + 8 + length]
        place += length + 12
    return None


def _pillow_header(image: Image.Image) -> Header:
    depth = mode_depth(image.mode)
    channels = native_channels(image) if depth == 8 else 1
    return Header(str(image.format), image.mode, image.width, image.height, channels, depth, mode_type(image.mode))
