"""From bundles to files of pytorch-CycleGAN-and-pix2pix, which its networks load strictly."""

import re
from pathlib import Path

import originals
import pytest
import torch
from originals import drawn, instance, patch, pixel, resnet, unet
from torch import nn

from unpaired import cli
from unpaired.bundle import Judge, save_bundle
from unpaired.errors import ForeignFile
from unpaired.interop.exporting import export_bundle
from unpaired.interop.importing import import_files
from unpaired.networks.build import discriminator, generator
from unpaired.networks.noise import set_deterministic
from unpaired.networks.specs import EncoderDecoder, PatchGAN, ResidualImage, ResNet, UNet
from unpaired.translator import Translator

BATCH, NONE = nn.BatchNorm2d, originals.Nothing


def bundle(folder, *, judges=None, **specs):
    """A bundle of drawn networks by direction; the networks."""
    shape, networks = (3, 32, 32), {}
    translators, kept = {}, {}
    for name, spec in specs.items():
        networks[name] = drawn(generator(spec, shape, shape)).eval()
        translators[name] = Translator(networks[name], spec=spec, source=shape, target=shape)
    for name, spec in (judges or {}).items():
        networks[name] = drawn(discriminator(spec, shape)).eval()
        kept[name] = Judge(networks[name], spec, shape)
    save_bundle(folder, translators, judges=kept, fit="crop", background="white", about={}, card="")
    return networks


def state(path):
    return torch.load(path, weights_only=True)


@pytest.mark.parametrize(
    ("spec", "theirs", "training"),
    [
        (ResNet(width=4, blocks=2), lambda: resnet(instance), False),
        (ResNet(width=4, blocks=2, dropout=0.5), lambda: resnet(instance, dropout=True), False),
        (ResNet(width=4, blocks=2, norm="batch"), lambda: resnet(BATCH), False),
        (ResNet(width=4, blocks=2, norm="batch-by-image"), lambda: resnet(BATCH), True),
        (ResNet(width=4, blocks=2, norm="instance-affine"), lambda: resnet(BATCH), True),
        (UNet(width=2, downs=5, norm="batch"), lambda: unet(BATCH), False),
        (UNet(width=2, downs=5, norm="instance", dropout=0.0), lambda: unet(instance), False),
    ],
)
def test_generators_load_there_and_answer_the_same(tmp_path, spec, theirs, training):
    """training: as test.py has them without --eval, one image at a time."""
    ours = bundle(tmp_path / "bundle", a_to_b=spec)["a_to_b"]
    (exported,) = export_bundle(tmp_path / "bundle", out=tmp_path / "out")
    network = theirs()
    network.load_state_dict(state(exported.file), strict=True)
    network.train(training)
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    set_deterministic(ours, True)
    x = torch.rand(1, 3, 32, 32) * 2 - 1
    wanted = ours(x)
    assert wanted.std() > 0.05
    assert (network(x) - wanted).abs().max() < 1e-5


@pytest.mark.parametrize(
    ("spec", "theirs"),
    [
        (PatchGAN(width=4, layers=2), lambda: patch(instance, layers=2)),
        (PatchGAN(width=4, norm="batch"), lambda: patch(BATCH)),
        (PatchGAN(width=4, layers=0), lambda: pixel(instance)),
        (PatchGAN(width=4, layers=0, norm="batch"), lambda: pixel(BATCH)),
    ],
)
def test_discriminators_too(tmp_path, spec, theirs):
    ours = bundle(tmp_path / "bundle", judges={"discriminate_b": spec})["discriminate_b"]
    (exported,) = export_bundle(tmp_path / "bundle", out=tmp_path / "out")
    network = theirs()
    network.load_state_dict(state(exported.file), strict=True)
    x = torch.rand(2, 3, 32, 32) * 2 - 1
    torch.testing.assert_close(network.eval()(x), ours(x)[0], atol=1e-5, rtol=1e-5)


def test_names(tmp_path):
    """With both directions as in CycleGAN, where D_A judges what G_A makes; one alone is G."""
    judges = {"discriminate_a": PatchGAN(width=2), "discriminate_b": PatchGAN(width=3), "discriminate": PatchGAN(width=4)}
    both = {"a_to_b": ResNet(width=2), "b_to_a": ResNet(width=3)}
    bundle(tmp_path / "both", judges=judges, **both)
    found = {each.role: each.file.name for each in export_bundle(tmp_path / "both", out=tmp_path / "out")}
    assert found == {
        "a_to_b": "latest_net_G_A.pth", "b_to_a": "latest_net_G_B.pth", "discriminate_b": "latest_net_D_A.pth",
        "discriminate_a": "latest_net_D_B.pth", "discriminate": "latest_net_D.pth",
    }  # fmt: skip
    assert state(tmp_path / "out" / "latest_net_D_A.pth")["model.0.weight"].shape[0] == 3
    bundle(tmp_path / "one", judges={"discriminate": PatchGAN(width=2)}, b_to_a=ResNet(width=2))
    assert {each.file.name for each in export_bundle(tmp_path / "one", out=tmp_path / "two")} == {
        "latest_net_G.pth", "latest_net_D.pth",
    }  # fmt: skip


@pytest.mark.parametrize(
    "make",
    [
        lambda: resnet(instance, blocks=6),
        lambda: resnet(BATCH, dropout=True),
        lambda: resnet(NONE),
        lambda: unet(BATCH, downs=6),
        lambda: unet(NONE),
        lambda: unet(instance, downs=7),
        lambda: patch(BATCH),
        lambda: patch(NONE),
        lambda: pixel(NONE),
    ],
    ids=range(9),
)  # fmt: skip
def test_there_and_back(tmp_path, make):
    """What was imported is exported as it was, name by name and bit by bit."""
    wanted = drawn(make()).state_dict()
    torch.save(wanted, tmp_path / "file.pth")
    out, _ = import_files([tmp_path / "file.pth"])
    (exported,) = export_bundle(out, out=tmp_path / "out")
    found = state(exported.file)
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[key], wanted[key]) for key in wanted)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            EncoderDecoder(width=2),
            "has no network like encoder_decoder(width=2, bottleneck=None, inputs='signed'); it has ResNets",
        ),
        (ResidualImage(width=2), "has no network like residual_image("),
        (ResNet(width=2, downs=1), "halves twice, this one has downs=1"),
        (UNet(width=2, downs=4), "has 5 downs or more, this one has 4"),
        (ResNet(width=2, blocks=1, norm="none"), "has no bias in the layer model.1 with this norm"),
        (UNet(width=2, downs=5, norm="instance-affine"), "has no bias in the layer model.model.0 with this norm"),
    ],
)
def test_what_that_project_has_not(tmp_path, spec, said):
    bundle(tmp_path / "bundle", a_to_b=spec)
    with pytest.raises(ForeignFile, match=re.escape(said)):
        export_bundle(tmp_path / "bundle", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten(tmp_path):
    bundle(tmp_path / "bundle", a_to_b=ResNet(width=2))
    export_bundle(tmp_path / "bundle", out=tmp_path / "out")
    with pytest.raises(ForeignFile, match=r"latest_net_G\.pth is there already; give another folder with --out"):
        export_bundle(tmp_path / "bundle", out=tmp_path / "out")


@pytest.mark.parametrize(
    ("spec", "lines"),
    [
        (ResNet(width=2, blocks=6), ["--netG resnet_6blocks --ngf 2 --norm instance --no_dropout"]),
        (
            ResNet(width=2, blocks=3, norm="instance-affine", dropout=0.2),
            [
                "--netG resnet_3blocks --ngf 2 --norm batch", "affine instance norms are written as batch norms",
                "dropout is 0.5 there", "n_blocks=3",
            ],
        ),
        (UNet(width=2, downs=5), ["--netG unet_32 --ngf 2 --norm batch", "with --eval alone", "num_downs=5"]),
    ],
)  # fmt: skip
def test_what_is_told(tmp_path, capsys, spec, lines):
    bundle(tmp_path / "bundle", a_to_b=spec)
    cli.main(["export", str(tmp_path / "bundle"), "--out", str(tmp_path / "out")])
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "a_to_b -> latest_net_G.pth"
    assert len(said) == 1 + len(lines)
    assert all(wanted in line for wanted, line in zip(lines, said[1:], strict=True))
    assert Path(tmp_path / "out" / "latest_net_G.pth").exists()


def test_a_discriminators_options(tmp_path):
    bundle(
        tmp_path / "bundle", judges={"discriminate_a": PatchGAN(width=2, layers=2), "discriminate_b": PatchGAN(width=2, layers=0)}
    )
    assert [each.options for each in export_bundle(tmp_path / "bundle", out=tmp_path / "out")] == [
        "--netD n_layers --n_layers_D 2 --ndf 2 --norm instance", "--netD pixel --ndf 2 --norm instance",
    ]  # fmt: skip
