"""Fewer of many: images evenly spread, curves of points that can be told apart."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

MOST_POINTS = 240
"""Of each curve."""

Points = list[tuple[float, float]]
"""A curve: (step, value), in order of steps."""


def spread(count: int, most: int) -> list[int]:
    """At most `most` of `count` rows, spread evenly, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [round(place * (count - 1) / (most - 1)) for place in range(most)]


def finite(points: Iterable[tuple[float, Any]]) -> Points:
    """The points whose value is a number: neither None nor NaN nor infinite."""
    return [(float(step), float(value)) for step, value in points if value is not None and math.isfinite(value)]


def thin(points: Sequence[tuple[float, float]]) -> Points:
    """At most `MOST_POINTS` of the points, with both ends."""
    return [points[row] for row in spread(len(points), MOST_POINTS)]


def smooth(points: Sequence[tuple[float, float]]) -> Points:
    """The mean over a window of a twentieth of all points: narrower at the steep start, one-sided at the noisy end."""
    reach = len(points) // 40
    smoothed = []
    for at, (step, _) in enumerate(points):
        near = min(reach, at)
        window = points[at - near : at + near + 1]
        smoothed.append((step, sum(value for _, value in window) / len(window)))
    return thin(smoothed)
