"""Normalisation layers by name."""

import torch
from torch import Tensor, nn


def norm_layer(norm: str, channels: int) -> nn.Module:
    """The layer of that name, one of `specs.Norm`; each takes and gives [N, channels, H, W]."""
    match norm:
        case "batch":
            return nn.BatchNorm2d(channels)
        case "batch-by-image":
            return BatchNormByImage(channels)
        case "instance" | "instance-affine":
            # What nn.InstanceNorm2d computes; but that one returns wrong gradients on the CPU (torch 2.13) for a single image
            # whose gradient is channels last.
            return nn.GroupNorm(channels, channels, affine=norm == "instance-affine")
        case "none":
            return nn.Identity()
    raise ValueError(f"norm '{norm}' is unknown; wanted batch, batch-by-image, instance, instance-affine or none")


def has_bias(norm: str) -> bool:
    """Whether a convolution before that norm has a bias: not where batch normalisation adds its own.

    Instance normalisation takes a bias away again; the published networks have it all the same.
    """
    return norm not in ("batch", "batch-by-image")


class BatchNormByImage(nn.BatchNorm2d):
    """Batch normalisation in training; in evaluation each image by its own mean and variance, not by the running ones.

    So do pix2pix's authors translate (Isola et al. 2017, section 3.4: statistics of the test batch, which is one image).
    Running statistics are kept all the same, and the state is that of nn.BatchNorm2d.
    """

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return super().forward(x)
        return torch.nn.functional.group_norm(x, self.num_features, self.weight, self.bias, self.eps)
