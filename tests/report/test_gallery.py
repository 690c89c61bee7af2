"""The pictures: those of the test images, by the weights that were scored, the worst among them."""

import base64
import io
import re
import shutil

import numpy as np
from elements import Elements, words
from made_runs import make_data, make_run
from PIL import Image

from unpaired import images, runs
from unpaired.report import write_report
from unpaired.report.pictures import LARGEST_IMAGE


def test_the_pictures_are_those_of_the_test_images(page, folder, source):
    shown = [picture for picture in Elements(page).all("img") if "Input" in picture["alt"] and "dusk" in picture["alt"]]
    assert len(shown) == 12 + 4
    assert all("tiny" in picture["class"] for picture in shown)
    name = re.search(r"\d+\.png", shown[0]["alt"]).group()
    stored = Image.open(io.BytesIO(base64.b64decode(shown[0]["src"].partition(",")[2])))
    assert np.array_equal(np.asarray(stored), images.read(source / "testA" / name))


def test_the_worst_are_named_and_in_order(page):
    errors = [float(error) for error in re.findall(r"<b>worst[^<]*</b><span>error ([\d.]+)</span>", page)]
    assert len(errors) == 8
    assert errors[:4] == sorted(errors[:4], reverse=True)
    assert max(map(float, re.findall(r"<span>error ([\d.]+)</span>", page))) in (errors[0], errors[4])


def test_scores_of_other_weights_are_called_so(page):
    assert "These pictures are by other weights than the scores above" in words(page)


def test_scores_of_these_weights_are_left_in_peace(tmp_path, source):
    folder = make_run(tmp_path / "run", source, findings=False)
    runs.evaluate(folder)
    said = words(write_report(folder).read_text(encoding="utf-8"))
    assert "other weights" not in said
    assert "Nothing found. The doctor looked 3 times." in said


def test_without_the_images_there_is_a_sentence_in_their_place(tmp_path):
    source = make_data(tmp_path / "set")
    folder = make_run(tmp_path / "run", source)
    source.rename(tmp_path / "elsewhere")
    page = write_report(folder).read_text(encoding="utf-8")
    assert "cannot be opened any more" in words(page)
    assert "Input" not in "".join(picture["alt"] for picture in Elements(page).all("img"))
    assert "dusk" in words(page)  # from the card that the bundle keeps
    assert "chance at 0.5" in Elements(page).all("svg")[2]["aria-label"]


def test_other_images_than_those_of_the_training_are_not_shown(tmp_path):
    source = make_data(tmp_path / "set")
    folder = make_run(tmp_path / "run", source)
    shutil.rmtree(source)
    make_data(source, held_out=18)
    assert "no longer those of the training" in words(write_report(folder).read_text(encoding="utf-8"))


def test_without_truths_the_way_back_is_shown_and_no_error(tmp_path):
    folder = make_run(tmp_path / "run", make_data(tmp_path / "set", truths=False))
    runs.evaluate(folder)
    page = write_report(folder).read_text(encoding="utf-8")
    assert "translation (dusk), and back again." in words(page)
    assert "<span>error" not in page
    assert "Held-out sliced Wasserstein" in words(page)
    assert re.search("(closer to|farther from|as far from) the target domain", words(page))


def test_large_images_make_no_large_page(tmp_path):
    folder = make_run(tmp_path / "run", make_data(tmp_path / "set", held_out=2, size=320), size=320)
    path = write_report(folder)
    assert path.stat().st_size < 24 * 90_000  # of 24 pictures of noise, which nothing compresses
    shown = next(image for image in Elements(path.read_text(encoding="utf-8")).all("img") if "Input" in image["alt"])
    assert shown["src"].startswith("data:image/webp")
    assert max(Image.open(io.BytesIO(base64.b64decode(shown["src"].partition(",")[2]))).size) == LARGEST_IMAGE
