"""GAN and DCGAN, term by term, by numbers that are worked out on paper.

Each image is a single pixel: x = (1, 3), G(z) = 2 z, z = (-0.5, 1), so G(z) = (-1, 2); D's score is 2 x before the sigmoid:
D(x) -> (2, 6), D(G(z)) -> (-2, 4).
"""

from math import exp, log, sqrt

import pytest
import torch
from one_pixel import Fixed, Lines, Made, losses, pixels
from torch import nn

from unpaired.config import from_dict
from unpaired.data.image_set import Images
from unpaired.errors import ConfigError, ShapeError
from unpaired.games import specs, table
from unpaired.losses import R1, LeastSquares, MinMax, NonSaturating, Wasserstein
from unpaired.networks.judged import Judged
from unpaired.networks.specs import DCGANDiscriminator, DCGANGenerator, Mlp
from unpaired.options import Adam
from unpaired.products import Classifier, Sampler

BATCH = Images(pixels(1.0, 3.0), torch.full((2,), -1))
SMALL = {"generator": DCGANGenerator(width=2), "discriminator": DCGANDiscriminator(width=2, norm="none")}


def softplus(x):
    return log(1 + exp(x))


def on_paper(spec=specs.GAN, **options):
    game = table.build(spec(**SMALL, **options), shape=(1, 8, 8), seed=0)
    game.generate, game.discriminate, game.noise = Made(2.0), Lines(2.0), Fixed(-0.5, 1.0)
    return game


DISCRIMINATOR = (softplus(-2) + softplus(-6)) / 2 + (softplus(-2) + softplus(4)) / 2


@pytest.mark.parametrize(
    ("gan", "discriminator", "generator"),
    [
        (NonSaturating(), DISCRIMINATOR, (softplus(2) + softplus(-4)) / 2),
        (MinMax(), DISCRIMINATOR, -(softplus(-2) + softplus(4)) / 2),
        (LeastSquares(), (1 + 25) / 2 + (4 + 16) / 2, (9 + 9) / 2),
    ],
)
@pytest.mark.parametrize("spec", [specs.GAN, specs.DCGAN])
def test_equation_1(spec, gan, discriminator, generator):
    found = losses(on_paper(spec, gan=gan), BATCH)
    assert found == pytest.approx({"discriminator/source": discriminator, "generator/source": generator}, rel=1e-6)


def test_min_max_is_a_game_of_one_value():
    """What the generator minimises is the part of the discriminator's loss that depends on it, with the other sign."""
    found = losses(on_paper(gan=MinMax()), BATCH)
    real = (softplus(-2) + softplus(-6)) / 2
    assert found["generator/source"] == pytest.approx(-(found["discriminator/source"] - real))


def test_the_discriminator_has_moved_before_the_generator_does():
    game = on_paper()
    turns = game.play(BATCH, 0)
    assert next(turns).player == "discriminator"
    with torch.no_grad():
        game.discriminate.source.fill_(1.0)
    turn = next(turns)
    assert turn.player == "generator"
    assert turn.losses["source"].item() == pytest.approx((softplus(1) + softplus(-2)) / 2, rel=1e-6)


def test_k_moves_of_the_discriminator():
    game = on_paper(critic=3)
    players = [[turn.player for turn in game.play(BATCH, step)] for step in range(6)]
    assert players == [["discriminator"], ["discriminator"], ["discriminator", "generator"]] * 2


def test_packed_samples_are_judged_together():
    """PacGAN: D sees (x_1, x_2) as one image of two channels: 2 (1 + 3) = 8, and 2 (-1 + 2) = 2."""
    found = losses(on_paper(packing=2), BATCH)
    wanted = {"discriminator/source": softplus(-8) + softplus(2), "generator/source": softplus(-2)}
    assert found == pytest.approx(wanted, rel=1e-5)


def test_packing_keeps_samples_whole():
    game = table.build(specs.GAN(**SMALL, packing=2), shape=(3, 8, 8), seed=0)
    x = torch.rand(4, 3, 8, 8)
    packed = game._packed(x)
    assert packed.shape == (2, 6, 8, 8)
    assert torch.equal(packed[1], torch.cat([x[2], x[3]]))
    points = table.build(specs.GAN(generator=Mlp(members=2), discriminator=Mlp(members=2), packing=2), shape=(2,), seed=0)
    x = torch.rand(2, 6, 2)
    assert torch.equal(points._packed(x)[1, 2], torch.cat([x[1, 4], x[1, 5]]))
    with pytest.raises(ShapeError, match="a batch of 3 cannot be packed by 2; wanted a --batch that is a multiple"):
        game._packed(torch.rand(3, 3, 8, 8))


class Bowl(nn.Module):
    """The score x^2 / 2 of an image of two pixels, summed: its slope is x itself."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, x):
        return Judged(self.scale * x.square().sum(dim=(1, 2, 3)) / 2, None, [])


def test_the_gradient_penalty(monkeypatch):
    """Between x = (3, 3) and G(z) = (-1, -1), a quarter of the way from G(z): (0, 0); slope 0; and three quarters: (2, 2)."""
    game = on_paper(gan=Wasserstein(penalty=10.0))
    game.discriminate = Bowl()
    game.generate.forward = lambda noise: pixels(-1.0, -1.0, channels=2)
    shares = torch.tensor([0.25, 0.75]).view(2, 1, 1, 1)
    monkeypatch.setattr(torch, "rand", lambda *shape: shares if shape == (2, 1, 1, 1) else None)
    found = losses(game, Images(pixels(3.0, 3.0, channels=2), BATCH.classes))
    assert found["discriminator/penalty"] == pytest.approx(10 * (1 + (sqrt(8) - 1) ** 2) / 2, rel=1e-6)
    assert found["discriminator/source"] == pytest.approx(1 - 9)
    assert found["generator/source"] == pytest.approx(-1)


def test_the_penalty_teaches_the_discriminator():
    game = on_paper(gan=Wasserstein(penalty=1.0))
    turn = next(game.play(BATCH, 0))
    (gradient,) = torch.autograd.grad(turn.losses["penalty"], [game.discriminate.source])
    assert gradient.item() == pytest.approx(2 * (2 - 1))  # (|2| - 1)^2, by the 2


def test_r1():
    """At the real images (3, 3) and (1, 1), where the score is x^2 / 2, slopes have the squares 18 and 2; D(G(z)) is 1."""
    game = on_paper(penalty=R1(weight=0.5))
    game.discriminate = Bowl()
    game.generate.forward = lambda noise: pixels(-1.0, -1.0, channels=2)
    found = losses(game, Images(pixels(3.0, 1.0, channels=2), BATCH.classes))
    wanted = (softplus(-9) + softplus(-1)) / 2 + softplus(1)
    assert found["discriminator/r1"] == pytest.approx(0.5 / 2 * (18 + 2) / 2, rel=1e-6)
    assert found["discriminator/source"] == pytest.approx(wanted, rel=1e-6)
    assert found["generator/source"] == pytest.approx(softplus(-1), rel=1e-6)


def test_r1_goes_with_every_loss_and_teaches_the_discriminator():
    """The slope of 2 x is 2, whatever x: 0.5 / 2 * 4, whose derivative by the 2 is 0.5 * 2; packed, it has two parts."""
    for packing, squares in ((1, 4.0), (2, 8.0)):
        game = on_paper(gan=Wasserstein(penalty=1.0), penalty=R1(weight=0.5), packing=packing)
        turn = next(game.play(BATCH, 0))
        assert turn.losses["r1"].item() == pytest.approx(0.5 / 2 * squares)
        (gradient,) = torch.autograd.grad(turn.losses["r1"], [game.discriminate.source])
        assert gradient.item() == pytest.approx(0.5 * squares / 2)
        assert list(turn.losses) == ["source", "r1", "penalty"]


def test_each_member_s_point_has_a_slope_of_its_own():
    game = table.build(specs.GAN(generator=Mlp(members=3), discriminator=Mlp(members=3), gan=Wasserstein()), shape=(2,), seed=0)
    assert game._slopes(torch.rand(3, 5, 2), torch.rand(3, 5, 2)).shape == (15, 2)


def test_a_member_s_r1_is_its_own():
    """The mean over the members of what each has alone."""
    networks = {"generator": Mlp(members=3), "discriminator": Mlp(members=3)}
    game = table.build(specs.GAN(**networks, penalty=R1()), shape=(2,), seed=0)
    x = torch.rand(3, 5, 2)
    _, slopes = game._sloping(x)
    alone = [torch.autograd.grad(game.discriminate(x.requires_grad_()).source[k].sum(), x)[0][k] for k in range(3)]
    torch.testing.assert_close(slopes.detach(), torch.cat(alone))


def test_a_penalty_and_batch_norm_do_not_go_together():
    with pytest.raises(ConfigError, match="a batch norm makes it hang on its neighbours"):
        from_dict(specs.DCGAN, {"game": "dcgan", "gan": {"kind": "wasserstein"}})
    with pytest.raises(ConfigError, match="a batch norm makes it hang on its neighbours"):
        from_dict(specs.DCGAN, {"game": "dcgan", "penalty": {"kind": "r1"}})
    assert specs.DCGAN(gan=Wasserstein(penalty=0.0)).gan.penalty == 0


def test_chance():
    assert on_paper(gan=MinMax()).chance() == {"discriminator/source": pytest.approx(2 * log(2))}
    assert on_paper(gan=Wasserstein()).chance() == {}


def test_as_published():
    """DCGAN, section 4: Adam 0.0002 with beta1 0.5, weights from N(0, 0.02), 100 uniform numbers."""
    spec = specs.DCGAN()
    assert spec.optimizer == Adam(learning_rate=2e-4, beta1=0.5, beta2=0.999)
    assert (spec.noise, spec.distribution, spec.critic, spec.packing) == (100, "uniform", 1, 1)
    game = table.build(spec, shape=(3, 64, 64), seed=0)
    for network in (game.generate, game.discriminate):
        spread = torch.cat([p.flatten() for p in network.parameters() if p.dim() == 4]).std().item()
        assert spread == pytest.approx(0.02, rel=0.01)


def test_what_remains():
    remains = table.build(specs.DCGAN(**SMALL), shape=(1, 8, 8), seed=0).remains()
    assert list(remains) == ["sampler", "discriminator"]
    assert isinstance(remains["sampler"], Sampler)
    assert isinstance(remains["discriminator"], Classifier)
    assert list(table.build(specs.DCGAN(**SMALL, packing=2), shape=(1, 8, 8), seed=0).remains()) == ["sampler"]
    assert list(table.build(specs.GAN(generator=Mlp(), discriminator=Mlp()), shape=(2,), seed=0).remains()) == ["sampler"]
