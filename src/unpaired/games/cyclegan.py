"""CycleGAN: two GANs whose generators must undo each other (Zhu et al., ICCV 2017, section 3), and its ablations (5.1.4)."""

from collections.abc import Iterator

from torch import nn

from unpaired.data.batches import Unpaired
from unpaired.errors import ShapeError
from unpaired.games import specs
from unpaired.games.base import Game, Turn, together
from unpaired.games.reading import Reader
from unpaired.games.replay import Replay
from unpaired.networks.build import Shape, discriminator, generator
from unpaired.translator import Translator, both_ways


class CycleGAN(Game[Unpaired]):
    """G -> a_to_b, F -> b_to_a, D_X -> discriminate_a, D_Y -> discriminate_b; x, y -> a, b.

    Losses whose weight is 0 are not computed, and without an adversarial one there are no discriminators. With `same_class` a
    classifier f_S -> read keeps translations in the class that it reads in the image (CyCADA).
    """

    def __init__(self, spec: specs.CycleGAN, *, shape_a: Shape, shape_b: Shape) -> None:
        super().__init__()
        self.spec, self.shape_a, self.shape_b = spec, shape_a, shape_b
        if spec.identity and shape_a != shape_b:
            raise ShapeError(f"the identity loss needs domains of one shape, found {shape_a} and {shape_b}; use --identity 0")
        self.a_to_b = generator(spec.generator, shape_a, shape_b)
        self.b_to_a = generator(spec.generator, shape_b, shape_a)
        if spec.adversarial:
            self.discriminate_a = discriminator(spec.discriminator, shape_a)
            self.discriminate_b = discriminator(spec.discriminator, shape_b)
            self.replay_a, self.replay_b = Replay(spec.pool, shape_a), Replay(spec.pool, shape_b)
        if isinstance(spec.semantic, specs.SameClass):
            if shape_a != shape_b:
                raise ShapeError(f"one classifier reads both domains, so they need one shape; found {shape_a} and {shape_b}")
            self.read = Reader(spec.semantic.reader, shape=shape_a)

    def players(self) -> dict[str, nn.Module]:
        players: dict[str, nn.Module] = {"generators": nn.ModuleList([self.a_to_b, self.b_to_a])}
        if self.spec.adversarial:
            players["discriminators"] = nn.ModuleList([self.discriminate_a, self.discriminate_b])
        return players

    def play(self, batch: Unpaired, step: int) -> Iterator[Turn]:
        a, b, spec, gan, distance = batch.a, batch.b, self.spec, self.spec.gan, self.spec.distance
        losses = {}
        if spec.identity:
            (fake_b, same_b), (fake_a, same_a) = together(self.a_to_b, a, b), together(self.b_to_a, b, a)
            losses["identity_a"] = spec.identity * distance(same_a, a)  # L_identity, section 5.2
            losses["identity_b"] = spec.identity * distance(same_b, b)
        else:
            fake_b, fake_a = self.a_to_b(a), self.b_to_a(b)
        if spec.adversarial:
            losses["gan_a"] = spec.adversarial * gan.generator(self.discriminate_a(fake_a)[0])  # L_GAN(F, D_X), equation 1
            losses["gan_b"] = spec.adversarial * gan.generator(self.discriminate_b(fake_b)[0])  # L_GAN(G, D_Y)
        if spec.forward:
            losses["cycle_a"] = spec.forward * distance(self.b_to_a(fake_b), a)  # |F(G(x)) - x|, equation 2
        if spec.backward:
            losses["cycle_b"] = spec.backward * distance(self.a_to_b(fake_a), b)  # |G(F(y)) - y|
        if isinstance(spec.semantic, specs.SameClass):
            losses["semantic_a"] = spec.semantic.weight * self.read.disagreement(a, fake_b)  # CyCADA, section 3
            losses["semantic_b"] = spec.semantic.weight * self.read.disagreement(b, fake_a)
        yield Turn("generators", losses)
        if spec.adversarial:
            real_a, old_a = together(self.discriminate_a, a, self.replay_a.swap(fake_a))
            real_b, old_b = together(self.discriminate_b, b, self.replay_b.swap(fake_b))
            losses = {
                "a": 0.5 * gan.discriminator(real_a, old_a),  # halved, section 4
                "b": 0.5 * gan.discriminator(real_b, old_b),
            }
            yield Turn("discriminators", losses)

    def remains(self) -> dict[str, Translator]:
        return both_ways(self.a_to_b, self.b_to_a, spec=self.spec.generator, a=self.shape_a, b=self.shape_b)

    def chance(self) -> dict[str, float]:
        if not self.spec.adversarial:
            return {}
        return {"discriminators/a": 0.5 * self.spec.gan.chance, "discriminators/b": 0.5 * self.spec.gan.chance}
