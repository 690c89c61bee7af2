"""What files contain, told by a short number; and a memory of it, so that unchanged files need not be read again.

The memory is a file of its own for each folder or archive, below the cache folder:

    hashes/PLACE.json      by name: size, times, place on the disk, hash

A hash counts as long as all the others are what they were. It is not kept of a file that was changed within two seconds
before it was read: such a file may change once more and look the same. A memory is replaced whole; of two processes that
write one at once the last one's stays, which holds the truth as well. The memories that were not used for longest go when
all together are too large.
"""

import contextlib
import hashlib
import json
import os
import secrets
import time
from pathlib import Path
from typing import NamedTuple

from unpaired.data.cache import cache_folder, failure, in_threads
from unpaired.data.sources import FolderTree, Source, ZipTree
from unpaired.errors import DataError

Hashed = tuple[dict[str, str], dict[str, str]]
"""Content hashes by file name, and the reason by name for each file that could not be read at all."""

LIMIT = 1 << 27
"""Bytes that all memories together may take: a file takes about 120, so there is room for a million."""

_VERSION = 1
_YOUNG_SECONDS = 2.0


class _Look(NamedTuple):
    """What changes when a file does. size: bytes; changed, moved: nanoseconds (mtime, ctime); device, inode: where it lies."""

    size: int
    changed: int
    moved: int
    device: int
    inode: int


def hash_content(content: bytes) -> str:
    """The name of a content: 32 hexadecimal digits (BLAKE2b, 128 bits)."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def hash_files(source: Source, *, cache: Path | None = None) -> Hashed:
    """The contents of a source: each file is read once and whole, unless it is what it was when it was read last.

    cache: the cache folder, by default `cache_folder()`; where it cannot be written all files are read, every time.
    """
    memory = _memory(source, cache=cache)
    known = _remembered(memory)
    now = time.time_ns()
    kept: dict[str, list[int | str]] = {}

    def one(name: str) -> tuple[str | None, str]:
        before = _look(source, name)
        if before is not None and list(before) == known.get(name, [])[:-1] and not _young(before, now):
            kept[name] = known[name]
            return str(known[name][-1]), ""
        try:
            content = hash_content(source.read(name))
        except (OSError, DataError) as error:
            return None, failure(error)
        if before is not None and before == _look(source, name) and not _young(before, now):
            kept[name] = [*before, content]
        return content, ""

    hashes, failures = {}, {}
    for name, (content, reason) in zip(source.names, in_threads(one, source.names), strict=True):
        if content is None:
            failures[name] = reason
        else:
            hashes[name] = content
    if any(known.get(name) != entry for name, entry in kept.items()):
        # Files that this source leaves out (a part of a folder) are remembered all the same.
        _remember(memory, known | kept)
    elif known:
        with contextlib.suppress(OSError):
            os.utime(memory)
    return hashes, failures


def forget(source: Source, *, cache: Path | None = None) -> None:
    """Read the files of this source anew the next time: they turned out to be others than remembered."""
    with contextlib.suppress(OSError):
        _memory(source, cache=cache).unlink()


def _memory(source: Source, *, cache: Path | None) -> Path:
    place = os.path.realpath(source.tree.where) + "\0" + source.prefix
    return (cache or cache_folder()) / "hashes" / f"{hash_content(os.fsencode(place))}.json"


def _remembered(memory: Path) -> dict[str, list[int | str]]:
    try:
        said = json.loads(memory.read_bytes())
        if said["version"] != _VERSION:
            return {}
        return {
            name: entry
            for name, entry in said["files"].items()
            if len(entry) == len(_Look._fields) + 1 and isinstance(entry[-1], str) and len(entry[-1]) == 32
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # nothing yet, or damaged: all is read anew


def _remember(memory: Path, files: dict[str, list[int | str]]) -> None:
    partial = memory.with_name(f".{memory.name}.{secrets.token_hex(4)}")
    # A cache that cannot be written costs time, not the run.
    with contextlib.suppress(OSError, UnicodeError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        content = json.dumps({"version": _VERSION, "files": files}).encode()
        if len(content) > LIMIT:
            return
        try:
            partial.write_bytes(content)
            os.replace(partial, memory)
        finally:
            partial.unlink(missing_ok=True)
        _make_room(memory.parent, beside=memory)


def _make_room(folder: Path, *, beside: Path) -> None:
    """Remove the memories that were not used for longest until all of them are within the bound."""
    found = []
    for path in folder.iterdir():
        with contextlib.suppress(OSError):  # another run may be removing it
            about = path.stat()
            found.append((about.st_mtime, about.st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= LIMIT:
            return
        if path != beside:
            path.unlink(missing_ok=True)
            total -= size


def _look(source: Source, name: str) -> _Look | None:
    """How a file (or the archive that it lies in) looks from outside; None where that cannot be told."""
    match source.tree:
        case FolderTree():
            path = os.path.join(source.tree.where, source.prefix + name)
        case ZipTree():
            path = source.tree.where
        case _:
            return None
    try:
        found = os.stat(path)
    except OSError:
        return None
    return _Look(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_dev, found.st_ino)


def _young(look: _Look, now: int) -> bool:
    return max(look.changed, look.moved) > now - int(_YOUNG_SECONDS * 1e9)
