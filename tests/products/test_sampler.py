"""Noise that belongs to its sample, classes by name, walks; and that training is left as it was."""

import math

import pytest
import torch
from torch import nn

from unpaired.errors import ConfigError, ShapeError
from unpaired.networks.build import noise_generator
from unpaired.networks.specs import DCGANGenerator, DenseGenerator, Mlp
from unpaired.products import Noise, Sampler

SHAPE = (1, 8, 8)
NAMES = ("boot", "bag", "7")
SMALL = DCGANGenerator(width=2)


def sampler(*, classes=(), distribution="uniform", spec=SMALL, shape=SHAPE):
    network = noise_generator(spec, shape, noise=5, condition=len(classes))
    return Sampler(network, spec=spec, shape=shape, noise=Noise(5, distribution), classes=classes)


class Shown(nn.Module):
    """What it is shown, as a picture: noise beside the condition."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.1))

    def forward(self, noise, condition=None):
        x = noise if condition is None else torch.cat([noise, condition], dim=1)
        return (self.scale * x)[:, None, None]


def shown(*, classes=(), distribution="uniform"):
    width = 5 + len(classes)
    return Sampler(Shown(), spec=DCGANGenerator(), shape=(1, 1, width), noise=Noise(5, distribution), classes=classes)


def test_a_sample_follows_from_its_seed_and_place_alone():
    made = sampler()
    ten = made(10, seed=3)
    assert ten.shape == (10, *SHAPE)
    assert -1 <= ten.min() < ten.max() <= 1
    torch.testing.assert_close(made(4, seed=3, first=6), ten[6:])
    torch.testing.assert_close(made(1, seed=3), ten[:1])
    assert not torch.allclose(made(10, seed=4), ten)
    assert len({row.numpy().tobytes() for row in made.draw(300, seed=0)}) == 300
    assert torch.equal(made.draw(300)[257:], made.draw(43, first=257))


def test_noise_is_drawn_as_it_says_and_as_it_ever_was():
    uniform, normal = (shown(distribution=kind).draw(4000) for kind in ("uniform", "normal"))
    assert -1 <= uniform.min() < -0.99 < 0.99 < uniform.max() <= 1
    assert abs(uniform.mean()) < 0.02
    assert abs(uniform.var() - 1 / 3) < 0.01
    assert abs(normal.mean()) < 0.03
    assert abs(normal.var() - 1) < 0.03
    # What a seed showed yesterday it must show tomorrow.
    wanted = [-0.296775221824646, 0.2936004400253296, 0.9729065895080566, 0.08414137363433838, 0.7035362720489502]
    assert shown().draw(1, seed=1)[0].tolist() == wanted


def test_the_callers_randomness_is_left_alone():
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    sampler()  # which draws weights
    torch.manual_seed(5)
    sampler_ = shown()
    sampler_(3)
    assert torch.equal(torch.rand(3), wanted)


def test_training_goes_on_as_before():
    made = sampler()
    made.network.train()
    before = {name: value.clone() for name, value in made.network.state_dict().items()}
    made(3)
    assert made.network.training
    assert all(module.training for module in made.network.modules())
    assert all(torch.equal(value, before[name]) for name, value in made.network.state_dict().items())


def test_classes_by_name_by_number_and_in_turn():
    made = shown(classes=NAMES)
    conditions = made(4)[:, 0, 0, 5:] / 0.1
    torch.testing.assert_close(conditions, torch.eye(3)[[0, 1, 2, 0]])
    for asked in ("bag", "BAG", 1, [1, 1], "1"):
        torch.testing.assert_close(made(2, class_=asked)[:, 0, 0, 5:] / 0.1, torch.eye(3)[[1, 1]])
    torch.testing.assert_close(made(2, class_="7")[:, 0, 0, 5:] / 0.1, torch.eye(3)[[2, 2]])
    torch.testing.assert_close(made(2, first=2)[:, 0, 0, 5:] / 0.1, torch.eye(3)[[2, 0]])
    torch.testing.assert_close(made(2, class_="bag")[:, 0, 0, :5], made(2)[:, 0, 0, :5])


def test_classes_that_there_are_not():
    with pytest.raises(ConfigError, match=r"no class 'boat' \(did you mean 'boot'\?\)"):
        shown(classes=NAMES)(1, class_="boat")
    with pytest.raises(ConfigError, match=r"found classes \[0, 1\] for 3 samples; wanted one for each, from 0 to 2"):
        shown(classes=NAMES)(3, class_=[0, 1])
    with pytest.raises(ConfigError, match="from 0 to 2"):
        shown(classes=NAMES)(3, class_=3)
    with pytest.raises(ConfigError, match="this sampler knows no classes, found '7'"):
        shown()(1, class_="7")


def test_noise_that_does_not_fit():
    with pytest.raises(ShapeError, match=r"found noise \[2, 4\] and no classes; wanted \[N, 5\] and no classes"):
        shown().generate(torch.zeros(2, 4))
    with pytest.raises(ShapeError, match=r"wanted \[N, 5\] and classes"):
        shown(classes=NAMES).generate(torch.zeros(2, 5))


def test_none_at_all():
    assert shown()(0).shape == (0, 1, 1, 5)


def test_a_walk_along_lines():
    made = shown()
    stops = torch.stack([torch.full((5,), -1.0), torch.full((5,), 1.0), torch.zeros(5)])
    walk = made.walk(stops, steps=5)
    assert walk.shape == (2, 5, 1, 1, 5)
    torch.testing.assert_close(walk[0, :, 0, 0, 0] / 0.1, torch.tensor([-1.0, -0.5, 0.0, 0.5, 1.0]))
    torch.testing.assert_close(walk[1, :, 0, 0, 0] / 0.1, torch.tensor([1.0, 0.75, 0.5, 0.25, 0.0]))


def test_a_walk_on_an_arc():
    made = shown(distribution="normal")
    stops = torch.zeros(2, 5)
    stops[0, 0] = stops[1, 1] = 2.0
    half = made.walk(stops, steps=3)[0, 1, 0, 0] / 0.1
    torch.testing.assert_close(half, torch.tensor([math.sqrt(2), math.sqrt(2), 0.0, 0.0, 0.0]))
    there_and_back = made.walk(torch.stack([stops[0], stops[0]]), steps=3)
    torch.testing.assert_close(there_and_back[0, 1, 0, 0] / 0.1, stops[0])


def test_a_walk_between_classes():
    walk = shown(classes=NAMES).walk(torch.zeros(2, 5), steps=3, classes=torch.tensor([0, 2]))
    torch.testing.assert_close(walk[0, 1, 0, 0, 5:] / 0.1, torch.tensor([0.5, 0.0, 0.5]))


def test_a_walk_needs_two_stops_and_steps():
    with pytest.raises(ShapeError, match="found 1 stops and 5 steps; wanted two of each"):
        shown().walk(torch.zeros(1, 5), steps=5)


@pytest.mark.parametrize(
    ("spec", "shape"), [(DenseGenerator(hidden=4), SHAPE), (DCGANGenerator(width=2), SHAPE), (Mlp(hidden=4), (2,))]
)
def test_every_network(spec, shape):
    made = sampler(spec=spec, shape=shape)
    assert made(3).shape == (3, *shape)
    assert spec.kind in repr(made)
