"""Packages handed over or fetched: by a client of our own making, and every way in which it can fail."""

import sys
from hashlib import sha256
from pathlib import Path

import pytest

from unpaired.data.sets import packages
from unpaired.errors import DataError


def fetch(program: str, folder: Path, *, pattern: str = "*.whl") -> Path:
    return packages.fetch((sys.executable, "-c", program), into=folder, pattern=pattern, otherwise="do it by hand")


def test_what_a_user_hands_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNPAIRED_X", raising=False)
    assert packages.handed_over("UNPAIRED_X", wanted="a wheel") is None
    monkeypatch.setenv("UNPAIRED_X", str(tmp_path))
    assert packages.handed_over("UNPAIRED_X", wanted="a wheel") == tmp_path
    monkeypatch.setenv("UNPAIRED_X", str(tmp_path / "no"))
    with pytest.raises(DataError, match=r"UNPAIRED_X is '.*no', where nothing is; wanted a wheel"):
        packages.handed_over("UNPAIRED_X", wanted="a wheel")


def test_a_client_leaves_a_file_in_the_folder(tmp_path: Path) -> None:
    found = fetch("open('b.whl', 'w').write('here'); open('a.txt', 'w')", tmp_path)
    assert found == tmp_path / "b.whl"
    assert found.read_text() == "here"


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys; print('first'); sys.exit('no such package\\n')", r"brought no \*.whl: no such package; do it by hand"),
        ("open('b.deb', 'w')", r"brought no \*.whl: it ended with 0; do it by hand"),
        ("import sys; open('b.whl', 'w'); sys.exit(3)", r"brought no \*.whl: it ended with 3; do it by hand"),
    ],
)
def test_a_client_that_fails(program: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        fetch(program, tmp_path)


def test_a_client_that_hangs_or_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "PATIENCE", 0.2)
    with pytest.raises(DataError, match=r"failed: .* timed out after 0.2 seconds; do it by hand"):
        fetch("import time; time.sleep(60)", tmp_path)
    with pytest.raises(DataError, match="there is no 'no-client' here, wanted for `no-client get it`; do it by hand"):
        packages.fetch(("no-client", "get", "it"), into=tmp_path, pattern="*", otherwise="do it by hand")


def test_files_are_held_against_their_digests() -> None:
    wanted = {"a": sha256(b"1").hexdigest(), "b": sha256(b"2").hexdigest()}
    packages.check({"a": b"1", "b": b"2", "c": b"anything"}, wanted=wanted, otherwise="get it again")
    with pytest.raises(DataError, match=r"b is another file than the published one \(SHA-256 .*\); get it again"):
        packages.check({"a": b"1", "b": b"x"}, wanted=wanted, otherwise="get it again")
