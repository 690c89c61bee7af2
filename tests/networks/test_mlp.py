"""Fully connected networks: by hand, and many side by side against each alone."""

import math

import pytest
import torch
from torch import nn

from unpaired.networks.mlp import Linears, MlpDiscriminator, MlpNet


def net(*, source=2, target=3, hidden=16, layers=3, members=None):
    return MlpNet(in_features=source, out_features=target, hidden=hidden, layers=layers, members=members)


def judge(*, features=2, hidden=16, layers=5, members=None):
    return MlpDiscriminator(in_features=features, hidden=hidden, layers=layers, members=members)


def member(many, index, one):
    """`one` with the weights of member `index` of `many`."""
    for (name, theirs), (same, mine) in zip(many.named_parameters(), one.named_parameters(), strict=True):
        assert name == same
        mine.data.copy_(theirs[index].reshape(mine.shape))
    return one


def test_numbers():
    """x = (1, 2), then (1 - 2, 1 + 2 + 1) = (-1, 4), ReLU (0, 4), then 3 0 - 4 + 1/2, not clipped."""
    network = net(source=2, target=1, hidden=2, layers=2)
    first, last = network.linears
    first.weight.data = torch.tensor([[1.0, 1.0], [-1.0, 1.0]])
    first.bias.data = torch.tensor([[0.0, 1.0]])
    last.weight.data = torch.tensor([[3.0], [-1.0]])
    last.bias.data = torch.tensor([[0.5]])
    assert network(torch.tensor([[1.0, 2.0]])).tolist() == [[-3.5]]


def test_parameters(count):
    """The toy's generator and discriminator: 2-128-128-2 and 2-128-128-128-128-1."""
    assert count(net(source=2, target=2, hidden=128)) == (2 + 1) * 128 + (128 + 1) * 128 + (128 + 1) * 2
    assert count(judge(hidden=128)) == (2 + 1) * 128 + 3 * (128 + 1) * 128 + (128 + 1)
    assert count(net(members=7)) == 7 * count(net())
    assert count(net(layers=1)) == (2 + 1) * 3


def test_it_is_a_chain_of_linear_layers():
    network = net()
    oracle = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 3))
    for mine, theirs in zip(network.linears, oracle[::2], strict=True):
        theirs.weight.data.copy_(mine.weight.T)
        theirs.bias.data.copy_(mine.bias[0])
    x = torch.randn(50, 2)
    torch.testing.assert_close(network(x), oracle(x))


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_each_member_is_a_network_of_its_own(layers):
    many = net(layers=layers, members=4)
    x = torch.randn(4, 50, 2)
    y = many(x)
    assert y.shape == (4, 50, 3)
    for index in range(4):
        torch.testing.assert_close(y[index], member(many, index, net(layers=layers))(x[index]), rtol=1e-6, atol=1e-6)
    assert not torch.allclose(many(x[:1].expand(4, -1, -1))[0], many(x[:1].expand(4, -1, -1))[1])


def test_each_member_learns_alone():
    many = net(members=3)
    x = torch.randn(3, 20, 2)
    many(x)[1].square().sum().backward()
    one = member(many, 1, net())
    one(x[1]).square().sum().backward()
    for theirs, mine in zip(many.parameters(), one.parameters(), strict=True):
        torch.testing.assert_close(theirs.grad[1].reshape(mine.shape), mine.grad)
        assert not theirs.grad[[0, 2]].any()


def test_each_discriminator_of_many():
    many = judge(members=3)
    x = torch.randn(3, 20, 2)
    scores, features = many(x)
    assert scores.shape == (3, 20, 1)
    assert [tuple(f.shape) for f in features] == [(20, 3, 16)] * 4  # points first, as in other networks
    for index in range(3):
        score, alone = member(many, index, judge())(x[index])
        torch.testing.assert_close(scores[index], score, rtol=1e-6, atol=1e-6)
        for theirs, mine in zip(features, alone, strict=True):
            torch.testing.assert_close(theirs[:, index], mine, rtol=1e-6, atol=1e-6)


def test_the_discriminator_tells_its_activations():
    network = judge(layers=3)
    x = torch.randn(20, 2)
    score, (first, second) = network(x)
    torch.testing.assert_close(score, network.net(x))
    torch.testing.assert_close(first, network.net.linears[0](x).clamp(min=0))
    torch.testing.assert_close(score, network.net.linears[2](second))
    assert judge(layers=1)(x)[1] == []


@pytest.mark.parametrize("members", [None, 300])
def test_initial_weights_are_torch_s(members):
    """Uniform within 1 / sqrt(in), as in nn.Linear, whatever the number of members."""
    layer = Linears(9, 400, members=members)
    for parameter in layer.parameters():
        assert parameter.abs().max() <= 1 / 3
        assert parameter.abs().max() > 0.32
        assert parameter.std().item() == pytest.approx(2 / 3 / math.sqrt(12), rel=0.1)
    oracle = nn.Linear(9, 400)
    assert oracle.weight.std().item() == pytest.approx(layer.weight.std().item(), rel=0.1)
