"""PatchGAN: a discriminator that judges overlapping patches (Isola et al. 2017, section 3.2.2; CycleGAN, section 4)."""

from itertools import pairwise

from torch import Tensor, nn

from unpaired.networks.norms import has_bias, norm_layer


class PatchDiscriminator(nn.Module):
    """[N, C, H, W] -> (scores [N, 1, h, w] before any sigmoid, the activations between).

    4x4 convolutions: `layers` with stride 2, one with stride 1, then the score; LeakyReLU 0.2; no norm on the first.
    With 0 layers it is the PixelGAN of the same paper (section 4.4, appendix 6.1.2): three 1x1 convolutions, h = H, w = W.
    """

    def __init__(self, *, in_channels: int, width: int, layers: int, norm: str) -> None:
        super().__init__()
        bias = has_bias(norm)
        if layers == 0:
            first = nn.Conv2d(in_channels, width, 1)
            second = nn.Conv2d(width, 2 * width, 1, bias=bias)
            self.stages = nn.ModuleList([nn.Sequential(first, nn.LeakyReLU(0.2))])
            self.stages.append(nn.Sequential(second, norm_layer(norm, 2 * width), nn.LeakyReLU(0.2)))
            self.score = nn.Conv2d(2 * width, 1, 1, bias=bias)
            return
        widths = [width * min(2**level, 8) for level in range(layers + 1)]
        self.stages = nn.ModuleList([nn.Sequential(nn.Conv2d(in_channels, widths[0], 4, 2, 1), nn.LeakyReLU(0.2))])
        for level, (before, after) in enumerate(pairwise(widths), start=1):
            convolution = nn.Conv2d(before, after, 4, 2 if level < layers else 1, 1, bias=bias)
            self.stages.append(nn.Sequential(convolution, norm_layer(norm, after), nn.LeakyReLU(0.2)))
        self.score = nn.Conv2d(widths[-1], 1, 4, 1, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return self.score(x).float(), features[1:]
