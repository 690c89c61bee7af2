"""Labelled faces: counterfactuals that change nothing else, balanced labels, no test face in train, and the files on disk."""

import csv
import hashlib
import itertools
import json
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unpaired.data.sets import avatars, faces_labelled, table
from unpaired.data.sets.faces_labelled import COMBINATIONS, LOOKS, VALUES
from unpaired.errors import ConfigError

pytest.importorskip("dicebear")
pytest.importorskip("dicebear_styles")
pytest.importorskip("resvg_py")

# Where glasses and mouths are at 64 px, read off pictures: rows and columns.
REGIONS = {
    ("adventurer", "glasses"): (slice(27, 43), slice(11, 44)),
    ("adventurer", "expression"): (slice(38, 52), slice(19, 37)),
    ("micah", "glasses"): (slice(20, 37), slice(13, 50)),
    ("micah", "expression"): (slice(36, 50), slice(17, 38)),
}
COLOURS = {"dark": "562306", "blond": "e5d7a3", "red": "ab2a18", "grey": "afafaf", "turquoise": "85c2c6"}
CHANGED = {"hair": {"hairColor"}, "glasses": set(), "expression": {"mouthVariant"}}
COMES_AND_GOES = {"hair": (), "glasses": ("glasses",), "expression": ("teeth", "throat", "tongue")}
"""Options are listed where they are seen: those of glasses, and the colours of a mouth that is open."""

IDENTITIES = tuple(f"x{index}" for index in range(6))


def picture(look: str, identity: str, values: tuple[str, ...]) -> np.ndarray:
    return avatars.raster(faces_labelled.avatar(look, identity, values), size=64)


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.mode == "RGB"
        return np.array(image)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def attributes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attributes") / "set"
    faces_labelled.make_attributes(folder, train=6, test=4)
    return folder


@pytest.fixture(scope="module")
def two_styles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two") / "set"
    faces_labelled.make_two_styles(folder, train=4, test=3)
    return folder


# -- counterfactuals --


@pytest.mark.parametrize("look", LOOKS)
def test_changing_an_attribute_changes_one_option_of_the_drawing(look: str) -> None:
    base = ("dark", "off", "happy")
    for identity in IDENTITIES:
        before = faces_labelled.avatar(look, identity, base).to_json()["options"]
        for place, (attribute, named) in enumerate(VALUES.items()):
            for value in named[1:]:
                values = (*base[:place], value, *base[place + 1 :])
                after = faces_labelled.avatar(look, identity, values).to_json()["options"]
                changed = {name for name in before.keys() & after.keys() if before[name] != after[name]}
                assert changed == CHANGED[attribute]
                assert all(name.startswith(COMES_AND_GOES[attribute]) for name in before.keys() ^ after.keys())


@pytest.mark.parametrize(("look", "attribute"), REGIONS)
def test_glasses_and_mouths_change_their_region_and_can_be_seen(look: str, attribute: str) -> None:
    outside = np.ones((64, 64), bool)
    outside[REGIONS[look, attribute]] = False
    place = list(VALUES).index(attribute)
    base = ["red", "off", "sad"]
    for identity in IDENTITIES:
        shown = []
        for value in VALUES[attribute]:
            base[place] = value
            shown.append(picture(look, identity, tuple(base)).astype(int))
        for one, other in itertools.combinations(shown, 2):
            difference = abs(one - other).max(axis=2)
            assert difference[outside].max() == 0
            assert (difference > 32).sum() >= 30


@pytest.mark.parametrize("look", LOOKS)
def test_a_colour_of_hair_is_the_only_thing_that_changes_with_it(look: str) -> None:
    """So each pixel shows hair to some share, the same for all colours: pixel = rest + share * colour."""
    colours = {hair: np.array(list(bytes.fromhex(colour))) for hair, colour in COLOURS.items()}
    for identity in IDENTITIES:
        shown = {hair: picture(look, identity, (hair, "on", "happy")).astype(int) for hair in VALUES["hair"]}
        dark, span = shown["dark"], colours["blond"] - colours["dark"]
        share = ((shown["blond"] - dark) / span).mean(axis=2, keepdims=True)
        assert share.min() >= 0
        assert share.max() == 1
        assert 0.01 < share.mean() < 0.7
        assert (share == 0).mean() > 0.25
        for hair, pixels in shown.items():
            assert abs(pixels - (dark + share * (colours[hair] - colours["dark"]))).max() < 3  # of rounding in layers


def test_styles_differ_and_heads_are_framed_alike() -> None:
    """The mouths of both are in one place, within some pixels."""
    middles = [
        np.array([(place.start + place.stop) / 2 for place in REGIONS[look, "expression"]]) for look in ("adventurer", "micah")
    ]
    assert abs(middles[0] - middles[1]).max() <= 4
    assert not np.array_equal(picture("adventurer", "x", ("red", "off", "sad")), picture("micah", "x", ("red", "off", "sad")))


# -- who is in the set --


def test_labels_are_balanced_and_independent_and_targets_are_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces_labelled, "_plain", lambda look, identity: identity.encode())
    members = faces_labelled.members("micah", train=240, test=44, seed=0)
    drawn = members["train"]
    assert set(Counter(face.values for face in drawn).values()) == {240 // 30}  # every combination as often as any other
    for place, named in enumerate(VALUES.values()):
        pairs = Counter((face.values[place], face.targets[place]) for face in drawn)
        assert set(pairs) == set(itertools.permutations(named, 2))
        assert len(set(pairs.values())) == 1
        for split in members.values():
            counts = Counter(face.values[place] for face in split)
            assert max(counts.values()) - min(counts.values()) <= 1
    assert [face.values for face in drawn[:30]] != [face.values for face in drawn[30:60]]  # no pattern over the index


def test_a_test_face_that_looks_like_one_in_train_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = {"train": [0, 1, 2], "test": [2, 3, 3, 1, 4, 5]}

    def plain(look: str, identity: str) -> bytes:
        split, index = identity.split("/")[-2:]
        return bytes([looks[split][int(index)]])

    monkeypatch.setattr(faces_labelled, "_plain", plain)
    members = faces_labelled.members("micah", train=3, test=3, seed=0)
    assert [face.identity for face in members["test"]] == [f"unpaired/0/micah/test/{index}" for index in (1, 4, 5)]
    assert [face.identity for face in members["train"]] == [f"unpaired/0/micah/train/{index}" for index in range(3)]


def test_twins_are_told_by_what_can_be_seen() -> None:
    assert faces_labelled._plain("micah", "a") == picture("micah", "a", ("dark", "off", "happy")).tobytes()
    assert faces_labelled._plain("micah", "a") != faces_labelled._plain("micah", "b")


# -- on disk --


def test_the_tables_say_what_the_files_show(attributes: Path) -> None:
    listed = rows(attributes / "attributes.csv")
    assert list(listed[0]) == ["file", "split", *VALUES]
    assert [row["file"] for row in listed] == [f"train/0000{i}.png" for i in range(6)] + [f"test/0000{i}.png" for i in range(4)]
    assert all(row["file"].startswith(row["split"]) for row in listed)
    members = faces_labelled.members("adventurer", train=6, test=4, seed=0)
    for row, face in zip(listed, members["train"] + members["test"], strict=True):
        values = tuple(row[attribute] for attribute in VALUES)
        assert np.array_equal(read(attributes / row["file"]), picture("adventurer", face.identity, values))
    assert tomllib.loads((attributes / "attributes.toml").read_text(encoding="utf-8")) == {
        attribute: {"column": attribute, "values": list(named)} for attribute, named in VALUES.items()
    }
    assert not (attributes / "hidden.csv").exists()


def test_truths_are_the_face_with_another_value(attributes: Path) -> None:
    combined = {row["file"]: row for row in rows(attributes / "combined.csv")}
    tests = [row for row in rows(attributes / "attributes.csv") if row["split"] == "test"]
    assert list(combined) == [row["file"] for row in tests]
    members = faces_labelled.members("adventurer", train=6, test=4, seed=0)["test"]
    for row, face in zip(tests, members, strict=True):
        name, own = Path(row["file"]).name, {attribute: row[attribute] for attribute in VALUES}
        truths = {f"{attribute}={value}": {**own, attribute: value} for attribute, named in VALUES.items() for value in named}
        for names in COMBINATIONS:
            targets = {attribute: combined[row["file"]][attribute] for attribute in names}
            truths[f"combined/{'+'.join(names)}"] = own | targets
            assert all(own[attribute] != target for attribute, target in targets.items())
        for folder, values in truths.items():
            shown = read(attributes / "truth" / folder / name)
            assert np.array_equal(shown, picture("adventurer", face.identity, tuple(values.values())))
            assert np.array_equal(shown, read(attributes / row["file"])) == (values == own)
    folders = {path.parent.relative_to(attributes / "truth").as_posix() for path in (attributes / "truth").rglob("*.png")}
    assert folders == set(truths)
    assert "combined/hair+glasses+expression" in folders


def test_two_styles_hide_what_is_not_labelled(two_styles: Path) -> None:
    for look, labelled in {"adventurer": ["hair", "glasses"], "micah": ["expression"]}.items():
        folder = two_styles / "sets" / look
        told, hidden = rows(folder / "attributes.csv"), rows(folder / "hidden.csv")
        assert list(told[0]) == ["file", "split", *labelled]
        assert list(hidden[0]) == ["file", "split", *VALUES]
        assert [{name: row[name] for name in told[0]} for row in hidden] == told
        assert list(tomllib.loads((folder / "attributes.toml").read_text(encoding="utf-8"))) == labelled
        assert len({tuple(row[attribute] for attribute in VALUES) for row in hidden if row["split"] == "train"}) == 4
        test = [row for row in hidden if row["split"] == "test"]
        for row, (attribute, named) in itertools.product(test, VALUES.items()):
            for value in named:  # also of hidden attributes
                shown = read(folder / "truth" / f"{attribute}={value}" / Path(row["file"]).name)
                assert np.array_equal(shown, read(folder / row["file"])) == (row[attribute] == value)


def test_cards_print_licence_and_credit(attributes: Path, two_styles: Path) -> None:
    one, two = (json.loads((folder / "set.json").read_text(encoding="utf-8")) for folder in (attributes, two_styles))
    assert one["name"] == "faces-attributes"
    assert one["counts"] == {"train": 6, "test": 4}
    assert one["hidden"] == []
    parts = [json.loads((two_styles / "sets" / look / "set.json").read_text(encoding="utf-8")) for look in LOOKS]
    assert [part["hidden"] for part in parts] == [["expression"], ["hair", "glasses"]]
    for card in (one, two, *parts):
        assert card["licence"] == "CC BY 4.0"
    assert "Lisa Wischofsky" in one["credit"]
    assert "Lisa Wischofsky" in two["credit"]
    assert "Micah Lanier" in two["credit"]
    assert "Micah Lanier" in parts[1]["credit"]
    assert parts[1]["licence_url"] == "https://creativecommons.org/licenses/by/4.0/"


def test_the_same_arguments_make_the_same_bytes(tmp_path: Path) -> None:
    def content(seed: int, name: str) -> dict[str, str]:
        folder = tmp_path / name
        faces_labelled.make_attributes(folder, size=32, train=2, test=1, seed=seed)
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    assert content(0, "one") == content(0, "again")
    assert content(0, "more")["train/00000.png"] != content(1, "other")["train/00000.png"]


def test_a_folder_with_something_in_it_is_refused(attributes: Path) -> None:
    with pytest.raises(ConfigError, match="not empty"):
        faces_labelled.make_two_styles(attributes, train=1, test=1)


def test_the_named_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int, int]] = []
    for name in ("make_attributes", "make_two_styles"):
        make = lambda folder, *, size, test, name=name: asked.append((name, size, test)) or folder.mkdir()  # noqa: E731
        monkeypatch.setattr(faces_labelled, name, make)
    for name in ("faces:attributes", "faces:two-styles"):
        assert table.SETS[name].licence == "CC BY 4.0"
        table.make(name, tmp_path / name.split(":")[1], size=32)
    assert asked == [("make_attributes", 32, 264), ("make_two_styles", 32, 264)]
