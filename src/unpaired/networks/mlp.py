"""Fully connected networks for points, one or many side by side (DiscoGAN, section 3.1: the toy)."""

import math

import torch
from torch import Tensor, nn

from unpaired.networks.judged import Judged


class MlpNet(nn.Module):
    """[..., N, in_features] -> [..., N, out_features]: `layers` linear layers with ReLU between, nothing after the last.

    With `members` the points are [members, N, in_features] and each member has weights of its own: as many independent
    networks as there are members, at little more than the price of one.
    """

    def __init__(self, *, in_features: int, out_features: int, hidden: int, layers: int, members: int | None) -> None:
        super().__init__()
        sizes = [in_features, *[hidden] * (layers - 1), out_features]
        self.linears = nn.ModuleList(Linears(sizes[i], sizes[i + 1], members=members) for i in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        for linear in self.linears[:-1]:
            x = linear(x).relu()
        return self.linears[-1](x)


class MlpDiscriminator(nn.Module):
    """[..., N, D] -> (score [..., N, 1] before any sigmoid, the hidden activations, points first)."""

    def __init__(self, *, in_features: int, hidden: int, layers: int, members: int | None) -> None:
        super().__init__()
        self.net = MlpNet(in_features=in_features, out_features=1, hidden=hidden, layers=layers, members=members)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        features = []
        for linear in self.net.linears[:-1]:
            x = linear(x).relu()
            features.append(x.movedim(-2, 0))
        return self.net.linears[-1](x).float(), features


class MlpJudge(nn.Module):
    """[..., N, D] -> `Judged`: the same discriminator, its scores [..., N]."""

    def __init__(self, *, in_features: int, hidden: int, layers: int, members: int | None) -> None:
        super().__init__()
        self.discriminator = MlpDiscriminator(in_features=in_features, hidden=hidden, layers=layers, members=members)

    def forward(self, x: Tensor) -> Judged:
        score, features = self.discriminator(x)
        return Judged(score.squeeze(-1), None, features)


class Linears(nn.Module):
    """x W + b, for one network (W [in, out]) or for `members` of them (W [members, in, out]); nn.Linear's initial weights."""

    def __init__(self, in_features: int, out_features: int, *, members: int | None) -> None:
        super().__init__()
        lead = () if members is None else (members,)
        bound = 1 / math.sqrt(in_features)
        self.weight = nn.Parameter(torch.empty(*lead, in_features, out_features).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(*lead, 1, out_features).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        if self.weight.dim() == 2:
            return torch.addmm(self.bias, x, self.weight)
        return torch.baddbmm(self.bias, x, self.weight)
