"""Everything that a bundle can keep comes back as it was."""

import json

import pytest
import torch

import unpaired
from unpaired.bundle import KINDS, Product, load_bundle, load_translators, save_bundle
from unpaired.errors import RunError
from unpaired.networks.build import autoencoder, generator, judge, noise_generator, segmenter
from unpaired.networks.specs import (
    ConvAutoencoder,
    DCGANDiscriminator,
    DCGANGenerator,
    DenseAutoencoder,
    DenseGenerator,
    LeNet,
    MaxoutDiscriminator,
    Mlp,
    ResidualImage,
    SmallUNet,
)
from unpaired.products import Autoencoder, Classifier, Noise, Sampler, Segmenter
from unpaired.translator import Translator

SHAPE = (1, 16, 16)
NAMES = ("a", "b", "c")
X = torch.rand(4, *SHAPE, generator=torch.Generator().manual_seed(0)) * 2 - 1


def kept(folder, **remains):
    save_bundle(folder, remains, fit="pad", background="black", about={"step": 3}, card="")
    return folder


def sampler(spec, shape=SHAPE, classes=()):
    network = noise_generator(spec, shape, noise=6, condition=len(classes)).eval()
    return Sampler(network, spec=spec, shape=shape, noise=Noise(6, "normal"), classes=classes)


def classifier(spec, **options):
    network = judge(spec, SHAPE, source=options.get("source", True), classes=len(NAMES) + options.get("generated", False)).eval()
    return Classifier(network, spec=spec, shape=SHAPE, classes=NAMES, **options)


@pytest.mark.parametrize(
    "made",
    [
        sampler(DCGANGenerator(width=2)),
        sampler(DCGANGenerator(width=2), classes=NAMES),
        sampler(DenseGenerator(hidden=4)),
        sampler(Mlp(hidden=4), shape=(2,)),
    ],
    ids=repr,
)
def test_samplers(made, tmp_path):
    again = unpaired.load(kept(tmp_path, sampler=made))
    assert repr(again) == repr(made)
    torch.testing.assert_close(again(7, seed=5), made(7, seed=5))
    assert not again.network.training


@pytest.mark.parametrize(
    "made",
    [
        classifier(DCGANDiscriminator(width=2, norm="none")),
        classifier(DCGANDiscriminator(width=2), generated=True, source=False),
        classifier(MaxoutDiscriminator(units=3, pieces=2)),
        classifier(LeNet(maps=(2,), hidden=3), source=False),
    ],
    ids=repr,
)
def test_classifiers(made, tmp_path):
    again = unpaired.load(kept(tmp_path, classifier=made))
    torch.testing.assert_close(again.scores(X), made.scores(X))
    torch.testing.assert_close(again.features(X), made.features(X))
    assert (again.classes, again.generated, again.source) == (made.classes, made.generated, made.source)
    assert (again.fit, again.background) == ("pad", "black")


@pytest.mark.parametrize("spec", [DenseAutoencoder(hidden=(5,), code=2), ConvAutoencoder(widths=(2,), hidden=4, code=2)])
def test_autoencoders(spec, tmp_path):
    made = Autoencoder(autoencoder(spec, SHAPE).eval(), spec=spec, shape=SHAPE)
    again = unpaired.load(kept(tmp_path, autoencoder=made))
    torch.testing.assert_close(again.reconstruct(X), made.reconstruct(X))
    assert (again.fit, again.background) == ("pad", "black")


def test_several_things_in_one_bundle(tmp_path):
    made = kept(tmp_path, sampler=sampler(DCGANGenerator(width=2)), classifier=classifier(DCGANDiscriminator(width=2)))
    assert list(load_bundle(made)) == ["sampler", "classifier"]
    assert isinstance(unpaired.load(made), Sampler)
    assert isinstance(unpaired.load(made, part="classifier"), Classifier)
    with pytest.raises(RunError, match="keeps sampler and classifier, not 'encoder'"):
        unpaired.load(made, part="encoder")
    with pytest.raises(RunError, match="keeps sampler, classifier; wanted translators"):
        load_translators(made)


def test_segmenters(tmp_path):
    spec = SmallUNet(width=2, halvings=1)
    made = Segmenter(segmenter(spec, SHAPE, classes=3).eval(), spec=spec, shape=SHAPE, classes=NAMES)
    again = unpaired.load(kept(tmp_path, segmenter=made))
    assert torch.equal(again.labels(X), made.labels(X))
    assert repr(again) == repr(made)
    assert (again.fit, again.background) == ("pad", "black")


def test_every_product_has_a_kind():
    assert {kind.product for kind in KINDS.values()} == set(Product.__args__)


def test_bundles_of_earlier_versions_say_no_kind(tmp_path):
    spec = ResidualImage(width=4)
    made = Translator(generator(spec, SHAPE, SHAPE).eval(), spec=spec, source=SHAPE, target=SHAPE)
    path = kept(tmp_path, a_to_b=made) / "config.json"
    values = json.loads(path.read_text())
    assert values["translators"]["a_to_b"].pop("kind") == "translator"
    path.write_text(json.dumps(values))
    torch.testing.assert_close(unpaired.load(tmp_path).batch(X), made.batch(X))


def test_a_kind_of_a_later_version(tmp_path):
    path = kept(tmp_path, sampler=sampler(DCGANGenerator(width=2))) / "config.json"
    path.write_text(path.read_text().replace('"kind": "sampler"', '"kind": "dreamer"'))
    with pytest.raises(RunError, match=r"keeps a 'dreamer', this version knows translator, .*; upgrade"):
        unpaired.load(tmp_path)
