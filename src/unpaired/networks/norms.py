"""Normalisation layers by name."""

from torch import nn


def norm_layer(norm: str, channels: int) -> nn.Module:
    """The layer of that name: "batch" (affine, running statistics), "instance" (neither, as in CycleGAN) or "none"."""
    match norm:
        case "batch":
            return nn.BatchNorm2d(channels)
        case "instance":
            # What nn.InstanceNorm2d computes; but that one returns wrong gradients on the CPU (torch 2.13) for a single image
            # whose gradient is channels last.
            return nn.GroupNorm(channels, channels, affine=False)
        case "none":
            return nn.Identity()
    raise ValueError(f"norm '{norm}' is unknown; wanted batch, instance or none")
