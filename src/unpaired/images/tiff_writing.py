"""TIFF out, a page after the other."""

import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from unpaired.images.channels import ALPHA
from unpaired.images.original import Original, parts_of

_ORIENTATION = 274
_MOST = 2**32 - 2**25
"""Bytes of samples beyond which a TIFF is a BigTIFF."""

Parts = Mapping[int, Any]
"""The parts of an EXIF block (camera, place), by the tag that points to them."""


def has_alpha(like: Original | None, *, channels: int) -> bool:
    """Whether the last of so many channels of an answer is transparency."""
    return channels in ALPHA and (like is None or like.alpha or like.channels != channels)


def write(
    path: Path, pixels: npt.NDArray[Any] | None, *, shape: tuple[int, int, int], dtype: np.dtype[Any], like: Original | None
) -> None:
    """Write a TIFF of one page, as `add` does; one of more than 4 GB is a BigTIFF, which loses its EXIF."""
    with new(path, room=math.prod(shape) * dtype.itemsize) as file:
        parts = add(file, pixels, shape=shape, dtype=dtype, like=like)
    append_parts(path, {0: parts})


def new(path: Path, *, room: int) -> tifffile.TiffWriter:
    """A TIFF without pages, for samples of so many bytes."""
    return tifffile.TiffWriter(path, bigtiff=room > _MOST, byteorder="<")


def add(
    file: tifffile.TiffWriter,
    pixels: npt.NDArray[Any] | None,
    *,
    shape: tuple[int, int, int],
    dtype: np.dtype[Any],
    like: Original | None,
) -> Parts:
    """Write a page of samples of type `dtype`; without pixels an uncompressed one whose samples are zero and lie in one piece,
    to be filled in. Gives what `append_parts` has to put behind the last page.

    Of `like` it keeps colour profile, EXIF (but in a BigTIFF), density, whether it was compressed, and, where the size stayed,
    its place on Earth.
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
    parts: Parts = {}
    if exif and not file.tiff.is_bigtiff:
        said, parts = parts_of(exif)
        tags += [(code, 2, 0, str(said[code]), True) for code in said if code not in parts and code != _ORIENTATION]
    if pixels is None:
        how |= {"shape": shape if channels > 1 else shape[:2], "dtype": dtype, "rowsperstrip": height}
    else:
        how["data"] = pixels if channels > 1 else pixels[:, :, 0]
    file.write(**how, extratags=tags)
    return parts


def append_parts(path: Path, parts: Mapping[int, Parts]) -> None:
    """The parts of EXIF blocks at the end of a TIFF (not a BigTIFF), and directories of tags that point to them, in the place
    of those of their pages. parts: by the number of the page.

    tifffile writes no tags that point to others; the directories that it wrote stay behind, unused.
    """
    wanted = {number: some for number, some in parts.items() if some}
    if not wanted:
        return
    with path.open("rb+") as stream:
        pointer = 4
        for number in range(max(wanted) + 1):
            entries, after = _directory(stream, pointer)
            if number in wanted:
                after = _replace_directory(stream, pointer, entries, wanted[number], after=after)
            pointer = after


def _directory(stream: Any, pointer: int) -> tuple[list[bytes], int]:
    """The tags of the page that is pointed to from `pointer`, and where the pointer to the next page stands."""
    stream.seek(pointer)
    place = int.from_bytes(stream.read(4), "little")
    stream.seek(place)
    count = int.from_bytes(stream.read(2), "little")
    return [stream.read(12) for _ in range(count)], place + 2 + 12 * count


def _replace_directory(stream: Any, pointer: int, entries: list[bytes], parts: Parts, *, after: int) -> int:
    """Write the page's directory anew, with parts. Gives where its pointer to the next page stands now."""
    stream.seek(after)
    following = stream.read(4)
    for code, tags in parts.items():
        ifd = ImageFileDirectory_v2(b"II*\0\x08\0\0\0", group=code)
        for tag, value in tags.items():
            ifd[tag] = value
        place = _end(stream)
        stream.write(ifd.tobytes(place))
        entries.append(struct.pack("<HHII", code, 4, 1, place))
    entries.sort(key=lambda entry: int.from_bytes(entry[:2], "little"))
    place = _end(stream)
    stream.write(struct.pack("<H", len(entries)) + b"".join(entries) + following)
    stream.seek(pointer)
    stream.write(struct.pack("<I", place))
    return place + 2 + 12 * len(entries)


def _end(stream: Any) -> int:
    """The next even place at the end of a file."""
    place: int = stream.seek(0, 2)
    return place + stream.write(b"\0") if place % 2 else place
