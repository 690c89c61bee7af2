"""`sae-mnist` on a handful of blobs for digits, and how its claims are judged."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unpaired import runs
from unpaired.data.sets import idx, table
from unpaired.experiments import base, linear, sae_mnist
from unpaired.games.generator_specs import EndToEnd, Greedy, Masking, Unspoilt

pytest.importorskip("matplotlib")


def blobs(count: int, *, seed: int) -> idx.Part:
    """Ten classes: a square whose place is the class, and noise."""
    labels = (np.arange(count) % 10).astype(np.uint8)
    pixels = np.random.default_rng(seed).integers(0, 60, (count, 28, 28)).astype(np.uint8)
    for row, label in enumerate(labels):
        top, left = 14 * (label // 5), 5 * (label % 5)
        pixels[row, top : top + 8, left : left + 6] = 240
    return idx.Part(pixels, labels)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path / "cache"))

    def make(folder: Path, size: int) -> None:
        train, test = blobs(200, seed=0), blobs(40, seed=1)
        idx.write(folder, train=train, test=test, classes=tuple("0123456789"), named=False, card={"credit": "nobody"})

    monkeypatch.setitem(table.SETS, "mnist", table.SETS["mnist"]._replace(make=make))
    monkeypatch.setattr(sae_mnist, "HIDDEN", (40, 35, 32))
    monkeypatch.setattr(linear, "PENALTIES", (1e-2,))
    tiny = sae_mnist.Budget(steps=8, batch=8, level_steps=1, widths=(4, 4), hidden=8, among=150, labels=(50, None))
    monkeypatch.setattr(sae_mnist, "BUDGETS", {"quick": tiny})


def test_every_model_is_trained_once_and_measured(small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = {"size": "quick", "out": tmp_path / "results", "runs": tmp_path / "runs"}
    result = base.reproduce(sae_mnist.SAE, **where)
    names = set(sae_mnist.models("quick"))
    tables = result["metrics"]["tables"]
    rebuilt, read = tables["rebuilt test digits"], tables["class error of a linear classifier"]
    assert set(rebuilt) == {*names, "mean digit", "2 principal components", "30 principal components"}
    assert rebuilt["30 principal components"]["squared error"] < rebuilt["2 principal components"]["squared error"]
    assert rebuilt["2 principal components"]["squared error"] < rebuilt["mean digit"]["squared error"]
    assert set(read) == {name for name in names if not name.startswith("plane")} | {"pixels", "principal components"}
    assert set(read["pixels"]) == {"50 labels", "200 labels"}
    assert read["pixels"]["200 labels"] == 0  # a square's place is linear in the pixels
    assert read["principal components"]["200 labels"] == 0
    assert set(tables[sae_mnist.VOTES]) == {"principal components", "greedy", "end to end"}
    assert result["metrics"]["digits"] == {"train": 200, "test": 40}
    assert [claim["statement"] for claim in result["claims"]] == [claim.statement for claim in sae_mnist.CLAIMS]
    for picture in ("plane", "grid", "rebuilt"):
        assert (tmp_path / "results" / "sae-mnist-quick" / f"{picture}.png").exists()

    monkeypatch.setattr(runs, "train", None)
    again = base.reproduce(sae_mnist.SAE, **where)
    assert again["metrics"] == result["metrics"]


def test_squared_errors_are_summed_over_pixels_from_0_to_1() -> None:
    truth = torch.full((3, 1, 4, 5), -1.0)
    answer = truth.clone()
    answer[0] = 1.0  # 20 pixels, each off by 1
    answer[1, :, 0] = 0.0  # 5 pixels, each off by a half
    answer[2, :, 0, 0] = 1.0
    found = sae_mnist.rebuilt(answer, truth)
    assert found["squared error"] == pytest.approx((20 + 5 / 4 + 1) / 3, abs=1e-3)
    assert found["psnr"] == pytest.approx(10 * np.mean(np.log10([1, 1 / (1.25 / 20), 20])), abs=0.01)


def test_the_nearest_vote_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sae_mnist, "NEAREST", 3)
    plane = torch.tensor([[0.0, 0], [0, 1], [1, 0], [9, 9], [9, 8], [8, 9]])
    classes = torch.tensor([4, 2, 2, 7, 7, 1])
    voted = sae_mnist.voted(plane, classes, torch.tensor([[0.1, 0.1], [9.0, 9.0]]))
    assert voted.tolist() == [2, 7]


def test_models_differ_in_what_is_compared() -> None:
    models = sae_mnist.models("default")
    greedy, at_once = models[sae_mnist.GREEDY], models[sae_mnist.AT_ONCE]
    assert greedy.network == at_once.network
    assert (greedy.network.hidden, greedy.network.code) == ((1000, 500, 250), 30)
    assert isinstance(greedy.form, Greedy)
    assert isinstance(at_once.form, EndToEnd)
    assert 4 * greedy.form.level_steps < sae_mnist.BUDGETS["default"].steps  # some are left for all levels together
    noisy = models[sae_mnist.NOISY]
    assert (noisy.network, noisy.form) == (greedy.network, greedy.form)
    assert (noisy.corruption, greedy.corruption) == (Masking(), Unspoilt())
    assert models[sae_mnist.SIGMOIDS].network == models[sae_mnist.SIGMOIDS_AT_ONCE].network
    assert models[f"plane, {sae_mnist.GREEDY}"].network.code == 2


def _metrics() -> dict[str, Any]:
    """Every claim holds by these."""
    squared = {
        "mean digit": 52.0, "2 principal components": 43.0, "30 principal components": 14.0, "greedy": 5.0, "end to end": 6.0,
        "greedy, sigmoids": 20.0, "end to end, sigmoids": 51.0, "greedy, denoising": 6.0, "end to end, convolutions": 4.0,
        "plane, greedy": 28.0, "plane, end to end": 30.0,
    }  # fmt: skip
    read = {
        "pixels": (0.13, 0.08), "principal components": (0.15, 0.12), "greedy": (0.10, 0.06), "greedy, denoising": (0.09, 0.05)
    }  # fmt: skip
    return {
        "tables": {
            "rebuilt test digits": {name: {"squared error": value} for name, value in squared.items()},
            "class error of a linear classifier": {
                name: {"1,000 labels": few, "55,000 labels": many} for name, (few, many) in read.items()
            },
            sae_mnist.VOTES: {name: {"error": error} for name, error in {"principal components": 0.5, "greedy": 0.2}.items()},
        }
    }


@pytest.mark.parametrize(
    ("table", "row", "column", "value", "fail"),
    [
        ("rebuilt test digits", "greedy", "squared error", 5.0, set()),
        ("rebuilt test digits", "greedy", "squared error", 7.5, {0, 4}),
        ("rebuilt test digits", "plane, greedy", "squared error", 44.0, {1, 4}),
        (sae_mnist.VOTES, "greedy", "error", 0.51, {2}),
        ("rebuilt test digits", "end to end, sigmoids", "squared error", 40.0, {3}),
        ("rebuilt test digits", "greedy, sigmoids", "squared error", 27.0, {3}),
        ("rebuilt test digits", "plane, end to end", "squared error", 27.0, {4}),
        ("class error of a linear classifier", "greedy", "55,000 labels", 0.13, {5}),
        ("class error of a linear classifier", "greedy", "1,000 labels", 0.14, {6}),
        ("class error of a linear classifier", "greedy, denoising", "55,000 labels", 0.07, {7}),
        ("rebuilt test digits", "end to end, convolutions", "squared error", 6.5, {8}),
    ],
)
def test_verdicts_follow_the_numbers(table: str, row: str, column: str, value: float, fail: set[int]) -> None:
    metrics = copy.deepcopy(_metrics())
    metrics["tables"][table][row][column] = value
    failed = {index for index, claim in enumerate(sae_mnist.CLAIMS) if not claim.holds(claim.measure(metrics))}
    assert failed == fail
