"""digits-adaptation on a few digits and steps, beside cogan-digits, and how its claims are judged."""

from pathlib import Path

import pytest
import small_digits

from unpaired.experiments import base, cogan_digits, digits_adaptation
from unpaired.experiments.digits_adaptation import COGAN, ORACLE, SAME_CLASS, SOURCE_ONLY, TRANSLATED, UNTOUCHED


def test_all_is_measured_and_trainings_are_shared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trained = small_digits.use(monkeypatch, tmp_path)
    monkeypatch.setattr(digits_adaptation, "READ", 20)
    monkeypatch.setattr(cogan_digits, "PAIRS", 20)
    where = {"size": "quick", "out": tmp_path / "results", "runs": tmp_path / "runs"}
    result = base.reproduce(digits_adaptation.DIGITS_ADAPTATION, **where)
    assert len(trained) == 7
    metrics = result["metrics"]
    assert set(metrics["accuracy"]) == set(digits_adaptation.METHODS)
    assert set(metrics["read as another digit"]) == {UNTOUCHED, TRANSLATED, SAME_CLASS}
    shares = [share for found in metrics["read as another digit"].values() for share in found.values()]
    assert len(shares) == 6
    assert all(0 <= share <= 1 for share in shares)
    assert metrics["digits"]["translated and read"] == 20
    for picture in ("translated", "flips"):
        assert (tmp_path / "results" / "digits-adaptation-quick" / f"{picture}.png").exists()

    trained.clear()
    other = base.reproduce(cogan_digits.COGAN_DIGITS, **where)
    assert not trained
    assert all(other["metrics"]["accuracy"][method] == metrics["accuracy"][method] for method in cogan_digits.METHODS)


@pytest.mark.parametrize(
    ("changed", "fail"),
    [
        ({}, set()),
        ({TRANSLATED: 0.49}, {0}),
        ({"flips": 0.2}, {1}),
        ({TRANSLATED: 0.85}, {2}),
        ({ORACLE: 1.2}, {3}),
        ({COGAN: 0.81}, {4}),
    ],
)
def test_verdicts_follow_the_scores(changed: dict[str, float], fail: set[int]) -> None:
    scores = {SOURCE_ONLY: 0.5, COGAN: 0.6, TRANSLATED: 0.7, SAME_CLASS: 0.8, ORACLE: 0.98, **changed}
    flipped = {UNTOUCHED: 0.05, TRANSLATED: 0.2, SAME_CLASS: changed.get("flips", 0.1)}
    metrics = {
        "accuracy": {name: {"all": scores[name]} for name in digits_adaptation.METHODS},
        "read as another digit": {name: {"by MNIST's labels": share} for name, share in flipped.items()},
    }
    failed = {index for index, claim in enumerate(digits_adaptation.CLAIMS) if not claim.holds(claim.measure(metrics))}
    assert failed == fail
