"""Fewer of many keep their ends, and a straight line stays one."""

import numpy as np

from unpaired.report import sampling


def test_a_spread_has_both_ends_and_no_more_than_asked():
    assert sampling.spread(3, 12) == [0, 1, 2]
    assert sampling.spread(100, 4) == [0, 33, 66, 99]
    assert sampling.spread(0, 4) == []


def test_smoothing_keeps_steps_and_a_straight_line():
    points = [(float(step), 2.0 * step) for step in range(200)]
    smoothed = sampling.smooth(points)
    assert [step for step, _ in smoothed] == [step for step, _ in points]
    assert np.allclose([value for _, value in smoothed[:-5]], [value for _, value in points[:-5]])
