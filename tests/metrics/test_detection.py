"""Shares and d' by textbook numbers, scipy and simulation."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from unpaired.metrics.detection import detection, wilson


@pytest.mark.parametrize("confidence", [0.9, 0.95])
@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (1, 10), (7, 10), (10, 10), (61, 100), (1, 1)])
def test_wilson_agrees_with_scipy(successes, trials, confidence):
    theirs = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    assert wilson(successes, trials, confidence=confidence) == pytest.approx(
        (successes / trials, theirs.low, theirs.high, trials)
    )


def test_wilson_of_nothing_says_nothing():
    share = wilson(0, 0)
    assert math.isnan(share.value)
    assert share[1:] == (0.0, 1.0, 0)


def test_four_counts_by_hand():
    """75 of 100 fakes called fake, 30 of 80 reals called fake."""
    found = detection(hits=75, misses=25, false_alarms=30, correct_rejections=50)
    assert found.accuracy.value == pytest.approx(125 / 180)
    assert found.hit_rate.value == 0.75
    assert found.false_alarm_rate.value == 0.375
    assert found.fooled_rate.value == 0.25
    assert found.fooled_rate.trials == 100
    hit, alarm = norm.ppf(75.5 / 101), norm.ppf(30.5 / 81)
    assert found.d_prime.value == pytest.approx(hit - alarm)
    assert found.criterion == pytest.approx(-(hit + alarm) / 2)
    # Uncorrected, z(.75) - z(.375) = 0.6745 + 0.3186: the correction takes about a hundredth.
    assert found.d_prime.value == pytest.approx(0.6745 + 0.3186, abs=0.02)


def test_chance_and_bias():
    fair = detection(hits=30, misses=30, false_alarms=30, correct_rejections=30)
    assert fair.d_prime.value == 0
    assert fair.criterion == 0
    assert fair.d_prime.low < 0 < fair.d_prime.high
    always_fake = detection(hits=30, misses=0, false_alarms=30, correct_rejections=0)
    assert always_fake.d_prime.value == 0
    assert always_fake.criterion < -2
    assert always_fake.accuracy.value == 0.5


def test_perfect_scores_stay_finite_and_missing_kinds_say_nothing():
    perfect = detection(hits=20, misses=0, false_alarms=0, correct_rejections=20)
    assert perfect.d_prime.value == pytest.approx(2 * norm.ppf(20.5 / 21))
    nothing = detection(hits=3, misses=1, false_alarms=0, correct_rejections=0)
    assert math.isnan(nothing.d_prime.value)
    assert math.isnan(nothing.criterion)
    assert nothing.d_prime[1:] == (-math.inf, math.inf)


def test_the_interval_of_d_prime_holds_the_truth_as_often_as_it_says():
    generator = np.random.default_rng(0)
    hits, alarms = generator.binomial(60, norm.cdf(0.7), 3000), generator.binomial(60, norm.cdf(-0.3), 3000)
    inside = 0
    for hit, alarm in zip(hits.tolist(), alarms.tolist(), strict=True):
        found = detection(hits=hit, misses=60 - hit, false_alarms=alarm, correct_rejections=60 - alarm).d_prime
        inside += found.low <= 1.0 <= found.high
    assert 0.93 < inside / 3000 < 0.97
