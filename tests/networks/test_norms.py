"""Instance norm is torch's, forwards and, where torch's own is wrong, backwards."""

import pytest
import torch
from torch import nn

from unpaired.networks.norms import has_bias, norm_layer


@pytest.mark.parametrize("images", [1, 3])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_instance_norm_is_torchs_with_the_right_gradient(images: int, layout: torch.memory_format) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(images, 4, 6, 5, generator=generator).contiguous(memory_format=layout).requires_grad_()
    weight = torch.randn(images, 4, 6, 5, generator=generator).contiguous(memory_format=layout)
    y = norm_layer("instance", 4)(x)
    torch.testing.assert_close(y, nn.InstanceNorm2d(4)(x))
    (gradient,) = torch.autograd.grad((y * weight).sum(), x)
    mean, spread = x.mean((2, 3), keepdim=True), x.var((2, 3), keepdim=True, unbiased=False)
    (wanted,) = torch.autograd.grad((((x - mean) / (spread + 1e-5).sqrt()) * weight).sum(), x)
    torch.testing.assert_close(gradient, wanted, atol=1e-5, rtol=1e-4)


def test_norms_keep_their_states() -> None:
    assert not norm_layer("instance", 4).state_dict()
    assert set(norm_layer("batch", 4).state_dict()) == {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}
    assert norm_layer("batch-by-image", 4).state_dict().keys() == norm_layer("batch", 4).state_dict().keys()
    assert set(norm_layer("instance-affine", 4).state_dict()) == {"weight", "bias"}
    assert isinstance(norm_layer("none", 4), nn.Identity)


def drawn(layer: nn.Module) -> nn.Module:
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    return layer


def test_affine_instance_norm_is_torchs() -> None:
    layer = drawn(norm_layer("instance-affine", 4))
    wanted = nn.InstanceNorm2d(4, affine=True)
    wanted.load_state_dict(layer.state_dict())
    x = 3 * torch.randn(2, 4, 6, 5) + 1
    torch.testing.assert_close(layer(x), wanted(x))


def test_batch_norm_by_image_translates_each_image_as_a_batch_of_its_own() -> None:
    """In training it is batch norm and counts along; in evaluation it is batch norm in training, image by image."""
    layer, wanted = drawn(norm_layer("batch-by-image", 4)), nn.BatchNorm2d(4)
    wanted.load_state_dict(layer.state_dict())
    x = 3 * torch.randn(3, 4, 6, 5) + torch.arange(3)[:, None, None, None]
    torch.testing.assert_close(layer(x), wanted(x))
    assert layer.running_mean.tolist() == wanted.running_mean.tolist() != [0, 0, 0, 0]
    kept = layer.running_mean.clone()
    torch.testing.assert_close(layer.eval()(x), torch.cat([wanted(image[None]) for image in x]))
    assert torch.equal(layer.running_mean, kept)


@pytest.mark.parametrize(
    ("norm", "bias"), [("batch", False), ("batch-by-image", False), ("instance", True), ("instance-affine", True), ("none", True)]
)
def test_where_convolutions_have_biases(norm: str, bias: bool) -> None:
    assert has_bias(norm) is bias
