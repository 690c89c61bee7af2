"""Labelled images: found, decoded, split, and ready to be drawn from."""

import dataclasses
import functools
import hashlib
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from unpaired.counting import counted
from unpaired.data.arrays import ArrayTree
from unpaired.data.batches import (
    FEW,
    Labelled,
    Skipped,
    Telling,
    by_place,
    draws_of,
    indices,
    share,
    sides,
    varied,
)
from unpaired.data.label_layouts import Found, find_sets
from unpaired.data.label_matching import Matched, match
from unpaired.data.label_review import SetLabels, review, unify
from unpaired.data.label_rules import interpret
from unpaired.data.labelling import Labelling
from unpaired.data.labels import Attribute, few, find_value
from unpaired.data.sources import Source
from unpaired.data.split import hold_out
from unpaired.data.store import Hashed, ImageStore, decode, hash_files
from unpaired.errors import ConfigError, DataError, DataWarning
from unpaired.images import Pixels

if TYPE_CHECKING:
    from unpaired.options import DataOptions

Values = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, eq=False)
class LabelledPart:
    """Images of one set to train or to test on; a row each.

    pixels: `[N, H, W, C]`, read-only. values: int64 `[N, A]` over the attributes of all sets, UNKNOWN where nobody told one.
    names: files. origin: the index of the set.
    """

    pixels: Pixels
    values: Values
    names: tuple[str, ...]
    origin: int

    def __len__(self) -> int:
        """The number of images."""
        return len(self.names)


@dataclasses.dataclass(frozen=True, eq=False)
class LabelledSet:
    """One data set.

    train, test: its parts; the training images may be larger than the trained size, a test part may have no rows. known: the
    indices of the attributes that this set tells. truths: by "ATTRIBUTE=VALUE" the test images with that attribute changed to
    that value and nothing else, pixels row by row like `test`. card: licence, credit and more, as its author wrote it.
    """

    name: str
    train: LabelledPart
    test: LabelledPart
    known: tuple[int, ...]
    truths: Mapping[str, Pixels] = dataclasses.field(default_factory=dict)
    card: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, eq=False)
class LabelledImages:
    """Labelled data sets, decoded, split and ready to be drawn from.

    attributes: of all sets, each once. size: height and width of what `batch` returns. flip, jitter, shift: the augmentation, see
    `transforms.vary`. skipped: (name, reason) by "SET/train" and "SET/test"; others: by set the names of files that are no
    images by their suffix. fingerprint: equal where all parts hold the same files in the same order, decoded to the same
    shape, with the same labels.
    """

    attributes: tuple[Attribute, ...]
    sets: tuple[LabelledSet, ...]
    size: tuple[int, int] = (64, 64)
    flip: bool = True
    jitter: float = 0.0
    shift: int = 0
    skipped: Mapping[str, Skipped] = dataclasses.field(default_factory=dict)
    others: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    fingerprint: str = ""

    @property
    def card(self) -> Mapping[str, Any]:
        """The sets' cards as one: where they differ, each says its own."""
        merged: dict[str, Any] = {}
        for key in dict.fromkeys(key for one in self.sets for key in one.card):
            said = {one.name: one.card.get(key) for one in self.sets}
            first, *others = said.values()
            alike = all(other == first for other in others)
            merged[key] = first if alike else "; ".join(f"{name}: {value}" for name, value in said.items() if value is not None)
        return merged

    @property
    def domains(self) -> tuple[str, ...]:
        """The names of the sets: what is translated lies within them."""
        return tuple(one.name for one in self.sets)

    @property
    def held_out(self) -> int:
        """Held-out images of the set that has fewest."""
        return min(len(one.test) for one in self.sets)

    @property
    def unseen(self) -> list[str]:
        """Values that no held-out image has, such as "hair=grey", of sets that hold images out."""
        return [
            f"{self.attributes[index].name}={value}"
            for one in self.sets
            for index in one.known
            for place, value in enumerate(self.attributes[index].values)
            if len(one.test) and not (one.test.values[:, index] == place).any()
        ]

    @property
    def trained_on(self) -> str:
        """How many images, in words."""
        return " + ".join(f"{len(one.train):,}" for one in self.sets)

    def lines(self) -> list[tuple[str, str]]:
        """What there is of each set, for a person."""
        lines = []
        for one in self.sets:
            lines.append((one.name, f"{len(one.train):,} to train on, {len(one.test):,} held out"))
            for attribute in (self.attributes[index] for index in one.known):
                lines.append((f"{one.name}: {attribute.name}", ", ".join(attribute.values)))
        truths = sorted({name for one in self.sets for name in one.truths})
        return [*lines, ("exact counterparts", ", ".join(truths) or "not known")]

    def samples(self) -> dict[str, Any]:
        """What a game must know of its samples (see `games.table.build`)."""
        shape = (self.sets[0].train.pixels.shape[3], *self.size)
        return {"shape": shape, "labelling": Labelling(self.attributes, tuple(one.known for one in self.sets))}

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
    ) -> Labelled:
        """The batch of step `step` (from 0), on `device`; a function of its arguments and the images alone.

        The sets take turns: step s draws from set s mod (number of sets), which walks through its training images without a gap.
        batch: images over all processes; process `rank` of `world` gets its share of them. augment: crop at random, flip,
        jitter and shift. Raises ShapeError where the batch does not divide among the processes.
        """
        rows = share(batch, rank=rank, world=world)
        turn, origin = divmod(step, len(self.sets))
        part, stream = self.sets[origin].train, f"set {origin}"
        chosen = indices(len(part), batch=batch, step=turn, seed=seed, stream=stream)[rows]
        draws = draws_of(turn, batch=batch, seed=seed, stream=stream).rows(rows) if augment else None
        x = varied(
            part.pixels[chosen],
            draws=draws,
            size=self.size,
            flip=self.flip,
            jitter=self.jitter,
            shift=self.shift,
            device=device,
        )
        values = torch.from_numpy(part.values[chosen]).to(device)
        return Labelled(x, values, torch.full((len(chosen),), origin, dtype=torch.int64, device=device))


def open_labelled(
    sources: Sequence[str],
    options: "DataOptions",
    *,
    plain: bool = False,
    bare: bool = False,
    cache: Path | None = None,
    telling: Telling | None = None,
) -> LabelledImages:
    """Find, decode, split and check labelled images.

    sources: folders and zips, each a labelled data set or, with `sets/` in it, several. plain: images without labels will do too,
    and labels that nothing could be learned from are warned of, not refused. bare: folders of images are no classes. cache: the
    cache folder, by default the user's. telling: told of what is done, for a person who waits.

    Where the author held nothing out, the content of each file decides on which side it stands. Raises DataError (or ConfigError
    for attributes.toml) that names the file, the lines and what to do where labels and images do not fit together, or where an
    attribute is the same in all training images. Warns (DataWarning) of what can be trained on but should be looked at.
    """
    if options.side_by_side:
        raise ConfigError("--side-by-side is for pairs of images; labelled images are whole: leave it out")
    opening = _Opening(options, cache=cache, telling=telling)
    found = find_sets(sources, plain=plain, bare=bare)
    matched = [match(one, strict=options.strict) for one in found]
    told = {one.name: interpret(one.table, one.rules, where=one.rules_where, strict=options.strict) for one in found}
    attributes, values = unify(told)
    sets: list[LabelledSet] = []
    skipped: dict[str, Skipped] = {}
    contents: list[Any] = [[(attribute.name, attribute.values) for attribute in attributes]]
    for origin, (one, which) in enumerate(zip(found, matched, strict=True)):
        stores = opening.parts(one, which)
        own = told[one.name][0]
        known = tuple(index for index, attribute in enumerate(attributes) if attribute.name in {mine.name for mine in own})
        parts = {}
        for end, store in stores.items():
            rows = np.array([which.rows[name] for name in store.names], np.int64)
            parts[end] = LabelledPart(store.images, values[one.name][rows], store.names, origin)
        _review_images(one.name, stores, parts)
        truths = opening.truths(one, attributes, parts["test"])
        sets.append(LabelledSet(one.name, parts["train"], parts["test"], known, truths, one.card))
        skipped |= {f"{one.name}/{end}": store.skipped for end, store in stores.items() if store.skipped}
        contents += [(end, store.images.shape, store.hashes, parts[end].values.tobytes()) for end, store in stores.items()]
        contents += [(key, hashlib.blake2b(np.ascontiguousarray(pixels).data).hexdigest()) for key, pixels in truths.items()]
    labels = [SetLabels(one.name, one.known, one.train.values, one.test.values) for one in sets]
    errors, worries = review(attributes, labels)
    for worry in (*worries, *(errors if plain else ())):
        _warn(worry)
    if errors and not plain:
        raise DataError("\n".join(errors))
    return LabelledImages(
        attributes=attributes,
        sets=tuple(sets),
        size=sides(options.size),
        flip=options.flip,
        jitter=options.jitter,
        shift=options.shift,
        skipped=skipped,
        others={one.name: one.source.others for one in found if one.source.others},
        fingerprint=hashlib.blake2b(repr(contents).encode(), digest_size=16).hexdigest(),
    )


class _Opening:
    """Decodes the parts of labelled sets."""

    def __init__(self, options: "DataOptions", *, cache: Path | None, telling: Telling | None) -> None:
        self.options, self.cache, self.telling = options, cache, telling
        self.load = options.size if options.load_size is None else options.load_size
        if min(sides(self.load)) < min(sides(options.size)):
            raise DataError(
                f"load_size is {self.load}, size is {options.size}; wanted load_size at least as large: images are cropped"
            )

    def parts(self, found: Found, matched: Matched) -> dict[str, ImageStore]:
        """The images to train on, and those to test on (which may be none)."""
        source = found.source.keep(matched.names)
        if matched.tests is not None:
            train, test = ([name for name in matched.names if matched.tests[name] is held] for held in (False, True))
            if not train:
                raise DataError(f"{found.table.where} holds out all {len(test)} images; wanted some to train on: see its split")
            stores = {"train": self._decoded(source.keep(train), f"{found.name}/train", self.load)}
            if test:
                stores["test"] = self._decoded(source.keep(test), f"{found.name}/test", self.options.size)
                return stores
        else:
            # The held-out images lie last in the store: both parts are views of it, and the fraction leaves its key alone.
            part = f"{found.name}/train"
            hashed = self._hashed(source, part)
            whole = self._decoded(source.keep(by_place(source, hashed)), part, self.load, hashed)
            count = int(np.count_nonzero(~hold_out(whole.hashes, fraction=self.options.holdout)))
            stores = {"train": dataclasses.replace(whole.rows(0, count), skipped=whole.skipped)}
            if count < len(whole):
                held = whole.rows(count, len(whole))
                if sides(self.load) != sides(self.options.size):
                    held = self._decoded(source.keep(held.names), f"{found.name}/test", self.options.size, hashed)
                stores["test"] = held
                return stores
        like = stores["train"].images
        stores["test"] = ImageStore(np.zeros((0, *sides(self.options.size), like.shape[3]), like.dtype), (), (), (), "")
        return stores

    def truths(self, found: Found, attributes: Sequence[Attribute], test: LabelledPart) -> dict[str, Pixels]:
        """By "ATTRIBUTE=VALUE" the counterparts of all test images, where none is missing. An image that has the value already
        is its own. The attribute may be one that only other sets tell.
        """
        truths: dict[str, Pixels] = {}
        named = {folder: source for folder, source in found.truths.items() if "=" in folder}
        for folder, source in named.items() if len(test) else ():
            try:
                index, value = find_value(attributes, *folder.partition("=")[::2])
            except ConfigError as error:
                _warn(f"{source.where} is left alone: {error}")
                continue
            there = set(source.names)
            files = [next((n for n in (name, name.removeprefix("test/")) if n in there), "") for name in test.names]
            own = (test.values[:, index] == value) & np.array([not file for file in files])
            missing = [name for name, file, same in zip(test.names, files, own, strict=True) if not file and not same]
            if missing:
                _warn(
                    f"{source.where} holds no counterpart for {len(missing)} of {len(test)} test images: {few(missing)}; wanted "
                    "a file of the same name for each: this folder is left out"
                )
                continue
            key = f"{attributes[index].name}={attributes[index].values[value]}"
            truths[key] = self._counterparts(source, files, own, test, part=f"{found.name}/{folder}")
        return truths

    def _counterparts(
        self, source: Source, files: Sequence[str], own: npt.NDArray[np.bool_], test: LabelledPart, *, part: str
    ) -> Pixels:
        wanted = [file for file in files if file]
        if not wanted:
            return test.pixels
        store = self._decoded(source.keep(wanted), part, self.options.size)
        if store.skipped:
            name, reason = store.skipped[0]
            raise DataError(
                f"{source.where}: {len(store.skipped)} unreadable counterparts, such as {name}: {reason}; repair them"
            )
        if not own.any():
            return store.images
        pixels = np.array(test.pixels)
        pixels[~own] = store.images
        pixels.setflags(write=False)
        return pixels

    def _hashed(self, source: Source, part: str) -> Hashed:
        if self.telling is not None:
            self.telling(f"reading {part}", 0, None)
        return source.tree.hashed(source) if isinstance(source.tree, ArrayTree) else hash_files(source, cache=self.cache)

    def _decoded(self, source: Source, part: str, size: int | tuple[int, int], hashed: Hashed | None = None) -> ImageStore:
        options = self.options
        return decode(
            source,
            size=size,
            channels=options.channels,
            fit=options.fit,
            background=options.background,
            depth=options.depth,
            strict=options.strict,
            domain=part,
            cache=self.cache,
            hashed=hashed or self._hashed(source, part),
            progress=None if self.telling is None else functools.partial(self.telling, f"decoding {part}"),
        )


def _review_images(name: str, stores: Mapping[str, ImageStore], parts: Mapping[str, LabelledPart]) -> None:
    """Warn of what should be looked at in the images themselves."""
    for end, store in stores.items():
        if store.skipped:
            file, reason = store.skipped[0]
            skips = counted(len(store.skipped), "unreadable file")
            _warn(f"{name}/{end}: skipped {skips}, such as {file}: {reason}; --strict refuses them")
    train, test = stores["train"], stores["test"]
    if len(train) < FEW:
        _warn(
            f"{name}: only {counted(len(train), 'image')} to train on; wanted {FEW} at the very least, and better hundreds: "
            "add more"
        )
    both = set(train.hashes) & set(test.hashes)
    if both:
        one, other = (next(n for n, h in zip(s.names, s.hashes, strict=True) if h in both) for s in (train, test))
        _warn(
            f"{name}: training and test images share {len(both)}, such as {one} and {other}: what is measured on the test images "
            "is too good; remove one of each"
        )
    labels: dict[str, tuple[str, bytes]] = {}
    apart: list[str] = []
    for file, content, values in zip(train.names, train.hashes, parts["train"].values, strict=True):
        first, before = labels.setdefault(content, (file, values.tobytes()))
        if before != values.tobytes():
            apart.append(f"{first} and {file}")
    if apart:
        _warn(f"{name}: {counted(len(apart), 'pair')} of equal images with different labels: {few(apart)}; keep one of each")


def _warn(message: str) -> None:
    warnings.warn(message, DataWarning, stacklevel=4)
