"""What answers say: cases counted by hand."""

import csv
import io
import math

import pytest

from unpaired.metrics.detection import detection
from unpaired.serve.options import JudgeOptions
from unpaired.serve.trials import Trial
from unpaired.serve.verdict import Given, answers_csv, conclusion, judge_answers, sentences

OPTIONS = JudgeOptions(blocks=2, block_size=6, controls=2, practice=2)
KINDS = ["real", "fake", "control", "fake", "real", "control"]
TRIALS = [
    Trial(0, "real", 9),
    Trial(0, "fake", 9),
    *(Trial(block, kind, 10 * block + index) for block in (1, 2) for index, kind in enumerate(KINDS)),
]


def said(answers: str, **changes) -> list[Given]:
    """r: real, f: fake, -: too late; changes: {"shown_3": 2} for the fourth answer."""
    words = {"r": "real", "f": "fake", "-": None}
    return [
        Given(words[letter], None if letter == "-" else 500.0 + index, 1000.0, changes.get(f"shown_{index}", 1), 100.0 + index)
        for index, letter in enumerate(answers)
    ]


def test_counts_of_two_good_blocks():
    #                      practice, then r f c f r c: 2 hits, 1 false alarm, 1 right; 1 hit, 1 miss, 2 right
    verdict = judge_answers(TRIALS, said("fr" + "ffffrf" + "rffrrf"), options=OPTIONS)
    assert verdict.finished
    assert [block.left_out for block in verdict.blocks] == ["", ""]
    assert verdict.scored == 8
    assert verdict.detection == detection(hits=3, misses=1, false_alarms=1, correct_rejections=3)
    assert verdict.detection.accuracy.value == 0.75
    # Answers 2, 3, 5, 6 and 8, 9, 11, 12 count.
    assert verdict.median_reaction_ms == 507.0


def test_a_block_whose_controls_fail_is_left_out():
    given = said("fr" + "ffrfrf" + "rffrrf")
    verdict = judge_answers(TRIALS, given, options=OPTIONS)
    assert [block.controls_right for block in verdict.blocks] == [1, 2]
    assert verdict.blocks[0].left_out == "1 of 2 scrambled pictures were not called fake"
    assert verdict.scored == 4
    assert verdict.detection == detection(hits=1, misses=1, false_alarms=0, correct_rejections=2)
    forgiving = JudgeOptions(blocks=2, block_size=6, controls=2, practice=2, forgiven=1)
    assert judge_answers(TRIALS, given, options=forgiving).scored == 8


def test_a_finger_that_rests_on_a_key_is_found_out():
    for key in "rf":
        verdict = judge_answers(TRIALS, said(key * 14), options=OPTIONS)
        assert all(block.left_out for block in verdict.blocks)
        assert verdict.scored == 0
        assert math.isnan(verdict.detection.accuracy.value)
        assert conclusion(verdict) == "No block counts, so nothing can be said."


def test_late_and_repeated_pictures_do_not_count():
    verdict = judge_answers(TRIALS, said("fr" + "-fffrf" + "rffrrf", shown_3=2), options=OPTIONS)
    assert (verdict.late, verdict.seen_twice, verdict.scored) == (1, 1, 6)
    assert verdict.detection == detection(hits=2, misses=1, false_alarms=0, correct_rejections=3)
    # A control seen twice still tells whether somebody looks; one without an answer does not.
    assert judge_answers(TRIALS, said("fr" + "ffffrf" + "rffrrf", shown_4=2), options=OPTIONS).scored == 8
    assert judge_answers(TRIALS, said("fr" + "ff-frf" + "rffrrf"), options=OPTIONS).scored == 4


def test_half_a_block_does_not_count():
    verdict = judge_answers(TRIALS, said("fr" + "ffffrf" + "rffr"), options=OPTIONS)
    assert not verdict.finished
    assert (verdict.answered, verdict.total, verdict.scored) == (12, 14, 4)
    assert verdict.blocks[1].left_out == "not finished"
    nothing = judge_answers(TRIALS, [], options=OPTIONS)
    assert nothing.scored == 0
    assert math.isnan(nothing.median_reaction_ms)


def test_the_table():
    given = said("fr" + "-fffrf" + "rfrrrf", shown_3=2)
    rows = list(csv.DictReader(io.StringIO(answers_csv(TRIALS, given, options=OPTIONS))))
    assert len(rows) == 14
    assert [row["part"] for row in rows[:3]] == ["practice", "practice", "test"]
    assert [row["answer"] for row in rows[:4]] == ["fake", "real", "", "fake"]
    assert [row["right"] for row in rows[:4]] == ["0", "0", "", "1"]
    assert [row["counts"] for row in rows] == list("00" + "000110" + "000000")
    assert [row["block_counts"] for row in rows] == list("00" + "111111" + "000000")
    assert rows[3]["times_shown"] == "2"
    assert rows[4] | {"time": ""} == {
        "trial": "4",
        "block": "1",
        "part": "test",
        "kind": "control",
        "picture": "12",
        "answer": "fake",
        "right": "1",
        "reaction_ms": "504",
        "shown_ms": "1000",
        "times_shown": "1",
        "block_counts": "1",
        "counts": "0",
        "time": "",
    }


def test_few_right_answers_are_too_few_to_say():
    """7 of 8 are more than by chance, but d′ of so few is anything."""
    found = detection(hits=4, misses=0, false_alarms=1, correct_rejections=3)
    assert found.accuracy.low > 0.5
    assert found.d_prime.low < 0 < found.d_prime.high
    verdict = judge_answers(TRIALS, said("fr" + "ffffrf" + "rffrrf"), options=OPTIONS)._replace(detection=found, scored=8)
    assert conclusion(verdict).startswith("Too few answers to say")


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((45, 5, 5, 45), "better than by chance"),
        ((26, 24, 24, 26), "Nothing shows"),
        ((5, 45, 45, 5), "more often than the real"),
    ],
)
def test_words(counts, words):
    names = ("hits", "misses", "false_alarms", "correct_rejections")
    found = detection(**dict(zip(names, counts, strict=True)))
    verdict = judge_answers(TRIALS, said("fr" + "ffffrf" + "rffrrf"), options=OPTIONS)._replace(detection=found, scored=100)
    assert words in conclusion(verdict)
    rows = sentences(verdict)
    assert [row[0] for row in rows] == [
        "Right answers",
        "Fakes called fake (hits)",
        "Reals called fake (false alarms)",
        "Fakes taken for real",
        "d′",
        "Median time to answer",
    ]
    share = found.fooled_rate
    assert rows[3][1:] == (
        f"{2 * counts[1]} %",
        f"95 % interval {100 * share.low:.0f} to {100 * share.high:.0f} %, of 50 fakes",
    )


def test_the_intervals_say_how_sure_they_are():
    strict = JudgeOptions(blocks=2, block_size=6, controls=2, practice=2, confidence=0.99)
    verdict = judge_answers(TRIALS, said("fr" + "ffffrf" + "rffrrf"), options=strict)
    found = detection(hits=3, misses=1, false_alarms=1, correct_rejections=3, confidence=0.99).accuracy
    assert sentences(verdict)[0] == (
        "Right answers",
        "75 %",
        f"99 % interval {100 * found.low:.0f} to {100 * found.high:.0f} %, of 8 pictures",
    )
