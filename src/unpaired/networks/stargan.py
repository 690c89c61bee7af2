"""StarGAN's networks (Choi et al. 2018, appendix 7.2; the authors' code)."""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unpaired.networks.halving import Halving
from unpaired.networks.norms import norm_layer

SLOPE = 0.01
"""Of LeakyReLU, in the discriminator."""


class Planes(nn.Module):
    """Joins numbers to an image, each as a plane of its own: [N, C, H, W] -> [N, C + L, H, W].

    numbers: [L] for all images alike, or [N, L].
    """

    def __init__(self, numbers: Tensor) -> None:
        super().__init__()
        self.numbers = numbers

    def forward(self, x: Tensor) -> Tensor:
        return with_planes(x, self.numbers.to(x.device))


def with_planes(x: Tensor, numbers: Tensor) -> Tensor:
    """[N, C, H, W] and numbers [L] or [N, L] -> [N, C + L, H, W]."""
    planes = numbers.to(x.dtype).expand(len(x), -1)[:, :, None, None].expand(-1, -1, *x.shape[2:])
    return torch.cat([x, planes], dim=1)


class StarGANGeneratorNet(nn.Module):
    """(x [N, channels, H, W], numbers [N, L]) -> [N, channels, H, W] in [-1, 1]; H and W multiples of 2^downs.

    c7s1-w, `downs` 4x4 convolutions with stride 2, `blocks` residual blocks, as many transposed ones, c7s1, tanh; zero padding,
    as an instance norm after reflected borders would take planes of one number away again; no biases. change: the answer is the
    input and a change, which starts from none.
    """

    def __init__(self, *, channels: int, numbers: int, width: int, blocks: int, downs: int, norm: str, change: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels + numbers, width, 7, padding=3, bias=False), *_active(width, norm)]
        for level in range(downs):
            before, after = width * 2**level, width * 2 ** (level + 1)
            layers += [nn.Conv2d(before, after, 4, 2, 1, bias=False), *_active(after, norm)]
        layers += [StarGANBlock(width * 2**downs, norm=norm) for _ in range(blocks)]
        for level in reversed(range(downs)):
            before, after = width * 2 ** (level + 1), width * 2**level
            layers += [nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False), *_active(after, norm)]
        last = nn.Conv2d(width, channels, 7, padding=3, bias=False)
        if change:
            nn.init.zeros_(last.weight)
        self.layers = nn.Sequential(*layers, last, *([] if change else [nn.Tanh()]))
        self.change = change

    def forward(self, x: Tensor, numbers: Tensor) -> Tensor:
        return self.answered(x, with_planes(x, numbers))

    def answered(self, x: Tensor, joined: Tensor) -> Tensor:
        """The answer to x, which `joined` holds with its planes."""
        y = self.layers(joined)
        return x + y.float() if self.change else y


class StarGANBlock(nn.Module):
    """x + conv(relu(conv(x))), both 3x3 with zero padding and normalisation: [N, C, H, W] -> the same."""

    def __init__(self, channels: int, *, norm: str) -> None:
        super().__init__()
        self.change = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            *_active(channels, norm),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            norm_layer(norm, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.change(x)


class StarGANDiscriminatorNet(nn.Module):
    """[N, C, H, W] -> (scores [N, 1, h, w] before any sigmoid, numbers [N, L] of the labels, before any sigmoid or softmax).

    `layers` 4x4 convolutions with stride 2, channels doubling, LeakyReLU 0.01, no norm; then D_src, 3x3, and D_cls, whose kernel
    is what is left of H x W.
    """

    def __init__(self, *, channels: int, numbers: int, height: int, width_px: int, width: int, layers: int) -> None:
        super().__init__()
        widths = [channels, *(width * 2**level for level in range(layers))]
        self.convolutions = nn.ModuleList(Halving(widths[i], widths[i + 1]) for i in range(layers))
        self.source = nn.Conv2d(widths[-1], 1, 3, padding=1, bias=False)
        self.classes = nn.Conv2d(widths[-1], numbers, (height >> layers, width_px >> layers), bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        for convolution in self.convolutions:
            x = F.leaky_relu(convolution(x), SLOPE)
        return self.source(x).float(), self.classes(x).flatten(1).float()

    def slopes(self, x: Tensor) -> Tensor:
        """The gradient of each image's summed scores with respect to it: [N, C, H, W] -> the same.

        Written out as the convolutions' transposes, last to first: all layers are linear but the LeakyReLUs, whose slopes
        change nowhere but at 0. So weights learn through it by differentiating once, not twice, and x need not.
        """
        rising: list[Tensor] = []
        for convolution in self.convolutions:
            # Detached, not under no_grad: autocast keeps the weights that it casts for the transposes, and would without history.
            x = convolution(x.detach()).detach()
            rising.append(x > 0)
            x = F.leaky_relu(x, SLOPE)
        gradient = F.conv_transpose2d(torch.ones_like(x[:, :1]), self.source.weight, padding=1)
        for convolution, rises in zip(reversed(self.convolutions), reversed(rising), strict=True):
            gradient = torch.where(rises, gradient, SLOPE * gradient)
            gradient = cast(Halving, convolution).spread(gradient)
        return gradient


def _active(channels: int, norm: str) -> list[nn.Module]:
    return [norm_layer(norm, channels), nn.ReLU()]
