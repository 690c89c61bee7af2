"""What `unpaired adapt` may be told. No torch here: the command line reads this."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from unpaired.config import options
from unpaired.games import specs
from unpaired.networks.specs import DCGANDiscriminator, LeNet, MaxoutDiscriminator, PatchGAN, ResNet, SmallUNet
from unpaired.options import Training

SIZE, CHANNELS = 64, 3
"""Of images where neither a translator nor the user says."""
LEFT = 8
"""Pixels a side: a network whose last map has fewer needs no further convolution."""


@options
class Pictures:
    """How the images of both sets are read."""

    size: PositiveInt | None = None
    """Height and width in pixels; none for those that the translator was trained on, or 64."""
    channels: int | None = Field(default=None, ge=1, le=4)
    """1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha; none for those of the translator, or 3."""
    channels_target: int | None = Field(default=None, ge=1, le=4)
    """Those of the target, where they differ from the source's."""
    fit: Literal["crop", "resize", "pad"] | None = None
    """How other shapes become square; none for the translator's way, or crop."""
    background: str | None = None
    """Colour behind transparent pixels and around padded images; none for the translator's, or white."""
    holdout: float = Field(default=0.1, ge=0, lt=1)
    """Share of images held out, where a set brings no test images."""
    strict: bool = False
    """Fail where files are unreadable, listing them, instead of skipping them."""
    flip: bool = False
    """Mirror half of the training images left to right: not where a mirrored image is of another class, or of none."""
    jitter: float = Field(default=0.0, ge=0, le=1)
    """Strength of random changes of brightness, contrast and saturation in training."""
    maps: bool = False
    """Labels are maps, a class for each pixel: a set is a folder with images/ and labels/, a map of numbers for each image."""
    label: str | None = None
    """Which column of the source's table is the class; none where there is but one."""
    label_target: str | None = None
    """Which column of the target's; none for the one of the same name, or the only one."""


@options
class BySize:
    """A lenet with as many convolutions as the images are large."""

    kind: Literal["auto"] = "auto"

    def network(self, size: int) -> LeNet:
        """For images of `size` px: of one convolution up to 19 px, of two up to 43, of three up to 91, and so on."""
        maps, side = [20], (size - 4) // 2
        while side >= LEFT:
            maps, side = [*maps, 50], (side - 4) // 2
        return LeNet(maps=tuple(maps))


@options
class Teaching:
    """How classifiers are taught, or segmenters, all alike."""

    classifier: Annotated[BySize | DCGANDiscriminator | MaxoutDiscriminator | LeNet, Field(discriminator="kind")] = BySize()
    """The network: auto is a lenet with as many convolutions as the images are large; dcgan for 28, 32, 64 or 128 px."""
    segmenter: SmallUNet = SmallUNet()
    """The network where labels are maps; what follows holds for it too."""
    classifier_steps: PositiveInt = 2000
    """Steps of each classifier."""
    classifier_batch: PositiveInt = 64
    """Images in a step."""
    classifier_rate: PositiveFloat = 1e-3
    """Adam's step size, which falls to zero by half a cosine."""

    def network(self, size: int) -> DCGANDiscriminator | MaxoutDiscriminator | LeNet:
        """The network for images of `size` px."""
        return self.classifier.network(size) if isinstance(self.classifier, BySize) else self.classifier


CYCLEGAN = specs.CycleGAN(
    generator=ResNet(width=32, blocks=6, init="normal"),
    discriminator=PatchGAN(layers=2, init="normal"),
    identity=0.0,
)
"""Smaller than published, for smaller images; without an identity loss, as in Hoffman et al. 2018 (CyCADA)."""
TRAINING = Training(batch=16, schedule="linear", decay_from=0.5, ema=0.999)
"""How it is trained."""
