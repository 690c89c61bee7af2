"""`data check`: what is in the folders, and what is wrong with it, before a run finds out."""

import dataclasses
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from unpaired import images
from unpaired.counting import counted
from unpaired.data.batches import FEW
from unpaired.data.sources import Source, find_domains, natural, open_source, partners, suffix
from unpaired.data.store import hash_content, in_threads
from unpaired.errors import DataError, EmptyDomain, UnreadableImages

CONSTANT = 2.0
"""A small copy of an image whose samples deviate less than this (standard deviation, of 255) is near-constant."""

# Two images are near duplicates when their difference hashes differ in at most 3 of 64 bits and their 16 x 16 grey
# copies by less than 4 of 255 on average: the first finds candidates quickly, the second keeps flat drawings apart.
_HASH_BITS = 3
_MEAN_DIFFERENCE = 4.0
# Of the hash's six blocks three bits can spoil three: near duplicates agree in one of the 20 choices of the other three. An
# image is compared with so many of those that agree with it, the likest in brightness: plain images agree by the thousand.
_BLOCKS = ((0, 11), (11, 11), (22, 11), (33, 11), (44, 10), (54, 10))
_NEIGHBOURS = 32
_ONES = np.unpackbits(np.arange(1 << 16, dtype=np.uint16).view(np.uint8).reshape(-1, 2), axis=1).sum(axis=1, dtype=np.uint8)
_SHAPE_TOLERANCE = 0.02
"""Partners whose ratios of width to height differ by more than this share are told: cropping parts them."""


@dataclasses.dataclass(frozen=True)
class Part:
    """What was found in one part of a data set (such as train_a).

    where: folder or archive; count: readable images; others: names of the files that are no images by their suffix, by
    suffix; sizes ("WxH", as stored), modes and formats: how many of each, as Pillow names them; unreadable: (name,
    reason); duplicates: groups of names with equal content; near_duplicates: groups in which each looks like another;
    not_compared: plain images whose likes were sought among the likest in brightness alone, as there are too many that
    resemble them; near_constant: names.
    """

    where: str
    count: int
    others: Mapping[str, tuple[str, ...]]
    sizes: Mapping[str, int]
    modes: Mapping[str, int]
    formats: Mapping[str, int]
    unreadable: tuple[tuple[str, str], ...]
    duplicates: tuple[tuple[str, ...], ...]
    near_duplicates: tuple[tuple[str, ...], ...]
    not_compared: int
    near_constant: tuple[str, ...]

    def lines(self, name: str) -> list[str]:
        """The part for people, a line each; lists are cut after a few entries."""
        said = [f"{name}: {counted(self.count, 'image')} in {self.where}"]
        for what, counts in (("sizes", self.sizes), ("modes", self.modes), ("formats", self.formats)):
            if counts:
                said.append(f"  {what}: {_most(counts)}")
        said += [f"  unreadable: {file}: {reason}" for file, reason in _some(self.unreadable)]
        for ending, names in self.others.items():
            said.append(f"  no images by their names: {len(names)} {ending or 'without suffix'}: {_named(names)}")
        said += [f"  equal: {', '.join(_some(group))}" for group in _some(self.duplicates)]
        said += [f"  alike: {', '.join(_some(group))}" for group in _some(self.near_duplicates)]
        if self.near_constant:
            said.append(f"  near-constant: {', '.join(_some(self.near_constant))}")
        return said


@dataclasses.dataclass(frozen=True)
class Pairs:
    """How the files of A and B belong together, in training or in test.

    count: pairs; only_a, only_b: names without a partner; misshapen: pairs of names whose images differ in width to height.
    """

    count: int
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    misshapen: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Report:
    """What `check` found.

    parts: by name ("train_a", ...); pairs: of "train" and "test", where they are asked for or most names match; shared:
    by pair of parts ("train_a & test_a") the pairs of names of equal or, where near duplicates were sought, like images;
    card: the set's card; errors: what a run would refuse; warnings: the rest.
    """

    parts: Mapping[str, Part]
    pairs: Mapping[str, Pairs]
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
            said += part.lines(name)
        for end, pairs in self.pairs.items():
            said.append(f"{end}: {pairs.count} pairs, for a game that plays with pairs")
            for domain, names in (("A", pairs.only_a), ("B", pairs.only_b)):
                if names:
                    said.append(f"  without partner in {domain}: {_named(names)}")
        for pair, same in self.shared.items():
            said += [f"{pair}: {first} is {second}" for first, second in _some(same)]
        if self.card:
            said += [f"{key}: {value}" for key, value in self.card.items() if isinstance(value, str | int | float)]
        said += [f"warning: {message}" for message in self.warnings] + [f"error: {message}" for message in self.errors]
        return [*said, _verdict(self)]


class _Look(NamedTuple):
    """What one file showed. reason: why it is unreadable; shape: width and height, upright; thumb: its 16 x 16 grey copy;
    bits: its difference hash.
    """

    content: str = ""
    header: images.Header | None = None
    reason: str = ""
    shape: tuple[int, int] = (1, 1)
    deviation: float = math.inf
    thumb: images.Pixels = np.zeros((16, 16), np.uint8)
    bits: int = 0


def check(
    sources: str | Path | Sequence[str | Path],
    *,
    near: bool = True,
    paired: bool = False,
    side_by_side: bool = False,
    value_range: images.ValueRange | None = None,
    value_range_b: images.ValueRange | None = None,
) -> Report:
    """Look at every file of one folder or zip, of one that holds both domains, or of two.

    near: also find images that look alike without being equal. paired: as for a game of pairs, such as pix2pix: files
    without a partner are errors. side_by_side: each file is a pair, A its left half and B its right one. value_range,
    value_range_b: the numbers in A and in B that are black and white, as for training (of B None: as in A). Problems are
    reported, not raised; but DataError where a source does not exist or cannot be listed.
    """
    given = (sources,) if isinstance(sources, str | Path) else tuple(sources)
    found, card = _parts(tuple(str(where) for where in given), side_by_side=side_by_side)
    ranges = {name: value_range_b or value_range if name.endswith("_b") else value_range for name in found}
    looks = {
        name: dict(zip(source.names, in_threads(_looker(source, ranges[name]), source.names), strict=True))
        for name, source in found.items()
    }
    parts = {name: _part(source, looks[name], near=near) for name, source in found.items()}
    readable = {name: {file: look for file, look in seen.items() if not look.reason} for name, seen in looks.items()}
    pairs = {
        end: _pairs(found[f"{end}_a"], found[f"{end}_b"], readable[f"{end}_a"], readable[f"{end}_b"])
        for end in ("train", "test")
        if f"{end}_a" in found and f"{end}_b" in found
    }
    shared, cut = {}, {}
    for first, second in [("train_a", "train_b"), *((f"train_{x}", f"test_{y}") for x in "ab" for y in "ab")]:
        if first in readable and second in readable:
            same, not_compared = _shared(readable[first], readable[second], near=near)
            cut[f"{first} & {second}"] = not_compared
            if same:
                shared[f"{first} & {second}"] = same
    if not paired and not side_by_side:
        pairs = {end: both for end, both in pairs.items() if both.count > len(both.only_a) + len(both.only_b)}
    errors = [*_errors(found, parts, readable), *(_partnerless(pairs, found) if paired else ())]
    return Report(parts, pairs, shared, card, tuple(errors), tuple(_warnings(parts, pairs if paired else {}, shared, cut)))


def look_at(source: Source, *, near: bool = True) -> Part:
    """What is in one source. near: also find images that look alike without being equal."""
    return _part(source, dict(zip(source.names, in_threads(_looker(source), source.names), strict=True)), near=near)


def _parts(given: tuple[str, ...], *, side_by_side: bool) -> tuple[dict[str, Source], Mapping[str, Any] | None]:
    try:
        paths = find_domains(given, side_by_side=side_by_side)
    except DataError:
        if len(given) != 1 or side_by_side:
            raise
        # One plain folder is worth a look too, before there is a second.
        return {"images": open_source(given[0])}, None
    named = {"train_a": paths.train_a, "train_b": paths.train_b, "test_a": paths.test_a, "test_b": paths.test_b}
    named |= {"truth_a": paths.truth_a, "truth_b": paths.truth_b}
    return {name: source for name, source in named.items() if source is not None}, paths.card


def _looker(source: Source, value_range: images.ValueRange | None = None) -> Any:
    def named(content: bytes) -> str:
        return hash_content(content) + (source.half or "")

    def look(name: str) -> _Look:
        try:
            content = source.read(name)
        except (OSError, DataError) as error:
            return _Look(reason=str(error))
        try:
            said = images.header(content)
            # Of more than four channels each is as good as any other; of fewer a person sees the colours on white.
            channels = 3 if said.channels <= 4 else said.channels
            whole = images.read(content, channels=channels, at_least=64, value_range=value_range)
            pixels = source.cut(whole)
        except UnreadableImages as error:
            return _Look(content=named(content), reason=str(error))
        turned = (whole.shape[1] >= whole.shape[0]) != (said.width >= said.height)  # turned by its EXIF orientation
        width, height = (said.height, said.width) if turned else (said.width, said.height)
        if source.half is not None:
            width //= 2
            said = said._replace(width=width, height=height)
        small = images.fit(pixels, size=32, how="resize")
        grey = images.fit(np.rint(small.mean(axis=2, keepdims=True)).astype(np.uint8), size=16, how="resize")
        steps = images.fit(grey, size=(8, 9), how="resize")[:, :, 0].astype(np.int16)
        bits = int.from_bytes(np.packbits(np.diff(steps, axis=1) > 0).tobytes(), "big")
        deviation = float(small.reshape(-1, small.shape[2]).std(axis=0).max())
        return _Look(named(content), said, "", (width, height), deviation, grey[:, :, 0], bits)

    return look


def _part(source: Source, looks: Mapping[str, _Look], *, near: bool) -> Part:
    readable = {name: look for name, look in looks.items() if not look.reason}
    headers = [look.header for look in readable.values() if look.header]
    equal = defaultdict(list)
    for name, look in readable.items():
        equal[look.content].append(name)
    alike: list[tuple[str, str]] = []
    not_compared = 0
    if near:
        # Equal files are reported already: one stands for all.
        alike, not_compared = _alike({group[0]: readable[group[0]] for group in equal.values()}, {})
    others = defaultdict(list)
    for name in source.others if source.half != "right" else ():  # told with the left halves, in the same files
        others[suffix(name)].append(name)
    return Part(
        where=source.where,
        count=len(readable),
        others={ending: tuple(names) for ending, names in sorted(others.items(), key=lambda item: -len(item[1]))},
        sizes=_counts(f"{said.width}x{said.height}" for said in headers),
        modes=_counts(said.mode for said in headers),
        formats=_counts(said.format for said in headers),
        unreadable=tuple((name, look.reason) for name, look in looks.items() if look.reason),
        duplicates=tuple(tuple(group) for group in equal.values() if len(group) > 1),
        near_duplicates=_groups(alike),
        not_compared=not_compared,
        near_constant=tuple(name for name, look in readable.items() if look.deviation < CONSTANT),
    )


def _shared(first: Mapping[str, _Look], second: Mapping[str, _Look], *, near: bool) -> tuple[tuple[tuple[str, str], ...], int]:
    """Pairs of names of equal or like images, one for each of `first`; and how many were compared in part only."""
    names = defaultdict(list)
    for name, look in second.items():
        names[look.content].append(name)
    same = {name: names[look.content][0] for name, look in first.items() if look.content in names}
    not_compared = 0
    if near:
        alike, not_compared = _alike({name: look for name, look in first.items() if name not in same}, second)
        found: dict[str, str] = {}
        for one, other in alike:
            found[one] = min(found.get(one, other), other, key=natural)
        same |= found
    return tuple(sorted(same.items(), key=lambda pair: natural(pair[0]))), not_compared


def _pairs(a: Source, b: Source, readable_a: Mapping[str, _Look], readable_b: Mapping[str, _Look]) -> Pairs:
    found = partners(a, b)
    misshapen = []
    for one, other in found.pairs:
        if one not in readable_a or other not in readable_b:
            continue
        (width_a, height_a), (width_b, height_b) = readable_a[one].shape, readable_b[other].shape
        ratios = width_a * height_b, width_b * height_a
        if max(ratios) > (1 + _SHAPE_TOLERANCE) * min(ratios):
            misshapen.append((one, other))
    return Pairs(len(found.pairs), found.only_a, found.only_b, tuple(misshapen))


def _alike(first: Mapping[str, _Look], second: Mapping[str, _Look]) -> tuple[list[tuple[str, str]], int]:
    """Pairs of names that look alike, one in each (within `first` where `second` is empty), and how many images were compared
    with a part of those that resemble them; near-constant images look like nothing.

    Sorted by what they agree in and by brightness, likes stand close together, so that a hundred thousand images that all
    resemble each other cost so many times `_NEIGHBOURS`, not so many squared. Images whose brightness differs by more than
    near duplicates may are passed over without loss.
    """
    looks = [(name, look) for side in (first, second) for name, look in side.items() if look.deviation >= CONSTANT]
    ours = sum(look.deviation >= CONSTANT for look in first.values())
    if not looks:
        return [], 0
    bits = np.array([look.bits for _, look in looks], dtype=np.uint64)
    thumbs = np.stack([look.thumb for _, look in looks])
    brightness = thumbs.mean(axis=(1, 2))
    blocks = [np.uint64(((1 << width) - 1) << start) for start, width in _BLOCKS]
    close: npt.NDArray[np.int64] = np.zeros(0, np.int64)
    cut = np.zeros(len(looks), dtype=bool)
    for chosen in combinations(blocks, len(blocks) - _HASH_BITS):
        key = bits & (chosen[0] | chosen[1] | chosen[2])
        order = np.lexsort((brightness, key))
        here, candidates = np.arange(len(order)), [close]
        for distance in range(1, _NEIGHBOURS + 2):
            here = here[here + distance < len(order)]
            one, other = order[here], order[here + distance]
            still = (key[one] == key[other]) & (brightness[other] - brightness[one] < _MEAN_DIFFERENCE)
            here, one, other = here[still], one[still], other[still]
            if distance > _NEIGHBOURS:
                cut[one] = True
                break
            if not len(here):
                break
            across = (one < ours) != (other < ours) if second else np.ones(len(one), dtype=bool)
            like = across & (_bit_count(bits[one] ^ bits[other]) <= _HASH_BITS)
            candidates.append(np.minimum(one, other)[like] * len(looks) + np.maximum(one, other)[like])
        close = np.sort(np.concatenate(candidates))
        close = close[np.diff(close, prepend=-1) > 0]  # each once; numpy's `unique` can take minutes for such numbers
    rows, columns = np.divmod(close, len(looks))
    alike = np.zeros(len(close), dtype=bool)
    for start in range(0, len(close), 1 << 14):
        some = slice(start, start + (1 << 14))
        difference = np.abs(thumbs[rows[some]].astype(np.int16) - thumbs[columns[some]]).mean(axis=(1, 2))
        alike[some] = difference < _MEAN_DIFFERENCE
    found = [(looks[row][0], looks[column][0]) for row, column in zip(rows[alike], columns[alike], strict=True)]
    return found, int(cut.sum())


def _bit_count(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint8]:
    return _ONES[words.view(np.uint16).reshape(len(words), 4)].sum(axis=1, dtype=np.uint8)


def _groups(pairs: Sequence[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """The names in groups, of which each name is paired with another of its group."""
    above: dict[str, str] = {}

    def top(name: str) -> str:
        while (higher := above.setdefault(name, name)) != name:
            above[name] = name = above[higher]
        return name

    for first, second in pairs:
        above[top(second)] = top(first)
    groups = defaultdict(list)
    for name in above:
        groups[top(name)].append(name)
    return tuple(tuple(sorted(group, key=natural)) for group in groups.values())


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
                    f"{truth} holds no readable counterpart for {counted(len(missing), 'image')} of {test}: "
                    f"{', '.join(missing[:5])}; wanted a file of the same name for each: add them, or remove the folder"
                )


def _partnerless(pairs: Mapping[str, Pairs], found: Mapping[str, Source]) -> Iterator[str]:
    for end in pairs:
        if {"truth_a", "truth_b"} & set(found) and end == "test":
            continue
        a, b = found[f"{end}_a"], found[f"{end}_b"]
        try:
            partners(a, b).require_all(a, b)
        except DataError as error:
            yield f"{end}: {error}"


def _warnings(
    parts: Mapping[str, Part],
    pairs: Mapping[str, Pairs],
    shared: Mapping[str, tuple[tuple[str, str], ...]],
    cut: Mapping[str, int],
) -> Iterator[str]:
    for end, both in pairs.items():
        if both.misshapen:
            one, other = both.misshapen[0]
            yield (
                f"{end}: {counted(len(both.misshapen), 'pair')} of different width to height, such as {one} and {other}: "
                "cropped or padded alone, they no longer match; make them one shape, or train with --fit resize"
            )
    for name, part in parts.items():
        if part.others:
            count = sum(map(len, part.others.values()))
            yield f"{name}: {counted(count, 'file')}, by name no image, left alone; wanted {images.WANTED}"
        if name == "images" and part.sizes and all(_double(size) for size in part.sizes):
            yield f"{name}: all are twice as wide as high; if they are pairs side by side, say --side-by-side"
        if part.unreadable:
            yield f"{name}: {counted(len(part.unreadable), 'unreadable file')}, which a run skips (or refuses, under --strict)"
        if name.startswith(("train", "images")) and 0 < part.count < FEW:
            yield f"{name}: only {counted(part.count, 'image')}; wanted {FEW} at the very least, and better hundreds"
        if part.duplicates:
            spare = sum(len(group) - 1 for group in part.duplicates)
            yield f"{name}: {counted(spare, 'image')} equal to others, which makes those weigh more"
        if part.near_duplicates:
            yield f"{name}: {counted(sum(len(group) - 1 for group in part.near_duplicates), 'image')} much like others"
        if part.near_constant:
            yield f"{name}: {counted(len(part.near_constant), 'image')} of nearly one colour"
    for name, count in ({name: part.not_compared for name, part in parts.items()} | dict(cut)).items():
        if count:
            yield (
                f"{name}: {counted(count, 'plain image')} much like very many others, compared with {_NEIGHBOURS} of them only, "
                "the likest in brightness: more may look alike than is said here"
            )
    for pair, names in shared.items():
        if pair == "train_a & train_b":
            yield f"{pair}: {counted(len(names), 'image')} in both domains"
        else:
            leaked = counted(len(names), "test image")
            yield f"{pair}: {leaked} equal or much like training images (leakage): what is measured is too good"


def _verdict(report: Report) -> str:
    if report.errors:
        return f"{counted(len(report.errors), 'error')}, {counted(len(report.warnings), 'warning')}: a run would refuse this"
    return f"no errors, {counted(len(report.warnings), 'warning')}"


def _double(size: str) -> bool:
    width, height = map(int, size.split("x"))
    return width == 2 * height


def _named(names: Sequence[str], *, few: int = 5) -> str:
    return ", ".join(names[:few]) + (f" and {len(names) - few} more" if len(names) > few else "")


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
