"""Files that are replaced whole, and the JSON that goes into them."""

import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ABANDONED_AFTER = 24 * 3600
"""Seconds, where it cannot be asked whether a process lives."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to. When the block ends well, what was written is flushed to the disk and takes the
    place of `path`: whatever happens, that is the old file or the new one, never a part. What killed writers left goes.

    OSError where the disk is full or gone; the old file is then still there.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        for leftover in path.parent.glob(f".{path.name}.*"):
            if leftover == temporary or _abandoned(leftover):
                leftover.unlink(missing_ok=True)


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Whether this process is the only one that works in `folder`: until the block ends, or the process does, another that
    asks gets False. Where the system has no such locks, always True.
    """
    try:
        import fcntl
    except ImportError:
        yield True
        return
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        free = True
    except BlockingIOError:
        free = False
    try:
        yield free
    finally:
        os.close(held)


@contextmanager
def owned(path: Path) -> Iterator[None]:
    """A new file `path`, empty and to be written to, that is this process's own until the block ends or the process does: till
    then `remove_abandoned` leaves it alone. What is there at the end goes.
    """
    held = None
    try:
        held = _held(path)
        yield
    finally:
        path.unlink(missing_ok=True)
        if held is not None:
            os.close(held)


def remove_abandoned(path: Path) -> None:
    """Remove a file that was `owned`, unless its process lives. Where the system has no locks, only when it is a day old."""
    with suppress(OSError):  # it is owned, or another removes it
        try:
            import fcntl
        except ImportError:
            if time.time() - path.stat().st_mtime > ABANDONED_AFTER:
                path.unlink()
            return
        held = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(held)


def write_json(path: Path, values: Any) -> None:
    """Replace `path` by these values."""
    with replacing(path) as temporary:
        temporary.write_text(to_json(values, indent=2) + "\n", encoding="utf-8")


def to_json(values: Any, *, indent: int | None = None) -> str:
    """JSON that every reader takes: what is not finite becomes null."""
    return json.dumps(_finite(values), indent=indent, allow_nan=False)


def _finite(values: Any) -> Any:
    match values:
        case float():
            return values if math.isfinite(values) else None
        case Mapping():
            return {key: _finite(value) for key, value in values.items()}
        case list() | tuple():
            return [_finite(value) for value in values]
    return values


def _held(path: Path) -> int | None:
    """A descriptor of a new file that locks it; None where the system has no such locks, and then no file is made."""
    try:
        import fcntl
    except ImportError:
        return None
    while True:
        held = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        with suppress(OSError):  # this file system may have none
            fcntl.flock(held, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):  # removed as abandoned, in the moment before it was locked
            if os.path.samestat(os.fstat(held), os.stat(path)):
                return held
        os.close(held)


def _abandoned(temporary: Path) -> bool:
    """Whether the process that a temporary file is named after is gone."""
    process = temporary.name.rpartition(".")[2]
    if os.name != "posix" or not process.isdigit():
        return time.time() - temporary.stat().st_mtime > ABANDONED_AFTER
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
