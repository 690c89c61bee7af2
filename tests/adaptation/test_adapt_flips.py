"""Labels that flipped, by judges whose answers are known: they read the place of the bright bar, but for some images."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from adapt_sets import SIZE, arrays, copier
from PIL import Image

import unpaired
from unpaired.adaptation.classes import opened_set
from unpaired.adaptation.flips import Judges, audit, write_flips
from unpaired.adaptation.sheets import draw_flips
from unpaired.adaptation.translated import write_translated
from unpaired.data.image_set import ImageSet
from unpaired.options import DataOptions

DATA = DataOptions(size=SIZE, channels=1, flip=False)
TRAIN, TEST = 12, 6


class Judge:
    """Reads bars as they are, those of one class as another's so surely."""

    def __init__(self, *classes: str, wrong: str = "", says: str = "", sure: float = 1.0) -> None:
        self.classes, self.wrong, self.says, self.sure = classes, wrong, says, sure

    def scores(self, x: torch.Tensor) -> torch.Tensor:
        bars = torch.stack([x[:, 0, top : top + 3].mean(dim=(1, 2)) for top in (2, 7, 12)], dim=1)
        answers = torch.zeros(len(x), len(self.classes))
        for row, name in enumerate("abc"[index] for index in bars.argmax(dim=1).tolist()):
            said, sure = (self.says, self.sure) if name == self.wrong else (name, 1.0)
            said = said if said in self.classes else self.classes[0]
            answers[row] = (1 - sure) / (len(self.classes) - 1)
            answers[row, self.classes.index(said)] = sure
        return answers


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[ImageSet, ImageSet]:
    """Bars, and the same as a translator that leaves them alone writes them."""
    root = tmp_path_factory.mktemp("flips")
    source = opened_set(str(arrays(root / "set" / "s.npz", seed=0, train=TRAIN, test=TEST)), DATA)
    write_translated(source, unpaired.load(copier(root / "bundle")), root / "translated")
    return source, opened_set(str(root / "translated"), DATA)


def test_no_flips(both: tuple[ImageSet, ImageSet], tmp_path: Path) -> None:
    source, made = both
    found = audit(Judges(Judge("a", "b", "c"), None), made, source)  # type: ignore[arg-type]
    assert found.flips == []
    assert found.seen[0] is not None
    assert (found.seen[0].read, found.seen[0].misread, found.seen[0].commonest) == (TRAIN + TEST, 0, [])
    assert found.seen[1] is None
    write_flips(found.flips, tmp_path / "none.csv")
    assert (tmp_path / "none.csv").read_text() == "file,original,label,by_source,by_target,confidence\n"
    draw_flips(found.flips, tmp_path / "none.png", translated=made, source=source)
    assert not (tmp_path / "none.png").exists()


def test_the_worst_first(both: tuple[ImageSet, ImageSet], tmp_path: Path) -> None:
    """b is misread by both, a by the target's judge alone."""
    source, made = both
    judges = Judges(
        Judge("a", "b", "c", wrong="b", says="c", sure=0.9),  # type: ignore[arg-type]
        Judge("c", "b", "a", wrong="b", says="a", sure=0.7),  # type: ignore[arg-type]
    )
    found = audit(judges, made, source)
    assert [flip.said for flip in found.flips] == [("c", "a")] * 6
    assert [flip.confidence for flip in found.flips] == pytest.approx([0.7] * 6)
    assert [seen.commonest for seen in found.seen if seen] == [[("b", "c", 6)], [("b", "a", 6)]]
    judges = judges._replace(target=Judge("a", "b", "c", wrong="a", says="b"))  # type: ignore[arg-type]
    found = audit(judges, made, source)
    assert [(flip.label, *flip.said) for flip in found.flips] == [("a", "a", "b")] * 6 + [("b", "c", "b")] * 6
    write_flips(found.flips, tmp_path / "flips.csv")
    rows = list(csv.DictReader((tmp_path / "flips.csv").open()))
    assert [float(row["confidence"]) for row in rows] == [1.0] * 6 + [0.9] * 6
    assert {row["file"].split("/")[0] for row in rows} == {"train", "test"}
    for row in rows:  # arrays have their rows for names
        end, place = row["file"].removesuffix(".png").split("/")
        assert row["original"] == f"{end}/{int(place)}.npy"
        assert "abc"[int(place) % 3] == row["label"]
    draw_flips(found.flips, tmp_path / "flips.png", translated=made, source=source)
    height = Image.open(tmp_path / "flips.png").size[1]
    assert height > len(rows) * 64


def test_a_class_that_a_judge_does_not_know_is_not_his_to_judge(both: tuple[ImageSet, ImageSet]) -> None:
    source, made = both
    found = audit(Judges(Judge("a", "b", "c"), Judge("a", "b", "z")), made, source)  # type: ignore[arg-type]
    assert found.flips == []
    assert [seen.read for seen in found.seen if seen] == [TRAIN + TEST, (TRAIN + TEST) * 2 // 3]


def test_images_without_a_label_have_none_to_flip(tmp_path: Path) -> None:
    path = arrays(tmp_path / "set" / "s.npz", seed=0, train=TRAIN, test=TEST)
    parts = dict(np.load(path))
    parts["y_train"][:3] = -1
    np.savez(path, **parts)
    source = opened_set(str(path), DATA)
    write_translated(source, unpaired.load(copier(tmp_path / "bundle")), tmp_path / "translated")
    found = audit(Judges(Judge("b", "a", "c", wrong="a", says="b"), None), opened_set(str(tmp_path / "translated"), DATA), source)  # type: ignore[arg-type]
    assert found.seen[0] is not None
    assert (found.seen[0].read, found.seen[0].misread) == (TRAIN + TEST - 3, 5)
    assert "train/000000.png" not in [flip.file for flip in found.flips]
