"""Images -> codes -> images."""

from typing import Any

import torch
from torch import Tensor

from unpaired import config, images
from unpaired.networks import specs
from unpaired.networks.autoencoder import StackedAutoencoder
from unpaired.networks.build import Shape
from unpaired.products.asking import evaluating, given, in_parts


class Autoencoder:
    """z = f(x), x = g(z): an encoder and a decoder. fit, background: how pictures are brought to `shape`."""

    def __init__(
        self,
        network: StackedAutoencoder,
        *,
        spec: specs.Autoencoder,
        shape: Shape,
        fit: images.Fit = "crop",
        background: str = "white",
    ) -> None:
        self.network, self.spec, self.shape, self.fit, self.background = network, spec, shape, fit, background

    def __repr__(self) -> str:
        return f"<Autoencoder {'x'.join(map(str, self.shape))} <-> {self.spec.code} by {config.format_choice(self.spec)}>"

    def __call__(self, x: Any) -> Tensor:
        """The code of a picture [code], or of a batch of images [N, code] (see `products.asking.given`), float32 on the CPU."""
        batch, alone = given(x, shape=self.shape, fit=self.fit, background=self.background)
        codes = self.encode(batch)
        return codes[0] if alone else codes

    def encode(self, x: Tensor) -> Tensor:
        """[N, *shape] in [-1, 1] -> [N, code], float32 on the CPU."""
        with evaluating(self.network) as device:
            return in_parts(self.network.encode, x.float(), device=device)

    def decode(self, codes: Tensor) -> Tensor:
        """[N, code] -> [N, *shape] in [-1, 1], float32 on the CPU."""
        with evaluating(self.network) as device:
            return in_parts(self.network.decode, codes.float(), device=device).clamp(-1, 1)

    def reconstruct(self, x: Tensor) -> Tensor:
        """There and back: [N, *shape] in [-1, 1] -> the same."""
        return self.decode(self.encode(x)) if len(x) else torch.empty(0, *self.shape)
