"""Noise within networks: a generator's, which stays (pix2pix: Isola et al. 2017, section 3.2), and a classifier's in training."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Noise(nn.Module):
    """Dropout that stays in evaluation: [...] -> the same; a share of the values is set to 0, the rest scaled up.

    Draws come from torch's global generator, so `torch.manual_seed` makes them repeatable. `deterministic` turns the
    noise off in evaluation (`set_deterministic` does so for a whole network); in training it is always on.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share, self.deterministic = share, False

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.share, training=self.training or not self.deterministic)

    def extra_repr(self) -> str:
        return f"{self.share}, deterministic={self.deterministic}"


class TrainingNoise(nn.Module):
    """[...] -> the same, plus a draw from N(0, sigma^2) for each value in training; in evaluation it changes nothing."""

    def __init__(self, sigma: float) -> None:
        super().__init__()
        self.sigma = sigma

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and self.sigma):
            return x
        # In float32 and one piece: a CPU draws that several times as fast as bfloat16 or what lies channels last.
        return x + (self.sigma * torch.randn(x.shape, device=x.device)).to(x.dtype)

    def extra_repr(self) -> str:
        return f"{self.sigma}"


def is_noisy(network: nn.Module) -> bool:
    """Whether the network has noise in it, be it turned off or on."""
    return any(isinstance(module, Noise) for module in network.modules())


def set_deterministic(network: nn.Module, deterministic: bool) -> None:
    """Turn the noise of a network off in evaluation, or on again; a network without noise stays as it is."""
    for module in network.modules():
        if isinstance(module, Noise):
            module.deterministic = deterministic
