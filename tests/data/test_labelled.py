"""Labelled sets, from the files to the batch."""

import os
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from unpaired import images
from unpaired.data.batches import Labelled, indices
from unpaired.data.labelled import open_labelled
from unpaired.data.labels import Attribute
from unpaired.errors import ConfigError, DataError, DataWarning, ShapeError, UnreadableImages

HAIR = ("blond", "dark", "red")


def rows(count=24, start=0):
    """The rows of a sound table: hair goes round, glasses likewise, and unknown now and then."""
    return {f"{i}.png": (HAIR[i % 3], ("no", "yes", "", "yes")[i // 3 % 4]) for i in range(start, start + count)}


def opened(options, *folders, **changed):
    return open_labelled([str(folder) for folder in folders], options(**changed))


def pixels_of(folder, part, size=(8, 8)):
    """The images of a part as they must be: read and fitted one by one."""
    return np.stack([images.fit(images.read(folder / name), size=size) for name in part.names])


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_each_image_keeps_its_labels(labelled, options):
    folder, table = labelled("faces", rows()), rows()
    data = opened(options, folder)
    assert data.attributes == (Attribute(name="hair", values=HAIR), Attribute(name="glasses", values=("off", "on"), binary=True))
    (one,) = data.sets
    assert (one.name, one.known, dict(one.truths), dict(one.card)) == ("faces", (0, 1), {}, {})
    assert sorted(one.train.names + one.test.names) == sorted(table)
    assert len(one.test) > 1
    for part in (one.train, one.test):
        assert part.origin == 0
        assert (part.pixels == pixels_of(folder, part)).all()
        assert part.values.dtype == np.int64
        wanted = [[HAIR.index(table[name][0]), {"no": 0, "yes": 1, "": -1}[table[name][1]]] for name in part.names]
        assert part.values.tolist() == wanted


def test_the_author_may_hold_out_images(labelled, options):
    split = {name: ("test" if i % 4 == 3 else "train", *cells) for i, (name, cells) in enumerate(rows().items())}
    folder = labelled("faces", split, header=("split", "hair", "glasses"))
    (one,) = opened(options, folder, load_size=9).sets
    assert one.test.names == tuple(name for name, cells in split.items() if cells[0] == "test")
    assert one.train.pixels.shape[1:3] == (9, 9)
    assert (one.test.pixels == pixels_of(folder, one.test)).all()
    folder = labelled("all", {name: ("test", *cells[1:]) for name, cells in split.items()}, header=("split", "hair", "glasses"))
    with pytest.raises(DataError, match="holds out all 24 images; wanted some to train on"):
        opened(options, folder)


def test_held_out_images_are_those_of_any_other_set_of_these_files(labelled, options):
    folder = labelled("faces", rows())
    held = opened(options, folder).sets[0].test.names
    assert opened(options, folder, load_size=10).sets[0].test.names == held
    more = labelled("faces", rows(30))
    assert set(held) <= set(opened(options, more).sets[0].test.names)
    none = opened(options, folder, holdout=0.0).sets[0]
    assert (len(none.train), none.test.pixels.shape, none.test.values.shape) == (30, (0, 8, 8, 3), (0, 2))


def test_a_batch_is_the_scheduled_images_with_their_labels(labelled, options):
    data = opened(options, labelled("faces", rows()))
    batch = data.batch(3, batch=4, seed=5, augment=False)
    assert isinstance(batch, Labelled)
    train = data.sets[0].train
    chosen = indices(len(train), batch=4, step=3, seed=5, stream="set 0")
    assert torch.equal(batch.x, images.to_tensor(train.pixels[chosen]))
    assert batch.values.tolist() == train.values[chosen].tolist()
    assert (batch.values.dtype, batch.origin.dtype, batch.origin.tolist()) == (torch.int64, torch.int64, [0] * 4)


def test_a_batch_is_a_function_of_its_step_and_seed(labelled, options):
    folder = labelled("faces", rows())
    data, again = opened(options, folder, load_size=10, jitter=0.4), opened(options, folder, load_size=10, jitter=0.4)
    assert data.batch(0, batch=6, seed=1).x.shape == (6, 3, 8, 8)
    for step in (5, 0, 5):
        assert same(data.batch(step, batch=6, seed=1), again.batch(step, batch=6, seed=1))
    assert not same(data.batch(5, batch=6, seed=1), data.batch(5, batch=6, seed=2))
    assert not same(data.batch(5, batch=6, seed=1), data.batch(6, batch=6, seed=1))
    assert not torch.equal(data.batch(5, batch=6, seed=1).x, data.batch(5, batch=6, seed=1, augment=False).x)


@pytest.fixture
def two(labelled, options):
    """Two sets: of the first hair and glasses are known, of the second glasses and age."""
    other = {f"{i}.png": (("old", "young")[i % 2], str(i // 2 % 2)) for i in range(18)}
    folders = labelled("faces", rows()), labelled("people", other, header=("age", "glasses"), seed=1)
    return opened(options, *folders, load_size=10, jitter=0.2)


def test_two_sets_share_their_attributes(two):
    assert [attribute.name for attribute in two.attributes] == ["hair", "glasses", "age"]
    assert [one.name for one in two.sets] == ["faces", "people"]
    assert [one.known for one in two.sets] == [(0, 1), (1, 2)]
    assert (two.sets[0].train.values[:, 2] == -1).all()
    assert (two.sets[1].train.values[:, 0] == -1).all()
    number = {name: i for i, name in enumerate(f"{i}.png" for i in range(18))}
    assert two.sets[1].train.values[:, 1].tolist() == [number[name] // 2 % 2 for name in two.sets[1].train.names]
    assert two.sets[1].train.values[:, 2].tolist() == [number[name] % 2 for name in two.sets[1].train.names]


def test_two_sets_take_turns_and_each_walks_through_its_images(two):
    seen = [[], []]
    for step in range(24):
        batch = two.batch(step, batch=3, seed=0, augment=False)
        origin = step % 2
        assert batch.origin.tolist() == [origin] * 3
        part = two.sets[origin].train
        chosen = indices(len(part), batch=3, step=step // 2, seed=0, stream=f"set {origin}")
        assert batch.values.tolist() == part.values[chosen].tolist()
        seen[origin] += chosen.tolist()
    for one, order in zip(two.sets, seen, strict=True):
        assert sorted(order[: len(one.train)]) == list(range(len(one.train)))


def test_processes_share_the_whole_batch(two):
    for step in (4, 7):
        whole = two.batch(step, batch=6, seed=3)
        parts = [two.batch(step, batch=6, seed=3, rank=rank, world=3) for rank in range(3)]
        assert same(whole, [torch.cat(pieces) for pieces in zip(*parts, strict=True)])
    with pytest.raises(ShapeError, match="a batch of 6 for process 0 of 4"):
        two.batch(0, batch=6, seed=3, world=4)


def test_a_root_may_hold_sets_and_so_may_a_zip(labelled, options, tmp_path):
    labelled("both/sets/faces", rows())
    other = {f"{i}.png": (str(i // 2 % 2), ("old", "young")[i % 2]) for i in range(18)}
    root = labelled("both/sets/people", other, header=("glasses", "age"), seed=1).parent.parent
    data = opened(options, root)
    assert [(one.name, one.known) for one in data.sets] == [("faces", (0, 1)), ("people", (1, 2))]
    packed = opened(options, shutil.make_archive(str(tmp_path / "packed"), "zip", root))
    assert packed.fingerprint == data.fingerprint
    assert same(data.batch(3, batch=4, seed=0), packed.batch(3, batch=4, seed=0))


def test_cards_are_told_together(labelled, options):
    folders = [labelled(f"both/sets/{name}", rows(), seed=seed) for seed, name in enumerate(("one", "two"))]
    root = folders[0].parent.parent
    (folders[0] / "set.json").write_text('{"licence": "CC0", "credit": "A"}')
    assert opened(options, folders[0]).card == {"licence": "CC0", "credit": "A"}
    assert opened(options, root).card == {"licence": "one: CC0", "credit": "one: A"}
    (folders[1] / "set.json").write_text('{"licence": "CC0", "credit": "B"}')
    (root / "set.json").write_text('{"name": "both"}')
    data = opened(options, root)
    assert data.card == {"name": "both", "licence": "CC0", "credit": "one: A; two: B"}
    assert data.sets[1].card == {"name": "both", "licence": "CC0", "credit": "B"}


def test_the_fingerprint_is_of_images_and_labels(labelled, options):
    folder = labelled("faces", rows())
    prints = [opened(options, folder).fingerprint, opened(options, folder, flip=False).fingerprint]
    assert prints[0] == prints[1]
    text = (folder / "attributes.csv").read_text()

    def written(changed):
        (folder / "attributes.csv").write_text(changed)
        return opened(options, folder).fingerprint

    prints += [
        written(text.replace("4.png,dark", "4.png,red")),
        written(text.replace("blond", "fair")),
        written(text.replace("hair", "Hair")),
        opened(options, folder, size=9).fingerprint,
    ]
    assert written(text) == prints[0]
    assert written(text.replace("\n3.png,blond,yes", "") + "3.png,blond,yes\n") == prints[0]  # the same said in another order
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(folder / "4.png")
    prints.append(opened(options, folder).fingerprint)
    assert len(set(prints)) == len(prints) - 1


def counterparts(folder, changes, test):
    """Write truth/CHANGE/ for each change: grey images whose level tells the change and the row."""
    for number, (change, keep) in enumerate(changes.items()):
        (folder / "truth" / change).mkdir(parents=True)
        for row, name in enumerate(test):
            if keep(row):
                Image.fromarray(np.full((8, 8, 3), 50 * number + row, np.uint8)).save(folder / "truth" / change / name)


@pytest.fixture
def with_test(labelled):
    """12 images to train on and 6 to test on, in folders."""
    table = {("train/" if i < 12 else "test/") + name: cells for i, (name, cells) in enumerate(rows(18).items())}
    return labelled("faces", table)


def test_counterparts_stand_in_the_order_of_the_test_images(with_test, options):
    test = [f"{i}.png" for i in range(12, 18)]
    # Of hair, images that are blond already have no file: 12 and 15.
    counterparts(with_test, {"glasses=Yes": lambda row: True, "hair=blond": lambda row: row % 3}, test)
    (one,) = opened(options, with_test).sets
    assert one.test.names == tuple(f"test/{name}" for name in test)
    assert list(one.truths) == ["glasses=on", "hair=blond"]
    assert one.truths["glasses=on"][:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4, 5]
    blond = one.truths["hair=blond"]
    assert blond[[1, 2, 4, 5], 0, 0, 0].tolist() == [51, 52, 54, 55]
    assert (blond[[0, 3]] == one.test.pixels[[0, 3]]).all()
    assert not blond.flags.writeable


def test_counterparts_that_are_not_whole_or_not_known_are_left_out(with_test, options):
    test = [f"{i}.png" for i in range(12, 18)]
    counterparts(with_test, {"hair=dark": lambda row: row != 3}, test)
    with pytest.warns(
        DataWarning, match=r"hair=dark holds no counterpart for 1 of 6 test images: test/15.png; .*: this folder is left"
    ):
        assert opened(options, with_test).sets[0].truths == {}
    (with_test / "truth" / "hair=dark").rename(with_test / "truth" / "hair=drak")
    with pytest.warns(DataWarning, match=r"is left alone: hair has no value 'drak' \(did you mean 'dark'\?\)"):
        assert opened(options, with_test).sets[0].truths == {}


def test_unreadable_counterparts_are_refused(with_test, options):
    counterparts(with_test, {"glasses=on": lambda row: True}, [f"{i}.png" for i in range(12, 18)])
    (with_test / "truth" / "glasses=on" / "13.png").write_text("no image")
    with pytest.raises(DataError, match=r"1 unreadable counterparts, such as 13.png: not an image"):
        opened(options, with_test)


def test_unreadable_images_are_skipped_with_their_labels(labelled, options):
    folder, table = labelled("faces", rows()), rows()
    (folder / "0.png").write_text("no image")
    with pytest.warns(DataWarning, match=r"faces/train: skipped 1 unreadable file, such as 0.png: not an image"):
        data = opened(options, folder)
    assert [(part, [name for name, _ in skipped]) for part, skipped in data.skipped.items()] == [("faces/train", ["0.png"])]
    for part in (data.sets[0].train, data.sets[0].test):
        assert part.values[:, 0].tolist() == [HAIR.index(table[name][0]) for name in part.names]
    with pytest.raises(UnreadableImages, match=r"0.png: not an image"):
        opened(options, folder, strict=True)


def test_what_nobody_could_learn_is_refused_before_training(labelled, options):
    table = {name: (cells[0], "yes") for name, cells in rows().items()}
    with pytest.raises(DataError, match=r"nothing to learn: glasses is 'on' in all \d+; add images"):
        opened(options, labelled("faces", table))
    table = {name: (cells[0], "x", cells[0]) for name, cells in rows().items()}
    folder = labelled("again", table, header=("hair", "note", "colour"), rules="[hair]\n[colour]")
    with pytest.warns(DataWarning, match="again: hair and colour say the same of every training image"):
        opened(options, folder)


def test_sets_that_disagree_are_refused(labelled, options):
    other = {name: (("dark", "light")[i % 2], cells[1]) for i, (name, cells) in enumerate(rows().items())}
    with pytest.raises(DataError, match="'hair' is blond, dark, red in one and dark, light in two; wanted the same values"):
        opened(options, labelled("one", rows()), labelled("two", other, seed=1))


def test_what_should_be_looked_at_is_told(labelled, options):
    with pytest.warns(DataWarning, match="faces: only 6 images to train on; wanted 10"):
        opened(options, labelled("faces", rows(6)), holdout=0.0)
    split = {name: ("test" if i > 19 else "train", *cells) for i, (name, cells) in enumerate(rows().items())}
    folder = labelled("leak", split, header=("split", "hair", "glasses"))
    shutil.copy(folder / "3.png", folder / "22.png")
    with pytest.warns(DataWarning, match="leak: training and test images share 1, such as 3.png and 22.png"):
        opened(options, folder)
    folder = labelled("copies", rows())
    shutil.copy(folder / "3.png", folder / "4.png")
    with pytest.warns(DataWarning, match="copies: 1 pair of equal images with different labels: 3.png and 4.png"):
        opened(options, folder, holdout=0.0)


def test_values_that_no_held_out_image_has(labelled, options):
    split = {name: ("test" if i > 21 else "train", *cells) for i, (name, cells) in enumerate(rows().items())}
    data = opened(options, labelled("rare", split, header=("split", "hair", "glasses")))
    assert data.unseen == ["hair=blond", "glasses=off"]
    assert opened(options, labelled("all", rows()), holdout=0.0).unseen == []


def test_options_that_do_not_fit_are_refused(labelled, options):
    folder = labelled("faces", rows())
    with pytest.raises(ConfigError, match="--side-by-side is for pairs"):
        opened(options, folder, side_by_side=True)
    with pytest.raises(DataError, match="load_size is 7, size is 8"):
        opened(options, folder, load_size=7)


def test_who_waits_is_told_and_the_cache_is_used(labelled, options, tmp_path):
    folder = labelled("faces", rows())
    said = []
    cache = tmp_path / "other"
    for _ in range(2):
        open_labelled([str(folder)], options(), cache=cache, telling=lambda what, done, of: said.append((what, done, of)))
    assert said[0] == ("reading faces/train", 0, None)
    assert ("decoding faces/train", 24, 24) in said
    assert len([entry for entry in os.scandir(cache / "images")]) == 1
    assert len([what for what, done, _ in said if what.startswith("decoding")]) == 24
