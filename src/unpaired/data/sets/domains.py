"""Two domains of small pictures as folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from unpaired.data.sets import folders
from unpaired.images import Pixels

Part = Literal["trainA", "trainB", "testA", "testB"]
PARTS: tuple[Part, ...] = ("trainA", "trainB", "testA", "testB")
Picture = tuple[str, Pixels]
"""The name of a file without its suffix, and its pixels: uint8 [H, W] or [H, W, 3]."""


def write(folder: Path, parts: Mapping[Part, Sequence[Picture]], *, card: Mapping[str, Any]) -> None:
    """Write a set into `folder`, which appears complete or not at all: ``trainA/ trainB/ testA/ testB/`` with PNG files, and
    ``set.json``: `card`, with the number of pictures of each part. ConfigError if `folder` is not empty.
    """
    with folders.whole(folder) as root:
        for part in PARTS:
            (root / part).mkdir(parents=True)
            for name, pixels in parts[part]:
                Image.fromarray(pixels).save(root / part / f"{name}.png")
        whole = {**card, "counts": {part: len(parts[part]) for part in PARTS}}
        folders.write_card(root, whole)
