"""LeNet as CoGAN's authors have it: sizes, and the answers of a re-statement with the same weights."""

import pytest
import torch
from torch import nn

from unpaired.errors import ShapeError
from unpaired.networks.build import judge
from unpaired.networks.specs import LeNet

DIGIT = (1, 28, 28)


def authors(network):
    """Their layers, which are all convolutions: the dense one of 4 px, with the same weights."""
    first, second = network.convolutions
    dense = nn.Conv2d(50, 500, 4)
    dense.weight.data, dense.bias.data = network.dense.weight.view(500, 50, 4, 4), network.dense.bias
    return nn.Sequential(first, nn.MaxPool2d(2), second, nn.MaxPool2d(2), dense, network.active)


def test_the_authors_sizes(count):
    """20 and 50 maps of 5x5, 500 units that see 4x4 px, a PReLU, a score and ten classes."""
    wanted = 26 * 20 + (25 * 20 + 1) * 50 + (16 * 50 + 1) * 500 + 1
    assert count(judge(LeNet(), DIGIT)) == wanted + 501
    assert count(judge(LeNet(), DIGIT, source=False, classes=10)) == wanted + 5010


def test_answers_of_the_same_layers_as_convolutions():
    network, x = judge(LeNet(), DIGIT, classes=10), torch.rand(3, *DIGIT) * 2 - 1
    judged, hidden = network(x), authors(network)(x)
    torch.testing.assert_close(judged.features[-1], hidden.flatten(1))
    torch.testing.assert_close(judged.source, network.heads.source(hidden.flatten(1))[:, 0])
    torch.testing.assert_close(judged.classes, network.heads.classes(hidden.flatten(1)))
    assert [tuple(layer.shape) for layer in judged.features] == [(3, 20, 12, 12), (3, 50, 4, 4), (3, 500)]


def test_noise_is_added_before_every_layer_and_the_scores_in_training_alone():
    network, x, seen = judge(LeNet(noise=0.3), DIGIT, classes=10), torch.rand(3, *DIGIT), []
    assert network.state_dict().keys() == judge(LeNet(), DIGIT, classes=10).state_dict().keys()
    network.noise.register_forward_hook(lambda module, given, made: seen.append((given[0], made)))
    judged = network(x)
    assert [tuple(given.shape) for given, _ in seen] == [(3, 1, 28, 28), (3, 20, 12, 12), (3, 50, 4, 4), (3, 500)]
    assert all((made - given).std().item() == pytest.approx(0.3, rel=0.1) for given, made in seen)
    assert torch.equal(judged.features[-1], seen[-1][0])
    torch.testing.assert_close(judged.classes, network.heads.classes(seen[-1][1]))
    assert torch.equal(network.eval()(x).classes, network(x).classes)


def test_weights_begin_as_the_authors_do():
    """Uniform, of variance 2 * 2 / (all that goes in and out of a unit); biases 0.1."""
    network = judge(LeNet(), DIGIT)
    for layer, ends in ((network.convolutions[1], 25 * (20 + 50)), (network.dense, 800 + 500)):
        weights = layer.weight.detach()
        assert weights.var().item() == pytest.approx(4 / ends, rel=0.03)
        assert weights.abs().max().item() == pytest.approx((12 / ends) ** 0.5, rel=0.01)
        assert torch.equal(layer.bias.detach(), torch.full_like(layer.bias, 0.1))


@pytest.mark.parametrize(("maps", "least"), [((4,), 6), ((4, 5), 16), ((4, 5, 6), 36)])
def test_images_too_small(maps, least):
    spec = LeNet(maps=maps, hidden=3)
    assert judge(spec, (2, least, least + 5))(torch.zeros(2, 2, least, least + 5)).source.shape == (2,)
    with pytest.raises(ShapeError, match=rf"{len(maps)} convolutions takes images from {least} px on, found {least - 1} x 40"):
        judge(spec, (2, least - 1, 40))
