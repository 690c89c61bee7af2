"""Plans by numbers worked out on paper, and on the published networks."""

import itertools
import math

import pytest
from torch import nn

from unpaired.errors import RunError
from unpaired.large.layers import Box, Span
from unpaired.large.plan import MOVE, Planner, demand, leaves, tiles
from unpaired.large.program import Program
from unpaired.networks.resnet import ResNetGenerator
from unpaired.networks.unet import UNetGenerator


def planner(network, side, *, tile=512, channels=3):
    program = Program(network.eval())
    return Planner(program, program.shapes(channels, side, side), tile=tile)


def box(a, b, c, d):
    return Box(Span(a, b), Span(c, d))


def test_tiles():
    assert tiles(10, 10) == [Span(0, 10)]
    assert tiles(10, 4) == [Span(0, 3), Span(3, 6), Span(6, 10)]
    spans = tiles(12000, 512)
    assert (spans[0].start, spans[-1].stop, len(spans)) == (0, 12000, 24)
    assert all(a.stop == b.start for a, b in itertools.pairwise(spans))
    assert max(span.size for span in spans) <= 512


def test_demand():
    """3x3, then 4x4 with stride 2: 2 px need 6, and they 8; at the border what lies beyond is not asked for."""
    program = Program(nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.ReLU(), nn.Conv2d(1, 1, 4, 2, 1)))
    shapes = program.shapes(1, 40, 40)
    answer = len(program.steps) - 1
    found = demand(program.steps, shapes, answer, box(5, 7, 0, 2), frozenset())
    assert found[0] == box(8, 16, 0, 6)
    assert found[answer] == box(5, 7, 0, 2)
    assert list(found) == sorted(found)
    kept = next(i for i, step in enumerate(program.steps) if type(step.layer).__name__ == "Convolution")
    assert 0 not in demand(program.steps, shapes, answer, box(5, 7, 0, 2), {kept})


def test_a_skip_asks_for_the_larger_of_both():
    class Skip(nn.Module):
        def __init__(self):
            super().__init__()
            self.wide = nn.Conv2d(1, 1, 5, padding=2)

        def forward(self, x):
            y = x.relu()
            narrow = y.tanh()
            return narrow + self.wide(y)

    program = Program(Skip())
    found = demand(program.steps, program.shapes(1, 40, 40), len(program.steps) - 1, box(3, 4, 3, 4), frozenset())
    assert found[0] == found[1] == box(1, 6, 1, 6)
    assert sorted(itertools.chain(*leaves(program.steps, found).values())) == sorted(found)[:-1]  # all but the answer, each once


def test_what_is_dear_is_kept_and_what_is_cheap_computed_again():
    """1x1 from 1 channel costs a multiply-add a value, far below MOVE; 1x1 from 4000 channels costs 4000, well above."""
    assert 4 < MOVE < 4000
    cheap = nn.Sequential(nn.Conv2d(1, 8, 1), nn.GroupNorm(8, 8), nn.Conv2d(8, 1, 1))
    assert planner(cheap, 256, tile=64, channels=1).plan(free=math.inf, folder="").kept == frozenset()
    dear = nn.Sequential(nn.Conv2d(1, 4000, 1), nn.ReLU(), nn.Conv2d(4000, 2, 1), nn.GroupNorm(2, 2), nn.Conv2d(2, 1, 1))
    plan = planner(dear, 256, tile=64, channels=1).plan(free=math.inf, folder="")
    assert plan.kept == {3}
    assert plan.disk == 4 * 2 * 256 * 256


def test_a_network_without_measures_is_one_pass():
    plan = planner(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Conv2d(8, 3, 3, padding=1)), 300).plan(
        free=math.inf, folder=""
    )
    assert [(each.target, each.kept) for each in plan.passes] == [(5, False)]


class TestPublished:
    """12,000 x 12,000 px. Multiply-adds: the sum over convolutions of their weights and the places where they are applied."""

    def resnet(self):
        return ResNetGenerator(in_channels=3, out_channels=3, width=64, blocks=9, downs=2, norm="instance")

    def test_resnet_9(self):
        plan = planner(self.resnet(), 12000).plan(free=1e15, folder="")
        ends, halves, blocks = 2 * 147 * 64, 4 * 9 * 64 * 128 / 4, 18 * 9 * 256**2 / 16
        once = 12000**2 * (ends + halves + blocks)
        assert once < plan.work < 2 * once  # instead of 12 times
        assert plan.disk == 3 * 256 * 3000**2 * 4
        assert max(each.peak for each in plan.passes) * 4 < 150e6  # two layers of 64 channels and 512 x 512 px are 134 MB

    def test_every_pass_reads_what_is_there(self):
        plan = planner(self.resnet(), 12000).plan(free=20e9, folder="")
        there, measured = set(), set()
        for each in plan.passes:
            assert each.reads <= there
            there |= {each.target} if each.kept else set()
            there -= each.last
            measured.add(each.target)
        assert there == set()
        assert plan.disk <= 20e9

    def test_unet_256(self):
        network = UNetGenerator(in_channels=3, out_channels=3, width=64, downs=8, norm="batch", dropout=0.5)
        plan = planner(network, 12032).plan(free=1e15, folder="")
        once = planner(network, 512, tile=512).plan(free=0, folder="").work * (12032 / 512) ** 2
        assert plan.work < 1.6 * once  # without files its context of hundreds of pixels would be computed for each tile
        nothing = planner(network, 12032)._planned(frozenset())
        assert nothing.work > 3 * plan.work

    def test_a_short_disk(self):
        with pytest.raises(RunError, match=r"12000 x 12000 px wants 28 GB .* /far has 5 GB to spare, which is too little"):
            planner(self.resnet(), 12000).plan(free=5e9, folder="/far")
