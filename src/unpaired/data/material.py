"""What a game plays with, as the engine and those who watch it know it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch


class Material(Protocol):
    """Images that are ready to be drawn from: of two domains, or labelled.

    domains: names of what is translated between. skipped: (name, reason) of unreadable files by part; others: names of files that
    are no images, by part. card: licence, credit and more. fingerprint: equal for equal images, equally read.
    """

    @property
    def domains(self) -> Sequence[str]: ...
    @property
    def skipped(self) -> Mapping[str, tuple[tuple[str, str], ...]]: ...
    @property
    def others(self) -> Mapping[str, tuple[str, ...]]: ...
    @property
    def card(self) -> Mapping[str, Any]: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def held_out(self) -> int:
        """Held-out images, of the part that has fewest."""

    @property
    def trained_on(self) -> str:
        """How many images, in words."""

    def lines(self) -> list[tuple[str, str]]:
        """What there is of each part, for a person."""

    def samples(self) -> dict[str, Any]:
        """What a game must know of its samples (see `games.table.build`)."""

    def batch(self, step: int, *, batch: int, seed: int, device: torch.device, rank: int, world: int) -> Any:
        """The batch of a step, a function of its arguments alone; process `rank` of `world` gets its share."""
