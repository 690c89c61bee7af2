"""Animals: 10,000 silhouettes of ten kinds, 28 x 28 px, white on black; of zebras, the stripes can be seen as well.

They come in the package ``animal-mnist`` (2.6 MB), of which nothing but these data is used: the package itself would ask for
TensorFlow. Its two files are pickles of an array each. They are not unpickled: held against the SHA-256 of the files that this
was written for, each is known to hold its array's bytes in one piece, which is looked up without running anything.

The animals are cut out of photographs, some with a part of the ground. 284 pictures are there again, and left out: 9,716 remain.
The split is by place: the last 150 of each kind are for testing.
"""

from __future__ import annotations

import gzip
import pickletools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unpaired.data.sets import idx, packages
from unpaired.data.sets.domains import write

CLASSES = ("bear", "bird", "cat", "cow", "dog", "elephant", "giraffe", "horse", "sheep", "zebra")
PACKAGE = packages.Wheel("animal-mnist", "0.4", "animal_mnist", "UNPAIRED_ANIMALS")
IMAGES, LABELS = (f"data/Animal_MNIST/animal_{what}_version_3.gz" for what in ("data", "label"))
DIGESTS = {
    IMAGES: "68a30346781a0984f839463a4615d2decb899d1ce65091bb92586311754a34ce",
    LABELS: "dec8dba7c469830989fbab46825021a08a38470753a512f27ada847eced97b57",
}
TEST = 150
"""How many of each kind are for testing."""
LICENCE = "MIT"
CREDIT = "Animal-MNIST: copyright 2025 Sina Mohammadi (SinaSR-6), MIT licence"
_CARD = {
    "split": f"by place: the last {TEST} of each kind to test; what is there again is left out",
    "licence": LICENCE,
    "credit": CREDIT,
    "packages": {PACKAGE.name: PACKAGE.version},
}


def make(folder: Path) -> None:
    """Write all kinds into `folder`, as `idx.write` does.

    DataError if the package can be had nowhere, or is another; ConfigError if `folder` is not empty.
    """
    train, test = divided(*_arrays())
    idx.write(folder, train=train, test=test, classes=CLASSES, named=True, card={"name": "animals", **_CARD})


def make_horses_zebras(folder: Path) -> None:
    """Write silhouettes of horses, and zebras, into `folder` as two domains, as `domains.write` does. Errors as of `make`."""
    train, test = divided(*_arrays())
    parts = {
        name: [(f"{kind}-{index:03d}", image) for index, image in enumerate(part.images[part.labels == CLASSES.index(kind)])]
        for name, part, kind in (
            ("trainA", train, "horse"),
            ("trainB", train, "zebra"),
            ("testA", test, "horse"),
            ("testB", test, "zebra"),
        )
    }
    write(folder, parts, card={"name": "horses-zebras", "a": "horses", "b": "zebras", **_CARD})  # type: ignore[arg-type]


def divided(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> tuple[idx.Part, idx.Part]:
    """Pictures [N, H, W] and their kinds [N], those to train on and those to test on, in their order and each once."""
    _, once = np.unique(images.reshape(len(images), -1), axis=0, return_index=True)
    images, labels = images[np.sort(once)], labels[np.sort(once)]
    tested = np.concatenate([np.flatnonzero(labels == kind)[-TEST:] for kind in np.unique(labels)])
    chosen = np.isin(np.arange(len(labels)), tested)
    return idx.Part(images[~chosen], labels[~chosen]), idx.Part(images[chosen], labels[chosen])


def unpickled(files: Mapping[str, bytes]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pictures [N, 28, 28] and their kinds [N] of the package's two files: the longest piece of bytes in each."""
    images, labels = (
        max(
            (argument for _, argument, _ in pickletools.genops(gzip.decompress(files[name])) if isinstance(argument, bytes)),
            key=len,
        )
        for name in (IMAGES, LABELS)
    )
    return np.frombuffer(images, np.uint8).reshape(-1, 28, 28), np.frombuffer(labels, "<i8").astype(np.uint8)


def _arrays() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    files = packages.data(PACKAGE, wanted=lambda name: name in DIGESTS)
    packages.check({name: files.get(name, b"") for name in DIGESTS}, wanted=DIGESTS, otherwise=PACKAGE.otherwise())
    return unpickled(files)
