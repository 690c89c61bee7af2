"""How well somebody tells fakes from reals: shares with intervals, and d' of signal detection. No torch here.

The signal is the fake. A *hit* is a fake called fake, a *false alarm* a real called fake. Somebody who cannot tell them apart
has equal rates of both, d' = 0 and, over as many reals as fakes, an accuracy of one half.
"""

import math
from statistics import NormalDist
from typing import NamedTuple

NORMAL = NormalDist()


class Share(NamedTuple):
    """A share with its interval; NaN, from 0 to 1, where nothing was tried."""

    value: float
    low: float
    high: float
    trials: int


class Estimate(NamedTuple):
    """A number with its interval."""

    value: float
    low: float
    high: float


class Detection(NamedTuple):
    """What four counts say. Intervals are of the confidence that was asked for, over trials of one person and these pictures."""

    accuracy: Share
    hit_rate: Share
    """Of the fakes, those called fake."""
    false_alarm_rate: Share
    """Of the reals, those called fake."""
    fooled_rate: Share
    """Of the fakes, those taken for real: 1 - hit rate. The tables of pix2pix and CycleGAN have it too, but of fakes shown side
    by side with a real picture: not the same test."""
    d_prime: Estimate
    """z(hit rate) - z(false alarm rate); 0 where fakes and reals are told apart no better than by chance."""
    criterion: float
    """-(z(hit rate) + z(false alarm rate)) / 2: below 0 for somebody who leans to "fake", above 0 to "real"."""


def wilson(successes: int, trials: int, *, confidence: float = 0.95) -> Share:
    """A share of successes with Wilson's score interval (Wilson 1927), which keeps its promise near 0 and 1 too."""
    if not trials:
        return Share(math.nan, 0.0, 1.0, 0)
    z = NORMAL.inv_cdf((1 + confidence) / 2)
    share = successes / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    reach = z / (1 + z * z / trials) * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    # At 0 and at 1 an end is exactly there; rounding would put it beside.
    return Share(share, 0.0 if not successes else middle - reach, 1.0 if successes == trials else middle + reach, trials)


def detection(*, hits: int, misses: int, false_alarms: int, correct_rejections: int, confidence: float = 0.95) -> Detection:
    """All measures of four counts. d' and the criterion use rates with half a trial added to each count (the log-linear
    rule, Hautus 1995), so that a perfect score stays finite; the interval of d' is the normal one, with the variance of
    Gourevitch & Galanter 1967. Both are NaN, the interval infinite, where there were no fakes or no reals.
    """
    fakes, reals = hits + misses, false_alarms + correct_rejections
    return Detection(
        accuracy=wilson(hits + correct_rejections, fakes + reals, confidence=confidence),
        hit_rate=wilson(hits, fakes, confidence=confidence),
        false_alarm_rate=wilson(false_alarms, reals, confidence=confidence),
        fooled_rate=wilson(misses, fakes, confidence=confidence),
        d_prime=_d_prime(hits, fakes, false_alarms, reals, confidence),
        criterion=-(_z(hits, fakes) + _z(false_alarms, reals)) / 2 if fakes and reals else math.nan,
    )


def _d_prime(hits: int, fakes: int, false_alarms: int, reals: int, confidence: float) -> Estimate:
    if not fakes or not reals:
        return Estimate(math.nan, -math.inf, math.inf)
    value = _z(hits, fakes) - _z(false_alarms, reals)
    variance = 0.0
    for count, trials in ((hits, fakes), (false_alarms, reals)):
        rate = (count + 0.5) / (trials + 1)
        variance += rate * (1 - rate) / (trials * NORMAL.pdf(NORMAL.inv_cdf(rate)) ** 2)
    reach = NORMAL.inv_cdf((1 + confidence) / 2) * math.sqrt(variance)
    return Estimate(value, value - reach, value + reach)


def _z(count: int, trials: int) -> float:
    return NORMAL.inv_cdf((count + 0.5) / (trials + 1))
