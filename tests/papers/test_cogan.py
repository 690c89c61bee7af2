"""CoGAN, term by term, by numbers that are worked out on paper; what is shared, and how pairs come about.

Images are single pixels. g_1(z) = 2 z and g_2(z) = -z with z = (-0.5, 1): (-1, 2) and (0.5, -1). f_1's score is x, f_2's 3 x; the
shared classifier says (x, -x) of what f_1 sees.
"""

from math import exp, log

import pytest
import torch
from one_pixel import Fixed, losses, pixels
from torch import nn

from unpaired.data.image_pair import Joint
from unpaired.data.image_set import Images
from unpaired.games import specs, table
from unpaired.networks.judged import Judged
from unpaired.networks.specs import DCGANDiscriminator, DCGANGenerator

SMALL = {"generator": DCGANGenerator(width=2), "discriminator": DCGANDiscriminator(width=2)}
BATCH = Joint(Images(pixels(1.0, -1.0), torch.tensor([0, -1])), Images(pixels(0.0, 2.0), torch.tensor([-1, -1])))


def softplus(x):
    return log(1 + exp(x))


class Generators(nn.Module):
    def forward(self, noise):
        return 2 * noise[:, :, None, None], -noise[:, :, None, None]


class Judges(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, a, b):
        a, b = (self.scale * x.flatten() for x in (a, b))
        features = ([torch.zeros(len(x), 1), torch.stack([x, 3 * x], dim=1)] for x in (a, b))
        return tuple(
            Judged(by * x, torch.stack([x, -x], dim=1), layers) for by, x, layers in zip((1, 3), (a, b), features, strict=True)
        )


def built(*, shape_b=(1, 8, 8), classes=("x", "y"), **options):
    return table.build(specs.CoGAN(**SMALL, **options), shape_a=(1, 8, 8), shape_b=shape_b, classes=classes, seed=0)


def on_paper(**options):
    game = built(**options)
    game.generate, game.discriminate, game.noise = Generators(), Judges(), Fixed(-0.5, 1.0)
    return game


def test_losses():
    wanted = {
        "discriminators/a": (softplus(-1) + softplus(1)) / 2 + (softplus(-1) + softplus(2)) / 2,
        "discriminators/b": (softplus(0) + softplus(-6)) / 2 + (softplus(1.5) + softplus(-3)) / 2,
        "discriminators/classes": softplus(-2),  # of the one image whose class is known: -log softmax(1, -1)[0]
        "generators/a": (softplus(1) + softplus(-2)) / 2,
        "generators/b": (softplus(-1.5) + softplus(3)) / 2,
    }
    assert losses(on_paper(), BATCH) == pytest.approx(wanted, rel=1e-5)


def test_the_classifier_is_optional():
    assert losses(on_paper(classification=2.0), BATCH)["discriminators/classes"] == pytest.approx(2 * softplus(-2), rel=1e-5)
    for options in ({"classification": 0.0}, {"classes": ()}):
        game = built(**options)
        assert set(game.remains()) == {"sampler_a", "sampler_b"}
        turns = [turn for turn in game.play(Joint(*[Images(torch.rand(4, 1, 8, 8), torch.zeros(4).long())] * 2), 0)]
        assert set(turns[0].losses) == {"a", "b"}


def test_agreement_on_pairs():
    """Features (x, 3 x) of A's and B's images that one noise made: 2 z and -z, so apart by 3 z and 9 z."""
    found = losses(on_paper(agreement=0.01), BATCH)
    assert found["discriminators/agreement"] == pytest.approx(0.01 * 90 * (0.25 + 1) / 2, rel=1e-5)
    assert "discriminators/agreement" not in losses(on_paper(), BATCH)


def test_the_classifier_of_b_is_that_of_a_but_for_the_first_layer():
    remains = built(shape_b=(3, 8, 8)).remains()
    a, b = remains["classifier_a"].network, remains["classifier_b"].network
    assert a.heads.classes is b.heads.classes
    assert a.stages[0] is not b.stages[0]
    assert remains["classifier_b"].scores(torch.rand(2, 3, 8, 8)).shape == (2, 2)
    assert remains["classifier_b"].classes == ("x", "y")


def test_one_noise_makes_a_pair():
    game = built(shape_b=(3, 8, 8))
    remains = game.remains()
    assert torch.equal(remains["sampler_a"].draw(4, seed=2), remains["sampler_b"].draw(4, seed=2))
    a, b = remains["sampler_a"](4, seed=2), remains["sampler_b"](4, seed=2)
    game.eval()
    with torch.no_grad():
        wanted = game.generate(remains["sampler_a"].draw(4, seed=2))
    torch.testing.assert_close((a, b), wanted)


def test_the_moving_average_s_pairs_are_its_own():
    """Deep copies, as of the average of the weights, share among themselves and not with the game."""
    import copy

    game = built()
    copied = copy.deepcopy(game)
    with torch.no_grad():
        for p in game.parameters():
            p.zero_()
    assert copied.remains()["sampler_b"](1).abs().sum() > 0
    mine = {p.data_ptr() for p in copied.parameters()}
    for product in copied.remains().values():
        assert {p.data_ptr() for p in product.network.parameters()} <= mine


def test_chance():
    assert on_paper().chance() == {name: pytest.approx(2 * log(2)) for name in ("discriminators/a", "discriminators/b")}
