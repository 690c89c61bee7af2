"""What the engine, the checkpoints and the doctor take for granted of games that make images, read them or encode them."""

import json
import math
from dataclasses import fields, replace

import pytest
import torch

from unpaired.bundle import KINDS
from unpaired.config import from_dict, to_dict, union_members
from unpaired.data.image_pair import Joint
from unpaired.data.image_set import FewLabelled, Images
from unpaired.data.label_maps import Mapped
from unpaired.engine.checkpoint import Progress, load, save
from unpaired.engine.runtime import total
from unpaired.games import generator_specs, specs
from unpaired.games.table import GAMES, build
from unpaired.images.maps import VOID
from unpaired.networks.specs import (
    ConvAutoencoder,
    DCGANDiscriminator,
    DCGANGenerator,
    DenseAutoencoder,
    DenseGenerator,
    LeNet,
    MaxoutDiscriminator,
    Mlp,
    SmallUNet,
)

SHAPE = (1, 16, 16)
NAMES = ("a", "b", "c")
CONV = (DCGANGenerator(width=2), DCGANDiscriminator(width=2, dropout=0.2))
SINGLE = (DCGANGenerator(width=2), DCGANDiscriminator(width=2, norm="none"))
DENSE = (DenseGenerator(hidden=6, reach=None), MaxoutDiscriminator(units=6, pieces=2, reach=None))
POINTS = (Mlp(hidden=6), Mlp(hidden=6))
MEMBERS = (Mlp(hidden=6, members=2), Mlp(hidden=6, members=2))
STEPS = range(4)


def forms(cls):
    """The options of a game, and for each choice among typed alternatives (but networks) one more with each of them."""
    for field in fields(cls):
        if field.name not in ("generator", "discriminator", "network"):
            for member in union_members(field.type):
                if "kind" in getattr(member, "__dataclass_fields__", ()):
                    yield {field.name: member()}


def cases():
    for cls in (specs.GAN, specs.DCGAN):
        for options in (*forms(cls), {"packing": 2}, {"critic": 2}):
            yield cls(generator=SINGLE[0], discriminator=SINGLE[1], noise=5, **options), {"shape": SHAPE, "classes": ()}
        yield cls(generator=CONV[0], discriminator=CONV[1], noise=5), {"shape": SHAPE, "classes": NAMES}
    for networks in (POINTS, MEMBERS):
        for options in (*forms(specs.GAN), {"packing": 2}):
            yield specs.GAN(generator=networks[0], discriminator=networks[1], noise=3, **options), {"shape": (2,), "classes": ()}
    for g, d in (CONV, DENSE):
        for cls in (specs.SGAN, specs.ACGAN):
            for options in forms(cls):
                yield cls(generator=g, discriminator=d, noise=5, **options), {"shape": SHAPE, "classes": NAMES}
        for options in (*forms(specs.CoGAN), {"classification": 0.0}):
            samples = {"shape_a": SHAPE, "shape_b": (3, 16, 16), "classes": NAMES}
            yield specs.CoGAN(generator=g, discriminator=d, noise=5, **options), samples
        yield specs.CoGAN(generator=g, discriminator=d, noise=5, agreement=0.1), samples
        yield specs.Classifier(network=d), {"shape": SHAPE, "classes": NAMES}
    yield specs.Classifier(network=LeNet(maps=(2, 3), hidden=4)), {"shape": SHAPE, "classes": NAMES}
    for balance in (True, False):
        samples = {"shape": SHAPE, "classes": NAMES, "counts": (500, 20, 0)}
        yield specs.Segmenter(network=SmallUNet(width=2), balance=balance), samples
    for network in (DenseAutoencoder(hidden=(6,), code=3), ConvAutoencoder(widths=(2,), hidden=6, code=3, values="signed")):
        for options in (*forms(specs.Autoencoder), {"form": generator_specs.Greedy(level_steps=1)}):
            yield specs.Autoencoder(network=network, **options), {"shape": SHAPE, "classes": ()}


def named(pair):
    spec, _ = pair
    said = to_dict(spec)
    kinds = [value["kind"] for value in said.values() if isinstance(value, dict) and "kind" in value]
    numbers = (f"{key}{said[key]}" for key in ("packing", "critic", "classification", "agreement", "balance") if key in said)
    return "-".join([spec.game, *kinds, *numbers])


CASES = list({named(pair): pair for pair in cases()}.values())
every_game = pytest.mark.parametrize(("spec", "samples"), [pytest.param(*pair, id=named(pair)) for pair in CASES])


def draw(spec, samples, *, seed=0, n=4):
    source = torch.Generator().manual_seed(seed)

    def images(shape):
        lead = (2, n) if getattr(getattr(spec, "generator", None), "members", None) else (n,)
        classes = torch.randint(-1, max(1, len(samples["classes"])), (n,), generator=source)
        return Images(torch.rand(*lead, *shape, generator=source) * 2 - 1, classes)

    match spec.plays:
        case "images":
            return images(samples["shape"])
        case "told":
            found = images(samples["shape"])
            return found._replace(classes=found.classes.clamp_min(0))
        case "few-labelled":
            told = images(samples["shape"])
            return FewLabelled(images(samples["shape"]).x, told._replace(classes=told.classes.clamp_min(0)))
        case "domains":
            return Joint(images(samples["shape_a"]), images(samples["shape_b"]))
        case "maps":
            labels = torch.randint(-1, len(samples["classes"]), (n, *samples["shape"][1:]), generator=source)
            return Mapped(images(samples["shape"]).x, labels.where(labels >= 0, VOID))


def move(game, batch, step, *, rate=0.01):
    """Play a step and move each player down its gradient, as the engine does; the losses by `player/name`."""
    torch.manual_seed(step)
    players, losses = game.players(), {}
    for turn in game.play(batch, step):
        parameters = list(players[turn.player].parameters())
        for parameter in parameters:
            parameter.grad = None
        total(turn.losses.values()).backward(inputs=parameters)
        with torch.no_grad():
            for parameter in parameters:
                if parameter.grad is not None:
                    parameter -= rate * parameter.grad
        losses |= {f"{turn.player}/{name}": loss.detach() for name, loss in turn.losses.items()}
    return losses


def test_every_game_is_played_here_or_there():
    mine = {type(spec) for spec, _ in CASES}
    assert mine == {cls for cls in GAMES if cls.plays in ("images", "few-labelled", "told", "domains", "maps")}


@every_game
def test_options_go_to_json_and_back(spec, samples):
    assert from_dict(specs.GameSpec, json.loads(json.dumps(to_dict(spec)))) == spec


@every_game
def test_players_share_no_parameter_and_leave_none_out(spec, samples):
    game = build(spec, seed=0, **samples)
    of_players = [p for player in game.players().values() for p in player.parameters()]
    assert len(set(of_players)) == len(of_players)
    assert set(of_players) == set(game.parameters())


@every_game
def test_turns_name_players_finite_scalars_and_chance(spec, samples):
    game, logged = build(spec, seed=0, **samples), set()
    for step in STEPS:
        losses = move(game, draw(spec, samples, seed=step), step)
        assert losses
        for loss in losses.values():
            assert (loss.shape, loss.dtype) == ((), torch.float32)
            assert math.isfinite(loss)
        logged |= set(losses)
    assert {name.split("/")[0] for name in logged} == set(game.players())
    assert set(game.chance()) <= logged


@every_game
def test_every_parameter_learns(spec, samples):
    game = build(spec, seed=0, **samples)
    before = {name: p.detach().clone() for name, p in game.named_parameters()}
    if getattr(spec, "form", None) == generator_specs.Greedy():  # levels move in turn, each for many steps
        game.spec = replace(spec, form=generator_specs.Greedy(level_steps=1))
    for step in STEPS:
        move(game, draw(spec, samples, seed=step), step)
    # Biases are left out: a critic's last one changes nothing.
    weights = {name: p for name, p in game.named_parameters() if p.dim() > 1 and not name.endswith("bias")}
    assert not {name for name, p in weights.items() if torch.equal(p, before[name])}


@every_game
def test_what_remains(spec, samples):
    game = build(spec, seed=0, **samples)
    remains = game.remains()
    if getattr(getattr(spec, "generator", None), "members", None) is None:
        assert remains
    for product in remains.values():
        assert type(product) in {kind.product for kind in KINDS.values()}
        assert set(product.network.parameters()) <= set(game.parameters())


@every_game
def test_to_ask_what_remains_leaves_the_game_and_chance_alone(spec, samples):
    game = build(spec, seed=0, **samples)
    before = {name: value.clone() for name, value in game.state_dict().items()}
    torch.manual_seed(3)
    wanted = torch.rand(3)
    torch.manual_seed(3)
    for name, product in game.remains().items():
        if name.startswith("sampler"):
            product(2)
    assert torch.equal(torch.rand(3), wanted)
    assert all(torch.equal(value, before[name]) for name, value in game.state_dict().items())
    assert all(player.training for player in game.players().values())


@every_game
def test_all_state_is_in_the_state_dict(spec, samples, tmp_path):
    """A game that takes over a played one's state, by way of a checkpoint, plays on like it."""
    played, fresh = (build(spec, seed=seed, **samples) for seed in (0, 1))
    for step in STEPS:
        move(played, draw(spec, samples, seed=step), step)
    save(tmp_path / "c", tensors=played.state_dict(), progress=Progress())
    fresh.load_state_dict(load(tmp_path / "c")[0])
    for step in range(len(STEPS), len(STEPS) + 3):
        batch = draw(spec, samples, seed=step)
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
def test_a_batch_is_left_as_it_was(spec, samples):
    game, batch = build(spec, seed=0, **samples), draw(spec, samples)
    for step in STEPS:
        move(game, batch, step)
    flat = [x for part in batch for x in (part if isinstance(part, tuple) else (part,))]
    again = [x for part in draw(spec, samples) for x in (part if isinstance(part, tuple) else (part,))]
    assert all(torch.equal(mine, fresh) for mine, fresh in zip(flat, again, strict=True))
    assert not any(x.requires_grad for x in flat)
