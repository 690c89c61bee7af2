"""Stacked digits by cases counted by hand, the divergence by scipy."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import entropy

from unpaired.errors import ShapeError
from unpaired.metrics.stacked import stacked_digits, stacked_modes, stacked_probabilities


def test_one_mode_and_all_modes():
    assert stacked_modes(torch.tensor([[3, 1, 4]] * 5)) == pytest.approx((1, math.log(1000)))
    every = torch.cartesian_prod(*[torch.arange(10)] * 3)
    assert stacked_modes(every) == pytest.approx((1000, 0.0), abs=1e-12)
    assert stacked_modes(every[every[:, 0] < 5]) == pytest.approx((500, math.log(2)))


def test_order_of_the_digits_matters():
    assert stacked_modes(torch.tensor([[1, 2, 3], [3, 2, 1], [1, 2, 3]])).modes == 2


def test_divergence_agrees_with_scipy():
    numbers = torch.randint(10, (26000, 3), generator=torch.Generator().manual_seed(0))
    counts = np.histogramdd(numbers.numpy(), bins=[np.arange(11)] * 3)[0].ravel()
    found = stacked_modes(numbers)
    assert found == pytest.approx(((counts > 0).sum(), entropy(counts, np.ones(1000))))
    assert found.divergence == pytest.approx(999 / (2 * 26000), rel=0.15)  # what sampling alone makes of a uniform one


def test_digits_are_read_channel_by_channel():
    """A "classifier" that reads the digit off the brightness."""

    def by_brightness(images):
        assert images.shape[1:] == (1, 8, 8)
        digit = ((images.mean(dim=(1, 2, 3)) + 1) * 4.5).round().long()
        return torch.nn.functional.one_hot(digit, 10).float()

    numbers = torch.randint(10, (7, 3), generator=torch.Generator().manual_seed(1))
    images = (numbers / 4.5 - 1).view(7, 3, 1, 1).expand(7, 3, 8, 8)
    assert torch.equal(stacked_digits(images, classifier=by_brightness, batch=4), numbers)


def test_probabilities_by_hand():
    """Scores of ln 3 for the digit 7 and 0 for all others: 3 / 12, and 1 / 12."""
    scores = torch.zeros(10).index_fill(0, torch.tensor([7]), math.log(3))
    found = stacked_probabilities(torch.zeros(5, 2, 8, 8), classifier=lambda images: scores.expand(len(images), 10), batch=3)
    assert found.shape == (5, 2, 10)
    assert found[4, 1].tolist() == pytest.approx([1 / 12] * 7 + [3 / 12] + [1 / 12] * 2)


def test_what_are_no_digits_is_refused():
    with pytest.raises(ShapeError, match="numbers from 0 to 9"):
        stacked_modes(torch.tensor([[0, 1, 10]]))
    with pytest.raises(ShapeError, match=r"answered \[6, 9\] for 6 digits"):
        stacked_digits(torch.zeros(2, 3, 8, 8), classifier=lambda images: torch.zeros(len(images), 9))
    with pytest.raises(ShapeError, match=r"\[N, C, H, W\]"):
        stacked_digits(torch.zeros(2, 8, 8), classifier=lambda images: torch.zeros(len(images), 10))
