"""Which row of a table of labels belongs to which image."""

import os
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from unpaired.data.label_layouts import Found
from unpaired.data.label_tables import FILE, Table
from unpaired.data.labels import few
from unpaired.errors import DataError, DataWarning
from unpaired.images import SUFFIXES

FEW_UNLABELLED = 0.01
"""The share of images that may lack a row before the table counts as the wrong one."""

_FOLDERS = ("", "images/", "img_align_celeba/")
_HELD_OUT = ("test/", "val/")


class Matched(NamedTuple):
    """The images that have a row, in natural order, and their rows. tests: whether each is held out, None where nobody says."""

    names: tuple[str, ...]
    rows: Mapping[str, int]
    tests: Mapping[str, bool] | None


def match(found: Found, *, strict: bool) -> Matched:
    """Each image's row.

    A row names its image by the path below the data set, or below images/ or img_align_celeba/ in it, or by a bare file name
    that is there once; where only the suffix differs, and one image alone is meant, that is it. Images without a row are an
    error, under `strict` or where they are more than 1 %; else they are left out with a DataWarning. Rows without an image are
    an error under `strict`, or where that many images lack a row too; else a DataWarning tells of them: the images are then
    a part of what the table describes.
    """
    table, names = found.table, found.source.names
    found.source.require_images(domain=found.name)
    hint = _hint(found)
    if hint and os.path.splitext(table.files[0])[1].lower() not in SUFFIXES:
        # Numbers of rows might fit names such as 0.png by chance, and be wrong.
        raise DataError(f"{table.where}: the first column says '{table.files[0]}', which is no file of an image. {hint}".rstrip())
    seek = _Seeker(names)
    rows: dict[str, int] = {}
    missing: list[int] = []
    several: list[int] = []
    again: list[int] = []
    for row, file in enumerate(table.files):
        candidates = seek(file)
        if len(candidates) != 1:
            (several if candidates else missing).append(row)
        elif candidates[0] in rows:
            again.append(row)
            _require_same(table, rows[candidates[0]], row, image=candidates[0])
        else:
            rows[candidates[0]] = row
    if several:
        raise DataError(
            f"{table.where}: {len(several)} rows name more than one image of {found.where}: {table.listed(several)}, which "
            f"may be {few(seek(table.files[several[0]]))}; wanted a path relative to the data set"
        )
    if again:
        _warn(f"{table.where}: {len(again)} rows say again what another row says: {table.listed(again)}; remove them")
    unlabelled = [name for name in names if name not in rows]
    _require_coverage(found, missing, unlabelled, strict=strict)
    kept = tuple(name for name in names if name in rows)
    return Matched(kept, rows, _tests(table, kept, rows))


class _Seeker:
    """Finds the images that a row may mean."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = frozenset(names)

    @cached_property
    def _others(self) -> tuple[dict[str, list[str]], ...]:
        """The images by path without suffix, by bare name, and by bare name without suffix: where paths alone do not do."""
        stems, bare, bare_stems = (defaultdict(list) for _ in range(3))
        for name in sorted(self.names):
            stem = os.path.splitext(name)[0]
            stems[stem].append(name)
            bare[os.path.basename(name)].append(name)
            bare_stems[os.path.basename(stem)].append(name)
        return stems, bare, bare_stems

    def __call__(self, file: str) -> Sequence[str]:
        file = file.replace("\\", "/").removeprefix("./")
        if file in self.names:
            return [file]
        exact = [folder + file for folder in _FOLDERS if folder + file in self.names]
        if exact:
            return exact
        stems, bare, bare_stems = self._others
        if "/" not in file and file in bare:
            return bare[file]
        stem, suffix = os.path.splitext(file)
        if suffix.lower() not in SUFFIXES:  # no suffix at all, as some tables have it: a dot belongs to the name
            stem = file
        for folder in _FOLDERS:
            if folder + stem in stems:
                return stems[folder + stem]
        return bare_stems.get(stem, []) if "/" not in file else []


def _require_same(table: Table, first: int, second: int, *, image: str) -> None:
    differ = np.flatnonzero(table.cells[first] != table.cells[second])
    split = table.tests is not None and table.tests[first] != table.tests[second]
    if len(differ) or split:
        said = [f"{table.columns[c]} '{table.word(first, c)}' and '{table.word(second, c)}'" for c in differ[:5]]
        what = few(said, of=len(differ)) if said else "split"
        raise DataError(
            f"{table.where}: {table.at(first)} and {table.at(second)} both speak of {image} and contradict each other: {what}; "
            "wanted one row for each image: remove the wrong one"
        )


def _require_coverage(found: Found, missing: Sequence[int], unlabelled: Sequence[str], *, strict: bool) -> None:
    table, count = found.table, len(found.source.names)
    wrong = len(unlabelled) > FEW_UNLABELLED * count
    if not (missing or unlabelled):
        return
    if table.kind == "classes" and unlabelled:
        message = f"{found.where}: {len(unlabelled)} of {count} images lie in no folder of a class: {few(unlabelled)}"
        advice = "move them to train/CLASS/, or to CLASS/ where there is no train/"
    else:
        said = []
        if missing:
            said.append(f"{len(missing)} of {len(table.files)} rows name no image there: {table.listed(missing)}")
        if unlabelled:
            said.append(f"{len(unlabelled)} of {count} images have no row: {few(unlabelled)}")
        message = f"{table.where} and the images in {found.where} do not fit: {'; '.join(said)}"
        advice = "add the missing rows, or remove these images" if unlabelled else "remove these rows, or add the images"
        advice = f"is it the table of other images? {_hint(found)}Else {advice}"
    if strict or wrong:
        raise DataError(f"{message}; {advice}")
    _warn(f"{message}. These are left out")


def _hint(found: Found) -> str:
    """A word on another column that holds the files."""
    table = found.table
    for column, name in enumerate(table.columns if table.kind == "csv" else ()):
        if name != FILE and os.path.splitext(table.word(0, column))[1].lower() in SUFFIXES:
            return f"Column '{name}' holds names of images: call it '{FILE}'. "
    return ""


def _tests(table: Table, names: Sequence[str], rows: Mapping[str, int]) -> dict[str, bool] | None:
    if table.tests is not None and any(table.tests[rows[name]] for name in names):
        return {name: bool(table.tests[rows[name]]) for name in names}
    if all(name.startswith(("train/", *_HELD_OUT)) for name in names):
        held = {name: name.startswith(_HELD_OUT) for name in names}
        return held if any(held.values()) and not all(held.values()) else None
    return None


def _warn(message: str) -> None:
    warnings.warn(message, DataWarning, stacklevel=4)
