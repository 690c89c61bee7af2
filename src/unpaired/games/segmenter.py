"""A segmenter, taught by label maps: what adaptation of label maps begins with, and is measured by. A game of one player."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from unpaired import products
from unpaired.data.label_maps import Mapped
from unpaired.errors import ConfigError
from unpaired.games import specs
from unpaired.games.base import Game, Turn
from unpaired.images.maps import VOID
from unpaired.losses import pixel_loss
from unpaired.networks.build import Shape, segmenter
from unpaired.networks.segmenter import rarity


class Segmenter(Game[Mapped]):
    """f -> network. Cross-entropy over the pixels whose class is told; a class weighs by the root of its rarity where asked to.

    counts: the pixels of each class in the training images. ConfigError where they tell none.
    """

    weights: Tensor

    def __init__(self, spec: specs.Segmenter, *, shape: Shape, classes: Sequence[str], counts: Sequence[int]) -> None:
        super().__init__()
        if not any(counts):
            raise ConfigError(
                "a segmenter learns from label maps, found no training image with a labelled pixel; put a map for each image "
                "into labels/, under its name"
            )
        self.spec, self.shape, self.classes = spec, shape, tuple(classes)
        self.network = segmenter(spec.network, shape, classes=len(classes))
        self.register_buffer("weights", rarity(torch.tensor(counts)) if spec.balance else torch.ones(len(classes)))

    def players(self) -> dict[str, nn.Module]:
        return {"segmenter": self.network}

    def play(self, batch: Mapped, step: int) -> Iterator[Turn]:
        yield Turn("segmenter", {"pixels": pixel_loss(self.network(batch.x), batch.labels, weights=self.weights, void=VOID)})

    def remains(self) -> Mapping[str, products.Segmenter]:
        spec, shape, classes = self.spec.network, self.shape, self.classes
        return {"segmenter": products.Segmenter(self.network, spec=spec, shape=shape, classes=classes)}

    def chance(self) -> dict[str, float]:
        return {}
