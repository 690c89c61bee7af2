"""Where what was made is kept, and how much of it; and work for several threads."""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

from unpaired.errors import DataError


def cache_folder() -> Path:
    """Where decoded images and made data sets are kept: `UNPAIRED_CACHE`, else a place of the platform's."""
    if chosen := os.environ.get("UNPAIRED_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "unpaired" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "unpaired"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "unpaired"


def cache_limit() -> int:
    """The most bytes that decoded images may take: `UNPAIRED_CACHE_GB`, 20 by default, times 10^9. DataError."""
    text = os.environ.get("UNPAIRED_CACHE_GB") or "20"
    try:
        limit = float(text) * 1e9
        if not 0 < limit < float("inf"):
            raise ValueError
    except ValueError:
        raise DataError(f"UNPAIRED_CACHE_GB is '{text}'; wanted a number of gigabytes above 0, such as 20") from None
    return int(limit)


def in_threads(function: Callable[[str], Any], names: Sequence[str]) -> Iterator[Any]:
    """`function` of each name, in order, worked out by several threads (decoding and hashing release Python's lock)."""
    workers = min(16, processors())
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="images") as pool:
        # A few ahead, not all: where the results are slow to be used up, they would fill the memory.
        ahead = iter(names)
        waiting = deque(pool.submit(function, name) for name in islice(ahead, 4 * workers))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(function, name) for name in islice(ahead, 1))
            yield result


def processors() -> int:
    """How many processors this process may use."""
    # In a container these are fewer than the machine has.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def failure(error: Exception) -> str:
    """Why a file cannot be read, in words."""
    if isinstance(error, FileNotFoundError):
        return "no such file (a broken link?)"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
