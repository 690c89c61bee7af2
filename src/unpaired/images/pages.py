"""The pages of a TIFF: which are images, and which are parts of one."""

import contextlib
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

import numpy as np
import tifffile
from PIL import Image

from unpaired.errors import DataError, UnreadableImages
from unpaired.images import tiff
from unpaired.images.channels import MODES, Samples
from unpaired.images.levels import ValueRange, type_name
from unpaired.images.opening import (
    WANTED,
    by_pillow,
    depth_of_samples,
    explained,
    identify,
    require_size,
    start_of,
    stream_of,
)
from unpaired.images.original import Original
from unpaired.images.tiff import Layout, Place

_NARROW = 16
"""No image is so narrow and has so many more rows and likes, but an array `[H, W, C]` of which each `[W, C]` was made a page."""

Decoded = tuple[Image.Image | Samples, Original | None]


@final
class Page:
    """An image of an opened TIFF that has several. number: from 0; width, height: as stored."""

    def __init__(self, owner: "Pages", number: int) -> None:
        self.number, self._owner = number, owner
        page: Any = owner.file.pages[owner.places[number].pages[0]].aspage()
        self.width, self.height = int(page.imagewidth), int(page.imagelength)

    def __str__(self) -> str:
        return f"page {self.number + 1}"

    def decode(self, *, channels: int | None, value_range: ValueRange | None, largest: int) -> Decoded:
        """As `reading.decode`, with what an answer keeps of it."""
        owner = self._owner
        how: dict[str, Any] = {"channels": channels, "value_range": value_range, "largest": largest, "keep": True}
        return _decoded(owner.stream, owner.file, owner.image, owner.places[self.number], **how)


@final
class Pages:
    """The images of an opened TIFF, in their order."""

    def __init__(self, stream: Any, file: tifffile.TiffFile, image: Image.Image | None, places: tuple[Place, ...]) -> None:
        self.stream, self.file, self.image, self.places = stream, file, image, places
        self._pages = [Page(self, number) for number in range(len(places))]

    def __len__(self) -> int:
        return len(self._pages)

    def __iter__(self) -> Iterator[Page]:
        return iter(self._pages)


@contextlib.contextmanager
def open_pages(source: str | Path | bytes, *, channels: int | None = None) -> Iterator[Pages]:
    """The images of a TIFF, to be given to `open_image` one after the other. channels: see `arranged`.

    Raises UnreadableImages, and DataError where the file is none.
    """
    with contextlib.ExitStack() as stack:
        with explained(source):
            stream = stack.enter_context(stream_of(source))
            if start_of(stream)[:4] not in tiff.STARTS:
                raise DataError(f"{source if isinstance(source, str | Path) else 'this file'} has no pages; read it as an image")
            image = identify(stream, largest=None)
            file = stack.enter_context(tiff.opened(stream))
            pages = Pages(stream, file, image, arranged(file, channels=channels))
        yield pages


def arranged(file: tifffile.TiffFile, *, channels: int | None) -> tuple[Place, ...]:
    """Where the images of a file are; one at least.

    Copies of reduced size and masks that say so (pyramids, thumbnails, overviews) are no images of their own. Several pages are
    one image where the file says that they are its channels (axes CYX) and so many are asked for, or that they are its rows
    (YXC); where more than 4 `channels` are asked for and the pages, of one size and type, have so many together; and where they
    are so narrow, or so wide as there are `channels`, that they must be the rows of an array [H, W, C], as tifffile writes it
    unless it is told otherwise. All other pages are images of their own.

    channels: None for as many as the file has. UnreadableImages where what is there cannot be reached.
    """
    numbers = _full(file)
    pages: list[Any] = [file.pages[number].aspage() for number in numbers]
    series = _series(file, numbers)
    if len(pages) == 1:
        _require_all(series, pages[0])
        return (Place(numbers),)
    shape: tuple[int, ...] = series.shape if series is not None else ()
    axes = series.axes if series is not None else ""
    single = pages[0].samplesperpixel == 1
    if single and axes.endswith("CYX") and (shape[-3] == channels or (channels is None and shape[-3] == len(numbers))):
        return tuple(Place(numbers[first : first + shape[-3]]) for first in range(0, len(numbers), shape[-3]))
    if single and axes in ("YXC", "YXS"):
        return (Place(numbers, "rows"),)
    if _alike(pages):
        if channels is not None and channels > max(MODES) and len(pages) * pages[0].samplesperpixel == channels:
            return (Place(numbers),)
        height, width = pages[0].imagelength, pages[0].imagewidth
        if single and width > 1 and (width == channels or width <= min(_NARROW, height - 1, len(pages) - 1)):
            return (Place(numbers, "rows"),)
    return tuple(Place((number,)) for number in numbers)


def only(places: tuple[Place, ...], *, channels: int | None) -> Place:
    """The one image that there is. UnreadableImages where there are several."""
    if len(places) == 1:
        return places[0]
    many = channels is not None and channels > max(MODES)
    raise UnreadableImages(
        f"a TIFF of {len(places)} pages; wanted one image: save each page as a file of its own (`unpaired translate` takes all)"
        + (f", or {channels} channels as pages of one size and type that have so many together" if many else "")
    )


def alone(image: Image.Image | None, *, channels: int | None) -> bool:
    """Whether a TIFF that Pillow opened is one page, all of which Pillow gives."""
    return image is not None and not getattr(image, "is_animated", True) and tiff.for_pillow(image, channels=channels)


def decode(stream: Any, *, channels: int | None, value_range: ValueRange | None, largest: int, keep: bool) -> Decoded:
    """The one image of a TIFF, as `reading.decode`."""
    image = identify(stream, largest=None)
    if not keep and alone(image, channels=channels):
        assert image is not None
        require_size(image.height, image.width, 4, largest=largest)
        return by_pillow(image, None, value_range=value_range)
    with tiff.opened(stream) as file:
        place = only(arranged(file, channels=channels), channels=channels)
        return _decoded(stream, file, image, place, channels=channels, value_range=value_range, largest=largest, keep=keep)


def found(
    file: tifffile.TiffFile, image: Image.Image | None, place: Place, *, channels: int | None
) -> tuple[Image.Image | None, Layout | None]:
    """An image as Pillow has it, where it knows it, and how it lies where tifffile is to read it; one of them is there."""
    image = _at(image, place)
    layout = None if image is not None and tiff.for_pillow(image, channels=channels) else tiff.layout(file, place)
    if image is None and layout is None:
        raise UnreadableImages(f"a TIFF of a kind that is not known; wanted grey, colour or plain channels in {WANTED}")
    return image, layout


def _decoded(
    stream: Any,
    file: tifffile.TiffFile,
    image: Image.Image | None,
    place: Place,
    *,
    channels: int | None,
    value_range: ValueRange | None,
    largest: int,
    keep: bool,
) -> Decoded:
    image, layout = found(file, image, place, channels=channels)
    page: Any = file.pages[place.pages[0]].aspage()
    if layout is None:
        assert image is not None
        require_size(image.height, image.width, 4, largest=largest)
        kept = tiff.about(stream, page, width=0, height=0, channels=0, depth=8, dtype="uint8", alpha=False) if keep else None
        return by_pillow(image, kept, value_range=value_range)
    require_size(layout.height, layout.width, layout.channels, largest=largest)
    samples = tiff.samples(file, layout, value_range=value_range)
    height, width, count = samples.pixels.shape
    dtype = np.dtype(page.dtype)
    seen: dict[str, Any] = {"width": width, "height": height, "channels": count, "depth": depth_of_samples(dtype)}
    return samples, tiff.about(stream, page, **seen, dtype=type_name(dtype), alpha=samples.alpha) if keep else None


def _at(image: Image.Image | None, place: Place) -> Image.Image | None:
    """The image of Pillow's at a place; None where it is of several pages, or Pillow does not know its kind."""
    if image is None or len(place.pages) > 1:
        return None
    try:
        image.seek(place.pages[0])
    except Exception:  # Pillow raises nearly anything at pages that it does not know
        return None
    return image


def _full(file: tifffile.TiffFile) -> tuple[int, ...]:
    """The numbers of the pages that are neither copies of reduced size nor masks."""
    if file.is_svs or file.is_ndpi:  # slides, whose copies do not say so
        return (0,)
    pages: list[Any] = [page.aspage() for page in file.pages]
    _require_end(file, pages[-1])
    full = tuple(number for number, page in enumerate(pages) if not (page.is_reduced or page.is_mask))
    if full:
        return full
    if any(page.subifds for page in pages):
        raise UnreadableImages("a TIFF whose pages are but small copies of what it holds, as in raw photographs; convert it")
    return (0,)


def _require_end(file: tifffile.TiffFile, last: Any) -> None:
    """UnreadableImages where the last page that is there points to another one, beyond the end of the file."""
    stream, words = file.filehandle, file.tiff
    stream.seek(last.offset)
    (count,) = struct.unpack(words.tagnoformat, stream.read(words.tagnosize))
    stream.seek(last.offset + words.tagnosize + count * words.tagsize)
    pointer = stream.read(words.offsetsize)
    if len(pointer) == words.offsetsize and struct.unpack(words.offsetformat, pointer)[0] >= stream.size:
        raise UnreadableImages(f"the file is truncated, or damaged: another page should follow page {len(file.pages)}")


def _series(file: tifffile.TiffFile, numbers: tuple[int, ...]) -> Any:
    """What the file says of all these pages together, as tifffile understands it, if anything."""
    try:
        first: Any = file.series[0]
        covered = tuple(page.index for page in first.pages)
    except Exception:  # tifffile raises nearly anything where such words are damaged, and they are not needed
        return None
    complete = covered == numbers and len(first.shape) > 2 and math.prod(first.shape[:-2]) == len(numbers)
    return first if complete or len(numbers) == 1 else None


def _require_all(series: Any, page: Any) -> None:
    """UnreadableImages where a file of one page has more images than that."""
    count = math.prod(series.shape) // max(1, math.prod(page.shape)) if series is not None else 1
    if count > 1:
        raise UnreadableImages(
            f"a TIFF of {count} images under one page, as ImageJ and MetaMorph write them; wanted a page for each: "
            "save them anew, as pages or as files"
        )


def _alike(pages: list[Any]) -> bool:
    """Whether pages are of one size and type."""
    kinds = {(page.shape, page.axes, page.dtype, page.bitspersample, page.photometric, page.extrasamples) for page in pages}
    return len(kinds) == 1 and int(pages[0].photometric) in tiff.PLAIN
