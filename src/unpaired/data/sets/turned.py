"""`cars`, `chairs`, `heads`, `chairs-cars`, `cars-heads`: what DiscoGAN's experiments with azimuths play with.

The paper's own images (cars of Fidler et al. 2012, heads of the Basel face model, chairs of Aubry et al. 2014) are in no package.
Here are 31 cars, 59 chairs and 100 heads whose models packages carry. In `cars`, `chairs` and `heads`, A and B hold different
ones of one kind (car to car); in `chairs-cars` and `cars-heads` A and B are kinds, and every model that is not for testing is
trained on.

All fronts agree: each model was looked at, and none had to be turned against its catalogue. Near copies (two concept sedans with
two bodies each, a racing car with and without its wing) are in one part. Stools, sofas, loungers, lorries and buses are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from unpaired.data.sets import furniture, heads, torcs
from unpaired.data.sets.domains import PARTS, Part
from unpaired.data.sets.turntable import Model, write

Task = Literal["cars", "chairs", "heads", "chairs-cars", "cars-heads"]
Kind = Literal["cars", "chairs", "heads"]

RACING_CARS: Mapping[Part, tuple[str, ...]] = {
    "trainA": ("car1-trb1", "car1-trb3", "car3-trb1", "car4-trb1", "acura-nsx-sz", "car1-ow1", "car1-stock2"),
    "trainB": ("car5-trb1", "car6-trb1", "car7-trb1", "car8-trb1", "155-DTM", "buggy"),
    "testA": ("car2-trb1", "p406"),
    "testB": ("car1-stock1", "baja-bug"),
}
ROAD_CARS: Mapping[Part, tuple[str, ...]] = {
    "trainA": ("kator/concept-sedan-01v1", "kator/concept-sedan-01v2", "cc-by/fordFocus", "scopia/peugeot-308", "scopia/van"),
    "trainB": (
        "kator/concept-sedan-02",
        "kator/concept-sedan-02-sport",
        "scopia/renault-scenic",
        "scopia/chevrolet",
        "cc-by/carrito-de-madera",
    ),
    "testA": ("scopia/smart-car", "kator/VW-new-beetle"),
    "testB": ("scopia/seat_leon", "scopia/suv"),
}
CHAIRS: Mapping[Part, tuple[str, ...]] = {
    "trainA": (
        *(f"cc0/{name}" for name in ("armchair", "plasticChair", "silla2", "antiqueChair", "winchesterArmchair", "designChair")),
        *(f"cc0/{name}" for name in ("sillaBlanca", "deckChair")),
        *(f"cc-by/{name}" for name in ("cafe_set_mota_chair", "chairWithCushion", "ella_chair_f", "wheelchair", "fotel")),
        *(f"cc-by/{name}" for name in ("foldingChair", "armChair2")),
        *(f"kator/{name}" for name in ("cafe-chair", "dining-chair")),
        *(f"scopia/{name}" for name in ("armchair3", "chair4", "tubular_chair", "office_chair", "plastic_chair")),
        *(f"scopia/{name}" for name in ("rattanArmchair", "ext_chair")),
    ),
    "trainB": (
        *(f"cc0/{name}" for name in ("stool", "armchair2", "chairWithCushion", "chair2", "thonet")),
        *(f"cc-by/{name}" for name in ("cafe_set_tonon_chair", "childChair", "armchair1", "classSeat", "plaidChair")),
        *(f"cc-by/{name}" for name in ("kitchenChair", "chair4")),
        *(f"kator/{name}" for name in ("mid-century-chair", "bar-stool")),
        *(f"scopia/{name}" for name in ("armchair", "armchair1", "chair3", "chair", "kitchen_stool", "modern_armchair")),
        *(f"scopia/{name}" for name in ("white_kitchen_chair", "baby_high_chair", "ryokanChair")),
    ),
    "testA": (
        "cc0/oakChair",
        "cc0/modernArmchair",
        "cc-by/chair3",
        "scopia/armchair2",
        "kator/office-chair",
        "scopia/children_chair",
    ),
    "testB": (
        "cc0/chair",
        "cc0/osakaChair",
        "cc-by/leaf_chair",
        "scopia/silla_teca",
        "scopia/bar_chair",
        "scopia/kids_desk_chair",
    ),
}
HEADS: Mapping[Part, range] = {"trainA": range(40), "trainB": range(40, 80), "testA": range(80, 90), "testB": range(90, 100)}
VARIANTS: Mapping[Kind, int] = {"cars": 3, "chairs": 2, "heads": 1}
"""How many times a training model is drawn, from the second time on in other proportions and hues: the fewer models, the more."""


class Collection(NamedTuple):
    """The models of a kind by part, and what is to be said of them."""

    parts: Mapping[Part, tuple[Model, ...]]
    licence: str
    credit: str
    packages: tuple[str, ...]
    creators: Mapping[str, str]


def make(folder: Path, *, task: Task, size: int = 64) -> None:
    """Write a set into `folder`, as `turntable.write` does.

    DataError where a package that it needs can be had nowhere, or is another; ConfigError if `folder` is not empty.
    """
    a, _, b = task.partition("-")
    kinds: tuple[Kind, ...] = (a, b) if b else (a,)  # type: ignore[assignment]
    found = {kind: collection(kind) for kind in kinds}
    names: tuple[str, str]
    if b:
        parts = {
            part: tuple(model for each in PARTS if each[:-1] == part[:-1] for model in found[kind].parts[each])
            for part, kind in zip(PARTS, (*kinds, *kinds), strict=True)
        }
        names = a, b
    else:
        parts, names = dict(found[kinds[0]].parts), (f"some {a}", f"other {a}")
    card = {
        "name": task,
        "a": names[0],
        "b": names[1],
        "split": "by model: each is in one part only",
        "licence": "; ".join(dict.fromkeys(each.licence for each in found.values())),
        "credit": "; ".join(dict.fromkeys(each.credit for each in found.values())),
        "packages": list(dict.fromkeys(name for each in found.values() for name in each.packages)),
        "creators": {name: creator for each in found.values() for name, creator in each.creators.items()},
    }
    variants = {part: VARIANTS[kind] for part, kind in zip(PARTS[:2], (kinds[0], kinds[-1]), strict=True)}
    write(folder, parts, size=size, card=card, variants=variants)


def collection(kind: Kind) -> Collection:
    """All models of a kind. DataError where a package that it needs can be had nowhere, or is another."""
    if kind == "heads":
        sculptor = heads.Sculptor()
        parts = {part: sculptor.models(numbers) for part, numbers in HEADS.items()}
        return Collection(parts, heads.LICENCE, heads.CREDIT, (f"{heads.PACKAGE.name} {heads.PACKAGE.version}",), {})
    warehouse = furniture.Warehouse()
    names = CHAIRS if kind == "chairs" else ROAD_CARS
    creators = warehouse.creators([name for part in PARTS for name in names[part]])
    pieces = {part: warehouse.models(names[part]) for part in PARTS}
    if kind == "chairs":
        return Collection(pieces, furniture.LICENCE, furniture.CREDIT, (furniture.PACKAGE.name,), creators)
    paddock = torcs.Paddock()
    return Collection(
        {part: (*paddock.models(RACING_CARS[part]), *pieces[part]) for part in PARTS},
        f"{torcs.LICENCE}, {furniture.LICENCE}",
        f"{torcs.CREDIT}; {furniture.CREDIT}",
        (torcs.PACKAGE.name, furniture.PACKAGE.name),
        creators,
    )
