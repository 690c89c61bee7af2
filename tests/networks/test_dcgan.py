"""DCGAN's networks against dcgan.torch's layers, the numbers of the paper, and by hand."""

import pytest
import torch
from torch import nn

from unpaired.errors import ShapeError
from unpaired.networks.build import judge, noise_generator
from unpaired.networks.dcgan import DCGANDiscriminatorNet, DCGANGeneratorNet, stages
from unpaired.networks.specs import DCGANDiscriminator, DCGANGenerator

IMAGE = (3, 64, 64)


def generator(*, noise=100, condition=0, channels=3, size=64, width=64, kernel=4):
    return DCGANGeneratorNet(noise=noise, condition=condition, out_channels=channels, size=size, width=width, kernel=kernel)


def discriminator(*, channels=3, size=64, width=64, kernel=4, dropout=0.0, source=True, classes=0):
    return DCGANDiscriminatorNet(
        in_channels=channels, size=size, width=width, kernel=kernel, dropout=dropout, source=source, classes=classes
    )


def torch_generator():
    """dcgan.torch's, ngf 64, nz 100, stated anew."""
    return nn.Sequential(
        nn.ConvTranspose2d(100, 512, 4, 1, 0, bias=False), nn.BatchNorm2d(512), nn.ReLU(),
        nn.ConvTranspose2d(512, 256, 4, 2, 1, bias=False), nn.BatchNorm2d(256), nn.ReLU(),
        nn.ConvTranspose2d(256, 128, 4, 2, 1, bias=False), nn.BatchNorm2d(128), nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
        nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False), nn.Tanh(),
    )  # fmt: skip


def torch_discriminator():
    return nn.Sequential(
        nn.Conv2d(3, 64, 4, 2, 1, bias=False), nn.LeakyReLU(0.2),
        nn.Conv2d(64, 128, 4, 2, 1, bias=False), nn.BatchNorm2d(128), nn.LeakyReLU(0.2),
        nn.Conv2d(128, 256, 4, 2, 1, bias=False), nn.BatchNorm2d(256), nn.LeakyReLU(0.2),
        nn.Conv2d(256, 512, 4, 2, 1, bias=False), nn.BatchNorm2d(512), nn.LeakyReLU(0.2),
        nn.Conv2d(512, 1, 4, 1, 0, bias=False),
    )  # fmt: skip


def copied(source, target):
    """`target` with the numbers of `source`, in their order; a full-size convolution is a linear layer on the flattened image."""
    for theirs, mine in zip(source.state_dict().values(), target.state_dict().values(), strict=True):
        mine.copy_(theirs.reshape(mine.shape))
    return target


def test_dcgan_torch_s_generator(count):
    network, oracle = generator(), torch_generator()
    assert count(network) == count(oracle) == 3_576_704
    noise = torch.randn(4, 100)
    torch.testing.assert_close(copied(oracle, network)(noise), oracle(noise[:, :, None, None]))


def test_dcgan_torch_s_discriminator(count):
    network, oracle = discriminator(), torch_discriminator()
    assert count(network) == count(oracle) == 2_765_568
    x = torch.rand(4, 3, 64, 64) * 2 - 1
    judged = copied(oracle, network)(x)
    torch.testing.assert_close(judged.source, oracle(x).flatten(), rtol=1e-4, atol=1e-5)
    assert judged.classes is None


def test_the_paper_s_figure(count, layers):
    """Figure 1: 100 numbers, 4 x 4 x 1024, then 512, 256, 128, 3 by filters of 5 x 5."""
    network = generator(width=128, kernel=5)
    assert [line for line in layers(network) if line.startswith("deconv")] == [
        "deconv 100-1024 k4 s1 p0",
        "deconv 1024-512 k5 s2 p2 +1",
        "deconv 512-256 k5 s2 p2 +1",
        "deconv 256-128 k5 s2 p2 +1",
        "deconv 128-3 k5 s2 p2 +1",
    ]
    projected, doubled = 100 * 16 * 1024, 25 * (1024 * 512 + 512 * 256 + 256 * 128 + 128 * 3)
    assert count(network) == projected + doubled + 2 * (1024 + 512 + 256 + 128)


@pytest.mark.parametrize("network", [generator(), discriminator(dropout=0.5, classes=10)])
def test_what_the_paper_forbids(network):
    """No pooling; batch norm everywhere but on the output of one and the input of the other; no biases before it."""
    kinds = [type(module) for module in network.modules() if not list(module.children())]
    assert not {nn.MaxPool2d, nn.AvgPool2d, nn.Upsample} & set(kinds)
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)]
    assert all(module.bias is None for module in convolutions)
    assert kinds.count(nn.BatchNorm2d) == len(convolutions) - 1


@pytest.mark.parametrize(
    ("size", "start", "widths"),
    [
        (8, 4, [64]),
        (14, 7, [64]),
        (28, 7, [64, 128]),
        (32, 4, [64, 128, 256]),
        (56, 7, [64, 128, 256]),
        (64, 4, [64, 128, 256, 512]),
        (128, 4, [64, 128, 256, 512, 1024]),
        (256, 4, [64, 128, 256, 512, 1024, 1024]),
    ],
)
def test_a_layer_for_each_halving(size, start, widths):
    assert stages(size, 64) == (start, widths)


@pytest.mark.parametrize("size", [0, 4, 7, 12, 27, 29, 48, 65, 100])
def test_other_sizes_are_refused(size):
    for build in (generator, discriminator):
        with pytest.raises(ShapeError, match=f"size {size} does not suit DCGAN: wanted 4 or 7 times a power of two, such as 28"):
            build(size=size)


@pytest.mark.parametrize("size", [28, 32, 128])
@pytest.mark.parametrize("kernel", [4, 5])
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_and_range(size, kernel, channels):
    made = generator(noise=7, condition=2, channels=channels, size=size, width=2, kernel=kernel)(
        10 * torch.randn(3, 7), torch.eye(2)[[0, 1, 1]]
    )
    assert made.shape == (3, channels, size, size)
    assert -1 <= made.min() < made.max() <= 1
    judged = discriminator(channels=channels, size=size, width=2, kernel=kernel, classes=5)(made)
    assert judged.source.shape == (3,)
    assert judged.classes.shape == (3, 5)
    sides = {28: [14, 7], 32: [16, 8, 4], 128: [64, 32, 16, 8, 4]}[size]
    assert [tuple(f.shape) for f in judged.features] == [(3, 2 * 2**level, side, side) for level, side in enumerate(sides)]


def test_the_condition_is_more_noise():
    network = generator(noise=5, condition=3, size=8, width=2)
    noise, classes = torch.randn(6, 5), torch.nn.functional.one_hot(torch.arange(6) % 3, 3)
    torch.testing.assert_close(network(noise, classes), network.layers(torch.cat([noise, classes], 1)[:, :, None, None]))
    with pytest.raises(ShapeError, match="was given a condition of width 0, wanted 3"):
        network(noise)
    with pytest.raises(ShapeError, match="was given a condition of width 2, wanted 3"):
        network(noise, classes[:, :2])
    with pytest.raises(ShapeError, match="was given a condition of width 3, wanted none"):
        generator(noise=5, size=8, width=2)(noise, classes)


def test_numbers_of_the_discriminator():
    """One channel at 8 px: ones through a 4x4 kernel of ones are 3 or 4 a side, 14 x 14 in all; minus ones a fifth of it."""
    network = discriminator(channels=1, size=8, width=1).eval()
    for weight in (network.stages[0][0].weight, network.heads.source.weight):
        weight.data.fill_(1.0)
    assert network(torch.ones(1, 1, 8, 8)).source.item() == pytest.approx(196)
    assert network(-torch.ones(1, 1, 8, 8)).source.item() == pytest.approx(-39.2)


def test_dropout_is_for_training_and_after_the_features():
    network = discriminator(size=16, width=32, dropout=0.5, classes=3)
    plain = copied(network, discriminator(size=16, width=32, classes=3))
    x = torch.randn(4, 3, 16, 16)
    first, again = network(x), network(x)
    assert not torch.equal(first.source, again.source)
    assert torch.equal(first.features[0], again.features[0])
    assert not torch.equal(first.features[1], again.features[1])
    assert not network.eval()(x).features[0].eq(0).any()
    torch.testing.assert_close(network(x).classes, plain.load_state_dict(network.state_dict()) and plain.eval()(x).classes)


def test_heads_of_acgan_and_sgan(count):
    plain = count(discriminator(size=28, channels=1))
    acgan = discriminator(size=28, channels=1, classes=10)
    sgan = discriminator(size=28, channels=1, source=False, classes=11)
    last = 128 * 7 * 7
    assert count(acgan) == plain + (last + 1) * 10
    assert count(sgan) == plain - last + (last + 1) * 11
    judged = sgan(torch.randn(2, 1, 28, 28))
    assert judged.source is None
    assert judged.classes.shape == (2, 11)
    with pytest.raises(ValueError, match="judges nothing"):
        discriminator(source=False)


@pytest.mark.parametrize(
    "build",
    [
        lambda init: noise_generator(DCGANGenerator(init=init), IMAGE, noise=100, condition=10),
        lambda init: judge(DCGANDiscriminator(init=init), IMAGE, classes=10),
    ],
)
def test_weights_begin_as_published(build):
    """N(0, 0.02), scales of norms N(1, 0.02), offsets 0; or torch's. Their means are within 6 standard errors."""
    for name, parameter in build("normal").named_parameters():
        if name.endswith("bias"):
            assert not parameter.any(), name
        else:
            middle, error = (1.0 if parameter.dim() == 1 else 0.0), 0.02 / parameter.numel() ** 0.5
            assert abs(parameter.mean() - middle) < 6 * error, name
            assert abs(parameter.std() - 0.02) < 6 * error, name
    norms = [module for module in build("default").modules() if isinstance(module, nn.BatchNorm2d)]
    assert all(torch.equal(norm.weight, torch.ones_like(norm.weight)) for norm in norms)
