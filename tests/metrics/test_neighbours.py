"""Nearest neighbours against scikit-learn, the copying test against scipy and cases whose answer is known."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import mannwhitneyu
from sklearn.cluster import KMeans
from sklearn.neighbors import NearestNeighbors

from unpaired import images
from unpaired.errors import ShapeError
from unpaired.metrics import neighbours
from unpaired.metrics.neighbours import copying, k_means, nearest, neighbour_rows


def cloud(count: int, *, seed: int, dimension: int = 3, spread: float = 1.0) -> torch.Tensor:
    return spread * torch.randn(count, dimension, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("chunk", [16, 1 << 23])
def test_neighbours_agree_with_scikit_learn_in_whatever_chunks(monkeypatch, chunk):
    monkeypatch.setattr(neighbours, "VALUES_AT_ONCE", chunk)
    monkeypatch.setattr(neighbours, "SAMPLES_AT_ONCE", min(chunk, 1024))
    samples, train = cloud(37, seed=0, dimension=5), cloud(61, seed=1, dimension=5)
    found = nearest(samples, train, k=4)
    distances, indices = NearestNeighbors(n_neighbors=4).fit(train.double()).kneighbors(samples.double())
    assert found.distances.numpy() == pytest.approx(distances)
    assert found.indices.tolist() == indices.tolist()


def test_a_copy_is_found_at_distance_zero_far_from_the_origin():
    train = 1000 + torch.rand(50, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    found = nearest(train[[7, 3]], train, k=2)
    assert found.distances[:, 0].tolist() == [0.0, 0.0]
    assert found.indices[:, 0].tolist() == [7, 3]
    assert found.distances[0, 1].item() == pytest.approx((train[7] - train[found.indices[0, 1]]).double().norm().item())


def test_one_cell_is_the_mann_whitney_test_of_scipy():
    samples, held_out, train = cloud(60, seed=0, spread=1.2), cloud(45, seed=1), cloud(80, seed=2)
    found = copying(samples, held_out=held_out, train=train)
    of = NearestNeighbors(n_neighbors=1).fit(train)
    near, held = (of.kneighbors(points)[0][:, 0] for points in (samples, held_out))
    u = mannwhitneyu(near, held).statistic  # pairs in which the sample is farther
    assert found.z == pytest.approx((u - 60 * 45 / 2) / math.sqrt(60 * 45 * (60 + 45 + 1) / 12))
    assert found.nearer == pytest.approx(1 - u / (60 * 45))
    assert found.cells == 1


def test_ties_count_by_half():
    train, beside = torch.zeros(1, 1), torch.ones(30, 1)
    assert copying(beside, held_out=-beside, train=train) == pytest.approx((0.0, 0.5, 1))


def test_copies_are_found_out_and_a_good_generator_is_not():
    train, held_out = cloud(300, seed=0), cloud(200, seed=1)
    jitter = 0.01 * cloud(200, seed=2)
    copies = copying(train[:200] + jitter, held_out=held_out, train=train)
    assert copies.z < -10
    assert copies.nearer > 0.95
    fresh = [copying(cloud(200, seed=seed), held_out=held_out, train=train).z for seed in range(10, 20)]
    assert -4 < min(fresh) <= max(fresh) < 4
    assert copying(3 * cloud(200, seed=3), held_out=held_out, train=train).z > 5


def test_cells_find_a_copier_that_the_whole_hides():
    """Copies in one place, bad fits in the other: over all they cancel (the example of Meehan et al.'s introduction)."""
    far = torch.tensor([50.0, 0.0, 0.0])
    train = torch.cat([cloud(300, seed=0), far + cloud(300, seed=1)])
    held_out = torch.cat([cloud(200, seed=2), far + cloud(200, seed=3)])
    half_copied = torch.cat([train[:200] + 0.001, far + 2.2 * cloud(200, seed=4)])
    whole = copying(half_copied, held_out=held_out, train=train)
    scores = [
        copying(half_copied[half], held_out=held_out[half], train=train[300 * part : 300 * part + 300]).z
        for part, half in enumerate((slice(0, 200), slice(200, 400)))
    ]
    in_cells = copying(half_copied, held_out=held_out, train=train, cells=2)
    assert scores[0] < -10 < 5 < scores[1]
    assert in_cells.z == pytest.approx(sum(scores) / 2)  # as many held-out points in both
    assert in_cells.cells == 2
    assert whole.cells == 1


def test_cells_with_few_samples_do_not_count():
    far = torch.tensor([50.0, 0.0, 0.0])
    train = torch.cat([cloud(60, seed=0), far + cloud(60, seed=1)])
    held_out = torch.cat([cloud(60, seed=2), far + cloud(60, seed=3)])
    lopsided = torch.cat([cloud(60, seed=4), far + cloud(20, seed=5)])
    found = copying(lopsided, held_out=held_out, train=train, cells=2)
    assert found.cells == 1
    assert found.z == pytest.approx(copying(lopsided[:60], held_out=held_out[:60], train=train[:60]).z)
    assert copying(lopsided, held_out=held_out, train=train, cells=2, more_than=19).cells == 2
    with pytest.raises(ShapeError, match="no cell of 2"):
        copying(lopsided, held_out=held_out, train=train, cells=2, more_than=60)


def test_k_means_finds_clear_clusters_as_scikit_learn_does():
    corners = torch.tensor([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
    points = torch.cat([corner + 0.5 * cloud(40, seed=seed, dimension=2) for seed, corner in enumerate(corners)])
    theirs = KMeans(3, n_init=5, random_state=0).fit(points.numpy()).cluster_centers_
    # From one random draw Lloyd's algorithm may end elsewhere: the best of some, as there.
    draws = [k_means(points, cells=3, seed=seed) for seed in range(5)]
    best = min(draws, key=lambda centres: nearest(points, centres).distances.square().sum())
    assert np.sort(best.numpy(), axis=0) == pytest.approx(np.sort(theirs, axis=0), abs=1e-5)
    with pytest.raises(ShapeError, match="4 cells"):
        k_means(points[:3], cells=4)


def test_rows_for_the_grid():
    train = torch.linspace(-1, 1, 10).view(10, 1, 1, 1).expand(10, 3, 12, 12)
    samples = train[[2, 5]] + 0.01
    found = nearest(samples, train, k=2)
    rows = neighbour_rows(samples, train=train, indices=found.indices, where="pixels")
    assert [caption for caption, _ in rows] == ["sample", "pixels 1", "pixels 2"]
    assert torch.equal(rows[0][1], samples)
    assert torch.equal(rows[1][1], train[[2, 5]])
    assert torch.equal(rows[2][1], train[[3, 6]])
    assert images.labelled_grid(rows).ndim == 3
    with pytest.raises(ShapeError, match="2 samples"):
        neighbour_rows(samples, train=train, indices=found.indices[:1])


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ShapeError, match=r"\[2, 3\] beside training data \[2, 4\]"):
        nearest(torch.zeros(2, 3), torch.zeros(2, 4))
    with pytest.raises(ShapeError, match="2 training samples for 3"):
        nearest(torch.zeros(2, 3), torch.zeros(2, 3), k=3)
    with pytest.raises(ShapeError, match="0 cells"):
        copying(torch.zeros(2, 3), held_out=torch.zeros(2, 3), train=torch.zeros(2, 3), cells=0)
