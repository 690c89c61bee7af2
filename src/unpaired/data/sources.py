"""Where images come from: folders and zip archives, and how two domains, and the pairs in them, lie there.

A *tree* is a folder or an archive as a flat list of file names; a *source* is one domain in it. Both kinds of tree are
read alike, so every layout works inside a zip too.
"""

import dataclasses
import hashlib
import json
import os
import re
import time
import zipfile
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple, final

from unpaired import images
from unpaired.errors import DataError, EmptyDomain, UnreadableImages

CARD = "set.json"
"""The file in the root of a data set that holds its card: licence, credit and whatever its author wrote."""

Half = Literal["left", "right"]

_LAYOUTS = (
    "two folders or zips, A and B, or one folder with trainA and trainB, or with train and exactly two folders in it; or, "
    "with --side-by-side, images that are A in their left half and B in their right one"
)
_YOUNG_SECONDS = 2.0
# A zip member says its size before it is unpacked; nothing that is an image needs more.
_LARGEST_MEMBER = 1 << 30


class Tree(ABC):
    """A folder or an archive, listed once.

    where: for messages; files: every visible file, "/" between folders, natural order; folders: every visible folder.
    """

    where: str
    files: tuple[str, ...]
    folders: frozenset[str]

    @abstractmethod
    def read(self, name: str) -> bytes:
        """The bytes of one of `files`; from any thread. Raises OSError or DataError where they cannot be had."""


@final
class FolderTree(Tree):
    """A folder and all below it. Symbolic links are followed; one that leads nowhere stays listed, to be reported."""

    def __init__(self, root: Path) -> None:
        self.where, self._root = str(root), root
        files: list[str] = []
        folders: list[str] = []
        _walk(root, "", above=frozenset(), files=files, folders=folders)
        self.files, self.folders = tuple(sorted(files, key=natural)), frozenset(folders)

    def read(self, name: str) -> bytes:
        """The bytes of one of `files`."""
        return (self._root / name).read_bytes()


@final
class ZipTree(Tree):
    """A zip archive, which stays open; nothing is unpacked to the disk."""

    def __init__(self, archive: Path) -> None:
        self.where = str(archive)
        try:
            self._archive = zipfile.ZipFile(archive)
        except (zipfile.BadZipFile, OSError) as error:
            raise DataError(f"{archive} cannot be read as a zip archive: {error}; wanted a folder or a zip") from error
        infos = {info.filename.replace("\\", "/"): info for info in self._archive.infolist()}
        visible = {name: info for name, info in infos.items() if not any(map(_hidden, name.rstrip("/").split("/")))}
        self._members = {name: info for name, info in visible.items() if not name.endswith("/")}
        self.files = tuple(sorted(self._members, key=natural))
        self.folders = frozenset("/".join(parts) for name in visible for parts in _parents(name))

    def read(self, name: str) -> bytes:
        """The bytes of one of `files`."""
        info = self._members[name]
        if info.file_size > _LARGEST_MEMBER:
            raise DataError(f"{info.file_size / 1e9:.1f} GB unpacked; wanted at most {_LARGEST_MEMBER / 1e9:.1f} GB")
        try:
            return self._archive.read(info)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, ValueError) as error:
            raise DataError(f"cannot be unpacked: {error}") from error
        except Exception as error:  # zlib.error and lzma.LZMAError have no common base
            raise DataError(f"damaged in the archive: {error}") from error


@final
@dataclasses.dataclass(frozen=True, eq=False)
class Source:
    """The image files of one domain.

    tree: where they lie; prefix: the folder in the tree, "" or ending in "/"; names: the images below it, natural
    order; others: files below it that are no images by their suffix; half: which half of each image is meant, None for
    all of it.
    """

    tree: Tree
    prefix: str
    names: tuple[str, ...]
    others: tuple[str, ...]
    half: Half | None = None

    @property
    def where(self) -> str:
        """The folder or archive (and the folder within), for messages."""
        where = os.path.join(self.tree.where, self.prefix.rstrip("/")) if self.prefix else self.tree.where
        return where if self.half is None else f"{where} ({self.half} halves)"

    def read(self, name: str) -> bytes:
        """The bytes of the whole file `name`; from any thread. Raises OSError or DataError where they cannot be had."""
        return self.tree.read(self.prefix + name)

    def cut(self, pixels: images.Pixels) -> images.Pixels:
        """Of a decoded file `[H, W, C]` the half that is meant, `[H, W // 2, C]` (an odd middle column is nobody's), or all.

        Raises UnreadableImages where there are no two halves.
        """
        if self.half is None:
            return pixels
        width = pixels.shape[1] // 2
        if not width:
            raise UnreadableImages("1 px wide; wanted two images side by side")
        return pixels[:, :width] if self.half == "left" else pixels[:, pixels.shape[1] - width :]

    def keep(self, names: Iterable[str]) -> "Source":
        """The same source with only these of its images, in this order."""
        return dataclasses.replace(self, names=tuple(names))

    def require_images(self, *, domain: str) -> None:
        """EmptyDomain, saying what is there instead, where there is no image."""
        if not self.names:
            raise EmptyDomain(
                f"domain {domain}: no images in {self.where}: found {kinds(self.others)}; wanted {images.WANTED}: "
                "give a folder or zip that holds such files"
            )


class DomainPaths(NamedTuple):
    """Two domains as they lie in the files.

    test_*: images kept apart by the set's author. truth_b: for images of test_a, the exact counterpart in B under the
    same name; truth_a likewise for test_b. card: what the set's `set.json` says (licence, credit), or None. domains:
    names of A and B for people: those that the card gives under "a" and "b", else those of the folders.
    """

    train_a: Source
    train_b: Source
    test_a: Source | None
    test_b: Source | None
    truth_b: Source | None
    truth_a: Source | None
    card: Mapping[str, Any] | None
    domains: tuple[str, str]


def open_source(where: str | Path) -> Source:
    """All images in a folder or zip archive, at any depth. Raises DataError where there is no such thing."""
    return _part(open_tree(where), "")


class Partners(NamedTuple):
    """How the files of two domains belong together.

    pairs: (name in A, name in B), in A's order; only_a, only_b: the names of those that have no partner.
    """

    pairs: tuple[tuple[str, str], ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]

    def require_all(self, a: Source, b: Source) -> None:
        """DataError, naming the first files without a partner, where there are any."""
        alone = [
            f"{len(names)} of {len(source.names)} files in {source.where}, such as {', '.join(names[:5])}"
            for names, source in ((self.only_a, a), (self.only_b, b))
            if names
        ]
        if alone:
            raise DataError(
                f"no partner for {' and '.join(alone)}; wanted each file of A once more in B, under the same name whatever its "
                "suffix: add the missing ones or remove the others; pairs that share a file need --side-by-side"
            )


def partners(a: Source, b: Source) -> Partners:
    """Who belongs to whom: files of the same name, else of the same name but for the suffix (`x/1.jpg` and `x/1.png`).

    Files of one domain that differ in their suffix alone have no partner but of the same suffix: it could be any of them.
    """
    same = set(a.names) & set(b.names)
    stems: list[dict[str, list[str]]] = [{}, {}]
    for by_stem, source in zip(stems, (a, b), strict=True):
        for name in source.names:
            if name not in same:
                by_stem.setdefault(os.path.splitext(name)[0], []).append(name)
    found = {name: name for name in same}
    for stem, names in stems[0].items():
        others = stems[1].get(stem, [])
        if len(names) == len(others) == 1:
            found[names[0]] = others[0]
    taken = set(found.values())
    return Partners(
        tuple((name, found[name]) for name in a.names if name in found),
        tuple(name for name in a.names if name not in found),
        tuple(name for name in b.names if name not in taken),
    )


def find_domains(sources: tuple[str, ...], *, side_by_side: bool = False) -> DomainPaths:
    """Domains A and B: two folders or zips, or one that holds both in one of these layouts.

    - `trainA/ trainB/ [testA/ testB/] [truthA/ truthB/]`, also written `train_A/` and so on; `val`
      stands in for `test`;
    - `train/NAME/` with exactly two names (A is the first in natural order), beside it `test/NAME/` and `truth/NAME/`.

    side_by_side: one folder or zip of images that are A in their left half and B in their right one, at any depth, or with
    `train/` and, if there, `test/` (else `val/`) in it.

    The layout may lie one folder deeper, as archives often have it. Raises DataError where none is found.
    """
    if side_by_side:
        return _find_halves(sources)
    if len(sources) == 2:
        first, second = (open_source(where) for where in sources)
        names = (Path(sources[0]).stem or "A", Path(sources[1]).stem or "B")
        return DomainPaths(first, second, None, None, None, None, None, names if names[0] != names[1] else ("A", "B"))
    if len(sources) != 1:
        raise DataError(f"found {len(sources)} sources; wanted two (A and B), or one that holds trainA and trainB")
    tree = open_tree(sources[0])
    root = _root(tree)
    tops = {name[len(root) :] for name in tree.folders if name.startswith(root)}
    where = os.path.join(tree.where, root.rstrip("/")) if root else tree.where
    names, folders = _layout(tops, where=where, hint=lambda: _hint(tree, root, tops))

    def part(stems: tuple[str, ...], domain: int) -> Source | None:
        for stem in stems:
            for folder in folders(stem, names[domain]):
                if folder in tops:
                    return _part(tree, f"{root}{folder}/")
        return None

    train_a, train_b = part(("train",), 0), part(("train",), 1)
    assert train_a is not None
    assert train_b is not None
    test_a, test_b = part(("test", "val"), 0), part(("test", "val"), 1)
    truth_a, truth_b = part(("truth",), 0), part(("truth",), 1)
    card = read_card(tree, root)
    called = (_called(card, "a", names[0]), _called(card, "b", names[1]))
    return DomainPaths(train_a, train_b, test_a, test_b, truth_b, truth_a, card, called)


def _find_halves(sources: tuple[str, ...]) -> DomainPaths:
    if len(sources) != 1:
        raise DataError(f"found {len(sources)} sources; wanted one folder or zip of images that hold A and B side by side")
    tree = open_tree(sources[0])
    root = _root(tree)
    tops = {name[len(root) :] for name in tree.folders if name.startswith(root)}
    apart = sorted(tops & {"trainA", "trainB", "train_A", "train_B"})
    if apart:
        raise DataError(
            f"{tree.where} holds {', '.join(apart)}: A and B lie in folders of their own; wanted images that are A in their left "
            "half and B in their right one: leave --side-by-side out"
        )

    def halves(prefix: str) -> tuple[Source, Source]:
        whole = _part(tree, prefix)
        return dataclasses.replace(whole, half="left"), dataclasses.replace(whole, half="right")

    card = read_card(tree, root)
    names = (_called(card, "a", "A"), _called(card, "b", "B"))
    if "train" not in tops:
        return DomainPaths(*halves(""), None, None, None, None, card, names)
    train_a, train_b = halves(f"{root}train/")
    test = next((stem for stem in ("test", "val") if stem in tops), None)
    test_a, test_b = (None, None) if test is None else halves(f"{root}{test}/")
    return DomainPaths(train_a, train_b, test_a, test_b, None, None, card, names)


def stamp(sources: Iterable[str | Path]) -> str | None:
    """What changes when a file below these folders (or one of these archives) does: all names, sizes, times and places on the
    disk. No file is read. None where nothing can be promised: where a file is not there, or was written within the last two
    seconds, so that it could change once more and look the same.
    """
    said: list[tuple[str, int, int, int, int]] = []
    for where in sources:
        path = Path(where).expanduser()
        inside = [""]
        if path.is_dir():
            inside = []
            _walk(path, "", above=frozenset(), files=inside, folders=[])
        for name in sorted(inside):
            try:
                found = os.stat(path / name)
            except OSError:
                return None
            said.append((f"{where}/{name}", found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino))
    if max((entry[2] for entry in said), default=0) > (time.time() - _YOUNG_SECONDS) * 1e9:
        return None
    return hashlib.blake2b(repr(said).encode(), digest_size=16).hexdigest()


def _called(card: Mapping[str, Any] | None, key: str, otherwise: str) -> str:
    name = (card or {}).get(key)
    return name if isinstance(name, str) and name else otherwise


def natural(name: str) -> tuple[Any, ...]:
    """A key that sorts names as people do: img2 before img10, whatever the case."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split("([0-9]+)", name.casefold())), name


def kinds(files: Sequence[str]) -> str:
    """How many files there are, and of which suffixes, for messages: `4 files (2 .heic, 1 .pdf, 1 no suffix)`."""
    if not files:
        return "no files"
    counts = Counter(suffix(name) or "no suffix" for name in files)
    said = ", ".join(f"{count} {kind}" for kind, count in counts.most_common(5))
    return f"{len(files)} file{'s' if len(files) > 1 else ''} ({said}{', ...' if len(counts) > 5 else ''})"


def suffix(name: str) -> str:
    """The ending of a file's name, in lower case and with its dot; "" where there is none."""
    return os.path.splitext(name)[1].lower()


def _layout(
    tops: set[str], *, where: str, hint: Callable[[], str]
) -> tuple[tuple[str, str], Callable[[str, str], tuple[str, ...]]]:
    """The names of A and B, and a function from ("train", name) to the folders that may hold it.

    hint: asked where there is no layout, for what else may be meant.
    """
    by_letter = [stem for stem in ("trainA", "train_A", "trainB", "train_B") if stem in tops]
    if {stem[-1] for stem in by_letter} == {"A", "B"}:
        return ("A", "B"), lambda stem, name: (stem + name, f"{stem}_{name}")
    inner = sorted((name[6:] for name in tops if name.startswith("train/") and "/" not in name[6:]), key=natural)
    if len(inner) == 2:
        return (inner[0], inner[1]), lambda stem, name: (f"{stem}/{name}",)
    found = ", ".join(sorted((name for name in tops if "/" not in name), key=natural)[:12]) or "no folders"
    if inner:
        found += f" (in train: {', '.join(inner[:12])})"
    raise DataError(f"{where} does not hold two domains: found {found}; wanted {_LAYOUTS}{hint()}")


def _hint(tree: Tree, root: str, tops: set[str]) -> str:
    """A word where the first images are twice as wide as high, as most files are that hold a pair side by side; else ""."""
    source = _part(tree, f"{root}train/" if "train" in tops else root)
    shapes = set()
    for name in islice(source.names, 3):
        try:
            said = images.header(source.read(name))
        except (OSError, DataError):
            continue
        shapes.add((said.width, said.height))
    if not shapes or any(width != 2 * height for width, height in shapes):
        return ""
    width, height = sorted(shapes)[0]
    return f". The images are twice as wide as high ({width} x {height}): if they are pairs, add --side-by-side"


def _root(tree: Tree) -> str:
    """The folder that holds the layout: "" or, where all lies in one folder (as in many archives), that one."""
    tops = {name for name in tree.folders if "/" not in name}
    if len(tops) == 1 and not tops & {"train", "trainA", "trainB", "train_A", "train_B"}:
        return f"{tops.pop()}/"
    return ""


def read_card(tree: Tree, root: str) -> Mapping[str, Any] | None:
    """What the card in the folder `root` ("" or ending in "/") says, None where there is none. Raises DataError."""
    if root + CARD not in tree.files:
        return None
    try:
        card = json.loads(tree.read(root + CARD))
    except ValueError as error:
        raise DataError(f"{tree.where}/{root}{CARD} is no JSON: {error}; repair or remove it") from error
    if not isinstance(card, dict):
        raise DataError(f"{tree.where}/{root}{CARD} holds a {type(card).__name__}; wanted a table: repair or remove it")
    return card


def open_tree(where: str | Path) -> Tree:
    """A folder or a zip archive. Raises DataError where there is no such thing."""
    path = Path(where).expanduser()
    if path.is_dir():
        return FolderTree(path)
    if path.is_file():
        if path.suffix.lower() in images.SUFFIXES:
            raise DataError(f"{path} is one image; wanted a folder or a zip of images")
        return ZipTree(path)
    raise DataError(f"{path} does not exist; wanted a folder or a zip of images")


def _part(tree: Tree, prefix: str) -> Source:
    inside = [name[len(prefix) :] for name in tree.files if name.startswith(prefix)]
    names = tuple(name for name in inside if suffix(name) in images.SUFFIXES)
    return Source(tree, prefix, names, tuple(name for name in inside if suffix(name) not in images.SUFFIXES))


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _parents(name: str) -> list[list[str]]:
    parts = name.split("/")[:-1]
    return [parts[: depth + 1] for depth in range(len(parts))]


def _walk(folder: Path, prefix: str, *, above: frozenset[str], files: list[str], folders: list[str]) -> None:
    """Append all that is visible below `folder`. above: the real paths of the folders on the way here."""
    real = os.path.realpath(folder)
    if real in above:  # a link to a folder that holds it would never end
        return
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise DataError(f"{folder} cannot be listed: {error.strerror}; wanted a folder that can be read") from error
    for entry in entries:
        if _hidden(entry.name):
            continue
        if entry.is_dir():
            folders.append(prefix + entry.name)
            _walk(Path(entry.path), f"{prefix}{entry.name}/", above=above | {real}, files=files, folders=folders)
        elif entry.is_file() or entry.is_symlink():
            files.append(prefix + entry.name)
