"""The experiments with labelled faces on a handful of faces and steps: what they measure, and what their claims ask."""

from pathlib import Path

import numpy as np
import pytest
import torch

from unpaired.data.labelled import LabelledPart, LabelledSet
from unpaired.data.sets import faces_labelled, table
from unpaired.experiments import attributes, base, faces_attributes, faces_two_styles
from unpaired.experiments.classifier import Lessons
from unpaired.games import specs
from unpaired.networks.specs import StarGANDiscriminator, StarGANGenerator
from unpaired.options import Training

STAR = specs.StarGAN(
    generator=StarGANGenerator(width=4, blocks=1, change=True), discriminator=StarGANDiscriminator(width=4, layers=5), critic=1
)


class Adds:
    """A translator that adds a number: one can tell from the sum which ones an image went through."""

    def __init__(self, number: float) -> None:
        self.number = number

    def batch(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.number


def test_by_pairs_an_image_goes_from_what_it_has_to_what_is_wanted() -> None:
    """One attribute after the other, and nowhere where nothing is wanted or it is there already."""
    pairs = {(0, 0, 1): Adds(1), (0, 1, 0): Adds(10), (0, 2, 1): Adds(100), (1, 0, 1): Adds(1000)}
    values = torch.tensor([[0, 0], [2, 0], [1, 0], [1, 1], [0, 0]])
    wanted = torch.tensor([[1, -1], [1, 1], [1, -1], [0, 1], [-1, -1]])
    answer = faces_attributes._by_pairs(pairs, torch.zeros(5, 1, 1, 1), values, wanted)
    assert answer.flatten().tolist() == [1, 1100, 0, 10, 0]


def test_the_folders_of_a_pair_hold_out_only_what_chooses_checkpoints(tmp_path: Path) -> None:
    values = np.array([[index % 3] for index in range(80)], np.int64)
    parts = [
        LabelledPart(np.zeros((80, 8, 8, 3), np.uint8), values, tuple(f"{part}/{index}.png" for index in range(80)), 0)
        for part in ("train", "test")
    ]
    folder = faces_attributes._pair_folder(tmp_path / "pair", LabelledSet("faces", *parts, (0,)), 0, (0, 2))
    found = {
        name: sorted(int(path.stem) for path in (folder / name).iterdir()) for name in ("trainA", "trainB", "testA", "testB")
    }
    assert found["trainA"] == [index for index in range(80) if index % 3 == 0]
    assert found["trainB"] == [index for index in range(80) if index % 3 == 2]
    assert found["testA"] == [index for index in range(20) if index % 3 == 0]  # a quarter is for validation
    assert found["testB"] == [index for index in range(20) if index % 3 == 2]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(faces_two_styles, "STARGANS", {"quick": STAR})
    monkeypatch.setattr(faces_two_styles, "STEPS", {"quick": 2})
    monkeypatch.setattr(faces_two_styles, "PIXELS", 32)
    monkeypatch.setattr(attributes, "LESSONS", {"quick": Lessons(steps=2, width=4)})
    monkeypatch.setattr(
        faces_two_styles,
        "training",
        lambda steps: Training(steps=steps, batch=4, ema=0.5, evaluate_every=steps, threads=1),
    )
    monkeypatch.setitem(
        table.SETS,
        faces_two_styles.SET,
        table.SETS[faces_two_styles.SET]._replace(
            make=lambda folder, size: faces_labelled.make_two_styles(folder, size=size, train=30, test=20)
        ),
    )


@pytest.mark.filterwarnings("ignore::unpaired.errors.DataWarning")
def test_two_styles_jointly_without_mask_and_alone(small: None, tmp_path: Path) -> None:
    result = base.reproduce(faces_two_styles.TWO_STYLES, size="quick", out=tmp_path / "results", runs=tmp_path / "runs")
    scores = result["metrics"]["scores"]
    assert result["metrics"]["labelled"] == {"adventurer": ["hair", "glasses"], "micah": ["expression"]}
    for style in ("adventurer", "micah"):
        assert set(scores[style]) == {"exact counterparts", *faces_two_styles.MODELS, "doing nothing"}
        assert (tmp_path / "results" / "faces-two-styles-quick" / f"{style}.png").exists()


def claim(statement: str) -> base.Claim:
    (found,) = [each for each in faces_attributes.CLAIMS if each.statement == statement]
    return found


@pytest.mark.parametrize(("taken", "error", "holds"), [(0.95, 0.01, (True, True)), (0.94, 0.011, (False, False))])
def test_what_is_wanted_of_single_changes(taken: float, error: float, holds: tuple[bool, bool]) -> None:
    """Over single changes alone: those of several attributes at once have claims of their own."""
    single = {"hair=red": {"taken": taken, "error": error}, "hair+glasses": {"taken": 0.0, "error": 1.0}}
    metrics = {"scores": {"StarGAN": single, "doing nothing": {"hair=red": {"error": 0.02}, "hair+glasses": {"error": 9.0}}}}
    shown, near = claim("Translated faces show what was asked for"), claim("Translated faces are near their exact counterparts")
    assert shown.measure(metrics) == {"StarGAN": taken}
    assert near.measure(metrics) == {"StarGAN": error, "doing nothing": 0.02}
    assert (shown.holds(shown.measure(metrics)), near.holds(near.measure(metrics))) == holds
