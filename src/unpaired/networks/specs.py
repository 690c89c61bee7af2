"""What to build, as data: the options of each architecture. No torch here: the command line reads these."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from unpaired.config import options

Norm = Literal["batch", "instance", "none"]


@options
class EncoderDecoder:
    """DiscoGAN's generator (Kim et al. 2017, section 4; the authors' code): convolutions down to 4 px, mirrored back up."""

    kind: Literal["encoder_decoder"] = "encoder_decoder"
    width: PositiveInt = 64
    """Channels of the first layer; they double with each layer up to eight times this."""
    bottleneck: PositiveInt | None = None
    """Size of a 1x1 code in the middle: 100 in the authors' angle tasks, none elsewhere."""


@options
class ResNet:
    """CycleGAN's generator (Zhu et al. 2017, appendix 7.2): residual blocks between strided convolutions."""

    kind: Literal["resnet"] = "resnet"
    blocks: PositiveInt = 9
    """Residual blocks: the paper has 6 for 128 px and 9 from 256 px on."""
    width: PositiveInt = 64
    """Channels of the first layer; they double with each down-sampling."""
    downs: int = Field(default=2, ge=0, le=5)
    """Down-sampling layers, each halving height and width."""
    norm: Norm = "instance"
    """Normalisation after each convolution but the last."""


@options
class ResidualImage:
    """A change to the input (Shen & Liu 2017): small, quick, for domains that differ in an attribute."""

    kind: Literal["residual_image"] = "residual_image"
    width: PositiveInt = 48
    """Channels of the first layer; they double with each further down-sampling."""
    blocks: PositiveInt = 1
    """Residual blocks between the down- and the up-sampling."""
    downs: int = Field(default=1, ge=1, le=5)
    """Down-sampling layers, each halving height and width."""
    norm: Norm = "none"
    """Normalisation between the layers."""


@options
class Mlp:
    """Fully connected layers with ReLU, for points (DiscoGAN, section 3.1: the toy)."""

    kind: Literal["mlp"] = "mlp"
    hidden: PositiveInt = 128
    """Width of the hidden layers."""
    layers: PositiveInt = 3
    """Linear layers: the paper's generator has 3, its discriminator 5."""
    members: PositiveInt | None = None
    """Networks trained side by side on points [members, N, D], each with weights of its own; none for one on [N, D]."""


@options
class ConvDiscriminator:
    """DiscoGAN's and DCGAN's discriminator: strided convolutions down to 4 px, then one score for the whole image."""

    kind: Literal["conv"] = "conv"
    width: PositiveInt = 64
    """Channels of the first layer; they double with each layer up to eight times this."""


@options
class PatchGAN:
    """A score for each overlapping patch (pix2pix, section 3.2.2; CycleGAN, section 4): 70x70 px with 3 layers."""

    kind: Literal["patch"] = "patch"
    width: PositiveInt = 64
    """Channels of the first layer; they double with each layer up to eight times this."""
    layers: PositiveInt = 3
    """Strided layers: the patch is 16 px wide with 1, 34 with 2, 70 with 3."""
    norm: Norm = "instance"
    """Normalisation, on all but the first and last layer."""


Generator = Annotated[EncoderDecoder | ResNet | ResidualImage | Mlp, Field(discriminator="kind")]
Discriminator = Annotated[ConvDiscriminator | PatchGAN | Mlp, Field(discriminator="kind")]
