"""Segmentation scores against hand-computed numbers, scikit-learn and torchmetrics."""

import pytest
import torch
from sklearn import metrics as oracle
from torchmetrics.classification import MulticlassJaccardIndex

from unpaired.errors import ShapeError
from unpaired.metrics.segmentation import LabelScores, class_accuracy, class_iou, confusion, label_scores

C = 5


@pytest.fixture
def maps() -> tuple[torch.Tensor, torch.Tensor]:
    """Answers and truths [4, 9, 7] that agree on about half of the pixels; all classes are there."""
    generator = torch.Generator().manual_seed(0)
    truths = torch.randint(C, (4, 9, 7), generator=generator)
    guesses = torch.randint(C, truths.shape, generator=generator)
    return torch.where(torch.rand(truths.shape, generator=generator) < 0.4, truths, guesses), truths


def test_by_hand() -> None:
    # Four pixels of class 0, of which three are called 0 and one 1; two of class 1, both right; class 2 is nowhere.
    truths, answers = torch.tensor([[0, 0, 0], [0, 1, 1]]), torch.tensor([[0, 0, 0], [1, 1, 1]])
    counts = confusion(answers, truths, classes=3)
    assert counts.tolist() == [[3, 1, 0], [0, 2, 0], [0, 0, 0]]
    assert label_scores(counts) == pytest.approx(LabelScores(5 / 6, (3 / 4 + 1) / 2, (3 / 4 + 2 / 3) / 2))


def test_a_class_that_is_called_but_not_there_costs_iou_and_no_class_accuracy() -> None:
    counts = confusion(torch.tensor([0, 2]), torch.tensor([0, 0]), classes=3)
    assert label_scores(counts) == pytest.approx(LabelScores(0.5, 0.5, (0.5 + 0) / 2))
    assert class_iou(counts).isnan().tolist() == [False, True, False]
    assert class_accuracy(counts).isnan().tolist() == [False, True, True]


def test_against_scikit_learn(maps: tuple[torch.Tensor, torch.Tensor]) -> None:
    answers, truths = (x.flatten().numpy() for x in maps)
    counts = confusion(*maps, classes=C)
    assert (counts.numpy() == oracle.confusion_matrix(truths, answers, labels=range(C))).all()
    found = label_scores(counts)
    assert found.per_pixel_accuracy == pytest.approx(oracle.accuracy_score(truths, answers))
    assert found.per_class_accuracy == pytest.approx(oracle.balanced_accuracy_score(truths, answers))
    assert found.mean_class_iou == pytest.approx(oracle.jaccard_score(truths, answers, average="macro"))
    assert class_accuracy(counts).tolist() == pytest.approx(oracle.recall_score(truths, answers, average=None))
    assert 0.4 < found.per_pixel_accuracy < 0.7  # neither perfect nor chance: the comparison says something


def test_void_against_torchmetrics(maps: tuple[torch.Tensor, torch.Tensor]) -> None:
    answers, truths = maps
    truths = truths.masked_fill(torch.rand(truths.shape, generator=torch.Generator().manual_seed(1)) < 0.3, 255)
    jaccard = MulticlassJaccardIndex(C, average="macro", ignore_index=255)
    assert label_scores(confusion(answers, truths, classes=C, void=255)).mean_class_iou == pytest.approx(
        jaccard(answers, truths).item(), abs=1e-6
    )


def test_confusions_of_parts_add_up(maps: tuple[torch.Tensor, torch.Tensor]) -> None:
    parts = (confusion(a, t, classes=C) for a, t in zip(*maps, strict=True))
    assert torch.equal(sum(parts), confusion(*maps, classes=C))


def test_what_does_not_fit_is_refused() -> None:
    zeros = torch.zeros(2, 2, dtype=torch.int64)
    with pytest.raises(ShapeError, match="one shape"):
        confusion(zeros, zeros[0], classes=2)
    with pytest.raises(ShapeError, match="from 0 to 255 among the truths; wanted 0 to 1"):
        confusion(zeros, torch.tensor([[0, 0], [0, 255]]), classes=2)
    with pytest.raises(ShapeError, match="among the answers"):
        confusion(zeros - 1, zeros, classes=2)
    with pytest.raises(ShapeError, match="of 0 pixels"):
        label_scores(confusion(zeros, zeros + 255, classes=2, void=255))
    with pytest.raises(ShapeError, match=r"\[2, 3\]"):
        label_scores(torch.ones(2, 3))
