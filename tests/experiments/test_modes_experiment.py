"""`modes` on a handful of steps: what it measures, that it goes on where it was cut off, and its claims on made-up numbers."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from unpaired.data.sets import idx
from unpaired.data.sets import table as sets
from unpaired.experiments import base, classifier, modes, modes_plane, modes_stacked
from unpaired.experiments.classifier import Lessons
from unpaired.experiments.modes_plane import AVERAGED, GRID, LAST, RING
from unpaired.games import table
from unpaired.metrics import modes as measures

LESSONS = Lessons(steps=80, batch=32, width=8, learning_rate=1e-2)


def strokes(count: int, *, seed: int) -> idx.Part:
    """Digits as upright strokes, the height of which tells the digit; a little noisy."""
    random = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.uint8) % 10
    images = random.integers(0, 30, (count, 28, 28), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[3 : 6 + 2 * label, 11:17] = 255
    return idx.Part(images, labels)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def make(folder: Path, size: int) -> None:
        card = {"name": "mnist", "credit": "", "licence": "none needed"}
        parts = {"train": strokes(200, seed=0), "test": strokes(50, seed=1)}
        idx.write(folder, **parts, classes=tuple("0123456789"), named=False, card=card)

    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(sets.SETS, "mnist", sets.SETS["mnist"]._replace(make=make))
    monkeypatch.setattr(modes_plane, "LOOKS", 2)
    plane = modes_plane.Budget(steps=4, batch=16, hidden=8, layers=3, seeds=2)
    stacked = modes_stacked.Budget(steps=2, batch=8, width=2, seeds=2, samples=40, lessons=Lessons(steps=2, width=2))
    monkeypatch.setattr(modes_plane, "BUDGETS", {**modes_plane.BUDGETS, "quick": plane})
    monkeypatch.setattr(modes_stacked, "BUDGETS", {**modes_stacked.BUDGETS, "quick": stacked})


@pytest.mark.filterwarnings("ignore::unpaired.errors.DataWarning")
def test_a_reproduction_measures_every_game_and_trains_none_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = {"size": "quick", "out": tmp_path / "results", "runs": tmp_path / "runs"}
    first = base.reproduce(modes.MODES, **where)
    plane = modes_plane.games(modes_plane.BUDGETS["quick"])
    for geometry, most in ((RING, 8), (GRID, 25)):
        found = first["metrics"]["geometries"][geometry]
        assert list(found) == list(plane)
        for by_weights in found.values():
            for weights in (LAST, AVERAGED):
                assert len(by_weights[weights]["modes"]["seeds"]) == 2
                assert 0 <= by_weights[weights]["modes"]["mean"] <= most
                assert 0 <= by_weights[weights]["high quality"]["mean"] <= 1
        rows = first["metrics"]["tables"][f"{geometry}, {LAST}"]
        assert set(rows) == {*plane, *(f"published: {name}" for name in modes_plane.PUBLISHED[geometry])}
    stacked = first["metrics"]["tables"][modes_stacked.STACKED]
    for name in (modes_stacked.REAL, *modes_stacked.games(modes_stacked.BUDGETS["quick"])):
        assert 1 <= stacked[name]["modes"] <= 40  # samples
        assert stacked[name]["modes of clear samples"] <= stacked[name]["modes"]
    drawn = {path.name for path in (tmp_path / "results" / "modes-quick").glob("*.png")}
    assert drawn == {"ring-of-8.png", "ring-of-8-steps.png", "grid-of-25.png", "grid-of-25-steps.png", "stacked.png"}

    monkeypatch.setattr("unpaired.engine.trainer.Trainer.step", lambda self: pytest.fail("trained again"))
    second = base.reproduce(modes.MODES, **where)
    assert second["metrics"]["geometries"] == first["metrics"]["geometries"]
    assert json.loads((tmp_path / "results" / "modes-quick" / "result.json").read_text())["metrics"] == second["metrics"]
    assert [claim["statement"] for claim in second["claims"]] == [claim.statement for claim in modes.CLAIMS]


def test_mixtures_are_as_published_but_for_the_scale() -> None:
    """Radius 1, sigma 0.01; -4 to 4, sigma 0.05."""
    for geometry, scale, spread, sigma in ((RING, 2.0, 1.0, 0.01), (GRID, 0.5, 4.0, 0.05)):
        centres, scaled = modes_plane.SCALED[geometry]
        assert scaled == pytest.approx(scale * sigma)
        assert centres.abs().max().item() == pytest.approx(scale * spread)
    assert len(modes_plane.SCALED[RING][0]) == 8
    assert len(modes_plane.SCALED[GRID][0]) == 25


def test_a_crowd_draws_the_mixture_s_points_and_samples_by_either_weights(tmp_path: Path) -> None:
    budget = modes_plane.BUDGETS["quick"]._replace(batch=4000)
    centres, sigma = modes_plane.SCALED[RING]
    spec = modes_plane.games(budget)[modes_plane.GAN]
    crowd = modes_plane.Crowd(centres, sigma, spec, budget=budget, folder=tmp_path)
    points = crowd._batch(3, 0, 0).x
    assert points.shape == (2, 4000, 2)
    assert torch.equal(points, crowd._batch(3, 0, 0).x)
    assert not torch.equal(points, crowd._batch(4, 0, 0).x)
    assert measures.covered(points, centres=centres, sigma=sigma).tolist() == [8, 8]
    assert measures.high_quality_share(points, centres=centres, sigma=sigma).min() > 0.98
    crowd.train()
    last, averaged = (crowd.sample(weights) for weights in (LAST, AVERAGED))
    assert last.shape == averaged.shape == (2, modes_plane.SAMPLES, 2)
    assert not torch.equal(last, averaged)
    assert torch.equal(last, crowd.sample(LAST))
    assert crowd.way(LAST).steps == [0, 2, 4]


def test_stacks_are_three_digits_of_a_function_of_seed_and_step() -> None:
    digits = torch.arange(5, dtype=torch.uint8)[:, None, None].mul(50).expand(5, 28, 28)
    stacks = modes_stacked.Stacks(digits)
    x, _ = stacks.batch(7, batch=300, seed=1)
    assert x.shape == (300, 3, 28, 28)
    assert torch.equal(x, stacks.batch(7, batch=300, seed=1).x)
    assert not torch.equal(x, stacks.batch(8, batch=300, seed=1).x)
    levels = ((x[:, :, 0, 0] + 1) * 127.5 / 50).round().long()
    assert len({tuple(level) for level in levels.tolist()}) > 100  # of 125


def test_the_reader_learns_digits_and_counts_clear_samples() -> None:
    """Taught by strokes, it reads them: some 180 of 200 random triples differ. Of nothing it sees one digit."""
    part = strokes(400, seed=2)
    data = torch.from_numpy(part.images.copy())
    images = modes_stacked.padded(data[:, None].float().div(127.5).sub(1))
    assert images.shape == (400, 1, 32, 32)
    values = torch.from_numpy(part.labels.astype(np.int64))[:, None]
    reader = classifier.taught(images, values, classes=(10,), lessons=LESSONS)
    stacks = modes_stacked.Stacks(data).draw(200, generator=torch.Generator().manual_seed(0))
    found = modes_stacked.counted(stacks, reader)
    assert found.modes > 150
    assert found.clear > 0.8
    blank = modes_stacked.counted(torch.full((50, 3, 28, 28), -1.0), reader)
    assert blank.modes == 1
    assert blank.divergence == pytest.approx(np.log(1000))


def test_shifted_digits_stay_digits() -> None:
    x = torch.full((2, 1, 32, 32), -1.0)
    x[:, :, 10:20, 10:20] = 1.0
    moved = modes_stacked.shifted(x)
    assert moved.shape == x.shape
    assert moved.abs().max() <= 1
    assert moved[:, :, 13:17, 13:17].min() > 0.5
    assert moved[:, :, :6].max() < 0


def made(best: float, *, fewest: int, captured: float, quality: float) -> dict:
    """Metrics in which the best game captures `fewest` modes of the grid at worst, and remedies capture `captured` of it, with a
    share of `quality`.
    """

    def row(modes: float) -> dict:
        return {"modes": {"mean": modes}, "high quality": {"mean": 0.95 if modes < captured else quality}}

    names = modes_plane.games(modes_plane.BUDGETS["quick"])
    geometries = {
        RING: {name: {LAST: row(6.0 if name in (modes_plane.GAN, modes_plane.MIN_MAX) else 7.5)} for name in names},
        GRID: {name: {LAST: row(17.0 if name in (modes_plane.GAN, modes_plane.MIN_MAX) else captured)} for name in names},
    }
    tables = {
        f"{geometry}, {AVERAGED}": {
            modes_plane.BEST: {"modes": most, "fewest modes": worst, "high quality": best, "lowest quality": best - 0.05}
        }
        for geometry, most, worst in ((RING, 8, 8), (GRID, 25, fewest))
    }
    games = modes_stacked.games(modes_stacked.BUDGETS["quick"])
    tables[modes_stacked.STACKED] = {
        modes_stacked.REAL: {"modes": 1000.0, "KL": 0.02},
        **{
            name: {"modes": 120.0 if name == modes_stacked.PLAIN else 995.0, "KL": 3.0 if name == modes_stacked.PLAIN else 0.1}
            for name in games
        },
    }
    return {"geometries": geometries, "tables": tables, "stacked": {"reader's accuracy": 0.992}}


@pytest.mark.parametrize(
    ("best", "fewest", "captured", "quality", "failing"),
    [
        (0.96, 25, 24.0, 0.86, set()),
        (0.96, 25, 24.0, 0.84, {"Packing captures more", "A Wasserstein critic", "So does R1"}),
        (0.93, 25, 24.0, 0.86, {"The best game does so in every seed"}),
        (0.96, 24, 24.0, 0.86, {"The best game does so in every seed", "captures all modes of both mixtures"}),
        (0.96, 25, 17.0, 0.86, {"Packing captures more", "A Wasserstein critic", "So does R1"}),
    ],
)
def test_claims_are_judged_by_what_was_measured(
    best: float, fewest: int, captured: float, quality: float, failing: set[str]
) -> None:
    metrics = made(best, fewest=fewest, captured=captured, quality=quality)
    failed = {claim.statement for claim in modes.CLAIMS if not claim.holds(claim.measure(metrics))}
    assert len(failed) == len(failing)
    assert all(any(part in statement for statement in failed) for part in failing)


def test_one_pair_of_networks_for_all_games() -> None:
    specs = modes_plane.games(modes_plane.BUDGETS["default"])
    assert len({repr((spec.generator, spec.discriminator, spec.optimizer)) for spec in specs.values()}) == 1
    for spec in specs.values():
        assert modes_plane.BUDGETS["default"].batch % spec.packing == 0
        table.build(spec, shape=(2,), seed=0)
