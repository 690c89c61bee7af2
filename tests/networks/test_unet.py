"""pix2pix's generator against its published layers, and by numbers worked out on paper."""

import math

import pytest
import torch
from torch import nn

from unpaired.networks.noise import Noise, set_deterministic
from unpaired.networks.unet import UNetGenerator


def net(*, source=3, target=3, width=64, downs=8, norm="batch", dropout=0.5):
    return UNetGenerator(in_channels=source, out_channels=target, width=width, downs=downs, norm=norm, dropout=dropout)


def down(channels, norm="batch 512 affine"):
    return ["leaky 0.2", f"conv {channels} k4 s2 p1", *([norm] if norm else [])]


def up(channels, *more):
    return ["relu", f"deconv {channels} k4 s2 p1", *more]


def test_the_published_layers_of_256_px(layers):
    """Encoder C64-C128-C256-C512 x 5, decoder CD512 x 3 C512 C256 C128 C64 (appendix 6.1.1), whose inputs the skips double.

    The authors' code has no noise after the innermost layer.
    """
    assert layers(net()) == [
        "conv 3-64 k4 s2 p1", *down("64-128", "batch 128 affine"), *down("128-256", "batch 256 affine"),
        *down("256-512"), *down("512-512"), *down("512-512"), *down("512-512"), *down("512-512", None),
        *up("512-512", "batch 512 affine"),
        *up("1024-512", "batch 512 affine", "noise") * 3,
        *up("1024-256", "batch 256 affine"), *up("512-128", "batch 128 affine"), *up("256-64", "batch 64 affine"),
        "relu", "deconv 128-3 k4 s2 p1 bias", "tanh",
    ]  # fmt: skip


def test_parameters(count):
    """Published: 54,413,955 for 256 px. For 128 px a layer of 16 512 512 + 2 512 down is missing, and one twice as wide up."""
    assert count(net()) == 54_413_955
    assert count(net(downs=7)) == 54_413_955 - 3 * 16 * 512**2 - 4 * 512 == 41_828_995


@pytest.mark.parametrize(("downs", "noises"), [(1, 0), (5, 0), (6, 1), (7, 2), (8, 3), (9, 4)])
def test_where_the_noise_is(downs, noises):
    assert sum(isinstance(module, Noise) for module in net(width=1, downs=downs).modules()) == noises
    assert not any(isinstance(module, Noise) for module in net(width=1, downs=downs, dropout=0.0).modules())


def test_biases(layers):
    """With instance norm all convolutions have one, with batch norm the last alone."""
    found = [line for line in layers(net(width=2, downs=3, norm="instance")) if "conv" in line]
    assert len(found) == 6
    assert all(line.endswith("bias") for line in found)


@pytest.mark.parametrize("norm", ["instance", "instance-affine", "batch", "batch-by-image", "none"])
@pytest.mark.parametrize(("source", "target", "downs", "height", "width"), [(3, 3, 3, 8, 8), (1, 4, 2, 4, 12), (5, 2, 1, 6, 2)])
def test_shapes_and_range(norm, source, target, downs, height, width):
    """Down to 1 px in both directions, and beyond squares."""
    y = net(source=source, target=target, width=2, downs=downs, norm=norm)(100 * torch.randn(2, source, height, width))
    assert y.shape == (2, target, height, width)
    assert -1 <= y.min() < y.max() <= 1


def fill(layer, *values):
    """A weight for each input channel, the same at all places and for all outputs."""
    weight = (
        torch.tensor(values).view(-1, 1, 1, 1)
        if isinstance(layer, nn.ConvTranspose2d)
        else torch.tensor(values).view(1, -1, 1, 1)
    )
    layer.weight.data[:] = weight
    nn.init.zeros_(layer.bias)


def test_numbers():
    """4 x 4 px of 1/4, two layers each way. The first makes 2 x 2 skips of 9/16: 9 of 16 places are not padding.

    The second sums the 4, doubled: 9/2. The innermost transposed convolution answers -1/3 of that, which the next ReLU
    stops, so that half the skips alone reach the last layer, of whose pixels each sees 1, 2 or 4.
    """
    network = net(source=1, target=1, width=1, downs=2, norm="none")
    (first,), (_, second) = network.downs
    (_, inner, _), (_, outer, _) = network.ups
    fill(first, 0.25)
    fill(second, 2.0)
    second.weight.data[1] = 0  # one of its two channels is silent
    fill(inner, -1 / 3, 5.0)
    fill(outer, 0.5, 7.0)
    y = network(torch.full((1, 1, 4, 4), 0.25))[0, 0]
    skip = 9 / 16
    wanted = [math.tanh(0.5 * skip * seen) for seen in (1, 2, 2, 1, 2, 4, 4, 2, 2, 4, 4, 2, 1, 2, 2, 1)]
    torch.testing.assert_close(y.flatten(), torch.tensor(wanted))
    fill(inner, 1 / 3, 5.0)  # 3/2, which passes and counts 7 times
    y = network(torch.full((1, 1, 4, 4), 0.25))[0, 0]
    torch.testing.assert_close(y[0, 0].item(), math.tanh(0.5 * skip + 7 * 3 / 2))


def test_skips_are_taken_before_the_leak():
    """-1/4 all over: skips of -9/16, which the last ReLU stops; below they leak, -9/80 each of 4, times -2 and 1/3: 3/10."""
    network = net(source=1, target=1, width=1, downs=2, norm="none")
    fill(network.downs[0][0], 0.25)
    fill(network.downs[1][1], -2.0)
    network.downs[1][1].weight.data[1] = 0
    fill(network.ups[0][1], 1 / 3, 0.0)
    fill(network.ups[1][1], 0.5, 1.0)
    y = network(torch.full((1, 1, 4, 4), -0.25))[0, 0]
    torch.testing.assert_close(y[0, 0].item(), math.tanh(0.3))


def test_its_noise_stays_in_translation_unless_turned_off():
    network = net(width=1, downs=6).eval()
    x = torch.randn(1, 3, 64, 64)
    assert not torch.equal(network(x), network(x))
    set_deterministic(network, True)
    assert torch.equal(network(x), network(x))
