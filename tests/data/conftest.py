"""Small generated image sets, and a cache of its own for every test."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The cache folder of this test."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("UNPAIRED_CACHE", str(folder))
    monkeypatch.delenv("UNPAIRED_CACHE_GB", raising=False)
    return folder


@pytest.fixture
def draw(tmp_path):
    """A function that writes `count` different images into a folder below tmp_path, and returns the folder."""

    def write(name, count=12, *, seed=0, size=(10, 12), suffix=".png"):
        folder = tmp_path / name
        folder.mkdir(parents=True, exist_ok=True)
        for index in range(count):
            pixels = np.random.default_rng([seed, index]).integers(0, 256, (*size, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{index + 1}{suffix}")
        return folder

    return write


@pytest.fixture
def options():
    """A function that makes data options, small ones by default."""

    def make(**changed):
        values = {
            "size": 8, "channels": 3, "channels_b": None, "depth": 8, "fit": "crop", "background": "white", "holdout": 0.25,
            "strict": False, "flip": True, "load_size": None, "jitter": 0.0, "shift": 0, "side_by_side": False,
            "value_range": None, "value_range_b": None,
        }  # fmt: skip
        return SimpleNamespace(**(values | changed))

    return make


@pytest.fixture
def labelled(tmp_path):
    """A function that writes a labelled set below tmp_path, and returns its folder.

    rows: by file (a path below the set) the cells of its row; an image is written for each, and the table over all.
    """

    def write(name, rows, *, header=("hair", "glasses"), size=(10, 12), seed=0, rules=None, table="attributes.csv"):
        folder = tmp_path / name
        for index, file in enumerate(rows):
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng([seed, index]).integers(0, 256, (*size, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path)
        lines = [",".join(("file", *header)), *(",".join((file, *cells)) for file, cells in rows.items())]
        (folder / table).write_text("\n".join(lines) + "\n")
        if rules is not None:
            (folder / "attributes.toml").write_text(rules)
        return folder

    return write
