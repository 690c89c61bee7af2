"""The page of a run on labelled images: one set and two, with truths and without, and where its images are gone."""

import json
import shutil

import pytest
from elements import Elements, words
from labelled_images import write_labelled

from unpaired import config, runs
from unpaired.bundle import save_bundle
from unpaired.engine.journal import Journal
from unpaired.games import specs, table
from unpaired.losses import LeastSquares
from unpaired.networks.specs import StarGANDiscriminator, StarGANGenerator
from unpaired.options import DataOptions, Training
from unpaired.report import write_report
from unpaired.run_config import RunConfig

SPEC = specs.StarGAN(
    generator=StarGANGenerator(width=2, blocks=1), discriminator=StarGANDiscriminator(width=2, layers=2), gan=LeastSquares()
)
CHANGES = ("hair=blond", "hair=dark", "hair=red", "glasses=off", "glasses=on")


def labelled_run(folder, *sources):
    """A run's folder as training leaves it, but for the training."""
    folder.mkdir(parents=True)
    run = RunConfig(sources=sources, game=SPEC, data=DataOptions(size=16), training=Training(steps=1500))
    data = runs.open_data(run)
    values = config.to_dict(run) | {"data_fingerprint": data.fingerprint}
    (folder / "config.json").write_text(json.dumps(values))
    game = table.build(SPEC, seed=1, **data.samples())
    about = {"step": 1000, "domains": list(data.domains)}
    save_bundle(folder / "bundle", game.remains(), fit="crop", background="white", about=about, card="")
    scores = runs.evaluate(folder)
    journal = Journal(folder)
    journal.write("start", step=0, seconds=0.0, reasons={}, machine={"cpu": "abacus"})
    for step in (500, 1000, 1500):
        losses = {"discriminator/source": 0.6, "discriminator/classes": 1.0, "generator/reconstruction": 3.0}
        journal.write("steps", step=step, losses=losses, steps_per_second=12.5, seconds=step / 12.5)
        journal.write("evaluation", step=step, scores=scores)
    journal.write("end", step=1500, seconds=120.0, complete=True)
    journal.close()
    return folder


@pytest.fixture(scope="module")
def one(labelled, tmp_path_factory):
    return labelled_run(tmp_path_factory.mktemp("runs") / "one", labelled)


@pytest.fixture(scope="module")
def page(one):
    return write_report(one).read_text(encoding="utf-8")


def test_all_sections_are_there(page):
    assert Elements(page).open == []
    said = words(page)
    for title in ("Results", "Pictures", "Curves", "Doctor", "Over time", "The run"):
        assert title in said
    assert "faces: hair blond, dark, red" in said
    assert "exact counterparts glasses=on" in said
    assert "--set hair=blond --out TRANSLATED" in said


def test_many_scores_are_summed_up_and_folded_away(page):
    tables = page.partition("<details><summary>Every measure of each</summary>")
    assert tables[1]
    summary = tables[0][tables[0].index("<table>") :]
    assert [summary.count(f">{name}<") for name in CHANGES] == [1] * 5
    assert summary.count("nothing: ") == 5 + 3  # sliced Wasserstein of each, three errors of glasses=on
    assert tables[2].count("<caption>") == 5


def test_every_change_of_the_same_images(page):
    """Eight test images, spread over the 15 that are for testing, and a row for each value."""
    pictures = [picture["alt"] for picture in Elements(page).all("img")]
    assert pictures[:48] == [f"{name} {column}" for name in ("input", *CHANGES) for column in range(1, 9)]
    assert "input (other hair), translation (hair=red), and back again" in words(page)
    assert "input (glasses=off), translation (glasses=on), the truth" in words(page)


def test_the_curves_know_chance(page):
    drawn = [svg["aria-label"] for svg in Elements(page).all("svg")]
    assert "hair=blond, doing nothing at" in drawn[0]
    assert [label.partition(" over")[0] for label in drawn] == [
        "Held-out sliced Wasserstein", "Losses of the discriminator", "Losses of the generator", "Speed"
    ]  # fmt: skip
    assert "chance at 0.5" in drawn[1]


def test_of_two_data_sets(two_labelled, tmp_path):
    """Six changes: too many to draw each; and no way back for what a set hides."""
    page = write_report(labelled_run(tmp_path / "run", *two_labelled)).read_text(encoding="utf-8")
    said = words(page)
    assert "hairs and eyes" in said
    assert "→" not in said.partition("Results")[0]
    assert "⇄" not in said
    assert "Every change of the same images of hairs" in said
    assert "Every change of the same images of eyes" in said
    assert "mean of all 6, doing nothing" in said
    assert "hairs: glasses=on" in said
    assert "input (eyes: glasses=off), translation (glasses=on), and back again" in said


def test_without_truths(tmp_path):
    page = write_report(labelled_run(tmp_path / "run", write_labelled(tmp_path / "set", truths=()))).read_text(encoding="utf-8")
    assert "exact counterparts not known" in words(page)
    assert "the truth" not in words(page)


def test_without_the_images(tmp_path, labelled):
    source = shutil.copytree(labelled, tmp_path / "set")
    folder = labelled_run(tmp_path / "run", str(source))
    shutil.rmtree(source)
    page = write_report(folder).read_text(encoding="utf-8")
    assert "cannot be opened any more" in words(page)
    assert "Every change" not in words(page)
    assert "chance at 0.5" in Elements(page).all("svg")[1]["aria-label"]
    assert "--set hair=blond --out TRANSLATED" in words(page)
    shutil.rmtree(folder / "bundle")
    assert "--set NAME=VALUE --out TRANSLATED" in words(write_report(folder).read_text(encoding="utf-8"))
