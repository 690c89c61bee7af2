"""Charts: round ticks, and curves that have no height."""

import re

import pytest

from unpaired.report import chart


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 0.037), (0.2, 0.9), (-3, 12), (0, 541), (0, 7_200_000)])
def test_ticks_are_round_and_inside(low, high):
    ticks = chart._ticks(low, high, most=5)
    assert 2 <= len(ticks) <= 6
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in ticks)


@pytest.mark.parametrize("points", [[(0.0, 0.0), (1.0, 0.0)], [(0.0, -1.0), (5.0, -1.0)], [(0.0, 2.0), (0.0, 2.0)]])
def test_a_flat_curve_can_be_drawn(points):
    drawn = chart.chart("flat", "", [chart.Series("flat", points, 0)])
    assert "nan" not in drawn
    assert "inf" not in drawn


def places(drawn):
    """The points of the first curve, in thousandths of the plot."""
    [path] = re.findall(r'<path d="M([^"]*)" class="line"', drawn)
    return [tuple(float(number) for number in point.split()) for point in path.split("L")]


def test_points_lie_where_their_values_say():
    """Upwards from 0 to 8 per cent above the highest value; to the right from 0 to the last step."""
    drawn = chart.chart("plain", "", [chart.Series("line", [(0.0, 0.0), (50.0, 1.0), (200.0, 2.0)], 0)])
    assert places(drawn) == [(0, 1000), (250, round(1000 - 1000 / 2.16, 1)), (1000, round(1000 - 2000 / 2.16, 1))]


def test_on_a_logarithmic_scale_equal_factors_are_equal_ways():
    drawn = chart.chart("log", "", [chart.Series("line", [(1.0, 0.01), (2.0, 0.1), (4.0, 1.0)], 0)], logarithmic=True)
    (left, low), (middle, half), (right, high) = places(drawn)
    assert (left, middle, right, half) == (250, 500, 1000, 500)
    assert low + high == 1000
    assert low == round(1000 * (1 - 0.05 / 2.1), 1)
    assert "The scale is logarithmic." in drawn


@pytest.mark.parametrize(("step", "style"), [(50, "left:calc(25.0% + 5px)"), (150, "right:calc(25.0% + 5px)"), (201, None)])
def test_a_mark_is_named_where_there_is_room_and_left_out_beyond_the_last_step(step, style):
    drawn = chart.chart("marked", "", [chart.Series("line", [(0.0, 1.0), (200.0, 2.0)], 0)], mark=chart.Mark(step, "kept"))
    assert re.findall(r'class="flag" style="([^"]*)"', drawn) == ([style] if style else [])
    assert ('class="mark"' in drawn) == (style is not None)
