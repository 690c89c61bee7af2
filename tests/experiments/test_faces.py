"""The faces experiments on a handful of faces and steps: what they measure, and that nothing is trained twice."""

from pathlib import Path

import pytest

from unpaired import runs
from unpaired.data.sets import faces as drawn
from unpaired.data.sets import table
from unpaired.experiments import base, faces
from unpaired.games import specs
from unpaired.losses import L1, LeastSquares
from unpaired.networks.specs import PatchGAN, ResidualImage


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path / "cache"))
    common = {"generator": ResidualImage(width=4), "discriminator": PatchGAN(width=4, layers=1), "gan": LeastSquares()}
    small_models = {
        "standard GAN": specs.TranslationGAN(**common),
        "GAN with reconstruction": specs.ReconstructionGAN(**common, distance=L1()),
        "DiscoGAN": specs.DiscoGAN(**common, distance=L1()),
        "DiscoGAN + identity": specs.DiscoGAN(**common, distance=L1(), form=specs.PaperForm(identity=1.0)),
    }
    monkeypatch.setattr(faces, "MODELS", small_models)
    monkeypatch.setattr(faces, "STEPS", {task: {"quick": 2} for task in ("hair", "glasses")})
    for task in ("hair", "glasses"):
        make = lambda folder, size, task=task: drawn.make(folder, task=task, size=size, train=8, test=20)  # noqa: E731
        monkeypatch.setitem(table.SETS, f"faces:{task}", table.SETS[f"faces:{task}"]._replace(make=make))


@pytest.mark.filterwarnings("ignore::unpaired.errors.DataWarning")
def test_experiments_measure_every_model_both_ways_and_train_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = {"size": "quick", "out": tmp_path / "results", "runs": tmp_path / "runs"}
    hair = base.reproduce(faces.HAIR, **where)
    for direction in ("a_to_b", "b_to_a"):
        found = hair["metrics"]["scores"][direction]
        assert set(found) == {*faces.MODELS, "doing nothing"}
        assert found["doing nothing"]["error where to keep"] == 0
        assert found["doing nothing"]["error"] > 0
    assert {claim["statement"] for claim in hair["claims"]} == {claim.statement for claim in faces.CLAIMS}
    for picture in ("a_to_b.png", "b_to_a.png", "best.png"):
        assert (tmp_path / "results" / "faces-hair-quick" / picture).exists()

    trained: list[str] = []
    train = runs.train
    monkeypatch.setattr(runs, "train", lambda *sources, **options: trained.append(sources[0]) or train(*sources, **options))
    again = base.reproduce(faces.HAIR, **where)
    assert not trained
    assert again["metrics"]["scores"] == hair["metrics"]["scores"]

    sequence = base.reproduce(faces.SEQUENCE, **where)
    assert trained == ["faces:glasses"]  # the translator of hair colour was there
    assert len(sequence["metrics"]["again"]["drift"]) == faces.REPEATS
    assert len(sequence["metrics"]["there and back"]["drift"]) == faces.REPEATS
    nothing = sequence["metrics"]["again"]["doing nothing"]
    assert sequence["metrics"]["again"]["drift"][0] == pytest.approx(nothing, abs=0.05)  # two steps change little


def test_the_verdict_follows_the_errors() -> None:
    claim = faces.CLAIMS[0]
    good = {"DiscoGAN": 0.1, "standard GAN": 0.2, "GAN with reconstruction": 0.3}
    bad = {**good, "standard GAN": 0.05}
    assert claim.holds({"a_to_b": good, "b_to_a": good})
    assert not claim.holds({"a_to_b": good, "b_to_a": bad})
