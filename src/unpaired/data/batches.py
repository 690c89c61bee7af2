"""Typed batches, and the schedule that says which images make a step.

The schedule is a function, not a process: the images of step t follow from (seed, stream, t) alone. So a run resumes
anywhere without saved state, and each process of many takes its rows of the same batch.
"""

import dataclasses
import functools
import hashlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unpaired import images
from unpaired.counting import counted
from unpaired.data import transforms
from unpaired.data.sources import DomainPaths, Source, find_domains, natural, partners
from unpaired.data.split import hold_out, place
from unpaired.data.store import Hashed, ImageStore, decode, hash_files
from unpaired.errors import DataError, DataWarning, SameDomain, ShapeError
from unpaired.images import Pixels

if TYPE_CHECKING:
    from unpaired.options import DataOptions

FEW = 10
"""Fewer training images than this in a domain draw a warning."""

Telling = Callable[[str, int, int | None], None]
"""Called with what is being done ("decoding train_a"), the number of files done and of all files (None: not known)."""

Skipped = tuple[tuple[str, str], ...]


class Unpaired(NamedTuple):
    """A batch of two domains; row i of `a` has nothing to do with row i of `b`. Both `[N, C, H, W]` in [-1, 1]."""

    a: Tensor
    b: Tensor


class Paired(NamedTuple):
    """A batch of two domains; row i of `b` is the partner of row i of `a`. Both `[N, C, H, W]` in [-1, 1]."""

    a: Tensor
    b: Tensor


class Labelled(NamedTuple):
    """A batch of images with labels.

    x: `[N, C, H, W]` in [-1, 1]. values: int64 `[N, A]`, the index of each attribute's value, UNKNOWN (-1) where nobody told
    it; A: the attributes of all sets. origin: int64 `[N]`, which data set an image comes from.
    """

    x: Tensor
    values: Tensor
    origin: Tensor


def indices(n: int, *, batch: int, step: int, seed: int, stream: str) -> npt.NDArray[np.int64]:
    """Which of `n` images make step `step` (from 0) of this stream: `[batch]`.

    Epoch after epoch is walked through without a gap, each in an order of its own, so that every image comes once
    before any comes again; a batch may straddle two epochs or more. The same arguments give the same rows on every
    machine. Raises DataError where there is nothing to choose from.
    """
    if n < 1 or batch < 1 or step < 0 or seed < 0:
        raise DataError(f"n={n}, batch={batch}, step={step}, seed={seed}; wanted n and batch from 1, step and seed from 0")
    places = np.arange(step * batch, (step + 1) * batch, dtype=np.int64)
    epochs, within = np.divmod(places, n)
    rows = np.empty(batch, dtype=np.int64)
    for epoch in range(int(epochs[0]), int(epochs[-1]) + 1):
        here = epochs == epoch
        rows[here] = _order(n, seed, stream, epoch)[within[here]]
    return rows


def share(batch: int, *, rank: int, world: int) -> slice:
    """The rows of a global batch that process `rank` of `world` takes. ShapeError where they would not be equal."""
    if not 0 <= rank < world or batch % world:
        raise ShapeError(
            f"a batch of {batch} for process {rank} of {world}; wanted a batch that is a multiple of the number of "
            f"processes, such as {max(1, round(batch / max(world, 1))) * world}"
        )
    return slice(rank * batch // world, (rank + 1) * batch // world)


def draws_of(step: int, *, batch: int, seed: int, stream: str) -> transforms.Draws:
    """The random numbers that vary the images of step `step` of this stream."""
    return transforms.draw(batch, generator=torch.Generator().manual_seed(_number(seed, f"augment {stream}", step)))


def varied(
    pixels: Pixels,
    *,
    draws: transforms.Draws | None,
    size: tuple[int, int],
    flip: bool,
    jitter: float,
    shift: int,
    device: torch.device | str,
) -> Tensor:
    """Pixels `[N, H, W, C]`, all of them chosen, as training images `[N, C, height, width]` in [-1, 1] on `device`; without
    `draws` the centre is cropped and nothing is random. shift: pixels by which edges are repeated before a crop is drawn.
    """
    chosen = torch.from_numpy(pixels if draws is None else shifted(pixels, by=shift))
    if torch.device(device).type == "cuda":
        chosen = chosen.pin_memory()
    x = chosen.to(device, non_blocking=True).permute(0, 3, 1, 2)
    if draws is None:
        return images.to_tensor(transforms.centre_crop(x, size=size).permute(0, 2, 3, 1))
    return transforms.vary(x, draws=draws, size=size, flip=flip, jitter=jitter)


def shifted(pixels: npt.NDArray[Any], *, by: int) -> npt.NDArray[Any]:
    """Room to shift in: `[N, H, W, ...]` -> `[N, H + 2 by, W + 2 by, ...]`, its edges repeated."""
    return np.pad(pixels, ((0, 0), (by, by), (by, by), *((0, 0),) * (pixels.ndim - 3)), mode="edge") if by else pixels


@dataclasses.dataclass(frozen=True, eq=False)
class Domains:
    """Two domains, decoded, split and ready to be drawn from.

    train_a, train_b, test_a, test_b: pixels `[N, H, W, C]`, read-only. The training images may be larger than
        `size` (they are cropped at random); a test part may have no rows. Held-out images stand in an order that
        follows from their contents alone.
    truth_b: None, or the exact counterpart in B of each row of test_a; truth_a likewise for test_b.
    paired: row i of train_b is the partner of row i of train_a, and `batch` keeps them together.
    size: height and width of what `batch` returns. flip, jitter, shift: the augmentation, see `varied`.
    names: file names by part ("train_a", ...), a row each. skipped: (name, reason) by part. others: by part the names of
        files beside the images that are none by their suffix. domains: names of A and B.
    card: licence, credit and more, as the set's author wrote it. fingerprint: equal where all parts hold the same
        files in the same order, decoded to the same shape.
    """

    train_a: Pixels
    train_b: Pixels
    test_a: Pixels
    test_b: Pixels
    truth_b: Pixels | None = None
    truth_a: Pixels | None = None
    paired: bool = False
    size: tuple[int, int] = (64, 64)
    flip: bool = True
    jitter: float = 0.0
    shift: int = 0
    names: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    skipped: Mapping[str, Skipped] = dataclasses.field(default_factory=dict)
    others: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    domains: tuple[str, str] = ("A", "B")
    card: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    fingerprint: str = ""

    def __post_init__(self) -> None:
        if self.paired and len(self.train_a) != len(self.train_b):
            raise DataError(
                f"pairs of {len(self.train_a)} images of A and {len(self.train_b)} of B; wanted as many of each, row by row"
            )

    def batch(
        self,
        step: int,
        *,
        batch: int,
        seed: int,
        device: torch.device | str = "cpu",
        augment: bool = True,
        rank: int = 0,
        world: int = 1,
    ) -> Unpaired | Paired:
        """The batch of step `step` (from 0), on `device`; a function of its arguments and the images alone.

        batch: images of each domain over all processes; process `rank` of `world` gets its share of them. augment: crop
        at random, flip, jitter and shift; without it the centre is cropped and nothing else is random. Partners are
        cropped at the same place, flipped together and jittered by the same numbers. Raises ShapeError where the batch does
        not divide among the processes.
        """
        rows = share(batch, rank=rank, world=world)

        def one(pixels: Pixels, stream: str) -> Tensor:
            chosen = pixels[indices(len(pixels), batch=batch, step=step, seed=seed, stream=stream)[rows]]
            draws = draws_of(step, batch=batch, seed=seed, stream=stream).rows(rows) if augment else None
            return varied(
                chosen, draws=draws, size=self.size, flip=self.flip, jitter=self.jitter, shift=self.shift, device=device
            )

        if self.paired:  # one stream: the same rows, and the same draws
            return Paired(one(self.train_a, "pair"), one(self.train_b, "pair"))
        return Unpaired(one(self.train_a, "a"), one(self.train_b, "b"))

    def samples(self) -> dict[str, Any]:
        """What a game must know of its samples (see `games.table.build`)."""
        return {"shape_a": (self.train_a.shape[3], *self.size), "shape_b": (self.train_b.shape[3], *self.size)}

    @property
    def held_out(self) -> int:
        """Images of the domain of which fewest are held out."""
        return min(len(self.test_a), len(self.test_b))

    @property
    def trained_on(self) -> str:
        """How many images, in words."""
        return f"{len(self.train_a):,} + {len(self.train_b):,}"

    def lines(self) -> list[tuple[str, str]]:
        """What there is of each domain, for a person."""
        sizes = ((self.train_a, self.test_a), (self.train_b, self.test_b))
        counts = (f"{len(train):,} to train on, {len(test):,} held out" for train, test in sizes)
        known = [name for name, truth in zip(self.domains, (self.truth_a, self.truth_b), strict=True) if truth is not None]
        truths = f"known of held-out images, in {' and in '.join(known)}" if known else "not known"
        return [*zip(self.domains, counts, strict=True), ("exact counterparts", truths)]

    def swapped(self) -> "Domains":
        """The same images with A and B exchanged."""
        other = {"train_a": "train_b", "test_a": "test_b", "truth_a": "truth_b"}
        other |= {b: a for a, b in other.items()}
        return dataclasses.replace(
            self,
            **{part: getattr(self, source) for part, source in other.items()},
            names={other[part]: names for part, names in self.names.items()},
            skipped={other[part]: skipped for part, skipped in self.skipped.items()},
            others={other[part]: names for part, names in self.others.items()},
            domains=(self.domains[1], self.domains[0]),
            fingerprint=f"{self.fingerprint}-swapped",
        )


def open_domains(
    sources: Sequence[str],
    options: "DataOptions",
    *,
    paired: bool = False,
    cache: Path | None = None,
    telling: Telling | None = None,
) -> Domains:
    """Find, decode, split and check two domains.

    sources: two folders or zips, or one that holds both (see `find_domains`). paired: each file of A has its partner in B
    (see `partners`); batches keep them together. cache: the cache folder, by default the user's. telling: told of what is
    done, for a person who waits.

    Where the author held nothing out, the content of each file decides on which side it stands; of a pair, the content of
    its file in A, so that an image of A is held out alike in paired and unpaired games, and one with several partners is
    not trained on and tested on at once. Wherever partners are known (by name, or side by side), they are the exact
    counterparts of held-out images, unless `truthA` or `truthB` says otherwise.

    Raises EmptyDomain, SameDomain, UnreadableImages (under `options.strict`) or DataError, which says what to do, as where
    files have no partner. Warns (DataWarning) of skipped files, of fewer than 10 training images, of images that stand in
    both domains, and of images that stand in both training and test.
    """
    paths = find_domains(tuple(sources), side_by_side=options.side_by_side)
    load = options.size if options.load_size is None else options.load_size
    if min(sides(load)) < min(sides(options.size)):
        raise DataError(f"load_size is {load}, size is {options.size}; wanted load_size at least as large: images are cropped")
    opening = _Opening(options, load=load, cache=cache, telling=telling)
    in_pairs = paired or options.side_by_side
    parts = opening.in_pairs(paths) if in_pairs else opening.one_by_one(paths)
    parts |= opening.truths(paths, parts, in_pairs=in_pairs)
    _review(parts, paths)

    def pixels(part: str) -> Pixels:
        if part in parts:
            return parts[part].images
        # No held-out image: as many channels as the training images, no rows.
        like = parts[f"train_{part[-1]}"].images
        return np.zeros((0, *sides(options.size), like.shape[3]), like.dtype)

    # Of the contents, not of the stores' keys: a new release of Pillow must not keep a run from being resumed.
    contents = [(part, store.images.shape, store.hashes) for part, store in sorted(parts.items())]
    given = {"train_a": paths.train_a, "train_b": paths.train_b, "test_a": paths.test_a, "test_b": paths.test_b}
    return Domains(
        train_a=pixels("train_a"),
        train_b=pixels("train_b"),
        test_a=pixels("test_a"),
        test_b=pixels("test_b"),
        truth_b=parts["truth_b"].images if "truth_b" in parts else None,
        truth_a=parts["truth_a"].images if "truth_a" in parts else None,
        paired=paired,
        size=sides(options.size),
        flip=options.flip,
        jitter=options.jitter,
        shift=options.shift,
        names={part: store.names for part, store in parts.items()},
        skipped={part: store.skipped for part, store in parts.items() if store.skipped},
        # Right halves lie in the files of the left ones.
        others={part: source.others for part, source in given.items() if source and source.others and source.half != "right"},
        domains=paths.domains,
        card=dict(paths.card or {}),
        fingerprint=hashlib.blake2b(repr(contents).encode(), digest_size=16).hexdigest(),
    )


class _Opening:
    """Decodes the parts of two domains. load: height and width of training images, before they are cropped."""

    def __init__(
        self, options: "DataOptions", *, load: int | tuple[int, int], cache: Path | None, telling: Telling | None
    ) -> None:
        self.options, self.load, self.cache, self.telling = options, load, cache, telling

    def one_by_one(self, paths: DomainPaths) -> dict[str, ImageStore]:
        """The parts train_a, test_a, train_b, test_b, as far as there are any: each domain for itself."""
        parts: dict[str, ImageStore] = {}
        for letter, train, test in (("a", paths.train_a, paths.test_a), ("b", paths.train_b, paths.test_b)):
            if test is not None:
                parts[f"train_{letter}"] = self._decoded(train, f"train_{letter}", self.load)
                parts[f"test_{letter}"] = self._decoded(test, f"test_{letter}", self.options.size)
                continue
            # The held-out images lie last in the store: both parts are views of it, and the fraction leaves its key alone.
            hashed = self._hashed(train, f"train_{letter}")
            whole = self._decoded(train.keep(by_place(train, hashed)), f"train_{letter}", self.load, hashed)
            parts |= self._divided(whole, train, hashed, letter=letter, count=self._trained_on(whole))
        return parts

    def in_pairs(self, paths: DomainPaths) -> dict[str, ImageStore]:
        """The same parts, row i of train_b the partner of row i of train_a; of the test parts likewise, unless the author gives
        the truth of each test image apart.
        """
        if (paths.test_a is None) != (paths.test_b is None):
            found, missing = ("A", "B") if paths.test_b is None else ("B", "A")
            raise DataError(f"found test images of {found} and none of {missing}; wanted pairs: add the others, or remove these")
        a, b, test_a, test_b = paths.train_a, paths.train_b, paths.test_a, paths.test_b
        if test_a is not None and test_b is not None:
            parts = self._pairs(a, b, self._hashed_pair(a, b, "train"), "train", self.load)
            if paths.truth_a is None and paths.truth_b is None:
                return parts | self._pairs(test_a, test_b, self._hashed_pair(test_a, test_b, "test"), "test", self.options.size)
            for part, test in (("test_a", test_a), ("test_b", test_b)):
                parts[part] = self._decoded(test, part, self.options.size)
            return parts
        hashed = self._hashed_pair(a, b, "train")
        whole = self._pairs(a.keep(by_place(a, hashed[0])), b, hashed, "train", self.load)
        count = self._trained_on(whole["train_a"])
        return {
            part: store
            for letter, train, known in (("a", a, hashed[0]), ("b", b, hashed[1]))
            for part, store in self._divided(whole[f"train_{letter}"], train, known, letter=letter, count=count).items()
        }

    def truths(self, paths: DomainPaths, parts: Mapping[str, ImageStore], *, in_pairs: bool) -> dict[str, ImageStore]:
        """The parts truth_b and truth_a, as far as they are known: row i the exact counterpart of row i of test_a (test_b)."""
        given = {"truth_b": ("test_a", paths.truth_b, "test_b"), "truth_a": ("test_b", paths.truth_a, "test_a")}
        truths: dict[str, ImageStore] = {}
        for name, (test, truth, partner) in given.items():
            if truth is not None and test in parts:
                wanted = parts[test].names
                _require_truth(set(wanted) - set(truth.names), truth=truth, of=test, what="no")
                truths[name] = self._decoded(truth.keep(wanted), name, self.options.size)
                _require_truth(set(wanted) - set(truths[name].names), truth=truth, of=test, what="no readable")
            elif in_pairs and paths.truth_a is None and paths.truth_b is None and partner in parts:
                truths[name] = dataclasses.replace(parts[partner], skipped=())
        return truths

    def _pairs(
        self, a: Source, b: Source, hashed: tuple[Hashed, Hashed], end: str, size: int | tuple[int, int]
    ) -> dict[str, ImageStore]:
        """The parts `end`_a and `end`_b in A's order; a file whose partner is unreadable is skipped with it."""
        a.require_images(domain="A")
        b.require_images(domain="B")
        found = partners(a, b)
        found.require_all(a, b)
        pairs = list(found.pairs)
        skipped: tuple[list[tuple[str, str]], list[tuple[str, str]]] = ([], [])
        while pairs:
            stores = [
                self._decoded(source.keep([pair[which] for pair in pairs]), f"{end}_{'ab'[which]}", size, hashed[which])
                for which, source in enumerate((a, b))
            ]
            gone = [dict(store.skipped) for store in stores]
            broken = {pair for pair in pairs if pair[0] in gone[0] or pair[1] in gone[1]}
            if not broken:
                return {
                    f"{end}_{letter}": dataclasses.replace(store, skipped=tuple(beside))
                    for letter, store, beside in zip("ab", stores, skipped, strict=True)
                }
            for pair in sorted(broken, key=lambda pair: natural(pair[0])):
                for which in (0, 1):
                    reason = gone[which].get(pair[which], f"its partner {pair[1 - which]} is unreadable")
                    skipped[which].append((pair[which], reason))
            pairs = [pair for pair in pairs if pair not in broken]  # decoded anew, so that rows stay side by side
        raise DataError(f"no pair in {a.where} and {b.where} has two readable files; wanted {images.WANTED}")

    def _divided(self, whole: ImageStore, train: Source, hashed: Hashed, *, letter: str, count: int) -> dict[str, ImageStore]:
        """The first `count` rows to train on, and the others held out, if there are any."""
        parts = {f"train_{letter}": dataclasses.replace(whole.rows(0, count), skipped=whole.skipped)}
        if count < len(whole):
            held = whole.rows(count, len(whole))
            if sides(self.load) != sides(self.options.size):
                held = self._decoded(train.keep(held.names), f"test_{letter}", self.options.size, hashed)
            parts[f"test_{letter}"] = held
        return parts

    def _trained_on(self, whole: ImageStore) -> int:
        return int(np.count_nonzero(~hold_out(whole.hashes, fraction=self.options.holdout)))

    def _hashed_pair(self, a: Source, b: Source, end: str) -> tuple[Hashed, Hashed]:
        first = self._hashed(a, f"{end}_a")
        return first, first if a.half is not None else self._hashed(b, f"{end}_b")  # halves are of the same files

    def _hashed(self, source: Source, part: str) -> Hashed:
        if self.telling is not None:
            self.telling(f"reading {part}", 0, None)
        return hash_files(source, cache=self.cache)

    def _decoded(self, source: Source, part: str, size: int | tuple[int, int], hashed: Hashed | None = None) -> ImageStore:
        options, letter = self.options, part[-1]
        of_b = letter == "b"
        return decode(
            source,
            size=size,
            channels=options.channels_b if of_b and options.channels_b is not None else options.channels,
            fit=options.fit,
            background=options.background,
            depth=options.depth,
            value_range=options.value_range_b if of_b and options.value_range_b is not None else options.value_range,
            strict=options.strict,
            domain=letter.upper() + ("" if part.startswith("train") else f" ({part[:-2]})"),
            cache=self.cache,
            hashed=hashed or self._hashed(source, part),
            progress=None if self.telling is None else functools.partial(self.telling, f"decoding {part}"),
        )


def by_place(source: Source, hashed: Hashed) -> list[str]:
    """The files of a source in the order of their contents' places, the held-out ones last; then those that cannot be read."""
    known, failures = hashed
    return [*sorted(known, key=lambda name: place(known[name]), reverse=True), *failures]


def _require_truth(missing: set[str], *, truth: Source, of: str, what: str) -> None:
    if missing:
        some = ", ".join(sorted(missing, key=natural)[:5])
        raise DataError(
            f"{truth.where} holds {what} counterpart for {counted(len(missing), 'image')} of {of}: {some}; wanted a file of the "
            "same name for each: add them, or remove the folder"
        )


def _review(parts: Mapping[str, ImageStore], paths: DomainPaths) -> None:
    """Refuse two equal domains; warn of whatever else should be looked at."""
    contents = {part: set(store.hashes) for part, store in parts.items()}
    halves = paths.train_a.half is not None  # equal files, then, and different images
    if not halves and contents["train_a"] == contents["train_b"]:
        raise SameDomain(
            f"domains A ({paths.train_a.where}) and B ({paths.train_b.where}) hold the same "
            f"{len(contents['train_a'])} images; wanted two different sets: check the paths"
        )
    for part, store in parts.items():
        if store.skipped:
            name, reason = store.skipped[0]
            _warn(
                f"{part}: skipped {counted(len(store.skipped), 'unreadable file')}, such as {name}: {reason}; `unpaired data "
                "check` lists them all, --strict refuses them"
            )
        if part.startswith("train") and len(store) < FEW:
            _warn(
                f"{part}: only {counted(len(store), 'image')} to train on; wanted {FEW} at the very least, and better hundreds: "
                "add more"
            )
    for first, second in (("train_a", "train_b"), *((f"train_{x}", f"test_{y}") for x in "ab" for y in "ab")):
        if halves and first[-1] != second[-1]:
            continue
        both = contents[first] & contents.get(second, set())
        if both:
            one, other = (
                next(n for n, h in zip(parts[p].names, parts[p].hashes, strict=True) if h in both) for p in (first, second)
            )
            matter = "the domains overlap" if second == "train_b" else "what is measured on the test images is too good"
            _warn(
                f"{first} and {second} share {counted(len(both), 'image')}, such as {one} and {other}: {matter}; remove one of "
                "each"
            )


def _warn(message: str) -> None:
    warnings.warn(message, DataWarning, stacklevel=4)


def sides(size: int | tuple[int, int]) -> tuple[int, int]:
    """Height and width."""
    return (size, size) if isinstance(size, int) else size


@functools.lru_cache(maxsize=8)
def _order(n: int, seed: int, stream: str, epoch: int) -> npt.NDArray[np.int64]:
    # numpy promises the raw stream of a bit generator for ever, and the results of its `permutation`
    # not even to its next version.
    raw = np.random.PCG64(_number(seed, stream, epoch)).random_raw(n)
    order = np.argsort(raw, kind="stable").astype(np.int64)
    order.setflags(write=False)
    return order


def _number(seed: int, stream: str, index: int) -> int:
    """63 bits that follow from the three, and tell nothing of each other."""
    digest = hashlib.blake2b(f"{seed} {stream} {index}".encode(), digest_size=8, person=b"schedule").digest()
    return int.from_bytes(digest, "big") >> 1
