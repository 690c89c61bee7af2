"""Samples, grids and walks as files, and on the command line."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from unpaired import cli, images
from unpaired.bundle import save_bundle
from unpaired.errors import ConfigError, RunError
from unpaired.networks.autoencoder import Shape
from unpaired.networks.build import autoencoder, noise_generator
from unpaired.networks.specs import DCGANGenerator, DenseAutoencoder
from unpaired.products import Autoencoder, Noise, Sampler
from unpaired.sampling import Asked, sample_files, samplers_of

SPEC = DCGANGenerator(width=2)


def sampler(*, classes=(), shape: Shape = (1, 8, 8), seed=0):
    torch.manual_seed(seed)
    network = noise_generator(SPEC, shape, noise=5, condition=len(classes)).eval()
    for module in network.modules():  # what an untrained network shows is nearly grey
        if isinstance(module, torch.nn.ConvTranspose2d):
            torch.nn.init.normal_(module.weight, 0, 0.5)
    return Sampler(network, spec=SPEC, shape=shape, noise=Noise(5, "uniform"), classes=classes)


@pytest.fixture
def kept(tmp_path):
    """A function that keeps products in a bundle."""

    def keep(**remains):
        save_bundle(tmp_path / "bundle", remains, fit="crop", background="white", about={}, card="")
        return tmp_path / "bundle"

    return keep


def pixels(path):
    return images.read(path)


def test_a_file_for_each_sample(kept, tmp_path):
    made = sampler()
    written = sample_files(kept(sampler=made), Asked(3, seed=4), out=tmp_path / "out")
    assert [path.name for path in written] == ["00001.png", "00002.png", "00003.png"]
    wanted = images.to_uint8(made(3, seed=4)).numpy()
    assert all(np.array_equal(pixels(path)[..., :1], shown) for path, shown in zip(written, wanted, strict=True))


def test_files_are_called_after_their_class(kept, tmp_path):
    made = sampler(classes=("T-shirt/top", "boot"))
    bundle = kept(sampler=made)
    written = sample_files(bundle, Asked(3), out=tmp_path / "turns")
    assert [path.name for path in written] == ["00001-T-shirt_top.png", "00002-boot.png", "00003-T-shirt_top.png"]
    for asked in ("boot", "1"):
        written = sample_files(bundle, Asked(2, asked), out=tmp_path / asked)
        assert [path.name for path in written] == ["00001-boot.png", "00002-boot.png"]
        assert np.array_equal(pixels(written[1])[..., :1], images.to_uint8(made(2, class_="boot"))[1].numpy())


def test_a_grid_is_as_square_as_may_be(kept, tmp_path):
    (path,) = sample_files(kept(sampler=sampler()), Asked(10, grid=True), out=tmp_path / "out")
    assert path.name == "grid.png"
    assert pixels(path).shape[:2] == (4 * 66 + 2, 3 * 66 + 2)  # 3 + 3 + 3 + 1 samples of 8 px, eight times as large


def test_a_grid_has_a_row_for_each_class_of_the_same_samples(kept, tmp_path):
    made = sampler(classes=("a", "b"))
    bundle = kept(sampler=made)
    (grid,) = sample_files(bundle, Asked(5, grid=True), out=tmp_path / "grid")
    sheet, single = pixels(grid), images.to_uint8(made(5)).numpy()
    right = sheet[:, -(3 * 66) :]
    for place, shown in enumerate(single):
        column, row = divmod(place, 2)
        tile = right[2 + 66 * row : 66 + 66 * row : 8, 66 * column : 64 + 66 * column : 8, :1]
        assert np.array_equal(tile, shown)


def test_a_walk_as_a_sheet_and_as_a_picture_that_moves(kept, tmp_path):
    made = sampler()
    still, moving = sample_files(kept(sampler=made), Asked(3, walk=True, steps=4, seed=2), out=tmp_path / "out")
    assert (still.name, moving.name) == ("walk.png", "walk.gif")
    assert pixels(still).shape[:2] == (2 * 66 + 2, 4 * 66 + 2)
    with images.open_frames(moving) as frames:
        assert (len(frames), frames.loops) == (9, 0)  # three ways of four, whose ends are the next ones' beginnings
        shown = [frame[::8, ::8, :1] for frame in frames]
    stops = images.to_uint8(made(3, seed=2)).numpy()
    for at, stop in zip((0, 3, 6), stops, strict=True):
        assert np.abs(shown[at].astype(int) - stop).max() <= 1


def test_two_domains_lie_side_by_side(kept, tmp_path):
    bundle = kept(sampler_a=sampler(), sampler_b=sampler(shape=(3, 8, 8), seed=1))
    names = [path.name for path in sample_files(bundle, Asked(2), out=tmp_path / "single")]
    assert names == ["00001-a.png", "00002-a.png", "00001-b.png", "00002-b.png"]
    (grid,) = sample_files(bundle, Asked(4, grid=True), out=tmp_path / "grid")
    assert pixels(grid).shape[0] == 4 * 66 + 2
    still, moving = sample_files(bundle, Asked(2, walk=True, steps=3), out=tmp_path / "walk")
    assert pixels(still).shape[0] == 2 * 66 + 2
    with images.open_frames(moving) as frames:
        assert next(iter(frames)).shape == (64, 128, 3)


def test_nothing_is_overwritten(kept, tmp_path):
    bundle = kept(sampler=sampler())
    sample_files(bundle, Asked(1), out=tmp_path / "out")
    with pytest.raises(RunError, match=r"00001\.png is there already; choose another --out"):
        sample_files(bundle, Asked(2), out=tmp_path / "out")
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_what_cannot_be_drawn(kept, tmp_path):
    with pytest.raises(ConfigError, match="samples without classes, found --class 7"):
        sample_files(kept(sampler=sampler()), Asked(1, "7"), out=tmp_path / "out")
    with pytest.raises(ConfigError, match=r"no class 'boat' \(did you mean 'boot'\?\)"):
        sample_files(kept(sampler=sampler(classes=("shoe", "boot"))), Asked(1, "boat"), out=tmp_path / "out")
    with pytest.raises(ConfigError, match="found 1 stops and --steps 10; a walk wants 2 or more"):
        sample_files(kept(sampler=sampler()), Asked(1, walk=True), out=tmp_path / "out")
    spec = DenseAutoencoder(hidden=(4,), code=2)
    with pytest.raises(RunError, match="keeps autoencoder; wanted a sampler"):
        samplers_of(kept(autoencoder=Autoencoder(autoencoder(spec, (1, 8, 8)), spec=spec, shape=(1, 8, 8))))
    assert not (tmp_path / "out").exists()


def test_on_the_command_line(kept, tmp_path, capsys):
    bundle = kept(sampler=sampler(classes=("a", "b")))
    cli.main(["sample", str(bundle), "-n", "5", "--class", "b", "--seed", "3", "--out", str(tmp_path / "out")])
    assert capsys.readouterr().out == f"drawn into {tmp_path / 'out'}: 5\n"
    cli.main(["sample", str(bundle), "--interpolate", "--steps", "3", "--out", str(tmp_path / "out")])
    assert "walk.png, walk.gif" in capsys.readouterr().out
    with pytest.raises(SystemExit) as end:
        cli.main(["sample", str(bundle), "-n", "0", "--out", str(tmp_path / "out")])
    assert end.value.code == 2


def test_help_is_told_without_torch():
    program = "import sys\nfrom unpaired import cli\nfor line in sys.argv[1:]:\n    try:\n        cli.main(line.split())\n"
    program += "    except SystemExit:\n        pass\nprint('torch' in sys.modules)"
    lines = [
        "sample --help",
        "sample",
        *(f"train {game} --help" for game in ("gan", "dcgan", "sgan", "acgan", "cogan", "autoencoder")),
    ]
    done = subprocess.run([sys.executable, "-c", program, *lines], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


def test_a_walk_is_no_grid(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["sample", "run", "--out", str(tmp_path / "x"), "--interpolate", "--grid"])
    assert stop.value.code == 2
    assert "--interpolate draws a walk, --grid single samples; wanted one of them" in capsys.readouterr().err
