"""Pixels that flipped: label maps of translated images that segmenters read as other classes."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from unpaired.adaptation.map_scores import said_of
from unpaired.adaptation.result import Seen, seen_of
from unpaired.data.label_maps import MapSet
from unpaired.data.labelled import LabelledPart
from unpaired.files import replacing
from unpaired.images.maps import VOID, Labels
from unpaired.products import Segmenter

COLUMNS = ("file", "original", "pixels", "by_source", "by_target")


class FlippedPixels(NamedTuple):
    """How much of a translation is read as other classes. pixels: that have a label; wrong: the share of those that each judge
    knows which it reads as another class, None of one who is not there or knows none. row: its part, and place there.
    """

    file: str
    original: str
    pixels: int
    wrong: tuple[float | None, float | None]
    row: tuple[str, int]

    @property
    def flipped(self) -> bool:
        """Whether any judge reads a pixel as another class."""
        return any(self.wrong)


def audit_maps(
    judges: tuple[Segmenter, Segmenter | None], translated: MapSet, source: MapSet
) -> tuple[list[FlippedPixels], tuple[Seen | None, Seen | None]]:
    """Read all translations that have a map: each one's shares, the worst first by the target's judge, if there is one, else by
    the source's; and what each judge sees. translated: what was made of `source`.
    """
    rows: list[FlippedPixels] = []
    tallies = tuple(Counter[tuple[str, str]]() for _ in judges)
    known = [_known(judge, source.classes) for judge in judges]
    for end in ("train", "test"):
        part, maps = part_of(translated, end)
        readings = [None if judge is None else said_of(judge, part.pixels, source.classes) for judge in judges]
        for row in np.flatnonzero((maps != VOID).any(axis=(1, 2))).tolist():
            wrong: list[float | None] = []
            for reading, knows, tally in zip(readings, known, tallies, strict=True):
                asked = knows[maps[row]]
                if reading is None or not asked.any():
                    wrong.append(None)
                    continue
                truth, said = maps[row][asked], reading[row][asked]
                wrong.append(float((truth != said).mean()))
                _count(tally, truth, said, source.classes)
            file, pixels = part.names[row], int((maps[row] != VOID).sum())
            original, place = original_of(file, source)
            rows.append(FlippedPixels(file, original.names[place], pixels, (wrong[0], wrong[1]), (end, row)))
    rows.sort(key=lambda found: (-worst(found), found.file))
    seen = [None if judge is None else seen_of(tally) for judge, tally in zip(judges, tallies, strict=True)]
    return rows, (seen[0], seen[1])


def write_flipped(rows: Sequence[FlippedPixels], path: Path) -> None:
    """A CSV with a row for each translation, in their order: file, original, pixels, by_source, by_target."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow((row.file, row.original, row.pixels, *("" if share is None else f"{share:.4f}" for share in row.wrong)))
    with replacing(path) as temporary:
        temporary.write_text(table.getvalue(), encoding="utf-8")


def _count(tally: Counter[tuple[str, str]], truth: Labels, said: Labels, classes: Sequence[str]) -> None:
    names = (*classes, "another")
    pairs, counts = np.unique(truth.astype(np.int64) * (VOID + 1) + said, return_counts=True)
    for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
        tally[names[pair // (VOID + 1)], names[pair % (VOID + 1)]] += count


def worst(found: FlippedPixels) -> float:
    """The share that the target's judge reads as another class, if there is one, else the source's."""
    by_source, by_target = found.wrong
    return by_target if by_target is not None else by_source or 0.0


def part_of(one: MapSet, end: str) -> tuple[LabelledPart, Labels]:
    """The images that a set trains on, or holds out, and their maps. end: "train" or "test"."""
    return (one.images.train, one.train_maps) if end == "train" else (one.images.test, one.test_maps)


def original_of(file: str, source: MapSet) -> tuple[LabelledPart, int]:
    """The image that a translated file `train/000012.png` was made of: its part of the source, and its row there."""
    return part_of(source, Path(file).parent.name)[0], int(Path(file).stem)


def _known(judge: Segmenter | None, classes: Sequence[str]) -> npt.NDArray[np.bool_]:
    """For each number of a map, whether a judge knows that class: [256]."""
    known = np.zeros(VOID + 1, bool)
    known[: len(classes)] = [judge is not None and name in judge.classes for name in classes]
    return known
