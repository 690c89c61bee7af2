"""Images -> classes, and features: what remains of a discriminator."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from unpaired import config, images
from unpaired.errors import ConfigError
from unpaired.networks import specs
from unpaired.networks.build import Shape
from unpaired.networks.judged import pooled
from unpaired.products.asking import evaluating, given, in_parts


class Classifier:
    """A discriminator as what it learned: classes of images, where it tells any, and features.

    network: [N, *shape] in [-1, 1] -> `networks.judged.Judged`. classes: their names, the first scores in order; none for a
    discriminator that tells real from generated alone. generated: the last score, after those of the classes, is that of being
    generated (SGAN). source: whether it scores the source too. fit, background: how pictures are brought to `shape`.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        spec: specs.Judge,
        shape: Shape,
        classes: Sequence[str] = (),
        generated: bool = False,
        source: bool = True,
        fit: images.Fit = "crop",
        background: str = "white",
    ) -> None:
        self.network, self.spec, self.shape = network, spec, shape
        self.classes, self.generated, self.source = tuple(classes), generated, source
        self.fit, self.background = fit, background

    def __repr__(self) -> str:
        what = ", ".join(self.classes) if self.classes else "features"
        return f"<Classifier {'x'.join(map(str, self.shape))} -> {what} by {config.format_choice(self.spec)}>"

    def __call__(self, x: Any) -> Any:
        """The name of the class of a picture, or the names of a batch of images (see `products.asking.given`). ConfigError where
        it tells none.
        """
        batch, alone = given(x, shape=self.shape, fit=self.fit, background=self.background)
        names = [self.classes[index] for index in self.scores(batch).argmax(dim=1)]
        return names[0] if alone else names

    def scores(self, x: Tensor) -> Tensor:
        """The probability of each class if the image is a real one: [N, *shape] in [-1, 1] -> [N, K] float32 on the CPU."""
        if not self.classes:
            raise ConfigError("this discriminator tells no classes, only features; train sgan or acgan for a classifier")
        with evaluating(self.network) as device:
            # forward, not the call: a network compiled for training would be compiled once more.
            logits = in_parts(lambda part: self.network.forward(part).classes, x, device=device)
        return logits[:, : len(self.classes)].softmax(dim=1)

    def features(self, x: Tensor) -> Tensor:
        """All layers' features: [N, *shape] -> [N, F] float32 on the CPU. Those of convolutions are max-pooled to 4 x 4, as
        DCGAN's authors do (Radford et al. 2015, section 5.1).
        """

        def joined(part: Tensor) -> Tensor:
            layers = self.network.forward(part).features
            return torch.cat([pooled([layer]) if layer.dim() == 4 else layer for layer in layers], dim=1)

        with evaluating(self.network) as device:
            return in_parts(joined, x, device=device)
