"""The cache of decoded images: keyed by content, shared, bounded, never trusted blindly."""

import json
import multiprocessing
import os
import shutil
import sys
import time

import numpy as np
import pytest
from PIL import Image

from unpaired import images
from unpaired.data import store as store_module
from unpaired.data.sources import open_source
from unpaired.data.store import cache_folder, cache_limit, decode, hash_content, hash_files
from unpaired.errors import DataError, DataWarning, EmptyDomain, UnreadableImages

if store_module.fcntl is None:
    pytest.skip("these tests need flock and fork", allow_module_level=True)

# Forked, a process need not import torch anew.
forked = multiprocessing.get_context("fork")


def entries(cache):
    return sorted(path.name for path in (cache / "images").iterdir())


def built(monkeypatch):
    """The list that grows by one for every entry that is decoded."""
    made = []
    build = store_module._build
    monkeypatch.setattr(store_module, "_build", lambda *all, key, **named: (made.append(key), build(*all, key=key, **named)))
    return made


def test_the_images_are_those_of_the_files(draw, cache):
    source = open_source(draw("a", 11))
    store = decode(source, size=8)
    assert store.names == tuple(f"{n}.png" for n in range(1, 12))
    assert store.hashes[3] == hash_content(source.read("4.png"))
    wanted = [images.fit(images.read(source.read(name)), size=8) for name in source.names]
    assert np.array_equal(store.images, np.stack(wanted))
    assert store.images.dtype == np.uint8
    assert not store.images.flags.writeable
    assert entries(cache) == [store.key]


@pytest.mark.parametrize(("depth", "dtype"), [(8, np.uint8), (16, np.uint16), (32, np.float32)])
@pytest.mark.parametrize(("channels", "suffix"), [(1, ".png"), (3, ".tif"), (6, ".npy"), (6, ".tif")])
def test_every_depth_and_number_of_channels_is_kept(tmp_path, depth, dtype, channels, suffix):
    folder = tmp_path / "a"
    folder.mkdir()
    for index in range(5):
        pixels = np.random.default_rng(index).integers(0, 65536, (9, 12, channels), dtype=np.uint16)
        images.write(folder / f"{index}{suffix}", pixels)
    source = open_source(folder)
    for _ in range(2):  # decoded, then from the cache
        store = decode(source, size=8, channels=channels, depth=depth)
        assert store.images.dtype == dtype
        assert store.images.shape == (5, 8, 8, channels)
        read = [images.read(source.read(name), channels=channels, depth=depth) for name in source.names]
        assert np.array_equal(store.images, np.stack([images.fit(pixels, size=8) for pixels in read]))
        assert isinstance(store.images, np.memmap)


def test_files_with_other_channels_are_listed(draw):
    folder = draw("a", 4)
    np.save(folder / "5.npy", np.zeros((9, 9, 7), np.uint8))
    store = decode(open_source(folder), size=8)
    assert len(store) == 4
    assert store.skipped == (("5.npy", "7 channels, none of them known for a colour; wanted 3: ask for 7, or convert the file"),)
    with pytest.raises(EmptyDomain, match=r"none of the 5 files .*\n  1\.png: 3 channels; wanted 9: more than 4 come only from"):
        decode(open_source(folder), size=8, channels=9)


def test_a_value_range_reaches_the_files(tmp_path):
    (tmp_path / "a").mkdir()
    np.save(tmp_path / "a" / "1.npy", np.full((9, 9), -500, np.int16))
    store = decode(open_source(tmp_path / "a"), size=8, channels=1, depth=32, value_range=(-1000, 1000))
    assert store.images == pytest.approx(np.full((1, 8, 8, 1), 0.25))


def test_several_pages_are_no_training_image(tmp_path):
    (tmp_path / "a").mkdir()
    with images.write_pages(tmp_path / "a" / "1.tif", room=1000) as out:
        for level in (1, 2):
            out.append(np.full((9, 9, 3), level, np.uint8))
    images.write(tmp_path / "a" / "2.tif", np.full((9, 9, 3), 3, np.uint8))
    store = decode(open_source(tmp_path / "a"), size=8)
    assert store.names == ("2.tif",)
    ((name, reason),) = store.skipped
    assert (name, reason.startswith("a TIFF of 2 pages; wanted one image: save each page as a file of its own")) == (
        "1.tif",
        True,
    )


def test_a_second_run_decodes_nothing(draw, monkeypatch):
    made = built(monkeypatch)
    first = decode(open_source(draw("a")), size=8)
    second = decode(open_source(draw("a")), size=8)
    assert len(made) == 1
    assert np.array_equal(first.images, second.images)
    assert (first.names, first.hashes, first.skipped, first.key) == (
        second.names,
        second.hashes,
        second.skipped,
        second.key,
    )


def test_the_key_follows_the_contents_and_the_options(draw, tmp_path):
    folder = draw("a")
    options = [{}, {"size": 9}, {"size": (8, 9)}, {"channels": 1}, {"fit": "pad"}, {"fit": "pad", "background": "red"}]
    options += [{"depth": 16}, {"depth": 32}, {"value_range": (0, 99)}]
    keys = [decode(open_source(folder), **({"size": 8} | changed)).key for changed in options]
    shutil.copytree(folder, tmp_path / "copy")
    assert decode(open_source(tmp_path / "copy"), size=8).key == keys[0]
    Image.new("RGB", (12, 10)).save(folder / "3.png")
    keys.append(decode(open_source(folder), size=8).key)
    (folder / "3.png").rename(folder / "x.png")
    keys.append(decode(open_source(folder), size=8).key)
    assert len(set(keys)) == len(keys)


def test_a_zip_gives_the_same_images(draw, tmp_path):
    folder = draw("a")
    archive = shutil.make_archive(str(tmp_path / "b"), "zip", folder)
    assert decode(open_source(archive), size=8).key == decode(open_source(folder), size=8).key


def test_unreadable_files_are_listed_and_skipped_or_refused(draw, cache):
    folder = draw("a", 5)
    (folder / "2.png").write_bytes((folder / "2.png").read_bytes()[:100])
    (folder / "4.jpg").write_text("no image")
    os.symlink(folder / "gone.png", folder / "6.png")
    for _ in range(2):  # decoded, then from the cache
        store = decode(open_source(folder), size=8)
        assert store.names == ("1.png", "3.png", "4.png", "5.png")
        assert [name for name, _ in store.skipped] == ["2.png", "4.jpg", "6.png"]
        reasons = [reason for _, reason in store.skipped]
        assert "truncated" in reasons[0]
        assert "not an image" in reasons[1]
        assert "no such file" in reasons[2]
        assert np.array_equal(store.images[1], images.fit(images.read(folder / "3.png"), size=8))
        with pytest.raises(UnreadableImages, match=r"3 of 7 files .* wanted none under --strict.*\n  2\.png: .*\n  4\.jpg"):
            decode(open_source(folder), size=8, strict=True)
    assert len(entries(cache)) == 1


def test_a_domain_without_a_readable_image_is_empty(tmp_path):
    folder = tmp_path / "a"
    folder.mkdir()
    with pytest.raises(EmptyDomain, match="domain B: no images"):
        decode(open_source(folder), size=8, domain="B")
    (folder / "1.png").write_text("no image")
    for _ in range(2):
        with pytest.raises(EmptyDomain, match=r"domain B: none of the 1 files .* is readable; .*\n  1\.png: not an image"):
            decode(open_source(folder), size=8, domain="B")
    (folder / "1.png").unlink()
    os.symlink(folder / "gone", folder / "1.png")
    with pytest.raises(EmptyDomain, match="no such file"):
        decode(open_source(folder), size=8)


def test_a_file_that_changes_meanwhile_is_an_error_and_leaves_nothing(draw, cache):
    folder = draw("a")
    source = open_source(folder)
    hashed = hash_files(source)
    Image.new("RGB", (3, 3)).save(folder / "5.png")
    with pytest.raises(DataError, match=r"5\.png changed while it was read; start again"):
        decode(source, size=8, hashed=hashed)
    (folder / "5.png").unlink()
    with pytest.raises(DataError, match=r"5\.png vanished while it was read"):
        decode(source, size=8, hashed=hashed)
    assert entries(cache) == []


@pytest.mark.parametrize("damage", ["truncated", "flipped", "index", "no pixels", "no index", "no lock", "version"])
def test_a_damaged_entry_is_made_again(draw, cache, damage):
    source = open_source(draw("a"))
    store = decode(source, size=8)
    wanted, key = np.array(store.images), store.key
    del store
    entry = cache / "images" / key
    if damage == "truncated":
        os.truncate(entry / "pixels", 100)
    elif damage == "flipped":
        content = bytearray((entry / "pixels").read_bytes())
        content[len(content) // 2] ^= 1
        (entry / "pixels").write_bytes(content)
    elif damage == "index":
        (entry / "index.json").write_text("{")
    elif damage == "version":
        index = json.loads((entry / "index.json").read_text())
        (entry / "index.json").write_text(json.dumps(index | {"version": 0}))
    else:
        (entry / {"no pixels": "pixels", "no index": "index.json", "no lock": "lock"}[damage]).unlink()
    again = decode(source, size=8)
    assert np.array_equal(again.images, wanted)
    assert entries(cache) == [key]


def test_the_least_recently_used_entry_goes_first(draw, cache, monkeypatch):
    sources = [open_source(draw(name, seed=seed)) for seed, name in enumerate("abc")]
    keys = [decode(source, size=8).key for source in sources]
    assert entries(cache) == sorted(keys)
    for age, key in zip((100, 300, 200), keys, strict=True):
        os.utime(cache / "images" / key / "lock", (time.time() - age,) * 2)
    size = sum(file.stat().st_size for file in (cache / "images" / keys[0]).iterdir())
    monkeypatch.setenv("UNPAIRED_CACHE_GB", str(3.5 * size / 1e9))
    needed = decode(open_source(draw("d", 24, seed=9)), size=8).key
    assert entries(cache) == sorted([keys[0], needed])


def test_an_entry_in_use_is_never_evicted(draw, cache, monkeypatch):
    used = decode(open_source(draw("a")), size=8)
    free = decode(open_source(draw("b", seed=1)), size=8).key
    view = used.images[3:5]
    key, wanted = used.key, np.array(view)
    del used  # a view alone keeps it
    monkeypatch.setenv("UNPAIRED_CACHE_GB", "0.000004")
    with pytest.warns(DataWarning, match=r"beyond its bound .* running processes use the other entries"):
        other = decode(open_source(draw("c", seed=2)), size=8)
    assert entries(cache) == sorted([key, other.key])
    assert free not in entries(cache)
    assert np.array_equal(view, wanted)
    del view, other
    decode(open_source(draw("d", seed=3)), size=8)
    assert key not in entries(cache)


def test_an_entry_used_by_another_process_is_never_evicted(draw, cache, monkeypatch):
    folder = draw("a")
    ready, done = forked.SimpleQueue(), forked.Event()

    def use():
        store = decode(open_source(folder), size=8)
        ready.put(store.key)
        done.wait(30)

    other = forked.Process(target=use)
    other.start()
    key = ready.get()
    monkeypatch.setenv("UNPAIRED_CACHE_GB", "0.000004")
    with pytest.warns(DataWarning, match="beyond its bound"):
        decode(open_source(draw("b", seed=1)), size=8)
    assert key in entries(cache)
    done.set()
    other.join(30)
    decode(open_source(draw("c", seed=2)), size=8)
    assert key not in entries(cache)


def test_what_cannot_be_held_is_refused_before_it_is_decoded(draw, cache, monkeypatch):
    source = open_source(draw("a"))
    monkeypatch.setenv("UNPAIRED_CACHE_GB", "0.000001")
    with pytest.raises(DataError, match=r"the cache may hold 0\.00 GB; set UNPAIRED_CACHE_GB to more, or choose a smaller size"):
        decode(source, size=8)
    monkeypatch.setenv("UNPAIRED_CACHE_GB", "many")
    with pytest.raises(DataError, match="UNPAIRED_CACHE_GB is 'many'; wanted a number of gigabytes above 0"):
        cache_limit()
    monkeypatch.delenv("UNPAIRED_CACHE_GB")
    usage = shutil.disk_usage(cache)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=5))
    with pytest.raises(DataError, match=r"has 0\.00 GB free; make room, or set UNPAIRED_CACHE"):
        decode(source, size=8)
    assert entries(cache) == []


def test_a_cache_that_cannot_be_written_is_an_error(draw, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"cannot be written: .*; set UNPAIRED_CACHE to a folder that can"):
        decode(open_source(draw("a")), size=8)


def test_the_cache_lies_where_the_platform_wants_it(monkeypatch, tmp_path, cache):
    assert cache_folder() == cache
    monkeypatch.delenv("UNPAIRED_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "unpaired"


def test_an_interrupted_run_leaves_nothing_under_a_name(draw, cache):
    def interrupt(done, total):
        if done == 5:
            raise KeyboardInterrupt

    source = open_source(draw("a"))
    with pytest.raises(KeyboardInterrupt):
        decode(source, size=8, progress=interrupt)
    assert entries(cache) == []
    said = []
    decode(source, size=8, progress=lambda done, total: said.append((done, total)))
    assert said == [(n, 12) for n in range(1, 13)]


def test_what_a_dead_run_left_is_swept_and_what_a_living_one_makes_is_not(draw, cache):
    folder = cache / "images"
    held = []
    for name, age in (("dead", 1e4), ("young", 1), ("alive", 1e4)):
        building = folder / f".{name}.1234.building"
        building.mkdir(parents=True)
        (building / "lock").touch()
        os.utime(building / "lock", (time.time() - age,) * 2)
        if name == "alive":
            held.append(store_module._lock(building / "lock", exclusive=False, wait=True, create=False))
    key = decode(open_source(draw("a")), size=8).key
    assert entries(cache) == sorted([".alive.1234.building", ".young.1234.building", key])
    os.close(held[0])


def run(folder, start, said, *, locking):
    """A run that waits for `start`, decodes slowly, and says whether it decoded and what it got."""
    made = []
    slow, build = store_module._Recipe.decode, store_module._build
    store_module._Recipe.decode = lambda self, content, *, source: (time.sleep(0.02), slow(self, content, source=source))[1]
    store_module._build = lambda *all, **named: (made.append(1), build(*all, **named))
    if not locking:
        store_module.fcntl = None
    start.wait(30)
    store = decode(open_source(folder), size=8)
    said.put((store.key, int(store.images.sum()), len(made)))


@pytest.mark.parametrize("locking", [True, False])
def test_runs_that_race_for_one_entry_all_get_it(draw, cache, locking):
    folder, runs = draw("a"), 4
    start, said = forked.Barrier(runs), forked.SimpleQueue()
    processes = [forked.Process(target=run, args=(folder, start, said), kwargs={"locking": locking}) for _ in range(runs)]
    for process in processes:
        process.start()
    results = [said.get() for _ in processes]
    for process in processes:
        process.join(30)
    store = decode(open_source(folder), size=8)
    assert {result[:2] for result in results} == {(store.key, int(store.images.sum()))}
    assert entries(cache) == [store.key]
    decoded = sum(made for _, _, made in results)
    assert decoded == 1 if locking else 1 <= decoded <= runs
