"""The other projects' networks, written anew from what is known of the names and shapes of their weights.

`drawn` gives any of them random weights and statistics.
"""

from itertools import pairwise

import torch
from torch import nn


class Model(nn.Module):
    """A network whose layers lie under one name."""

    def __init__(self, name, layers):
        super().__init__()
        self.add_module(name, layers)
        self.only = name

    def forward(self, x):
        return getattr(self, self.only)(x)


class Block(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.conv_block = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.conv_block(x)


class Nothing(nn.Module):
    """A norm that is none, with the argument of one."""

    def __init__(self, channels):
        super().__init__()

    def forward(self, x):
        return x


def instance(channels):
    return nn.InstanceNorm2d(channels)


def affine(channels):
    return nn.InstanceNorm2d(channels, affine=True)


def resnet(norm, *, w=4, blocks=2, source=3, target=3, dropout=False):
    bias = norm in (instance, affine)
    layers = [nn.ReflectionPad2d(3), nn.Conv2d(source, w, 7, bias=bias), norm(w), nn.ReLU()]
    layers += [nn.Conv2d(w, 2 * w, 3, 2, 1, bias=bias), norm(2 * w), nn.ReLU()]
    layers += [nn.Conv2d(2 * w, 4 * w, 3, 2, 1, bias=bias), norm(4 * w), nn.ReLU()]
    for _ in range(blocks):
        block = [nn.ReflectionPad2d(1), nn.Conv2d(4 * w, 4 * w, 3, bias=bias), norm(4 * w), nn.ReLU()]
        block += [nn.Dropout(0.5)] if dropout else []
        layers.append(Block([*block, nn.ReflectionPad2d(1), nn.Conv2d(4 * w, 4 * w, 3, bias=bias), norm(4 * w)]))
    layers += [nn.ConvTranspose2d(4 * w, 2 * w, 3, 2, 1, 1, bias=bias), norm(2 * w), nn.ReLU()]
    layers += [nn.ConvTranspose2d(2 * w, w, 3, 2, 1, 1, bias=bias), norm(w), nn.ReLU()]
    return Model("model", nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(w, target, 7), nn.Tanh()))


class Level(nn.Module):
    """One level of a U-Net, all deeper ones within; what goes in lies beside what comes out."""

    def __init__(self, layers, *, outermost=False):
        super().__init__()
        self.model = nn.Sequential(*layers)
        self.outermost = outermost

    def forward(self, x):
        return self.model(x) if self.outermost else torch.cat([x, self.model(x)], 1)


def unet(norm, *, w=2, downs=5, source=3, target=3, dropout=False):
    bias = norm in (instance, affine)
    widths = [min(w * 2**level, 8 * w) for level in range(downs)]

    def down(level):
        return nn.Conv2d(source if level == 0 else widths[level - 1], widths[level], 4, 2, 1, bias=bias)

    def up(level, seen, out):
        return nn.ConvTranspose2d(seen * widths[level], out, 4, 2, 1, bias=bias or level == 0)

    inner = [nn.LeakyReLU(0.2), down(downs - 1), nn.ReLU(), up(downs - 1, 1, widths[-2]), norm(widths[-2])]
    for level in reversed(range(1, downs - 1)):
        wide = widths[level - 1] == widths[level] == 8 * w
        inner = [
            nn.LeakyReLU(0.2), down(level), norm(widths[level]), Level(inner),
            nn.ReLU(), up(level, 2, widths[level - 1]), norm(widths[level - 1]),
            *([nn.Dropout(0.5)] if dropout and wide else []),
        ]  # fmt: skip
    return Model("model", Level([down(0), Level(inner), nn.ReLU(), up(0, 2, target), nn.Tanh()], outermost=True))


def patch(norm, *, w=4, layers=3, source=3):
    bias = norm in (instance, affine)
    widths = [w * min(2**level, 8) for level in range(layers + 1)]
    found = [nn.Conv2d(source, w, 4, 2, 1), nn.LeakyReLU(0.2)]
    for level in range(1, layers + 1):
        convolution = nn.Conv2d(widths[level - 1], widths[level], 4, 1 + (level < layers), 1, bias=bias)
        found += [convolution, norm(widths[level]), nn.LeakyReLU(0.2)]
    return Model("model", nn.Sequential(*found, nn.Conv2d(widths[-1], 1, 4, 1, 1)))


def pixel(norm, *, w=4, source=3):
    bias = norm in (instance, affine)
    first = [nn.Conv2d(source, w, 1), nn.LeakyReLU(0.2), nn.Conv2d(w, 2 * w, 1, bias=bias), norm(2 * w)]
    return Model("net", nn.Sequential(*first, nn.LeakyReLU(0.2), nn.Conv2d(2 * w, 1, 1, bias=bias)))


def encoder(widths, source=3):
    layers = [nn.Conv2d(source, widths[0], 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for before, after in pairwise(widths):
        layers += [nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
    return layers


def decoder(widths, target=3):
    layers = []
    for before, after in pairwise(reversed(widths)):
        layers += [nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    return [*layers, nn.ConvTranspose2d(widths[0], target, 4, 2, 1, bias=False)]


class Chain(nn.ModuleList):
    def forward(self, x):
        for layer in self:
            x = layer(x)
        return x


def carpedm20_generator(*, widths=(4, 8, 16, 32), source=3, target=3):
    return Model("layer_module", Chain([*encoder(widths, source), *decoder(widths, target), nn.Tanh()]))


def carpedm20_discriminator(*, widths=(4, 8, 16, 32)):
    return Model("layer_module", Chain([*encoder(widths), nn.Conv2d(widths[-1], 1, 4, bias=False), nn.Sigmoid()]))


class Generator(nn.Module):
    """SKTBrain's; `model.Generator` is the name that its files know it by."""

    def __init__(self, *, widths=(4, 8, 16, 32), code=None):
        super().__init__()
        w, middle = widths[-1], []
        if code:
            middle = [nn.Conv2d(w, code, 4, bias=False), nn.BatchNorm2d(code), nn.LeakyReLU(0.2)]
            middle += [nn.ConvTranspose2d(code, w, 4, bias=False), nn.BatchNorm2d(w), nn.ReLU()]
        self.main = nn.Sequential(*encoder(widths), *middle, *decoder(widths), nn.Sigmoid())

    def forward(self, x):
        return self.main(x)


class Discriminator(nn.Module):
    """SKTBrain's, of which the score before the sigmoid is asked."""

    def __init__(self, *, widths=(4, 8, 16, 32)):
        super().__init__()
        for i, layer in enumerate(layer for layer in encoder(widths) if isinstance(layer, nn.Conv2d)):
            self.add_module(f"conv{i + 1}", layer)
            self.add_module(f"relu{i + 1}", nn.LeakyReLU(0.2))
        for i, width in enumerate(widths[1:]):
            self.add_module(f"bn{i + 2}", nn.BatchNorm2d(width))
        self.conv5 = nn.Conv2d(widths[-1], 1, 4, bias=False)

    def forward(self, x):
        x = self.relu1(self.conv1(x))
        for i in range(2, 5):
            x = getattr(self, f"relu{i}")(getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x)))
        return self.conv5(x)


def counted(channels):
    """An affine instance norm that counts statistics along; its project never looks at them."""
    return nn.InstanceNorm2d(channels, affine=True, track_running_stats=True)


class StarGANBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        first, second = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.main = nn.Sequential(first, counted(channels), nn.ReLU(), second, counted(channels))

    def forward(self, x):
        return x + self.main(x)


class StarGANGenerator(nn.Module):
    """yunjey's: an image and a label, each number of which it sees as a plane."""

    def __init__(self, *, numbers, w=4, blocks=2):
        super().__init__()
        layers = [nn.Conv2d(3 + numbers, w, 7, padding=3, bias=False), counted(w), nn.ReLU()]
        for width in (2 * w, 4 * w):
            layers += [nn.Conv2d(width // 2, width, 4, 2, 1, bias=False), counted(width), nn.ReLU()]
        layers += [StarGANBlock(4 * w) for _ in range(blocks)]
        for width in (2 * w, w):
            layers += [nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False), counted(width), nn.ReLU()]
        self.main = nn.Sequential(*layers, nn.Conv2d(w, 3, 7, padding=3, bias=False), nn.Tanh())

    def forward(self, x, label):
        planes = label[:, :, None, None].repeat(1, 1, x.shape[2], x.shape[3])
        return self.main(torch.cat([x, planes], dim=1))


class StarGANDiscriminator(nn.Module):
    """yunjey's: scores of patches, and the label's numbers."""

    def __init__(self, *, numbers, size, w=4, layers=3):
        super().__init__()
        widths = [3, *(w * 2**level for level in range(layers))]
        steps = [(nn.Conv2d(before, after, 4, 2, 1), nn.LeakyReLU(0.01)) for before, after in pairwise(widths)]
        self.main = nn.Sequential(*(layer for step in steps for layer in step))
        self.conv1 = nn.Conv2d(widths[-1], 1, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(widths[-1], numbers, size // 2**layers, bias=False)

    def forward(self, x):
        features = self.main(x)
        return self.conv1(features), self.conv2(features).flatten(1)


def drawn(network):
    """The network with weights, offsets and statistics drawn at random, so that activations neither vanish nor grow."""
    for name, value in network.state_dict().items():
        if value.dim() > 1:
            value.normal_(std=value[0].numel() ** -0.5)
        elif name.endswith("running_var"):
            value.uniform_(0.5, 1.5)
        elif value.is_floating_point():
            value.normal_(mean=1.0 if name.endswith("weight") else 0.0, std=0.3)
    return network
