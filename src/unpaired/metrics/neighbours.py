"""Does a generator copy its training images? The nearest ones are found, shown, and put to a test.

Distances are Euclidean, between pixels or between features of any extractor: whatever has one row a sample. A generator
that copies lies nearer to its training images than held-out images of the same source do. So does one that makes only
typical, smooth images: look at `neighbour_rows` before a low score is called copying.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from unpaired.errors import ShapeError

SAMPLES_AT_ONCE = 1024
VALUES_AT_ONCE = 1 << 23
"""Of the training set in float64: 64 MiB."""
DISTANCES_AT_ONCE = 1 << 23

KMEANS_ROUNDS = 30
ENOUGH_IN_CELL = 20
"""Generated samples that a cell must exceed to count; the authors' code has this threshold in all experiments."""


class Nearest(NamedTuple):
    """The k nearest training samples of each sample, nearest first."""

    distances: Tensor
    """[N, k] float64, Euclidean."""
    indices: Tensor
    """[N, k] int64, rows of the training set."""


class Copying(NamedTuple):
    """Whether samples lie nearer to the training set than held-out data does."""

    z: float
    """C_T: far below 0 where the samples are too near (copies), about 0 where they are as near as held-out data, far above
    0 where they are farther (a bad fit)."""
    nearer: float
    """The chance that a sample lies nearer to the training set than a held-out one does, in [0, 1]: 0.5 where they are
    alike, 1 for copies. Of the same cells, weighted in the same way."""
    cells: int
    """Cells that counted."""


def nearest(samples: Tensor, train: Tensor, *, k: int = 1) -> Nearest:
    """The k nearest rows of `train` [M, ...] for each of `samples` [N, ...], in bounded memory.

    Of training rows at one distance any may come first. ShapeError where the rows differ in shape, or k is not in 1..M.
    """
    samples, train = _rows(samples, train)
    if not 1 <= k <= len(train):
        raise ShapeError(
            f"found {len(train)} training samples for {k} nearest ones; wanted at least one, and no more than there are"
        )
    step = max(1, min(VALUES_AT_ONCE // max(1, train.shape[1]), DISTANCES_AT_ONCE // SAMPLES_AT_ONCE))
    distances, indices = [], []
    for part in samples.split(SAMPLES_AT_ONCE):
        part = part.double()
        places = _nearest_places(part, train, k=k, step=step)
        # Measured once more, difference by difference: in the matrix product above, a copy's distance drowns in rounding.
        exact = torch.stack([torch.linalg.vector_norm(part - train[column].double(), dim=1) for column in places.T], dim=1)
        ordered, order = exact.sort(dim=1, stable=True)
        distances.append(ordered)
        indices.append(places.gather(1, order))
    return Nearest(torch.cat(distances), torch.cat(indices))


def copying(
    samples: Tensor,
    *,
    held_out: Tensor,
    train: Tensor,
    cells: int = 1,
    more_than: int = ENOUGH_IN_CELL,
    seed: int = 0,
) -> Copying:
    """The three-sample test for data-copying (Meehan et al. 2020, the statistic C_T).

    In each cell of the space, the distances of samples and of held-out data to the cell's training data are compared by
    the Mann-Whitney statistic Z_U; C_T is their mean, weighted by the held-out data's share of each cell. Cells are found
    by k-means on the training data; one that holds `more_than` generated samples or fewer does not count. With one cell,
    C_T is about standard normal where samples and held-out data have one distribution; over c cells of equal weight its
    deviation shrinks to 1 / sqrt(c). As in the paper there is no correction for continuity (the authors' code has one).
    One cell can miss a generator that copies here and fits badly there: take some tens where there are thousands of samples.

    samples: [N, ...], held_out: [P, ...], train: [M, ...], rows of one shape (else ShapeError, as where no cell counts).
    """
    flat, train_rows = _rows(samples, train)
    held_rows, _ = _rows(held_out, train)
    if cells < 1:
        raise ShapeError(f"found {cells} cells; wanted at least 1")
    centres = k_means(train_rows, cells=cells, seed=seed)
    of_samples, of_held, of_train = (nearest(rows, centres).indices[:, 0] for rows in (flat, held_rows, train_rows))
    scores, shares, weights = [], [], []
    for cell in range(len(centres)):
        inside = [rows[of == cell] for rows, of in ((flat, of_samples), (held_rows, of_held), (train_rows, of_train))]
        if len(inside[0]) <= more_than or not len(inside[1]) or not len(inside[2]):
            continue
        z, farther = _mann_whitney(*(nearest(rows, inside[2]).distances[:, 0] for rows in inside[:2]))
        scores.append(z)
        shares.append(1 - farther)
        weights.append(float(len(inside[1])))
    if not weights:
        raise ShapeError(
            f"found no cell of {cells} with more than {more_than} of {len(samples)} samples, and held-out data; "
            "wanted more samples, or fewer cells"
        )
    weight = torch.tensor(weights, dtype=torch.float64)
    weight = weight / weight.sum()
    z, nearer = (float(weight @ torch.tensor(values, dtype=torch.float64)) for values in (scores, shares))
    return Copying(z, nearer, len(weights))


def neighbour_rows(samples: Tensor, *, train: Tensor, indices: Tensor, where: str = "nearest") -> list[tuple[str, Tensor]]:
    """Rows for `images.labelled_grid`: the samples, and below each its nearest training images, one row a rank.

    samples: [N, C, H, W]; train: [M, C, H, W]; indices: [N, k], as of `nearest`. `where` names the rows ("pixels",
    "features"). The rows of two ways to measure are joined as `rows + others[1:]`.
    """
    if len(indices) != len(samples) or indices.ndim != 2:
        raise ShapeError(f"found indices {list(indices.shape)} for {len(samples)} samples; wanted [N, k], a row for each")
    return [("sample", samples), *((f"{where} {rank}", train[column]) for rank, column in enumerate(indices.T, start=1))]


def k_means(points: Tensor, *, cells: int, seed: int = 0) -> Tensor:
    """Centres [cells, D] float64 of Lloyd's algorithm, from randomly drawn points [N, D]. ShapeError with fewer points."""
    if len(points) < cells:
        raise ShapeError(f"found {len(points)} points for {cells} cells; wanted at least one point for each")
    chosen = torch.randperm(len(points), generator=torch.Generator().manual_seed(seed))[:cells]
    centres = points[chosen].double()
    belongs = torch.full((len(points),), -1)
    for _ in range(KMEANS_ROUNDS if cells > 1 else 0):
        found = nearest(points, centres).indices[:, 0]
        if torch.equal(found, belongs):
            break
        belongs = found
        sums = torch.zeros_like(centres)
        for start in range(0, len(points), SAMPLES_AT_ONCE):
            rows = slice(start, start + SAMPLES_AT_ONCE)
            sums.index_add_(0, belongs[rows], points[rows].double())
        counts = torch.bincount(belongs, minlength=cells).unsqueeze(1)
        centres = torch.where(counts > 0, sums / counts.clamp_min(1), centres)
    return centres


def _mann_whitney(x: Tensor, y: Tensor) -> tuple[float, float]:
    """Of x [m] and y [n]: the score Z_U, and the share of pairs with x > y, ties by half."""
    m, n = len(x), len(y)
    ordered = y.sort().values
    below = torch.searchsorted(ordered, x) + torch.searchsorted(ordered, x, right=True)
    u = below.double().sum().item() / 2
    return (u - m * n / 2) / (m * n * (m + n + 1) / 12) ** 0.5, u / (m * n)


def _nearest_places(part: Tensor, train: Tensor, *, k: int, step: int) -> Tensor:
    """Rows of train [M, D] nearest to each of part [n, D] float64, `step` of them at a time: [n, k], in no order."""
    best = torch.empty(len(part), 0, dtype=torch.float64)
    places = torch.empty(len(part), 0, dtype=torch.int64)
    origin = train[:SAMPLES_AT_ONCE].double().mean(dim=0)
    shifted = part - origin
    for start in range(0, len(train), step):
        rows = train[start : start + step].double() - origin
        # |x|^2 is missing: it is the same for all.
        squared = rows.square().sum(dim=1) - 2 * shifted @ rows.T
        here = torch.arange(start, start + len(rows)).expand_as(squared)
        best, order = torch.cat([best, squared], dim=1).topk(min(k, start + len(rows)), dim=1, largest=False)
        places = torch.cat([places, here], dim=1).gather(1, order)
    return places


def _rows(samples: Tensor, train: Tensor) -> tuple[Tensor, Tensor]:
    if samples.ndim < 2 or samples.shape[1:] != train.shape[1:] or not len(samples) or not len(train):
        raise ShapeError(
            f"found samples {list(samples.shape)} beside training data {list(train.shape)}; "
            "wanted [N, ...] and [M, ...] of one shape a row, one of each at least"
        )
    return samples.detach().cpu().flatten(1), train.detach().cpu().flatten(1)
