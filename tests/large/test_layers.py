"""Each layer on parts against torch on the whole; statistics against numpy in float64."""

import numpy as np
import pytest
import torch
from torch import nn

from unpaired.errors import ShapeError
from unpaired.large.layers import Border, Box, Convolution, Moments, Noise, Norm, Span, Transposed, reflected

SPANS = [Span(0, 1), Span(0, 4), Span(3, 9), Span(5, 6), Span(2, 100)]


def check(layer, whole, x):
    """Every span of rows and columns of the answer, from no more than the span that it hangs on."""
    size, (_, _, height, width) = tuple(x.shape[2:]), whole.shape
    assert layer.shape((x.shape[1], *size)) == tuple(whole.shape[1:])
    for rows in SPANS:
        for cols in SPANS:
            want = Box(rows.within(height), cols.within(width))
            need = layer.box(want, size=size)
            part = Box.whole(x.shape[1:]).cut(x, need).contiguous()
            y = layer.compute(part, want=want, size=size, mine=False)
            torch.testing.assert_close(y, Box.whole(whole.shape[1:]).cut(whole, want), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [{}, {"stride": 2}, {"stride": (1, 3)}, {"dilation": 2}, {"stride": 2, "dilation": (3, 1)}, {"groups": 2}, {"bias": False}],
)
@pytest.mark.parametrize("kernel", [1, 3, (4, 2)])
def test_convolution(options, kernel):
    module, x = nn.Conv2d(4, 6, kernel, **options), torch.randn(1, 4, 17, 14)
    check(Convolution(module), module(x), x)


@pytest.mark.parametrize(
    ("kernel", "options"),
    [
        (3, {"stride": 2, "padding": 1, "output_padding": 1}),  # CycleGAN's
        (4, {"stride": 2, "padding": 1}),  # pix2pix's
        (4, {}),
        (1, {"stride": 3, "output_padding": 2}),  # places that no input reaches
        (2, {"stride": 3, "padding": 1, "output_padding": (1, 2)}),
        ((5, 3), {"stride": (1, 2), "padding": (4, 0), "dilation": (2, 3), "output_padding": (0, 1)}),
        (3, {"stride": 2, "groups": 2, "bias": False}),
    ],
)
def test_transposed_convolution(kernel, options):
    module, x = nn.ConvTranspose2d(4, 6, kernel, **options), torch.randn(1, 4, 7, 9)
    check(Transposed(module), module(x), x)


@pytest.mark.parametrize(
    ("mode", "module"), [("reflect", nn.ReflectionPad2d), ("replicate", nn.ReplicationPad2d), ("zeros", nn.ZeroPad2d)]
)
@pytest.mark.parametrize("padding", [(1, 1, 1, 1), (3, 0, 2, 5), (0, 4, 0, 0)])
def test_border(mode, module, padding):
    left, right, top, bottom = padding
    x = torch.randn(1, 2, 8, 9)
    check(Border(mode, before=(top, left), after=(bottom, right)), module(padding)(x), x)


def test_a_border_inside_the_image_copies_nothing():
    x = torch.randn(1, 2, 6, 6)
    y = Border("reflect", before=(3, 3), after=(3, 3)).compute(x, want=Box(Span(13, 19), Span(23, 29)), size=(90, 90), mine=False)
    assert y is x


def test_a_border_needs_an_image_larger_than_itself():
    with pytest.raises(ShapeError, match="an image of 3 x 9 cannot be reflected 3 px beyond its border"):
        Border("reflect", before=(3, 3), after=(3, 3)).shape((1, 3, 9))


def test_a_kernel_needs_an_image_as_large():
    with pytest.raises(ShapeError, match="2 x 9 px are too few for a kernel that reaches over 5"):
        Convolution(nn.Conv2d(1, 1, 3, dilation=2)).shape((1, 2, 9))


def test_reflected():
    """Mirrored at the first and the last, neither repeated, as often as need be; worked out on paper."""
    assert reflected(torch.arange(-2, 10), 4).tolist() == [2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2, 3]
    assert reflected(torch.arange(3), 1).tolist() == [0, 0, 0]


@pytest.mark.parametrize("groups", [1, 3, 6])
def test_norm_with_statistics_of_all_parts(groups):
    module, x = nn.GroupNorm(groups, 6, eps=1e-3), torch.randn(1, 6, 12, 10) + torch.arange(12)[:, None]
    nn.init.normal_(module.weight)
    nn.init.normal_(module.bias)
    layer, moments = Norm(6, groups=groups, eps=1e-3, weight=module.weight, bias=module.bias), Moments(6)
    assert layer.measures
    for part in x.split([5, 1, 6], 2):
        moments.add(part)
    layer.learn(moments, device=torch.device("cpu"))
    check(layer, module(x), x)


def test_norm_with_kept_statistics():
    module, x = nn.BatchNorm2d(3), torch.randn(1, 3, 8, 8)
    module(torch.randn(4, 3, 5, 5) + 2)
    module.eval()
    layer = Norm(3, groups=3, eps=module.eps, kept=(module.running_mean, module.running_var))
    assert not layer.measures
    check(layer, module(x), x)


@pytest.mark.parametrize("offset", [0, 1e4])
def test_moments(offset):
    """Numpy's on the same float32 values in float64, for parts whose means differ, far from zero too."""
    parts = [offset + step + torch.randn(1, 4, 30, 7 + 10 * step) for step in range(5)]
    moments = Moments(4)
    for part in parts:
        moments.add(part)
    values = torch.cat(parts, 3).double().numpy()
    mean, variance = moments.of_groups(4)
    np.testing.assert_allclose(mean, values.mean((0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(variance, values.var((0, 2, 3)), rtol=1e-4)
    mean, variance = moments.of_groups(2)
    np.testing.assert_allclose(variance[::2], [values[:, :2].var(), values[:, 2:].var()], rtol=1e-4)
    np.testing.assert_allclose(mean[1::2], [values[:, :2].mean(), values[:, 2:].mean()], rtol=1e-6)


def test_noise_is_a_function_of_the_place():
    layer, x, size = Noise(0.3, seed=7), torch.ones(1, 3, 150, 200), (150, 200)
    whole = layer.compute(x, want=Box.whole((3, 150, 200)), size=size, mine=False)
    assert (whole == 0).float().mean() == pytest.approx(0.3, abs=0.01)
    assert whole.max() == pytest.approx(1 / 0.7)
    box = Box(Span(60, 131), Span(5, 66))
    part = layer.compute(x[:, :, :71, :61], want=box, size=size, mine=False)
    assert torch.equal(part, whole[:, :, 60:131, 5:66])
    assert not Noise(1.0, seed=7).compute(x, want=Box.whole((3, 150, 200)), size=size, mine=False).any()
