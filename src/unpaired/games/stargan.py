"""StarGAN: one translator for many domains (Choi et al., CVPR 2018, section 3), and for many data sets (section 3.2)."""

from collections.abc import Iterator, Mapping

import torch
from torch import nn

from unpaired.attribute_translator import AttributeTranslator
from unpaired.data.batches import Labelled
from unpaired.data.labelling import Labelling
from unpaired.errors import ConfigError
from unpaired.games import specs
from unpaired.games.base import Game, Turn
from unpaired.losses import Wasserstein, slope_penalty
from unpaired.networks.build import Shape, label_discriminator, label_generator


class StarGAN(Game[Labelled]):
    """G -> generate, D_src and D_cls -> discriminate; x -> real, c' -> label, c -> target.

    The images of a step are of one data set. The discriminator moves in every step, the generator in every `critic`-th of each
    data set.
    """

    def __init__(self, spec: specs.StarGAN, *, shape: Shape, labelling: Labelling) -> None:
        super().__init__()
        if not labelling.attributes:
            raise ConfigError("StarGAN translates between values of attributes, found images without any; label them")
        self.spec, self.shape, self.labelling = spec, shape, labelling._replace(mask=spec.mask)
        self.generate = label_generator(spec.generator, shape, self.labelling.length)
        self.discriminate = label_discriminator(spec.discriminator, shape, self.labelling.numbers)

    def players(self) -> dict[str, nn.Module]:
        return {"discriminator": self.discriminate, "generator": self.generate}

    def play(self, batch: Labelled, step: int) -> Iterator[Turn]:
        real, spec, gan, labelling = batch.x, self.spec, self.spec.gan, self.labelling
        targets = batch.values[torch.randperm(len(real)).to(real.device)]  # other images' labels, as in the authors' code
        label, target = (labelling.encode(values, origin=batch.origin) for values in (batch.values, targets))
        generator_moves = (step // len(labelling.known)) % spec.critic == spec.critic - 1
        with torch.set_grad_enabled(generator_moves):
            fake = self.generate(real, target)

        scores, answers = self.discriminate(torch.cat([real, fake.detach().to(real.dtype)]))
        losses = {
            "source": gan.discriminator(*scores.split(len(real))),  # L_adv, equation 1, or with Wasserstein equation 8
            "classes": spec.classification * labelling.loss(answers[: len(real)], batch.values),  # L_cls^r, equation 2
        }
        if isinstance(gan, Wasserstein) and gan.penalty:
            share = torch.rand(len(real), 1, 1, 1).to(real.device)
            between = share * real + (1 - share) * fake.detach()
            losses["penalty"] = gan.penalty * slope_penalty(self.discriminate.slopes(between))  # equation 8
        yield Turn("discriminator", losses)

        if generator_moves:
            score, answer = self.discriminate(fake)
            losses = {
                "source": gan.generator(score),
                "classes": spec.classification * labelling.loss(answer, targets),  # L_cls^f, equation 3
                "reconstruction": spec.reconstruction * spec.distance(self.generate(fake, label), real),  # L_rec, equation 4
            }
            if spec.identity:
                losses["identity"] = spec.identity * spec.distance(self.generate(real, label), real)  # not in the paper
            yield Turn("generator", losses)

    def remains(self) -> Mapping[str, AttributeTranslator]:
        translator = AttributeTranslator(
            self.generate,
            spec=self.spec.generator,
            shape=self.shape,
            labelling=self.labelling,
            reader=self.discriminate,
            reader_spec=self.spec.discriminator,
        )
        return {"attributes": translator}

    def chance(self) -> dict[str, float]:
        gan = self.spec.gan
        return {} if isinstance(gan, Wasserstein) else {"discriminator/source": gan.chance}
