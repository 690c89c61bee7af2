"""Images with label maps: found, fitted, split and drawn with them; and refused with a word of advice."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from unpaired.data.label_maps import MapSet, open_map_set
from unpaired.errors import DataError
from unpaired.images.maps import VOID, write_map
from unpaired.options import DataOptions

DATA = DataOptions(size=8, channels=1, holdout=0.3)


def write(root: Path, names: list[str], *, size: int = 8, classes: int = 3) -> Path:
    """Grey images that show their maps: 80 times the class."""
    for row, name in enumerate(names):
        labels = np.random.default_rng(row).integers(0, classes, (size, size)).astype(np.uint8)
        for folder in ("images", "labels"):
            (root / folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(labels * 80).save(root / "images" / f"{name}.png")
        write_map(root / "labels" / f"{name}.png", labels)
    return root


def opened(root: Path, **options: object) -> MapSet:
    return open_map_set((str(root),), dataclasses.replace(DATA, **options))  # type: ignore[arg-type]


@pytest.fixture
def names() -> list[str]:
    return [f"{row}" for row in range(20)]


def test_maps_stand_beside_their_images(tmp_path: Path, names: list[str]) -> None:
    data = opened(write(tmp_path, names))
    assert len(data.train_maps) + len(data.test_maps) == 20
    assert data.held_out == len(data.test_maps) > 0
    for part, maps in ((data.images.train, data.train_maps), (data.images.test, data.test_maps)):
        assert np.array_equal(part.pixels[..., 0], maps * 80)
    assert data.classes == ("0", "1", "2")
    assert data.counts == tuple(int((data.train_maps == index).sum()) for index in range(3))
    assert data.samples()["shape"] == (1, 8, 8)


def test_the_authors_parts_and_names(tmp_path: Path, names: list[str]) -> None:
    write(tmp_path, [f"train/{name}" for name in names] + ["test/a", "test/b"])
    (tmp_path / "classes.txt").write_text("road\ncar\nsky\ntree\n")
    data = opened(tmp_path)
    assert (len(data.train_maps), len(data.test_maps)) == (20, 2)
    assert data.classes == ("road", "car", "sky", "tree")
    assert data.domains == (tmp_path.name,)


def test_folders_of_places_are_no_classes(tmp_path: Path, names: list[str]) -> None:
    """As street scenes lie: by town, and other towns are held out."""
    data = opened(write(tmp_path, [f"train/{'ab'[int(name) % 2]}/{name}" for name in names] + ["test/c/1"]))
    assert (len(data.train_maps), len(data.test_maps)) == (20, 1)
    assert np.array_equal(data.images.train.pixels[..., 0], data.train_maps * 80)


def test_images_without_a_map_are_unlabelled(tmp_path: Path, names: list[str]) -> None:
    write(tmp_path, [f"train/{name}" for name in names] + ["test/a"])
    for name in names[:5]:
        (tmp_path / "labels" / "train" / f"{name}.png").unlink()
    data = opened(tmp_path)
    assert data.trained_on == "20, 15 of them labelled"
    assert sum((maps == VOID).all() for maps in data.train_maps) == 5


@pytest.mark.parametrize(("flip", "load_size", "shift"), [(True, None, 0), (False, 12, 0), (True, 12, 0), (False, None, 2)])
def test_a_batch_moves_maps_as_images(tmp_path: Path, names: list[str], flip: bool, load_size: int | None, shift: int) -> None:
    data = opened(write(tmp_path, names, size=load_size or 8), flip=flip, load_size=load_size, shift=shift)
    drawn = data.batch(3, batch=8, seed=5)
    assert drawn.labels.shape == (8, 8, 8)
    assert drawn.labels.dtype == torch.int64
    torch.testing.assert_close((drawn.x[:, 0] + 1) * 127.5, drawn.labels * 80.0, rtol=0, atol=1e-3)
    parts = [data.batch(3, batch=8, seed=5, rank=rank, world=2) for rank in range(2)]
    assert torch.equal(torch.cat([part.labels for part in parts]), drawn.labels)
    still = data.batch(3, batch=8, seed=5, augment=False)
    torch.testing.assert_close((still.x[:, 0] + 1) * 127.5, still.labels * 80.0, rtol=0, atol=1e-3)
    assert not torch.equal(still.labels, drawn.labels)


def test_other_maps_are_other_data(tmp_path: Path, names: list[str]) -> None:
    before = opened(write(tmp_path, names)).fingerprint
    assert opened(tmp_path).fingerprint == before
    write_map(tmp_path / "labels" / "3.png", np.zeros((8, 8), np.uint8))
    assert opened(tmp_path).fingerprint != before


def test_what_does_not_fit_is_refused(tmp_path: Path, names: list[str]) -> None:
    root = tmp_path / "set"
    with pytest.raises(DataError, match="holds nothing: there is no such folder; wanted a folder with images/ and labels/"):
        opened(root)
    write(root, names)
    (root / "classes.txt").write_text("road\ncar\n")
    with pytest.raises(
        DataError, match=r"names 2 classes \(road, car\), and maps have numbers up to 2; wanted 3 different names"
    ):
        opened(root)
    (root / "classes.txt").unlink()
    write_map(root / "labels" / "3.png", np.zeros((8, 9), np.uint8))
    with pytest.raises(DataError, match=re.escape("3.png is 9 x 8 pixels, its image 8 x 8; wanted one size")):
        opened(root)
    Image.new("RGB", (8, 8)).save(root / "labels" / "3.png")
    with pytest.raises(DataError, match="mode RGB, no label map"):
        opened(root)
    Image.new("L", (8, 8)).save(root / "labels" / "3.png")
    Image.new("L", (8, 8)).save(root / "labels" / "3.tif")
    with pytest.raises(DataError, match=r"holds 3\.png and 3\.tif; wanted one map for each image"):
        opened(root)
    for path in (root / "labels").iterdir():
        path.unlink()
    (root / "labels" / "1.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=r"holds 1\.jpg; wanted label maps as PNG"):
        opened(root)
