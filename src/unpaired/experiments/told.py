"""Digits of which some are told the class of, and what classifiers that were told them misread."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from unpaired.data.image_set import ImageSet, few_told
from unpaired.data.labels import UNKNOWN
from unpaired.experiments.base import Metrics

Errors = Mapping[str, Mapping[str, float]]
"""By labels told, of each set of features the share of test digits that are misread."""


def told(data: ImageSet, count: int | None, *, seed: int) -> Tensor:
    """Rows of the training digits whose class is told: so many, as many of each class as may be, or all; int64."""
    assert data.attribute is not None
    known = data.train_classes
    if count is not None:
        known = few_told(known, data.attribute, count=count, seed=seed)
    return torch.from_numpy(np.flatnonzero(known != UNKNOWN))


def misread(table: str, *names: str, fewest: bool = False) -> Callable[[Metrics], Errors]:
    """For a claim: errors by a table {features: {labels told: error}}, of these features; fewest: with the fewest labels."""

    def of(metrics: Metrics) -> Errors:
        found = metrics["tables"][table]
        labels = list(found[names[0]])
        return {each: {name: found[name][each] for name in names} for each in (labels[:1] if fewest else labels)}

    return of


def fewer(first: str, second: str) -> Callable[[Errors], bool]:
    """For a claim: whether by the first features fewer digits are misread than by the second, however many labels are told."""
    return lambda found: all(errors[first] < errors[second] for errors in found.values())
