"""Modes by hand-counted cases, target modes at (0, 0), (10, 0) and (0, 10), sigma 1; and the papers' ring and grid."""

import math

import pytest
import torch
from scipy.stats import entropy

from unpaired.data.sets.toy import circle, grid
from unpaired.errors import ShapeError
from unpaired.metrics.modes import collisions, covered, divergence, high_quality, high_quality_share, nearest_mode

CENTRES = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
POINTS = torch.tensor(
    [
        [3.0, 0.0],  # mode 0, just within 3 sigma
        [0.0, -3.01],  # mode 0, just outside
        [2.5, 2.5],  # mode 0, within 3 sigma in each coordinate, but not in distance
        [9.0, 1.0],  # mode 1
        [10.0, -2.0],  # mode 1
        [4.0, 9.0],  # mode 2, outside
        [4.9, 0.0],  # mode 0, halfway to mode 1
        [5.1, 0.0],  # mode 1, halfway to mode 0
    ]
)


def test_samples_belong_to_the_nearest_mode():
    assert nearest_mode(POINTS, centres=CENTRES).tolist() == [0, 0, 0, 1, 1, 2, 0, 1]


def test_high_quality_is_within_three_sigma_in_distance():
    assert high_quality(POINTS, centres=CENTRES, sigma=1.0).tolist() == [True, *[False] * 2, True, True, *[False] * 3]
    assert high_quality_share(POINTS, centres=CENTRES, sigma=1.0).item() == 3 / 8
    assert high_quality_share(POINTS, centres=CENTRES, sigma=1.5).item() == 6 / 8


def test_covered_counts_modes_with_high_quality_samples():
    assert covered(POINTS, centres=CENTRES, sigma=1.0).item() == 2  # mode 2 holds only a stray
    assert covered(POINTS, centres=CENTRES, sigma=2.0).item() == 3
    assert covered(POINTS, centres=CENTRES, sigma=1.0, share=1 / 8).item() == 2
    assert covered(POINTS, centres=CENTRES, sigma=1.0, share=2 / 8).item() == 1  # mode 1 alone has two
    assert covered(POINTS, centres=CENTRES, sigma=1.0, share=3 / 8).item() == 0


def test_divergence_is_of_the_high_quality_samples_alone():
    # Of high quality: one of mode 0, two of mode 1, none of mode 2.
    wanted = math.log(3) + math.log(1 / 3) / 3 + math.log(2 / 3) * 2 / 3
    assert divergence(POINTS, centres=CENTRES, sigma=1.0).item() == pytest.approx(wanted)
    assert divergence(CENTRES.repeat(4, 1), centres=CENTRES, sigma=1.0).item() == pytest.approx(0, abs=1e-12)
    assert divergence(CENTRES[:1].expand(5, 2), centres=CENTRES, sigma=1.0).item() == pytest.approx(math.log(3))
    assert divergence(torch.full((4, 2), 5.0), centres=CENTRES, sigma=1.0).item() == pytest.approx(math.log(3))


def test_divergence_agrees_with_scipy():
    points = CENTRES[torch.randint(3, (50,), generator=torch.Generator().manual_seed(3)) % 2]
    counts = [int((points == centre).all(dim=1).sum()) for centre in CENTRES]
    members = torch.stack([points, CENTRES[2].expand(50, 2)])
    found = divergence(members, centres=CENTRES, sigma=0.5).tolist()
    assert found == pytest.approx([entropy(counts, [1, 1, 1]), math.log(3)])


def test_collisions_count_source_modes_that_share_a_target():
    # Source 0 -> mode 0 (2 of 3), source 1 -> mode 1 (2 of 3), source 2 -> mode 0 (1) or 1 (1): the first of equals.
    sources = torch.tensor([0, 0, 1, 1, 1, 0, 2, 2])
    assert collisions(POINTS, centres=CENTRES, sources=sources).item() == 2
    # The same with source 2's vote at mode 1: now 1 and 2 collide.
    assert collisions(POINTS, centres=CENTRES, sources=torch.tensor([0, 0, 0, 1, 1, 0, 0, 2])).item() == 2


def test_no_collision_and_all_collide():
    apart = torch.tensor([[0.0, 1.0], [0.0, 0.0], [10.0, 1.0], [1.0, 10.0]])
    sources = torch.tensor([0, 0, 3, 1])  # there is no source mode 2
    assert collisions(apart, centres=CENTRES, sources=sources).item() == 0
    assert collisions(torch.zeros(4, 2), centres=CENTRES, sources=sources).item() == 3
    two_pairs = torch.tensor([[0.0, 0.0], [0.0, 0.0], [10.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    assert collisions(two_pairs, centres=CENTRES, sources=torch.arange(5)).item() == 4


def test_an_ensembles_members_are_judged_one_by_one():
    members = torch.stack([POINTS, CENTRES.repeat(3, 1)[:8], torch.full_like(POINTS, torch.nan)])
    shared = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
    assert nearest_mode(members, centres=CENTRES).shape == (3, 8)
    assert high_quality_share(members, centres=CENTRES, sigma=1.0).tolist() == [3 / 8, 1.0, 0.0]
    assert covered(members, centres=CENTRES, sigma=1.0).tolist() == [2, 3, 0]
    assert covered(members, centres=CENTRES, sigma=1.0, share=2 / 8).tolist() == [1, 3, 0]
    of_each = [collisions(points, centres=CENTRES, sources=shared).item() for points in members]
    assert collisions(members, centres=CENTRES, sources=shared).tolist() == of_each
    assert of_each[1] == 0
    own = torch.stack([shared, shared, shared.flip(0)])
    assert collisions(members, centres=CENTRES, sources=own).shape == (3,)


@pytest.mark.parametrize(("centres", "sigma"), [(circle(8, radius=1.0), 0.01), (grid(5, apart=2.0), 0.05)])
def test_ring_and_grid_as_published(centres, sigma):
    """2500 samples; of high quality within 3 sigma; a mode is captured by one such sample."""
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randint(len(centres), (2500,), generator=generator)
    true = centres[chosen] + sigma * torch.randn(2500, 2, generator=generator)
    assert covered(true, centres=centres, sigma=sigma).item() == len(centres)
    # Within three deviations of two dimensions: 1 - exp(-9 / 2).
    assert high_quality_share(true, centres=centres, sigma=sigma).item() == pytest.approx(1 - math.exp(-4.5), abs=0.006)

    collapsed = centres[2] + 0.5 * sigma * torch.randn(2500, 2, generator=generator)
    assert covered(collapsed, centres=centres, sigma=sigma).item() == 1
    one_more = collapsed.clone()
    one_more[0] = centres[0] + torch.tensor([2.99 * sigma, 0.0])
    assert covered(one_more, centres=centres, sigma=sigma).item() == 2
    one_more[0] = centres[0] + torch.tensor([3.01 * sigma, 0.0])
    assert covered(one_more, centres=centres, sigma=sigma).item() == 1

    between = (centres[0] + centres[1]) / 2
    assert high_quality_share(between.expand(2500, 2), centres=centres, sigma=sigma).item() == 0


def test_points_of_another_shape_are_refused():
    with pytest.raises(ShapeError, match=r"points are \[..., N, 2\]"):
        nearest_mode(torch.zeros(4, 3), centres=CENTRES)
    with pytest.raises(ShapeError, match="one source a point"):
        collisions(POINTS, centres=CENTRES, sources=torch.zeros(3, dtype=torch.int64))
