"""Files replaced whole, and JSON that every reader takes."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from unpaired.files import alone, owned, remove_abandoned, replacing, to_json, write_json


def test_what_is_not_finite_becomes_null():
    values = {"a": [1.0, float("nan"), (2, float("-inf"))], "b": {"c": float("inf")}, "d": "text", "e": None, "f": True}
    assert json.loads(to_json(values)) == {"a": [1.0, None, [2, None]], "b": {"c": None}, "d": "text", "e": None, "f": True}


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"old": 1})
    with pytest.raises(TypeError):
        write_json(path, {"new": np.zeros(1)})
    with pytest.raises(OSError, match="full"), replacing(path) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise OSError("full")
    assert json.loads(path.read_text()) == {"old": 1}
    assert os.listdir(tmp_path) == ["x.json"]


def test_leftovers_of_the_dead_go_and_those_of_the_living_stay(tmp_path):
    dead, living = tmp_path / ".x.json.99999999", tmp_path / f".x.json.{os.getppid()}"
    dead.touch()
    living.touch()
    write_json(tmp_path / "x.json", {})
    assert not dead.exists()
    assert living.exists()


def test_two_cannot_be_alone(tmp_path):
    with alone(tmp_path) as first, alone(tmp_path) as second:
        assert (first, second) == (True, False)
    with alone(tmp_path) as third:
        assert third


def test_what_is_owned_stays_until_its_process_dies(tmp_path):
    path = tmp_path / "half"
    with owned(path):
        path.write_text("half")
        remove_abandoned(path)  # from elsewhere in this process, even
        assert path.read_text() == "half"
    assert not path.exists()
    with owned(path):
        os.replace(path, tmp_path / "whole")
    assert os.listdir(tmp_path) == ["whole"]
    with pytest.raises(OSError, match="full"), owned(path):
        raise OSError("full")
    assert os.listdir(tmp_path) == ["whole"]
    with pytest.raises(FileNotFoundError), owned(tmp_path / "nowhere" / "half"):
        pass


def test_what_the_dead_owned_goes(tmp_path):
    owner = (
        "import pathlib, sys; from unpaired.files import owned\n"
        "with owned(pathlib.Path(sys.argv[1])): print('there', flush=True); sys.stdin.read()"
    )
    path = tmp_path / "half"
    with subprocess.Popen(
        [sys.executable, "-c", owner, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "there\n"
        remove_abandoned(path)
        assert path.exists()
        process.kill()
    assert path.exists()
    remove_abandoned(path)
    assert not path.exists()
    remove_abandoned(path)  # and it does not mind


def test_a_file_removed_before_it_was_locked_is_made_again(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    path, lock, removed = tmp_path / "half", fcntl.flock, []

    def late(held, how):
        if not removed:
            removed.append(path)
            path.unlink()
        lock(held, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with owned(path):
        assert removed
        remove_abandoned(path)
        assert path.exists()
