"""The schedule, the typed batches, and how two folders become them."""

import os
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from unpaired import images
from unpaired.data.batches import Unpaired, UnpairedData, indices, open_unpaired, share
from unpaired.errors import DataError, DataWarning, EmptyDomain, SameDomain, ShapeError, UnreadableImages


def walk(n, *, batch, steps, seed=0, stream="a", start=0):
    return np.concatenate([indices(n, batch=batch, step=step, seed=seed, stream=stream) for step in range(start, steps)])


@pytest.mark.parametrize(("n", "batch"), [(1, 1), (7, 3), (12, 4), (5, 8), (3, 10)])
def test_every_image_comes_once_an_epoch(n, batch):
    rows = walk(n, batch=batch, steps=5 * n)
    assert rows.shape == (5 * n * batch,)
    assert all(sorted(epoch) == list(range(n)) for epoch in rows.reshape(-1, n))


def test_epochs_differ_and_so_do_seeds_and_streams():
    rows = walk(50, batch=10, steps=10)
    assert rows[:50].tolist() != rows[50:].tolist()
    assert rows.tolist() != walk(50, batch=10, steps=10, seed=1).tolist()
    assert rows.tolist() != walk(50, batch=10, steps=10, stream="b").tolist()


def test_a_step_is_a_function_of_its_number():
    rows = walk(23, batch=5, steps=40).reshape(40, 5)
    for step in (39, 3, 17, 3):
        assert indices(23, batch=5, step=step, seed=0, stream="a").tolist() == rows[step].tolist()
    assert indices(23, batch=5, step=10**12, seed=0, stream="a").shape == (5,)


def test_the_sequence_does_not_depend_on_the_batch_size():
    assert walk(11, batch=2, steps=30).tolist() == walk(11, batch=6, steps=10).tolist()


def test_the_schedule_is_the_same_in_every_release():
    assert indices(10, batch=10, step=0, seed=0, stream="a").tolist() == [7, 2, 9, 1, 5, 6, 3, 4, 0, 8]


def test_every_order_is_about_equally_likely():
    firsts = np.array([indices(4, batch=4, step=epoch, seed=0, stream="a") for epoch in range(2400)])
    counts = np.unique(firsts, axis=0, return_counts=True)[1]
    assert len(counts) == 24
    assert np.abs(counts - 100).max() < 45


def test_nothing_to_choose_from_is_refused():
    with pytest.raises(DataError, match=r"n=0, .*; wanted n and batch from 1, step and seed from 0"):
        indices(0, batch=1, step=0, seed=0, stream="a")


def test_shares_are_the_rows_of_the_whole():
    assert [share(12, rank=rank, world=3) for rank in range(3)] == [slice(0, 4), slice(4, 8), slice(8, 12)]
    with pytest.raises(ShapeError, match=r"a batch of 10 for process 0 of 4; wanted a batch that is a multiple .* such as 8"):
        share(10, rank=0, world=4)
    with pytest.raises(ShapeError, match="process 3 of 3"):
        share(12, rank=3, world=3)


def pixels(count, size=6, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


@pytest.fixture
def data():
    return UnpairedData(pixels(7), pixels(5, seed=1), pixels(0), pixels(0), size=(4, 4), jitter=0.3)


def test_a_batch_holds_the_scheduled_images(data):
    batch = data.batch(3, batch=4, seed=5, augment=False)
    assert isinstance(batch, Unpaired)
    for x, all, stream in ((batch.a, data.train_a, "a"), (batch.b, data.train_b, "b")):
        rows = all[indices(len(all), batch=4, step=3, seed=5, stream=stream)]
        assert torch.equal(x, images.to_tensor(rows[:, 1:5, 1:5]))


@pytest.mark.parametrize("augment", [True, False])
def test_a_batch_is_a_function_of_step_and_seed(data, augment):
    first = data.batch(3, batch=4, seed=5, augment=augment)
    torch.manual_seed(1)
    data.batch(9, batch=4, seed=5)
    again = data.batch(3, batch=4, seed=5, augment=augment)
    assert torch.equal(first.a, again.a)
    assert torch.equal(first.b, again.b)
    assert not torch.equal(first.a, data.batch(4, batch=4, seed=5, augment=augment).a)
    assert not torch.equal(first.a, data.batch(3, batch=4, seed=6, augment=augment).a)
    assert first.a.min() >= -1
    assert first.a.max() <= 1


def test_processes_share_the_batch_of_one(data):
    whole = data.batch(2, batch=6, seed=0)
    parts = [data.batch(2, batch=6, seed=0, rank=rank, world=3) for rank in range(3)]
    assert torch.equal(torch.cat([part.a for part in parts]), whole.a)
    assert torch.equal(torch.cat([part.b for part in parts]), whole.b)


@pytest.fixture
def two(draw):
    return [str(draw("a", 40)), str(draw("b", 25, seed=1))]


def test_two_folders_are_split(two, options):
    data = open_unpaired(two, options())
    assert len(data.train_a) + len(data.test_a) == 40
    assert len(data.train_b) + len(data.test_b) == 25
    assert 0 < len(data.test_a) < 20
    assert set(data.names["train_a"]) | set(data.names["test_a"]) == {f"{n}.png" for n in range(1, 41)}
    for part in ("train_a", "test_a"):
        for row, name in zip(getattr(data, part), data.names[part], strict=True):
            assert np.array_equal(row, images.fit(images.read(os.path.join(two[0], name)), size=8))
    assert data.truth_b is None
    assert data.domains == ("a", "b")
    batch = data.batch(0, batch=4, seed=0)
    assert batch.a.shape == batch.b.shape == (4, 3, 8, 8)


def test_the_split_is_stable_when_files_are_added(two, draw, options):
    before = open_unpaired(two, options())
    draw("a", 60)
    after = open_unpaired(two, options())
    assert set(before.names["test_a"]) <= set(after.names["test_a"])
    assert set(before.names["train_a"]) <= set(after.names["train_a"])
    assert before.fingerprint != after.fingerprint


def test_the_share_does_not_change_the_cache(two, options, cache):
    one = open_unpaired(two, options(holdout=0.1))
    other = open_unpaired(two, options(holdout=0.5))
    assert len(other.test_a) > len(one.test_a)
    assert len(list((cache / "images").iterdir())) == 2
    none = open_unpaired(two, options(holdout=0.0))
    assert none.test_a.shape == (0, 8, 8, 3)
    assert len(none.train_a) == 40


def test_a_larger_load_size_leaves_room_to_crop(two, options):
    data = open_unpaired(two, options(load_size=10))
    assert data.train_a.shape[1:] == (10, 10, 3)
    assert data.test_a.shape[1:] == (8, 8, 3)
    assert data.batch(0, batch=4, seed=0).a.shape == (4, 3, 8, 8)
    assert len(data.names["test_a"]) == len(data.test_a)
    with pytest.raises(DataError, match="load_size is 4, size is 8; wanted load_size at least as large"):
        open_unpaired(two, options(load_size=4))


def test_the_domains_may_differ_in_channels(two, options):
    data = open_unpaired(two, options(channels=3, channels_b=1))
    assert data.train_a.shape[3] == 3
    assert data.train_b.shape[3] == data.test_b.shape[3] == 1


def test_test_folders_and_exact_counterparts_are_used(draw, options, tmp_path):
    for seed, (name, count) in enumerate((("trainA", 12), ("trainB", 11), ("testA", 5), ("testB", 4), ("truthB", 7))):
        draw(f"set/{name}", count, seed=seed)
    (tmp_path / "set" / "set.json").write_text('{"licence": "CC0"}')
    data = open_unpaired([str(tmp_path / "set")], options())
    assert [len(getattr(data, part)) for part in ("train_a", "train_b", "test_a", "test_b", "truth_b")] == [
        12,
        11,
        5,
        4,
        5,
    ]
    assert data.names["truth_b"] == data.names["test_a"]
    for row, name in zip(data.truth_b, data.names["test_a"], strict=True):
        assert np.array_equal(row, images.fit(images.read(tmp_path / "set" / "truthB" / name), size=8))
    assert data.truth_a is None
    assert data.card == {"licence": "CC0"}
    (tmp_path / "set" / "truthB" / "2.png").write_text("no image")
    with pytest.raises(DataError, match=r"truthB holds no readable counterpart for 1 images of test_a: 2\.png; wanted"):
        open_unpaired([str(tmp_path / "set")], options())
    (tmp_path / "set" / "truthB" / "2.png").unlink()
    with pytest.raises(DataError, match=r"truthB holds no counterpart for 1 images of test_a: 2\.png; wanted a file of"):
        open_unpaired([str(tmp_path / "set")], options())


def test_the_fingerprint_is_of_the_contents(two, options, tmp_path):
    first = open_unpaired(two, options()).fingerprint
    copies = [shutil.copytree(where, tmp_path / "copy" / name) for where, name in zip(two, "xy", strict=True)]
    assert open_unpaired([str(copy) for copy in copies], options()).fingerprint == first
    assert open_unpaired(two, options(holdout=0.5)).fingerprint != first


def test_unreadable_files_are_told_or_refused(two, options):
    with open(os.path.join(two[0], "7.png"), "w") as file:
        file.write("no image")
    with pytest.warns(DataWarning, match=r"train_a: skipped 1 unreadable files, such as 7\.png: not an image"):
        data = open_unpaired(two, options())
    assert data.skipped["train_a"][0][0] == "7.png"
    assert len(data.train_a) + len(data.test_a) == 39
    with pytest.raises(UnreadableImages, match=r"7\.png"):
        open_unpaired(two, options(strict=True))


def test_an_empty_folder_is_refused(two, options, tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(EmptyDomain, match=r"domain B: no images in .*none: found no files; wanted"):
        open_unpaired([two[0], str(tmp_path / "none")], options())


def test_two_folders_of_the_same_images_are_refused(two, options, tmp_path):
    shutil.copytree(two[0], tmp_path / "same")
    with pytest.raises(SameDomain, match=r"hold the same .* images; wanted two different sets: check the paths"):
        open_unpaired([two[0], str(tmp_path / "same")], options())


def test_few_images_draw_a_warning_and_one_is_enough(draw, options):
    few, other = str(draw("few", 1)), str(draw("many", 20, seed=1))
    with pytest.warns(DataWarning, match="train_a: only 1 images to train on; wanted 10 at the very least"):
        data = open_unpaired([few, other], options())
    assert (len(data.train_a), len(data.test_a)) == (1, 0)


def test_images_in_both_domains_draw_a_warning(two, options):
    shutil.copy(os.path.join(two[0], "3.png"), os.path.join(two[1], "twin.png"))
    with pytest.warns(DataWarning, match=r"share 1 images, such as 3\.png and twin\.png"):
        open_unpaired(two, options(holdout=0.0))


def test_leakage_draws_a_warning(draw, options, tmp_path):
    for seed, name in enumerate(("trainA", "trainB", "testA", "testB")):
        draw(f"set/{name}", 12, seed=seed)
    shutil.copy(tmp_path / "set/trainA/5.png", tmp_path / "set/testA/leak.png")
    with pytest.warns(DataWarning, match=r"train_a and test_a share 1 images, such as 5\.png and leak\.png: what is measured"):
        open_unpaired([str(tmp_path / "set")], options())


def test_copies_never_stand_on_both_sides(two, options):
    for number in range(1, 41):
        shutil.copy(os.path.join(two[0], f"{number}.png"), os.path.join(two[0], f"copy {number}.png"))
    data = open_unpaired(two, options())
    held = set(data.names["test_a"])
    assert all((f"{number}.png" in held) == (f"copy {number}.png" in held) for number in range(1, 41))


def test_transparent_images_show_the_background(draw, options, tmp_path):
    (tmp_path / "clear").mkdir()
    for index in range(10):
        Image.new("RGBA", (8, 8), (index, 0, 0, 0)).save(tmp_path / "clear" / f"{index}.png")
    data = open_unpaired([str(tmp_path / "clear"), str(draw("b"))], options(background="red", holdout=0.0))
    assert (data.train_a == (255, 0, 0)).all()
