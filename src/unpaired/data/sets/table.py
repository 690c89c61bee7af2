"""Every named set, by name. Nothing heavy here: `unpaired data list` reads it."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from unpaired.errors import DataError, meant

Holds = Literal["domains", "pairs", "attributes", "classes", "maps", "points"]
"""What is in a named set: two domains, pairs of two domains, images with attributes, images in classes, folders of images with
label maps, points.
"""


class NamedSet(NamedTuple):
    """about: a line for a person; licence: of what it shows; make: (folder, size) -> writes the set there; holds: what is in it.

    sized: whether it is drawn at the size asked for; where it has a size of its own, one copy serves all.
    """

    about: str
    licence: str
    make: Callable[[Path, int], None]
    holds: Holds = "domains"
    sized: bool = True


FACES_HELD_OUT = 264
"""64 to choose the best checkpoint by, 200 to test on."""


def _faces(task: Literal["hair", "glasses"]) -> Callable[[Path, int], None]:
    def make(folder: Path, size: int) -> None:
        from unpaired.data.sets import faces

        faces.make(folder, task=task, size=size, test=FACES_HELD_OUT)

    return make


def _faces_attributes(folder: Path, size: int) -> None:
    from unpaired.data.sets import faces_labelled

    faces_labelled.make_attributes(folder, size=size, test=FACES_HELD_OUT)


def _faces_two_styles(folder: Path, size: int) -> None:
    from unpaired.data.sets import faces_labelled

    faces_labelled.make_two_styles(folder, size=size, test=FACES_HELD_OUT)


EMOJI_HELD_OUT = 264
"""64 to choose the best checkpoint by, 200 to test on."""


def _emoji(task: Literal["edges", "edges-pairs", "emoji"]) -> Callable[[Path, int], None]:
    def make(folder: Path, size: int) -> None:
        from unpaired.data.sets import emoji

        emoji.make(folder, task=task, size=size, test=EMOJI_HELD_OUT)

    return make


EARTH_LICENCE = "MIT (pictures), LGPL-3.0-or-later (mask)"


def _earth(*, pairs: bool) -> Callable[[Path, int], None]:
    def make(folder: Path, size: int) -> None:
        from unpaired.data.sets import earth

        earth.make(folder, size=size, pairs=pairs)

    return make


def _toy(folder: Path, size: int) -> None:
    from unpaired.data.sets import toy

    toy.make(folder)


CARS_LICENCE = "Free Art License, GPL-2+, CC0, CC BY 3.0"
CHAIRS_LICENCE = "CC0, CC BY 3.0"
HEADS_LICENCE = "CC0"


def _turned(task: Literal["cars", "chairs", "heads", "chairs-cars", "cars-heads"]) -> Callable[[Path, int], None]:
    def make(folder: Path, size: int) -> None:
        from unpaired.data.sets import turned

        turned.make(folder, task=task, size=size)

    return make


TRACKS_LICENCE = "Free Art License, GPL-2"


def _tracks(folder: Path, size: int) -> None:
    from unpaired.data.sets import tracks

    tracks.make(folder, size=size)


MNIST_LICENCE = "CC BY-SA 3.0"
DIGITS_LICENCE = "CC BY 4.0"
FASHION_LICENCE = "MIT"
ANIMALS_LICENCE = "MIT"
PRINTED_LICENCE = "none needed (pictures)"


def _mnist(folder: Path, size: int) -> None:
    from unpaired.data.sets import digits

    digits.make_mnist(folder)


def _digits(folder: Path, size: int) -> None:
    from unpaired.data.sets import digits

    digits.make_digits(folder)


def _fashion(folder: Path, size: int) -> None:
    from unpaired.data.sets import clothes

    clothes.make(folder)


def _bags_shoes(folder: Path, size: int) -> None:
    from unpaired.data.sets import clothes

    clothes.make_bags_shoes(folder)


def _animals(folder: Path, size: int) -> None:
    from unpaired.data.sets import animals

    animals.make(folder)


def _horses_zebras(folder: Path, size: int) -> None:
    from unpaired.data.sets import animals

    animals.make_horses_zebras(folder)


def _printed(folder: Path, size: int) -> None:
    from unpaired.data.sets import printed

    printed.make(folder)


SETS: dict[str, NamedSet] = {
    "faces:hair": NamedSet("drawn faces, dark hair <-> blond, with exact counterfactuals", "CC BY 4.0", _faces("hair")),
    "faces:glasses": NamedSet(
        "drawn faces, without <-> with glasses, with exact counterfactuals", "CC BY 4.0", _faces("glasses")
    ),
    "faces:attributes": NamedSet(
        "drawn faces, labelled: hair colour, glasses, expression; with exact counterfactuals",
        "CC BY 4.0",
        _faces_attributes,
        "attributes",
    ),
    "faces:two-styles": NamedSet(
        "drawn faces in two styles, labelled for hair colour and glasses or for expression; with exact counterfactuals",
        "CC BY 4.0",
        _faces_two_styles,
        "attributes",
    ),
    "edges": NamedSet("emoji, line drawing <-> colour, of different emoji; partners hidden", "CC BY-SA 4.0", _emoji("edges")),
    "edges-pairs": NamedSet("emoji, line drawing <-> colour, in pairs", "CC BY-SA 4.0", _emoji("edges-pairs"), "pairs"),
    "emoji": NamedSet(
        "emoji, OpenMoji <-> Twemoji, of different emoji; partners hidden", "CC BY-SA 4.0, CC BY 4.0", _emoji("emoji")
    ),
    "earth": NamedSet(
        "satellite image <-> relief map, of different places; with labels and exact counterparts",
        EARTH_LICENCE,
        _earth(pairs=False),
    ),
    "earth-pairs": NamedSet("satellite image <-> relief map, in pairs; with labels", EARTH_LICENCE, _earth(pairs=True), "pairs"),
    "cars": NamedSet("cars at known azimuths, 12 models <-> 11 others, 8 to test", CARS_LICENCE, _turned("cars")),
    "chairs": NamedSet("chairs at known azimuths, 24 models <-> 23 others, 12 to test", CHAIRS_LICENCE, _turned("chairs")),
    "heads": NamedSet("heads at known azimuths, 40 people <-> 40 others, 20 to test", HEADS_LICENCE, _turned("heads")),
    "chairs-cars": NamedSet(
        "chairs <-> cars at known azimuths, 47 and 23 models, 12 and 8 to test", CARS_LICENCE, _turned("chairs-cars")
    ),
    "cars-heads": NamedSet(
        "cars <-> heads at known azimuths, 23 and 80 models, 8 and 20 to test", CARS_LICENCE, _turned("cars-heads")
    ),
    "tracks": NamedSet(
        "driver's views of five race tracks, in folders of their own, with label maps: for `unpaired adapt --maps`",
        TRACKS_LICENCE,
        _tracks,
        "maps",
    ),
    "mnist": NamedSet("handwritten digits in ten classes, 28 px, grey", MNIST_LICENCE, _mnist, "classes", sized=False),
    "digits": NamedSet("handwritten digits in ten classes, 8 px, grey", DIGITS_LICENCE, _digits, "classes", sized=False),
    "printed": NamedSet("digits set in 21 fonts, in ten classes, 28 px, grey", PRINTED_LICENCE, _printed, "classes", sized=False),
    "fashion": NamedSet("clothes, shoes and bags in ten classes, 28 px, grey", FASHION_LICENCE, _fashion, "classes", sized=False),
    "bags-shoes": NamedSet("photographs of bags <-> shoes, 28 px, grey", FASHION_LICENCE, _bags_shoes, sized=False),
    "animals": NamedSet("silhouettes of animals in ten classes, 28 px, grey", ANIMALS_LICENCE, _animals, "classes", sized=False),
    "horses-zebras": NamedSet(
        "silhouettes of horses <-> zebras with their stripes, 28 px, grey", ANIMALS_LICENCE, _horses_zebras, sized=False
    ),
    "toy": NamedSet("mixtures of Gaussians in the plane, for `unpaired reproduce toy`", "none needed", _toy, "points"),
}


def make(name: str, folder: Path, *, size: int) -> str:
    """Write a named set into the new folder `folder`; its licence and credit. DataError if there is no such set."""
    if name not in SETS:
        near = meant(Path(name).name, SETS)
        raise DataError(f"'{name}' is neither a folder or zip nor a named set{near}; wanted a path, or one of: {', '.join(SETS)}")
    SETS[name].make(folder, size)
    card = folder / "set.json"
    return json.loads(card.read_text(encoding="utf-8"))["credit"] if card.exists() else ""


def folder_of(name: str, *, size: int, cache: Path) -> Path:
    """The folder of a named set at `size` px below `cache`, made when it is asked for the first time. DataError if unknown."""
    own = name in SETS and not SETS[name].sized
    folder = cache / "sets" / (name.replace(":", "-") + ("" if own else f"-{size}"))
    if not folder.exists():
        # Made beside and renamed, so that a second run never reads a half-made set.
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as making:
            make(name, Path(making) / "set", size=size)
            try:
                (Path(making) / "set").rename(folder)
            except OSError:
                if not folder.exists():  # else another run was faster
                    raise
    return folder
