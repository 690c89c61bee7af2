"""A 3-D model as triangles, and what is done to it before it is drawn.

Axes: x to the right, y up, z towards the viewer; a model that is not turned shows its front, which points along +z.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unpaired.errors import DataError

Floats = NDArray[np.floating]
GLASS = 0.12
"""What shines through where a material is transparent, as grey in [0, 1]: nobody looks into a car."""
CREASE = 50.0
"""Degrees between two faces up to which the edge between them is drawn smooth."""


class Material(NamedTuple):
    """colour: RGB in [0, 1], [3]. texture: RGB in [0, 1] instead of it, [H, W, 3], its last row at v = 0; None: there is none."""

    colour: Floats
    texture: Floats | None = None


class Mesh(NamedTuple):
    """Triangles. corners: [T, 3, 3] float32, corner by coordinate; uv: [T, 3, 2], where a corner lies in its texture, any number
    (textures repeat); material: [T] indices of `materials`.
    """

    corners: Floats
    uv: Floats
    material: NDArray[np.int64]
    materials: tuple[Material, ...]


def join(meshes: Sequence[Mesh]) -> Mesh:
    """Several meshes as one."""
    before = np.cumsum([0, *(len(mesh.materials) for mesh in meshes[:-1])])
    return Mesh(
        np.concatenate([mesh.corners for mesh in meshes]),
        np.concatenate([mesh.uv for mesh in meshes]),
        np.concatenate([mesh.material + first for mesh, first in zip(meshes, before, strict=True)]),
        tuple(material for mesh in meshes for material in mesh.materials),
    )


def moved(mesh: Mesh, matrix: NDArray[np.floating]) -> Mesh:
    """Every corner multiplied by a 3 x 3 matrix: turned, mirrored, stretched."""
    return mesh._replace(corners=mesh.corners @ np.asarray(matrix, np.float32).T)


def about_y(degrees: float) -> Floats:
    """The 3 x 3 matrix that turns a model about its vertical axis: what looked along +z looks to the right (+x) at 90 degrees."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]], np.float32)


def about_x(degrees: float) -> Floats:
    """The 3 x 3 matrix that tips a model towards the viewer: what looked up (+y) looks at the viewer (+z) at 90 degrees."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]], np.float32)


def framed(mesh: Mesh, *, elevation: float) -> Mesh:
    """The mesh moved and scaled so that it fills the frame [-1, 1] x [-1, 1], however it is turned about its vertical axis.

    The axis goes through the middle of its bounding box. elevation: degrees by which the viewer looks down. DataError if it has
    no triangle, or no extent.
    """
    points = mesh.corners.reshape(-1, 3)
    if not len(points) or not np.isfinite(points).all():
        raise DataError(
            f"a model has {len(mesh.corners)} triangles, or corners that are no numbers; wanted at least one, of numbers"
        )
    low, high = points.min(axis=0), points.max(axis=0)
    corners = mesh.corners - (low + high) / 2
    points = corners.reshape(-1, 3)
    across = np.hypot(points[:, 0], points[:, 2])
    tilt = math.radians(elevation)
    # Turned once round, a point describes an ellipse on the screen: this high above and below the middle.
    reach = float(max(across.max(), (np.abs(points[:, 1]) * math.cos(tilt) + across * math.sin(tilt)).max()))
    if reach == 0:
        raise DataError("all corners of a model are one point; wanted a model with an extent")
    return mesh._replace(corners=(corners / reach).astype(np.float32))


def normals(corners: Floats, *, crease: float = CREASE) -> Floats:
    """The direction in which the surface looks at every corner, of length 1: [T, 3, 3].

    At a corner, the mean over the faces that meet there and are at most `crease` degrees (up to 90) apart from its own face, by
    the angle that each has there. Files mix the order of corners up, so a face that looks the other way counts turned over, and
    the sign of a direction means nothing: surfaces are seen from both sides.
    """
    exact = corners.astype(np.float64)
    edges = np.roll(exact, -1, axis=1) - exact
    lengths = np.maximum(np.linalg.norm(edges, axis=2, keepdims=True), 1e-20)
    along = edges / lengths
    angles = np.arccos(np.clip(-(along * np.roll(along, 1, axis=1)).sum(axis=2), -1, 1)).reshape(-1)
    face = np.cross(along[:, 0], along[:, 1])
    face = (face / np.maximum(np.linalg.norm(face, axis=1, keepdims=True), 1e-20)).astype(np.float32)
    mine, other = _pairs(_places(corners))
    dots = np.einsum("pc,pc->p", face[mine // 3], face[other // 3])
    smooth = (np.abs(dots) >= math.cos(math.radians(crease))) | (mine // 3 == other // 3)
    mine, other, dots = mine[smooth], other[smooth], dots[smooth]
    share = face[other // 3] * (angles[other] * np.where(dots < 0, -1, 1))[:, None]
    summed = np.stack([np.bincount(mine, share[:, axis], minlength=3 * len(corners)) for axis in range(3)], axis=1)
    return (summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-20)).astype(np.float32).reshape(-1, 3, 3)


def _places(corners: Floats) -> NDArray[np.int64]:
    """A number for each corner [3 T], the same for corners at the same place."""
    points = corners.reshape(-1, 3)
    extent = float(np.abs(points).max(initial=1e-20))
    # Rounded to a millionth of the model: files give the same corner in slightly different decimals.
    grid = np.rint(points / extent * 2**19).astype(np.int64) + 2**19
    key = (grid[:, 0] << 42) | (grid[:, 1] << 21) | grid[:, 2]
    return np.unique(key, return_inverse=True)[1].reshape(-1)


def _pairs(groups: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every ordered pair of items of one group, also an item with itself: two arrays of their indices."""
    order = np.argsort(groups, kind="stable")
    counts = np.bincount(groups)
    first = np.cumsum(counts) - counts
    many = counts[groups[order]]  # how many partners each item has
    left = np.repeat(order, many)
    within = np.arange(len(left)) - np.repeat(np.cumsum(many) - many, many)
    return left, order[np.repeat(first[groups[order]], many) + within]
