"""Images whose parts do not look like the whole, networks whose statistics matter, and what a whole image gives."""

import math

import pytest
import torch
from torch import nn

from unpaired.large import padded_shape, translate_large
from unpaired.large.layers import reflected


@pytest.fixture
def picture():
    """A function: noise on a strong gradient, [1, C, H, W]: a tile's mean and variance are not the image's."""

    def make(channels, height, width):
        down, across = torch.linspace(-1, 1, height)[:, None], torch.linspace(-1, 1, width)
        return 0.4 * down + 0.4 * across + 0.2 * torch.randn(1, channels, height, width)

    return make


@pytest.fixture
def shaken():
    """A function: a network in evaluation, all whose numbers are random, with activations of about 1 all the way."""

    def shake(network):
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                taps = math.prod(module.kernel_size) * module.in_channels / module.groups
                heard = taps / (math.prod(module.stride) if isinstance(module, nn.ConvTranspose2d) else 1)
                nn.init.normal_(module.weight, 0, heard**-0.5)
            elif getattr(module, "weight", None) is not None:
                nn.init.normal_(module.weight, 1, 0.3)
            if getattr(module, "bias", None) is not None:
                nn.init.normal_(module.bias, 0, 0.3)
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.running_mean, 0, 0.3)
                nn.init.uniform_(module.running_var, 0.5, 2)
        return network.eval()

    return shake


@pytest.fixture
def tiled():
    """A function: the translation [1, out, H, W] that arrives in tiles, each place once."""

    def translate(network, x, *, out, tile, **more):
        y = torch.full((1, out, *x.shape[2:]), torch.nan)

        def write(rows, cols, part):
            assert y[:, :, rows, cols].isnan().all(), "written twice"
            y[:, :, rows, cols] = part

        translate_large(
            network,
            shape=tuple(x.shape[2:]),
            channels=(x.shape[1], out),
            read=lambda rows, cols: x[:, :, rows, cols],
            write=write,
            tile=tile,
            **more,
        )
        return y

    return translate


@pytest.fixture
def whole():
    """A function: what the network says of the whole image, mirrored below and to the right where it must be larger."""

    def translate(network, x):
        height, width = x.shape[2:]
        rows, cols = padded_shape(network, shape=(height, width), channels=x.shape[1])
        with torch.no_grad():
            larger = x[:, :, reflected(torch.arange(rows), height)][:, :, :, reflected(torch.arange(cols), width)]
            return network(larger)[:, :, :height, :width]

    return translate
