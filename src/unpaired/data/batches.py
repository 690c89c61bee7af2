"""Typed batches, and the schedule that says which images make a step.

The schedule is a function, not a process: the images of step t follow from (seed, stream, t) alone. So a run resumes
anywhere without saved state, and each process of many takes its rows of the same batch.
"""

import dataclasses
import functools
import hashlib
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unpaired import images
from unpaired.data import transforms
from unpaired.data.sources import DomainPaths, Source, find_domains, natural
from unpaired.data.split import hold_out, place
from unpaired.data.store import Hashed, ImageStore, Progress, decode, hash_files
from unpaired.errors import DataError, DataWarning, SameDomain, ShapeError
from unpaired.images import Pixels

if TYPE_CHECKING:
    from unpaired.options import DataOptions

FEW = 10
"""Fewer training images than this in a domain draw a warning."""

Skipped = tuple[tuple[str, str], ...]


class Images(NamedTuple):
    """A batch of one domain. x: `[N, C, H, W]` in [-1, 1]."""

    x: Tensor


class Unpaired(NamedTuple):
    """A batch of two domains; row i of `a` has nothing to do with row i of `b`. Both `[N, C, H, W]` in [-1, 1]."""

    a: Tensor
    b: Tensor


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


@dataclasses.dataclass(frozen=True, eq=False)
class UnpairedData:
    """Two domains, decoded, split and ready to be drawn from.

    train_a, train_b, test_a, test_b: pixels uint8 `[N, H, W, C]`, read-only. The training images may be larger than
        `size` (they are cropped at random); a test part may have no rows. Held-out images stand in an order that
        follows from their contents alone.
    truth_b: None, or the exact counterpart in B of each row of test_a; truth_a likewise for test_b.
    size: height and width of what `batch` returns. flip, jitter: the augmentation, see `transforms.vary`.
    names: file names by part ("train_a", ...), a row each. skipped: (name, reason) by part. domains: names of A and B.
    card: licence, credit and more, as the set's author wrote it. fingerprint: equal where all parts hold the same
        files in the same order, decoded to the same shape.
    """

    train_a: Pixels
    train_b: Pixels
    test_a: Pixels
    test_b: Pixels
    truth_b: Pixels | None = None
    truth_a: Pixels | None = None
    size: tuple[int, int] = (64, 64)
    flip: bool = True
    jitter: float = 0.0
    names: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    skipped: Mapping[str, Skipped] = dataclasses.field(default_factory=dict)
    domains: tuple[str, str] = ("A", "B")
    card: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    fingerprint: str = ""

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
    ) -> Unpaired:
        """The batch of step `step` (from 0), on `device`; a function of its arguments and the images alone.

        batch: images of each domain over all processes; process `rank` of `world` gets its share of them. augment: crop
        at random, flip and jitter; without it the centre is cropped and nothing is random but the choice. Raises
        ShapeError where the batch does not divide among the processes.
        """
        rows = share(batch, rank=rank, world=world)

        def one(pixels: Pixels, stream: str) -> Tensor:
            chosen = torch.from_numpy(pixels[indices(len(pixels), batch=batch, step=step, seed=seed, stream=stream)[rows]])
            if torch.device(device).type == "cuda":
                chosen = chosen.pin_memory()
            x = chosen.to(device, non_blocking=True).permute(0, 3, 1, 2)
            if not augment:
                return images.to_tensor(transforms.centre_crop(x, size=self.size).permute(0, 2, 3, 1))
            generator = torch.Generator().manual_seed(_number(seed, f"augment {stream}", step))
            draws = transforms.draw(batch, generator=generator).rows(rows)
            return transforms.vary(x, draws=draws, size=self.size, flip=self.flip, jitter=self.jitter)

        return Unpaired(one(self.train_a, "a"), one(self.train_b, "b"))

    def swapped(self) -> "UnpairedData":
        """The same images with A and B exchanged."""
        other = {"train_a": "train_b", "test_a": "test_b", "truth_a": "truth_b"}
        other |= {b: a for a, b in other.items()}
        return dataclasses.replace(
            self,
            **{part: getattr(self, source) for part, source in other.items()},
            names={other[part]: names for part, names in self.names.items()},
            skipped={other[part]: skipped for part, skipped in self.skipped.items()},
            domains=(self.domains[1], self.domains[0]),
            fingerprint=f"{self.fingerprint}-swapped",
        )


def open_unpaired(
    sources: Sequence[str],
    options: "DataOptions",
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> UnpairedData:
    """Find, decode, split and check two domains.

    sources: two folders or zips, or one that holds both (see `find_domains`). cache: the cache folder, by default the
    user's. progress: called as files are decoded, for each part anew.

    Raises EmptyDomain, SameDomain, UnreadableImages (under `options.strict`) or DataError, which says what to do. Warns
    (DataWarning) of skipped files, of fewer than 10 training images, of images that stand in both domains, and of
    images that stand in both training and test.
    """
    paths = find_domains(tuple(sources))
    height, width = _sides(options.size)
    load = options.size if options.load_size is None else options.load_size
    if min(_sides(load)) < min(height, width):
        raise DataError(f"load_size is {load}, size is {options.size}; wanted load_size at least as large: images are cropped")

    def decoded(source: Source, part: str, size: int | tuple[int, int], hashed: Hashed | None = None) -> ImageStore:
        letter = part[-1]
        channels_b = getattr(options, "channels_b", None)
        return decode(
            source,
            size=size,
            channels=channels_b if letter == "b" and channels_b is not None else options.channels,
            fit=options.fit,
            background=options.background,
            strict=options.strict,
            domain=letter.upper() + ("" if part.startswith("train") else f" ({part[:-2]})"),
            cache=cache,
            hashed=hashed,
            progress=progress,
        )

    parts: dict[str, ImageStore] = {}
    for letter, train, test in (("a", paths.train_a, paths.test_a), ("b", paths.train_b, paths.test_b)):
        if test is not None:
            parts[f"train_{letter}"] = decoded(train, f"train_{letter}", load)
            parts[f"test_{letter}"] = decoded(test, f"test_{letter}", options.size)
            continue
        # The held-out images lie last in the store: both parts are views of it, and the fraction leaves its key alone.
        hashed = hash_files(train)
        known, failures = hashed
        ordered = sorted(known, key=lambda name: place(known[name]), reverse=True)
        whole = decoded(train.keep([*ordered, *failures]), f"train_{letter}", load, hashed)
        count = int(np.count_nonzero(~hold_out(whole.hashes, fraction=options.holdout)))
        parts[f"train_{letter}"] = dataclasses.replace(whole.rows(0, count), skipped=whole.skipped)
        if count < len(whole):
            held = whole.rows(count, len(whole))
            if _sides(load) != (height, width):
                held = decoded(train.keep(held.names), f"test_{letter}", options.size, hashed)
            parts[f"test_{letter}"] = held
    for name, truth, test_part in (("truth_b", paths.truth_b, "test_a"), ("truth_a", paths.truth_a, "test_b")):
        if truth is not None and test_part in parts:
            wanted = parts[test_part].names
            _require_truth(set(wanted) - set(truth.names), truth=truth, of=test_part, what="no")
            parts[name] = decoded(truth.keep(wanted), name, options.size)
            _require_truth(set(wanted) - set(parts[name].names), truth=truth, of=test_part, what="no readable")
    skipped = {part: store.skipped for part, store in parts.items() if store.skipped}
    _review(parts, paths)

    def pixels(part: str) -> Pixels:
        if part in parts:
            return parts[part].images
        # No held-out image: as many channels as the training images, no rows.
        return np.zeros((0, height, width, parts[f"train_{part[-1]}"].images.shape[3]), np.uint8)

    # Of the contents, not of the stores' keys: a new release of Pillow must not keep a run from being resumed.
    contents = [(part, store.images.shape, store.hashes) for part, store in sorted(parts.items())]
    return UnpairedData(
        train_a=pixels("train_a"),
        train_b=pixels("train_b"),
        test_a=pixels("test_a"),
        test_b=pixels("test_b"),
        truth_b=parts["truth_b"].images if "truth_b" in parts else None,
        truth_a=parts["truth_a"].images if "truth_a" in parts else None,
        size=(height, width),
        flip=options.flip,
        jitter=options.jitter,
        names={part: store.names for part, store in parts.items()},
        skipped=skipped,
        domains=paths.domains,
        card=dict(paths.card or {}),
        fingerprint=hashlib.blake2b(repr(contents).encode(), digest_size=16).hexdigest(),
    )


def _require_truth(missing: set[str], *, truth: Source, of: str, what: str) -> None:
    if missing:
        some = ", ".join(sorted(missing, key=natural)[:5])
        raise DataError(
            f"{truth.where} holds {what} counterpart for {len(missing)} images of {of}: {some}; wanted a file of the "
            "same name for each: add them, or remove the folder"
        )


def _review(parts: Mapping[str, ImageStore], paths: DomainPaths) -> None:
    """Refuse two equal domains; warn of whatever else should be looked at."""
    contents = {part: set(store.hashes) for part, store in parts.items()}
    if contents["train_a"] == contents["train_b"]:
        raise SameDomain(
            f"domains A ({paths.train_a.where}) and B ({paths.train_b.where}) hold the same "
            f"{len(contents['train_a'])} images; wanted two different sets: check the paths"
        )
    for part, store in parts.items():
        if store.skipped:
            name, reason = store.skipped[0]
            _warn(
                f"{part}: skipped {len(store.skipped)} unreadable files, such as {name}: {reason}; `unpaired data "
                "check` lists them all, --strict refuses them"
            )
        if part.startswith("train") and len(store) < FEW:
            _warn(f"{part}: only {len(store)} images to train on; wanted {FEW} at the very least, and better hundreds: add more")
    for first, second in (("train_a", "train_b"), *((f"train_{x}", f"test_{y}") for x in "ab" for y in "ab")):
        both = contents[first] & contents.get(second, set())
        if both:
            one, other = (
                next(n for n, h in zip(parts[p].names, parts[p].hashes, strict=True) if h in both) for p in (first, second)
            )
            matter = "the domains overlap" if second == "train_b" else "what is measured on the test images is too good"
            _warn(f"{first} and {second} share {len(both)} images, such as {one} and {other}: {matter}; remove one of each")


def _warn(message: str) -> None:
    warnings.warn(message, DataWarning, stacklevel=4)


def _sides(size: int | tuple[int, int]) -> tuple[int, int]:
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
