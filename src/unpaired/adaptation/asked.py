"""What an adaptation was asked for: the folder keeps it, so that the same command goes on where it was cut off."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unpaired import config
from unpaired.errors import RunError
from unpaired.files import to_json, write_json
from unpaired.translator import Translator

ASKED = "adapt.json"


def weights_of(translator: Translator) -> str:
    """Equal for equal weights: a run that trained on translates otherwise."""
    digest = hashlib.blake2b(digest_size=16)
    for name, value in translator.network.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def require_fresh(folder: Path) -> None:
    """RunError where the folder holds something else than an adaptation."""
    taken = folder.is_dir() and any(not path.name.startswith(".") for path in folder.iterdir())
    if (folder.exists() and not folder.is_dir()) or (taken and not (folder / ASKED).exists()):
        raise RunError(f"{folder} is not empty, and holds no adaptation to go on with; choose another --out")


def keep_or_compare(folder: Path, asked: Mapping[str, Any]) -> None:
    """Note in the folder what was asked for, or hold it against what is noted there. RunError where options or images differ."""
    path = folder / ASKED
    if not path.exists():
        write_json(path, asked)
        return
    before = config.read_file(path)
    others = _differences(before, json.loads(to_json(asked)))
    if others:
        raise RunError(
            f"{folder} holds an adaptation with other {', '.join(others)}; give the same to go on with it, or another --out"
        )


def _differences(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The names of what differs."""
    names = []
    for name in dict.fromkeys((*before, *now)):
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict) and not prefix:
            names += _differences(old, new, f"{name}: ")
        elif old != new:
            names.append(f"{prefix}{name}")
    return names
