"""Labels by hand: numbers of values and back, several data sets, the classification loss against torch's own."""

import pytest
import torch
from torch.nn import functional

from unpaired.data.labelling import Labelling, target_names, width, with_settings
from unpaired.data.labels import UNKNOWN, Attribute

HAIR = Attribute(name="hair", values=("dark", "blond", "red"))
GLASSES = Attribute(name="glasses", values=("off", "on"), binary=True)
MOOD = Attribute(name="mood", values=("sad", "happy"))
ONE = Labelling((HAIR, GLASSES), ((0, 1),))
FACES, MOODS = 0, 1
TWO = Labelling((HAIR, GLASSES, MOOD), ((0, 1), (2, 1)))
"""The first set labels hair and glasses, the second moods and glasses."""


def origin(number, count=1):
    return torch.full((count,), number)


def test_sizes():
    assert [width(attribute) for attribute in TWO.attributes] == [3, 1, 2]
    assert (ONE.numbers, ONE.length) == (4, 4)
    assert (TWO.numbers, TWO.length) == (6, 8)
    assert TWO._replace(mask=False).length == 6
    assert [(attribute.name, part) for attribute, part in TWO.parts()] == [
        ("hair", slice(0, 3)), ("glasses", slice(3, 4)), ("mood", slice(4, 6)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "label"),
    [([0, 0], [1, 0, 0, 0]), ([2, 1], [0, 0, 1, 1]), ([UNKNOWN, 1], [0, 0, 0, 1]), ([1, UNKNOWN], [0, 1, 0, 0])],
)
def test_labels(values, label):
    found = ONE.encode(torch.tensor([values]), origin=origin(0))
    assert found.dtype == torch.float32
    assert found.tolist() == [label]


def test_labels_of_two_sets_say_nothing_of_what_a_set_does_not_know():
    values = torch.tensor([[1, 1, 1], [1, 1, 1]])
    both = torch.tensor([FACES, MOODS])
    assert TWO.encode(values, origin=both).tolist() == [[0, 1, 0, 1, 0, 0, 1, 0], [0, 0, 0, 1, 0, 1, 0, 1]]
    assert TWO._replace(mask=False).encode(values, origin=both).tolist() == [[0, 1, 0, 1, 0, 0], [0, 0, 0, 1, 0, 1]]


def test_a_set_of_its_own_needs_no_mask():
    assert ONE.encode(torch.tensor([[0, 1]]), origin=origin(0)).shape == (1, 4)


def test_loss_is_torch_s_where_all_is_known():
    answers, values = torch.randn(5, 6) * 3, torch.stack([torch.randint(n, (5,)) for n in (3, 2, 2)], dim=1)
    wanted = (
        functional.cross_entropy(answers[:, :3], values[:, 0])
        + functional.binary_cross_entropy_with_logits(answers[:, 3], values[:, 1].float())
        + functional.cross_entropy(answers[:, 4:], values[:, 2])
    )
    torch.testing.assert_close(TWO.loss(answers, values), wanted)


def test_loss_is_a_mean_over_those_that_are_known():
    answers = torch.randn(4, 4)
    values = torch.tensor([[2, UNKNOWN], [UNKNOWN, UNKNOWN], [0, 1], [UNKNOWN, 0]])
    wanted = functional.cross_entropy(answers[[0, 2], :3], torch.tensor([2, 0]))
    wanted = wanted + functional.binary_cross_entropy_with_logits(answers[[2, 3], 3], torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(ONE.loss(answers, values), wanted)


def test_what_is_unknown_teaches_nothing_whatever_the_answer():
    answers = torch.tensor([[200.0, -200.0, 0.0, 3e38], [1.0, 2.0, 3.0, 4.0]], requires_grad=True)
    ONE.loss(answers, torch.tensor([[UNKNOWN, UNKNOWN], [1, 1]])).backward()
    assert answers.grad[0].tolist() == [0, 0, 0, 0]
    assert answers.grad[1].abs().min() > 0


def test_reading():
    answers = torch.tensor([[0.1, 0.3, -1, 0.2, 5.0, 4.0], [-3, -2, -1, -0.1, 0.0, 0.1]])
    assert TWO.read(answers).tolist() == [[1, 1, 0], [2, 0, 1]]


def test_what_is_written_is_read():
    values = torch.tensor([[hair, glasses, mood] for hair in range(3) for glasses in range(2) for mood in range(2)])
    everything = Labelling(TWO.attributes, ((0, 1, 2),))
    assert torch.equal(everything.read(everything.encode(values, origin=origin(0, 12)) - 0.5), values)


@pytest.mark.parametrize(
    ("settings", "stages"),
    [
        ({}, []),
        ({0: 1}, [(FACES, {0: 1})]),
        ({2: 0}, [(MOODS, {2: 0})]),
        ({1: 1}, [(FACES, {1: 1})]),
        ({2: 1, 1: 0}, [(MOODS, {2: 1, 1: 0})]),
        ({2: 1, 1: 0, 0: 2}, [(FACES, {0: 2, 1: 0}), (MOODS, {2: 1})]),
    ],
)
def test_stages(settings, stages):
    """One pass for each set that is needed, the one that can do most of it first."""
    assert TWO.stages(settings) == stages


def test_settings():
    values = torch.tensor([[0, 1], [2, UNKNOWN]])
    assert with_settings(values, {0: 1}).tolist() == [[1, 1], [1, UNKNOWN]]
    assert values.tolist() == [[0, 1], [2, UNKNOWN]]


def test_target_names():
    assert list(target_names((HAIR, GLASSES))) == [
        ("hair=dark", 0, 0), ("hair=blond", 0, 1), ("hair=red", 0, 2), ("glasses=off", 1, 0), ("glasses=on", 1, 1),
    ]  # fmt: skip
