"""Noise -> images: what remains of a generator."""

import hashlib
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unpaired import config
from unpaired.data.image_set import find_class
from unpaired.errors import ConfigError, ShapeError
from unpaired.networks import specs
from unpaired.networks.build import Shape
from unpaired.products.asking import evaluating, in_parts


class Noise(NamedTuple):
    """What a generator is shown. size: numbers of a sample; distribution: of each."""

    size: int
    distribution: specs.Distribution

    def draw(self, *lead: int, generator: torch.Generator | None = None) -> Tensor:
        """[*lead, size] on the CPU, from the generator, or else from torch's own."""
        if self.distribution == "normal":
            return torch.randn(*lead, self.size, generator=generator)
        return torch.rand(*lead, self.size, generator=generator) * 2 - 1

    def between(self, start: Tensor, end: Tensor, shares: Tensor) -> Tensor:
        """Noise on the way from start [size] (share 0) to end (share 1): [S, size] at shares [S].

        Along a line where noise is uniform, as in DCGAN; on an arc where it is normal: its length hardly varies, and the middle
        of a line would be too short.
        """
        shares = shares[:, None]
        if self.distribution == "uniform":
            return torch.lerp(start, end, shares)
        angle = torch.acos(F.cosine_similarity(start, end, dim=0).clamp(-1, 1))
        if float(angle.sin()) < 1e-4:  # nearly one direction, or opposite ones: there is no one arc
            return torch.lerp(start, end, shares)
        return (((1 - shares) * angle).sin() * start + (shares * angle).sin() * end) / angle.sin()


class Sampler:
    """Noise, and a class where there are classes, -> samples, by one network.

    network: (noise [N, Z]) or (noise, condition [N, K]) -> [N, *shape], of images in [-1, 1]. classes: the names of what the
    condition says; none where there is no condition. spec: what the network was built from.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        spec: specs.AnyNoiseGenerator,
        shape: Shape,
        noise: Noise,
        classes: Sequence[str] = (),
    ) -> None:
        self.network, self.spec, self.shape, self.noise, self.classes = network, spec, shape, noise, tuple(classes)

    def __repr__(self) -> str:
        classes = f" and a class ({', '.join(self.classes)})" if self.classes else ""
        made = f"{'x'.join(map(str, self.shape))} by {config.format_choice(self.spec)}"
        return f"<Sampler {self.noise.size} {self.noise.distribution} numbers{classes} -> {made}>"

    def __call__(self, count: int, *, class_: str | int | Sequence[int] | None = None, seed: int = 0, first: int = 0) -> Tensor:
        """`count` samples [count, *shape], float32 on the CPU.

        Sample i follows from (seed, i) alone, whatever is asked for beside it; first: the place of the first. class_: of all, by
        its name or index, or the index of each; None: classes take turns. ConfigError where there is no such class.
        """
        return self.generate(self.draw(count, seed=seed, first=first), self.classes_of(count, class_, first=first))

    def draw(self, count: int, *, seed: int = 0, first: int = 0) -> Tensor:
        """The noise of samples `first` to `first + count`: [count, Z], the same on every machine of a kind."""
        rows = [
            self.noise.draw(generator=torch.Generator().manual_seed(_seed(seed, index))) for index in range(first, first + count)
        ]
        return torch.stack(rows) if rows else torch.empty(0, self.noise.size)

    def classes_of(self, count: int, class_: str | int | Sequence[int] | None = None, *, first: int = 0) -> Tensor | None:
        """The class of each sample, int64 [count]; None where there are no classes. As `__call__` has it."""
        if not self.classes:
            if class_ is not None:
                raise ConfigError(f"this sampler knows no classes, found '{class_}'; leave it out")
            return None
        if class_ is None:
            return torch.arange(first, first + count) % len(self.classes)
        if isinstance(class_, str):
            class_ = find_class(self.classes, class_)
        chosen = torch.tensor([class_] * count if isinstance(class_, int) else list(class_), dtype=torch.int64)
        if len(chosen) != count or (count and not 0 <= int(chosen.min()) <= int(chosen.max()) < len(self.classes)):
            raise ConfigError(
                f"found classes {class_} for {count} samples; wanted one for each, from 0 to {len(self.classes) - 1}"
            )
        return chosen

    def generate(self, noise: Tensor, classes: Tensor | None = None) -> Tensor:
        """Noise [N, Z] and classes (int64 [N], or shares of each [N, K]) -> [N, *shape]. ShapeError where they do not fit."""
        if noise.ndim != 2 or noise.shape[1] != self.noise.size or (classes is None) == bool(self.classes):
            wanted = f"[N, {self.noise.size}] and " + ("classes" if self.classes else "no classes")
            raise ShapeError(f"found noise {list(noise.shape)} and {'no ' if classes is None else ''}classes; wanted {wanted}")
        if not len(noise):
            return torch.empty(0, *self.shape)
        inputs = [noise]
        if classes is not None:
            inputs.append(F.one_hot(classes, len(self.classes)).float() if classes.dim() == 1 else classes)
        with evaluating(self.network) as device:
            # forward, not the call: a network compiled for training would be compiled once more.
            y = in_parts(self.network.forward, *inputs, device=device)
        return y.clamp(-1, 1) if len(self.shape) == 3 else y

    def walk(self, stops: Tensor, *, steps: int, classes: Tensor | None = None) -> Tensor:
        """The ways from each stop to the next: noise [S, Z] -> [S - 1, steps, *shape]; both ends are among the steps.

        classes: int64 [S], of the stops; the shares of two are mixed between them. ShapeError with less than 2 stops or steps.
        """
        if len(stops) < 2 or steps < 2:
            raise ShapeError(f"found {len(stops)} stops and {steps} steps; wanted two of each or more")
        shares = torch.linspace(0, 1, steps)
        noise = torch.cat([self.noise.between(start, end, shares) for start, end in itertools.pairwise(stops)])
        mixed = None
        if classes is not None:
            at = F.one_hot(classes, len(self.classes)).float()
            mixed = torch.cat([torch.lerp(start, end, shares[:, None]) for start, end in itertools.pairwise(at)])
        return self.generate(noise, mixed).unflatten(0, (len(stops) - 1, steps))


def _seed(seed: int, index: int) -> int:
    """63 bits that follow from both."""
    digest = hashlib.blake2b(f"{seed} {index}".encode(), digest_size=8, person=b"noise").digest()
    return int.from_bytes(digest, "big") >> 1
