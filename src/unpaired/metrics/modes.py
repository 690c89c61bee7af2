"""2-D toys whose modes are known: which modes are reached, which are mapped onto one another.

Points are [..., N, 2]: the leading axis, where there is one, holds the members of an ensemble trained side by side, and
every answer has that axis too. `centres` [M, 2] are the target's modes and `sigma` their common standard deviation, in
the points' unit. A sample is of high quality within 3 sigma of a centre (Srivastava et al. 2017, VEEGAN;
Lin et al. 2018, PacGAN).
"""

import math

import torch
from torch import Tensor

from unpaired.errors import ShapeError

WITHIN_SIGMAS = 3.0


def nearest_mode(points: Tensor, *, centres: Tensor) -> Tensor:
    """Which mode each sample belongs to: points [..., N, 2] -> indices into `centres` [M, 2], [..., N] int64."""
    return _distances(points, centres=centres).argmin(dim=-1)


def high_quality(points: Tensor, *, centres: Tensor, sigma: float) -> Tensor:
    """Whether each sample lies within 3 sigma of its nearest mode: points [..., N, 2] -> [..., N] bool (NaN: False)."""
    return _distances(points, centres=centres).amin(dim=-1) <= WITHIN_SIGMAS * sigma


def high_quality_share(points: Tensor, *, centres: Tensor, sigma: float) -> Tensor:
    """Share of the samples within 3 sigma of a mode: points [..., N, 2] -> [...] in [0, 1]."""
    return high_quality(points, centres=centres, sigma=sigma).double().mean(dim=-1)


def covered(points: Tensor, *, centres: Tensor, sigma: float, share: float = 0.0) -> Tensor:
    """Number of target modes that hold high-quality samples: at least one, and at least `share` of all N samples.

    points: [..., N, 2]; returns [...] int64 in 0..M. The papers' count is the default, one sample; a share (a good part
    of 1 / M) keeps samples strewn along the way between two modes from passing as coverage.
    """
    found = _distances(points, centres=centres)
    good = found.amin(dim=-1) <= WITHIN_SIGMAS * sigma
    belongs = torch.nn.functional.one_hot(found.argmin(dim=-1), len(centres))
    samples = (belongs * good.unsqueeze(-1)).sum(dim=-2)
    return (samples >= max(1.0, share * points.shape[-2])).sum(dim=-1)


def divergence(points: Tensor, *, centres: Tensor, sigma: float) -> Tensor:
    """Kullback-Leibler divergence of the high-quality samples' modes from all modes alike, in nats (Lin et al. 2018: reverse KL).

    points: [..., N, 2]; returns [...]: 0 where each mode holds as many, ln M where one holds all, or where there are none.
    """
    found = _distances(points, centres=centres)
    good = found.amin(dim=-1) <= WITHIN_SIGMAS * sigma
    counts = (torch.nn.functional.one_hot(found.argmin(dim=-1), len(centres)) * good.unsqueeze(-1)).sum(dim=-2).double()
    share = counts / counts.sum(dim=-1, keepdim=True).clamp_min(1)
    return torch.xlogy(share, share).sum(dim=-1) + math.log(len(centres))


def collisions(points: Tensor, *, centres: Tensor, sources: Tensor) -> Tensor:
    """Number of source modes whose samples mostly go where another one's mostly go (DiscoGAN, the toy experiment).

    A translator that keeps the source modes apart scores 0; one that sends two of them to one target mode scores 2, all
    S of them S. A source mode's target is the target mode nearest to the most of its samples (the first of equals), of
    whatever quality; a source mode without samples is left out.

    points: [..., N, 2], the translated samples; sources: [N] or [..., N] int64 >= 0, the mode that each came from.
    Returns [...] int64.
    """
    targets = nearest_mode(points, centres=centres)
    try:
        sources = sources.to(targets.device).expand_as(targets)
    except RuntimeError as error:
        raise ShapeError(
            f"found sources of shape {list(sources.shape)} for points of shape {list(points.shape)}: one source a point"
        ) from error
    from_source = torch.nn.functional.one_hot(sources, int(sources.max()) + 1)
    to_target = torch.nn.functional.one_hot(targets, len(centres))
    counts = torch.einsum("...ns,...nm->...sm", from_source.double(), to_target.double())
    present = counts.sum(dim=-1) > 0
    chosen = torch.nn.functional.one_hot(counts.argmax(dim=-1), len(centres)) * present.unsqueeze(-1)
    arrivals = (chosen * chosen.sum(dim=-2, keepdim=True)).sum(dim=-1)
    return (arrivals > 1).sum(dim=-1)


def _distances(points: Tensor, *, centres: Tensor) -> Tensor:
    """Points [..., N, 2] and centres [M, 2] -> [..., N, M]; ShapeError where either is not 2-D points."""
    if points.ndim < 2 or points.shape[-1] != 2 or centres.ndim != 2 or centres.shape[-1] != 2:
        raise ShapeError(
            f"found points of shape {list(points.shape)} and centres of shape {list(centres.shape)}: "
            "points are [..., N, 2], centres [M, 2]"
        )
    # Not cdist: it may go through a matrix product, whose rounding moves a sample that lies on the 3-sigma circle.
    return torch.linalg.vector_norm(points.detach().unsqueeze(-2) - centres.to(points), dim=-1)
