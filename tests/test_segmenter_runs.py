"""Runs of a segmenter: it learns, is measured by the papers' three numbers, and is shown and loaded."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import accuracy_score, balanced_accuracy_score, jaccard_score

import unpaired
from unpaired import cli, evaluation, images, runs
from unpaired.data.label_maps import open_map_set
from unpaired.errors import ConfigError, DataError, RunError
from unpaired.games import specs
from unpaired.games.table import build
from unpaired.images.maps import VOID, write_map
from unpaired.networks.specs import SmallUNet
from unpaired.options import Adam, DataOptions, Training
from unpaired.products import Segmenter
from unpaired.report import write_report

DATA = DataOptions(size=16, channels=1, flip=False)
GAME = specs.Segmenter(network=SmallUNet(width=4), optimizer=Adam(learning_rate=2e-2, beta1=0.9))


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Squares (class 1) on a ground (class 0) whose first row nobody labelled."""
    root, chance = tmp_path_factory.mktemp("scenes"), np.random.default_rng(0)
    for end, count in (("train", 40), ("test", 24)):
        for folder in ("images", "labels"):
            (root / folder / end).mkdir(parents=True)
        for row in range(count):
            labels = np.zeros((16, 16), np.uint8)
            top, left = chance.integers(1, 10, 2)
            labels[top : top + 5, left : left + 5] = 1
            pixels = (chance.integers(0, 90, (16, 16)) + 150 * labels).astype(np.uint8)
            Image.fromarray(pixels).save(root / "images" / end / f"{row}.png")
            labels[0] = VOID
            write_map(root / "labels" / end / f"{row}.png", labels)
    (root / "classes.txt").write_text("ground\nsquare\n")
    return root


@pytest.fixture(scope="module")
def taught(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "segmenter"
    training = Training(steps=40, batch=8, threads=1, compile="off", precision="float32", evaluate_every=20)
    unpaired.train(scenes, out=run, game=GAME, data=DATA, training=training)
    return run


def test_it_learns_and_is_measured(taught: Path, scenes: Path) -> None:
    scores = runs.evaluate(taught)["segmenter"]
    assert scores["labelled"]["per-class accuracy"] > 0.9
    assert scores["commonest class"]["per-class accuracy"] == pytest.approx(0.5)
    data = open_map_set((str(scenes),), DATA)
    rows = evaluation.rows_of(data.images.test.pixels, "test")
    said = unpaired.load(taught)(np.array(data.images.test.pixels[rows])).reshape(-1)
    truth = data.test_maps[rows].reshape(-1)
    said, truth = said[truth != VOID], truth[truth != VOID]
    assert scores["labelled"]["per-pixel accuracy"] == pytest.approx(accuracy_score(truth, said))
    assert scores["labelled"]["pixel error"] == pytest.approx(1 - accuracy_score(truth, said))
    assert scores["labelled"]["per-class accuracy"] == pytest.approx(balanced_accuracy_score(truth, said))
    assert scores["labelled"]["mean class IoU"] == pytest.approx(jaccard_score(truth, said, average="macro"))
    assert json.loads((taught / "evaluation.json").read_text())["images"] == {"segmenter": 18}


def test_it_is_loaded_and_shown(taught: Path) -> None:
    found = unpaired.load(taught)
    assert isinstance(found, Segmenter)
    assert found.classes == ("ground", "square")
    runs.evaluate(taught)
    assert images.read(taught / "samples.png").shape[2] == 3
    page = write_report(taught).read_text()
    assert "Mean class IoU" in page


def test_its_report_shows_images_with_their_maps_and_what_is_said_of_them(taught: Path, scenes: Path) -> None:
    page = write_report(taught).read_text()
    shown = re.findall(r'<img [^>]*alt="([^"]*)"', page)
    for row in ("held-out images", "label maps", "segmenter"):
        assert [alt for alt in shown if alt.startswith(row)] == [f"{row}, number {place}" for place in range(1, 9)]
    assert "each class of their pixels has a colour" in page
    assert "No images were held out" not in page
    data = open_map_set((str(scenes),), DATA)
    rows = evaluation.rows_of_samples(data, {"segmenter": unpaired.load(taught)}, part="test")
    first = evaluation.rows_of(data.images.test.pixels, "test").start
    told = rows[1][1][0]
    assert [name for name, _ in rows] == ["held-out images", "label maps", "segmenter"]
    assert len(torch.unique(told.flatten(1), dim=1).T) == len(np.unique(data.test_maps[first]))


def test_the_best_is_chosen_by_pixels(scenes: Path) -> None:
    data = open_map_set((str(scenes),), DATA)
    game = build(GAME, seed=0, **data.samples())
    look = evaluation.exam_of(data).look(game.remains(), part="validation")
    assert evaluation.standard(look.scores).measure == "pixel error"
    assert evaluation.criterion(look.scores) == look.scores["segmenter"]["labelled"]["pixel error"]
    assert look.counts == {"segmenter": 6}


def test_a_step_is_the_weighted_cross_entropy(scenes: Path) -> None:
    data = open_map_set((str(scenes),), DATA)
    game = build(GAME, seed=0, **data.samples())
    batch = data.batch(0, batch=4, seed=0)
    (turn,) = game.play(batch, 0)
    counts = torch.tensor(data.counts, dtype=torch.float64)
    weights = (counts.sum() / (2 * counts)).sqrt()
    log = game.network(batch.x).double().log_softmax(dim=1)
    told = batch.labels != VOID
    of = weights[batch.labels[told]]
    wanted = -(of * log.movedim(1, -1)[told].gather(1, batch.labels[told][:, None])[:, 0]).sum() / of.sum()
    torch.testing.assert_close(turn.losses["pixels"].double(), wanted, rtol=1e-5, atol=0)
    nothing = batch._replace(labels=torch.full_like(batch.labels, VOID))
    assert next(game.play(nothing, 0)).losses["pixels"] == 0


def test_without_labels_it_does_not_begin(scenes: Path) -> None:
    with pytest.raises(ConfigError, match="found no training image with a labelled pixel"):
        build(GAME, seed=0, shape=(1, 16, 16), classes=("a", "b"), counts=(0, 0))
    with pytest.raises(DataError, match="no named set has label maps for game 'segmenter', found mnist; wanted a folder with"):
        unpaired.train("mnist", out=scenes / "run", game=GAME, data=DATA)


def test_held_out_images_without_maps_measure_nothing(scenes: Path, tmp_path: Path) -> None:
    shutil.copytree(scenes, tmp_path / "scenes")
    shutil.rmtree(tmp_path / "scenes" / "labels" / "test")
    training = Training(steps=2, batch=4, threads=1, compile="off", precision="float32")
    unpaired.train(tmp_path / "scenes", out=tmp_path / "run", game=GAME, data=DATA, training=training)
    with pytest.raises(RunError, match="run holds 24 images out, and none that it is tested on is labelled; label some of them"):
        runs.evaluate(tmp_path / "run")


def test_the_command(scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "segmenter", str(scenes), "--out", str(tmp_path / "run"), "--size", "16", "--channels", "1"]
    cli.main([*words, "--steps", "2", "--network", "small_unet(width=2)", "--compile", "off", "--threads", "1"])
    said = capsys.readouterr().out
    assert "mean class IoU" in said
    assert "part='segmenter'" in said
