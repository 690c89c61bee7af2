"""Where labels lie beside images: data sets found in folders and zips, and the row of the table that belongs to each image."""

import dataclasses
import os
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from unpaired.data.label_rules import RULES, Rule, read_rules
from unpaired.data.label_tables import FILE, TABLES, Table, read_table
from unpaired.data.labels import few
from unpaired.data.sources import CARD, Source, Tree, open_tree, read_card
from unpaired.errors import DataError, DataWarning
from unpaired.images import SUFFIXES

TRUTH = "truth/"
"""The folder of exact counterparts: `truth/ATTRIBUTE=VALUE/FILE`."""

FEW_UNLABELLED = 0.01
"""The share of images that may lack a row before the table counts as the wrong one."""

LAYOUTS = (
    "attributes.csv (or CelebA's list_attr_celeba.txt) beside images, a folder of images for each class, MNIST's four IDX files, "
    "or an .npz with x_train and y_train"
)
_FOLDERS = ("", "images/", "img_align_celeba/")
_HELD_OUT = ("test/", "val/")


@dataclasses.dataclass(frozen=True, eq=False)
class Found:
    """A labelled data set as it lies in the files.

    name: for people; source: its images, without exact counterparts; table: their labels; rules: of its attributes.toml, in
    the file `rules_where`, or None; truths: by "ATTRIBUTE=VALUE" the counterparts; card: what its set.json says.
    """

    name: str
    source: Source
    table: Table
    rules: tuple[Rule, ...] | None
    rules_where: str
    truths: Mapping[str, Source]
    card: Mapping[str, Any]

    @property
    def where(self) -> str:
        """The folder or archive, for messages."""
        return self.source.where


class Matched(NamedTuple):
    """The images that have a row, in natural order, and their rows. tests: whether each is held out, None where nobody says."""

    names: tuple[str, ...]
    rows: Mapping[str, int]
    tests: Mapping[str, bool] | None


def find_sets(sources: Sequence[str]) -> tuple[Found, ...]:
    """The labelled data sets in folders and zips; a folder `sets/` in one holds several.

    Raises DataError where there is none, or what lies there is no labelled set, and ConfigError for its attributes.toml.
    """
    found: list[Found] = []
    for where in sources:
        tree = open_tree(where)
        for name, root in _roots(tree, Path(where).name):
            names = {other.name for other in found}
            name = next(n for n in (name, *(f"{name} ({i})" for i in range(2, len(names) + 3))) if n not in names)
            found.append(_found(tree, root, name=name))
    if not found:
        raise DataError(f"no folder or zip of labelled images given; wanted one or more: {LAYOUTS}")
    return tuple(found)


def _roots(tree: Tree, name: str) -> Iterator[tuple[str, str]]:
    """Name and folder of each data set in a tree."""
    root = ""
    while True:
        inside = [file[len(root) :] for file in tree.files if file.startswith(root)]
        tops = {file.partition("/")[0] for file in inside if "/" in file}
        if "sets" in tops:
            for child in sorted({file.split("/")[1] for file in inside if file.startswith("sets/") and file.count("/") > 1}):
                yield child, f"{root}sets/{child}/"
            return
        # As archives often have it: all in one folder.
        if len(tops) != 1 or any("/" not in file and not file.endswith(CARD) for file in inside) or tops & {"train", "images"}:
            yield os.path.splitext(name)[0] or name, root
            return
        root += f"{tops.pop()}/"


def _found(tree: Tree, root: str, *, name: str) -> Found:
    inside = [file[len(root) :] for file in tree.files if file.startswith(root)]
    where = os.path.join(tree.where, root.rstrip("/")) if root else tree.where
    rules_where = os.path.join(where, RULES)
    rules = read_rules(tree.read(root + RULES), where=rules_where) if RULES in inside else None
    beside = [file for file in inside if not file.startswith(TRUTH)]
    pictures = tuple(file for file in beside if os.path.splitext(file)[1].lower() in SUFFIXES)
    tables = _tables(beside, where=where)
    if not tables:
        raise DataError(f"{where} is no labelled data set: found {few(beside) or 'nothing'}; wanted {LAYOUTS}")
    others = tuple(file for file in beside if file not in {*pictures, *tables, RULES, CARD})
    table = read_table(tree.read(root + tables[0]), where=os.path.join(where, tables[0]))
    return Found(
        name=name,
        source=Source(tree, root, pictures, others),
        table=table,
        rules=rules,
        rules_where=rules_where,
        truths=_truths(tree, root, inside),
        card=dict(read_card(tree, root) or {}),
    )


def _tables(files: Sequence[str], *, where: str) -> list[str]:
    found = [file for file in files if file in TABLES] or [file for file in files if os.path.basename(file) in TABLES]
    if len(found) > 1:
        raise DataError(f"{where} holds {len(found)} tables of labels: {few(found)}; wanted one: remove the others")
    return found


def _truths(tree: Tree, root: str, inside: Sequence[str]) -> dict[str, Source]:
    by_folder: dict[str, list[str]] = defaultdict(list)
    for file in inside:
        parts = file.split("/", 2)
        if file.startswith(TRUTH) and len(parts) == 3 and os.path.splitext(file)[1].lower() in SUFFIXES:
            by_folder[parts[1]].append(parts[2])
    return {folder: Source(tree, f"{root}{TRUTH}{folder}/", tuple(names), ()) for folder, names in by_folder.items()}


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
        self.names = set(names)
        self.stems, self.bare, self.bare_stems = (defaultdict(list) for _ in range(3))
        for name in names:
            stem = os.path.splitext(name)[0]
            self.stems[stem].append(name)
            self.bare[os.path.basename(name)].append(name)
            self.bare_stems[os.path.basename(stem)].append(name)

    def __call__(self, file: str) -> Sequence[str]:
        file = file.replace("\\", "/").removeprefix("./")
        exact = [folder + file for folder in _FOLDERS if folder + file in self.names]
        if exact:
            return exact[:1]
        stem, suffix = os.path.splitext(file)
        if "/" not in file and file in self.bare:
            return self.bare[file]
        if suffix.lower() not in SUFFIXES:  # no suffix at all, as some tables have it; a dot may belong to the name
            stem = file
        for folder in _FOLDERS:
            if folder + stem in self.stems:
                return self.stems[folder + stem]
        return self.bare_stems.get(stem, []) if "/" not in file else []


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
    said = []
    if missing:
        said.append(f"{len(missing)} of {len(table.files)} rows name no image there: {table.listed(missing)}")
    if unlabelled:
        said.append(f"{len(unlabelled)} of {count} images have no row: {few(unlabelled)}")
    if not said:
        return
    message = f"{table.where} and the images in {found.where} do not fit: {'; '.join(said)}"
    if strict or wrong:
        advice = "add the missing rows, or remove these images" if unlabelled else "remove these rows, or add the images"
        raise DataError(f"{message}. Is it the table of other images? {_hint(found)}Else {advice}")
    _warn(f"{message}. These are left out")


def _hint(found: Found) -> str:
    """A word on another column that holds the files."""
    table = found.table
    for column, name in enumerate(table.columns):
        if name != FILE and os.path.splitext(table.word(0, column))[1].lower() in SUFFIXES:
            return f"Column '{name}' holds names of images: call it '{FILE}'. "
    return ""


def _tests(table: Table, names: Sequence[str], rows: Mapping[str, int]) -> dict[str, bool] | None:
    if table.tests is not None:
        return {name: bool(table.tests[rows[name]]) for name in names}
    if all(name.startswith(("train/", *_HELD_OUT)) for name in names):
        held = {name: name.startswith(_HELD_OUT) for name in names}
        return held if any(held.values()) and not all(held.values()) else None
    return None


def _warn(message: str) -> None:
    warnings.warn(message, DataWarning, stacklevel=4)
