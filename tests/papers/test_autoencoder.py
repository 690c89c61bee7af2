"""Stacked autoencoders: losses by hand, who moves when, and that greedy training does what an autoencoder by itself would do.

Images are two pixels in [-1, 1], seen as (x + 1) / 2.
"""

import pytest
import torch
from torch import nn

from unpaired.data.image_set import Images
from unpaired.engine.runtime import total
from unpaired.games import specs, table
from unpaired.games.generator_specs import EndToEnd, Gaussian, Greedy, Masking, Unspoilt
from unpaired.losses import L1
from unpaired.networks.autoencoder import Level, StackedAutoencoder
from unpaired.networks.specs import ConvAutoencoder, DenseAutoencoder

SPEC = DenseAutoencoder(hidden=(5,), code=2)
SHAPE = (1, 4, 4)


class Times(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, x):
        return self.factor * x


def on_paper(**options):
    """Level 1 gives back half of what it is given (2 x / 4), level 2 three times as much (3 x)."""
    game = table.build(specs.Autoencoder(network=SPEC, **options), shape=SHAPE, seed=0)
    levels = [Level(Times(2.0), Times(0.25)), Level(Times(3.0), Times(1.0))]
    game.network = StackedAutoencoder(levels, unit=True)
    return game


X = Images(torch.tensor([[-1.0, 1.0]]), torch.tensor([-1]))  # which the first level sees as (0, 1)


def loss(game, step):
    (turn,) = game.play(X, step)
    assert turn.player == "autoencoder"
    ((name, value),) = turn.losses.items()
    return name, value.item()


def test_levels_are_trained_one_after_the_other_and_then_together():
    game = on_paper(form=Greedy(level_steps=10))
    assert loss(game, 0) == ("level_1", pytest.approx(0.125))  # (0, 1) -> (0, 0.5)
    assert loss(game, 9)[0] == "level_1"
    assert loss(game, 10) == ("level_2", pytest.approx(8.0))  # (0, 2) -> (0, 6)
    assert loss(game, 19)[0] == "level_2"
    assert loss(game, 20) == ("reconstruction", pytest.approx(0.125))  # (0, 1) -> (0, 2) -> (0, 6) -> (0, 6) -> (0, 1.5)
    assert loss(game, 10_000)[0] == "reconstruction"


def test_end_to_end():
    assert loss(on_paper(form=EndToEnd()), 0) == ("reconstruction", pytest.approx(0.125))
    assert loss(on_paper(form=EndToEnd(), distance=L1()), 0) == ("reconstruction", pytest.approx(0.25))


class Blackened:
    """Everything is hidden."""

    def __call__(self, x):
        return 0 * x


def test_a_denoising_autoencoder_gives_back_what_was_there_before():
    game = on_paper(form=Greedy(level_steps=10))
    object.__setattr__(game.spec, "corruption", Blackened())
    assert loss(game, 0) == ("level_1", pytest.approx(0.5))  # (0, 0) -> (0, 0), wanted (0, 1)
    assert loss(game, 10) == ("level_2", pytest.approx(2.0))  # wanted (0, 2)
    assert loss(game, 20) == ("reconstruction", pytest.approx(0.5))


def test_corruptions():
    x = torch.ones(200, 50)
    assert Unspoilt()(x) is x
    masked = Masking(share=0.3)(x)
    assert set(masked.unique().tolist()) == {0.0, 1.0}
    assert masked.mean().item() == pytest.approx(0.7, abs=0.02)
    noisy = Gaussian(sigma=0.5)(x)
    assert noisy.mean().item() == pytest.approx(1, abs=0.02)
    assert noisy.std().item() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("network", [SPEC, ConvAutoencoder(widths=(2,), hidden=5, code=2)])
def test_only_the_level_in_training_moves(network):
    game = table.build(specs.Autoencoder(network=network, form=Greedy(level_steps=1)), shape=SHAPE, seed=0)
    parameters = list(game.parameters())
    adam = torch.optim.Adam(parameters, lr=0.1)
    for step in range(len(game.network.levels) + 1):
        before = [p.detach().clone() for p in parameters]
        adam.zero_grad(set_to_none=True)
        (turn,) = game.play(Images(torch.rand(8, *SHAPE) * 2 - 1, torch.zeros(8).long()), step)
        total(turn.losses.values()).backward(inputs=parameters)
        adam.step()
        moved = {id(p) for p, old in zip(parameters, before, strict=True) if not torch.equal(p, old)}
        trained = game.network.levels[step : step + 1] if step < len(game.network.levels) else game.network.levels
        assert moved
        assert moved <= {id(p) for p in trained.parameters()}


def test_a_linear_autoencoder_finds_the_principal_plane():
    """End to end and without activations, what is lost is what principal components cannot say (Baldi and Hornik 1989)."""
    torch.manual_seed(0)
    points = torch.randn(256, 6) @ torch.diag(torch.tensor([3.0, 2.0, 0.3, 0.2, 0.1, 0.1])) @ torch.linalg.qr(torch.randn(6, 6)).Q
    points = points - points.mean(dim=0)
    game = table.build(specs.Autoencoder(network=SPEC, form=EndToEnd()), shape=SHAPE, seed=0)
    game.network = StackedAutoencoder(
        [Level(nn.Linear(6, 4), nn.Linear(4, 6)), Level(nn.Linear(4, 2), nn.Linear(2, 4))], unit=False
    )
    adam = torch.optim.Adam(game.parameters(), lr=0.01)
    for step in range(1500):
        adam.zero_grad()
        (turn,) = game.play(Images(points, torch.zeros(256).long()), step)
        total(turn.losses.values()).backward()
        adam.step()
    lost = torch.linalg.svdvals(points)[2:].square().sum().item() / points.numel()
    assert turn.losses["reconstruction"].item() == pytest.approx(lost, rel=0.02)


def test_what_remains():
    remains = table.build(specs.Autoencoder(network=SPEC), shape=SHAPE, seed=0).remains()
    assert list(remains) == ["autoencoder"]
    assert remains["autoencoder"].encode(torch.rand(3, *SHAPE)).shape == (3, 2)
