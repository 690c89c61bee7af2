"""DiscoGAN's encoder-decoder and the discriminator that is its encoder (Kim et al. 2017, section 4; the authors' code)."""

from itertools import pairwise

from torch import Tensor, nn

from unpaired.errors import ShapeError


class EncoderDecoderNet(nn.Module):
    """[N, in_channels, S, S] -> [N, out_channels, S, S] in [-1, 1], for S = 8, 16, 32, 64, 128, ...

    Convolutions 4x4 stride 2 down to 4x4 px with LeakyReLU 0.2, transposed ones back up with ReLU, batch normalisation on
    all but the first and last, no biases. `bottleneck`: a 1x1 code of that many channels in the middle.
    The authors end in a sigmoid on [0, 1]; tanh(x) = 2 sigmoid(2x) - 1, so a tanh on [-1, 1] is the same family. Their first
    layer sees [0, 1] as well, and pads it with black: `unit` maps the input to that before all else.
    """

    def __init__(
        self, *, in_channels: int, out_channels: int, size: int, width: int, bottleneck: int | None, unit: bool = False
    ) -> None:
        super().__init__()
        self.unit = unit
        widths = encoder_widths(size, width)
        layers = [*encoder(in_channels, widths)]
        if bottleneck is not None:
            layers += [nn.Conv2d(widths[-1], bottleneck, 4, bias=False), nn.BatchNorm2d(bottleneck), nn.LeakyReLU(0.2)]
            layers += [nn.ConvTranspose2d(bottleneck, widths[-1], 4, bias=False), nn.BatchNorm2d(widths[-1]), nn.ReLU()]
        for before, after in pairwise(reversed(widths)):
            layers += [nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        layers += [nn.ConvTranspose2d(widths[0], out_channels, 4, 2, 1, bias=False), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers((x + 1) / 2 if self.unit else x)


class ConvDiscriminatorNet(nn.Module):
    """[N, C, S, S] -> (score [N, 1, 1, 1] before any sigmoid, the activations that feature matching compares).

    unit: map the input from [-1, 1] to [0, 1] before all else.
    """

    def __init__(self, *, in_channels: int, size: int, width: int, unit: bool = False) -> None:
        super().__init__()
        self.unit = unit
        widths = encoder_widths(size, width)
        layers = encoder(in_channels, widths)
        ends = [index + 1 for index, layer in enumerate(layers) if isinstance(layer, nn.LeakyReLU)]
        self.stages = nn.ModuleList(nn.Sequential(*layers[a:b]) for a, b in pairwise([0, *ends]))
        self.score = nn.Conv2d(widths[-1], 1, 4, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        features = []
        x = (x + 1) / 2 if self.unit else x
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return self.score(x).float(), features[1:]  # the authors match layers 2 to 4: not the first, which has no norm


def encoder_widths(size: int, width: int) -> list[int]:
    """Channels of each layer from `size` down to 4 px: 64-128-256-512 at 64 px, a further 512 at 128 px."""
    depth = size.bit_length() - 3
    if depth < 1 or size != 4 << depth:
        raise ShapeError(f"size {size} does not suit this network: wanted a power of two from 8 on, such as 32, 64 or 128")
    return [width * min(2**level, 8) for level in range(depth)]


def encoder(in_channels: int, widths: list[int]) -> list[nn.Module]:
    """4x4 convolutions with stride 2, LeakyReLU 0.2; batch normalisation on all but the first."""
    layers: list[nn.Module] = [nn.Conv2d(in_channels, widths[0], 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for before, after in pairwise(widths):
        layers += [nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
    return layers
