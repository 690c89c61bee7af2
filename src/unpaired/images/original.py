"""What a written answer keeps of the file that it answers."""

import contextlib
import dataclasses
import struct
from collections.abc import Mapping
from typing import Any

from PIL import ExifTags, Image

from unpaired.images.channels import ALPHA
from unpaired.images.levels import Depth, ValueRange, type_for

# Tags that speak of the picture and not of how its file is laid out.
_ABOUT = (
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Orientation,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.HostComputer,
    ExifTags.Base.Copyright,
)
_PARTS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)

Tag = tuple[int, int, int, Any, bool]
"""A TIFF tag as tifffile writes it: code, type, count, value, once."""


@dataclasses.dataclass(frozen=True)
class Original:
    """A file besides its pixels.

    format: as Pillow names it ("PNG"), or "NPY". width, height: upright. channels: in the file; alpha: whether the last of
    them is transparency; depth: of its samples (16-bit integers of any kind count as 16, wider ones and floats as 32).
    icc: the colour profile. exif: a block as EXIF writes it, "Exif" and two zeros first, its orientation 1, as the pixels
    are upright; without a thumbnail. dpi: across and down. compressed, geography: of a TIFF, whether it was compressed, and
    its GeoTIFF tags. dtype: of the samples, as numpy names it. value_range: the samples that are black and white, where they
    are not the ends of that type.
    """

    format: str
    width: int
    height: int
    channels: int
    depth: Depth
    alpha: bool = False
    icc: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None
    compressed: bool = False
    geography: tuple[Tag, ...] = ()
    dtype: str = "uint8"
    value_range: ValueRange | None = None

    def answering(self, value_range: ValueRange | None, *, alpha: bool = False) -> "Original":
        """As of a file of the range that an answer is to have; alpha: whether the answer has transparency."""
        if value_range is None:
            return dataclasses.replace(self, value_range=None)
        dtype = type_for(self.dtype, found=self.value_range, wanted=value_range, alpha=alpha)
        return dataclasses.replace(self, dtype=dtype, value_range=value_range)

    @property
    def mode(self) -> str:
        """In words: "grey", "grey and alpha", "RGB", "RGB and alpha", or "5 channels"."""
        kind = {1: "grey", 3: "RGB"}.get(self.channels - self.alpha, f"{self.channels} channels")
        return f"{kind} and alpha" if self.alpha and kind in ("grey", "RGB") else kind

    def profile(self, channels: int) -> bytes | None:
        """The colour profile, where pixels of so many channels have the colour model that it is for."""
        model = {1: b"GRAY", 3: b"RGB "}.get(channels - (channels in ALPHA))
        return self.icc if self.icc and self.icc[16:20] == model else None

    def exif_for(self, *, width: int, height: int) -> bytes | None:
        """The EXIF block of an answer of this size."""
        if self.exif is None or (width, height) == (self.width, self.height):
            return self.exif
        exif = Image.Exif()
        exif.load(self.exif)
        return _kept(exif, size=(width, height))


def kept_exif(said: Image.Image | Image.Exif) -> bytes | None:
    """What of a file's EXIF its answer keeps; None where there is nothing, or nothing readable."""
    try:
        return _kept(said.getexif() if isinstance(said, Image.Image) else said, size=None)
    except Exception:  # a damaged block raises nearly anything, and is no reason to refuse the picture
        return None


def exif_of_tiff(stream: Any, *, place: int, byteorder: str, big: bool) -> bytes | None:
    """What is kept of the tags of a page of a TIFF, of whatever kind its pixels are.

    place: of its directory in the file; byteorder: "<" or ">"; big: whether the file is a BigTIFF.
    """
    exif = Image.Exif()
    exif.endian, exif.bigtiff = byteorder, big
    with contextlib.suppress(Exception):
        exif.load_from_fp(stream, place)
        return kept_exif(exif)
    return None


def parts_of(exif: bytes) -> tuple[Image.Exif, dict[int, Mapping[int, Any]]]:
    """The tags of an EXIF block, and those of its parts (camera, place) by the tag that points to them."""
    loaded = Image.Exif()
    loaded.load(exif)
    parts = {int(part): loaded.get_ifd(part) for part in _PARTS}
    return loaded, {part: tags for part, tags in parts.items() if tags}


def density(dpi: Any) -> tuple[float, float] | None:
    """Dots per inch as two numbers above 0, where that is what a file says."""
    with contextlib.suppress(TypeError, ValueError, ZeroDivisionError, struct.error):
        across, down = (float(number) for number in dpi)
        if 0 < across < 1e6 and 0 < down < 1e6:
            return across, down
    return None


def _kept(exif: Image.Exif, *, size: tuple[int, int] | None) -> bytes | None:
    kept = Image.Exif()
    for tag in _ABOUT:
        if tag in exif:
            kept[tag] = 1 if tag == ExifTags.Base.Orientation else exif[tag]
    for part in _PARTS:
        tags = dict(exif.get_ifd(part))
        # Notes of the camera's maker point to places in the old file.
        tags.pop(ExifTags.Base.MakerNote, None)
        tags.pop(ExifTags.IFD.Interop, None)
        if size is not None and ExifTags.Base.ExifImageWidth in tags:
            tags[ExifTags.Base.ExifImageWidth], tags[ExifTags.Base.ExifImageHeight] = size
        if tags:
            kept[part] = tags
    return kept.tobytes() if len(kept) else None
