"""Debian packages by hand: an `ar` archive of a version, a tar of control files, a tar of the files."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path


def tar(members: Mapping[str, bytes], *, kind: str) -> bytes:
    """A tar archive of files; kind: gz, xz, bz2 or "" for none."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=f"w:{kind}") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def deb(file: Path, folder: str, contents: Mapping[str, bytes], *, kind: str = "xz") -> Path:
    """A package that installs files into `folder`, with another file beside it."""
    suffix = f".{kind}" if kind else ""
    installed = {f".{folder}/{name}": content for name, content in contents.items()}
    parts = {
        "debian-binary": b"2.0\n",
        f"control.tar{suffix}": tar({"./control": b"Package: some\nVersion: 0\n"}, kind=kind),
        f"data.tar{suffix}": tar({"./usr/share/doc/some/copyright": b"free", **installed}, kind=kind),
    }
    whole = b"!<arch>\n"
    for name, content in parts.items():
        whole += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content + b"\n" * (len(content) % 2)
    file.write_bytes(whole)
    return file
