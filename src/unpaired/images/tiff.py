"""TIFF of every depth and number of channels, by tifffile; Pillow reads the common 8-bit ones faster."""

import contextlib
import logging
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from unpaired.errors import UnreadableImages
from unpaired.images.channels import ALPHA, MODES, Samples, straight
from unpaired.images.levels import Depth, Pixels, ValueRange, ranged
from unpaired.images.original import Original, density, exif_of_tiff, parts_of
from unpaired.images.pieces import Pieces

STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""What a TIFF begins with: either byte order, and either width of its pointers."""

# What these have to say of odd tags goes to those who listen, and not to the terminal of who does not.
for _name in ("PIL", "tifffile"):
    logging.getLogger(_name).addHandler(logging.NullHandler())

_BITS, _COMPRESSION, _DESCRIPTION, _EXTRA, _ORIENTATION = 258, 259, 270, 338, 274
# As with formats: a decoder that nobody needs is one that nobody can attack.
_COMPRESSIONS = frozenset((1, 5, 7, 8, 32773, 32946, 34925, 50000))
_GEOGRAPHY = (33550, 33922, 34264, 34735, 34736, 34737, 42112, 42113)
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_CENTIMETRE = 3
_UNKNOWN, _PREMULTIPLIED, _STRAIGHT = 0, 1, 2  # kinds of extra samples


class Layout(NamedTuple):
    """How the samples of an opened TIFF lie.

    page: the first of those that hold the image; pages: how many of them, of one channel each, make up the image; axes: of
    the page: "YX", "YXS" or "SYX"; height, width: as stored; channels; colours, alpha: see `Samples`; premultiplied: alpha is;
    bits: of a sample; inverted: 0 is white; orientation: as EXIF counts them.
    """

    page: Any
    pages: int
    axes: str
    height: int
    width: int
    channels: int
    colours: int
    alpha: bool
    premultiplied: bool
    bits: int
    inverted: bool
    orientation: int


def for_pillow(image: Image.Image, *, channels: int | None) -> bool:
    """Whether Pillow, which opened this TIFF, will give all its samples: no more than 8 bits, no unknown channels."""
    tags = getattr(image, "tag_v2", {})
    said = str(tags.get(_DESCRIPTION, ""))[:4000]
    stacked = "channels=" in said or '"axes": "C' in said or "<OME" in said
    # Extra samples of no known meaning are dropped by Pillow.
    unknown = _UNKNOWN in tags.get(_EXTRA, ()) and channels != 3
    return max(tags.get(_BITS, (1,))) <= 8 and not stacked and not unknown and (channels or 0) <= max(MODES)


@contextlib.contextmanager
def opened(stream: Any) -> Iterator[tifffile.TiffFile]:
    """A stream as tifffile's. The stream stays open."""
    stream.seek(0)
    with tifffile.TiffFile(stream) as file:
        if not len(file.pages):
            raise UnreadableImages("a TIFF without an image")
        yield file


def layout(file: tifffile.TiffFile, *, channels: int | None = None) -> Layout | None:
    """How the first image in the file lies; None where it is of a kind for Pillow (CMYK, palettes, YCbCr, Lab).

    channels: how many are asked for: a stack of so many unlabelled pages, more than 4, is then taken for one image.
    """
    page: Any = file.pages[0].aspage()
    kind = int(page.photometric)
    if kind not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB):
        return None
    if page.axes not in ("YX", "YXS", "SYX"):
        raise UnreadableImages(f"a TIFF with the axes {page.axes}; wanted rows, columns and channels")
    height, width, samples = page.imagelength, page.imagewidth, page.samplesperpixel
    if not all(isinstance(number, int) and number > 0 for number in (height, width, samples)):
        raise UnreadableImages(f"a damaged TIFF of {width} x {height} pixels and {samples} channels")
    if page.compression not in _COMPRESSIONS:
        packed = getattr(page.compression, "name", page.compression)
        raise UnreadableImages(
            f"a TIFF compressed by {packed}; wanted one that is not, or by LZW, Deflate, PackBits, JPEG, LZMA or Zstandard"
        )
    extra = [int(which) for which in page.extrasamples]
    colours = 3 if kind == _RGB and samples >= 3 else 1 if samples == 1 or (extra and extra[0] != _UNKNOWN) else 0
    alpha = bool(extra) and extra[0] in (_PREMULTIPLIED, _STRAIGHT) and samples == colours + 1
    pages = _stacked(file, channels=channels) if samples == 1 else 1
    tag = page.tags.get(_ORIENTATION)
    return Layout(
        page=page,
        pages=pages,
        axes=page.axes,
        height=height,
        width=width,
        channels=samples * pages,
        colours=colours if pages == 1 else 0,
        alpha=alpha,
        premultiplied=alpha and extra[0] == _PREMULTIPLIED,
        bits=int(page.bitspersample if isinstance(page.bitspersample, int) else page.bitspersample[0]),
        inverted=kind == _WHITE_IS_ZERO,
        orientation=int(tag.value) if tag is not None and tag.value in range(1, 9) else 1,
    )


def samples(file: tifffile.TiffFile, found: Layout, *, value_range: ValueRange | None) -> Samples:
    """The image, decoded and upright. Raises UnreadableImages, and whatever tifffile raises for damaged files."""
    pages = [pieces(file.pages[index].aspage()).rows(0, found.height) for index in range(found.pages)]
    raw = np.concatenate(pages, axis=2) if found.pages > 1 else pages[0]
    return Samples(upright(levels(raw, found, value_range=value_range), found.orientation), found.colours, found.alpha)


def pieces(page: Any) -> Pieces:
    """The page's rows. UnreadableImages where the file does not hold all of it."""
    for number in (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip,):
        if not isinstance(number, int) or number < 1:
            raise UnreadableImages("a damaged TIFF: its pieces have no size")
    found = Pieces(page)
    # Tiles may reach beyond the image, but none needs to be much larger.
    if found.tall * found.wide > 4 * max(page.imagelength * page.imagewidth, 1 << 22):
        raise UnreadableImages(f"a damaged TIFF: its pieces are of {found.wide} x {found.tall} pixels")
    there = min(len(page.dataoffsets), len(page.databytecounts))
    if there < found.count:
        raise UnreadableImages(f"the file is truncated, or damaged: it holds {there} of {found.count} pieces")
    return found


def levels(raw: npt.NDArray[Any], found: Layout, *, value_range: ValueRange | None) -> Pixels:
    """Stored samples `[rows, columns, C]` as pixels, with straight alpha; not yet upright."""
    if found.inverted and raw.dtype.kind in "bu":
        raw = ~raw if raw.dtype.kind == "b" else 2**found.bits - 1 - raw
    if raw.dtype.name in ("uint8", "uint16") and found.bits < 8 * raw.dtype.itemsize and value_range is None:
        white = np.iinfo(raw.dtype).max
        raw = np.rint(raw * (white / (2**found.bits - 1))).clip(0, white).astype(raw.dtype)
    pixels = ranged(raw, alpha=found.alpha, value_range=value_range)
    return straight(pixels) if found.premultiplied else pixels


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Pixels as EXIF's orientation (1 to 8) wants them shown."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def about(
    stream: Any, file: tifffile.TiffFile, *, width: int, height: int, channels: int, depth: Depth, dtype: str, alpha: bool
) -> Original:
    """What an answer keeps of an opened TIFF whose pixels are as told."""
    page: Any = file.pages[0].aspage()
    inch = 2.54 if page.resolutionunit == _CENTIMETRE else 1.0
    said = density(page.resolution) if 282 in page.tags and page.resolutionunit in (2, _CENTIMETRE) else None
    tags = [page.tags[code] for code in _GEOGRAPHY if code in page.tags]
    return Original(
        format="TIFF",
        width=width,
        height=height,
        channels=channels,
        depth=depth,
        alpha=alpha,
        icc=page.iccprofile,
        exif=exif_of_tiff(stream),
        dpi=(said[0] * inch, said[1] * inch) if said else None,
        compressed=int(page.tags.valueof(_COMPRESSION, 1)) != 1,
        geography=tuple((tag.code, int(tag.dtype), tag.count, tag.value, True) for tag in tags),
        dtype=dtype,
    )


def has_alpha(like: Original | None, *, channels: int) -> bool:
    """Whether the last of so many channels of an answer is transparency."""
    return channels in ALPHA and (like is None or like.alpha or like.channels != channels)


def write(
    path: Path, pixels: npt.NDArray[Any] | None, *, shape: tuple[int, int, int], dtype: np.dtype[Any], like: Original | None
) -> None:
    """Write a TIFF of samples of type `dtype`; without pixels an uncompressed one whose samples are zero and lie in one piece,
    to be filled in.

    Of `like` it keeps colour profile, EXIF, density, whether it was compressed, and, where the size stayed, its place on
    Earth. Several million rows or more than 4 GB make a BigTIFF, which loses its EXIF.
    """
    height, width, channels = shape
    alpha = has_alpha(like, channels=channels)
    colours = 3 if channels in (3, 4) and (alpha or channels == 3) else 1
    extra = (["unassalpha"] if alpha else ["unspecified"] * (channels - colours)) if channels > colours else None
    how: dict[str, Any] = {
        "photometric": "rgb" if colours == 3 else "minisblack",
        "planarconfig": "contig" if channels > 1 else None,
        "extrasamples": extra,
        "metadata": None,
        "software": False,
    }
    tags: list[tuple[Any, ...]] = []
    exif = like.exif_for(width=width, height=height) if like else None
    if like is not None:
        how["iccprofile"] = like.profile(channels)
        if like.dpi:
            how |= {"resolution": like.dpi, "resolutionunit": "inch"}
        if like.compressed and pixels is not None:
            how |= {"compression": "zlib", "predictor": True}
        if (height, width) == (like.height, like.width):
            tags += like.geography
    big = math.prod(shape) * dtype.itemsize > 2**32 - 2**25
    ifds: dict[int, Any] = {}
    if exif and not big:
        said, ifds = parts_of(exif)
        tags += [(code, 2, 0, str(said[code]), True) for code in said if code not in ifds and code != _ORIENTATION]
    if pixels is None:
        how |= {"shape": shape if channels > 1 else shape[:2], "dtype": dtype, "rowsperstrip": height}
    else:
        how["data"] = pixels if channels > 1 else pixels[:, :, 0]
    with tifffile.TiffWriter(path, bigtiff=big, byteorder="<") as file:
        file.write(**how, extratags=tags)
    if ifds:
        _append(path, ifds)


def _append(path: Path, ifds: dict[int, Any]) -> None:
    """The parts of an EXIF block at the end of a TIFF (not a BigTIFF), and a directory of its tags that points to them.

    tifffile writes no tags that point to others; the directory that it wrote stays behind, unused.
    """
    with path.open("rb+") as stream:
        stream.seek(4)
        stream.seek(int.from_bytes(stream.read(4), "little"))
        count = int.from_bytes(stream.read(2), "little")
        entries = [stream.read(12) for _ in range(count)]
        for code, tags in ifds.items():
            ifd = ImageFileDirectory_v2(b"II*\0\x08\0\0\0", group=code)
            for tag, value in tags.items():
                ifd[tag] = value
            place = _end(stream)
            stream.write(ifd.tobytes(place))
            entries.append(struct.pack("<HHII", code, 4, 1, place))
        entries.sort(key=lambda entry: int.from_bytes(entry[:2], "little"))
        place = _end(stream)
        stream.write(struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4))
        stream.seek(4)
        stream.write(struct.pack("<I", place))


def _end(stream: Any) -> int:
    """The next even place at the end of a file."""
    place: int = stream.seek(0, 2)
    return place + stream.write(b"\0") if place % 2 else place


def _stacked(file: tifffile.TiffFile, *, channels: int | None) -> int:
    """How many pages are the channels of one image; 1 where they are images of their own."""
    if not (file.is_imagej or file.is_ome or file.is_shaped) or len(file.pages) < 2:
        return 1
    series = file.series[0]
    if len(series.shape) != 3 or len(series.pages) != series.shape[0]:
        return 1
    named = series.axes == "CYX"
    asked = channels is not None and channels > max(MODES) and series.axes in ("QYX", "IYX")
    return int(series.shape[0]) if named or (asked and series.shape[0] == channels) else 1
