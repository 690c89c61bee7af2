"""Did the translation keep what it should: the identity of each image, the value of an attribute."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from unpaired.errors import ShapeError

RETRIEVAL_DISTANCES = 1 << 22  # distances held at once: 16 MiB


def retrieval(translated: Tensor, truths: Tensor, *, k: Sequence[int] = (1, 5)) -> dict[str, float]:
    """Share of translations whose own truth is among the k nearest of all truths, in mean absolute error.

    Ties count against the translation: two equal truths are both missed at k = 1, and a translator that answers
    everything with one image gains nothing from equal distances. Chance is k / N.

    translated, truths: [N, C, H, W] in one unit, where truths[i] is translated[i]'s partner (else ShapeError).
    Returns {"top-1": share, "top-5": share} for k = (1, 5), each in [0, 1].
    """
    if translated.shape != truths.shape or translated.ndim < 2 or len(truths) == 0:
        raise ShapeError(
            f"found {list(translated.shape)} translated and {list(truths.shape)} truths: each image needs its own truth"
        )
    asked = translated.detach().to("cpu", torch.float32).flatten(1)
    answers = truths.detach().to("cpu", torch.float32).flatten(1)
    total = len(answers)
    rows = max(1, RETRIEVAL_DISTANCES // total)
    ranks = []
    for start in range(0, total, rows):
        # The sum orders the answers as the mean does.
        distances = torch.cdist(asked[start : start + rows], answers, p=1.0)
        own = distances.diagonal(offset=start).unsqueeze(1)
        # Not "<=": a translation with NaN compares false with everything and would win. The own truth is one of the
        # answers, so the best rank is 1.
        ranks.append((~(distances > own)).sum(dim=1))
    rank = torch.cat(ranks)
    return {f"top-{places}": (rank <= places).double().mean().item() for places in k}


def pearson(x: Tensor, y: Tensor) -> float:
    """Pearson's correlation of an attribute before (x: [N]) and after (y: [N]) translation, in [-1, 1].

    NaN where one of them does not vary (a collapsed translator): there is no correlation to speak of.
    """
    x, y = _attributes(x, y)
    return _cosine(*(_beyond_rounding(values - values.mean(), scale=values.abs().max()) for values in (x, y)))


def circular_correlation(x: Tensor, y: Tensor) -> float:
    """Correlation of two angles about their mean directions (Jammalamadaka & SenGupta 2001, section 8.2), in [-1, 1].

    +1: y turns with x; -1: y turns against x (the mirrored solution). Blind to a constant offset. NaN where an angle
    does not vary. A mean direction exists only where the angles lean to one side: for objects seen evenly from all
    around use `uniform_circular_correlation`.

    x, y: [N] in radians.
    """
    x, y = _attributes(x, y)
    return _cosine(_sines_about_mean(x), _sines_about_mean(y))


def uniform_circular_correlation(x: Tensor, y: Tensor) -> float:
    """Correlation of two angles that are spread evenly over the circle (Jammalamadaka & SenGupta 2001, section 8.2).

    The mean direction of such angles is noise, so the two are compared by their difference and their sum instead:
    |mean exp(i (x - y))| - |mean exp(i (x + y))|. +1: y turns with x; -1: y turns against x. Blind to a constant
    offset. A translator that answers everything with one angle gets 0.

    x, y: [N] in radians. Returns a number in [-1, 1].
    """
    x, y = _attributes(x, y)
    return (_resultant_length(x - y) - _resultant_length(x + y)).item()


def _resultant_length(angles: Tensor) -> Tensor:
    return torch.hypot(angles.cos().mean(), angles.sin().mean())


def _sines_about_mean(angles: Tensor) -> Tensor:
    """Sines about the mean direction, [N] -> [N]."""
    mean_direction = torch.atan2(angles.sin().sum(), angles.cos().sum())
    return _beyond_rounding((angles - mean_direction).sin(), scale=1.0)


def _beyond_rounding(deviations: Tensor, *, scale: Tensor | float) -> Tensor:
    """Zero where rounding alone explains the deviation, so that a constant is seen not to vary."""
    return deviations * (deviations.abs() > 1e-12 * scale)


def _cosine(x: Tensor, y: Tensor) -> float:
    """NaN where either has no length."""
    if not (x.any() and y.any()):
        return math.nan
    return (torch.dot(x, y) / (x.norm() * y.norm())).clamp(-1, 1).item()


def _attributes(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    x, y = (torch.as_tensor(values).detach().to("cpu", torch.float64) for values in (x, y))
    if x.shape != y.shape or x.ndim != 1 or len(x) == 0:
        raise ShapeError(f"found values of shape {list(x.shape)} and {list(y.shape)}: one value an image, [N] and [N]")
    return x, y
