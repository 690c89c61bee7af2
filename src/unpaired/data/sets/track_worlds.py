"""The worlds of `tracks`: five race tracks of TORCS (Debian's ``torcs-data``), each with a look of its own, and their labels.

Nobody labelled them: a surface's class is read from the name of its texture, by :data:`LABELS`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from PIL import UnidentifiedImageError

from unpaired.data.sets.torcs import PACKAGE
from unpaired.data.sets.track_course import Course, course
from unpaired.data.solids import ac3d, obj, views
from unpaired.data.solids.mesh import Floats
from unpaired.data.solids.views import Scene, Surface
from unpaired.errors import DataError

LICENCE = "Free Art License, GPL-2"
CREDIT = (
    "race tracks of TORCS, The Open Racing Car Simulator (torcs.org): Aalborg by Torben Thellefsen, Eric Espié and "
    "Bernhard Wymann; Street 1 by Andrew Sumner; Alpine 2 by Danny Schellhammer and Andrew Sumner; Dirt 3 by Andrew "
    "Sumner and Mayang Adninsome (Free Art License); Corkscrew by Gabor Kmetyko and Andrew Sumner (GPL-2); their "
    "common textures by Eric Espié and others"
)


class World(NamedTuple):
    """A track and how it looks. track: its folder in the package; horizon: the share of its background's height, from above, that
    is sky.
    """

    track: str
    about: str
    horizon: float


WORLDS: Mapping[str, World] = {
    "country": World("road/aalborg", "asphalt between meadows, firs and low walls", 0.35),
    "town": World("road/street-1", "asphalt between lawns, houses and towers", 0.45),
    "alpine": World("road/alpine-2", "a mountain road in snow, firs and rocks, a bridge", 0.45),
    "outback": World("dirt/dirt-3", "a dirt road through dry plains, gum trees, wooden barriers", 0.55),
    "hills": World("road/corkscrew", "a race course among dry brown hills, oaks, sand beside the asphalt", 0.45),
}

SKY, ROAD, GRASS, SAND, ROCK, TREES, WALLS = CLASSES = ("sky", "road", "grass", "sand", "rock", "trees", "walls")
"""road: with its kerbs and its paved verge, asphalt or dirt; sand: gravel and bare earth too; rock: snow and ice too; walls:
whatever is built, barriers and stands too.
"""
TERRAIN = "terrain"
COARSER: Mapping[str, str] = {GRASS: TERRAIN, SAND: TERRAIN, ROCK: TERRAIN}
"""One class as in Cityscapes, which every world has; few have all three."""
COARSE_CLASSES = tuple(dict.fromkeys(COARSER.get(kind, kind) for kind in CLASSES))
OTHER = "other"
"""Posts, gantries, signs, people, vehicles, tents: of no class, as each world has others and of each a few pixels."""
KINDS = (*CLASSES, OTHER)
LABELS: tuple[tuple[str, str], ...] = (
    # "tree" and "arbor" in the name of a file often mean nothing but holes in the texture.
    (OTHER, r"ppl[abc]_tree|arbor|poutre|pylon|sign|advert|torcs|logo|kilo|hat\.|tank|truck|texte|tent"),
    (
        WALLS,
        r"bldg|tower_tree|grdr|rail|steel|town-border|house|casa|cabin|ambush-inn|roof|tileroof|building|seats|spec|std|trib|\d*pass",
    ),
    (WALLS, r"armco|barr|bars?\d|wall|tarmac-wall|stone-wall|pit-walls|fence|conc|cmnt|brick|tire|dekk|pad"),
    (TREES, r"tree|bush|allborg-trees"),
    (ROAD, r"road(?!2snow)|g-to-asphalt|asph|newdirt|dirt-pits|bridgeplanks|curb"),
    (GRASS, r"(new)?grass"),
    (SAND, r"sand|gravel|dirt-"),
    (ROCK, r"snow|ice|road2snow|cliff|rock|stone"),
)
"""Of each class how the names of its textures begin, "tr-" left out (regular expressions, without regard to case); the first that
fits counts, and what none fits is "other".
"""


class Sky(NamedTuple):
    """What is behind all else. colours: RGB in [0, 1], [H, W, 3], its last row at the horizon. share: of the whole picture's
    height, below which there is land; aspect: of the whole picture's sides.
    """

    colours: Floats
    share: float
    aspect: float


class Place(NamedTuple):
    """A world that is ready to be driven through."""

    scene: Scene
    course: Course
    sky: Sky


def label(texture: str) -> str:
    """The class of what a texture of that file name covers."""
    name = texture.removeprefix("tr-")
    return next((kind for kind, pattern in LABELS if re.match(pattern, name, re.IGNORECASE)), OTHER)


def wanted(name: str) -> bool:
    """Whether a file of the package belongs to these worlds."""
    return name.startswith(("data/textures/", *(f"tracks/{world.track}/" for world in WORLDS.values())))


def place(world: World, contents: Mapping[str, bytes]) -> Place:
    """A world of the package's files. DataError if they are none, or others."""
    folder, name = f"tracks/{world.track}", world.track.rpartition("/")[2]
    for file in (f"{name}.acc", f"{name}.xml", "background.png"):
        if f"{folder}/{file}" not in contents:
            raise DataError(f"{PACKAGE.name} has no {folder}/{file} (another version?); {PACKAGE.otherwise()}")
    materials, found = ac3d.pieces(contents[f"{folder}/{name}.acc"].decode("latin-1"), where=f"{name}.acc", counted=False)
    pieces = [piece for piece in found if piece.texture]
    textures = sorted({piece.texture for piece in pieces})
    surfaces = []
    for texture in textures:
        content = contents.get(f"{folder}/{texture}") or contents.get(f"data/textures/{texture}")
        plain = np.append(materials[0].colour, 1).astype(np.float32)[None, None]
        kind = label(texture)
        pixels = plain if content is None else _pixels(content, texture)
        surfaces.append(Surface(KINDS.index(kind), views.smaller(pixels), lit=kind != TREES))
    numbers = np.concatenate([np.full(len(piece.corners), textures.index(piece.texture)) for piece in pieces])
    corners = np.concatenate([piece.corners for piece in pieces])
    scene = views.scene(corners, np.concatenate([piece.uv for piece in pieces]), numbers, surfaces)
    paved = np.array([surface.kind == KINDS.index(ROAD) for surface in surfaces])[numbers]
    description = contents[f"{folder}/{name}.xml"].decode("latin-1")
    return Place(
        scene, course(description, corners[paved], where=f"{name}.xml"), _sky(world, contents[f"{folder}/background.png"])
    )


def _sky(world: World, content: bytes) -> Sky:
    """The upper part of a background: what lies below is painted land, which has no class."""
    whole = _pixels(content, "background.png")[..., :3]
    height, width = whole.shape[:2]
    return Sky(whole[: max(1, round(world.horizon * height))], world.horizon, width / height)


def _pixels(content: bytes, name: str) -> Floats:
    try:
        return obj.rgba(content)
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise DataError(f"{PACKAGE.name}: {name} is no picture: {error}; {PACKAGE.otherwise()}") from None
