"""Principal components: the linear way to a code and back, against which autoencoders are held."""

from typing import NamedTuple

import torch
from torch import Tensor

from unpaired.errors import ShapeError

ROWS_AT_ONCE = 8192


class Principal(NamedTuple):
    """mean: [D]; axes: [D, components], orthonormal, that of the greatest variance first. Both float64."""

    mean: Tensor
    axes: Tensor

    def encode(self, x: Tensor) -> Tensor:
        """[N, ...] -> [N, components] float32."""
        return torch.cat([(part.flatten(1).double() - self.mean) @ self.axes for part in x.split(ROWS_AT_ONCE)]).float()

    def decode(self, code: Tensor, *, shape: tuple[int, ...]) -> Tensor:
        """[N, components] -> [N, *shape] float32. Nothing is cut off: values may leave the range of the data."""
        return (code.double() @ self.axes.T + self.mean).float().unflatten(1, shape)

    def first(self, components: int) -> "Principal":
        """The same with fewer components."""
        return Principal(self.mean, self.axes[:, :components])


def principal(x: Tensor, *, components: int) -> Principal:
    """The components of x [N, ...] along which it varies most. ShapeError where a row has fewer values than that."""
    size = x[0].numel()
    if not 1 <= components <= size:
        raise ShapeError(f"found rows of {size} values for {components} components; wanted at least one, and no more than values")
    mean = torch.zeros(size, dtype=torch.float64)
    for part in x.split(ROWS_AT_ONCE):
        mean += part.flatten(1).sum(dim=0, dtype=torch.float64) / len(x)
    scatter = torch.zeros(size, size, dtype=torch.float64)
    for part in x.split(ROWS_AT_ONCE):
        centred = part.flatten(1).double() - mean
        scatter += centred.T @ centred
    axes = torch.linalg.eigh(scatter).eigenvectors.flip(1)[:, :components]
    return Principal(mean, axes)
