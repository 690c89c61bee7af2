"""Does the resolution of generated images tell anything? Class accuracy as they lose it (Odena et al. 2017, section 4.1).

A generator that merely enlarges coarse images keeps its accuracy when they are made coarse again.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from unpaired.errors import ShapeError


def discriminability(
    images: Tensor,
    labels: Tensor,
    *,
    classifier: Callable[[Tensor], Tensor],
    sides: Sequence[int],
    batch: int = 256,
) -> dict[int, float]:
    """Share of the images that the classifier takes for their class, after each was shrunk to a side and enlarged again.

    Both ways bilinear; shrinking averages over all pixels (antialiased), so that what is lost is resolution alone. The side
    that the images have leaves them untouched. Do the same to real images of the classes for a yardstick.

    images: [N, C, H, W] in [-1, 1]; labels: [N] integers; classifier: [n, C, H, W] -> scores [n, K], asked without
    gradients; sides: the shorter side in pixels, none above the images' own (else ShapeError). Returns side -> [0, 1].
    """
    if images.ndim != 4 or labels.shape != (len(images),) or not len(images):
        raise ShapeError(f"found images {list(images.shape)} and labels {list(labels.shape)}; wanted [N, C, H, W] and [N]")
    shorter = min(images.shape[-2:])
    if not all(1 <= side <= shorter for side in sides):
        raise ShapeError(f"found sides {list(sides)} for images whose shorter side is {shorter}; wanted 1 to {shorter}")
    right = dict.fromkeys(sides, 0)
    with torch.no_grad():
        for part, truth in zip(images.split(batch), labels.split(batch), strict=True):
            for side in right:
                answers = classifier(coarsened(part, side=side)).argmax(dim=1)
                right[side] += int((answers == truth.to(answers.device)).sum())
    return {side: count / len(images) for side, count in right.items()}


def coarsened(images: Tensor, *, side: int) -> Tensor:
    """Images [N, C, H, W] shrunk so that the shorter side has `side` pixels, and enlarged to the size that they had."""
    height, width = images.shape[-2:]
    shorter = min(height, width)
    if side == shorter:
        return images
    small = [max(1, round(length * side / shorter)) for length in (height, width)]
    shrunk = F.interpolate(images, size=small, mode="bilinear", antialias=True, align_corners=False)
    return F.interpolate(shrunk, size=(height, width), mode="bilinear", align_corners=False)
