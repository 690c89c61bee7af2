"""Printed digits: every font's digits are digits, how they are laid, varied and shared out."""

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from idx_files import read
from PIL import Image, ImageFont

from unpaired.data.sets import printed, table
from unpaired.errors import ConfigError, MissingDependency

PLAIN = printed.Looks(turn=0, width=1, size=1, thicken=0)
FONTS = printed.TRAIN_FONTS + printed.TEST_FONTS


def ink(image: np.ndarray) -> tuple[int, int]:
    """Height and width of what is at least grey."""
    rows, columns = np.flatnonzero((image > 64).any(1)), np.flatnonzero((image > 64).any(0))
    return rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1


def centre(image: np.ndarray) -> tuple[float, float]:
    places = np.arange(28) + 0.5
    return (image.sum(1) @ places) / image.sum(), (image.sum(0) @ places) / image.sum()


def axis(image: np.ndarray) -> float:
    """The angle of its longest extent against the vertical, in degrees, clockwise on the screen."""
    y, x = np.mgrid[:28, :28] - 13.5
    weight = image / image.sum()
    covariance = (weight * x * y).sum()
    return math.degrees(0.5 * math.atan2(-2 * covariance, (weight * y * y).sum() - (weight * x * x).sum()))


@pytest.mark.parametrize("font", FONTS)
def test_digits_of_every_font(font: str) -> None:
    """No box for what is missing: ten different pictures, and holes where digits have holes: 0, 4 (some), 6, 8, 9."""
    pictures = [printed.picture(printed.glyph(font, digit), PLAIN) for digit in "0123456789"]
    for one in range(10):
        assert max(ink(pictures[one])) in (19, 20, 21)
        assert centre(pictures[one]) == pytest.approx((14, 14), abs=0.15)
        for other in range(one):
            assert np.abs(pictures[one].astype(int) - pictures[other]).mean() > 8
    face = ImageFont.truetype(str(printed._fonts() / f"{font}.ttf"), 100)
    assert bytes(face.getmask("0")) != bytes(face.getmask("\u4e00"))  # nor is it what the font draws for no letter


def bar() -> Image.Image:
    """A bar of 16 x 4 finished pixels."""
    return Image.new("L", (4 * printed.FINE, 16 * printed.FINE), 255)


def test_a_bar_keeps_its_size_and_stands_in_the_middle() -> None:
    wanted = np.zeros((28, 28), np.uint8)
    wanted[6:22, 12:16] = 255
    assert np.array_equal(printed.picture(bar(), PLAIN), wanted)


@pytest.mark.parametrize(("width", "size", "height", "across"), [(1.5, 1, 16, 6), (1, 0.5, 8, 2), (1.5, 0.5, 8, 3)])
def test_sizes(width: float, size: float, height: float, across: float) -> None:
    drawn = printed.picture(bar(), PLAIN._replace(width=width, size=size)) / 255
    assert drawn.sum() == pytest.approx(height * across, rel=0.05)
    assert drawn.sum(0).max() == pytest.approx(height, rel=0.05)
    assert drawn.sum(1).max() == pytest.approx(across, rel=0.05)


@pytest.mark.parametrize("turn", [-30.0, -5.0, 12.0])
def test_turns_are_degrees(turn: float) -> None:
    drawn = printed.picture(bar(), PLAIN._replace(turn=turn))
    assert abs(axis(drawn)) == pytest.approx(abs(turn), abs=0.7)
    assert centre(drawn) == pytest.approx((14, 14), abs=0.1)
    assert axis(drawn) * axis(printed.picture(bar(), PLAIN._replace(turn=-turn))) < 0


@pytest.mark.parametrize("thicken", [0.25, 0.4, 0.5, 1.0])
def test_thickness_is_in_finished_pixels(thicken: float) -> None:
    """Added on each side, but for the corners."""
    drawn = printed.picture(bar(), PLAIN._replace(thicken=thicken)) / 255
    assert drawn[14].sum() == pytest.approx(4 + 2 * thicken, abs=0.03)
    assert drawn[:, 14].sum() == pytest.approx(16 + 2 * thicken, abs=0.03)


def test_the_set_on_disk(tmp_path: Path) -> None:
    printed.make(tmp_path / "set", train=320, test=100)
    for part, fonts, count in (("train", printed.TRAIN_FONTS, 320), ("t10k", printed.TEST_FONTS, 100)):
        images, labels = read(tmp_path / "set", part)
        assert images.shape == (count, 28, 28)
        assert np.bincount(labels).tolist() == [count // 10] * 10
        assert len(np.unique(images.reshape(count, -1), axis=0)) == count
        assert 20 < images.mean() < 60  # white on black, as much ink as MNIST's 33
        plain = np.stack([[printed.picture(printed.glyph(font, digit), PLAIN) for digit in "0123456789"] for font in fonts])
        nearest = [np.abs(plain.astype(int) - image).sum((2, 3)).min(0).argmin() for image in images]
        assert np.mean(nearest == labels) > 0.8  # the label is what is drawn
    card = json.loads((tmp_path / "set" / "set.json").read_text())
    assert not set(card["fonts"]["train"]) & set(card["fonts"]["test"])
    assert card["licence"] == table.SETS["printed"].licence


def test_families_are_not_parted() -> None:
    def families(fonts: tuple[str, ...]) -> set[str]:
        """Names without weight and slope."""
        known = ("DejaVuSansMono", "DejaVuSans", "DejaVuSerif", "STIXGeneral", "cmss", "cmtt")
        return {next((name for name in known if font.startswith(name)), "Computer Modern") for font in fonts}

    assert not families(printed.TRAIN_FONTS) & families(printed.TEST_FONTS)
    assert len(set(FONTS)) == 21


def test_a_seed_says_all(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        printed.make(tmp_path / name, train=160, test=50, seed=seed)
    for file in os.listdir(tmp_path / "a"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert (tmp_path / "a" / "t10k-images-idx3-ubyte").read_bytes() != (tmp_path / "c" / "t10k-images-idx3-ubyte").read_bytes()


def test_what_cannot_be_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="200 digits do not share out among 16 fonts; wanted a multiple of 160"):
        printed.make(tmp_path / "set", train=200)

    def missing(name: str) -> Path:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(printed.resources, "files", missing)
    with pytest.raises(MissingDependency, match="'matplotlib'"):
        printed.make(tmp_path / "set")
    assert not (tmp_path / "set").exists()
