"""Fashion-MNIST: 70,000 photographs of clothes, shoes and bags, 28 x 28 px, on black (Xiao et al. 2017, arXiv 1708.07747).

No package of Python's carries them; Debian's ``dataset-fashion-mnist`` does. They are read from where the environment variable
``UNPAIRED_FASHION`` says (that package's file, or a folder with the four files, as their authors give them too), else from where
the package installs them, else from the package, which `apt-get` fetches and nobody installs. The split is the authors':
60,000 to train on, 10,000 to test.
"""

from __future__ import annotations

import gzip
import lzma
import subprocess
import tarfile
import tempfile
import zlib
from pathlib import Path

import numpy as np

from unpaired.data.sets import idx, packages
from unpaired.data.sets.domains import Part, Picture, write
from unpaired.errors import DataError

CLASSES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")

PACKAGE = "dataset-fashion-mnist"
INSTALLED = Path("/usr/share/datasets/fashion-mnist")
VARIABLE = "UNPAIRED_FASHION"
DIGESTS = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
"""The files, and the SHA-256 of each when unpacked."""
_WANTED = f"the file of Debian's {PACKAGE} (*.deb), or a folder with {', '.join(DIGESTS)} (or the same with .gz)"
_OTHERWISE = (
    f"get the package elsewhere with `apt-get download {PACKAGE}`, or the four files from "
    f"github.com/zalandoresearch/fashion-mnist, and name the path of the .deb or of the folder in {VARIABLE}"
)

BAGS, SHOES = ("bag",), ("sandal", "sneaker", "ankle boot")
LICENCE = "MIT"
CREDIT = "Fashion-MNIST: copyright 2017 Zalando SE, https://tech.zalando.com, MIT licence"
_CARD = {"licence": LICENCE, "source": "https://github.com/zalandoresearch/fashion-mnist", "credit": CREDIT}


def make(folder: Path) -> None:
    """Write Fashion-MNIST into `folder`, as `idx.write` does, with the names of the classes.

    DataError if it can be had nowhere, or the files are others; ConfigError if `folder` is not empty.
    """
    files = _files()
    arrays = {name: idx.decoded(content, where=name) for name, content in files.items()}
    card = {"name": "fashion", "split": "the authors'", **_CARD}
    train, test = (
        idx.Part(arrays[f"{part}-images-idx3-ubyte"], arrays[f"{part}-labels-idx1-ubyte"]) for part in ("train", "t10k")
    )
    idx.write(folder, train=train, test=test, classes=CLASSES, named=True, card=card)


def make_bags_shoes(folder: Path) -> None:
    """Write bags and shoes into `folder` as two domains, as `domains.write` does: 6,000 and 6,000 to train on, 1,000 and 1,000 to
    test. Of the shoes (sandals, sneakers, ankle boots) the first ones are taken, of all kinds as they come.

    DataError if they can be had nowhere, or the files are others; ConfigError if `folder` is not empty.
    """
    arrays = {name: idx.decoded(content, where=name) for name, content in _files().items()}
    parts: dict[Part, list[Picture]] = {}
    for part, file, count in (("train", "train", 6000), ("test", "t10k", 1000)):
        images, labels = arrays[f"{file}-images-idx3-ubyte"], arrays[f"{file}-labels-idx1-ubyte"]
        for letter, classes in (("A", BAGS), ("B", SHOES)):
            chosen = np.flatnonzero(np.isin(labels, [CLASSES.index(name) for name in classes]))[:count]
            name: Part = f"{part}{letter}"  # type: ignore[assignment]
            parts[name] = [(f"{CLASSES[labels[index]].replace(' ', '-')}-{index:05d}", images[index]) for index in chosen]
    write(folder, parts, card={"name": "bags-shoes", "a": "bags", "b": "shoes", "split": "the authors'", **_CARD})


def _files() -> dict[str, bytes]:
    """The four files, unpacked: handed over, installed or fetched."""
    if given := packages.handed_over(VARIABLE, wanted=_WANTED):
        files = _read(given)
    elif INSTALLED.is_dir():
        files = _read(INSTALLED)
    else:
        with tempfile.TemporaryDirectory(prefix="unpaired-fashion-") as folder:
            command = ("apt-get", "download", "--quiet", PACKAGE)
            files = _read(packages.fetch(command, into=Path(folder), pattern="*.deb", otherwise=_OTHERWISE))
    packages.check(files, wanted=DIGESTS, otherwise=_OTHERWISE)
    return files


def _read(place: Path) -> dict[str, bytes]:
    """The four files of a folder or a package of Debian's."""
    try:
        return _read_folder(place) if place.is_dir() else _read_deb(place)
    except (OSError, EOFError, KeyError, zlib.error, lzma.LZMAError, tarfile.TarError, subprocess.SubprocessError) as error:
        raise DataError(f"{place} is not {_WANTED}: {error}; {_OTHERWISE}") from None


def _read_folder(folder: Path) -> dict[str, bytes]:
    packed = {name: folder / f"{name}.gz" for name in DIGESTS}
    return {
        name: gzip.decompress(file.read_bytes()) if file.exists() else (folder / name).read_bytes()
        for name, file in packed.items()
    }


def _read_deb(deb: Path) -> dict[str, bytes]:
    packed = {f"{name}.gz" for name in DIGESTS}
    found = packages.unpacked(deb, folder=INSTALLED.as_posix(), wanted=packed.__contains__)
    return {name: gzip.decompress(found[f"{name}.gz"]) for name in DIGESTS}
