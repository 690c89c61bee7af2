"""How good what a game leaves is on held-out images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from unpaired import images
from unpaired.data.batches import Domains
from unpaired.data.image_pair import ImagePair
from unpaired.data.image_set import ImageSet
from unpaired.data.label_maps import MapSet
from unpaired.data.labelled import LabelledImages
from unpaired.evaluation.attributes import AttributesExam
from unpaired.evaluation.domains import BACK, DomainsExam, held_out
from unpaired.evaluation.generators import GeneratorsExam, untouched
from unpaired.evaluation.maps import MapsExam
from unpaired.evaluation.scoring import (
    ALL,
    Case,
    Exam,
    HeldOut,
    Look,
    Part,
    Scores,
    Standard,
    criterion,
    criterion_measure,
    evaluate,
    rows_of,
    standard,
)

__all__ = [
    "ALL",
    "BACK",
    "Case",
    "Exam",
    "HeldOut",
    "Look",
    "Part",
    "Scores",
    "Standard",
    "cases_of",
    "criterion",
    "criterion_measure",
    "draw",
    "evaluate",
    "exam_of",
    "held_out",
    "rows_of",
    "rows_of_samples",
    "standard",
    "untouched",
]


def exam_of(data: Any) -> Exam:
    """What these data ask of what a game leaves."""
    if isinstance(data, ImageSet | ImagePair):
        return GeneratorsExam(data)
    if isinstance(data, MapSet):
        return MapsExam(data)
    return AttributesExam(data) if isinstance(data, LabelledImages) else DomainsExam(data)


def cases_of(data: Any, remains: Mapping[str, object], *, part: Part) -> list[Case]:
    """The translations that these data ask of translators; none of what does not translate."""
    if isinstance(data, LabelledImages):
        return AttributesExam(data).cases(remains, part=part)
    return DomainsExam(data).cases(remains, part=part) if isinstance(data, Domains) else []


def rows_of_samples(data: Any, remains: Mapping[str, object], *, part: Part) -> list[tuple[str, Tensor]]:
    """The rows of a sheet of what is made of nothing, of images there and back, or of label maps; none of translations."""
    exam = exam_of(data)
    return exam.rows(remains, part=part) if isinstance(exam, GeneratorsExam | MapsExam) else []


def draw(rows: Sequence[tuple[str, Tensor]], *, path: Path) -> None:
    """Write a sheet of what a look at the first held-out images shows; nothing where there is none."""
    if rows:
        images.write(path, images.labelled_grid(rows, scale=max(1, 96 // rows[0][1].shape[-1])))
