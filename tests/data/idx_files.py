"""IDX files read byte by byte, independently of the package."""

import struct
from pathlib import Path

import numpy as np


def read(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Images [N, H, W] and labels [N] of a part ('train' or 't10k')."""
    content = (folder / f"{part}-images-idx3-ubyte").read_bytes()
    magic, count, height, width = struct.unpack(">IIII", content[:16])
    assert magic == 2051
    assert len(content) == 16 + count * height * width
    labels = (folder / f"{part}-labels-idx1-ubyte").read_bytes()
    assert struct.unpack(">II", labels[:8]) == (2049, count)
    assert len(labels) == 8 + count
    return np.frombuffer(content[16:], np.uint8).reshape(count, height, width), np.frombuffer(labels[8:], np.uint8)
