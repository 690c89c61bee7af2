"""Angles by hand: errors the shorter way round, crowding, and what goes together."""

import math

import pytest
import torch

from unpaired.experiments import azimuths_measures as measures

TRUE = torch.tensor([-90.0, -45.0, 0.0, 45.0, 90.0], dtype=torch.float64)


def test_errors_the_shorter_way_round() -> None:
    found, wanted = torch.tensor([170.0, -170.0, 30.0, -90.0]), torch.tensor([-170.0, 170.0, 20.0, 90.0])
    assert measures.error(found, wanted).tolist() == [-20.0, 20.0, 10.0, -180.0]
    assert measures.rmse(found, wanted) == pytest.approx(math.sqrt((400 + 400 + 100 + 32400) / 4))
    assert measures.misread(found[:3], wanted[:3]) == pytest.approx({"RMSE": math.sqrt(300), "median error": 20})


def test_crowding_counts_bins_about_the_views() -> None:
    assert measures.crowding(torch.arange(-90.0, 91.0, 15.0)) == pytest.approx(1 / 13)
    assert measures.crowding(torch.full((7,), 31.0)) == 1
    assert measures.crowding(torch.tensor([0.0, 7.0, -7.0, 8.0])) == pytest.approx(3 / 4)
    assert measures.crowding(torch.tensor([100.0, 170.0, 85.0, 0.0])) == pytest.approx(3 / 4)  # beyond the last is in the last


def test_as_it_is_and_as_in_a_mirror() -> None:
    there = measures.gone_together(TRUE, read=TRUE, answered=TRUE + 2)
    assert there == pytest.approx(
        {"Pearson's correlation": 1, "|correlation|": 1, "|correlation| with the input as read": 1, "|circular correlation|": 1,
         "sign": 1, "RMSE": 2, "RMSE after the better sign": 2, "most crowded": 0.2, "collapsed": 0}
    )  # fmt: skip
    mirrored = measures.gone_together(TRUE, read=TRUE, answered=-TRUE)
    assert mirrored["Pearson's correlation"] == pytest.approx(-1)
    assert (mirrored["sign"], mirrored["RMSE after the better sign"]) == (-1, 0)
    # 180, 90, 0, 90, 180 degrees apart.
    assert mirrored["RMSE"] == pytest.approx(math.sqrt(2 * (180**2 + 90**2) / 5))
    assert mirrored["|correlation|"] == pytest.approx(1)


def test_correlation_by_hand() -> None:
    """x = -2..2, y = x squared + x, both in steps of 45 degrees: cov 10, variances 10 and 24 - 20 + 10."""
    answered = torch.tensor([2.0, 0.0, 0.0, 2.0, 6.0]) * 15
    found = measures.gone_together(TRUE, read=-TRUE, answered=answered.double())
    assert found["Pearson's correlation"] == pytest.approx(10 / math.sqrt(10 * 24))
    assert found["|correlation| with the input as read"] == pytest.approx(10 / math.sqrt(10 * 24))
    # Misses by 120, 45, 0, -15, 0 degrees.
    assert found["RMSE"] == pytest.approx(math.sqrt((120**2 + 45**2 + 15**2) / 5))
    assert found["most crowded"] == pytest.approx(2 / 5)


def test_what_all_faces_one_way_goes_with_nothing() -> None:
    found = measures.gone_together(TRUE, read=TRUE, answered=torch.full((5,), 30.0, dtype=torch.float64))
    assert (found["Pearson's correlation"], found["|correlation|"], found["|circular correlation|"]) == (0, 0, 0)
    assert (found["collapsed"], found["most crowded"]) == (1, 1)


def test_means_over_seeds() -> None:
    found = measures.over_seeds([{"x": 0.1, "y": 1.0}, {"x": 0.2, "y": -1.0}])
    assert found == {"x": {"mean": 0.15, "seeds": [0.1, 0.2]}, "y": {"mean": 0.0, "seeds": [1.0, -1.0]}}
