"""A classifier, taught by labels alone: what adaptation begins with and is measured by, as SGAN is. A game of one player."""

from collections.abc import Iterator, Mapping, Sequence

import torch.nn.functional as F
from torch import nn

from unpaired import products
from unpaired.data.image_set import Images
from unpaired.errors import ConfigError
from unpaired.games import specs
from unpaired.games.base import Game, Turn
from unpaired.networks.build import Shape, judge


class Classifier(Game[Images]):
    """f -> network. Cross-entropy over images whose class is told, the same ones that SGAN is told; the network is a
    discriminator's, without a source.
    """

    def __init__(self, spec: specs.Classifier, *, shape: Shape, classes: Sequence[str]) -> None:
        super().__init__()
        if not classes:
            raise ConfigError(
                "a classifier learns classes, found images without any; label them (a folder for each class, IDX, NPZ, a table), "
                "or say with --label which column of the table is the class"
            )
        self.spec, self.shape, self.classes = spec, shape, tuple(classes)
        self.network = judge(spec.network, shape, source=False, classes=len(classes))

    def players(self) -> dict[str, nn.Module]:
        return {"classifier": self.network}

    def play(self, batch: Images, step: int) -> Iterator[Turn]:
        yield Turn("classifier", {"classes": F.cross_entropy(self.network(batch.x).classes, batch.classes)})

    def remains(self) -> Mapping[str, products.Classifier]:
        spec, shape, classes = self.spec.network, self.shape, self.classes
        return {"classifier": products.Classifier(self.network, spec=spec, shape=shape, classes=classes, source=False)}

    def chance(self) -> dict[str, float]:
        return {}
