"""What can be played, as data: the options of each game (those of generators in `generator_specs`). No torch here: the command
line reads these.

Where a paper and its authors' code differ, the paper is the default and the code is a typed alternative; but CycleGAN's identity
loss is on, as in its authors' code.
"""

from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, field_validator, model_validator

from unpaired.config import options
from unpaired.games.generator_specs import ACGAN, DCGAN, GAN, SGAN, Autoencoder, Classifier, CoGAN, Segmenter
from unpaired.losses import L1, L2, Adversarial, Critical, Distance, LeastSquares, NonSaturating, Wasserstein
from unpaired.networks.specs import (
    RESNET_9,
    UNET_256,
    ConvDiscriminator,
    Discriminator,
    EncoderDecoder,
    Generator,
    PatchGAN,
    StarGANDiscriminator,
    StarGANGenerator,
)
from unpaired.options import Adam

Plays = Literal["unpaired", "paired", "labelled", "images", "few-labelled", "told", "domains", "maps"]
"""What a game plays with: two domains, pairs of two domains, images with attributes; one set of images, with classes or without;
the same with a batch of images whose classes are told besides; the latter alone; two sets of images of which the first may have
classes; images with label maps.
"""
TRANSLATING: tuple[Plays, ...] = ("unpaired", "paired", "labelled")
"""What those games play with that leave translators; the others make images of nothing, or read or encode them."""


@options
class TranslationGAN:
    """Standard GAN from A to B, the first baseline of DiscoGAN's paper (Kim et al. 2017, figure 2a)."""

    game: Literal["translation-gan"] = "translation-gan"
    plays: ClassVar[Plays] = "unpaired"
    generator: Generator = EncoderDecoder()
    """The network of G_AB."""
    discriminator: Discriminator = ConvDiscriminator()
    """The network of D_B."""
    gan: Adversarial = NonSaturating()
    """The adversarial loss."""
    optimizer: Adam = Adam(weight_decay=1e-4)


@options
class ReconstructionGAN:
    """GAN with a reconstruction loss A to B to A, the second baseline of DiscoGAN's paper (figure 2b)."""

    game: Literal["reconstruction-gan"] = "reconstruction-gan"
    plays: ClassVar[Plays] = "unpaired"
    generator: Generator = EncoderDecoder()
    """The network of G_AB and of G_BA."""
    discriminator: Discriminator = ConvDiscriminator()
    """The network of D_B."""
    gan: Adversarial = NonSaturating()
    """The adversarial loss."""
    distance: Distance = L2()
    """d in the reconstruction loss."""
    reconstruction: NonNegativeFloat = 1.0
    """Weight of the reconstruction loss."""
    optimizer: Adam = Adam(weight_decay=1e-4)


class Weights(NamedTuple):
    """The weights of a DiscoGAN step's losses."""

    adversarial: float = 1.0
    feature_matching: float = 0.0
    reconstruction: float = 1.0
    identity: float = 0.0
    discriminator: float = 1.0


class Moves(NamedTuple):
    """Who moves in a step."""

    generators: bool
    discriminators: bool


@options
class PaperForm:
    """DiscoGAN as its paper writes it: an unweighted sum (equations 3 to 9), both players move in every step."""

    kind: Literal["paper"] = "paper"
    reconstruction: NonNegativeFloat = 1.0
    """Weight of both reconstruction losses: 1 in the paper."""
    identity: NonNegativeFloat = 0.0
    """Weight of the losses that ask a generator to leave images of its target domain alone: not in the paper, CycleGAN's
    (section 5.2). It keeps faces and backgrounds from drifting."""

    def weights(self, step: int) -> Weights:
        return Weights(reconstruction=self.reconstruction, identity=self.identity)

    def moves(self, step: int) -> Moves:
        return Moves(generators=True, discriminators=True)


@options
class AuthorsForm:
    """DiscoGAN as its authors' code trains it: feature matching, two stages of the reconstruction rate r, few moves of D.

    Generators: (1 - r) (0.1 GAN + 0.9 FM) + r reconstruction. The code's images lie in [0, 1] and ours in [-1, 1], where its
    squared distance is four times as large; hence r / 4 before it. Its weight decay is 1e-5: `--weight-decay 1e-5`.
    """

    kind: Literal["authors"] = "authors"
    rate_first: float = Field(default=0.01, ge=0, le=1)
    """r in the first stage: 0.01, 0.9 in the angle tasks, 0.5 in handbags2shoes."""
    rate_then: float = Field(default=0.5, ge=0, le=1)
    """r in the second stage: 0.5, 0.9 in the angle tasks."""
    first_stage: int = Field(default=10_000, ge=0)
    """Steps of the first stage."""
    feature_matching: float = Field(default=0.9, ge=0, le=1)
    """Share of feature matching in the adversarial part."""
    discriminator_every: PositiveInt = 3
    """The discriminators move in every n-th step, the generators in all others; with 1 both move in every step."""

    def weights(self, step: int) -> Weights:
        rate = self.rate_first if step < self.first_stage else self.rate_then
        return Weights(
            adversarial=(1 - rate) * (1 - self.feature_matching),
            feature_matching=(1 - rate) * self.feature_matching,
            reconstruction=rate / 4,
            discriminator=0.5,
        )

    def moves(self, step: int) -> Moves:
        turn = step % self.discriminator_every == 0
        return Moves(generators=not turn or self.discriminator_every == 1, discriminators=turn)


@options
class DiscoGAN:
    """Two coupled GANs that learn a bijection (Kim et al. 2017, section 3.3)."""

    game: Literal["discogan"] = "discogan"
    plays: ClassVar[Plays] = "unpaired"
    generator: Generator = EncoderDecoder()
    """The network of G_AB and of G_BA."""
    discriminator: Discriminator = ConvDiscriminator()
    """The network of D_A and of D_B."""
    gan: Adversarial = NonSaturating()
    """The adversarial loss."""
    distance: Distance = L2()
    """d in the reconstruction losses."""
    form: Annotated[PaperForm | AuthorsForm, Field(discriminator="kind")] = PaperForm()
    """The paper's loss or that of the authors' code."""
    pool: NonNegativeInt = 0
    """Generated images that are kept to show the discriminators old ones too, as CycleGAN does: none in the paper."""
    optimizer: Adam = Adam(weight_decay=1e-4)


@options
class AnyClass:
    """Nobody reads the translations, as in CycleGAN."""

    kind: Literal["none"] = "none"


@options
class SameClass:
    """A classifier that stays as it is has to read translations as it reads images (CyCADA: Hoffman et al. 2018, section 3)."""

    kind: Literal["same_class"] = "same_class"
    reader: str = ""
    """A run's folder or a bundle with a classifier, of domain A in the paper."""
    weight: PositiveFloat = 1.0
    """Of the two losses: 1 in the authors' code."""

    @field_validator("reader")
    @classmethod
    def _lasts(cls, reader: str) -> str:
        return str(Path(reader).absolute()) if reader else reader  # a run may be resumed from elsewhere


@options
class CycleGAN:
    """Two GANs whose generators must undo each other (Zhu et al. 2017).

    The ablations of its section 5.1.4 are weights: cycle alone has `adversarial` 0, GAN alone `forward` and `backward` 0,
    GAN + forward cycle `backward` 0, GAN + backward cycle `forward` 0; `identity` is 0 in all of them.
    """

    game: Literal["cyclegan"] = "cyclegan"
    plays: ClassVar[Plays] = "unpaired"
    generator: Generator = RESNET_9
    """The network of G and of F: the paper has resnet_6 at 128 px, resnet_9 from 256 px on."""
    discriminator: Discriminator = PatchGAN(init="normal")
    """The network of D_X and of D_Y."""
    gan: Adversarial = LeastSquares()
    """The adversarial loss: least squares in the paper's training, cross-entropy (non_saturating) in its equation 1."""
    distance: Distance = L1()
    """The distance in the cycle and identity losses."""
    adversarial: NonNegativeFloat = 1.0
    """Weight of both adversarial losses; 0 for no discriminators."""
    forward: NonNegativeFloat = 10.0
    """Weight of the forward cycle loss, a to b to a."""
    backward: NonNegativeFloat = 10.0
    """Weight of the backward cycle loss, b to a to b."""
    identity: NonNegativeFloat = 5.0
    """Weight of the losses that ask a generator to leave images of its target domain alone: 5 in the authors' code, and in
    the paper for paintings; 0 else."""
    pool: NonNegativeInt = 50
    """Generated images that are kept to show the discriminators old ones too; 0 for none."""
    semantic: Annotated[AnyClass | SameClass, Field(discriminator="kind")] = AnyClass()
    """Who reads the translations: a classifier keeps them from becoming images of another class (not in CycleGAN, but CyCADA)."""
    optimizer: Adam = Adam()

    @model_validator(mode="after")
    def _has_a_loss(self) -> "CycleGAN":
        if not self.adversarial and not (self.forward and self.backward):
            raise ValueError("without adversarial losses both cycle losses are needed: raise --forward and --backward")
        return self


@options
class Pix2Pix:
    """A conditional GAN on pairs (Isola et al. 2017): the upper reference of everything unpaired."""

    game: Literal["pix2pix"] = "pix2pix"
    plays: ClassVar[Plays] = "paired"
    generator: Generator = UNET_256
    """The network of G; its dropout is the noise."""
    discriminator: Discriminator = PatchGAN(norm="batch", init="normal")
    """The network of D, which sees input and output together."""
    gan: Adversarial = NonSaturating()
    """The adversarial loss."""
    distance: Distance = L1()
    """The distance to the partner."""
    l1: NonNegativeFloat = 100.0
    """Weight of the distance to the partner."""
    optimizer: Adam = Adam()


@options
class StarGAN:
    """One translator for many domains (Choi et al. 2018), with the Wasserstein loss and a gradient penalty, as published."""

    game: Literal["stargan"] = "stargan"
    plays: ClassVar[Plays] = "labelled"
    generator: StarGANGenerator = StarGANGenerator()
    """The network of G."""
    discriminator: StarGANDiscriminator = StarGANDiscriminator()
    """The network of D_src and D_cls."""
    gan: Critical = Wasserstein()
    """The adversarial loss: Wasserstein with a gradient penalty in the paper's training (equation 8), cross-entropy (min_max) in
    its equation 1."""
    distance: Distance = L1()
    """The distance in the reconstruction loss."""
    classification: NonNegativeFloat = 1.0
    """Weight of both domain classification losses."""
    reconstruction: NonNegativeFloat = 10.0
    """Weight of the reconstruction loss."""
    identity: NonNegativeFloat = 0.0
    """Weight of the loss that asks the generator to leave images alone whose label is their own: not in the paper. It keeps what
    no label speaks of from drifting."""
    critic: PositiveInt = 5
    """Moves of the discriminator for each of the generator."""
    mask: bool = True
    """Tell the generator by a mask vector which data set's attributes a label speaks of, where there are several."""
    optimizer: Adam = Adam(learning_rate=1e-4)


GameSpec = Annotated[
    TranslationGAN
    | ReconstructionGAN
    | DiscoGAN
    | CycleGAN
    | Pix2Pix
    | StarGAN
    | GAN
    | DCGAN
    | SGAN
    | ACGAN
    | CoGAN
    | Classifier
    | Segmenter
    | Autoencoder,
    Field(discriminator="game"),
]
