"""Fashion-MNIST: four small files in its place, as a folder, as a Debian package, and where nothing is to be had."""

import gzip
import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

import debian_files
import numpy as np
import pytest
from idx_files import read
from PIL import Image

from unpaired.data.sets import clothes, idx, table
from unpaired.errors import ConfigError, DataError


def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "train-images-idx3-ubyte": rng.integers(0, 256, (4, 28, 28), dtype=np.uint8),
        "train-labels-idx1-ubyte": np.array([9, 0, 8, 7], np.uint8),
        "t10k-images-idx3-ubyte": rng.integers(0, 256, (2, 28, 28), dtype=np.uint8),
        "t10k-labels-idx1-ubyte": np.array([5, 1], np.uint8),
    }


def laid(folder: Path, contents: Mapping[str, bytes], *, packed: bool) -> Path:
    folder.mkdir(parents=True)
    for name, content in contents.items():
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    return folder


def deb(file: Path, contents: Mapping[str, bytes]) -> Path:
    packed = {f"{name}.gz": gzip.compress(content) for name, content in contents.items()}
    return debian_files.deb(file, "/usr/share/datasets/fashion-mnist", packed)


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Six pictures take the place of the published ones; none are handed over or installed."""
    contents = {name: idx.encoded(values) for name, values in arrays().items()}
    monkeypatch.setattr(clothes, "DIGESTS", {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()})
    monkeypatch.delenv("UNPAIRED_FASHION", raising=False)
    return contents


def check(folder: Path) -> None:
    wanted = arrays()
    for part in ("train", "t10k"):
        images, labels = read(folder, part)
        assert np.array_equal(images, wanted[f"{part}-images-idx3-ubyte"])
        assert np.array_equal(labels, wanted[f"{part}-labels-idx1-ubyte"])


@pytest.mark.parametrize("packed", [True, False])
def test_a_folder_that_is_handed_over(
    small: dict[str, bytes], packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNPAIRED_FASHION", str(laid(tmp_path / "files", small, packed=packed)))
    assert table.make("fashion", tmp_path / "set", size=64) == clothes.CREDIT
    check(tmp_path / "set")
    names = tomllib.loads((tmp_path / "set" / "attributes.toml").read_text())["class"]["values"]
    assert [names[label] for label in (9, 0, 8, 7)] == ["ankle boot", "t-shirt", "bag", "sneaker"]
    assert json.loads((tmp_path / "set" / "set.json").read_text())["classes"] == names
    assert table.SETS["fashion"].licence == clothes.LICENCE


def test_a_package_that_is_handed_over(small: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNPAIRED_FASHION", str(deb(tmp_path / "a.deb", small)))
    clothes.make(tmp_path / "set")
    check(tmp_path / "set")


def test_installed_files(small: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clothes, "INSTALLED", laid(tmp_path / "installed", small, packed=True))
    clothes.make(tmp_path / "set")
    check(tmp_path / "set")


def test_else_apt_fetches_the_package(small: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(command: tuple[str, ...], *, into: Path, pattern: str, otherwise: str) -> Path:
        assert command == ("apt-get", "download", "--quiet", "dataset-fashion-mnist")
        assert pattern == "*.deb"
        return laid(into / "unpacked", small, packed=True)

    monkeypatch.setattr(clothes, "INSTALLED", tmp_path / "nowhere")
    monkeypatch.setattr(clothes.packages, "fetch", fetch)
    clothes.make(tmp_path / "set")
    check(tmp_path / "set")


def test_where_nothing_is_to_be_had(small: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clothes, "INSTALLED", tmp_path / "nowhere")
    monkeypatch.setenv("PATH", str(tmp_path))
    said = "there is no 'apt-get' here, .*; get the package elsewhere .* or the four files .* in UNPAIRED_FASHION"
    with pytest.raises(DataError, match=said):
        clothes.make(tmp_path / "set")


def test_other_files_are_refused(small: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    cut = laid(tmp_path / "cut", small, packed=True) / "t10k-images-idx3-ubyte.gz"
    cut.write_bytes(cut.read_bytes()[:-20])
    whole = deb(tmp_path / "short.deb", small).read_bytes()
    (tmp_path / "short.deb").write_bytes(whole[: len(whole) // 2])
    deb(tmp_path / "lacking.deb", {name: content for name, content in small.items() if "t10k" not in name})
    for name in ("empty", "cut", "short.deb", "lacking.deb"):
        monkeypatch.setenv("UNPAIRED_FASHION", str(tmp_path / name))
        with pytest.raises(DataError, match=f"{name} is not the file of Debian's dataset-fashion-mnist .*, or a folder with"):
            clothes.make(tmp_path / "set")
    changed = {**small, "t10k-labels-idx1-ubyte": idx.encoded(np.array([5, 2], np.uint8))}
    monkeypatch.setenv("UNPAIRED_FASHION", str(laid(tmp_path / "changed", changed, packed=False)))
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte is another file than the published one"):
        clothes.make(tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_bags_and_shoes(small: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNPAIRED_FASHION", str(laid(tmp_path / "files", small, packed=True)))
    assert table.make("bags-shoes", tmp_path / "set", size=64) == clothes.CREDIT
    pictures = arrays()["train-images-idx3-ubyte"]
    found = {path.relative_to(tmp_path / "set").as_posix(): path for path in (tmp_path / "set").rglob("*.png")}
    assert set(found) == {
        "trainA/bag-00002.png",
        "trainB/ankle-boot-00000.png",
        "trainB/sneaker-00003.png",
        "testB/sandal-00000.png",
    }
    for name, index in (("trainA/bag-00002.png", 2), ("trainB/sneaker-00003.png", 3)):
        with Image.open(found[name]) as picture:
            assert (np.array(picture) == pictures[index]).all()
    card = json.loads((tmp_path / "set" / "set.json").read_text())
    assert (card["a"], card["b"], card["counts"]) == ("bags", "shoes", {"trainA": 1, "trainB": 2, "testA": 0, "testB": 1})
    assert table.SETS["bags-shoes"].licence == clothes.LICENCE
    with pytest.raises(ConfigError, match="is not empty"):
        clothes.make_bags_shoes(tmp_path / "set")


def test_as_many_shoes_as_bags(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of the three kinds of shoes the first ones as they come."""
    labels = {"train": np.tile(np.arange(10, dtype=np.uint8), 6100), "t10k": np.tile(np.arange(10, dtype=np.uint8), 1010)}
    files = {}
    for part, values in labels.items():
        files[f"{part}-images-idx3-ubyte"] = idx.encoded(np.zeros((len(values), 1, 1), np.uint8))
        files[f"{part}-labels-idx1-ubyte"] = idx.encoded(values)
    told = {}
    monkeypatch.setattr(clothes, "_files", lambda: files)
    monkeypatch.setattr(clothes, "write", lambda folder, parts, card: told.update(parts))
    clothes.make_bags_shoes(tmp_path / "set")
    assert {part: len(pictures) for part, pictures in told.items()} == {
        "trainA": 6000,
        "trainB": 6000,
        "testA": 1000,
        "testB": 1000,
    }
    assert [name for name, _ in told["trainB"][:4]] == ["sandal-00005", "sneaker-00007", "ankle-boot-00009", "sandal-00015"]
    assert {name.split("-")[0] for name, _ in told["trainA"]} == {"bag"}
