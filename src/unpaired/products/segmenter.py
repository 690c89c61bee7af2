"""Images -> the class of each pixel."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from unpaired import config, images
from unpaired.networks import specs
from unpaired.networks.build import Shape
from unpaired.products.asking import evaluating, given

AT_ONCE = 1 << 18
"""Values [C, H, W] of images that a network is shown at once: 21 colour images of 64 px. Its layers hold many times as many."""


class Segmenter:
    """Tells the class of each pixel.

    network: [N, *shape] in [-1, 1] -> scores [N, K, H, W]. classes: their names, in order. fit, background: how pictures are
    brought to `shape`.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        spec: specs.SmallUNet,
        shape: Shape,
        classes: Sequence[str],
        fit: images.Fit = "crop",
        background: str = "white",
    ) -> None:
        self.network, self.spec, self.shape, self.classes = network, spec, shape, tuple(classes)
        self.fit, self.background = fit, background

    def __repr__(self) -> str:
        size, classes = "x".join(map(str, self.shape)), ", ".join(self.classes)
        return f"<Segmenter {size} -> {classes} by {config.format_choice(self.spec)}>"

    def __call__(self, x: Any) -> Any:
        """The map of a picture, uint8 [H, W] of the trained size, or those of a batch of images (see `products.asking.given`):
        for each pixel the place of its class among `classes`.
        """
        batch, alone = given(x, shape=self.shape, fit=self.fit, background=self.background)
        labels = self.labels(batch).to(torch.uint8).numpy()
        return labels[0] if alone else labels

    def labels(self, x: Tensor) -> Tensor:
        """The most likely class of each pixel: [N, *shape] in [-1, 1] -> int64 [N, H, W] on the CPU."""
        few = max(1, AT_ONCE // max(1, x[:1].numel()))
        with evaluating(self.network) as device:
            # forward, not the call: a network compiled for training would be compiled once more.
            return torch.cat([self.network.forward(part.float().to(device)).argmax(dim=1).cpu() for part in x.split(few)])
