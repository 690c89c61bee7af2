"""A run's folder: what is in it, what is refused, and how it goes on."""

import json
import os
import re
import time
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
import torch
from rich.console import Console

import unpaired
from unpaired import config, files, runs
from unpaired.bundle import bundle_about, load_bundle
from unpaired.data.batches import Domains, open_domains
from unpaired.engine import checkpoint, journal
from unpaired.errors import ConfigError, DataError, RunError
from unpaired.games import specs
from unpaired.networks.specs import ConvDiscriminator, EncoderDecoder, PatchGAN, UNet
from unpaired.options import DataOptions, Training
from unpaired.run_config import RunConfig, load_config
from unpaired.translate import translate_files

GAME = specs.DiscoGAN(generator=EncoderDecoder(width=4), discriminator=ConvDiscriminator(width=4))
DATA = DataOptions(size=16, holdout=0.2)


def training(**changed):
    values = {"steps": 4, "batch": 4, "threads": 1, "compile": "off", "precision": "float32", "evaluate_every": 2}
    return Training(**(values | changed))


@pytest.fixture(scope="module")
def domains(tmp_path_factory):
    """Folders A and B of 20 pictures each."""
    root = tmp_path_factory.mktemp("domains")
    for domain, colour in (("A", 60), ("B", 150)):
        (root / domain).mkdir()
        for index in range(20):
            noise = np.random.default_rng([index, colour]).integers(colour, colour + 60, (16, 16, 3), dtype=np.uint8)
            PIL.Image.fromarray(noise).save(root / domain / f"{index}.png")
    return root / "A", root / "B"


@pytest.fixture(scope="module")
def finished(domains, tmp_path_factory):
    """The folder of a finished run."""
    out = tmp_path_factory.mktemp("runs") / "deep" / "run"
    translators = unpaired.train(*domains, out=out, game=GAME, data=DATA, training=training())
    assert translators.keys() == {"a_to_b", "b_to_a"}
    return out


def step_of(run):
    return checkpoint.load(run / "checkpoints" / "last.safetensors")[1].step


def test_what_a_run_leaves(finished, domains):
    top = {"config.json", "journal.jsonl", "preview.png", "previews", "checkpoints", "bundle"}
    assert {path.name for path in finished.iterdir()} - {"evaluation.json", "translated.png"} == top
    assert sorted(path.name for path in (finished / "previews").iterdir()) == [f"{step:08d}.png" for step in (0, 2, 4)]
    events = [event["event"] for event in journal.read(finished)]
    assert events[0] == "start"
    assert events[-1] == "end"
    assert events.count("evaluation") == 3
    config = load_config(finished)
    assert (config.game, config.data, config.training) == (GAME, DATA, training())
    assert config.sources == tuple(str(folder.absolute()) for folder in domains)
    assert config.compiled is False
    assert config.version == unpaired.__version__
    about = bundle_about(finished)
    assert about["step"] in (0, 2, 4)
    assert about["swd"] == min(event["error"] for event in journal.read(finished) if event["event"] == "evaluation")
    assert "discogan" in (finished / "bundle" / "card.md").read_text()


def test_a_trained_run_translates(finished, domains):
    answer = unpaired.load(finished)(domains[0] / "0.png")
    assert isinstance(answer, PIL.Image.Image)
    assert answer.size == (16, 16)


def test_the_same_call_is_the_same_run(finished, domains, tmp_path):
    runs.train(*domains, out=tmp_path / "again", game=GAME, data=DATA, training=training())
    states = [checkpoint.load(run / "checkpoints" / "last.safetensors")[0] for run in (finished, tmp_path / "again")]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_a_run_can_be_lengthened(finished, domains, tmp_path):
    out = tmp_path / "run"
    runs.train(*domains, out=out, game=GAME, data=DATA, training=training(steps=2))
    runs.resume(out, steps=4)
    states = [checkpoint.load(run / "checkpoints" / "last.safetensors")[0] for run in (finished, out)]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    assert load_config(out).training.steps == 4
    assert [event["event"] for event in journal.read(out)].count("resume") == 1
    runs.resume(out, minutes=1e-4)  # over already, by the clock
    assert step_of(out) == 4
    assert load_config(out).training.steps is None


def test_what_is_over_stays_as_it_is(finished):
    before = checkpoint.load(finished / "checkpoints" / "last.safetensors")
    runs.resume(finished)
    after = checkpoint.load(finished / "checkpoints" / "last.safetensors")
    assert after[1].step == before[1].step
    assert all(torch.equal(value, after[0][name]) for name, value in before[0].items())


def test_ten_thousand_steps_where_nothing_is_said(domains, tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "_play", lambda run, *rest: run)
    run = runs.train(*domains, out=tmp_path / "run", game=GAME, data=DATA, training=training(steps=None))
    assert run.training.steps == runs.DEFAULT_STEPS == 10_000


def test_a_folder_that_is_taken_is_refused(finished, domains, tmp_path):
    before = (finished / "config.json").read_bytes()
    with pytest.raises(RunError, match=r"is not empty; choose another --out, or `unpaired resume .*run` to go on with a run"):
        runs.train(*domains, out=finished, game=GAME, data=DATA, training=training())
    assert (finished / "config.json").read_bytes() == before
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="file is not empty"):
        runs.train(*domains, out=tmp_path / "file", game=GAME, data=DATA, training=training())


def test_a_folder_that_a_killed_start_left_is_free(domains, tmp_path):
    (tmp_path / ".config.json.99999999").write_text("{")
    runs.train(*domains, out=tmp_path, game=GAME, data=DATA, training=training(steps=1))
    assert list(tmp_path.glob(".*")) == []


def test_what_does_not_serve_leaves_no_folder(domains, tmp_path):
    with pytest.raises(DataError, match="nowhere does not exist"):
        runs.train(tmp_path / "nowhere", domains[1], out=tmp_path / "run", game=GAME, data=DATA, training=training())
    with pytest.raises(DataError, match="neither a folder or zip nor a named set"):
        runs.train("faces:ears", out=tmp_path / "run", game=GAME, data=DATA, training=training())
    assert not (tmp_path / "run").exists()


def test_nowhere_is_no_run(tmp_path):
    for call in (runs.resume, runs.evaluate):
        with pytest.raises(RunError, match=r"no run at .*: it has no config\.json\. `unpaired train"):
            call(tmp_path / "nowhere")


def test_other_images_are_refused(domains, tmp_path):
    mine = tmp_path / "A"
    mine.mkdir()
    for path in domains[0].iterdir():
        (mine / path.name).write_bytes(path.read_bytes())
    runs.train(mine, domains[1], out=tmp_path / "run", game=GAME, data=DATA, training=training(steps=2))
    (mine / "3.png").write_bytes((mine / "4.png").read_bytes() + b"more")
    with pytest.raises(RunError, match=r"are not those it was trained on \(.*changed\): bring them back, or start a new run"):
        runs.resume(tmp_path / "run", steps=4)
    assert step_of(tmp_path / "run") == 2


def test_a_damaged_checkpoint_is_refused(domains, tmp_path):
    out = tmp_path / "run"
    runs.train(*domains, out=out, game=GAME, data=DATA, training=training(steps=2))
    (out / "checkpoints" / "last.safetensors").write_bytes(b"half")
    with pytest.raises(RunError, match=r"no usable checkpoint at .*last\.safetensors"):
        runs.resume(out, steps=4)


def test_evaluation_is_written(finished):
    scores = runs.evaluate(finished)
    values = json.loads((finished / "evaluation.json").read_text())
    assert values["scores"] == scores
    assert scores.keys() == {"a_to_b", "b_to_a"}
    held = len(runs.open_data(load_config(finished)).test_a)
    assert values["images"]["a_to_b"] == held > 0


def test_a_run_that_held_nothing_out_keeps_the_latest_and_cannot_be_scored(domains, tmp_path):
    out = tmp_path / "run"
    runs.train(*domains, out=out, game=GAME, data=DataOptions(size=16, holdout=0.0), training=training())
    assert bundle_about(out)["step"] == 4
    assert not (out / "preview.png").exists()
    with pytest.raises(RunError, match=r"held no images out; train with a larger --holdout, or give it a test part"):
        runs.evaluate(out)


def test_swapped_domains(domains, tmp_path):
    swap = DataOptions(size=16, holdout=0.2, swap=True)
    game = specs.TranslationGAN(generator=EncoderDecoder(width=4), discriminator=ConvDiscriminator(width=4))
    runs.train(*domains, out=tmp_path / "run", game=game, data=swap, training=training())
    images = runs.open_data(load_config(tmp_path / "run"))
    assert isinstance(images, Domains)
    assert images.domains == ("B", "A")
    assert images.train_a.min() >= 150
    assert load_bundle(tmp_path / "run").keys() == {"a_to_b"}


def test_sets_bring_their_own_parts(domains, tmp_path):
    """An array with parts, and a folder that has train and test: without --sets all of its files would be one domain's."""
    chance = np.random.default_rng(0)
    parts = {
        f"x_{end}": chance.integers(0, 256, (count, 16, 16, 3), dtype=np.uint8) for end, count in (("train", 12), ("test", 5))
    }
    np.savez(tmp_path / "a.npz", **parts, **{f"y_{end}": np.arange(len(parts[f"x_{end}"])) % 2 for end in ("train", "test")})
    for part, end in (("0.png", "test"), *((f"{index}.png", "train") for index in range(1, 20))):
        (tmp_path / "b" / end).mkdir(parents=True, exist_ok=True)
        (tmp_path / "b" / end / part).write_bytes((domains[1] / part).read_bytes())
    (tmp_path / "b" / "test" / "apart").mkdir()  # a class, it seems, that is only tested on; but labels are left alone
    (tmp_path / "b" / "test" / "0.png").rename(tmp_path / "b" / "test" / "apart" / "0.png")
    run = RunConfig(sources=(str(tmp_path / "a.npz"), str(tmp_path / "b")), game=GAME, data=replace(DATA, sets=True))
    found = runs.open_data(run)
    assert [len(part) for part in (found.train_a, found.test_a, found.train_b, found.test_b)] == [12, 5, 19, 1]
    assert np.array_equal(found.train_a, parts["x_train"])
    assert isinstance(runs.open_data(replace(run, data=replace(run.data, swap=True))), Domains)
    with pytest.raises(ConfigError, match="--sets is for two domains without pairs, found 1 sources and game 'pix2pix'; leave"):
        runs.open_data(replace(run, sources=run.sources[:1], game=specs.Pix2Pix()))
    with pytest.raises(ConfigError, match="--value-range is not for --sets"):
        runs.open_data(replace(run, data=replace(run.data, value_range=(0.0, 1.0))))


def test_the_bundle_is_the_best_or_its_average(domains, tmp_path):
    out = tmp_path / "run"
    runs.train(*domains, out=out, game=GAME, data=DATA, training=training(ema=0.5))
    best, progress = checkpoint.load(out / "checkpoints" / "best.safetensors")
    assert progress.step == bundle_about(out)["step"]
    weights = load_bundle(out)["a_to_b"].network.state_dict()
    assert all(torch.equal(value, best[f"average/module.a_to_b.{name}"]) for name, value in weights.items())
    assert not all(torch.equal(value, best[f"game/a_to_b.{name}"]) for name, value in weights.items())


def test_an_interruption_goes_up_after_all_is_saved(domains, tmp_path, monkeypatch, capsys):
    """So that a script of several trainings ends too, instead of measuring half of one and beginning the next."""
    monkeypatch.setattr(runs.Trainer, "run", lambda trainer, **_: False)
    out = tmp_path / "[red]a folder with a name that is rather long" / "run"
    with pytest.raises(KeyboardInterrupt):
        runs.train(*domains, out=out, game=GAME, data=DATA, training=training())
    assert journal.read(out)[-1]["complete"] is False
    assert f"stopped at step 0; `unpaired resume {out}` goes on\n" in capsys.readouterr().err  # on one line, to be copied


def test_tensorboard_events_are_written_where_asked_for(domains, tmp_path):
    pytest.importorskip("tensorboard")
    runs.train(*domains, out=tmp_path / "run", game=GAME, data=DATA, training=training(steps=1, tensorboard=True))
    assert len(list((tmp_path / "run" / "tensorboard").glob("events.*"))) == 1


def test_a_run_in_progress_is_left_alone(finished):
    with files.alone(finished) as free:
        assert free
        with pytest.raises(RunError, match="is being trained by another process"):
            runs.resume(finished, steps=9)
    assert load_config(finished).training.steps != 9


def test_a_run_cannot_be_shortened(finished):
    with pytest.raises(RunError, match=r"is at step \d+ already; give a --steps beyond that"):
        runs.resume(finished, steps=1)
    with pytest.raises(ConfigError, match="give one of them"):
        runs.resume(finished, steps=100, minutes=1.0)
    assert load_config(finished).training.steps != 1


PIX2PIX = specs.Pix2Pix(generator=UNet(width=4, downs=4), discriminator=PatchGAN(width=4, layers=1, norm="batch"))


@pytest.fixture(scope="module")
def halves(domains, tmp_path_factory):
    """A folder of 20 pictures that hold A and B side by side."""
    root = tmp_path_factory.mktemp("halves")
    for path in domains[0].iterdir():
        both = [np.asarray(PIL.Image.open(folder / path.name)) for folder in domains]
        PIL.Image.fromarray(np.concatenate(both, axis=1)).save(root / path.name)
    return root


@pytest.mark.parametrize("side_by_side", [True, False])
def test_a_game_of_pairs_gets_pairs_and_is_scored_by_them(domains, halves, tmp_path, side_by_side):
    out = tmp_path / "run"
    data = DataOptions(size=16, holdout=0.3, side_by_side=side_by_side)
    runs.train(*([halves] if side_by_side else domains), out=out, game=PIX2PIX, data=data, training=training(batch=2))
    images = runs.open_data(load_config(out))
    assert images.paired
    assert images.names["train_a"] == images.names["train_b"]
    assert np.array_equal(images.truth_b, images.test_b)
    scores = runs.evaluate(out)
    assert scores.keys() == {"a_to_b"}
    assert {"error", "psnr", "ssim", "retrieval top-1"} <= scores["a_to_b"]["translated"].keys()
    assert bundle_about(out)["error"] > 0  # the best checkpoint was chosen by the error to the partners
    truth, doing_nothing = images.test_b.astype(float), images.test_a.astype(float)
    assert scores["a_to_b"]["doing nothing"]["error"] == pytest.approx(np.abs(truth - doing_nothing).mean() / 255, rel=1e-4)


def test_unpaired_games_train_on_pairs_side_by_side(halves, tmp_path):
    out = tmp_path / "run"
    runs.train(halves, out=out, game=GAME, data=DataOptions(size=16, holdout=0.3, side_by_side=True), training=training(steps=1))
    assert not runs.open_data(load_config(out)).paired
    assert "error" in runs.evaluate(out)["b_to_a"]["translated"]


def test_a_game_of_pairs_refuses_what_has_none(domains, tmp_path):
    mine = tmp_path / "A"
    mine.mkdir()
    (mine / "other.png").write_bytes((domains[0] / "3.png").read_bytes())
    with pytest.raises(DataError, match=r"no partner for 1 of 1 files in .*A, such as other\.png and 20 of 20 files in .*B"):
        runs.train(mine, domains[1], out=tmp_path / "run", game=PIX2PIX, data=DATA, training=training())
    assert not (tmp_path / "run").exists()


@pytest.fixture
def settled(domains, tmp_path):
    """Copies of A and B, by their times an hour old."""
    for folder in domains:
        (tmp_path / folder.name).mkdir()
        for path in folder.iterdir():
            copy = tmp_path / folder.name / path.name
            copy.write_bytes(path.read_bytes())
            os.utime(copy, (time.time() - 3600,) * 2)
    return tmp_path / "A", tmp_path / "B"


def test_a_process_opens_its_images_once(settled, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(runs, "open_domains", lambda *given, **more: opened.append(given) or open_domains(*given, **more))
    out = tmp_path / "run"
    runs.train(*settled, out=out, game=GAME, data=DATA, training=training(steps=1))
    runs.evaluate(out)
    first = runs.open_data(load_config(out))
    assert first is runs.open_data(load_config(out))
    assert len(opened) == 1
    assert runs.open_data(replace(load_config(out), data=replace(DATA, swap=True))).domains == ("B", "A")
    assert len(opened) == 1
    (settled[0] / "1.png").write_bytes((settled[0] / "2.png").read_bytes())
    with pytest.raises(RunError, match="are not those it was trained on"):
        runs.evaluate(out)
    assert len(opened) == 2


def test_slow_openings_are_told_and_quick_ones_are_not(domains, monkeypatch, capsys):
    run = RunConfig(sources=tuple(map(str, domains)), game=GAME, data=DATA)
    monkeypatch.setattr(runs, "QUICK_SECONDS", 60.0)
    runs.open_data(run)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(runs, "QUICK_SECONDS", 0.05)

    def slow(*given, telling, **more):
        telling("decoding [train_a]", 3, 7)
        time.sleep(0.3)
        return open_domains(*given, telling=telling, **more)

    monkeypatch.setattr(runs, "open_domains", slow)
    monkeypatch.setattr(runs, "_opened", {})
    runs.open_data(run)
    assert capsys.readouterr().err == "decoding [train_a] ...\n"
    monkeypatch.setattr(runs, "_opened", {})
    monkeypatch.setenv("RANK", "1")
    runs.open_data(run)
    assert capsys.readouterr().err == ""


def test_a_terminal_sees_how_far_the_opening_is(domains, monkeypatch, capsys):
    monkeypatch.setattr(runs, "QUICK_SECONDS", 0.05)
    monkeypatch.setattr(runs, "Console", lambda **more: Console(force_terminal=True, width=80, **more))
    with runs._told() as telling:
        telling("decoding [train_a]", 3, 7)
        time.sleep(0.5)
        telling("decoding [train_a]", 4, 7)
        time.sleep(0.3)
    said = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", capsys.readouterr().err)
    assert "decoding [train_a]" in said
    assert "4/7" in said


def test_files_that_are_no_images_are_said_once(settled, tmp_path, capsys):
    for name in ("1.heic", "2.heic", "notes.txt"):
        (settled[1] / name).write_text("")
    runs.train(*settled, out=tmp_path / "run", game=GAME, data=DATA, training=training(steps=1))
    runs.evaluate(tmp_path / "run")
    said = capsys.readouterr().err
    assert said.count("left alone") == 1
    assert "no images by their names, left alone: 3 files (2 .heic, 1 .txt), such as 1.heic; `unpaired data check`" in said


def numbers(root):
    """Folders of 12 CT images and of 12 others, both int16."""
    for domain, (low, high) in (("A", (-1000, 2000)), ("B", (0, 400))):
        (root / domain).mkdir()
        for index in range(12):
            random = np.random.default_rng([index, high])
            np.save(root / domain / f"{index}.npy", random.integers(low, high, (16, 16)).astype(np.int16))
    return root / "A", root / "B"


@pytest.mark.parametrize("swap", [False, True])
def test_a_run_on_numbers_answers_in_numbers(tmp_path, swap):
    two, out = numbers(tmp_path), tmp_path / "run"
    data = DataOptions(size=16, channels=1, depth=16, value_range=(-1000, 2000), value_range_b=(0, 400), swap=swap)
    runs.train(*two, out=out, game=GAME, data=data, training=training())
    assert load_config(out).data == data
    opened = runs.open_data(load_config(out))
    assert abs(float(opened.train_b.mean()) / 65535 - 0.5) < 0.05  # of either range
    ranges = [(-1000, 2000), (0, 400)][:: -1 if swap else 1]
    for direction, place in (("a_to_b", 0), ("b_to_a", 1)):
        one = load_bundle(out)[direction]
        assert (one.source_range, one.target_range) == (ranges[place], ranges[1 - place])
        to = tmp_path / direction
        done = translate_files(out, [two[place - swap]], out=to, direction=direction, device="cpu")
        assert len(done.translated) == 12
        found = np.stack([np.load(path) for path in done.translated])
        assert found.dtype == np.int16
        low, high = ranges[1 - place]
        assert low <= found.min() < low + 0.5 * (high - low) < found.max() <= high


def test_options_of_earlier_versions_are_the_same_ones(finished):
    """Trainings are taken up where their options equal those that are asked for."""
    path = finished / "config.json"
    values = json.loads(path.read_text())
    for name in ("value_range", "value_range_b"):
        assert values["data"].pop(name) is None
    assert config.from_dict(RunConfig, values) == load_config(finished)
    assert config.from_dict(DataOptions, values["data"]) == DATA


def test_one_range_is_for_both():
    narrow, wide = (0.0, 1.0), (-5.0, 5.0)
    assert DataOptions().ranges == (None, None)
    assert DataOptions(value_range=wide).ranges == (wide, wide)
    assert DataOptions(value_range=wide, value_range_b=narrow).ranges == (wide, narrow)
    assert DataOptions(value_range=wide, value_range_b=narrow, swap=True).ranges == (narrow, wide)
    assert DataOptions(value_range_b=narrow, swap=True).ranges == (narrow, None)
    with pytest.raises(ValueError, match="wanted a lower and a higher number"):
        DataOptions(value_range=(1, 1))


@pytest.mark.parametrize(
    ("game", "sources", "said"),
    [
        (specs.StarGAN(), ("faces:hair",), "holds domains; game 'stargan' wants attributes or classes: faces:attributes,"),
        (specs.CycleGAN(), ("faces:attributes",), "holds attributes; game 'cyclegan' wants domains or pairs: faces:hair,"),
        (specs.Pix2Pix(), ("faces:hair",), "faces:hair holds domains; game 'pix2pix' wants pairs: edges-pairs, earth-pairs,"),
        (specs.CycleGAN(), ("mnist", "edges"), "edges holds domains; game 'cyclegan' wants classes or attributes of two sets: "),
        (specs.StarGAN(), ("faces:attributes", "faces:hair"), "game 'stargan' wants attributes or classes: faces:attributes,"),
        (specs.CycleGAN(), ("faces:hiar",), r"nor a named set \(did you mean 'faces:hair'\?\)"),
    ],
)
def test_a_named_set_must_hold_what_the_game_plays_with(tmp_path, game, sources, said):
    with pytest.raises(DataError, match=said):
        runs.train(*sources, out=tmp_path / "run", game=game)
    assert not (tmp_path / "run").exists()
