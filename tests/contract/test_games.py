"""What the engine, the checkpoints and the doctor take for granted of every game, in every form it can be played in."""

import json
import math
from dataclasses import fields, replace

import pytest
import torch

from unpaired.attribute_translator import AttributeTranslator
from unpaired.config import from_dict, to_dict, union_members
from unpaired.data.batches import Labelled, Unpaired
from unpaired.data.labelling import Labelling
from unpaired.data.labels import UNKNOWN, Attribute
from unpaired.engine.checkpoint import Progress, load, save
from unpaired.games import specs
from unpaired.games.table import GAMES, build
from unpaired.networks.build import generator, label_discriminator, label_generator
from unpaired.networks.specs import (
    ConvDiscriminator,
    EncoderDecoder,
    Mlp,
    PatchGAN,
    ResidualImage,
    ResNet,
    StarGANDiscriminator,
    StarGANGenerator,
    UNet,
)
from unpaired.translator import DIRECTIONS, Translator

SMALL = {
    "convolutional": (EncoderDecoder(width=2, bottleneck=3), ConvDiscriminator(width=2), (3, 16, 16), (1, 16, 16)),
    "patches": (ResNet(width=2, blocks=1, downs=1), PatchGAN(width=2, layers=1), (1, 8, 8), (4, 8, 8)),
    "changes": (ResidualImage(width=8), PatchGAN(width=2, layers=1), (3, 8, 8), (3, 8, 8)),
    "skips": (UNet(width=2, downs=4), PatchGAN(width=2, layers=1, norm="batch"), (3, 16, 16), (1, 16, 16)),
    "points": (Mlp(hidden=6), Mlp(hidden=6, layers=4), (2,), (3,)),
}
"""Of games between two domains: networks, and the shapes of A and B."""
HAIR = Attribute(name="hair", values=("dark", "blond", "red"))
GLASSES = Attribute(name="glasses", values=("off", "on"), binary=True)
SMALL_LABELLED = {
    "new": (StarGANGenerator(width=2, blocks=1), StarGANDiscriminator(width=2, layers=2), (3, 8, 8), ((0, 1),)),
    "changes": (
        StarGANGenerator(width=2, blocks=1, downs=1, change=True),
        StarGANDiscriminator(width=2, layers=3),
        (1, 8, 8),
        ((1,), (0, 1)),
    ),
}
"""Of games with labels: networks, the shape of images, and the attributes that each data set knows."""
STEPS = range(4)
"""Enough for every player of every game to have moved."""


def forms(cls):
    """The options of a game, and for each choice among typed alternatives one more with each of them."""
    yield cls()
    for field in fields(cls):
        if field.name not in ("generator", "discriminator", "semantic"):  # the last wants a trained classifier
            for member in union_members(field.type):
                if "kind" in getattr(member, "__dataclass_fields__", ()):
                    yield replace(cls(), **{field.name: member()})


def small(spec, g, d, **more):
    """The options with small networks and weights: these tests use plain gradient descent."""
    options = {"l1": 1.0} if hasattr(spec, "l1") else {}
    options |= {"critic": 2, "reconstruction": 1.0} if spec.plays == "labelled" else {}
    return replace(spec, generator=g, discriminator=d, **options, **more)


def cases():
    """Each form of each game, with each kind of networks and samples that it can be played with."""
    for cls in GAMES:
        if cls.plays not in ("unpaired", "paired", "labelled"):
            continue
        for index, spec in enumerate(dict.fromkeys(forms(cls))):
            if cls.plays == "labelled":
                for name, (g, d, shape, known) in SMALL_LABELLED.items():
                    samples = {"shape": shape, "labelling": Labelling((HAIR, GLASSES), known)}
                    yield pytest.param(small(spec, g, d), samples, id=f"{spec.game}-{index}-{name}")
                continue
            for name, (g, d, a, b) in SMALL.items():
                # Identity losses only where both domains have one shape.
                none = {"identity": 0.0} if a != b and hasattr(spec, "identity") else {}
                yield pytest.param(small(spec, g, d, **none), {"shape_a": a, "shape_b": b}, id=f"{spec.game}-{index}-{name}")


every_game = pytest.mark.parametrize(("spec", "samples"), list(cases()))


def draw(samples, *, seed=0, step=0, n=4):
    """A batch of the kind that `samples` are of."""
    source = torch.Generator().manual_seed(seed)

    def images(shape):
        return torch.rand(n, *shape, generator=source) * 2 - 1

    if "labelling" not in samples:
        return Unpaired(images(samples["shape_a"]), images(samples["shape_b"]))
    labelling = samples["labelling"]
    origin = step % len(labelling.known)
    values = torch.full((n, len(labelling.attributes)), UNKNOWN)
    for attribute in labelling.known[origin]:
        values[:, attribute] = torch.randint(len(labelling.attributes[attribute].values), (n,), generator=source)
    return Labelled(images(samples["shape"]), values, torch.full((n,), origin))


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
def test_options_go_to_json_and_back(spec, samples):
    assert from_dict(specs.GameSpec, json.loads(json.dumps(to_dict(spec)))) == spec


@every_game
def test_players_share_no_parameter_and_leave_none_out(spec, samples):
    game = build(spec, seed=0, **samples)
    of_players = [p for player in game.players().values() for p in player.parameters()]
    assert len(set(of_players)) == len(of_players)
    assert set(of_players) == set(game.parameters())
    assert all(p.requires_grad for p in of_players)
    assert list(game.players()) == list(game.players())


@every_game
def test_turns_name_players_and_finite_scalars(spec, samples):
    game = build(spec, seed=0, **samples)
    moved = set()
    for step in STEPS:
        losses = move(game, draw(samples, seed=step, step=step), step)
        assert losses
        for name, loss in losses.items():
            assert loss.shape == ()
            assert loss.dtype == torch.float32
            assert math.isfinite(loss.item())
            moved.add(name.split("/")[0])
    assert moved == set(game.players())


@every_game
def test_every_parameter_learns(spec, samples):
    game = build(spec, seed=0, **samples)
    before = {name: p.detach().clone() for name, p in game.named_parameters()}
    for step in STEPS:
        move(game, draw(samples, seed=step, step=step), step)
    # Biases are left out: one before an instance norm changes nothing.
    assert not {name for name, p in game.named_parameters() if p.dim() > 1 and torch.equal(p, before[name])}


@every_game
def test_chance_is_of_losses_that_are_logged(spec, samples):
    game = build(spec, seed=0, **samples)
    logged = {name for step in STEPS for name in move(game, draw(samples, step=step), step)}
    assert bool(game.chance()) is hasattr(spec.gan, "chance")  # a Wasserstein critic's scores have no scale
    assert set(game.chance()) <= logged
    assert all(math.isfinite(value) for value in game.chance().values())


@every_game
def test_what_remains(spec, samples):
    """Products whose answers are images, by the game's own weights, and whose specs are enough to build them again."""
    game = build(spec, seed=0, **samples)
    remains = game.remains()
    assert remains
    assert set(remains) <= ({"attributes"} if spec.plays == "labelled" else set(DIRECTIONS))
    for name, product in remains.items():
        assert set(product.network.parameters()) <= set(game.parameters())
        if isinstance(product, AttributeTranslator):
            x, y, again = changed(product, samples)
        else:
            x, y, again = translated(product, name, samples)
        if y.dim() == 4:
            assert -1 <= y.min() <= y.max() <= 1
        torch.testing.assert_close(again(x), y)


def translated(translator, direction, samples):
    """Images, their translations, and the same by a network that was built again."""
    a, b = samples["shape_a"], samples["shape_b"]
    x, source, target = (draw(samples).a, a, b) if direction == "a_to_b" else (draw(samples).b, b, a)
    assert (translator.source, translator.target) == (source, target)
    y = translator.batch(x)
    assert y.shape == (len(x), *target)
    network = generator(translator.spec, source, target)
    network.load_state_dict(translator.network.state_dict())
    return x, y, Translator(network, spec=translator.spec, source=source, target=target).batch


def changed(translator, samples):
    """Images, the same with all attributes set, and the same by networks that were built again."""
    labelling = translator.labelling
    assert (translator.shape, labelling) == (samples["shape"], samples["labelling"])
    x, settings = draw(samples).x, {0: 2, 1: 1}
    y = translator.batch(x, settings)
    assert y.shape == x.shape
    network = label_generator(translator.spec, translator.shape, labelling.length)
    reader = label_discriminator(translator.reader_spec, translator.shape, labelling.numbers)
    for mine, theirs in ((network, translator.network), (reader, translator.reader)):
        mine.load_state_dict(theirs.state_dict())
    again = AttributeTranslator(network, spec=translator.spec, shape=translator.shape, labelling=labelling, reader=reader)
    return x, y, lambda x: again.batch(x, settings)


@every_game
def test_all_state_is_in_the_state_dict(spec, samples, tmp_path):
    """A game that takes over a played one's state, by way of a checkpoint, plays on like it."""
    played, fresh = (build(spec, seed=seed, **samples) for seed in (0, 1))
    for step in STEPS:
        move(played, draw(samples, seed=step, step=step), step)
    save(tmp_path / "c", tensors=played.state_dict(), progress=Progress())
    fresh.load_state_dict(load(tmp_path / "c")[0])
    for step in range(len(STEPS), len(STEPS) + 4):
        batch = draw(samples, seed=step, step=step)
        mine, theirs = move(played, batch, step), move(fresh, batch, step)
        assert {name: x.item() for name, x in mine.items()} == {name: x.item() for name, x in theirs.items()}


@every_game
def test_weights_come_from_the_seed_alone(spec, samples):
    torch.manual_seed(1)
    first = build(spec, seed=7, **samples).state_dict()
    torch.manual_seed(2)
    second, other = (build(spec, seed=seed, **samples).state_dict() for seed in (7, 8))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@every_game
def test_the_caller_s_randomness_is_left_alone(spec, samples):
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    build(spec, seed=0, **samples)
    assert torch.equal(torch.rand(3), wanted)


@every_game
def test_a_batch_is_left_as_it_was(spec, samples):
    game, batch = build(spec, seed=0, **samples), draw(samples)
    for step in STEPS:
        move(game, batch, step)
    assert all(torch.equal(mine, drawn) for mine, drawn in zip(batch, draw(samples), strict=True))
    assert not any(part.requires_grad for part in batch)
