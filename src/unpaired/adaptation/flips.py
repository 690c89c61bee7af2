"""Label flips: translated images that classifiers read as another class than the label that they were given."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from unpaired import images
from unpaired.adaptation.reading import read
from unpaired.adaptation.result import Seen, seen_of
from unpaired.data.image_set import ImageSet
from unpaired.data.labelled import LabelledPart
from unpaired.data.labels import UNKNOWN
from unpaired.files import replacing
from unpaired.images import Pixels
from unpaired.products import Classifier

SHOWN = 16
COLUMNS = ("file", "original", "label", "by_source", "by_target", "confidence")


class Judges(NamedTuple):
    """Who reads the translations: a classifier taught by the source, and one by the target's own labels, if there is one."""

    source: Classifier
    target: Classifier | None


class Flip(NamedTuple):
    """A translation that is read as another class.

    file: its name; original: that of the image it was made of; label: the class that both ought to have. said: what each judge
    reads, "" of one who is not there or does not know the label's class. misread: how many read another class; confidence: the
    probability that they give it, of two the lower one. row: its part of the translated set, and place there.
    """

    file: str
    original: str
    label: str
    said: tuple[str, str]
    confidence: float
    misread: int
    row: tuple[str, int]


class Audit(NamedTuple):
    """flips: the worst first, which are those that both judges see, then the surest. seen: by judge, in the order of `Judges`;
    None of one who is not there.
    """

    flips: list[Flip]
    seen: tuple[Seen | None, Seen | None]


def audit(judges: Judges, translated: ImageSet, source: ImageSet) -> Audit:
    """Read all translations that have labels. translated: what `write_translated` made of `source`."""
    flips: list[Flip] = []
    tallies = (Counter[tuple[str, str]](), Counter[tuple[str, str]]())
    for end, part, classes in _parts(translated):
        readings = [None if judge is None else read(judge, part.pixels) for judge in judges]
        for row in np.flatnonzero(classes != UNKNOWN).tolist():
            label, said, sure = translated.classes[classes[row]], ["", ""], []
            for which, (judge, reading) in enumerate(zip(judges, readings, strict=True)):
                if judge is None or reading is None or label not in judge.classes:
                    continue
                said[which] = reading.said[row]
                tallies[which][label, said[which]] += 1
                if said[which] != label:
                    sure.append(reading.confidence[row])
            if sure:
                file = part.names[row]
                original = _original(file, source)[0]
                flips.append(Flip(file, original, label, (said[0], said[1]), min(sure), len(sure), (end, row)))
    flips.sort(key=lambda flip: (-flip.misread, -flip.confidence, flip.file))
    seen = [None if judge is None else seen_of(tally) for judge, tally in zip(judges, tallies, strict=True)]
    return Audit(flips, (seen[0], seen[1]))


def write_flips(flips: Sequence[Flip], path: Path) -> None:
    """A CSV with a row for each flip, in their order: file, original, label, by_source, by_target, confidence."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((flip.file, flip.original, flip.label, *flip.said, f"{flip.confidence:.4f}") for flip in flips)
    with replacing(path) as temporary:
        temporary.write_text(table.getvalue(), encoding="utf-8")


def draw_flips(flips: Sequence[Flip], path: Path, *, translated: ImageSet, source: ImageSet) -> None:
    """A sheet of the first flips, a row each: the image, its translation, its label, and what is read. Nothing without any."""
    rows: list[tuple[str, Tensor]] = []
    parts = {end: part for end, part, _ in _parts(translated)}
    for flip in flips[:SHOWN]:
        end, row = flip.row
        _, part, place = _original(flip.file, source)
        pair = [_colour(part.pixels[place]), _colour(parts[end].pixels[row])]
        read_as = " and ".join(dict.fromkeys(said for said in flip.said if said and said != flip.label))
        rows.append((f"{flip.label}, read as {read_as} ({flip.confidence:.0%})", torch.cat(pair)))
    if rows:
        scale = max(1, 96 // rows[0][1].shape[-1])
        images.write(path, images.labelled_grid(rows, titles=("image", "translated"), scale=scale))


def _parts(one: ImageSet) -> list[tuple[str, LabelledPart, np.ndarray]]:
    return [("train", one.train, one.train_classes), ("test", one.test, one.test_classes)]


def _original(file: str, source: ImageSet) -> tuple[str, LabelledPart, int]:
    """The image that a translated file `train/000012.png` was made of: its name, its part of the source, its row there."""
    end, place = Path(file).parent.name, int(Path(file).stem)
    part = source.train if end == "train" else source.test
    return part.names[place], part, place


def _colour(pixels: Pixels) -> Tensor:
    """[H, W, C] -> [1, 3, H, W] in [-1, 1]: so that images of different channels stand side by side."""
    few = pixels if pixels.shape[2] <= 4 else pixels[:, :, :3]
    return images.to_tensor(images.convert(few, channels=3)[None])
