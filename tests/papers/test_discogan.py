"""DiscoGAN and its two baselines, term by term, by numbers that are worked out on paper.

Each image is a single pixel, and every network a line through it:

    x_A = (1, 3)    G_AB(x) = 2 x     D_A(x) = 2 x
    x_B = (-1, 4)   G_BA(x) = x / 4   D_B(x) = x - 4      (scores, before the sigmoid)

    x_AB  = G_AB(x_A)  = (2, 6)        D_B(x_AB) = (-2, 2)     D_B(x_B) = (-5, 0)
    x_BA  = G_BA(x_B)  = (-1/4, 1)     D_A(x_BA) = (-1/2, 2)   D_A(x_A) = (2, 6)
    x_ABA = G_BA(x_AB) = (1/2, 3/2)    x_ABA - x_A = (-1/2, -3/2)
    x_BAB = G_AB(x_BA) = (-1/2, 2)     x_BAB - x_B = (1/2, -2)

Both discriminators have two layers for feature matching: x and 3 x.
"""

from dataclasses import fields
from math import exp, log
from pathlib import Path

import pytest
import torch
from torch import nn

from unpaired.data.batches import Unpaired
from unpaired.engine.runtime import Runtime
from unpaired.engine.trainer import Trainer
from unpaired.errors import ShapeError
from unpaired.games import specs, table
from unpaired.games.replay import Replay
from unpaired.games.specs import AuthorsForm, PaperForm
from unpaired.losses import L1, L2, Huber, LeastSquares, NonSaturating
from unpaired.networks.specs import ConvDiscriminator, EncoderDecoder
from unpaired.options import Adam, Training

BATCH = Unpaired(torch.tensor([1.0, 3.0]).view(2, 1, 1, 1), torch.tensor([-1.0, 4.0]).view(2, 1, 1, 1))


class Scale(nn.Module):
    """x -> weight x."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, x):
        return self.weight * x


class Judge(nn.Module):
    """x -> (weight x + bias, [x, 3 x])."""

    def __init__(self, weight, bias):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.tensor(weight)), nn.Parameter(torch.tensor(bias))

    def forward(self, x):
        return self.weight * x + self.bias, [x, 3 * x]


def on_paper(spec):
    """The game of `spec` with the networks above."""
    small = {"generator": EncoderDecoder(width=1), "discriminator": ConvDiscriminator(width=1)}
    values = {field.name: getattr(spec, field.name) for field in fields(spec)} | small
    game = table.build(type(spec)(**values), shape_a=(1, 8, 8), shape_b=(1, 8, 8), seed=0)
    networks = {
        "a_to_b": Scale(2.0),
        "b_to_a": Scale(0.25),
        "discriminate_a": Judge(2.0, 0.0),
        "discriminate_b": Judge(1.0, -4.0),
    }
    for name, _ in list(game.named_children()):
        if name in networks:
            setattr(game, name, networks[name])
    return game


def losses(spec, *, step=0):
    """All losses of one step, by `player/name`."""
    return step_losses(on_paper(spec), step)


def step_losses(game, step):
    turns = game.play(BATCH, step)
    return {f"{turn.player}/{name}": loss.item() for turn in turns for name, loss in turn.losses.items()}


def trained(spec, *, step=0, learning_rate=0.125):
    """A game's trainer that has `step` steps behind it and plays with BATCH."""
    trainer = Trainer(
        on_paper(spec),
        batches=lambda step, part, seed: BATCH,
        training=Training(steps=100, batch=2),
        adam=Adam(learning_rate=learning_rate),
        runtime=Runtime(torch.device("cpu"), torch.float32, 0, 1, {}),
        folder=Path("/nonexistent"),
    )
    trainer.progress.step = step
    return trainer


def softplus(x):
    """-log(1 - sigmoid(x)): what a score x costs that should have been low; softplus(-x) where it should be high."""
    return log(1 + exp(x))


# ---- the adversarial terms ----

NON_SATURATING = {
    # L_GAN_B = -E log D_B(x_AB), scores (-2, 2)
    "gan_b": (softplus(2) + softplus(-2)) / 2,
    # L_GAN_A = -E log D_A(x_BA), scores (-1/2, 2)
    "gan_a": (softplus(1 / 2) + softplus(-2)) / 2,
    # L_D_B = -E log D_B(x_B) - E log(1 - D_B(x_AB)), scores (-5, 0) and (-2, 2)
    "b": (softplus(5) + softplus(0)) / 2 + (softplus(-2) + softplus(2)) / 2,
    # L_D_A = -E log D_A(x_A) - E log(1 - D_A(x_BA)), scores (2, 6) and (-1/2, 2)
    "a": (softplus(-2) + softplus(-6)) / 2 + (softplus(-1 / 2) + softplus(2)) / 2,
}
LEAST_SQUARES = {
    "gan_b": (9 + 1) / 2,  # (-2 - 1)^2, (2 - 1)^2
    "gan_a": (2.25 + 1) / 2,  # (-1/2 - 1)^2, (2 - 1)^2
    "b": (36 + 1) / 2 + (4 + 4) / 2,  # (-5 - 1)^2, (0 - 1)^2; (-2)^2, 2^2
    "a": (1 + 25) / 2 + (0.25 + 4) / 2,  # (2 - 1)^2, (6 - 1)^2; (-1/2)^2, 2^2
}
GANS = [
    pytest.param(NonSaturating(), NON_SATURATING, id="non_saturating"),
    pytest.param(LeastSquares(), LEAST_SQUARES, id="least_squares"),
]

# ---- the reconstruction terms: differences (-1/2, -3/2) in A and (1/2, -2) in B ----

DISTANCES = [
    pytest.param(L1(), (0.5 + 1.5) / 2, (0.5 + 2) / 2, id="l1"),
    pytest.param(L2(), (0.25 + 2.25) / 2, (0.25 + 4) / 2, id="l2"),
    # delta = 1: 0.5^2 / 2, 1.5 - 1/2; 0.5^2 / 2, 2 - 1/2
    pytest.param(Huber(), (0.125 + 1) / 2, (0.125 + 1.5) / 2, id="huber"),
    # delta = 1/2: 0.5^2 / 2, (1.5 - 1/4) / 2; 0.5^2 / 2, (2 - 1/4) / 2
    pytest.param(Huber(delta=0.5), (0.125 + 0.625) / 2, (0.125 + 0.875) / 2, id="huber-half"),
]


@pytest.mark.parametrize(("gan", "wanted"), GANS)
def test_translation_gan(gan, wanted):
    found = losses(specs.TranslationGAN(gan=gan))
    assert found == pytest.approx({"generator/gan_b": wanted["gan_b"], "discriminator/b": wanted["b"]}, rel=1e-6)


@pytest.mark.parametrize(("gan", "wanted"), GANS)
@pytest.mark.parametrize(("distance", "in_a", "in_b"), DISTANCES)
@pytest.mark.parametrize("weight", [1.0, 10.0])
def test_reconstruction_gan_reconstructs_a_alone(gan, wanted, distance, in_a, in_b, weight):
    found = losses(specs.ReconstructionGAN(gan=gan, distance=distance, reconstruction=weight))
    assert found == pytest.approx(
        {
            "generators/gan_b": wanted["gan_b"],
            "generators/reconstruct_a": weight * in_a,
            "discriminator/b": wanted["b"],
        },
        rel=1e-6,
    )


@pytest.mark.parametrize(("gan", "wanted"), GANS)
@pytest.mark.parametrize(("distance", "in_a", "in_b"), DISTANCES)
@pytest.mark.parametrize("weight", [1.0, 10.0])
def test_discogan_of_the_paper(gan, wanted, distance, in_a, in_b, weight):
    found = losses(specs.DiscoGAN(gan=gan, distance=distance, form=PaperForm(reconstruction=weight)))
    assert found == pytest.approx(
        {
            "generators/gan_a": wanted["gan_a"],
            "generators/gan_b": wanted["gan_b"],
            "generators/reconstruct_a": weight * in_a,
            "generators/reconstruct_b": weight * in_b,
            "discriminators/a": wanted["a"],
            "discriminators/b": wanted["b"],
        },
        rel=1e-6,
    )


def test_the_paper_s_form_is_the_default_and_an_unweighted_sum():
    assert specs.DiscoGAN().form == PaperForm()
    assert specs.DiscoGAN().gan == NonSaturating()
    assert PaperForm().identity == 0.0
    assert PaperForm().reconstruction == specs.ReconstructionGAN().reconstruction == 1.0
    assert all(PaperForm().moves(step) == (True, True) for step in range(7))
    # L_G = 5 + 1.625 + 1.25 + 2.125 = 10, L_D = 22.5 + 15.125 = 37.625
    found = losses(specs.DiscoGAN(gan=LeastSquares()))
    assert sum(loss for name, loss in found.items() if name.startswith("generators/")) == pytest.approx(10)
    assert sum(loss for name, loss in found.items() if name.startswith("discriminators/")) == pytest.approx(37.625)


@pytest.mark.parametrize(
    ("distance", "in_a", "in_b"),
    [
        # G_BA(x_A) - x_A = (-3/4, -9/4), G_AB(x_B) - x_B = (-1, 4)
        pytest.param(L1(), (0.75 + 2.25) / 2, (1 + 4) / 2, id="l1"),
        pytest.param(L2(), (0.5625 + 5.0625) / 2, (1 + 16) / 2, id="l2"),
    ],
)
def test_identity_loss_beyond_the_paper(distance, in_a, in_b):
    found = losses(specs.DiscoGAN(distance=distance, form=PaperForm(identity=0.5)))
    without = losses(specs.DiscoGAN(distance=distance))
    added = {"generators/identity_a": 0.5 * in_a, "generators/identity_b": 0.5 * in_b}
    assert found == pytest.approx(without | added)


def test_the_pool_is_shown_to_the_discriminators_and_empty_in_the_paper():
    assert specs.DiscoGAN().pool == 0
    game = on_paper(specs.DiscoGAN(gan=LeastSquares(), pool=1))
    game.replay_b, seen = Replay(2, (1, 1, 1)), BATCH.a * 0 + torch.tensor([10.0, 4.0]).view(2, 1, 1, 1)
    game.replay_b.swap(seen)
    game.replay_b.swap = lambda fake: game.replay_b.images  # whatever the coin says
    # D_B(10) = 6, D_B(4) = 0: (36 + 0) / 2 instead of (4 + 4) / 2
    assert step_losses(game, 0)["discriminators/b"] == pytest.approx((36 + 1) / 2 + (36 + 0) / 2)


def test_identity_loss_needs_one_shape():
    spec = specs.DiscoGAN(form=PaperForm(identity=0.5))
    with pytest.raises(ShapeError, match=r"one shape, found \(3, 8, 8\) and \(1, 8, 8\); leave it 0"):
        table.build(spec, shape_a=(3, 8, 8), shape_b=(1, 8, 8), seed=0)


# ---- the authors' form ----

# Batch means in A: real 2, fake 3/8; (13/8)^2 in the layer x and nine times that in 3 x. In B: real 3/2, fake 4.
MATCH_A, MATCH_B = 10 * 1.625**2, 10 * 2.5**2


@pytest.mark.parametrize(("gan", "wanted"), GANS)
@pytest.mark.parametrize(
    ("step", "adversarial", "match", "reconstruct"),
    [
        # first stage, r = 0.01: 0.99 x 0.1, 0.99 x 0.9, 0.01 / 4
        pytest.param(1, 0.099, 0.891, 0.0025, id="step 1"),
        pytest.param(9_998, 0.099, 0.891, 0.0025, id="step 9998"),
        # second stage, r = 0.5: 0.5 x 0.1, 0.5 x 0.9, 0.5 / 4
        pytest.param(10_000, 0.05, 0.45, 0.125, id="step 10000"),
        pytest.param(50_000, 0.05, 0.45, 0.125, id="step 50000"),
    ],
)
def test_generators_of_the_authors(gan, wanted, step, adversarial, match, reconstruct):
    assert losses(specs.DiscoGAN(gan=gan, form=AuthorsForm()), step=step) == pytest.approx(
        {
            "generators/gan_a": adversarial * wanted["gan_a"],
            "generators/gan_b": adversarial * wanted["gan_b"],
            "generators/match_a": match * MATCH_A,
            "generators/match_b": match * MATCH_B,
            "generators/reconstruct_a": reconstruct * 1.25,
            "generators/reconstruct_b": reconstruct * 2.125,
        },
        rel=1e-6,
    )


@pytest.mark.parametrize(("gan", "wanted"), GANS)
@pytest.mark.parametrize("step", [0, 3, 9_999, 30_000])
def test_discriminators_of_the_authors_learn_from_half_the_loss(gan, wanted, step):
    assert losses(specs.DiscoGAN(gan=gan, form=AuthorsForm()), step=step) == pytest.approx(
        {"discriminators/a": 0.5 * wanted["a"], "discriminators/b": 0.5 * wanted["b"]}, rel=1e-6
    )


def weights(*, gan, match, reconstruct):
    return specs.Weights(adversarial=gan, feature_matching=match, reconstruction=reconstruct, identity=0.0, discriminator=0.5)


def test_the_rate_changes_at_step_10_000():
    form = AuthorsForm()
    first, then = form.weights(9_999), form.weights(10_000)
    assert first == form.weights(0) == pytest.approx(weights(gan=0.099, match=0.891, reconstruct=0.0025))
    assert then == form.weights(10**6) == pytest.approx(weights(gan=0.05, match=0.45, reconstruct=0.125))
    angle = AuthorsForm(rate_first=0.9, rate_then=0.9)
    wanted = weights(gan=0.01, match=0.09, reconstruct=0.225)
    assert angle.weights(0) == angle.weights(10_000) == pytest.approx(wanted)
    assert AuthorsForm(first_stage=0).weights(0) == form.weights(10_000)


def test_a_quarter_makes_up_for_the_range():
    """In [0, 1], where the authors' images lie, the differences are half as large."""
    in_theirs = (BATCH.a + 1) / 2, (0.5 * BATCH.a + 1) / 2
    error = float(nn.functional.mse_loss(*in_theirs))
    found = losses(specs.DiscoGAN(form=AuthorsForm(rate_then=0.5)), step=10_000)
    assert found["generators/reconstruct_a"] == pytest.approx(0.5 * error)


@pytest.mark.parametrize(
    ("every", "movers"),
    [
        (1, ["GD", "GD", "GD", "GD", "GD", "GD", "GD"]),
        (2, ["D", "G", "D", "G", "D", "G", "D"]),
        (3, ["D", "G", "G", "D", "G", "G", "D"]),
    ],
)
def test_discriminators_of_the_authors_move_in_every_nth_step_and_generators_in_the_others(every, movers):
    game = on_paper(specs.DiscoGAN(form=AuthorsForm(discriminator_every=every)))
    found = ["".join(turn.player[0].upper() for turn in game.play(BATCH, step)) for step in range(7)]
    assert found == movers
    assert AuthorsForm().discriminator_every == 3


def test_without_its_weight_there_is_no_feature_matching():
    found = losses(specs.DiscoGAN(gan=LeastSquares(), form=AuthorsForm(feature_matching=0.0)), step=1)
    assert {name.split("/")[1] for name in found} == {"gan_a", "gan_b", "reconstruct_a", "reconstruct_b"}
    assert found["generators/gan_b"] == pytest.approx(0.99 * 5)


# ---- what is minimised, and by whom ----


def gradients(game):
    """Each parameter's gradient, None where there is none."""
    return {name: None if p.grad is None else p.grad.item() for name, p in game.named_parameters()}


def test_the_trainer_follows_the_gradient_of_the_sum():
    """With g = 2 and h = 1/4 the weights of G_AB and G_BA, E x_A = 2, E x_A^2 = 5, E x_B = 3/2, E x_B^2 = 17/2:

    L_G = E (g x_A - 5)^2 + E (2 h x_B - 1)^2 + (g h - 1)^2 (5 + 17/2)
      by g: 2 (5 g - 10) + 2 (g h - 1) h 27/2 = 0 - 27/8
      by h: 2 (34 h - 3) + 2 (g h - 1) g 27/2 = 11 - 27
    L_D_A = E (u x_A + c - 1)^2 + E (u x_BA + c)^2, u = 2, c = 0, E x_BA = 3/8, E x_BA^2 = 17/32
      by u: 2 (5 u - 2) + 2 u 17/32 = 16 + 17/8;   by c: 2 (2 u - 1) + 2 u 3/8 = 6 + 3/2
    L_D_B = E (v x_B + c - 1)^2 + E (v x_AB + c)^2, v = 1, c = -4, E x_AB = 4, E x_AB^2 = 20
      by v: 2 (17/2 - 15/2) + 2 (20 - 16) = 10;    by c: 2 (3/2 - 5) + 2 (4 - 4) = -7
    The discriminators see the images from before the generators' move.
    """
    spec = specs.DiscoGAN(gan=LeastSquares())
    trainer = trained(spec)
    logged = trainer.step()
    wanted = {
        "a_to_b.weight": -3.375,
        "b_to_a.weight": -16.0,
        "discriminate_a.weight": 18.125,
        "discriminate_a.bias": 7.5,
        "discriminate_b.weight": 10.0,
        "discriminate_b.bias": -7.0,
    }
    assert gradients(trainer.game) == pytest.approx(wanted)
    assert {name: loss.item() for name, loss in logged.items()} == pytest.approx(losses(spec))
    # Adam's first step is the learning rate, against the gradient's sign.
    weights = {name: p.item() for name, p in trainer.game.named_parameters()}
    assert weights == pytest.approx(
        {
            "a_to_b.weight": 2.125,
            "b_to_a.weight": 0.375,
            "discriminate_a.weight": 1.875,
            "discriminate_a.bias": -0.125,
            "discriminate_b.weight": 0.875,
            "discriminate_b.bias": -3.875,
        }
    )


def test_gradients_of_the_baselines():
    """As above: by g 2 (5 g - 10) = 0 without reconstruction; with it in A alone 2 (g h - 1) h 5 = -5/4, by h -10."""
    translation, reconstruction = (trained(spec(gan=LeastSquares())) for spec in (specs.TranslationGAN, specs.ReconstructionGAN))
    translation.step()
    reconstruction.step()
    judge = {"discriminate_b.weight": 10.0, "discriminate_b.bias": -7.0}
    assert gradients(translation.game) == pytest.approx({"a_to_b.weight": 0.0} | judge, abs=1e-5)
    assert gradients(reconstruction.game) == pytest.approx({"a_to_b.weight": -1.25, "b_to_a.weight": -10.0} | judge)


SPECS = [specs.TranslationGAN(), specs.ReconstructionGAN(), specs.DiscoGAN()]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.game)
def test_gradients_land_only_in_the_mover(spec, monkeypatch):
    trainer = trained(spec)
    seen = []
    for optimizer in trainer.optimizers.values():
        monkeypatch.setattr(optimizer, "step", lambda: seen.append(gradients(trainer.game)))
    trainer.step()
    first, second = seen  # just before the generators move, and just before the discriminators do
    assert {name for name in first if first[name] is None} == {name for name in first if "discriminate" in name}
    assert None not in second.values()
    assert all(second[name] == gradient for name, gradient in first.items() if gradient is not None)


@pytest.mark.parametrize(("step", "movers"), [(0, "discriminate"), (1, "to"), (2, "to"), (3, "discriminate")])
def test_in_the_authors_form_the_idle_have_no_gradient_at_all(step, movers):
    trainer = trained(specs.DiscoGAN(form=AuthorsForm()), step=step)
    trainer.step()
    assert {name: gradient is not None for name, gradient in gradients(trainer.game).items()} == {
        name: movers in name for name, _ in trainer.game.named_parameters()
    }


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.game)
def test_players_share_no_parameter_and_leave_none_out(spec):
    game = table.build(spec, shape_a=(3, 8, 8), shape_b=(3, 8, 8), seed=0)
    of_players = [p for player in game.players().values() for p in player.parameters()]
    assert len(set(of_players)) == len(of_players)
    assert set(of_players) == set(game.parameters())


def test_who_plays():
    """The networks of figure 2: one chain, one chain and back, two coupled chains."""
    found = {spec.game: {name for name, _ in on_paper(spec).named_children()} for spec in SPECS}
    assert found == {
        "translation-gan": {"a_to_b", "discriminate_b"},
        "reconstruction-gan": {"a_to_b", "b_to_a", "discriminate_b"},
        "discogan": {"a_to_b", "b_to_a", "discriminate_a", "discriminate_b", "replay_a", "replay_b"},
    }


def test_chance_is_what_a_discriminator_loses_that_answers_one_half():
    for spec, half in ((NonSaturating(), 0.0), (LeastSquares(), 0.5)):
        for game in (*(type(s)(gan=spec) for s in SPECS), specs.DiscoGAN(gan=spec, form=AuthorsForm())):
            playing = on_paper(game)
            for name, network in playing.named_children():
                if name.startswith("discriminate"):
                    network.weight.data.zero_()
                    network.bias.data.fill_(half)
            chance = playing.chance()
            logged = step_losses(playing, 0)
            assert {name: logged[name] for name in chance} == pytest.approx(chance)
            assert all(value > 0 for value in chance.values())


def test_the_optimiser_of_the_paper():
    for spec in SPECS:
        adam = spec.optimizer
        assert (adam.learning_rate, adam.beta1, adam.beta2, adam.weight_decay) == (2e-4, 0.5, 0.999, 1e-4)
