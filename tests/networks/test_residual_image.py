"""A change to the input: layers, shapes, where it starts, and what it refuses."""

import re

import pytest
import torch

from unpaired.errors import ShapeError
from unpaired.networks.build import generator
from unpaired.networks.specs import ResidualImage


def net(shape=(3, 8, 8), **options):
    return generator(ResidualImage(**options), shape, shape)


def test_layers(layers):
    block = [
        "reflect 1",
        "conv 8-8 k3 s1 p0 bias",
        "instance 8",
        "relu",
        "reflect 1",
        "conv 8-8 k3 s1 p0 bias",
        "instance 8",
    ]
    assert layers(net(width=4, downs=2, norm="instance")) == [
        "conv 3-4 k4 s2 p1 bias", "instance 4", "relu",
        "conv 4-8 k4 s2 p1 bias", "instance 8", "relu",
        *[line + " bias" * (line.startswith("conv") and "bias" not in line) for line in block],
        "deconv 8-4 k4 s2 p1 bias", "instance 4", "relu",
        "deconv 4-3 k4 s2 p1 bias",
    ]  # fmt: skip


@pytest.mark.parametrize(("downs", "shape"), [(1, (3, 4, 6)), (2, (1, 8, 12)), (3, (4, 16, 24))])
def test_it_starts_from_the_input_itself(downs, shape):
    x = torch.randn(2, *shape)
    assert torch.equal(net(shape, width=2, downs=downs)(x), x)


def test_the_change_is_added():
    network = net((1, 4, 4), width=1)
    network.change[-1].bias.data.fill_(0.25)
    x = torch.rand(1, 1, 4, 4)
    torch.testing.assert_close(network(x), x + 0.25)


def test_all_of_it_learns_once_the_last_layer_has_moved():
    network = net(width=2, norm="none", blocks=2)
    torch.nn.init.normal_(network.change[-1].weight)
    network(torch.randn(4, 3, 8, 8)).square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in network.parameters())


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        (
            (3, 8, 8),
            (1, 8, 8),
            "network 'residual_image' changes its input, so both domains need as many channels; found 3 and 1",
        ),
        ((3, 7, 8), (3, 7, 8), "multiples of 2, from 4 on, found 7 x 8"),
        ((3, 8, 8), (3, 16, 16), "network 'residual_image' keeps height and width, found 8 x 8 -> 16 x 16"),
        ((2,), (2,), "network 'residual_image' takes images (C, H, W), found samples of shape (2,)"),
    ],
)
def test_what_does_not_fit_is_refused(source, target, said):
    with pytest.raises(ShapeError, match=re.escape(said)):
        generator(ResidualImage(), source, target)
