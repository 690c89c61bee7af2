"""`tracks`: what a driver sees of five worlds, with a class for each pixel. Any two of them may be source and target.

A world is a race track of TORCS, Debian's ``torcs-data`` (see `track_worlds`). Its course is cut into six sections: three are for
training, one for validation and two for testing, with GAP metres between them that nobody drives. What stands far off may still
be seen from several of them. In each, places are drawn at random, up to ASIDE metres off the middle of the road and up to ASKEW
degrees off its direction, with the lap or against it.

Views from bad places are left out (see `flaw`), and others drawn for them: ``set.json`` tells how many.
"""

from __future__ import annotations

import json
import shutil
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unpaired.data.label_maps import CLASSES as CLASSES_FILE
from unpaired.data.label_maps import IMAGES, LABELS
from unpaired.data.sets import folders
from unpaired.data.sets.packages import files
from unpaired.data.sets.torcs import PACKAGE
from unpaired.data.sets.track_course import STEP
from unpaired.data.sets.track_worlds import CLASSES, CREDIT, KINDS, LICENCE, OTHER, ROAD, SKY, WORLDS, Place, Sky, place, wanted
from unpaired.data.solids.views import NOTHING, Eye, View, rays, view
from unpaired.images import Pixels
from unpaired.images.maps import VOID, Labels, read_map, write_map

Part = Literal["train", "validation", "test"]

VIEWS_FILE = "views.csv"

FIELD = 62.0
"""Degrees from a picture's left edge to its right one."""
EYES = 1.4
"""Metres above the road."""
ASIDE, ASKEW = 2.5, 12.0
"""Metres off the middle of the road and degrees off its direction, at the most."""
COUNTS: Mapping[Part, int] = {"train": 500, "validation": 48, "test": 144}
"""Views of a world. Validation and test views are the held-out ones, in this order: runs choose by the first quarter of these."""
SHARES: tuple[tuple[Part, float], ...] = (
    ("train", 0.24),
    ("test", 0.1),
    ("train", 0.24),
    ("validation", 0.08),
    ("train", 0.24),
    ("test", 0.1),
)
"""Sections of a lap, one after another, and their shares of what the gaps between them leave."""
GAP = 60.0
"""Metres."""
ROAD_SHARE, SKY_SHARE = (0.1, 0.75), (0.08, 0.65)
"""The least and the most of a picture."""
AHEAD, WITHIN = 0.15, 3.0
"""The most of a picture that may be something other than road less than so many metres away."""
BENEATH = 0.01
"""The most of a picture that may look through a hole in the ground."""
LEVEL = -2.0
"""Degrees above the horizon from which on nothing at all is sky, and below which it is a hole."""
SPAN = 90.0
"""Degrees of the sky above that a picture of it would show if there were sky in all of it; around it goes as its sides say."""


class Spot(NamedTuple):
    """Where a view was taken. along: metres from the lap's beginning; aside: metres to the right of the road's middle; askew:
    degrees to the right of the lap's direction, or of the one against it.
    """

    along: float
    aside: float
    askew: float
    against: bool


class Taken(NamedTuple):
    """A view. pixels: uint8 [H, W, 3]; labels: uint8 [H, W], indices of CLASSES, or VOID."""

    spot: Spot
    pixels: Pixels
    labels: Labels


def make(folder: Path, *, size: int = 64) -> None:
    """Write the set into `folder`, which appears complete or not at all. Minutes of one processor.

    - ``WORLD/images/train/``, ``WORLD/images/test/``: views, RGB PNG of `size` x `size`, and ``WORLD/labels/...`` under the
      same names their label maps, whose values index the lines of ``WORLD/classes.txt``, or are VOID where something is of no
      class: each world is a set of images with label maps.
    - ``WORLD/views.csv``: where each was taken, and whether it is for training, validation or testing.
    - ``set.json``, also in ``WORLD/images/``: what the set is, counts, shares of classes, views left out, licence and credit.

    The same arguments and package give the same files. DataError where the package can be had nowhere, or is another; ConfigError
    if `folder` is not empty.
    """
    with folders.whole(folder) as root:
        contents = files(PACKAGE, wanted=wanted)
        worlds = {}
        for name, world in WORLDS.items():
            found, dropped = drive(place(world, contents), size=size, counts=COUNTS, seed=zlib.crc32(name.encode()))
            facts = {"about": world.about, "track": world.track} | _facts(found, dropped)
            _write(root / name, found, card=_card(f"tracks/{name}", size, facts))
            worlds[name] = facts
        whole = np.mean([[facts["shares"][kind] for kind in KINDS] for facts in worlds.values()], axis=0)
        shares = {kind: round(float(share), 4) for kind, share in zip(KINDS, whole, strict=True)}
        folders.write_card(root, _card("tracks", size, {"shares": shares, "worlds": worlds}))


def write_coarser(folder: Path, world: Path, *, classes: Mapping[str, str]) -> None:
    """Write into `folder` a world with fewer classes: those that `classes` names become what it says. ConfigError if `folder` is
    not empty.
    """
    fine = (world / CLASSES_FILE).read_text(encoding="utf-8").splitlines()
    coarse = list(dict.fromkeys(classes.get(kind, kind) for kind in fine))
    numbers = np.full(VOID + 1, VOID, np.uint8)
    numbers[: len(fine)] = [coarse.index(classes.get(kind, kind)) for kind in fine]
    with folders.whole(folder) as root:
        shutil.copytree(world / IMAGES, root / IMAGES)
        shutil.copyfile(world / VIEWS_FILE, root / VIEWS_FILE)
        for path in sorted((world / LABELS).rglob("*.png")):
            to = root / path.relative_to(world)
            to.parent.mkdir(parents=True, exist_ok=True)
            write_map(to, numbers[read_map(path)])
        _write_classes(root, coarse)
        card = json.loads((world / IMAGES / "set.json").read_text(encoding="utf-8"))
        shares = dict.fromkeys((*coarse, OTHER), 0.0)
        for kind, share in card["shares"].items():
            shares[classes.get(kind, kind)] += share
        shares = {kind: round(share, 4) for kind, share in shares.items()}
        folders.write_card(root / IMAGES, {**card, "classes": coarse, "shares": shares})


def sections(length: float) -> dict[Part, list[tuple[float, float]]]:
    """Where a lap of `length` metres is driven for each part: beginnings and ends in metres."""
    left, at = length - GAP * len(SHARES), 0.0
    found: dict[Part, list[tuple[float, float]]] = {part: [] for part in COUNTS}
    for part, share in SHARES:
        found[part].append((at, at + share * left))
        at += share * left + GAP
    return found


def drive(through: Place, *, size: int, counts: Mapping[Part, int], seed: int) -> tuple[dict[Part, list[Taken]], Counter[str]]:
    """So many views of each part of a world, and how many were left out for what."""
    rng = np.random.default_rng(seed)
    dropped: Counter[str] = Counter()
    found: dict[Part, list[Taken]] = {}
    for part, stretches in sections(len(through.course.places) * STEP).items():
        views = _views(through, stretches, rng, size=size, dropped=dropped)
        found[part] = [taken for _, taken in zip(range(counts[part]), views, strict=False)]
    return found, dropped


def _views(
    through: Place,
    stretches: Sequence[tuple[float, float]],
    rng: np.random.Generator,
    *,
    size: int,
    dropped: Counter[str],
) -> Iterator[Taken]:
    """Views from good spots of stretches, without end."""
    lengths = np.array([end - begin for begin, end in stretches])
    while True:
        begin, end = stretches[rng.choice(len(stretches), p=lengths / lengths.sum())]
        spot = Spot(rng.uniform(begin, end), rng.uniform(-ASIDE, ASIDE), rng.uniform(-ASKEW, ASKEW), bool(rng.integers(2)))
        eye = stand(through, spot)
        seen = view(through.scene, eye, size=size, field=FIELD)
        looks = rays(eye, size=size, field=FIELD)
        why = flaw(seen, looks)
        if why:
            dropped[why] += 1
            continue
        yield Taken(spot, painted(seen, looks, through.sky), labelled(seen))


def stand(through: Place, spot: Spot) -> Eye:
    """The eye of a driver at a spot."""
    at = int(spot.along / STEP) % len(through.course.places)
    heading, rise = float(through.course.headings[at]), float(through.course.rises[at])
    right = np.radians(heading + 90)
    where = through.course.places[at] + spot.aside * np.array([np.cos(right), 0, np.sin(right)]) + np.array([0, EYES, 0])
    return Eye(where, heading + spot.askew + 180 * spot.against, -rise if spot.against else rise)


def flaw(seen: View, looks: NDArray[np.floating]) -> str:
    """What is wrong with a view, "" if nothing is. looks: the directions of its pixels, [H, W, 3]."""
    steep = np.degrees(np.arcsin(looks[..., 1]))
    road, sky = (float((seen.kinds == kind).mean()) for kind in (KINDS.index(ROAD), NOTHING))
    if not ROAD_SHARE[0] <= road <= ROAD_SHARE[1]:
        return "too little or too much road"
    if not SKY_SHARE[0] <= sky <= SKY_SHARE[1]:
        return "too little or too much sky"
    if float(((seen.far < WITHIN) & (seen.kinds != KINDS.index(ROAD))).mean()) > AHEAD:
        return "something close by"
    if float(((seen.kinds == NOTHING) & (steep < LEVEL)).mean()) > BENEATH:
        return "a hole in the ground"
    return ""


def painted(seen: View, looks: NDArray[np.floating], sky: Sky) -> Pixels:
    """A view before its sky: uint8 [H, W, 3]. looks: as of `flaw`."""
    height, width = sky.colours.shape[:2]
    around = np.degrees(np.arctan2(looks[..., 2], looks[..., 0])) / (SPAN * sky.aspect) % 2
    around = np.where(around > 1, 2 - around, around)  # mirrored, so that it has no seam
    above = np.clip(np.degrees(np.arcsin(looks[..., 1])) / (SPAN * sky.share), 0, 1)
    rows, columns = ((1 - above) * (height - 1)).astype(int), (around * (width - 1)).astype(int)
    colours = seen.colours + seen.clear[..., None] * sky.colours[rows, columns]
    return np.rint(np.clip(colours, 0, 1) * 255).astype(np.uint8)


def labelled(seen: View) -> Labels:
    """The label map of a view: [H, W]."""
    numbers = np.array([CLASSES.index(kind) if kind in CLASSES else VOID for kind in KINDS], np.uint8)
    return numbers[np.where(seen.kinds == NOTHING, KINDS.index(SKY), seen.kinds)]


def _facts(found: Mapping[Part, Sequence[Taken]], dropped: Counter[str]) -> dict[str, Any]:
    """Counts of views, shares of pixels and what was left out, for the card."""
    maps = np.stack([taken.labels for views in found.values() for taken in views])
    shares = np.bincount(maps.reshape(-1), minlength=VOID + 1) / maps.size
    named = {**dict(zip(CLASSES, shares[: len(CLASSES)], strict=True)), OTHER: shares[VOID]}
    return {
        "counts": {part: len(views) for part, views in found.items()},
        "shares": {kind: round(float(share), 4) for kind, share in named.items()},
        "left out": {"views": dropped.total(), **dict(sorted(dropped.items()))},
    }


def _card(name: str, size: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "size": size,
        "classes": list(CLASSES),
        **facts,
        "split": f"by section of the lap, {GAP:.0f} m between sections",
        "licence": LICENCE,
        "credit": CREDIT,
        "packages": [PACKAGE.name],
    }


def _write(folder: Path, found: Mapping[Part, Sequence[Taken]], *, card: Mapping[str, Any]) -> None:
    """A world's views, their maps and where they were taken."""
    lines = ["file,part,along,aside,askew,against"]
    for end, parts in (("train", ("train",)), ("test", ("validation", "test"))):
        for kind in (IMAGES, LABELS):
            (folder / kind / end).mkdir(parents=True)
        numbered = ((part, taken) for part in parts for taken in found[part])  # type: ignore[index]
        for number, (part, (spot, pixels, labels)) in enumerate(numbered):
            name = f"{end}/{number:05d}.png"
            Image.fromarray(pixels).save(folder / IMAGES / name)
            write_map(folder / LABELS / name, labels)
            where = f"{spot.along:.1f},{spot.aside:.2f},{spot.askew:.1f},{'yes' if spot.against else 'no'}"
            lines.append(f"{name},{part},{where}")
    (folder / VIEWS_FILE).write_text("\n".join([*lines, ""]), encoding="utf-8")
    _write_classes(folder, CLASSES)
    folders.write_card(folder / IMAGES, card)


def _write_classes(folder: Path, classes: Sequence[str]) -> None:
    (folder / CLASSES_FILE).write_text("".join(f"{kind}\n" for kind in classes), encoding="utf-8")
