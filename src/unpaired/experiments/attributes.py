"""What experiments with labelled faces share: the questions, and a judge that was taught on real faces.

StarGAN's authors let a classifier that was trained on real faces say which attribute a translated one shows, and count its errors
(Choi et al. 2018, section 5.5, table 2). The faces here are drawn, so the answers can also be compared with the exact
counterpart of each face: the same face with nothing else changed.
"""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from unpaired import images
from unpaired.data.labelled import LabelledImages, LabelledSet
from unpaired.data.labels import UNKNOWN, Attribute, find_value
from unpaired.evaluation.scoring import rows_of
from unpaired.experiments.base import Size
from unpaired.experiments.classifier import Classifier, Lessons, accuracy, taught
from unpaired.games import specs
from unpaired.metrics import paired, relation
from unpaired.networks.specs import StarGANDiscriminator, StarGANGenerator
from unpaired.options import Adam, Training

CHOI = "Choi et al., StarGAN: Unified Generative Adversarial Networks for Multi-Domain Image-to-Image Translation, CVPR 2018"
NOTHING, REAL = "doing nothing", "exact counterparts"
SHOWN = 8
PIXELS = 64
_SMALL = specs.StarGAN(
    generator=StarGANGenerator(width=32, blocks=3, change=True),
    discriminator=StarGANDiscriminator(width=24, layers=5),
    identity=5.0,
    critic=1,
    optimizer=Adam(learning_rate=5e-4),
)
STARGANS: Mapping[Size, specs.StarGAN] = {
    "quick": _SMALL,
    "default": _SMALL,
    "paper": specs.StarGAN(discriminator=StarGANDiscriminator(layers=5)),
}
LESSONS: Mapping[Size, Lessons] = {"quick": Lessons(steps=60), "default": Lessons(), "paper": Lessons()}
"""Of the judge."""
Row = dict[str, float]
Answer = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(images [N, C, H, W], their values [N, A], wanted values [N, A]) -> images: -1 is wanted of an attribute that is to stay."""


class Question(NamedTuple):
    """Faces [N, C, H, W] whose attributes are to change.

    values, wanted: [N, A], what they have and what they are to have, -1 where it is to stay; truths: the same faces changed.
    """

    faces: Tensor
    values: Tensor
    wanted: Tensor
    truths: Tensor


def training(steps: int) -> Training:
    """How each model is trained."""
    half = max(1, steps // 2)
    tenth = max(1, steps // 10)
    return Training(steps=steps, batch=8, schedule="linear", decay_from=0.5, ema=0.99, evaluate_every=half, save_every=tenth)


def singles(one: LabelledSet, attributes: tuple[Attribute, ...], values: Tensor) -> dict[str, Question]:
    """Of every value of every attribute, the test faces of a set that lack it. values: [N, A] of all its held-out faces."""
    rows = rows_of(one.test.pixels, "test")
    faces, own = images.to_tensor(one.test.pixels[rows]), values[rows]
    questions = {}
    for index, attribute in enumerate(attributes):
        for value, name in enumerate(attribute.values):
            lacking = own[:, index] != value
            wanted = torch.full_like(own, UNKNOWN)
            wanted[:, index] = value
            truths = images.to_tensor(one.truths[f"{attribute.name}={name}"][rows])
            target = f"{attribute.name}={name}"
            questions[target] = Question(faces[lacking], own[lacking], wanted[lacking], truths[lacking])
    return questions


def combined(folder: Path, one: LabelledSet, attributes: tuple[Attribute, ...]) -> dict[str, Question]:
    """Changes of several attributes at once, "hair+glasses" and so on, as `combined.csv` of the set in `folder` asks for them."""
    rows = rows_of(one.test.pixels, "test")
    names = one.test.names[rows]
    with (folder / "combined.csv").open(newline="", encoding="utf-8") as table:
        targets = {row["file"]: row for row in csv.DictReader(table)}
    goal = torch.tensor(
        [[find_value(attributes, a.name, targets[name][a.name])[1] for a in attributes] for name in names], dtype=torch.int64
    )
    faces, own = images.to_tensor(one.test.pixels[rows]), torch.from_numpy(one.test.values[rows])
    questions = {}
    for place in sorted((folder / "truth" / "combined").iterdir()):
        changed = [attribute.name in place.name.split("+") for attribute in attributes]
        truths = np.stack([images.read(place / Path(name).name, channels=3) for name in names])
        wanted = torch.where(torch.tensor(changed), goal, UNKNOWN)
        questions[place.name] = Question(faces, own, wanted, images.to_tensor(truths))
    return questions


def judge_of(pixels: np.ndarray, values: np.ndarray, attributes: tuple[Attribute, ...], *, lessons: Lessons) -> Classifier:
    """A classifier that was taught on real training faces [N, H, W, C] and their values [N, A]."""
    classes = [len(attribute.values) for attribute in attributes]
    return taught(images.to_tensor(pixels), torch.from_numpy(values), classes=classes, lessons=lessons)


def judged_real(judge: Classifier, one: LabelledSet, attributes: tuple[Attribute, ...], values: Tensor) -> Row:
    """The judge's own error on real test faces, by attribute."""
    rows = rows_of(one.test.pixels, "test")
    right = accuracy(judge.values(images.to_tensor(one.test.pixels[rows])), values[rows])
    return {attribute.name: 1 - share for attribute, share in zip(attributes, right, strict=True)}


def score(answer: Tensor, question: Question, judge: Classifier) -> Row:
    """How well a question was answered.

    taken: the share of faces of which the judge sees every wanted value; kept: that of which it sees all others unchanged. error:
    mean absolute difference to the exact counterparts, as a share of the range; error where to keep, where to change: at pixels
    that the change should leave alone, and at all others. retrieval top-1: the share of answers that are nearest to their own
    counterpart of all, so that one can tell who it is.
    """
    found, asked = judge.values(answer), question.wanted != UNKNOWN
    right = (found == torch.where(asked, question.wanted, question.values)) | (~asked & (question.values == UNKNOWN))
    change = paired.change_errors(answer, inputs=question.faces, truths=question.truths)
    return {
        "taken": float((right | ~asked).all(dim=1).float().mean()),
        "kept": float((right | asked).all(dim=1).float().mean()),
        "error": float(paired.mean_absolute_error(answer, question.truths).mean()),
        "error where to change": change.where_to_change,
        "error where to keep": change.where_to_keep,
        "retrieval top-1": relation.retrieval(answer, question.truths)["top-1"],
    }


def answered(answer: Answer, questions: Mapping[str, Question], judge: Classifier) -> dict[str, Row]:
    """The scores of every question."""
    return {
        name: score(answer(question.faces, question.values, question.wanted), question, judge)
        for name, question in questions.items()
    }


def truth(questions: Mapping[str, Question], judge: Classifier) -> dict[str, Row]:
    """What the judge says of the exact counterparts: "real"."""
    return {
        name: {key: score(question.truths, question, judge)[key] for key in ("taken", "kept")}
        for name, question in questions.items()
    }


def nothing(faces: Tensor, values: Tensor, wanted: Tensor) -> Tensor:
    """Doing nothing, as an answer."""
    return faces


def mean_of(rows: Mapping[str, Row], measure: str, *, of: str = "") -> float:
    """The mean of a measure over questions; of: over those whose names begin so."""
    values = [row[measure] for name, row in rows.items() if name.startswith(of)]
    return sum(values) / len(values)


def settings_of(wanted: Tensor) -> dict[tuple[int, ...], Tensor]:
    """Rows of wanted values [N, A] that are equal: each with the rows that want it."""
    unique, which = wanted.unique(dim=0, return_inverse=True)
    return {tuple(row): (which == place).nonzero()[:, 0] for place, row in enumerate(unique.tolist())}


def wanted_settings(row: tuple[int, ...]) -> dict[int, int]:
    """A row of wanted values as what is to change: attribute -> value."""
    return {attribute: value for attribute, value in enumerate(row) if value != UNKNOWN}


def hidden_values(folder: Path, data: LabelledImages, one: LabelledSet, part: str) -> Tensor:
    """The values of all attributes of a set's faces, as `hidden.csv` in its folder tells them: [N, A]."""
    names = one.train.names if part == "train" else one.test.names
    with (folder / "hidden.csv").open(newline="", encoding="utf-8") as table:
        rows = {row["file"]: row for row in csv.DictReader(table)}
    values = [[find_value(data.attributes, a.name, rows[name][a.name])[1] for a in data.attributes] for name in names]
    return torch.tensor(values, dtype=torch.int64)
