"""Animals: a package of our own making whose pickles are never run, and how pictures are divided."""

import gzip
import hashlib
import json
import pickle
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest
from idx_files import read
from PIL import Image

from unpaired.data.sets import animals, table
from unpaired.errors import DataError


def arrays(each: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """A few pictures of each kind, all different."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (10 * each, 28, 28), dtype=np.uint8), np.repeat(np.arange(10), each)


def wheel(file: Path, *contents: bytes) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in zip((animals.IMAGES, animals.LABELS), contents, strict=True):
            archive.writestr(f"animal_mnist/{name}", content)
    return file


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[np.ndarray, np.ndarray]:
    """Sixty pictures take the place of the ten thousand; two of each kind are for testing."""
    given = arrays()
    contents = [gzip.compress(pickle.dumps(values, protocol=4)) for values in given]
    digests = dict(
        zip((animals.IMAGES, animals.LABELS), (hashlib.sha256(content).hexdigest() for content in contents), strict=True)
    )
    monkeypatch.setattr(animals, "DIGESTS", digests)
    monkeypatch.setattr(animals, "TEST", 2)
    monkeypatch.setenv("UNPAIRED_ANIMALS", str(wheel(tmp_path / "animals.whl", *contents)))
    return given


def test_ten_kinds(small: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    assert table.make("animals", tmp_path / "set", size=64) == animals.CREDIT
    images, labels = small
    tested = np.isin(np.arange(60) % 6, (4, 5))
    for part, chosen in (("train", ~tested), ("t10k", tested)):
        found = read(tmp_path / "set", part)
        assert (found[0] == images[chosen]).all()
        assert (found[1] == labels[chosen]).all()
    names = tomllib.loads((tmp_path / "set" / "attributes.toml").read_text())["class"]["values"]
    assert (names[7], names[9], len(names)) == ("horse", "zebra", 10)
    assert table.SETS["animals"].licence == table.SETS["horses-zebras"].licence == animals.LICENCE


def test_horses_and_zebras(small: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    assert table.make("horses-zebras", tmp_path / "set", size=64) == animals.CREDIT
    images, labels = small
    first, last = slice(0, 4), slice(4, 6)
    for part, kind, chosen in (("trainA", 7, first), ("trainB", 9, first), ("testA", 7, last), ("testB", 9, last)):
        files = sorted((tmp_path / "set" / part).iterdir())
        found = np.stack([np.array(Image.open(file)) for file in files])
        assert (found == images[labels == kind][chosen]).all()
        assert files[0].name == ("horse-000.png" if kind == 7 else "zebra-000.png")
    card = json.loads((tmp_path / "set" / "set.json").read_text())
    assert (card["a"], card["b"], card["counts"]["trainA"], card["counts"]["testB"]) == ("horses", "zebras", 4, 2)


def test_what_is_there_again_is_left_out() -> None:
    images = np.arange(8, dtype=np.uint8).repeat(784).reshape(8, 28, 28)
    images[[5, 6]] = images[[0, 3]]
    train, test = animals.divided(images, np.zeros(8, np.uint8))
    assert len(train.images) == 0
    assert test.images[:, 0, 0].tolist() == [0, 1, 2, 3, 4, 7]  # at most 150 of a kind


def test_pickles_are_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return (Path.touch, (tmp_path / "sprung",))

    images, labels = arrays()
    content = pickle.dumps([Trap(), images], protocol=4)
    files = {animals.IMAGES: gzip.compress(content), animals.LABELS: gzip.compress(pickle.dumps(labels, protocol=4))}
    found = animals.unpickled(files)
    assert (found[0] == images).all()
    assert (found[1] == labels).all()
    assert not (tmp_path / "sprung").exists()
    pickle.loads(content)
    assert (tmp_path / "sprung").exists()  # it would have been


def test_another_package_is_refused(
    small: tuple[np.ndarray, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = [gzip.compress(pickle.dumps(values + 1, protocol=4)) for values in small]
    monkeypatch.setenv("UNPAIRED_ANIMALS", str(wheel(tmp_path / "other.whl", *other)))
    with pytest.raises(
        DataError, match=r"animal_data_version_3.gz is another file than the published one .* in UNPAIRED_ANIMALS"
    ):
        animals.make(tmp_path / "set")
    assert not (tmp_path / "set").exists()
