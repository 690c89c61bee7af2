"""What a run is made of."""

from pathlib import Path
from typing import Literal

from unpaired import config
from unpaired.config import options
from unpaired.errors import RunError
from unpaired.games import specs
from unpaired.options import DataOptions, Training
from unpaired.version import VERSION


@options
class RunConfig:
    """What `config.json` holds: enough to make the run again."""

    sources: tuple[str, ...]
    game: specs.GameSpec
    data: DataOptions = DataOptions()
    training: Training = Training()
    compiled: bool = False
    """Decided when the run starts, so that a resumed run computes the same way."""
    precision: Literal["bf16", "float32"] | None = None
    """Decided when the run starts, likewise."""
    commit: str = ""
    """Of the checkout that the package ran from, if any."""
    data_fingerprint: str = ""
    """Of the decoded images: a resumed run must see the same ones."""
    version: str = VERSION


def load_config(folder: Path) -> RunConfig:
    """A run's `config.json`. RunError where there is none."""
    path = folder / "config.json"
    if not path.exists():
        raise RunError(f"no run at {folder}: it has no config.json. `unpaired train ... --out {folder}` starts one")
    values = config.read_file(path)
    if "translators" in values:
        raise RunError(
            f"{folder} is a bundle, not a run: it has no held-out images and cannot train on; `unpaired translate` and "
            "`unpaired sample` use it"
        )
    return config.from_dict(RunConfig, values, where=str(path))
