"""K-means features of patches, a plain yardstick for learned features (Coates, Lee & Ng, AISTATS 2011, sections 3 and 4).

Patches are normalised, whitened and clustered; a place of an image is told by how much nearer than usual each centre is, and an
image by the means of that over its four quarters.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from unpaired.errors import ShapeError
from unpaired.metrics.neighbours import k_means

SIDE = 6
"""Pixels of a patch each way, as in the paper."""
NOISE = 10 / 127.5**2
"""Added to a patch's variance, in [-1, 1]: 10 of 8 bits, as in the authors' code."""
SHRINKAGE = 0.1
"""Added to the variances before whitening divides by their roots, as in the authors' code."""
QUARTERS = 2
IMAGES_AT_ONCE = 64


class Patches(NamedTuple):
    """What was learned of patches. mean: [D], whitening: [D, D], of normalised ones; centres: [K, D], of whitened ones."""

    mean: Tensor
    whitening: Tensor
    centres: Tensor

    def features(self, x: Tensor) -> Tensor:
        """[N, C, H, W] in [-1, 1] -> [N, 4 K] float32: the triangle activation max(0, mean distance - distance) of each centre,
        its mean over each quarter. Quarters share the middle row and column where the places of patches are odd in number.
        """
        return torch.cat([self._of(part) for part in x.split(IMAGES_AT_ONCE)])

    def _of(self, x: Tensor) -> Tensor:
        height, width = (side - SIDE + 1 for side in x.shape[2:])
        distances = torch.cdist((normalised(_cut(x)) - self.mean) @ self.whitening, self.centres)
        near = (distances.mean(dim=2, keepdim=True) - distances).relu()
        return F.adaptive_avg_pool2d(near.mT.unflatten(2, (height, width)), QUARTERS).flatten(1)


def learned(images: Tensor, *, centres: int, places: int, seed: int = 0) -> Patches:
    """Centres of patches from random places of images [N, C, H, W] in [-1, 1].

    Of so many `places` those count that vary: in digits many are plain paper, each of which would be a centre. ShapeError where
    too few are left.
    """
    draw = torch.Generator().manual_seed(seed)
    rows = torch.randint(len(images), (places,), generator=draw)
    height, width = (side - SIDE + 1 for side in images.shape[2:])
    top, left = (torch.randint(most, (places,), generator=draw) for most in (height, width))
    windows = images.unfold(2, SIDE, 1).unfold(3, SIDE, 1)  # [N, C, height, width, SIDE, SIDE], the images' own memory
    cut = windows[rows, :, top, left].flatten(1)
    cut = cut[cut.var(dim=1, correction=0) > NOISE]
    if len(cut) < centres:
        raise ShapeError(f"found {len(cut)} patches that vary for {centres} centres; wanted at least one for each")
    whole = normalised(cut).double()
    mean = whole.mean(dim=0)
    variances, axes = torch.linalg.eigh((whole - mean).T @ (whole - mean) / len(whole))
    whitening = axes @ torch.diag((variances.clamp_min(0) + SHRINKAGE).rsqrt()) @ axes.T
    found = k_means((whole - mean) @ whitening, cells=centres, seed=seed)
    return Patches(mean.float(), whitening.float(), found.float())


def normalised(patches: Tensor) -> Tensor:
    """Patches [..., D] less their mean, by their deviation, which counts as no smaller than that of the noise."""
    centred = patches - patches.mean(dim=-1, keepdim=True)
    return centred * (centred.square().mean(dim=-1, keepdim=True) + NOISE).rsqrt()


def _cut(x: Tensor) -> Tensor:
    """All patches of images: [N, C, H, W] -> [N, places, D], in the order of rows."""
    return F.unfold(x, SIDE).mT
