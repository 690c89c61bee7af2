"""What the engine, the checkpoints and the doctor take for granted of every game, in every form it can be played in."""

import json
import math
from dataclasses import fields, replace

import pytest
import torch

from unpaired.config import from_dict, to_dict, union_members
from unpaired.data.batches import Unpaired
from unpaired.engine.checkpoint import Progress, load, save
from unpaired.games import specs
from unpaired.games.table import GAMES, build
from unpaired.networks.build import generator
from unpaired.networks.specs import ConvDiscriminator, EncoderDecoder, Mlp, PatchGAN, ResidualImage, ResNet, UNet
from unpaired.translator import DIRECTIONS, Translator

SMALL = {
    "convolutional": (EncoderDecoder(width=2, bottleneck=3), ConvDiscriminator(width=2), (3, 16, 16), (1, 16, 16)),
    "patches": (ResNet(width=2, blocks=1, downs=1), PatchGAN(width=2, layers=1), (1, 8, 8), (4, 8, 8)),
    "changes": (ResidualImage(width=8), PatchGAN(width=2, layers=1), (3, 8, 8), (3, 8, 8)),
    "skips": (UNet(width=2, downs=4), PatchGAN(width=2, layers=1, norm="batch"), (3, 16, 16), (1, 16, 16)),
    "points": (Mlp(hidden=6), Mlp(hidden=6, layers=4), (2,), (3,)),
}
STEPS = range(4)
"""Enough for every player of every game to have moved."""


def forms(cls):
    """The options of a game, and for each choice among typed alternatives one more with each of them."""
    yield cls()
    for field in fields(cls):
        if field.name not in ("generator", "discriminator"):
            for member in union_members(field.type):
                if "kind" in getattr(member, "__dataclass_fields__", ()):
                    yield replace(cls(), **{field.name: member()})




def small(spec, g, d, a, b):
    """The options with small networks and weights (these tests use plain gradient descent); identity losses only where both
    domains have one shape.
    """
    options = {"identity": 0.0} if a != b and hasattr(spec, "identity") else {}
    options |= {"l1": 1.0} if hasattr(spec, "l1") else {}
    return replace(spec, generator=g, discriminator=d, **options)


CASES = [
    pytest.param(small(spec, g, d, a, b), a, b, id=f"{spec.game}-{index}-{name}")
    for cls in GAMES
    if cls.plays in ("unpaired", "paired")
    for index, spec in enumerate(dict.fromkeys(forms(cls)))
    for name, (g, d, a, b) in SMALL.items()
]
every_game = pytest.mark.parametrize(("spec", "a", "b"), CASES)


def draw(a, b, *, seed=0, n=4):
    source = torch.Generator().manual_seed(seed)
    return Unpaired(torch.rand(n, *a, generator=source) * 2 - 1, torch.rand(n, *b, generator=source) * 2 - 1)


def move(game, batch, step, *, rate=0.05):
    """Play a step and move each player down its gradient; the losses by `player/name`."""
    torch.manual_seed(step)
    players, losses = game.players(), {}
    for turn in game.play(batch, step):
        parameters = list(players[turn.player].parameters())
        gradients = torch.autograd.grad(sum(turn.losses.values()), parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter -= rate * gradient
        losses |= {f"{turn.player}/{name}": loss for name, loss in turn.losses.items()}
    return losses


def test_the_forms_are_all_there():
    assert {spec.gan.kind for spec in forms(specs.TranslationGAN)} == {"non_saturating", "least_squares", "min_max"}
    assert {spec.form.kind for spec in forms(specs.DiscoGAN)} == {"paper", "authors"}


def test_every_game_can_be_asked_for():
    assert set(union_members(specs.GameSpec)) == set(GAMES)
    names = [cls().game for cls in GAMES]
    assert len(set(names)) == len(names)
    for name, cls in zip(names, GAMES, strict=True):
        assert from_dict(specs.GameSpec, {"game": name}) == cls()
        assert cls.__doc__
        assert GAMES[cls].__doc__


@every_game
def test_options_go_to_json_and_back(spec, a, b):
    assert from_dict(specs.GameSpec, json.loads(json.dumps(to_dict(spec)))) == spec


@every_game
def test_players_share_no_parameter_and_leave_none_out(spec, a, b):
    game = build(spec, shape_a=a, shape_b=b, seed=0)
    of_players = [p for player in game.players().values() for p in player.parameters()]
    assert len(set(of_players)) == len(of_players)
    assert set(of_players) == set(game.parameters())
    assert all(p.requires_grad for p in of_players)
    assert list(game.players()) == list(game.players())


@every_game
def test_turns_name_players_and_finite_scalars(spec, a, b):
    game = build(spec, shape_a=a, shape_b=b, seed=0)
    moved = set()
    for step in STEPS:
        losses = move(game, draw(a, b, seed=step), step)
        assert losses
        for name, loss in losses.items():
            assert loss.shape == ()
            assert loss.dtype == torch.float32
            assert math.isfinite(loss.item())
            moved.add(name.split("/")[0])
    assert moved == set(game.players())


@every_game
def test_every_parameter_learns(spec, a, b):
    game = build(spec, shape_a=a, shape_b=b, seed=0)
    before = {name: p.detach().clone() for name, p in game.named_parameters()}
    for step in STEPS:
        move(game, draw(a, b, seed=step), step)
    # Biases are left out: one before an instance norm changes nothing.
    assert not {name for name, p in game.named_parameters() if p.dim() > 1 and torch.equal(p, before[name])}


@every_game
def test_chance_is_of_losses_that_are_logged(spec, a, b):
    game = build(spec, shape_a=a, shape_b=b, seed=0)
    logged = {name for step in STEPS for name in move(game, draw(a, b), step)}
    assert game.chance()
    assert set(game.chance()) <= logged
    assert all(math.isfinite(value) for value in game.chance().values())


@every_game
def test_translators(spec, a, b):
    game = build(spec, shape_a=a, shape_b=b, seed=0)
    translators = game.remains()
    assert translators
    assert set(translators) <= set(DIRECTIONS)
    batch = draw(a, b)
    for direction, translator in translators.items():
        x, source, target = (batch.a, a, b) if direction == "a_to_b" else (batch.b, b, a)
        assert (translator.source, translator.target) == (source, target)
        y = translator.batch(x)
        assert y.shape == (len(x), *target)
        if len(target) == 3:
            assert -1 <= y.min() <= y.max() <= 1
        assert set(translator.network.parameters()) <= set(game.parameters())
        # What it was built from is enough to build it again.
        again = generator(translator.spec, source, target)
        again.load_state_dict(translator.network.state_dict())
        torch.testing.assert_close(Translator(again, spec=translator.spec, source=source, target=target).batch(x), y)


@every_game
def test_all_state_is_in_the_state_dict(spec, a, b, tmp_path):
    """A game that takes over a played one's state, by way of a checkpoint, plays on like it."""
    played, fresh = (build(spec, shape_a=a, shape_b=b, seed=seed) for seed in (0, 1))
    for step in STEPS:
        move(played, draw(a, b, seed=step), step)
    save(tmp_path / "c", tensors=played.state_dict(), progress=Progress())
    fresh.load_state_dict(load(tmp_path / "c")[0])
    for step in range(len(STEPS), len(STEPS) + 4):
        batch = draw(a, b, seed=step)
        mine, theirs = move(played, batch, step), move(fresh, batch, step)
        assert {name: x.item() for name, x in mine.items()} == {name: x.item() for name, x in theirs.items()}


@every_game
def test_weights_come_from_the_seed_alone(spec, a, b):
    torch.manual_seed(1)
    first = build(spec, shape_a=a, shape_b=b, seed=7).state_dict()
    torch.manual_seed(2)
    second, other = (build(spec, shape_a=a, shape_b=b, seed=seed).state_dict() for seed in (7, 8))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@every_game
def test_the_caller_s_randomness_is_left_alone(spec, a, b):
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    build(spec, shape_a=a, shape_b=b, seed=0)
    assert torch.equal(torch.rand(3), wanted)


@every_game
def test_a_batch_is_left_as_it_was(spec, a, b):
    game, batch = build(spec, shape_a=a, shape_b=b, seed=0), draw(a, b)
    for step in STEPS:
        move(game, batch, step)
    assert torch.equal(batch.a, draw(a, b).a)
    assert torch.equal(batch.b, draw(a, b).b)
    assert not batch.a.requires_grad
