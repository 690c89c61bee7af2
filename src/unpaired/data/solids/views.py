"""What an eye within a scene sees: perspective, textures with holes, and beside the picture the class of each pixel.

The light comes from a sun and from all around; nothing throws a shadow. Axes: x and z along the ground, y up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unpaired.data.solids import raster
from unpaired.data.solids.mesh import Floats

SUN = np.array([0.4, 0.8, 0.45], np.float32) / np.float32(np.linalg.norm([0.4, 0.8, 0.45]))
"""Where it stands: a direction of length 1."""
AMBIENT, FROM_SUN = 0.7, 0.35
"""How bright a surface is everywhere, and in addition where it faces the sun."""
NEAREST, FARTHEST = 0.4, 900.0
"""Metres along the view between which anything is seen."""
SAMPLES = 4
"""In each direction, in a pixel."""
SEEN = 0.4
"""A texel that is as opaque as that is seen, a clearer one is a hole."""
NOTHING = -1
"""The class of a pixel behind which there is nothing."""


class Surface(NamedTuple):
    """What triangles look like. kind: their class, an integer from 0. texture: RGBA in [0, 1], its last row at v = 0, from large
    to small: [H, W, 4], [H/2, W/2, 4] and so on. lit: brighter towards the sun; leaves are as bright from everywhere.
    """

    kind: int
    texture: tuple[Floats, ...]
    lit: bool = True


class Scene(NamedTuple):
    """Triangles. corners: [T, 3, 3] float32 in metres; uv: [T, 3, 2]; surface: [T] indices of `surfaces`; light: [T] brightness;
    grain: [T] texels a metre; middle: [T, 3] and reach: [T], a ball around each.
    """

    corners: Floats
    uv: Floats
    surface: NDArray[np.int64]
    surfaces: tuple[Surface, ...]
    light: Floats
    grain: Floats
    middle: Floats
    reach: Floats


class Eye(NamedTuple):
    """Who looks. place: [3] in metres; heading: degrees from +x towards +z; rise: degrees above the horizon."""

    place: Floats
    heading: float
    rise: float


class View(NamedTuple):
    """What is seen. colours: RGB in [0, 1], [H, W, 3], 0 where nothing is; kinds: int64 [H, W], the commonest class of a pixel's
    samples, or NOTHING; clear: [H, W], the share of a pixel's samples behind which there is nothing; far: [H, W], metres to the
    nearest of its samples.
    """

    colours: Floats
    kinds: NDArray[np.int64]
    clear: Floats
    far: Floats


def scene(corners: Floats, uv: Floats, surface: NDArray[np.int64], surfaces: Sequence[Surface]) -> Scene:
    """Triangles that are ready to be looked at: [T, 3, 3], [T, 3, 2], [T]."""
    exact = corners.astype(np.float64)
    edges = exact[:, 1:] - exact[:, :1]
    across = np.cross(edges[:, 0], edges[:, 1])
    double = np.linalg.norm(across, axis=1)
    sun = np.abs(across @ SUN) / np.maximum(double, 1e-12)
    lit = np.array([each.lit for each in surfaces])[surface]
    light = np.where(lit, AMBIENT + FROM_SUN * sun, AMBIENT + FROM_SUN / 2).astype(np.float32)
    sides = uv[:, 1:].astype(np.float64) - uv[:, :1]
    texels = np.array([each.texture[0].shape[0] * each.texture[0].shape[1] for each in surfaces])[surface]
    covered = np.abs(sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0]) * texels
    grain = np.sqrt(covered / np.maximum(double, 1e-9)).astype(np.float32)
    middle = exact.mean(axis=1)
    reach = np.linalg.norm(exact - middle[:, None], axis=2).max(axis=1)
    return Scene(corners, uv, surface, tuple(surfaces), light, grain, middle.astype(np.float32), reach.astype(np.float32))


def smaller(texture: Floats) -> tuple[Floats, ...]:
    """A texture [H, W, 4] and its halves, down to a side of 1; colours count as far as they are opaque."""
    levels = [texture]
    while min(levels[-1].shape[:2]) > 1:
        height, width = (side // 2 * 2 for side in levels[-1].shape[:2])
        four = (
            levels[-1][:height, :width]
            .reshape(height // 2, 2, width // 2, 2, 4)
            .swapaxes(1, 2)
            .reshape(height // 2, width // 2, 4, 4)
        )
        opaque = four[..., 3:]
        colour = (four[..., :3] * opaque).sum(axis=2) / np.maximum(opaque.sum(axis=2), 1e-6)
        levels.append(np.concatenate([colour, opaque.mean(axis=2)], axis=2).astype(np.float32))
    return tuple(levels)


def rays(eye: Eye, *, size: int, field: float) -> Floats:
    """The directions of a picture's pixels, of length 1: [size, size, 3]. field: degrees from its left edge to its right one."""
    middle = (np.arange(size) + 0.5) / size * 2 - 1
    half = math.tan(math.radians(field) / 2)
    right, up, ahead = _axes(eye)
    found = ahead + half * (middle[None, :, None] * right - middle[:, None, None] * up)
    return (found / np.linalg.norm(found, axis=2, keepdims=True)).astype(np.float32)


def view(of: Scene, eye: Eye, *, size: int, field: float) -> View:
    """What is seen of a scene: pictures of `size` x `size`. field: degrees from the left edge to the right one."""
    side = size * SAMPLES
    focal = side / 2 / math.tan(math.radians(field) / 2)
    points, uv, which = _near(of, eye, field=field)
    points, uv, which = _clipped(points, uv, which)
    ahead = points[..., 2]
    x, y = side / 2 + focal * points[..., 0] / ahead, side / 2 - focal * points[..., 1] / ahead
    near = 1 / ahead
    pierced = np.array([bool((each.texture[0][..., 3] < SEEN).any()) for each in of.surfaces])[of.surface[which]]

    def texels(found: raster.Hits) -> tuple[Floats, Floats]:
        """RGBA and distance of each hit."""
        weights = found.weights * near[found.face]
        far = 1 / weights.sum(axis=1, keepdims=True)
        place = np.einsum("pk,pkc->pc", weights * far, uv[found.face])
        return _texels(of, which[found.face], place, far[:, 0] / focal), far[:, 0]

    def holes(found: raster.Hits) -> NDArray[np.bool_]:
        some = np.flatnonzero(pierced[found.face])
        through = np.zeros(len(found.at), bool)
        if len(some):
            through[some] = texels(raster.Hits(found.at[some], found.face[some], found.weights[some]))[0][:, 3] < SEEN
        return through

    found = raster.hits(x, y, near, side=side, holes=holes)
    rgba, far = texels(found)
    face = which[found.face]
    colours, kinds, depth = (
        np.zeros((side * side, 3), np.float32),
        np.full(side * side, NOTHING, np.int64),
        np.full(side * side, np.inf, np.float32),
    )
    colours[found.at] = np.clip(rgba[:, :3] * of.light[face, None], 0, 1)
    kinds[found.at] = np.array([each.kind for each in of.surfaces])[of.surface[face]]
    depth[found.at] = far
    several = _samples(kinds[:, None], size)[..., 0]
    return View(
        _samples(colours, size).mean(axis=2),
        _commonest(several),
        (several == NOTHING).mean(axis=2, dtype=np.float32),
        _samples(depth[:, None], size)[..., 0].min(axis=2),
    )


def _axes(eye: Eye) -> tuple[Floats, Floats, Floats]:
    """Right, up and ahead: directions of length 1."""
    heading, rise = math.radians(eye.heading), math.radians(eye.rise)
    flat = np.array([math.cos(heading), 0, math.sin(heading)])
    ahead = math.cos(rise) * flat + math.sin(rise) * np.array([0, 1, 0])
    right = np.array([-math.sin(heading), 0, math.cos(heading)])
    return right, np.cross(right, ahead), ahead


def _near(of: Scene, eye: Eye, *, field: float) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """The triangles that may be seen, as the eye has them (right, up, ahead): [P, 3, 3], [P, 3, 2] and their indices [P]."""
    axes = np.stack(_axes(eye))
    place = np.asarray(eye.place)
    right, up, ahead = (
        (of.middle - place) @ axes.T.astype(np.float32)[:, 0],
        *((of.middle - place) @ axes.T.astype(np.float32)[:, 1:]).T,
    )
    half = math.radians(field) / 2
    inside = (ahead + of.reach > NEAREST) & (ahead - of.reach < FARTHEST)
    for sideways in (np.abs(right), np.abs(up)):
        inside &= sideways * math.cos(half) - ahead * math.sin(half) < of.reach
    which = np.flatnonzero(inside)
    points = (of.corners[which].astype(np.float64) - place) @ axes.T
    return points, of.uv[which].astype(np.float64), which


def _clipped(points: Floats, uv: Floats, which: NDArray[np.int64]) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """What of the triangles lies at least NEAREST ahead, as triangles."""
    both = np.concatenate([points, uv], axis=2)
    inside = points[..., 2] >= NEAREST
    count = inside.sum(axis=1)
    kept, owners = [both[count == 3]], [which[count == 3]]
    for wanted in (1, 2):
        some = np.flatnonzero(count == wanted)
        # The corner that is alone on its side comes first, in the order of the triangle.
        first = (inside if wanted == 1 else ~inside)[some].argmax(axis=1)
        order = (first[:, None] + np.arange(3)) % 3
        alone, left, right = both[some[:, None], order].swapaxes(0, 1)
        to_left, to_right = (_between(alone, other) for other in (left, right))
        if wanted == 1:
            kept.append(np.stack([alone, to_left, to_right], axis=1))
            owners.append(which[some])
        else:
            kept += [np.stack([to_left, left, right], axis=1), np.stack([to_left, right, to_right], axis=1)]
            owners += [which[some]] * 2
    whole = np.concatenate(kept)
    return whole[..., :3], whole[..., 3:], np.concatenate(owners)


def _between(one: Floats, other: Floats) -> Floats:
    """Where the edges between corners [N, 5] cross NEAREST."""
    share = (NEAREST - one[:, 2:3]) / (other[:, 2:3] - one[:, 2:3])
    return one + share * (other - one)


def _texels(of: Scene, face: NDArray[np.int64], place: Floats, width: Floats) -> Floats:
    """RGBA of hits: [P, 4]. place: in the texture, [P, 2]; width: of a sample there, in metres, [P]."""
    found = np.zeros((len(face), 4), np.float32)
    surface = of.surface[face]
    coarse = np.floor(np.log2(np.maximum(width * of.grain[face], 1e-9))).astype(np.int64)
    for index in np.unique(surface):
        levels = of.surfaces[index].texture
        here = np.flatnonzero(surface == index)
        level = np.clip(coarse[here], 0, len(levels) - 1)
        for number in np.unique(level):
            some = here[level == number]
            height, across = levels[number].shape[:2]
            column = np.floor(place[some, 0] % 1 * across).astype(np.int64)
            row = np.floor((1 - place[some, 1]) % 1 * height).astype(np.int64)
            found[some] = levels[number][np.minimum(row, height - 1), np.minimum(column, across - 1)]
    return found


def _samples(values: NDArray, size: int) -> NDArray:
    """[size^2 SAMPLES^2, C] as [size, size, SAMPLES^2, C]."""
    blocks = values.reshape(size, SAMPLES, size, SAMPLES, -1).swapaxes(1, 2)
    return blocks.reshape(size, size, SAMPLES**2, -1)


def _commonest(kinds: NDArray[np.int64]) -> NDArray[np.int64]:
    """The commonest of each pixel's classes: [H, W, S] -> [H, W]."""
    last = int(kinds.max(initial=0))
    counts = np.stack([(kinds == kind).sum(axis=2) for kind in range(NOTHING, last + 1)], axis=2)
    return counts.argmax(axis=2) + NOTHING
