"""Label maps, adapted: matched by the names of classes, tested by the papers' numbers, and the pixels that flipped."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from adapt_sets import copier
from PIL import Image
from sklearn.metrics import accuracy_score, jaccard_score, recall_score

import unpaired
from unpaired import cli
from unpaired.adaptation.adapt import adapt
from unpaired.adaptation.map_flips import audit_maps, write_flipped
from unpaired.adaptation.map_scores import places, scores_of
from unpaired.adaptation.maps import MapTask, open_map_task, opened_maps, write_translated_maps
from unpaired.adaptation.options import Pictures, Teaching
from unpaired.adaptation.sheets import draw_flipped
from unpaired.adaptation.task import views
from unpaired.data.label_maps import MapSet
from unpaired.engine import journal
from unpaired.errors import ConfigError, DataError, SameDomain
from unpaired.games import specs
from unpaired.images.maps import VOID, write_map
from unpaired.networks.specs import PatchGAN, ResNet, SmallUNet
from unpaired.options import DataOptions, Training
from unpaired.run_config import load_config

SIZE = 16
GREY = Pictures(size=SIZE, channels=1, maps=True)
DATA = DataOptions(size=SIZE, channels=1, flip=False)


def scenes(
    root: Path, *, seed: int, train: int = 20, test: int = 20, names: tuple[str, ...] = ("ground", "square"), light: int = 0
) -> Path:
    """Squares on a ground, whose number is that of the name "square"; nobody labelled the first row."""
    chance = np.random.default_rng(seed)
    for end, count in (("train", train), ("test", test)):
        for folder in ("images", "labels"):
            (root / folder / end).mkdir(parents=True)
        for row in range(count):
            square = np.zeros((SIZE, SIZE), bool)
            top, left = chance.integers(1, 10, 2)
            square[top : top + 6, left : left + 6] = True
            pixels = chance.integers(0, 60, (SIZE, SIZE)) + 120 * square + light
            Image.fromarray(pixels.astype(np.uint8)).save(root / "images" / end / f"{row}.png")
            labels = np.where(square, names.index("square"), names.index("ground")).astype(np.uint8)
            labels[0] = VOID
            write_map(root / "labels" / end / f"{row}.png", labels)
    (root / "classes.txt").write_text("\n".join(names))
    return root


def opened(source: Path, target: Path, pictures: Pictures = GREY, *, test: Path | None = None) -> MapTask:
    return open_map_task(source, target, test=test, pictures=pictures, views=views(pictures, None))


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A source, a target whose classes have other numbers and which knows one more, and a translator that leaves images alone."""
    root = tmp_path_factory.mktemp("sets")
    target = scenes(root / "target", seed=1, names=("sky", "square", "ground"), light=20)
    return scenes(root / "source", seed=0), target, copier(root / "bundle")


class Judge:
    """Bright pixels are squares; but for the upper rows, of which it says something else."""

    def __init__(self, *classes: str, wrong: int = 0, says: str = "") -> None:
        self.classes, self.wrong, self.says = classes, wrong, says

    def labels(self, x: torch.Tensor) -> torch.Tensor:
        said = torch.where(x[:, 0] > -0.2, self.classes.index("square"), self.classes.index("ground"))
        if self.wrong:
            said[:, : self.wrong] = self.classes.index(self.says)
        return said


def test_classes_are_the_same_by_their_names(sets: tuple[Path, Path, Path]) -> None:
    task = opened(*sets[:2])
    assert task.source.classes == ("ground", "square")
    assert task.taught == 2
    assert task.tested is not None
    assert len(task.tested.maps) == 15  # a quarter chooses
    assert task.tested.apart
    assert set(np.unique(task.tested.maps)) == {0, 1, VOID}
    bright = task.tested.pixels[..., 0] > 100
    told = task.tested.maps != VOID
    assert np.array_equal(task.tested.maps[told], bright[told])
    assert places(("sky", "square", "ground"), ("ground", "square"))[[0, 1, 2, VOID]].tolist() == [VOID, 1, 0, VOID]


def test_a_target_of_pictures_alone_and_a_test_beside_it(sets: tuple[Path, Path, Path], tmp_path: Path) -> None:
    task = opened(sets[0], sets[1] / "images")
    assert (task.tested, task.oracle) == (None, None)
    assert task.domains == (str(sets[0] / "images"), str(sets[1] / "images"))
    beside = opened(sets[0], sets[1] / "images", test=scenes(tmp_path / "test", seed=3, test=7))
    assert beside.tested is not None
    assert len(beside.tested.maps) == 7
    assert beside.tested.apart


def test_what_cannot_be_adapted_is_refused(sets: tuple[Path, Path, Path], tmp_path: Path) -> None:
    with pytest.raises(SameDomain, match="hold the same images"):
        opened(sets[0], sets[0])
    with pytest.raises(ConfigError, match="--maps has no table; leave them out"):
        opened(*sets[:2], Pictures(size=SIZE, channels=1, maps=True, label="hair"))
    others = scenes(tmp_path / "others", seed=4)
    (others / "classes.txt").write_text("road\ncar\n")
    with pytest.raises(DataError, match="the classes of others are road, car, those of the source ground, square"):
        opened(sets[0], others)
    game = specs.CycleGAN(semantic=specs.SameClass())
    with pytest.raises(ConfigError, match="--semantic same_class reads classes of images"):
        adapt(sets[0], sets[1], out=tmp_path / "out", pictures=GREY, game=game)


def test_scores_are_those_of_scikit_learn() -> None:
    chance = np.random.default_rng(0)
    truth, said = chance.integers(0, 3, (2, 4, 8, 8)).astype(np.uint8)
    truth[0, 0] = VOID
    told = truth != VOID
    found = scores_of(said, truth, ("a", "b", "c"))
    assert found["per-pixel accuracy"] == pytest.approx(accuracy_score(truth[told], said[told]), abs=1e-4)
    recalls = recall_score(truth[told], said[told], average=None)
    overlaps = jaccard_score(truth[told], said[told], average=None)
    assert found["per-class accuracy"] == pytest.approx(recalls.mean(), abs=1e-4)
    assert found["mean class IoU"] == pytest.approx(overlaps.mean(), abs=1e-4)
    for name, right, overlap in zip("abc", recalls, overlaps, strict=True):
        assert found["by_class"][name] == {"accuracy": pytest.approx(right, abs=1e-4), "IoU": pytest.approx(overlap, abs=1e-4)}


def test_what_is_none_of_the_classes_is_wrong_and_no_class_of_its_own() -> None:
    truth = np.array([[[0, 0, 1, 1]]], np.uint8)
    found = scores_of(np.array([[[0, 2, 1, 1]]], np.uint8), truth, ("a", "b"))
    assert (found["per-pixel accuracy"], found["per-class accuracy"], found["mean class IoU"]) == (0.75, 0.75, 0.75)


@pytest.fixture(scope="module")
def both(sets: tuple[Path, Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[MapSet, MapSet]:
    source, folder = opened_maps(str(sets[0]), DATA), tmp_path_factory.mktemp("made") / "translated"
    write_translated_maps(source, unpaired.load(sets[2]), folder)
    return source, opened_maps(str(folder), DATA)


def test_maps_go_with_their_translations(both: tuple[MapSet, MapSet]) -> None:
    source, made = both
    assert made.classes == source.classes
    for mine, theirs in ((made.train_maps, source.train_maps), (made.test_maps, source.test_maps)):
        assert np.array_equal(mine, theirs)
    assert np.array_equal(made.images.train.pixels, source.images.train.pixels)


def test_flipped_pixels_by_hand(both: tuple[MapSet, MapSet], tmp_path: Path) -> None:
    """The source's judge is right; the target's calls four rows, of which one has no label, squares."""
    source, made = both
    judges: Any = (Judge("ground", "square"), Judge("sky", "square", "ground", wrong=4, says="square"))
    rows, seen = audit_maps(judges, made, source)
    assert len(rows) == 40
    assert seen[0] is not None
    assert (seen[0].misread, seen[0].commonest) == (0, [])
    maps = np.concatenate([made.train_maps, made.test_maps])
    ground = (maps[:, 1:4] == 0).sum(axis=(1, 2))
    assert seen[1] is not None
    assert seen[1].read == (maps != VOID).sum()
    assert seen[1].commonest == [("ground", "square", ground.sum())]
    shares = sorted((ground / (15 * SIZE)).tolist(), reverse=True)
    assert [row.wrong[1] for row in rows] == pytest.approx(shares)
    write_flipped(rows, tmp_path / "flips.csv")
    written = list(csv.DictReader((tmp_path / "flips.csv").open()))
    assert [float(row["by_target"]) for row in written] == pytest.approx(shares, abs=1e-4)
    assert {row["by_source"] for row in written} == {"0.0000"}
    assert {row["pixels"] for row in written} == {str(15 * SIZE)}
    assert all(row["original"].split("/")[0] == row["file"].split("/")[0] for row in written)
    draw_flipped(rows, tmp_path / "flips.png", judge=judges[1], translated=made, source=source)
    assert Image.open(tmp_path / "flips.png").size[0] > 4 * 64


def test_translations_that_are_read_as_they_are_labelled_have_not_flipped(both: tuple[MapSet, MapSet], tmp_path: Path) -> None:
    """The source's judge misreads three of them; nobody else misreads any."""
    source, made = both

    class Misreads(Judge):
        def labels(self, x: torch.Tensor) -> torch.Tensor:
            said = super().labels(x)
            said[:3, 8] = 1 - said[:3, 8]
            return said

    right, wrong = Judge("ground", "square"), Misreads("ground", "square")
    judges: Any = (right, None)
    rows, _ = audit_maps(judges, made, source)
    assert (len(rows), [row for row in rows if row.flipped]) == (40, [])
    draw_flipped(rows, tmp_path / "none.png", judge=judges[0], translated=made, source=source)
    assert not (tmp_path / "none.png").exists()
    judges = (wrong, right)
    rows, _ = audit_maps(judges, made, source)
    assert len([row for row in rows if row.flipped]) == 6  # of each part the first three
    draw_flipped(rows, tmp_path / "some.png", judge=judges[1], translated=made, source=source)
    few = Image.open(tmp_path / "some.png").size[1]
    judges = (Judge("ground", "square", wrong=4, says="square"), None)
    draw_flipped(audit_maps(judges, made, source)[0], tmp_path / "all.png", judge=judges[0], translated=made, source=source)
    assert few < Image.open(tmp_path / "all.png").size[1]


def test_a_class_that_a_judge_does_not_know_is_not_his_to_judge(both: tuple[MapSet, MapSet]) -> None:
    source, made = both
    judges: Any = (Judge("ground", "square"), Judge("square", "tree", "ground"))
    judges[1].classes = ("square", "tree", "soil")
    judges[1].labels = lambda x: torch.zeros(len(x), SIZE, SIZE, dtype=torch.int64)
    rows, seen = audit_maps(judges, made, source)
    assert seen[1] is not None
    maps = np.concatenate([made.train_maps, made.test_maps])
    assert (seen[1].read, seen[1].misread) == ((maps == 1).sum(), 0)
    assert {row.wrong for row in rows} == {(0.0, 0.0)}
    judges = (judges[0], None)
    assert {row.wrong for row in audit_maps(judges, made, source)[0]} == {(0.0, None)}


def test_the_command_and_its_table(sets: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    words = ["adapt", str(sets[0]), str(sets[1]), "--out", str(out), "--translator", str(sets[2]), "--maps", "--threads", "1"]
    words += ["--segmenter", "small_unet(width=4)", "--classifier-steps", "30", "--classifier-rate", "0.02"]
    cli.main([*words, "--classifier-batch", "8", "--compile", "off", "--precision", "float32"])
    said = capsys.readouterr().out
    assert "mean class IoU" in said
    assert "by the one whom the target's labels taught" in said
    result = json.loads((out / "result.json").read_text())
    assert list(result["accuracy"]) == ["source only", "on translated", "oracle"]
    assert all(found["per-pixel accuracy"] > 0.8 for found in result["accuracy"].values())
    assert result["tested"]["images"] == 15
    assert result["flips"]["source only"]["read"] == 40 * 15 * SIZE
    shares = [(row["by_source"], row["by_target"]) for row in csv.DictReader((out / "label_flips.csv").open())]
    assert len(shares) == 40
    assert result["flipped"] == sum(any(float(share) > 0 for share in row) for row in shares)
    assert (out / "flips.png").exists() == (str(out / "flips.png") in said) == bool(result["flipped"])
    assert all((out / name / "report.html").exists() for name in ("source", "adapted", "oracle"))


def test_a_translator_is_trained_on_the_pictures(sets: tuple[Path, Path, Path], tmp_path: Path) -> None:
    training = Training(steps=2, batch=4, ema=None, threads=1, compile="off", precision="float32", evaluate_every=2)
    game = specs.CycleGAN(generator=ResNet(width=2, blocks=1), discriminator=PatchGAN(width=2, layers=1), identity=0.0)
    teaching = Teaching(segmenter=SmallUNet(width=2), classifier_steps=2, classifier_batch=4)
    result = adapt(sets[0], sets[1], out=tmp_path / "out", pictures=GREY, teaching=teaching, game=game, training=training)
    run = load_config(tmp_path / "out" / "cyclegan")
    assert run.sources == (str(sets[0] / "images"), str(sets[1] / "images"))
    assert result["labels"] == "maps"
    assert journal.ended(tmp_path / "out" / "oracle")
