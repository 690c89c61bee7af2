"""Every named set, by name. Nothing heavy here: `unpaired data list` reads it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from unpaired.errors import DataError


class NamedSet(NamedTuple):
    """about: a line for a person; licence: of what it shows; make: (folder, size) -> writes the set there."""

    about: str
    licence: str
    make: Callable[[Path, int], None]


def _faces(task: str) -> Callable[[Path, int], None]:
    def make(folder: Path, size: int) -> None:
        from unpaired.data.sets import faces

        faces.make(folder, task=task, size=size)

    return make


SETS: dict[str, NamedSet] = {
    "faces:hair": NamedSet("drawn faces, dark hair <-> blond, with exact counterfactuals", "CC BY 4.0", _faces("hair")),
    "faces:glasses": NamedSet("drawn faces, without <-> with glasses, with exact counterfactuals", "CC BY 4.0", _faces("glasses")),
}


def folder_of(name: str, *, size: int, cache: Path) -> Path:
    """The folder of a named set at `size` px below `cache`, made when it is asked for the first time. DataError if unknown."""
    if name not in SETS:
        raise DataError(f"'{name}' is neither a folder or zip nor a named set; wanted a path, or one of: {', '.join(SETS)}")
    folder = cache / "sets" / f"{name.replace(':', '-')}-{size}"
    if not folder.exists():
        # Made beside and renamed, so that a second run never reads a half-made set.
        making = folder.with_name(f".{folder.name}.{os.getpid()}")
        SETS[name].make(making, size)
        try:
            making.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    return folder
