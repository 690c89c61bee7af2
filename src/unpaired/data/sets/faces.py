"""Faces: drawn portraits whose attributes can be changed one at a time.

An avatar is a function of a *seed* (the identity) and of options. The same seed with one option changed is the
**exact counterfactual**: what a perfect translator would return. So the error of a translator trained without any
pair can be measured pixel by pixel, which no set of photographs allows.

Two sets, both of ordinary PNG files that any folder loader reads:

======== ======================== ===================== =====================================
task     A                        B                     free, and to be kept by a translator
======== ======================== ===================== =====================================
hair     dark hair                blond hair            everything else; nobody wears glasses
glasses  without glasses          with glasses          everything else; any colour of hair
======== ======================== ===================== =====================================

The drawings are "Adventurer" by Lisa Wischofsky, CC BY 4.0, taken from the package ``dicebear-styles``; whoever shows
them has to print :data:`CREDIT`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from PIL import Image

from unpaired.data.sets import avatars, folders
from unpaired.errors import ConfigError

if TYPE_CHECKING:
    from dicebear import Avatar
    from numpy.typing import NDArray

Task = Literal["hair", "glasses"]

LICENCE = "CC BY 4.0"
LICENCE_URL = "https://creativecommons.org/licenses/by/4.0/"
CREDIT = (
    "Remix of “Adventurer” (https://www.figma.com/community/file/1184595184137881796) by Lisa Wischofsky, "
    f"licensed under {LICENCE} ({LICENCE_URL})"
)

HAIR: Mapping[str, str] = {
    # The style's own palette, named; where the colour is left to the seed, it is one of these. "dark" is its darkest
    # brown and not its black, because on black the ink of the strands cannot be seen: black hair would have many blond
    # counterfactuals, dark brown hair has one.
    "black": "#0e0e0e",
    "dark": "#562306",
    "brown": "#6a4e35",
    "olive": "#796a45",
    "caramel": "#ac6511",
    "orange": "#cb6820",
    "red": "#ab2a18",
    "honey": "#b9a05f",
    "blond": "#e5d7a3",
    "grey": "#afafaf",
    "turquoise": "#85c2c6",
    "green": "#3eac2c",
    "pink": "#dba3be",
    "violet": "#592454",
}

SKIN: Mapping[str, str] = {"light": "#f2d3b1", "tan": "#ecad80", "brown": "#9e5622", "dark": "#763900"}

STYLE = "adventurer"

# Fixed for every face: left to the seed or to the style, each of these would leave the frame or blur the truth.
FIXED: Mapping[str, object] = {
    "backgroundColor": avatars.BACKGROUND,
    # At the style's own scale eight of the 45 hair shapes touch the border; like this only locks that the artist
    # herself lets run out of the picture do.
    "scale": 0.9,
    "translateY": 2,
    # A face without glasses says nothing about which pair it would wear, so there is one pair for all. Of the five,
    # it is the most visible one through which the eyes can be seen: behind the dark lenses of variant01 they are lost,
    # and no translator could bring them back.
    "glassesVariant": "variant02",
}


class _Domains(NamedTuple):
    """What the faces of A and of B are drawn with, and what people call them."""

    a: Mapping[str, Any]
    b: Mapping[str, Any]
    names: tuple[str, str]


_DOMAINS: Mapping[Task, _Domains] = {
    "hair": _Domains(
        a={"hair": "dark", "glasses": False}, b={"hair": "blond", "glasses": False}, names=("dark hair", "blond hair")
    ),
    "glasses": _Domains(a={"glasses": False}, b={"glasses": True}, names=("without glasses", "with glasses")),
}


def make(
    folder: Path,
    *,
    task: Task = "hair",
    size: int = 64,
    train: int = 1000,
    test: int = 200,
    seed: int = 0,
) -> None:
    """Write the set into `folder`, which appears complete or not at all.

    - ``trainA/ trainB/``: `train` faces each, ``testA/ testB/``: `test` faces each, RGB PNG of `size` x `size` pixels.
      All four are disjoint identities, so nothing in them is paired.
    - ``truthB/NAME.png``: the exact counterfactual in B of ``testA/NAME.png``; ``truthA/NAME.png``: that in A of
      ``testB/NAME.png``. For measuring only.
    - ``attributes.csv``: what every file shows. ``set.json``: what the set is, its licence and its credit.

    The same arguments and package versions give the same bytes. The identities depend on `seed` but not on `task`:
    the test faces of one task were never trained on in the other, and conversions can be chained.

    Raises ConfigError if `folder` is not empty or `task` is unknown, MissingDependency if the packages of the drawings
    are not installed.
    """
    if task not in _DOMAINS:
        raise ConfigError(f"task {task!r} is not one of {', '.join(map(repr, _DOMAINS))}")
    domains = _DOMAINS[task]
    plan = (
        # folder, identities, domain, number
        ("trainA", "trainA", domains.a, train),
        ("trainB", "trainB", domains.b, train),
        ("testA", "testA", domains.a, test),
        ("testB", "testB", domains.b, test),
        ("truthB", "testA", domains.b, test),
        ("truthA", "testB", domains.a, test),
    )
    with folders.whole(folder) as root, (root / "attributes.csv").open("w", newline="", encoding="utf-8") as table:
        rows = csv.writer(table)
        rows.writerow(("split", "file", *Face._fields))
        for name, identities, domain, number in plan:
            (root / name).mkdir()
            for index, face in enumerate(identity(seed, identities, i) for i in range(number)):
                avatar = _avatar(face, **domain)
                file = f"{index:05d}.png"
                Image.fromarray(avatars.raster(avatar, size=size)).save(root / name / file, optimize=True)
                rows.writerow((name, file, *_face(face, avatar)))
        folders.write_card(root, _card(task=task, size=size, train=train, test=test, seed=seed))


def identity(seed: int, split: str, index: int) -> str:
    """The avatar seed of face `index` of `split` ("trainA", "trainB", "testA", "testB")."""
    return f"unpaired/{seed}/{split}/{index}"


def render(
    seeds: Iterable[str],
    *,
    size: int = 64,
    hair: str | None = None,
    glasses: bool | None = None,
    skin: str | None = None,
    earrings: bool | None = None,
    **options: object,
) -> NDArray[np.uint8]:
    """Draw one face for each of `seeds` (any strings): [N, size, size, 3], uint8.

    What is None is drawn from the seed, and stays what it is when anything else changes. So the same seeds with
    other attributes are exact counterfactuals, of one change or of several in sequence::

        render(seeds, hair="dark", glasses=False)
        render(seeds, hair="blond", glasses=False)
        render(seeds, hair="blond", glasses=True)

    `hair` is a name in :data:`HAIR` or "#rrggbb", `skin` a name in :data:`SKIN` or "#rrggbb". `options` are passed on
    to DiceBear under its own names (``mouthVariant="variant01"``) and win over everything else.

    Raises ConfigError for an unknown name, MissingDependency if the packages of the drawings are not installed.
    """
    wanted: dict[str, Any] = {"hair": hair, "glasses": glasses, "skin": skin, "earrings": earrings, **options}
    faces = [avatars.raster(_avatar(seed, **wanted), size=size) for seed in seeds]
    return np.stack(faces) if faces else np.empty((0, size, size, 3), np.uint8)


class Face(NamedTuple):
    """What a face shows. The shapes carry DiceBear's names; "" stands for none."""

    seed: str
    hair: str
    glasses: bool
    skin: str
    earrings: str
    hair_shape: str
    eyes: str
    eyebrows: str
    mouth: str
    details: str


def attributes(
    seeds: Iterable[str],
    *,
    hair: str | None = None,
    glasses: bool | None = None,
    skin: str | None = None,
    earrings: bool | None = None,
    **options: object,
) -> list[Face]:
    """What :func:`render` would show for the same arguments, the attributes drawn from the seed included."""
    wanted: dict[str, Any] = {"hair": hair, "glasses": glasses, "skin": skin, "earrings": earrings, **options}
    return [_face(seed, _avatar(seed, **wanted)) for seed in seeds]


def _avatar(
    seed: str,
    *,
    hair: str | None = None,
    glasses: bool | None = None,
    skin: str | None = None,
    earrings: bool | None = None,
    **options: object,
) -> Avatar:
    """The drawing."""
    chosen: dict[str, object] = {
        "seed": seed,
        **FIXED,
        # Half and half where it is left to the seed: the style's own one in ten would leave too few to learn from.
        "glassesProbability": 50 if glasses is None else 100 * glasses,
    }
    if hair is not None:
        chosen["hairColor"] = _colour("hair", hair, HAIR)
    if skin is not None:
        chosen["skinColor"] = _colour("skin", skin, SKIN)
    if earrings is not None:
        chosen["earringsProbability"] = 100 * earrings
    return avatars.avatar(STYLE, {**chosen, **options})


def _colour(attribute: str, value: str, names: Mapping[str, str]) -> str:
    if value.startswith("#"):
        return value
    if value not in names:
        raise ConfigError(f"{attribute} {value!r} is neither '#rrggbb' nor one of {', '.join(names)}")
    return names[value]


def _face(seed: str, avatar: Avatar) -> Face:
    resolved: Mapping[str, Any] = avatar.to_json()["options"]

    def name(option: str, names: Mapping[str, str]) -> str:
        colour = str(resolved[option][0])
        return next((name for name, value in names.items() if value == colour), colour)

    return Face(
        seed=seed,
        hair=name("hairColor", HAIR),
        glasses="glassesVariant" in resolved,
        skin=name("skinColor", SKIN),
        earrings=resolved.get("earringsVariant", ""),
        hair_shape=resolved["hairVariant"],
        eyes=resolved["eyesVariant"],
        eyebrows=resolved["eyebrowsVariant"],
        mouth=resolved["mouthVariant"],
        details=resolved.get("detailsVariant", ""),
    )


def _card(*, task: Task, size: int, train: int, test: int, seed: int) -> dict[str, object]:
    return {
        "name": f"faces-{task}",
        "task": task,
        "a": _DOMAINS[task].names[0],
        "b": _DOMAINS[task].names[1],
        "size": size,
        "seed": seed,
        "counts": {"trainA": train, "trainB": train, "testA": test, "testB": test, "truthB": test, "truthA": test},
        **avatars.credits_of(STYLE),
        "packages": avatars.versions(),
    }
