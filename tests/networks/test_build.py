"""From specs to networks, and what is said where they do not fit the data."""

import re

import pytest
import torch

from unpaired.errors import ShapeError
from unpaired.networks import norms
from unpaired.networks.autoencoder import StackedAutoencoder
from unpaired.networks.build import autoencoder, discriminator, generator, judge, noise_generator
from unpaired.networks.dcgan import DCGANDiscriminatorNet, DCGANGeneratorNet
from unpaired.networks.dense import DenseGeneratorNet, MaxoutDiscriminatorNet
from unpaired.networks.encoder_decoder import ConvDiscriminatorNet, EncoderDecoderNet
from unpaired.networks.lenet import LeNetNet
from unpaired.networks.mlp import MlpDiscriminator, MlpNet
from unpaired.networks.patch import PatchDiscriminator
from unpaired.networks.resnet import ResNetGenerator
from unpaired.networks.specs import (
    UNET_128,
    UNET_256,
    ConvAutoencoder,
    ConvDiscriminator,
    DCGANDiscriminator,
    DCGANGenerator,
    DenseAutoencoder,
    DenseGenerator,
    EncoderDecoder,
    LeNet,
    MaxoutDiscriminator,
    Mlp,
    PatchGAN,
    ResNet,
    UNet,
)
from unpaired.networks.unet import UNetGenerator

IMAGE = (3, 64, 64)


@pytest.mark.parametrize(
    ("spec", "source", "target", "cls"),
    [
        (EncoderDecoder(width=2), (3, 32, 32), (1, 32, 32), EncoderDecoderNet),
        (EncoderDecoder(width=2, bottleneck=7), (1, 64, 64), (3, 64, 64), EncoderDecoderNet),
        (ResNet(width=2, blocks=2, downs=1, norm="batch"), (2, 10, 16), (4, 10, 16), ResNetGenerator),
        (ResNet(width=2, blocks=1, downs=0), (1, 4, 4), (1, 4, 4), ResNetGenerator),
        (ResNet(width=2, blocks=1), (1, 8, 8), (1, 8, 8), ResNetGenerator),
        (UNet(width=2, downs=3), (2, 8, 24), (1, 8, 24), UNetGenerator),
        (Mlp(hidden=4), (2,), (5,), MlpNet),
    ],
)
def test_generators(spec, source, target, cls):
    network = generator(spec, source, target)
    assert type(network) is cls
    assert network(torch.randn(2, *source)).shape == (2, *target)


@pytest.mark.parametrize(
    ("spec", "shape", "scores", "cls"),
    [
        (ConvDiscriminator(width=2), (3, 32, 32), (1, 1, 1), ConvDiscriminatorNet),
        (PatchGAN(width=2), IMAGE, (1, 6, 6), PatchDiscriminator),
        (PatchGAN(width=2, norm="batch", layers=2), (1, 12, 13), (1, 1, 1), PatchDiscriminator),
        (PatchGAN(width=2), (3, 24, 31), (1, 1, 1), PatchDiscriminator),
        (PatchGAN(width=2, layers=0), (3, 2, 3), (1, 2, 3), PatchDiscriminator),
        (Mlp(hidden=4, layers=5), (2,), (1,), MlpDiscriminator),
    ],
)
def test_discriminators(spec, shape, scores, cls):
    network = discriminator(spec, shape)
    assert type(network) is cls
    score, features = network(torch.randn(2, *shape))
    assert score.shape == (2, *scores)
    assert all(f.shape[0] == 2 for f in features)


@pytest.mark.parametrize(
    ("spec", "target", "cls"),
    [
        (DCGANGenerator(width=2), (1, 28, 28), DCGANGeneratorNet),
        (DCGANGenerator(width=2, kernel=5, init="default"), (3, 32, 32), DCGANGeneratorNet),
        (DenseGenerator(hidden=4, layers=1), (2, 5, 3), DenseGeneratorNet),
    ],
)
@pytest.mark.parametrize("condition", [0, 3])
def test_noise_generators(spec, target, cls, condition):
    network = noise_generator(spec, target, noise=6, condition=condition)
    assert type(network) is cls
    given = (torch.randn(2, 6), torch.eye(3)[:2]) if condition else (torch.randn(2, 6),)
    assert network(*given).shape == (2, *target)


@pytest.mark.parametrize(
    ("spec", "shape", "cls"),
    [
        (DCGANDiscriminator(width=2, kernel=5, dropout=0.5), (1, 28, 28), DCGANDiscriminatorNet),
        (MaxoutDiscriminator(units=3, pieces=2), (2, 5, 3), MaxoutDiscriminatorNet),
        (LeNet(maps=(2, 3), hidden=4), (2, 16, 20), LeNetNet),
    ],
)
@pytest.mark.parametrize(("source", "classes"), [(True, 0), (True, 4), (False, 5)])
def test_judges(spec, shape, cls, source, classes):
    network = judge(spec, shape, source=source, classes=classes)
    assert type(network) is cls
    judged = network(torch.randn(2, *shape))
    assert (None if judged.source is None else tuple(judged.source.shape)) == ((2,) if source else None)
    assert (None if judged.classes is None else tuple(judged.classes.shape)) == ((2, classes) if classes else None)
    assert all(f.shape[0] == 2 for f in judged.features)


@pytest.mark.parametrize("spec", [DenseAutoencoder(hidden=(5,), code=2), ConvAutoencoder(widths=(2,), hidden=4, code=2)])
def test_autoencoders(spec):
    network = autoencoder(spec, (3, 4, 6))
    assert type(network) is StackedAutoencoder
    assert network.encode(torch.randn(2, 3, 4, 6)).shape == (2, 2)


def test_options_of_judges_reach_the_networks(count, layers):
    assert count(noise_generator(DCGANGenerator(), IMAGE, noise=100)) == 3_576_704
    assert count(judge(DCGANDiscriminator(), IMAGE)) == 2_765_568
    assert "deconv 4-3 k5 s2 p2 +1" in layers(noise_generator(DCGANGenerator(width=4, kernel=5), (3, 8, 8), noise=2))
    assert judge(DCGANDiscriminator(width=4, dropout=0.25), (3, 8, 8)).dropout.p == 0.25
    maxout = judge(MaxoutDiscriminator(units=6, pieces=2, layers=1, dropout=0.1, input_dropout=0.3), (1, 2, 2))
    assert count(maxout) == 5 * 12 + 7
    assert (maxout.dropout.p, maxout.input_dropout.p) == (0.1, 0.3)
    assert count(noise_generator(DenseGenerator(hidden=6, layers=3), (1, 2, 2), noise=2)) == 3 * 6 + 2 * 7 * 6 + 7 * 4


def test_options_reach_the_networks(count, layers):
    assert count(generator(EncoderDecoder(), IMAGE, IMAGE)) == 5_513_856
    assert count(generator(EncoderDecoder(bottleneck=100), IMAGE, IMAGE)) == 7_153_480
    assert count(discriminator(ConvDiscriminator(), IMAGE)) == 2_765_568
    assert count(generator(ResNet(), IMAGE, IMAGE)) == 11_378_179
    assert count(discriminator(PatchGAN(), IMAGE)) == 2_764_737
    assert count(discriminator(PatchGAN(norm="batch"), (6, 64, 64))) == 2_768_705
    assert count(discriminator(PatchGAN(layers=1, width=2), IMAGE)) == (48 + 1) * 2 + (32 + 1) * 4 + (64 + 1)
    # 49 3 + 1 a first and 49 2 + 1 a last channel, a block of 2 (9 2 2 + 2), no halvings
    assert count(generator(ResNet(width=2, blocks=1, downs=0, norm="none"), IMAGE, (1, 64, 64))) == 2 * 148 + 99 + 2 * 38
    assert count(generator(Mlp(hidden=8, layers=2, members=3), (2,), (4,))) == 3 * (3 * 8 + 9 * 4)
    assert count(generator(UNET_256, (3, 256, 256), (3, 256, 256))) == 54_413_955
    assert count(generator(UNET_128, (3, 128, 128), (3, 128, 128))) == 41_828_995
    assert layers(generator(UNet(width=1, downs=6), IMAGE, IMAGE)).count("noise") == 1
    assert layers(generator(UNet(width=1, downs=6, dropout=0.0), IMAGE, IMAGE)).count("noise") == 0
    assert layers(generator(ResNet(width=1, blocks=2, dropout=0.5), IMAGE, IMAGE)).count("noise") == 2
    assert generator(EncoderDecoder(width=1, inputs="unit"), IMAGE, IMAGE).unit
    assert discriminator(ConvDiscriminator(width=1, inputs="unit"), IMAGE).unit
    assert "instance 8" in layers(generator(ResNet(width=2), IMAGE, IMAGE))
    assert "batch 8 affine" in layers(generator(ResNet(width=2, norm="batch"), IMAGE, IMAGE))


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (
            lambda: noise_generator(DCGANGenerator(), (3, 64, 32), noise=2),
            "network 'dcgan' takes square images, found 64 x 32; use --fit crop, pad or resize",
        ),
        (
            lambda: judge(DCGANDiscriminator(), (3, 64, 32)),
            "network 'dcgan' takes square images, found 64 x 32; use --fit crop, pad or resize",
        ),
        (
            lambda: noise_generator(DenseGenerator(), (2,), noise=2),
            "network 'dense' takes images (C, H, W), found samples of shape (2,)",
        ),
        (lambda: judge(DCGANDiscriminator(), (3, 30, 30)), "size 30 does not suit DCGAN"),
        (lambda: generator(Mlp(), IMAGE, (2,)), "network 'mlp' takes points (D,), found samples of shape (3, 64, 64)"),
        (lambda: generator(Mlp(), (2,), IMAGE), "network 'mlp' takes points (D,), found samples of shape (3, 64, 64)"),
        (lambda: discriminator(Mlp(), IMAGE), "network 'mlp' takes points (D,), found samples of shape (3, 64, 64)"),
        (
            lambda: generator(ResNet(), (2,), (2,)),
            "network 'resnet' takes images (C, H, W), found samples of shape (2,)",
        ),
        (
            lambda: generator(ResNet(), IMAGE, (2,)),
            "network 'resnet' takes images (C, H, W), found samples of shape (2,)",
        ),
        (
            lambda: discriminator(PatchGAN(), (2,)),
            "network 'patch' takes images (C, H, W), found samples of shape (2,)",
        ),
        (
            lambda: generator(EncoderDecoder(), (3, 64, 32), (3, 64, 32)),
            "network 'encoder_decoder' takes square images, found 64 x 32; use --fit crop, pad or resize",
        ),
        (
            lambda: discriminator(ConvDiscriminator(), (3, 64, 32)),
            "network 'conv' takes square images, found 64 x 32; use --fit crop, pad or resize",
        ),
        (
            lambda: generator(EncoderDecoder(), (3, 48, 48), (3, 48, 48)),
            "size 48 does not suit this network: wanted a power of two",
        ),
        (
            lambda: discriminator(ConvDiscriminator(), (3, 4, 4)),
            "size 4 does not suit this network: wanted a power of two",
        ),
        (
            lambda: generator(EncoderDecoder(), IMAGE, (3, 32, 32)),
            "'encoder_decoder' keeps height and width, found 64 x 64 -> 32 x 32; bring both domains to one size",
        ),
        (
            lambda: generator(ResNet(), (3, 64, 32), (3, 32, 64)),
            "network 'resnet' keeps height and width, found 64 x 32 -> 32 x 64",
        ),
        (
            lambda: generator(ResNet(), (3, 250, 256), (3, 250, 256)),
            "'resnet' with downs=2 takes heights and widths that are multiples of 4, from 8 on, found 250 x 256",
        ),
        (
            lambda: generator(ResNet(), (3, 8, 4), (3, 8, 4)),
            "multiples of 4, from 8 on, found 8 x 4; use another size or fewer downs",
        ),
        (lambda: generator(ResNet(downs=0), (3, 3, 9), (3, 3, 9)), "multiples of 1, from 4 on, found 3 x 9"),
        (
            lambda: generator(UNet(), (3, 64, 192), (3, 64, 192)),
            "with downs=8 takes heights and widths that are multiples of 256, found 64 x 192; use another size, or downs=6",
        ),
        (
            lambda: generator(UNet(downs=2), (3, 62, 63), (3, 62, 63)),
            "multiples of 4, found 62 x 63; use another size",
        ),
        (
            lambda: discriminator(PatchGAN(), (3, 64, 23)),
            "'patch' with layers=3 takes images from 24 px on, found 64 x 23; use larger images or fewer layers",
        ),
        (
            lambda: discriminator(PatchGAN(layers=5), IMAGE),
            "network 'patch' with layers=5 takes images from 96 px on, found 64 x 64",
        ),
    ],
)
def test_what_does_not_fit_is_refused(build, said):
    with pytest.raises(ShapeError, match=re.escape(said)):
        build()


def test_an_unknown_norm():
    with pytest.raises(
        ValueError, match="norm 'layer' is unknown; wanted batch, batch-by-image, instance, instance-affine or none"
    ):
        norms.norm_layer("layer", 3)


@pytest.mark.parametrize(
    "build",
    [
        lambda init: generator(ResNet(width=32, blocks=1, norm="instance-affine", init=init), IMAGE, IMAGE),
        lambda init: generator(UNet(width=32, downs=4, norm="batch", init=init), IMAGE, IMAGE),
        lambda init: discriminator(PatchGAN(width=32, norm="batch", init=init), IMAGE),
    ],
)
def test_weights_begin_as_published(build):
    """Convolutions N(0, 0.02), biases 0; norms N(1, 0.02), offsets 0. Their means are within 6 standard errors."""
    network = build("normal")
    for name, parameter in network.named_parameters():
        if parameter.dim() == 1 and name.endswith("bias"):
            assert not parameter.any(), name
        else:
            middle, error = (1.0 if parameter.dim() == 1 else 0.0), 0.02 / parameter.numel() ** 0.5
            assert abs(parameter.mean() - middle) < 6 * error, name
            assert abs(parameter.std() - 0.02) < 6 * error, name


def test_default_weights_are_torchs_own_draws():
    """What was trained from a seed before there was a choice is drawn as it was."""
    torch.manual_seed(3)
    network = discriminator(PatchGAN(width=2, layers=1), IMAGE)
    torch.manual_seed(3)
    wanted = [torch.nn.Conv2d(3, 2, 4), torch.nn.Conv2d(2, 4, 4), torch.nn.Conv2d(4, 1, 4)]
    drawn = [parameter for layer in wanted for parameter in layer.parameters()]
    assert all(torch.equal(found, parameter) for found, parameter in zip(network.parameters(), drawn, strict=True))


def test_points_from_noise_and_their_judge():
    made = noise_generator(Mlp(hidden=8, layers=3, members=4), (2,), noise=5)(torch.randn(4, 6, 5))
    judged = judge(Mlp(hidden=8, layers=3, members=4), (2,))(made)
    assert made.shape == (4, 6, 2)
    assert (judged.source.shape, judged.classes) == ((4, 6), None)
    assert [layer.shape for layer in judged.features] == [(6, 4, 8)] * 2


def test_a_judge_without_norm_has_biases_instead(layers):
    assert layers(judge(DCGANDiscriminator(width=4, norm="none"), (1, 16, 16))) == [
        "conv 1-4 k4 s2 p1", "leaky 0.2", "conv 4-8 k4 s2 p1 bias", "identity", "leaky 0.2", "dropout", "linear 128-1 bias",
    ]  # fmt: skip
