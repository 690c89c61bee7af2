"""A GAN is a game: players take turns, each minimising losses of its own."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Generic, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from unpaired.bundle import Product

BatchT = TypeVar("BatchT")
Losses = Mapping[str, Tensor]
"""Scalars by name, already weighted: what is logged adds up to what is minimised."""


class Turn(NamedTuple):
    """A move: `player` minimises the sum of `losses` over its own parameters alone."""

    player: str
    losses: Losses


class Game(nn.Module, ABC, Generic[BatchT]):
    """What the engine knows of a paper. State that matters beyond the weights is a buffer, so that it is saved."""

    @abstractmethod
    def players(self) -> dict[str, nn.Module]:
        """The players by name; their parameters are disjoint and together all of the game's."""

    @abstractmethod
    def play(self, batch: BatchT, step: int) -> Iterator[Turn]:
        """The turns of one step (counted from 0). A player has moved by the time the next turn is asked for."""

    @abstractmethod
    def remains(self) -> Mapping[str, Product]:
        """What is kept when the game is over, by name; of translators between two domains the direction: `a_to_b`, `b_to_a`."""

    @abstractmethod
    def chance(self) -> dict[str, float]:
        """Each discriminator loss (`player/loss`) where the discriminator cannot tell real from fake: the doctor's yardstick."""


def together(network: nn.Module, *batches: Tensor) -> tuple[Tensor, ...]:
    """The network's answer to each batch (of a discriminator: its scores), computed as one batch where that is the same.

    One large pass is quicker than several small ones; but where a layer takes statistics over the batch, each goes alone.
    """
    if any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
        return tuple(_scores(network(x)) for x in batches)
    joined = torch.cat([x.to(batches[0].dtype) for x in batches])
    return _scores(network(joined)).split([len(x) for x in batches])


def _scores(answer: Tensor | tuple[Tensor, list[Tensor]]) -> Tensor:
    return answer if isinstance(answer, Tensor) else answer[0]
