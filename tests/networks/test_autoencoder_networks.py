"""Stacked autoencoders: their layers, the way there and back, and levels that can be trained alone."""

import pytest
import torch
from torch import nn

from unpaired.errors import ShapeError
from unpaired.networks.build import autoencoder
from unpaired.networks.specs import ConvAutoencoder, DenseAutoencoder

MNIST = (1, 28, 28)
SPECS = [
    DenseAutoencoder(hidden=(20, 10), code=4),
    DenseAutoencoder(hidden=(20, 10), code=4, activation="sigmoid", values="signed"),
    DenseAutoencoder(hidden=(), code=4),
    ConvAutoencoder(widths=(2, 3), hidden=12, code=4),
    ConvAutoencoder(widths=(2, 3), hidden=12, code=4, activation="sigmoid", values="signed"),
    ConvAutoencoder(widths=(2,), hidden=12, code=4),
]
both = pytest.mark.parametrize("spec", SPECS)


def test_the_dense_layers(layers, count):
    """Hinton and Salakhutdinov's 784-1000-500-250-30 and back."""
    network = autoencoder(DenseAutoencoder(), MNIST)
    assert [layers(level) for level in network.levels] == [
        ["flatten", "linear 784-1000 bias", "relu", "linear 1000-784 bias", "sigmoid", "unflatten"],
        ["linear 1000-500 bias", "relu", "linear 500-1000 bias", "relu"],
        ["linear 500-250 bias", "relu", "linear 250-500 bias", "relu"],
        ["linear 250-30 bias", "linear 30-250 bias", "relu"],
    ]
    there = 785 * 1000 + 1001 * 500 + 501 * 250 + 251 * 30
    back = 31 * 250 + 251 * 500 + 501 * 1000 + 1001 * 784
    assert count(network) == there + back


def test_the_convolutional_layers(layers, count):
    network = autoencoder(ConvAutoencoder(activation="sigmoid", values="signed"), MNIST)
    assert [layers(level) for level in network.levels] == [
        ["conv 1-64 k4 s2 p1 bias", "sigmoid", "deconv 64-1 k4 s2 p1 bias", "tanh"],
        ["conv 64-128 k4 s2 p1 bias", "sigmoid", "deconv 128-64 k4 s2 p1 bias", "sigmoid"],
        ["flatten", "linear 6272-1024 bias", "sigmoid", "linear 1024-6272 bias", "sigmoid", "unflatten"],
        ["linear 1024-50 bias", "linear 50-1024 bias", "sigmoid"],
    ]
    convolutions = (16 + 1) * 64 + (16 * 64 + 1) * 128 + (16 * 128 + 1) * 64 + 16 * 64 + 1
    assert count(network) == convolutions + 6273 * 1024 + 1025 * 6272 + 1025 * 50 + 51 * 1024


@both
def test_there_and_back(spec):
    network = autoencoder(spec, (3, 8, 12))
    x = torch.rand(5, 3, 8, 12) * 2 - 1
    code = network.encode(x)
    assert code.shape == (5, 4)
    assert isinstance([*network.levels[-1].encoder.modules()][-1], nn.Linear)  # no activation makes the code one-sided
    assert network(x).shape == x.shape
    assert network(10 * x).min() >= -1
    assert network(10 * x).max() <= 1
    torch.testing.assert_close(network(x), network.decode(code))
    torch.testing.assert_close(network.decode(network.encode(x, levels=0), levels=0), x)  # no level changes nothing
    inner = network.encode(x, levels=1)
    torch.testing.assert_close(network.decode(inner, levels=1), network.decode(network.levels[0].decoder(inner), levels=0))


@both
def test_each_level_gives_back_what_it_was_given(spec):
    """In shape and range: what level i sees is what those below it make of images."""
    network = autoencoder(spec, (3, 8, 12))
    x = torch.rand(5, 3, 8, 12) * 2 - 1
    for index, level in enumerate(network.levels):
        h = network.encode(x, levels=index)
        assert level(h).shape == h.shape
        torch.testing.assert_close(level.encoder(h), network.encode(x, levels=index + 1))
        least, most = {
            True: (0, 1) if spec.values == "unit" else (-1, 1),
            False: (0, 1) if spec.activation == "sigmoid" else (0, float("inf")),
        }[index == 0]
        for values in (h, level(100 * h)):
            assert least <= values.min()
            assert values.max() <= most


def test_a_level_is_trained_alone():
    network = autoencoder(SPECS[0], (1, 4, 4))
    x = torch.rand(50, 1, 4, 4) * 2 - 1
    others = {name: value.clone() for name, value in network.state_dict().items() if not name.startswith("levels.1.")}
    optimizer = torch.optim.Adam(network.levels[1].parameters(), lr=0.02)
    with torch.no_grad():
        h = network.encode(x, levels=1)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        losses.append((network.levels[1](h) - h).square().mean())
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < 0.3 * losses[0]
    state = network.state_dict()
    assert all(torch.equal(state[name], value) for name, value in others.items())


def test_numbers():
    """Unit values: 0 becomes 1/2; doubled, plus a bias of -1: 0, ReLU 0; back by a bias of ln 3: sigmoid 3/4, a half."""
    network = autoencoder(DenseAutoencoder(hidden=(1,), code=1), (1, 1, 1))
    (first, last), one = network.levels, torch.tensor([[1.0]])
    for linear, weight, bias in (
        (first.encoder[1], 2 * one, -1.0),
        (first.decoder[0], one, torch.tensor(3.0).log().item()),
        (last.encoder[0], one, 0.5),
        (last.decoder[0], 2 * one, -1.0),
    ):
        linear.weight.data, linear.bias.data = weight.clone(), torch.tensor([bias])
    assert network.encode(torch.zeros(1, 1, 1, 1)).item() == 0.5
    assert network(torch.zeros(1, 1, 1, 1)).item() == pytest.approx(0.5)
    # 1 becomes 1; 2 - 1 = 1; code 1.5; 3 - 1 = 2; e^2 3 / (1 + e^2 3)
    odds = 3 * torch.tensor(2.0).exp().item()
    assert network(torch.ones(1, 1, 1, 1)).item() == pytest.approx(2 * odds / (1 + odds) - 1)


def test_sizes_that_cannot_be_halved():
    with pytest.raises(ShapeError, match="with 2 halvings takes heights and widths that are multiples of 4, found 28 x 30; use"):
        autoencoder(ConvAutoencoder(), (1, 28, 30))
    with pytest.raises(ShapeError, match=r"network 'dense' takes images \(C, H, W\), found samples of shape \(2,\)"):
        autoencoder(DenseAutoencoder(), (2,))


def test_every_parameter_belongs_to_one_level():
    network = autoencoder(SPECS[3], (3, 8, 12))
    owned = [parameter for level in network.levels for parameter in level.parameters()]
    assert len(owned) == len(list(network.parameters())) == len({id(parameter) for parameter in owned})
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
