"""CyCADA's semantic consistency in CycleGAN: by hand, with a classifier that nobody moves, that a checkpoint keeps.

Each image is a pixel: x = (1, 3), G(x) = -2 x = (-2, -6); y = (-1, 4), F(y) = y / 4 = (-1/4, 1). The classifier's scores of x are
(x, -x): it reads x as (0, 0), y as (1, 0).
"""

from math import exp, log

import pytest
import torch
from one_pixel import Lines
from test_cyclegan import BATCH, SMALL, Line, on_paper
from torch import nn

from unpaired.bundle import save_bundle
from unpaired.config import parse_choice
from unpaired.data.batches import Unpaired
from unpaired.errors import ConfigError, RunError, ShapeError
from unpaired.games import specs, table
from unpaired.games.specs import SameClass
from unpaired.networks.build import judge, noise_generator
from unpaired.networks.specs import DCGANDiscriminator, DCGANGenerator
from unpaired.products import Classifier, Noise, Sampler

SHAPE = (1, 8, 8)
SPEC = DCGANDiscriminator(width=2)


def softplus(x):
    return log(1 + exp(x))


def keep(folder, **remains):
    save_bundle(folder, remains, fit="crop", background="white", about={}, card="")
    return str(folder)


@pytest.fixture
def reader(tmp_path):
    """A bundle with a classifier of three classes (and one more, "generated"), whose batch norms have seen something."""
    network = judge(SPEC, SHAPE, source=False, classes=4)
    network(torch.rand(16, *SHAPE))
    classifier = Classifier(network, spec=SPEC, shape=SHAPE, classes=("a", "b", "c"), generated=True, source=False)
    return keep(tmp_path / "reader", classifier=classifier)


def built(reader, **options):
    spec = specs.CycleGAN(**SMALL, identity=0.0, semantic=SameClass(reader=reader, **options))
    return table.build(spec, shape_a=SHAPE, shape_b=SHAPE, seed=0)


def test_losses_by_hand(reader):
    game = on_paper(semantic=SameClass(reader=reader, weight=3.0))
    game.a_to_b, game.read.network, game.read.count = Line(-2.0), Lines(classes=[1.0, -1.0]), 2
    found = {name: loss.item() for turn in game.play(BATCH, 0) for name, loss in turn.losses.items()}
    # -log softmax(G(x), -G(x))[0] = softplus(-2 G(x)); of F(y) to what is read in y.
    assert found["semantic_a"] == pytest.approx(3 * (softplus(4) + softplus(12)) / 2, rel=1e-5)
    assert found["semantic_b"] == pytest.approx(3 * (softplus(-0.5) + softplus(-2)) / 2, rel=1e-5)


def test_without_a_reader_nothing_is_read():
    found = [name for turn in on_paper().play(BATCH, 0) for name in turn.losses]
    assert not [name for name in found if name.startswith("semantic")]


def test_nobody_moves_the_classifier(reader):
    game = built(reader)
    of_players = {p for player in game.players().values() for p in player.parameters()}
    assert of_players == set(game.parameters())
    assert not list(game.read.parameters())
    game.train()
    before = {name: value.clone() for name, value in game.read.state_dict().items()}
    assert "network.heads.classes.weight" in before
    batch = Unpaired(torch.rand(4, *SHAPE), torch.rand(4, *SHAPE))
    for turn in game.play(batch, 0):
        parameters = list(game.players()[turn.player].parameters())
        sum(turn.losses.values()).backward(inputs=parameters)
    assert all(torch.equal(value, before[name]) for name, value in game.read.state_dict().items())  # its batch norms too


def test_it_reads_as_the_bundle_does(reader):
    game, x, y = built(reader), torch.rand(5, *SHAPE), torch.rand(5, *SHAPE)
    network = judge(SPEC, SHAPE, source=False, classes=4)
    network.load_state_dict(game.read.network.state_dict())
    said, of_y = (network.eval()(images).classes[:, :3] for images in (x, y))
    wanted = nn.functional.cross_entropy(of_y, said.argmax(dim=1))
    torch.testing.assert_close(game.train().read.disagreement(x, y), wanted)


def test_a_checkpoint_keeps_it(reader, tmp_path):
    game = built(reader)
    network = judge(SPEC, SHAPE, source=False, classes=3)
    other = Classifier(network, spec=SPEC, shape=SHAPE, classes=("a", "b", "c"), source=False)
    another = built(keep(tmp_path / "other", classifier=other))
    assert not torch.equal(another.read.network.stages[0][0].weight, game.read.network.stages[0][0].weight)
    again = built(reader)
    again.load_state_dict(game.state_dict())
    assert torch.equal(again.read.network.stages[0][0].weight, game.read.network.stages[0][0].weight)


def test_what_does_not_serve(reader, tmp_path):
    with pytest.raises(ConfigError, match="no classifier to read translations by; train one"):
        built("")
    generator = noise_generator(DCGANGenerator(width=2), SHAPE, noise=3)
    sampler = Sampler(generator, spec=DCGANGenerator(width=2), shape=SHAPE, noise=Noise(3, "normal"))
    with pytest.raises(RunError, match="keeps sampler; wanted a classifier"):
        built(keep(tmp_path / "sampler", sampler=sampler))
    spec = specs.CycleGAN(**SMALL, identity=0.0, semantic=SameClass(reader=reader))
    with pytest.raises(ShapeError, match=r"reads images of shape \(1, 8, 8\), found \(1, 16, 16\)"):
        table.build(spec, shape_a=(1, 16, 16), shape_b=(1, 16, 16), seed=0)
    with pytest.raises(ShapeError, match=r"they need one shape; found \(1, 8, 8\) and \(3, 8, 8\)"):
        table.build(spec, shape_a=SHAPE, shape_b=(3, 8, 8), seed=0)


def test_a_reader_is_found_from_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = parse_choice("same_class(reader='runs/digits', weight=0.5)", specs.AnyClass | SameClass)
    assert said == SameClass(reader=str(tmp_path / "runs" / "digits"), weight=0.5)
