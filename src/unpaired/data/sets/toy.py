"""Toy: two mixtures of Gaussians in the plane, whose modes a translator should map one to one (DiscoGAN, section 3.4).

Many *members* are drawn side by side, each from a seed of its own: the points of all are one tensor `[members, N, 2]`.
"""

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from unpaired.data.batches import Unpaired
from unpaired.data.sets import folders
from unpaired.errors import ConfigError

TRIES = 100_000


class Mixture(NamedTuple):
    """Equally likely Gaussians. centres: [members, modes, 2]; sigma: their common standard deviation."""

    centres: Tensor
    sigma: float

    def sample(self, count: int, *, generator: torch.Generator) -> Tensor:
        """`count` points of each member: [members, count, 2]."""
        members, modes, _ = self.centres.shape
        which = torch.randint(modes, (members, count), generator=generator)
        centres = self.centres.gather(1, which[..., None].expand(-1, -1, 2))
        return centres + self.sigma * torch.randn(members, count, 2, generator=generator)

    def each(self, count: int, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """`count` points of every mode, and the mode of each: [members, modes * count, 2] and [modes * count]."""
        members, modes, _ = self.centres.shape
        sources = torch.arange(modes).repeat_interleave(count)
        return self.centres[:, sources] + self.sigma * torch.randn(members, len(sources), 2, generator=generator), sources


class Toy(NamedTuple):
    """The two domains."""

    a: Mixture
    b: Mixture

    def batch(self, step: int, *, batch: int, seed: int) -> Unpaired:
        """`batch` points of each domain for each member, a function of (seed, step): two tensors [members, batch, 2]."""
        generator = torch.Generator().manual_seed((seed * 1_000_003 + step) % 2**63)
        return Unpaired(self.a.sample(batch, generator=generator), self.b.sample(batch, generator=generator))


def five_to_ten(seeds: Sequence[int]) -> Toy:
    """The paper's: 5 modes, here on a circle too, and 10 on a circle of radius 2. The same for every seed."""
    return Toy(_repeated(circle(5, radius=2.0, turned=math.pi / 10), 0.3, seeds), _repeated(circle(10, radius=2.0), 0.1, seeds))


def two_circles(seeds: Sequence[int]) -> Toy:
    """10 modes on a circle about (-2, -2), 10 on one about (2, 2), radius 2. The same for every seed."""
    return Toy(_repeated(circle(10, radius=2.0) - 2, 0.1, seeds), _repeated(circle(10, radius=2.0) + 2, 0.1, seeds))


def irregular_small_to_wide(seeds: Sequence[int]) -> Toy:
    """10 modes each, placed at random in a square, A's a quarter as wide as B's, afresh for each seed."""
    return irregular_squares(seeds, reach=0.5, sigma=0.0375)


def irregular(seeds: Sequence[int]) -> Toy:
    """10 modes each, placed at random in squares of one size, afresh for each seed."""
    return irregular_squares(seeds, reach=2.0, sigma=0.1)


def irregular_squares(seeds: Sequence[int], *, reach: float, sigma: float) -> Toy:
    """10 modes each, A's at random in the square [-reach, reach]^2 with that sigma, B's in [-2, 2]^2 with 0.1."""
    drawn = [torch.Generator().manual_seed(10_000 + seed) for seed in seeds]
    a = torch.stack([scattered(10, reach=reach, apart=0.4 * reach, generator=generator) for generator in drawn])
    b = torch.stack([scattered(10, reach=2.0, apart=0.8, generator=generator) for generator in drawn])
    return Toy(Mixture(a, sigma), Mixture(b, 0.1))


GEOMETRIES: Mapping[str, Callable[[Sequence[int]], Toy]] = {
    "five to ten": five_to_ten,
    "two circles": two_circles,
    "irregular": irregular,
    "irregular, small to wide": irregular_small_to_wide,
}


def file_stem(geometry: str) -> str:
    """A geometry's name in files."""
    return geometry.replace(",", "").replace(" ", "-")


def circle(modes: int, *, radius: float, turned: float = 0.0) -> Tensor:
    """`modes` points evenly on a circle about the origin, the first at the angle `turned` (radians): [modes, 2]."""
    angles = torch.arange(modes) * (2 * math.pi / modes) + turned
    return radius * torch.stack([angles.cos(), angles.sin()], dim=1)


def grid(side: int, *, apart: float) -> Tensor:
    """`side` times `side` points, `apart` from their neighbours, about the origin: [side^2, 2]."""
    places = apart * (torch.arange(side) - (side - 1) / 2)
    return torch.cartesian_prod(places, places)


def scattered(modes: int, *, reach: float, apart: float, generator: torch.Generator) -> Tensor:
    """`modes` points in the square [-reach, reach]^2, no two nearer than `apart`: [modes, 2]. ConfigError if they do not fit."""
    points: list[Tensor] = []
    for _ in range(TRIES):
        point = (torch.rand(2, generator=generator) * 2 - 1) * reach
        if all(float((point - other).norm()) >= apart for other in points):
            points.append(point)
        if len(points) == modes:
            return torch.stack(points)
    raise ConfigError(f"{modes} modes {apart} apart do not fit a square of reach {reach}; ask for fewer, or nearer ones")


def make(folder: Path, *, points: int = 2000, seed: int = 0) -> None:
    """Write the toy into `folder`, which appears complete or not at all: a CSV for each geometry and domain (x, y, mode) and
    `set.json`. ConfigError if `folder` is not empty.
    """
    with folders.whole(folder) as root:
        generator = torch.Generator().manual_seed(seed)
        for name, geometry in GEOMETRIES.items():
            for domain, mixture in geometry([seed])._asdict().items():
                places, sources = mixture.each(points // mixture.centres.shape[1], generator=generator)
                with (root / f"{file_stem(name)}-{domain}.csv").open("w", newline="", encoding="utf-8") as file:
                    rows = csv.writer(file)
                    rows.writerow(("x", "y", "mode"))
                    rows.writerows((*point, mode) for point, mode in zip(places[0].tolist(), sources.tolist(), strict=True))
        card = {"name": "toy", "seed": seed, "licence": "none needed", "credit": "made by unpaired; no licence needed"}
        folders.write_card(root, card)


def _repeated(centres: Tensor, sigma: float, seeds: Sequence[int]) -> Mixture:
    return Mixture(centres.expand(len(seeds), -1, -1), sigma)
