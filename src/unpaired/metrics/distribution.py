"""Two sets of images as two clouds: how far apart, how much of one lies in the other.

`kernel_distance` ... `density_coverage` take features [N, D] of any extractor (see features.py; a number means nothing
without the extractor's name) and compute in float64. `sliced_wasserstein` and `diversity` take images and need no
weights. Where one cloud is the reference it comes first: (real, fake).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from unpaired.errors import ShapeError
from unpaired.metrics.paired import FULL_RANGE

DISTANCES_AT_ONCE = 1 << 24  # 128 MiB of float64

COARSEST_SIDE = 16  # of the pyramid (Karras et al. 2018, section 5)
# An 8-bit step: a channel that hardly varies, such as an opaque image's alpha, must not outweigh all the others.
FAINTEST_BAND = 2 / 255


class KernelDistance(NamedTuple):
    """Mean and standard deviation over the subsets. Of one subset, the whole of both sets, there is no deviation: None."""

    mean: float
    std: float | None


class PrecisionRecall(NamedTuple):
    """Shares in [0, 1]: of fakes among the real, of reals among the fake."""

    precision: float
    recall: float


class DensityCoverage(NamedTuple):
    """How crowded with reals the fakes' places are (about 1 where the clouds agree; unbounded); share of reals met."""

    density: float
    coverage: float


def kernel_distance(
    real: Tensor | np.ndarray,
    fake: Tensor | np.ndarray,
    *,
    subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 0,
) -> KernelDistance:
    """Squared maximum mean discrepancy with the kernel (x.y / D + 1)^3, unbiased (Binkowski et al. 2018, section 3.1).

    On Inception features this is KID. Unbiased: about 0, and at times below it, where the clouds agree, however small
    the sets. The mean is over `subsets` random subsets of `subset_size` of each set, drawn without replacement; a
    smaller set is used whole, and where both are there is only one subset to look at.

    real, fake: [N, D], [M, D], at least 2 samples each (else ShapeError).
    """
    real, fake = _clouds(real, fake, at_least=2)
    sizes = (min(subset_size, len(real)), min(subset_size, len(fake)))
    if sizes == (len(real), len(fake)):
        return KernelDistance(_unbiased_mmd(real, fake), None)
    generator = torch.Generator().manual_seed(seed)
    estimates = []
    for _ in range(subsets):
        rows, columns = (
            torch.randperm(len(cloud), generator=generator)[:size] for cloud, size in zip((real, fake), sizes, strict=True)
        )
        estimates.append(_unbiased_mmd(real[rows], fake[columns]))
    return KernelDistance(float(np.mean(estimates)), float(np.std(estimates)))


def frechet_distance(real: Tensor | np.ndarray, fake: Tensor | np.ndarray) -> float:
    """Squared Frechet distance of the Gaussians that fit the two clouds (Heusel et al. 2017, eq. 6).

    |m_r - m_f|^2 + tr(S_r + S_f - 2 (S_r S_f)^(1/2)), with means m and sample covariances S. On Inception features this
    is FID. Biased upwards in small sets: compare only sets of the same size.

    real, fake: [N, D], [M, D], at least 2 samples each (else ShapeError). Returns a number >= 0, in squared units.
    """
    real, fake = _clouds(real, fake, at_least=2)
    mean_real, mean_fake = real.mean(dim=0), fake.mean(dim=0)
    root_real, root_fake = _covariance_root(real - mean_real), _covariance_root(fake - mean_fake)
    # With S_r = A'A and S_f = B'B, tr (S_r S_f)^(1/2) is the sum of the singular values of AB': no square root of a
    # near-singular product, the step where the usual way loses half of the digits.
    shared = torch.linalg.svdvals(root_real @ root_fake.T).sum()
    spread = root_real.square().sum() + root_fake.square().sum() - 2 * shared
    return max(0.0, ((mean_real - mean_fake).square().sum() + spread).item())


def precision_recall(real: Tensor | np.ndarray, fake: Tensor | np.ndarray, *, k: int = 3) -> PrecisionRecall:
    """Improved precision and recall (Kynkaanniemi et al. 2019, eq. 1 and 2).

    A cloud's manifold is the union of balls around its samples, each reaching to the sample's k-th nearest neighbour.
    Precision: share of fakes in the real manifold (quality). Recall: share of reals in the fake manifold (variety).

    real, fake: [N, D], [M, D], more than k samples each (else ShapeError).
    """
    real, fake = _about_one_origin(*_clouds(real, fake, at_least=k + 1))
    radius_real, radius_fake = _neighbour_radius(real, k=k), _neighbour_radius(fake, k=k)
    fake_inside = torch.zeros(len(fake), dtype=torch.bool)
    real_inside = torch.zeros(len(real), dtype=torch.bool)
    for rows, squared in _squared_distances(real, fake):
        fake_inside |= (squared <= radius_real[rows].unsqueeze(1)).any(dim=0)
        real_inside[rows] = (squared <= radius_fake).any(dim=1)
    return PrecisionRecall(fake_inside.double().mean().item(), real_inside.double().mean().item())


def density_coverage(real: Tensor | np.ndarray, fake: Tensor | np.ndarray, *, k: int = 5) -> DensityCoverage:
    """Density and coverage (Naeem et al. 2020, eq. 3 and 4): precision and recall that one outlier cannot move.

    Around each real lies an open ball that reaches to its k-th nearest neighbour among the reals. Density: how many of
    the balls a fake lies in, on the average, over k. Coverage: share of the balls that hold a fake.

    real, fake: [N, D], [M, D], more than k reals and one fake (else ShapeError).
    """
    real, fake = _about_one_origin(*_clouds(real, fake, at_least=1))
    if len(real) <= k:
        raise ShapeError(f"found {len(real)} real samples, at least {k + 1} are needed for k = {k}")
    radius = _neighbour_radius(real, k=k)
    hits, covered = 0, 0
    for rows, squared in _squared_distances(real, fake):
        inside = squared < radius[rows].unsqueeze(1)
        hits += int(inside.sum())
        covered += int(inside.any(dim=1).sum())
    return DensityCoverage(hits / (k * len(fake)), covered / len(real))


def sliced_wasserstein(
    real: Tensor,
    fake: Tensor,
    *,
    patch: int = 7,
    projections: int = 128,
    levels: int | None = None,
    patches: int = 4096,
    seed: int = 0,
) -> float:
    """Mean 1-D Wasserstein distance of randomly projected patches, averaged over a Laplacian pyramid's levels.

    After Karras et al. 2018 (section 5): patch x patch x C neighbourhoods of each level, every channel scaled to mean 0
    and deviation 1, projected on random directions, sorted, compared; fine levels judge texture, the coarsest layout
    and colour. It needs no network, so it can judge a checkpoint on any two folders. 0 for equal sets; compare it only
    between sets of the same two sizes.

    Unlike the paper, both sets are scaled by the *real* set's statistics (scaling each by its own would hide a shift of
    colour, a common fault of translations), the number of patches is `patches` for each level whatever the sets' sizes
    (spread evenly over the images; the same places in both sets where these are of one size), and the result is not
    multiplied by 1000.

    real, fake: [N, C, H, W], [M, C, H, W] in [-1, 1]; levels: pyramid levels (None: down to a shorter side of 16 or
    more). Errors: ShapeError where the images differ in shape or the coarsest level is smaller than a patch.
    """
    if real.ndim != 4 or fake.ndim != 4 or real.shape[1:] != fake.shape[1:] or not len(real) or not len(fake):
        raise ShapeError(
            f"found images of shape {list(real.shape)} and {list(fake.shape)}: "
            "two batches [N, C, H, W] of one C, H, W are compared; resize one of them"
        )
    side = min(real.shape[-2:])
    if levels is None:
        levels = 1
        while -(-side // 2**levels) >= COARSEST_SIDE:
            levels += 1
    coarsest = -(-side // 2 ** (levels - 1))
    if levels < 1 or coarsest < max(patch, 3):
        raise ShapeError(
            f"found a pyramid of {levels} levels, which shrinks the side {side} to {coarsest}: "
            f"it must hold a patch of {patch} x {patch}; ask for fewer levels (at least 1) or a smaller patch"
        )
    generator = torch.Generator().manual_seed(seed)
    size = real.shape[1] * patch * patch
    distances = []
    for real_band, fake_band in zip(laplacian_pyramid(real, levels=levels), laplacian_pyramid(fake, levels=levels), strict=True):
        directions = F.normalize(torch.randn(size, projections, generator=generator), dim=0)
        places = torch.rand(3, patches, generator=generator)
        descriptors_real = _patches_at(real_band, places, patch=patch)
        descriptors_fake = _patches_at(fake_band, places, patch=patch)
        std, mean = torch.std_mean(descriptors_real, dim=(0, 2, 3), keepdim=True, correction=0)
        std = std.clamp_min(FAINTEST_BAND)
        # Sorting along the contiguous last axis is the faster way.
        sorted_real, sorted_fake = (
            (directions.T @ ((descriptors - mean) / std).flatten(1).T).sort(dim=1).values
            for descriptors in (descriptors_real, descriptors_fake)
        )
        distances.append((sorted_real - sorted_fake).abs().mean())
    return torch.stack(distances).double().mean().item()


def laplacian_pyramid(images: Tensor, *, levels: int) -> list[Tensor]:
    """Band-pass levels, finest first, the last one low-pass (Burt & Adelson 1983); their upsampled sum is the image.

    images: [N, C, H, W] -> `levels` tensors float32 [N, C, ceil(H / 2^i), ceil(W / 2^i)] on the CPU. Edges mirrored.
    """
    pyramid = [images.detach().to("cpu", torch.float32)]
    for _ in range(levels - 1):
        finer = pyramid.pop()
        coarser = _blur(finer)[..., ::2, ::2]
        spread = torch.zeros_like(finer)
        spread[..., ::2, ::2] = coarser
        # Three of four pixels are empty: four times the blur keeps the brightness.
        pyramid += [finer - 4 * _blur(spread), coarser]
    return pyramid


def diversity(images: Tensor) -> float:
    """Mean absolute difference of two different images, over all pairs, as a share of the full range.

    0: all images are equal, the mark of a collapsed generator. Exact, by each pixel's order statistics, with no N x N.

    images: [N, C, H, W] in [-1, 1], N >= 2 (else ShapeError). Returns a number in [0, 1].
    """
    count = len(images)
    if images.ndim != 4 or count < 2:
        raise ShapeError(f"found images of shape {list(images.shape)}: pairs need [N, C, H, W] with N of at least 2")
    ordered = images.detach().to("cpu", torch.float32).flatten(1).sort(dim=0).values
    # Of the pairs, the i-th smallest value is the larger one i times and the smaller one N - 1 - i times.
    weights = 2.0 * torch.arange(count, dtype=torch.float64) - (count - 1)
    total = (weights @ ordered.double()).mean().item()
    return total / (count * (count - 1) / 2) / FULL_RANGE


def _unbiased_mmd(real: Tensor, fake: Tensor) -> float:
    """Squared MMD without the kernel of a sample with itself (Gretton et al. 2012, eq. 3), kernel (x.y / D + 1)^3."""
    n, m, dimension = len(real), len(fake), real.shape[1]
    within_real = (real @ real.T / dimension + 1) ** 3
    within_fake = (fake @ fake.T / dimension + 1) ** 3
    across = (real @ fake.T / dimension + 1) ** 3
    return (
        (within_real.sum() - within_real.trace()) / (n * (n - 1))
        + (within_fake.sum() - within_fake.trace()) / (m * (m - 1))
        - 2 * across.mean()
    ).item()


def _covariance_root(centred: Tensor) -> Tensor:
    """A matrix A [at most D, D] with A'A = the sample covariance of the centred cloud [N, D]."""
    root = centred / (len(centred) - 1) ** 0.5
    return torch.linalg.qr(root, mode="r").R if root.shape[0] > root.shape[1] else root


def _about_one_origin(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Both shifted so that the reals' mean is 0: distances stay, and the matrix product cancels fewer digits."""
    origin = real.mean(dim=0)
    return real - origin, fake - origin


def _neighbour_radius(cloud: Tensor, *, k: int) -> Tensor:
    """Squared distance of each sample to its k-th nearest other sample: [N, D] -> [N]."""
    # k + 1, as every sample finds itself first.
    return torch.cat([squared.kthvalue(k + 1, dim=1).values for _, squared in _squared_distances(cloud, cloud)])


def _squared_distances(x: Tensor, y: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Yield (rows, squared distances [rows, M]) of x [N, D] to y [M, D], as many rows at once as memory allows."""
    norms_x, norms_y = x.square().sum(dim=1, keepdim=True), y.square().sum(dim=1)
    step = max(1, DISTANCES_AT_ONCE // len(y))
    for start in range(0, len(x), step):
        rows = slice(start, start + step)
        scale = norms_x[rows] + norms_y
        squared = scale - 2 * x[rows] @ y.T
        # Duplicates must meet at 0, not at the rounding of the matrix product (some 1e-16 of the scale).
        yield rows, squared.masked_fill_(squared < 1e-13 * scale, 0.0)


def _patches_at(images: Tensor, places: Tensor, *, patch: int) -> Tensor:
    """Cut patches: images [N, C, H, W], places [3, P] uniform in [0, 1) -> [P, C, patch, patch]."""
    count, _, height, width = images.shape
    windows = images.unfold(2, patch, 1).unfold(3, patch, 1)
    # The images take turns, so that each gives as many patches as any other; random picks fill up what is left over.
    whole_turns = places.shape[1] // count * count
    image = torch.arange(places.shape[1]) % count
    image[whole_turns:] = (places[0, whole_turns:] * count).long()
    y = (places[1] * (height - patch + 1)).long()
    x = (places[2] * (width - patch + 1)).long()
    return windows[image, :, y, x]


def _blur(images: Tensor) -> Tensor:
    """The separable 5 x 5 binomial filter, edges mirrored: [N, C, H, W] -> the same shape."""
    padded = F.pad(images, (2, 2, 2, 2), mode="reflect")
    # Sums of shifted views: conv2d with a single channel takes ten times as long.
    for axis in (-2, -1):
        size = padded.shape[axis] - 4
        far, near, centre, opposite_near, opposite_far = (padded.narrow(axis, shift, size) for shift in range(5))
        padded = (6 * centre + 4 * (near + opposite_near) + far + opposite_far) / 16  # Burt & Adelson's 1 4 6 4 1
    return padded


def _clouds(real: Tensor | np.ndarray, fake: Tensor | np.ndarray, *, at_least: int) -> tuple[Tensor, Tensor]:
    """Both on the CPU in float64; ShapeError unless [N, D] and [M, D] with enough samples."""
    real, fake = (torch.as_tensor(cloud).detach().to("cpu", torch.float64) for cloud in (real, fake))
    if real.ndim != 2 or fake.ndim != 2 or real.shape[1] != fake.shape[1]:
        raise ShapeError(
            f"found features of shape {list(real.shape)} and {list(fake.shape)}: [N, D] and [M, D] of one extractor are compared"
        )
    if min(len(real), len(fake)) < at_least:
        raise ShapeError(f"found {len(real)} real and {len(fake)} fake samples: at least {at_least} of each are needed")
    return real, fake
