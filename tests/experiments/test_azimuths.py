"""The experiments with azimuths on a tiny painted set: what is trained, what is measured, and how claims are judged."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from unpaired import runs
from unpaired.data.batches import open_domains
from unpaired.experiments import azimuths, azimuths_claims, base
from unpaired.experiments.azimuths_reader import Lessons
from unpaired.games import specs
from unpaired.losses import LeastSquares
from unpaired.options import DataOptions

MODELS = {"trainA": ("a", "b"), "trainB": ("c",), "testA": ("d", "e"), "testB": ("f",)}


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A set of bars that lie where a thing faces, and budgets of seconds."""
    folder, rows = tmp_path / "set", []
    rng = np.random.default_rng(0)
    for part, names in MODELS.items():
        (folder / part).mkdir(parents=True)
        for name in names:
            colour = rng.integers(120, 256, 3)
            for azimuth in range(-90, 91, 15):
                pixels = np.full((16, 16, 3), 90, np.uint8)
                place = round((azimuth + 90) / 180 * 12)
                pixels[:, place : place + 4] = colour
                rows.append((part, f"{name}_{azimuth:+04d}.png", name, azimuth, 0))
                Image.fromarray(pixels).save(folder / part / rows[-1][1])
    with (folder / "views.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("part", "file", "model", "azimuth", "variant"), *rows])
    (folder / "set.json").write_text('{"name": "stripes"}')
    monkeypatch.setattr(azimuths, "folder_of", lambda *_, **__: folder)
    tiny = azimuths.Budget(steps=4, batch=4, pixels=16, width=4, learning_rate=1e-3, gan=LeastSquares(), reconstruction=10.0)
    monkeypatch.setattr(azimuths, "BUDGETS", {"quick": tiny})
    whole = {name: task._replace(reach=90, channels=3) for name, task in azimuths.TASKS.items()}
    monkeypatch.setattr(azimuths, "TASKS", whole)
    monkeypatch.setattr(azimuths, "SEEDS", {"quick": (0, 1)})
    monkeypatch.setattr(azimuths, "LESSONS", {"quick": Lessons(steps=60, batch=16, width=4)})
    return folder


def test_all_games_are_trained_alike_and_measured(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[tuple[str, int, bool, bool]] = []
    train = runs.train

    def watched(*sources: str, **options: Any) -> object:
        trained.append((options["game"].game, options["training"].seed, options["data"].flip, options["data"].swap))
        return train(*sources, **options)

    monkeypatch.setattr(runs, "train", watched)
    where: dict[str, Any] = {"size": "quick", "out": tmp_path / "results", "runs": tmp_path / "runs"}
    result = base.reproduce(azimuths.AZIMUTHS["car2car"], **where)
    games = ("translation-gan", "reconstruction-gan", "discogan")
    assert trained == [(game, seed, False, False) for game in games for seed in (0, 1)]
    found = result["metrics"]
    assert list(found["azimuths"]) == ["doing nothing", "standard GAN", "GAN with reconstruction", "DiscoGAN"]
    nothing = found["azimuths"]["doing nothing"]
    assert nothing["|correlation|"]["mean"] > 0.9
    assert nothing["changed"]["mean"] == 0
    assert nothing["most crowded"]["mean"] < 0.3
    for model in ("standard GAN", "GAN with reconstruction", "DiscoGAN"):
        assert len(found["azimuths"][model]["|correlation|"]["seeds"]) == 2
        assert found["azimuths"][model]["changed"]["mean"] > 0.01
        assert set(found["tables"]["Pearson's correlation by seed"][model]) == {"seed 0", "seed 1"}
    assert found["views"] == {"train_a": 26, "train_b": 13, "test_a": 26, "test_b": 13}
    assert found["models"] == {"train_a": 2, "train_b": 1, "test_a": 2, "test_b": 1}
    assert set(found["readers"]) == {"cars"}
    assert [claim["statement"] for claim in result["claims"]] == [
        claim.statement for claim in azimuths_claims.claims("cars", "cars")
    ]
    for picture in ("azimuths", "views"):
        assert (tmp_path / "results" / "car2car-quick" / f"{picture}.png").exists()

    trained.clear()
    assert base.reproduce(azimuths.AZIMUTHS["car2car"], **where)["metrics"]["azimuths"] == found["azimuths"]
    assert not trained


def test_between_kinds_each_has_its_reader(small: Path) -> None:
    views = azimuths.views_of(small, open_domains((str(small),), DataOptions(size=16, flip=False)))
    lessons = Lessons(steps=2, batch=4, width=4)
    task = azimuths.TASKS["chair2car"]
    readers = azimuths.readers_of(task, views, lessons=lessons)
    assert list(readers) == ["chairs", "cars"]
    assert list(azimuths.readers_of(azimuths.TASKS["head2head"], views, lessons=lessons)) == ["heads"]
    chairs, angles = azimuths._of_kind(task, views, "chairs", part="train")
    assert torch.equal(chairs, views["train_a"].images)
    assert len(angles) == 26
    assert len(azimuths._of_kind(azimuths.TASKS["car2car"], views, "cars", part="test")[1]) == 39


def test_a_view_is_what_the_table_says(small: Path) -> None:
    views = azimuths.views_of(small, open_domains((str(small),), DataOptions(size=16, flip=False)))["test_a"]
    brightest = views.images.mean(dim=(1, 2)).argmax(dim=1)
    wanted = ((views.azimuths + 90) / 180 * 12).round().long()
    assert torch.equal(brightest, wanted)
    assert set(views.models) == {"d", "e"}


def test_games_differ_in_their_losses_alone() -> None:
    for size in base.SIZES:
        games = azimuths.models(size)
        assert len({(game.generator, game.discriminator, game.optimizer) for game in games.values()}) == 1
        (_, reconstruct, disco) = games.values()
        assert isinstance(reconstruct, specs.ReconstructionGAN)
        assert isinstance(disco, specs.DiscoGAN)
        assert isinstance(disco.form, specs.PaperForm)
        assert reconstruct.reconstruction == disco.form.reconstruction
        assert disco.generator.bottleneck == 100


def _metrics(**disco: float) -> dict[str, Any]:
    """By these every claim holds, but for what is changed of DiscoGAN's."""
    worse = {"|correlation|": 0.3, "RMSE": 70.0, "RMSE after the better sign": 60.0, "sign": 1.0, "most crowded": 0.4, "swd": 0.2}
    best = {
        "|correlation|": 0.9,
        "RMSE": 100.0,
        "RMSE after the better sign": 20.0,
        "sign": -1.0,
        "most crowded": 0.1,
        "swd": 0.2,
    }
    rows = {"doing nothing": {"swd": 0.5}, "standard GAN": worse, "GAN with reconstruction": worse, "DiscoGAN": best | disco}
    found = {model: {name: {"mean": value} for name, value in values.items()} for model, values in rows.items()}
    return {"azimuths": found, "readers": {"cars": {"RMSE": 5.0}, "heads": {"RMSE": 6.0}}}


def test_how_claims_are_judged() -> None:
    claims = azimuths_claims.claims("cars", "heads")

    def verdicts(metrics: dict[str, Any]) -> list[bool]:
        return [claim.holds(claim.measure(metrics)) for claim in claims]

    assert verdicts(_metrics()) == [True] * 6
    unread = _metrics()
    unread["readers"]["heads"]["RMSE"] = azimuths_claims.WELL_READ + 1
    assert verdicts(unread) == [False, True, True, True, True, True]
    assert verdicts(_metrics(**{"|correlation|": 0.79})) == [True, False, True, True, True, True]
    assert verdicts(_metrics(**{"|correlation|": 0.3})) == [True, False, False, True, True, True]
    assert verdicts(_metrics(**{"RMSE after the better sign": 60.0})) == [True, True, True, False, True, True]
    assert verdicts(_metrics(**{"most crowded": 0.4})) == [True, True, True, True, False, True]
    assert verdicts(_metrics(swd=0.26)) == [True, True, True, True, True, False]
    assert len(azimuths_claims.claims("cars", "cars")) == 5
    assert azimuths_claims.deviations("cars", "cars", views="as they are") != azimuths_claims.deviations(
        "cars", "heads", views="as they are"
    )
