"""Networks as lists of lines, to be held against what was published."""

import pytest
from torch import nn


@pytest.fixture
def layers():
    """A function: the layers of a network from input to output, a line each: `conv IN-OUT kK sS pP [bias]` ..."""

    def describe(network):
        return [_line(module) for module in network.modules() if not list(module.children())]

    return describe


@pytest.fixture
def count():
    """A function: how many trained numbers a network has."""
    return lambda network: sum(p.numel() for p in network.parameters())


def _line(module):
    match module:
        case nn.Conv2d() | nn.ConvTranspose2d():
            name = "conv" if isinstance(module, nn.Conv2d) else "deconv"
            more = f" +{module.output_padding[0]}" if module.output_padding[0] else ""
            bias = " bias" if module.bias is not None else ""
            sizes = f"k{module.kernel_size[0]} s{module.stride[0]} p{module.padding[0]}{more}"
            return f"{name} {module.in_channels}-{module.out_channels} {sizes}{bias}"
        case nn.Linear():
            return f"linear {module.in_features}-{module.out_features}" + (" bias" if module.bias is not None else "")
        case nn.BatchNorm2d():
            return f"batch {module.num_features}" + (" affine" if module.affine else "")
        case nn.GroupNorm() if module.num_groups == module.num_channels:  # what instance norm is
            return f"instance {module.num_channels}" + (" affine" if module.affine else "")
        case nn.LeakyReLU():
            return f"leaky {module.negative_slope}"
        case nn.ReflectionPad2d():
            return f"reflect {module.padding[0]}"
    return type(module).__name__.lower()
