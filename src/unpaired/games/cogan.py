"""CoGAN: two GANs that share their high-level layers (Liu and Tuzel, NIPS 2016, section 3; adaptation, section 4)."""

from collections.abc import Iterator, Mapping, Sequence

from torch import Tensor, nn

from unpaired.data.image_pair import Joint
from unpaired.games import specs
from unpaired.games.base import Game, Turn
from unpaired.losses import class_loss
from unpaired.networks.build import Shape, judge, noise_generator
from unpaired.networks.coupled import CoupledGenerators, CoupledJudges
from unpaired.products import Classifier, Noise, Sampler


class CoGAN(Game[Joint]):
    """g_1, g_2 -> generate, f_1, f_2 -> discriminate; domains 1 and 2 -> a and b. Each couple is one player.

    One noise makes an image of each domain, which belong together as far as the shared layers decide what they show.
    """

    def __init__(self, spec: specs.CoGAN, *, shape_a: Shape, shape_b: Shape, classes: Sequence[str] = ()) -> None:
        super().__init__()
        self.spec, self.shapes = spec, (shape_a, shape_b)
        self.classes = tuple(classes) if spec.classification else ()
        self.noise = Noise(spec.noise, spec.distribution)
        generators = (noise_generator(spec.generator, shape, noise=spec.noise) for shape in self.shapes)
        judges = (judge(spec.discriminator, shape, classes=len(self.classes)) for shape in self.shapes)
        self.generate, self.discriminate = CoupledGenerators(*generators), CoupledJudges(*judges)

    def players(self) -> dict[str, nn.Module]:
        return {"discriminators": self.discriminate, "generators": self.generate}

    def play(self, batch: Joint, step: int) -> Iterator[Turn]:
        a, b, gan = batch.a.x, batch.b.x, self.spec.gan
        fake_a, fake_b = (fake.to(a.dtype) for fake in self.generate(self.noise.draw(len(a)).to(a.device)))

        real, made = self.discriminate(a, b), self.discriminate(fake_a.detach(), fake_b.detach())
        losses = {  # equation 1, both lines
            "a": gan.discriminator(real[0].source, made[0].source),
            "b": gan.discriminator(real[1].source, made[1].source),
        }
        if self.classes:
            losses["classes"] = self.spec.classification * class_loss(real[0].classes, batch.a.classes)  # section 4
        if self.spec.agreement:
            losses["agreement"] = self.spec.agreement * _apart(made[0].features[-1], made[1].features[-1])  # the authors' code
        yield Turn("discriminators", losses)

        judged = self.discriminate(fake_a, fake_b)
        yield Turn("generators", {"a": gan.generator(judged[0].source), "b": gan.generator(judged[1].source)})

    def remains(self) -> Mapping[str, Sampler | Classifier]:
        """A sampler of each domain; one noise given to both makes a pair. And what reads the classes of each."""
        spec, remains = self.spec, dict[str, Sampler | Classifier]()
        for letter, generator, shape in zip("ab", self.generate.pair, self.shapes, strict=True):
            remains[f"sampler_{letter}"] = Sampler(generator, spec=spec.generator, shape=shape, noise=self.noise)
        for letter, network, shape in zip("ab", self.discriminate.pair, self.shapes, strict=True):
            if self.classes:
                remains[f"classifier_{letter}"] = Classifier(network, spec=spec.discriminator, shape=shape, classes=self.classes)
        return remains

    def chance(self) -> dict[str, float]:
        return {"discriminators/a": self.spec.gan.chance, "discriminators/b": self.spec.gan.chance}


def _apart(a: Tensor, b: Tensor) -> Tensor:
    """E |a - b|_2^2 over pairs of features [N, ...]."""
    return (a.float() - b.float()).square().flatten(1).sum(dim=1).mean()
