"""Sets of 3-D models on a turntable: each model is seen from many sides, and which side a picture shows is written down.

What DiscoGAN's experiments with azimuths play with (Kim et al. 2017, section 4): nothing but the direction in which things face
is common to both domains. A set is divided by model, never by view: no model of A is in B, none is both trained and tested on.

Azimuth: degrees by which a model is turned about its vertical axis; 0 shows its front, at 90 it faces right, at -90 left. All
pictures are drawn by `solids.raster` from a little above, on grey.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from unpaired.data.sets import folders
from unpaired.data.sets.domains import PARTS, Part
from unpaired.data.solids import raster
from unpaired.data.solids.mesh import Mesh, framed, moved
from unpaired.errors import DataError

REACH = 90
"""Views go from -REACH to REACH degrees of azimuth: the front half, as in the authors' code, where it ends at 75."""
TRAIN_STEP, TEST_STEP = 5, 15
"""Degrees between two views. The paper's are 15; finer ones give more pictures of the few models there are."""
STRETCH = 0.12
"""A variant of a model is longer, wider and higher by other factors, at the most 1 + STRETCH or its inverse."""
TABLE = "views.csv"


class Model(NamedTuple):
    """name: letters, digits and hyphens, of its files as well; load: the mesh, its front towards +z (`solids.mesh`); elevation:
    degrees by which the viewer looks down on it.
    """

    name: str
    load: Callable[[], Mesh]
    elevation: float = 20.0


class View(NamedTuple):
    """A row of the table: what a file of a part shows. azimuth: in degrees; variant: 0 is the model as it is."""

    part: Part
    file: str
    model: str
    azimuth: int
    variant: int


def write(
    folder: Path,
    parts: Mapping[Part, Sequence[Model]],
    *,
    size: int,
    card: Mapping[str, Any],
    variants: Mapping[Part, int] | None = None,
) -> None:
    """Write a set into `folder`, which appears complete or not at all.

    - ``trainA/ trainB/ testA/ testB/``: RGB PNG of `size` x `size` pixels, named MODEL_AZIMUTH.png, as beetle_-045.png; the names
      of further variants have a number, as beetle-2_-045.png.
    - ``views.csv``: part, file, model, azimuth, variant of every picture (`read_views`). For measuring only.
    - ``set.json``: `card`, with the number of models and of pictures in each part.

    variants: how many of each model of a part there are (`variant`); 1 where nothing is said. Training parts are drawn every 5
    degrees, test parts every 15. The same models give the same bytes. ConfigError if `folder` is not empty; DataError if a model
    is in two parts.
    """
    names = [model.name for part in PARTS for model in parts[part]]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(f"models in two parts: {', '.join(twice)}; wanted each in one")
    with folders.whole(folder) as root:
        views: list[View] = []
        for part in PARTS:
            (root / part).mkdir(parents=True)
            for model in parts[part]:
                views += _turn(root, part, model, size=size, variants=(variants or {}).get(part, 1))
        models = {part: [model.name for model in parts[part]] for part in PARTS}
        _write_views(root, views, card={**card, "size": size, "models": models})


def write_narrower(folder: Path, whole: Path, *, reach: int) -> None:
    """Write into `folder` those views of the set in `whole` that go from -reach to reach degrees, with their table and card.

    At -90 and at 90 degrees many a thing looks much like its own mirror image. Then a kind's views make a loop, round which a
    translation between kinds may turn by any angle and still be a bijection; only in a narrower range has each view one place.
    ConfigError if `folder` is not empty.
    """
    with folders.whole(folder) as root:
        for part in PARTS:
            (root / part).mkdir()
        views = [view for view in read_views(whole) if abs(view.azimuth) <= reach]
        for view in views:
            shutil.copyfile(whole / view.part / view.file, root / view.part / view.file)
        card = json.loads((whole / "set.json").read_text(encoding="utf-8"))
        _write_views(root, views, card=card)


def read_views(folder: Path) -> tuple[View, ...]:
    """The table of a set that `write` wrote. FileNotFoundError if there is none."""
    with (folder / TABLE).open(newline="", encoding="utf-8") as file:
        return tuple(
            View(row["part"], row["file"], row["model"], int(row["azimuth"]), int(row["variant"]))  # type: ignore[arg-type]
            for row in csv.DictReader(file)
        )


def _write_views(root: Path, views: Sequence[View], *, card: Mapping[str, Any]) -> None:
    """The table, and the card with the number of pictures in each part."""
    with (root / TABLE).open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(View._fields)
        rows.writerows(views)
    counts = {part: sum(view.part == part for view in views) for part in PARTS}
    folders.write_card(root, {**card, "counts": counts})


def azimuths(part: Part) -> range:
    """The directions in which a part's models are seen, in degrees."""
    step = TRAIN_STEP if part.startswith("train") else TEST_STEP
    return range(-REACH, REACH + 1, step)


def variant(mesh: Mesh, name: str, number: int) -> Mesh:
    """Variant `number` of a model: 0 is the model; others are stretched along each axis and their hues are turned, at random."""
    if number == 0:
        return mesh
    seed = hashlib.blake2b(f"{name} {number}".encode(), digest_size=8, person=b"turntable").digest()
    rng = np.random.default_rng(int.from_bytes(seed, "big"))
    stretched = moved(mesh, np.diag(np.exp(rng.uniform(-1, 1, 3) * np.log1p(STRETCH))))
    turn = _hue(rng.uniform(0, 1))
    return stretched._replace(
        materials=tuple(
            material._replace(
                colour=np.clip(material.colour @ turn, 0, 1),
                texture=None if material.texture is None else np.clip(material.texture @ turn, 0, 1),
            )
            for material in mesh.materials
        )
    )


def _turn(root: Path, part: Part, model: Model, *, size: int, variants: int) -> Iterator[View]:
    """Draw a model from all sides of a part."""
    mesh = model.load()
    for number in range(variants):
        subject = raster.subject(framed(variant(mesh, model.name, number), elevation=model.elevation))
        for azimuth in azimuths(part):
            file = f"{model.name}{f'-{number + 1}' if number else ''}_{azimuth:+04d}.png"
            pixels = raster.draw(subject, azimuth=azimuth, elevation=model.elevation, size=size)
            Image.fromarray(pixels).save(root / part / file)
            yield View(part, file, model.name, azimuth, number)


def _hue(share: float) -> np.ndarray:
    """The 3 x 3 matrix that turns the hue of colours by a share of the full circle: about the axis of the greys, which stay."""
    cos, sin = math.cos(2 * math.pi * share), math.sin(2 * math.pi * share)
    along = (1 - cos) / 3
    across = sin / math.sqrt(3)
    return np.array(
        [
            [along + cos, along - across, along + across],
            [along + across, along + cos, along - across],
            [along - across, along + across, along + cos],
        ],
        np.float32,
    )
