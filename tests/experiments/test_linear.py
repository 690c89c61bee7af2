"""Linear classifiers against scikit-learn's, which minimise the same."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from unpaired.errors import ShapeError
from unpaired.experiments import linear


@pytest.fixture(scope="module")
def clouds() -> tuple[torch.Tensor, torch.Tensor]:
    """Three classes of 120 points of 5 features, which overlap; the features' scales differ."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(3, 5, generator=generator)
    classes = torch.arange(360) % 3
    points = centres[classes] + torch.randn(360, 5, generator=generator)
    return points * torch.tensor([1.0, 2.0, 0.5, 1.0, 3.0]) + 7, classes


def standardised(x: torch.Tensor) -> np.ndarray:
    centred = x - x.mean(dim=0)
    return (centred / centred.square().mean().sqrt()).double().numpy()


def test_logistic_regression_is_scikit_learns(clouds: tuple[torch.Tensor, torch.Tensor]) -> None:
    x, classes = clouds
    ours = linear.taught(x, classes, count=3, loss="logistic", penalty=0.01, rounds=500)
    theirs = LogisticRegression(C=1 / (0.01 * len(x)), tol=1e-8, max_iter=2000).fit(standardised(x), classes.numpy())
    np.testing.assert_allclose(ours.weights.T.numpy(), theirs.coef_, atol=2e-3)
    chances = ours.scores(x).softmax(dim=1).numpy()
    np.testing.assert_allclose(chances, theirs.predict_proba(standardised(x)), atol=2e-3)


def test_squared_hinge_is_scikit_learns_svm(clouds: tuple[torch.Tensor, torch.Tensor]) -> None:
    x, classes = clouds
    ours = linear.taught(x, classes, count=3, loss="squared hinge", penalty=0.01, rounds=500)
    # A large scale of the constant feature all but frees the offset of the penalty, as it is free in ours.
    theirs = LinearSVC(C=1 / (0.01 * len(x)), tol=1e-8, max_iter=200_000, intercept_scaling=100).fit(
        standardised(x), classes.numpy()
    )
    np.testing.assert_allclose(ours.weights.T.numpy(), theirs.coef_, atol=2e-3)
    np.testing.assert_allclose(ours.scores(x).numpy(), theirs.decision_function(standardised(x)), atol=1e-2)


def test_the_penalty_is_chosen_and_the_error_counted() -> None:
    generator = torch.Generator().manual_seed(1)
    classes = torch.arange(1000) % 2
    x = torch.randn(1000, 40, generator=generator)
    x[:, 0] += 2.0 * classes  # one feature tells, 39 mislead who trusts them
    seen, unseen = slice(0, 100), slice(100, 1000)
    free = linear.taught(x[seen], classes[seen], count=2, loss="logistic", penalty=1e-5)
    found = linear.chosen(x[seen], classes[seen], count=2, loss="logistic", penalties=(10.0, 0.1, 1e-5))
    assert found.penalty > 1e-5
    assert free.error(x[seen], classes[seen]) == 0
    assert found.error(x[unseen], classes[unseen]) < free.error(x[unseen], classes[unseen])
    again = linear.chosen(x[seen], classes[seen], count=2, loss="logistic", penalties=(1e-5, 0.1, 10.0))
    assert torch.equal(found.weights, again.weights)


def test_features_and_classes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"features \[4, 2\] and classes \[3\]"):
        linear.taught(torch.zeros(4, 2), torch.zeros(3, dtype=torch.int64), count=2, loss="logistic", penalty=1.0)
    with pytest.raises(ShapeError, match="classes from 0 to 2; wanted 0 to 1"):
        linear.chosen(torch.zeros(3, 2), torch.tensor([0, 1, 2]), count=2, loss="logistic")
