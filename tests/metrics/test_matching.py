"""Pairs from distances, against numbers worked out by hand and every permutation tried."""

import itertools
import math

import pytest
import torch

from unpaired.errors import ShapeError
from unpaired.metrics import matching
from unpaired.metrics.matching import Pairs

# The greedy choice (row 0 with column 0) forces the dear one (row 1 with column 1).
TABLE = torch.tensor([[1.0, 2.0, 9.0], [2.0, 8.0, 9.0], [9.0, 9.0, 3.0]])


def test_mutual_pairs_are_each_others_nearest():
    rows, columns = matching.mutual(TABLE)
    assert rows.tolist() == [0, 2]  # row 1 is nearest to column 0, whose nearest is row 0
    assert columns.tolist() == [0, 2]


def test_one_to_one_has_the_least_sum():
    rows, columns = matching.one_to_one(TABLE)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 1), (1, 0), (2, 2)]
    distances = torch.rand(6, 6, generator=torch.Generator().manual_seed(0))
    rows, columns = matching.one_to_one(distances)
    least = min(sum(distances[row, column] for row, column in enumerate(order)) for order in itertools.permutations(range(6)))
    assert float(distances[rows, columns].sum()) == pytest.approx(float(least))


def test_what_is_too_many_is_left_over():
    rows, columns = matching.one_to_one(TABLE[:, :2])
    assert rows.tolist() == [0, 1]
    assert columns.tolist() == [1, 0]


def test_doubt_is_own_over_the_nearest_rival():
    pairs = Pairs(torch.tensor([0, 1, 2]), torch.tensor([0, 1, 2]))
    # Row 0: 1 over 2; row 1: 8 over 2; row 2: 3 over 9.
    assert matching.doubt(TABLE, pairs).tolist() == pytest.approx([0.5, 4.0, 1 / 3])
    alone = Pairs(torch.tensor([0]), torch.tensor([0]))
    assert matching.doubt(torch.tensor([[5.0]]), alone).tolist() == [0.0]
    assert matching.doubt(torch.tensor([[0.0, 0.0]]), alone).tolist() == [1.0]
    assert matching.doubt(torch.tensor([[1.0, 0.0]]), alone).tolist() == [math.inf]


def test_directions_weigh_alike():
    first, second = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[30.0, 20.0, 10.0]])
    assert matching.joined([first, second]).tolist() == [[1.0, 1.0, 1.0]]
    assert matching.joined([first]).tolist() == [[0.5, 1.0, 1.5]]
    assert matching.joined([torch.zeros(1, 3)]).tolist() == [[0.0, 0.0, 0.0]]


def test_ranks_count_ties_against_the_truth():
    assert matching.ranks(TABLE, torch.tensor([0, 1, 0])).tolist() == [1, 2, 3]


def test_tables_without_sense_are_refused():
    for wrong in (torch.zeros(3), torch.zeros(0, 3), torch.tensor([[math.nan]])):
        with pytest.raises(ShapeError, match="wanted a table"):
            matching.one_to_one(wrong)
