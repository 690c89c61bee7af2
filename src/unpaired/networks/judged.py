"""What a discriminator of whole images says, and the features by which it says it."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unpaired.errors import ShapeError


class Judged(NamedTuple):
    """A discriminator's answer to images [N, C, H, W].

    source: [N], the score of being real, before any sigmoid; classes: [N, K], the scores of the classes, before any softmax;
    either None where the discriminator does not judge it. features: what each hidden layer makes of the images, first to last.
    """

    source: Tensor | None
    classes: Tensor | None
    features: list[Tensor]


class Heads(nn.Module):
    """The last hidden layer, flattened to [N, features], -> (source [N], classes [N, K]), each linear, or None where it is off.

    source with `classes` is ACGAN's (Odena et al. 2017, section 3); N + 1 `classes` without `source` are SGAN's, the last one
    being "generated" (Odena 2016, section 2). bias: of the source; the classes always have theirs.
    """

    def __init__(self, features: int, *, source: bool, classes: int, bias: bool) -> None:
        super().__init__()
        if not source and not classes:
            raise ValueError("a discriminator without source and without classes judges nothing; wanted one of them, or both")
        self.source = nn.Linear(features, 1, bias=bias) if source else None
        self.classes = nn.Linear(features, classes) if classes else None

    def forward(self, x: Tensor) -> tuple[Tensor | None, Tensor | None]:
        source = None if self.source is None else self.source(x).squeeze(1).float()
        return source, None if self.classes is None else self.classes(x).float()


def pooled(features: Sequence[Tensor], *, grid: int = 4) -> Tensor:
    """All layers' features [N, C, h, w], max-pooled to `grid` x `grid` and joined: [N, sum of C * grid^2].

    What DCGAN's authors train a linear SVM on (Radford et al. 2015, section 5.1). ShapeError if a layer is smaller than the grid.
    """
    for layer in features:
        if layer.dim() != 4 or min(layer.shape[2:]) < grid:
            raise ShapeError(f"features of shape {list(layer.shape)} cannot be pooled to {grid} x {grid}; use larger images")
    return torch.cat([F.adaptive_max_pool2d(layer, grid).flatten(1) for layer in features], dim=1)
