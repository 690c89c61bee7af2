"""One set of images, or two: found with their classes or without, of which few may be told."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from PIL import Image

from unpaired.data.image_pair import ImagePair, open_image_pair
from unpaired.data.image_set import FewLabelled, Images, ImageSet, few_told, find_class, open_image_set
from unpaired.data.labels import Attribute
from unpaired.errors import ConfigError, DataError, DataWarning
from unpaired.options import DataOptions

OPTIONS = DataOptions(size=8, channels=1, holdout=0.25, flip=False)
THREE = Attribute(name="class", values=("a", "b", "c"))


def pixels(count, *, size=8, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size), dtype=np.uint8)


@pytest.fixture
def npz(tmp_path):
    """30 training images of classes 0, 1, 2 in turn, 9 to test."""
    path = tmp_path / "three.npz"
    y = np.arange(30) % 3
    np.savez(path, x_train=pixels(30), y_train=y, x_test=pixels(9, seed=1), y_test=np.arange(9) % 3)
    return path


def opened(*sources, drawn="all", **changed) -> ImageSet:
    return open_image_set([str(source) for source in sources], dataclasses.replace(OPTIONS, **changed), drawn=drawn)


# -- what is found --


def test_arrays_with_classes(npz):
    found = opened(npz)
    assert (found.classes, found.shape, found.domains) == (("0", "1", "2"), (1, 8, 8), ("three",))
    assert np.array_equal(found.told, np.arange(30) % 3)
    assert np.array_equal(found.test_classes, np.arange(9) % 3)
    assert np.array_equal(found.train.pixels[..., 0], pixels(30))
    assert found.samples() == {"shape": (1, 8, 8), "classes": ("0", "1", "2")}
    assert (found.held_out, found.trained_on) == (9, "30")


def test_a_plain_folder(draw):
    found = opened(draw("photos", 20))
    assert (found.classes, found.attribute) == ((), None)
    assert len(found.train) + len(found.test) == 20
    assert 0 < len(found.test) < 20
    assert set(found.told) == set(found.test_classes) == {-1}
    assert found.lines()[-1] == ("classes", "none")


def test_a_plain_folder_with_its_own_test_images(draw):
    draw("photos/train/deep", 12)
    draw("photos/test", 5, seed=1)
    draw("photos/other", 3, seed=2)
    found = opened(draw("photos/train/deep", 12).parents[1])
    assert (len(found.train), len(found.test), found.classes) == (12, 5, ())


def test_folders_of_classes(draw):
    draw("set/cat", 12)
    found = opened(draw("set/dog", 12, seed=1).parent)
    assert found.classes == ("cat", "dog")
    assert sorted(found.told) == [0] * int((found.told == 0).sum()) + [1] * int((found.told == 1).sum())
    assert (found.told == [name.startswith("dog/") for name in found.train.names]).all()


def test_the_class_of_a_table_with_many_columns_is_chosen(draw):
    folder = draw("faces", 12)
    rows = [f"{n}.png,{'dark' if n % 2 else 'blond'},{'yes' if n % 3 else 'no'}" for n in range(1, 13)]
    (folder / "attributes.csv").write_text("\n".join(["file,hair,glasses", *rows]))
    assert opened(folder).attribute is None
    assert opened(folder, label="hair").classes == ("blond", "dark")
    assert opened(folder, label="glasses").classes == ("off", "on")
    with pytest.raises(ConfigError, match=r"no attribute 'hear' \(did you mean 'hair'\?\); wanted one of: hair, glasses"):
        opened(folder, label="hear")


def test_labels_of_which_nothing_could_be_learned_are_no_reason_to_refuse(draw):
    folder = draw("faces", 12)
    (folder / "attributes.csv").write_text("\n".join(["file,hair,x", *(f"{n}.png,{n % 2},1" for n in range(1, 13))]))
    with pytest.warns(DataWarning, match="the same value in all"):
        assert len(opened(folder).images.attributes) == 2


def test_two_sets_are_refused(npz, draw):
    with pytest.raises(DataError, match=r"found 2 sets of images \(three, photos\); wanted one"):
        opened(npz, draw("photos", 12))


def test_two_domains_are_refused(draw):
    draw("both/trainA", 12)
    with pytest.raises(DataError, match=r"holds two domains \(trainA, trainB\); wanted one set of images: name .*both/trainA"):
        opened(draw("both/trainB", 12, seed=1).parent)


# -- what is drawn --


def test_a_batch_has_images_with_their_classes(npz):
    found = opened(npz)
    batch = found.batch(3, batch=6, seed=1, augment=False)
    assert isinstance(batch, Images)
    assert (batch.x.shape, batch.x.dtype, batch.classes.dtype) == ((6, 1, 8, 8), torch.float32, torch.int64)
    levels = ((batch.x + 1) * 127.5).round().to(torch.uint8).numpy()[:, 0]
    for image, class_ in zip(levels, batch.classes.tolist(), strict=True):
        (row,) = np.flatnonzero((pixels(30) == image).all(axis=(1, 2)))
        assert row % 3 == class_


def test_every_image_comes_once_in_an_epoch(npz):
    found = opened(npz)
    seen = torch.cat([found.batch(step, batch=6, seed=0, augment=False).x for step in range(5)])
    assert len({image.numpy().tobytes() for image in seen}) == 30


def test_processes_share_a_batch(npz):
    found = opened(npz, flip=True)
    whole = found.batch(2, batch=6, seed=0)
    parts = [found.batch(2, batch=6, seed=0, rank=rank, world=2) for rank in (0, 1)]
    assert torch.equal(whole.x, torch.cat([part.x for part in parts]))
    assert torch.equal(whole.classes, torch.cat([part.classes for part in parts]))


def test_few_labelled_images_are_drawn_apart(npz):
    found = opened(npz, drawn="both", labels=6)
    labelled = np.flatnonzero(found.told >= 0)
    assert len(labelled) == 6
    assert found.trained_on == "30, 6 of them labelled"
    batch = found.batch(0, batch=12, seed=0, augment=False)
    assert isinstance(batch, FewLabelled)
    assert batch.x.shape == batch.told.x.shape == (12, 1, 8, 8)
    levels = ((batch.told.x + 1) * 127.5).round().to(torch.uint8).numpy()[:, 0]
    rows = [int(np.flatnonzero((pixels(30) == image).all(axis=(1, 2)))[0]) for image in levels]
    assert sorted(rows) == sorted([*labelled, *labelled])
    assert batch.told.classes.tolist() == [row % 3 for row in rows]


def test_told_images_alone_are_the_same_ones(npz):
    """Augmented alike, too: what a game learns from them does not hang on whether others are drawn besides."""
    options = {"labels": 6, "flip": True, "jitter": 0.3, "shift": 1}
    alone, both = (opened(npz, drawn=drawn, **options).batch(3, batch=12, seed=1) for drawn in ("told", "both"))
    assert isinstance(alone, Images)
    assert torch.equal(alone.x, both.told.x)
    assert torch.equal(alone.classes, both.told.classes)


def test_other_images_classes_are_unknown(npz):
    batch = opened(npz, labels=6).batch(0, batch=30, seed=0)
    assert (batch.classes >= 0).sum() == 6
    assert (batch.classes == -1).sum() == 24


# -- few labels --


def test_labels_are_balanced():
    classes = np.repeat([0, 1, 2], 20)
    told = few_told(classes, THREE, count=10, seed=0)
    assert sorted(np.bincount(told[told >= 0]).tolist()) == [3, 3, 4]
    assert (told[told >= 0] == classes[told >= 0]).all()


def test_fewer_labels_are_a_part_of_more_and_the_seed_chooses():
    classes = np.repeat([0, 1, 2], 20)
    few, more, other = (few_told(classes, THREE, count=count, seed=seed) for count, seed in ((10, 0), (25, 0), (10, 1)))
    assert (more[few >= 0] == few[few >= 0]).all()
    assert not np.array_equal(few, other)


def test_unknown_classes_stay_unknown():
    classes = np.array([0, 1, 2, -1, -1, -1])
    assert few_told(classes, THREE, count=3, seed=0).tolist() == classes.tolist()


def test_too_few_or_too_many_labels_are_refused(npz, draw):
    with pytest.raises(DataError, match="--labels 2 leaves a class without any; wanted at least 3"):
        opened(npz, labels=2)
    with pytest.raises(DataError, match="--labels 33 asks for 11 images of class '0', found 10"):
        opened(npz, labels=33)
    with pytest.raises(ConfigError, match="--labels 9 is for images with classes, found none"):
        opened(draw("photos", 12), labels=9)


# -- classes by name --


def test_classes_are_found_by_name_and_number():
    names = ("T-shirt", "boot", "7")
    assert [find_class(names, said) for said in ("t-SHIRT", "boot", "7", "0", "2")] == [0, 1, 2, 0, 2]
    with pytest.raises(ConfigError, match=r"no class 'boots' \(did you mean 'boot'\?\); wanted one of: T-shirt, boot, 7"):
        find_class(names, "boots")
    with pytest.raises(ConfigError, match="no class '3'"):
        find_class(names, "3")
    with pytest.raises(ConfigError, match="there are none"):
        find_class((), "3")


# -- two sets --


@pytest.fixture
def pair(npz, tmp_path):
    """The set above, and one of classes 2 and 1 by those names."""
    other = tmp_path / "other"
    for name, seed in (("2", 3), ("1", 4)):
        (other / name).mkdir(parents=True)
        for index, image in enumerate(pixels(15, seed=seed)):
            Image.fromarray(image).save(other / name / f"{index}.png")
    (other / "set.json").write_text(json.dumps({"licence": "CC0", "credit": "Ada"}))
    return npz, other


def both(sources, **changed) -> ImagePair:
    return open_image_pair([str(source) for source in sources], dataclasses.replace(OPTIONS, **changed))


def test_two_sets(pair):
    found = both(pair)
    assert found.domains == ("three", "other")
    assert found.samples() == {"shape_a": (1, 8, 8), "shape_b": (1, 8, 8), "classes": ("0", "1", "2")}
    assert (found.card["licence"], found.card["credit"]) == ("CC0", "Ada")
    names = [name.split("/")[0] for name in found.b.test.names]
    assert found.test_classes_b.tolist() == [("0", "1", "2").index(name) for name in names]
    batch = found.batch(0, batch=4, seed=0, device=torch.device("cpu"), rank=0, world=1)
    assert (batch.a.classes >= 0).all()
    assert (batch.b.classes == -1).all()
    assert not torch.equal(batch.a.x, batch.b.x)
    assert both(pair, swap=True).domains == ("other", "three")


def test_labels_are_those_of_a(pair):
    found = both(pair, labels=6)
    assert (found.a.told >= 0).sum() == 6
    assert (found.b.told >= 0).all()


def test_two_sets_as_domains(pair):
    found, domains = both(pair), both(pair).as_domains()
    assert np.array_equal(domains.train_a, found.a.train.pixels)
    assert np.array_equal(domains.test_b, found.b.test.pixels)
    assert (domains.domains, domains.size, domains.flip) == (("three", "other"), (8, 8), False)
    assert domains.batch(0, batch=2, seed=0).b.shape == (2, 1, 8, 8)


def test_a_folder_of_two_domains_is_two_sets(draw):
    draw("both/trainA", 20)
    found = both([draw("both/trainB", 20, seed=1).parent])
    assert found.domains == ("A", "B")
    assert found.samples()["classes"] == ()
    assert found.batch(0, batch=2, seed=0, device=torch.device("cpu"), rank=0, world=1).a.x.shape == (2, 1, 8, 8)
    assert (found.test_classes_b == -1).all()


def test_three_sources_are_refused(pair):
    with pytest.raises(DataError, match="found 3 sources; wanted two sets"):
        both([*pair, pair[0]])
