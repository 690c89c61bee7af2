"""The two baselines of DiscoGAN's paper: GAN from A to B, without and with reconstruction (Kim et al. 2017, section 3.2)."""

from collections.abc import Iterator

from torch import nn

from unpaired.data.batches import Unpaired
from unpaired.games import specs
from unpaired.games.base import Game, Turn
from unpaired.networks.build import Shape, discriminator, generator
from unpaired.translator import Translator, both_ways


class TranslationGAN(Game[Unpaired]):
    """Standard GAN. G_AB -> a_to_b, D_B -> discriminate_b."""

    def __init__(self, spec: specs.TranslationGAN, *, shape_a: Shape, shape_b: Shape) -> None:
        super().__init__()
        self.spec, self.shape_a, self.shape_b = spec, shape_a, shape_b
        self.a_to_b = generator(spec.generator, shape_a, shape_b)
        self.discriminate_b = discriminator(spec.discriminator, shape_b)

    def players(self) -> dict[str, nn.Module]:
        return {"generator": self.a_to_b, "discriminator": self.discriminate_b}

    def play(self, batch: Unpaired, step: int) -> Iterator[Turn]:
        gan = self.spec.gan
        fake_b = self.a_to_b(batch.a)
        yield Turn("generator", {"gan_b": gan.generator(self.discriminate_b(fake_b)[0])})  # L_GAN_B, equation 2
        real, fake = self.discriminate_b(batch.b)[0], self.discriminate_b(fake_b)[0]
        yield Turn("discriminator", {"b": gan.discriminator(real, fake)})  # L_D_B, equation 5

    def remains(self) -> dict[str, Translator]:
        return {"a_to_b": Translator(self.a_to_b, spec=self.spec.generator, source=self.shape_a, target=self.shape_b)}

    def chance(self) -> dict[str, float]:
        return {"discriminator/b": self.spec.gan.chance}


class ReconstructionGAN(Game[Unpaired]):
    """GAN with a reconstruction loss. G_AB -> a_to_b, G_BA -> b_to_a, D_B -> discriminate_b."""

    def __init__(self, spec: specs.ReconstructionGAN, *, shape_a: Shape, shape_b: Shape) -> None:
        super().__init__()
        self.spec, self.shape_a, self.shape_b = spec, shape_a, shape_b
        self.a_to_b = generator(spec.generator, shape_a, shape_b)
        self.b_to_a = generator(spec.generator, shape_b, shape_a)
        self.discriminate_b = discriminator(spec.discriminator, shape_b)

    def players(self) -> dict[str, nn.Module]:
        return {"generators": nn.ModuleList([self.a_to_b, self.b_to_a]), "discriminator": self.discriminate_b}

    def play(self, batch: Unpaired, step: int) -> Iterator[Turn]:
        gan, weight = self.spec.gan, self.spec.reconstruction
        fake_b = self.a_to_b(batch.a)
        yield Turn(
            "generators",
            {
                "gan_b": gan.generator(self.discriminate_b(fake_b)[0]),  # L_GAN_B, equation 2
                "reconstruct_a": weight * self.spec.distance(self.b_to_a(fake_b), batch.a),  # L_CONST_A, equation 1
            },
        )
        real, fake = self.discriminate_b(batch.b)[0], self.discriminate_b(fake_b)[0]
        yield Turn("discriminator", {"b": gan.discriminator(real, fake)})  # L_D_B, equation 5

    def remains(self) -> dict[str, Translator]:
        return both_ways(self.a_to_b, self.b_to_a, spec=self.spec.generator, a=self.shape_a, b=self.shape_b)

    def chance(self) -> dict[str, float]:
        return {"discriminator/b": self.spec.gan.chance}
