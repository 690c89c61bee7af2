"""DCGAN's generator and discriminator (Radford, Metz and Chintala 2015, arXiv 1511.06434, section 3).

Strided convolutions in place of pooling and none but convolutions between the ends; batch normalisation everywhere but on the
generator's output and the discriminator's input; ReLU and tanh in the one, LeakyReLU 0.2 in the other; no biases, as in the
authors' code. With kernels of 4 px, width 64 and images of 64 px these are the networks of dcgan.torch; with 5 px and width 128
those of the paper's figure 1.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from unpaired.errors import ShapeError
from unpaired.networks.judged import Heads, Judged
from unpaired.networks.norms import norm_layer


class DCGANGeneratorNet(nn.Module):
    """noise [N, Z], condition [N, K] -> images [N, out_channels, S, S] in [-1, 1]; S as in `stages`.

    The noise, joined by the condition (one-hot classes, say), is projected to 4 x 4 px (7 x 7 for 28 px), then doubled.
    """

    def __init__(self, *, noise: int, condition: int, out_channels: int, size: int, width: int, kernel: int) -> None:
        super().__init__()
        start, widths = stages(size, width)
        self.condition = condition
        layers: list[nn.Module] = [
            nn.ConvTranspose2d(noise + condition, widths[-1], start, bias=False),
            nn.BatchNorm2d(widths[-1]),
            nn.ReLU(),
        ]
        for before, after in pairwise(reversed(widths)):
            layers += [_doubled(before, after, kernel), nn.BatchNorm2d(after), nn.ReLU()]
        self.layers = nn.Sequential(*layers, _doubled(widths[0], out_channels, kernel), nn.Tanh())

    def forward(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.image(self.hidden(noise, condition))

    def hidden(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        """All layers but the last: [N, width, S/2, S/2]."""
        return self.layers[:-2](conditioned(noise, condition, wanted=self.condition)[:, :, None, None])

    def image(self, hidden: Tensor) -> Tensor:
        """The last layer: images of what `hidden` gives."""
        return self.layers[-2:](hidden)

    @property
    def last(self) -> nn.Module:
        """The layer whose weights `image` has."""
        return self.layers[-2]

    def share(self, other: "DCGANGeneratorNet") -> None:
        """Take another's layers, all but the last, for one's own (CoGAN)."""
        self.layers = nn.Sequential(*list(other.layers)[:-2], *list(self.layers)[-2:])


class DCGANDiscriminatorNet(nn.Module):
    """[N, C, S, S] in [-1, 1] -> `Judged`; S as in `stages`, each layer halving it down to 4 (or 7) px.

    features: after each layer's LeakyReLU, before its dropout: [N, width, S/2, S/2] and so on. norm: "batch", or "none": then all
    layers but the first have biases.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        size: int,
        width: int,
        kernel: int,
        dropout: float,
        source: bool,
        classes: int,
        norm: str = "batch",
    ) -> None:
        super().__init__()
        start, widths = stages(size, width)
        self.stages = nn.ModuleList([nn.Sequential(_halved(in_channels, widths[0], kernel), nn.LeakyReLU(0.2))])
        for before, after in pairwise(widths):
            layers = [_halved(before, after, kernel, bias=norm == "none"), norm_layer(norm, after), nn.LeakyReLU(0.2)]
            self.stages.append(nn.Sequential(*layers))
        self.dropout = nn.Dropout(dropout)
        self.heads = Heads(widths[-1] * start**2, source=source, classes=classes, bias=norm == "none")

    def forward(self, x: Tensor) -> Judged:
        return self.rest(self.first(x))

    def first(self, x: Tensor) -> Tensor:
        """The first layer."""
        return self.stages[0](x)

    def rest(self, hidden: Tensor) -> Judged:
        """All other layers, on what `first` gives."""
        features, x = [hidden], self.dropout(hidden)
        for stage in list(self.stages)[1:]:
            x = stage(x)
            features.append(x)
            x = self.dropout(x)
        source, classes = self.heads(x.flatten(1))
        return Judged(source, classes, features)

    def share(self, other: "DCGANDiscriminatorNet") -> None:
        """Take another's layers, all but the first, for one's own (CoGAN)."""
        self.stages = nn.ModuleList([self.stages[0], *list(other.stages)[1:]])
        self.heads, self.dropout = other.heads, other.dropout

    @property
    def own(self) -> nn.Module:
        """The layer that `share` leaves."""
        return self.stages[0]


def stages(size: int, width: int) -> tuple[int, list[int]]:
    """Where the halvings of `size` end, 4 or 7 px, and the channels of each from the image inwards, up to 16 times the width.

    28 px: 7, then 64-128; 32 px: 4, then 64-128-256; 64 px: 64-128-256-512; 128 px: 64-128-256-512-1024. ShapeError for others.
    """
    for start in (4, 7):
        halvings = (size // start).bit_length() - 1
        if halvings >= 1 and size == start << halvings:
            return start, [width * min(2**level, 16) for level in range(halvings)]
    raise ShapeError(f"size {size} does not suit DCGAN: wanted 4 or 7 times a power of two, such as 28, 32, 64 or 128")


def conditioned(noise: Tensor, condition: Tensor | None, *, wanted: int) -> Tensor:
    """noise [N, Z] joined by condition [N, wanted]: [N, Z + wanted]. ShapeError where it is missing or of another width."""
    found = 0 if condition is None else condition.shape[1]
    if found != wanted:
        raise ShapeError(f"the generator was given a condition of width {found}, wanted {wanted or 'none'}")
    return noise if condition is None else torch.cat([noise, condition.to(noise.dtype)], dim=1)


def _halved(before: int, after: int, kernel: int, *, bias: bool = False) -> nn.Module:
    return nn.Conv2d(before, after, kernel, 2, (kernel - 1) // 2, bias=bias)


def _doubled(before: int, after: int, kernel: int) -> nn.Module:
    return nn.ConvTranspose2d(before, after, kernel, 2, (kernel - 1) // 2, output_padding=kernel % 2, bias=False)
