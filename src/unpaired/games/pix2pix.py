"""pix2pix: a conditional GAN on pairs (Isola et al., CVPR 2017, section 3)."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from unpaired.data.batches import Paired
from unpaired.games import specs
from unpaired.games.base import Game, Turn, together
from unpaired.networks.build import Shape, discriminator, generator
from unpaired.translator import Translator


class Pix2Pix(Game[Paired]):
    """G -> a_to_b, D -> discriminate; x, y -> a, b. The noise z is the generator's dropout."""

    def __init__(self, spec: specs.Pix2Pix, *, shape_a: Shape, shape_b: Shape) -> None:
        super().__init__()
        self.spec, self.shape_a, self.shape_b = spec, shape_a, shape_b
        self.a_to_b = generator(spec.generator, shape_a, shape_b)
        self.discriminate = discriminator(spec.discriminator, (shape_a[0] + shape_b[0], *shape_b[1:]))

    def players(self) -> dict[str, nn.Module]:
        return {"generator": self.a_to_b, "discriminator": self.discriminate}

    def play(self, batch: Paired, step: int) -> Iterator[Turn]:
        a, b, spec, gan = batch.a, batch.b, self.spec, self.spec.gan
        fake = self.a_to_b(a)
        yield Turn(
            "generator",
            {
                "gan": gan.generator(self.discriminate(_pair(a, fake))[0]),  # L_cGAN, equation 1
                "l1": spec.l1 * spec.distance(fake, b),  # L_L1, equation 3
            },
        )
        real, made = together(self.discriminate, _pair(a, b), _pair(a, fake))
        yield Turn("discriminator", {"pair": 0.5 * gan.discriminator(real, made)})  # halved, section 3.3

    def remains(self) -> dict[str, Translator]:
        return {"a_to_b": Translator(self.a_to_b, spec=self.spec.generator, source=self.shape_a, target=self.shape_b)}

    def chance(self) -> dict[str, float]:
        return {"discriminator/pair": 0.5 * self.spec.gan.chance}


def _pair(a: Tensor, b: Tensor) -> Tensor:
    return torch.cat([a, b.to(a.dtype)], dim=1)
