"""Retrieval by hand-made cases, correlations against scipy and closed forms."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from unpaired.errors import ShapeError
from unpaired.metrics import relation
from unpaired.metrics.relation import circular_correlation, pearson, retrieval, uniform_circular_correlation


def grey(*values: float) -> torch.Tensor:
    """One flat 1 x 2 x 2 image for each value."""
    return torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)


def test_retrieval_counts_the_truths_that_are_nearer():
    truths = grey(0.0, 1.0, 2.0, 10.0)
    # Ranks of the own truth: 1; 2 (the truth 0 is nearer to 0.4); 3 (0 and 1 are nearer to 0.6); 4.
    translated = grey(0.1, 0.4, 0.6, -1.0)
    assert retrieval(translated, truths, k=(1, 2, 3, 4)) == {"top-1": 0.25, "top-2": 0.5, "top-3": 0.75, "top-4": 1.0}
    assert retrieval(truths, truths) == {"top-1": 1.0, "top-5": 1.0}


def test_retrieval_measures_absolute_and_not_squared_error():
    truths = torch.tensor([[0.0, 0.0, 0.0, 3.0], [1.0, 1.0, 1.0, 1.0]]).view(2, 1, 2, 2)
    # From 0 to the first: absolute 3, squared 9; to the second: 4 and 4. By squares the first would be missed.
    translated = torch.stack([torch.zeros(1, 2, 2), torch.ones(1, 2, 2)])
    assert retrieval(translated, truths, k=[1]) == {"top-1": 1.0}


def test_retrieval_ties_count_against():
    twins = grey(1.0, 1.0, 5.0)
    assert retrieval(twins, twins, k=(1, 2)) == {"top-1": pytest.approx(1 / 3), "top-2": 1.0}
    # All answers equal: the answer 2.0 is as far from 1 as from 3, and 1 and 3 are truths.
    assert retrieval(grey(2.0, 2.0), grey(1.0, 3.0), k=(1, 2)) == {"top-1": 0.0, "top-2": 1.0}


def test_retrieval_of_nan_is_a_miss():
    assert retrieval(grey(math.nan, 3.0), grey(1.0, 3.0), k=(1,)) == {"top-1": 0.5}


def test_retrieval_in_chunks_is_the_same(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    truths = torch.rand(23, 3, 4, 4, generator=generator)
    translated = truths + 1.5 * torch.randn(truths.shape, generator=generator)
    whole = retrieval(translated, truths)
    assert 0.2 < whole["top-1"] < whole["top-5"] < 1
    distances = np.abs(translated.numpy()[:, None] - truths.numpy()[None]).mean(axis=(2, 3, 4))
    ranks = (distances <= np.diag(distances)[:, None]).sum(axis=1)
    assert whole == {"top-1": pytest.approx((ranks <= 1).mean()), "top-5": pytest.approx((ranks <= 5).mean())}
    monkeypatch.setattr(relation, "RETRIEVAL_DISTANCES", 3 * 23 + 1)
    assert retrieval(translated, truths) == whole


def test_retrieval_needs_a_truth_for_each():
    with pytest.raises(ShapeError, match="each image needs its own truth"):
        retrieval(torch.zeros(3, 1, 2, 2), torch.zeros(2, 1, 2, 2))
    with pytest.raises(ShapeError, match="each image needs its own truth"):
        retrieval(torch.zeros(0, 1, 2, 2), torch.zeros(0, 1, 2, 2))


def test_pearson_agrees_with_scipy():
    generator = np.random.default_rng(0)
    x = generator.normal(size=50)
    y = 3 - 0.5 * x + 0.3 * generator.normal(size=50)
    assert pearson(torch.tensor(x), torch.tensor(y)) == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)
    assert pearson(torch.tensor(x), torch.tensor(1e-14 * x)) == pytest.approx(1.0)


def test_correlation_with_a_constant_is_not_a_number():
    x = torch.linspace(0.1, 0.7, 11, dtype=torch.float64)
    constant = torch.full((11,), 0.1, dtype=torch.float64)
    assert (constant - constant.mean()).any()  # rounding makes it seem to vary
    for correlation in (pearson, circular_correlation):
        assert math.isnan(correlation(x, constant))
        assert math.isnan(correlation(constant, x))


def test_circular_correlation_agrees_with_its_definition_on_scipys_mean_direction():
    generator = np.random.default_rng(1)
    x = generator.vonmises(2.9, 2.0, size=80)  # around the seam of the circle
    y = x + generator.vonmises(1.0, 4.0, size=80)
    sine_x, sine_y = np.sin(x - stats.circmean(x)), np.sin(y - stats.circmean(y))
    expected = (sine_x * sine_y).sum() / np.sqrt((sine_x**2).sum() * (sine_y**2).sum())
    assert 0.3 < expected < 0.95
    assert circular_correlation(torch.tensor(x), torch.tensor(y)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1.0, math.pi, 5 * math.pi])
def test_circular_correlation_sees_the_turn_and_not_the_offset(offset):
    x = torch.tensor([-0.9, -0.2, 0.1, 0.4, 1.3], dtype=torch.float64)
    assert circular_correlation(x, x + offset) == pytest.approx(1.0)
    assert circular_correlation(x, offset - x) == pytest.approx(-1.0)


@pytest.mark.parametrize("offset", [0.0, 1.0, math.pi])
def test_evenly_spread_angles_have_a_correlation_too(offset):
    azimuth = torch.arange(24, dtype=torch.float64) * (2 * math.pi / 24)
    assert uniform_circular_correlation(azimuth, azimuth + offset) == pytest.approx(1.0)
    assert uniform_circular_correlation(azimuth, offset - azimuth) == pytest.approx(-1.0)
    assert uniform_circular_correlation(azimuth, torch.full((24,), offset)) == pytest.approx(0.0, abs=1e-12)
    # Folded (front and back confused): the first half turns with, the second against; neither outweighs the other.
    folded = torch.where(azimuth < math.pi, azimuth, -azimuth)
    assert uniform_circular_correlation(azimuth, folded + offset) == pytest.approx(0.0, abs=0.05)


def test_uniform_correlation_of_noisy_angles_is_the_noise_resultant():
    # y = x + e with x even on the circle: |mean exp(-ie)|, for von Mises noise I1(kappa) / I0(kappa).
    generator = np.random.default_rng(2)
    x = torch.arange(4000, dtype=torch.float64) * (2 * math.pi / 4000)
    noise = torch.tensor(generator.vonmises(0.0, 1.5, size=4000))
    expected = float(torch.special.i1(torch.tensor(1.5)) / torch.special.i0(torch.tensor(1.5)))
    assert uniform_circular_correlation(x, x + noise) == pytest.approx(expected, abs=0.05)


def test_attributes_come_in_pairs():
    with pytest.raises(ShapeError, match=r"\[3\] and \[2\]"):
        pearson(torch.zeros(3), torch.zeros(2))
    with pytest.raises(ShapeError, match="one value an image"):
        circular_correlation(torch.zeros(3, 1), torch.zeros(3, 1))
