"""Drawing a model: orthographic, a depth buffer, smooth shading, several samples a pixel. Triangles are drawn all at once.

The light stands with the viewer: one lamp above and to the left, and light from all around that is brighter from above.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unpaired.data.solids.mesh import Floats, Mesh, about_x, about_y, normals
from unpaired.images import Pixels

BACKGROUND = 200
"""Grey of 255: neither white nor black models vanish in it."""
LAMP = np.array([-0.45, 0.75, 0.6], np.float32) / np.float32(np.linalg.norm([-0.45, 0.75, 0.6]))
"""Where the lamp stands, seen from the model: a direction of length 1 in the viewer's axes."""
FROM_LAMP, AMBIENT, FROM_ABOVE = 0.7, 0.25, 0.15
"""How bright a surface is that faces the lamp; everywhere; in addition where it faces up (none where it faces down)."""
SAMPLES = 4
"""In each direction, in a pixel."""
_CHUNK = 1 << 19


class Subject(NamedTuple):
    """A mesh that is ready to be drawn from any side. mesh: within [-1, 1] (`mesh.framed`); normals: [T, 3, 3]."""

    mesh: Mesh
    normals: Floats


class Hits(NamedTuple):
    """What is seen through each sample that sees anything. at: [P] row-major index of the sample; face: [P] of the triangle;
    weights: [P, 3] of its corners.
    """

    at: NDArray[np.int64]
    face: NDArray[np.int64]
    weights: Floats


def subject(mesh: Mesh) -> Subject:
    """A framed mesh and its normals."""
    return Subject(mesh, normals(mesh.corners))


def draw(model: Subject, *, azimuth: float, elevation: float, size: int, margin: float = 0.06) -> Pixels:
    """A picture of a model: [size, size, 3] uint8.

    azimuth: degrees by which it is turned, 0 shows the front, 90 turns the front to the right. elevation: degrees by which the
    viewer looks down. margin: share of the frame that is left free at each side.
    """
    side = size * SAMPLES
    rotation = about_x(elevation) @ about_y(azimuth)
    seen = model.mesh.corners @ rotation.T
    scale = side * (0.5 - margin)
    x, y, near = side / 2 + scale * seen[..., 0], side / 2 - scale * seen[..., 1], seen[..., 2]
    found = hits(x, y, near, side=side)
    samples = np.full((side * side, 3), BACKGROUND / 255, np.float32)
    samples[found.at] = _shaded(model, found, rotation)
    rows = samples.reshape(size, SAMPLES, -1).sum(axis=1)
    pixels = rows.reshape(size * size, SAMPLES, 3).sum(axis=1) / SAMPLES**2
    return np.rint(pixels * 255).astype(np.uint8).reshape(size, size, 3)


def hits(x: Floats, y: Floats, near: Floats, *, side: int, holes: Callable[[Hits], NDArray[np.bool_]] | None = None) -> Hits:
    """Which triangle is in front at each sample of a square of `side` x `side`.

    x, y: [T, 3], where corners lie, in samples from the upper left; near: [T, 3], larger is nearer. A sample is its middle.
    holes: which samples of triangles, in front or not, are seen through, [P]; they need not be in order.
    """
    planes = _planes(x.astype(np.float64), y.astype(np.float64))
    depths = near[:, 0, None] * (0, 0, 1) + np.einsum("tk,tkc->tc", near[:, 1:] - near[:, :1], planes)
    front = np.full(side * side, -np.inf, np.float32)
    owner = np.full(side * side, -1, np.int64)
    for face, row, first, count in _spans(planes, y, side=side):
        along = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        start = (depths[face] * np.stack([first + 0.5, row + 0.5, np.ones(len(row))], axis=1)).sum(axis=1)
        depth = (np.repeat(start, count) + np.repeat(depths[face, 0], count) * along).astype(np.float32)
        at, of = np.repeat(row * side + first, count) + along, np.repeat(face, count)
        if holes is not None:
            kept = ~holes(_weighed(planes, at, of, side=side))
            at, of, depth = at[kept], of[kept], depth[kept]
        np.maximum.at(front, at, depth)
        wins = depth == front[at]
        owner[at[wins]] = of[wins]
    at = np.flatnonzero(owner >= 0)
    return _weighed(planes, at, owner[at], side=side)


def brightness(directions: Floats) -> Floats:
    """How bright surfaces are: [N]. directions: where they look, of length 1, +z towards the viewer, [N, 3]."""
    lamp = np.maximum(directions @ LAMP, 0)
    return FROM_LAMP * lamp + AMBIENT + FROM_ABOVE * (1 + directions[:, 1]) / 2


def _shaded(model: Subject, found: Hits, rotation: Floats) -> Floats:
    """RGB in [0, 1] of every hit: [P, 3]."""
    looks = np.einsum("pk,pkc->pc", found.weights, model.normals[found.face]) @ rotation.T
    looks /= np.maximum(np.linalg.norm(looks, axis=1, keepdims=True), 1e-20)
    looks *= np.where(looks[:, 2:] < 0, -1, 1)  # seen from behind: the other side
    return np.clip(_colours(model.mesh, found) * brightness(looks)[:, None], 0, 1)


def _colours(mesh: Mesh, found: Hits) -> Floats:
    material = mesh.material[found.face]
    colours = np.stack([material.colour for material in mesh.materials])[material]
    for index, (_, texture) in enumerate(mesh.materials):
        here = np.flatnonzero(material == index) if texture is not None else ()
        if texture is None or not len(here):
            continue
        uv = np.einsum("pk,pkc->pc", found.weights[here], mesh.uv[found.face[here]])
        height, width = texture.shape[:2]
        column, row = np.floor(uv[:, 0] % 1 * width).astype(np.int64), np.floor((1 - uv[:, 1]) % 1 * height).astype(np.int64)
        colours[here] = texture[np.minimum(row, height - 1), np.minimum(column, width - 1)]
    return colours


def _weighed(planes: NDArray[np.float64], at: NDArray[np.int64], face: NDArray[np.int64], *, side: int) -> Hits:
    """Samples of triangles, with the weights of their corners."""
    places = np.stack([at % side + 0.5, at // side + 0.5, np.ones(len(at))], axis=1)
    two = np.einsum("pkc,pc->pk", planes[face], places).astype(np.float32)
    return Hits(at, face, np.concatenate([1 - two.sum(axis=1, keepdims=True), two], axis=1))


def _planes(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weights of each triangle's second and third corner as a x + b y + c, below 0 if it has no area: [T, 2, 3]."""
    dx, dy = x[:, 1:] - x[:, :1], y[:, 1:] - y[:, :1]
    double = dx[:, 0] * dy[:, 1] - dx[:, 1] * dy[:, 0]
    flat = np.abs(double) < 1e-9
    a = np.stack([dy[:, 1], -dy[:, 0]], axis=1)
    b = np.stack([-dx[:, 1], dx[:, 0]], axis=1)
    planes = np.stack([a, b, -a * x[:, :1] - b * y[:, :1]], axis=2) / np.where(flat, 1, double)[:, None, None]
    planes[flat] = (0, 0, -1)
    return planes


def _spans(planes: NDArray[np.float64], y: Floats, *, side: int) -> Iterator[tuple[NDArray[np.int64], ...]]:
    """The rows of samples that lie in triangles, in chunks of bounded size: triangle, row, first column, how many: [S] each."""
    top = np.clip(np.ceil(y.min(axis=1) - 0.5), 0, side).astype(np.int64)
    high = np.maximum(np.clip(np.floor(y.max(axis=1) - 0.5), -1, side - 1).astype(np.int64) - top + 1, 0)
    face = np.repeat(np.arange(len(y)), high)
    row = np.repeat(top, high) + np.arange(len(face)) - np.repeat(np.cumsum(high) - high, high)
    # All three weights a x + (b y + c) have to be 0 at least.
    low, most = np.zeros(len(face)), np.full(len(face), float(side))
    third = np.stack([-planes[:, :, 0].sum(axis=1), -planes[:, :, 1].sum(axis=1), 1 - planes[:, :, 2].sum(axis=1)], axis=1)
    for plane in (planes[:, 0], planes[:, 1], third):
        a, rest = plane[face, 0], plane[face, 1] * (row + 0.5) + plane[face, 2]
        bound = -rest / np.where(a == 0, 1, a)
        low = np.maximum(low, np.where(a > 0, bound, np.where((a == 0) & (rest < 0), np.inf, 0)))
        most = np.minimum(most, np.where(a < 0, bound, side))
    first = np.ceil(np.minimum(low, side + 1) - 0.5).astype(np.int64)
    count = np.floor(np.maximum(most, -1) - 0.5).astype(np.int64) - first + 1
    kept = np.flatnonzero(count > 0)
    chunk = np.cumsum(count[kept]) // _CHUNK
    for part in np.split(kept, np.flatnonzero(np.diff(chunk)) + 1):
        yield face[part], row[part], first[part], count[part]
