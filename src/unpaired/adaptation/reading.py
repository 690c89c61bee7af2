"""What classifiers read, by the names of classes, and how much of it is right."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from unpaired import images
from unpaired.images import Pixels
from unpaired.products import Classifier

AT_ONCE = 256
"""Images that are held as floats at once."""


class Reading(NamedTuple):
    """What is read in images. said: the name of each one's class; confidence: its probability."""

    said: tuple[str, ...]
    confidence: tuple[float, ...]


class Accuracy(NamedTuple):
    """Shares in [0, 1] that are read right. by_class: of each class that is there."""

    overall: float
    by_class: dict[str, float]


def read(reader: Classifier, pixels: Pixels) -> Reading:
    """What a classifier reads in images [N, H, W, C] of its shape."""
    said: list[str] = []
    confidence: list[float] = []
    for start in range(0, len(pixels), AT_ONCE):
        scores = reader.scores(images.to_tensor(np.ascontiguousarray(pixels[start : start + AT_ONCE])))
        best = torch.max(scores, dim=1)
        said += [reader.classes[index] for index in best.indices.tolist()]
        confidence += best.values.tolist()
    return Reading(tuple(said), tuple(confidence))


def accuracy(said: Sequence[str], truth: Sequence[str], *, classes: Sequence[str]) -> Accuracy:
    """How much of what is said is true, of one image at least; by_class in the order of `classes`."""
    right = np.array(said) == np.array(truth)
    of = {name: right[[other == name for other in truth]] for name in classes}
    return Accuracy(float(right.mean()), {name: float(found.mean()) for name, found in of.items() if len(found)})
