"""CycleGAN, term by term, by numbers that are worked out on paper.

Each image is a single pixel, and every network a line through it:

    x = (1, 3)     G(x) = 2 x     D_X(x) = 2 x
    y = (-1, 4)    F(y) = y / 4   D_Y(y) = y - 4

    G(x) = (2, 6)        D_Y(G(x)) = (-2, 2)     D_Y(y) = (-5, 0)
    F(y) = (-1/4, 1)     D_X(F(y)) = (-1/2, 2)   D_X(x) = (2, 6)
    F(G(x)) - x = (-1/2, -3/2)     G(F(y)) - y = (1/2, -2)
    F(x) - x = (-3/4, -9/4)        G(y) - y = (-1, 4)
"""

from math import exp, log

import pytest
import torch
from torch import nn

from unpaired.config import from_dict
from unpaired.data.batches import Unpaired
from unpaired.errors import ConfigError, ShapeError
from unpaired.games import specs, table
from unpaired.losses import L1, L2, LeastSquares, NonSaturating
from unpaired.networks.specs import EncoderDecoder, PatchGAN, ResNet, UNet
from unpaired.options import Adam

BATCH = Unpaired(torch.tensor([1.0, 3.0]).view(2, 1, 1, 1), torch.tensor([-1.0, 4.0]).view(2, 1, 1, 1))
SMALL = {"generator": ResNet(width=2, blocks=1, downs=1), "discriminator": PatchGAN(width=2, layers=1)}


class Line(nn.Module):
    """x -> weight x + bias; as a discriminator with its (empty) features."""

    def __init__(self, weight, bias=None):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.tensor(weight)), bias

    def forward(self, x):
        return self.weight * x if self.bias is None else (self.weight * x + self.bias, [])


def on_paper(**options):
    """The game with the networks above, without identity loss unless it is asked for."""
    spec = specs.CycleGAN(**SMALL, **({"identity": 0.0} | options))
    game = table.build(spec, shape_a=(1, 8, 8), shape_b=(1, 8, 8), seed=0)
    networks = {"a_to_b": Line(2.0), "b_to_a": Line(0.25), "discriminate_a": Line(2.0, 0.0), "discriminate_b": Line(1.0, -4.0)}
    for name, network in networks.items():
        if hasattr(game, name):
            setattr(game, name, network)
    for name in ("replay_a", "replay_b"):
        if hasattr(game, name):
            setattr(game, name, type(getattr(game, name))(spec.pool, (1, 1, 1)))
    return game


def losses(**options):
    """All losses of the first step, by `player/name`."""
    turns = on_paper(**options).play(BATCH, 0)
    return {f"{turn.player}/{name}": loss.item() for turn in turns for name, loss in turn.losses.items()}


def softplus(x):
    return log(1 + exp(x))


ADVERSARIAL = {
    "generators/gan_a": (2.25 + 1) / 2,  # (-1/2 - 1)^2, (2 - 1)^2
    "generators/gan_b": (9 + 1) / 2,  # (-2 - 1)^2, (2 - 1)^2
    "discriminators/a": ((1 + 25) / 2 + (0.25 + 4) / 2) / 2,
    "discriminators/b": ((36 + 1) / 2 + (4 + 4) / 2) / 2,
}
CYCLE_A = {"generators/cycle_a": 10 * (0.5 + 1.5) / 2}
CYCLE_B = {"generators/cycle_b": 10 * (0.5 + 2) / 2}
IDENTITY = {"generators/identity_a": 5 * (0.75 + 2.25) / 2, "generators/identity_b": 5 * (1 + 4) / 2}


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        pytest.param({}, ADVERSARIAL | CYCLE_A | CYCLE_B, id="CycleGAN"),
        pytest.param({"identity": 5.0}, ADVERSARIAL | CYCLE_A | CYCLE_B | IDENTITY, id="with identity"),
        pytest.param({"adversarial": 0.0}, CYCLE_A | CYCLE_B, id="cycle alone"),
        pytest.param({"forward": 0.0, "backward": 0.0}, ADVERSARIAL, id="GAN alone"),
        pytest.param({"backward": 0.0}, ADVERSARIAL | CYCLE_A, id="GAN + forward cycle"),
        pytest.param({"forward": 0.0}, ADVERSARIAL | CYCLE_B, id="GAN + backward cycle"),
    ],
)
def test_losses(options, wanted):
    assert losses(**options) == pytest.approx(wanted, rel=1e-6)


def test_cross_entropy_is_the_alternative():
    found = losses(gan=NonSaturating())
    assert found["generators/gan_b"] == pytest.approx((softplus(2) + softplus(-2)) / 2, rel=1e-6)
    real, fake = (softplus(5) + softplus(0)) / 2, (softplus(-2) + softplus(2)) / 2
    assert found["discriminators/b"] == pytest.approx((real + fake) / 2, rel=1e-6)


def test_weights_and_distance():
    found = losses(distance=L2(), adversarial=3.0, forward=2.0, backward=4.0, identity=0.5)
    assert found["generators/gan_b"] == pytest.approx(3 * 5)
    assert found["generators/cycle_a"] == pytest.approx(2 * (0.25 + 2.25) / 2)
    assert found["generators/cycle_b"] == pytest.approx(4 * (0.25 + 4) / 2)
    assert found["generators/identity_b"] == pytest.approx(0.5 * (1 + 16) / 2)


def test_as_published():
    spec = specs.CycleGAN()
    assert (spec.gan, spec.distance) == (LeastSquares(), L1())
    assert (spec.adversarial, spec.forward, spec.backward, spec.identity, spec.pool) == (1.0, 10.0, 10.0, 5.0, 50)
    assert spec.optimizer == Adam(learning_rate=2e-4, beta1=0.5, beta2=0.999, weight_decay=0.0)
    game = table.build(spec, shape_a=(3, 64, 64), shape_b=(3, 64, 64), seed=0)
    assert sum(p.numel() for p in game.a_to_b.parameters()) == 11_378_179
    assert sum(p.numel() for p in game.discriminate_a.parameters()) == 2_764_737
    spread = torch.cat([p.flatten() for p in game.a_to_b.parameters() if p.dim() == 4]).std().item()
    assert spread == pytest.approx(0.02, rel=0.01)


def test_the_discriminators_see_the_pool():
    game = on_paper(pool=2)
    game.replay_b.swap(torch.tensor([10.0, 4.0]).view(2, 1, 1, 1))
    game.replay_b.swap = lambda fake: game.replay_b.images  # whatever the coin says
    found = {name: loss.item() for turn in game.play(BATCH, 0) for name, loss in turn.losses.items()}
    assert found["b"] == pytest.approx(((36 + 1) / 2 + (36 + 0) / 2) / 2)  # D_Y(10) = 6, D_Y(4) = 0
    assert found["gan_b"] == pytest.approx(5)  # the generators learn from the new images


def test_without_adversarial_losses_there_is_one_player():
    game = on_paper(adversarial=0.0)
    assert set(game.players()) == {"generators"}
    assert game.chance() == {}
    assert not hasattr(game, "discriminate_a")


def test_chance_is_the_loss_of_a_discriminator_that_cannot_tell():
    game = on_paper(gan=NonSaturating())
    assert game.chance()["discriminators/a"] == pytest.approx(log(2))


def test_no_loss_at_all_is_refused():
    with pytest.raises(ConfigError, match="both cycle losses are needed"):
        from_dict(specs.CycleGAN, {"game": "cyclegan", "adversarial": 0.0, "forward": 0.0})


def test_identity_needs_one_shape():
    with pytest.raises(ShapeError, match=r"found \(3, 8, 8\) and \(1, 8, 8\); use --identity 0"):
        table.build(specs.CycleGAN(**SMALL), shape_a=(3, 8, 8), shape_b=(1, 8, 8), seed=0)


@pytest.mark.parametrize("generator", [ResNet(width=2, blocks=1), UNet(width=2, downs=3), EncoderDecoder(width=2)])
@pytest.mark.parametrize("spec", [specs.CycleGAN, specs.DiscoGAN])
def test_any_generator_serves_any_unpaired_game(spec, generator):
    game = table.build(
        spec(generator=generator, discriminator=SMALL["discriminator"]), shape_a=(3, 16, 16), shape_b=(3, 16, 16), seed=0
    )
    batch = Unpaired(torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16))
    assert [turn.player for turn in game.play(batch, 0)] == ["generators", "discriminators"]
