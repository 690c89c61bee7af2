"""yunjey's StarGAN's networks answer as they did; what their labels say; bundles of them."""

import json
import re

import pytest
import torch
from originals import Generator, StarGANDiscriminator, StarGANGenerator, drawn, instance, resnet

from unpaired import cli
from unpaired.bundle import load
from unpaired.data.labels import Attribute
from unpaired.errors import ConfigError, ForeignFile
from unpaired.interop import stargan
from unpaired.interop.importing import import_files
from unpaired.networks import specs


@pytest.mark.parametrize(("numbers", "blocks", "w"), [(5, 6, 4), (15, 1, 3), (1, 2, 8)])
def test_generators_answer_as_they_did(numbers, blocks, w):
    """Their test code leaves the networks in training mode: each image is normed by its own statistics."""
    theirs = drawn(StarGANGenerator(numbers=numbers, blocks=blocks, w=w))
    found = stargan.recognise(theirs.state_dict(), size=None)
    assert found.spec == specs.StarGANGenerator(width=w, blocks=blocks)
    assert (found.shape, found.target, found.numbers) == ((3, 128, 128), (3, 128, 128), numbers)
    ours = found.network(theirs.state_dict())
    x, label = torch.rand(2, 3, 32, 32) * 2 - 1, torch.rand(2, numbers)
    with torch.no_grad():
        wanted, answer = theirs.train()(x, label), ours(x, label)
        kept = theirs.eval()(x, label)
    assert (answer - wanted).abs().max() < 1e-5
    assert (answer - kept).abs().max() > 0.1, "running statistics give another picture"


@pytest.mark.parametrize(("numbers", "size", "layers", "w"), [(5, 128, 6, 1), (13, 64, 3, 4), (8, 32, 5, 2)])
def test_discriminators_answer_as_they_did(numbers, size, layers, w):
    theirs = drawn(StarGANDiscriminator(numbers=numbers, size=size, layers=layers, w=w))
    found = stargan.recognise(theirs.state_dict(), size=None)
    assert found.spec == specs.StarGANDiscriminator(width=w, layers=layers)
    assert (found.shape, found.target, found.numbers) == ((3, size, size), None, numbers)
    x = torch.rand(2, 3, size, size) * 2 - 1
    for answer, wanted in zip(found.network(theirs.state_dict())(x), theirs(x), strict=True):
        torch.testing.assert_close(answer, wanted, atol=1e-5, rtol=1e-5)


def without(network, *names):
    return {key: value for key, value in network.state_dict().items() if key not in names}


def small(numbers=5, size=32):
    return StarGANGenerator(numbers=numbers), StarGANDiscriminator(numbers=numbers, size=size)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (
            without(small()[0], "main.3.weight"),
            "it looks like stargan(width=4, blocks=2, downs=2, norm='instance-affine', change=False) of yunjey's StarGAN, "
            "3 -> 3 channels, labels of 5 numbers, but main.3.weight is missing: no variant",
        ),
        (without(small()[0], "main.0.weight"), "yunjey's StarGAN, but main.0.weight is missing or no convolution's"),
        ({**small()[0].state_dict(), "main.0.weight": torch.ones(4, 3, 7, 7)}, "its first layer sees 3 channels: no label"),
        ({**small()[0].state_dict(), "main.0.bias": torch.ones(4)}, "but main.0.bias is unknown"),
        (without(small()[1], "main.2.bias"), "but main.2.bias is missing"),
        ({**small()[1].state_dict(), "conv2.weight": torch.ones(5, 16, 4, 3)}, "and a last one of 4 x 3"),
    ],
    ids=range(6),
)
def test_variants_are_refused(weights, said):
    with pytest.raises(ForeignFile, match=re.escape(said)):
        stargan.recognise(weights, size=None).network(weights)


def test_others_networks():
    assert stargan.recognise(resnet(instance).state_dict(), size=None) is None
    assert stargan.recognise(Generator().state_dict(), size=None) is None


HAIR = Attribute(name="hair", values=("black", "blond", "brown"))
MALE, YOUNG = (Attribute(name=name, values=("off", "on"), binary=True) for name in ("male", "young"))


def test_labels_of_the_authors_trainings():
    """CelebA's layout is 3 | 1 | 1 numbers, so hair as one attribute takes the places of three."""
    celeba = stargan.labels_of(5, answers=5, said=[]).labelling
    assert celeba.attributes == (HAIR, MALE, YOUNG)
    assert [part for _, part in celeba.parts()] == [slice(0, 3), slice(3, 4), slice(4, 5)]
    told = torch.tensor([[1, 1, 0]])  # Blond_Hair and Male
    assert celeba.encode(told, origin=torch.tensor([0])).tolist() == [[0, 1, 0, 1, 0]]
    (mood,) = stargan.labels_of(8, answers=None, said=[]).labelling.attributes
    assert mood.values == ("angry", "contemptuous", "disgusted", "fearful", "happy", "neutral", "sad", "surprised")
    both = stargan.labels_of(15, answers=13, said=[]).labelling
    assert (both.attributes, both.known) == ((HAIR, MALE, YOUNG, mood), ((0, 1, 2), (3,)))
    assert (both.numbers, both.length) == (13, 15)
    happy = torch.tensor([[0, 0, 0, 4]])
    assert both.encode(happy, origin=torch.tensor([1])).tolist() == [[0] * 9 + [1, 0, 0, 0] + [0, 1]]


def test_labels_that_are_told(tmp_path):
    words = ["male", "hair=black,blond,brown", "/", "young"]
    found = stargan.labels_of(7, answers=5, said=words)
    assert found.sets == ((MALE, HAIR), (YOUNG,))
    assert found.lines() == [
        "  label: as --labels says", "    1: male (off, on)", "    2 to 4: hair (black, blond, brown)", "    5: young (off, on)",
        "    6 to 7: which of 2 data sets the label speaks of",
    ]  # fmt: skip
    file = tmp_path / "labels.toml"
    file.write_text('[male]\nset = "a"\n[young]\nset = "b"\n[hair]\nset = "a"\nvalues = ["black", "blond", "brown"]\n')
    assert stargan.labels_of(7, answers=None, said=[str(file)]).sets == found.sets
    file.write_text("[male]\n[young]\n")
    assert stargan.labels_of(2, answers=2, said=[str(file)]).sets == ((MALE, YOUNG),)


@pytest.mark.parametrize(
    ("length", "answers", "said", "error"),
    [
        (4, None, [], "its labels have 4 numbers, and no file tells what they stand for; say it in their order"),
        (15, 15, [], "its labels have 15 numbers, and no file"),
        (9, 7, [], "its labels have 9 numbers (7 and a mask of 2), and no file"),
        (4, 5, [], "the generator's labels have 4 numbers and the discriminator's 5: they are not of one training"),
        (5, 5, ["male", "young"], "--labels speaks of 2 numbers, the files have 5; a NAME has one number"),
        (4, 2, ["a", "b", "c", "d"], "--labels speaks of 4 numbers, the files have 4 (2 and a mask of 2)"),
        (4, 4, ["a", "/", "b", "c"], "--labels speaks of 3 numbers and a mask of 2, the files have 4"),
    ],
    ids=range(7),
)
def test_labels_that_do_not_fit(length, answers, said, error):
    with pytest.raises(ForeignFile, match=re.escape(error)):
        stargan.labels_of(length, answers=answers, said=said)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (["hair=black"], "--labels hair=black: values: value error, an attribute has two values or more"),
        (["a", "a"], "--labels names a twice; wanted each attribute once"),
        (["a", "/"], "--labels has a data set without attributes"),
        (["none.toml"], "--labels none.toml cannot be read"),
    ],
)
def test_labels_that_cannot_be_read(said, error):
    with pytest.raises(ConfigError, match=re.escape(error)):
        stargan.read_labels(said)


@pytest.mark.parametrize("text", ["[male", "male = 1", "[male]\nvalue = 2", "[male]\nvalues = 3", "[male]\nset = 1", ""])
def test_files_of_labels_that_cannot_be_read(tmp_path, text):
    (tmp_path / "labels.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"labels\.toml"):
        stargan.read_labels([str(tmp_path / "labels.toml")])


# -- bundles --


def save(folder, numbers=5, answers=None, *, step=200000, size=32):
    """A generator's and a discriminator's files, and the networks."""
    networks = {
        "G": drawn(StarGANGenerator(numbers=numbers)), "D": drawn(StarGANDiscriminator(numbers=answers or numbers, size=size))
    }  # fmt: skip
    for name, network in networks.items():
        torch.save(network.state_dict(), folder / f"{step}-{name}.ckpt")
    return networks


def test_both_files_make_a_bundle(tmp_path):
    """The generator's file brings the discriminator's, whose answers are what an image is taken for."""
    networks = save(tmp_path)
    out, imported = import_files([tmp_path / "200000-G.ckpt"])
    assert {entry.role: entry.file.name for entry in imported} == {"attributes": "200000-G.ckpt", "reader": "200000-D.ckpt"}
    translator = load(out)
    assert translator.shape == (3, 32, 32)
    assert translator.fit == "crop"
    x = torch.rand(4, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        answers = networks["D"](x)[1]
        wanted = torch.zeros(4, 5)  # brown hair, not young; male as it is
        wanted[:, 2], wanted[:, 3] = 1, (answers[:, 3] > 0).float()
        made = networks["G"](x, wanted)
    assert translator.read(x).tolist() == [[row[:3].argmax(), row[3] > 0, row[4] > 0] for row in answers]
    torch.testing.assert_close(translator(x, hair="brown", young=False), made, atol=1e-5, rtol=0)


def test_of_two_data_sets(tmp_path):
    networks = save(tmp_path, 15, 13, step=10000)
    save(tmp_path, 5, step=9000)
    out, imported = import_files([tmp_path], out=tmp_path / "out")
    assert [entry.file.name for entry in imported] == ["10000-D.ckpt", "10000-G.ckpt"]
    label = torch.zeros(1, 15)
    label[0, 5 + 6], label[0, 14] = 1, 1
    x = torch.rand(1, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(load(out)(x, expression="sad"), networks["G"](x, label), atol=1e-5, rtol=0)


def test_a_generator_alone_must_be_told_the_rest(tmp_path):
    save(tmp_path)
    (tmp_path / "200000-D.ckpt").unlink()
    out, (entry,) = import_files([tmp_path / "200000-G.ckpt"], size=64)
    translator = load(out)
    assert translator.shape == entry.found.shape == (3, 64, 64)
    assert translator.reader is None
    with pytest.raises(ConfigError, match=r"a label also says male \(off\|on\), young \(off\|on\), and there is no"):
        translator.towards({"hair": "blond"})
    translator.towards({"hair": "blond"}, told={"male": False, "young": True})


def test_a_bundle_says_what_was_assumed(tmp_path):
    save(tmp_path)
    out, _ = import_files([tmp_path / "200000-G.ckpt"])
    card = (out / "card.md").read_text()
    assert "200000-G.ckpt -> attributes\n  stargan(width=4, blocks=2" in card
    assert "  label: 5 numbers, assumed to be CelebA's" in card
    assert "    1 to 3: hair (black, blond, brown)\n    4: male (off, on)\n    5: young (off, on)" in card
    about = json.loads((out / "config.json").read_text())["about"]["imported"]
    assert about["attributes"]["project"] == about["reader"]["project"] == "yunjey's StarGAN"


def test_what_does_not_go_together(tmp_path):
    save(tmp_path)
    (tmp_path / "d").mkdir()
    (tmp_path / "200000-D.ckpt").rename(tmp_path / "d" / "1-D.ckpt")
    torch.save(resnet(instance).state_dict(), tmp_path / "other.pth")
    with pytest.raises(ForeignFile, match=r"1-D\.ckpt: a discriminator of StarGAN alone, which changes no image; wanted its"):
        import_files([tmp_path / "d" / "1-D.ckpt"])
    with pytest.raises(ForeignFile, match=r"other\.pth: a StarGAN's networks and others; wanted its generator"):
        import_files([tmp_path / "200000-G.ckpt", tmp_path / "other.pth"])
    with pytest.raises(ForeignFile, match=r"1-D\.ckpt: its last layer is made for images of 32 px, found --size 128; leave"):
        import_files([tmp_path / "200000-G.ckpt", tmp_path / "d" / "1-D.ckpt"], size=128)
    with pytest.raises(ConfigError, match="--labels is for StarGAN's networks, found a_to_b; leave it out"):
        import_files([tmp_path / "other.pth"], labels=["male"])
    (tmp_path / "200000-G.ckpt").rename(tmp_path / "latest_net_G_A.pth")
    with pytest.raises(ForeignFile, match=r"is a generator of StarGAN by its weights, and not by its name; rename it"):
        import_files([tmp_path / "latest_net_G_A.pth"])
    assert not (tmp_path / "bundle").exists()


def test_on_the_command_line(tmp_path, capsys):
    save(tmp_path, 2)
    files = [str(tmp_path / f"200000-{name}.ckpt") for name in "GD"]
    cli.main(["import", *files, "--out", str(tmp_path / "out"), "--labels", "glasses", "beard"])
    said = capsys.readouterr().out
    assert "of yunjey's StarGAN, 3 -> 3 channels, labels of 2 numbers" in said
    assert "    1: glasses (off, on)\n    2: beard (off, on)" in said
    assert f"unpaired translate {tmp_path / 'out'} IMAGES --set glasses=on --out FOLDER" in said
    with pytest.raises(SystemExit) as stopped:
        cli.main(["import", *files, "--out", str(tmp_path / "again")])
    assert stopped.value.code == 1
    assert "its labels have 2 numbers, and no file tells what they stand for" in capsys.readouterr().err
