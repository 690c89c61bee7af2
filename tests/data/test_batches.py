"""The schedule, the typed batches, and how two folders become them."""

import os
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from unpaired import images
from unpaired.data.batches import Domains, Paired, Unpaired, indices, open_domains, share, shifted
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
    return Domains(pixels(7), pixels(5, seed=1), pixels(0), pixels(0), size=(4, 4), jitter=0.3)


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
    data = open_domains(two, options())
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
    before = open_domains(two, options())
    draw("a", 60)
    after = open_domains(two, options())
    assert set(before.names["test_a"]) <= set(after.names["test_a"])
    assert set(before.names["train_a"]) <= set(after.names["train_a"])
    assert before.fingerprint != after.fingerprint


def test_the_share_does_not_change_the_cache(two, options, cache):
    one = open_domains(two, options(holdout=0.1))
    other = open_domains(two, options(holdout=0.5))
    assert len(other.test_a) > len(one.test_a)
    assert len(list((cache / "images").iterdir())) == 2
    none = open_domains(two, options(holdout=0.0))
    assert none.test_a.shape == (0, 8, 8, 3)
    assert len(none.train_a) == 40


def test_a_larger_load_size_leaves_room_to_crop(two, options):
    data = open_domains(two, options(load_size=10))
    assert data.train_a.shape[1:] == (10, 10, 3)
    assert data.test_a.shape[1:] == (8, 8, 3)
    assert data.batch(0, batch=4, seed=0).a.shape == (4, 3, 8, 8)
    assert len(data.names["test_a"]) == len(data.test_a)
    with pytest.raises(DataError, match="load_size is 4, size is 8; wanted load_size at least as large"):
        open_domains(two, options(load_size=4))


def test_the_domains_may_differ_in_channels(two, options):
    data = open_domains(two, options(channels=3, channels_b=1))
    assert data.train_a.shape[3] == 3
    assert data.train_b.shape[3] == data.test_b.shape[3] == 1


def test_test_folders_and_exact_counterparts_are_used(draw, options, tmp_path):
    for seed, (name, count) in enumerate((("trainA", 12), ("trainB", 11), ("testA", 5), ("testB", 4), ("truthB", 7))):
        draw(f"set/{name}", count, seed=seed)
    (tmp_path / "set" / "set.json").write_text('{"licence": "CC0"}')
    data = open_domains([str(tmp_path / "set")], options())
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
    with pytest.raises(DataError, match=r"truthB holds no readable counterpart for 1 image of test_a: 2\.png; wanted"):
        open_domains([str(tmp_path / "set")], options())
    (tmp_path / "set" / "truthB" / "2.png").unlink()
    with pytest.raises(DataError, match=r"truthB holds no counterpart for 1 image of test_a: 2\.png; wanted a file of"):
        open_domains([str(tmp_path / "set")], options())


def test_the_fingerprint_is_of_the_contents(two, options, tmp_path):
    first = open_domains(two, options()).fingerprint
    copies = [shutil.copytree(where, tmp_path / "copy" / name) for where, name in zip(two, "xy", strict=True)]
    assert open_domains([str(copy) for copy in copies], options()).fingerprint == first
    assert open_domains(two, options(holdout=0.5)).fingerprint != first


def test_unreadable_files_are_told_or_refused(two, options):
    with open(os.path.join(two[0], "7.png"), "w") as file:
        file.write("no image")
    with pytest.warns(DataWarning, match=r"train_a: skipped 1 unreadable file, such as 7\.png: not an image"):
        data = open_domains(two, options())
    assert data.skipped["train_a"][0][0] == "7.png"
    assert len(data.train_a) + len(data.test_a) == 39
    with pytest.raises(UnreadableImages, match=r"7\.png"):
        open_domains(two, options(strict=True))


def test_an_empty_folder_is_refused(two, options, tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(EmptyDomain, match=r"domain B: no images in .*none: found no files; wanted"):
        open_domains([two[0], str(tmp_path / "none")], options())


def test_two_folders_of_the_same_images_are_refused(two, options, tmp_path):
    shutil.copytree(two[0], tmp_path / "same")
    with pytest.raises(SameDomain, match=r"hold the same .* images; wanted two different sets: check the paths"):
        open_domains([two[0], str(tmp_path / "same")], options())


def test_few_images_draw_a_warning_and_one_is_enough(draw, options):
    few, other = str(draw("few", 1)), str(draw("many", 20, seed=1))
    with pytest.warns(DataWarning, match="train_a: only 1 image to train on; wanted 10 at the very least"):
        data = open_domains([few, other], options())
    assert (len(data.train_a), len(data.test_a)) == (1, 0)


def test_images_in_both_domains_draw_a_warning(two, options):
    shutil.copy(os.path.join(two[0], "3.png"), os.path.join(two[1], "twin.png"))
    with pytest.warns(DataWarning, match=r"share 1 image, such as 3\.png and twin\.png"):
        open_domains(two, options(holdout=0.0))


def test_leakage_draws_a_warning(draw, options, tmp_path):
    for seed, name in enumerate(("trainA", "trainB", "testA", "testB")):
        draw(f"set/{name}", 12, seed=seed)
    shutil.copy(tmp_path / "set/trainA/5.png", tmp_path / "set/testA/leak.png")
    with pytest.warns(DataWarning, match=r"train_a and test_a share 1 image, such as 5\.png and leak\.png: what is measured"):
        open_domains([str(tmp_path / "set")], options())


def test_copies_never_stand_on_both_sides(two, options):
    for number in range(1, 41):
        shutil.copy(os.path.join(two[0], f"{number}.png"), os.path.join(two[0], f"copy {number}.png"))
    data = open_domains(two, options())
    held = set(data.names["test_a"])
    assert all((f"{number}.png" in held) == (f"copy {number}.png" in held) for number in range(1, 41))


def test_transparent_images_show_the_background(draw, options, tmp_path):
    (tmp_path / "clear").mkdir()
    for index in range(10):
        Image.new("RGBA", (8, 8), (index, 0, 0, 0)).save(tmp_path / "clear" / f"{index}.png")
    data = open_domains([str(tmp_path / "clear"), str(draw("b"))], options(background="red", holdout=0.0))
    assert (data.train_a == (255, 0, 0)).all()


def inverse(folder, other, *, suffix=".png"):
    """Beside each picture its negative, which tells partners from all others."""
    other.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        Image.fromarray(255 - np.asarray(Image.open(path))).save(other / f"{path.stem}{suffix}")
    return other


def beside(folder, other):
    """Each picture with its negative to the right of it, in one file."""
    other.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        pixels = np.asarray(Image.open(path))
        Image.fromarray(np.concatenate([pixels, 255 - pixels], axis=1)).save(other / path.name)
    return other


@pytest.fixture
def pairs(draw, tmp_path):
    return [str(draw("a", 40)), str(inverse(draw("a", 40), tmp_path / "b", suffix=".bmp"))]


def are_partners(a, b):
    return len(a) == len(b) and np.array_equal(255 - np.asarray(a), np.asarray(b))


@pytest.mark.parametrize("world", [1, 3])
@pytest.mark.parametrize("load_size", [None, 10])
def test_partners_stay_partners(pairs, options, load_size, world):
    data = open_domains(pairs, options(load_size=load_size), paired=True)
    plain, changed = [], 0
    for step in range(20):
        parts = [data.batch(step, batch=6, seed=0, rank=rank, world=world) for rank in range(world)]
        assert all(isinstance(part, Paired) for part in parts)
        batch = Paired(torch.cat([part.a for part in parts]), torch.cat([part.b for part in parts]))
        assert batch.a.shape == (6, 3, 8, 8)
        assert torch.allclose(batch.b, -batch.a, atol=1e-6)
        whole = data.batch(step, batch=6, seed=0)
        assert torch.equal(batch.a, whole.a)
        assert torch.equal(batch.b, whole.b)
        still = data.batch(step, batch=6, seed=0, augment=False)
        assert torch.allclose(still.b, -still.a, atol=1e-6)
        changed += int((batch.a != still.a).flatten(1).any(1).sum())
        plain += still.a[:, 0, 0, 0].tolist()
    assert 40 < changed < (80 if load_size is None else 120)  # of 120: half of them flipped, most of them cropped elsewhere
    assert len(set(plain[: len(data.train_a)])) > 20  # an epoch is not one image over and over


def test_images_are_shifted_and_their_edges_repeated():
    """A ramp down and across says by its corner how far it was moved: by -2 to 2 px each way, partners alike, held-out not."""
    ramp = np.add.outer(40 + 16 * np.arange(6), np.arange(6)).astype(np.uint8)[None, :, :, None].repeat(200, axis=0)
    data = Domains(ramp, ramp.copy(), ramp[:2], ramp[:2], paired=True, size=(6, 6), flip=False, shift=2)
    batch, still = data.batch(0, batch=200, seed=0), data.batch(0, batch=2, seed=0, augment=False)
    assert torch.equal(batch.a, batch.b)
    assert torch.equal(still.a, images.to_tensor(ramp[:2]))
    rows = images.to_uint8(batch.a).numpy().astype(int)[..., 0]
    place = np.arange(-2, 8).clip(0, 5)
    moves = {(down, across) for down in range(5) for across in range(5)}
    wanted = {move: 40 + np.add.outer(16 * place[move[0] : move[0] + 6], place[move[1] : move[1] + 6]) for move in moves}
    found = {next(move for move, image in wanted.items() if np.array_equal(row, image)) for row in rows}
    assert found == moves


def test_room_to_shift_in_repeats_edges_of_images_and_of_maps():
    maps = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    found = shifted(maps, by=2)
    down, across = ([min(max(place - 2, 0), side - 1) for place in range(side + 4)] for side in (3, 4))
    assert np.array_equal(found, maps[:, down][:, :, across])
    assert np.array_equal(shifted(maps[..., None], by=2), found[..., None])
    assert shifted(maps, by=0) is maps


def test_partners_are_jittered_alike():
    same = pixels(8)
    data = Domains(same, same.copy(), pixels(0), pixels(0), paired=True, size=(6, 6), jitter=0.5)
    batch, still = data.batch(0, batch=8, seed=0), data.batch(0, batch=8, seed=0, augment=False)
    assert torch.equal(batch.a, batch.b)
    assert not torch.equal(batch.a.flatten(1).sort().values, still.a.flatten(1).sort().values)


def test_rows_without_partners_are_refused():
    with pytest.raises(DataError, match="pairs of 3 images of A and 2 of B; wanted as many of each, row by row"):
        Domains(pixels(3), pixels(2), pixels(0), pixels(0), paired=True)


@pytest.mark.parametrize("load_size", [None, 10])
@pytest.mark.parametrize("holdout", [0.25, 0.6])
def test_the_split_keeps_partners_together(pairs, options, holdout, load_size):
    data = open_domains(pairs, options(holdout=holdout, load_size=load_size), paired=True)
    assert data.paired
    assert len(data.train_a) + len(data.test_a) == 40
    assert 0 < len(data.test_a) < 40
    assert are_partners(data.train_a, data.train_b)
    assert are_partners(data.test_a, data.test_b)
    for end in ("train", "test"):
        stems = [[os.path.splitext(name)[0] for name in data.names[f"{end}_{letter}"]] for letter in "ab"]
        assert stems[0] == stems[1]
    assert are_partners(data.test_a, data.truth_b)
    assert are_partners(data.truth_a, data.test_b)


def test_pairs_hold_out_the_images_of_a_that_unpaired_games_hold_out(pairs, options):
    paired, unpaired = open_domains(pairs, options(), paired=True), open_domains(pairs, options())
    assert paired.names["test_a"] == unpaired.names["test_a"]
    assert paired.names["test_b"] != unpaired.names["test_b"]
    assert unpaired.truth_b is None
    assert isinstance(unpaired.batch(0, batch=2, seed=0), Unpaired)


def test_an_image_with_two_partners_stands_on_one_side(pairs, options):
    for number in range(1, 41):
        shutil.copy(os.path.join(pairs[0], f"{number}.png"), os.path.join(pairs[0], f"again {number}.png"))
        flipped = Image.open(os.path.join(pairs[1], f"{number}.bmp")).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        flipped.save(os.path.join(pairs[1], f"again {number}.bmp"))
    held = set(open_domains(pairs, options(), paired=True).names["test_a"])
    assert held
    assert all((f"{number}.png" in held) == (f"again {number}.png" in held) for number in range(1, 41))


@pytest.mark.filterwarnings("ignore::unpaired.errors.DataWarning")
def test_each_domain_has_its_value_range(options, tmp_path, cache):
    for domain, level in (("A", -500), ("B", 30)):
        (tmp_path / domain).mkdir()
        for index in range(12):
            np.save(tmp_path / domain / f"{index}.npy", np.full((9, 9), level + index % 2, np.int16))
    two = [str(tmp_path / domain) for domain in "AB"]
    how = {"channels": 1, "depth": 32, "value_range": (-1000, 1000)}
    data = open_domains(two, options(**how), cache=cache)
    for part, level in (("train_a", -500), ("test_a", -500), ("train_b", 30), ("test_b", 30)):
        assert set(np.unique(getattr(data, part))) <= {np.float32((level + more + 1000) / 2000) for more in (0, 1)}, part
    data = open_domains(two, options(**how, value_range_b=(0, 100)), cache=cache)
    assert set(np.unique(data.train_b)) <= {np.float32(0.3), np.float32(0.31)}
    assert data.train_a.max() < 0.26


def test_swapped_pairs_are_pairs(pairs, options):
    data = open_domains(pairs, options(), paired=True)
    swapped = data.swapped()
    one, other = data.batch(4, batch=5, seed=1), swapped.batch(4, batch=5, seed=1)
    assert isinstance(other, Paired)
    assert torch.equal(one.a, other.b)
    assert torch.equal(one.b, other.a)
    assert are_partners(swapped.test_a, swapped.truth_b)


def test_files_without_a_partner_are_refused(pairs, options):
    os.rename(os.path.join(pairs[0], "7.png"), os.path.join(pairs[0], "seven.png"))
    with pytest.raises(
        DataError, match=r"no partner for 1 of 40 files in .*a, such as seven\.png and 1 of 40 .*b, such as 7\.bmp"
    ):
        open_domains(pairs, options(), paired=True)
    assert len(open_domains(pairs, options(holdout=0.0)).train_a) == 40


def test_the_partner_of_an_unreadable_file_is_skipped_with_it(pairs, options):
    for path in (os.path.join(pairs[0], "7.png"), os.path.join(pairs[1], "9.bmp")):
        with open(path, "w") as file:
            file.write("no image")
    with pytest.warns(DataWarning, match="skipped 2 unreadable files"):
        data = open_domains(pairs, options(), paired=True)
    assert len(data.train_a) + len(data.test_a) == 38
    assert are_partners(data.train_a, data.train_b)
    assert are_partners(data.test_a, data.test_b)
    (seven, why_seven), (nine, why_nine) = data.skipped["train_a"]
    assert (seven, nine, why_nine) == ("7.png", "9.png", "its partner 9.bmp is unreadable")
    assert "not an image" in why_seven
    assert [name for name, _ in data.skipped["train_b"]] == ["7.bmp", "9.bmp"]
    with pytest.raises(UnreadableImages, match=r"7\.png"):
        open_domains(pairs, options(strict=True), paired=True)
    for path in os.listdir(pairs[0]):
        with open(os.path.join(pairs[0], path), "w") as file:
            file.write("no image")
    with pytest.raises(EmptyDomain, match="none of the 40 files"):
        open_domains(pairs, options(), paired=True)


def test_where_no_pair_is_whole(draw, options, tmp_path):
    one, other = draw("a", 2), inverse(draw("a", 2), tmp_path / "b")
    (one / "1.png").write_text("no image")
    (other / "2.png").write_text("no image")
    with pytest.raises(DataError, match=r"no pair in .*a and .*b has two readable files; wanted"):
        open_domains([str(one), str(other)], options(), paired=True)


def test_partners_may_differ_in_channels(pairs, options):
    data = open_domains(pairs, options(channels_b=1), paired=True)
    batch = data.batch(0, batch=4, seed=0)
    assert (batch.a.shape[1], batch.b.shape[1]) == (3, 1)
    luma = torch.tensor([0.299, 0.587, 0.114])
    far = (batch.b[:, 0] + torch.einsum("nchw,c->nhw", batch.a, luma)).abs().mean(dim=(1, 2))
    assert far.max() < 0.02  # the resampling clips colours before they become grey; other images are 0.3 away


def test_test_folders_of_pairs(draw, options, tmp_path):
    for seed, (end, count) in enumerate((("train", 12), ("test", 5))):
        inverse(draw(f"set/{end}A", count, seed=seed), tmp_path / "set" / f"{end}B")
    data = open_domains([str(tmp_path / "set")], options(), paired=True)
    assert (len(data.train_a), len(data.test_a)) == (12, 5)
    assert are_partners(data.train_a, data.train_b)
    assert are_partners(data.test_a, data.truth_b)
    assert are_partners(data.truth_a, data.test_b)
    (tmp_path / "set/testB/3.png").unlink()
    with pytest.raises(DataError, match=r"no partner for 1 of 5 files in .*testA, such as 3\.png; wanted"):
        open_domains([str(tmp_path / "set")], options(), paired=True)
    shutil.rmtree(tmp_path / "set/testB")
    with pytest.raises(DataError, match="found test images of A and none of B; wanted pairs: add the others, or remove these"):
        open_domains([str(tmp_path / "set")], options(), paired=True)


def test_truth_folders_count_more_than_names(draw, options, tmp_path):
    inverse(draw("set/trainA", 12), tmp_path / "set/trainB")
    draw("set/testB", 3, seed=2)
    inverse(draw("set/testA", 5, seed=1), tmp_path / "set/truthB")
    data = open_domains([str(tmp_path / "set")], options(), paired=True)
    assert are_partners(data.train_a, data.train_b)
    assert are_partners(data.test_a, data.truth_b)
    assert len(data.test_b) == 3
    assert data.truth_a is None


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("layout", ["plain", "train", "test"])
def test_pairs_side_by_side(draw, options, tmp_path, layout, paired):
    beside(draw("a", 40), tmp_path / "set" / {"plain": "", "train": "train", "test": "train"}[layout])
    if layout == "test":
        beside(draw("t", 6, seed=1), tmp_path / "set" / "test")
    data = open_domains([str(tmp_path / "set")], options(side_by_side=True), paired=paired)
    if layout == "test":
        assert (len(data.train_a), len(data.test_a)) == (40, 6)
    else:
        assert len(data.train_a) + len(data.test_a) == 40
        assert len(data.test_a) > 0
    for row, name in zip(data.train_a, data.names["train_a"], strict=True):
        assert np.array_equal(row, images.fit(images.read(tmp_path / "a" / name), size=8))
    for end in ("train", "test"):
        assert are_partners(getattr(data, f"{end}_a"), getattr(data, f"{end}_b"))
    assert are_partners(data.test_a, data.truth_b)
    assert are_partners(data.truth_a, data.test_b)
    batch = data.batch(0, batch=20, seed=0, augment=False)
    alike = (batch.b + batch.a).abs().flatten(1).amax(1) < 1e-6
    if paired:
        assert alike.all()
    else:
        assert isinstance(batch, Unpaired)
        assert alike.sum() < 5


def test_what_is_read_and_decoded_is_told(pairs, options):
    said = []
    open_domains(pairs, options(), telling=lambda *what: said.append(what))
    assert said[0] == ("reading train_a", 0, None)
    assert ("decoding train_a", 40, 40) in said
    assert ("decoding train_b", 17, 40) in said
    said.clear()
    open_domains(pairs, options(), telling=lambda *what: said.append(what))
    assert [what for what, _, _ in said] == ["reading train_a", "reading train_b"]


def test_files_that_are_no_images_are_counted(two, options, tmp_path):
    for name in ("x.heic", "y.heic", "z.pdf"):
        (tmp_path / "a" / name).write_text("")
    data = open_domains(two, options())
    assert data.others == {"train_a": ("x.heic", "y.heic", "z.pdf")}
    assert data.swapped().others == {"train_b": ("x.heic", "y.heic", "z.pdf")}
    halves = open_domains([two[0]], options(side_by_side=True))
    assert halves.others == {"train_a": ("x.heic", "y.heic", "z.pdf")}  # each file once
