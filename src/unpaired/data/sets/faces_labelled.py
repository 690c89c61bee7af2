"""Labelled faces: drawn portraits with a hair colour, glasses or none, and an expression.

For translators that are told what to change. Two sets, each of labelled data in the table layout:

- **attributes** (:func:`make_attributes`): one data set in one style, all three attributes labelled.
- **two styles** (:func:`make_two_styles`): two data sets, ``sets/adventurer`` labelled for hair and glasses, ``sets/micah``
  labelled for expression. The other attributes vary too, and have the same names, colours and expressions in both.

Everything but the three attributes (shape of the hair, eyes, brows, skin, earrings, ...) is free, follows from the identity and
is to be kept. As in :mod:`unpaired.data.sets.faces`, the same identity with another value is the **exact counterfactual**; to
have one, each value is drawn in one way only: one pair of glasses, one mouth for an expression.

A data set holds, beside its card ``set.json``:

- ``train/NAME.png``, ``test/NAME.png``, and ``attributes.csv``: ``file, split, ATTRIBUTE, ...`` of all of them. Values are
  balanced, and independent of each other and of the identity. ``attributes.toml``: the attributes, their values in order.
- ``hidden.csv``: the same table with all attributes, where ``attributes.csv`` lacks some. For scoring only.
- ``truth/ATTRIBUTE=VALUE/NAME.png``, for every value of all attributes, also the hidden ones: the face ``test/NAME.png`` with
  that value (the face itself, where it has it already).
- ``combined.csv``: ``file, ATTRIBUTE, ...``: for each test face one *target* for each attribute, another value than its own,
  balanced too. ``truth/combined/hair+glasses/NAME.png`` is the face with its targets for hair and glasses and its own
  expression; likewise ``hair+expression``, ``glasses+expression`` and ``hair+glasses+expression``. One row serves all four, so
  that the error of changing several attributes at once can be set beside that of changing one.

The drawings are "Adventurer" by Lisa Wischofsky and "Avatar Illustration System" by Micah Lanier, both CC BY 4.0, from the
package ``dicebear-styles``; whoever shows them has to print the credit that stands in ``set.json``.
"""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image

from unpaired.data.sets import avatars, faces, folders

if TYPE_CHECKING:
    from dicebear import Avatar

VALUES: Mapping[str, tuple[str, ...]] = {
    "hair": ("dark", "blond", "red", "grey", "turquoise"),
    "glasses": ("off", "on"),
    "expression": ("happy", "sad", "surprised"),
}
"""The attributes and their values, in the order of columns and of numbers."""

COMBINATIONS = tuple(names for count in range(2, len(VALUES) + 1) for names in itertools.combinations(VALUES, count))
"""What is changed together in ``truth/combined``."""


class Look(NamedTuple):
    """A style, and how its faces are drawn, so that their attributes can be told at 64 px. All in DiceBear's names.

    options: of every face; without: shapes of hair that are left out; mouths: by expression.
    """

    style: str
    options: Mapping[str, object]
    without: tuple[str, ...]
    mouths: Mapping[str, str]


LOOKS: Mapping[str, Look] = {
    "adventurer": Look(
        style=faces.STYLE,
        # Mouths are black inside, as those of the other style: what one style teaches of expressions can be seen in the other.
        options={**faces.FIXED, "throatColor": "#000000"},
        # A knob of hair, too small to tell its colour, and locks that hide the glasses.
        without=("short12", "long20", "short06"),
        mouths={"happy": "variant26", "sad": "variant04", "surprised": "variant15"},
    ),
    "micah": Look(
        style="micah",
        options={
            "backgroundColor": avatars.BACKGROUND,
            # Heads as large as Adventurer's, in the same place, looking to the same side.
            "scale": 1.15,
            "translateY": 5,
            "flip": "horizontal",
            "glassesVariant": "square",
            "glassesColor": "#000000",
            # Not the beard: it is black, and so are the lines of a mouth.
            "facialHairVariant": "scruff",
        },
        # A bald head, one with three hairs, and a turban, which is not hair.
        without=("mrClean", "dougFunny", "turban"),
        mouths={"happy": "laughing", "sad": "frown", "surprised": "surprised"},
    ),
}

LABELLED: Mapping[str, tuple[str, ...]] = {"adventurer": ("hair", "glasses"), "micah": ("expression",)}
"""Which attributes are labelled in which of the two styles."""

Values = tuple[str, ...]
"""A face's values, in the order of VALUES."""


class Drawn(NamedTuple):
    """A face of a set: its identity, what it shows, and what it is to show once attributes are changed together."""

    identity: str
    values: Values
    targets: Values


def make_attributes(folder: Path, *, size: int = 64, train: int = 2400, test: int = 264, seed: int = 0) -> None:
    """Write the set with all attributes into `folder`, which appears complete or not at all.

    size: pixels; train, test: numbers of faces. The same arguments and package versions give the same bytes. ConfigError if
    `folder` is not empty, MissingDependency if the packages of the drawings are not installed.
    """
    with folders.whole(folder) as root:
        _write(root, "adventurer", name="faces-attributes", labelled=tuple(VALUES), size=size, train=train, test=test, seed=seed)


def make_two_styles(folder: Path, *, size: int = 64, train: int = 1500, test: int = 264, seed: int = 0) -> None:
    """Write the two data sets, of `train` and `test` faces each, into ``sets/`` of `folder`; as :func:`make_attributes`."""
    with folders.whole(folder) as root:
        cards = []
        for look, labelled in LABELLED.items():
            part = root / "sets" / look
            part.mkdir(parents=True)
            cards.append(
                _write(part, look, name=f"faces-{look}", labelled=labelled, size=size, train=train, test=test, seed=seed)
            )
        folders.write_card(
            root,
            {
                "name": "faces-two-styles",
                "sets": list(LABELLED),
                "size": size,
                "seed": seed,
                "licence": ", ".join(dict.fromkeys(str(card["licence"]) for card in cards)),
                "credit": "; ".join(str(card["credit"]) for card in cards),
            },
        )


def avatar(look: str, identity: str, values: Values) -> Avatar:
    """The drawing of a face with these values, in the order of VALUES."""
    hair, glasses, expression = values
    drawing = LOOKS[look]
    return avatars.avatar(
        drawing.style,
        {
            "seed": identity,
            "hairVariant": list(_hair_shapes(look)),
            **drawing.options,
            "hairColor": faces.HAIR[hair],
            "glassesProbability": 100 if glasses == "on" else 0,
            "mouthVariant": drawing.mouths[expression],
        },
    )


def members(look: str, *, train: int, test: int, seed: int) -> dict[str, list[Drawn]]:
    """The faces of "train" and "test", by index. No test face is in train, whatever its values.

    The faces in an order that their identities decide (by a hash) take the combinations of values in turn; so values are
    balanced and independent of all else. Other numbers of faces give the same identities other values.
    """
    identities = {"train": [_identity(look, "train", index, seed=seed) for index in range(train)], "test": []}
    # Different identities can look the same: there are not so many eyes and brows, and locks hide some.
    seen = {_plain(look, identity) for identity in identities["train"]}
    for identity in (_identity(look, "test", index, seed=seed) for index in itertools.count()):
        if len(identities["test"]) == test:
            break
        plain = _plain(look, identity)
        if plain not in seen:
            seen.add(plain)
            identities["test"].append(identity)
    return {split: _shown(drawn) for split, drawn in identities.items()}


def _identity(look: str, split: str, index: int, *, seed: int) -> str:
    return faces.identity(seed, f"{look}/{split}", index)


def _plain(look: str, identity: str) -> bytes:
    """What tells identities apart: how they look with the same values, at one size, so that all sizes show the same faces."""
    return avatars.raster(avatar(look, identity, tuple(named[0] for named in VALUES.values())), size=64).tobytes()


def _shown(identities: Sequence[str]) -> list[Drawn]:
    ranks = sorted(range(len(identities)), key=lambda index: hashlib.sha256(identities[index].encode()).digest())
    shown = {index: _values_of(rank) for rank, index in enumerate(ranks)}
    return [Drawn(identity, *shown[index]) for index, identity in enumerate(identities)]


def _values_of(rank: int) -> tuple[Values, Values]:
    """The values and the targets of a rank.

    The numbers of values have no common divisor: counting on in all attributes at once meets every combination once in a
    round, and any first part of a round is balanced too. From round to round the targets go on to another difference.
    """
    values, targets = [], []
    around = rank // math.prod(len(named) for named in VALUES.values())
    for named in VALUES.values():
        around, step = divmod(around, len(named) - 1)
        values.append(named[rank % len(named)])
        targets.append(named[(rank + 1 + step) % len(named)])
    return tuple(values), tuple(targets)


@cache
def _hair_shapes(look: str) -> tuple[str, ...]:
    shapes = avatars.style(LOOKS[look].style).components()["hair"].variants()
    return tuple(shape for shape in shapes if shape not in LOOKS[look].without)


def _write(
    root: Path, look: str, *, name: str, labelled: tuple[str, ...], size: int, train: int, test: int, seed: int
) -> dict[str, object]:
    """Write one data set into the empty folder `root`; its card."""
    parts = members(look, train=train, test=test, seed=seed)
    for split, drawn in parts.items():
        (root / split).mkdir()
        for index, face in enumerate(drawn):
            (root / _file(split, index)).write_bytes(_png(look, face.identity, face.values, size=size))
    for index, face in enumerate(parts["test"]):
        _write_truths(root, look, face, Path(_file("test", index)).name, size=size)
    _write_tables(root, parts, labelled=labelled)
    card: dict[str, object] = {
        "name": name,
        "style": LOOKS[look].style,
        "labelled": list(labelled),
        "hidden": [attribute for attribute in VALUES if attribute not in labelled],
        "values": {attribute: list(named) for attribute, named in VALUES.items()},
        "size": size,
        "seed": seed,
        "counts": {"train": train, "test": test},
        **avatars.credits_of(LOOKS[look].style),
        "packages": avatars.versions(),
    }
    folders.write_card(root, card)
    return card


def _write_truths(root: Path, look: str, face: Drawn, name: str, *, size: int) -> None:
    picture = cache(lambda values: _png(look, face.identity, values, size=size))
    truths = {
        f"{attribute}={value}": _with(face.values, {attribute: value}) for attribute, named in VALUES.items() for value in named
    }
    targets = dict(zip(VALUES, face.targets, strict=True))
    for names in COMBINATIONS:
        truths[f"combined/{'+'.join(names)}"] = _with(face.values, {attribute: targets[attribute] for attribute in names})
    for folder, values in truths.items():
        path = root / "truth" / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(values))


def _with(values: Values, changed: Mapping[str, str]) -> Values:
    return tuple(changed.get(attribute, value) for attribute, value in zip(VALUES, values, strict=True))


def _write_tables(root: Path, parts: Mapping[str, list[Drawn]], *, labelled: tuple[str, ...]) -> None:
    rows = [(_file(split, index), split, face) for split, drawn in parts.items() for index, face in enumerate(drawn)]
    _write_attributes(root / "attributes.csv", rows, columns=labelled)
    if labelled != tuple(VALUES):
        _write_attributes(root / "hidden.csv", rows, columns=tuple(VALUES))
    with (root / "combined.csv").open("w", newline="", encoding="utf-8") as table:
        out = csv.writer(table)
        out.writerow(("file", *VALUES))
        out.writerows((file, *face.targets) for file, split, face in rows if split == "test")
    sections = (f'[{name}]\ncolumn = "{name}"\nvalues = {json.dumps(VALUES[name])}\n' for name in labelled)
    (root / "attributes.toml").write_text("\n".join(sections), encoding="utf-8")


def _write_attributes(path: Path, rows: Sequence[tuple[str, str, Drawn]], *, columns: tuple[str, ...]) -> None:
    with path.open("w", newline="", encoding="utf-8") as table:
        out = csv.writer(table)
        out.writerow(("file", "split", *columns))
        for file, split, face in rows:
            shown = dict(zip(VALUES, face.values, strict=True))
            out.writerow((file, split, *(shown[attribute] for attribute in columns)))


def _file(split: str, index: int) -> str:
    return f"{split}/{index:05d}.png"


def _png(look: str, identity: str, values: Values, *, size: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(avatars.raster(avatar(look, identity, values), size=size)).save(file, format="PNG", optimize=True)
    return file.getvalue()
