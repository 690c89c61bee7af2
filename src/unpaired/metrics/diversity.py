"""How alike the images of one class are: mean MS-SSIM of random pairs (Odena et al. 2017, section 4.2).

A generator that draws one picture again and again scores near 1. Compare with the same number of the training images, at
the same size: what is high depends on the data.
"""

import math
import random
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from unpaired.errors import ShapeError
from unpaired.metrics.paired import SSIM_WINDOW, similarity_maps

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Weights of the scales, finest first (Wang et al. 2003, section 3.2). They add up to 1.0001, in the paper too."""
PAIRS_AT_ONCE = 64


def fitting_scales(height: int, width: int) -> int:
    """How many of MS-SSIM's five scales have room for its window of 11 pixels: 5 from a side of 176 on, 4 from 88, 3 from
    44 (64 px), 2 from 22 (28 and 32 px), 1 from 11. ShapeError below.
    """
    side = min(height, width)
    if side < SSIM_WINDOW:
        raise ShapeError(f"found images of {height} x {width}; wanted sides of at least {SSIM_WINDOW}, the size of SSIM's window")
    return min(len(SCALE_WEIGHTS), int(math.log2(side // SSIM_WINDOW)) + 1)


def ms_ssim(x: Tensor, y: Tensor, *, scales: int | None = None) -> Tensor:
    """Multi-scale structural similarity (Wang et al. 2003, eq. 7), of each image of x to the same of y.

    Contrast and structure are compared at every scale, luminance at the coarsest; each scale halves the one before by the
    mean of 2 x 2 pixels. At each scale the mean is taken over places and channels, and what is negative counts as 0.

    The paper's five scales are for large images. Smaller ones use the first `scales` (None: all that fit, see
    `fitting_scales`), their weights scaled to add up to 1: numbers of different `scales` must not be compared. Only places
    where the whole window lies inside count, as in the authors' code; torchmetrics mirrors the edges at the coarsest scale,
    and so has other numbers for small images.

    x, y: [N, C, H, W] in [-1, 1] of one shape (else ShapeError). Returns [N] float64 in [0, 1], on the CPU.
    """
    if x.shape != y.shape or x.ndim != 4:
        raise ShapeError(f"found shapes {list(x.shape)} and {list(y.shape)}; wanted two batches [N, C, H, W] of one shape")
    most = fitting_scales(*x.shape[-2:])
    scales = most if scales is None else scales
    if not 1 <= scales <= most:
        raise ShapeError(f"found {scales} scales for images of {x.shape[-2]} x {x.shape[-1]}; wanted 1 to {most}")
    return torch.cat([_ms_ssim(a, b, scales=scales) for a, b in zip(x.split(PAIRS_AT_ONCE), y.split(PAIRS_AT_ONCE), strict=True)])


def within_class_similarity(
    images: Tensor, labels: Tensor, *, pairs: int = 100, scales: int | None = None, seed: int = 0
) -> dict[int, float]:
    """Mean MS-SSIM of `pairs` random pairs of different images of each class (Odena et al. 2017, section 4.2): high where
    they are alike.

    Pairs are drawn without replacement; a class with no more pairs than that gives them all. The draw depends on the seed,
    the class and how many images it has, and on nothing else.

    images: [N, C, H, W] in [-1, 1]; labels: [N] integers. Each class needs two images at least (else ShapeError).
    Returns the mean of each class that occurs, by its label, in order.
    """
    if labels.shape != (len(images),) or not len(images):
        raise ShapeError(f"found images {list(images.shape)} and labels {list(labels.shape)}; wanted [N, C, H, W] and [N]")
    means, labels = {}, labels.cpu()
    for label in sorted(set(labels.tolist())):
        members = (labels == label).nonzero().squeeze(1)
        if len(members) < 2:
            raise ShapeError(f"found one image of class {label}; wanted two at least, for a pair")
        chosen = torch.tensor(list(_random_pairs(len(members), pairs=pairs, seed=f"{seed} {label}")))
        first, second = members[chosen[:, 0]], members[chosen[:, 1]]
        means[int(label)] = ms_ssim(images[first], images[second], scales=scales).mean().item()
    return means


def _ms_ssim(x: Tensor, y: Tensor, *, scales: int) -> Tensor:
    x, y = (images.detach().to("cpu", torch.float64) for images in (x, y))
    share = 1.0 if scales == len(SCALE_WEIGHTS) else sum(SCALE_WEIGHTS[:scales])
    result = torch.ones(len(x), dtype=torch.float64)
    for scale, weight in enumerate(SCALE_WEIGHTS[:scales], start=1):
        luminance, contrast_and_structure = similarity_maps(x, y)
        whole = luminance * contrast_and_structure if scale == scales else contrast_and_structure
        result *= whole.mean(dim=(1, 2, 3)).clamp_min(0) ** (weight / share)
        x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
    return result


def _random_pairs(count: int, *, pairs: int, seed: str) -> Iterator[tuple[int, int]]:
    """Different pairs i < j < count, at most `pairs` of them."""
    total = count * (count - 1) // 2
    ranks = range(total) if total <= pairs else random.Random(seed).sample(range(total), pairs)
    for rank in ranks:
        # The pairs (i, j) in the order of j, then of i: j (j - 1) / 2 of them come before the first with this j.
        j = (1 + math.isqrt(1 + 8 * rank)) // 2
        yield rank - j * (j - 1) // 2, j
