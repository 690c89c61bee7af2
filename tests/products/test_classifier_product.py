"""Classes by name, scores against a softmax by hand, features against the networks' own; pictures of any kind."""

import numpy as np
import PIL.Image
import pytest
import torch
from torch import nn

from unpaired.errors import ConfigError, ShapeError
from unpaired.networks.build import judge
from unpaired.networks.judged import Judged, pooled
from unpaired.networks.specs import DCGANDiscriminator, LeNet, MaxoutDiscriminator
from unpaired.products import Classifier

SPEC = DCGANDiscriminator(width=2)


class ByBrightness(nn.Module):
    """Scores: the mean, minus the mean, and, of being generated, 9."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(1.0))

    def forward(self, x):
        mean = self.weight * x.mean(dim=(1, 2, 3))
        return Judged(None, torch.stack([mean, -mean, torch.full_like(mean, 9.0)], dim=1), [])


def by_brightness():
    return Classifier(ByBrightness(), spec=SPEC, shape=(1, 4, 4), classes=("bright", "dark"), generated=True, source=False)


def test_scores_are_of_real_images():
    x = torch.tensor([0.5, -1.0]).view(2, 1, 1, 1).expand(2, 1, 4, 4)
    wanted = torch.tensor([[0.5, -0.5], [-1.0, 1.0]]).exp()
    torch.testing.assert_close(by_brightness().scores(x), wanted / wanted.sum(dim=1, keepdim=True))


def test_names_of_whatever_stands_for_images(tmp_path):
    classify = by_brightness()
    light, night = np.full((4, 4, 1), 200, np.uint8), np.full((4, 4, 1), 10, np.uint8)
    picture = PIL.Image.fromarray(np.full((9, 30, 3), 230, np.uint8))
    picture.save(tmp_path / "picture.png")
    assert classify(picture) == classify(tmp_path / "picture.png") == classify(str(tmp_path / "picture.png")) == "bright"
    assert classify(light) == "bright"
    assert classify(np.stack([light, night])) == ["bright", "dark"]
    assert classify(light / 255) == "bright"
    assert classify(torch.from_numpy(night).movedim(-1, 0)) == "dark"
    assert classify(torch.full((3, 1, 4, 4), -0.5)) == ["dark"] * 3


def test_what_does_not_fit():
    with pytest.raises(ShapeError, match=r"found images of shape \[1, 5, 4\]; wanted \[1, 4, 4\]"):
        by_brightness()(torch.zeros(1, 5, 4))
    with pytest.raises(ShapeError, match="found a list; wanted a path"):
        by_brightness()([1, 2])


def test_features_are_the_networks():
    network = judge(SPEC, (1, 16, 16)).eval()
    classifier, x = Classifier(network, spec=SPEC, shape=(1, 16, 16)), torch.rand(3, 1, 16, 16)
    torch.testing.assert_close(classifier.features(x), pooled(network(x).features))
    dense = MaxoutDiscriminator(units=4, pieces=2)
    network = judge(dense, (1, 16, 16)).eval()
    features = Classifier(network, spec=dense, shape=(1, 16, 16)).features(x)
    torch.testing.assert_close(features, torch.cat(network(x).features, dim=1))
    lenet, x = LeNet(maps=(2, 3), hidden=4), torch.rand(3, 1, 28, 28)
    network = judge(lenet, (1, 28, 28)).eval()
    *maps, last = network(x).features
    features = Classifier(network, spec=lenet, shape=(1, 28, 28)).features(x)
    torch.testing.assert_close(features, torch.cat([pooled(maps), last], dim=1))


def test_a_discriminator_without_classes_says_so():
    classifier = Classifier(judge(SPEC, (1, 16, 16)), spec=SPEC, shape=(1, 16, 16))
    with pytest.raises(ConfigError, match="this discriminator tells no classes"):
        classifier(torch.zeros(1, 16, 16))


def test_training_goes_on_as_before():
    network = judge(DCGANDiscriminator(width=2, dropout=0.5), (1, 16, 16), classes=3).train()
    classifier, x = Classifier(network, spec=SPEC, shape=(1, 16, 16), classes=("a", "b", "c")), torch.rand(3, 1, 16, 16)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert torch.equal(classifier.scores(x), classifier.scores(x))
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
