"""A test's folder: begun, gone on with, damaged."""

import csv
import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from unpaired.errors import DataError, RunError, ShapeError
from unpaired.serve.options import JudgeOptions
from unpaired.serve.pictures import as_pictures, scrambled
from unpaired.serve.session import SESSION, Session, WrongMoment, open_session, what_of

OPTIONS = JudgeOptions(blocks=2, block_size=6, controls=2, practice=2)


def given_pictures():
    generator = torch.Generator().manual_seed(0)
    return {name: torch.rand(9, 3, 8, 8, generator=generator) * 2 - 1 for name in ("real", "fake")}


@pytest.fixture
def session(tmp_path):
    begun = open_session(tmp_path, **given_pictures(), options=OPTIONS)
    yield begun
    begun.close()


def answer_all(session: Session, *, until: int | None = None) -> None:
    for index in range(session.due, len(session.trials) if until is None else until):
        session.picture(index)
        session.answer(index, session.trials[index].truth, reaction_ms=400.0, shown_ms=1000.0)


def test_pictures_are_what_the_trials_say(session):
    real, fake = (as_pictures(images, what="") for images in given_pictures().values())
    for index, trial in enumerate(session.trials):
        shown = np.asarray(Image.open(session.folder / "pictures" / f"{index:04}.png"))
        if trial.kind == "control":
            wanted = scrambled(real[trial.picture], seed=index)
        else:
            wanted = (real if trial.kind == "real" else fake)[trial.picture]
        assert np.array_equal(shown, wanted)


def test_a_whole_test(session):
    answer_all(session)
    assert session.finished
    verdict = session.verdict()
    assert verdict.scored == 8
    assert verdict.detection.accuracy.value == 1.0
    rows = list(csv.DictReader(io.StringIO((session.folder / "answers.csv").read_text())))
    assert len(rows) == 14
    written = json.loads((session.folder / "verdict.json").read_text())
    assert written["accuracy"]["value"] == 1.0
    assert written["finished"]
    with pytest.raises(WrongMoment):
        session.picture(14)


def test_what_was_answered_outlives_the_server(session):
    """No close: another process finds each answer on the disk."""
    answer_all(session, until=5)
    session.picture(5)
    other = Session(session.folder)
    assert other.given == session.given
    assert other.trials == session.trials
    # The picture on the screen when the server died: its page may still answer ...
    other.answer(5, "real", reaction_ms=1.0, shown_ms=1.0)
    assert other.given[5].times_shown == 1
    other.close()
    # ... or a new page shows it again, which is noted.
    another = Session(session.folder)
    another.picture(6)
    again = Session(session.folder)
    again.picture(6)
    again.answer(6, "fake", reaction_ms=1.0, shown_ms=1.0)
    assert again.given[6].times_shown == 2
    another.close()
    again.close()


def test_only_what_is_due_is_taken(session):
    with pytest.raises(WrongMoment):
        session.answer(0, "real", reaction_ms=None, shown_ms=None)  # not shown yet
    with pytest.raises(WrongMoment):
        session.picture(1)
    session.picture(0)
    with pytest.raises(WrongMoment):
        session.answer(1, "real", reaction_ms=None, shown_ms=None)
    session.answer(0, "real", reaction_ms=None, shown_ms=None)
    session.answer(0, "real", reaction_ms=None, shown_ms=None)  # sent again
    assert session.due == 1
    with pytest.raises(WrongMoment):
        session.answer(0, "fake", reaction_ms=None, shown_ms=None)
    with pytest.raises(WrongMoment):
        session.answer(-1, "real", reaction_ms=None, shown_ms=None)
    assert session.due == 1


def test_half_a_line_goes_and_the_rest_is_kept(session):
    answer_all(session, until=3)
    path = session.folder / SESSION
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"event": "answer", "tri')
    assert Session(session.folder).due == 3
    assert path.read_bytes() == whole


def test_going_on_with_the_same_or_with_nothing(session):
    answer_all(session, until=3)
    for again in ({}, {"options": OPTIONS}, given_pictures()):
        assert open_session(session.folder, **again).due == 3


def test_another_test_is_not_mixed_in(session, tmp_path):
    others = given_pictures()
    others["fake"][0, 0, 0, 0] *= -1
    with pytest.raises(RunError, match="a test of other pictures"):
        open_session(session.folder, **others)
    with pytest.raises(RunError, match="holds a test with blocks=2; go on with that"):
        open_session(session.folder, options=JudgeOptions(blocks=3, block_size=6, controls=2, practice=2))
    with pytest.raises(RunError, match="holds no test to go on with"):
        open_session(tmp_path / "elsewhere")


def test_what_was_begun_is_known_and_kept_to(tmp_path, session):
    folder = tmp_path / "named"
    named = {"what": "samples of sampler_b", "part": "sampler_b"}
    open_session(folder, **given_pictures(), options=OPTIONS, **named).close()
    assert what_of(folder) == "samples of sampler_b"
    for again in ({}, named, {"part": "sampler_b"}):
        assert open_session(folder, **again).what == "samples of sampler_b"
    with pytest.raises(RunError, match="holds a test of 'sampler_b', not of 'sampler_a'; go on with that"):
        open_session(folder, part="sampler_a")
    assert what_of(session.folder) == ""  # nobody said
    assert open_session(session.folder, part="sampler_a").due == 0
    with pytest.raises(RunError, match="there is no test"):
        what_of(tmp_path / "elsewhere")


def test_damage_is_told(session):
    answer_all(session, until=3)
    path = session.folder / SESSION
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:3] + lines[4:]) + "\n")
    with pytest.raises(RunError, match="is damaged: found"):
        Session(session.folder)
    path.write_text("{}\n")
    with pytest.raises(RunError, match="not a test of this version"):
        Session(session.folder)
    path.write_text("no JSON\n")
    with pytest.raises(RunError, match="is damaged"):
        Session(session.folder)


def test_pictures_that_do_not_do_begin_nothing(tmp_path):
    pictures = given_pictures()
    with pytest.raises(ShapeError, match="8 x 8 and 6 x 7"):
        open_session(tmp_path, real=pictures["real"], fake=pictures["fake"][:, :, :7, :6], options=OPTIONS)
    with pytest.raises(DataError, match="9 real and 3 fake"):
        open_session(tmp_path, real=pictures["real"], fake=pictures["fake"][:3], options=OPTIONS)
    with pytest.raises(RunError, match="holds no test"):
        open_session(tmp_path)
