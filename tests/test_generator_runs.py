"""Runs of games that make images, read them or encode them, from the images to the page that tells of them."""

import json
import shutil
import warnings

import numpy as np
import pytest
import torch

import unpaired
from unpaired import cli, images, runs
from unpaired.bundle import bundle_about, load_bundle
from unpaired.data.sets.table import NamedSet
from unpaired.engine import checkpoint, journal
from unpaired.errors import ConfigError, DataWarning
from unpaired.games import specs
from unpaired.games.generator_specs import Greedy, MatchingFeatures
from unpaired.networks.specs import (
    ConvAutoencoder,
    ConvDiscriminator,
    DCGANDiscriminator,
    DCGANGenerator,
    DenseGenerator,
    EncoderDecoder,
    MaxoutDiscriminator,
)
from unpaired.options import DataOptions, Training
from unpaired.report import write_report

DATA = DataOptions(size=8, channels=1, flip=False)
CONV = {"generator": DCGANGenerator(width=2), "discriminator": DCGANDiscriminator(width=2)}
GAMES = {
    "gan": specs.GAN(generator=DenseGenerator(hidden=4), discriminator=MaxoutDiscriminator(units=4)),
    "dcgan": specs.DCGAN(**CONV, packing=2),
    "sgan": specs.SGAN(**CONV, goal=MatchingFeatures()),
    "acgan": specs.ACGAN(**CONV),
    "autoencoder": specs.Autoencoder(network=ConvAutoencoder(widths=(2,), hidden=4, code=2), form=Greedy(level_steps=1)),
    "cogan": specs.CoGAN(**CONV),
}
REMAINS = {
    "gan": ["sampler", "discriminator"],
    "dcgan": ["sampler"],
    "sgan": ["classifier", "sampler"],
    "acgan": ["sampler", "classifier"],
    "autoencoder": ["autoencoder"],
    "cogan": ["sampler_a", "sampler_b", "classifier_a", "classifier_b"],
}
MEASURES = {"sgan": "class error", "autoencoder": "reconstruction error"}
every_game = pytest.mark.parametrize("name", GAMES)


def training(**changed):
    values = {"steps": 4, "batch": 8, "threads": 1, "compile": "off", "precision": "float32", "evaluate_every": 2, "ema": 0.9}
    return Training(**(values | changed))


def arrays(path, *, seed):
    chance = np.random.default_rng(seed)
    parts = {f"x_{part}": chance.integers(0, 256, (count, 8, 8), dtype=np.uint8) for part, count in (("train", 40), ("test", 24))}
    np.savez(path, **parts, y_train=np.arange(40) % 3, y_test=np.arange(24) % 3)
    return path


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    return [arrays(folder / f"{name}.npz", seed=seed) for seed, name in enumerate(("ones", "others"))]


def sources(name, sets):
    return sets if name == "cogan" else sets[:1]


@pytest.fixture(scope="module")
def played(sets, tmp_path_factory):
    """A function: the folder of a finished run of a game."""
    root, done = tmp_path_factory.mktemp("runs"), {}

    def play(name):
        if name not in done:
            done[name] = root / name
            unpaired.train(*sources(name, sets), out=done[name], game=GAMES[name], data=DATA, training=training())
        return done[name]

    return play


@every_game
def test_what_a_run_leaves(played, name):
    run = played(name)
    assert list(load_bundle(run)) == REMAINS[name]
    assert (run / "preview.png").exists()
    found = [event for event in journal.read(run) if event["event"] == "evaluation"]
    assert len(found) == 3
    assert {event["measure"] for event in found} == {MEASURES.get(name, "swd")}
    assert all(event["error"] is not None for event in found)
    best = checkpoint.load(run / "checkpoints" / "last.safetensors")[1].best
    assert best == min(event["error"] for event in found)
    card = (run / "bundle" / "card.md").read_text()
    assert "by which these weights were chosen" in card


@every_game
def test_an_interrupted_run_ends_as_an_uninterrupted_one(played, sets, name, tmp_path):
    out = tmp_path / "run"
    unpaired.train(*sources(name, sets), out=out, game=GAMES[name], data=DATA, training=training(steps=2))
    runs.resume(out, steps=4)
    mine, theirs = (checkpoint.load(run / "checkpoints" / "last.safetensors")[0] for run in (out, played(name)))
    assert all(torch.equal(mine[key], theirs[key]) for key in theirs)


@every_game
def test_a_run_is_evaluated_and_told_of(played, name):
    run = played(name)
    scores = runs.evaluate(run)
    assert list(scores) == [part for part in REMAINS[name] if part != "discriminator"]
    assert (run / "samples.png").exists()
    assert json.loads((run / "evaluation.json").read_text())["disjoint_from_validation"] is True
    page = write_report(run).read_text()
    assert "On held-out images, " in page
    assert page.count("<img") >= 8
    assert "Translated" not in page
    assert ("unpaired sample" in page) is (name != "autoencoder")
    assert "unpaired translate" not in page
    assert "Losses of the" in page or name == "autoencoder"  # each of whose losses was seen once
    rebuilt = name == "autoencoder"
    assert ("The first held-out test images, not chosen, and below each row what they are rebuilt as." in page) is rebuilt
    assert ("Samples are drawn from a seed of their own" in page) is not rebuilt
    assert ("real, as are the training images below samples." in page) is (name not in ("autoencoder", "cogan"))
    seen = "Held-out images and what they are rebuilt as" if rebuilt else "Samples of one noise, and held-out images"
    assert f"{seen}: the same from the first of 3 previews to the last." in page
    assert "their translations" not in page
    assert "Too few steps were seen to say anything of these, which must last (mode collapse: 3 looks over 1,000 steps" in page
    assert ("discriminator wins: 3 looks over 500 steps" in page) is (name not in ("autoencoder", "sgan"))
    assert "Nothing found" not in page


def test_a_report_without_its_images(played, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(played("acgan"), run)
    values = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(values | {"sources": [str(tmp_path / "gone.npz")]}))
    page = write_report(run).read_text()
    assert "cannot be opened any more" in page


def test_few_labels_do_not_choose(sets, tmp_path):
    options = DataOptions(size=8, channels=1, flip=False, labels=6)
    unpaired.train(sets[0], out=tmp_path / "run", game=GAMES["sgan"], data=options, training=training())
    assert checkpoint.load(tmp_path / "run" / "checkpoints" / "last.safetensors")[1].best is None
    assert bundle_about(tmp_path / "run")["step"] == 4
    assert "by which these weights were chosen" not in (tmp_path / "run" / "bundle" / "card.md").read_text()
    assert journal.read(tmp_path / "run")[0]["event"] == "start"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"swap": True}, "--swap"),
        ({"channels_b": 3}, "--channels-b"),
        ({"value_range": (0.0, 9.0), "value_range_b": (0.0, 1.0)}, "--value-range, --value-range-b"),
    ],
)
@pytest.mark.parametrize("game", [GAMES["gan"], specs.SGAN(), specs.StarGAN(), specs.Segmenter()])
def test_a_game_of_one_set_has_no_use_for_a_second_domain(sets, game, asked, said, tmp_path):
    options = DataOptions(size=8, channels=1, **asked)
    with pytest.raises(ConfigError, match=f"{said}: for games between two domains; game '{game.game}' has no use for that"):
        unpaired.train(sets[0], out=tmp_path / "run", game=game, data=options, training=training())


def test_a_game_between_domains_has_no_use_for_few_labels(sets, tmp_path):
    options = DataOptions(size=8, channels=1, labels=6)
    with pytest.raises(ConfigError, match="--labels is for games of one set of images; game 'discogan' has no use for it"):
        unpaired.train(*sets, out=tmp_path / "run", game=specs.DiscoGAN(), data=options, training=training())


def test_images_without_labels(tmp_path):
    folder = tmp_path / "pictures"
    for index in range(40):
        noise = np.random.default_rng(index).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        folder.mkdir(exist_ok=True)
        images.write(folder / f"{index}.png", noise)
    out, options = tmp_path / "run", DataOptions(size=8, holdout=0.3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        unpaired.train(folder, out=out, game=GAMES["dcgan"], data=options, training=training())
        assert unpaired.load(out)(3).shape == (3, 3, 8, 8)
        with pytest.raises(ConfigError, match="ACGAN makes images of classes, found images without any"):
            unpaired.train(folder, out=tmp_path / "other", game=GAMES["acgan"], data=options, training=training())
        with pytest.raises(ConfigError, match="SGAN learns classes"):
            unpaired.train(folder, out=tmp_path / "other", game=GAMES["sgan"], data=options, training=training())


def test_on_the_command_line(sets, tmp_path, capsys):
    words = ["--steps", "2", "--batch", "8", "--threads", "1", "--compile", "off", "--size", "8", "--precision", "float32"]
    networks = ["--generator", "dcgan(width=2)", "--discriminator", "dcgan(width=2)"]
    out = tmp_path / "run"
    cli.main(["train", "acgan", str(sets[0]), "--out", str(out), *words, *networks])
    said = capsys.readouterr().out
    assert f"sample with: unpaired sample {out} --out FOLDER" in said
    assert "part='classifier'" in said
    cli.main(["sample", str(out), "-n", "3", "--class", "2", "--out", str(tmp_path / "drawn")])
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == [f"0000{n}-2.png" for n in (1, 2, 3)]
    with pytest.raises(SystemExit):
        cli.main(["translate", str(out), str(tmp_path / "drawn"), "--out", str(tmp_path / "translated")])
    assert "keeps no translator, but a sampler" in capsys.readouterr().err


def test_named_sets_of_classes_are_two_domains_too(sets, tmp_path, monkeypatch):
    """CycleGAN between two sets whose images lie in arrays, by their names."""
    classes = NamedSet("", "", make=lambda folder, size: None, holds="classes")
    monkeypatch.setattr(runs, "SETS", {"first": classes, "second": classes})
    monkeypatch.setattr(runs, "folder_of", lambda name, **rest: sets[("first", "second").index(name)])
    out = tmp_path / "run"
    game = specs.TranslationGAN(
        generator=EncoderDecoder(width=2),
        discriminator=ConvDiscriminator(width=2),
    )
    unpaired.train("first", "second", out=out, game=game, data=DATA, training=training())
    assert unpaired.load(out).batch(torch.zeros(1, 1, 8, 8)).shape == (1, 1, 8, 8)
