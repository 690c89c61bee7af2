"""Labelled pictures as MNIST's files hold them: IDX, a header of big-endian numbers before the bytes of the pixels.

Images: 00 00 08 03, then N, H, W; labels: 00 00 08 01, then N; four bytes a number. Uncompressed, so that a reader can map them.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unpaired.data.sets import folders
from unpaired.errors import ShapeError

BYTES = 0x08
"""IDX's code for values of unsigned bytes."""


class Part(NamedTuple):
    """Pictures and what is on them. images: [N, H, W] uint8, 0 the ground; labels: [N] uint8, below the number of classes."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def write(folder: Path, *, train: Part, test: Part, classes: Sequence[str], named: bool, card: Mapping[str, Any]) -> None:
    """Write a set into `folder`, which appears complete or not at all.

    - ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``, ``t10k-images-idx3-ubyte``, ``t10k-labels-idx1-ubyte``;
    - ``attributes.toml`` if the classes are `named` (where they are digits, a label is its own name);
    - ``set.json``: `card` (what the set is, its split, licence and credit), with the size, counts and classes.

    ConfigError if `folder` is not empty, ShapeError if images and labels do not fit each other or the classes.
    """
    parts = {"train": train, "t10k": test}
    contents = {}
    for name, part in parts.items():
        _check(part, name=name, classes=len(classes))
        contents[f"{name}-images-idx3-ubyte"] = encoded(part.images)
        contents[f"{name}-labels-idx1-ubyte"] = encoded(part.labels)
    if named:
        names = ", ".join(json.dumps(name, ensure_ascii=False) for name in classes)  # JSON's strings are TOML's
        contents["attributes.toml"] = f"# the names of the labels 0, 1, 2, ...\n[class]\nvalues = [{names}]\n".encode()
    full = {
        **card,
        "size": train.images.shape[1],
        "counts": {"train": len(train.images), "test": len(test.images)},
        "classes": list(classes),
    }
    with folders.whole(folder) as root:
        for file, content in contents.items():
            (root / file).write_bytes(content)
        folders.write_card(root, full)


def encoded(values: NDArray[np.uint8]) -> bytes:
    """An array of bytes, of any shape, as an IDX file."""
    return struct.pack(f">4B{values.ndim}I", 0, 0, BYTES, values.ndim, *values.shape) + np.ascontiguousarray(values).tobytes()


def decoded(content: bytes, *, where: str) -> NDArray[np.uint8]:
    """The array of bytes of an IDX file, read-only. ShapeError, which begins with `where`, if it is none or is cut short."""
    header = np.frombuffer(content[:4], np.uint8)
    if len(header) < 4 or header[0] or header[1] or header[2] != BYTES or len(content) < 4 + 4 * header[3]:
        raise ShapeError(f"{where} begins with {content[:4].hex(' ')}, wanted an IDX file of bytes (00 00 08 and the dimensions)")
    shape = struct.unpack(f">{header[3]}I", content[4 : 4 + 4 * header[3]])
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * int(header[3]))
    if len(values) != int(np.prod(shape, dtype=np.int64)):
        raise ShapeError(f"{where} holds {len(values)} values, wanted {list(shape)} of them: get the file again")
    return values.reshape(shape)


def _check(part: Part, *, name: str, classes: int) -> None:
    images, labels = part
    if images.dtype != np.uint8 or labels.dtype != np.uint8 or images.ndim != 3 or labels.shape != images.shape[:1]:
        raise ShapeError(
            f"{name}: images are {images.dtype} {list(images.shape)} and labels {labels.dtype} {list(labels.shape)}; "
            "wanted uint8 [N, H, W] and uint8 [N]"
        )
    if not len(labels) or labels.max() >= classes:
        found = labels.max() if len(labels) else "none"
        raise ShapeError(f"{name}: the highest label is {found}, wanted labels below {classes}, the number of classes")
