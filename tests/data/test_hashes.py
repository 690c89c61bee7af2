"""Content hashes, and the memory of them: right before all, then fast."""

import json
import multiprocessing
import os
import shutil
import time
import zipfile

import numpy as np
import pytest
from PIL import Image

from unpaired.data import hashes as hashes_module
from unpaired.data.hashes import forget, hash_content, hash_files
from unpaired.data.sources import FolderTree, ZipTree, open_source
from unpaired.data.store import decode
from unpaired.errors import DataError

HOUR = 3600


def age(*paths, seconds=HOUR):
    """Make files look as if they had been written long ago; `old_clock` hides that their ctime is of now."""
    then = time.time() - seconds
    for path in paths:
        os.utime(path, (then, then))


@pytest.fixture
def old_clock(monkeypatch):
    """The program's clock goes ten seconds fast, so that what the test has just written counts as settled."""
    now = time.time_ns
    monkeypatch.setattr(hashes_module.time, "time_ns", lambda: now() + 10 * 10**9)


@pytest.fixture
def reads(monkeypatch):
    """The list of names that are read."""
    names = []
    for tree in (FolderTree, ZipTree):

        def counted(self, name, read=tree.read):
            names.append(name)
            return read(self, name)

        monkeypatch.setattr(tree, "read", counted)
    return names


def memories(cache):
    return sorted((cache / "hashes").iterdir()) if (cache / "hashes").exists() else []


def test_a_second_look_reads_nothing(draw, cache, old_clock, reads):
    folder = draw("a", 5)
    first = hash_files(open_source(folder))
    assert first[0]["3.png"] == hash_content((folder / "3.png").read_bytes())
    assert len(reads) == 5
    assert hash_files(open_source(folder)) == first
    assert len(reads) == 5
    assert len(memories(cache)) == 1


def test_opening_decoded_images_again_reads_no_file(draw, old_clock, reads):
    folder = draw("a", 5)
    first = decode(open_source(folder), size=8)
    reads.clear()
    again = decode(open_source(folder), size=8)
    assert np.array_equal(first.images, again.images)
    assert reads == []


def test_a_changed_file_is_read_again_and_no_other(draw, old_clock, reads):
    folder = draw("a", 5)
    first, _ = hash_files(open_source(folder))
    reads.clear()
    Image.new("RGB", (3, 3)).save(folder / "2.png")
    (folder / "4.png").rename(folder / "x.png")
    second, _ = hash_files(open_source(folder))
    assert sorted(reads) == ["2.png", "x.png"]
    assert second["2.png"] == hash_content((folder / "2.png").read_bytes()) != first["2.png"]
    assert second["x.png"] == first["4.png"]
    assert "4.png" not in second


def test_a_file_of_the_same_size_and_time_is_read_again(draw, old_clock):
    folder = draw("a", 3)
    path = folder / "2.png"
    age(path)
    hash_files(open_source(folder))
    before, content = path.stat(), bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert hash_files(open_source(folder))[0]["2.png"] == hash_content(bytes(content))


def test_files_written_within_two_seconds_are_not_trusted(draw, cache, reads, monkeypatch):
    folder = draw("a", 3)
    hash_files(open_source(folder))
    hash_files(open_source(folder))
    assert len(reads) == 6
    assert memories(cache) == []
    now = time.time_ns
    monkeypatch.setattr(hashes_module.time, "time_ns", lambda: now() + 3 * 10**9)
    hash_files(open_source(folder))
    hash_files(open_source(folder))
    assert len(reads) == 9


def test_a_file_that_changes_while_it_is_read_is_not_remembered(draw, cache, old_clock, monkeypatch):
    folder = draw("a", 1)
    read = FolderTree.read

    def touched(self, name):
        content = read(self, name)
        age(folder / name)
        return content

    monkeypatch.setattr(FolderTree, "read", touched)
    hash_files(open_source(folder))
    assert memories(cache) == []


def test_an_archive_is_remembered_too(draw, tmp_path, old_clock, reads):
    archive = shutil.make_archive(str(tmp_path / "b"), "zip", draw("a", 4))
    first = hash_files(open_source(archive))
    reads.clear()
    assert hash_files(open_source(archive)) == first
    assert reads == []
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("5.png", b"no image")
    assert hash_files(open_source(archive))[0]["5.png"] == hash_content(b"no image")
    assert len(reads) == 5


def test_a_part_of_a_folder_leaves_the_rest_remembered(draw, old_clock, reads):
    source = open_source(draw("a", 4))
    hash_files(source)
    reads.clear()
    assert list(hash_files(source.keep(["3.png", "1.png"]))[0]) == ["3.png", "1.png"]
    hash_files(source)
    assert reads == []


def test_files_that_cannot_be_read_are_tried_again(draw, old_clock):
    folder = draw("a", 2)
    os.symlink(folder / "gone.png", folder / "3.png")
    for _ in range(2):
        assert hash_files(open_source(folder))[1] == {"3.png": "no such file (a broken link?)"}
    Image.new("RGB", (3, 3)).save(folder / "gone.png")
    assert "3.png" in hash_files(open_source(folder))[0]


@pytest.mark.parametrize(
    "damage", ["{", "[]", '{"version": 1}', '{"version": 9, "files": {}}', '{"version": 1, "files": {"1.png": [1]}}']
)
def test_a_damaged_memory_is_made_anew(draw, cache, old_clock, reads, damage):
    folder = draw("a", 2)
    first = hash_files(open_source(folder))
    memory = memories(cache)[0]
    memory.write_text(damage)
    assert hash_files(open_source(folder)) == first
    assert len(reads) == 4
    assert set(json.loads(memory.read_text())["files"]) == {"1.png", "2.png"}


def test_a_memory_that_is_wrong_is_forgotten(draw, cache, old_clock):
    folder = draw("a", 2)
    source = open_source(folder)
    hash_files(source)
    memory = memories(cache)[0]
    said = json.loads(memory.read_text())
    said["files"]["1.png"][-1] = "0" * 32
    memory.write_text(json.dumps(said))
    with pytest.raises(DataError, match=r"1\.png changed while it was read; start again"):
        decode(source, size=8)
    assert memories(cache) == []
    assert len(decode(source, size=8)) == 2
    forget(open_source(draw("never", 1)))  # nothing to forget is no error


def test_memories_stay_within_their_bound(draw, cache, old_clock, monkeypatch):
    folders = [draw(name, 3) for name in "abc"]
    for folder in folders:
        hash_files(open_source(folder))
        for memory in memories(cache):
            os.utime(memory, (memory.stat().st_mtime - 100,) * 2)
    oldest = min(memories(cache), key=lambda path: path.stat().st_mtime)
    monkeypatch.setattr(hashes_module, "LIMIT", 3 * oldest.stat().st_size + 50)
    hash_files(open_source(folders[0]))  # used again
    hash_files(open_source(draw("d", 3)))
    assert len(memories(cache)) == 3
    assert oldest in memories(cache)


def test_a_cache_that_cannot_be_written_only_costs_time(draw, tmp_path, old_clock, monkeypatch):
    (tmp_path / "file").write_text("")
    source = open_source(draw("a", 2))
    assert hash_files(source, cache=tmp_path / "file") == hash_files(source, cache=tmp_path / "file")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_two_processes_at_once_leave_a_whole_memory(draw, cache, old_clock):
    source = open_source(draw("a", 20))
    wanted = hash_files(source)
    forked = multiprocessing.get_context("fork")

    def work():
        for _ in range(20):
            forget(source)
            assert hash_files(source) == wanted

    processes = [forked.Process(target=work) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert [path.suffix for path in memories(cache)] == [".json"]
    assert len(json.loads(memories(cache)[0].read_text())["files"]) == 20
