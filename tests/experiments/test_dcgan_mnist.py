"""`dcgan-mnist` on a handful of blobs for digits, its measures by hand, and how its claims are judged."""

import copy
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unpaired import runs
from unpaired.data.sets import idx, table
from unpaired.experiments import base, dcgan_measures, dcgan_mnist, discriminators, linear
from unpaired.experiments.dcgan_mnist import CONVOLUTIONAL, DENSE, FRESH, LEARNED, PIXELS, TAUGHT, WORDS
from unpaired.networks.specs import DCGANDiscriminator, DCGANGenerator
from unpaired.products import Noise, Sampler


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
    monkeypatch.setattr(linear, "PENALTIES", (1e-2,))
    monkeypatch.setattr(dcgan_mnist, "PATCHES", 400)
    monkeypatch.setattr(dcgan_measures, "VALIDATION", 20)
    monkeypatch.setattr(discriminators, "SETTLING", 2)
    tiny = dcgan_mnist.Budget(
        steps=4, batch=8, width=4, kernel=4, words=6, labels=((50, 2), (None, 1)), lessons=30,
        samples=60, compared=30, centres=10, among=100, walks=3, pictures=4,
    )  # fmt: skip
    monkeypatch.setattr(dcgan_mnist, "BUDGETS", {"quick": tiny})


def test_both_gans_are_trained_once_and_measured(small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = {"size": "quick", "out": tmp_path / "results", "runs": tmp_path / "runs"}
    result = base.reproduce(dcgan_mnist.DIGITS, **where)
    tables = result["metrics"]["tables"]
    assert set(tables[dcgan_mnist.BESIDE]) == {CONVOLUTIONAL, DENSE, dcgan_mnist.TRAINING}
    real = tables[dcgan_mnist.BESIDE][dcgan_mnist.TRAINING]
    assert real["swd"] < tables[dcgan_mnist.BESIDE][CONVOLUTIONAL]["swd"]
    assert real["coverage"] > 0.8
    read = tables[dcgan_mnist.MISREAD]
    assert set(read) == {PIXELS, WORDS, FRESH, LEARNED, TAUGHT}
    assert set(read[PIXELS]) == {"50 labels", "200 labels"}
    assert read[PIXELS]["200 labels"] == 0  # a square's place is linear in the pixels
    assert result["metrics"]["features"] == {PIXELS: 784, WORDS: 24, FRESH: 192, LEARNED: 192}
    windows = tables[dcgan_mnist.PARZEN]
    assert {name: row["samples"] for name, row in windows.items()} == {
        dcgan_mnist.TRAINING: 60, CONVOLUTIONAL: 60, DENSE: 60, dcgan_mnist.CENTRES: 10
    }  # fmt: skip
    assert windows[dcgan_mnist.TRAINING]["nats"] > windows[CONVOLUTIONAL]["nats"]
    assert [claim["statement"] for claim in result["claims"]] == [claim.statement for claim in dcgan_mnist.CLAIMS]
    for picture in ("samples", "walks", "neighbours"):
        assert (tmp_path / "results" / "dcgan-mnist-quick" / f"{picture}.png").exists()

    monkeypatch.setattr(runs, "train", None)
    again = base.reproduce(dcgan_mnist.DIGITS, **where)
    assert again["metrics"] == result["metrics"]


def test_the_largest_step_by_hand() -> None:
    even = torch.arange(5.0).reshape(1, 5, 1, 1, 1).expand(1, 5, 1, 2, 2)
    jump = torch.tensor([0.0, 0, 3, 3, 3]).reshape(1, 5, 1, 1, 1).expand(1, 5, 1, 2, 2)
    assert dcgan_measures.largest_step(even) == pytest.approx(1 / 4)
    assert dcgan_measures.largest_step(jump) == pytest.approx(1)
    assert dcgan_measures.largest_step(torch.cat([even, jump, torch.zeros_like(even)])) == pytest.approx(5 / 8)
    assert dcgan_measures.largest_step(torch.zeros_like(even)) == 1


def test_a_generator_that_copies_is_seen_in_its_walks() -> None:
    train = torch.stack([torch.full((1, 4, 4), -1.0), torch.full((1, 4, 4), 1.0)])

    class Blend(torch.nn.Module):
        """Grey as the first number says."""

        def __init__(self) -> None:
            super().__init__()
            self.unused = torch.nn.Parameter(torch.zeros(1))

        def forward(self, noise: torch.Tensor) -> torch.Tensor:
            return noise[:, :1, None, None].expand(-1, 1, 4, 4)

    sampler = Sampler(Blend(), spec=DCGANGenerator(), shape=(1, 4, 4), noise=Noise(1, "uniform"))
    found, ways = dcgan_measures.walked(sampler, train, count=12, steps=11)
    assert ways.shape == (12, 11, 1, 4, 4)
    assert found[dcgan_measures.WALKED]["largest step"] == pytest.approx(0.1)
    assert found[dcgan_measures.REPLACED] == {"largest step": 1.0, "equal steps": 0.1}  # black, then white at once


def test_copies_are_found_in_each_space() -> None:
    draw = torch.Generator().manual_seed(0)
    train, test = (torch.randn(count, 1, 4, 4, generator=draw) for count in (300, 60))
    spaces = {"as they are": lambda x: x.flatten(1), "by the first pixel": lambda x: x.flatten(1)[:, :1]}
    found, places = dcgan_measures.copied(train[40:100] + 1e-3, test=test, train=train, spaces=spaces)
    assert found["as they are"]["nearer than test digits"] == 1
    assert found["as they are"]["z"] < -5
    assert places["as they are"].indices[:, 0].tolist() == list(range(40, 100))
    fresh, _ = dcgan_measures.copied(torch.randn(60, 1, 4, 4, generator=draw), test=test, train=train, spaces=spaces)
    assert all(abs(row["z"]) < 3 for row in fresh.values())


def test_parzen_windows_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sample, in pixels from 0 to 1; the window is that of the validation digits' error."""
    monkeypatch.setattr(dcgan_measures, "VALIDATION", 2)
    train = torch.full((6, 1, 2, 2), -1.0)
    made = {"grey": torch.full((1, 1, 2, 2), 0.0)}
    found = dcgan_measures.parzen(made, test=train[:3], train=train, centres=1, among=4)
    # Each of 4 pixels is off by 0.5; of the widths tried, 10^(-3/9) = 0.464 fits best.
    sigma = 10 ** (-3 / 9)
    assert found["grey"]["window"] == pytest.approx(sigma, abs=1e-3)
    assert found["grey"]["nats"] == pytest.approx(-4 * math.log(sigma * math.sqrt(2 * math.pi)) - 1 / (2 * sigma**2), abs=0.06)
    exact = found[dcgan_measures.TRAINING]
    assert exact["window"] == pytest.approx(0.1)
    assert exact["nats"] == pytest.approx(-4 * math.log(0.1 * math.sqrt(2 * math.pi)), abs=0.06)
    assert found[dcgan_measures.CENTRES] == exact | {"samples": 1}


def test_a_taught_network_and_an_untrained_one_are_functions_of_their_arguments() -> None:
    part = blobs(100, seed=3)
    x, classes = torch.from_numpy(part.images)[:, None] / 127.5 - 1, torch.from_numpy(part.labels).long()
    spec = DCGANDiscriminator(width=4)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    names = tuple("0123456789")
    first, second = (discriminators.supervised(x, classes, spec=spec, names=names, lessons=40) for _ in range(2))
    assert torch.equal(first.scores(x), second.scores(x))
    assert float((first.scores(x).argmax(dim=1) == classes).double().mean()) > 0.9
    fresh, again = (discriminators.untrained(spec, x, shape=(1, 28, 28)) for _ in range(2))
    assert torch.equal(fresh.features(x), again.features(x))
    assert float(fresh.features(x)[:, -128:].std()) == pytest.approx(1, abs=0.7)  # after batch norm, with the images' statistics
    assert torch.equal(torch.get_rng_state(), state)


def test_the_games_are_those_of_the_papers() -> None:
    models = dcgan_mnist.models("paper")
    assert (models[CONVOLUTIONAL].generator.width, models[CONVOLUTIONAL].generator.kernel) == (64, 5)
    assert models[CONVOLUTIONAL].discriminator.kernel == 5
    assert models[DENSE].generator.kind == "dense"
    small = dcgan_mnist.models("default")[CONVOLUTIONAL]
    assert small.generator.width == small.discriminator.width == 32


def _metrics() -> dict[str, Any]:
    """Every claim holds by these."""
    read = {PIXELS: (0.14, 0.09), WORDS: (0.06, 0.03), FRESH: (0.07, 0.035), LEARNED: (0.04, 0.02), TAUGHT: (0.05, 0.015)}
    return {
        "tables": {
            dcgan_mnist.BESIDE: {
                CONVOLUTIONAL: {"rarest digit": 0.05, "swd": 0.02, "coverage": 0.8},
                DENSE: {"rarest digit": 0.02, "swd": 0.05, "coverage": 0.4},
                dcgan_mnist.TRAINING: {"rarest digit": 0.09, "swd": 0.01, "coverage": 0.95},
            },
            dcgan_mnist.COPIES: {name: {"nearer than test digits": 0.4} for name in ("by pixels", "by features")},
            dcgan_mnist.WALKS: {
                dcgan_mnist.WALKED: {"largest step": 0.08}, dcgan_mnist.REPLACED: {"largest step": 0.3}
            },
            dcgan_mnist.MISREAD: {
                name: {"1,000 labels": few, "10,000 labels": many} for name, (few, many) in read.items()
            },
            dcgan_mnist.PARZEN: {
                dcgan_mnist.TRAINING: {"nats": 240}, CONVOLUTIONAL: {"nats": 220}, DENSE: {"nats": 222},
                dcgan_mnist.CENTRES: {"nats": 260},
            },
        }
    }  # fmt: skip


@pytest.mark.parametrize(
    ("table", "row", "column", "value", "fail"),
    [
        (dcgan_mnist.MISREAD, LEARNED, "10,000 labels", 0.02, set()),
        (dcgan_mnist.MISREAD, LEARNED, "10,000 labels", 0.03, {0}),
        (dcgan_mnist.MISREAD, LEARNED, "10,000 labels", 0.04, {0, 2}),
        (dcgan_mnist.MISREAD, LEARNED, "10,000 labels", 0.1, {0, 1, 2}),
        (dcgan_mnist.MISREAD, LEARNED, "1,000 labels", 0.055, {3}),
        (dcgan_mnist.COPIES, "by features", "nearer than test digits", 0.61, {4}),
        (dcgan_mnist.WALKS, dcgan_mnist.WALKED, "largest step", 0.16, {5}),
        (dcgan_mnist.BESIDE, CONVOLUTIONAL, "rarest digit", 0.04, {6}),
        (dcgan_mnist.BESIDE, CONVOLUTIONAL, "swd", 0.05, {7}),
        (dcgan_mnist.BESIDE, DENSE, "coverage", 0.8, {7}),
        (dcgan_mnist.PARZEN, DENSE, "nats", 214, {8}),
        (dcgan_mnist.PARZEN, dcgan_mnist.TRAINING, "nats", 261, {9}),
    ],
)
def test_verdicts_follow_the_numbers(table: str, row: str, column: str, value: float, fail: set[int]) -> None:
    metrics = copy.deepcopy(_metrics())
    metrics["tables"][table][row][column] = value
    failed = {index for index, claim in enumerate(dcgan_mnist.CLAIMS) if not claim.holds(claim.measure(metrics))}
    assert failed == fail
