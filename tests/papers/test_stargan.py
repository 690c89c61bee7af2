"""StarGAN, term by term, by numbers that are worked out on paper.

Each image is a single pixel, and the batch is turned round for its targets:

    x = (1, 3)            hair (dark, blond, red) = (blond, red)          glasses = (on, off)
    c = (0 1 0 | 1), (0 0 1 | 0)                                          c' = (0 0 1 | 0), (0 1 0 | 1)
    G(x, c) = x / 2 + (1 2 3 4) . c     fake = G(x, c') = (7/2, 15/2)     G(fake, c) = (31/4, 27/4)
    D_src(x) = x^2 / 4 - 2, with the slope x / 2                          D_cls(x) = (x, 0, -x | x / 2)
    D_src(x) = (-7/4, 1/4)              D_src(fake) = (17/16, 193/16)
    x^ = (1 + 3 * 7/2) / 4, 3           with the slopes (23/16, 3/2)
"""

from math import exp, log

import pytest
import torch
from torch import nn

from unpaired.config import from_dict
from unpaired.data.batches import Labelled
from unpaired.data.labelling import Labelling
from unpaired.data.labels import UNKNOWN, Attribute
from unpaired.errors import ConfigError
from unpaired.games import specs, table
from unpaired.losses import L1, L2, LeastSquares, MinMax, NonSaturating, Wasserstein
from unpaired.networks.specs import StarGANDiscriminator, StarGANGenerator
from unpaired.options import Adam

HAIR = Attribute(name="hair", values=("dark", "blond", "red"))
GLASSES = Attribute(name="glasses", values=("off", "on"), binary=True)
ONE_SET = Labelling((HAIR, GLASSES), ((0, 1),))
TWO_SETS = Labelling((HAIR, GLASSES), ((0,), (1,)))
SMALL = {"generator": StarGANGenerator(width=4, blocks=1), "discriminator": StarGANDiscriminator(width=4, layers=2)}
DISCRIMINATOR, BOTH = 0, 4
"""Steps in which only the discriminator moves, and in which the generator moves too."""


class Generate(nn.Module):
    """(x, label) -> x / 2 + (1, 2, 3, ...) . label."""

    def __init__(self, length):
        super().__init__()
        self.weight, self.heard = nn.Parameter(torch.arange(1.0, length + 1)), []

    def forward(self, x, label):
        self.heard.append(label)
        return x / 2 + (label @ self.weight).view(-1, 1, 1, 1)


class Discriminate(nn.Module):
    """Scores x^2 / 4 - 2, answers (x, 0, -x, x / 2)."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0, 0.0, -1.0, 0.5]))

    def forward(self, x):
        return x.square() / 4 - 2, x.flatten(1) * self.weight

    def slopes(self, x):
        return x / 2


def labelled(values, *, x=(1.0, 3.0), origin=0):
    return Labelled(torch.tensor(x).view(-1, 1, 1, 1), torch.tensor(values), torch.full((len(values),), origin))


BATCH = labelled([[1, 1], [2, 0]])


@pytest.fixture(autouse=True)
def no_chance(monkeypatch):
    """The batch turned round for the targets; 1/4 of the first real image and all of the second for the penalty."""
    monkeypatch.setattr(torch, "randperm", lambda n: torch.arange(n).flip(0))
    monkeypatch.setattr(torch, "rand", lambda *shape: torch.tensor([0.25, 1.0]).view(shape))


def on_paper(labelling=ONE_SET, **options):
    game = table.build(specs.StarGAN(**SMALL, **options), shape=(1, 8, 8), labelling=labelling, seed=0)
    game.generate, game.discriminate = Generate(game.labelling.length), Discriminate()
    return game


def losses(batch=BATCH, step=BOTH, labelling=ONE_SET, **options):
    """All losses of a step, by `player/name`."""
    turns = on_paper(labelling, **options).play(batch, step)
    return {f"{turn.player}/{name}": loss.item() for turn in turns for name, loss in turn.losses.items()}


def softplus(x):
    return log(1 + exp(x))


def hair(x, true):
    """-log D_cls(true | x) of the hair's three numbers."""
    answers = (x, 0, -x)
    return log(sum(map(exp, answers))) - answers[true]


def glasses(x, on):
    return softplus(-x / 2 if on else x / 2)


REAL, FAKE = (-7 / 4, 1 / 4), (17 / 16, 193 / 16)
OF_REAL = (hair(1, 1) + hair(3, 2)) / 2 + (glasses(1, True) + glasses(3, False)) / 2
OF_FAKE = (hair(3.5, 2) + hair(7.5, 1)) / 2 + (glasses(3.5, False) + glasses(7.5, True)) / 2
BACK = (6.75 + 3.75) / 2
PENALTY = {"discriminator/penalty": 10 * ((7 / 16) ** 2 + 0.5**2) / 2}


def wanted(discriminator, generator):
    return {
        "discriminator/source": discriminator,
        "discriminator/classes": OF_REAL,
        "generator/source": generator,
        "generator/classes": OF_FAKE,
        "generator/reconstruction": 10 * BACK,
    }


CROSS_ENTROPY = sum(map(softplus, (7 / 4, -1 / 4, *FAKE))) / 2


@pytest.mark.parametrize(
    ("gan", "numbers"),
    [
        (Wasserstein(), wanted((sum(FAKE) - sum(REAL)) / 2, -sum(FAKE) / 2) | PENALTY),
        (Wasserstein(penalty=0.0), wanted((sum(FAKE) - sum(REAL)) / 2, -sum(FAKE) / 2)),
        (MinMax(), wanted(CROSS_ENTROPY, -sum(map(softplus, FAKE)) / 2)),
        (NonSaturating(), wanted(CROSS_ENTROPY, sum(softplus(-x) for x in FAKE) / 2)),
        (
            LeastSquares(),
            wanted(
                ((11 / 4) ** 2 + (3 / 4) ** 2 + (17 / 16) ** 2 + (193 / 16) ** 2) / 2,
                ((1 / 16) ** 2 + (177 / 16) ** 2) / 2,
            ),
        ),
    ],
    ids=lambda value: value.kind if hasattr(value, "kind") else "",
)
def test_losses(gan, numbers):
    assert losses(gan=gan) == pytest.approx(numbers, rel=1e-5)


def test_weights_and_distance():
    found = losses(distance=L2(), classification=3.0, reconstruction=2.0, gan=Wasserstein(penalty=4.0))
    assert found["discriminator/classes"] == pytest.approx(3 * OF_REAL)
    assert found["generator/classes"] == pytest.approx(3 * OF_FAKE)
    assert found["generator/reconstruction"] == pytest.approx(2 * (6.75**2 + 3.75**2) / 2)
    assert found["discriminator/penalty"] == pytest.approx(0.4 * PENALTY["discriminator/penalty"])


def test_what_nobody_told_is_not_asked_for():
    """Hair of the second image and glasses of the first are not known: each loss is of the one image that is."""
    found = losses(labelled([[1, UNKNOWN], [UNKNOWN, 0]]))
    assert found["discriminator/classes"] == pytest.approx(hair(1, 1) + glasses(3, False))
    # Targets (-, off), (blond, -): G adds 0 to the first and 2 to the second.
    assert found["generator/classes"] == pytest.approx(glasses(0.5, False) + hair(3.5, 1))


def test_nothing_known_is_no_loss():
    found = losses(labelled([[UNKNOWN, UNKNOWN]] * 2))
    assert found["discriminator/classes"] == found["generator/classes"] == 0


def test_as_published():
    spec = specs.StarGAN()
    assert (spec.gan, spec.distance) == (Wasserstein(penalty=10.0), L1())
    assert (spec.classification, spec.reconstruction, spec.critic, spec.mask) == (1.0, 10.0, 5, True)
    assert spec.optimizer == Adam(learning_rate=1e-4, beta1=0.5, beta2=0.999, weight_decay=0.0)


@pytest.mark.parametrize(("critic", "steps"), [(1, [0, 1, 2, 3, 4, 5]), (2, [1, 3, 5]), (5, [4])])
def test_the_generator_moves_seldom(critic, steps):
    game = on_paper(critic=critic)
    moved = {step: [turn.player for turn in game.play(BATCH, step)] for step in range(6)}
    assert [step for step, players in moved.items() if players == ["discriminator", "generator"]] == steps
    assert all(players == ["discriminator"] for step, players in moved.items() if step not in steps)


def test_the_generator_moves_for_each_data_set():
    """Sets take turns; with a critic of 2 the generator moves in every second step of each."""
    game = on_paper(TWO_SETS, critic=2)
    batches = [labelled([[1, UNKNOWN], [2, UNKNOWN]]), labelled([[UNKNOWN, 1], [UNKNOWN, 0]], origin=1)]
    assert [len(list(game.play(batches[step % 2], step))) for step in range(8)] == [1, 1, 2, 2, 1, 1, 2, 2]


def test_a_generator_that_does_not_move_is_not_differentiated():
    game = on_paper()
    for step, learns in ((DISCRIMINATOR, False), (BOTH, True)):
        seen = []
        game.generate.register_forward_hook(lambda network, given, fake, seen=seen: seen.append(fake.requires_grad))
        list(game.play(BATCH, step))
        assert seen == [learns] * (1 + learns)
        game.generate._forward_hooks.clear()


# -- several data sets: section 3.2 --


@pytest.mark.parametrize(
    ("origin", "values", "label", "target"),
    [
        (0, [[1, UNKNOWN], [2, UNKNOWN]], [[0, 1, 0, 0, 1, 0], [0, 0, 1, 0, 1, 0]], [[0, 0, 1, 0, 1, 0], [0, 1, 0, 0, 1, 0]]),
        (1, [[UNKNOWN, 1], [UNKNOWN, 0]], [[0, 0, 0, 1, 0, 1], [0, 0, 0, 0, 0, 1]], [[0, 0, 0, 0, 0, 1], [0, 0, 0, 1, 0, 1]]),
    ],
)
def test_the_mask_vector(origin, values, label, target):
    """[c_1, c_2, m]: hair, glasses, and which of the two sets speaks; what the other set knows is zero."""
    game = on_paper(TWO_SETS, critic=1)
    list(game.play(labelled(values, origin=origin), 0))
    assert [heard.tolist() for heard in game.generate.heard] == [target, label]
    game = on_paper(TWO_SETS, critic=1, mask=False)
    list(game.play(labelled(values, origin=origin), 0))
    assert [heard.tolist() for heard in game.generate.heard] == [[row[:4] for row in rows] for rows in (target, label)]


def test_a_set_is_asked_only_for_what_it_knows():
    """Fakes of the first set: x / 2 + (3 | 2) + 5 for its place in the mask; of the second: x / 2 + (0 | 4) + 6."""
    first = losses(labelled([[1, UNKNOWN], [2, UNKNOWN]]), labelling=TWO_SETS, critic=1)
    assert first["discriminator/classes"] == pytest.approx((hair(1, 1) + hair(3, 2)) / 2)
    assert first["generator/classes"] == pytest.approx((hair(8.5, 2) + hair(8.5, 1)) / 2)
    second = losses(labelled([[UNKNOWN, 1], [UNKNOWN, 0]], origin=1), labelling=TWO_SETS, critic=1)
    assert second["discriminator/classes"] == pytest.approx((glasses(1, True) + glasses(3, False)) / 2)
    assert second["generator/classes"] == pytest.approx((glasses(6.5, False) + glasses(11.5, True)) / 2)


def test_players_and_remains():
    game = on_paper(TWO_SETS)
    assert list(game.players()) == ["discriminator", "generator"]
    assert game.labelling.mask
    assert not on_paper(TWO_SETS, mask=False).labelling.mask
    assert list(game.remains()) == ["attributes"]


def test_chance_is_the_loss_of_a_discriminator_that_cannot_tell():
    assert on_paper().chance() == {}
    assert on_paper(gan=MinMax()).chance() == {"discriminator/source": pytest.approx(2 * log(2))}
    assert on_paper(gan=LeastSquares()).chance() == {"discriminator/source": 0.5}


def test_images_without_attributes_are_refused():
    with pytest.raises(ConfigError, match="found images without any; label them"):
        table.build(specs.StarGAN(**SMALL), shape=(1, 8, 8), labelling=Labelling((), ((),)), seed=0)
    with pytest.raises(ConfigError, match="critic: input should be"):
        from_dict(specs.StarGAN, {"game": "stargan", "critic": 0})
