"""CycleGAN's generator (Zhu et al. 2017, appendix 7.2)."""

from torch import Tensor, nn

from unpaired.networks.noise import Noise
from unpaired.networks.norms import has_bias, norm_layer
from unpaired.networks.winograd import Conv3x3


class ResNetGenerator(nn.Module):
    """[N, in_channels, H, W] -> [N, out_channels, H, W] in [-1, 1]; H and W multiples of 2^downs.

    c7s1-w, `downs` 3x3 convolutions with stride 2, `blocks` residual blocks, as many transposed convolutions, c7s1, tanh;
    reflection padding at the ends and in the blocks. dropout: the share that each block's `Noise` drops; none where 0.
    """

    def __init__(
        self, *, in_channels: int, out_channels: int, width: int, blocks: int, downs: int, norm: str, dropout: float = 0.0
    ) -> None:
        super().__init__()
        bias = has_bias(norm)
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(in_channels, width, 7, bias=bias), *_active(width, norm)]
        for level in range(downs):
            before, after = width * 2**level, width * 2 ** (level + 1)
            layers += [nn.Conv2d(before, after, 3, 2, 1, bias=bias), *_active(after, norm)]
        layers += [ResidualBlock(width * 2**downs, norm=norm, dropout=dropout) for _ in range(blocks)]
        for level in reversed(range(downs)):
            before, after = width * 2 ** (level + 1), width * 2**level
            layers += [nn.ConvTranspose2d(before, after, 3, 2, 1, output_padding=1, bias=bias), *_active(after, norm)]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, out_channels, 7), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class ResidualBlock(nn.Module):
    """x + conv(noise(relu(conv(x)))), both 3x3 with reflection padding and normalisation: [N, C, H, W] -> the same."""

    def __init__(self, channels: int, *, norm: str, dropout: float = 0.0) -> None:
        super().__init__()
        bias = has_bias(norm)
        self.change = nn.Sequential(
            nn.ReflectionPad2d(1),
            Conv3x3(channels, channels, bias=bias),
            *_active(channels, norm),
            *([Noise(dropout)] if dropout else []),
            nn.ReflectionPad2d(1),
            Conv3x3(channels, channels, bias=bias),
            norm_layer(norm, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.change(x)


def _active(channels: int, norm: str) -> list[nn.Module]:
    return [norm_layer(norm, channels), nn.ReLU()]
