"""Numbers and times in words."""

import pytest

from unpaired.report import wording


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (float("nan"), "–"), (float("inf"), "∞"), (0.0, "0"), (12345, "12,345"), (1234.5, "1,234"),
     (0.0123456, "0.0123"), (0.5, "0.5"), (99.96, "100"), (3e-7, "3.0e-07"), (-0.25, "-0.25")],
)  # fmt: skip
def test_numbers_have_the_digits_that_matter(value, shown):
    assert wording.number(value) == shown


@pytest.mark.parametrize(("step", "shown"), [(0, "0"), (9999, "9,999"), (10_000, "10k"), (2500, "2,500"), (1.5e6, "1.5M")])
def test_steps_on_an_axis_are_short(step, shown):
    assert wording.compact(step) == shown


def test_counts_are_words_while_they_are_small():
    assert [wording.how_many(count) for count in (0, 3, 12, 13, 1000)] == ["No", "Three", "Twelve", "13", "1,000"]
    assert [wording.times(count) for count in (1, 2, 3)] == ["once", "twice", "3 times"]


@pytest.mark.parametrize(("label", "said"), [("Error", "error"), ("Sliced Wasserstein", "sliced Wasserstein"), ("PSNR", "PSNR")])
def test_names_keep_their_capitals_within_a_sentence(label, said):
    assert wording.within(label) == said


@pytest.mark.parametrize(("seconds", "said"), [(120, "2:00 min"), (3599, "59:59 min"), (3661, "1:01:01 h")])
def test_times_have_units(seconds, said):
    assert wording.took(seconds) == said
