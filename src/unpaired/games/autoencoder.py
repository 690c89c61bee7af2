"""Stacked autoencoders: level by level and then tuned (Hinton and Salakhutdinov 2006; Bengio et al. 2007), or all at once; with
noise to be removed (Vincent et al. 2008) or without. A game of one player.
"""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import nn

from unpaired import products
from unpaired.data.image_set import Images
from unpaired.games import specs
from unpaired.games.base import Game, Turn
from unpaired.networks.build import Shape, autoencoder


class Autoencoder(Game[Images]):
    """f -> network.encode, g -> network.decode; z -> the code.

    While one level is in training, the others are in no loss of the step: they have no gradient, and stay as they are.
    """

    def __init__(self, spec: specs.Autoencoder, *, shape: Shape, classes: Sequence[str] = ()) -> None:
        """classes: the data's, which this game does not look at."""
        super().__init__()
        self.spec, self.shape = spec, shape
        self.network = autoencoder(spec.network, shape)

    def players(self) -> dict[str, nn.Module]:
        return {"autoencoder": self.network}

    def play(self, batch: Images, step: int) -> Iterator[Turn]:
        spec, network = self.spec, self.network
        level = self.level(step)
        first, last, name = (0, None, "reconstruction") if level is None else (level, level + 1, f"level_{level + 1}")
        with torch.no_grad():
            given = network.encode(batch.x, levels=first)
        back = network.rebuild(spec.corruption(given), first=first, last=last)
        yield Turn("autoencoder", {name: spec.distance(back, given)})  # d(g(f(x)), x)

    def level(self, step: int) -> int | None:
        """The level in training at a step, from 0; None where it is all of them."""
        return self.spec.form.level(step, levels=len(self.network.levels))

    def remains(self) -> Mapping[str, products.Autoencoder]:
        return {"autoencoder": products.Autoencoder(self.network, spec=self.spec.network, shape=self.shape)}

    def chance(self) -> dict[str, float]:
        return {}
