"""SGAN: the discriminator is a classifier with one more class, "generated" (Odena 2016, arXiv 1606.01583, section 2)."""

from collections.abc import Iterator, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unpaired.data.image_set import FewLabelled
from unpaired.errors import ConfigError
from unpaired.games import specs
from unpaired.games.base import Game, Turn
from unpaired.games.generator_specs import MatchingFeatures
from unpaired.losses import NonSaturating, feature_matching
from unpaired.networks.build import Shape, judge, noise_generator
from unpaired.products import Classifier, Noise, Sampler


class SGAN(Game[FewLabelled]):
    """G -> generate, D/C -> discriminate; a step sees labelled images, unlabelled ones and generated ones.

    p(generated | x) is the softmax's last share, so the score of being real is the log-odds of all others (Salimans et al. 2016,
    section 5), and what is learned from unlabelled images is the usual game.
    """

    def __init__(self, spec: specs.SGAN, *, shape: Shape, classes: Sequence[str]) -> None:
        super().__init__()
        if not classes:
            raise ConfigError(
                "SGAN learns classes, found images without any; label some (a folder for each class, IDX, NPZ, a table), or say "
                "with --label which column of the table is the class"
            )
        self.spec, self.shape, self.classes, self.gan = spec, shape, tuple(classes), NonSaturating()
        self.noise = Noise(spec.noise, spec.distribution)
        self.generate = noise_generator(spec.generator, shape, noise=spec.noise)
        self.discriminate = judge(spec.discriminator, shape, source=False, classes=len(classes) + 1)

    def players(self) -> dict[str, nn.Module]:
        return {"discriminator": self.discriminate, "generator": self.generate}

    def play(self, batch: FewLabelled, step: int) -> Iterator[Turn]:
        real, told, spec = batch.x, batch.told, self.spec
        fake = self.generate(self.noise.draw(len(real)).to(real.device)).to(real.dtype)

        scores = [self.discriminate(x).classes for x in (told.x, real, fake.detach())]
        losses = {
            "classes": spec.supervised * F.cross_entropy(scores[0], told.classes),  # -log p(y | x), of N + 1 classes
            "source": self.gan.discriminator(_source(scores[1]), _source(scores[2])),  # -log p(y <= N | x) - log p(N + 1 | G(z))
        }
        yield Turn("discriminator", losses)

        judged = self.discriminate(fake)
        if isinstance(spec.goal, MatchingFeatures):
            with torch.no_grad():
                features = self.discriminate(real).features
            yield Turn("generator", {"features": feature_matching(features[-1:], judged.features[-1:])})
        else:
            yield Turn("generator", {"source": self.gan.generator(_source(judged.classes))})  # -log p(y <= N | G(z))

    def remains(self) -> Mapping[str, Classifier | Sampler]:
        spec = self.spec
        classifier = Classifier(
            self.discriminate, spec=spec.discriminator, shape=self.shape, classes=self.classes, generated=True, source=False
        )
        sampler = Sampler(self.generate, spec=spec.generator, shape=self.shape, noise=self.noise)
        return {"classifier": classifier, "sampler": sampler}

    def chance(self) -> dict[str, float]:
        # A generator that matches features does not mind a discriminator that knows its images.
        return {} if isinstance(self.spec.goal, MatchingFeatures) else {"discriminator/source": self.gan.chance}


def _source(scores: Tensor) -> Tensor:
    """The score of being real, before a sigmoid: [N, K + 1] -> [N]."""
    return scores[:, :-1].logsumexp(dim=1) - scores[:, -1]
