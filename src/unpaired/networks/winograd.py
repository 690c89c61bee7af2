"""3x3 convolutions with a quarter of the multiplications: Winograd's F(4x4, 3x3) (Lavin & Gray 2016, section 4).

The answer Y of a tile of 4x4 pixels hangs on a tile X of 6x6 (g: the kernel, by channels i -> o):

    Y_o = A' [ sum_i (G g_oi G') * (B' X_i B) ] A        * element by element, A' the transpose

so that each of the 36 elements is a product of matrices [tiles, i] [i, o], where the tiles take 144. G, B' and A' evaluate and interpolate
polynomials at 0, +-3/4, +-3/2 and infinity. With the textbook's 0, +-1, +-2 rounding errors are twice as large; with these they are
about two to three times the direct convolution's, 1.5e-6 of the values in float32.
"""

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
LEAST_CHANNELS = 64
LEAST_PIXELS = 512
"""Below these, for all images together, transforming the kernels takes longer than what it saves."""


class BlockConvolution(nn.Conv2d):
    """nn.Conv2d with a 3x3 kernel and no padding: [N, in_channels, H, W] -> [N, out_channels, H - 2, W - 2].

    Its state is nn.Conv2d's, and so are its answers up to rounding. In training it takes Winograd's way where that is
    quicker: in float32 on a CPU, with channels and pixels enough. In evaluation it is nn.Conv2d to the last bit.
    """

    def __init__(self, in_channels: int, out_channels: int, *, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, 3, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and self._pays(x)):
            return super().forward(x)
        y = Winograd.apply(x, self.weight)
        return y if self.bias is None else y + self.bias[:, None, None]

    def _pays(self, x: Tensor) -> bool:
        pixels = x.shape[0] * (x.shape[2] - 2) * (x.shape[3] - 2)
        return (
            x.device.type == "cpu"
            and x.dtype == self.weight.dtype == torch.float32
            and not torch.is_autocast_enabled("cpu")
            and min(self.in_channels, self.out_channels) >= LEAST_CHANNELS
            and pixels >= LEAST_PIXELS
        )


class Winograd(torch.autograd.Function):
    """x [N, i, H, W], weight [o, i, 3, 3], float32 or float64 -> [N, o, H - 2, W - 2] in channels last."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        count, _, height, width = x.shape
        rows, cols = (-((2 - pixels) // STEP) for pixels in (height, width))
        products = torch.bmm(_tiles(x, rows, cols), _kernels(weight).transpose(1, 2))  # [36, tiles, o]
        y = (_A.to(x.dtype) @ products.flatten(1)).view(STEP, STEP, count, rows, cols, -1)
        y = y.permute(2, 3, 0, 4, 1, 5).reshape(count, rows * STEP, cols * STEP, -1)
        return y[:, : height - 2, : width - 2].permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """The same products, transposed; what was transformed is transformed again rather than kept."""
        (gradient,) = gradients
        x, weight = ctx.saved_tensors
        count, channels, height, width = x.shape
        rows, cols = (-((2 - pixels) // STEP) for pixels in (height, width))
        g = functional.pad(gradient.permute(0, 2, 3, 1), (0, 0, 0, cols * STEP + 2 - width, 0, rows * STEP + 2 - height))
        g = g.reshape(count, rows, STEP, cols, STEP, -1).permute(2, 4, 0, 1, 3, 5).reshape(STEP**2, -1)
        g = (_A.to(x.dtype).t() @ g).view(SIZE**2, -1, len(weight))  # [36, tiles, o]
        of_x = of_weight = None
        if ctx.needs_input_grad[1]:
            products = torch.bmm(g.transpose(1, 2), _tiles(x, rows, cols))  # [36, o, i]
            of_weight = (_G.to(x.dtype).t() @ products.flatten(1)).view(3, 3, len(weight), channels).permute(2, 3, 0, 1)
        if ctx.needs_input_grad[0]:
            tiles = _B.to(x.dtype).t() @ torch.bmm(g, _kernels(weight)).flatten(1)
            tiles = tiles.view(SIZE, SIZE, count, rows, cols, channels).permute(2, 3, 0, 4, 1, 5)
            of_x = _overlapped(tiles)[:, :height, :width].permute(0, 3, 1, 2)
        return of_x, of_weight


def _tiles(x: Tensor, rows: int, cols: int) -> Tensor:
    """B' X B of each tile: [N, i, H, W] -> [36, N rows cols, i]."""
    x = x.permute(0, 2, 3, 1)
    count, height, width, channels = x.shape
    x = functional.pad(x, (0, 0, 0, cols * STEP + 2 - width, 0, rows * STEP + 2 - height))
    x = x.unfold(1, SIZE, STEP).unfold(2, SIZE, STEP).permute(4, 5, 0, 1, 2, 3)  # [6, 6, N, rows, cols, i]
    return (_B.to(x.dtype) @ x.reshape(SIZE**2, -1)).view(SIZE**2, -1, channels)


def _kernels(weight: Tensor) -> Tensor:
    """G g G' of each kernel: [o, i, 3, 3] -> [36, o, i]."""
    return (_G.to(weight.dtype) @ weight.permute(2, 3, 0, 1).reshape(9, -1)).view(SIZE**2, *weight.shape[:2])


def _overlapped(tiles: Tensor) -> Tensor:
    """Tiles [N, rows, 6, cols, 6, i], 4 pixels apart, added where they overlap: [N, 4 rows + 4, 4 cols + 4, i]."""
    count, rows, _, cols, _, channels = tiles.shape
    whole = tiles.new_zeros(count, rows + 1, STEP, cols + 1, STEP, channels)
    whole[:, :-1, :, :-1] = tiles[:, :, :STEP, :, :STEP]
    whole[:, 1:, :2, :-1] += tiles[:, :, STEP:, :, :STEP]
    whole[:, :-1, :, 1:, :2] += tiles[:, :, :STEP, :, STEP:]
    whole[:, 1:, :2, 1:, :2] += tiles[:, :, STEP:, :, STEP:]
    return whole.view(count, (rows + 1) * STEP, (cols + 1) * STEP, channels)


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
