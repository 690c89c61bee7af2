"""One run with all that a page can tell, and its page."""

import json

import pytest
from made_runs import EVIL, make_data, make_run

from unpaired.report import write_report


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("data") / "set")


@pytest.fixture(scope="session")
def scores():
    """Numbers that stand nowhere else on the page."""
    methods = {
        "translated": {"error": 0.43219, "psnr": 21.987, "retrieval top-1": 0.654, "swd": 0.1234, "kid[toy]": 0.0707},
        "doing nothing": {"error": 0.51234, "psnr": 19.123, "retrieval top-1": 0.654, "swd": None},
    }
    return {"images": {"a_to_b": 15}, "disjoint_from_validation": True, "scores": {"a_to_b": methods}}


@pytest.fixture(scope="session")
def folder(tmp_path_factory, source, scores):
    folder = make_run(tmp_path_factory.mktemp("runs") / f"a {EVIL.replace('/', '')} run", source)
    (folder / "evaluation.json").write_text(json.dumps(scores))
    return folder


@pytest.fixture(scope="session")
def page(folder):
    return write_report(folder).read_text(encoding="utf-8")
