"""Images that go through the network in tiles: read and written a block of rows at a time."""

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from unpaired import images
from unpaired.framing import Framing, Picture
from unpaired.images import Depth, Pixels, Rows, RowWriter
from unpaired.images.levels import DTYPES
from unpaired.translate.plan import Job
from unpaired.translator import Translator

_NO_PIXELS = np.empty((0, 0, 0), np.uint8)


def translate_file(job: Job, *, translator: Translator, scratch: Path | None, progress: Callable[[float], None]) -> None:
    """Translate a file of any size. In memory are some rows of it and of its answer, and what a tile needs; of a format that
    is decoded or encoded as a whole (JPEG; PNG in reading), all of it.

    Raises UnreadableImages and ShapeError, RunError where the disk has too little space for what is kept between tiles, and
    OSError; no part of an answer is left then.
    """
    with contextlib.ExitStack() as stack:
        path = job.found.path
        if path is None:  # of an archive: rows are read from files
            unpacked = stack.enter_context(tempfile.NamedTemporaryFile(dir=scratch, suffix=job.found.place.suffix))
            unpacked.write(job.found.read())
            unpacked.flush()
            path = Path(unpacked.name)
        framing, channels = job.framing, job.framing.source[0]
        how: dict[str, Any] = {
            "background": framing.background, "depth": framing.read_depth, "value_range": framing.source_range
        }  # fmt: skip
        rows = stack.enter_context(images.open_rows(path, channels=channels + job.transparent, **how))
        alpha = job.transparent and rows.original.alpha
        if job.transparent and not alpha:
            rows = stack.enter_context(images.open_rows(path, channels=channels, **how))
        job.target.parent.mkdir(parents=True, exist_ok=True)
        shape = (rows.height, rows.width, framing.target[0] + alpha)
        like, depth = rows.original.answering(framing.target_range, alpha=alpha), framing.answer_depth(rows.original)
        out = stack.enter_context(images.write_rows(job.target, shape=shape, depth=depth, like=like))
        canvas = _Canvas(rows, out, framing=framing, alpha=alpha, depth=depth)
        translator.tiled(
            shape=(rows.height, rows.width), read=canvas.read, write=canvas.write, scratch=scratch, progress=progress
        )


class _Canvas:
    """Rows of a file as tiles, and tiles as rows of its answer. depth: of the answer."""

    def __init__(self, rows: Rows, out: RowWriter, *, framing: Framing, alpha: bool, depth: Depth) -> None:
        self._framing, self._alpha, self._depth = framing, alpha, depth
        self._image, self._transparency = _Block(rows), _Block(rows)
        self._out = out
        self._band = _NO_PIXELS
        self._missing = 0

    def read(self, rows: slice, cols: slice) -> Tensor:
        """[1, C, h, w] in [-1, 1]."""
        pixels = np.ascontiguousarray(self._image.read(rows)[:, cols])
        return images.to_tensor(self._framing.picture(pixels, alpha=self._alpha).pixels[None])

    def write(self, rows: slice, cols: slice, y: Tensor) -> None:
        """Tiles come from left to right and from the top down."""
        if not self._missing:
            self._band = np.empty((rows.stop - rows.start, *self._out.shape[1:]), DTYPES[self._depth])
            self._missing = self._band.shape[0] * self._band.shape[1]
        picture = Picture(_NO_PIXELS, None, self._depth)
        if self._alpha:
            picture = self._framing.picture(self._transparency.read(rows)[:, cols], alpha=True)._replace(depth=self._depth)
        self._band[:, cols] = self._framing.answer(y[0], picture)
        self._missing -= y.shape[2] * y.shape[3]
        if not self._missing:
            self._out.append(self._band)


class _Block:
    """The rows of a file that were read last: tiles beside each other share them."""

    def __init__(self, rows: Rows) -> None:
        self._rows, self._span = rows, slice(0, 0)
        self._pixels: Pixels = _NO_PIXELS

    def read(self, rows: slice) -> Pixels:
        if rows != self._span:
            self._pixels, self._span = self._rows.read(rows.start, rows.stop), rows
        return self._pixels
