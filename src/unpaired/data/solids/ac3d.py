"""Models in AC3D's text format, also as TORCS writes it (``AC3Db``, ``.acc``: normals with the points, strips of triangles)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unpaired.data.solids.mesh import Floats, Material, Mesh, join
from unpaired.data.solids.obj import texture, through
from unpaired.errors import DataError

_STRIP = 4
"""The kind of a surface, in the lowest four bits of its flags: a strip of triangles. 0 is a polygon; others are lines."""


class Piece(NamedTuple):
    """The triangles of an object, placed. texture: "" where it has none; corners: [T, 3, 3] float32; uv: [T, 3, 2];
    material: [T] indices of the file's.
    """

    texture: str
    corners: Floats
    uv: Floats
    material: NDArray[np.int64]


@dataclass
class _Lines:
    """The file's lines, read from the front."""

    lines: list[str]
    at: int = 0

    def next(self) -> list[str]:
        """The words of the next line that has any; [] at the end."""
        while self.at < len(self.lines):
            self.at += 1
            if words := self.lines[self.at - 1].split():
                return words
        return []


@dataclass
class _Surfaces:
    """Triangles of one object: indices of its points, and the texture's places; material of each."""

    corners: list[tuple[int, int, int]] = field(default_factory=list)
    uv: list[tuple[tuple[float, float], ...]] = field(default_factory=list)
    material: list[int] = field(default_factory=list)


def read(text: str, *, file: Callable[[str], bytes], where: str) -> Mesh:
    """The mesh of an AC3D file. file: the content of a texture, by the name it has there; KeyError or OSError if there is none.

    A texture that is missing leaves its material's colour. DataError, which begins with `where`, if it is no AC3D file or has no
    surface.
    """
    materials, found = pieces(text, where=where)
    seen: dict[str, Floats | None] = {}
    meshes = []
    for piece in found:
        pixels = _texture(piece.texture, seen, file)
        dressed = tuple(Material(material.colour, pixels) for material in materials)
        meshes.append(Mesh(piece.corners, piece.uv, piece.material, dressed))
    return join(meshes)


def pieces(text: str, *, where: str, counted: bool = True) -> tuple[tuple[Material, ...], tuple[Piece, ...]]:
    """The materials of an AC3D file, and its objects that have surfaces. DataError: as of `read`.

    counted: whether an object has as many others within as it says; TORCS's own tool counts some that it leaves out.
    """
    lines = _Lines(text.splitlines())
    if not "".join(lines.next()).startswith("AC3D"):
        raise DataError(f"{where} does not begin with AC3D; wanted an AC3D file")
    materials: list[Material] = []
    found: list[Piece] = []
    try:
        while words := lines.next():
            if words[0] == "MATERIAL":
                materials.append(_material(words))
            elif words[0] == "OBJECT":
                _object(lines, np.eye(3), np.zeros(3), counted, found)
    except (ValueError, IndexError) as error:
        raise DataError(f"{where}, line {lines.at} is '{lines.lines[lines.at - 1][:60]}': {error}; wanted an AC3D file") from None
    if not found:
        raise DataError(f"{where} has no surface; wanted an AC3D file with some")
    return tuple(materials), tuple(found)


def _material(words: list[str]) -> Material:
    at, clear = words.index("rgb"), words.index("trans")
    colour = np.array([float(x) for x in words[at + 1 : at + 4]], np.float32)
    return Material(through(colour, 1 - float(words[clear + 1])))


def _object(
    lines: _Lines,
    turned: np.ndarray,
    shifted: np.ndarray,
    counted: bool,
    found: list[Piece],
) -> None:
    """An object and all that it contains, each placed within the one around it."""
    picture, points, surfaces = "", np.zeros((0, 3)), _Surfaces()
    while words := lines.next():
        key = words[0]
        if key == "loc":
            shifted = shifted + turned @ np.array(words[1:4], float)
        elif key == "rot":
            # Written column by column.
            turned = turned @ np.array(words[1:10], float).reshape(3, 3).T
        elif key == "data":
            lines.at += 1
        elif key == "texture" and (len(words) < 3 or words[2] == "base"):
            picture = words[1].strip('"')
        elif key == "numvert":
            points = np.array([[float(x) for x in lines.next()[:3]] for _ in range(int(words[1]))]).reshape(-1, 3)
        elif key == "numsurf":
            for _ in range(int(words[1])):
                _surface(lines, surfaces, len(points))
        elif key == "kids":
            for _ in range(int(words[1])):
                first = lines.next()[:1]
                if not first and not counted:
                    break
                if first != ["OBJECT"]:
                    raise ValueError("wanted an OBJECT")
                _object(lines, turned, shifted, counted, found)
            break
    if surfaces.corners:
        placed = points @ turned.T + shifted
        corners, uv = placed[np.array(surfaces.corners)].astype(np.float32), np.array(surfaces.uv, np.float32)
        found.append(Piece(picture, corners, uv, np.array(surfaces.material, np.int64)))


def _surface(lines: _Lines, surfaces: _Surfaces, points: int) -> None:
    """A surface: polygon or strip, cut into triangles; lines are left."""
    kind, material, refs = 0, 0, []
    while words := lines.next():
        if words[0] == "SURF":
            kind = int(words[1], 16) & 15
        elif words[0] == "mat":
            material = int(words[1])
        elif words[0] == "refs":
            rows = [lines.next() for _ in range(int(words[1]))]
            refs = [(int(row[0]), (float(row[1]), float(row[2]))) for row in rows]
            break
    if any(not 0 <= index < points for index, _ in refs):
        raise IndexError(f"corners {[index for index, _ in refs]} of {points} points")
    for index in range(len(refs) - 2):
        if kind == _STRIP:
            three = refs[index : index + 3]
        elif kind == 0:
            three = [refs[0], refs[index + 1], refs[index + 2]]
        else:
            return
        if len({point for point, _ in three}) == 3:
            surfaces.corners.append((three[0][0], three[1][0], three[2][0]))
            surfaces.uv.append(tuple(place for _, place in three))
            surfaces.material.append(material)


def _texture(name: str, seen: dict[str, Floats | None], file: Callable[[str], bytes]) -> Floats | None:
    if name and name not in seen:
        try:
            seen[name] = texture(file(name))
        except (KeyError, OSError):
            seen[name] = None
    return seen.get(name)
