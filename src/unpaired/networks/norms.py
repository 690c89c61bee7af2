"""Normalisation layers by name."""

from torch import nn


def norm_layer(norm: str, channels: int) -> nn.Module:
    """"batch" (affine, running statistics), "instance" (neither, as in CycleGAN) or "none"."""
    match norm:
        case "batch":
            return nn.BatchNorm2d(channels)
        case "instance":
            return nn.InstanceNorm2d(channels)
        case "none":
            return nn.Identity()
    raise ValueError(f"norm '{norm}' is unknown; wanted batch, instance or none")
