"""Translate images between domains for which no pairs exist: train, measure, share."""

from typing import TYPE_CHECKING, Any

from unpaired.version import VERSION as __version__

__all__ = ["__version__", "load", "train"]

if TYPE_CHECKING:
    from unpaired.bundle import load
    from unpaired.runs import train


def __getattr__(name: str) -> Any:
    """Import what was asked for when it is asked for: torch takes a second, `unpaired --help` must not."""
    if name == "load":
        from unpaired.bundle import load

        return load
    if name == "train":
        from unpaired.runs import train

        return train
    raise AttributeError(f"module 'unpaired' has no attribute '{name}'")
