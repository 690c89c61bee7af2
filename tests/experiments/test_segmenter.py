"""The segmenter learns what can be learnt, from labelled pixels alone, and the same each time."""

import pytest
import torch
from torch import Tensor

from unpaired.errors import ShapeError
from unpaired.experiments.segmenter import Lessons, taught
from unpaired.metrics.segmentation import class_accuracy, confusion

LESSONS = Lessons(steps=40, batch=8, width=4, learning_rate=2e-2)
VOID = 255


def scenes(count: int, *, seed: int) -> tuple[Tensor, Tensor]:
    """Noisy squares on two grounds and their labels: 0 dark ground, 1 bright ground, 2 square (rare). The first row is void."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(2, (count, 1, 1), generator=generator).expand(count, 16, 16).clone()
    for index, corner in enumerate(torch.randint(1, 12, (count, 2), generator=generator).tolist()):
        labels[index, corner[0] : corner[0] + 4, corner[1] : corner[1] + 4] = 2
    colours = torch.tensor([[-0.6, -0.6, -0.6], [0.4, 0.4, 0.4], [0.9, -0.5, -0.9]])
    images = colours[labels].permute(0, 3, 1, 2) + 0.1 * torch.randn(count, 3, 16, 16, generator=generator)
    labels[:, 0] = VOID
    return images, labels


def test_it_learns_every_class_from_labelled_pixels() -> None:
    images, labels = scenes(32, seed=0)
    segmenter = taught(images, labels, classes=3, void=VOID, lessons=LESSONS)
    new, truth = scenes(16, seed=1)
    found = class_accuracy(confusion(segmenter.labels(new), truth, classes=3, void=VOID))
    assert found.min() > 0.9


def test_the_same_lessons_teach_the_same_and_leave_the_callers_randomness_alone() -> None:
    images, labels = scenes(16, seed=0)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = taught(images, labels, classes=3, void=VOID, lessons=LESSONS._replace(steps=2))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(6)
    second = taught(images, labels, classes=3, void=VOID, lessons=LESSONS._replace(steps=2))
    assert all(torch.equal(a, b) for a, b in zip(*(each.network.state_dict().values() for each in (first, second)), strict=True))
    other = taught(images, labels, classes=3, void=VOID, lessons=LESSONS._replace(steps=2, seed=1))
    assert not torch.equal(first.network.answer.weight, other.network.answer.weight)


def test_labels_that_do_not_fit_are_refused() -> None:
    images, labels = scenes(4, seed=0)
    with pytest.raises(ShapeError, match="wanted"):
        taught(images, labels[:, :8], classes=3, void=VOID, lessons=LESSONS)
    with pytest.raises(ShapeError, match="multiples of 4"):
        taught(images[..., :14], labels[..., :14], classes=3, void=VOID, lessons=LESSONS)
