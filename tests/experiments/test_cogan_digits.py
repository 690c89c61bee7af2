"""cogan-digits on a few digits and steps, and how its claims are judged."""

from pathlib import Path

import pytest
import small_digits

from unpaired.experiments import adaptation, base, cogan_digits
from unpaired.experiments.cogan_digits import COGAN, ORACLE, SOURCE_ONLY, TRANSLATED


def test_all_is_measured_and_trained_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trained = small_digits.use(monkeypatch, tmp_path)
    monkeypatch.setattr(cogan_digits, "PAIRS", 60)
    where = {"size": "quick", "out": tmp_path / "results", "runs": tmp_path / "runs"}
    result = base.reproduce(cogan_digits.COGAN_DIGITS, **where)
    assert len(trained) == 5
    metrics = result["metrics"]
    assert set(metrics["accuracy"]) == set(cogan_digits.METHODS)
    assert all(set(found) == {"all", *"0123456789"} for found in metrics["accuracy"].values())
    assert metrics["digits"] == {"tested": small_digits.TEST - small_digits.CHOSE, "pairs": 60}
    assert metrics["judges"]["MNIST's test digits"] == metrics["accuracy"][ORACLE]["all"]
    assert set(metrics["pairs"]) == {"same digit", "of strangers"}
    assert (tmp_path / "results" / "cogan-digits-quick" / "pairs.png").exists()
    assert [claim["statement"] for claim in result["claims"]] == [claim.statement for claim in cogan_digits.CLAIMS]

    trained.clear()
    again = base.reproduce(cogan_digits.COGAN_DIGITS, **where)
    assert not trained
    assert again["metrics"] == metrics


@pytest.mark.parametrize(
    ("changed", "fail"),
    [
        ({}, set()),
        ({"same digit": 0.79}, {0}),
        ({SOURCE_ONLY: 0.95}, {1}),
        ({COGAN: 0.89}, {2}),
        ({TRANSLATED: 0.93}, {3}),
    ],
)
def test_verdicts_follow_the_scores(changed: dict[str, float], fail: set[int]) -> None:
    scores = {SOURCE_ONLY: 0.5, COGAN: 0.92, TRANSLATED: 0.7, ORACLE: 0.98, **changed}
    pairs = {"same digit": changed.get("same digit", 0.81), "of strangers": 0.1}
    metrics = {"accuracy": {name: {"all": scores[name]} for name in cogan_digits.METHODS}, "pairs": pairs}
    failed = {index for index, claim in enumerate(cogan_digits.CLAIMS) if not claim.holds(claim.measure(metrics))}
    assert failed == fail


def test_every_size_has_a_budget() -> None:
    assert set(adaptation.BUDGETS) == set(base.SIZES) == set(cogan_digits.COGAN_DIGITS.budget)
    authors = adaptation.BUDGETS["paper"].judge
    assert (authors.maps, authors.hidden) == ((20, 50), 500)
