"""The command line, as it is typed: what it answers, where it answers it, and with which exit code."""

import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from unpaired import cli, config, errors
from unpaired.commands import data, measure
from unpaired.errors import DataWarning, MissingDependency
from unpaired.networks.specs import PRESETS
from unpaired.run_config import load_config
from unpaired.version import VERSION

SMALL = """
distance = "huber(delta=0.5)"

[data]
size = 16
flip = false
holdout = 0.2

[generator]
kind = "encoder_decoder"
width = 4

[discriminator]
kind = "conv"
width = 4

[training]
steps = 2
batch = 4
threads = 1
compile = "off"
precision = "float32"
"""


@pytest.fixture(autouse=True)
def warned(monkeypatch):
    """`main` takes warnings over; each test gives them back."""
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)


@pytest.fixture(scope="module")
def domains(tmp_path_factory):
    """Folders A and B of 20 pictures each."""
    root = tmp_path_factory.mktemp("domains")
    for domain, colour in (("A", 60), ("B", 150)):
        (root / domain).mkdir()
        for index in range(20):
            noise = np.random.default_rng([index, colour]).integers(colour, colour + 60, (16, 16, 3), dtype=np.uint8)
            PIL.Image.fromarray(noise).save(root / domain / f"{index}.png")
    return str(root / "A"), str(root / "B")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A file of options."""
    path = tmp_path_factory.mktemp("options") / "small.toml"
    path.write_text(SMALL)
    return str(path)


@pytest.fixture(scope="module")
def finished(domains, small, tmp_path_factory):
    """A run that the command line made."""
    out = tmp_path_factory.mktemp("runs") / "run"
    cli.main(["train", "discogan", *domains, "--out", str(out), "--config", small])
    return out


@pytest.fixture
def call(capsys):
    """A function from arguments to (exit code, stdout, stderr)."""

    def run(*arguments):
        capsys.readouterr()
        try:
            cli.main([str(argument) for argument in arguments])
            code = 0
        except SystemExit as end:
            code = end.code
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        if isinstance(code, str):  # what the interpreter does with it
            return 1, captured.out, captured.err + code
        return code or 0, captured.out, captured.err

    return run


# -- before anything is imported --

_QUICK = """
import sys
from unpaired import cli
for line in sys.argv[1:]:
    try:
        cli.main(line.split())
        code = 0
    except SystemExit as end:
        code = end.code
    heavy = [name for name in ("torch", "numpy", "PIL", "rich.progress") if name in sys.modules]
    print("RESULT", code, heavy)
"""


def test_help_and_mistakes_are_answered_without_torch():
    lines = {
        "--help": 0, "": 0, "--version": 0, "trian": 2, "train --help": 0, "train discogn": 2, "data --help": 0,
        "data list": 0, "train discogan --help": 0, "resume --help": 0, "translate --help": 0, "train discogan A B": 2,
        "train discogan A B --out x --stps 3": 2, "train discogan A B --out x --distance hubert": 2,
        "train discogan A B --out x --steps 0": 2, "train discogan A B --out x --config nowhere.toml": 2,
        "resume": 2, "resume x --steps 0": 2, "translate x y --out z --batch 0": 2,
        "translate x y --out z --direction up": 2, "train segmenter --help": 0, "judge --help": 0, "relate --help": 0,
        "adapt --help": 0, "likelihood --help": 0, "sample x --out y -n 0": 2, "sample x --out y --interpolate --grid": 2,
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", _QUICK, *lines], capture_output=True, text=True, check=True)
    found = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    assert found == [f"RESULT {code} []" for code in lines.values()]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("line", [[str(Path(sys.executable).with_name("unpaired"))], [sys.executable, "-m", "unpaired"]])
def test_the_command_and_the_module_are_one(line):
    done = subprocess.run([*line, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"unpaired {VERSION}\n"


# -- help and mistakes --


def test_help_names_every_command(call):
    for arguments in ((), ("--help",), ("-h",)):
        code, out, _ = call(*arguments)
        assert code == 0
        assert all(f"\n  {command} " in out for command in cli.COMMANDS)
    assert "discogan" in call("train", "--help")[1]
    assert "check" in call("data")[1]


def test_help_of_a_command_tells_every_choice(call):
    code, out, _ = call("train", "discogan", "--help")
    assert code == 0
    for words in (
        "--out",
        "--distance",
        "l1|l2|huber",
        "--form",
        "paper|authors",
        "--learning-rate",
        "--steps",
        "--config",
    ):
        assert words in out


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("trian",), "unpaired has no 'trian' (did you mean 'train'?)"),
        (("train", "disco-gan"), "unpaired train has no 'disco-gan' (did you mean 'discogan'?)"),
        (("data", "chekc"), "unpaired data has no 'chekc' (did you mean 'check'?)"),
        (("frobnicate",), "unpaired has no 'frobnicate'\n"),
    ],
)
def test_a_wrong_command(call, arguments, meant):
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {meant}")
    assert "COMMAND --help" in err


def test_a_wrong_option(call):
    code, _, err = call("train", "discogan", "A", "B", "--out", "x", "--stps", "3")
    assert code == 2
    assert "--stps" in err
    assert "--steps" in err  # perhaps you meant
    code, _, err = call("train", "discogan", "A", "B", "--out", "x", "--precision", "fp16")
    assert code == 2
    assert "bf16" in err


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--distance", "hubert", "'hubert' is none of the choices; wanted one of: l1, l2, huber(delta=1.0)"),
        ("--distance", "huber(", "'huber(' is none of the choices"),
        ("--distance", "huber(0.5)", "'huber(0.5)' is none of the choices"),
        ("--distance", "", "'' is none of the choices"),
        (
            "--distance",
            "huber(delta=-1)",
            "'huber(delta=-1)' is not valid: delta: input should be greater than 0, found -1",
        ),
        ("--distance", "l1(delta=1)", "'l1(delta=1)' is not valid: delta: unexpected keyword argument"),
        ("--distance", "huber(delta=__import__('os'))", "is none of the choices"),
        ("--form", "authors(first_stage=1.5)", "first_stage: input should be a valid integer"),
        ("--generator", "patch", "'patch' is none of the choices"),
    ],
)
def test_a_wrong_choice(call, option, value, says):
    code, out, err = call("train", "discogan", "A", "B", "--out", "x", option, value)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert says in err


@pytest.mark.parametrize(
    ("game", "options", "says"),
    [
        ("discogan", "--batch 0", "--batch 0 is out of range; wanted a number greater than 0"),
        ("discogan", "--batch=-3", "--batch -3 is out of range; wanted a number greater than 0"),
        ("discogan", "--holdout 1.5", "--holdout 1.5 is out of range; wanted a number less than 1"),
        ("discogan", "--channels 600", "--channels 600 is out of range; wanted a number less than or equal to 512"),
        ("discogan", "--ema 1", "--ema 1 is out of range; wanted a number less than 1"),
        ("discogan", "--learning-rate nan", "--learning-rate nan is out of range; wanted a finite number"),
        (
            "cyclegan",
            "--adversarial 0 --forward 0",
            "without adversarial losses both cycle losses are needed: raise --forward and --backward",
        ),
    ],
)
def test_a_number_out_of_range_is_one_line(call, game, options, says):
    assert call("train", game, "A", "B", "--out", "x", *options.split()) == (2, "", f"error: {says}\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("translate", "x", "y", "--out", "z", "--batch", "0"), "--batch 0"),
        (("resume", "x", "--steps", "-1"), "--steps -1"),
        (("resume", "x", "--minutes", "0"), "--minutes 0"),
        (("import", "x", "--size", "0"), "--size 0"),
        (("data", "make", "toy", "--out", "x", "--size", "0"), "--size 0"),
    ],
)
def test_of_every_command(call, arguments, says):
    assert call(*arguments) == (2, "", f"error: {says} is out of range; wanted a number greater than 0\n")


def test_a_number_of_a_file_out_of_range_names_the_file(call, tmp_path):
    path = tmp_path / "options.toml"
    path.write_text("[training]\nbatch = 0\nsteps = 3\n")
    line = ("train", "discogan", "A", "B", "--out", "x", "--config", path)
    assert call(*line) == (2, "", f"error: --batch 0 (in {path}) is out of range; wanted a number greater than 0\n")
    assert call(*line, "--batch", "-1") == (2, "", "error: --batch -1 is out of range; wanted a number greater than 0\n")
    code, _, err = call(*line, "--accumulate", "0")
    assert code == 2
    assert err == (
        f"error: --batch 0 (in {path}) is out of range; wanted a number greater than 0; "
        "--accumulate 0 is out of range; wanted a number greater than 0\n"
    )


# -- errors --


def leaves(error=errors.UnpairedError):
    return [error, *(leaf for kind in error.__subclasses__() for leaf in leaves(kind))]


@pytest.mark.parametrize("kind", leaves())
def test_every_error_is_one_message(call, monkeypatch, kind):
    error = kind("somepackage", "data", "reading") if kind is MissingDependency else kind("found this; wanted that; do so")
    monkeypatch.setattr(data.DataList, "run", lambda self: (_ for _ in ()).throw(error))
    code, out, err = call("data", "list")
    assert code == (2 if issubclass(kind, errors.ConfigError) else 1)
    assert (out, err) == ("", f"error: {error}\n")


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (OSError(28, "No space left on device", "x/y"), 1, "error: [Errno 28] No space left on device: 'x/y'"),
        (PermissionError(13, "Permission denied", "/x"), 1, "error: [Errno 13] Permission denied: '/x'"),
        (BrokenPipeError(), 1, ""),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_the_machine_says(call, monkeypatch, error, code, says):
    monkeypatch.setattr(data.DataList, "run", lambda self: (_ for _ in ()).throw(error))
    assert call("data", "list") == (code, "", says)


def test_bugs_keep_their_traceback(monkeypatch):
    monkeypatch.setattr(data.DataList, "run", lambda self: {}["bug"])
    with pytest.raises(KeyError):
        cli.main(["data", "list"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("resume", "nowhere"),
            "no run at nowhere: it has no config.json. `unpaired train ... --out nowhere` starts one",
        ),
        (("translate", "nowhere", "x.png", "--out", "y"), "no trained run or bundle at nowhere"),
        (("evaluate", "nowhere"), "no run at nowhere"),
        (("report", "nowhere"), "no run at nowhere"),
        (("data", "check", "nowhere"), "nowhere does not exist"),
        (
            ("data", "make", "faces:ears", "--out", "x"),
            "'faces:ears' is neither a folder or zip nor a named set (did you mean 'faces:hair'?); wanted",
        ),
    ],
)
def test_what_is_not_there(call, tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    code, _, err = call(*arguments)
    assert code == 1
    assert says in err
    assert list(tmp_path.iterdir()) == []


# -- options from files --


def parsed(*arguments):
    return cli.parse(["train", "discogan", "A", "B", "--out", "x", *map(str, arguments)])


@pytest.mark.parametrize("how", ["--config {}", "--config={}"])
def test_options_come_from_a_file_and_the_line_overrules_them(small, how):
    command = parsed(*how.format(small).split(), "--batch", "8", "--flip", "--distance", "l1")
    assert (command.training.steps, command.training.batch, command.training.compile) == (2, 8, "off")
    assert (command.data.size, command.data.flip) == (16, True)
    assert (command.game.generator.width, command.game.discriminator.kind) == (4, "conv")
    assert command.game.distance.kind == "l1"
    command = parsed("--batch", "8", *how.format(small).split())  # wherever it stands
    assert (command.training.batch, command.data.flip, command.game.distance.delta) == (8, False, 0.5)


def test_options_from_json(tmp_path):
    path = tmp_path / "options.json"
    path.write_text(
        json.dumps({"training": {"steps": 5, "minutes": None, "clip": 1}, "form": "authors(first_stage=3)", "strict": True})
    )
    command = parsed("--config", path)
    assert (command.training.steps, command.training.minutes, command.training.clip) == (5, None, 1.0)
    assert command.game.form.first_stage == 3
    assert command.data.strict is True


def test_a_run_is_a_file_of_options(finished):
    command, run = parsed("--config", finished / "config.json"), load_config(finished)
    assert (command.game, command.data, command.training) == (run.game, run.data, run.training)
    assert command.sources == ("A", "B")


def test_a_value_range_is_two_numbers(call, tmp_path):
    command = parsed("--value-range", "-1000", "2000", "--value-range-b", "0", "1e4")
    assert (command.data.value_range, command.data.value_range_b) == ((-1000, 2000), (0, 10_000))
    (tmp_path / "run.json").write_text(json.dumps(config.to_dict(command.data)))
    assert parsed("--config", tmp_path / "run.json").data == command.data
    (tmp_path / "a.toml").write_text("value_range = [-10, 5.5]")
    assert parsed("--config", tmp_path / "a.toml").data.value_range == (-10, 5.5)
    command = cli.parse(["train", "discogan", "--value-range", "0", "1", "A", "B", "--out", "x"])
    assert (command.sources, command.data.value_range) == (("A", "B"), (0, 1))
    line = ("train", "discogan", "A", "B", "--out", "x", "--value-range")
    code, _, err = call(*line, "5", "--flip")
    assert (code, "--value-range" in err) == (2, True)
    code, _, err = call(*line, "5", "many")
    assert (code, err) == (2, "error: '5 many' is not valid; wanted two numbers, a lower and a higher one\n")
    assert call(*line, "5", "-5") == (2, "", "error: --value-range 5 -5: wanted a lower and a higher number\n")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("nowhere.toml", None, "no configuration file at"),
        ("broken.toml", "steps = = 3", "broken.toml cannot be read as TOML"),
        ("broken.json", "{", "broken.json cannot be read as JSON"),
        ("list.json", "[1]", "list.json holds a list; wanted a table of options"),
        ("unknown.toml", "stps = 3", "--stps"),
        ("wrong.toml", "steps = 'many'", "steps"),
        ("choice.toml", "distance = 'hubert'", "'hubert' is none of the choices"),
    ],
)
def test_a_wrong_file(call, tmp_path, name, text, says):
    if text is not None:
        (tmp_path / name).write_text(text)
    code, _, err = call("train", "discogan", "A", "B", "--out", tmp_path / "run", "--config", tmp_path / name)
    assert code == 2
    assert says in err
    assert not (tmp_path / "run").exists()


# -- what the commands do --


def test_training_ends_with_scores_a_report_and_the_next_command(call, domains, small, tmp_path):
    out = tmp_path / "run"
    code, said, err = call("train", "discogan", *domains, "--out", out, "--config", small)
    assert code == 0
    assert "2 steps" in err
    assert "done at step 2" in err
    assert "doing nothing" in said
    assert (out / "report.html").exists()
    assert f"translate with: unpaired translate {out} IMAGES --out FOLDER" in said
    assert load_config(out).game.distance.delta == 0.5
    code, _, err = call("train", "discogan", *domains, "--out", out, "--config", small)
    assert code == 1
    assert f"error: {out} is not empty; choose another --out, or `unpaired resume {out}`" in err
    code, _, err = call("resume", out, "--steps", "3")
    assert code == 0
    assert "from step 2" in err
    assert "done at step 3" in err
    before = (out / "report.html").stat().st_mtime_ns
    code, said, err = call("resume", out)
    assert code == 0
    assert f"{out} is finished, at step 3; to go on with it, give a new end: unpaired resume {out} --steps 6\n" in said
    assert "done at" not in err
    assert (out / "report.html").stat().st_mtime_ns == before
    (out / "report.html").unlink()  # as of a run that was cut off after its training
    call("resume", out)
    assert (out / "report.html").exists()


def test_the_baselines_are_trained_alike(call, domains, small, tmp_path):
    text = (
        SMALL.replace('distance = "huber(delta=0.5)"\n', "")
        .replace("steps = 2", "steps = 1")
        .replace("holdout = 0.2", "holdout = 0.0")
    )
    (tmp_path / "options.toml").write_text(text)
    for game in ("translation-gan", "reconstruction-gan"):
        code, _, err = call("train", game, *domains, "--out", tmp_path / game, "--config", tmp_path / "options.toml")
        assert code == 0, err
        assert "held no images out" in err  # and that is no error
        assert load_config(tmp_path / game).game.game == game


def test_translating(call, finished, domains, tmp_path):
    code, out, err = call("translate", finished, domains[0], "--out", tmp_path / "out", "--device", "cpu")
    way = "middle cut out, at 16 x 16 px and scaled back"
    assert (code, out, err) == (0, f"translated into {tmp_path / 'out'}: 20\n  20 {way}\n", "")
    assert len(list((tmp_path / "out").iterdir())) == 20
    code, _, err = call("translate", finished, domains[0], "--out", tmp_path / "out", "--device", "cpu")
    assert code == 1
    assert "20 of 20 files are there already" in err
    code, _, _ = call("translate", finished, domains[0], "--out", tmp_path / "out", "--device", "cpu", "--existing", "overwrite")
    assert code == 0
    code, _, err = call("translate", finished, domains[0], "--out", domains[0], "--device", "cpu", "--existing", "overwrite")
    assert code == 1
    assert "would overwrite an input" in err


def test_a_skipped_file_is_told_and_counts_as_an_error(call, finished, domains, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_text("no picture")
    out = tmp_path / "out"
    code, said, err = call("translate", finished, f"{domains[0]}/0.png", broken, "--out", out, "--direction", "b_to_a")
    assert (code, said.splitlines()[0]) == (1, f"translated into {out}: 1")
    assert err.startswith(f"skipped {broken}: ")


def test_evaluating_and_reporting(call, finished):
    code, out, _ = call("evaluate", finished)
    assert code == 0
    assert "a to b" in out
    assert "swd" in out
    code, out, _ = call("report", finished)
    assert (code, out.strip()) == (0, str(finished / "report.html"))


def test_named_sets_are_listed(call):
    code, out, err = call("data", "list")
    assert (code, err) == (0, "")
    assert "faces:hair" in out
    assert "CC BY 4.0" in out


def test_data_is_checked(call, domains, tmp_path):
    code, out, _ = call("data", "check", *domains)
    assert code == 0
    assert "20 images" in out
    code, out, _ = call("data", "check", *domains, "--json")
    assert code == 0
    assert json.loads(out)["parts"]["train_a"]["count"] == 20
    assert call("data", "check", domains[0], domains[0])[0] == 1


def test_warnings_of_data_are_one_line(call, monkeypatch):
    monkeypatch.setattr(data.DataList, "run", lambda self: warnings.warn("only 3 images", DataWarning, stacklevel=1))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        showwarning = warnings.showwarning
        code, _, err = call("data", "list")
        warnings.showwarning = showwarning
    assert (code, err) == (0, "warning: only 3 images\n")


def test_a_score_is_shown_with_its_extractor(capsys):
    measure.show_scores({"a_to_b": {"translated": {"kid[efficientnet-lite0]": 0.5}}})
    assert "kid[efficientnet-lite0]" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "wanted"), PRESETS.items())
def test_published_generators_have_names(name, wanted):
    command = cli.parse(["train", "cyclegan", "a", "b", "--out", "run", "--generator", name])
    assert command.game.generator == wanted
