"""The games that make images from noise, read their classes, or encode them, as data. No torch here, as in `specs`."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Protocol

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from unpaired.config import options
from unpaired.losses import L2, R1, Adversarial, Critical, Distance, NonSaturating, NoPenalty, Penalty, Wasserstein
from unpaired.networks import specs as networks
from unpaired.networks.specs import (
    DCGANDiscriminator,
    DCGANGenerator,
    DenseAutoencoder,
    DenseGenerator,
    LeNet,
    MaxoutDiscriminator,
    SmallUNet,
)
from unpaired.options import Adam

if TYPE_CHECKING:
    from torch import Tensor


class OneAgainstOne(Protocol):
    """What GAN and DCGAN have in common: one game with different networks."""

    @property
    def generator(self) -> networks.AnyNoiseGenerator: ...
    @property
    def discriminator(self) -> networks.AnyJudge: ...
    @property
    def gan(self) -> Critical: ...
    @property
    def penalty(self) -> Penalty: ...
    @property
    def noise(self) -> int: ...
    @property
    def distribution(self) -> networks.Distribution: ...
    @property
    def critic(self) -> int: ...
    @property
    def packing(self) -> int: ...


def _require_single_slopes(spec: OneAgainstOne) -> None:
    penalised = isinstance(spec.penalty, R1) or (isinstance(spec.gan, Wasserstein) and spec.gan.penalty)
    if penalised and isinstance(spec.discriminator, DCGANDiscriminator) and spec.discriminator.norm == "batch":
        raise ValueError(
            "a gradient penalty holds the slope of each image's score, and a batch norm makes it hang on its neighbours: "
            "use --discriminator 'dcgan(norm=\"none\")'"
        )


@options
class GAN:
    """Generative adversarial nets (Goodfellow et al. 2014), with the paper's fully connected networks."""

    game: Literal["gan"] = "gan"
    plays: ClassVar[Literal["images"]] = "images"
    generator: networks.AnyNoiseGenerator = DenseGenerator()
    """The network of G."""
    discriminator: networks.AnyJudge = MaxoutDiscriminator()
    """The network of D."""
    gan: Critical = NonSaturating()
    """The adversarial loss: what section 3 advises in practice (non_saturating) or the game of equation 1 (min_max); others for
    comparison. wasserstein, with its gradient penalty, is a remedy for mode collapse."""
    penalty: Penalty = NoPenalty()
    """On the discriminator's slopes at real images, with any loss: none, as published, or r1, a remedy for mode collapse."""
    noise: PositiveInt = 100
    """Numbers of a sample's noise z."""
    distribution: networks.Distribution = "uniform"
    """What each of them is drawn from."""
    critic: PositiveInt = 1
    """Moves of the discriminator for each of the generator: k of algorithm 1, 1 in the paper's experiments."""
    packing: PositiveInt = 1
    """Samples that the discriminator judges together, so that it sees a lack of variety (PacGAN: Lin et al. 2018): a remedy for
    mode collapse. The batch must be a multiple of it."""
    optimizer: Adam = Adam()

    @model_validator(mode="after")
    def _single_slopes(self) -> "GAN":
        _require_single_slopes(self)
        return self


@options
class DCGAN:
    """Deep convolutional GAN (Radford et al. 2015): the same game between convolutional networks."""

    game: Literal["dcgan"] = "dcgan"
    plays: ClassVar[Literal["images"]] = "images"
    generator: networks.NoiseGenerator = DCGANGenerator()
    """The network of G."""
    discriminator: networks.Judge = DCGANDiscriminator()
    """The network of D."""
    gan: Critical = NonSaturating()
    """The adversarial loss. wasserstein, with its gradient penalty, is a remedy for mode collapse."""
    penalty: Penalty = NoPenalty()
    """On the discriminator's slopes at real images, with any loss: none, as published, or r1, a remedy for mode collapse."""
    noise: PositiveInt = 100
    """Numbers of a sample's noise z: 100 in the paper."""
    distribution: networks.Distribution = "uniform"
    """What each of them is drawn from: uniform in the paper, normal in its authors' later code."""
    critic: PositiveInt = 1
    """Moves of the discriminator for each of the generator."""
    packing: PositiveInt = 1
    """Samples that the discriminator judges together, so that it sees a lack of variety (PacGAN: Lin et al. 2018): a remedy for
    mode collapse. The batch must be a multiple of it."""
    optimizer: Adam = Adam()

    @model_validator(mode="after")
    def _single_slopes(self) -> "DCGAN":
        _require_single_slopes(self)
        return self


@options
class Fooling:
    """The generator wants its images to be taken for one of the classes (Odena 2016, algorithm 1)."""

    kind: Literal["fooling"] = "fooling"


@options
class MatchingFeatures:
    """The generator wants the discriminator's features to have the mean that they have on real images (Salimans et al. 2016).

    Section 3.1. The discriminator becomes a better classifier by it than by `fooling`, though its images look worse.
    """

    kind: Literal["feature_matching"] = "feature_matching"


@options
class SGAN:
    """A discriminator that tells N classes and generated images, from few labels and many images (Odena 2016)."""

    game: Literal["sgan"] = "sgan"
    plays: ClassVar[Literal["few-labelled"]] = "few-labelled"
    generator: networks.NoiseGenerator = DCGANGenerator()
    """The network of G."""
    discriminator: networks.Judge = DCGANDiscriminator()
    """The network of D and C, which are one."""
    goal: Annotated[Fooling | MatchingFeatures, Field(discriminator="kind")] = Fooling()
    """What the generator wants."""
    supervised: PositiveFloat = 1.0
    """Weight of the loss on labelled images."""
    noise: PositiveInt = 100
    """Numbers of a sample's noise z."""
    distribution: networks.Distribution = "uniform"
    """What each of them is drawn from."""
    optimizer: Adam = Adam()


@options
class ACGAN:
    """A generator of classes, and a discriminator that also tells them (Odena et al. 2017)."""

    game: Literal["acgan"] = "acgan"
    plays: ClassVar[Literal["images"]] = "images"
    generator: networks.NoiseGenerator = DCGANGenerator()
    """The network of G."""
    discriminator: networks.Judge = DCGANDiscriminator(dropout=0.5)
    """The network of D."""
    gan: Adversarial = NonSaturating()
    """The loss of the source: L_S as in the paper is min_max; what is usually trained is non_saturating."""
    classification: PositiveFloat = 1.0
    """Weight of L_C for both players: 1 in the paper."""
    noise: PositiveInt = 100
    """Numbers of a sample's noise z."""
    distribution: networks.Distribution = "uniform"
    """What each of them is drawn from."""
    optimizer: Adam = Adam()


@options
class CoGAN:
    """Two GANs that share their high-level layers: pairs from one noise, without a pair to learn from (Liu & Tuzel 2016)."""

    game: Literal["cogan"] = "cogan"
    plays: ClassVar[Literal["domains"]] = "domains"
    generator: networks.NoiseGenerator = DCGANGenerator()
    """The network of g_1 and g_2, which share all but the last layer."""
    discriminator: networks.Judge = DCGANDiscriminator()
    """The network of f_1 and f_2, which share all but the first layer."""
    gan: Adversarial = NonSaturating()
    """The adversarial loss."""
    classification: NonNegativeFloat = 1.0
    """Weight of a classifier on the discriminators' last hidden layer, trained on domain A where that has classes (section 4:
    then it reads B's too); 0 for none."""
    agreement: NonNegativeFloat = 0.0
    """Weight of the squared distance between the discriminators' last hidden layers on a pair from one noise, which they lessen:
    not in the paper; 0.01 in its authors' code for adaptation, with classification 10. It ties B's classes to A's."""
    noise: PositiveInt = 100
    """Numbers of a sample's noise z: 100 in the paper."""
    distribution: networks.Distribution = "uniform"
    """What each of them is drawn from."""
    optimizer: Adam = Adam()


@options
class Classifier:
    """A classifier of images, taught by their labels: by itself, or as what adaptation to other images is measured by."""

    game: Literal["classifier"] = "classifier"
    plays: ClassVar[Literal["told"]] = "told"
    network: networks.Judge = LeNet()
    """The network, as of a discriminator: lenet for small images, dcgan for 28, 32, 64 or 128 px."""
    optimizer: Adam = Adam(learning_rate=1e-3, beta1=0.9)


@options
class Segmenter:
    """A segmenter of images, taught by label maps: what Classifier is to images, for each pixel."""

    game: Literal["segmenter"] = "segmenter"
    plays: ClassVar[Literal["maps"]] = "maps"
    network: networks.SmallUNet = SmallUNet()
    """The network."""
    balance: bool = True
    """A class weighs by the root of its rarity, so that rare ones are found; without, all pixels weigh alike."""
    optimizer: Adam = Adam(learning_rate=2e-3, beta1=0.9)


@options
class Unspoilt:
    """Images are shown as they are."""

    kind: Literal["none"] = "none"

    def __call__(self, x: "Tensor") -> "Tensor":
        return x


@options
class Masking:
    """A share of the values, chosen at random, is set to 0 (Vincent et al. 2008, section 2.3)."""

    kind: Literal["masking"] = "masking"
    share: float = Field(default=0.25, gt=0, lt=1)

    def __call__(self, x: "Tensor") -> "Tensor":
        import torch

        return x * (torch.rand(x.shape) >= self.share).to(x.device)


@options
class Gaussian:
    """Noise from N(0, sigma^2) is added to each value (Vincent et al. 2010, section 3.3)."""

    kind: Literal["gaussian"] = "gaussian"
    sigma: PositiveFloat = 0.3

    def __call__(self, x: "Tensor") -> "Tensor":
        import torch

        return x + self.sigma * torch.randn(x.shape).to(x.device)


@options
class Greedy:
    """Level by level from the image inwards, then all together (Hinton & Salakhutdinov 2006; Bengio et al. 2007)."""

    kind: Literal["greedy"] = "greedy"
    level_steps: PositiveInt = 1000
    """Steps in which each level is trained alone, to give back what those below it make of images. Then all are, to the end."""

    def level(self, step: int, *, levels: int) -> int | None:
        """The level in training at a step, from 0; None where it is all of them."""
        level = step // self.level_steps
        return level if level < levels else None


@options
class EndToEnd:
    """All levels at once, from the first step on."""

    kind: Literal["end_to_end"] = "end_to_end"

    def level(self, step: int, *, levels: int) -> int | None:
        return None


@options
class Autoencoder:
    """A stacked autoencoder: images to a code and back, level by level or at once, with noise to remove or without."""

    game: Literal["autoencoder"] = "autoencoder"
    plays: ClassVar[Literal["images"]] = "images"
    network: networks.Autoencoder = DenseAutoencoder()
    """The levels."""
    form: Annotated[Greedy | EndToEnd, Field(discriminator="kind")] = Greedy()
    """In which order levels are trained."""
    corruption: Annotated[Unspoilt | Masking | Gaussian, Field(discriminator="kind")] = Unspoilt()
    """What is done to what a level sees, and should not be there in what it gives back: then it is a denoising autoencoder."""
    distance: Distance = L2()
    """Between what a level was given and what it gives back; of images with values from 0 to 1, or as the network has them."""
    optimizer: Adam = Adam(learning_rate=1e-3, beta1=0.9)


__all__ = ["ACGAN", "DCGAN", "GAN", "SGAN", "Autoencoder", "CoGAN"]
