"""How good what a game leaves is on held-out images."""

from pathlib import Path
from typing import Any

from unpaired import images
from unpaired.data.labelled import LabelledImages
from unpaired.evaluation.attributes import AttributesExam
from unpaired.evaluation.domains import BACK, DomainsExam, held_out
from unpaired.evaluation.scoring import (
    ALL,
    Case,
    Exam,
    HeldOut,
    Part,
    Scores,
    criterion,
    criterion_measure,
    evaluate,
    rows_of,
)

__all__ = [
    "ALL",
    "BACK",
    "Case",
    "Exam",
    "HeldOut",
    "Part",
    "Scores",
    "criterion",
    "criterion_measure",
    "draw",
    "evaluate",
    "exam_of",
    "held_out",
    "rows_of",
]


def exam_of(data: Any) -> Exam:
    """What these data ask of what a game leaves."""
    return AttributesExam(data) if isinstance(data, LabelledImages) else DomainsExam(data)


def draw(exam: Exam, cases: list[Case], *, path: Path) -> None:
    """Write a sheet of the first held-out images and what becomes of them; nothing where there is none."""
    rows = exam.shown(cases)
    if rows:
        images.write(path, images.labelled_grid(rows, scale=max(1, 96 // rows[0][1].shape[-1])))
