"""A run that was killed and resumed is the run that was not: real processes, real signals, the same bits."""

import random
import signal
import time

import pytest
import torch
from children import at_move, at_rename, at_step, command, disk, kill, play, resume, start, torn, train

from unpaired import runs
from unpaired.attribute_translator import AttributeTranslator
from unpaired.bundle import load_bundle
from unpaired.engine import checkpoint, journal
from unpaired.games import specs
from unpaired.networks.specs import (
    ConvDiscriminator,
    EncoderDecoder,
    PatchGAN,
    ResNet,
    StarGANDiscriminator,
    StarGANGenerator,
)
from unpaired.options import DataOptions, Training

STEPS = 24
SMALL = {"generator": EncoderDecoder(width=4), "discriminator": ConvDiscriminator(width=4)}
DATA = DataOptions(size=16, load_size=20, flip=True, jitter=0.3, holdout=0.2)


def training(**changed):
    values = {"steps": STEPS, "batch": 4, "threads": 1, "evaluate_every": 12, "save_every": 3, "precision": "float32"}
    return Training(**(values | {"compile": "off"} | changed))  # "auto" would count as steps what it measures


RUNS = {
    "discogan": (specs.DiscoGAN(**SMALL), training(ema=0.9, clip=1.0, schedule="cosine")),
    "authors": (
        specs.DiscoGAN(**SMALL, form=specs.AuthorsForm(first_stage=10)),
        training(precision="bf16", accumulate=2, seed=3),
    ),
    "translation": (
        specs.TranslationGAN(generator=ResNet(width=4, blocks=1, downs=1), discriminator=PatchGAN(width=4, layers=1)),
        training(precision="bf16", ema=0.99),
    ),
    "cyclegan": (  # its pool overflows, so coins are thrown
        specs.CycleGAN(generator=ResNet(width=4, blocks=1, downs=1), discriminator=PatchGAN(width=4, layers=1), pool=6),
        training(ema=0.9, schedule="linear"),
    ),
    "pix2pix": (  # with noise
        specs.Pix2Pix(
            generator=ResNet(width=4, blocks=1, downs=1, dropout=0.5),
            discriminator=PatchGAN(width=4, layers=1, norm="batch"),
        ),
        training(schedule="linear", decay_from=0.5),
    ),
    "reconstruction": (specs.ReconstructionGAN(**SMALL), training(accumulate=2, schedule="linear", decay_from=0.5)),
    "stargan": (  # of two data sets, with the generator in every other step of each
        specs.StarGAN(
            generator=StarGANGenerator(width=4, blocks=1), discriminator=StarGANDiscriminator(width=4, layers=3), critic=2
        ),
        training(ema=0.9, accumulate=2, schedule="linear", decay_from=0.5, precision="bf16"),
    ),
}


def options(name):
    game, how = RUNS[name]
    return {"game": game, "data": DATA, "training": how}


@pytest.fixture(scope="module")
def sources(domains, two_labelled):
    """A function from a name in RUNS to the images of that run."""
    return lambda name: two_labelled if RUNS[name][0].plays == "labelled" else domains


@pytest.fixture(scope="module")
def undisturbed(sources, tmp_path_factory):
    """A function from a name in RUNS to the folder of that run, played in one go."""
    root = tmp_path_factory.mktemp("undisturbed")

    def folder(name):
        if not (root / name).exists():
            ended = play(train, sources(name), root / name, options(name), said=root / f"{name}.txt")
            assert ended.code == 0, ended.says
        return root / name

    return folder


def assert_same_run(found, wanted):
    """Bit for bit the same state, the same evaluations and the same bundle; nothing left behind."""
    (state, at), (wanted_state, wanted_at) = (
        checkpoint.load(run / "checkpoints" / "last.safetensors") for run in (found, wanted)
    )
    assert (at.step, at.best, at.rollbacks) == (wanted_at.step, wanted_at.best, wanted_at.rollbacks)
    assert state.keys() == wanted_state.keys()
    assert [name for name in state if not torch.equal(state[name], wanted_state[name])] == []
    for name, product in load_bundle(wanted).items():
        theirs = load_bundle(found)[name]
        networks = [(product.network, theirs.network)]
        networks += [(product.reader, theirs.reader)] if isinstance(product, AttributeTranslator) else []
        for mine, other in networks:
            weights = other.state_dict()
            assert all(torch.equal(weights[name], value) for name, value in mine.state_dict().items())
    errors = [{e["step"]: e["error"] for e in journal.read(run) if e["event"] == "evaluation"} for run in (found, wanted)]
    assert errors[0] == errors[1]
    assert [path.name for path in found.rglob(".*")] == []


@pytest.mark.parametrize("name", RUNS)
def test_a_run_killed_again_and_again_ends_as_one_that_was_not(name, undisturbed, sources, tmp_path):
    """In a step, while writing, before a rename (of whatever file), and whenever it happens to be."""
    wanted, out, said, moments = undisturbed(name), tmp_path / "run", tmp_path / "said.txt", random.Random(name)
    killed = (signal.SIGKILL,)
    first = play(train, sources(name), out, options(name), said=said, hooks=[(at_move, moments.randint(8, 14), kill, *killed)])
    assert first.code == -signal.SIGKILL, first.says
    for hook in ((torn, 2), (at_rename, moments.randint(2, 12), kill, *killed)):
        ended = play(resume, out, said=said, hooks=[hook])
        assert ended.code == -signal.SIGKILL, ended.says
        assert (out / "checkpoints" / "last.safetensors").exists()
    process = start(resume, out, said=said)
    time.sleep(moments.uniform(0.2, 0.8))
    process.kill()
    process.join()
    assert process.exitcode in (-signal.SIGKILL, 0)
    ended = play(resume, out, said=said)
    assert ended.code == 0, ended.says
    assert_same_run(out, wanted)


def test_a_run_killed_before_its_first_checkpoint_begins_anew(undisturbed, domains, tmp_path):
    ended = play(train, domains, tmp_path / "run", options("authors"), said=tmp_path / "said.txt", hooks=[(torn, 1)])
    assert ended.code == -signal.SIGKILL
    assert not (tmp_path / "run" / "checkpoints" / "last.safetensors").exists()
    assert play(resume, tmp_path / "run", said=tmp_path / "said.txt").code == 0
    assert_same_run(tmp_path / "run", undisturbed("authors"))


def test_a_signal_ends_a_run_politely(undisturbed, domains, tmp_path):
    """As a user meets it: by the command line, with an exit code and a message; then resumed by the command line."""
    out, said, file = tmp_path / "run", tmp_path / "said.txt", tmp_path / "options.json"
    file.write_bytes((undisturbed("discogan") / "config.json").read_bytes())
    line = ("train", "discogan", *domains, "--out", str(out), "--config", str(file))
    ended = play(command, *line, said=said, hooks=[(at_step, 8, kill, signal.SIGTERM)])
    assert ended.code == 130
    assert f"stopped at step 8; `unpaired resume {out}` goes on" in ended.says
    assert "Traceback" not in ended.says
    assert not (out / "report.html").exists()  # it was asked to end, not to go on with other things
    ended = play(command, "resume", str(out), said=said, hooks=[(at_step, 5, kill, signal.SIGINT)])
    assert ended.code == 130
    assert "stopped at step 13" in ended.says
    ended = play(command, "resume", str(out), said=said)
    assert ended.code == 0, ended.says
    assert "from step 13" in ended.says
    assert (out / "report.html").exists()
    assert_same_run(out, undisturbed("discogan"))


def test_a_full_disk_stops_saving_but_not_training(undisturbed, domains, tmp_path):
    out, said = tmp_path / "run", tmp_path / "said.txt"
    hooks = [(at_step, 5, disk, 20_000), (at_step, 11, disk, -1)]
    ended = play(train, domains, out, options("discogan"), said=said, hooks=hooks)
    assert ended.code == 0, ended.says
    assert "step 6 could not be saved" in ended.says
    assert "step 9 could not be saved" in ended.says
    assert "step 12 could not" not in ended.says
    assert_same_run(out, undisturbed("discogan"))


def test_a_disk_that_stays_full_fails_clearly_at_the_end_and_loses_nothing(undisturbed, domains, tmp_path):
    out, said = tmp_path / "run", tmp_path / "said.txt"
    ended = play(train, domains, out, options("discogan"), said=said, hooks=[(at_step, 8, disk, 20_000)])
    assert ended.code == 1
    assert "RunError: step 24 could not be saved" in ended.says
    assert "`unpaired resume` goes on from there" in ended.says
    assert checkpoint.load(out / "checkpoints" / "last.safetensors")[1].step == 6
    assert [path.name for path in out.rglob(".*")] == []
    ended = play(command, "resume", str(out), said=said, hooks=[(disk, 20_000)])
    assert ended.code == 1
    assert ended.says.splitlines()[-1].startswith("error: step 24 could not be saved")
    assert "Traceback" not in ended.says
    assert play(resume, out, said=said).code == 0
    assert_same_run(out, undisturbed("discogan"))


def test_looking_and_saving_change_no_weight(undisturbed, domains, tmp_path):
    game, how = RUNS["discogan"]
    values = {name: getattr(how, name) for name in ("ema", "clip", "schedule")}
    often = training(**values, evaluate_every=4, save_every=1)
    never = training(**values, evaluate_every=None, save_every=None)
    wanted = checkpoint.load(undisturbed("discogan") / "checkpoints" / "last.safetensors")[0]
    for name, how in (("often", often), ("never", never)):
        runs.train(*domains, out=tmp_path / name, game=game, data=DATA, training=how)
        state, _ = checkpoint.load(tmp_path / name / "checkpoints" / "last.safetensors")
        assert all(torch.equal(state[key], value) for key, value in wanted.items())
    assert len(list((tmp_path / "often" / "previews").iterdir())) == 1 + STEPS // 4
