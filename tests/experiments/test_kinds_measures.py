"""Crowds and ways back, against cases whose numbers are known."""

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import polynomial_kernel
from torch import Tensor

from unpaired.experiments import kinds_measures
from unpaired.experiments.classifier import Lessons, taught
from unpaired.experiments.kinds_measures import (
    AGAIN,
    AGAIN_NOISE,
    FOUND,
    NEAREST,
    OTHERS,
    READ,
    RECONSTRUCTION,
    TOO_NEAR,
    VARIETY,
)

KINDS = ("left", "right", "neither")


def some(count: int, *, kind: int, seed: int) -> Tensor:
    """Pictures [count, 1, 16, 16]: dark noise, bright on the left, on the right, or nowhere."""
    x = torch.rand(count, 1, 16, 16, generator=torch.Generator().manual_seed(seed)) * 0.6 - 1
    if kind < 2:
        x[..., 8 * kind : 8 * kind + 8] += 1.2
    return x


@pytest.fixture(scope="module")
def judge() -> kinds_measures.Judge:
    x, kinds = torch.cat([some(40, kind=kind, seed=kind) for kind in range(3)]), torch.arange(3).repeat_interleave(40)
    classifier = taught(x, kinds[:, None], classes=(3,), lessons=Lessons(steps=60, width=4), disturb=lambda x: x)
    return kinds_measures.Judge(classifier, KINDS, "sides")


def test_a_judge_reads_kinds_and_gives_features(judge: kinds_measures.Judge) -> None:
    x = torch.cat([some(6, kind=0, seed=7), some(3, kind=1, seed=8), some(1, kind=2, seed=9)])
    assert judge.read(x).tolist() == [0] * 6 + [1] * 3 + [2]
    assert judge.shares(x, ("right", "left")) == {"right": 0.3, "left": 0.6, OTHERS: pytest.approx(0.1)}
    extractor = judge.extractor()
    found = extractor(x)
    assert extractor.name == "sides-classifier"
    assert found.shape == (10, extractor.dimension)
    # What the last layer makes of the features is what the classifier answers.
    with torch.no_grad():
        torch.testing.assert_close(judge.classifier.answer(found), judge.classifier(x)[0])


def test_a_crowd_by_hand(judge: kinds_measures.Judge) -> None:
    train, held_out = some(60, kind=0, seed=20), some(30, kind=0, seed=21)
    crowd = kinds_measures.Crowd(held_out, train, judge=judge, kinds=("left",))
    same = crowd.scores(held_out)
    assert same[READ] == 1
    assert same[NEAREST] == same[VARIETY] == pytest.approx(1)
    assert same[TOO_NEAR] == pytest.approx(1 / 30)  # the nearest of them, which is below the hundredth by interpolation

    copies = crowd.scores(train[:30])
    assert copies[NEAREST] == 0
    assert copies[TOO_NEAR] == 1
    flat = crowd.scores(train[:1].expand(5, -1, -1, -1))
    assert flat[VARIETY] == 0

    others = some(30, kind=1, seed=22)
    found = crowd.scores(others)
    assert found[READ] == 0
    a, b = (np.repeat(x.flatten(1).double().numpy(), 3, axis=1) for x in (held_out, others))
    kernel = {"degree": 3, "gamma": 1 / a.shape[1], "coef0": 1}
    within = [(k.sum() - np.trace(k)) / (30 * 29) for k in (polynomial_kernel(a, **kernel), polynomial_kernel(b, **kernel))]
    assert found["kid[pixels]"] == pytest.approx(sum(within) - 2 * polynomial_kernel(a, b, **kernel).mean(), rel=1e-5)
    assert found["kid[sides-classifier]"] > 10 * abs(crowd.distances(train)["kid[sides-classifier]"])


def test_training_images_are_taken_from_all_over(judge: kinds_measures.Judge) -> None:
    train = some(61, kind=0, seed=30)
    crowd = kinds_measures.Crowd(some(10, kind=0, seed=31), train, judge=judge, kinds=("left",))
    torch.testing.assert_close(crowd.some_of_training(4), train[[0, 15, 30, 45]])
    torch.testing.assert_close(crowd.some_of_training(100), train)


def test_suspects_are_the_nearest_to_training_images(judge: kinds_measures.Judge) -> None:
    train = some(20, kind=0, seed=40)
    crowd = kinds_measures.Crowd(some(10, kind=0, seed=41), train, judge=judge, kinds=("left",))
    x = some(5, kind=0, seed=42)
    x[3] = train[7] + 0.01
    (_, samples), (_, nearest) = crowd.suspects(x, count=2)
    assert len(samples) == len(nearest) == 2
    torch.testing.assert_close(samples[0], x[3])
    torch.testing.assert_close(nearest[0], train[7])


def test_what_is_kept_of_inputs() -> None:
    inputs = some(12, kind=2, seed=50)
    row = kinds_measures.kept(inputs, -inputs, lambda x: -x)
    assert row == {FOUND: row[FOUND], RECONSTRUCTION: 0, AGAIN: 1, AGAIN_NOISE: 1}
    assert row[FOUND] < 0.5
    assert kinds_measures.kept(inputs, inputs + 0.01, None) == {FOUND: 1}
    lost = kinds_measures.kept(inputs, torch.zeros_like(inputs), lambda x: x)
    assert lost[AGAIN] <= 1 / 12
    # A message in faint traces is read by the way back, and lost in noise.
    faint = kinds_measures.kept(inputs, inputs / 1000, lambda x: x * 1000)
    assert faint[AGAIN] == 1 > 0.5 > faint[AGAIN_NOISE]
    assert kinds_measures.kept(inputs, kinds_measures.as_in_files(inputs / 1000), lambda x: x * 1000)[AGAIN] < 0.5


def test_a_mean_over_rows() -> None:
    assert kinds_measures.mean_of([{"a": 1.0, "b": 0.0}, {"a": 2.0, "b": 1.0}]) == {"a": 1.5, "b": 0.5}
