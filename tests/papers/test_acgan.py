"""ACGAN, term by term, by numbers that are worked out on paper.

Images are single pixels; G(c, z) = 2 z + c with z = (-0.5, 1) and classes c = (1, 0): (0, 2); D's score of the source is 2 x, its
scores of the classes (x, -x).
"""

from math import exp, log

import pytest
import torch
from one_pixel import Fixed, Lines, Made, losses, pixels

from unpaired.data.image_set import Images
from unpaired.errors import ConfigError
from unpaired.games import specs, table
from unpaired.losses import MinMax, class_loss
from unpaired.networks.specs import DCGANDiscriminator, DCGANGenerator

SMALL = {"generator": DCGANGenerator(width=2), "discriminator": DCGANDiscriminator(width=2)}
BATCH = Images(pixels(1.0, -1.0), torch.tensor([0, 0]))


def softplus(x):
    return log(1 + exp(x))


def on_paper(monkeypatch, **options):
    game = table.build(specs.ACGAN(**SMALL, **options), shape=(1, 8, 8), classes=("a", "b"), seed=0)
    game.generate, game.discriminate = Made(2.0, by_class=1.0), Lines(2.0, classes=[1.0, -1.0])
    game.noise = Fixed(-0.5, 1.0)
    monkeypatch.setattr(torch, "randint", lambda high, shape: torch.tensor([1, 0]))
    return game


# -log softmax(x, -x)[0] = softplus(-2 x), [1] = softplus(2 x).
REAL = (softplus(-2) + softplus(2)) / 2
FAKE = (softplus(0) + softplus(-4)) / 2
SOURCE = (softplus(-2) + softplus(2)) / 2 + (softplus(0) + softplus(4)) / 2


def test_losses(monkeypatch):
    found = losses(on_paper(monkeypatch), BATCH)
    wanted = {
        "discriminator/source": SOURCE,
        "discriminator/classes": REAL + FAKE,
        "generator/source": (softplus(0) + softplus(-4)) / 2,
        "generator/classes": FAKE,
    }
    assert found == pytest.approx(wanted, rel=1e-5)


def test_as_the_paper_writes_it_the_generator_lowers_the_source_loss_of_its_images(monkeypatch):
    found = losses(on_paper(monkeypatch, gan=MinMax(), classification=0.5), BATCH)
    assert found["generator/source"] == pytest.approx(-(softplus(0) + softplus(4)) / 2, rel=1e-5)
    assert found["generator/classes"] == pytest.approx(0.5 * FAKE, rel=1e-5)
    assert found["discriminator/classes"] == pytest.approx(0.5 * (REAL + FAKE), rel=1e-5)


def test_images_of_unknown_class_teach_no_class(monkeypatch):
    found = losses(on_paper(monkeypatch), BATCH._replace(classes=torch.tensor([-1, 0])))
    assert found["discriminator/classes"] == pytest.approx(softplus(2) + FAKE, rel=1e-5)
    found = losses(on_paper(monkeypatch), BATCH._replace(classes=torch.tensor([-1, -1])))
    assert found["discriminator/classes"] == pytest.approx(FAKE, rel=1e-5)


def test_the_class_loss_is_torch_s_over_what_is_known():
    scores, classes = torch.randn(6, 4), torch.tensor([0, 3, 1, -1, 2, -1])
    known = classes >= 0
    torch.testing.assert_close(class_loss(scores, classes), torch.nn.functional.cross_entropy(scores[known], classes[known]))


def test_every_class_is_asked_for_alike():
    game = table.build(specs.ACGAN(**SMALL), shape=(1, 8, 8), classes=tuple("abcd"), seed=0)
    seen = []
    forward = game.generate.forward
    game.generate.forward = lambda noise, condition: (seen.append(condition), forward(noise, condition))[1]
    torch.manual_seed(0)
    for step in range(40):
        next(game.play(Images(torch.rand(32, 1, 8, 8), torch.zeros(32, dtype=torch.int64)), step))
    conditions = torch.cat(seen).float()
    assert torch.equal(conditions.sum(dim=1), torch.ones(1280))
    assert ((conditions.mean(dim=0) - 0.25).abs() < 0.04).all()


def test_what_remains(monkeypatch):
    game = on_paper(monkeypatch)
    remains = game.remains()
    assert list(remains) == ["sampler", "classifier"]
    assert remains["sampler"].classes == remains["classifier"].classes == ("a", "b")
    assert remains["classifier"].scores(pixels(1.0, -1.0)).argmax(dim=1).tolist() == [0, 1]
    assert game.chance() == {"discriminator/source": pytest.approx(2 * log(2))}


def test_images_without_classes_are_refused():
    with pytest.raises(ConfigError, match="ACGAN makes images of classes, found images without any"):
        table.build(specs.ACGAN(**SMALL), shape=(1, 8, 8), classes=(), seed=0)
