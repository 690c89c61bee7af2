"""MS-SSIM against torchmetrics; pairs within classes against brute force."""

from itertools import combinations

import numpy as np
import pytest
import torch
from skimage.measure import block_reduce
from skimage.metrics import structural_similarity
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure, structural_similarity_index_measure

from unpaired.errors import ShapeError
from unpaired.metrics.diversity import _random_pairs, fitting_scales, ms_ssim, within_class_similarity
from unpaired.metrics.paired import ssim


def pictures(count: int, *, size: int, channels: int = 3, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, channels, 6, 6, generator=generator) * 2 - 1
    return torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")


def degraded(x: torch.Tensor) -> torch.Tensor:
    """Up to three images with more and more noise."""
    strength = torch.tensor([0.05, 0.2, 0.6])[: len(x)].view(-1, 1, 1, 1)
    return (x + strength * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))).clamp(-1, 1)


def by_others(x: torch.Tensor, y: torch.Tensor, *, weights: list[float]) -> np.ndarray:
    """Contrast and structure of each scale by torchmetrics, similarity at the coarsest and the halving by scikit-image."""
    x, y, product = x.double(), y.double(), np.ones(len(x))
    for scale, weight in enumerate(weights, start=1):
        if scale < len(weights):
            _, found = structural_similarity_index_measure(
                x, y, data_range=2.0, reduction="none", return_contrast_sensitivity=True
            )
        else:
            settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 2.0}
            pairs = zip(x.numpy(), y.numpy(), strict=True)
            found = np.array([structural_similarity(a, b, channel_axis=0, **settings) for a, b in pairs])
        product *= np.maximum(np.asarray(found), 0) ** weight
        x, y = (torch.from_numpy(block_reduce(images.numpy(), (1, 1, 2, 2), np.mean)) for images in (x, y))
    return product


@pytest.mark.parametrize(
    ("size", "scales", "channels"), [(176, 5, 1), (96, 4, 3), (64, 3, 3), (44, 3, 1), (32, 2, 3), (28, 2, 1), (12, 1, 3)]
)
def test_ms_ssim_agrees_with_torchmetrics_and_scikit_image(size, scales, channels):
    x = pictures(3, size=size, channels=channels)
    y = degraded(x)
    weights = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333][:scales]
    weights = weights if scales == 5 else [weight / sum(weights) for weight in weights]
    found = ms_ssim(x, y)
    assert fitting_scales(size, size) == scales
    assert found.tolist() == pytest.approx(by_others(x, y, weights=weights), abs=1e-6)
    assert found[0] > found[1] > found[2] >= 0
    assert ms_ssim(x, x).tolist() == pytest.approx([1.0] * 3)


def test_torchmetrics_agrees_where_its_mirrored_edges_weigh_little():
    x = pictures(3, size=352, channels=1)[:2]
    y = degraded(x)
    theirs = multiscale_structural_similarity_index_measure(x.double(), y.double(), data_range=2.0, reduction="none")
    assert ms_ssim(x, y).tolist() == pytest.approx(theirs.tolist(), abs=0.02)


def test_one_scale_is_ssim():
    x, y = pictures(2, size=20), pictures(2, size=20, seed=1)
    assert ms_ssim(x, y, scales=1).tolist() == pytest.approx(ssim(x, y).clamp_min(0).tolist())


def test_what_is_opposite_counts_as_nothing_similar():
    checks = torch.where((torch.arange(32).view(-1, 1) // 4 + torch.arange(32) // 4) % 2 > 0, 0.5, -0.5).expand(1, 1, 32, 32)
    assert ms_ssim(checks, -checks).item() == 0.0


def test_images_that_have_no_room_are_refused():
    with pytest.raises(ShapeError, match="10 x 40; wanted sides of at least 11"):
        ms_ssim(torch.zeros(1, 1, 10, 40), torch.zeros(1, 1, 10, 40))
    with pytest.raises(ShapeError, match="3 scales for images of 32 x 40; wanted 1 to 2"):
        ms_ssim(torch.zeros(1, 1, 32, 40), torch.zeros(1, 1, 32, 40), scales=3)
    with pytest.raises(ShapeError, match="one shape"):
        ms_ssim(torch.zeros(1, 1, 32, 32), torch.zeros(2, 1, 32, 32))


def test_similarity_is_the_mean_over_all_pairs_of_a_small_class():
    images = pictures(9, size=28)
    labels = torch.tensor([4, 1, 4, 1, 4, 1, 4, 1, 1])
    found = within_class_similarity(images, labels)
    assert list(found) == [1, 4]
    for label in (1, 4):
        members = images[labels == label]
        pairs = [ms_ssim(a[None], b[None]).item() for a, b in combinations(members, 2)]
        assert found[label] == pytest.approx(sum(pairs) / len(pairs))


def test_a_collapsed_class_is_found_out():
    varied, collapsed = pictures(30, size=28), pictures(1, size=28, seed=5).expand(30, -1, -1, -1)
    found = within_class_similarity(torch.cat([varied, collapsed]), torch.arange(60) // 30, pairs=50)
    assert found[1] == pytest.approx(1.0)
    assert found[0] < 0.5


def test_pairs_follow_from_the_seed_and_the_class_alone():
    images = pictures(80, size=16)
    labels = torch.arange(80) // 40
    first = within_class_similarity(images, labels, pairs=5, seed=1)
    assert first == within_class_similarity(images, labels, pairs=5, seed=1)
    assert first != within_class_similarity(images, labels, pairs=5, seed=2)
    assert within_class_similarity(images[40:], labels[40:], pairs=5, seed=1) == {1: first[1]}


def test_pairs_are_different_and_all_can_come():
    assert sorted(_random_pairs(5, pairs=99, seed="")) == sorted((i, j) for i, j in combinations(range(5), 2))
    drawn = list(_random_pairs(3000, pairs=500, seed="0"))
    assert len(set(drawn)) == 500
    assert all(0 <= i < j < 3000 for i, j in drawn)
    assert max(j for _, j in drawn) > 2900
    every = {pair for seed in range(40) for pair in _random_pairs(4, pairs=2, seed=str(seed))}
    assert every == set(combinations(range(4), 2))


def test_a_class_without_pairs_is_refused():
    with pytest.raises(ShapeError, match="one image of class 7"):
        within_class_similarity(torch.zeros(3, 1, 16, 16), torch.tensor([2, 2, 7]))
    with pytest.raises(ShapeError, match=r"labels \[2\]"):
        within_class_similarity(torch.zeros(3, 1, 16, 16), torch.tensor([2, 2]))
