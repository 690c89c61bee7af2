"""The course of a TORCS track: from its description, put where the road of its model lies.

A description tells straights by their length and turns by radius and arc, one after another; where it begins within the model
is told nowhere. So the course is laid over a map of the road, where most of it lies on road.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from unpaired.data.solids.mesh import Floats
from unpaired.errors import DataError

STEP = 1.0
"""Metres from one point of a course to the next."""
CELL = 1.0
"""Metres a side: of a cell of the road's map."""
WANDERS = 10.0
"""Metres to either side within which a course is moved to the middle of the road."""
ON_ROAD = 0.9
"""The share of a course that has to lie on road."""
_UNITS = {"m": 1.0, "ft": 0.3048, "deg": math.pi / 180, "": 1.0}


class Course(NamedTuple):
    """Points STEP apart, in the model's axes (x and z along the ground, y up). places: [N, 3] on the road; headings: [N] degrees
    from +x towards +z; rises: [N], degrees.
    """

    places: Floats
    headings: Floats
    rises: Floats


def course(description: str, road: Floats, *, where: str) -> Course:
    """The course of a track's description (XML) along its road's triangles [T, 3, 3].

    DataError, which begins with `where`, if it describes no track, or less than ON_ROAD of it lies on the road.
    """
    plan, headings = plan_of(description, where=where)
    plan = plan + _shift(plan, road)
    for _ in range(2):  # the second time from nearer by
        plan = _centred(plan, headings, road)
    heights = _heights(plan, road)
    found = np.isfinite(heights)
    if found.mean() < ON_ROAD:
        raise DataError(f"{where}: {found.mean():.0%} of the course lies on its road, wanted {ON_ROAD:.0%} (another version?)")
    kept = np.flatnonzero(found)
    heights = np.interp(np.arange(len(plan)), kept, heights[kept])
    along = np.roll(plan, -8, axis=0) - np.roll(plan, 8, axis=0)
    climbed = np.roll(heights, -8) - np.roll(heights, 8)
    return Course(
        np.stack([plan[:, 0], heights, plan[:, 1]], axis=1),
        np.degrees(np.arctan2(along[:, 1], along[:, 0])),
        np.degrees(np.arctan2(climbed, np.linalg.norm(along, axis=1))),
    )


def plan_of(description: str, *, where: str) -> tuple[Floats, Floats]:
    """The course as described, from the origin along +x, in the model's axes: points (x, z) [N, 2], headings in radians [N].

    DataError, which begins with `where`, if it describes no track.
    """
    text = re.sub(r"<!DOCTYPE.*?\]>|<\?xml.*?\?>|&[\w.-]+;", "", description, flags=re.DOTALL)  # files of the game's own
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise DataError(f"{where} is no XML: {error}; wanted the description of a track") from None
    segments = root.find(".//section[@name='Main Track']/section[@name='Track Segments']")
    try:
        turns = [] if segments is None else [turn for segment in segments.findall("section") for turn in _turns(segment)]
    except (KeyError, ValueError) as error:
        raise DataError(f"{where} has a segment that cannot be read ({error}); wanted the description of a track") from None
    if not turns:
        raise DataError(f"{where} has no segments; wanted the description of a track")
    lengths, angles = np.array(turns).T
    along = np.concatenate([[0], np.cumsum(lengths)])
    # Left is towards +y in the description, which is -z in the model.
    heading = -np.concatenate([[0], np.cumsum(angles)])
    fine = np.arange(0, along[-1], STEP / 4)
    headings = np.interp(fine, along, heading)
    points = np.cumsum(np.stack([np.cos(headings), np.sin(headings)], axis=1), axis=0) * (STEP / 4)
    return points[::4], headings[::4]


def _turns(segment: ElementTree.Element) -> Iterator[tuple[float, float]]:
    """Pieces of a segment: length in metres, and by how much it turns to the left, in radians."""
    kinds = {each.get("name"): each.get("val") for each in segment.findall("attstr")}
    numbers = {
        each.get("name"): float(each.get("val", "nothing")) * _UNITS[each.get("unit", "")]
        for each in segment.findall("attnum")
        if each.get("name") in ("lg", "arc", "radius", "end radius")
    }
    if kinds.get("type") == "str":
        yield numbers["lg"], 0.0
    elif kinds.get("type") in ("lft", "rgt"):
        first, arc = numbers["radius"], numbers["arc"]
        last = numbers.get("end radius", first)
        length = (first + last) / 2 * arc
        pieces = max(1, round(length / STEP))
        radii = np.linspace(first, last, pieces)
        angles = length / pieces / radii
        angles *= arc / angles.sum()
        for angle in angles if kinds["type"] == "lft" else -angles:
            yield length / pieces, float(angle)


def _shift(plan: Floats, road: Floats) -> Floats:
    """By how much a plan [N, 2] is moved so that most of its points lie on road: [2]."""
    flat = road[..., [0, 2]]
    low, high = flat.min(axis=(0, 1)), flat.max(axis=(0, 1))
    start = plan.min(axis=0)
    shape = tuple(int(n) for n in np.ceil((high - low + np.ptp(plan, axis=0)) / CELL).astype(int) + 2)
    tarmac, trace = np.zeros(shape), np.zeros(shape)
    tarmac[tuple(((_sprinkled(flat) - low) / CELL).astype(int).T)] = 1
    np.add.at(trace, tuple(((plan - start) / CELL).astype(int).T), 1)
    overlap = np.fft.irfft2(np.fft.rfft2(tarmac) * np.conj(np.fft.rfft2(trace)), s=shape)
    # The middle of all places that are nearly best: on a wide road there are many.
    best = np.argwhere(overlap > 0.995 * overlap.max())
    best = best[np.abs(best - np.array(np.unravel_index(overlap.argmax(), shape))).max(axis=1) < 20]
    moved = best.mean(axis=0) * CELL
    return np.where(moved > (high - low), moved - np.array(shape) * CELL, moved) + low - start


def _sprinkled(flat: Floats) -> Floats:
    """Points all over triangles [T, 3, 2], no farther apart than a cell."""
    edges = flat[:, 1:] - flat[:, :1]
    longest = np.maximum(np.abs(edges).max(axis=(1, 2)), 1e-6)
    counts = np.minimum(np.ceil(longest / (CELL / 2)).astype(int), 400)
    parts = []
    for count in np.unique(counts):
        steps = (np.arange(count) + 0.5) / count
        one, two = np.meshgrid(steps, steps, indexing="ij")
        inside = one + two <= 1
        weights = np.stack([one[inside], two[inside]], axis=1)
        here = counts == count
        parts.append((flat[here, :1] + np.einsum("pk,tkc->tpc", weights, edges[here])).reshape(-1, 2))
    return np.concatenate(parts)


def _centred(plan: Floats, headings: Floats, road: Floats) -> Floats:
    """Each point in the middle of the road that lies across it, smoothed; points without road nearby go with the others."""
    across = np.stack([-np.sin(headings), np.cos(headings)], axis=1)
    offsets = np.arange(-WANDERS, WANDERS + 0.1, 0.5)
    samples = plan[:, None] + offsets[None, :, None] * across[:, None]
    on = np.isfinite(_heights(samples.reshape(-1, 2), road)).reshape(len(plan), -1)
    some = on.any(axis=1)
    if not some.any():
        return plan
    middle = np.where(some, (on * offsets).sum(axis=1) / np.maximum(on.sum(axis=1), 1), 0)
    known = np.flatnonzero(some)
    middle = np.interp(np.arange(len(plan)), known, middle[known])
    window = np.hanning(43)[1:-1]
    padded = np.concatenate([middle[-20:], middle, middle[:20]])
    return plan + np.convolve(padded, window / window.sum(), "valid")[:, None] * across


def _heights(points: Floats, road: Floats) -> Floats:
    """How high the road is at points (x, z) [N, 2], where it crosses itself the lower one: [N], inf where there is none."""
    low, high = road[..., [0, 2]].min(axis=1), road[..., [0, 2]].max(axis=1)
    found = np.full(len(points), np.inf)
    order = np.argsort(points[:, 0])
    sorted_x = points[order, 0]
    first, last = np.searchsorted(sorted_x, low[:, 0]), np.searchsorted(sorted_x, high[:, 0])
    for triangle, begin, end, bottom, top in zip(road, first, last, low[:, 1], high[:, 1], strict=True):
        near = order[begin:end]
        near = near[(points[near, 1] >= bottom) & (points[near, 1] <= top)]
        if not len(near):
            continue
        height = _on(triangle.astype(np.float64), points[near])
        found[near] = np.minimum(found[near], height)
    return found


def _on(triangle: Floats, points: Floats) -> NDArray:
    """The height of a triangle [3, 3] at points (x, z), inf beside it: [N]."""
    origin = triangle[0]
    edges = (triangle[1:] - origin)[:, [0, 2]]
    area = edges[0, 0] * edges[1, 1] - edges[0, 1] * edges[1, 0]
    if abs(area) < 1e-9:
        return np.full(len(points), np.inf)
    away = points - origin[[0, 2]]
    one = (away[:, 0] * edges[1, 1] - away[:, 1] * edges[1, 0]) / area
    two = (edges[0, 0] * away[:, 1] - edges[0, 1] * away[:, 0]) / area
    inside = (one >= -1e-6) & (two >= -1e-6) & (one + two <= 1 + 1e-6)
    height = origin[1] + one * (triangle[1, 1] - origin[1]) + two * (triangle[2, 1] - origin[1])
    return np.where(inside, height, np.inf)
