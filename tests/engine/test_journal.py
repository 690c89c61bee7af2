"""What a run tells, and what is read of it after the run was killed."""

import errno
import sys

import pytest

from unpaired.engine import journal
from unpaired.engine.journal import Journal
from unpaired.errors import MissingDependency


def told(folder, *events):
    book = Journal(folder)
    for event, values in events:
        book.write(event, **values)
    book.close()


def steps(*numbers):
    return [("steps", {"step": number, "losses": {"g/gan": 0.5}}) for number in numbers]


def seen(folder):
    return [(event["event"], event.get("step")) for event in journal.read(folder)]


def test_events_come_back_in_order(tmp_path):
    told(
        tmp_path,
        ("start", {"step": 0, "reasons": {"device": "no GPU found"}}),
        *steps(5),
        ("end", {"step": 5, "complete": True}),
    )
    events = journal.read(tmp_path)
    assert [event["event"] for event in events] == ["start", "steps", "end"]
    assert events[0]["reasons"] == {"device": "no GPU found"}
    assert events[1]["losses"] == {"g/gan": 0.5}
    assert events[0]["time"] <= events[2]["time"]


def test_no_journal_is_no_event(tmp_path):
    assert journal.read(tmp_path) == []


@pytest.mark.parametrize("back", ["resume", "rollback"])
def test_steps_that_were_made_again_are_told_once(tmp_path, back):
    finding = {"sign": "mode collapse"}
    told(
        tmp_path,
        ("start", {"step": 0}),
        *steps(2, 4),
        ("evaluation", {"step": 4, "error": 0.5}),
        *steps(6),
        ("finding", {"step": 6, **finding}),
        ("evaluation", {"step": 6, "error": 0.4}),
    )
    told(tmp_path, (back, {"step": 4}), *steps(6), ("finding", {"step": 6, **finding}))
    wanted = [("start", 0), ("steps", 2), ("steps", 4), ("evaluation", 4), (back, 4), ("steps", 6), ("finding", 6)]
    assert seen(tmp_path) == wanted


@pytest.mark.parametrize("torn", ['{"event": "ste', '{"event": "steps", "time": 1.0, "step": 4, "losses": {"g', "\0\0\0\0"])
def test_half_a_line_costs_no_other(tmp_path, torn):
    told(tmp_path, ("start", {"step": 0}), *steps(2))
    with (tmp_path / "journal.jsonl").open("a") as file:
        file.write(torn)
    assert seen(tmp_path) == [("start", 0), ("steps", 2)]
    told(tmp_path, ("resume", {"step": 0}), *steps(2))
    assert seen(tmp_path) == [("start", 0), ("resume", 0), ("steps", 2)]


def test_an_event_is_on_the_disk_at_once(tmp_path):
    book = Journal(tmp_path)
    book.write("start", step=0)
    assert seen(tmp_path) == [("start", 0)]
    book.close()


class FullDisk:
    """A file that cannot be written to."""

    def write(self, text):
        raise OSError(errno.ENOSPC, "No space left on device")

    flush = close = lambda self: self.write("")


def test_a_full_disk_loses_events_not_the_run(tmp_path):
    book = Journal(tmp_path)
    book.write("start", step=0)
    full, book._file = FullDisk(), FullDisk()
    book.write("steps", step=1)
    book._file = full
    book.close()
    assert seen(tmp_path) == [("start", 0)]


def test_tensorboard_events_are_written_where_asked_for(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    board = Journal(tmp_path, tensorboard=True)
    for number in (1, 2):
        board.write("steps", step=number, losses={"generators/gan_a": number / 2}, seconds=3.0, note="words are left out")
    board.close()
    found = accumulator.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert sorted(found.Tags()["scalars"]) == ["steps/losses/generators/gan_a", "steps/seconds"]
    assert [(e.step, e.value) for e in found.Scalars("steps/losses/generators/gan_a")] == [(1, 0.5), (2, 1.0)]
    assert len(journal.read(tmp_path)) == 2


def test_tensorboard_is_optional(tmp_path, monkeypatch):
    Journal(tmp_path).close()
    assert not (tmp_path / "tensorboard").exists()
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingDependency, match=r"pip install 'unpaired\[tensorboard\]'"):
        Journal(tmp_path, tensorboard=True)
