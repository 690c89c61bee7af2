"""Folders of sets, which appear whole or not at all, and their cards."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from unpaired.errors import ConfigError


def write_card(folder: Path, card: Mapping[str, object]) -> None:
    """Write ``set.json``: what the set is, its licence and credit, and what else its maker tells."""
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    (folder / "set.json").write_text(text, encoding="utf-8")


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """An empty folder to fill, which takes the place of `folder` if the block ends well, and vanishes if not.

    ConfigError if `folder` is not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty: remove it, or name a folder that does not exist yet")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as unfinished:
        root = Path(unfinished) / "set"
        root.mkdir()
        yield root
        if folder.exists():
            folder.rmdir()
        root.rename(folder)
