"""Files in: what they say of themselves, and their pixels."""

import contextlib
import dataclasses
import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import imagecodecs
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from unpaired.errors import ShapeError, UnpairedError, UnreadableImages
from unpaired.images import tiff
from unpaired.images.channels import ALPHA, MODES, Samples, colour, convert, from_picture, native_channels, to_channels
from unpaired.images.levels import Depth, Pixels, ValueRange, ranged, require_depth, to_depth, type_name
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
NPY = b"\x93NUMPY"
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}
_PNG_MODES = {1: "I;16", 2: "LA;16", 3: "RGB;16", 4: "RGBA;16"}

# Pillow registers its plugins at the first open, which is not safe when the first opens happen in several threads.
Image.preinit()


class Header(NamedTuple):
    """What a file says of itself, before its pixels are decoded.

    format: as Pillow names it ("PNG"), or "NPY"; mode: as Pillow names it ("RGB", "P", "I;16"), or its channels and type
    where it has no name ("5 x uint16"); width, height: pixels as stored, before the EXIF orientation; channels: those that
    hold all that is there, so 3 for a palette and 4 for one with transparency; depth: bits of a sample, 32 for floats; dtype:
    of the samples, as numpy names it.
    """

    format: str
    mode: str
    width: int
    height: int
    channels: int
    depth: Depth
    dtype: str = "uint8"


def header(source: str | Path | bytes) -> Header:
    """The format, mode, size, channels and depth of a file (a path, or the file's bytes). Raises UnreadableImages."""
    with explained(source), stream_of(source) as stream:
        start = start_of(stream)
        if start.startswith(NPY):
            shape, _, dtype = npy_header(stream)
            height, width, channels = shape
            depth = depth_of_samples(dtype)
            return Header("NPY", f"{channels} x {dtype.name}", width, height, channels, depth, type_name(dtype))
        if is_deep_png(start):
            width, height = struct.unpack(">II", start[16:24])
            channels = _PNG_CHANNELS.get(start[25], 3)
            return Header("PNG", _PNG_MODES[channels], width, height, channels, 16, "uint16")
        image = identify(stream, largest=None)
        if image is not None and not (start[:4] in tiff.STARTS and not tiff.for_pillow(image, channels=None)):
            depth = _mode_depth(image.mode)
            channels = native_channels(image) if depth == 8 else 1
            return Header(str(image.format), image.mode, image.width, image.height, channels, depth, _mode_type(image.mode))
        with tiff.opened(stream) as file:
            found = tiff.layout(file)
            if found is not None:
                dtype = np.dtype(found.page.dtype)
                mode = image.mode if image is not None and found.channels == 1 else f"{found.channels} x {dtype.name}"
                return Header("TIFF", mode, found.width, found.height, found.channels, depth_of_samples(dtype), type_name(dtype))
        if image is None:
            raise UnreadableImages(f"a TIFF of a kind that is not known; wanted grey, colour or plain channels in {WANTED}")
        return Header("TIFF", image.mode, image.width, image.height, native_channels(image), 8)


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
    is wanted. A TIFF may hold its channels as pages too, if it says so (axes CYX). PPM with 16-bit colour comes from Pillow
    as its upper 8 bits.

    Raises UnreadableImages where the file is missing, truncated, not an image, too large, of an unknown sample range or of
    other channels; DataError where `background` is no colour or `value_range` is empty; ShapeError where `channels` or
    `depth` is none of the above.
    """
    if not isinstance(channels, int) or channels < 1:
        raise ShapeError(f"channels is {channels}; wanted 1 (grey), 2 (grey, alpha), 3 (RGB), 4 (RGBA) or more")
    require_depth(depth)
    behind = colour(background)
    with explained(source):
        if isinstance(source, Image.Image):
            decoded = _settled(ImageOps.exif_transpose(source), value_range=value_range)
        else:
            with stream_of(source) as stream:
                decoded, _ = decode(stream, channels=channels, at_least=at_least, value_range=value_range, largest=largest)
        if isinstance(decoded, Image.Image) and channels in MODES and value_range is None:
            return to_depth(from_picture(to_channels(decoded, channels=channels, behind=behind)), depth=depth)
        found = as_samples(decoded, value_range=value_range)
        return to_depth(with_channels(found, channels=channels, background=background), depth=depth)


def open_image(
    source: str | Path | bytes | Image.Image,
    *,
    channels: int | None = None,
    depth: Depth | None = None,
    background: str = "white",
    value_range: ValueRange | None = None,
    largest: int = HUGE,
) -> tuple[Pixels, Original]:
    """The pixels of a file (or of an image that Pillow opened) as `read` gives them, by default with all its channels at its
    own depth, and what an answer keeps of the file besides. Raises as `read` does.
    """
    if depth is not None:
        require_depth(depth)
    colour(background)
    with explained(source):
        if isinstance(source, Image.Image):
            decoded, original = _pillow(source.copy(), about_picture(source), value_range=value_range)
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
    image = identify(stream, largest=largest)
    if start[:4] in tiff.STARTS and (image is None or keep or not tiff.for_pillow(image, channels=channels)):
        with tiff.opened(stream) as file:
            by_pillow = image is not None and tiff.for_pillow(image, channels=channels)
            found = None if by_pillow else tiff.layout(file, channels=channels)
            if found is not None:
                require_size(found.height, found.width, found.channels, largest=largest)
                samples = tiff.samples(file, found, value_range=value_range)
                height, width, count = samples.pixels.shape
                dtype = np.dtype(found.page.dtype)
                seen = {"width": width, "height": height, "channels": count, "depth": depth_of_samples(dtype)}
                about = tiff.about(stream, file, **seen, dtype=type_name(dtype), alpha=samples.alpha) if keep else None
                return samples, about
            if image is None:
                raise UnreadableImages(f"a TIFF of a kind that is not known; wanted grey, colour or plain channels in {WANTED}")
            if keep:
                kept = tiff.about(stream, file, width=0, height=0, channels=0, depth=8, dtype="uint8", alpha=False)
                return _pillow(image, kept, value_range=value_range)
    assert image is not None
    if at_least is not None:
        image.draft(None, (at_least, at_least))
    image.load()  # a PNG may say its EXIF last
    about = about_picture(image) if keep else None
    return _pillow(image, about, value_range=value_range)


def about_picture(image: Image.Image) -> Original:
    """What is kept of a decoded image, but for the numbers of its pixels."""
    icc, dpi = image.info.get("icc_profile") or None, density(image.info.get("dpi"))
    return Original(str(image.format), 0, 0, 0, 8, icc=icc, exif=kept_exif(image), dpi=dpi)


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


def start_of(stream: Any) -> bytes:
    """The first bytes of a stream, 26 at the most. UnreadableImages where there are none."""
    stream.seek(0)
    start: bytes = stream.read(26)
    if not start:
        raise UnreadableImages("the file is empty")
    stream.seek(0)
    return start


def _settled(image: Image.Image, *, value_range: ValueRange | None) -> Image.Image | Samples:
    """An upright image of Pillow's that has 8 bits at the most as it is, any other as samples."""
    if not image.mode.startswith(("I", "F")):
        return image
    # 32-bit integers: PGM with 16 bits, and some 16-bit files in older Pillow.
    return Samples(ranged(np.asarray(image)[:, :, None], alpha=False, value_range=value_range), 1, False)


def _pillow(
    image: Image.Image, about: Original | None, *, value_range: ValueRange | None
) -> tuple[Image.Image | Samples, Original | None]:
    """An opened image decoded and upright, and what is kept of it with the numbers that only the pixels tell."""
    image.load()
    with contextlib.suppress(Exception):  # a damaged EXIF block is no reason to refuse the picture
        ImageOps.exif_transpose(image, in_place=True)
    if about is not None:
        depth = _mode_depth(image.mode)
        channels = native_channels(image) if depth == 8 else 1
        about = dataclasses.replace(about, width=image.width, height=image.height, channels=channels, depth=depth)
        about = dataclasses.replace(about, alpha=channels in ALPHA, dtype=_mode_type(image.mode))
    return _settled(image, value_range=value_range), about


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


def _mode_depth(mode: str) -> Depth:
    return 16 if mode.startswith("I") else 32 if mode == "F" else 8


def _mode_type(mode: str) -> str:
    return {"I": "int32", "F": "float32"}.get(mode, "uint16" if mode.startswith("I;16") else "uint8")


def named(pixels: Pixels) -> Samples:
    """Pixels whose 1 to 4 channels are what their number says."""
    channels = pixels.shape[2]
    return Samples(pixels, 0 if channels not in MODES else 1 if channels < 3 else 3, channels in ALPHA)


def depth_of_samples(dtype: np.dtype[Any]) -> Depth:
    """The depth at which samples of this type are kept."""
    return 8 if dtype.name in ("bool", "uint8", "int8") else 32 if dtype.kind == "f" or dtype.itemsize == 8 else 16


@contextlib.contextmanager
def stream_of(source: str | Path | bytes) -> Iterator[Any]:
    """A file, or its bytes, to read from."""
    with io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb") as stream:
        yield stream


@contextlib.contextmanager
def explained(source: str | Path | bytes | Image.Image) -> Iterator[None]:
    """Whatever a decoder raises for a bad file, as UnreadableImages; a path is named, nothing else has a name."""
    try:
        yield
    except MemoryError:  # says more of this machine than of the file
        raise
    except Exception as error:  # decoders raise nearly anything (struct.error, SyntaxError, ...) on damaged files
        if isinstance(error, UnpairedError) and not isinstance(error, UnreadableImages):
            raise  # speaks of an argument, not of the file
        label = f"{source}: " if isinstance(source, str | Path) else ""
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
