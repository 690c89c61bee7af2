"""The images in TIFFs of every depth and number of channels, by tifffile; Pillow reads the common 8-bit ones faster."""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image

from unpaired.errors import UnreadableImages
from unpaired.images.channels import ALPHA, MODES, Samples, colours_of, straight
from unpaired.images.levels import Depth, Pixels, ValueRange, ranged
from unpaired.images.original import Original, density, exif_of_tiff
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
PLAIN = (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB)
"""The kinds of pages whose samples need no decoding of colours."""
_CENTIMETRE = 3
_UNKNOWN, _PREMULTIPLIED, _STRAIGHT = 0, 1, 2  # kinds of extra samples


class Place(NamedTuple):
    """The pages of one image, by their numbers in the file. along: what they are of it, where they are several: channels, or
    rows `[W, C]`.
    """

    pages: tuple[int, ...]
    along: Literal["channels", "rows"] = "channels"


class Layout(NamedTuple):
    """How the samples of an image in an opened TIFF lie.

    page: the first of those that hold the image; place: all of them; height, width: as stored; channels; colours, alpha: see
    `Samples`; premultiplied: alpha is; bits: of a sample; inverted: 0 is white; orientation: as EXIF counts them.
    """

    page: Any
    place: Place
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


def layout(file: tifffile.TiffFile, place: Place) -> Layout | None:
    """How an image in the file lies; None where it is of a kind for Pillow (CMYK, palettes, YCbCr, Lab)."""
    page: Any = file.pages[place.pages[0]].aspage()
    kind = int(page.photometric)
    if kind not in PLAIN:
        return None
    if page.axes not in ("YX", "YXS", "SYX"):
        raise UnreadableImages(f"a TIFF with the axes {page.axes}; wanted rows, columns and channels")
    height, width, samples = page.imagelength, page.imagewidth, page.samplesperpixel
    if not all(isinstance(number, int) and number > 0 for number in (height, width, samples)):
        raise UnreadableImages(f"a damaged TIFF of {width} x {height} pixels and {samples} channels")
    pages = len(place.pages)
    extra = [int(which) for which in page.extrasamples]
    alpha = bool(extra) and extra[0] in (_PREMULTIPLIED, _STRAIGHT)
    colours = 3 if kind == _RGB and samples >= 3 else 1 if samples == 1 or (extra and extra[0] != _UNKNOWN) else 0
    if place.along == "rows":
        height, width, channels = pages, height, width
        colours, alpha = colours_of(channels), channels in ALPHA
    else:
        channels, colours, alpha = samples * pages, colours if pages == 1 else 0, alpha and samples == colours + 1 and pages == 1
    tag = page.tags.get(_ORIENTATION)
    return Layout(
        page=page,
        place=place,
        height=height,
        width=width,
        channels=channels,
        colours=colours,
        alpha=alpha,
        premultiplied=alpha and bool(extra) and extra[0] == _PREMULTIPLIED,
        bits=int(page.bitspersample if isinstance(page.bitspersample, int) else page.bitspersample[0]),
        inverted=kind == _WHITE_IS_ZERO,
        orientation=int(tag.value) if tag is not None and tag.value in range(1, 9) else 1,
    )


def samples(file: tifffile.TiffFile, found: Layout, *, value_range: ValueRange | None) -> Samples:
    """The image, decoded and upright. Raises UnreadableImages, and whatever tifffile raises for damaged files."""
    pages: list[Any] = [file.pages[number].aspage() for number in found.place.pages]
    parts = [pieces(page).rows(0, page.imagelength) for page in pages]
    if len(parts) == 1:
        raw = parts[0]
    elif found.place.along == "rows":
        raw = np.stack([part[:, :, 0] for part in parts])
    else:
        raw = np.concatenate(parts, axis=2)
    return Samples(upright(levels(raw, found, value_range=value_range), found.orientation), found.colours, found.alpha)


def pieces(page: Any) -> Pieces:
    """The page's rows. UnreadableImages where the file does not hold all of it, or is compressed in another way than is read."""
    if page.compression not in _COMPRESSIONS:
        packed = getattr(page.compression, "name", page.compression)
        raise UnreadableImages(
            f"a TIFF compressed by {packed}; wanted one that is not, or by LZW, Deflate, PackBits, JPEG, LZMA or Zstandard"
        )
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


def about(stream: Any, page: Any, *, width: int, height: int, channels: int, depth: Depth, dtype: str, alpha: bool) -> Original:
    """What an answer keeps of a page of an opened TIFF, whose pixels are as told."""
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
        exif=exif_of_tiff(stream, place=page.offset, byteorder=page.parent.byteorder, big=page.parent.is_bigtiff),
        dpi=(said[0] * inch, said[1] * inch) if said else None,
        compressed=int(page.tags.valueof(_COMPRESSION, 1)) != 1,
        geography=tuple((tag.code, int(tag.dtype), tag.count, tag.value, True) for tag in tags),
        dtype=dtype,
    )
