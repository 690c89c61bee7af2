"""Distribution measures against scikit-learn, scipy, torchmetrics, brute force and closed forms."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.neighbors import NearestNeighbors
from torchmetrics.image.fid import _compute_fid
from torchmetrics.image.kid import poly_mmd

from unpaired.errors import ShapeError
from unpaired.metrics import distribution
from unpaired.metrics.distribution import (
    density_coverage,
    diversity,
    frechet_distance,
    kernel_distance,
    laplacian_pyramid,
    precision_recall,
    sliced_wasserstein,
)


def clouds(*, real: int, fake: int, dimension: int, shift: float = 0.3, scale: float = 1.4):
    generator = np.random.default_rng(real + fake + dimension)
    mixing = generator.normal(size=(dimension, dimension)) / math.sqrt(dimension)
    return (
        generator.normal(size=(real, dimension)) @ mixing + 2.0,
        generator.normal(size=(fake, dimension)) * scale + 2.0 + shift,
    )


def test_kernel_distance_agrees_with_scikit_learn_and_torchmetrics():
    real, fake = clouds(real=40, fake=31, dimension=7)
    within_real, within_fake = (polynomial_kernel(a, degree=3, gamma=1 / 7, coef0=1) for a in (real, fake))
    across = polynomial_kernel(real, fake, degree=3, gamma=1 / 7, coef0=1)
    off_diagonal = [kernel[~np.eye(len(kernel), dtype=bool)].mean() for kernel in (within_real, within_fake)]
    expected = sum(off_diagonal) - 2 * across.mean()
    found = kernel_distance(real, fake)
    assert found.mean == pytest.approx(expected, rel=1e-9)
    assert found.std is None  # of one subset
    assert kernel_distance(fake, real).mean == pytest.approx(expected, rel=1e-9)
    same_size = poly_mmd(torch.tensor(real[:31]), torch.tensor(fake)).item()
    assert kernel_distance(real[:31], fake).mean == pytest.approx(same_size, rel=1e-9)


def test_kernel_distance_over_subsets():
    real, fake = clouds(real=300, fake=260, dimension=5)
    whole = kernel_distance(real, fake).mean
    sampled = kernel_distance(real, fake, subsets=200, subset_size=50, seed=3)
    assert sampled == kernel_distance(real, fake, subsets=200, subset_size=50, seed=3)
    assert sampled != kernel_distance(real, fake, subsets=200, subset_size=50, seed=4)
    # Unbiased: subsets agree with the whole to a few standard errors.
    assert sampled.std > 0
    assert sampled.mean == pytest.approx(whole, abs=4 * sampled.std / math.sqrt(200))
    assert kernel_distance(real, fake[:50], subsets=20, subset_size=50).std > 0
    # Without replacement: a set that is drawn whole stays the same set, whatever its order.
    one_point = np.repeat(fake[:1], 60, axis=0)
    assert kernel_distance(real[:50], one_point, subsets=5, subset_size=50).std == pytest.approx(0.0, abs=1e-9)


def test_kernel_distance_of_one_cloud_to_itself_is_about_zero():
    generator = np.random.default_rng(0)
    values = [kernel_distance(generator.normal(size=(30, 4)), generator.normal(size=(30, 4))).mean for _ in range(200)]
    # A biased estimate would stay above 0 in all of them.
    assert abs(np.mean(values)) < 4 * np.std(values) / math.sqrt(200)
    assert 0.3 < np.mean(np.array(values) < 0) < 0.9


def test_frechet_distance_agrees_with_scipy_and_torchmetrics():
    real, fake = clouds(real=60, fake=50, dimension=6)
    means, covariances = (real.mean(0), fake.mean(0)), (np.cov(real.T), np.cov(fake.T))
    expected = np.sum((means[0] - means[1]) ** 2) + np.trace(
        covariances[0] + covariances[1] - 2 * sqrtm(covariances[0] @ covariances[1]).real
    )
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-9)
    theirs = _compute_fid(*(torch.tensor(a) for pair in zip(means, covariances, strict=True) for a in pair)).item()
    assert frechet_distance(real, fake) == pytest.approx(theirs, rel=1e-6)


def test_frechet_distance_with_fewer_samples_than_features():
    real, fake = clouds(real=5, fake=7, dimension=20)
    covariances = [np.cov(a.T) for a in (real, fake)]
    # Through the eigenvalues of the product, which are real and not negative.
    root = np.sqrt(np.clip(np.linalg.eigvals(covariances[0] @ covariances[1]).real, 0, None)).sum()
    expected = np.sum((real.mean(0) - fake.mean(0)) ** 2) + sum(map(np.trace, covariances)) - 2 * root
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-5)
    assert frechet_distance(real, real) == pytest.approx(0.0, abs=1e-9)
    to_itself = [frechet_distance(cloud, cloud) for cloud in np.random.default_rng(0).normal(size=(20, 9, 5))]
    assert min(to_itself) >= 0.0  # rounding falls on either side of 0


def test_frechet_distance_of_known_gaussians():
    # Cloud +-e_i scaled: mean m, covariance exactly c I in D dimensions, so |dm|^2 + D (sqrt c1 - sqrt c2)^2.
    corners = np.concatenate([np.eye(4), -np.eye(4)])
    exact = math.sqrt(2 / 7)  # sample deviation of each coordinate of the corners
    distance = frechet_distance(3 * corners, 5 * corners + np.array([1.0, 0.0, 2.0, 0.0]))
    assert distance == pytest.approx(5 + 4 * (2 * exact) ** 2)


def brute_force(real: np.ndarray, fake: np.ndarray, *, k: int) -> tuple[float, float, float, float]:
    """Precision, recall, density, coverage, word by word from the papers, on radii by scikit-learn."""
    radius_real, radius_fake = (NearestNeighbors(n_neighbors=k).fit(a).kneighbors()[0][:, -1] for a in (real, fake))
    distances = cdist(real, fake)
    precision = np.mean([np.any(distances[:, j] <= radius_real) for j in range(len(fake))])
    recall = np.mean([np.any(distances[i] <= radius_fake) for i in range(len(real))])
    density = sum((distances[:, j] < radius_real).sum() for j in range(len(fake))) / (k * len(fake))
    coverage = np.mean([np.any(distances[i] < radius_real[i]) for i in range(len(real))])
    return precision, recall, density, coverage


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("dimension", [2, 40])
def test_manifold_measures_agree_with_brute_force(k, dimension, monkeypatch):
    real, fake = clouds(real=70, fake=55, dimension=dimension, shift=0.4, scale=0.8)
    expected = brute_force(real, fake, k=k)
    measured = (*precision_recall(real, fake, k=k), *density_coverage(real, fake, k=k))
    assert measured == pytest.approx(expected, abs=1e-12)
    assert len({round(value, 3) for value in expected}) >= 3  # or the agreement would say little
    monkeypatch.setattr(distribution, "DISTANCES_AT_ONCE", 4 * 70)
    assert (*precision_recall(real, fake, k=k), *density_coverage(real, fake, k=k)) == measured


def test_manifold_measures_default_to_the_papers_k():
    real, fake = clouds(real=70, fake=55, dimension=10, shift=0.4, scale=0.8)
    assert precision_recall(real, fake) == precision_recall(real, fake, k=3) != precision_recall(real, fake, k=5)
    assert density_coverage(real, fake) == density_coverage(real, fake, k=5) != density_coverage(real, fake, k=3)


def test_manifold_measures_by_hand():
    # Reals at 0, 1, 2 and an outlier at 10: radii for k = 1 are 1, 1, 1, 8. Fakes at 0.5, 6 and 30: radii 5.5, 5.5, 24.
    real, fake = np.array([[0.0], [1.0], [2.0], [10.0]]), np.array([[0.5], [6.0], [30.0]])
    # 0.5 lies in the balls around 0 and 1, 6 in the outlier's alone, 30 in none.
    assert precision_recall(real, fake, k=1) == pytest.approx((2 / 3, 1.0))
    assert density_coverage(real, fake, k=1) == pytest.approx((3 / 3, 3 / 4))
    # The fakes' own balls around 0.5 and 6 reach to -5 and 11.5, so that reals at 20 and more lie outside.
    assert precision_recall(real + 20, fake[:2], k=1).recall == 0.0


def test_equal_sets_and_duplicates():
    real, _ = clouds(real=40, fake=2, dimension=6)
    assert precision_recall(real, real) == (1.0, 1.0)
    assert density_coverage(real, real) == (1.0, 1.0)
    # A set of copies has balls without extent; they still hold their own copies, whatever the rounding.
    wide = np.random.default_rng(0).normal(size=(50, 300)) + 2
    copies = np.repeat(wide, 4, axis=0)
    assert precision_recall(copies, np.roll(wide, 3, axis=0).repeat(3, axis=0), k=2) == (1.0, 1.0)


def test_a_far_offset_of_both_changes_no_neighbourhood():
    real, fake = clouds(real=60, fake=60, dimension=8)
    assert density_coverage(real + 1e8, fake + 1e8) == density_coverage(real, fake)
    assert precision_recall(real + 1e8, fake + 1e8) == precision_recall(real, fake)


def test_coverage_sees_the_missing_mode_and_density_the_crowd():
    generator = np.random.default_rng(5)
    two_modes = np.concatenate([generator.normal(size=(100, 3)), generator.normal(size=(100, 3)) + 20])
    one_mode = generator.normal(size=(200, 3)) * 0.3
    result = density_coverage(two_modes, one_mode)
    assert result.coverage < 0.5
    assert result.density > 1.2
    assert precision_recall(two_modes, one_mode).precision > 0.95


def test_feature_sets_that_cannot_be_compared_are_refused():
    with pytest.raises(ShapeError, match="one extractor"):
        frechet_distance(np.zeros((4, 3)), np.zeros((4, 2)))
    with pytest.raises(ShapeError, match="found 1 real and 4 fake samples: at least 2"):
        kernel_distance(np.zeros((1, 3)), np.zeros((4, 3)))
    with pytest.raises(ShapeError, match="at least 4"):
        precision_recall(np.zeros((3, 3)), np.zeros((9, 3)))
    with pytest.raises(ShapeError, match="found 5 real samples, at least 6"):
        density_coverage(np.zeros((5, 3)), np.zeros((9, 3)))


def noise(*shape: int, seed: int) -> torch.Tensor:
    return 0.2 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", [(32, 48), (33, 21)])
def test_laplacian_pyramid_agrees_with_scipy_and_adds_up(size):
    images = noise(2, 3, *size, seed=0)
    kernel = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])[None, None] / 256.0
    finer, coarser, coarsest = laplacian_pyramid(images, levels=3)
    level = images.double().numpy()
    for band in (finer, coarser):
        down = ndimage.convolve(level, kernel, mode="mirror")[..., ::2, ::2]
        spread = np.zeros_like(level)
        spread[..., ::2, ::2] = down
        np.testing.assert_allclose(band.numpy(), level - ndimage.convolve(spread, 4 * kernel, mode="mirror"), atol=1e-6)
        level = down
    np.testing.assert_allclose(coarsest.numpy(), level, atol=1e-6)


def test_sliced_wasserstein_of_a_shifted_set_has_a_closed_form():
    # A shift c of every pixel leaves all bands but the last alone; there the projection on a unit direction t moves by
    # |sum t| c / deviation, and E |sum t| on the sphere in d dimensions is sqrt(d / pi) G(d / 2) / G((d + 1) / 2).
    images = noise(40, 1, 32, 32, seed=1)
    coarsest = laplacian_pyramid(images, levels=2)[-1]
    mean_sum = math.sqrt(25 / math.pi) * math.gamma(25 / 2) / math.gamma(26 / 2)
    expected = mean_sum * 0.1 / coarsest.std().item() / 2
    measured = sliced_wasserstein(images, images + 0.1, patch=5, projections=4000, patches=512)
    assert measured == pytest.approx(expected, rel=0.05)


def test_sliced_wasserstein_of_white_noise_has_a_closed_form():
    # Any unit projection of white noise of deviation s is N(0, s^2), and W1(N(0, 1), N(0, s^2)) = |s - 1| sqrt(2 / pi).
    real, louder = noise(60, 3, 24, 24, seed=2), 1.5 * noise(50, 3, 24, 24, seed=3)
    assert sliced_wasserstein(real, louder, levels=1) == pytest.approx(0.5 * math.sqrt(2 / math.pi), rel=0.05)
    # In units of the first set's deviation.
    assert sliced_wasserstein(louder, real, levels=1) == pytest.approx(0.5 / 1.5 * math.sqrt(2 / math.pi), rel=0.05)


def test_sliced_wasserstein_is_seeded_zero_for_equals_and_leaves_the_global_seed_alone():
    real, fake = noise(30, 3, 32, 32, seed=4), noise(25, 3, 32, 32, seed=5)
    state = torch.random.get_rng_state()
    assert sliced_wasserstein(real, real) == 0.0
    value = sliced_wasserstein(real, fake)
    assert value == sliced_wasserstein(real, fake) > 0
    assert value != sliced_wasserstein(real, fake, seed=1)
    assert torch.equal(state, torch.random.get_rng_state())


def test_sliced_wasserstein_ranks_faults():
    generator = torch.Generator().manual_seed(6)
    coarse = torch.rand(80, 3, 8, 8, generator=generator) * 1.6 - 1  # leaning to the dark
    images = torch.nn.functional.interpolate(coarse, size=(32, 32), mode="nearest")
    real, fake = images[:40], images[40:]
    blurred = torch.nn.functional.avg_pool2d(fake, 3, stride=1, padding=1)
    fair = sliced_wasserstein(real, fake)
    assert 2 * fair < sliced_wasserstein(real, blurred)
    assert 2 * fair < sliced_wasserstein(real, fake + 0.3)
    assert 2 * fair < sliced_wasserstein(real, fake[:1].expand_as(fake))
    # One colour for another: each channel's own normalisation would hide it.
    tinted = fake * torch.tensor([1.0, 0.5, 1.0]).view(3, 1, 1)
    assert 2 * fair < sliced_wasserstein(real, tinted)


def test_sliced_wasserstein_takes_every_image_in_turn():
    # One odd image of five: it must give a fifth of the patches, to the last one.
    real = torch.zeros(5, 1, 16, 16)
    real[:, :, ::2] = 0.5
    fake = real.clone()
    fake[4] += 0.25
    whole = sliced_wasserstein(real, real + 0.25, patches=1000)
    assert sliced_wasserstein(real, fake, patches=1000) == pytest.approx(whole / 5, rel=0.25)
    # Fewer patches than images: they come from anywhere, not from the first.
    assert sliced_wasserstein(real, torch.cat([real[:1], real[1:] + 0.25]), patches=4) > 0


def test_sliced_wasserstein_looks_to_the_very_edge():
    real = noise(4, 1, 8, 8, seed=9)
    for edge in (real[:, :, 7], real[:, :, 0], real[..., 7], real[..., 0]):
        before = real.clone()
        edge += 1.0  # a view: one row or column of `real`
        assert sliced_wasserstein(before, real, levels=1) > 0.01
        real.copy_(before)


def test_sliced_wasserstein_scales_each_channel_by_its_own_deviation():
    real, fake = noise(20, 3, 16, 16, seed=10), noise(20, 3, 16, 16, seed=11) + 0.1
    gain, offset = torch.tensor([[1.0, 0.05, 4.0], [0.0, 0.5, -0.5]]).view(2, 3, 1, 1)
    expected = sliced_wasserstein(real, fake, levels=1)
    assert sliced_wasserstein(real * gain + offset, fake * gain + offset, levels=1) == pytest.approx(expected, rel=1e-3)


def test_sliced_wasserstein_levels_reach_down_to_sixteen():
    real, fake = noise(4, 1, 40, 64, seed=7), noise(4, 1, 40, 64, seed=8)
    assert sliced_wasserstein(real, fake) == sliced_wasserstein(real, fake, levels=2)
    assert sliced_wasserstein(real, fake) != sliced_wasserstein(real, fake, levels=3)
    assert sliced_wasserstein(real[..., :30, :], fake[..., :30, :]) != sliced_wasserstein(
        real[..., :30, :], fake[..., :30, :], levels=2
    )


def test_images_that_cannot_be_compared_are_refused():
    with pytest.raises(ShapeError, match="resize one of them"):
        sliced_wasserstein(torch.zeros(2, 3, 32, 32), torch.zeros(2, 3, 32, 40))
    with pytest.raises(ShapeError, match="4 levels, which shrinks the side 32 to 4: it must hold a patch of 7 x 7"):
        sliced_wasserstein(torch.zeros(2, 3, 32, 32), torch.zeros(2, 3, 32, 32), levels=4)
    with pytest.raises(ShapeError, match="at least 2"):
        diversity(torch.zeros(1, 3, 8, 8))


def test_diversity_is_the_mean_over_all_pairs():
    images = torch.rand(9, 3, 4, 5, generator=torch.Generator().manual_seed(0)) * 2 - 1
    pairs = [(images[i] - images[j]).abs().mean().item() / 2 for i in range(9) for j in range(i)]
    assert diversity(images) == pytest.approx(np.mean(pairs), rel=1e-6)
    assert diversity(images[:1].expand(5, -1, -1, -1)) == pytest.approx(0.0, abs=1e-9)
    black_and_white = torch.stack([-torch.ones(3, 2, 2), torch.ones(3, 2, 2)])
    assert diversity(black_and_white) == 1.0
