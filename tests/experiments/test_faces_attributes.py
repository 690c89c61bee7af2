"""The experiments with labelled faces on a handful of faces and steps: what they measure, and what their claims ask."""

from pathlib import Path

import pytest

from unpaired.data.sets import faces_labelled, table
from unpaired.experiments import attributes, base, faces_attributes, faces_two_styles
from unpaired.experiments.classifier import Lessons
from unpaired.games import specs
from unpaired.networks.specs import PatchGAN, ResidualImage, StarGANDiscriminator, StarGANGenerator
from unpaired.options import Training

STAR = specs.StarGAN(
    generator=StarGANGenerator(width=4, blocks=1, change=True), discriminator=StarGANDiscriminator(width=4, layers=5), critic=1
)
PAIR = specs.CycleGAN(generator=ResidualImage(width=4), discriminator=PatchGAN(width=4, layers=1))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(faces_attributes, "STARGANS", {"quick": STAR})
    monkeypatch.setattr(faces_two_styles, "STARGANS", {"quick": STAR})
    monkeypatch.setattr(faces_attributes, "BUDGETS", {"quick": faces_attributes.Budget(2, 1, PAIR)})
    monkeypatch.setattr(faces_two_styles, "STEPS", {"quick": 2})
    monkeypatch.setattr(attributes, "LESSONS", {"quick": Lessons(steps=2, width=4)})
    monkeypatch.setattr(
        attributes,
        "training",
        lambda steps: Training(steps=steps, batch=4, ema=0.5, evaluate_every=steps, threads=1),
    )
    for name in ("attributes", "two-styles"):
        made = getattr(faces_labelled, f"make_{name.replace('-', '_')}")
        make = lambda folder, size, made=made: made(folder, size=size, train=60, test=20)  # noqa: E731
        monkeypatch.setitem(table.SETS, f"faces:{name}", table.SETS[f"faces:{name}"]._replace(make=make))


@pytest.mark.filterwarnings("ignore::unpaired.errors.DataWarning")
def test_one_stargan_beside_a_cyclegan_for_each_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces_attributes, "training", attributes.training)
    result = base.reproduce(faces_attributes.ATTRIBUTES, size="quick", out=tmp_path / "results", runs=tmp_path / "runs")
    found = result["metrics"]
    assert found["trainings"] == {"StarGAN": 1, "CycleGAN for each pair": 10 + 1 + 3}
    assert found["scores"]["doing nothing"]["hair=red"]["error where to keep"] == 0
    assert set(found["scores"]["StarGAN"]) == set(found["scores"]["CycleGAN for each pair"])
    assert len(result["claims"]) == len(faces_attributes.CLAIMS)
    for picture in ("targets.png", "combined.png"):
        assert (tmp_path / "results" / "faces-attributes-quick" / picture).exists()


@pytest.mark.filterwarnings("ignore::unpaired.errors.DataWarning")
def test_two_styles_jointly_without_mask_and_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces_two_styles, "training", attributes.training)
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
