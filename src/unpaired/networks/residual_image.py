"""A generator that answers with a change to its input (Shen & Liu, CVPR 2017, section 3.2: residual images)."""

from torch import Tensor, nn

from unpaired.networks.norms import norm_layer
from unpaired.networks.resnet import ResidualBlock


class ResidualImageGenerator(nn.Module):
    """x + change(x): [N, C, H, W] -> the same, H and W multiples of 2^downs.

    The change is made by `downs` 4x4 convolutions with stride 2, `blocks` residual blocks and as many transposed
    convolutions. Unlike the paper the last layer starts at zero, so that training starts from the input itself, and the
    sum is not bounded: it leaves [-1, 1] only where a discriminator allows it, and files are clamped.
    """

    def __init__(self, *, channels: int, width: int, blocks: int, downs: int, norm: str) -> None:
        super().__init__()
        widths = [channels, *(width * 2**level for level in range(downs))]
        layers: list[nn.Module] = []
        for level in range(downs):
            layers += [nn.Conv2d(widths[level], widths[level + 1], 4, 2, 1), norm_layer(norm, widths[level + 1]), nn.ReLU()]
        layers += [ResidualBlock(widths[-1], norm=norm) for _ in range(blocks)]
        for level in reversed(range(1, downs)):
            layers += [nn.ConvTranspose2d(widths[level + 1], widths[level], 4, 2, 1), norm_layer(norm, widths[level]), nn.ReLU()]
        last = nn.ConvTranspose2d(widths[1], channels, 4, 2, 1)
        for parameter in last.parameters():
            nn.init.zeros_(parameter)
        self.change = nn.Sequential(*layers, last)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.change(x).float()
