"""Runs of a classifier, and of a CycleGAN whose translations it reads: from the images to the page that tells of them."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import unpaired
from unpaired import cli, images, runs
from unpaired.bundle import load_bundle
from unpaired.engine import checkpoint, journal
from unpaired.errors import RunError
from unpaired.games import specs
from unpaired.networks.specs import LeNet, PatchGAN, ResNet
from unpaired.options import DataOptions, Training
from unpaired.products import Classifier
from unpaired.report import write_report

DATA = DataOptions(size=16, channels=1, flip=False)
GAME = specs.Classifier(network=LeNet(maps=(3, 4), hidden=8))


def training(**changed):
    values = {"steps": 4, "batch": 8, "threads": 1, "compile": "off", "precision": "float32", "evaluate_every": 2, "ema": 0.9}
    return Training(**(values | changed))


def arrays(path, *, seed):
    """Two classes: bright, and dark."""
    chance = np.random.default_rng(seed)
    parts = {}
    for part, count in (("train", 40), ("test", 24)):
        y = np.arange(count) % 2
        parts[f"x_{part}"] = (chance.integers(0, 100, (count, 16, 16)) + 150 * y[:, None, None]).astype(np.uint8)
        parts[f"y_{part}"] = y
    np.savez(path, **parts)
    return path


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    return [arrays(folder / f"{name}.npz", seed=seed) for seed, name in enumerate(("ones", "others"))]


@pytest.fixture(scope="module")
def taught(sets, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "classifier"
    unpaired.train(sets[0], out=run, game=GAME, data=DATA, training=training(steps=60, evaluate_every=30))
    return run


def test_it_learns_and_is_measured(taught, capsys):
    scores = runs.evaluate(taught)
    assert scores["classifier"]["read"]["class error"] < 0.1
    assert scores["classifier"]["guessing"]["class error"] == pytest.approx(0.5)
    found = [event for event in journal.read(taught) if event["event"] == "evaluation"]
    assert {event["measure"] for event in found} == {"class error"}
    assert json.loads((taught / "evaluation.json").read_text())["images"] == {"classifier": 18}
    page = write_report(taught).read_text()
    assert "class error" in page
    assert "unpaired sample" not in page
    assert "There is nothing to look at: the game leaves no images" in page
    assert "No images were held out" not in page
    assert "The doctor knows no sign of a game that makes no images." in page


def test_it_learns_from_few_labels(sets, tmp_path):
    """Of 40 images, 4 tell their class; all batches are of those."""
    run = tmp_path / "run"
    unpaired.train(sets[0], out=run, game=GAME, data=replace(DATA, labels=4), training=training(steps=60, evaluate_every=60))
    assert runs.evaluate(run)["classifier"]["read"]["class error"] < 0.2


def test_held_out_images_without_classes_measure_nothing(sets, tmp_path):
    parts = dict(np.load(sets[0]))
    parts["y_test"][6:] = -1  # the first quarter chooses, and does not test
    np.savez(tmp_path / "few.npz", **parts)
    unpaired.train(tmp_path / "few.npz", out=tmp_path / "run", game=GAME, data=DATA, training=training())
    with pytest.raises(RunError, match="run holds 24 images out, and none that it is tested on is labelled; label some of them"):
        runs.evaluate(tmp_path / "run")


def test_it_is_loaded_and_reads(taught):
    classifier = unpaired.load(taught)
    assert isinstance(classifier, Classifier)
    assert classifier(np.full((16, 16, 1), 220, np.uint8)) == "1"
    assert classifier(np.full((16, 16, 1), 20, np.uint8)) == "0"


def test_an_interrupted_run_ends_as_an_uninterrupted_one(sets, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    unpaired.train(sets[0], out=whole, game=GAME, data=DATA, training=training())
    unpaired.train(sets[0], out=parts, game=GAME, data=DATA, training=training(steps=2))
    runs.resume(parts, steps=4)
    mine, theirs = (checkpoint.load(run / "checkpoints" / "last.safetensors")[0] for run in (whole, parts))
    assert all(torch.equal(mine[key], theirs[key]) for key in theirs)


def test_the_command_says_what_to_do_next(sets, tmp_path, capsys):
    words = ["train", "classifier", str(sets[0]), "--out", str(tmp_path / "run"), "--size", "16", "--channels", "1"]
    cli.main([*words, "--steps", "2", "--network", "lenet(maps=(3, 4), hidden=8)", "--compile", "off"])
    assert "part='classifier'" in capsys.readouterr().out


def test_a_cyclegan_is_read_and_resumed_where_its_reader_is(taught, tmp_path):
    chance = np.random.default_rng(0)
    for domain in "ab":
        (tmp_path / domain).mkdir()
        for index in range(20):
            images.write(tmp_path / domain / f"{index}.png", chance.integers(0, 256, (16, 16, 1), dtype=np.uint8))
    sets = [tmp_path / domain for domain in "ab"]
    game = specs.CycleGAN(
        generator=ResNet(width=2, blocks=1),
        discriminator=PatchGAN(width=2, layers=1),
        semantic=specs.SameClass(reader=str(taught)),
    )
    run = tmp_path / "run"
    unpaired.train(*sets, out=run, game=game, data=DATA, training=training(steps=2))
    losses = [event["losses"] for event in journal.read(run) if event["event"] == "steps"][-1]
    assert {"generators/semantic_a", "generators/semantic_b"} <= set(losses)
    assert set(load_bundle(run)) == {"a_to_b", "b_to_a"}
    kept = checkpoint.load(run / "checkpoints" / "last.safetensors")[0]
    reader = unpaired.load(taught).network.state_dict()
    assert all(torch.equal(kept[f"game/read.network.{name}"], value) for name, value in reader.items())
    spoilt = taught.parent / "moved"
    taught.rename(spoilt)
    try:
        with pytest.raises(RunError, match="no trained run or bundle at"):
            runs.resume(run, steps=3)
    finally:
        spoilt.rename(taught)
    runs.resume(run, steps=3)
    assert "At the dashed line" in write_report(run).read_text(encoding="utf-8")
    taught.rename(spoilt)
    try:
        assert "Losses of the discriminators" in write_report(run).read_text(encoding="utf-8")
    finally:
        spoilt.rename(taught)
