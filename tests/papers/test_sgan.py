"""SGAN, term by term, by numbers that are worked out on paper.

Images are single pixels; two classes and "generated" have the scores (x, -x, 2 x).
"""

from math import exp, log

import pytest
import torch
from one_pixel import Fixed, Lines, Made, losses, pixels

from unpaired.data.image_set import FewLabelled, Images
from unpaired.errors import ConfigError
from unpaired.games import specs, table
from unpaired.games.generator_specs import MatchingFeatures
from unpaired.networks.specs import DCGANDiscriminator, DCGANGenerator

SMALL = {"generator": DCGANGenerator(width=2), "discriminator": DCGANDiscriminator(width=2)}
BATCH = FewLabelled(pixels(1.0, -1.0), Images(pixels(0.5, 2.0), torch.tensor([0, 1])))


def shares(x):
    """The softmax of (x, -x, 2 x)."""
    scores = [exp(x), exp(-x), exp(2 * x)]
    return [score / sum(scores) for score in scores]


def on_paper(**options):
    game = table.build(specs.SGAN(**SMALL, **options), shape=(1, 8, 8), classes=("a", "b"), seed=0)
    game.generate, game.discriminate, game.noise = Made(2.0), Lines(classes=[1.0, -1.0, 2.0]), Fixed(-0.5, 1.0)
    return game


CLASSES = -(log(shares(0.5)[0]) + log(shares(2.0)[1])) / 2
REAL = -(log(1 - shares(1.0)[2]) + log(1 - shares(-1.0)[2])) / 2
GENERATED = -(log(shares(-1.0)[2]) + log(shares(2.0)[2])) / 2
FOOLED = -(log(1 - shares(-1.0)[2]) + log(1 - shares(2.0)[2])) / 2


def test_losses():
    wanted = {"discriminator/classes": CLASSES, "discriminator/source": REAL + GENERATED, "generator/source": FOOLED}
    assert losses(on_paper(), BATCH) == pytest.approx(wanted, rel=1e-5)


def test_the_supervised_weight():
    assert losses(on_paper(supervised=3.0), BATCH)["discriminator/classes"] == pytest.approx(3 * CLASSES, rel=1e-5)


def test_feature_matching():
    """The last features are (x, 2 x); their means: real (0, 0), generated (0.5, 1)."""
    found = losses(on_paper(goal=MatchingFeatures()), BATCH)
    assert found["generator/features"] == pytest.approx((0.25 + 1) / 2)
    assert "generator/source" not in found
    assert found["discriminator/source"] == pytest.approx(REAL + GENERATED, rel=1e-5)


def test_chance_is_where_every_image_is_as_likely_generated():
    game = on_paper()
    game.discriminate = Lines(classes=[0.0, 0.0, 0.0])
    with torch.no_grad():
        game.discriminate.classes.copy_(torch.tensor([0.0, 0.0, log(2.0)]))  # times x = 1: as likely as the two together
    game.noise = Fixed(0.5, 0.5)
    found = losses(game, FewLabelled(pixels(1.0, 1.0), BATCH.told))
    assert found["discriminator/source"] == pytest.approx(game.chance()["discriminator/source"], rel=1e-6)
    assert on_paper(goal=MatchingFeatures()).chance() == {}


def test_what_remains_reads_classes_of_real_images():
    remains = on_paper().remains()
    assert list(remains) == ["classifier", "sampler"]
    scores = remains["classifier"].scores(pixels(0.5))
    assert scores.tolist() == [pytest.approx([exp(0.5) / (exp(0.5) + exp(-0.5)), exp(-0.5) / (exp(0.5) + exp(-0.5))])]


def test_images_without_classes_are_refused():
    with pytest.raises(ConfigError, match="SGAN learns classes, found images without any; label some"):
        table.build(specs.SGAN(**SMALL), shape=(1, 8, 8), classes=(), seed=0)
