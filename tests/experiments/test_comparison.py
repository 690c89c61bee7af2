"""What experiments with many models share: which trainings there are, what claims look at, budgets in words."""

from pathlib import Path
from typing import Any

import pytest

from unpaired.experiments import comparison, earth, edges
from unpaired.experiments.base import SIZES, Lab
from unpaired.options import DataOptions, Training


def test_trainings_are_named_and_told_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    def trained(lab: Lab, name: str, **options: Any) -> Path:
        asked.append((name, options))
        return lab.runs / name

    monkeypatch.setattr(comparison, "trained", trained)
    lab = Lab(tmp_path, tmp_path / "runs", "default", [])
    how = {"data": DataOptions(size=16), "training": Training(steps=2)}
    for name, model in earth.models("quick").items():
        found = list(comparison.trainings(lab, name, model, place="earth", **how))
        assert [direction for direction, _ in found] == (["a_to_b"] if model.both else ["a_to_b", "b_to_a"])
        assert [str(folder) for _, folder in found] == [str(tmp_path / "runs" / place) for place, _ in asked[-len(found) :]]
        for place, options in asked[-len(found) :]:
            assert (options["game"], options["source"], options["training"]) == (model.game, model.set, how["training"])
            assert options["data"] == DataOptions(size=16, swap=place.endswith("-swapped"))
    assert [place for place, _ in asked] == [
        "earth-default/standard-GAN", "earth-default/standard-GAN-swapped",
        "earth-default/GAN-with-reconstruction", "earth-default/GAN-with-reconstruction-swapped",
        "earth-default/DiscoGAN", "earth-default/cycle-alone", "earth-default/GAN-alone",
        "earth-default/GAN-and-forward-cycle", "earth-default/GAN-and-backward-cycle", "earth-default/CycleGAN",
        "earth-default/CycleGAN-and-identity", "earth-default/pix2pix-pairs", "earth-default/pix2pix-pairs-swapped",
    ]  # fmt: skip


def test_what_claims_look_at() -> None:
    values = {"error": 0.123456, "psnr": 20.0, "swd": 1.0}
    metrics = {"scores": {"a_to_b": {"one": values, "two": values}, "b_to_a": {"one": {**values, "error": 0.5}, "two": values}}}
    assert comparison.table("error", "psnr", names=["one"])(metrics) == {
        "a_to_b": {"one": {"error": 0.1235, "psnr": 20.0}},
        "b_to_a": {"one": {"error": 0.5, "psnr": 20.0}},
    }
    assert comparison.column("error", names=("one", "two"))(metrics) == {
        "a_to_b": {"one": 0.1235, "two": 0.1235},
        "b_to_a": {"one": 0.5, "two": 0.1235},
    }


def test_budgets_in_words() -> None:
    words = comparison.budgets_in_words(edges.BUDGETS)
    assert set(words) == set(SIZES)
    assert words["default"] == "900 steps of batch 8 at 64 px for each model"
    assert earth.EARTH.budget["default"] == "1200 steps of batch 4 at 64 px for each model"
