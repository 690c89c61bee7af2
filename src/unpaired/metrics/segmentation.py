"""Label maps against label maps: how a translation is scored by what a segmenter sees in it.

A segmenter that was trained on real images of the target domain labels the translated ones; the better the translation,
the nearer its labels come to the true ones (the "FCN score" of Isola et al. 2017, section 4.1, and of Zhu et al. 2017,
section 5.1.1). The three numbers are those of Long et al. 2015, section 5, all shares in [0, 1].
"""

from typing import NamedTuple

import torch
from torch import Tensor

from unpaired.errors import ShapeError


class LabelScores(NamedTuple):
    """Shares in [0, 1], as the papers' tables name them."""

    per_pixel_accuracy: float
    """Of all pixels, those labelled right."""
    per_class_accuracy: float
    """The same for the pixels of each class, then the mean over the classes that are there."""
    mean_class_iou: float
    """Of the pixels that are or are called a class, those that are both; then the mean over the classes that are or are
    called."""


def confusion(answers: Tensor, truths: Tensor, *, classes: int, void: int | None = None) -> Tensor:
    """How often each class (rows: the truth) was called each class (columns: the answer): [classes, classes], int64.

    answers, truths: integers of one shape (any), from 0 to `classes` - 1; where the truth is `void`, nothing counts. On the
    CPU. ShapeError where the shapes or the labels do not fit.
    """
    if answers.shape != truths.shape:
        raise ShapeError(f"found answers {list(answers.shape)} and truths {list(truths.shape)}; wanted label maps of one shape")
    answers, truths = (x.detach().to("cpu", torch.int64).flatten() for x in (answers, truths))
    if void is not None:
        answers, truths = (x[truths != void] for x in (answers, truths))
    for name, labels in (("answers", answers), ("truths", truths)):
        if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
            found = f"{int(labels.min())} to {int(labels.max())}"
            raise ShapeError(f"found labels from {found} among the {name}; wanted 0 to {classes - 1}, or void, which is {void}")
    return torch.bincount(truths * classes + answers, minlength=classes * classes).reshape(classes, classes)


def label_scores(confusion: Tensor) -> LabelScores:
    """The three numbers of a confusion matrix [C, C] (rows: the truth). ShapeError where it is not square or counts nothing."""
    counts = _counts(confusion)
    right, there = counts.diagonal(), counts.sum(dim=1)
    return LabelScores(
        float(right.sum() / counts.sum()),
        float((right / there)[there > 0].mean()),
        float(class_iou(confusion).nanmean()),
    )


def class_accuracy(confusion: Tensor) -> Tensor:
    """Of the pixels of each class, the share labelled right: [C] float64, NaN for a class that is not there."""
    counts = _counts(confusion)
    return counts.diagonal() / counts.sum(dim=1)


def class_iou(confusion: Tensor) -> Tensor:
    """Intersection over union of each class: [C] float64, NaN for a class that neither is nor is called."""
    counts = _counts(confusion)
    right = counts.diagonal()
    return right / (counts.sum(dim=0) + counts.sum(dim=1) - right)


def _counts(confusion: Tensor) -> Tensor:
    if confusion.ndim != 2 or confusion.shape[0] != confusion.shape[1] or not int(confusion.sum()):
        raise ShapeError(
            f"found a confusion matrix {list(confusion.shape)} of {int(confusion.sum())} pixels; wanted [C, C] with at least one"
        )
    return confusion.double()
