"""ACGAN: the generator is told a class, and the discriminator tells it (Odena, Olah and Shlens, ICML 2017, section 3)."""

from collections.abc import Iterator, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import nn

from unpaired.data.image_set import Images
from unpaired.errors import ConfigError
from unpaired.games import specs
from unpaired.games.base import Game, Turn
from unpaired.losses import class_loss
from unpaired.networks.build import Shape, judge, noise_generator
from unpaired.products import Classifier, Noise, Sampler


class ACGAN(Game[Images]):
    """G -> generate, D -> discriminate; c, z -> target, noise; L_S -> source, L_C -> classes. Both players raise L_C."""

    def __init__(self, spec: specs.ACGAN, *, shape: Shape, classes: Sequence[str]) -> None:
        super().__init__()
        if not classes:
            raise ConfigError(
                "ACGAN makes images of classes, found images without any; label them (a folder for each class, IDX, NPZ, a "
                "table), or say with --label which column of the table is the class"
            )
        self.spec, self.shape, self.classes = spec, shape, tuple(classes)
        self.noise = Noise(spec.noise, spec.distribution)
        self.generate = noise_generator(spec.generator, shape, noise=spec.noise, condition=len(classes))
        self.discriminate = judge(spec.discriminator, shape, classes=len(classes))

    def players(self) -> dict[str, nn.Module]:
        return {"discriminator": self.discriminate, "generator": self.generate}

    def play(self, batch: Images, step: int) -> Iterator[Turn]:
        real, gan, weight = batch.x, self.spec.gan, self.spec.classification
        noise = self.noise.draw(len(real)).to(real.device)
        target = torch.randint(len(self.classes), (len(real),)).to(real.device)
        fake = self.generate(noise, F.one_hot(target, len(self.classes))).to(real.dtype)

        of_real, of_fake = self.discriminate(real), self.discriminate(fake.detach())
        known = class_loss(of_real.classes, batch.classes) + class_loss(of_fake.classes, target)
        yield Turn(
            "discriminator",
            {
                "source": gan.discriminator(of_real.source, of_fake.source),  # -L_S, equation 2
                "classes": weight * known,  # -L_C, equation 3
            },
        )
        judged = self.discriminate(fake)
        yield Turn(
            "generator",
            {
                "source": gan.generator(judged.source),  # L_S
                "classes": weight * class_loss(judged.classes, target),  # -L_C
            },
        )

    def remains(self) -> Mapping[str, Sampler | Classifier]:
        spec, shape, classes = self.spec, self.shape, self.classes
        return {
            "sampler": Sampler(self.generate, spec=spec.generator, shape=shape, noise=self.noise, classes=classes),
            "classifier": Classifier(self.discriminate, spec=spec.discriminator, shape=shape, classes=classes),
        }

    def chance(self) -> dict[str, float]:
        return {"discriminator/source": self.spec.gan.chance}
