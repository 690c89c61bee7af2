"""Counts with their nouns."""

import pytest

from unpaired.counting import counted


@pytest.mark.parametrize(
    ("count", "noun", "said"),
    [
        (1, "image", "1 image"),
        (0, "image", "0 images"),
        (2000, "image", "2,000 images"),
        (1.0, "minute", "1 minute"),
        (0.5, "minute", "0.5 minutes"),
        (2, "process", "2 processes"),
        (12_345_678, "step", "12,345,678 steps"),
    ],
)
def test_one_is_alone(count: float, noun: str, said: str) -> None:
    assert counted(count, noun) == said
