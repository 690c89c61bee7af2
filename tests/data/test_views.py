"""Perspective against the pinhole's equations by hand."""

import numpy as np
import pytest

from unpaired.data.solids import views
from unpaired.data.solids.views import NOTHING, Eye, Surface, scene, smaller, view

FIELD = 90.0
AHEAD = Eye(np.zeros(3), heading=0.0, rise=0.0)


def plain(red: float, *, kind: int, opaque: float = 1.0) -> Surface:
    return Surface(kind, (np.array([[[red, 0, 0, opaque]]], np.float32),), lit=False)


def wall(far: float, *, low: float, high: float, left: float, right: float) -> np.ndarray:
    """Two triangles across the way ahead (+x), their left at -z."""
    square = np.array([[far, low, left], [far, low, right], [far, high, right], [far, high, left]], np.float32)
    return np.stack([square[[0, 1, 2]], square[[0, 2, 3]]])


def built(*walls: tuple[np.ndarray, Surface]) -> views.Scene:
    corners = np.concatenate([corners for corners, _ in walls])
    uv = np.tile(np.array([[0, 0], [1, 0], [1, 1]], np.float32), (len(corners), 1, 1))
    return scene(corners, uv, np.repeat(np.arange(len(walls)), 2), [surface for _, surface in walls])


def test_a_wall_is_where_a_pinhole_shows_it() -> None:
    # Over 90 degrees, what is as far to the side as ahead stands at the edge: 4 m of 8 are half way to it.
    seen = view(built((wall(8, low=0, high=2, left=-4, right=0), plain(1, kind=3))), AHEAD, size=16, field=FIELD)
    expected = np.full((16, 16), NOTHING)
    expected[6:8, 4:8] = 3
    assert np.array_equal(seen.kinds, expected)
    assert np.allclose(seen.far[6:8, 4:8], 8)
    assert np.isinf(seen.far[0]).all()
    assert np.array_equal(seen.clear, (expected == NOTHING).astype(np.float32))
    bright = views.AMBIENT + views.FROM_SUN / 2
    assert np.allclose(seen.colours[7, 5], (bright, 0, 0))


def test_headings_turn_to_the_right_and_rises_up() -> None:
    ahead = built((wall(8, low=-1, high=1, left=-1, right=1), plain(1, kind=0)))
    to_the_right = view(ahead, Eye(np.zeros(3), heading=20.0, rise=0.0), size=32, field=FIELD).kinds == 0
    assert np.argwhere(to_the_right)[:, 1].mean() < 12  # it is left of the middle now
    up = view(ahead, Eye(np.zeros(3), heading=0.0, rise=20.0), size=32, field=FIELD).kinds == 0
    assert np.argwhere(up)[:, 0].mean() > 19
    # The middle of the wall is 20 degrees below: tan 20 of the half picture.
    assert np.argwhere(up)[:, 0].mean() + 0.5 == pytest.approx(16 + 16 * np.tan(np.radians(20)), abs=0.5)


def test_the_nearer_hides_the_farther_unless_it_has_holes() -> None:
    far = (wall(10, low=-5, high=5, left=-5, right=5), plain(1, kind=1))
    near = wall(5, low=-1, high=1, left=-1, right=1)
    solid = view(built(far, (near, plain(0.5, kind=2))), AHEAD, size=16, field=FIELD)
    assert solid.kinds[8, 8] == 2
    assert solid.kinds[8, 5] == 1
    holed = view(built(far, (near, plain(0.5, kind=2, opaque=0.1))), AHEAD, size=16, field=FIELD)
    assert (holed.kinds[holed.kinds != NOTHING] == 1).all()
    assert holed.kinds[8, 8] == 1


def test_the_ground_reaches_from_below_to_the_horizon() -> None:
    # A floor under and behind the eye, so that triangles are cut: everything beneath the horizon is floor.
    floor = np.array([[-50, -1, -90], [800, -1, -4000], [800, -1, 4000], [-50, -1, 90]], np.float32)
    corners = np.stack([floor[[0, 1, 2]], floor[[0, 2, 3]]])
    seen = view(built((corners, plain(1, kind=0))), AHEAD, size=32, field=60.0)
    assert (seen.kinds[16:] == 0).all()
    assert (seen.kinds[:16] == NOTHING).all()
    # The floor's distance in a row is 1 / tan of its angle.
    lowest = (15.5 + 3 / 8) / 16 * np.tan(np.radians(30))  # of the nearest sample in the last row
    assert seen.far[31, 16] == pytest.approx(1 / lowest, rel=1e-4)


def test_textures_are_seen_in_perspective_and_shrink() -> None:
    halves = np.zeros((1, 2, 4), np.float32)
    halves[0, :, 0], halves[..., 3] = (0, 1), 1
    # A wall along the way, from 2 m to 10 m ahead on the right: its middle, 6 m ahead, is at 2/6 of the half picture.
    square = np.array([[2, -1, 2], [10, -1, 2], [10, 1, 2], [2, 1, 2]], np.float32)
    corners = np.stack([square[[0, 1, 2]], square[[0, 2, 3]]])
    uv = np.array([[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]]], np.float32)
    one = scene(corners, uv, np.zeros(2, int), [Surface(0, (halves,), lit=False)])
    row = view(one, AHEAD, size=60, field=FIELD).colours[30, :, 0]
    assert (row[41:] == 0).all()  # nearer than 6 m: right of 30 + 30 / 3
    assert (row[36:40] > 0.8).all()
    levels = smaller(np.dstack([np.arange(16).reshape(4, 4)] * 3 + [np.ones((4, 4))]).astype(np.float32))
    assert [level.shape[:2] for level in levels] == [(4, 4), (2, 2), (1, 1)]
    assert levels[1][0, 0].tolist() == [2.5, 2.5, 2.5, 1]
    clear = np.array([[[1, 1, 1, 0], [0, 0, 0, 1]], [[1, 1, 1, 0], [0, 0, 0, 1]]], np.float32)
    assert smaller(clear)[1][0, 0].tolist() == [0, 0, 0, 0.5]  # the colour of what is clear does not count
