"""Archives of packages that are too heavy, or of too few systems, to be a dependency: handed over, or fetched by their client."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from unpaired.errors import DataError

PATIENCE = 600
"""Seconds that a client may take."""


def handed_over(variable: str, *, wanted: str) -> Path | None:
    """What the environment variable of that name points to; None if it is not set. DataError if nothing is there."""
    text = os.environ.get(variable)
    if not text:
        return None
    path = Path(text).expanduser()
    if not path.exists():
        raise DataError(f"{variable} is '{text}', where nothing is; wanted {wanted}")
    return path


def fetch(command: Sequence[str], *, into: Path, pattern: str, otherwise: str) -> Path:
    """Run a package's own client in the folder `into`; the file of that glob pattern which it puts there.

    DataError, which ends with `otherwise` (what to do instead), if there is no such client, or it fails or brings nothing.
    """
    said = f"`{' '.join(command)}`"
    if shutil.which(command[0]) is None:
        raise DataError(f"there is no '{command[0]}' here, wanted for {said}; {otherwise}")
    try:
        done = subprocess.run(
            command, cwd=into, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DataError(f"{said} failed: {error}; {otherwise}") from None
    found = sorted(into.glob(pattern))
    if done.returncode or not found:
        last = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()][-1:]
        raise DataError(f"{said} brought no {pattern}: {last[0] if last else f'it ended with {done.returncode}'}; {otherwise}")
    return found[0]


def check(contents: Mapping[str, bytes], *, wanted: Mapping[str, str], otherwise: str) -> None:
    """Hold each file against its published SHA-256. DataError, which ends with `otherwise`, names the first that differs."""
    for name, digest in wanted.items():
        found = sha256(contents[name]).hexdigest()
        if found != digest:
            raise DataError(
                f"{name} is another file than the published one (SHA-256 {found[:12]}..., wanted {digest[:12]}...); {otherwise}"
            )
