"""From a spec and the shapes of its data to a network."""

from torch import nn

from unpaired.errors import ShapeError
from unpaired.networks import autoencoder as autoencoders
from unpaired.networks import specs
from unpaired.networks.dcgan import DCGANDiscriminatorNet, DCGANGeneratorNet
from unpaired.networks.dense import DenseGeneratorNet, MaxoutDiscriminatorNet
from unpaired.networks.encoder_decoder import ConvDiscriminatorNet, EncoderDecoderNet
from unpaired.networks.lenet import LeNetNet
from unpaired.networks.mlp import MlpDiscriminator, MlpJudge, MlpNet
from unpaired.networks.patch import PatchDiscriminator
from unpaired.networks.residual_image import ResidualImageGenerator
from unpaired.networks.resnet import ResNetGenerator
from unpaired.networks.segmenter import SegmenterNet
from unpaired.networks.stargan import StarGANDiscriminatorNet, StarGANGeneratorNet
from unpaired.networks.unet import UNetGenerator

Shape = tuple[int, ...]
"""One sample's shape: (C, H, W) for an image, (D,) for a point."""
AnySpec = (
    specs.Generator
    | specs.Discriminator
    | specs.StarGANGenerator
    | specs.StarGANDiscriminator
    | specs.AnyNoiseGenerator
    | specs.AnyJudge
    | specs.Autoencoder
    | specs.SmallUNet
)


def generator(spec: specs.Generator, source: Shape, target: Shape) -> nn.Module:
    """The network from samples of shape `source` to samples of shape `target`.

    ShapeError where the spec does not fit the shapes.
    """
    if isinstance(spec, specs.Mlp):
        return MlpNet(
            in_features=_features(spec, source),
            out_features=_features(spec, target),
            hidden=spec.hidden,
            layers=spec.layers,
            members=spec.members,
        )
    (in_channels, height, width), (out_channels, *wanted) = _image(spec, source), _image(spec, target)
    if wanted != [height, width]:
        raise ShapeError(
            f"network '{spec.kind}' keeps height and width, found {height} x {width} -> {wanted[0]} x {wanted[1]}; "
            "bring both domains to one size"
        )
    match spec:
        case specs.EncoderDecoder():
            return EncoderDecoderNet(
                in_channels=in_channels,
                out_channels=out_channels,
                size=_square(spec, height, width),
                width=spec.width,
                bottleneck=spec.bottleneck,
                unit=spec.inputs == "unit",
            )
        case specs.ResNet():
            _divisible(spec, height, width)
            resnet = ResNetGenerator(
                in_channels=in_channels,
                out_channels=out_channels,
                width=spec.width,
                blocks=spec.blocks,
                downs=spec.downs,
                norm=spec.norm,
                dropout=spec.dropout,
            )
            return _begun(resnet, spec.init)
        case specs.UNet():
            _halves(spec, height, width)
            unet = UNetGenerator(
                in_channels=in_channels,
                out_channels=out_channels,
                width=spec.width,
                downs=spec.downs,
                norm=spec.norm,
                dropout=spec.dropout,
            )
            return _begun(unet, spec.init)
        case specs.ResidualImage():
            _divisible(spec, height, width)
            if in_channels != out_channels:
                raise ShapeError(
                    f"network '{spec.kind}' changes its input, so both domains need as many channels; "
                    f"found {in_channels} and {out_channels}: use --generator resnet"
                )
            return ResidualImageGenerator(
                channels=in_channels, width=spec.width, blocks=spec.blocks, downs=spec.downs, norm=spec.norm
            )


def discriminator(spec: specs.Discriminator, shape: Shape) -> nn.Module:
    """The network from samples of `shape` to (scores, activations). ShapeError where the spec does not fit the shape."""
    if isinstance(spec, specs.Mlp):
        return MlpDiscriminator(in_features=_features(spec, shape), hidden=spec.hidden, layers=spec.layers, members=spec.members)
    channels, height, width = _image(spec, shape)
    match spec:
        case specs.ConvDiscriminator():
            size = _square(spec, height, width)
            return ConvDiscriminatorNet(in_channels=channels, size=size, width=spec.width, unit=spec.inputs == "unit")
        case specs.PatchGAN():
            _large_enough(spec, height, width)
            patch = PatchDiscriminator(in_channels=channels, width=spec.width, layers=spec.layers, norm=spec.norm)
            return _begun(patch, spec.init)


def label_generator(spec: specs.StarGANGenerator, shape: Shape, numbers: int) -> StarGANGeneratorNet:
    """The network from samples of `shape` and so many numbers of a label to samples of `shape`. ShapeError where it does not fit
    the shape.
    """
    channels, height, width = _image(spec, shape)
    _divisible(spec, height, width)
    return StarGANGeneratorNet(
        channels=channels,
        numbers=numbers,
        width=spec.width,
        blocks=spec.blocks,
        downs=spec.downs,
        norm=spec.norm,
        change=spec.change,
    )


def label_discriminator(spec: specs.StarGANDiscriminator, shape: Shape, numbers: int) -> StarGANDiscriminatorNet:
    """The network from samples of `shape` to (scores, so many numbers of a label). ShapeError where it does not fit."""
    channels, height, width = _image(spec, shape)
    step = 2**spec.layers
    if height % step or width % step:
        fewer = min((size & -size).bit_length() - 1 for size in (height, width))
        advice = f"use another size, or layers={fewer}" if fewer else "use another size"
        raise ShapeError(
            f"discriminator '{spec.kind}' with layers={spec.layers} takes heights and widths that are multiples of {step}, "
            f"found {height} x {width}; {advice}"
        )
    return StarGANDiscriminatorNet(
        channels=channels, numbers=numbers, height=height, width_px=width, width=spec.width, layers=spec.layers
    )


def noise_generator(spec: specs.AnyNoiseGenerator, target: Shape, *, noise: int, condition: int = 0) -> nn.Module:
    """The network from noise [N, noise] (and a condition [N, condition], such as one-hot classes) to images of shape `target`.

    It is called with both, or with the noise alone where `condition` is 0; an Mlp, which makes points, takes noise alone.
    ShapeError where the spec does not fit the shape.
    """
    if isinstance(spec, specs.Mlp):
        return MlpNet(
            in_features=noise, out_features=_features(spec, target), hidden=spec.hidden, layers=spec.layers, members=spec.members
        )
    channels, height, width = _image(spec, target)
    match spec:
        case specs.DCGANGenerator():
            size = _square(spec, height, width)
            dcgan = DCGANGeneratorNet(
                noise=noise, condition=condition, out_channels=channels, size=size, width=spec.width, kernel=spec.kernel
            )
            return _begun(dcgan, spec.init)
        case specs.DenseGenerator():
            return DenseGeneratorNet(
                noise=noise,
                condition=condition,
                shape=(channels, height, width),
                hidden=spec.hidden,
                layers=spec.layers,
                reach=spec.reach,
            )


def judge(spec: specs.AnyJudge, shape: Shape, *, source: bool = True, classes: int = 0) -> nn.Module:
    """The network from images of `shape` to `judged.Judged`: a score of the source, scores of `classes`, or both; an Mlp, which
    takes points, gives a score of the source alone.

    ShapeError where the spec does not fit the shape, ValueError where nothing would be judged.
    """
    if isinstance(spec, specs.Mlp):
        return MlpJudge(in_features=_features(spec, shape), hidden=spec.hidden, layers=spec.layers, members=spec.members)
    channels, height, width = _image(spec, shape)
    match spec:
        case specs.DCGANDiscriminator():
            dcgan = DCGANDiscriminatorNet(
                in_channels=channels,
                size=_square(spec, height, width),
                width=spec.width,
                kernel=spec.kernel,
                dropout=spec.dropout,
                source=source,
                classes=classes,
                norm=spec.norm,
            )
            return _begun(dcgan, spec.init)
        case specs.MaxoutDiscriminator():
            return MaxoutDiscriminatorNet(
                shape=(channels, height, width),
                units=spec.units,
                pieces=spec.pieces,
                layers=spec.layers,
                dropout=spec.dropout,
                input_dropout=spec.input_dropout,
                reach=spec.reach,
                source=source,
                classes=classes,
            )
        case specs.LeNet():
            return LeNetNet(
                in_channels=channels,
                size=(height, width),
                maps=spec.maps,
                hidden=spec.hidden,
                source=source,
                classes=classes,
                noise=spec.noise,
            )


def autoencoder(spec: specs.Autoencoder, shape: Shape) -> autoencoders.StackedAutoencoder:
    """The stack of levels from images of `shape` to a code and back. ShapeError where the spec does not fit the shape."""
    image = _image(spec, shape)
    unit = spec.values == "unit"
    match spec:
        case specs.DenseAutoencoder():
            return autoencoders.dense(image, hidden=spec.hidden, code=spec.code, activation=spec.activation, unit=unit)
        case specs.ConvAutoencoder():
            return autoencoders.convolutional(
                image, widths=spec.widths, hidden=spec.hidden, code=spec.code, activation=spec.activation, unit=unit
            )


def segmenter(spec: specs.SmallUNet, shape: Shape, *, classes: int) -> SegmenterNet:
    """The network from images of `shape` to scores of each pixel's classes. ShapeError where the spec does not fit the shape."""
    channels, height, width = _image(spec, shape)
    return SegmenterNet(channels=channels, classes=classes, size=(height, width), width=spec.width, halvings=spec.halvings)


def _begun(network: nn.Module, init: specs.Init) -> nn.Module:
    """The network with its weights drawn as `specs.Init` says."""
    if init == "normal":
        for module in network.modules():
            weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
            if weight is not None:
                nn.init.normal_(weight, 1.0 if isinstance(module, nn.BatchNorm2d | nn.GroupNorm) else 0.0, 0.02)
            if bias is not None:
                nn.init.zeros_(bias)
    return network


def _features(spec: specs.Mlp, shape: Shape) -> int:
    if len(shape) != 1:
        raise ShapeError(f"network '{spec.kind}' takes points (D,), found samples of shape {shape}")
    return shape[0]


def _image(spec: AnySpec, shape: Shape) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise ShapeError(f"network '{spec.kind}' takes images (C, H, W), found samples of shape {shape}")
    return shape[0], shape[1], shape[2]


def _square(spec: AnySpec, height: int, width: int) -> int:
    if height != width:
        raise ShapeError(f"network '{spec.kind}' takes square images, found {height} x {width}; use --fit crop, pad or resize")
    return height


def _divisible(spec: specs.ResNet | specs.ResidualImage | specs.StarGANGenerator, height: int, width: int) -> None:
    step = 2**spec.downs
    least = max(4, 2 * step)  # reflection padding by 3 at the ends, by 1 in the blocks
    if height % step or width % step or min(height, width) < least:
        raise ShapeError(
            f"network '{spec.kind}' with downs={spec.downs} takes heights and widths that are multiples of {step}, "
            f"from {least} on, found {height} x {width}; use another size or fewer downs"
        )


def _halves(spec: specs.UNet, height: int, width: int) -> None:
    step = 2**spec.downs
    if height % step or width % step:
        fewer = min((size & -size).bit_length() - 1 for size in (height, width))
        advice = f"use another size, or downs={fewer}" if fewer else "use another size"
        raise ShapeError(
            f"network '{spec.kind}' with downs={spec.downs} takes heights and widths that are multiples of {step}, "
            f"found {height} x {width}; {advice}"
        )


def _large_enough(spec: specs.PatchGAN, height: int, width: int) -> None:
    # Two convolutions without stride follow, each taking a pixel; without layers there are 1x1 convolutions only.
    least = 3 * 2**spec.layers if spec.layers else 1
    if min(height, width) < least:
        raise ShapeError(
            f"network '{spec.kind}' with layers={spec.layers} takes images from {least} px on, "
            f"found {height} x {width}; use larger images or fewer layers"
        )
