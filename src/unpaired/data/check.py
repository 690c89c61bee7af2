"""`data check`: what is in the folders, and what is wrong with it, before a run finds out."""

import dataclasses
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from unpaired import images
from unpaired.data.batches import FEW
from unpaired.data.sources import Source, find_domains, natural, open_source
from unpaired.data.store import hash_content, in_threads
from unpaired.errors import DataError, EmptyDomain, UnreadableImages

CONSTANT = 2.0
"""A small copy of an image whose samples deviate less than this (standard deviation, of 255) is near-constant."""

# Two images are near duplicates when their difference hashes differ in at most 3 of 64 bits and their 16 x 16 grey
# copies by less than 4 of 255 on average: the first finds candidates quickly, the second keeps flat drawings apart.
_HASH_BITS = 3
_MEAN_DIFFERENCE = 4.0


@dataclasses.dataclass(frozen=True)
class Part:
    """What was found in one part of a data set (such as train_a).

    where: folder or archive; count: readable images; others: files that are no images by their suffix; sizes ("WxH", as
    stored), modes and formats: how many of each, as Pillow names them; unreadable: (name, reason); duplicates: groups
    of names with equal content; near_duplicates: groups that look alike; near_constant: names.
    """

    where: str
    count: int
    others: int
    sizes: Mapping[str, int]
    modes: Mapping[str, int]
    formats: Mapping[str, int]
    unreadable: tuple[tuple[str, str], ...]
    duplicates: tuple[tuple[str, ...], ...]
    near_duplicates: tuple[tuple[str, ...], ...]
    near_constant: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Report:
    """What `check` found.

    parts: by name ("train_a", ...); shared: by pair of parts ("train_a & test_a") the pairs of names of equal or, where
    near duplicates were sought, like images; card: the set's card; errors: what a run would refuse; warnings: the rest.
    """

    parts: Mapping[str, Part]
    shared: Mapping[str, tuple[tuple[str, str], ...]]
    card: Mapping[str, Any] | None
    errors: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Nested dicts, lists, numbers and strings."""
        return _plain(dataclasses.asdict(self))

    def lines(self) -> list[str]:
        """The report for people, a line each; lists are cut after a few entries, `to_json` has them whole."""
        said = []
        for name, part in self.parts.items():
            said.append(f"{name}: {part.count} images in {part.where}")
            for what, counts in (("sizes", part.sizes), ("modes", part.modes), ("formats", part.formats)):
                if counts:
                    said.append(f"  {what}: {_most(counts)}")
            said += [f"  unreadable: {file}: {reason}" for file, reason in _some(part.unreadable)]
            said += [f"  equal: {', '.join(_some(group))}" for group in _some(part.duplicates)]
            said += [f"  alike: {', '.join(_some(group))}" for group in _some(part.near_duplicates)]
            if part.near_constant:
                said.append(f"  near-constant: {', '.join(_some(part.near_constant))}")
        for pair, names in self.shared.items():
            said += [f"{pair}: {first} is {second}" for first, second in _some(names)]
        if self.card:
            said += [f"{key}: {value}" for key, value in self.card.items() if isinstance(value, str | int | float)]
        said += [f"warning: {message}" for message in self.warnings] + [f"error: {message}" for message in self.errors]
        return [*said, _verdict(self)]


class _Look(NamedTuple):
    """What one file showed. reason: why it is unreadable; thumb: its 16 x 16 grey copy; bits: its difference hash."""

    content: str = ""
    header: images.Header | None = None
    reason: str = ""
    deviation: float = math.inf
    thumb: images.Pixels = np.zeros((16, 16), np.uint8)
    bits: int = 0


def check(sources: str | Path | Sequence[str | Path], *, near: bool = True) -> Report:
    """Look at every file of one folder or zip, of one that holds both domains, or of two.

    near: also find images that look alike without being equal. Problems are reported, not raised; but DataError where a
    source does not exist or cannot be listed.
    """
    given = (sources,) if isinstance(sources, str | Path) else tuple(sources)
    found, card = _parts(tuple(str(where) for where in given))
    looks = {
        name: dict(zip(source.names, in_threads(_looker(source), source.names), strict=True)) for name, source in found.items()
    }
    parts = {name: _part(source, looks[name], near=near) for name, source in found.items()}
    readable = {name: {file: look for file, look in seen.items() if not look.reason} for name, seen in looks.items()}
    pairs = [("train_a", "train_b"), *((f"train_{x}", f"test_{y}") for x in "ab" for y in "ab")]
    shared = {}
    for first, second in pairs:
        if first in readable and second in readable:
            same = _shared(readable[first], readable[second], near=near)
            if same:
                shared[f"{first} & {second}"] = same
    return Report(parts, shared, card, tuple(_errors(found, parts, readable)), tuple(_warnings(parts, shared)))


def _parts(given: tuple[str, ...]) -> tuple[dict[str, Source], Mapping[str, Any] | None]:
    try:
        paths = find_domains(given)
    except DataError:
        if len(given) != 1:
            raise
        # One plain folder is worth a look too, before there is a second.
        return {"images": open_source(given[0])}, None
    named = {"train_a": paths.train_a, "train_b": paths.train_b, "test_a": paths.test_a, "test_b": paths.test_b}
    named |= {"truth_a": paths.truth_a, "truth_b": paths.truth_b}
    return {name: source for name, source in named.items() if source is not None}, paths.card


def _looker(source: Source) -> Any:
    def look(name: str) -> _Look:
        try:
            content = source.read(name)
        except (OSError, DataError) as error:
            return _Look(reason=str(error))
        try:
            said = images.header(content)
            pixels = images.read(content, at_least=64)
        except UnreadableImages as error:
            return _Look(content=hash_content(content), reason=str(error))
        small = images.fit(pixels, size=32, how="resize")
        grey = images.fit(np.rint(small.mean(axis=2, keepdims=True)).astype(np.uint8), size=16, how="resize")
        steps = images.fit(grey, size=(8, 9), how="resize")[:, :, 0].astype(np.int16)
        bits = int.from_bytes(np.packbits(np.diff(steps, axis=1) > 0).tobytes(), "big")
        deviation = float(small.reshape(-1, small.shape[2]).std(axis=0).max())
        return _Look(hash_content(content), said, "", deviation, grey[:, :, 0], bits)

    return look


def _part(source: Source, looks: Mapping[str, _Look], *, near: bool) -> Part:
    readable = {name: look for name, look in looks.items() if not look.reason}
    headers = [look.header for look in readable.values() if look.header]
    equal = defaultdict(list)
    for name, look in readable.items():
        equal[look.content].append(name)
    alike: tuple[tuple[str, ...], ...] = ()
    if near:
        # Equal files are reported already: one stands for all.
        firsts = {group[0]: readable[group[0]] for group in equal.values()}
        alike = _groups(list(_alike(firsts, firsts)))
    return Part(
        where=source.where,
        count=len(readable),
        others=len(source.others),
        sizes=_counts(f"{said.width}x{said.height}" for said in headers),
        modes=_counts(said.mode for said in headers),
        formats=_counts(said.format for said in headers),
        unreadable=tuple((name, look.reason) for name, look in looks.items() if look.reason),
        duplicates=tuple(tuple(group) for group in equal.values() if len(group) > 1),
        near_duplicates=alike,
        near_constant=tuple(name for name, look in readable.items() if look.deviation < CONSTANT),
    )


def _shared(first: Mapping[str, _Look], second: Mapping[str, _Look], *, near: bool) -> tuple[tuple[str, str], ...]:
    names = defaultdict(list)
    for name, look in second.items():
        names[look.content].append(name)
    same = {(name, names[look.content][0]) for name, look in first.items() if look.content in names}
    if near:
        done = {name for name, _ in same}
        same |= set(_alike({name: look for name, look in first.items() if name not in done}, second))
    return tuple(sorted(same, key=lambda pair: natural(pair[0])))


def _alike(first: Mapping[str, _Look], second: Mapping[str, _Look]) -> Iterator[tuple[str, str]]:
    """Pairs of names that look alike, each once; near-constant images look like nothing."""
    within = first is second
    mine = [(name, look) for name, look in first.items() if look.deviation >= CONSTANT]
    theirs = mine if within else [(name, look) for name, look in second.items() if look.deviation >= CONSTANT]
    if not mine or not theirs:
        return
    thumbs = np.stack([look.thumb for _, look in theirs]).astype(np.int16)
    bits = np.array([look.bits for _, look in theirs], dtype=np.uint64)
    # Hashes that differ in at most 3 bits agree in one of four quarters at least.
    buckets: list[dict[int, list[int]]] = [defaultdict(list) for _ in range(_HASH_BITS + 1)]
    for index, (_, look) in enumerate(theirs):
        for quarter, bucket in enumerate(buckets):
            bucket[look.bits >> 16 * quarter & 0xFFFF].append(index)
    matched: set[int] = set()
    for here, (name, look) in enumerate(mine):
        if within and here in matched:  # stands in a group already; a large group would cost its square
            continue
        close = {index for quarter, bucket in enumerate(buckets) for index in bucket.get(look.bits >> 16 * quarter & 0xFFFF, ())}
        rows = np.array(sorted(index for index in close if not within or index > here), dtype=np.int64)
        rows = rows[_bit_count(bits[rows] ^ np.uint64(look.bits)) <= _HASH_BITS] if len(rows) else rows
        if not len(rows):
            continue
        difference = np.abs(thumbs[rows] - look.thumb.astype(np.int16)).mean(axis=(1, 2))
        hits = rows[difference < _MEAN_DIFFERENCE]
        for index in hits if within else hits[:1]:
            matched.add(int(index))
            yield name, theirs[index][0]


def _bit_count(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    return np.unpackbits(words.view(np.uint8).reshape(len(words), 8), axis=1).sum(axis=1, dtype=np.int64)


def _groups(pairs: Sequence[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    groups: dict[str, list[str]] = {}
    leader: dict[str, str] = {}
    for first, second in pairs:
        head = leader.setdefault(first, first)
        groups.setdefault(head, [head])
        if second not in leader:
            leader[second] = head
            groups[head].append(second)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def _errors(found: Mapping[str, Source], parts: Mapping[str, Part], readable: Mapping[str, Mapping[str, _Look]]) -> Iterator[str]:
    for name, part in parts.items():
        try:
            found[name].require_images(domain=name)
        except EmptyDomain as error:
            yield str(error)
        else:
            if not part.count:
                yield (f"{name}: none of the {len(found[name].names)} files in {part.where} is readable; wanted {images.WANTED}")
    if parts.get("train_a") and parts["train_a"].count:
        contents = [{look.content for look in readable[name].values()} for name in ("train_a", "train_b")]
        if contents[0] == contents[1]:
            yield "train_a and train_b hold the same images; wanted two different sets: check the paths"
    for truth, test in (("truth_b", "test_a"), ("truth_a", "test_b")):
        if truth in parts and test in parts:
            missing = sorted(set(readable[test]) - set(readable[truth]), key=natural)
            if missing:
                yield (
                    f"{truth} holds no readable counterpart for {len(missing)} images of {test}: "
                    f"{', '.join(missing[:5])}; wanted a file of the same name for each: add them, or remove the folder"
                )


def _warnings(parts: Mapping[str, Part], shared: Mapping[str, tuple[tuple[str, str], ...]]) -> Iterator[str]:
    for name, part in parts.items():
        if part.unreadable:
            yield f"{name}: {len(part.unreadable)} unreadable files, which a run skips (or refuses, under --strict)"
        if name.startswith(("train", "images")) and 0 < part.count < FEW:
            yield f"{name}: only {part.count} images; wanted {FEW} at the very least, and better hundreds"
        if part.duplicates:
            spare = sum(len(group) - 1 for group in part.duplicates)
            yield f"{name}: {spare} images are copies of others, which makes those weigh more"
        if part.near_duplicates:
            yield f"{name}: {sum(len(group) - 1 for group in part.near_duplicates)} images look like others"
        if part.near_constant:
            yield f"{name}: {len(part.near_constant)} images are nearly of one colour"
    for pair, names in shared.items():
        if pair == "train_a & train_b":
            yield f"{pair}: {len(names)} images stand in both domains"
        else:
            yield f"{pair}: {len(names)} test images were trained on (leakage): what is measured on them is too good"


def _verdict(report: Report) -> str:
    if report.errors:
        return f"{len(report.errors)} errors, {len(report.warnings)} warnings: a run would refuse this"
    return f"no errors, {len(report.warnings)} warnings"


def _counts(items: Iterator[str]) -> dict[str, int]:
    return dict(Counter(items).most_common())


def _most(counts: Mapping[str, int], *, few: int = 6) -> str:
    said = ", ".join(f"{what} ({count})" for what, count in list(counts.items())[:few])
    return said + (f" and {len(counts) - few} more" if len(counts) > few else "")


def _some(items: Sequence[Any], *, few: int = 10) -> Sequence[Any]:
    return items[:few]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, tuple | list) else value
