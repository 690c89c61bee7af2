"""The page of a run: whole, honest about what is missing, and deaf to what names try to say to a browser."""

import base64
import hashlib
import re
import shutil
from xml.etree import ElementTree

import pytest
from elements import Elements, words
from made_runs import EVIL, make_run

from unpaired.bundle import load_bundle, save_bundle
from unpaired.errors import RunError
from unpaired.report import chart, write_report


def test_the_page_lies_in_the_run_and_nothing_else_is_left_behind(folder, page):
    assert write_report(folder) == folder / "report.html"
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_every_element_is_closed(page):
    assert Elements(page).open == []
    ElementTree.fromstring(re.search("<svg.*?</svg>", page).group())


def test_nothing_is_loaded_from_anywhere(page):
    elements = Elements(page)
    for tag, attributes in elements.found:
        assert tag not in ("link", "iframe", "object", "embed", "base", "video", "audio", "use")
        assert not {"srcset", "background", "poster", "action"} & set(attributes)
        assert attributes.get("src", "data:image/").startswith("data:image/")
        assert not any(name.startswith("on") for name in attributes)
        if tag != "a":
            assert "href" not in attributes
    assert "@import" not in page
    assert "url(" not in page
    assert "fetch(" not in page


def test_the_policy_forbids_all_but_the_pages_own_script(page):
    [policy] = [meta["content"] for meta in Elements(page).all("meta") if "http-equiv" in meta]
    assert policy.startswith("default-src 'none'; img-src data:; ")
    [script] = re.findall("<script>(.*?)</script>", page, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.endswith(f"script-src 'sha256-{digest}'")
    assert "pointermove" in script


def test_the_page_is_dressed(page):
    [style] = re.findall("<style>(.*?)</style>", page, flags=re.DOTALL)
    assert style.count("{") == style.count("}") > 50
    for number in range(chart.COLOURS):
        assert style.count(f"--c{number}:") == 2  # by day and by night


def test_names_are_words_and_not_markup(page):
    assert EVIL not in page
    assert "<script>alert(1)<script>" not in page
    assert "dusk → dawn <script>alert(1)</script>" in words(page)


def test_every_picture_has_words_and_every_table_heads(page):
    assert all(picture.get("alt") for picture in Elements(page).all("img"))
    assert all(head.get("scope") in ("row", "col") for head in Elements(page).all("th"))
    assert Elements(page).all("html") == [{"lang": "en"}]


def test_the_journal_is_told_in_words(page):
    said = words(page)
    assert "Mode collapse: dusk → dawn <script>alert(1)</script> twice, steps 500 to 1,000" in said
    assert "Two outputs differ by 1.0%." in said  # the newest
    assert "1,500 of 1,500" in said
    assert "2:00 min 12.5 steps/s" in said
    assert "abacus" in said
    assert "CC0 1.0" in said
    assert {"href": "https://example.org/ada", "rel": "noopener noreferrer"} in Elements(page).all("a")


def test_a_run_that_has_just_begun(tmp_path, source):
    folder = make_run(tmp_path / "run", source)
    for left in ("bundle", "previews"):
        shutil.rmtree(folder / left)
    (folder / "journal.jsonl").unlink()
    said = words(write_report(folder).read_text(encoding="utf-8"))
    for sentence in (
        "The journal of this run is empty.", "There is nothing to show", "too little for curves",
        "The doctor has not looked since the run was begun or gone on with.", "No previews were kept.",
    ):  # fmt: skip
        assert sentence in said


def test_a_run_in_one_direction(tmp_path, source):
    folder = make_run(tmp_path / "run", source)
    one = {"a_to_b": load_bundle(folder)["a_to_b"]}
    save_bundle(folder / "bundle", one, fit="crop", background="white", about={}, card="")
    page = write_report(folder).read_text(encoding="utf-8")
    assert "dusk → dawn" in re.search("<h1>.*?</h1>", re.sub("</?span[^>]*>", "", page)).group()
    assert "b_to_a" not in words(page).split("The complete configuration")[0]


def test_a_damaged_evaluation_is_an_error_that_says_what_to_do(tmp_path, source):
    folder = make_run(tmp_path / "run", source)
    (folder / "evaluation.json").write_text('{"scores": {')
    with pytest.raises(RunError, match=r"evaluation.json is damaged: .*unpaired evaluate"):
        write_report(folder)


def test_no_run_is_an_error(tmp_path):
    with pytest.raises(RunError, match="no run at"):
        write_report(tmp_path)
