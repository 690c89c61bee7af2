"""Sets of turned models: files, table and card of a tiny one; variants of a model."""

import json
import math
from pathlib import Path

import models
import numpy as np
import pytest
from PIL import Image

from unpaired.data.batches import open_domains
from unpaired.data.sets import turntable
from unpaired.data.sets.turntable import Model, View
from unpaired.data.solids import mesh, raster
from unpaired.data.solids.mesh import Material
from unpaired.errors import ConfigError, DataError
from unpaired.options import DataOptions

CARD = {"name": "blocks", "a": "some", "b": "others", "credit": "mine"}


def block(name: str, *, long: float, elevation: float = 20) -> Model:
    """A block with a red front."""
    shape = mesh.moved(models.cube(front=(1, 0, 0), top=(0.2, 0.9, 0.3)), np.diag([1, 0.5, long]))
    return Model(name, lambda: shape, elevation)


PARTS = {
    "trainA": (block("a", long=2), block("b-1", long=1.5, elevation=10)),
    "trainB": (block("c", long=3),),
    "testA": (block("d", long=1),),
    "testB": (block("e", long=2.5),),
}


def test_a_set_on_disk(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    turntable.write(folder, PARTS, size=16, card=CARD, variants={"trainA": 2})
    views = turntable.read_views(folder)
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*.png")}
    assert files == {f"{view.part}/{view.file}" for view in views}
    card = json.loads((folder / "set.json").read_text())
    assert card["counts"] == {"trainA": 2 * 2 * 37, "trainB": 37, "testA": 13, "testB": 13}
    assert card["models"] == {"trainA": ["a", "b-1"], "trainB": ["c"], "testA": ["d"], "testB": ["e"]}
    assert (card["name"], card["size"], card["credit"]) == ("blocks", 16, "mine")
    assert views[0] == View("trainA", "a_-090.png", "a", -90, 0)
    assert View("trainA", "b-1-2_+005.png", "b-1", 5, 1) in views
    assert [view.azimuth for view in views if view.part == "testB"] == list(range(-90, 91, 15))
    for view in (views[3], views[90], views[-1]):
        model = next(model for model in PARTS[view.part] if model.name == view.model)
        shape = turntable.variant(model.load(), model.name, view.variant)
        ready = raster.subject(mesh.framed(shape, elevation=model.elevation))
        wanted = raster.draw(ready, azimuth=view.azimuth, elevation=model.elevation, size=16)
        with Image.open(folder / view.part / view.file) as picture:
            assert (np.array(picture) == wanted).all()


def test_a_narrower_set_has_the_views_of_the_front(tmp_path: Path) -> None:
    whole, folder = tmp_path / "set", tmp_path / "narrower"
    turntable.write(whole, PARTS, size=16, card=CARD)
    turntable.write_narrower(folder, whole, reach=60)
    views = turntable.read_views(folder)
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*.png")} == {
        f"{each.part}/{each.file}" for each in views
    }
    assert [view.azimuth for view in views if view.part == "testB"] == list(range(-60, 61, 15))
    assert all((folder / each.part / each.file).read_bytes() == (whole / each.part / each.file).read_bytes() for each in views)
    cards = [json.loads((place / "set.json").read_text()) for place in (whole, folder)]
    assert cards[1] == {**cards[0], "counts": {"trainA": 2 * 25, "trainB": 25, "testA": 9, "testB": 9}}
    with pytest.raises(ConfigError, match="not empty"):
        turntable.write_narrower(folder, whole, reach=60)


def test_the_front_is_where_the_name_says(tmp_path: Path) -> None:
    """At 45 degrees the red front lies right of the middle, at -45 left of it, at 90 it is not seen."""
    turntable.write(tmp_path / "set", PARTS, size=32, card=CARD)
    for azimuth, side in ((45, 1), (-45, -1), (0, 0), (90, None)):
        with Image.open(tmp_path / "set" / "testA" / f"d_{azimuth:+04d}.png") as picture:
            pixels = np.array(picture).astype(int)
        red = (pixels[..., 0] > 2 * pixels[..., 2]) & (pixels[..., 0] > 2 * pixels[..., 1])
        if side is None:
            assert not red[:, 3:-3].any()
        else:
            assert round(float(np.mean(red.nonzero()[1]) - 15.5) / 8) == side


def test_a_set_is_two_domains_to_train_on(tmp_path: Path) -> None:
    turntable.write(tmp_path / "set", PARTS, size=16, card=CARD)
    data = open_domains((str(tmp_path / "set"),), DataOptions(size=16, flip=False))
    assert data.domains == ("some", "others")
    assert [len(x) for x in (data.train_a, data.train_b, data.test_a, data.test_b)] == [74, 37, 13, 13]
    azimuths = {(view.part, view.file): view.azimuth for view in turntable.read_views(tmp_path / "set")}
    assert sorted(azimuths["testA", name] for name in data.names["test_a"]) == list(range(-90, 91, 15))


def test_variants_have_other_proportions_and_hues() -> None:
    model = models.cube(front=(0.8, 0.2, 0.2))
    paper = Material(np.ones(3, np.float32), np.full((2, 2, 3), 0.4, np.float32))
    textured = model._replace(materials=(*model.materials[:-1], paper))
    assert turntable.variant(textured, "x", 0) is textured
    first, again, second, other = (
        turntable.variant(textured, name, number) for name, number in (("x", 1), ("x", 1), ("x", 2), ("y", 1))
    )
    assert (first.corners == again.corners).all()
    sizes = [tuple(np.round(shape.corners.max(axis=(0, 1)), 4)) for shape in (first, second, other)]
    assert len(set(sizes)) == 3
    assert all(1 / 1.12 <= length <= 1.12 for size in sizes for length in size)
    reds = [tuple(np.round(shape.materials[0].colour, 3)) for shape in (first, second, other)]
    assert len(set(reds)) == 3
    for shape in (first, second, other):
        assert shape.materials[0].colour.sum() == pytest.approx(1.2, abs=1e-5)  # a hue turned about the greys; none cut off here
        assert np.allclose(shape.materials[1].colour, 0.5, atol=1e-6)
        assert shape.materials[-1].texture is not None
        assert np.allclose(shape.materials[-1].texture, 0.4, atol=1e-6)


def test_thirds_of_the_circle_are_green_and_blue() -> None:
    found = [np.round([1, 0, 0] @ turntable._hue(share), 5).tolist() for share in (1 / 3, 2 / 3, 1)]
    assert sorted(found) == [[0, 0, 1], [0, 1, 0], [1, 0, 0]]
    assert found[2] == [1, 0, 0]
    assert np.allclose(turntable._hue(0.3) @ turntable._hue(0.7), np.eye(3), atol=1e-6)
    assert math.isclose(float(np.linalg.det(turntable._hue(0.2))), 1, abs_tol=1e-5)


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="models in two parts: a; wanted each in one"):
        turntable.write(tmp_path / "set", {**PARTS, "testB": (block("a", long=1),)}, size=16, card=CARD)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    with pytest.raises(ConfigError, match="is not empty"):
        turntable.write(tmp_path / "taken", PARTS, size=16, card=CARD)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
