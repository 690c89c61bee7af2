"""The earth experiment on a painted atlas and a handful of steps: what it measures, and that nothing is trained twice."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unpaired import runs
from unpaired.bundle import load_bundle
from unpaired.data.sets import earth as tiles
from unpaired.engine import checkpoint
from unpaired.experiments import base, earth
from unpaired.experiments.segmenter import Lessons
from unpaired.games import specs
from unpaired.metrics import distribution
from unpaired.metrics.features import Extractor
from unpaired.networks.specs import PatchGAN, ResNet

KID = "kid[mean colour]"


def painted() -> tiles.Atlas:
    """Sea and desert in blocks: one band, 256 px high."""
    rng = np.random.default_rng(0)
    land = np.kron(rng.integers(0, 2, (16, 56)), np.ones((16, 16), np.int64))

    def picture(sea: tuple[int, ...], desert: tuple[int, ...]) -> Any:
        return (np.array([sea, desert])[land] + rng.integers(0, 3, (*land.shape, 3))).astype(np.uint8)

    return tiles.Atlas(
        picture((8, 26, 61), (200, 168, 124)),
        picture((118, 166, 204), (202, 190, 174)),
        picture((28, 131, 192), (221, 185, 126)),
        np.array([tiles.SEA, tiles.LAND], np.uint8)[land],
    )


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path / "cache"))
    atlas = painted()
    monkeypatch.setattr(tiles, "atlas", lambda: atlas)
    quick = earth.Budget(
        steps=2,
        batch=2,
        pixels=32,
        generator=ResNet(width=2, blocks=1, norm="batch"),
        discriminator=PatchGAN(width=2, layers=1),
        learning_rate=1e-3,
        lessons=Lessons(steps=30, batch=8, width=4, learning_rate=2e-2),
        tested=12,
    )
    monkeypatch.setattr(earth, "BUDGETS", {**earth.BUDGETS, "quick": quick})
    extractor = Extractor("mean colour", 3, lambda x: x.mean(dim=(2, 3)))
    monkeypatch.setattr(earth, "default_extractor", lambda: extractor)
    # Nothing of this experiment hangs on it, and it is most of what so short a training would take.
    monkeypatch.setattr(distribution, "sliced_wasserstein", lambda real, fake: 0.0)


@pytest.mark.filterwarnings("ignore::unpaired.errors.DataWarning")
def test_every_model_is_scored_both_ways_and_trained_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = {"size": "quick", "out": tmp_path / "results", "runs": tmp_path / "runs"}
    trained: list[tuple[Any, bool]] = []
    train = runs.train

    def counted(*sources: Any, **options: Any) -> Any:
        trained.append((sources[0], options["data"].swap))
        return train(*sources, **options)

    monkeypatch.setattr(runs, "train", counted)
    found = base.reproduce(earth.EARTH, **where)
    models = earth.models("quick")
    for direction in ("a_to_b", "b_to_a"):
        scores = found["metrics"]["scores"][direction]
        assert list(scores) == ["real images", "doing nothing", *models]
        assert set(scores["real images"]) == {*earth.LABELLED, "diversity"}
        for name in ("doing nothing", *models):
            assert set(scores[name]) == {*earth.LABELLED, "diversity", "error", "psnr", KID}
        assert scores["real images"]["per-pixel accuracy"] > 0.9  # sea and desert are not hard to tell apart
        by_class = found["metrics"]["accuracy by class"][direction]["real images"]
        assert set(by_class) == set(tiles.CLASSES)
    # Each pair of one-way trainings, and one training of everything else, on places of its own; pix2pix on pairs.
    both = sum(model.both for model in models.values())
    assert sorted(trained) == sorted(
        [("earth", False)] * (both + 2) + [("earth", True)] * 2 + [("earth-pairs", False), ("earth-pairs", True)]
    )
    assert [claim["statement"] for claim in found["claims"]] == [claim.statement for claim in earth.CLAIMS]
    for picture in ("a_to_b", "b_to_a", "labels-a_to_b", "labels-b_to_a"):
        assert (tmp_path / "results" / "earth-quick" / f"{picture}.png").exists()
    trained.clear()
    again = base.reproduce(earth.EARTH, **where)
    assert not trained
    assert str(again["metrics"]["scores"]) == str(found["metrics"]["scores"])


@pytest.mark.filterwarnings("ignore::unpaired.errors.DataWarning")
def test_a_model_is_scored_as_it_ended(tmp_path: Path) -> None:
    lab = base.Lab(tmp_path, tmp_path / "runs", "quick", [])
    game = earth.models("quick")[earth.CYCLEGAN].game
    folder = base.trained(
        lab, "one", source="earth", game=game, data=earth.data_options("quick"), training=earth.training("quick")
    )
    tensors, progress = checkpoint.load(folder / "checkpoints" / "last.safetensors")
    assert progress.step == 2
    last = earth.last_translators(folder)
    assert set(last) == {"a_to_b", "b_to_a"}
    for direction, translator in last.items():
        for name, value in translator.network.state_dict().items():
            assert torch.equal(value, tensors[f"average/module.{direction}.{name}"])
    # Earlier versions averaged the pools too.
    pools = {f"average/module.{name.removeprefix('game/')}": value.clone() for name, value in tensors.items() if "replay" in name}
    assert len(pools) == 4
    assert not pools.keys() & tensors.keys()
    checkpoint.save(folder / "checkpoints" / "last.safetensors", tensors=tensors | pools, progress=progress)
    assert earth.last_translators(folder).keys() == last.keys()
    # A bundle of the first checkpoint would answer otherwise.
    x = torch.rand(2, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        last["a_to_b"].network.layers[1].weight.zero_()
    assert not torch.equal(last["a_to_b"].batch(x), load_bundle(folder)["a_to_b"].batch(x))


def test_the_ablations_are_the_papers() -> None:
    for size in ("quick", "default", "paper"):
        games = {name: model.game for name, model in earth.models(size).items()}
        weights = {
            name: (game.adversarial, game.forward, game.backward, game.identity)
            for name, game in games.items()
            if isinstance(game, specs.CycleGAN)
        }
        assert weights == {
            "cycle alone": (0, 10, 10, 0),
            "GAN alone": (1, 0, 0, 0),
            "GAN + forward cycle": (1, 10, 0, 0),
            "GAN + backward cycle": (1, 0, 10, 0),
            "CycleGAN": (1, 10, 10, 0),
            "CycleGAN + identity": (1, 10, 10, 5),
        }
        networks = {(str(game.generator), str(game.discriminator), str(game.optimizer)) for game in games.values()}
        assert len(networks) == 1


def _metrics(**iou: float) -> dict[str, Any]:
    """Scores in which every model has 0.5 of everything, but those named."""
    names = (*earth.models("quick"), earth.NOTHING)
    rows = {name: dict.fromkeys((*earth.LABELLED, "diversity", "error"), iou.get(name, 0.5)) for name in names}
    return {"scores": {"a_to_b": rows, "b_to_a": rows}}


def test_verdicts_follow_the_scores() -> None:
    def verdict(start: str, metrics: dict[str, Any]) -> bool:
        (claim,) = (claim for claim in earth.CLAIMS if claim.statement.startswith(start))
        return claim.holds(claim.measure(metrics))

    assert verdict("pix2pix", _metrics(**{earth.PIX2PIX: 0.6}))
    assert not verdict("pix2pix", _metrics(**{earth.PIX2PIX: 0.6, "CycleGAN + identity": 0.7}))
    assert verdict("GAN alone", _metrics(**{"GAN alone": 0.4}))
    assert not verdict("GAN alone", _metrics())
    assert not verdict("Cycle alone", _metrics(**{"cycle alone": 0.6}))
    collapsed = _metrics(**{earth.FORWARD: 0.2, earth.BACKWARD: 0.25})
    assert verdict("With one cycle loss alone, the direction whose cycle is missing falls", collapsed)
    assert verdict("With one cycle loss alone, the direction whose cycle is missing collapses", collapsed)
    assert not verdict("With one cycle loss alone, the direction whose cycle is missing collapses", _metrics())
    # What the removed cycle would have held is one direction alone.
    elsewhere = _metrics(**{earth.BACKWARD: 0.2})
    elsewhere["scores"]["b_to_a"] = {
        **_metrics()["scores"]["b_to_a"],
        earth.FORWARD: dict.fromkeys((*earth.LABELLED, "diversity", "error"), 0.2),
    }
    assert verdict("With one cycle loss alone, the direction whose cycle is missing falls", elsewhere)
    assert verdict("CycleGAN is above", _metrics(CycleGAN=0.6))
    assert not verdict("CycleGAN is above", _metrics(CycleGAN=0.6, **{"standard GAN": 0.6}))
    assert verdict("DiscoGAN is above", _metrics(DiscoGAN=0.6))
    assert verdict("The identity loss", _metrics(**{"CycleGAN + identity": 0.6}))
    better = _metrics(**{"CycleGAN + identity": 0.6})
    assert not verdict("With an identity loss, CycleGAN translates", better)  # recognised, but further from the truth
    for rows in better["scores"].values():
        rows[earth.KEEPING]["error"] = 0.1
    assert verdict("With an identity loss, CycleGAN translates", better)
