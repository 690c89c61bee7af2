"""What a translator of attributes asks its network for, by a network that adds its label up and a reader of brightness."""

import re

import numpy as np
import pytest
import torch
from originals import drawn
from PIL import Image
from torch import nn

import unpaired
from unpaired.attribute_translator import AttributeTranslator, Edit
from unpaired.bundle import bundle_attributes, load_bundle, load_translators, save_bundle
from unpaired.data.labelling import Labelling
from unpaired.data.labels import UNKNOWN, Attribute
from unpaired.errors import ConfigError, RunError
from unpaired.networks import specs
from unpaired.networks.build import label_discriminator, label_generator
from unpaired.networks.stargan import with_planes

HAIR = Attribute(name="hair", values=("dark", "blond", "red"))
GLASSES = Attribute(name="glasses", values=("off", "on"), binary=True)
MOOD = Attribute(name="mood", values=("sad", "happy"))
ONE = Labelling((HAIR, GLASSES), ((0, 1),))
TWO = Labelling((HAIR, GLASSES, MOOD), ((0, 1), (2, 1)))
"""Faces tell hair and glasses, moods tell moods and glasses."""
SHAPE = (3, 8, 8)


class Shift(nn.Module):
    """(x, label) -> x + label . (1, 2, 3, ...) / 100, noting each label."""

    def __init__(self, length):
        super().__init__()
        self.join, self.heard = nn.Conv2d(3 + length, 3, 1, bias=False), []
        weight = torch.cat([torch.eye(3), torch.arange(1.0, length + 1).expand(3, -1) / 100], dim=1)
        self.join.weight = nn.Parameter(weight[:, :, None, None])

    def forward(self, x, label):
        self.heard.append([[round(number, 4) for number in row] for row in label.tolist()])
        return self.answered(x, with_planes(x, label))

    def answered(self, x, joined):
        return self.join(joined)


class Brightness(nn.Module):
    """Takes bright images for red-haired, happy and with glasses, dark ones for dark-haired, sad and without."""

    def __init__(self, numbers):
        super().__init__()
        self.sign = nn.Parameter(torch.tensor([-1.0, 0.0, 1.0, 1.0, -1.0, 1.0])[:numbers])

    def forward(self, x):
        return None, x.mean(dim=(1, 2, 3))[:, None] * self.sign


def translator(labelling=ONE, *, reads=True):
    network, reader = Shift(labelling.length), Brightness(labelling.numbers) if reads else None
    return AttributeTranslator(network, spec=specs.StarGANGenerator(), shape=SHAPE, labelling=labelling, reader=reader)


def images(*levels):
    return torch.tensor(levels).view(-1, 1, 1, 1).expand(-1, *SHAPE).clone()


BRIGHT, DARK = 0.5, -0.5


def test_what_is_not_named_stays_as_it_is_read():
    one = translator()
    y = one(images(BRIGHT, DARK), hair="blond")
    assert one.network.heard == [[[0, 1, 0, 1], [0, 1, 0, 0]]]
    torch.testing.assert_close(y, images(BRIGHT + 0.06, DARK + 0.02))


def test_what_is_told_is_not_read():
    one = translator()
    one.towards({"hair": "blond"}, told={"glasses": True, "hair": "red"})(images(DARK))
    assert one.network.heard == [[[0, 1, 0, 1]]]


@pytest.mark.parametrize(
    ("amount", "label"),
    [(0.0, [0, 0, 1, 1]), (0.25, [0.25, 0, 0.75, 0.75]), (1.0, [1, 0, 0, 0]), (1.5, [1.5, 0, -0.5, -0.5])],
)
def test_a_part_of_the_way(amount, label):
    """From the label that the image has to the target's, and beyond."""
    one = translator()
    one.towards({"hair": "dark", "glasses": False}, amount=amount)(images(BRIGHT))
    assert one.network.heard == [[label]]


def test_each_data_set_that_is_needed_gets_a_pass():
    """[hair | glasses | mood | mask]; what the first pass changed, the second says again where its set knows it."""
    two = translator(TWO)
    two(images(BRIGHT), mood="sad")
    assert two.network.heard == [[[0, 0, 0, 1, 1, 0, 0, 1]]]
    two.network.heard.clear()
    two(images(BRIGHT), hair="dark", mood="sad", glasses=False)
    assert two.network.heard == [[[1, 0, 0, 0, 0, 0, 1, 0]], [[0, 0, 0, 0, 1, 0, 0, 1]]]
    two.network.heard.clear()
    two.towards({"hair": "dark", "mood": "sad", "glasses": False}, amount=0.5)(images(BRIGHT))
    assert two.network.heard == [[[0.5, 0, 0.5, 0.5, 0, 0, 1, 0]], [[0, 0, 0, 0.5, 0.5, 0.5, 0, 1]]]


def test_a_batch_by_known_values():
    """Those that are not known are read."""
    one = translator()
    values = torch.tensor([[0, 0], [0, UNKNOWN]])
    y = one.batch(images(BRIGHT, BRIGHT), {0: 1}, values=values)
    assert one.network.heard == [[[0, 1, 0, 0], [0, 1, 0, 1]]]
    torch.testing.assert_close(y, images(BRIGHT + 0.02, BRIGHT + 0.06))
    assert one.batch(images(0.99), {0: 2}).max() == 1
    assert one.batch(torch.empty(0, *SHAPE), {0: 1}).shape == (0, *SHAPE)
    assert len(one.batch(images(*[BRIGHT] * 130), {0: 1})) == 130


def test_many_images_are_those_one_by_one():
    one, x = translator(), torch.rand(70, *SHAPE) * 2 - 1
    torch.testing.assert_close(one.batch(x, {0: 1}), torch.cat([one.batch(each[None], {0: 1}) for each in x]))


def test_reading():
    one = translator(TWO)
    assert one.read(images(BRIGHT, DARK)).tolist() == [[2, 1, 1], [0, 0, 0]]
    assert one.read(torch.full((1, 3, 20, 12), BRIGHT)).tolist() == [[2, 1, 1]]  # scaled to the trained size
    assert translator(reads=False).read(images(BRIGHT)).tolist() == [[UNKNOWN, UNKNOWN]]


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"hair": "red", "glasses": True}, {0: 2, 1: 1}),
        ({"Hair": "RED", "glasses": "no"}, {0: 2, 1: 0}),
        ({"glasses": 1}, {1: 1}),
        ({"glasses": False}, {1: 0}),
    ],
)
def test_settings(settings, wanted):
    assert translator().settings(settings) == wanted


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"hiar": "red"}, "no attribute 'hiar' (did you mean 'hair'?); wanted one of: hair, glasses"),
        ({"hair": "rde"}, "hair has no value 'rde' (did you mean 'red'?); wanted one of: dark, blond, red"),
        ({"hair": True}, "hair has no value 'on'; wanted one of: dark, blond, red"),
        ({"glasses": 2}, "glasses has no value '2'; wanted one of: off, on"),
        ({}, "found nothing to change; wanted one or more of hair (dark|blond|red), glasses (off|on)"),
    ],
)
def test_mistakes(settings, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        translator()(images(BRIGHT), **settings)


def test_without_a_reader_all_must_be_set_or_told():
    blind = translator(TWO, reads=False)
    said = r"a label also says glasses \(off\|on\), and there is no discriminator here to read that .*--has NAME=VALUE"
    with pytest.raises(ConfigError, match=said):
        blind.towards({"hair": "red"})
    with pytest.raises(ConfigError, match="a label also says glasses"):
        blind.towards({"mood": "sad"}, told={"hair": "red"})
    with pytest.raises(ConfigError, match=r"also says hair \(dark\|blond\|red\), glasses"):
        blind.towards({"hair": "red", "glasses": True}, amount=0.5)
    blind.towards({"hair": "red", "glasses": True})(images(BRIGHT))
    blind.towards({"mood": "sad"}, told={"glasses": False})(images(BRIGHT))
    assert blind.network.heard == [[[0, 0, 1, 1, 0, 0, 1, 0]], [[0, 0, 0, 0, 1, 0, 0, 1]]]


def test_targets():
    assert translator().targets() == [
        ("hair=dark", {0: 0}), ("hair=blond", {0: 1}), ("hair=red", {0: 2}), ("glasses=off", {1: 0}), ("glasses=on", {1: 1}),
    ]  # fmt: skip


def test_an_attribute_may_have_any_name():
    odd = Labelling((Attribute(name="x", values=("a", "b")), Attribute(name="eye colour", values=("1", "2"))), ((0, 1),))
    one = translator(odd)
    one(images(BRIGHT), x="b")
    one.towards({"eye colour": 2})(images(BRIGHT))
    assert one.network.heard == [[[0, 1, 1, 0]], [[0, 1, 0, 1]]]


def test_it_answers_in_kind(tmp_path):
    """A picture of any size for a picture, an array for an array."""
    one, pixels = translator(), np.full((10, 14, 3), 200, np.uint8)
    Image.fromarray(pixels).save(tmp_path / "face.png")
    wanted = 200 + 0.06 * 127.5
    answers = [one(tmp_path / "face.png", hair="blond"), one(Image.fromarray(pixels), hair="blond"), one(pixels, hair="blond")]
    assert isinstance(answers[0], Image.Image)
    assert isinstance(answers[2], np.ndarray)
    for answer in answers:
        assert np.asarray(answer).shape == pixels.shape
        assert np.abs(np.asarray(answer) - wanted).max() <= 0.51


def test_it_says_what_it_is():
    assert repr(translator()).startswith("<AttributeTranslator 3x8x8 of hair (dark, blond, red), glasses (off, on) by stargan(")


# -- with networks of its own --


def real(labelling=TWO, *, shape=(3, 16, 16), change=False, reads=True):
    spec = specs.StarGANGenerator(width=4, blocks=1, change=change)
    reader_spec = specs.StarGANDiscriminator(width=4, layers=2)
    return AttributeTranslator(
        drawn(label_generator(spec, shape, labelling.length)).eval(),
        spec=spec,
        shape=shape,
        labelling=labelling,
        reader=drawn(label_discriminator(reader_spec, shape, labelling.numbers)).eval() if reads else None,
        reader_spec=reader_spec if reads else None,
        fit="pad",
        background="grey",
    )


@pytest.mark.parametrize("change", [False, True])
@pytest.mark.parametrize("amount", [1.0, 0.3])
@pytest.mark.parametrize("size", [(48, 40), (45, 50)])
def test_tiles_are_the_whole(change, amount, size):
    """Two passes, whose norms see all of the image; sides that do not suit the strides too."""
    one = real(change=change)
    told = {"hair": "dark", "glasses": "off", "mood": "happy"}
    edit = one.towards({"hair": "red", "mood": "sad"}, told=told, amount=amount)
    x = torch.linspace(-0.8, 0.8, size[1]) * torch.ones(1, 3, *size) + 0.2 * torch.randn(1, 3, *size)
    whole = edit.translate(x)
    edit.tile = 24
    assert edit.tile_for(*size) == 24
    tiled = edit.translate(x)
    assert whole.std() > 0.05
    assert (tiled - whole).abs().max() < 2e-3


def test_tiles_have_the_label_that_the_whole_image_asks_for():
    """Half of the image is dark, half bright: by itself each tile would be taken for something else."""
    one = translator()
    x = torch.full((1, 3, 32, 32), 0.6)
    x[..., :12] = -0.9
    edit = Edit(one, {0: 1}, known={}, amount=1.0)
    labels = [planes.numbers.tolist() for planes in edit.settled(torch.nn.functional.avg_pool2d(x, 4)).planes]
    edit(x)
    assert [labels] == one.network.heard


@pytest.mark.parametrize("labelling", [ONE, TWO, TWO._replace(mask=False)])
@pytest.mark.parametrize("reads", [True, False])
def test_a_bundle_brings_it_back(tmp_path, labelling, reads):
    one = real(labelling, reads=reads)
    save_bundle(tmp_path, {"attributes": one}, fit="pad", background="grey", about={}, card="")
    found = unpaired.load(tmp_path)
    assert isinstance(found, AttributeTranslator)
    assert (found.labelling, found.shape, found.spec, found.reader_spec) == (labelling, one.shape, one.spec, one.reader_spec)
    assert (found.fit, found.background) == ("pad", "grey")
    x = torch.rand(3, *one.shape) * 2 - 1
    values = torch.zeros(3, len(labelling.attributes), dtype=torch.int64) if not reads else None
    assert torch.equal(found.batch(x, {0: 2, 1: 1}, values=values), one.batch(x, {0: 2, 1: 1}, values=values))
    assert torch.equal(found.read(x), one.read(x))
    assert bundle_attributes(tmp_path) == labelling.attributes
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["attributes.safetensors", "card.md", "config.json", *(["attributes-reader.safetensors"] if reads else [])]
    )


def test_a_bundle_of_attributes_has_no_direction(tmp_path):
    save_bundle(tmp_path, {"attributes": real()}, fit="crop", background="white", about={}, card="")
    with pytest.raises(RunError, match="keeps attributes; wanted translators between two domains"):
        load_translators(tmp_path)
    (tmp_path / "attributes-reader.safetensors").unlink()
    with pytest.raises(RunError, match=r"attributes-reader\.safetensors is missing, damaged"):
        load_bundle(tmp_path)
    text = (tmp_path / "config.json").read_text()
    (tmp_path / "config.json").write_text(text.replace('"known"', '"unknown"'))
    with pytest.raises(RunError, match=r"config\.json is damaged: KeyError\('known'\)"):
        load_bundle(tmp_path)
