"""Pairs from distances: what belongs to what, and how sure one may be."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from unpaired.errors import ShapeError


class Pairs(NamedTuple):
    """Rows and columns of a table of distances that belong together, int64 [P] each, by rows."""

    rows: Tensor
    columns: Tensor


def joined(tables: Iterable[Tensor]) -> Tensor:
    """The mean of tables of distances [R, C], each in units of its own median: 1 is as far as any two are.

    So the two directions of a translation weigh alike, whatever their domains' contrasts. A table whose median is 0 stays. Beside
    the mean no more than one table is held at a time, if they come one at a time, and a copy of it for the median.
    """
    total: Tensor | None = None
    count = 0
    for table in tables:
        middle = float(table.median())
        if total is None:
            total = torch.zeros_like(table)
        total.add_(table, alpha=1 / middle if middle > 0 else 1.0)
        count += 1
        del table  # before the next one is made
    if total is None:
        raise ShapeError("found no table of distances; wanted one at least")
    return total.div_(count)


def mutual(distances: Tensor) -> Pairs:
    """Each row with its nearest column, where that column's nearest row is this one. Ties belong to the first."""
    _require(distances)
    columns = distances.argmin(dim=1)
    rows = torch.arange(len(distances))
    both = distances.argmin(dim=0)[columns] == rows
    return Pairs(rows[both], columns[both])


def one_to_one(distances: Tensor) -> Pairs:
    """The assignment of rows to columns with the least sum, none taken twice; of the more numerous some are left over.

    By the Hungarian method as SciPy has it (Crouse 2016): seconds for 5,000 of each.
    """
    _require(distances)
    if len(distances) > distances.shape[1]:  # turned here: SciPy would hold a copy more
        columns, rows = (torch.from_numpy(found) for found in linear_sum_assignment(distances.T.numpy()))
        order = rows.argsort()
        return Pairs(rows[order], columns[order])
    rows, columns = (torch.from_numpy(found) for found in linear_sum_assignment(distances.numpy()))
    return Pairs(rows, columns)


def doubt(distances: Tensor, pairs: Pairs) -> Tensor:
    """Of each pair its distance over the least other one in its row or column (Lowe 2004, section 7.1): [P].

    Near 0 for a pair without a rival, 1 for one that has an equal, above 1 where another lies nearer. 0 for the only pair that
    there can be; 1 where a rival is at distance 0 as well.
    """
    _require(distances)
    own = distances[pairs.rows, pairs.columns]
    others = distances.clone()
    others[pairs.rows, pairs.columns] = torch.inf
    rival = torch.minimum(others.amin(dim=1)[pairs.rows], others.amin(dim=0)[pairs.columns])
    return torch.where(rival > 0, own / rival, torch.where(own > 0, torch.inf, 1.0))


def ranks(distances: Tensor, truth: Tensor) -> Tensor:
    """The place of each row's true column among all, from 1; ties count against it. truth: int64 [R]."""
    _require(distances)
    own = distances.gather(1, truth[:, None])
    return (~(distances > own)).sum(dim=1)


def _require(distances: Tensor) -> None:
    if distances.ndim != 2 or not distances.numel() or not bool(torch.isfinite(distances).all()):
        raise ShapeError(f"found distances {list(distances.shape)}; wanted a table [R, C] of finite numbers")
