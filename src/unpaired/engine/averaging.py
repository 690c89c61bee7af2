"""The moving average of a game's weights, with which it translates."""

import copy
from collections.abc import Mapping
from itertools import chain

import torch
from torch import Tensor, nn

from unpaired.games.base import BatchT, Game
from unpaired.games.replay import Replay


class Average(nn.Module):
    """A game whose weights and statistics are the averages of another's. What counts is copied; pools stay empty, as the
    average of images that have nothing to do with each other means nothing.

    decay: from one step to the next.
    """

    n_averaged: Tensor

    def __init__(self, game: Game[BatchT], *, decay: float) -> None:
        super().__init__()
        self.decay = decay
        pools = {id(module): Replay(0, ()) for module in game.modules() if isinstance(module, Replay)}
        self.module = copy.deepcopy(game, pools)  # which takes what stands in `pools` for copied
        self.register_buffer("n_averaged", torch.tensor(0))

    @torch.no_grad()
    def update(self, game: Game[BatchT]) -> None:
        """Take in the game after one more step."""
        count = float(self.n_averaged)
        # Short at first, or the random weights of the beginning would weigh for 1 / (1 - decay) steps.
        weight = 1 - min(self.decay, (1 + count) / (10 + count))
        values = dict(chain(game.named_parameters(), game.named_buffers()))
        for name, average in chain(self.module.named_parameters(), self.module.named_buffers()):
            if count and average.is_floating_point():
                average.lerp_(values[name], weight)
            else:
                average.copy_(values[name])
        self.n_averaged += 1

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a state; the pools that earlier versions kept in it are passed over. RuntimeError where it does not fit."""
        pools = tuple(f"{name}." for name, module in self.named_modules() if isinstance(module, Replay))
        self.load_state_dict({name: value for name, value in state.items() if not name.startswith(pools)})
