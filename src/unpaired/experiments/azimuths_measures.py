"""What azimuths before and after translation say: do they go together, and do all answers face one way? All angles in degrees."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from unpaired.data.sets.turntable import REACH, TEST_STEP
from unpaired.metrics.relation import circular_correlation, pearson

CORRELATION = "Pearson's correlation"
TOGETHER, BY_READING, CIRCULAR = "|correlation|", "|correlation| with the input as read", "|circular correlation|"
SIGN, ERROR, TURNED = "sign", "RMSE", "RMSE after the better sign"
CROWD, COLLAPSED = "most crowded", "collapsed"
Values = dict[str, float]


def error(found: Tensor, wanted: Tensor) -> Tensor:
    """By how much an angle misses another, the shorter way round: [N], [N] -> [N] from -180 to 180."""
    return torch.remainder(found - wanted + 180, 360) - 180


def rmse(found: Tensor, wanted: Tensor) -> float:
    """The root of the mean squared error of angles [N]."""
    return float(error(found, wanted).square().mean().sqrt())


def misread(found: Tensor, wanted: Tensor) -> Values:
    """How well azimuths are read: the root of the mean squared error, and the median error."""
    return {"RMSE": rmse(found, wanted), "median error": float(error(found, wanted).abs().median())}


def crowding(azimuths: Tensor) -> float:
    """The share of azimuths [N] in the most crowded of bins of 15 degrees about the directions in which models are tested; what
    lies beyond the last is counted there. Of views from all sides alike 1 / 13, of a collapsed translator's answers 1.
    """
    places = (azimuths.clamp(-REACH, REACH) / TEST_STEP).round().long()
    return float(places.unique(return_counts=True)[1].max() / len(azimuths))


def gone_together(azimuths: Tensor, *, read: Tensor, answered: Tensor) -> Values:
    """How azimuths went through a translator.

    azimuths: the inputs' own, [N]; read: the same as a reader of A finds them; answered: what a reader of B finds in the answers.
    Correlations are Pearson's but for the circular one; no correlation, as of answers that all face one way, counts as 0, and is
    told (`COLLAPSED`: 1). `SIGN`: of the turn that errs less, 1 as it is, -1 where the answers face as in
    a mirror.
    """
    correlation = pearson(azimuths, answered)
    radians = torch.deg2rad(azimuths), torch.deg2rad(answered)
    as_is, mirrored = rmse(answered, azimuths), rmse(-answered, azimuths)
    return {
        CORRELATION: 0.0 if math.isnan(correlation) else correlation,
        TOGETHER: _size(correlation),
        BY_READING: _size(pearson(read, answered)),
        CIRCULAR: _size(circular_correlation(*radians)),
        SIGN: 1.0 if as_is <= mirrored else -1.0,
        ERROR: as_is,
        TURNED: min(as_is, mirrored),
        CROWD: crowding(answered),
        COLLAPSED: float(math.isnan(correlation)),
    }


def over_seeds(found: Sequence[Mapping[str, float]]) -> dict[str, dict[str, Any]]:
    """Of each measure the mean over seeds and each seed's value, rounded."""
    return {
        name: {
            "mean": round(sum(values[name] for values in found) / len(found), 4),
            "seeds": [round(values[name], 4) for values in found],
        }
        for name in found[0]
    }


def _size(correlation: float) -> float:
    return 0.0 if math.isnan(correlation) else abs(correlation)
