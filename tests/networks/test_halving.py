"""Both ways of a strided convolution, against torch's own."""

import pytest
import torch
from torch.nn import functional

from unpaired.networks import halving
from unpaired.networks.halving import Halving


@pytest.fixture(autouse=True)
def always(monkeypatch):
    """Products of matrices, however few the weights."""
    monkeypatch.setattr(halving, "LEAST_WEIGHTS", 0)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("shape", [(2, 3, 2, 2), (1, 4, 8, 2), (3, 1, 4, 6), (2, 2, 16, 16)], ids=str)
def test_answers_and_gradients_are_torchs(shape, layout):
    layer = Halving(shape[1], 5).double().to(memory_format=layout)
    x, y = torch.randn(*shape).double(), torch.randn(shape[0], 5, shape[2] // 2, shape[3] // 2).double()
    inputs = [x.to(memory_format=layout).requires_grad_(), y.to(memory_format=layout).requires_grad_(), layer.weight, layer.bias]
    x, y, weight, bias = inputs
    found = [layer(x), layer.spread(y)]
    wanted = [
        functional.conv2d(x, weight, bias, stride=2, padding=1),
        functional.conv_transpose2d(y, weight, stride=2, padding=1),
    ]
    for mine, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, theirs)
    mine, theirs = (torch.autograd.grad(a.square().sum() + b.pow(3).sum(), inputs) for a, b in (found, wanted))
    for gradient, other in zip(mine, theirs, strict=True):
        torch.testing.assert_close(gradient, other)


def test_its_state_is_a_convolutions():
    assert Halving(2, 3).state_dict().keys() == torch.nn.Conv2d(2, 3, 4).state_dict().keys()


@pytest.mark.parametrize(("weights", "places", "pays"), [(0, 64, True), (10**9, 64, False), (0, 63, False)])
def test_where_it_does_not_pay_it_is_torchs_to_the_last_bit(monkeypatch, weights, places, pays):
    """64 places of 4 images."""
    monkeypatch.setattr(halving, "LEAST_WEIGHTS", weights)
    monkeypatch.setattr(halving, "MOST_PLACES", places)
    products = []
    linear = functional.linear
    monkeypatch.setattr(functional, "linear", lambda *matrices: products.append(1) or linear(*matrices))
    layer, x, y = Halving(3, 4), torch.randn(4, 3, 8, 8), torch.randn(4, 4, 4, 4)
    found = [layer(x), layer.spread(y)]
    assert len(products) == 2 * pays
    if not pays:
        assert torch.equal(found[0], functional.conv2d(x, layer.weight, layer.bias, stride=2, padding=1))
        assert torch.equal(found[1], functional.conv_transpose2d(y, layer.weight, stride=2, padding=1))


def test_under_autocast():
    layer, x, y = Halving(3, 8), torch.randn(2, 3, 8, 8), torch.randn(2, 8, 4, 4)
    wanted = [layer(x), layer.spread(y)]
    with torch.autocast("cpu", torch.bfloat16):
        found = [layer(x), layer.spread(y)]
    for mine, exact in zip(found, wanted, strict=True):
        assert mine.dtype == torch.bfloat16
        assert (mine.float() - exact).norm() < 0.02 * exact.norm()
    sum(mine.float().square().sum() for mine in found).backward()
    assert layer.weight.grad.dtype == torch.float32
    assert layer.weight.grad.abs().min() > 0
