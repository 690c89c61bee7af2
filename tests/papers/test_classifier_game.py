"""The classifier's one loss, by hand, and what it says where nobody labelled anything."""

from math import exp, log

import pytest
import torch
from one_pixel import Lines, losses, pixels

from unpaired.data.image_set import Images
from unpaired.errors import ConfigError
from unpaired.games import specs, table
from unpaired.networks.specs import DCGANDiscriminator

SPEC = specs.Classifier(network=DCGANDiscriminator(width=2))


def test_the_loss_is_of_the_told_classes():
    """Scores (x, -x) of x = 2, -1, classes 0, 1: the mean of -log softmax(2, -2)[0] and -log softmax(-1, 1)[1]; no more."""
    game = table.build(SPEC, shape=(1, 8, 8), classes=("a", "b"), seed=0)
    game.network = Lines(classes=[1.0, -1.0])
    found = losses(game, Images(pixels(2.0, -1.0), torch.tensor([0, 1])))
    assert found == pytest.approx({"classifier/classes": (log(1 + exp(-4)) + log(1 + exp(-2))) / 2})


def test_it_leaves_a_classifier():
    game = table.build(SPEC, shape=(1, 8, 8), classes=("a", "b"), seed=0)
    (classifier,) = game.remains().values()
    x = torch.rand(3, 1, 8, 8)
    torch.testing.assert_close(classifier.scores(x), game.network.eval()(x).classes.softmax(dim=1))
    assert (classifier.classes, classifier.source, classifier.generated) == (("a", "b"), False, False)


def test_without_classes_there_is_nothing_to_learn():
    with pytest.raises(ConfigError, match="a classifier learns classes, found images without any; label them"):
        table.build(SPEC, shape=(1, 8, 8), classes=(), seed=0)
