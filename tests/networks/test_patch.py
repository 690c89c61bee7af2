"""PatchGAN against its published layers and its patch."""

import pytest
import torch

from unpaired.networks.patch import PatchDiscriminator


def net(*, channels=3, width=64, layers=3, norm="instance"):
    return PatchDiscriminator(in_channels=channels, width=width, layers=layers, norm=norm)


def test_the_published_layers(layers):
    assert layers(net()) == [
        "conv 3-64 k4 s2 p1 bias", "leaky 0.2",
        "conv 64-128 k4 s2 p1 bias", "instance 128", "leaky 0.2",
        "conv 128-256 k4 s2 p1 bias", "instance 256", "leaky 0.2",
        "conv 256-512 k4 s1 p1 bias", "instance 512", "leaky 0.2",
        "conv 512-1 k4 s1 p1 bias",
    ]  # fmt: skip


def test_with_batch_norm_only_the_ends_have_a_bias(layers):
    found = layers(net(norm="batch"))
    assert [line for line in found if line.endswith("bias")] == ["conv 3-64 k4 s2 p1 bias", "conv 512-1 k4 s1 p1 bias"]
    assert [line for line in found if "batch" in line] == ["batch 128 affine", "batch 256 affine", "batch 512 affine"]


def test_parameters(count):
    """Published: 2,764,737 with instance norm and 3 channels, 2,768,705 with batch norm and 6 (pix2pix)."""
    assert count(net()) == 2_764_737
    assert count(net(channels=6, norm="batch")) == 2_768_705
    assert count(net(norm="none")) == 2_764_737


@pytest.mark.parametrize(("norm", "end"), [("instance", " bias"), ("batch", "")])
def test_without_layers_it_judges_pixels(layers, norm, end):
    found = "instance 128" if norm == "instance" else "batch 128 affine"
    assert layers(net(layers=0, norm=norm)) == [
        "conv 3-64 k1 s1 p0 bias", "leaky 0.2",
        f"conv 64-128 k1 s1 p0{end}", found, "leaky 0.2",
        f"conv 128-1 k1 s1 p0{end}",
    ]  # fmt: skip


def test_a_pixel_is_judged_alone():
    network, x = net(layers=0, norm="none", width=4), torch.randn(2, 3, 5, 7)
    score, features = network(x)
    assert score.shape == (2, 1, 5, 7)
    assert [tuple(f.shape) for f in features] == [(2, 8, 5, 7)]
    torch.testing.assert_close(network(x[:, :, 2:3, 4:5])[0], score[:, :, 2:3, 4:5])


def test_channels_double_up_to_eight_times(layers):
    found = [line for line in layers(net(width=2, layers=5, norm="none")) if "conv" in line]
    assert [line.split()[1] for line in found] == ["3-2", "2-4", "4-8", "8-16", "16-16", "16-16", "16-1"]
    assert [line.split()[3] for line in found] == ["s2"] * 5 + ["s1"] * 2


@pytest.mark.parametrize(("layers", "patch"), [(1, 16), (2, 34), (3, 70)])
def test_a_score_sees_its_patch(layers, patch):
    """The pixels that one score in the middle depends on."""
    network = net(channels=2, width=1, layers=layers, norm="none")
    for parameter in network.parameters():
        torch.nn.init.constant_(parameter, 0.1)  # nothing cancels
    x = torch.rand(1, 2, 144, 144, requires_grad=True)
    score, _ = network(x)
    middle = score.shape[-1] // 2
    score[0, 0, middle, middle].backward()
    seen = x.grad[0].abs().sum(0)
    rows, columns = seen.sum(1).nonzero(), seen.sum(0).nonzero()
    assert rows[-1] - rows[0] + 1 == columns[-1] - columns[0] + 1 == patch
    assert (seen > 0).sum() == patch**2


@pytest.mark.parametrize("norm", ["instance", "batch", "none"])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (40, 96)])
def test_shapes(norm, height, width):
    """Three halvings, then two convolutions that take a pixel each. Activations: all but the first and the scores."""
    score, features = net(channels=4, width=2, norm=norm)(torch.randn(2, 4, height, width))
    assert score.shape == (2, 1, height // 8 - 2, width // 8 - 2)
    assert [tuple(f.shape) for f in features] == [
        (2, 4, height // 4, width // 4), (2, 8, height // 8, width // 8), (2, 16, height // 8 - 1, width // 8 - 1),
    ]  # fmt: skip


@pytest.mark.parametrize("sign", [1, -1])
def test_numbers(sign):
    """One strided layer, width 1, no norm; a score in the middle, where no padding is seen.

    Sums of 16 pixels; LeakyReLU; 16 of those in two channels, the second negated; LeakyReLU; 16 of both; 1/2 added.
    """
    network = net(channels=1, width=1, layers=1, norm="none")
    (first, _), (second, _, _) = network.stages
    for layer in (first, second, network.score):
        torch.nn.init.ones_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    second.weight.data[1] = -1
    network.score.bias.data.fill_(0.5)
    score, _ = network(torch.full((1, 1, 32, 32), sign / 16))
    # 1: 16 and -16, then 16 and -3.2. -1: -0.2, then -3.2 and 3.2, then -0.64 and 3.2.
    both = 16 - 3.2 if sign > 0 else -0.64 + 3.2
    assert score[0, 0, 7, 7].item() == pytest.approx(16 * both + 0.5)
