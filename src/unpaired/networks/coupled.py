"""Two networks that share all but one layer (CoGAN: Liu and Tuzel 2016, section 3)."""

from typing import Any

import torch
from torch import Tensor, nn

from unpaired.networks.judged import Judged


class CoupledGenerators(nn.Module):
    """noise [N, Z] -> (images of A, images of B): all layers are shared but the last, so the two differ in details alone.

    a, b: generators of one architecture; b's layers but the last are thrown away. `a` and `b` are then whole networks.
    """

    def __init__(self, a: Any, b: Any) -> None:
        super().__init__()
        b.share(a)
        self.first, self.last_b = a, b.last
        self.pair = (a, b)  # in a tuple, so that shared weights are registered once, and saved once

    @property
    def a(self) -> nn.Module:
        """A's generator."""
        return self.pair[0]

    @property
    def b(self) -> nn.Module:
        """B's generator."""
        return self.pair[1]

    def forward(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.pair[0].hidden(noise)
        return self.pair[0].image(hidden), self.pair[1].image(hidden)


class CoupledJudges(nn.Module):
    """(images of A [N, ...], images of B [M, ...]) -> two `Judged`: all layers are shared but the first.

    A batch norm sees both domains together, as in the authors' code. a, b: as above, but that b keeps its first layer.
    """

    def __init__(self, a: Any, b: Any) -> None:
        super().__init__()
        b.share(a)
        self.whole, self.first_b = a, b.own
        self.pair = (a, b)

    @property
    def a(self) -> nn.Module:
        """A's discriminator."""
        return self.pair[0]

    @property
    def b(self) -> nn.Module:
        """B's discriminator."""
        return self.pair[1]

    def forward(self, a: Tensor, b: Tensor) -> tuple[Judged, Judged]:
        judged = self.pair[0].rest(torch.cat([self.pair[0].first(a), self.pair[1].first(b)]))
        sizes = [len(a), len(b)]

        def parts(x: Tensor | None) -> tuple[Tensor | None, ...]:
            return (None, None) if x is None else x.split(sizes)

        features = list(zip(*(layer.split(sizes) for layer in judged.features), strict=True))
        (source_a, source_b), (classes_a, classes_b) = parts(judged.source), parts(judged.classes)
        return Judged(source_a, classes_a, list(features[0])), Judged(source_b, classes_b, list(features[1]))
