"""Files replaced whole, and JSON that every reader takes."""

import json
import os

import numpy as np
import pytest

from unpaired.files import alone, replacing, to_json, write_json


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
