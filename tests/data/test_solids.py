"""3-D models drawn: a cube's outline and shading by hand, smooth normals of a drum, a depth buffer against one of loops."""

import math

import models
import numpy as np
import pytest

from unpaired.data.solids import mesh, raster
from unpaired.data.solids.mesh import Material, Mesh
from unpaired.errors import DataError

LENGTH = math.sqrt(0.45**2 + 0.75**2 + 0.6**2)  # of where the lamp stands, before it was made 1


def bright(x: float, y: float, z: float) -> float:
    """The share of its colour that a side shows which looks along this: .7 from a lamp, .25 everywhere, .15 from above."""
    return 0.7 * max(0, (-0.45 * x + 0.75 * y + 0.6 * z) / LENGTH) + 0.25 + 0.15 * (1 + y) / 2


def drawn(model: Mesh, *, azimuth: float, elevation: float = 0, size: int = 64, framed_at: float | None = None) -> np.ndarray:
    ready = raster.subject(mesh.framed(model, elevation=elevation if framed_at is None else framed_at))
    return raster.draw(ready, azimuth=azimuth, elevation=elevation, size=size)


def test_a_cube_from_the_front() -> None:
    picture = drawn(models.cube(), azimuth=0)
    assert picture.shape == (64, 64, 3)
    assert picture.dtype == np.uint8
    # The frame holds its diagonal, sqrt 2, in 0.44 of its side: the square reaches 64 * 0.44 / sqrt 2 = 19.91 px from the middle.
    square = picture[:, :, 0] != raster.BACKGROUND
    assert np.flatnonzero(square.any(axis=0)).tolist() == np.flatnonzero(square.any(axis=1)).tolist() == list(range(12, 52))
    assert square.sum() == 40 * 40
    assert (picture[13:51, 13:51] == round(0.5 * bright(0, 0, 1) * 255)).all()
    assert round(0.5 * bright(0, 0, 1) * 255) == 92


def test_a_cube_on_its_edge() -> None:
    """Turned by 45 degrees to the right, the front and the side at its left, which was hidden, meet in the middle."""
    picture = drawn(models.cube(front=(1, 0, 0), left=(0, 0, 1)), azimuth=45)
    side = math.sqrt(0.5)
    front, left = bright(side, 0, side), bright(-side, 0, side)
    assert (front, left) == (pytest.approx(0.395), pytest.approx(0.815))
    row = picture[32]
    assert row[20].tolist() == [0, 0, round(left * 255)]
    assert row[44].tolist() == [round(front * 255), 0, 0]
    # Its diagonal now lies across: 64 * 0.44 = 28.16 px to both sides, a sample being a quarter of a pixel.
    seen = np.flatnonzero((row != raster.BACKGROUND).any(axis=1))
    assert (seen[0], seen[-1]) == (3, 60)
    shares = (int(row[3, 0]) - 200) / -200, (int(row[60, 2]) - 200) / -200
    assert shares == (pytest.approx(0.25, abs=0.01), pytest.approx(0.25, abs=0.01))  # 0.16 px is one sample of four


@pytest.mark.parametrize(
    ("azimuth", "elevation", "side"),
    [(0, 0, "front"), (90, 0, "left"), (-90, 0, "right"), (180, 0, "back"), (0, 90, "top"), (0, -90, "bottom")],
)
def test_which_side_is_seen(azimuth: float, elevation: float, side: str) -> None:
    colours = {name: (index / 10, 1 - index / 10, 0.5) for index, name in enumerate(models.SIDES)}
    picture = drawn(models.cube(**colours), azimuth=azimuth, elevation=elevation, framed_at=0)
    wanted = np.array(colours[side]) * bright(0, 0, 1) * 255
    assert np.abs(picture[32, 32] - wanted).max() <= 0.5
    assert (picture[20:44, 20:44] == picture[32, 32]).all()


def test_a_model_faces_where_its_azimuth_says() -> None:
    """A pointer towards the front lies right of the middle at 90 degrees, left of it at -90, and below it from above."""
    pointer = Mesh(
        np.array([[[0, 0.1, 0], [0, -0.1, 0], [0, 0, 1]], [[0.1, 0, 0], [-0.1, 0, 0], [0, 0, 1]]], np.float32) - (0, 0, 0.5),
        np.zeros((2, 3, 2), np.float32), np.zeros(2, np.int64), (Material(np.zeros(3, np.float32)),),
    )  # fmt: skip
    ready = raster.subject(pointer._replace(corners=pointer.corners + np.float32([0, 0, 0.5])))
    for azimuth, elevation, wanted in ((90, 0, (0, 1)), (-90, 0, (0, -1)), (0, 89, (1, 0)), (45, 0, (0, 1))):
        dark = (raster.draw(ready, azimuth=azimuth, elevation=elevation, size=64)[..., 0] < 200).nonzero()
        middle = [np.mean(axis) - 31.5 for axis in dark]
        assert [round(float(x) / 10) for x in middle] == list(wanted)


def test_a_framed_model_stays_in_the_frame_from_all_sides() -> None:
    rng = np.random.default_rng(0)
    corners = (rng.normal(size=(40, 3, 3)) * (3, 1, 0.5) + (5, -2, 1)).astype(np.float32)
    model = Mesh(corners, np.zeros((40, 3, 2), np.float32), np.zeros(40, np.int64), (Material(np.zeros(3, np.float32)),))
    for elevation in (0, 20, 60):
        framed = mesh.framed(model, elevation=elevation)
        farthest = 0.0
        for azimuth in range(360):
            turned = framed.corners @ (mesh.about_x(elevation) @ mesh.about_y(azimuth)).T
            farthest = max(farthest, float(np.abs(turned[..., :2]).max()))
        assert 0.999 < farthest <= 1.00001
    with pytest.raises(DataError, match="a model has 0 triangles"):
        mesh.framed(model._replace(corners=corners[:0]), elevation=0)
    with pytest.raises(DataError, match="one point; wanted a model with an extent"):
        mesh.framed(model._replace(corners=np.ones((1, 3, 3), np.float32)), elevation=0)


def drum(sides: int) -> np.ndarray:
    """The mantle of a drum about y, two triangles a side: [2 sides, 3, 3]."""
    angles = 2 * np.pi * np.arange(sides + 1) / sides
    low, high = (np.stack([np.sin(angles), np.full(sides + 1, y), np.cos(angles)], axis=1) for y in (-1.0, 1.0))
    return np.concatenate(
        [np.stack([low[:-1], low[1:], high[1:]], axis=1), np.stack([low[:-1], high[1:], high[:-1]], axis=1)]
    ).astype(np.float32)


def test_an_edge_is_smooth_up_to_the_crease() -> None:
    """Sixteen sides are 22.5 degrees apart: at a corner the surface looks away from the axis, or as its face does."""
    corners = drum(16)
    outward = corners * (1, 0, 1)
    assert np.allclose(mesh.normals(corners, crease=30), outward, atol=1e-6)
    sharp = mesh.normals(corners, crease=20)
    assert np.allclose(sharp, sharp[:, :1], atol=1e-6)
    assert np.allclose((sharp * outward).sum(axis=2), math.cos(math.radians(11.25)), atol=1e-6)
    cube = models.cube()
    axes = np.repeat([np.eye(3)[axis] for axis, _ in models.SIDES.values()], 2, axis=0)
    assert np.allclose(np.abs(mesh.normals(cube.corners)), axes[:, None], atol=1e-6)


def test_the_order_of_corners_means_nothing() -> None:
    corners = drum(16)
    mixed = corners.copy()
    mixed[::3] = mixed[::3, ::-1]
    found = mesh.normals(mixed, crease=30)
    assert np.allclose(np.abs((found * mixed * (1, 0, 1)).sum(axis=2)), 1, atol=1e-6)
    smooth = Mesh(corners, np.zeros((32, 3, 2), np.float32), np.zeros(32, np.int64), (Material(np.full(3, 0.5, np.float32)),))
    pictures = [drawn(model, azimuth=10, elevation=20) for model in (smooth, smooth._replace(corners=mixed))]
    assert np.abs(pictures[0].astype(int) - pictures[1]).max() <= 1


def test_a_drum_is_shaded_like_a_cylinder() -> None:
    smooth = Mesh(drum(64), np.zeros((128, 3, 2), np.float32), np.zeros(128, np.int64), (Material(np.full(3, 0.8, np.float32)),))
    row = drawn(smooth, azimuth=3)[32, :, 0]
    radius = 64 * 0.44 / math.sqrt(1)  # it reaches as far up as across
    for column in (10, 20, 32, 44, 54):
        across = (column + 0.5 - 32) / radius
        wanted = 0.8 * bright(across, 0, math.sqrt(1 - across**2)) * 255
        assert int(row[column]) == pytest.approx(wanted, abs=2)


def test_a_texture_lies_where_the_corners_say() -> None:
    """Four colours on the front: the texture's last row is at v = 0; beyond 1 it repeats."""
    quarters = np.array([[[1, 0, 0], [0, 1, 0]], [[0, 0, 1], [1, 1, 0]]], np.float32)
    square = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float32)
    places = (square[:, :2] + 1) / 2
    for shift in (0, 1, -2):
        uv = np.stack([places[[0, 1, 2]], places[[0, 2, 3]]]) + shift
        material = Material(np.ones(3, np.float32), quarters)
        flat = Mesh(np.stack([square[[0, 1, 2]], square[[0, 2, 3]]]), uv.astype(np.float32), np.zeros(2, np.int64), (material,))
        picture = drawn(flat, azimuth=0)
        found = [[tuple((picture[y, x] > 60).astype(int)) for x in (25, 40)] for y in (25, 40)]
        assert found == [[(1, 0, 0), (0, 1, 0)], [(0, 0, 1), (1, 1, 0)]]


def by_loops(x: np.ndarray, y: np.ndarray, near: np.ndarray, *, side: int) -> tuple[np.ndarray, np.ndarray]:
    """The triangle in front at each sample, -1 for none, and how near: by signs of areas, a sample and a triangle at a time."""
    owner, front = np.full((side, side), -1), np.full((side, side), -np.inf)
    for row in range(side):
        for column in range(side):
            px, py = column + 0.5, row + 0.5
            for face in range(len(x)):
                areas = []
                for first, second in ((1, 2), (2, 0), (0, 1)):
                    ax, ay, bx, by = x[face, first] - px, y[face, first] - py, x[face, second] - px, y[face, second] - py
                    areas.append(ax * by - ay * bx)
                whole = sum(areas)
                if whole and all(area / whole >= 0 for area in areas):
                    depth = sum(area / whole * z for area, z in zip(areas, near[face], strict=True))
                    if depth > front[row, column]:
                        owner[row, column], front[row, column] = face, depth
    return owner, front


def test_the_nearest_triangle_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    middle = rng.uniform(-4, 20, (24, 1, 2))
    x, y = np.moveaxis(middle + rng.normal(size=(24, 3, 2)) * rng.uniform(0.5, 8, (24, 1, 1)), 2, 0)  # some beyond the frame
    near = rng.normal(size=(24, 3))
    x[3], y[3] = x[3, 0], y[3, 0]  # without area
    owner, front = by_loops(x, y, near, side=16)
    assert len(np.unique(owner)) > 8
    for chunk in (raster._CHUNK, 7):
        monkeypatch.setattr(raster, "_CHUNK", chunk)
        found = raster.hits(x, y, near, side=16)
        assert (found.at == np.flatnonzero(owner.reshape(-1) >= 0)).all()
        assert (found.face == owner.reshape(-1)[found.at]).all()
        assert np.allclose(found.weights.sum(axis=1), 1, atol=1e-5)
        assert np.allclose((found.weights * near[found.face]).sum(axis=1), front.reshape(-1)[found.at], atol=1e-4)
        assert np.allclose((found.weights * x[found.face]).sum(axis=1), found.at % 16 + 0.5, atol=1e-3)


def test_nothing_is_seen_of_what_is_outside() -> None:
    found = raster.hits(np.full((1, 3), -5.0), np.array([[1.0, 2, 3]]), np.zeros((1, 3)), side=8)
    assert len(found.at) == len(found.face) == len(found.weights) == 0


def test_joined_and_moved_meshes() -> None:
    red, blue = models.cube(front=(1, 0, 0)), models.cube(front=(0, 0, 1))
    both = mesh.join([red, mesh.moved(blue, np.diag([1, 2, 3]))])
    assert both.corners.shape == (24, 3, 3)
    assert both.corners[12:].max(axis=(0, 1)).tolist() == [1, 2, 3]
    assert [both.materials[both.material[index]].colour.tolist() for index in (0, 12)] == [[1, 0, 0], [0, 0, 1]]
