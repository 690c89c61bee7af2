"""What to build, as data: the options of each architecture. No torch here: the command line reads these."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from unpaired.config import options

Norm = Literal["batch", "batch-by-image", "instance", "instance-affine", "none"]
"""Normalisation.

batch: by the batch in training, by running statistics in translation. batch-by-image: as batch in training, but in
translation by each image's own statistics, as pix2pix's authors do (section 3.4). instance: by each image's own, nothing
learned (CycleGAN). instance-affine: with a learned scale and offset.
"""

Init = Literal["default", "normal"]
"""How weights begin. default: as torch's layers do. normal: drawn from N(0, 0.02), offsets 0, scales of norms from
N(1, 0.02), as CycleGAN (appendix 7.1) and pix2pix (appendix 6.2) publish.
"""

Activation = Literal["relu", "sigmoid"]
"""What follows a hidden layer."""

Range = Literal["signed", "unit"]
"""What a first layer sees: values from -1 to 1, so that its zero padding is grey; or from 0 to 1, so that it is black."""


@options
class EncoderDecoder:
    """DiscoGAN's generator (Kim et al. 2017, section 4; the authors' code): convolutions down to 4 px, mirrored back up."""

    kind: Literal["encoder_decoder"] = "encoder_decoder"
    width: PositiveInt = 64
    """Channels of the first layer; they double with each layer up to eight times this."""
    bottleneck: PositiveInt | None = None
    """Size of a 1x1 code in the middle: 100 in the authors' angle tasks, none elsewhere."""
    inputs: Range = "signed"
    """What the first layer sees; the authors' code has unit. The network's own input and output stay in [-1, 1]."""


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
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Noise, also in translation: the share of values that each block drops; 0.5 in pix2pix's code, none in CycleGAN."""
    init: Init = "default"
    """How weights begin: as torch's layers do, or normal, as published."""


@options
class UNet:
    """pix2pix's generator (Isola et al. 2017, section 3.2.1): skip connections between layers of the same size."""

    kind: Literal["unet"] = "unet"
    width: PositiveInt = 64
    """Channels of the first layer; they double with each layer up to eight times this."""
    downs: int = Field(default=8, ge=1, le=12)
    """Halvings of height and width: 8 for 256 px (`UNET_256`), 7 for 128 px (`UNET_128`), down to 1 px in both."""
    norm: Norm = "batch"
    """Normalisation of all layers but the first, the innermost convolution and the last."""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Noise, also in translation: the share of values dropped after three inner layers with 8 downs, two with 7, one with 6."""
    init: Init = "default"
    """How weights begin: as torch's layers do, or normal, as published."""


RESNET_9 = ResNet(init="normal")
"""CycleGAN's from 256 px on, as published."""
RESNET_6 = ResNet(blocks=6, init="normal")
"""CycleGAN's for 128 px."""
UNET_256 = UNet(norm="batch-by-image", init="normal")
"""pix2pix's for 256 px, as published: each image is translated with its own statistics (section 3.4), not with the training's."""
UNET_128 = UNet(downs=7, norm="batch-by-image", init="normal")
"""pix2pix's for 128 px."""
PRESETS = {"resnet_9": RESNET_9, "resnet_6": RESNET_6, "unet_256": UNET_256, "unet_128": UNET_128}
"""Published generators, by the names that the command line and files know them by."""


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
    """Fully connected layers with ReLU, for points (DiscoGAN, section 3.1: the toy); to them from other points, or from noise."""

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
    inputs: Range = "signed"
    """What the first layer sees; the authors' code has unit. The network's own input stays in [-1, 1]."""


@options
class PatchGAN:
    """A score for each overlapping patch (pix2pix, section 3.2.2; CycleGAN, section 4): 70x70 px with 3 layers."""

    kind: Literal["patch"] = "patch"
    width: PositiveInt = 64
    """Channels of the first layer; they double with each layer up to eight times this."""
    layers: int = Field(default=3, ge=0, le=8)
    """Strided layers: the patch is 16 px wide with 1, 34 with 2, 70 with 3; with 0 each pixel is judged (PixelGAN)."""
    norm: Norm = "instance"
    """Normalisation, on all but the first and last layer."""
    init: Init = "default"
    """How weights begin: as torch's layers do, or normal, as published."""


@options
class StarGANGenerator:
    """StarGAN's generator (Choi et al. 2018, appendix 7.2): residual blocks, shown the target label as planes of the image."""

    kind: Literal["stargan"] = "stargan"
    width: PositiveInt = 64
    """Channels of the first layer; they double with each down-sampling."""
    blocks: PositiveInt = 6
    """Residual blocks."""
    downs: int = Field(default=2, ge=0, le=5)
    """Down-sampling layers, each halving height and width."""
    norm: Literal["instance-affine", "instance", "none"] = "instance-affine"
    """Normalisation after each convolution but the last: in the paper each image's own, with a learned scale and offset."""
    change: bool = False
    """Answer with a change to the input, which starts from none, instead of with a new image: not in the paper, quicker for
    small changes."""


@options
class StarGANDiscriminator:
    """StarGAN's discriminator (appendix 7.2): scores of patches, and the labels of the image."""

    kind: Literal["stargan"] = "stargan"
    width: PositiveInt = 64
    """Channels of the first layer; they double with each layer."""
    layers: int = Field(default=6, ge=1, le=8)
    """Layers, each halving height and width: 6 for 128 px in the paper, 5 leave as much of 64 px."""


Generator = Annotated[EncoderDecoder | ResNet | UNet | ResidualImage | Mlp, Field(discriminator="kind")]
Discriminator = Annotated[ConvDiscriminator | PatchGAN | Mlp, Field(discriminator="kind")]


# -- from noise to images, and those who judge them --


@options
class DCGANGenerator:
    """DCGAN's generator (Radford et al. 2015, section 3): transposed convolutions from 4 px, or from 7 px for 28, upwards."""

    kind: Literal["dcgan"] = "dcgan"
    width: PositiveInt = 64
    """Channels of the layer before the image; they double with each halving. 64 in dcgan.torch, 128 in the paper's figure 1."""
    kernel: Literal[4, 5] = 4
    """Height and width of the filters that double the image: 4 in dcgan.torch, 5 in the paper's figure 1."""
    init: Init = "normal"
    """How weights begin: normal, as published (section 4), or as torch's layers do."""


@options
class DenseGenerator:
    """The first GAN's generator for MNIST (Goodfellow et al. 2014, section 5): fully connected, ReLU, a sigmoid at the end."""

    kind: Literal["dense"] = "dense"
    hidden: PositiveInt = 1200
    """Units of each hidden layer."""
    layers: PositiveInt = 2
    """Hidden layers."""
    reach: PositiveFloat | None = 0.05
    """Weights begin uniform up to this in either direction, biases at 0, as in the authors' code; none: as torch's layers do."""


@options
class DCGANDiscriminator:
    """DCGAN's discriminator (Radford et al. 2015, section 3): strided convolutions, then linear scores. With batch norm."""

    kind: Literal["dcgan"] = "dcgan"
    width: PositiveInt = 64
    """Channels of the first layer; they double with each further one."""
    kernel: Literal[4, 5] = 4
    """Height and width of the filters: 4 in dcgan.torch, 5 in the paper's own code."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """The share of values dropped after each layer: none in DCGAN, 0.5 in ACGAN."""
    norm: Literal["batch", "none"] = "batch"
    """Normalisation after each convolution but the first: none where the slope of each image's score is held to 1."""
    init: Init = "normal"
    """How weights begin: normal, as published (section 4), or as torch's layers do."""


@options
class MaxoutDiscriminator:
    """The first GAN's discriminator for MNIST (Goodfellow et al. 2014, section 5): fully connected, maxout, dropout."""

    kind: Literal["maxout"] = "maxout"
    units: PositiveInt = 240
    """Units of each hidden layer."""
    pieces: PositiveInt = 5
    """Linear functions of which a unit is the greatest."""
    layers: PositiveInt = 2
    """Hidden layers."""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    """The share of units dropped after each hidden layer."""
    input_dropout: float = Field(default=0.2, ge=0, lt=1)
    """The share of pixels dropped."""
    reach: PositiveFloat | None = 0.005
    """Weights begin uniform up to this in either direction, biases at 0, as in the authors' code; none: as torch's layers do."""


@options
class LeNet:
    """CoGAN's discriminator for digits (Liu & Tuzel 2016, appendix; the authors' code): 5x5 convolutions and a dense layer.

    Their maxima halve the image; no normalisation. For images of 16 to some 64 px.
    """

    kind: Literal["lenet"] = "lenet"
    maps: tuple[PositiveInt, ...] = Field(default=(20, 50), min_length=1)
    """Channels of each convolution."""
    hidden: PositiveInt = 500
    """Units of the dense layer."""
    noise: NonNegativeFloat = 0.0
    """Standard deviation of the noise that is added, in training, to the image and to what each layer gives: none in CoGAN; for
    classifiers of few labels, as in the code of Salimans et al. 2016 (from memory, 0.3 on images from 0 to 1, 0.5 on units)."""


@options
class SmallUNet:
    """A U-Net (Ronneberger et al. 2015) that labels pixels, small enough to be trained within minutes.

    Two 3x3 convolutions a level with batch normalisation, means of 2x2 px downwards, bilinear upwards.
    """

    kind: Literal["small_unet"] = "small_unet"
    width: PositiveInt = 16
    """Channels at full resolution; they double with each halving."""
    halvings: int = Field(default=2, ge=1, le=6)
    """Of height and width, which are multiples of 2 to this power."""


@options
class DenseAutoencoder:
    """Fully connected levels, as deep autoencoders began (Hinton and Salakhutdinov 2006); to be trained one by one or at once."""

    kind: Literal["dense"] = "dense"
    hidden: tuple[PositiveInt, ...] = (1000, 500, 250)
    """Values of each hidden level, from the image inwards."""
    code: PositiveInt = 30
    """Values of the code, which is linear."""
    activation: Activation = "relu"
    """What follows each hidden level; the paper's are sigmoids."""
    values: Range = "unit"
    """What the first level sees and gives: 0 to 1 and a sigmoid, or -1 to 1 and a tanh. The network's images stay in [-1, 1]."""


@options
class ConvAutoencoder:
    """Strided convolutions, a dense layer and a code, mirrored; to be trained at once or level by level."""

    kind: Literal["conv"] = "conv"
    widths: tuple[PositiveInt, ...] = Field(default=(64, 128), min_length=1)
    """Channels of each convolution, which halves height and width."""
    hidden: PositiveInt = 1024
    """Values of the dense layer."""
    code: PositiveInt = 50
    """Values of the code, which is linear."""
    activation: Activation = "relu"
    """What follows each hidden level."""
    values: Range = "unit"
    """What the first level sees and gives: 0 to 1 and a sigmoid, or -1 to 1 and a tanh. The network's images stay in [-1, 1]."""


Distribution = Literal["uniform", "normal"]
"""What noise is drawn from: each number evenly from -1 to 1, or from N(0, 1)."""

NoiseGenerator = Annotated[DCGANGenerator | DenseGenerator, Field(discriminator="kind")]
Judge = Annotated[DCGANDiscriminator | MaxoutDiscriminator | LeNet, Field(discriminator="kind")]
AnyNoiseGenerator = Annotated[DCGANGenerator | DenseGenerator | Mlp, Field(discriminator="kind")]
AnyJudge = Annotated[DCGANDiscriminator | MaxoutDiscriminator | LeNet | Mlp, Field(discriminator="kind")]
"""The last two for images, or by Mlp for points."""
Autoencoder = Annotated[DenseAutoencoder | ConvAutoencoder, Field(discriminator="kind")]
