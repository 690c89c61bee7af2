"""3-D models of Sweet Home 3D's additional furniture: Debian's ``sweethome3d-furniture``, 120 MB, CC0 or CC BY 3.0.

Each collection is a zip of OBJ models with a catalogue, which says where a model's front is.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from unpaired.data.sets.packages import Debian, files
from unpaired.data.sets.turntable import Model
from unpaired.data.solids import obj
from unpaired.data.solids.mesh import Mesh, moved
from unpaired.errors import DataError

PACKAGE = Debian("sweethome3d-furniture", "/usr/share/sweethome3d/furniture", "UNPAIRED_FURNITURE")
COLLECTIONS = {"cc0": "BlendSwap-CC-0.sh3f", "cc-by": "BlendSwap-CC-BY.sh3f", "kator": "KatorLegaz.sh3f", "scopia": "Scopia.sh3f"}
"""What this project calls a collection, and its file."""
LICENCE = "CC0, CC BY 3.0"
CREDIT = (
    "furniture and cars as packaged for Sweet Home 3D: by the contributors of Blend Swap (CC0 and CC BY 3.0), Andrew Kator and "
    "Jennifer Legaz (CC BY 3.0), Scopia Visual Interfaces Systems (CC BY 3.0)"
)
_CATALOGUE = "PluginFurnitureCatalog.properties"


class Piece(NamedTuple):
    """An entry of a catalogue. path: of its OBJ within the collection; rotation: 3 x 3, None where the model stands as it should;
    creator: who made it.
    """

    path: str
    rotation: np.ndarray | None
    creator: str


class Warehouse:
    """The collections, opened once. DataError where the package can be had nowhere."""

    def __init__(self) -> None:
        found = files(PACKAGE, wanted=lambda name: name in COLLECTIONS.values())
        if missing := sorted(set(COLLECTIONS.values()) - set(found)):
            raise DataError(f"{PACKAGE.name} has no {', '.join(missing)}; {PACKAGE.otherwise()}")
        self._zips = {name: zipfile.ZipFile(io.BytesIO(found[file])) for name, file in COLLECTIONS.items()}
        self._pieces = {name: catalogue(archive.read(_CATALOGUE).decode("latin-1")) for name, archive in self._zips.items()}

    def models(self, names: Sequence[str]) -> tuple[Model, ...]:
        """Models by "collection/name", as "kator/VW-new-beetle". DataError if there is none of a name."""
        return tuple(self._model(name) for name in names)

    def creators(self, names: Sequence[str]) -> dict[str, str]:
        """Who made each model, by the model's own name."""
        return {_own(name): self._piece(name).creator for name in names}

    def _piece(self, name: str) -> Piece:
        collection, _, own = name.partition("/")
        piece = self._pieces.get(collection, {}).get(own)
        if piece is None:
            raise DataError(f"{PACKAGE.name} has no model '{name}' (another version?); {PACKAGE.otherwise()}")
        return piece

    def _model(self, name: str) -> Model:
        piece, archive = self._piece(name), self._zips[name.partition("/")[0]]
        return Model(_own(name), lambda: _read(archive, piece))


def catalogue(text: str) -> Mapping[str, Piece]:
    """The entries of a collection's catalogue (a Java properties file), by the names of their OBJ files without ``.obj``."""
    rows: dict[str, dict[str, str]] = {}
    for key, number, value in re.findall(r"^(\w+)#(\d+)[ \t]*=[ \t]*(.*?)[ \t\r]*$", text, re.MULTILINE):
        rows.setdefault(number, {})[key] = value
    return {
        posixpath.basename(row["model"]).removesuffix(".obj"): Piece(
            row["model"].lstrip("/"),
            np.array(row["modelRotation"].split(), np.float32).reshape(3, 3) if row.get("modelRotation") else None,
            row.get("creator", ""),
        )
        for row in rows.values()
        if row.get("model", "").endswith(".obj")
    }


def _own(name: str) -> str:
    """A model's name as a file may have it: "cc0/armchair2" and "cc-by/armChair2" become different ones everywhere."""
    return name.replace("/", "-").replace("_", "-").lower()


def _read(archive: zipfile.ZipFile, piece: Piece) -> Mesh:
    folder = posixpath.dirname(piece.path)
    mesh = obj.read(
        archive.read(piece.path).decode("latin-1"),
        file=lambda name: archive.read(posixpath.normpath(posixpath.join(folder, name))),
        where=piece.path,
    )
    return mesh if piece.rotation is None else moved(mesh, piece.rotation)
