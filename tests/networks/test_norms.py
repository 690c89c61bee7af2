"""Instance norm is torch's, forwards and, where torch's own is wrong, backwards."""

import pytest
import torch
from torch import nn

from unpaired.networks.norms import norm_layer


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
    assert isinstance(norm_layer("none", 4), nn.Identity)
