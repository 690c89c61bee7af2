"""CycleGAN's generator against its published layers, and by numbers worked out on paper."""

import math

import pytest
import torch
from torch import nn

from unpaired.networks.resnet import ResidualBlock, ResNetGenerator


def net(*, source=3, target=3, width=64, blocks=9, downs=2, norm="instance", dropout=0.0):
    return ResNetGenerator(
        in_channels=source, out_channels=target, width=width, blocks=blocks, downs=downs, norm=norm, dropout=dropout
    )


BLOCK = [
    "reflect 1", "conv 256-256 k3 s1 p0 bias", "instance 256", "relu",
    "reflect 1", "conv 256-256 k3 s1 p0 bias", "instance 256",
]  # fmt: skip


@pytest.mark.parametrize("blocks", [6, 9])
def test_the_published_layers(layers, blocks):
    """c7s1-64, d128, d256, R256 x blocks, u128, u64, c7s1-3."""
    assert layers(net(blocks=blocks)) == [
        "reflect 3", "conv 3-64 k7 s1 p0 bias", "instance 64", "relu",
        "conv 64-128 k3 s2 p1 bias", "instance 128", "relu",
        "conv 128-256 k3 s2 p1 bias", "instance 256", "relu",
        *BLOCK * blocks,
        "deconv 256-128 k3 s2 p1 +1 bias", "instance 128", "relu",
        "deconv 128-64 k3 s2 p1 +1 bias", "instance 64", "relu",
        "reflect 3", "conv 64-3 k7 s1 p0 bias", "tanh",
    ]  # fmt: skip


def test_parameters(count):
    """Published: 11,378,179 with nine blocks. Each block has 2 (9 256^2 + 256)."""
    assert count(net()) == 11_378_179
    assert count(net(blocks=6)) == 11_378_179 - 3 * 2 * (9 * 256**2 + 256)


def test_with_batch_norm_only_the_last_layer_has_a_bias(layers):
    found = layers(net(norm="batch", blocks=1))
    assert [line for line in found if line.endswith("bias")] == ["conv 64-3 k7 s1 p0 bias"]
    assert [line for line in found if "instance" in line] == []
    assert sum("batch" in line for line in found) == 7


def test_with_dropout_each_block_has_noise_after_its_relu(layers, count):
    assert layers(net(dropout=0.5))[10:18] == [*BLOCK[:4], "noise", *BLOCK[4:]]
    assert layers(net(dropout=0.5)).count("noise") == 9
    assert count(net(dropout=0.5)) == count(net())


@pytest.mark.parametrize("norm", ["instance", "instance-affine", "batch", "batch-by-image", "none"])
@pytest.mark.parametrize(("source", "target", "height", "width"), [(3, 3, 16, 16), (1, 3, 8, 24), (5, 2, 12, 8)])
def test_shapes_and_range(norm, source, target, height, width):
    y = net(source=source, target=target, width=2, blocks=2, norm=norm)(100 * torch.randn(2, source, height, width))
    assert y.shape == (2, target, height, width)
    assert -1 <= y.min() < y.max() <= 1


@pytest.mark.parametrize("downs", [0, 1, 3])
def test_any_number_of_halvings(layers, downs):
    network = net(width=2, blocks=1, downs=downs)
    assert network(torch.randn(1, 3, 16, 16)).shape == (1, 3, 16, 16)
    assert sum(" s2 " in line for line in layers(network)) == 2 * downs
    assert f"instance {2 * 2**downs}" in layers(network)


def fill(layer, weight, bias):
    nn.init.constant_(layer.weight, weight)
    nn.init.constant_(layer.bias, bias)


def test_numbers_of_a_block():
    """All 1: twice the mean, less 1, is 1, as is its ReLU; -3 times that, plus 1/2, is -5/2; 1 - 5/2, unclipped."""
    block = ResidualBlock(1, norm="none")
    _, first, _, _, _, second, _ = block.change
    fill(first, 2 / 9, -1.0)
    fill(second, -3 / 9, 0.5)
    torch.testing.assert_close(block(torch.ones(1, 1, 5, 5)), torch.full((1, 1, 5, 5), -1.5))
    fill(first, 2 / 9, -3.0)  # -1, which ReLU makes 0
    torch.testing.assert_close(block(torch.ones(1, 1, 5, 5)), torch.full((1, 1, 5, 5), 1.5))


def test_numbers_of_the_whole():
    """A picture of one colour stays one up to its borders, thanks to reflection: 1/2, then 1, -3/2, and tanh(-3/5)."""
    network = net(source=1, target=1, width=1, blocks=1, downs=0, norm="none")
    _, start, _, _, block, _, end, _ = network.layers
    fill(start, 1 / 49, 0.5)
    fill(block.change[1], 2 / 9, -1.0)
    fill(block.change[5], -3 / 9, 0.5)
    fill(end, 0.4 / 49, 0.0)
    y = network(torch.full((1, 1, 8, 8), 0.5))
    torch.testing.assert_close(y, torch.full((1, 1, 8, 8), math.tanh(-0.6)))


def test_instance_norm_judges_each_image_alone():
    network = net(width=2, blocks=1).eval()
    x = torch.randn(3, 3, 8, 8)
    torch.testing.assert_close(network(x)[1:2], network(x[1:2]))
    torch.testing.assert_close(network.train()(x), network.eval()(x))  # no running statistics
