"""IDX: bytes by hand, the set on disk, and what is refused."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from idx_files import read

from unpaired.data.sets import idx
from unpaired.errors import ConfigError, ShapeError


def part(count: int = 3, *, classes: int = 2) -> idx.Part:
    images = np.random.default_rng(count).integers(0, 256, (count, 2, 5), dtype=np.uint8)
    return idx.Part(images, (np.arange(count) % classes).astype(np.uint8))


def test_bytes_by_hand() -> None:
    """The format's page: two zeros, 8 for bytes, the number of dimensions, each in four bytes, the values."""
    assert idx.encoded(np.array([7, 255], np.uint8)) == bytes.fromhex("00000801 00000002 07ff")
    images = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    wanted = bytes.fromhex("00000803 00000002 00000002 00000003 000102030405060708090a0b")
    assert idx.encoded(images) == wanted
    assert idx.encoded(images.transpose(1, 0, 2).copy().transpose(1, 0, 2)) == wanted  # whatever its order in memory
    assert np.array_equal(idx.decoded(wanted, where="x"), images)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "file.gz begins with , wanted an IDX file of bytes"),
        (bytes.fromhex("00000d01 00000000"), "file.gz begins with 00 00 0d 01"),
        (bytes.fromhex("1f8b0800"), "begins with 1f 8b 08 00"),
        (bytes.fromhex("00000803 00000001"), "begins with 00 00 08 03"),
        (bytes.fromhex("00000801 00000003 0102"), r"file.gz holds 2 values, wanted \[3\] of them"),
    ],
)
def test_what_is_no_idx(content: bytes, said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        idx.decoded(content, where="file.gz")


def test_the_set_on_disk(tmp_path: Path) -> None:
    train, test = part(5), part(3)
    names = ("on the left", 'a "b"')
    idx.write(tmp_path / "set", train=train, test=test, classes=names, named=True, card={"name": "n", "credit": "c"})
    for name, wanted in (("train", train), ("t10k", test)):
        for found, values in zip(read(tmp_path / "set", name), wanted, strict=True):
            assert np.array_equal(found, values)
    assert tomllib.loads((tmp_path / "set" / "attributes.toml").read_text()) == {"class": {"values": list(names)}}
    card = json.loads((tmp_path / "set" / "set.json").read_text())
    assert card["counts"] == {"train": 5, "test": 3}
    assert (card["name"], card["classes"], card["size"]) == ("n", list(names), 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set"]
    with pytest.raises(ConfigError, match="is not empty"):
        idx.write(tmp_path / "set", train=train, test=test, classes=names, named=True, card={})


def test_labels_that_are_digits_need_no_names(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    idx.write(tmp_path / "set", train=part(), test=part(), classes=("0", "1"), named=False, card={})
    assert len(list((tmp_path / "set").iterdir())) == 5


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (idx.Part(part().images, np.zeros(4, np.uint8)), r"t10k: images are uint8 \[3, 2, 5\] and labels uint8 \[4\]"),
        (idx.Part(part().images / 2, part().labels), "t10k: images are float64"),
        (part(classes=3), "t10k: the highest label is 2, wanted labels below 2"),
        (part(0), "t10k: the highest label is none"),
    ],
)
def test_what_does_not_fit_is_not_written(bad: idx.Part, said: str, tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match=said):
        idx.write(tmp_path / "set", train=part(), test=bad, classes=("0", "1"), named=False, card={})
    assert not (tmp_path / "set").exists()
