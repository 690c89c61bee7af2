"""A run on labelled images from the command line to the answer, and what is told when something is wrong."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

import unpaired
from unpaired import cli, runs
from unpaired.attribute_translator import AttributeTranslator
from unpaired.games import specs
from unpaired.images import read
from unpaired.networks.specs import StarGANDiscriminator, StarGANGenerator
from unpaired.options import DataOptions, Training

GAME = specs.StarGAN(
    generator=StarGANGenerator(width=4, blocks=1), discriminator=StarGANDiscriminator(width=4, layers=2), critic=2
)
TRAINING = Training(steps=6, batch=4, threads=1, evaluate_every=3, compile="off", precision="float32")
SMALL = (
    "--size", "16", "--steps", "4", "--batch", "4", "--threads", "1", "--critic", "2", "--compile", "off",
    "--precision", "float32", "--generator", "stargan(width=4,blocks=1)", "--discriminator", "stargan(width=4,layers=2)",
)  # fmt: skip


@pytest.fixture(scope="module")
def run(labelled, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    runs.train(labelled, out=folder, game=GAME, data=DataOptions(size=16), training=TRAINING)
    return folder


@pytest.fixture(scope="module")
def joint(two_labelled, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "joint"
    runs.train(*two_labelled, out=folder, game=GAME, data=DataOptions(size=16), training=TRAINING)
    return folder


@pytest.fixture
def face(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (24, 28, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "face.png")
    return str(tmp_path / "face.png")


def command(*words):
    cli.main(list(map(str, words)))


def failed(capsys, *words):
    """The exit code and the message of a command that fails."""
    with pytest.raises(SystemExit) as stopped:
        command(*words)
    return stopped.value.code, capsys.readouterr().err


def test_from_the_command_line(labelled, tmp_path, capsys):
    out = tmp_path / "run"
    command("train", "stargan", labelled, "--out", out, *SMALL)
    said = capsys.readouterr()
    assert "stargan: faces, 24 images, at least 20 held out, 16 px, 4 steps" in said.err
    assert "attributes: hair (blond, dark, red), glasses (off, on)" in said.err
    assert f"translate with: unpaired translate {out} IMAGES --set hair=red --out FOLDER" in said.out
    assert "hair=red" in said.out
    assert (out / "preview.png").exists()
    assert (out / "report.html").exists()
    command("resume", out, "--steps", "6")
    assert "from step 4" in capsys.readouterr().err


def test_the_published_training_is_the_default():
    parsed = cli.parse(["train", "stargan", "faces/", "--out", "run"])
    assert (parsed.data.size, parsed.training.batch) == (128, 16)
    assert (parsed.training.schedule, parsed.training.decay_from) == ("linear", 0.5)
    assert parsed.game == specs.StarGAN()


def test_in_python(run, face):
    translator = unpaired.load(run)
    assert isinstance(translator, AttributeTranslator)
    picture = translator(face, hair="blond", glasses=False)
    assert picture.size == (28, 24)
    x = torch.rand(2, 3, 16, 16) * 2 - 1
    assert translator(x, hair="red").shape == x.shape
    assert list(runs.evaluate(run)) == ["hair=blond", "hair=dark", "hair=red", "glasses=off", "glasses=on"]


def test_training_in_python(labelled, tmp_path):
    remains = unpaired.train(labelled, out=tmp_path / "run", game=GAME, data=DataOptions(size=16), training=TRAINING)
    assert list(remains) == ["attributes"]
    assert [attribute.name for attribute in remains["attributes"].attributes] == ["hair", "glasses"]


def test_what_a_run_keeps(run):
    events = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
    looks = [event for event in events if event["event"] == "evaluation"]
    assert [event["step"] for event in looks] == [0, 3, 6]
    assert looks[-1]["measure"] == "swd"  # hair has no truths
    assert "error" in looks[-1]["scores"]["glasses=on"]["translated"]
    assert len(list((run / "previews").iterdir())) == 3
    card = (run / "bundle" / "card.md").read_text()
    assert "# stargan: faces" in card
    assert "- hair: blond, dark, red\n- glasses: off, on\n" in card


def test_changes_of_files(run, face, tmp_path):
    """One change, several at once, and what is told of all images."""
    command("translate", run, face, "--out", tmp_path / "a", "--set", "hair=red")
    command("translate", run, face, "--out", tmp_path / "b", "--set", "hair=red", "--set", "glasses=on")
    command("translate", run, face, "--out", tmp_path / "c", "--set", "hair=red", "--has", "glasses=on")
    a, b, c = (read(tmp_path / name / "face.png") for name in "abc")
    assert a.shape == (24, 28, 3)
    assert np.array_equal(b, c)
    translator = unpaired.load(run)
    assert np.array_equal(b, np.asarray(translator(face, hair="red", glasses=True)))
    assert np.array_equal(a, np.asarray(translator(face, hair="red")))


def test_steps(run, face, tmp_path):
    """From the label that the image has, which is read from it, to the target's."""
    command("translate", run, face, "--out", tmp_path / "out", "--set", "hair=red", "--has", "hair=blond", "--steps", "3")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["face-1.png", "face-2.png", "face-3.png"]
    first, middle, last = (read(tmp_path / "out" / f"face-{step}.png").astype(int) for step in (1, 2, 3))
    translator = unpaired.load(run)
    told = {"hair": "blond"}
    assert np.array_equal(first, np.asarray(translator.towards({"hair": "blond"}, told=told)(face)))
    assert np.array_equal(last, np.asarray(translator.towards({"hair": "red"}, told=told)(face)))
    assert np.abs(middle - first).max() > 0
    assert np.abs(middle - last).max() > 0


def test_a_grid(run, face, labelled, tmp_path, capsys):
    """A sheet of 16 columns and a row for every value."""
    command("translate", run, face, "--out", tmp_path / "one", "--grid")
    assert capsys.readouterr().out.strip() == str(tmp_path / "one" / "grid.png")
    assert read(tmp_path / "one" / "grid.png").shape[0] > 6 * 96
    command("translate", run, f"{labelled}/train", face, "--out", tmp_path / "two", "--grid", "--has", "glasses=on")
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == ["grid-1.png", "grid-2.png"]
    code, said = failed(capsys, "translate", run, face, "--out", tmp_path / "one", "--grid")
    assert code == 1
    assert "grid.png is there already; choose another --out, or --existing overwrite" in said
    command("translate", run, face, "--out", tmp_path / "one", "--grid", "--existing", "overwrite")
    (tmp_path / "mixed").mkdir()
    (tmp_path / "mixed" / "broken.png").write_bytes(b"no picture")
    code, said = failed(capsys, "translate", run, tmp_path / "mixed", "--out", tmp_path / "three", "--grid")
    assert code == 1
    assert "mixed/broken.png: " in said
    code, said = failed(capsys, "translate", run, face, "--out", tmp_path / "four", "--grid", "--tile", "64", "--fit", "pad")
    assert code == 2
    assert "--grid shows images as in training, each whole, found --fit, --tile; leave that out" in said


def test_directions_are_for_two_domains(run, face, tmp_path, capsys):
    code, said = failed(capsys, "translate", run, face, "--out", tmp_path / "a", "--set", "hair=red", "--direction", "b_to_a")
    assert code == 2
    assert "changes attributes, found --direction b_to_a; leave it out" in said


def test_many_changes_are_summed_up(run, capsys):
    command("evaluate", run)
    said = capsys.readouterr().out
    assert said.count("held-out test images") == 1
    assert "glasses=on" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "hiar=red"], "no attribute 'hiar' (did you mean 'hair'?); wanted one of: hair, glasses"),
        (["--set", "hair=rad"], "hair has no value 'rad' (did you mean 'red'?); wanted one of: blond, dark, red"),
        (["--set", "hair"], "'hair' is no setting of an attribute; wanted NAME=VALUE, such as hair=blond"),
        (["--set", "hair=red", "--set", "hair=dark"], "--set names an attribute twice: hair=red hair=dark"),
        (["--set", "hair=red", "--has", "galsses=on"], "no attribute 'galsses' (did you mean 'glasses'?)"),
        (["--set", "hair=red", "--steps", "1"], "--steps 1 leads nowhere; wanted 2 or more"),
        ([], "changes attributes: say which, such as --set hair=red (hair: blond, dark, red; glasses: off, on)"),
        (["--grid", "--set", "hair=red"], "--grid shows every change by itself; leave --set and --steps out"),
        (["--grid", "--steps", "3"], "--grid shows every change by itself"),
        (["--grid", "--has", "hair=rad"], "did you mean 'red'?"),
    ],
)
def test_mistakes(run, face, tmp_path, capsys, words, said):
    code, told = failed(capsys, "translate", run, face, "--out", tmp_path / "out", *words)
    assert code == 2
    assert said in told
    assert not (tmp_path / "out").exists()


def test_two_data_sets(joint, face, tmp_path):
    """Hidden attributes are measured where their truths are known; changes of both sets' attributes go through both."""
    scores = runs.evaluate(joint)
    assert list(scores) == [
        "hairs: hair=blond", "hairs: hair=dark", "hairs: hair=red", "hairs: glasses=on", "eyes: glasses=off", "eyes: glasses=on",
    ]  # fmt: skip
    assert "error" in scores["hairs: glasses=on"]["translated"]
    assert "reconstruction" not in scores["hairs: glasses=on"]["translated"]
    translator = unpaired.load(joint)
    assert translator.labelling.length == 4 + 2
    command("translate", joint, face, "--out", tmp_path / "out", "--set", "glasses=on", "--set", "hair=red")
    wanted = np.asarray(translator(face, hair="red", glasses=True))
    assert np.array_equal(read(tmp_path / "out" / "face.png"), wanted)
    x = torch.from_numpy(read(face)).movedim(-1, 0)[None] / 127.5 - 1
    step_by_step = translator(translator(x, hair="red"), glasses=True)
    torch.testing.assert_close(translator(x, hair="red", glasses=True), step_by_step)


def test_a_mask_can_be_left_out(two_labelled, tmp_path):
    command("train", "stargan", *two_labelled, "--out", tmp_path / "run", "--no-mask", *SMALL)
    assert unpaired.load(tmp_path / "run").labelling.length == 4


def test_two_domains_are_no_labelled_images(tmp_path, capsys):
    for domain in ("trainA", "trainB"):
        (tmp_path / "set" / domain).mkdir(parents=True)
        Image.new("RGB", (16, 16)).save(tmp_path / "set" / domain / "0.png")
    code, said = failed(capsys, "train", "stargan", tmp_path / "set", "--out", tmp_path / "run", *SMALL)
    assert code == 1
    assert "is no labelled data set: found 2 folders of images (trainA, trainB); wanted attributes.csv" in said
