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

from unpaired.data.sets import clothes, idx, table
from unpaired.errors import DataError


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
