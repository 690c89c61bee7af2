"""Images decoded once into a memory-mapped array that runs share.

On disk, below the cache folder (`UNPAIRED_CACHE`, else the platform's):

    images/KEY/pixels      the array [N, H, W, C] of uint8, uint16 or float32 in [0, 1], nothing else
    images/KEY/index.json  shape, type, names, content hashes, skipped files, checksums
    images/KEY/lock        locked (shared) as long as a process uses the entry; its time stamp is the last use

KEY is made of the files' names and contents and of how they are decoded, so an entry is never stale. An entry is made
in a hidden folder beside the others and appears under its name by one rename: a reader finds it whole or not at all.
Runs that want the same entry at once wait for the first to make it; where locks do not work, the loser of the rename
takes the winner's. All entries together stay within `UNPAIRED_CACHE_GB` (10^9 bytes each, 20 by default): the least
recently used go first, one in use never.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import secrets
import shutil
import time
import warnings
import weakref
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import final

import imagecodecs
import numpy as np
import PIL
import tifffile

from unpaired import images
from unpaired.data.cache import cache_folder, cache_limit, failure, in_threads, processors
from unpaired.data.hashes import Hashed, forget, hash_content, hash_files
from unpaired.data.sources import Half, Source
from unpaired.errors import DataError, DataWarning, EmptyDomain, UnreadableImages
from unpaired.images import Depth, Fit, Pixels

try:
    import fcntl
except ImportError:  # Windows, where an open file keeps its folder from being moved or removed, which serves as well
    fcntl = None  # type: ignore[assignment]

Progress = Callable[[int, int], None]
"""Called with the number of files done and the number of all files."""

_VERSION = 3
_DTYPES: dict[int, str] = {8: "<u1", 16: "<u2", 32: "<f4"}
_CHUNK = 1 << 26
# A folder that is being made is unlocked for an instant before its maker locks it; a dead maker's has time to wait.
_ABANDONED_SECONDS = 600


@final
@dataclasses.dataclass(frozen=True, eq=False)
class ImageStore:
    """Decoded images of one source.

    images: read-only pixels `[N, H, W, C]`, memory-mapped; the entry cannot be evicted as long as this array, or a view
        of it, lives. names, hashes: one for each image, in the order of the source; a hash is of the file's content.
    skipped: (name, reason) of the files that could not be decoded. key: names the entry, equal for equal contents.
    """

    images: Pixels
    names: tuple[str, ...]
    hashes: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    key: str

    def __len__(self) -> int:
        """The number of images."""
        return len(self.names)

    def rows(self, start: int, stop: int) -> "ImageStore":
        """The images from `start` to before `stop`, as a view; without the list of skipped files."""
        which = slice(start, stop)
        key = f"{self.key} {start}:{stop}"
        return ImageStore(self.images[which], self.names[which], self.hashes[which], (), key)


@dataclasses.dataclass(frozen=True)
class _Recipe:
    """How files become rows: all that the pixels depend on besides the files."""

    size: int | tuple[int, int]
    channels: int
    fit: Fit
    background: str
    depth: Depth
    value_range: tuple[float, float] | None
    half: Half | None

    @property
    def dtype(self) -> np.dtype[np.uint8 | np.uint16 | np.float32]:
        return np.dtype(_DTYPES[self.depth])

    @property
    def shape(self) -> tuple[int, int, int]:
        height, width = (self.size, self.size) if isinstance(self.size, int) else self.size
        return height, width, self.channels

    def decode(self, content: bytes, *, source: Source) -> Pixels:
        # Twice the size leaves the scaling to the better filter.
        at_least = 2 * max(self.shape[:2])
        pixels = images.read(
            content,
            channels=self.channels,
            depth=self.depth,
            background=self.background,
            at_least=at_least,
            value_range=self.value_range,
        )
        pixels = source.cut(pixels)
        return images.fit(pixels, size=self.shape[:2], how=self.fit, background=self.background)


def decode(
    source: Source,
    *,
    size: int | tuple[int, int],
    channels: int = 3,
    fit: Fit = "crop",
    background: str = "white",
    depth: Depth = 8,
    value_range: tuple[float, float] | None = None,
    strict: bool = False,
    domain: str = "A",
    cache: Path | None = None,
    hashed: Hashed | None = None,
    progress: Progress | None = None,
) -> ImageStore:
    """All images of `source` at one size; from the cache where they are there, else decoded into it.

    size: side, or height and width, in pixels; fit, background, channels, depth, value_range: as in `images.fit` and
    `images.read`. strict: fail, listing the unreadable files, instead of skipping them. domain: for messages. cache: the
    cache folder, by default `cache_folder()`. hashed: what `hash_files` gave for these files, to spare reading them again.

    Raises EmptyDomain where there is no readable image, UnreadableImages under `strict`, DataError where the cache
    cannot hold the images or be written.
    """
    source.require_images(domain=domain)
    hashes, failures = hashed or hash_files(source, cache=cache)
    names = tuple(name for name in source.names if name in hashes)
    recipe = _Recipe(size, channels, fit, background, depth, value_range, source.half)
    key = _key(names, hashes, recipe)
    folder = (cache or cache_folder()) / "images"
    entry = _open_entry(folder / key) if names else ImageStore(np.zeros((0, *recipe.shape), recipe.dtype), (), (), (), key)
    if entry is None:
        entry = _make_entry(source, names, hashes, recipe, folder=folder, key=key, progress=progress)
    order = {name: place for place, name in enumerate(source.names)}
    unread = ((name, failures[name]) for name in source.names if name in failures)
    skipped = tuple(sorted((*entry.skipped, *unread), key=lambda item: order[item[0]]))
    if strict and skipped:
        raise UnreadableImages(
            f"domain {domain}: {len(skipped)} of {len(source.names)} files in {source.where} are unreadable; wanted "
            f"none under --strict: repair or remove them:{_listed(skipped)}"
        )
    if not len(entry):
        raise EmptyDomain(
            f"domain {domain}: none of the {len(source.names)} files in {source.where} is readable; wanted "
            f"{images.WANTED}:{_listed(skipped)}"
        )
    return dataclasses.replace(entry, skipped=skipped)


def _key(names: Sequence[str], hashes: dict[str, str], recipe: _Recipe) -> str:
    files = sorted((name, hashes[name]) for name in names)
    # Decoders and filters differ from one release to the next.
    decoders = (PIL.__version__, tifffile.__version__, imagecodecs.__version__)
    said = json.dumps([_VERSION, decoders, dataclasses.astuple(recipe), recipe.shape, names, files])
    return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()


def _open_entry(entry: Path) -> ImageStore | None:
    """The entry, locked against eviction; None where it is missing, truncated or damaged."""
    held = _lock(entry / "lock", exclusive=False, wait=True, create=False)
    if held is None:
        return None
    try:
        index = json.loads((entry / "index.json").read_bytes())
        shape, names = tuple(index["shape"]), tuple(index["names"])
        if index["version"] != _VERSION or index["dtype"] not in _DTYPES.values():
            raise ValueError
        dtype = np.dtype(index["dtype"])
        if (entry / "pixels").stat().st_size != np.prod(shape, dtype=np.int64) * dtype.itemsize:
            raise ValueError
        # numpy cannot map an empty file: all files of this entry were unreadable.
        pixels = np.memmap(entry / "pixels", dtype, "r", shape=shape) if shape[0] else np.zeros(shape, dtype)
        if _checksums(pixels) != index["checksums"] or len(names) != shape[0]:
            raise ValueError
        skipped = tuple((name, reason) for name, reason in index["skipped"])
        store = ImageStore(pixels, names, tuple(index["hashes"]), skipped, entry.name)
        with contextlib.suppress(OSError):  # a shared cache may be read-only
            os.utime(entry / "lock")
    except (OSError, ValueError, KeyError, TypeError):
        os.close(held)
        return None
    # Views keep the array alive, and the array keeps the lock: nobody has to remember to close anything.
    weakref.finalize(pixels, os.close, held)
    return store


def _make_entry(
    source: Source,
    names: Sequence[str],
    hashes: dict[str, str],
    recipe: _Recipe,
    *,
    folder: Path,
    key: str,
    progress: Progress | None,
) -> ImageStore:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder / f".{key}.turn"):
            # Once is enough but for a run that evicts the new entry in the instant before it is opened.
            for _ in range(3):
                if (entry := _open_entry(folder / key)) is not None:
                    return entry
                _remove(folder / key)
                _build(source, names, hashes, recipe, folder=folder, key=key, progress=progress)
    except OSError as error:
        raise DataError(
            f"the cache {folder} cannot be written: {error.strerror or error}; set UNPAIRED_CACHE to a folder that can"
        ) from error
    raise DataError(f"{folder / key} was damaged or removed as soon as it was made; is the disk sound and the folder yours?")


def _build(
    source: Source,
    names: Sequence[str],
    hashes: dict[str, str],
    recipe: _Recipe,
    *,
    folder: Path,
    key: str,
    progress: Progress | None,
) -> None:
    building = folder / f".{key}.{secrets.token_hex(4)}.building"
    held: int | None = None
    try:
        room = len(names) * int(np.prod(recipe.shape)) * recipe.dtype.itemsize
        # Two runs must not both count on the same room.
        with _alone(folder / ".room"):
            _make_room(folder, needed=room + sum(len(name) + 50 for name in names) + 200)
            building.mkdir()
            held = _lock(building / "lock", exclusive=False, wait=True, create=True)
            _reserve(building / "pixels", room)
        rows = np.memmap(building / "pixels", recipe.dtype, "r+", shape=(len(names), *recipe.shape))

        def one(name: str) -> tuple[Pixels | None, str]:
            # What is skipped is remembered with the entry, so it must follow from the content, never from the moment.
            try:
                content = source.read(name)
            except OSError as error:
                raise DataError(f"{source.where}: {name} vanished while it was read ({failure(error)}); start again") from error
            if hash_content(content) != hashes[name]:
                forget(source, cache=folder.parent)
                raise DataError(f"{source.where}: {name} changed while it was read; start again when nothing writes there")
            try:
                return recipe.decode(content, source=source), ""
            except UnreadableImages as error:
                return None, str(error)

        kept: list[str] = []
        skipped: list[tuple[str, str]] = []
        for done, (name, (pixels, reason)) in enumerate(zip(names, in_threads(one, names), strict=True), start=1):
            if pixels is None:
                skipped.append((name, reason))
            else:
                rows[len(kept)] = pixels
                kept.append(name)
            if progress is not None:
                progress(done, len(names))
        rows.flush()
        shape = (len(kept), *recipe.shape)
        checksums = _checksums(rows[: len(kept)])
        del rows  # Windows neither cuts nor moves a file that is mapped
        os.truncate(building / "pixels", int(np.prod(shape, dtype=np.int64)) * recipe.dtype.itemsize)
        index = {
            "version": _VERSION,
            "shape": shape,
            "dtype": _DTYPES[recipe.depth],
            "names": kept,
            "hashes": [hashes[name] for name in kept],
            "skipped": skipped,
            "checksums": checksums,
        }
        (building / "index.json").write_text(json.dumps(index), encoding="ascii")
        if fcntl is None and held is not None:
            os.close(held)
            held = None
        try:
            building.rename(folder / key)
        except OSError:
            if not (folder / key).is_dir():
                raise
            # Another run was faster, where locks do not work; equal keys mean equal contents.
    finally:
        if held is not None:
            os.close(held)
        _remove(building)


def _make_room(folder: Path, *, needed: int) -> None:
    """Evict the least recently used entries until `needed` more bytes are within the bound."""
    limit = cache_limit()
    if needed > limit:
        raise DataError(
            f"the decoded images need {needed / 1e9:.2f} GB, the cache may hold {limit / 1e9:.2f} GB; set "
            "UNPAIRED_CACHE_GB to more, or choose a smaller size"
        )
    entries = []
    for entry in folder.iterdir():
        with contextlib.suppress(OSError):  # another run may be removing it
            if entry.is_dir():
                used = (entry / "lock").stat().st_mtime if (entry / "lock").exists() else entry.stat().st_mtime
                entries.append((used, sum(file.stat().st_size for file in entry.iterdir()), entry))
    total = sum(size for _, size, _ in entries)
    for used, size, entry in sorted(entries, key=lambda item: item[0]):
        hidden = entry.name.startswith(".")  # a dead maker's, or half removed
        if (total + needed > limit or hidden) and not (hidden and time.time() - used < _ABANDONED_SECONDS) and _evict(entry):
            total -= size
    if total + needed > limit:
        warnings.warn(
            f"the cache {folder} grows to {(total + needed) / 1e9:.2f} GB, beyond its bound of {limit / 1e9:.2f} GB: "
            "running processes use the other entries; set UNPAIRED_CACHE_GB to more if this lasts",
            DataWarning,
            stacklevel=2,
        )
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"the decoded images need {needed / 1e9:.2f} GB, the disk of {folder} has {free / 1e9:.2f} GB free; make "
            "room, or set UNPAIRED_CACHE to a folder on another disk"
        )


def _evict(entry: Path) -> bool:
    """Remove an entry that no process uses; False where one does."""
    if fcntl is None:
        return _remove(entry)
    try:
        held = _lock(entry / "lock", exclusive=True, wait=False, create=False)
    except OSError:
        return False
    if held is None and (entry / "lock").exists():
        return False
    try:
        return _remove(entry)
    finally:
        if held is not None:
            os.close(held)


def _remove(entry: Path) -> bool:
    """Remove a folder; nobody sees a part of it under its name. False where it was not there or is held (Windows)."""
    trash = entry.with_name(f".{entry.name.strip('.')}.{secrets.token_hex(4)}.trash")
    try:
        entry.rename(trash)
    except OSError:
        return False
    shutil.rmtree(trash, ignore_errors=True)
    return True


def _lock(path: Path, *, exclusive: bool, wait: bool, create: bool) -> int | None:
    """A descriptor that holds the lock on `path` until it is closed, or until its process ends, however it ends.

    None where the file is missing (and not to be created), or where the lock is taken and we do not wait. Where the
    file system knows no locks, a shared or awaited one counts as held, and any other raises OSError.
    """
    while True:
        try:
            held = os.open(path, os.O_RDWR | os.O_CREAT if create else os.O_RDONLY, 0o666)
        except (FileNotFoundError, NotADirectoryError):
            if create:
                raise
            return None
        if fcntl is None:
            return held
        try:
            fcntl.flock(held, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(held)
            return None
        except OSError:
            if wait:
                return held
            os.close(held)
            raise
        # While we waited the file may have been removed, or made anew: then we hold the lock of a ghost.
        try:
            if os.path.samestat(os.fstat(held), os.stat(path)):
                return held
        except OSError:
            pass
        os.close(held)


def _reserve(path: Path, size: int) -> None:
    """A file of `size` bytes, in fact and not as a promise: a full disk is an error here, and a dead process later."""
    with path.open("wb") as file:
        file.truncate(size)
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time, where locks work; the file is there as long as somebody is within."""
    held = _lock(path, exclusive=True, wait=True, create=True)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows removes no open file
            path.unlink()
        if held is not None:
            os.close(held)


def _checksums(pixels: Pixels) -> list[int]:
    flat = pixels.reshape(-1).view(np.uint8)
    starts = range(0, len(flat), _CHUNK)
    with ThreadPoolExecutor(max_workers=min(8, processors())) as pool:
        return list(pool.map(lambda start: zlib.crc32(flat[start : start + _CHUNK].data), starts))


def _listed(skipped: Sequence[tuple[str, str]]) -> str:
    lines = "".join(f"\n  {name}: {reason}" for name, reason in skipped[:20])
    return lines + (f"\n  and {len(skipped) - 20} more" if len(skipped) > 20 else "")
