"""The strips and tiles that a page of a TIFF is made of, read as rows."""

import io
import itertools
import struct
from typing import Any, final

import numpy as np
import numpy.typing as npt
from PIL.TiffImagePlugin import TiffImageFile

from unpaired.errors import UnreadableImages

_LZW = 5


@final
class Pieces:
    """A page of which any rows can be read; only the strips or tiles that they touch come into memory.

    page: of tifffile's, its file open; nothing else may decode it after this. in_one: its samples lie one after the other.
    """

    def __init__(self, page: Any) -> None:
        self._page, self._stream = page, page.parent.filehandle
        self._planar = page.axes == "SYX"
        self._height, self._width, self._channels = page.imagelength, page.imagewidth, page.samplesperpixel
        if page.is_tiled:
            self.tall, self.wide = page.tilelength, page.tilewidth
        else:
            self.tall, self.wide = min(page.rowsperstrip, self._height), self._width
        self.in_one = bool(page.is_contiguous) and not self._planar
        self._kept: dict[int, npt.NDArray[Any]] = {}
        self._lzw = page.compression == _LZW
        if self._lzw:
            if page.fillorder != 1:
                raise UnreadableImages("a TIFF compressed by LZW with its bits turned round; wanted them in the usual order")
            # `_unpacked` takes tifffile this step off.
            page.compression = 1

    @property
    def count(self) -> int:
        """How many strips or tiles the file must have."""
        return -(-self._height // self.tall) * -(-self._width // self.wide) * (self._channels if self._planar else 1)

    def rows(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Rows `start` to before `stop` as they are stored, `[N, W, C]`. UnreadableImages where the file ends before."""
        if self.in_one:
            dtype = np.dtype(self._page.dtype).newbyteorder(self._page.parent.byteorder)
            return stored_rows(self._stream, self._page.dataoffsets[0], dtype, (self._width, self._channels), start, stop)
        rows = np.zeros((stop - start, self._width, self._channels), self._page.dtype)
        down, across = -(-self._height // self.tall), -(-self._width // self.wide)
        planes, bands = range(self._channels if self._planar else 1), range(start // self.tall, (stop - 1) // self.tall + 1)
        kept: dict[int, npt.NDArray[Any]] = {}
        for plane, band, place in itertools.product(planes, bands, range(across)):
            index, top, left = (plane * down + band) * across + place, band * self.tall, place * self.wide
            piece = self._kept[index] if index in self._kept else self._piece(index, top=top)
            if top + self.tall > stop:  # the next rows are likely to be in it too
                kept[index] = piece
            first, last = max(start, top), min(stop, top + piece.shape[0], self._height)
            width = min(piece.shape[1], self._width - left)
            channels = slice(plane, plane + 1) if self._planar else slice(None)
            rows[first - start : last - start, left : left + width, channels] = piece[first - top : last - top, :width]
        self._kept = kept
        return rows

    def _piece(self, index: int, *, top: int) -> npt.NDArray[Any]:
        """A strip or tile, decoded, `[rows, columns, C]`."""
        page = self._page
        self._stream.seek(page.dataoffsets[index])
        content = self._stream.read(page.databytecounts[index])
        if len(content) < page.databytecounts[index]:
            raise UnreadableImages("the file is truncated")
        if content and self._lzw:
            rows = self.tall if page.is_tiled else min(self.tall, self._height - top)
            samples = rows * self.wide * (1 if self._planar else self._channels)
            content = _unpacked(content, (samples * page.bitspersample + 7) // 8)
        decoded, _, shape = page.decode(content or None, index, jpegtables=page.jpegtables, jpegheader=page.jpegheader)
        if decoded is None:  # a piece that was left out is empty
            decoded = np.full(shape, page.nodata, page.dtype)
        piece: npt.NDArray[Any] = decoded[0]
        return piece


def stored_rows(stream: Any, place: int, dtype: np.dtype[Any], row: tuple[int, int], start: int, stop: int) -> npt.NDArray[Any]:
    """Rows `start` to before `stop`, `[N, W, C]`, of samples that lie one after the other from `place` on.

    row: width and channels. UnreadableImages where the file ends before.
    """
    length = row[0] * row[1] * dtype.itemsize
    stream.seek(place + start * length)
    content = stream.read((stop - start) * length)
    if len(content) < (stop - start) * length:
        raise UnreadableImages("the file is truncated")
    return np.frombuffer(content, dtype).reshape(stop - start, *row).astype(dtype.newbyteorder("="), copy=False)


def _unpacked(content: bytes, size: int) -> bytes:
    """The `size` bytes that were packed into an LZW piece, by Pillow: imagecodecs' decoder may crash on damaged data."""
    entries = (
        (256, 4, size), (257, 3, 1), (258, 3, 8), (259, 3, _LZW), (262, 3, 1), (273, 4, 130), (277, 3, 1), (278, 3, 1),
        (279, 4, len(content)),
    )  # fmt: skip
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries))
    head += b"".join(struct.pack("<HHII", code, kind, 1, value) for code, kind, value in entries)
    with TiffImageFile(io.BytesIO(head.ljust(130, b"\0") + content)) as image:
        return image.tobytes()
