"""Tiles against the whole image, number by number; memory; disks; what is refused."""

import itertools
import re
import subprocess
import sys

import pytest
import torch
from torch import nn

from unpaired.errors import RunError, ShapeError
from unpaired.large import padded_shape, run, translate_large, whole_bytes
from unpaired.large.layers import Layer
from unpaired.networks.encoder_decoder import EncoderDecoderNet
from unpaired.networks.noise import set_deterministic
from unpaired.networks.residual_image import ResidualImageGenerator
from unpaired.networks.resnet import ResNetGenerator
from unpaired.networks.unet import UNetGenerator

NORMS = ["instance", "instance-affine", "batch", "batch-by-image", "none"]
NETWORKS = {
    "resnet": lambda norm, a, b: ResNetGenerator(in_channels=a, out_channels=b, width=6, blocks=2, downs=2, norm=norm),
    "residual_image": lambda norm, a, b: ResidualImageGenerator(channels=a, width=6, blocks=1, downs=2, norm=norm),
    "unet": lambda norm, a, b: UNetGenerator(in_channels=a, out_channels=b, width=4, downs=5, norm=norm, dropout=0.0),
}


def resnet(**changes):
    options = {"in_channels": 3, "out_channels": 3, "width": 6, "blocks": 2, "downs": 2, "norm": "instance"}
    return ResNetGenerator(**{**options, **changes})


def most(difference):
    return difference.abs().max().item()


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("kind", NETWORKS)
def test_tiles_give_what_the_whole_image_gives(kind, norm, picture, shaken, tiled, whole):
    """97 x 131 is no multiple of the tile, nor of the networks' strides."""
    channels = (3, 3) if kind == "residual_image" else (3, 2)
    network, x = shaken(NETWORKS[kind](norm, *channels)), picture(3, 97, 131)
    wanted = whole(network, x)
    assert wanted.std() > 0.1  # not saturated, not constant
    assert most(tiled(network, x, out=channels[1], tile=40) - wanted) < 1e-4


@pytest.mark.parametrize("size", [(20, 300), (300, 20), (64, 96), (33, 34), (1, 90), (61, 2)])
def test_any_size(size, picture, shaken, tiled, whole):
    """Larger than a tile in one direction only, multiples of the tile, a little more than it, a single row."""
    network, x = shaken(resnet()), picture(3, *size)
    assert most(tiled(network, x, out=3, tile=32) - whole(network, x)) < 1e-4


@pytest.mark.parametrize("tile", [6, 16, 31, 50, 96, 1000])
def test_any_tile(tile, picture, shaken, tiled, whole):
    network, x = shaken(resnet(blocks=1)), picture(3, 50, 96)
    assert most(tiled(network, x, out=3, tile=tile) - whole(network, x)) < 1e-4


@pytest.mark.parametrize(("source", "target"), [(1, 4), (7, 1), (12, 5)])
def test_any_channels(source, target, picture, shaken, tiled, whole):
    network, x = shaken(resnet(in_channels=source, out_channels=target)), picture(source, 60, 70)
    assert most(tiled(network, x, out=target, tile=32) - whole(network, x)) < 1e-4


def test_statistics_of_tiles_would_be_seen(picture, shaken, whole):
    """What today's tools do: each tile through the network alone. The same comparison, and it fails by far."""
    network, x = shaken(resnet()), picture(3, 128, 128)
    alone = torch.cat([whole(network, part) for part in x.split(64, 2)], 2)
    assert most(alone - whole(network, x)) > 0.3


def test_far_from_zero(picture, tiled, whole):
    """A mean of 1000 and a deviation of 0.1: sums of squares in float32 would leave nothing of the variance."""
    torch.manual_seed(1)
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.GroupNorm(2, 2, eps=1e-9), nn.Conv2d(2, 1, 3, padding=1)).eval()
    nn.init.constant_(network[0].bias, 1000.0)
    nn.init.constant_(network[0].weight, 0.1)
    x = picture(1, 90, 90)
    wanted = whole(network.double(), x.double())
    assert most(tiled(network.float(), x, out=1, tile=32) - wanted) < 5e-3 * wanted.std()


def test_an_affine_group_norm_and_other_layers(picture, shaken, tiled, whole):
    """Groups of channels, replicated and zero borders, dilation, groups, odd strides and kernels, numbers in the forward."""

    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.down = nn.Sequential(
                nn.ReplicationPad2d((1, 2, 3, 0)),
                nn.Conv2d(2, 6, (5, 3), (3, 2), padding=(1, 2), dilation=(1, 2)),
                nn.GroupNorm(2, 6),
                nn.LeakyReLU(0.2, inplace=True),
                nn.Conv2d(6, 6, 4, padding="same", padding_mode="replicate", groups=3),
                nn.InstanceNorm2d(6, affine=True),
                nn.PReLU(6),
            )
            self.up = nn.ConvTranspose2d(12, 4, (4, 1), (3, 2), padding=(3, 2), output_padding=(0, 1), dilation=(2, 1), groups=2)
            self.end = nn.Sequential(nn.ZeroPad2d((0, 1, 0, 0)), nn.Conv2d(4, 1, 2))

        def forward(self, x):
            a = self.down((x + 1) / 2)
            b = torch.cat([a, 1 - a.tanh()], dim=1)
            return 0.5 * self.end(self.up(b) - 0.25)

    network, x = shaken(Odd()), picture(2, 120, 114)
    with torch.no_grad():
        wanted = network(x)
    assert most(tiled(network, x, out=1, tile=29) - wanted) < 1e-4


def test_batch_norm_in_training_measures_the_image(picture, shaken, tiled):
    """As pix2pix's authors translate. One image is the batch, so that the oracle is torch's own training mode."""
    network = shaken(UNetGenerator(in_channels=3, out_channels=3, width=4, downs=4, norm="batch", dropout=0.0)).train()
    x = picture(3, 80, 96)
    kept = {key: value.clone() for key, value in network.state_dict().items()}
    y = tiled(network, x, out=3, tile=32)
    assert all(torch.equal(value, kept[key]) for key, value in network.state_dict().items())  # nothing was learned
    with torch.no_grad():
        assert most(y - network(x)) < 1e-4
        assert most(y - network.eval()(x)) > 0.1


def test_overwriting_activations(picture, shaken, tiled, whole):
    """A ReLU in place on a skip connection changes what the skip carries: the published U-Net works so."""

    class Skip(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)
            self.over, self.norm = nn.ReLU(inplace=True), nn.GroupNorm(3, 3)
            self.end = nn.Conv2d(6, 1, 1)

        def forward(self, x):
            a = self.a(x)
            return self.end(torch.cat([a, self.norm(self.b(self.over(a)))], 1))

    network, x = shaken(Skip()), picture(1, 70, 50)
    assert most(tiled(network, x, out=1, tile=32) - whole(network, x)) < 1e-4


def test_what_is_still_needed_is_not_overwritten(picture, shaken, tiled, whole):
    """Activations work in place to spare memory, but not where their input is heard by others, seen through a border too."""

    class Beside(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.relu, self.pad = nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.ReflectionPad2d(1)
            self.b, self.end = nn.Conv2d(2, 2, 3), nn.Conv2d(8, 1, 1)

        def forward(self, x):
            a = self.a(x)
            return self.end(torch.cat([self.relu(a), self.b(self.relu(self.pad(a))), self.relu(self.relu(a)), a], 1))

    network, x = shaken(Beside()), picture(1, 100, 50)
    assert most(tiled(network, x, out=1, tile=32) - whole(network, x)) < 1e-4


@pytest.mark.parametrize("tile", [16, 32, 64])
def test_the_reader_keeps_its_image(tile, picture, shaken, tiled):
    """The network starts by writing over what it was given; that must not be the caller's."""
    network = shaken(nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(1, 1, 3, padding=1), nn.GroupNorm(1, 1)))
    x = picture(1, 64, 20)
    before = x.clone()
    tiled(network, x, out=1, tile=tile)
    assert torch.equal(x, before)


def test_autocast(picture, shaken, tiled, whole):
    """In bfloat16, which the files then hold too, tiles stay as near to float32 as the whole image in bfloat16 does."""
    network, x = shaken(resnet()), picture(3, 96, 80)
    exact = whole(network, x)
    with torch.autocast("cpu", torch.bfloat16):
        y, rough = tiled(network, x, out=3, tile=32), whole(network, x)
    assert y.dtype == torch.float32
    error, usual = (y - exact).square().mean().sqrt(), (rough - exact).square().mean().sqrt()
    assert 0 < error < 2 * usual


class TestNoise:
    def network(self, shaken):
        return shaken(resnet(dropout=0.5, blocks=1))

    def test_is_a_function_of_the_seed(self, picture, shaken, tiled):
        network, x = self.network(shaken), picture(3, 80, 80)
        torch.manual_seed(5)
        first = tiled(network, x, out=3, tile=32)
        torch.manual_seed(5)
        assert torch.equal(tiled(network, x, out=3, tile=32), first)
        assert most(tiled(network, x, out=3, tile=32) - first) > 0.1

    def test_does_not_hang_on_the_tiles(self, picture, shaken, tiled):
        """Each place is dropped or not, whichever tile asks and however often: so there are no seams."""
        network, x = self.network(shaken), picture(3, 80, 90)
        torch.manual_seed(5)
        first = tiled(network, x, out=3, tile=32)
        torch.manual_seed(5)
        assert most(tiled(network, x, out=3, tile=50) - first) < 1e-4

    def test_is_off_where_it_was_turned_off(self, picture, shaken, tiled, whole):
        network, x = self.network(shaken), picture(3, 80, 80)
        set_deterministic(network, True)
        state = torch.random.get_rng_state()
        assert most(tiled(network, x, out=3, tile=32) - whole(network, x)) < 1e-4
        assert torch.equal(torch.random.get_rng_state(), state)

    def test_has_the_law_of_dropout(self, tiled):
        """Of ones a half is left, and doubled: in each channel, with no neighbour told by another."""
        network = nn.Sequential(nn.Dropout(0.5), nn.Conv2d(2, 2, 1, groups=2, bias=False)).train()
        nn.init.ones_(network[1].weight)
        y = tiled(network, torch.ones(1, 2, 300, 300), out=2, tile=100)
        assert set(y.unique().tolist()) == {0.0, 2.0}
        assert (y.mean((0, 2, 3)) - 1).abs().max() < 0.02
        pairs = [(y[:, 0], y[:, 1]), (y[..., 1:], y[..., :-1]), (y[..., 64:, :], y[..., :-64, :])]
        assert all(abs(((a - 1) * (b - 1)).mean()) < 0.02 for a, b in pairs)


class TestPadding:
    @pytest.mark.parametrize(
        ("shape", "wanted"), [((64, 64), (64, 64)), ((65, 63), (68, 64)), ((1, 5), (8, 8)), ((12000, 11999), (12000, 12000))]
    )
    def test_of_a_resnet(self, shape, wanted):
        """Multiples of 4; 4 px would do for the ends, but a block of 1 px cannot be reflected by 1."""
        assert padded_shape(resnet(), shape=shape, channels=3) == wanted

    def test_of_a_unet(self):
        network = UNetGenerator(in_channels=1, out_channels=1, width=2, downs=8, norm="instance", dropout=0.0)
        assert padded_shape(network, shape=(257, 256), channels=1) == (512, 256)

    def test_mirrors_below_and_to_the_right(self, tiled):
        """Worked out on paper: rows 0 1 2 and then 1; a mean of 2 x 2 px in each, with a stride of 2."""
        network = nn.Sequential(nn.Conv2d(1, 1, 2, 2, bias=False), nn.ConvTranspose2d(1, 1, 2, 2, bias=False))
        nn.init.constant_(network[0].weight, 0.25)
        nn.init.ones_(network[1].weight)
        x = torch.tensor([[0.0, 4.0, 8.0], [4.0, 0.0, 4.0], [8.0, 4.0, 0.0]])[None, None]
        y = torch.tensor([[2.0, 2.0, 4.0], [2.0, 2.0, 4.0], [4.0, 4.0, 2.0]])[None, None]
        assert torch.equal(tiled(network, x, out=1, tile=8), y)
        assert torch.equal(tiled(network, x, out=1, tile=2), y)


class TestMemory:
    def test_is_bounded_by_the_tile(self, monkeypatch, shaken):
        """However large the image, what a tile asks for and what any layer answers is no larger."""
        sizes = []
        compute = {kind: kind.compute for kind in Layer.__subclasses__()}
        for kind, function in compute.items():

            def watched(self, *xs, _function=function, **more):
                y = _function(self, *xs, **more)
                sizes.append(max(y.numel(), *(x.numel() for x in xs)))
                return y

            monkeypatch.setattr(kind, "compute", watched)

        def largest(side):
            sizes.clear()
            asked = []

            def read(rows, cols):
                asked.append((rows.stop - rows.start) * (cols.stop - cols.start))
                return torch.zeros(1, 3, rows.stop - rows.start, cols.stop - cols.start)

            translate_large(
                shaken(resnet(width=2, blocks=1)),
                shape=(side, side),
                channels=(3, 3),
                read=read,
                write=lambda rows, cols, y: sizes.append(y.numel()),
                tile=64,
            )
            return max(sizes), max(asked)

        small, large = largest(256), largest(640)
        assert large[0] <= 1.05 * small[0]  # tiles differ by a pixel
        assert large[0] < 640 * 640
        assert large[1] <= (64 + 2 * 16) ** 2

    @pytest.mark.skipif(sys.platform != "linux", reason="the kernel is asked for the process's peak")
    def test_of_the_process(self, tmp_path):
        """What it grows by from a small image to a larger one: nothing much, and by far more where a tile holds all of it."""
        script = """
import sys, torch
from pathlib import Path
from unpaired.large import translate_large, whole_bytes
from unpaired.networks.residual_image import ResidualImageGenerator
torch.set_num_threads(1)
network = ResidualImageGenerator(channels=3, width=32, blocks=1, downs=1, norm="instance").eval()
def go(side, tile):
    translate_large(network, shape=(side, side), channels=(3, 3), write=lambda rows, cols, y: None, tile=tile,
        read=lambda rows, cols: torch.zeros(1, 3, rows.stop - rows.start, cols.stop - cols.start), scratch=Path(sys.argv[1]))
    status = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return status["VmHWM"].split()[0]  # unlike ru_maxrss this is not inherited from who started the process
print(go(300, 128), go(1100, 128), go(1100, 1100))
"""
        answer = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True)
        small, large, whole = (int(kib) / 1024 for kib in answer.stdout.split())
        assert large - small < 25  # MiB; a layer of this image has 32 * 550 * 550 * 4 B = 37 MiB
        assert whole - small > 75


class TestDisk:
    def test_files_are_gone_afterwards(self, tmp_path, picture, shaken, tiled):
        network, x = shaken(resnet()), picture(3, 96, 96)
        tiled(network, x, out=3, tile=32, scratch=tmp_path / "new" / "folder")
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    def test_less_is_kept_on_a_short_one(self, monkeypatch, picture, shaken, tiled, whole):
        """More is computed again; the answer is the same."""
        network, x = shaken(resnet()), picture(3, 96, 96)
        most_used = []
        monkeypatch.setattr(run.Scratch, "free", lambda self: 120_000)
        planned = run.Planner.plan
        monkeypatch.setattr(run.Planner, "plan", lambda self, **more: most_used.append(planned(self, **more)) or most_used[-1])
        y = tiled(network, x, out=3, tile=32)
        assert 0 < most_used[0].disk <= 120_000
        monkeypatch.setattr(run.Scratch, "free", lambda self: 10**12)
        tiled(network, x, out=3, tile=32)
        assert most_used[1].disk > 120_000
        assert most(y - whole(network, x)) < 1e-4

    def test_too_short(self, monkeypatch, tmp_path, picture, shaken, tiled):
        monkeypatch.setattr(run.Scratch, "free", lambda self: 1000)
        with pytest.raises(RunError, match=rf"wants 0.00\d+ GB .* {re.escape(str(tmp_path))} has 9.5e-07 GB to spare"):
            tiled(shaken(resnet(blocks=6)), picture(3, 200, 200), out=3, tile=32, scratch=tmp_path)


class TestProgress:
    @pytest.mark.parametrize("tile", [32, 200])
    def test_goes_to_the_end(self, tile, picture, shaken, tiled):
        seen = []
        tiled(shaken(resnet()), picture(3, 96, 96), out=3, tile=tile, progress=seen.append)
        assert all(0 < a <= b <= 1 for a, b in itertools.pairwise([*seen, 1.0]))
        assert seen[-1] == 1
        assert len(seen) > 20 or tile == 200


class TestRefusals:
    def test_of_a_layer_that_sees_everything(self, picture, tiled):
        network = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.AdaptiveAvgPool2d(8))
        with pytest.raises(ShapeError, match=r"'1 \(AdaptiveAvgPool2d\)' may look at all of it; .* --generator resnet or unet"):
            tiled(network, picture(1, 64, 64), out=1, tile=32)

    def test_of_an_image_of_other_channels(self, picture, shaken, tiled):
        with pytest.raises(ShapeError, match="takes 3 channels, found 2"):
            tiled(shaken(resnet()), picture(2, 64, 64), out=3, tile=32)

    def test_of_an_answer_of_other_channels(self, picture, shaken, tiled):
        with pytest.raises(ShapeError, match=r"makes \[3, 64, 64\] of an image \[3, 64, 64\]; wanted 5 channels"):
            tiled(shaken(resnet()), picture(3, 64, 64), out=5, tile=32)

    def test_of_a_network_that_shrinks(self, picture, tiled):
        with pytest.raises(ShapeError, match="and the size kept"):
            tiled(nn.Sequential(nn.Conv2d(1, 1, 3, 2, 1)), picture(1, 64, 64), out=1, tile=32)

    def test_of_no_size(self, shaken, tiled):
        with pytest.raises(ShapeError, match="0 x 5 px in tiles of 32 px; wanted at least one"):
            tiled(shaken(resnet()), torch.zeros(1, 3, 0, 5), out=3, tile=32)

    @pytest.mark.parametrize("part", [torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 64, 64, dtype=torch.uint8)])
    def test_of_what_a_reader_gives(self, part, shaken):
        with pytest.raises(ShapeError, match=r"read gave .* wanted floats \[1, 3, 64, 64\]"):
            translate_large(
                shaken(resnet()), shape=(64, 64), channels=(3, 3), read=lambda rows, cols: part, write=lambda *_: None
            )


def test_an_encoder_decoder_is_made_of_convolutions_too(picture, shaken, tiled, whole):
    """Its size is a matter of training alone: at another one, tiles give what the network gives."""
    network = shaken(EncoderDecoderNet(in_channels=3, out_channels=3, size=32, width=4, bottleneck=6, unit=True))
    x = picture(3, 64, 104)
    assert most(tiled(network, x, out=3, tile=32) - whole(network, x)) < 1e-4


def test_what_a_whole_image_takes_is_known_before_it_is_translated():
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 1)).eval()
    # At once at most: the first convolution's answer and the activation's, of 8 channels each, in floats.
    assert whole_bytes(network, shape=(10, 20), channels=3) == 4 * (8 + 8) * 10 * 20
    # Of 11 x 20 px, mirrored to 12 x 20: the input of the last layer, 8 channels on half the rows and columns, and its answer.
    network = nn.Sequential(nn.Conv2d(3, 8, 2, stride=2), nn.ConvTranspose2d(8, 30, 2, stride=2)).eval()
    assert whole_bytes(network, shape=(11, 20), channels=3) == 4 * (8 * 6 * 10 + 30 * 12 * 20)
