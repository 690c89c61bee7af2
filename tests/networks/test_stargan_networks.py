"""StarGAN's networks against what was published, their authors' classes, and torch's own second derivatives."""

import re

import originals
import pytest
import torch
from originals import drawn
from torch import nn

from unpaired.errors import ShapeError
from unpaired.losses import slope_penalty
from unpaired.networks.build import label_discriminator, label_generator
from unpaired.networks.specs import StarGANDiscriminator, StarGANGenerator
from unpaired.networks.stargan import Planes, with_planes


def generator(shape=(3, 16, 16), numbers=5, **options):
    return label_generator(StarGANGenerator(**({"width": 4, "blocks": 2} | options)), shape, numbers)


def discriminator(shape=(3, 16, 16), numbers=5, **options):
    return label_discriminator(StarGANDiscriminator(**({"width": 4, "layers": 2} | options)), shape, numbers)


def test_the_published_generator(layers):
    """Table 4 of the paper, with 5 numbers."""
    block = ["conv 256-256 k3 s1 p1", "instance 256 affine", "relu", "conv 256-256 k3 s1 p1", "instance 256 affine"]
    assert layers(generator((3, 128, 128), width=64, blocks=6)) == [
        "conv 8-64 k7 s1 p3", "instance 64 affine", "relu",
        "conv 64-128 k4 s2 p1", "instance 128 affine", "relu",
        "conv 128-256 k4 s2 p1", "instance 256 affine", "relu",
        *block * 6,
        "deconv 256-128 k4 s2 p1", "instance 128 affine", "relu",
        "deconv 128-64 k4 s2 p1", "instance 64 affine", "relu",
        "conv 64-3 k7 s1 p3", "tanh",
    ]  # fmt: skip


def test_the_published_discriminator(layers):
    """Table 5 of the paper; LeakyReLUs are no modules."""
    assert layers(discriminator((3, 128, 128), width=64, layers=6)) == [
        "conv 3-64 k4 s2 p1 bias", "conv 64-128 k4 s2 p1 bias", "conv 128-256 k4 s2 p1 bias", "conv 256-512 k4 s2 p1 bias",
        "conv 512-1024 k4 s2 p1 bias", "conv 1024-2048 k4 s2 p1 bias", "conv 2048-1 k3 s1 p1", "conv 2048-5 k2 s1 p0",
    ]  # fmt: skip


def test_parameters(count):
    """53.2 million in the paper's table 3: 13 numbers of two data sets' labels, and 2 of the mask."""
    with torch.device("meta"):
        shape = (3, 128, 128)
        both = count(generator(shape, 15, width=64, blocks=6)) + count(discriminator(shape, 13, width=64, layers=6))
    assert both == 53_289_472


def took_over(network, theirs):
    """The network with their weights, which come in the order of ours."""
    weights = {name: value for name, value in theirs.state_dict().items() if "running" not in name and "batches" not in name}
    network.load_state_dict(dict(zip(network.state_dict(), weights.values(), strict=True)))
    return network


@pytest.mark.parametrize("numbers", [1, 7])
def test_it_generates_as_its_authors(numbers):
    theirs = drawn(originals.StarGANGenerator(numbers=numbers))
    ours = took_over(generator((3, 24, 16), numbers), theirs)
    x, label = torch.rand(2, 3, 24, 16) * 2 - 1, torch.rand(2, numbers)
    wanted = theirs(x, label)  # in training mode, as it always is there
    assert wanted.std() > 0.1
    torch.testing.assert_close(ours(x, label), wanted, atol=1e-5, rtol=0)
    torch.testing.assert_close(ours.eval()(x, label), wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("size", "depth"), [(16, 2), (32, 3)])
def test_it_discriminates_as_its_authors(size, depth):
    theirs = drawn(originals.StarGANDiscriminator(numbers=5, size=size, layers=depth))
    x = torch.rand(3, 3, size, size) * 2 - 1
    for mine, wanted in zip(took_over(discriminator((3, size, size), layers=depth), theirs)(x), theirs(x), strict=True):
        assert mine.shape == wanted.shape
        torch.testing.assert_close(mine, wanted, atol=1e-5, rtol=1e-5)


def test_planes():
    x = torch.rand(2, 3, 4, 5)
    each, alike = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([5.0, 6.0])
    assert torch.equal(with_planes(x, each)[:, :3], x)
    assert torch.equal(with_planes(x, each)[:, 3:], each[:, :, None, None].expand(-1, -1, 4, 5))
    assert torch.equal(Planes(alike)(x)[:, 3:], alike[None, :, None, None].expand(2, -1, 4, 5))
    assert with_planes(x.double(), each).dtype == torch.float64


def test_a_change_starts_from_none():
    network, x = generator(change=True), torch.randn(2, 3, 16, 16)
    assert torch.equal(network(x, torch.rand(2, 5)), x)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(network(x, torch.rand(2, 5)), x)
    nn.init.normal_(network.layers[-1].weight)
    network(x, torch.rand(2, 5)).square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in network.parameters())


@pytest.mark.parametrize(("shape", "depth"), [((3, 16, 16), 1), ((1, 16, 8), 2), ((4, 32, 32), 5), ((3, 64, 32), 3)], ids=str)
def test_slopes_are_the_gradient_of_the_scores(shape, depth):
    """Their values, and what the penalty teaches the weights, against torch differentiating twice."""
    network = drawn(discriminator(shape, layers=depth)).double()
    x = torch.randn(3, *shape, dtype=torch.float64, requires_grad=True)
    (wanted,) = torch.autograd.grad(network(x)[0].sum(), x, create_graph=True)
    slopes = network.slopes(x.detach())
    assert wanted.abs().max() > 1e-4
    torch.testing.assert_close(slopes, wanted, rtol=1e-6, atol=1e-15)
    learn = [parameter for name, parameter in network.named_parameters() if name.endswith("weight") and "classes" not in name]
    found = torch.autograd.grad(penalty(slopes), learn)
    for gradient, other in zip(found, torch.autograd.grad(penalty(wanted), learn), strict=True):
        assert other.abs().max() > 0
        torch.testing.assert_close(gradient, other, rtol=1e-6, atol=1e-15)


def penalty(slopes):
    """In float64, which `slope_penalty` rounds away."""
    return (slopes.flatten(1).norm(dim=1) - 1).square().mean()


def test_slopes_teach_no_bias_and_no_class():
    """As by torch's second derivatives: a bias moves no slope, but where an activation changes its sign."""
    network = discriminator()
    parameters = dict(network.named_parameters())
    penalty = slope_penalty(network.slopes(torch.randn(2, 3, 16, 16)))
    found = dict(zip(parameters, torch.autograd.grad(penalty, list(parameters.values()), allow_unused=True), strict=True))
    learned = {name for name, gradient in found.items() if gradient is not None}
    assert learned == {"convolutions.0.weight", "convolutions.1.weight", "source.weight"}


@pytest.mark.parametrize("asked", ["slopes alone", "scores first", "scores without gradients first"])
def test_slopes_teach_under_autocast(asked):
    """Autocast keeps the weights that it has cast for the next layer that asks for them, with their history or without."""
    network, x = drawn(discriminator()), torch.randn(4, 3, 16, 16)
    weights = [network.source.weight, *(convolution.weight for convolution in network.convolutions)]
    wanted = torch.autograd.grad(slope_penalty(network.slopes(x)), weights)
    with torch.autocast("cpu", torch.bfloat16):
        if asked == "scores first":
            network(x)
        elif asked == "scores without gradients first":
            with torch.no_grad():
                network(x)
        slopes = network.slopes(x)
        loss = slope_penalty(slopes)
    assert slopes.dtype == torch.bfloat16
    assert loss.dtype == torch.float32
    for found, exact in zip(torch.autograd.grad(loss, weights), wanted, strict=True):
        assert (found - exact).norm() < 0.05 * exact.norm()


@pytest.mark.parametrize(
    ("build", "shape", "said"),
    [
        (generator, (3, 10, 16), "network 'stargan' with downs=2 takes heights and widths that are multiples of 4, from 8 on"),
        (generator, (2,), "network 'stargan' takes images (C, H, W), found samples of shape (2,)"),
        (discriminator, (3, 16, 18), "with layers=2 takes heights and widths that are multiples of 4, found 16 x 18; use another "
         "size, or layers=1"),
        (discriminator, (3, 15, 16), "found 15 x 16; use another size"),
        (discriminator, (2,), "network 'stargan' takes images (C, H, W), found samples of shape (2,)"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(build, shape, said):
    with pytest.raises(ShapeError, match=re.escape(said)):
        build(shape)
