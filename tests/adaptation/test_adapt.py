"""Adaptation from two sets to the table, the flips and the runs; gone on with, refused, and typed."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from adapt_sets import SIZE, arrays, copier, folders

from unpaired import cli, runs
from unpaired.adaptation.adapt import adapt
from unpaired.adaptation.options import CYCLEGAN, TRAINING, Pictures, Teaching
from unpaired.engine import journal
from unpaired.errors import ConfigError, RunError
from unpaired.games import specs
from unpaired.networks.specs import LeNet, PatchGAN, ResNet
from unpaired.options import Training
from unpaired.run_config import load_config

TEACHING = Teaching(classifier=LeNet(maps=(4,), hidden=16), classifier_steps=60, classifier_batch=16, classifier_rate=1e-2)
TINY = specs.CycleGAN(generator=ResNet(width=2, blocks=1), discriminator=PatchGAN(width=2, layers=1), identity=0.0)
STEPS = Training(steps=2, batch=4, ema=None, threads=1, compile="off", precision="float32", evaluate_every=2)
SHARED = replace(TRAINING, threads=1, compile="off", precision="float32")


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Bars of which four are labelled wrongly, lighter bars, and a translator that leaves images alone."""
    root = tmp_path_factory.mktemp("sets")
    source = arrays(root / "source" / "s.npz", seed=0, train=90)
    parts = dict(np.load(source))
    parts["y_train"][:4] = (parts["y_train"][:4] + 1) % 3
    np.savez(source, **parts)
    return source, arrays(root / "target" / "t.npz", seed=5, train=90, test=40, light=30), copier(root / "bundle")


@pytest.fixture(scope="module")
def adapted(sets: tuple[Path, Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("adapted") / "out"
    return out, adapt(sets[0], sets[1], out=out, translator=sets[2], teaching=TEACHING, training=SHARED)


def test_the_table_is_measured_and_written(adapted: tuple[Path, dict[str, Any]]) -> None:
    out, result = adapted
    assert json.loads((out / "result.json").read_text()) == result
    assert result["tested"]["images"] == 30
    assert result["tested"]["by_class"] == {"a": 10, "b": 10, "c": 10}
    assert list(result["accuracy"]) == ["source only", "on translated", "oracle"]
    for found in result["accuracy"].values():
        assert found["overall"] > 0.8
        assert found["overall"] == pytest.approx(sum(found["by_class"].values()) / 3, abs=1e-3)
    assert set(result["minutes"]) == {"source", "adapted", "oracle"}


def test_wrong_labels_are_found(adapted: tuple[Path, dict[str, Any]]) -> None:
    out, result = adapted
    rows = list(csv.DictReader((out / "label_flips.csv").open()))
    assert len(rows) == result["flipped"]
    wrong = [row for row in rows if row["file"] in {f"train/{number:06d}.png" for number in range(4)}]
    assert len(wrong) == 4
    assert all(row["by_target"] == {"a": "c", "b": "a", "c": "b"}[row["label"]] for row in wrong)
    assert (out / "flips.png").exists()
    oracle = result["flips"]["oracle"]
    assert oracle["read"] == 120
    assert oracle["read as another class"] == pytest.approx(sum(row["by_target"] != row["label"] for row in rows) / 120, abs=1e-4)


def test_each_run_is_taught_as_asked(adapted: tuple[Path, dict[str, Any]], sets: tuple[Path, Path, Path]) -> None:
    out, _ = adapted
    sources = {name: load_config(out / name).sources for name in ("source", "adapted", "oracle")}
    assert sources == {"source": (str(sets[0]),), "adapted": (str(out / "translated"),), "oracle": (str(sets[1]),)}
    for name in sources:
        run = load_config(out / name)
        assert run.game.network == TEACHING.classifier  # type: ignore[union-attr]
        assert (run.data.size, run.data.channels, run.training.steps) == (SIZE, 1, 60)
        assert journal.ended(out / name)


def test_it_goes_on_where_it_was_cut_off(
    adapted: tuple[Path, dict[str, Any]], sets: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is there is kept; a run that was cut off is resumed, and what is not there yet is made."""
    out = tmp_path / "out"
    shutil.copytree(adapted[0], out)
    shutil.rmtree(out / "oracle")
    (out / "result.json").unlink()
    lines = (out / "adapted" / "journal.jsonl").read_text().splitlines()
    (out / "adapted" / "journal.jsonl").write_text("\n".join(line for line in lines if '"event": "end"' not in line))
    made: list[tuple[str, str]] = []
    for name in ("train", "resume"):
        was = getattr(runs, name)

        def watched(*given: Any, was: Any = was, name: str = name, **more: Any) -> Any:
            made.append((name, Path(more.get("out") or given[0]).name))
            return was(*given, **more)

        monkeypatch.setattr(runs, name, watched)
    said: list[str] = []
    again = adapt(sets[0], sets[1], out=out, translator=sets[2], teaching=TEACHING, training=SHARED, tell=said.append)
    # Its folder was copied, so that the images of `adapted` lie elsewhere: in the first one, which is the same.
    assert made == [("resume", "adapted"), ("train", "oracle")]
    assert any("going on with" in line for line in said)
    assert again["accuracy"] == adapted[1]["accuracy"]
    assert again["flips"] == adapted[1]["flips"]


def test_what_was_not_asked_for_at_first_is_refused(adapted: tuple[Path, dict[str, Any]], sets: tuple[Path, Path, Path]) -> None:
    teaching, training = replace(TEACHING, classifier_steps=61), replace(SHARED, seed=1)
    with pytest.raises(RunError, match="other teaching: classifier_steps, training: seed; give the same to go on"):
        adapt(sets[0], sets[1], out=adapted[0], translator=sets[2], teaching=teaching, training=training)


def test_folders_of_others_and_options_without_use_are_refused(sets: tuple[Path, Path, Path], tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    with pytest.raises(RunError, match="is not empty, and holds no adaptation"):
        adapt(sets[0], sets[1], out=tmp_path, translator=sets[2])
    with pytest.raises(ConfigError, match="--steps, --batch: for the translator that adapt trains, found --translator too"):
        adapt(sets[0], sets[1], out=tmp_path / "out", translator=sets[2], training=replace(TRAINING, steps=5, batch=2))
    with pytest.raises(ConfigError, match="--identity: for the translator"):
        adapt(sets[0], sets[1], out=tmp_path / "out", translator=sets[2], game=replace(CYCLEGAN, identity=5.0))
    assert not (tmp_path / "out").exists()


def test_a_translator_is_trained_and_read(sets: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Between arrays and a folder without labels: nothing to test on."""
    target = folders(tmp_path / "target", np.zeros(20, int), seed=3)
    game = replace(TINY, semantic=specs.SameClass(weight=0.5))
    result = adapt(
        sets[0],
        target,
        out=tmp_path / "out",
        pictures=Pictures(size=SIZE, channels=1, holdout=0.2),
        teaching=Teaching(classifier=LeNet(maps=(2,), hidden=4), classifier_steps=2, classifier_batch=4),
        game=game,
        training=STEPS,
    )
    assert (result["tested"], result["accuracy"]) == (None, {})
    assert set(result["flips"]) == {"source only"}
    run = load_config(tmp_path / "out" / "cyclegan")
    assert run.sources == (str(sets[0]), str(target))
    assert run.data.sets
    assert Path(run.game.semantic.reader) == tmp_path / "out" / "source"  # type: ignore[union-attr]
    assert run.training == STEPS
    with np.load(sets[0]) as arrays_of:  # its test images are not trained on
        assert runs.open_two(run).train_a.shape[0] == len(arrays_of["y_train"])
    assert len(list((tmp_path / "out" / "translated" / "train").iterdir())) == 90


def test_the_command(sets: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["adapt", str(sets[0]), str(sets[1]), "--out", str(tmp_path / "out"), "--translator", str(sets[2])]
    words += ["--classifier", "lenet(maps=(2,), hidden=4)", "--classifier-steps", "2", "--threads", "1", "--compile", "off"]
    cli.main(words)
    said = capsys.readouterr().out
    assert "read right, of the target's labelled images" in said
    assert "source only" in said
    assert "saying the commonest class of all: 33.3%" in said
    assert "read as another class by the one whom the target's labels taught:" in said
    assert str(tmp_path / "out" / "label_flips.csv") in said
    assert all((tmp_path / "out" / name / "report.html").exists() for name in ("source", "adapted", "oracle"))


def test_an_interruption_says_how_to_go_on(
    sets: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*given: Any, **more: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "train", interrupted)
    said: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        adapt(sets[0], sets[1], out=tmp_path / "out", translator=sets[2], tell=said.append)
    assert said[-1] == f"stopped; the same command goes on in {tmp_path / 'out'}"
