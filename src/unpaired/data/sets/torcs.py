"""The racing cars of TORCS: Debian's ``torcs-data``, 333 MB, in AC3D's format, with their liveries as textures.

A car's file has no wheels: the game puts them on, where the car's settings say. So does this file, with plain ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from unpaired.data.sets.packages import Debian, files
from unpaired.data.sets.turntable import Model
from unpaired.data.solids import ac3d
from unpaired.data.solids.mesh import Material, Mesh, about_y, join, moved
from unpaired.errors import DataError

PACKAGE = Debian("torcs-data", "/usr/share/games/torcs", "UNPAIRED_TORCS")
LICENCE = "Free Art License, GPL-2+"
CREDIT = (
    "racing cars of TORCS, The Open Racing Car Simulator (torcs.org): by Eric Espié, Christophe Guionneau, "
    "Jean-Christophe Durieu, ViPeR, SpeedyChonChon, Olaf Saßnick, Andrew Sumner, Wolf-Dieter Beelitz, Andrea Alfieri, "
    "Bernhard Wymann and others (Free Art License, some GPL-2+)"
)
_TYRE, _RIM = Material(np.full(3, 0.08, np.float32)), Material(np.full(3, 0.55, np.float32))
_SIDES = 24


class Paddock:
    """The cars' files, read once. DataError where the package can be had nowhere."""

    def __init__(self) -> None:
        self._files = files(PACKAGE, wanted=lambda name: name.startswith("cars/"))

    def models(self, names: Sequence[str]) -> tuple[Model, ...]:
        """Cars by the names of their folders. DataError if there is none of a name."""
        for name in names:
            if f"cars/{name}/{name}.acc" not in self._files:
                raise DataError(f"{PACKAGE.name} has no car '{name}' (another version?); {PACKAGE.otherwise()}")
        return tuple(self._model(name) for name in names)

    def _model(self, name: str) -> Model:
        return Model(f"torcs-{name.lower()}", lambda: car(self._files, name))


def car(contents: Mapping[str, bytes], name: str) -> Mesh:
    """A car on its wheels, its front towards +z. contents: the files of the folder `name`, by paths as "cars/NAME/FILE"."""
    folder = f"cars/{name}"
    body = ac3d.read(
        contents[f"{folder}/{name}.acc"].decode("latin-1"), file=lambda file: contents[f"{folder}/{file}"], where=f"{name}.acc"
    )
    settings = contents.get(f"{folder}/{name}.xml", b"").decode("latin-1")
    return moved(join([body, *wheels(settings)]), about_y(-90))  # there, +x is ahead


def wheels(settings: str) -> tuple[Mesh, ...]:
    """Four wheels where a car's settings (XML with entities of the game's own) put them, in metres; fewer where they say less."""
    found = []
    for axle in ("Front", "Rear"):
        along = _number(settings, f"{axle} Axle", "xpos")
        for hand in ("Left", "Right"):
            section = f"{axle} {hand} Wheel"
            across, rim, width, ratio = (
                _number(settings, section, key) for key in ("ypos", "rim diameter", "tire width", "tire height-width ratio")
            )
            if along is None or across is None or rim is None or width is None or ratio is None:
                continue
            inside = rim * 0.0254 / 2  # inches; the tyre's width is in mm
            outside = inside + width / 1000 * ratio
            # The game's y points left, the model's z right.
            found.append(_wheel(np.array([along, outside, -across]), radius=outside, rim=inside, width=width / 1000))
    return tuple(found)


def _number(settings: str, section: str, key: str) -> float | None:
    """A number of a section of a car's settings."""
    whole = re.search(rf'<section name="{re.escape(section)}">(.*?)</section>', settings, re.DOTALL)
    entry = re.search(rf'<attnum name="{re.escape(key)}"[^>]*?\bval="([^"]+)"', whole[1]) if whole else None
    return float(entry[1]) if entry else None


def _wheel(centre: np.ndarray, *, radius: float, rim: float, width: float) -> Mesh:
    """A drum about the z axis with a bright disc on either side."""
    angles = np.linspace(0, 2 * np.pi, _SIDES + 1)
    ring = np.stack([np.cos(angles), np.sin(angles), np.zeros(_SIDES + 1)], axis=1)
    triangles, materials = [], []
    for side in (-1, 1):
        outer, inner = (ring * r + (0, 0, side * width / 2) for r in (radius, rim))
        middle = np.broadcast_to((0, 0, side * width / 2), inner[1:].shape)
        other = ring * radius - (0, 0, side * width / 2)
        for a, b, c, material in (
            (outer[:-1], outer[1:], inner[:-1], 0),
            (outer[1:], inner[1:], inner[:-1], 0),
            (inner[:-1], inner[1:], middle, 1),
            (outer[:-1], outer[1:], other[:-1], 0),
        ):
            triangles.append(np.stack([a, b, c], axis=1))
            materials.append(np.full(len(a), material))
    corners = np.concatenate(triangles) + centre
    return Mesh(corners.astype(np.float32), np.zeros((len(corners), 3, 2), np.float32), np.concatenate(materials), (_TYRE, _RIM))
