"""Label flips: translated images that classifiers read as another class than the label that they were given."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unpaired.adaptation.reading import read
from unpaired.adaptation.result import Seen, seen_of
from unpaired.data.image_set import ImageSet
from unpaired.data.labelled import LabelledPart, Values
from unpaired.data.labels import UNKNOWN
from unpaired.files import replacing
from unpaired.products import Classifier

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
    for end in ("train", "test"):
        part, classes = part_of(translated, end)
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
                original, place = original_of(file, source)
                flips.append(Flip(file, original.names[place], label, (said[0], said[1]), min(sure), len(sure), (end, row)))
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


def part_of(one: ImageSet, end: str) -> tuple[LabelledPart, Values]:
    """The images that a set trains on, or holds out, and their classes. end: "train" or "test"."""
    return (one.train, one.train_classes) if end == "train" else (one.test, one.test_classes)


def original_of(file: str, source: ImageSet) -> tuple[LabelledPart, int]:
    """The image that a translated file `train/000012.png` was made of: its part of the source, and its row there."""
    return part_of(source, Path(file).parent.name)[0], int(Path(file).stem)
