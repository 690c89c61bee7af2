"""Where labels lie beside images: labelled data sets found in folders, zips and arrays."""

import dataclasses
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unpaired.data.arrays import Arrays, ArrayTree, idx_files, read_idx_set, read_npz
from unpaired.data.label_rules import RULES, Rule, read_rules
from unpaired.data.label_tables import TABLES, Table, classes_table, read_table, unlabelled_table
from unpaired.data.labels import UNKNOWN, few
from unpaired.data.sources import CARD, FolderTree, Source, Tree, natural, open_tree, read_card
from unpaired.errors import ConfigError, DataError, meant
from unpaired.images import SUFFIXES

TRUTH = "truth/"
"""The folder of exact counterparts: `truth/ATTRIBUTE=VALUE/FILE`."""

LAYOUTS = (
    "attributes.csv (or CelebA's list_attr_celeba.txt) beside images, a folder of images for each class, MNIST's four IDX files, "
    "or an .npz with x_train and y_train"
)
_HELD_OUT = ("test", "val")
_TWO_DOMAINS = {f"{stem}{letter}" for stem in ("train", "test", "train_", "test_") for letter in "AB"}


@dataclasses.dataclass(frozen=True, eq=False)
class Found:
    """A labelled data set as it lies in the files.

    name: for people; source: its images, without exact counterparts; table: their labels; rules: of its attributes.toml, in
    the file `rules_where`, or None; truths: by "ATTRIBUTE=VALUE" the counterparts; card: what its set.json says, and what that
    beside `sets/` says of all.
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


def find_sets(sources: Sequence[str], *, taken: Sequence[str] = (), plain: bool = False, bare: bool = False) -> tuple[Found, ...]:
    """The labelled data sets in folders, zips and NPZ files; a folder `sets/` in one holds several. Each has a name of its own,
    and none of those that are taken. plain: images without any labels are a set too, whose table has no columns. bare: so are
    images in folders, which then are no classes.

    Raises DataError where there is none, or what lies there is no labelled set, and ConfigError for its attributes.toml.
    """
    found: list[Found] = []
    for where in sources:
        path = Path(where).expanduser()
        if path.suffix.lower() == ".npz" and path.is_file():
            found.append(_of_npz_file(path, name=_free(path.stem, taken, found)))
            continue
        tree = open_tree(where)
        for name, root in _roots(tree, path.resolve().name):
            one = _found(tree, root, name=_free(name, taken, found), plain=plain, bare=bare)
            above = read_card(tree, root.removesuffix(f"sets/{name}/")) or {}
            found.append(dataclasses.replace(one, card={**above, **one.card}))
    if not found:
        raise DataError(f"no images given; wanted one or more folders or zips: {LAYOUTS}")
    return tuple(found)


def _free(name: str, taken: Sequence[str], found: Sequence[Found]) -> str:
    """The name, or one like it that no other set has."""
    used = {*taken, *(other.name for other in found)}
    return next(free for free in (name, *(f"{name} ({number})" for number in range(2, len(used) + 3))) if free not in used)


def _roots(tree: Tree, name: str) -> Iterator[tuple[str, str]]:
    """Name and folder of each data set in a tree."""
    root = ""
    while True:
        inside = [file[len(root) :] for file in tree.files if file.startswith(root)]
        tops = {file.partition("/")[0] for file in inside if "/" in file}
        if "sets" in tops:
            children = {file.split("/")[1] for file in inside if file.startswith("sets/") and file.count("/") > 1}
            yield from ((child, f"{root}sets/{child}/") for child in sorted(children, key=natural))
            return
        # As archives often have it: all in one folder.
        if len(tops) != 1 or any("/" not in file and file != CARD for file in inside) or "train" in tops:
            yield os.path.splitext(name)[0] or name, root
            return
        root += f"{tops.pop()}/"


def _found(tree: Tree, root: str, *, name: str, plain: bool, bare: bool) -> Found:
    inside = [file[len(root) :] for file in tree.files if file.startswith(root)]
    where = os.path.join(tree.where, root.rstrip("/")) if root else tree.where
    rules_where = os.path.join(where, RULES)
    rules = read_rules(tree.read(root + RULES), where=rules_where) if RULES in inside else None
    beside = [file for file in inside if not file.startswith(TRUTH)]
    pictures = tuple(file for file in beside if os.path.splitext(file)[1].lower() in SUFFIXES)
    tables, idx, npz = _tables(beside), idx_files(beside), [file for file in beside if file.lower().endswith(".npz")]
    told = [*tables, *(next(iter(files.values())) for files in idx.values()), *npz]
    if len(told) > 1:
        raise DataError(f"{where} holds {few(told)}, each of which tells labels; wanted one of them: remove or move the others")
    card = dict(read_card(tree, root) or {})
    if idx or npz:
        arrays = (
            read_idx_set(tree, root, next(iter(idx.values())))
            if idx
            else read_npz(_npz(tree, root + npz[0]), where=os.path.join(where, npz[0]))
        )
        return _of_arrays(arrays, name=name, where=where, rules=rules, rules_where=rules_where, card=card)
    if tables:
        table = read_table(tree.read(root + tables[0]), where=os.path.join(where, tables[0]))
    elif plain and (not _is_labelled(pictures, where=where) or bare):
        pictures, table = _unlabelled(pictures, where=where)
    else:
        table = _class_folders(pictures, where=where, beside=beside)
    others = tuple(file for file in beside if file not in {*pictures, *tables, RULES, CARD})
    source = Source(tree, root, pictures, others)
    return Found(name, source, table, rules, rules_where, _truths(tree, root, inside), card)


def _of_npz_file(path: Path, *, name: str) -> Found:
    rules_where = path.parent / RULES
    rules = read_rules(rules_where.read_bytes(), where=str(rules_where)) if rules_where.exists() else None
    arrays = read_npz(path, where=str(path))
    return _of_arrays(arrays, name=name, where=str(path), rules=rules, rules_where=str(rules_where), card={})


def _npz(tree: Tree, name: str) -> Path | bytes:
    return Path(tree.where) / name if isinstance(tree, FolderTree) else tree.read(name)


def _of_arrays(
    arrays: Arrays, *, name: str, where: str, rules: tuple[Rule, ...] | None, rules_where: str, card: Mapping[str, Any]
) -> Found:
    """A set of arrays: the classes are called by their numbers, or by the names that attributes.toml has for them."""
    tree = ArrayTree(arrays, where=where)
    classes = np.concatenate([part.y for part in arrays.values()])
    names = next((rule.values for rule in rules or () if rule.values), None)
    if names is not None and classes.max() >= len(names):
        raise ConfigError(
            f"{rules_where} names {len(names)} classes, and {where} has numbers up to {classes.max()}; wanted a name in values "
            f"for each from 0: {classes.max() + 1}"
        )
    called = ["" if number == UNKNOWN else str(number) if names is None else names[number] for number in classes]
    tests = [name.startswith("test/") for name in tree.files]
    table = classes_table(list(zip(tree.files, called, tests, strict=True)), where=where, split="test" in arrays)
    return Found(name, Source(tree, "", tree.files, ()), table, rules, rules_where, {}, card)


def _tables(files: Sequence[str]) -> list[str]:
    return [file for file in files if file in TABLES] or [file for file in files if os.path.basename(file) in TABLES]


def _class_folders(pictures: Sequence[str], *, where: str, beside: Sequence[str]) -> Table:
    """A folder for each class, in train/ and test/ or (val/) or, where nothing is held out, side by side."""
    tops, held = _tops(pictures)
    classes = _in_classes(pictures)
    trained = sorted({name for _, name, test in classes if not test}, key=natural)
    found = f"{where} is no labelled data set: found {_said(beside, trained)}"
    if tops & _TWO_DOMAINS or ("train" not in tops and held):
        raise DataError(f"{found}; wanted {LAYOUTS}. Classes in train/ and test/ are written train/CLASS/ and test/CLASS/")
    if len(trained) < 2:
        tables = [file for file in beside if file.lower().endswith((".csv", ".txt", ".tsv"))]
        hint = f". Is {tables[0]} the table? Then call it {TABLES[0]}, or {TABLES[1]} if it is CelebA's" if tables else ""
        raise DataError(f"{found}; wanted {LAYOUTS}{hint}")
    strange = sorted({name for _, name, test in classes if test} - set(trained), key=natural)
    if strange:
        hints = few([f"{name}{meant(name, trained)}" for name in strange])
        raise DataError(f"{where}: {held}/ has classes that train/ has not: {hints}; wanted the same: rename or remove them")
    return classes_table(classes, where=where, split=held is not None and any(test for *_, test in classes))


def _tops(pictures: Sequence[str]) -> tuple[set[str], str | None]:
    """The folders that hold all, and which of them holds the held-out images, if any."""
    tops = {file.partition("/")[0] for file in pictures if "/" in file}
    return tops, next((folder for folder in _HELD_OUT if folder in tops), None)


def _in_classes(pictures: Sequence[str]) -> list[tuple[str, str, bool]]:
    """Each image that lies in a folder of a class: (file, class, whether it is held out)."""
    tops, held = _tops(pictures)
    classes = []
    for file in pictures:
        folders = file.split("/")[:-1]
        if "train" in tops:
            if len(folders) > 1 and folders[0] in ("train", held):
                classes.append((file, folders[1], folders[0] == held))
        elif folders:
            classes.append((file, folders[0], False))
    return classes


def _is_labelled(pictures: Sequence[str], *, where: str) -> bool:
    two = sorted(_tops(pictures)[0] & _TWO_DOMAINS)
    if two:
        raise DataError(f"{where} holds two domains ({', '.join(two)}); wanted one set of images: name {where}/{two[0]}, say")
    return len({name for _, name, test in _in_classes(pictures) if not test}) > 1


def _unlabelled(pictures: tuple[str, ...], *, where: str) -> tuple[tuple[str, ...], Table]:
    """Images without labels, with their table: those in train/ and test/ (or val/), or all, wherever they lie."""
    tops, held = _tops(pictures)
    split = "train" in tops
    kept = tuple(file for file in pictures if not split or file.partition("/")[0] in ("train", held))
    tests = [split and file.partition("/")[0] == held for file in kept]
    return kept, unlabelled_table(list(zip(kept, tests, strict=True)), where=where, split=any(tests))


def _said(beside: Sequence[str], trained: Sequence[str]) -> str:
    if trained:
        return f"{len(trained)} folder{'s' if len(trained) > 1 else ''} of images ({few(trained)})"
    return few(beside) or "nothing"


def _truths(tree: Tree, root: str, inside: Sequence[str]) -> dict[str, Source]:
    by_folder: dict[str, list[str]] = defaultdict(list)
    for file in inside:
        parts = file.split("/", 2)
        if file.startswith(TRUTH) and len(parts) == 3 and os.path.splitext(file)[1].lower() in SUFFIXES:
            by_folder[parts[1]].append(parts[2])
    return {folder: Source(tree, f"{root}{TRUTH}{folder}/", tuple(names), ()) for folder, names in by_folder.items()}
