"""pix2pix's generator: an encoder and a decoder with skip connections (Isola et al. 2017, section 3.2.1 and appendix 6.1.1)."""

import torch
from torch import Tensor, nn

from unpaired.networks.noise import Noise
from unpaired.networks.norms import has_bias, norm_layer

WIDEST = 8
"""Channels double with each layer up to so many times those of the first."""


class UNetGenerator(nn.Module):
    """[N, in_channels, H, W] -> [N, out_channels, H, W] in [-1, 1]; H and W multiples of 2^downs.

    `downs` 4x4 convolutions with stride 2 and LeakyReLU 0.2 before each but the first; as many transposed convolutions with
    ReLU before them, each but the innermost seeing [skip, what comes from below]; tanh. Normalisation after each layer
    but the first, the innermost convolution (which may see 1x1 px) and the last. dropout: the share that `Noise` drops
    after the inner transposed convolutions, those between two layers of the full width, the innermost excepted: three of
    them with 8 downs, two with 7, none below 6.
    """

    def __init__(self, *, in_channels: int, out_channels: int, width: int, downs: int, norm: str, dropout: float) -> None:
        super().__init__()
        bias = has_bias(norm)
        widths = [width * min(2**level, WIDEST) for level in range(downs)]
        self.downs = nn.ModuleList([nn.Sequential(nn.Conv2d(in_channels, widths[0], 4, 2, 1, bias=bias))])
        for level in range(1, downs):
            layers = [nn.LeakyReLU(0.2), nn.Conv2d(widths[level - 1], widths[level], 4, 2, 1, bias=bias)]
            innermost = level == downs - 1
            self.downs.append(nn.Sequential(*layers, *([] if innermost else [norm_layer(norm, widths[level])])))
        self.ups = nn.ModuleList()  # from the innermost on
        for level in reversed(range(1, downs)):
            seen = widths[level] * (1 if level == downs - 1 else 2)
            layers = [nn.ReLU(), nn.ConvTranspose2d(seen, widths[level - 1], 4, 2, 1, bias=bias)]
            layers.append(norm_layer(norm, widths[level - 1]))
            noisy = dropout and level < downs - 1 and 2 ** (level - 1) >= WIDEST
            self.ups.append(nn.Sequential(*layers, *([Noise(dropout)] if noisy else [])))
        last = nn.ConvTranspose2d(widths[0] * (1 if downs == 1 else 2), out_channels, 4, 2, 1)
        self.ups.append(nn.Sequential(nn.ReLU(), last, nn.Tanh()))

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for down in self.downs:
            x = down(x)
            skips.append(x)
        x = self.ups[0](skips.pop())
        for up in self.ups[1:]:
            x = up(torch.cat([skips.pop(), x], 1))
        return x
