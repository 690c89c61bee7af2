"""Feature maps that are too large for memory: files without names, which vanish with the process."""

import shutil
import tempfile
from pathlib import Path
from types import TracebackType

import torch
from torch import Tensor

from unpaired.large.layers import Box, Shape, Span


class FeatureMap:
    """[C, H, W] in a file, place by place, so that a row of a tile is one read. Written and read explicitly: mapped into
    memory its pages would count as the process's own.

    OSError where the disk is full or gone.
    """

    def __init__(self, shape: Shape, *, folder: Path) -> None:
        self._shape = shape
        self._dtype: torch.dtype | None = None  # that of the first tile written
        self._file = tempfile.TemporaryFile(buffering=0, dir=folder)  # noqa: SIM115

    def write(self, box: Box, x: Tensor) -> None:
        """Keep x [1, C, h, w], whose place is `box`."""
        self._dtype = x.dtype
        values = _bytes(x[0].permute(1, 2, 0).contiguous().cpu())
        for place, part in self._rows(box, values):
            self._file.seek(place)
            while part:
                part = part[self._file.write(part) :]

    def read(self, box: Box) -> Tensor:
        """[1, C, h, w], channels last, of a box all of which was written."""
        assert self._dtype is not None, "read before it was written"
        x = torch.empty(box.rows.size, box.cols.size, self._shape[0], dtype=self._dtype)
        for place, part in self._rows(box, _bytes(x)):
            self._file.seek(place)
            while part:
                count = self._file.readinto(part)
                if not count:
                    raise OSError("a scratch file is shorter than what was written to it; is its disk gone?")
                part = part[count:]
        return x.permute(2, 0, 1)[None]

    def close(self) -> None:
        self._file.close()

    def _rows(self, box: Box, values: memoryview) -> list[tuple[int, memoryview]]:
        """Parts that lie together in the file: where, and their bytes in `values`."""
        assert self._dtype is not None
        channels, _, width = self._shape
        value = channels * self._dtype.itemsize
        if box.cols == Span(0, width):
            return [(box.rows.start * width * value, values)]
        row = box.cols.size * value
        return [((y * width + box.cols.start) * value, values[i * row : (i + 1) * row]) for i, y in enumerate(range(*box.rows))]


class Scratch:
    """The feature maps in use, by number, in `folder` (none: the system's folder for temporary files, which is made)."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = Path(tempfile.gettempdir()) if folder is None else folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._maps: dict[int, FeatureMap] = {}

    def __enter__(self) -> "Scratch":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number in list(self._maps):
            self.drop(number)

    @property
    def folder(self) -> Path:
        return self._folder

    def free(self) -> int:
        """Bytes that can still be written."""
        return shutil.disk_usage(self._folder).free

    def add(self, number: int, shape: Shape) -> None:
        self._maps[number] = FeatureMap(shape, folder=self._folder)

    def drop(self, number: int) -> None:
        self._maps.pop(number).close()

    def __getitem__(self, number: int) -> FeatureMap:
        return self._maps[number]


def _bytes(x: Tensor) -> memoryview:
    """The memory of a contiguous tensor on the CPU; numpy knows no bfloat16."""
    return x.flatten().view(torch.uint8).numpy().data
