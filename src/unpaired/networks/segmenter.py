"""A small U-Net that tells the class of each pixel."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unpaired.errors import ShapeError


class SegmenterNet(nn.Module):
    """[N, C, H, W] in [-1, 1] -> scores [N, classes, H, W]; H and W multiples of 2^halvings (see `specs.SmallUNet`)."""

    def __init__(self, *, channels: int, classes: int, size: tuple[int, int], width: int, halvings: int) -> None:
        super().__init__()
        multiple = 2**halvings
        if any(side % multiple for side in size):
            raise ShapeError(
                f"network 'small_unet' with {halvings} halvings takes images whose sides are multiples of {multiple}, found "
                f"{size[0]} x {size[1]}; use another size or fewer halvings"
            )
        widths = [width * 2**level for level in range(halvings + 1)]
        self.down = nn.ModuleList(_twice(before, after) for before, after in pairwise((channels, *widths)))
        self.up = nn.ModuleList(_twice(coarse + fine, fine) for coarse, fine in pairwise(widths[::-1]))
        self.answer = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        levels = [self.down[0](x)]
        for layers in list(self.down)[1:]:
            levels.append(layers(F.avg_pool2d(levels[-1], 2)))
        x = levels.pop()
        for layers in self.up:
            x = layers(torch.cat([levels.pop(), _larger(x)], dim=1))
        return self.answer(x)


def rarity(counts: Tensor) -> Tensor:
    """The weight of each class in a loss, by the root of its rarity: [K] from the pixels of each, int64 [K]; 0 where there are
    none. Unweighted, rare classes are found late or never.
    """
    shares = counts.float()
    return torch.where(shares > 0, (shares.sum() / (len(shares) * shares)).sqrt(), 0.0)


def _twice(before: int, after: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (before, after):
        layers += [nn.Conv2d(channels, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(0.1)]
    return nn.Sequential(*layers)


def _larger(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
