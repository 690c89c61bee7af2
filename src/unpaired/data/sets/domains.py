"""Two domains of small pictures as folders."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from unpaired.errors import ConfigError
from unpaired.images import Pixels

Part = Literal["trainA", "trainB", "testA", "testB"]
PARTS: tuple[Part, ...] = ("trainA", "trainB", "testA", "testB")
Picture = tuple[str, Pixels]
"""The name of a file without its suffix, and its pixels: uint8 [H, W] or [H, W, 3]."""


def write(folder: Path, parts: Mapping[Part, Sequence[Picture]], *, card: Mapping[str, Any]) -> None:
    """Write a set into `folder`, which appears complete or not at all: ``trainA/ trainB/ testA/ testB/`` with PNG files, and
    ``set.json``: `card`, with the number of pictures of each part. ConfigError if `folder` is not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty: remove it, or name a folder that does not exist yet")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as unfinished:
        root = Path(unfinished) / "set"
        for part in PARTS:
            (root / part).mkdir(parents=True)
            for name, pixels in parts[part]:
                Image.fromarray(pixels).save(root / part / f"{name}.png")
        whole = {**card, "counts": {part: len(parts[part]) for part in PARTS}}
        (root / "set.json").write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        if folder.exists():
            folder.rmdir()
        root.rename(folder)
