"""The pictures of `dcgan-mnist`: samples, ways between them, and the training digits that are nearest to them."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from unpaired import images
from unpaired.metrics.neighbours import Nearest

COLUMNS = 16
ROWS = 4
WALKS = 10


def draw_samples(path: Path, found: Mapping[str, Tensor]) -> None:
    """The first images of each kind."""
    rows = []
    for name, x in found.items():
        rows += [(name if not row else "", x[row * COLUMNS :][:COLUMNS]) for row in range(ROWS)]
    images.write(path, images.labelled_grid(rows, scale=2))


def draw_walks(path: Path, ways: Tensor) -> None:
    """The first ways [W, S, ...], a row for each, with every second picture."""
    images.write(path, images.labelled_grid([("", way[::2]) for way in ways[:WALKS]], scale=2, pad=0))


def draw_neighbours(path: Path, made: Tensor, train: Tensor, places: Mapping[str, Nearest]) -> None:
    """The first samples, and those of all that lie nearest to a training digit by pixels; below each the nearest ones."""
    nearest = next(iter(places.values())).distances[:, 0].argsort(stable=True)
    rows = []
    for caption, chosen in (("samples", slice(COLUMNS)), ("the nearest of all", nearest[:COLUMNS])):
        rows.append((caption, made[: len(nearest)][chosen]))
        rows += [(f"nearest {name}", train[found.indices[chosen, 0]]) for name, found in places.items()]
    images.write(path, images.labelled_grid(rows, scale=2))
