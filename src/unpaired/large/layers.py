"""Layers that can answer for a part of their image when they are given the part that it hangs on.

A *span* is a half-open range of rows or columns, a *box* a span of each. A layer knows the shape of its answer, which span of
its input a span of its answer hangs on, and how to compute a box from exactly that. All coordinates are those of the whole
image, so borders are where the image ends, not where a tile does.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from unpaired.errors import ShapeError

Shape = tuple[int, int, int]
"""Channels, height, width."""
Mode = Literal["zeros", "reflect", "replicate"]

TOUCH = 30.0
"""What reading a value, changing it and writing it costs beside a multiply-add of a convolution, which runs from the cache."""
NOISE_BLOCK = 64
"""Noise is drawn in squares of so many pixels, each from a seed of its own."""


class Span(NamedTuple):
    """Rows or columns from `start` up to, but without, `stop`."""

    start: int
    stop: int

    @property
    def size(self) -> int:
        return self.stop - self.start

    def union(self, other: "Span") -> "Span":
        return Span(min(self.start, other.start), max(self.stop, other.stop))

    def within(self, size: int) -> "Span":
        """The part inside [0, size), or the pixel next to it where there is none."""
        start = min(max(self.start, 0), size - 1)
        return Span(start, max(min(self.stop, size), start + 1))


class Box(NamedTuple):
    """Rows and columns."""

    rows: Span
    cols: Span

    @classmethod
    def whole(cls, shape: Shape) -> "Box":
        return cls(Span(0, shape[1]), Span(0, shape[2]))

    @property
    def area(self) -> int:
        return self.rows.size * self.cols.size

    def union(self, other: "Box") -> "Box":
        return Box(self.rows.union(other.rows), self.cols.union(other.cols))

    def cut(self, x: Tensor, inner: "Box") -> Tensor:
        """From x [1, C, h, w], which holds this box, the part that holds `inner`."""
        top, left = inner.rows.start - self.rows.start, inner.cols.start - self.cols.start
        return x[:, :, top : top + inner.rows.size, left : left + inner.cols.size]


class Layer(ABC):
    """One step of a network.

    work: multiply-adds, or what costs as much, for a value of the answer.
    """

    work: float

    @abstractmethod
    def shape(self, *inputs: Shape) -> Shape:
        """The shape of the answer. ShapeError where the inputs do not fit."""

    @abstractmethod
    def needs(self, span: Span, *, axis: int, size: int) -> Span:
        """The span of the inputs that `span` of the answer hangs on. axis: 0 rows, 1 columns; size: the whole input's."""

    @abstractmethod
    def compute(self, *xs: Tensor, want: Box, size: tuple[int, int], mine: bool) -> Tensor:
        """The answer's box `want`, [1, C, rows, cols], from inputs that hold exactly the box that it needs.

        size: height and width of the whole inputs. mine: whether the first input may be overwritten.
        """

    def box(self, want: Box, *, size: tuple[int, int]) -> Box:
        """The box of the inputs that `want` hangs on."""
        return Box(self.needs(want.rows, axis=0, size=size[0]), self.needs(want.cols, axis=1, size=size[1]))


class Pointwise(Layer):
    """An activation, or another function that neither mixes places nor counts channels."""

    work = TOUCH

    def __init__(self, function: Callable[[Tensor], Tensor], *, in_place: Callable[[Tensor], Tensor] | None = None) -> None:
        self.function, self.in_place = function, in_place

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def needs(self, span: Span, *, axis: int, size: int) -> Span:
        return span

    def compute(self, *xs: Tensor, want: Box, size: tuple[int, int], mine: bool) -> Tensor:
        return self.in_place(xs[0]) if mine and self.in_place else self.function(xs[0])


class Planes(Layer):
    """Numbers joined to each place as channels of their own (a StarGAN's label)."""

    work = TOUCH

    def __init__(self, join: Callable[[Tensor], Tensor], *, numbers: int) -> None:
        self._join, self._numbers = join, numbers

    def shape(self, *inputs: Shape) -> Shape:
        channels, height, width = inputs[0]
        return channels + self._numbers, height, width

    def needs(self, span: Span, *, axis: int, size: int) -> Span:
        return span

    def compute(self, *xs: Tensor, want: Box, size: tuple[int, int], mine: bool) -> Tensor:
        return self._join(xs[0])


class Together(Layer):
    """Several inputs of one size, place by place: a sum, or their channels joined."""

    work = TOUCH

    def __init__(self, function: Callable[..., Tensor], *, joins: bool = False) -> None:
        self.function, self.joins = function, joins

    def shape(self, *inputs: Shape) -> Shape:
        if len({shape[1:] if self.joins else shape for shape in inputs}) > 1:
            raise ShapeError(f"the network brings together {' and '.join(map(str, inputs))}, which do not fit each other")
        return (sum(shape[0] for shape in inputs) if self.joins else inputs[0][0], *inputs[0][1:])

    def needs(self, span: Span, *, axis: int, size: int) -> Span:
        return span

    def compute(self, *xs: Tensor, want: Box, size: tuple[int, int], mine: bool) -> Tensor:
        return self.function(*xs)


class Border(Layer):
    """Padding, only where the image ends. before, after: pixels above and left of it, below and right of it."""

    work = 0.0  # within the image it costs nothing

    def __init__(self, mode: Mode, *, before: tuple[int, int], after: tuple[int, int]) -> None:
        self.mode, self.before, self.after = mode, before, after

    def shape(self, *inputs: Shape) -> Shape:
        (channels, *sizes), most = inputs[0], max(*self.before, *self.after)
        if self.mode == "reflect" and most >= min(sizes):
            raise ShapeError(f"an image of {sizes[0]} x {sizes[1]} cannot be reflected {most} px beyond its border")
        height, width = (size + self.before[axis] + self.after[axis] for axis, size in enumerate(sizes))
        return channels, height, width

    def needs(self, span: Span, *, axis: int, size: int) -> Span:
        places = self._places(span, axis=axis, size=size)
        return Span(int(places.min()), int(places.max()) + 1)

    def compute(self, *xs: Tensor, want: Box, size: tuple[int, int], mine: bool) -> Tensor:
        x = xs[0]
        for axis, (span, whole) in enumerate(zip(want, size, strict=True)):
            inner = Span(span.start - self.before[axis], span.stop - self.before[axis])
            if inner.start >= 0 and inner.stop <= whole:
                continue
            places = self._places(span, axis=axis, size=whole).to(x.device)
            x = x.index_select(2 + axis, places - places.min())
            if self.mode == "zeros":
                beyond = [i for i, place in enumerate(range(*inner)) if not 0 <= place < whole]
                x.index_fill_(2 + axis, torch.tensor(beyond, device=x.device), 0)
        return x if x is xs[0] else x.contiguous(memory_format=torch.channels_last)

    def _places(self, span: Span, *, axis: int, size: int) -> Tensor:
        """Where in the input each place of `span` comes from."""
        places = torch.arange(*span) - self.before[axis]
        return reflected(places, size) if self.mode == "reflect" else places.clamp(0, size - 1)


class Convolution(Layer):
    """A convolution without padding; a `Border` before it does that."""

    def __init__(self, module: nn.Conv2d) -> None:
        self.module = module
        kernel, stride, dilation = module.kernel_size, module.stride, module.dilation
        self.reach = [spread * (size - 1) + 1 for size, spread in zip(kernel, dilation, strict=True)]
        self.stride = stride
        self.work = kernel[0] * kernel[1] * module.in_channels / module.groups

    def shape(self, *inputs: Shape) -> Shape:
        _require_channels(inputs[0], self.module.in_channels)
        height, width = ((inputs[0][1 + axis] - self.reach[axis]) // self.stride[axis] + 1 for axis in (0, 1))
        if min(height, width) < 1:
            raise ShapeError(f"{inputs[0][1]} x {inputs[0][2]} px are too few for a kernel that reaches over {max(self.reach)}")
        return self.module.out_channels, height, width

    def needs(self, span: Span, *, axis: int, size: int) -> Span:
        return Span(span.start * self.stride[axis], (span.stop - 1) * self.stride[axis] + self.reach[axis])

    def compute(self, *xs: Tensor, want: Box, size: tuple[int, int], mine: bool) -> Tensor:
        module = self.module
        return functional.conv2d(xs[0], module.weight, module.bias, module.stride, 0, module.dilation, module.groups)


class Transposed(Layer):
    """A transposed convolution: input i reaches the answers from i * stride - padding on."""

    def __init__(self, module: nn.ConvTranspose2d) -> None:
        self.module = module
        kernel, stride, dilation = module.kernel_size, module.stride, module.dilation
        self.reach = [spread * (size - 1) + 1 for size, spread in zip(kernel, dilation, strict=True)]
        self.stride, self.padding = stride, [int(pixels) for pixels in module.padding]
        self.work = kernel[0] * kernel[1] / (stride[0] * stride[1]) * module.in_channels / module.groups

    def shape(self, *inputs: Shape) -> Shape:
        _require_channels(inputs[0], self.module.in_channels)
        height, width = (
            (inputs[0][1 + axis] - 1) * self.stride[axis]
            - 2 * self.padding[axis]
            + self.reach[axis]
            + self.module.output_padding[axis]
            for axis in (0, 1)
        )
        return self.module.out_channels, height, width

    def needs(self, span: Span, *, axis: int, size: int) -> Span:
        stride, padding = self.stride[axis], self.padding[axis]
        first = -((self.reach[axis] - 1 - span.start - padding) // stride)  # the first that reaches the start: rounded up
        return Span(min(first, (span.start + padding) // stride), (span.stop - 1 + padding) // stride + 1).within(size)

    def compute(self, *xs: Tensor, want: Box, size: tuple[int, int], mine: bool) -> Tensor:
        module, made, short = self.module, [], []
        for axis, (have, wanted) in enumerate(zip(self.box(want, size=size), want, strict=True)):
            start = have.start * self.stride[axis] - self.padding[axis]
            stop = start + (have.size - 1) * self.stride[axis] + self.reach[axis]
            short.append(max(0, wanted.stop - stop))  # there no input reaches
            made.append(Span(start, stop + short[-1]))
        y = functional.conv_transpose2d(
            xs[0], module.weight, module.bias, module.stride, 0, short, module.groups, module.dilation
        )
        return Box(*made).cut(y, want)


class Norm(Layer):
    """(x - mean) / sqrt(variance + eps) for each channel, then scaled and shifted.

    kept: mean and variance [C] each, as batch normalisation has them in evaluation; without them the layer's are those of the
    image, a mean and a variance for each of `groups`, and `learn` has to be told them first. weight, bias: [C], or none.
    """

    work = TOUCH

    def __init__(
        self,
        channels: int,
        *,
        groups: int,
        eps: float,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        kept: tuple[Tensor, Tensor] | None = None,
    ) -> None:
        self.channels, self.groups, self.eps = channels, groups, eps
        self.weight, self.bias = weight, bias
        self.measures, self.statistics = kept is None, kept

    def shape(self, *inputs: Shape) -> Shape:
        _require_channels(inputs[0], self.channels)
        return inputs[0]

    def needs(self, span: Span, *, axis: int, size: int) -> Span:
        return span

    def learn(self, moments: "Moments", *, device: torch.device) -> None:
        """Take over the statistics of the whole image."""
        mean, variance = (value.float().to(device) for value in moments.of_groups(self.groups))
        self.statistics = mean, variance

    def compute(self, *xs: Tensor, want: Box, size: tuple[int, int], mine: bool) -> Tensor:
        assert self.statistics is not None, "a pass was planned before the one that measures for it"
        mean, variance = self.statistics
        return functional.batch_norm(xs[0], mean, variance, self.weight, self.bias, False, 0.0, self.eps)


class Noise(Layer):
    """Dropout that stays on: a function of (seed, place), so that a place computed twice is dropped twice.

    The draws are others than those that the network makes on a whole image; their law is the same.
    """

    work = 4 * TOUCH

    def __init__(self, p: float, *, seed: int) -> None:
        self.p, self.seed = p, seed

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def needs(self, span: Span, *, axis: int, size: int) -> Span:
        return span

    def compute(self, *xs: Tensor, want: Box, size: tuple[int, int], mine: bool) -> Tensor:
        x, side, generator = xs[0], NOISE_BLOCK, torch.Generator()
        keep = torch.empty(x.shape[1:], dtype=torch.bool)
        across = size[1] // side + 1
        for i in range(want.rows.start // side, (want.rows.stop - 1) // side + 1):
            for j in range(want.cols.start // side, (want.cols.stop - 1) // side + 1):
                generator.manual_seed((self.seed + i * across + j) % 2**63)
                drawn = torch.rand(1, x.shape[1], side, side, generator=generator)[0] >= self.p
                rows, cols = _overlap(i, want.rows, side), _overlap(j, want.cols, side)
                keep[:, rows[0], cols[0]] = drawn[:, rows[1], cols[1]]
        return x * keep.to(x.device) / (1 - self.p) if self.p < 1 else torch.zeros_like(x)


class Moments:
    """Mean and variance per channel of an image that comes in parts: each part's own, merged in float64 (Chan et al. 1979).

    A sum of squares would lose what makes the variance where the mean is large; deviations from a part's mean do not.
    """

    def __init__(self, channels: int) -> None:
        self.count = 0
        self.mean = torch.zeros(channels, dtype=torch.float64)
        self.squares = torch.zeros(channels, dtype=torch.float64)  # of the deviations from the mean

    def add(self, x: Tensor) -> None:
        """Take in x [1, C, h, w]."""
        x = x.float()
        mean = x.mean((0, 2, 3), keepdim=True)
        deviation = x - mean
        rest = deviation.mean((0, 2, 3), keepdim=True)  # what rounding left in it
        squares = deviation.square_().mean((0, 2, 3)).cpu().double()
        mean, rest = mean.flatten().cpu().double(), rest.flatten().cpu().double()
        self._merge(x.shape[2] * x.shape[3], mean + rest, squares - rest.square())

    def of_groups(self, groups: int) -> tuple[Tensor, Tensor]:
        """Mean and (biased) variance of each channel's group, [C] each."""
        mean = self.mean.view(groups, -1).mean(1, keepdim=True)
        between = (self.mean.view(groups, -1) - mean).square().mean(1, keepdim=True)
        variance = (self.squares / self.count).view(groups, -1).mean(1, keepdim=True) + between
        each = len(self.mean) // groups
        return mean.expand(-1, each).flatten(), variance.expand(-1, each).flatten()

    def _merge(self, count: int, mean: Tensor, variance: Tensor) -> None:
        total, step = self.count + count, mean - self.mean
        self.squares += variance * count + step.square() * (self.count * count / total)
        self.mean += step * (count / total)
        self.count = total


def reflected(places: Tensor, size: int) -> Tensor:
    """Places inside [0, size) for any places, mirrored at the first and the last as often as need be."""
    period = max(1, 2 * (size - 1))
    folded = places.abs() % period
    return torch.minimum(folded, period - folded) if size > 1 else torch.zeros_like(places)


def _overlap(block: int, span: Span, side: int) -> tuple[slice, slice]:
    """Where block number `block` meets `span`: counted from the span's start, and from the block's."""
    start, stop = max(span.start, block * side), min(span.stop, (block + 1) * side)
    return slice(start - span.start, stop - span.start), slice(start - block * side, stop - block * side)


def _require_channels(found: Shape, wanted: int) -> None:
    if found[0] != wanted:
        raise ShapeError(f"a layer takes {wanted} channels, found {found[0]}; give the network images that it was built for")
