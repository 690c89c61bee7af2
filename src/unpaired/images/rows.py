"""Images too large for the memory, a block of rows at a time."""

import contextlib
import dataclasses
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, final

import numpy as np
import numpy.typing as npt
import tifffile

from unpaired.errors import ShapeError
from unpaired.images import opening, pages, reading, tiff, tiff_writing
from unpaired.images.channels import Samples, named
from unpaired.images.levels import DTYPES, Depth, Pixels, ValueRange, depth_of, require_depth, to_depth, type_name
from unpaired.images.original import Original
from unpaired.images.pieces import Pieces, stored_rows
from unpaired.images.writing import Encoding, encoding, png_chunk, png_chunks, replacing, require_writable, write

_PNG_KINDS = {1: 0, 2: 4, 3: 2, 4: 6}
_PNG_LEVEL = 4  # of zlib: a tenth larger than its best, several times as fast


@final
class Rows:
    """An image of which some rows are read at a time.

    height, width, channels, depth: of what is read. original: what an answer keeps of the file. whole: whether the file was
    decoded whole, because its format has no other way.
    """

    def __init__(
        self, path: Path, source: "_Whole | _Npy | _Tiff", original: Original, *, channels: int, depth: Depth, background: str
    ) -> None:
        self.height, self.width, self.channels, self.depth = original.height, original.width, channels, depth
        self.original, self.whole = original, isinstance(source, _Whole)
        self._path, self._source, self._background = path, source, background

    def read(self, start: int, stop: int) -> Pixels:
        """The rows from `start` to before `stop`, `[stop - start, W, C]`. ShapeError beyond the image."""
        if not 0 <= start < stop <= self.height:
            raise ShapeError(f"rows {start} to {stop} of an image of {self.height}; wanted some between 0 and {self.height}")
        with opening.explained(self._path):
            found = self._source.read(start, stop)
            pixels = opening.with_channels(found, channels=self.channels, background=self._background)
        return to_depth(pixels, depth=self.depth)


@contextlib.contextmanager
def open_rows(
    path: str | Path,
    *,
    channels: int | None = None,
    depth: Depth | None = None,
    background: str = "white",
    value_range: ValueRange | None = None,
    largest: int = opening.HUGE,
) -> Iterator[Rows]:
    """A file of which some rows are read at a time, as `open_image` would give them.

    From NPY and from TIFF only the rows that are asked for come into memory (of a compressed TIFF: the strips or tiles that
    they touch, so a file that is a single compressed strip comes whole); any other format, and whatever must be turned
    upright, is decoded whole at once, and bounded by `largest`. Raises as `read` does, also while rows are read: a sample
    out of range is found when its row is.
    """
    path = Path(path)
    if depth is not None:
        require_depth(depth)
    with contextlib.ExitStack() as stack:
        with opening.explained(path):
            stream = stack.enter_context(path.open("rb"))
            source, original = _source(stream, stack, channels=channels, value_range=value_range, largest=largest)
            found = original.channels if channels is None else channels
            opening.require_channels(original.channels, source.colours, channels=found)
        original = dataclasses.replace(original, value_range=value_range)
        yield Rows(path, source, original, channels=found, depth=depth or original.depth, background=background)


@final
class RowWriter:
    """An image that is written from the top down. shape: height, width and channels."""

    def __init__(self, sink: "_Sink", shape: tuple[int, int, int], *, how: Encoding) -> None:
        self.sink, self.shape, self.done = sink, shape, 0
        self._how = how

    def append(self, pixels: Pixels) -> None:
        """The next rows, `[any number, W, C]` of any depth. ShapeError where they do not fit."""
        if pixels.ndim != 3 or pixels.shape[1:] != self.shape[1:] or self.done + len(pixels) > self.shape[0]:
            raise ShapeError(
                f"rows are {list(pixels.shape)} after {self.done} of {list(self.shape)}; wanted [N, {self.shape[1]}, "
                f"{self.shape[2]}] with N at most {self.shape[0] - self.done}"
            )
        depth_of(pixels)
        if len(pixels):
            self.sink.append(self._how.samples(pixels))
            self.done += len(pixels)


@contextlib.contextmanager
def write_rows(
    path: str | Path, *, shape: tuple[int, int, int], depth: Depth = 8, like: Original | None = None
) -> Iterator[RowWriter]:
    """A file that is written from the top down, a block of rows at a time; it appears, whole, when the block ends.

    path, like: as in `write`. shape: height, width and channels. PNG, TIFF (not compressed) and NPY go to the disk as they
    come; JPEG, WebP and BMP are held in memory till the end. Raises as `write` does; ShapeError where rows are missing at
    the end, and then nothing is written.
    """
    path = Path(path)
    if len(shape) != 3 or min(shape) < 1:
        raise ShapeError(f"shape is {list(shape)}; wanted height, width and channels, none of them 0")
    how = encoding(like, channels=shape[2], depth=depth)
    format = require_writable(path, channels=shape[2], depth=how.depth)
    with contextlib.ExitStack() as stack:
        if format in ("PNG", "NPY", "TIFF"):
            writer = RowWriter(_sink(path, format, stack, shape=shape, dtype=how.dtype, like=like), shape, how=how)
        else:  # encoded when all of it is there
            held: Depth = depth if how.value_range is None else 32
            writer = RowWriter(_WholeSink(path, shape, depth=held, like=like), shape, how=Encoding(held, np.dtype(DTYPES[held])))
        yield writer
        if writer.done < shape[0]:
            raise ShapeError(f"{path.name}: {writer.done} of {shape[0]} rows were written; wanted all of them")
        writer.sink.close()


def _source(
    stream: Any, stack: contextlib.ExitStack, *, channels: int | None, value_range: ValueRange | None, largest: int
) -> tuple["_Whole | _Npy | _Tiff", Original]:
    """The best way to read rows of a file, and what an answer keeps of it."""
    start = opening.start_of(stream)
    if start.startswith(reading.NPY):
        shape, fortran, dtype = reading.npy_header(stream)
        if not fortran:
            return _Npy(stream, value_range=value_range), reading.npy_original(shape, dtype)
    elif start[:4] in tiff.STARTS:
        file = stack.enter_context(tiff.opened(stream))
        place = pages.only(pages.arranged(file, channels=channels), channels=channels)
        found = tiff.layout(file, place)
        if found is not None and len(place.pages) == 1 and found.orientation == 1:
            pieces = tiff.pieces(found.page)
            opening.require_size(1 if pieces.in_one else pieces.tall, pieces.wide, found.channels, largest=largest)
            dtype = np.dtype(found.page.dtype)
            size = {"width": found.width, "height": found.height, "channels": found.channels}
            depth = opening.depth_of_samples(dtype)
            about = tiff.about(stream, found.page, **size, depth=depth, dtype=type_name(dtype), alpha=found.alpha)
            return _Tiff(pieces, found, value_range=value_range), about
    decoded, original = reading.decode(
        stream, channels=channels, at_least=None, value_range=value_range, largest=largest, keep=True
    )
    assert original is not None
    return _Whole(opening.as_samples(decoded, value_range=value_range)), original


def _sink(
    path: Path,
    format: str,
    stack: contextlib.ExitStack,
    *,
    shape: tuple[int, int, int],
    dtype: np.dtype[Any],
    like: Original | None,
) -> "_Sink":
    """Where samples go to in a file of this format; the file appears when the stack is left without an error."""
    partial = stack.enter_context(replacing(path))
    if format == "TIFF":
        tiff_writing.write(partial, None, shape=shape, dtype=dtype, like=like)
        with tifffile.TiffFile(partial) as file:
            place = file.pages[0].aspage().dataoffsets[0]
        filled = stack.enter_context(partial.open("rb+"))
        filled.seek(place)
        return _RawSink(filled)
    stream = stack.enter_context(partial.open("wb"))
    if format == "PNG":
        return _PngSink(stream, shape, depth=8 * dtype.itemsize, like=like)
    said = {"descr": np.lib.format.dtype_to_descr(dtype.newbyteorder("<")), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, said)
    return _RawSink(stream)


@final
class _Whole:
    """An image that had to be decoded whole."""

    def __init__(self, samples: Samples) -> None:
        self._samples, self.colours = samples, samples.colours

    def read(self, start: int, stop: int) -> Samples:
        return self._samples._replace(pixels=self._samples.pixels[start:stop])


@final
class _Npy:
    """An NPY file whose rows lie one after the other."""

    def __init__(self, stream: Any, *, value_range: ValueRange | None) -> None:
        self._shape, _, self._dtype = reading.npy_header(stream)
        self._stream, self._place, self._range = stream, stream.tell(), value_range
        self.colours = named(np.zeros((1, 1, self._shape[2]), np.uint8)).colours

    def read(self, start: int, stop: int) -> Samples:
        _, width, channels = self._shape
        raw = stored_rows(self._stream, self._place, self._dtype, (width, channels), start, stop)
        return reading.npy_samples(raw, value_range=self._range)


@final
class _Tiff:
    """A TIFF of one page that stands upright."""

    def __init__(self, pieces: Pieces, found: tiff.Layout, *, value_range: ValueRange | None) -> None:
        self._pieces, self._found, self._range = pieces, found, value_range
        self.colours = found.colours

    def read(self, start: int, stop: int) -> Samples:
        pixels = tiff.levels(self._pieces.rows(start, stop), self._found, value_range=self._range)
        return Samples(pixels, self._found.colours, self._found.alpha)


class _Sink(Protocol):
    """Where rows go to."""

    def append(self, pixels: Pixels) -> None:
        """The next rows."""

    def close(self) -> None:
        """There are no more rows."""


@final
class _RawSink:
    """Samples, one after the other."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def append(self, pixels: npt.NDArray[Any]) -> None:
        self._stream.write(pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).data)

    def close(self) -> None:
        self._stream.close()


@final
class _PngSink:
    """A PNG, compressed on the way. Each row is written as its difference to the one above, which packs well and costs little."""

    def __init__(self, stream: Any, shape: tuple[int, int, int], *, depth: int, like: Original | None) -> None:
        self._stream, self._packer = stream, zlib.compressobj(_PNG_LEVEL)
        self._above: npt.NDArray[np.uint8] = np.zeros((1, shape[1] * shape[2] * depth // 8), np.uint8)
        head = struct.pack(">IIBBBBB", shape[1], shape[0], depth, _PNG_KINDS[shape[2]], 0, 0, 0)
        stream.write(b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + png_chunks(shape, like))

    def append(self, pixels: Pixels) -> None:
        samples = pixels.astype(">u2") if pixels.dtype == np.uint16 else pixels
        rows = samples.reshape(len(pixels), -1).view(np.uint8)
        filtered = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
        filtered[:, 0] = 2  # "up"
        filtered[:, 1:] = rows - np.concatenate([self._above, rows[:-1]])
        self._above = rows[-1:].copy()
        self._put(self._packer.compress(filtered.data))

    def close(self) -> None:
        self._put(self._packer.flush())
        self._stream.write(png_chunk(b"IEND", b""))
        self._stream.close()

    def _put(self, content: bytes) -> None:
        if content:
            self._stream.write(png_chunk(b"IDAT", content))


@final
class _WholeSink:
    """An image of a format that is only written whole."""

    def __init__(self, path: Path, shape: tuple[int, int, int], *, depth: Depth, like: Original | None) -> None:
        self._path, self._like, self._depth, self._done = path, like, depth, 0
        self._pixels = np.empty(shape, DTYPES[depth])

    def append(self, pixels: Pixels) -> None:
        self._pixels[self._done : self._done + len(pixels)] = pixels
        self._done += len(pixels)

    def close(self) -> None:
        write(self._path, self._pixels, like=self._like, depth=self._depth)
