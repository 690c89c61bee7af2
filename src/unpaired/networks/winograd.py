"""3x3 convolutions with a quarter of the multiplications: Winograd's F(4x4, 3x3) (Lavin & Gray 2016, section 4).

A tile Y of 4x4 pixels of the answer hangs on a tile X of 6x6 pixels. With kernels g_oi from channel i to channel o and A', B' the
transposed matrices:

    Y_o = A' [sum_i (G g_oi G') * (B' X_i B)] A        (* element by element)

so each of 36 elements is a product of matrices, [tiles, i] [i, o], where the plain way takes 144 of them. Gradients are the same
products transposed. The matrices evaluate and interpolate polynomials at 0, +-3/4, +-3/2 and infinity: float32 answers are within
2e-6 of the exact ones, two to five times the plain way's distance and half of what the textbook's 0, +-1, +-2, infinity give.
"""

import math
import threading
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

STEP = 4
"""Pixels of an answer's tile, each way."""
SIZE = STEP + 2
"""Pixels of the tile that it hangs on."""
POINTS = tuple(Fraction(quarters, 4) for quarters in (0, 3, -3, 6, -6))
LEAST_CHANNELS = 128
LEAST_PIXELS = 1024
"""With fewer channels, or fewer pixels of all images together, transforming takes longer than what it saves."""


class Conv3x3(nn.Conv2d):
    """nn.Conv2d with a 3x3 kernel and no padding: [N, in_channels, H, W] -> [N, out_channels, H - 2, W - 2].

    Its state is nn.Conv2d's, and its answers are up to rounding. In training it computes Winograd's way where that is quicker:
    in float32 on a CPU, with channels and pixels enough. Elsewhere, and in evaluation, it is nn.Conv2d to the last bit.
    """

    def __init__(self, in_channels: int, out_channels: int, *, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, 3, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and self._pays(x)):
            return super().forward(x)
        y = convolve(x, self.weight)
        return y if self.bias is None else y.add_(self.bias[:, None, None])

    def _pays(self, x: Tensor) -> bool:
        return (
            x.device.type == "cpu"
            and x.dtype == self.weight.dtype == torch.float32
            and not torch.is_autocast_enabled("cpu")
            and min(self.in_channels, self.out_channels) >= LEAST_CHANNELS
            and x.shape[0] * (x.shape[2] - 2) * (x.shape[3] - 2) >= LEAST_PIXELS
        )


# Operators of torch's, so that torch.compile takes them as they are and leaves them their scratch memory.


@torch.library.custom_op("unpaired::convolve3x3", mutates_args=(), device_types="cpu")
def convolve(x: Tensor, weight: Tensor) -> Tensor:
    """x [N, i, H, W], weight [o, i, 3, 3], float32 or float64 -> [N, o, H - 2, W - 2], channels last."""
    count, _, height, width = x.shape
    rows, cols = _tiling(x)
    tiles = _tiles(x)
    products = _scratch("products", SIZE**2, tiles.shape[1], len(weight), like=x)
    torch.bmm(tiles, _kernels(weight).transpose(1, 2), out=products)
    answers = _scratch("answers", STEP, STEP, count, rows, cols, len(weight), like=x)
    torch.mm(_A.to(x.dtype), products.flatten(1), out=answers.view(STEP**2, -1))
    y = torch.empty(count, len(weight), rows * STEP, cols * STEP, dtype=x.dtype, memory_format=torch.channels_last)
    y.permute(0, 2, 3, 1).view(count, rows, STEP, cols, STEP, -1).copy_(answers.permute(2, 3, 0, 4, 1, 5))
    if y.shape[2:] == (height - 2, width - 2):
        return y
    return y[:, :, : height - 2, : width - 2].contiguous(memory_format=torch.channels_last)


@torch.library.custom_op("unpaired::convolve3x3_backward", mutates_args=(), device_types="cpu")
def convolve_backward(gradient: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """The gradient of the answer [N, o, H - 2, W - 2] -> those of x, channels last, and of weight, laid out as weight is.

    Tiles and kernels are transformed again rather than kept: they take twice and four times the memory of what they come from.
    """
    count, channels, height, width = x.shape
    rows, cols = _tiling(x)
    answers = _scratch("answers", STEP, STEP, count, rows, cols, len(weight), like=x)
    padded = _padded(gradient, rows * STEP, cols * STEP)
    answers.copy_(padded.reshape(count, rows, STEP, cols, STEP, -1).permute(2, 4, 0, 1, 3, 5))
    products = _scratch("products", SIZE**2, count * rows * cols, len(weight), like=x)
    torch.mm(_A.to(x.dtype).t(), answers.view(STEP**2, -1), out=products.flatten(1))

    kernels = _scratch("kernels", SIZE**2, *weight.shape[:2], like=x)
    torch.bmm(products.transpose(1, 2), _tiles(x), out=kernels)
    taps = torch.mm(_G.to(x.dtype).t(), kernels.flatten(1), out=_scratch("taps", 9, weight[:, :, 0, 0].numel(), like=x))
    of_weight = torch.empty_like(weight)
    of_weight.permute(2, 3, 0, 1).copy_(taps.view(3, 3, *weight.shape[:2]))

    tiles = _scratch("tiles", SIZE**2, count * rows * cols, channels, like=x)
    torch.bmm(products, _kernels(weight), out=tiles)
    raw = _scratch("raw", SIZE, SIZE, count, rows, cols, channels, like=x)
    torch.mm(_B.to(x.dtype).t(), tiles.flatten(1), out=raw.view(SIZE**2, -1))
    of_x = torch.empty_like(x, memory_format=torch.channels_last)
    of_x.permute(0, 2, 3, 1).copy_(_overlapped(raw.permute(2, 3, 0, 4, 1, 5))[:, :height, :width])
    return of_x, of_weight


@convolve.register_fake
def _(x: Tensor, weight: Tensor) -> Tensor:
    shape = x.shape[0], weight.shape[0], x.shape[2] - 2, x.shape[3] - 2
    return torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)


@convolve_backward.register_fake
def _(gradient: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    return torch.empty_like(x, memory_format=torch.channels_last), torch.empty_like(weight)


def _keep(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
    x, weight = ctx.saved_tensors
    of_x, of_weight = convolve_backward(gradient, x, weight)
    return of_x, of_weight


convolve.register_autograd(_backward, setup_context=_keep)


def _tiling(x: Tensor) -> tuple[int, int]:
    """Rows and columns of tiles that cover the answer to x."""
    return math.ceil((x.shape[2] - 2) / STEP), math.ceil((x.shape[3] - 2) / STEP)


def _tiles(x: Tensor) -> Tensor:
    """B' X B of each tile: [N, i, H, W] -> [36, tiles, i], in scratch memory."""
    rows, cols = _tiling(x)
    padded = _padded(x, rows * STEP + 2, cols * STEP + 2)
    tiles = padded.unfold(1, SIZE, STEP).unfold(2, SIZE, STEP).permute(4, 5, 0, 1, 2, 3)  # [6, 6, N, rows, cols, i]
    raw = _scratch("raw", *tiles.shape, like=x).copy_(tiles)
    transformed = _scratch("tiles", SIZE**2, x.shape[0] * rows * cols, x.shape[1], like=x)
    torch.mm(_B.to(x.dtype), raw.view(SIZE**2, -1), out=transformed.flatten(1))
    return transformed


def _kernels(weight: Tensor) -> Tensor:
    """G g G' of each kernel: [o, i, 3, 3] -> [36, o, i], in scratch memory."""
    taps = _scratch("taps", 3, 3, *weight.shape[:2], like=weight).copy_(weight.permute(2, 3, 0, 1))
    transformed = _scratch("kernels", SIZE**2, *weight.shape[:2], like=weight)
    torch.mm(_G.to(weight.dtype), taps.view(9, -1), out=transformed.flatten(1))
    return transformed


def _padded(x: Tensor, height: int, width: int) -> Tensor:
    """[N, C, H, W] -> [N, height, width, C] with zeros below and on the right; no copy where nothing is missing."""
    below, right = height - x.shape[2], width - x.shape[3]
    x = x.permute(0, 2, 3, 1)
    return functional.pad(x, (0, 0, 0, right, 0, below)) if below or right else x


def _overlapped(tiles: Tensor) -> Tensor:
    """Tiles [N, rows, 6, cols, 6, i], 4 pixels apart, summed in scratch memory: [N, 4 rows + 4, 4 cols + 4, i].

    Two more rows and columns than the tiles reach, all 0, so that the whole is made of steps.
    """
    count, rows, _, cols, _, channels = tiles.shape
    whole = _scratch("whole", count, rows + 1, STEP, cols + 1, STEP, channels, like=tiles).zero_()
    whole[:, :-1, :, :-1] = tiles[:, :, :STEP, :, :STEP]
    whole[:, 1:, :2, :-1] += tiles[:, :, STEP:, :, :STEP]
    whole[:, :-1, :, 1:, :2] += tiles[:, :, :STEP, :, STEP:]
    whole[:, 1:, :2, 1:, :2] += tiles[:, :, STEP:, :, STEP:]
    return whole.view(count, (rows + 1) * STEP, (cols + 1) * STEP, channels)


class _Memory(threading.local):
    """Each thread's scratch memory by name and type: memory that was just used is several times as quick as fresh pages."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, torch.dtype], Tensor] = {}


_memory = _Memory()


def _scratch(name: str, *shape: int, like: Tensor) -> Tensor:
    """Memory of that shape and like's type, with anything in it; the same each time the name is asked for."""
    size, key = math.prod(shape), (name, like.dtype)
    if key not in _memory.held or _memory.held[key].numel() < size:
        _memory.held[key] = torch.empty(size, dtype=like.dtype)
    return _memory.held[key][:size].view(shape)


def matrices() -> tuple[list[list[Fraction]], list[list[Fraction]], list[list[Fraction]]]:
    """A' [4, 6], G [6, 3] and B' [6, 6], exact.

    The product of two polynomials with 4 and 3 coefficients is the interpolation of the products of their values at 6 points;
    a correlation is that product transposed (Lavin & Gray, section 4).
    """
    interpolate = _inverse(_values(SIZE))
    return _transposed(_values(STEP)), _values(3), _transposed(interpolate)


def _values(count: int) -> list[list[Fraction]]:
    """The matrix that takes `count` coefficients to a polynomial's values at the points; at infinity, to the leading one."""
    leading = [Fraction(power == count - 1) for power in range(count)]
    return [[point**power for power in range(count)] for point in POINTS] + [leading]


def _inverse(matrix: Sequence[Sequence[Fraction]]) -> list[list[Fraction]]:
    """Gauss and Jordan's way."""
    count = len(matrix)
    rows = [[*row, *(Fraction(i == j) for j in range(count))] for i, row in enumerate(matrix)]
    for i in range(count):
        pivot = next(j for j in range(i, count) if rows[j][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for j in range(count):
            if j != i:
                rows[j] = [value - rows[j][i] * other for value, other in zip(rows[j], rows[i], strict=True)]
    return [row[count:] for row in rows]


def _transposed(matrix: Sequence[Sequence[Fraction]]) -> list[list[Fraction]]:
    return [list(column) for column in zip(*matrix, strict=True)]


def _both_ways(matrix: Sequence[Sequence[Fraction]]) -> Tensor:
    """What applies the matrix to the rows and to the columns of a tile that is written as a vector."""
    single = torch.tensor([[float(value) for value in row] for row in matrix], dtype=torch.float64)
    return torch.kron(single, single)


_A, _G, _B = (_both_ways(matrix) for matrix in matrices())
