"""GAN: a generator against a discriminator (Goodfellow et al. 2014, section 3), and DCGAN (Radford et al. 2015), which is the
same game between convolutional networks; with remedies for mode collapse: packing, a Wasserstein critic, R1.
"""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from unpaired.data.image_set import Images
from unpaired.errors import ShapeError
from unpaired.games import specs
from unpaired.games.base import Game, Turn
from unpaired.losses import R1, Wasserstein, slope_penalty
from unpaired.networks.build import Shape, judge, noise_generator
from unpaired.networks.specs import Mlp
from unpaired.products import Classifier, Noise, Sampler


class GAN(Game[Images]):
    """G -> generate, D -> discriminate; x -> real, p_z -> noise.

    The discriminator moves in every step, the generator in every `critic`-th, by the same noise. Packed (Lin et al. 2018), D
    judges so many samples as one of as many times the channels.
    """

    def __init__(self, spec: specs.GAN | specs.DCGAN, *, shape: Shape, classes: Sequence[str] = ()) -> None:
        """classes: the data's, which this game does not look at."""
        super().__init__()
        self.spec, self.shape = spec, shape
        self.noise = Noise(spec.noise, spec.distribution)
        self.generate = noise_generator(spec.generator, shape, noise=spec.noise)
        self.discriminate = judge(spec.discriminator, (spec.packing * shape[0], *shape[1:]))

    def players(self) -> dict[str, nn.Module]:
        return {"discriminator": self.discriminate, "generator": self.generate}

    def play(self, batch: Images, step: int) -> Iterator[Turn]:
        real, spec, gan = batch.x, self.spec, self.spec.gan
        generator_moves = step % spec.critic == spec.critic - 1
        with torch.set_grad_enabled(generator_moves):
            lead = real.shape[: real.dim() - len(self.shape)]  # several for points of many members
            fake = self.generate(self.noise.draw(*lead).to(real.device)).to(real.dtype)

        penalties = {}
        if isinstance(spec.penalty, R1):
            on_real, slopes = self._sloping(self._packed(real))
            penalties["r1"] = spec.penalty(slopes)
        else:
            on_real = self._score(real)
        if isinstance(gan, Wasserstein) and gan.penalty:
            penalties["penalty"] = gan.penalty * slope_penalty(self._slopes(real, fake.detach()))
        source = gan.discriminator(on_real, self._score(fake.detach()))  # equation 1
        yield Turn("discriminator", {"source": source, **penalties})

        if generator_moves:
            yield Turn("generator", {"source": gan.generator(self._score(fake))})

    def remains(self) -> Mapping[str, Sampler | Classifier]:
        """A sampler, and the discriminator for its features; nothing of many members side by side."""
        spec, remains = self.spec, dict[str, Sampler | Classifier]()
        if not (isinstance(spec.generator, Mlp) and spec.generator.members):
            remains["sampler"] = Sampler(self.generate, spec=spec.generator, shape=self.shape, noise=self.noise)
        if spec.packing == 1 and not isinstance(spec.discriminator, Mlp):
            remains["discriminator"] = Classifier(self.discriminate, spec=spec.discriminator, shape=self.shape)
        return remains

    def chance(self) -> dict[str, float]:
        gan = self.spec.gan
        return {} if isinstance(gan, Wasserstein) else {"discriminator/source": gan.chance}

    def _score(self, x: Tensor) -> Tensor:
        return self.discriminate(self._packed(x)).source

    def _slopes(self, real: Tensor, fake: Tensor) -> Tensor:
        """D's slope by each sample, between real and generated ones: [samples, ...] (Gulrajani et al. 2017, section 4)."""
        real, fake = self._packed(real), self._packed(fake)
        lead = real.shape[: real.dim() - len(self.shape)]
        share = torch.rand(*lead, *[1] * len(self.shape)).to(real.device)
        return self._sloping(share * real + (1 - share) * fake)[1]

    def _sloping(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Packed samples -> D's scores, and its slope by each of them: [samples, ...]. Weights learn through both."""
        x = x.detach().requires_grad_()
        # forward, not the call: what torch.compile makes of a network cannot be differentiated twice.
        score = self.discriminate.forward(x).source
        (slopes,) = torch.autograd.grad(score.sum(), x, create_graph=True)
        return score, slopes.flatten(0, score.dim() - 1)

    def _packed(self, x: Tensor) -> Tensor:
        """Samples [..., N, C, ...] -> [..., N / m, m C, ...]."""
        packing, axis = self.spec.packing, x.dim() - len(self.shape) - 1
        if packing == 1:
            return x
        if x.shape[axis] % packing:
            raise ShapeError(
                f"a batch of {x.shape[axis]} cannot be packed by {packing}; wanted a --batch that is a multiple of it"
            )
        return x.unflatten(axis, (-1, packing)).flatten(axis + 1, axis + 2)
