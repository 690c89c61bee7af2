"""DiscoGAN's networks against the authors' published layers, and by numbers worked out on paper."""

import math

import pytest
import torch
from torch import nn

from unpaired.errors import ShapeError
from unpaired.networks.encoder_decoder import ConvDiscriminatorNet, EncoderDecoderNet, encoder_widths

ENCODER_64 = [
    "conv 3-64 k4 s2 p1", "leaky 0.2",
    "conv 64-128 k4 s2 p1", "batch 128 affine", "leaky 0.2",
    "conv 128-256 k4 s2 p1", "batch 256 affine", "leaky 0.2",
    "conv 256-512 k4 s2 p1", "batch 512 affine", "leaky 0.2",
]  # fmt: skip
CODE_100 = [
    "conv 512-100 k4 s1 p0", "batch 100 affine", "leaky 0.2",
    "deconv 100-512 k4 s1 p0", "batch 512 affine", "relu",
]  # fmt: skip
DECODER_64 = [
    "deconv 512-256 k4 s2 p1", "batch 256 affine", "relu",
    "deconv 256-128 k4 s2 p1", "batch 128 affine", "relu",
    "deconv 128-64 k4 s2 p1", "batch 64 affine", "relu",
    "deconv 64-3 k4 s2 p1", "tanh",
]  # fmt: skip


def net(*, size=64, width=64, bottleneck=None, source=3, target=3):
    return EncoderDecoderNet(in_channels=source, out_channels=target, size=size, width=width, bottleneck=bottleneck)


def judge(*, size=64, width=64, channels=3):
    return ConvDiscriminatorNet(in_channels=channels, size=size, width=width)


def test_the_authors_generator(layers, count):
    """Numbers: 16 (3 64 + 64 128 + 128 256 + 256 512) twice, and 2 (128 + 256 + 512 + 256 + 128 + 64) for the norms."""
    assert layers(net()) == ENCODER_64 + DECODER_64
    assert count(net()) == 2 * 16 * (192 + 8192 + 32768 + 131072) + 2 * 1344 == 5_513_856


def test_the_authors_generator_with_a_code(layers, count):
    """16 512 100 twice more, and 2 (100 + 512) for the norms."""
    assert layers(net(bottleneck=100)) == ENCODER_64 + CODE_100 + DECODER_64
    assert count(net(bottleneck=100)) == 5_513_856 + 2 * 819_200 + 2 * 612 == 7_153_480


def test_the_authors_discriminator(layers, count):
    assert layers(judge()) == [*ENCODER_64, "conv 512-1 k4 s1 p0"]
    assert count(judge()) == 16 * (192 + 8192 + 32768 + 131072) + 2 * 896 + 16 * 512 == 2_765_568


@pytest.mark.parametrize(
    ("size", "widths"),
    [(8, [64]), (16, [64, 128]), (32, [64, 128, 256]), (64, [64, 128, 256, 512]), (128, [64, 128, 256, 512, 512]),
     (256, [64, 128, 256, 512, 512, 512])],
)  # fmt: skip
def test_a_layer_for_each_halving(size, widths):
    assert encoder_widths(size, 64) == widths
    assert encoder_widths(size, 3) == [width * 3 // 64 for width in widths]


def test_other_sizes_have_fewer_or_more_layers(layers):
    assert layers(net(size=32)) == ENCODER_64[:8] + DECODER_64[3:]
    fifth, mirrored = ["conv 512-512 k4 s2 p1", "batch 512 affine", "leaky 0.2"], ["deconv 512-512 k4 s2 p1"]
    mirrored += ["batch 512 affine", "relu"]
    assert layers(net(size=128)) == ENCODER_64 + fifth + mirrored + DECODER_64
    assert layers(judge(size=128)) == [*ENCODER_64, *fifth, "conv 512-1 k4 s1 p0"]
    assert layers(judge(size=32)) == [*ENCODER_64[:8], "conv 256-1 k4 s1 p0"]


@pytest.mark.parametrize("size", [8, 32, 128])
@pytest.mark.parametrize(("source", "target"), [(3, 3), (1, 3), (3, 1), (5, 2)])
@pytest.mark.parametrize("bottleneck", [None, 6])
def test_shapes_and_range(size, source, target, bottleneck):
    x = torch.randn(2, source, size, size)
    y = net(size=size, width=4, source=source, target=target, bottleneck=bottleneck)(100 * x)
    assert y.shape == (2, target, size, size)
    assert -1 <= y.min() < y.max() <= 1
    score, features = judge(size=size, width=4, channels=source)(x)
    assert score.shape == (2, 1, 1, 1)
    # Layers two on: half the size each time down to 4 px.
    wanted = {8: [], 32: [(2, 8, 8, 8), (2, 16, 4, 4)]}
    wanted[128] = [(2, 8, 32, 32), (2, 16, 16, 16), (2, 32, 8, 8), (2, 32, 4, 4)]
    assert [tuple(f.shape) for f in features] == wanted[size]


@pytest.mark.parametrize("size", [0, 1, 2, 4, 7, 12, 48, 63, 65, 100])
def test_other_sizes_are_refused(size):
    for build in (net, judge):
        with pytest.raises(ShapeError, match=f"size {size} does not suit .* power of two from 8 on, such as 32"):
            build(size=size)


def constant(network, **weights):
    """All convolutions filled with a number of their own, by name."""
    for name, number in weights.items():
        network.get_submodule(name.replace("_", ".")).weight.data.fill_(number)
    return network.eval()


# A 4x4 kernel of ones, stride 2, padding 1, on eight ones: each place sees 3 or 4 of them.
DOWN = torch.tensor([3.0, 4, 4, 3])
# That through a transposed one: places (3), (3 + 4), (3 + 4), (4 + 4), ...
UP = torch.tensor([3.0, 7, 7, 8, 8, 7, 7, 3])


@pytest.mark.parametrize("x", [1.0, -1.0])
def test_numbers_of_the_generator(x):
    """One channel at 8 px: convolution, LeakyReLU, transposed convolution, tanh."""
    network = constant(net(size=8, width=1, source=1, target=1), layers_0=1.0, layers_2=0.01)
    before_tanh = 0.01 * UP[:, None] * UP * (1.0 if x > 0 else -0.2)
    torch.testing.assert_close(network(torch.full((1, 1, 8, 8), x))[0, 0], before_tanh.tanh())


def test_numbers_of_the_code():
    """The code adds up 14 x 14; a norm makes -1/2 of it, LeakyReLU a fifth of that; another halves it and adds ten."""
    network = constant(
        net(size=8, width=1, source=1, target=1, bottleneck=1), layers_0=1.0, layers_2=1.0, layers_5=1.0, layers_8=0.1
    )
    norm(network.layers[3], weight=-1.0, bias=0.0)  # -98, then LeakyReLU: -19.6
    norm(network.layers[6], weight=1.0, bias=10.0)  # -9.8 + 10 = 0.2 in all of 4 x 4
    ones_up = torch.tensor([1.0, 2, 2, 2, 2, 2, 2, 1])
    torch.testing.assert_close(
        network(torch.ones(1, 1, 8, 8))[0, 0], (0.1 * 0.2 * ones_up[:, None] * ones_up).tanh(), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(("x", "wanted"), [(1.0, 196.0), (-1.0, -39.2)])
def test_numbers_of_the_discriminator(x, wanted):
    """One channel at 8 px: the sum over DOWN x DOWN = 14 x 14, LeakyReLU; no sigmoid at the end."""
    network = constant(judge(size=8, width=1, channels=1), stages_0_0=1.0, score=1.0)
    score, features = network(torch.full((1, 1, 8, 8), x))
    assert score.item() == pytest.approx(wanted)
    assert features == []


def test_numbers_of_the_second_layer():
    """At 16 px: 3 4 4 4 4 4 4 3 becomes 11 16 16 11, which sums to 54. One norm makes 3/2 of it, the other -1/2."""
    network = constant(judge(size=16, width=1, channels=1), stages_0_0=1.0, stages_1_0=1.0, score=1.0)
    norm(network.stages[1][1], weight=torch.tensor([3.0, -1.0]), bias=0.0)
    score, features = network(torch.ones(1, 1, 16, 16))
    second = torch.tensor([11.0, 16, 16, 11])
    torch.testing.assert_close(features[0][0, 0], 1.5 * second[:, None] * second)
    torch.testing.assert_close(features[0][0, 1], -0.2 * 0.5 * second[:, None] * second)
    assert score.item() == pytest.approx((1.5 - 0.1) * 54**2)


def norm(layer, *, weight, bias):
    """A batch norm that divides by two in evaluation, then takes `weight` and `bias`."""
    assert isinstance(layer, nn.BatchNorm2d)
    layer.running_var.fill_(4 - layer.eps)
    with torch.no_grad():
        layer.weight.copy_(torch.as_tensor(weight))
        layer.bias.fill_(bias)


def test_tanh_is_the_authors_sigmoid_on_another_range():
    """tanh(x) = 2 sigmoid(2 x) - 1: their images in [0, 1], ours in [-1, 1]."""
    network = net(size=8, width=2).eval()
    x = torch.randn(3, 3, 8, 8)
    before = network.layers[:-1](x)
    assert isinstance(network.layers[-1], nn.Tanh)
    torch.testing.assert_close(network(x), 2 * torch.sigmoid(2 * before) - 1, rtol=1e-5, atol=1e-6)
    assert math.isclose(network(torch.zeros(1, 3, 8, 8)).abs().max().item(), 0, abs_tol=1e-6)  # no biases


def test_unit_inputs_are_the_same_weights_on_values_from_0_to_1():
    """The authors pad values from 0 to 1 with black."""
    signed, unit = (
        net(size=8, width=2),
        EncoderDecoderNet(in_channels=3, out_channels=3, size=8, width=2, bottleneck=None, unit=True),
    )
    unit.load_state_dict(signed.state_dict())
    x = torch.rand(2, 3, 8, 8) * 2 - 1
    torch.testing.assert_close(unit.eval()(x), signed.eval()((x + 1) / 2))
    black = torch.full((1, 3, 8, 8), -1.0)
    assert torch.equal(unit.layers[0]((black + 1) / 2), torch.zeros(1, 2, 4, 4))


def test_a_judge_of_unit_inputs():
    signed, unit = judge(size=8, width=2), ConvDiscriminatorNet(in_channels=3, size=8, width=2, unit=True)
    unit.load_state_dict(signed.state_dict())
    x = torch.rand(2, 3, 8, 8) * 2 - 1
    torch.testing.assert_close(unit.eval()(x)[0], signed.eval()((x + 1) / 2)[0])
