"""Winograd's convolution is a convolution: in exact fractions, in float64 against torch's, and in float32 nearly as near."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from unpaired.networks import winograd
from unpaired.networks.resnet import ResNetGenerator
from unpaired.networks.winograd import LEAST_CHANNELS, Conv3x3, convolve, convolve_backward, matrices


@pytest.fixture
def always(monkeypatch):
    """Winograd's way from one channel and one pixel on."""
    monkeypatch.setattr(winograd, "LEAST_CHANNELS", 1)
    monkeypatch.setattr(winograd, "LEAST_PIXELS", 1)


def test_it_is_a_correlation_in_exact_fractions():
    """A' [(G g) * (B' x)] has x_i g_j in answer i - j with factor 1, and in no other: no rounding."""
    to_answer, of_kernel, of_tile = matrices()
    assert (len(to_answer), len(of_kernel), len(of_tile)) == (4, 6, 6)
    for answer in range(4):
        for i in range(6):
            for j in range(3):
                factor = sum(to_answer[answer][k] * of_kernel[k][j] * of_tile[k][i] for k in range(6))
                assert factor == (i - j == answer)


@pytest.mark.parametrize(("images", "height", "width"), [(1, 6, 6), (2, 3, 9), (2, 8, 13), (1, 11, 5)])
def test_any_size_and_its_gradients_in_float64(images, height, width):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(images, 2, height, width, dtype=torch.float64, generator=generator, requires_grad=True)
    weight = torch.randn(3, 2, 3, 3, dtype=torch.float64, generator=generator, requires_grad=True)
    torch.testing.assert_close(convolve(x, weight), functional.conv2d(x, weight), rtol=0, atol=1e-12)
    assert torch.autograd.gradcheck(convolve, (x, weight))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_operators_are_what_they_tell_the_compiler(layout):
    x = torch.randn(2, 3, 7, 10).contiguous(memory_format=layout).requires_grad_()
    weight = torch.randn(4, 3, 3, 3).contiguous(memory_format=layout).requires_grad_()
    torch.library.opcheck(convolve, (x, weight))
    torch.library.opcheck(convolve_backward, (torch.randn(2, 4, 5, 8), x.detach(), weight.detach()))


def error(found, wanted):
    return float((found.double() - wanted).norm() / wanted.norm())


def test_rounding_in_float32():
    """Answers and gradients of values as they are in a block are within 2e-6 of the exact ones (torch's own: 2e-7 to 6e-7)."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 256, 34, 34, generator=generator).relu()
    weight, gradient = 0.02 * torch.randn(256, 256, 3, 3, generator=generator), torch.randn(1, 256, 32, 32, generator=generator)

    def results(function, dtype):
        inputs = x.to(dtype).requires_grad_(), weight.to(dtype).requires_grad_()
        y = function(*inputs)
        return [y.detach(), *torch.autograd.grad(y, inputs, gradient.to(dtype))]

    for found, wanted in zip(results(convolve, torch.float32), results(functional.conv2d, torch.float64), strict=True):
        assert error(found, wanted) < 2e-6


def pair(channels, *, bias=True):
    """The layer and torch's, with the same numbers in them."""
    layer = Conv3x3(channels, channels, bias=bias)
    plain = nn.Conv2d(channels, channels, 3, bias=bias)
    plain.load_state_dict(layer.state_dict())
    return layer, plain


def test_it_begins_as_torchs_does():
    torch.manual_seed(3)
    layer = Conv3x3(5, 7)
    torch.manual_seed(3)
    plain = nn.Conv2d(5, 7, 3)
    assert layer.state_dict().keys() == plain.state_dict().keys()
    assert all(torch.equal(value, plain.state_dict()[name]) for name, value in layer.state_dict().items())


@pytest.mark.parametrize("bias", [True, False])
def test_in_training_its_answers_and_gradients_are_torchs_up_to_rounding(bias, always, monkeypatch):
    calls = []
    monkeypatch.setattr(winograd, "convolve", lambda *inputs: calls.append(0) or convolve(*inputs))
    layer, plain = pair(6, bias=bias)
    x = torch.randn(2, 6, 9, 12)
    gradients = []
    for each in (layer, plain):
        inputs = [x.clone().requires_grad_(), *each.parameters()]
        gradients.append([each(inputs[0]), *torch.autograd.grad(each(inputs[0]).square().sum(), inputs)])
    assert len(gradients[0]) == 3 + bias
    for found, wanted in zip(*gradients, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    assert calls == [0, 0]


def test_where_it_does_not_pay_it_is_torchs_to_the_last_bit(always, monkeypatch):
    def refuse(*inputs):
        raise AssertionError("took Winograd's way")

    monkeypatch.setattr(winograd, "convolve", refuse)
    layer, plain = pair(4)
    x = torch.randn(1, 4, 10, 10)
    with pytest.raises(AssertionError, match="Winograd"):
        layer(x)  # it would be taken, but for what follows
    assert torch.equal(layer.eval()(x), plain(x))
    layer.train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(x).dtype == torch.bfloat16
        assert torch.equal(layer(x), plain(x))
    for dtype in (torch.bfloat16, torch.float64):
        assert torch.equal(copy.deepcopy(layer).to(dtype)(x.to(dtype)), copy.deepcopy(plain).to(dtype)(x.to(dtype)))
    assert layer.to("meta")(x.to("meta")).shape == (1, 4, 8, 8)


@pytest.mark.parametrize(("few", "value"), [("LEAST_CHANNELS", 5), ("LEAST_PIXELS", 65)])
def test_few_channels_or_pixels_are_convolved_plainly(few, value, always, monkeypatch):
    layer, plain = pair(4)
    x = torch.randn(1, 4, 10, 10)
    assert not torch.equal(layer(x), plain(x)), "one less of either, and it is Winograd's way"
    monkeypatch.setattr(winograd, few, value)
    assert torch.equal(layer(x), plain(x))


@pytest.mark.parametrize(("height", "width"), [(6, 6), (10, 6), (9, 12)])
def test_the_same_inputs_give_the_same_bits_whatever_was_computed_between(height, width):
    """Scratch memory is shared by all layers: nothing of the one before may be left in an answer."""
    x, weight = torch.randn(1, 8, height, width, requires_grad=True), torch.randn(8, 8, 3, 3, requires_grad=True)

    def results():
        y = convolve(x, weight)
        return [y, *torch.autograd.grad(y.square().sum(), (x, weight))]

    before = results()
    kept = [value.clone() for value in before]
    other = torch.full((2, 16, 20, 30), torch.nan, requires_grad=True)
    convolve(other, torch.full((16, 16, 3, 3), torch.nan)).sum().backward()
    for first, copied, again in zip(before, kept, results(), strict=True):
        assert torch.equal(first, copied), "an answer was overwritten"
        assert torch.equal(copied, again)


def test_a_generators_blocks_take_it_in_training_alone(monkeypatch):
    calls = []
    monkeypatch.setattr(winograd, "convolve", lambda *inputs: calls.append(0) or convolve(*inputs))
    network = ResNetGenerator(in_channels=3, out_channels=3, width=LEAST_CHANNELS // 4, blocks=2, downs=2, norm="instance")
    x = torch.rand(1, 3, 128, 128) * 2 - 1
    trained = network(x)
    assert len(calls) == 4
    torch.testing.assert_close(network.eval()(x), trained, rtol=0, atol=1e-5)
    assert len(calls) == 4
