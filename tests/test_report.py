"""The page of a run: whole, honest about what is missing, and deaf to what names try to say to a browser."""

import base64
import io
import json
import re
import shutil
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from unpaired import config, images, report, runs
from unpaired.bundle import load_bundle, save_bundle
from unpaired.engine.journal import Journal
from unpaired.errors import RunError
from unpaired.games import specs, table
from unpaired.losses import LeastSquares
from unpaired.networks.specs import PatchGAN, ResNet
from unpaired.options import DataOptions, Training
from unpaired.report import write_report
from unpaired.run_config import RunConfig

SIZE = 16
SPEC = specs.DiscoGAN(generator=ResNet(blocks=1, width=4, downs=1), discriminator=PatchGAN(width=4, layers=1), gan=LeastSquares())
EVIL = "<script>alert(1)</script>"
CARD = {"a": "dusk", "b": f"dawn {EVIL}", "licence": "CC0 1.0", "credit": "drawn by Ada, https://example.org/ada"}


def make_data(folder, *, truths=True, held_out=20, size=SIZE):
    """B is A's negative, so that truths are exact."""
    chance = np.random.default_rng(0)
    for part, count in (("train", 12), ("test", held_out)):
        a, b = (chance.integers(0, 256, (count, size, size, 3), dtype=np.uint8) for _ in "ab")
        for name, pixels in ((f"{part}A", a), (f"{part}B", b)):
            write_all(folder / name, pixels)
        if truths and part == "test":
            write_all(folder / "truthB", 255 - a)
            write_all(folder / "truthA", 255 - b)
    (folder / "set.json").write_text(json.dumps(CARD))
    return folder


def write_all(folder, pixels):
    folder.mkdir(parents=True)
    for row, image in enumerate(pixels):
        images.write(folder / f"{row:03d}.png", image)


def make_run(folder, source, *, size=SIZE, findings=True):
    """A run's folder as training leaves it, but for the training."""
    folder.mkdir(parents=True)
    run = RunConfig(sources=(str(source),), game=SPEC, data=DataOptions(size=size), training=Training(steps=1500))
    data = runs.open_data(run)
    values = config.to_dict(run) | {"data_fingerprint": data.fingerprint}
    (folder / "config.json").write_text(json.dumps(values))
    game = table.build(SPEC, shape_a=(3, size, size), shape_b=(3, size, size), seed=1)
    about = {"step": 1000, "source": dict(data.card)}
    save_bundle(folder / "bundle", game.translators(), fit="crop", background="white", about=about, card="")
    journal = Journal(folder)
    journal.write("start", step=0, seconds=0.0, reasons={"device": "no GPU found"}, machine={"cpu": "abacus"})
    for step in range(100, 1501, 100):
        losses = {"generators/gan_a": 9.0 / step, "generators/gan_b": 2.0, "discriminators/a": 0.4}
        journal.write("steps", step=step, losses=losses, steps_per_second=12.5, seconds=step / 12.5)
        if step % 500 == 0:
            scores = {"a_to_b": {"translated": {"error": 100 / step}, "doing nothing": {"error": 0.3}}}
            journal.write("evaluation", step=step, error=100 / step, scores=scores)
    if findings:
        for step in (500, 1000):
            said = {"says": f"Two outputs differ by {step / 1e5:.1%}.", "tries": "Raise `--reconstruction`."}
            journal.write("finding", step=step, sign="mode collapse", where="a_to_b", **said)
    journal.write("end", step=1500, seconds=120.0, complete=True)
    journal.close()
    for step in range(0, 1000, 100):
        (folder / "previews").mkdir(exist_ok=True)
        images.write(folder / "previews" / f"{step:08d}.png", np.full((40, 60, 3), step % 256, np.uint8))
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("data") / "set")


@pytest.fixture(scope="module")
def scores():
    """Numbers that stand nowhere else on the page."""
    methods = {
        "translated": {"error": 0.43219, "psnr": 21.987, "retrieval top-1": 0.654, "swd": 0.1234, "kid[toy]": 0.0707},
        "doing nothing": {"error": 0.51234, "psnr": 19.123, "retrieval top-1": 0.654, "swd": None},
    }
    return {"images": {"a_to_b": 15}, "disjoint_from_validation": True, "scores": {"a_to_b": methods}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, source, scores):
    folder = make_run(tmp_path_factory.mktemp("runs") / f"a {EVIL.replace('/', '')} run", source)
    (folder / "evaluation.json").write_text(json.dumps(scores))
    return folder


@pytest.fixture(scope="module")
def page(folder):
    return write_report(folder).read_text(encoding="utf-8")


class Elements(HTMLParser):
    """Every element of a page with its attributes; the words outside scripts and styles."""

    def __init__(self, page):
        super().__init__()
        self.found, self.words, self.open = [], "", []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in ("img", "meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.words += data + " "

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def words(page):
    return re.sub(r"\s+", " ", Elements(page).words)


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
    assert "script-src 'sha256-" in policy
    assert len(Elements(page).all("script")) == 1


def test_names_are_words_and_not_markup(page):
    assert EVIL not in page
    assert "<script>alert(1)<script>" not in page
    assert "dusk → dawn <script>alert(1)</script>" in words(page)


def test_the_scores_stand_beside_doing_nothing(page):
    said = words(page)
    for number in ("0.4322", "0.5123", "21.99 dB", "19.12 dB", "65.4%", "0.1234", "0.0707"):
        assert number in said
    assert "by chance 6.7%" in said  # 1 of 15
    assert "kernel distance to the target domain, on toy features" in said
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
    assert word in "".join(report._compared(report.MEASURES[measure], translated, nothing))


def test_the_journal_is_told_in_words(page):
    said = words(page)
    assert "Mode collapse: dusk → dawn <script>alert(1)</script> twice, steps 500 to 1,000" in said
    assert "Two outputs differ by 1.0%." in said  # the newest
    assert "1,500 of 1,500" in said
    assert "2:00 min 12.5 steps/s" in said
    assert "abacus" in said
    assert "CC0 1.0" in said
    assert {"href": "https://example.org/ada", "rel": "noopener noreferrer"} in Elements(page).all("a")


def test_the_curves_are_drawn(page):
    drawn = [svg["aria-label"] for svg in Elements(page).all("svg")]
    assert "Held-out error over steps: dusk → dawn" in drawn[0]
    assert "from 0.2 to 0.0667" in drawn[0]
    assert "doing nothing at 0.3" in drawn[0]
    assert [label.split(" over")[0] for label in drawn[1:]] == [
        "Losses of the generators", "Losses of the discriminators", "Speed"
    ]  # fmt: skip
    assert "chance at 0.5" in drawn[2]  # least squares
    assert "kept: step 1,000" in words(page)


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


def test_every_picture_has_words_and_every_table_heads(page):
    assert all(picture.get("alt") for picture in Elements(page).all("img"))
    assert all(head.get("scope") in ("row", "col") for head in Elements(page).all("th"))
    assert Elements(page).all("html") == [{"lang": "en"}]


def test_six_previews_from_the_first_to_the_last(page):
    assert re.findall(r"<figcaption>step (\d+)</figcaption>", page) == ["0", "200", "400", "500", "700", "900"]


def test_scores_of_other_weights_are_called_so(page):
    assert "These pictures are by other weights than the scores above" in words(page)


def test_scores_of_these_weights_are_left_in_peace(tmp_path, source):
    folder = make_run(tmp_path / "run", source, findings=False)
    runs.evaluate(folder)
    said = words(write_report(folder).read_text(encoding="utf-8"))
    assert "other weights" not in said
    assert "Nothing found. The doctor looked 3 times." in said


def test_without_an_evaluation_it_says_how_to_get_one(tmp_path, source):
    folder = make_run(tmp_path / "run", source)
    said = words(write_report(folder).read_text(encoding="utf-8"))
    assert f"Not evaluated yet: unpaired evaluate {folder}" in said
    assert "Twelve of 15 held-out test images" in said


def test_a_damaged_evaluation_is_an_error_that_says_what_to_do(tmp_path, source):
    folder = make_run(tmp_path / "run", source)
    (folder / "evaluation.json").write_text('{"scores": {')
    with pytest.raises(RunError, match=r"evaluation.json is damaged: .*unpaired evaluate"):
        write_report(folder)


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


def test_few_held_out_images_are_confessed(tmp_path):
    folder = make_run(tmp_path / "run", make_data(tmp_path / "set", held_out=3))
    runs.evaluate(folder)
    said = words(write_report(folder).read_text(encoding="utf-8"))
    assert "They are too few to set some apart" in said
    assert "Three of 3 held-out test images" in said


def test_a_run_that_has_just_begun(tmp_path, source):
    folder = make_run(tmp_path / "run", source)
    for left in ("bundle", "previews"):
        shutil.rmtree(folder / left)
    (folder / "journal.jsonl").unlink()
    said = words(write_report(folder).read_text(encoding="utf-8"))
    for sentence in (
        "The journal of this run is empty.", "There are no translators to show", "too little for curves",
        "The doctor has not looked yet.", "No previews were kept.",
    ):  # fmt: skip
        assert sentence in said


def test_a_run_in_one_direction(tmp_path, source):
    folder = make_run(tmp_path / "run", source)
    one = {"a_to_b": load_bundle(folder)["a_to_b"]}
    save_bundle(folder / "bundle", one, fit="crop", background="white", about={}, card="")
    page = write_report(folder).read_text(encoding="utf-8")
    assert "dusk → dawn" in re.search("<h1>.*?</h1>", re.sub("</?span[^>]*>", "", page)).group()
    assert "b_to_a" not in words(page).split("The complete configuration")[0]


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


def test_large_images_make_no_large_page(tmp_path):
    folder = make_run(tmp_path / "run", make_data(tmp_path / "set", held_out=2, size=320), size=320)
    path = write_report(folder)
    assert path.stat().st_size < 24 * 90_000  # of 24 pictures of noise, which nothing compresses
    shown = next(image for image in Elements(path.read_text(encoding="utf-8")).all("img") if "Input" in image["alt"])
    assert shown["src"].startswith("data:image/webp")
    assert max(Image.open(io.BytesIO(base64.b64decode(shown["src"].partition(",")[2]))).size) == report.LARGEST_IMAGE


def test_no_run_is_an_error(tmp_path):
    with pytest.raises(RunError, match="no run at"):
        write_report(tmp_path)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (float("nan"), "–"), (float("inf"), "∞"), (0.0, "0"), (12345, "12,345"), (1234.5, "1,234"),
     (0.0123456, "0.0123"), (0.5, "0.5"), (99.96, "100"), (3e-7, "3.0e-07"), (-0.25, "-0.25")],
)  # fmt: skip
def test_numbers_have_the_digits_that_matter(value, shown):
    assert report._number(value) == shown


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 0.037), (0.2, 0.9), (-3, 12), (0, 541), (0, 7_200_000)])
def test_ticks_are_round_and_inside(low, high):
    ticks = report._ticks(low, high, most=5)
    assert 2 <= len(ticks) <= 6
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in ticks)


def test_a_spread_has_both_ends_and_no_more_than_asked():
    assert report._spread(3, 12) == [0, 1, 2]
    assert report._spread(100, 4) == [0, 33, 66, 99]
    assert report._spread(0, 4) == []


def test_smoothing_keeps_steps_and_a_straight_line():
    points = [(float(step), 2.0 * step) for step in range(200)]
    smoothed = report._smooth(points)
    assert [step for step, _ in smoothed] == [step for step, _ in points]
    assert np.allclose([value for _, value in smoothed[:-5]], [value for _, value in points[:-5]])


@pytest.mark.parametrize("points", [[(0.0, 0.0), (1.0, 0.0)], [(0.0, -1.0), (5.0, -1.0)], [(0.0, 2.0), (0.0, 2.0)]])
def test_a_flat_curve_can_be_drawn(points):
    drawn = report._chart("flat", "", [report._Series("flat", points, 0)])
    assert "nan" not in drawn
    assert "inf" not in drawn
