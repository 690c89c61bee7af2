"""From other projects' files to bundles."""

import hashlib
import json
import re

import numpy as np
import old_files
import originals
import PIL.Image
import pytest
import torch
from originals import drawn, instance, patch, resnet, unet
from torch import nn

from unpaired import cli
from unpaired.bundle import load, load_bundle, load_judges
from unpaired.errors import ForeignFile, RunError
from unpaired.interop.importing import import_files
from unpaired.networks.noise import is_noisy


def save(folder, **networks):
    """Files by their names, `__` for a dot."""
    folder.mkdir(exist_ok=True)
    for name, network in networks.items():
        torch.save(network.state_dict(), folder / name.replace("__", "."))


@pytest.fixture
def cycle(tmp_path):
    """A folder of a CycleGAN: two moments, both directions; the networks of the latest by name."""
    latest = {
        "G_A": resnet(instance, target=1), "G_B": resnet(instance, source=1),
        "D_A": patch(instance, source=1), "D_B": patch(instance),
    }  # fmt: skip
    folder = tmp_path / "horse2zebra"
    save(folder, **{f"latest_net_{name}__pth": drawn(network) for name, network in latest.items()})
    save(folder, **{f"{n}_net_G_A__pth": drawn(resnet(instance, target=1)) for n in (5, 100)})
    (folder / "train_opt.txt").write_text("...")
    return folder, latest


def roles(imported):
    return {entry.role: entry.file.name for entry in imported}


def test_a_folders_latest_become_a_bundle(cycle):
    """G_A translates A to B, and D_A judges what it makes."""
    folder, networks = cycle
    out, imported = import_files([folder], size=32)
    assert out == folder / "bundle"
    assert roles(imported) == {
        "a_to_b": "latest_net_G_A.pth", "b_to_a": "latest_net_G_B.pth",
        "discriminate_b": "latest_net_D_A.pth", "discriminate_a": "latest_net_D_B.pth",
    }  # fmt: skip
    a, b = torch.rand(2, 3, 32, 32) * 2 - 1, torch.rand(2, 1, 32, 32) * 2 - 1
    translators, judges = load_bundle(folder), load_judges(out)
    torch.testing.assert_close(translators["a_to_b"](a), networks["G_A"](a).detach(), atol=1e-5, rtol=0)
    torch.testing.assert_close(translators["b_to_a"](b), networks["G_B"](b).detach(), atol=1e-5, rtol=0)
    torch.testing.assert_close(judges["discriminate_b"].network(b)[0], networks["D_A"](b), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(judges["discriminate_a"].network(a)[0], networks["D_B"](a), atol=1e-5, rtol=1e-5)


def test_a_bundle_says_where_it_is_from(cycle):
    folder, _ = cycle
    out, _ = import_files([folder / "latest_net_G_A.pth"])
    about = json.loads((out / "config.json").read_text())["about"]["imported"]["a_to_b"]
    assert about["file"] == "latest_net_G_A.pth"
    assert about["sha256"] == hashlib.sha256((folder / "latest_net_G_A.pth").read_bytes()).hexdigest()
    assert about["project"] == "pytorch-CycleGAN-and-pix2pix"
    assert "latest_net_G_A.pth -> a_to_b" in (out / "card.md").read_text()


def test_a_file_brings_what_lies_beside_it(cycle, tmp_path):
    folder, _ = cycle
    assert len(import_files([folder / "latest_net_D_B.pth"], out=tmp_path / "all")[1]) == 4
    _, imported = import_files([folder / "5_net_G_A.pth"], out=tmp_path / "five")
    assert roles(imported) == {"a_to_b": "5_net_G_A.pth"}
    _, imported = import_files([folder / "latest_net_G_A.pth", folder / "latest_net_D_B.pth"], out=tmp_path / "two")
    assert set(roles(imported)) == {"a_to_b", "discriminate_a"}


def test_the_highest_number_is_the_latest(cycle):
    folder, _ = cycle
    for file in folder.glob("latest*"):
        file.unlink()
    assert roles(import_files([folder])[1]) == {"a_to_b": "100_net_G_A.pth"}


def test_carpedm20s_names(tmp_path):
    for step in (500, 1500):
        save(tmp_path, **{f"{name}_{step}__pth": originals.carpedm20_generator() for name in ("G_AB", "G_BA")})
        save(tmp_path, **{f"{name}_{step}__pth": originals.carpedm20_discriminator() for name in ("D_A", "D_B")})
    assert roles(import_files([tmp_path])[1]) == {
        "a_to_b": "G_AB_1500.pth", "b_to_a": "G_BA_1500.pth", "discriminate_a": "D_A_1500.pth", "discriminate_b": "D_B_1500.pth",
    }  # fmt: skip


def test_the_authors_names(tmp_path, authors):
    """Their generator_B translates A to B."""
    for name in ("gen_A", "gen_B"):
        old_files.write(tmp_path / f"model_{name}-3", drawn(originals.Generator()))
    for name in ("dis_A", "dis_B"):
        old_files.write(tmp_path / f"model_{name}-3", drawn(originals.Discriminator()))
    _, imported = import_files([tmp_path / "model_gen_B-3"])
    assert roles(imported) == {
        "a_to_b": "model_gen_B-3", "b_to_a": "model_gen_A-3",
        "discriminate_a": "model_dis_A-3", "discriminate_b": "model_dis_B-3",
    }  # fmt: skip
    text = "\n".join(imported[0].lines())
    assert "trained on BGR from 0 to 1; channels are swapped in its weights" in text
    assert "its weights were read, none of its code was run" in text


def test_pix2pixs_names(tmp_path):
    """G and D, which sees both images; a U-Net's noise is on."""
    save(
        tmp_path, latest_net_G__pth=unet(nn.BatchNorm2d, downs=6, dropout=True), latest_net_D__pth=patch(nn.BatchNorm2d, source=6)
    )
    out, imported = import_files([tmp_path])
    assert roles(imported) == {"a_to_b": "latest_net_G.pth", "discriminate": "latest_net_D.pth"}
    assert is_noisy(load(out).network)
    assert load(out).spec.norm == "batch-by-image"
    assert load_judges(out)["discriminate"].shape == (6, 256, 256)


@pytest.mark.parametrize(
    ("name", "dropout", "share"),
    [
        ("latest_net_G", "auto", 0.5),
        ("latest_net_G_A", "auto", 0),
        ("latest_net_G_B", "on", 0.5),
        ("latest_net_G", "off", 0),
        ("mine", "auto", 0.5),
    ],
)
def test_whether_a_unet_is_noisy(tmp_path, name, dropout, share):
    save(tmp_path, **{f"{name}__pth": unet(instance)})
    _, imported = import_files([tmp_path / f"{name}.pth"], dropout=dropout)
    assert imported[0].found.spec.dropout == share
    said = "assumed, at translation too" if share else "assumed to have been off"
    assert said in "\n".join(imported[0].lines())


def test_a_file_of_any_name_translates_a_to_b(tmp_path):
    save(tmp_path, mine__pt=resnet(nn.BatchNorm2d))
    _, imported = import_files([tmp_path / "mine.pt"], statistics="running")
    assert roles(imported) == {"a_to_b": "mine.pt"}
    assert imported[0].found.spec.norm == "batch"


def test_a_discriminator_alone_is_kept_too(tmp_path):
    save(tmp_path, d__pth=patch(instance))
    out, _ = import_files([tmp_path / "d.pth"])
    assert set(load_judges(out)) == {"discriminate_b"}
    with pytest.raises(RunError, match="translates nothing, not 'a_to_b'"):
        load(out)
    (out / "discriminate_b.safetensors").unlink()
    with pytest.raises(RunError, match=r"discriminate_b\.safetensors is missing, damaged"):
        load_judges(out)
    values = json.loads((out / "config.json").read_text())
    del values["judges"]["discriminate_b"]["shape"]
    (out / "config.json").write_text(json.dumps(values))
    with pytest.raises(RunError, match=r"config\.json is damaged: KeyError\('shape'\)"):
        load_judges(out)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (
            {"features.0.weight": torch.ones(2, 2, 3, 3)},
            "(features.0.weight, ...) are those of no network that is known here; wanted",
        ),
        ({**resnet(instance).state_dict(), "model.9.filt": torch.ones(1)}, "file.pth: it has antialiasing layers"),
        ({**resnet(instance).state_dict(), "x": torch.ones(1)}, "file.pth: it looks like resnet("),
    ],
    ids=range(3),
)
def test_what_cannot_be_read_leaves_nothing(tmp_path, weights, said):
    torch.save(weights, tmp_path / "file.pth")
    with pytest.raises(ForeignFile, match=re.escape(said)):
        import_files([tmp_path / "file.pth"])
    assert [path.name for path in tmp_path.iterdir()] == ["file.pth"]


def test_what_does_not_go_together(tmp_path):
    save(tmp_path, latest_net_G_A__pth=patch(instance), one__pth=resnet(instance), two__pth=resnet(instance))
    with pytest.raises(
        ForeignFile, match=r"latest_net_G_A\.pth is a discriminator by its weights, and not by its name; rename it"
    ):
        import_files([tmp_path / "latest_net_G_A.pth"])
    with pytest.raises(ForeignFile, match=r"one\.pth and .*two\.pth are both a_to_b; give one of them"):
        import_files([tmp_path / "one.pth", tmp_path / "two.pth"])
    with pytest.raises(ForeignFile, match="is a folder; give one folder, or files"):
        import_files([tmp_path / "one.pth", tmp_path])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ForeignFile, match="holds no files named as those of known projects"):
        import_files([tmp_path / "empty"])
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "thing").write_text("")
    with pytest.raises(ForeignFile, match="bundle is there already; give another folder with --out"):
        import_files([tmp_path / "one.pth"])


def test_on_the_command_line(cycle, tmp_path, capsys):
    """Imported, then translating a picture."""
    folder, networks = cycle
    cli.main(["import", str(folder / "latest_net_G_A.pth"), "--out", str(tmp_path / "out"), "--size", "32"])
    said = capsys.readouterr().out
    assert "latest_net_G_A.pth -> a_to_b\n  resnet(blocks=2, width=4, downs=2, norm='instance'" in said
    assert "of pytorch-CycleGAN-and-pix2pix, 3 -> 1 channels; 12,985 parameters" in said
    assert "images: RGB, or grey where it has one channel, from -1 to 1" in said
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    PIL.Image.fromarray(pixels).save(tmp_path / "a.png")
    cli.main(["translate", str(tmp_path / "out"), str(tmp_path / "a.png"), "--out", str(tmp_path / "made")])
    with PIL.Image.open(tmp_path / "made" / "a.png") as picture:
        found = np.asarray(picture, np.float32)
    wanted = networks["G_A"](torch.from_numpy(pixels).movedim(-1, 0)[None] / 127.5 - 1)
    assert np.abs(found - (wanted[0, 0].detach().numpy() + 1) * 127.5).max() <= 0.51


def test_no_file():
    with pytest.raises(ForeignFile, match="no file was given; give one that another project saved"):
        import_files([])


def test_a_mistake_on_the_command_line(tmp_path, capsys):
    (tmp_path / "file.pth").write_text("no")
    with pytest.raises(SystemExit) as stopped:
        cli.main(["import", str(tmp_path / "file.pth")])
    assert stopped.value.code == 1
    assert "is no file of torch.save" in capsys.readouterr().err
