"""The tables of results: every number beside that of doing nothing, and what is not known left out."""

import json
import re

import pytest
from elements import words
from made_runs import make_data, make_run

from unpaired import runs
from unpaired.engine.journal import Journal
from unpaired.report import scores as module
from unpaired.report import write_report


def test_the_scores_stand_beside_doing_nothing(page):
    said = words(page)
    for number in ("0.4322", "0.5123", "21.99 dB", "19.12 dB", "65.4%", "0.1234", "0.0707"):
        assert number in said
    assert "by chance 6.7%" in said  # 1 of 15
    assert "kernel distance to real images, on toy features" in said
    assert "had no part in the training, nor in choosing the weights" in said
    assert "1.2 times closer to the exact counterparts" in said


def test_a_score_is_compared_only_where_both_are_known(page):
    rows = re.findall(r"<tr><th scope=\"row\">([\w ]+).*?</th>(.*?)</tr>", page)
    compared = {label: re.findall(r"<small[^>]*>(better|worse|equal)</small>", cells) for label, cells in rows}
    assert compared["Error"] == ["better"]
    assert compared["Retrieval"] == ["equal"]
    assert compared["Sliced Wasserstein"] == []


@pytest.mark.parametrize(
    ("measure", "translated", "nothing", "word"),
    [("psnr", 20, 10, "better"), ("psnr", 10, 20, "worse"), ("swd", 1, 2, "better"), ("swd", 2, 1, "worse")],
)
def test_better_is_less_or_more_as_the_measure_has_it(measure, translated, nothing, word):
    assert word in "".join(module._compared(module.MEASURES[measure], translated, nothing))


def test_without_an_evaluation_it_says_how_to_get_one(tmp_path, source):
    folder = make_run(tmp_path / "run", source)
    said = words(write_report(folder).read_text(encoding="utf-8"))
    assert f"Not evaluated yet: unpaired evaluate {folder}" in said
    assert "Twelve of 15 held-out test images" in said


def test_few_held_out_images_are_confessed(tmp_path):
    folder = make_run(tmp_path / "run", make_data(tmp_path / "set", held_out=3))
    runs.evaluate(folder)
    said = words(write_report(folder).read_text(encoding="utf-8"))
    assert "They are too few to set some apart" in said
    assert "Three of 3 held-out test images" in said


def test_numbers_that_are_none(tmp_path, source, scores):
    folder = make_run(tmp_path / "run", source)
    values = {"translated": {"error": float("nan"), "psnr": float("inf")}, "doing nothing": {"error": None}}
    (folder / "evaluation.json").write_text(json.dumps({"scores": {"a_to_b": values}}))
    journal = Journal(folder)
    journal.write("steps", step=1600, losses={"generators/gan_a": float("nan")}, steps_per_second=1.0, seconds=130.0)
    journal.write("rollback", step=1500, found=1600, rollbacks=1)
    journal.close()
    page = write_report(folder).read_text(encoding="utf-8")
    assert "∞" in words(page)
    assert "nan" not in re.sub(r"base64,[^\"]*", "", page).lower()
    assert "Loss not finite step 1,600 The run went back to step 1,500" in words(page)
