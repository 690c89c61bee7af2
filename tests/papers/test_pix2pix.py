"""pix2pix, term by term, by numbers that are worked out on paper.

Each image is a single pixel: x = (1, 3), y = (-1, 4), G(x) = 2 x = (2, 6), and D(x, y) = x + y - 2:

    D(x, y) = (-2, 5)    D(x, G(x)) = (1, 7)
"""

from math import exp, log

import pytest
import torch
from torch import nn

from unpaired.data.batches import Paired
from unpaired.games import specs, table
from unpaired.losses import L1, LeastSquares, NonSaturating
from unpaired.networks.specs import UNET_256, PatchGAN, ResNet, UNet

BATCH = Paired(torch.tensor([1.0, 3.0]).view(2, 1, 1, 1), torch.tensor([-1.0, 4.0]).view(2, 1, 1, 1))


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))

    def forward(self, x):
        return self.weight * x


class Sum(nn.Module):
    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.tensor(-2.0))

    def forward(self, pair):
        assert pair.shape[1] == 2
        return pair.sum(1, keepdim=True) + self.bias, []


def turns(**options):
    spec = specs.Pix2Pix(generator=ResNet(width=2, blocks=1, downs=1), discriminator=PatchGAN(width=2, layers=1), **options)
    game = table.build(spec, shape_a=(1, 8, 8), shape_b=(1, 8, 8), seed=0)
    game.a_to_b, game.discriminate = Twice(), Sum()
    return game, list(game.play(BATCH, 0))


def losses(**options):
    return {f"{turn.player}/{name}": loss.item() for turn in turns(**options)[1] for name, loss in turn.losses.items()}


def softplus(x):
    return log(1 + exp(x))


def test_losses():
    assert losses() == pytest.approx(
        {
            "generator/gan": (softplus(-1) + softplus(-7)) / 2,
            "generator/l1": 100 * (3 + 2) / 2,
            "discriminator/pair": ((softplus(2) + softplus(-5)) / 2 + (softplus(1) + softplus(7)) / 2) / 2,
        },
        rel=1e-6,
    )


def test_least_squares_and_weight():
    found = losses(gan=LeastSquares(), l1=2.0)
    assert found == pytest.approx(
        {
            "generator/gan": (0 + 36) / 2,
            "generator/l1": 2 * 2.5,
            "discriminator/pair": ((9 + 16) / 2 + (1 + 49) / 2) / 2,
        }
    )


def test_as_published():
    spec = specs.Pix2Pix()
    assert (spec.gan, spec.distance, spec.l1) == (NonSaturating(), L1(), 100.0)
    assert spec.generator == UNET_256
    game = table.build(spec, shape_a=(3, 256, 256), shape_b=(3, 256, 256), seed=0)
    assert sum(p.numel() for p in game.a_to_b.parameters()) == 54_413_955
    assert sum(p.numel() for p in game.discriminate.parameters()) == 2_768_705


def test_a_and_b_may_differ_in_channels():
    spec = specs.Pix2Pix(generator=UNet(width=2, downs=3), discriminator=PatchGAN(width=2, layers=1))
    game = table.build(spec, shape_a=(1, 16, 16), shape_b=(4, 16, 16), seed=0)
    batch = Paired(torch.rand(2, 1, 16, 16), torch.rand(2, 4, 16, 16))
    assert [turn.player for turn in game.play(batch, 0)] == ["generator", "discriminator"]
    assert set(game.remains()) == {"a_to_b"}
