"""`data check --labelled`: counts, and every problem in one go."""

import json
import shutil
import struct

import numpy as np
import pytest

from unpaired import cli
from unpaired.data.check_labelled import check_labelled

HAIR = ("blond", "dark", "red")


@pytest.fixture
def sound(labelled):
    """24 images, of which 6 are held out."""
    rows = {f"{i}.png": ("test" if i % 4 == 3 else "train", HAIR[i % 3], ("no", "yes", "", "yes")[i // 3 % 4]) for i in range(24)}
    return labelled("faces", rows, header=("split", "hair", "glasses"))


def test_values_are_counted(sound):
    (sound / "set.json").write_text('{"licence": "CC0"}')
    report = check_labelled([str(sound)])
    assert (report.errors, report.warnings) == ((), ())
    one = report.sets["faces"]
    assert (one.train, one.test) == (18, 6)
    assert one.counts["hair"] == ((6, 6, 6), (2, 2, 2), 0, 0)
    # By hand: no 0-2, 12-14; yes 3-5, 9-11, 15-17, 21-23; unknown 6-8, 18-20. Held out: 3, 11, 15, 23 (yes), 7, 19 (unknown).
    assert one.counts["glasses"] == ((6, 8), (0, 4), 4, 2)
    lines = report.lines()
    assert lines[0] == f"faces: 18 images to train on and 6 to test on in {sound}"
    assert lines[1] == "  hair: blond 6 + 2, dark 6 + 2, red 6 + 2"
    assert lines[2] == "  glasses (yes or no): off 6 + 0, on 8 + 4, unknown 4 + 2"
    assert "    sizes: 12x10 (24)" in lines
    assert "  licence: CC0" in lines
    assert lines[-1] == "no errors, 0 warnings"
    said = json.loads(json.dumps(report.to_json()))["sets"]["faces"]
    assert said["attributes"]["hair"] == {
        "values": list(HAIR), "binary": False, "train": [6, 6, 6], "test": [2, 2, 2], "unknown_train": 0, "unknown_test": 0,
    }  # fmt: skip


def test_images_are_held_out_as_a_run_does(labelled, options):
    from unpaired.data.labelled import open_labelled

    folder = labelled("faces", {f"{i}.png": (HAIR[i % 3],) for i in range(30)}, header=("hair",))
    (one,) = open_labelled([str(folder)], options(holdout=0.25)).sets
    checked = check_labelled([str(folder)], holdout=0.25).sets["faces"]
    assert checked.counts["hair"].train == tuple(np.bincount(one.train.values[:, 0]))
    assert checked.counts["hair"].test == tuple(np.bincount(one.test.values[:, 0], minlength=3))


def test_problems_of_all_sets_are_told_at_once(sound, labelled, tmp_path):
    broken = labelled("broken", {f"{i}.png": ("a",) for i in range(12)}, header=("hair",))
    (broken / "attributes.csv").write_text("file,hair\n0.png\n")
    constant = labelled("constant", {f"{i}.png": (HAIR[i % 3], "1") for i in range(24)}, header=("hair", "young"), seed=1)
    report = check_labelled([str(broken), str(tmp_path / "nowhere"), str(sound), str(constant)])
    assert list(report.sets) == ["faces", "constant"]
    assert [error.rpartition("/")[2].split(";")[0] for error in report.errors[:2]] == [
        "attributes.csv: 1 of 1 rows have not 2 columns (file, hair): line 2 has 1",
        "nowhere does not exist",
    ]
    assert "young is 'on' in all" in report.errors[2]
    assert len(report.errors) == 3
    assert report.lines()[-1] == "3 errors, 0 warnings: a run would refuse this"


def test_sets_that_disagree_are_an_error(sound, labelled):
    other = labelled("other", {f"{i}.png": ("ab"[i % 2],) for i in range(24)}, header=("hair",), seed=1)
    report = check_labelled([str(sound), str(other)])
    assert report.errors[0].startswith("'hair' is blond, dark, red in faces and a, b in other")


def test_images_that_should_be_looked_at_are_told(sound):
    shutil.copy(sound / "0.png", sound / "7.png")
    shutil.copy(sound / "1.png", sound / "2.png")
    (sound / "4.png").write_text("no image")
    report = check_labelled([str(sound)])
    assert report.errors == ()
    assert [warning.removeprefix("faces: ").partition(",")[0].partition(":")[0] for warning in report.warnings] == [
        "1 unreadable file",
        "1 image in training and test alike",
        "2 groups of equal images with different labels",
    ]
    assert "    unreadable: 4.png: not an image" in "\n".join(report.lines())


def test_arrays_are_counted_too(tmp_path):
    for stem, count in (("train", 20), ("t10k", 4)):
        x = np.random.default_rng(0).integers(0, 256, (count, 4, 4), dtype=np.uint8)
        (tmp_path / f"{stem}-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + struct.pack(">3I", *x.shape) + x.tobytes())
        (tmp_path / f"{stem}-labels-idx1-ubyte").write_bytes(
            b"\0\0\x08\x01" + struct.pack(">I", count) + bytes(i % 2 for i in range(count))
        )
    report = check_labelled([str(tmp_path)])
    assert (report.errors, report.warnings) == ((), ())
    assert report.lines()[1] == "  class: 0 10 + 2, 1 10 + 2"


def test_the_command_prints_and_fails_where_a_run_would(sound, capsys):
    cli.main(["data", "check", str(sound), "--labelled"])
    assert "  hair: blond 6 + 2, dark 6 + 2, red 6 + 2\n" in capsys.readouterr().out
    cli.main(["data", "check", str(sound), "--labelled", "--json"])
    assert json.loads(capsys.readouterr().out)["sets"]["faces"]["train"] == 18
    (sound / "attributes.csv").write_text("nothing")
    with pytest.raises(SystemExit) as stopped:
        cli.main(["data", "check", str(sound), "--labelled"])
    assert stopped.value.code == 1
    assert "one column alone, 'nothing'" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stopped:
        cli.main(["data", "check", str(sound), "--labelled", "--paired"])
    assert stopped.value.code == 2
