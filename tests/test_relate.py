"""Images of two folders paired through translators that leave images alone: B holds A's images, shuffled and a little noisy."""

import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image

from unpaired import cli
from unpaired.bundle import save_bundle
from unpaired.errors import DataError, RunError
from unpaired.networks import specs
from unpaired.networks.build import generator
from unpaired.relate import relate, relate_files
from unpaired.translator import Translator

COUNT = 12
ORDER = np.random.default_rng(1).permutation(COUNT)


def pictures(folder, order, *, noise):
    folder.mkdir()
    for place, number in enumerate(order):
        pixels = np.random.default_rng(number).integers(40, 200, (16, 16, 3)).astype(int)
        pixels += np.random.default_rng([number, 1]).integers(-noise, noise + 1, pixels.shape)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{place}.png")
    return folder


@pytest.fixture
def a(tmp_path):
    return pictures(tmp_path / "a", range(COUNT), noise=0)


@pytest.fixture
def b(tmp_path):
    return pictures(tmp_path / "b", ORDER, noise=10)


@pytest.fixture
def truth(tmp_path):
    rows = [f"{number}.png,{place}.png" for place, number in enumerate(ORDER)]
    (tmp_path / "truth.csv").write_text("\n".join(["a,b", *rows]))
    return tmp_path / "truth.csv"


def bundle(folder, *directions):
    """Translators that answer with what they are given: their last layer is zero, and it is added."""
    spec = specs.ResidualImage(width=4)
    network = generator(spec, (3, 16, 16), (3, 16, 16))
    for parameter in network.parameters():
        torch.nn.init.zeros_(parameter)
    translators = {name: Translator(network, spec=spec, source=(3, 16, 16), target=(3, 16, 16)) for name in directions}
    save_bundle(folder, translators, fit="crop", background="white", about={}, card="")
    return folder


@pytest.fixture
def both(tmp_path):
    return bundle(tmp_path / "bundle", "a_to_b", "b_to_a")


def test_partners_are_found(both, a, b, truth):
    found = relate(both, a, b, truth=truth, device="cpu")
    names = [(found.a.names[row], found.b.names[column]) for row, column in zip(*(x.tolist() for x in found.pairs), strict=True)]
    assert sorted(names) == sorted((f"{number}.png", f"{place}.png") for place, number in enumerate(ORDER))
    assert bool(found.mutual.all())
    assert float(found.doubt.max()) < 0.3
    assert found.measures["nearest is right"] == found.measures["one to one is right"] == 1
    assert found.measures["mutual neighbour is right"] == found.measures["have a mutual neighbour"] == 1
    assert found.measures["by chance"] == pytest.approx(1 / COUNT)


def test_one_direction_will_do(tmp_path, a, b, truth):
    for direction in ("a_to_b", "b_to_a"):
        found = relate(bundle(tmp_path / direction, direction), a, b, truth=truth, device="cpu")
        assert found.measures["one to one is right"] == 1
        assert (found.a.translated is None) == (direction == "b_to_a")


def test_files(both, a, b, truth, tmp_path):
    (a / "lonely.png").write_bytes((a / "0.png").read_bytes())  # one more than B has: of 0.png and this one gets its partner
    (a / "broken.png").write_bytes(b"no picture")
    found = relate_files(both, a, b, out=tmp_path / "out", truth=truth, device="cpu")
    assert [name for name, _ in found.a.skipped] == ["broken.png"]
    rows = list(csv.DictReader((tmp_path / "out" / "pairs.csv").open()))
    assert list(rows[0]) == ["a", "b", "distance", "doubt", "mutual", "nearest", "right"]
    assert len(rows) == COUNT + 1
    doubts = [float(row["doubt"]) for row in rows if row["b"]]
    assert doubts == sorted(doubts)
    assert doubts[-1] == pytest.approx(1, abs=1e-3)
    (alone,) = [row for row in rows if not row["b"]]
    assert alone["a"] in ("0.png", "lonely.png")
    told = json.loads((tmp_path / "out" / "relation.json").read_text())
    assert told["images"] == {"a": COUNT + 1, "b": COUNT}
    assert told["doubtful"] == 1
    assert Image.open(tmp_path / "out" / "pairs.png").size[0] > 8 * 64
    with pytest.raises(RunError, match=r"pairs\.csv is there already"):
        relate_files(both, a, b, out=tmp_path / "out", device="cpu")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a,b\n0.png,none.png\n", "line 2: no image 'none.png' in B"),
        ("a,b\n0.pgn,0.png\n", r"line 2: no image '0.pgn' in A \(did you mean '0.png'\?\)"),
        ("a,b\n0.png,0.png\n0.png,1.png\n", "line 3: '0.png' has two partners"),
        ("x,y\n0.png,0.png\n", "found x, y; wanted a CSV with the columns a and b"),
        ("", "found no rows"),
        ("a,b\n0.png\n", "line 2 has no b; wanted a and b"),
        ("c,b,a\n0.png,0.png\n", "line 2 has no a; wanted a and b"),
        ("x,y\n0.png,0.png,0.png\n", "found x, y; wanted"),
        ("a,b\n\n\n0.png,none.png\n", "line 4: no image 'none.png' in B"),
        (f"a,b\n0.png,{'x' * 200_000}\n", "cannot be read: field larger than field limit"),
    ],
)
def test_a_truth_without_sense_is_refused(both, a, b, tmp_path, content, says):
    (tmp_path / "wrong.csv").write_text(content)
    with pytest.raises(DataError, match=says):
        relate_files(both, a, b, out=tmp_path / "out", truth=tmp_path / "wrong.csv", device="cpu")
    assert not (tmp_path / "out").exists()


def test_the_command(both, a, b, truth, tmp_path, capsys):
    cli.main(["relate", str(both), str(a), str(b), "--out", str(tmp_path / "out"), "--truth", str(truth)])
    said = capsys.readouterr().out
    assert "12 pairs, 12 of them mutual neighbours, 0 doubtful" in said
    assert "one to one is right: 100.0%" in said
