"""The first GAN's networks: sizes of the authors' code, numbers by hand, dropout, initial weights."""

import pytest
import torch
from torch import nn

from unpaired.errors import ShapeError
from unpaired.networks.build import judge, noise_generator
from unpaired.networks.dense import DenseGeneratorNet, Maxout, MaxoutDiscriminatorNet
from unpaired.networks.specs import DenseGenerator, MaxoutDiscriminator

MNIST = (1, 28, 28)


def generator(*, noise=3, condition=0, shape=(1, 2, 2), hidden=5, layers=2, reach=None):
    return DenseGeneratorNet(noise=noise, condition=condition, shape=shape, hidden=hidden, layers=layers, reach=reach)


def discriminator(*, shape=(1, 2, 2), units=4, pieces=3, layers=2, dropout=0.0, input_dropout=0.0, source=True, classes=0):
    return MaxoutDiscriminatorNet(
        shape=shape, units=units, pieces=pieces, layers=layers, dropout=dropout, input_dropout=input_dropout,
        reach=None, source=source, classes=classes,
    )  # fmt: skip


def test_the_authors_sizes(count):
    """mnist.yaml: 100-1200-1200-784; 784, twice 240 units of 5 pieces, 1."""
    assert count(noise_generator(DenseGenerator(), MNIST, noise=100)) == 101 * 1200 + 1201 * 1200 + 1201 * 784
    assert count(judge(MaxoutDiscriminator(), MNIST)) == 785 * 1200 + 241 * 1200 + 241


def test_numbers_of_the_generator():
    """Noise (1, -2): ReLU (0, 3); then 0 + 3 ln 3 / 3 = ln 3, whose sigmoid is 3/4: a half; and its negative."""
    network = generator(noise=2, shape=(1, 1, 2), hidden=2, layers=1)
    first, last = network.linears
    first.weight.data, first.bias.data = torch.tensor([[1.0, 1.0], [1.0, -1.0]]), torch.zeros(2)
    log_3 = torch.tensor(3.0).log().item()
    last.weight.data, last.bias.data = torch.tensor([[9.0, log_3 / 3], [9.0, -log_3 / 3]]), torch.zeros(2)
    torch.testing.assert_close(network(torch.tensor([[1.0, -2.0]])), torch.tensor([[[[0.5, -0.5]]]]))


def test_pictures_lie_as_rows():
    made = generator(shape=(3, 2, 5))(torch.randn(4, 3))
    assert made.shape == (4, 3, 2, 5)
    assert -1 <= made.min() < made.max() <= 1


def test_the_condition_is_more_noise():
    network, classes = generator(condition=2), torch.eye(2)
    joined = generator(noise=5)
    joined.load_state_dict(network.state_dict())
    noise = torch.randn(2, 3)
    torch.testing.assert_close(network(noise, classes), joined(torch.cat([noise, classes], 1)))
    with pytest.raises(ShapeError, match="was given a condition of width 0, wanted 2"):
        network(noise)


def test_maxout_by_hand():
    """Two units of two pieces: max(x, -x) and max(2x, 1)."""
    layer = Maxout(1, 2, 2)
    layer.linear.weight.data = torch.tensor([[1.0], [-1.0], [2.0], [0.0]])
    layer.linear.bias.data = torch.tensor([0.0, 0.0, 0.0, 1.0])
    assert layer(torch.tensor([[-3.0], [2.0]])).tolist() == [[3, 1], [2, 4]]


def test_the_discriminator_sees_black_as_nothing():
    """Of a black picture only biases are seen; the scores are linear in the last features."""
    network = discriminator(classes=3)
    black, white = network(-torch.ones(1, 1, 2, 2)), network(torch.ones(1, 1, 2, 2))
    first = network.layers[0]
    torch.testing.assert_close(black.features[0], first.linear.bias.reshape(1, 4, 3).amax(2))
    torch.testing.assert_close(white.features[0], first(torch.ones(1, 4)))
    assert [tuple(f.shape) for f in white.features] == [(1, 4), (1, 4)]
    torch.testing.assert_close(white.source, network.heads.source(white.features[1])[:, 0])
    torch.testing.assert_close(white.classes, network.heads.classes(white.features[1]))
    assert discriminator(source=False, classes=2)(torch.ones(1, 1, 2, 2)).source is None


def test_dropout():
    """Of pixels before the first layer, of units after each; none beyond training."""
    network = discriminator(units=64, shape=(1, 8, 8), dropout=0.5)
    x = torch.randn(2, 1, 8, 8)
    first, again = network(x), network(x)
    assert torch.equal(first.features[0], again.features[0])
    assert not torch.equal(first.features[1], again.features[1])
    pixels = discriminator(units=64, shape=(1, 8, 8), input_dropout=0.2)
    assert not torch.equal(pixels(x).features[0], pixels(x).features[0])
    for each in (network, pixels):
        assert torch.equal(each.eval()(x).source, each(x).source)


def test_weights_begin_as_the_authors(count):
    for network, reach in (
        (noise_generator(DenseGenerator(), MNIST, noise=100), 0.05),
        (judge(MaxoutDiscriminator(), MNIST, classes=10), 0.005),
    ):
        for module in network.modules():
            if isinstance(module, nn.Linear):
                assert not module.bias.any()
                assert module.weight.abs().max() <= reach
                assert module.weight.abs().max() > 0.97 * reach
    torch.manual_seed(3)
    ours = noise_generator(DenseGenerator(hidden=5, layers=1, reach=None), (1, 2, 2), noise=3)
    torch.manual_seed(3)
    theirs = [nn.Linear(3, 5), nn.Linear(5, 4)]
    drawn = [parameter for layer in theirs for parameter in layer.parameters()]
    assert all(torch.equal(mine, parameter) for mine, parameter in zip(ours.parameters(), drawn, strict=True))
