"""4x4 convolutions with stride 2 that are quick where many channels meet few places, as in a discriminator's last layers.

There almost all of the work is reading and writing weights, for which torch's convolutions on a CPU take five to eight times as
long as a product of matrices, [places, 16 i] [16 i, o], where each place has the 4x4 pixels that it hangs on as a row.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

MOST_PLACES = 1024
"""Of all images together; with more, copying each pixel four times takes longer than what it saves."""
LEAST_WEIGHTS = 1 << 20


class Halving(nn.Conv2d):
    """nn.Conv2d with a 4x4 kernel, stride 2 and padding 1: [N, i, H, W] -> [N, o, H / 2, W / 2], H and W even.

    Its state is nn.Conv2d's, and its answers are up to rounding.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 4, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        count, _, height, width = x.shape
        if not self._pays(x, places=count * (height // 2) * (width // 2)):
            return super().forward(x)
        y = functional.linear(_rows(x), self._matrix(), self.bias)
        return y.view(count, height // 2, width // 2, -1).permute(0, 3, 1, 2)

    def spread(self, y: Tensor) -> Tensor:
        """The transposed map, without bias: [N, o, H, W] -> [N, i, 2 H, 2 W]."""
        count, _, height, width = y.shape
        if not self._pays(y, places=count * height * width):
            return functional.conv_transpose2d(y, self.weight, stride=2, padding=1)
        rows = functional.linear(y.permute(0, 2, 3, 1).reshape(count * height * width, -1), self._matrix().t())
        return _overlapped(rows.view(count, height, width, 4, 4, -1)).permute(0, 3, 1, 2)

    def _matrix(self) -> Tensor:
        """[o, 16 i], a view where the weight is laid out channels last."""
        return self.weight.permute(0, 2, 3, 1).reshape(self.out_channels, -1)

    def _pays(self, x: Tensor, *, places: int) -> bool:
        return x.device.type == "cpu" and places <= MOST_PLACES and self.weight.numel() >= LEAST_WEIGHTS


def _rows(x: Tensor) -> Tensor:
    """[N, i, H, W] -> [N H/2 W/2, 16 i]: the pixels that each place hangs on, zeros beyond the border."""
    padded = functional.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    return padded.unfold(1, 4, 2).unfold(2, 4, 2).permute(0, 1, 2, 4, 5, 3).reshape(-1, 16 * x.shape[1])


def _overlapped(parts: Tensor) -> Tensor:
    """What each place [N, H, W, 4, 4, i] gives the 4x4 pixels around it, added up: [N, 2 H, 2 W, i].

    An even row 2 h gets part 1 of place h and part 3 of the place before; an odd one part 2, and part 0 of the place after.
    """
    first, second, third, fourth = parts.unbind(3)
    even = second + functional.pad(fourth[:, :-1], (0, 0, 0, 0, 0, 0, 1, 0))
    odd = third + functional.pad(first[:, 1:], (0, 0, 0, 0, 0, 0, 0, 1))
    rows = torch.stack([even, odd], dim=2).flatten(1, 2)
    first, second, third, fourth = rows.unbind(3)
    even = second + functional.pad(fourth[:, :, :-1], (0, 0, 1, 0))
    odd = third + functional.pad(first[:, :, 1:], (0, 0, 0, 1))
    return torch.stack([even, odd], dim=3).flatten(2, 3)
