"""Linear classifiers of features, by which features are judged: logistic regression and the L2-SVM.

What is minimised is convex, and the whole set is looked at in every step, so that the answer hangs on neither luck nor order.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from unpaired.errors import ShapeError
from unpaired.experiments.classifier import share_read

Loss = Literal["logistic", "squared hinge"]
PENALTIES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
"""Tried from strong to weak, each from where the last one ended."""
ROUNDS = 100
"""Steps of L-BFGS for each penalty."""
VALIDATION_SHARE, MOST_VALIDATION = 0.2, 5000


class Linear(NamedTuple):
    """Scores of classes: ((x - mean) / scale) @ weights + offsets.

    mean: [F]; scale: one number, after which the features have variance 1 in the mean; weights: [F, K]; offsets: [K]; penalty:
    what they were taught with.
    """

    mean: Tensor
    scale: Tensor
    weights: Tensor
    offsets: Tensor
    penalty: float

    def scores(self, features: Tensor) -> Tensor:
        """[N, F] -> [N, K]."""
        inner = self.weights / self.scale
        return features @ inner + (self.offsets - self.mean @ inner)

    def error(self, features: Tensor, classes: Tensor) -> float:
        """The share of rows whose greatest score is not that of their class (int64 [N])."""
        return 1 - share_read(self.scores(features), classes)


def taught(
    features: Tensor,
    classes: Tensor,
    *,
    count: int,
    loss: Loss,
    penalty: float,
    start: Linear | None = None,
    rounds: int = ROUNDS,
) -> Linear:
    """The classifier with the least mean loss + penalty / 2 * |weights|^2; offsets are not penalised.

    features: [N, F] float; classes: int64 [N] below `count`. loss: "logistic", the cross-entropy of the softmax; "squared hinge",
    of each class against all others, summed over classes: the L2-SVM with C = 1 / (penalty N). start: where to begin. ShapeError
    where they do not fit.
    """
    _require(features, classes, count)
    mean = features.mean(dim=0)
    centred = features - mean
    scale = centred.square().mean().sqrt().clamp_min(1e-12)
    centred /= scale
    fresh = torch.zeros(features.shape[1], count), torch.zeros(count)
    weights, offsets = fresh if start is None else (start.weights.clone(), start.offsets.clone())
    wanted = F.one_hot(classes, count).to(features) * 2 - 1
    optimizer = torch.optim.LBFGS(
        [weights.requires_grad_(), offsets.requires_grad_()],
        max_iter=rounds,
        tolerance_grad=1e-6,
        tolerance_change=1e-9,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        scores = centred @ weights + offsets
        fit = F.cross_entropy(scores, classes) if loss == "logistic" else (1 - wanted * scores).relu().square().sum(1).mean()
        total = fit + penalty / 2 * weights.square().sum()
        total.backward()
        return total

    optimizer.step(closure)
    return Linear(mean, scale, weights.detach(), offsets.detach(), penalty)


def chosen(
    features: Tensor, classes: Tensor, *, count: int, loss: Loss, penalties: Sequence[float] | None = None, seed: int = 0
) -> Linear:
    """The classifier of all rows, its penalty chosen on a fifth of them (5000 at the most) that it was not taught on at first.

    penalties: `PENALTIES` if None. A function of its arguments alone. Of penalties that serve alike the strongest is taken.
    """
    _require(features, classes, count)
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(seed))
    held = min(MOST_VALIDATION, max(1, round(VALIDATION_SHARE * len(features))))
    trial, validation = order[held:], order[:held]
    of_trial, of_validation = features[trial], features[validation]
    best: tuple[float, Linear] | None = None
    last: Linear | None = None
    for penalty in sorted(penalties or PENALTIES, reverse=True):
        last = taught(of_trial, classes[trial], count=count, loss=loss, penalty=penalty, start=last)
        error = last.error(of_validation, classes[validation])
        best = (error, last) if best is None or error < best[0] else best
    assert best is not None
    return taught(features, classes, count=count, loss=loss, penalty=best[1].penalty, start=best[1])


def _require(features: Tensor, classes: Tensor, count: int) -> None:
    if features.ndim != 2 or classes.shape != (len(features),) or len(features) < 2:
        raise ShapeError(
            f"found features {list(features.shape)} and classes {list(classes.shape)}; wanted [N, F] and [N], two rows or more"
        )
    if not 0 <= int(classes.min()) <= int(classes.max()) < count:
        raise ShapeError(f"found classes from {int(classes.min())} to {int(classes.max())}; wanted 0 to {count - 1}")
