"""Models in Wavefront's OBJ and MTL: polygons of any number of corners, colours, textures.

Read: ``v vt f g usemtl mtllib`` and ``newmtl Kd d Tr map_Kd``. Normals are not: `mesh.normals` makes them for all alike.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unpaired.data.solids.mesh import GLASS, Floats, Material, Mesh
from unpaired.errors import DataError

TEXTURE_SIDE = 256
"""Larger textures are made smaller: pictures of a model are far smaller than that."""
PLAIN = Material(np.full(3, 0.7, np.float32))
"""What has no material, or one that nobody describes."""


class Polygons(NamedTuple):
    """What an OBJ file says, cut into triangles. points: [V, 3]; places: [P, 2] in textures, the first of corners that name none;
    corners: [T, 3] indices of points; uv: [T, 3] indices of places; group: [T] and material: [T] indices of the names.
    """

    points: Floats
    places: Floats
    corners: NDArray[np.int64]
    uv: NDArray[np.int64]
    group: NDArray[np.int64]
    material: NDArray[np.int64]
    groups: tuple[str, ...]
    materials: tuple[str, ...]
    libraries: tuple[str, ...]


def read(text: str, *, file: Callable[[str], bytes], where: str) -> Mesh:
    """The mesh of an OBJ file. file: the content of a file that it names, by that name; KeyError or OSError if there is none.

    A material or texture that is missing is grey. DataError, which begins with `where`, if the text is not OBJ or has no face.
    """
    found = parse(text, where=where)
    library: dict[str, Material] = {}
    for name in found.libraries:
        library |= _library(name, file)
    materials = tuple(library.get(name, PLAIN) for name in found.materials)
    return Mesh(found.points[found.corners], found.places[found.uv], found.material, materials)


def parse(text: str, *, where: str) -> Polygons:
    """What an OBJ file says. DataError, which begins with `where`, if the text is not OBJ or has no face."""
    points: list[list[float]] = []
    places: list[list[float]] = [[0.0, 0.0]]
    faces: list[tuple[tuple[int, int], tuple[int, int], tuple[int, int], int, int]] = []
    groups, materials, libraries = {"": 0}, {"": 0}, []
    group = material = 0
    for number, line in enumerate(text.splitlines(), 1):
        word, _, rest = line.strip().partition(" ")
        try:
            if word == "v":
                points.append(_numbers(rest, 3))
            elif word == "vt":
                places.append(_numbers(rest, 2))
            elif word == "f":
                refs = [_reference(ref, len(points), len(places)) for ref in rest.split()]
                faces += ((refs[0], *two, group, material) for two in pairwise(refs[1:]))
            elif word == "g":
                group = groups.setdefault(rest.strip(), len(groups))
            elif word == "usemtl":
                material = materials.setdefault(rest.strip(), len(materials))
            elif word == "mtllib":
                libraries.append(rest.strip())
        except ValueError as error:
            raise DataError(f"{where}, line {number} is '{line[:60]}': {error}; wanted an OBJ file") from None
    if not faces:
        raise DataError(f"{where} has no face; wanted an OBJ file with some")
    refs3 = np.array([face[:3] for face in faces])  # [T, 3, 2]
    owners = np.array([face[3:] for face in faces])
    most = refs3.reshape(-1, 2).max(axis=0)
    if most[0] >= len(points) or most[1] >= len(places):
        raise DataError(
            f"{where} has faces between point {most[0] + 1} and texture place {most[1]} of {len(points)} and {len(places) - 1}; "
            "wanted an OBJ file that is whole"
        )
    return Polygons(
        np.array(points, np.float32), np.array(places, np.float32), refs3[..., 0], refs3[..., 1], owners[:, 0], owners[:, 1],
        tuple(groups), tuple(materials), tuple(libraries),
    )  # fmt: skip


def texture(content: bytes) -> Floats:
    """RGB in [0, 1] of a picture, at most 256 px a side; what is transparent shows dark glass: [H, W, 3]."""
    pixels = rgba(content)
    return through(pixels[..., :3], pixels[..., 3:])


def rgba(content: bytes) -> Floats:
    """RGB and opacity in [0, 1] of a picture, at most 256 px a side: [H, W, 4]."""
    with Image.open(io.BytesIO(content)) as picture:
        image = picture.convert("RGBA")
    image.thumbnail((TEXTURE_SIDE, TEXTURE_SIDE), Image.Resampling.BOX)
    return np.asarray(image, np.float32) / 255


def through(colour: Floats, opaque: Floats | float) -> Floats:
    """A colour before dark glass. opaque: 1, nothing of the glass is seen; 0, it alone."""
    return (colour * opaque + GLASS * (1 - np.asarray(opaque, np.float32))).astype(np.float32)


def _numbers(text: str, count: int) -> list[float]:
    found = [float(word) for word in text.split()[:count]]
    if len(found) < count:
        raise ValueError(f"{len(found)} numbers, wanted {count}")
    return found


def _reference(text: str, points: int, places: int) -> tuple[int, int]:
    """The indices of point and texture's place that a corner `v/vt/vn` names, counted from 0 and with a first place that is none.

    points, places: how many there are so far, which negative numbers count back from. Positive ones may lie ahead.
    """
    first, _, rest = text.partition("/")
    second = rest.partition("/")[0]
    point, place = int(first), int(second) if second else 0
    if point == 0 or points + point < 0 or places + place < 1:
        raise ValueError(f"no point or place is number {text}")
    return point - 1 if point > 0 else points + point, place if place >= 0 else places + place


def _library(name: str, file: Callable[[str], bytes]) -> dict[str, Material]:
    """The materials of an MTL file; none if it is missing."""
    try:
        lines = file(name).decode("utf-8", "replace").splitlines()
    except (KeyError, OSError):
        return {}
    found: dict[str, Material] = {}
    kept: dict[str, float] = {}
    current = ""
    for line in lines:
        word, _, rest = line.strip().partition(" ")
        rest = rest.strip()
        if word == "newmtl":
            current = rest
            found[current] = PLAIN
        elif word == "Kd":
            found[current] = found[current]._replace(colour=np.array([float(x) for x in rest.split()[:3]], np.float32))
        elif word in ("d", "Tr"):
            kept[current] = float(rest.split()[-1]) if word == "d" else 1 - float(rest.split()[-1])
        elif word == "map_Kd":
            try:
                # Options such as -s 1 1 1 come before the name, which may have spaces.
                found[current] = found[current]._replace(
                    texture=texture(file(rest if not rest.startswith("-") else rest.split()[-1]))
                )
            except (KeyError, OSError):
                continue
    return {
        name: Material(through(colour, kept.get(name, 1.0)), None if pixels is None else through(pixels, kept.get(name, 1.0)))
        for name, (colour, pixels) in found.items()
    }
