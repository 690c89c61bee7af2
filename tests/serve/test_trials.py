"""Which picture comes when: counted."""

from collections import Counter

import pytest

from unpaired.config import from_dict
from unpaired.errors import ConfigError, DataError
from unpaired.serve.options import JudgeOptions
from unpaired.serve.trials import needed, plan

OPTIONS = JudgeOptions(blocks=3, block_size=10, controls=2, practice=4)


def test_every_block_has_its_kinds():
    trials = plan(OPTIONS, reals=30, fakes=20)
    assert len(trials) == 4 + 3 * 10
    assert [trial.block for trial in trials] == [0] * 4 + [1] * 10 + [2] * 10 + [3] * 10
    assert Counter(trial.kind for trial in trials if trial.block == 0) == {"real": 2, "fake": 2}
    for block in (1, 2, 3):
        assert Counter(trial.kind for trial in trials if trial.block == block) == {"real": 4, "fake": 4, "control": 2}


def test_no_picture_comes_twice_and_controls_are_of_other_reals():
    trials = plan(OPTIONS, reals=30, fakes=20)
    for kind in ("real", "fake", "control"):
        chosen = [trial.picture for trial in trials if trial.kind == kind]
        assert len(set(chosen)) == len(chosen)
    shown, pieces = ({trial.picture for trial in trials if trial.kind == kind} for kind in ("real", "control"))
    assert not shown & pieces
    assert max(shown | pieces) < 30
    assert max(trial.picture for trial in trials if trial.kind == "fake") < 20


def test_just_enough_pictures_do():
    assert needed(OPTIONS) == 2 + 3 * 4
    trials = plan(OPTIONS, reals=14, fakes=14)
    assert sorted(trial.picture for trial in trials if trial.kind == "real") == list(range(14))
    assert Counter(trial.kind for trial in trials)["control"] == 6
    with pytest.raises(DataError, match=r"14 real and 13 fake pictures; wanted 14 of each"):
        plan(OPTIONS, reals=14, fakes=13)


def test_the_order_follows_from_the_seed():
    first = plan(OPTIONS, reals=30, fakes=30)
    assert first == plan(OPTIONS, reals=30, fakes=30)
    other = plan(JudgeOptions(blocks=3, block_size=10, controls=2, practice=4, seed=1), reals=30, fakes=30)
    assert [trial.kind for trial in first] != [trial.kind for trial in other]


def test_places_within_a_block_tell_nothing():
    """Over many seeds, a control is as likely at any place of its block."""
    places = Counter()
    for seed in range(400):
        trials = plan(JudgeOptions(blocks=1, block_size=6, controls=2, practice=0, seed=seed), reals=9, fakes=9)
        places.update(index for index, trial in enumerate(trials) if trial.kind == "control")
    assert sum(places.values()) == 800
    assert all(100 < places[index] < 167 for index in range(6))  # 133 expected, deviation 9.4


def test_truths():
    trials = plan(OPTIONS, reals=30, fakes=30)
    assert {(trial.kind, trial.truth) for trial in trials} == {("real", "real"), ("fake", "fake"), ("control", "fake")}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"block_size": 9, "controls": 2}, "an even number of others"),
        ({"block_size": 4, "controls": 4}, "2 at least"),
        ({"practice": 3}, "3 pictures for practice"),
        ({"seconds": 0}, "seconds"),
        ({"answer_within": -1.0}, "answer_within"),
    ],
)
def test_wrong_options_are_refused(wrong, message):
    with pytest.raises(ConfigError, match=message):
        from_dict(JudgeOptions, wrong)
