"""A plan carried out: tiles in, tiles out."""

import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from unpaired.errors import ShapeError
from unpaired.large.layers import Box, Moments, Norm, Shape, reflected
from unpaired.large.plan import VALUE, Pass, Plan, Planner, demand, leaves, tiles
from unpaired.large.program import Program
from unpaired.large.scratch import Scratch

Read = Callable[[slice, slice], Tensor]
Write = Callable[[slice, slice, Tensor], None]

LEFT_FREE = 0.95
"""Of the disk, what scratch files may take."""
MOST_STEPS = 64
"""By how many of its multiples an image that is too small for a network is grown."""


def padded_shape(network: nn.Module, *, shape: tuple[int, int], channels: int) -> tuple[int, int]:
    """Height and width at which the network takes an image of this shape: the least multiples of its strides that suffice.

    What is missing is mirrored below and to the right, the last row and column not repeated, and cut off from the answer
    (see `reflected`). ShapeError where no size will do, or where the network is not one of layers that are known.
    """
    return _padded(Program(network), shape, channels)


def whole_bytes(network: nn.Module, *, shape: tuple[int, int], channels: int) -> int:
    """Bytes of float32 feature maps that are in memory at once where an image of this shape goes through the network whole.

    What libraries need besides comes on top: allow twice as much. ShapeError as `padded_shape`.
    """
    program = Program(network)
    shapes = program.shapes(channels, *_padded(program, shape, channels))
    answer = len(shapes) - 1
    boxes = demand(program.steps, shapes, answer, Box.whole(shapes[answer]), frozenset())
    goes = leaves(program.steps, boxes)
    now = peak = 0
    for index in boxes:
        now += math.prod(shapes[index])
        peak = max(peak, now)
        now -= sum(math.prod(shapes[gone]) for gone in goes[index])
    return VALUE * peak


def translate_large(
    network: nn.Module,
    *,
    shape: tuple[int, int],
    channels: tuple[int, int],
    read: Read,
    write: Write,
    tile: int = 512,
    scratch: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Translate an image of any size in memory that is bounded by the tile; the answer is that of the whole image.

    network: in the mode in which it is to translate (`eval()`), on its device; norms that look at the image measure all of
        it, whatever the tile: instance and group norm, and batch norm where it does not use its running statistics.
    shape: the image's height and width, each at least 1. Where they do not suit the network, see `padded_shape`.
    channels: of the image and of the answer.
    read: rows and columns of the image as floats [1, C, h, w] in [-1, 1]. Asked in any order, for the same place many times.
    write: takes the answer's rows and columns, and their values: float32 [1, C, h, w] on the CPU, not clamped. Once for each
        place.
    tile: rows and columns of the image at once. Memory grows with its square, lost time at the tiles' borders with its
        inverse. What fits into one tile goes through the network as it is.
    scratch: a folder for layers that are too dear to compute again; none for the system's folder of temporary files. Its
        files have no names and vanish with the process. Where space is short, less is kept and more computed again.
    progress: is told the share of the work that is done, from 0 to 1.

    Runs under the caller's autocast, which then also halves the files. Dropout that is on in evaluation draws from seeds that
    come from torch's global generator, so the image hangs on `torch.manual_seed`, but not draw by draw as the whole one's.

    ShapeError where the network cannot be computed for a part of an image, or gives another size or other channels than it
    was asked for; RunError where the disk has too little space; OSError where it fails.
    """
    if min(*shape, tile) < 1:
        raise ShapeError(f"an image of {shape[0]} x {shape[1]} px in tiles of {tile} px; wanted at least one pixel of each")
    program = Program(network)
    size = _padded(program, shape, channels[0])
    shapes = program.shapes(channels[0], *size)
    if shapes[-1] != (channels[1], *size):
        raise ShapeError(
            f"the network makes {list(shapes[-1])} of an image {list(shapes[0])}; wanted {channels[1]} channels and the size kept"
        )
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    source = _Source(read, shape=shape, channels=channels[0], device=device)
    with torch.no_grad():
        if max(size) <= tile:
            whole = Box.whole(shapes[0])
            _write(network.forward(source.read(whole)), whole, shape=shape, write=write)
        else:
            with Scratch(scratch) as files:
                free = LEFT_FREE * files.free()
                plan = Planner(program, shapes, tile=tile).plan(free=free, folder=files.folder)
                _Run(program, shapes, plan, source, files).run(lambda box, y: _write(y, box, shape=shape, write=write), progress)
    if progress is not None:
        progress(1.0)


class _Run:
    """One image on its way through a plan."""

    def __init__(self, program: Program, shapes: list[Shape], plan: Plan, source: "_Source", files: Scratch) -> None:
        self._steps, self._shapes, self._plan, self._source, self._files = program.steps, shapes, plan, source, files

    def run(self, write: Callable[[Box, Tensor], None], progress: Callable[[float], None] | None) -> None:
        done = 0.0
        for one in self._plan.passes:
            listeners = self._listeners(one.target)
            moments = Moments(self._shapes[one.target][0])
            if one.kept:
                self._files.add(one.target, self._shapes[one.target])
            rows, cols = (tiles(size, side) for size, side in zip(self._shapes[one.target][1:], one.tile, strict=True))
            for row in rows:
                for col in cols:
                    box = Box(row, col)
                    y = self._tile(one, box)
                    if listeners:
                        moments.add(y)
                    if one.kept:
                        self._files[one.target].write(box, y)
                    if one.target == len(self._steps) - 1:
                        write(box, y)
                    done += one.work / (len(rows) * len(cols))
                    if progress is not None:
                        progress(min(done / self._plan.work, 1.0))
            for layer in listeners:
                layer.learn(moments, device=self._source.device)
            for index in one.last:
                self._files.drop(index)

    def _listeners(self, target: int) -> list[Norm]:
        """The norms that must know the statistics of a step."""
        norms = [step.layer for step in self._steps if isinstance(step.layer, Norm) and step.inputs == (target,)]
        return [norm for norm in norms if norm.measures]

    def _tile(self, one: Pass, box: Box) -> Tensor:
        """The target's values in a box, computed from what is kept."""
        boxes = demand(self._steps, self._shapes, one.target, box, one.reads)
        goes = leaves(self._steps, boxes)
        values: dict[int, Tensor] = {}
        for index, want in boxes.items():
            layer, inputs = self._steps[index]
            if layer is None:
                values[index] = self._source.read(want)
            elif index in one.reads:
                values[index] = self._files[index].read(want).to(self._source.device)
            else:
                size = self._shapes[inputs[0]][1:]
                need = layer.box(want, size=size)
                xs = [boxes[i].cut(values[i], need) for i in inputs]
                # Steps may answer with a part of what they were given, so whose memory it is does not show in their numbers.
                sharing = [i for i, value in values.items() if _memory(value) == _memory(xs[0])]
                values[index] = layer.compute(*xs, want=want, size=size, mine=set(sharing) <= set(goes[index]))
            for gone in goes[index]:
                del values[gone]
        return values[one.target]


class _Source:
    """The image, mirrored beyond its lower and right border as far as the network needs it."""

    def __init__(self, read: Read, *, shape: tuple[int, int], channels: int, device: torch.device) -> None:
        self._read, self._shape, self._channels, self.device = read, shape, channels, device

    def read(self, box: Box) -> Tensor:
        """Float32 [1, C, h, w], channels last, on the network's device."""
        places = [reflected(torch.arange(*span), size) for span, size in zip(box, self._shape, strict=True)]
        rows, cols = (slice(int(each.min()), int(each.max()) + 1) for each in places)
        x = self._read(rows, cols)
        wanted = [1, self._channels, rows.stop - rows.start, cols.stop - cols.start]
        if list(x.shape) != wanted or not x.is_floating_point():
            raise ShapeError(f"read gave {x.dtype} {list(x.shape)} for {rows}, {cols}; wanted floats {wanted}")
        for axis, (each, start) in enumerate(zip(places, (rows.start, cols.start), strict=True)):
            if box[axis].stop > self._shape[axis]:
                x = x.index_select(2 + axis, (each - start).to(x.device))
        # A copy: the network may write over it, and it may be the caller's own.
        return x.to(self.device, torch.float32, copy=True, memory_format=torch.channels_last)


def _write(y: Tensor, box: Box, *, shape: tuple[int, int], write: Write) -> None:
    """Hand on what lies within the image."""
    rows, cols = (slice(span.start, min(span.stop, size)) for span, size in zip(box, shape, strict=True))
    if rows.start < rows.stop and cols.start < cols.stop:
        y = y[:, :, : rows.stop - rows.start, : cols.stop - cols.start]
        write(rows, cols, y.to("cpu", torch.float32).contiguous())


def _padded(program: Program, shape: tuple[int, int], channels: int) -> tuple[int, int]:
    multiple = program.multiple()
    height, width = (math.ceil(size / multiple) * multiple for size in shape)
    why: ShapeError | None = None
    for more in range(MOST_STEPS):
        found = max(height, more * multiple), max(width, more * multiple)
        try:
            program.shapes(channels, *found)
        except ShapeError as error:
            why = error
        else:
            return found
    raise ShapeError(f"no size suits this network for an image of {shape[0]} x {shape[1]} px with {channels} channels: {why}")


def _memory(x: Tensor) -> int:
    return x.untyped_storage().data_ptr()
