"""A small segmenter: trained on real images with label maps, it says what it sees in translated ones.

The papers take an FCN that was trained on the data set at hand; this one is small enough to be trained within minutes.
`metrics.segmentation` scores its answers.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from unpaired.errors import ShapeError
from unpaired.experiments.teaching import taught_by
from unpaired.networks.build import segmenter
from unpaired.networks.segmenter import rarity
from unpaired.networks.specs import SmallUNet
from unpaired.products import Segmenter


class Lessons(NamedTuple):
    """How a segmenter is trained. width: channels at full resolution; they double with each of the two halvings."""

    steps: int = 600
    batch: int = 16
    width: int = 16
    learning_rate: float = 2e-3
    seed: int = 0


def taught(images: Tensor, labels: Tensor, *, classes: int, void: int, lessons: Lessons) -> Segmenter:
    """A segmenter that was trained on these images: cross-entropy over all pixels that are not void, Adam, half a cosine.

    A class weighs by the root of its rarity: unweighted, rare ones were not found at all within some hundred steps.

    images: [N, C, H, W] in [-1, 1]; labels: [N, H, W], integers below `classes`, or `void`. The same arguments give the same
    weights on the same machine; the caller's random state stays as it was. ShapeError where the two do not fit.
    """
    if images.ndim != 4 or labels.shape != (len(images), *images.shape[2:]) or any(side % 4 for side in images.shape[2:]):
        raise ShapeError(
            f"found images {list(images.shape)} and labels {list(labels.shape)}; wanted [N, C, H, W] and [N, H, W], "
            "H and W multiples of 4"
        )
    weights = rarity(torch.bincount(labels[labels != void].flatten().long(), minlength=classes))
    spec, shape = SmallUNet(width=lessons.width), tuple(images.shape[1:])
    network = taught_by(
        lambda: segmenter(spec, shape, classes=classes),
        lambda network, rows: F.cross_entropy(network(images[rows]), labels[rows].long(), weight=weights, ignore_index=void),
        steps=lessons.steps,
        batch=lessons.batch,
        count=len(images),
        learning_rate=lessons.learning_rate,
        seed=lessons.seed,
    )
    return Segmenter(network, spec=spec, shape=shape, classes=[str(index) for index in range(classes)])
