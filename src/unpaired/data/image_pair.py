"""Two sets of images without pairs, of which either may have classes: CoGAN's data, and domains that files of arrays hold."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from unpaired.data.batches import Domains, Skipped, Telling, open_domains
from unpaired.data.image_set import Images, ImageSet, open_image_set
from unpaired.data.labelled import LabelledImages, LabelledPart, LabelledSet, Values
from unpaired.data.labels import UNKNOWN
from unpaired.errors import DataError

if TYPE_CHECKING:
    from unpaired.options import DataOptions


class Joint(NamedTuple):
    """A batch of two sets; row i of `a` has nothing to do with row i of `b`."""

    a: Images
    b: Images


@dataclasses.dataclass(frozen=True, eq=False)
class ImagePair:
    """Two sets of images. Classes are A's; those of B are never drawn, they only serve to measure."""

    a: ImageSet
    b: ImageSet

    @property
    def domains(self) -> tuple[str, str]:
        """The names of both."""
        names = (self.a.domains[0], self.b.domains[0])
        return names if len(set(names)) == 2 else (f"{names[0]} A", f"{names[1]} B")

    @property
    def test_classes_b(self) -> Values:
        """The class of each held-out image of B, as an index into A's classes; UNKNOWN where A has none of this name."""
        places = [self.a.classes.index(name) if name in self.a.classes else UNKNOWN for name in self.b.classes]
        return np.array([*places, UNKNOWN], np.int64)[self.b.test_classes]  # the last is UNKNOWN's

    @property
    def skipped(self) -> Mapping[str, Skipped]:
        """(name, reason) of unreadable files, by part."""
        return {f"{letter}: {part}": files for letter, one in self._both() for part, files in one.skipped.items()}

    @property
    def others(self) -> Mapping[str, tuple[str, ...]]:
        """Names of files that are no images."""
        return {f"{letter}: {part}": names for letter, one in self._both() for part, names in one.others.items()}

    @property
    def card(self) -> Mapping[str, Any]:
        """Both cards: licences and credits joined."""
        cards = [one.card for _, one in self._both() if one.card]
        keys = [key for key in ("licence", "credit") if any(key in card for card in cards)]
        said = {key: "; ".join(dict.fromkeys(str(card[key]) for card in cards if key in card)) for key in keys}
        return {**said, **{name: dict(one.card) for name, (_, one) in zip(self.domains, self._both(), strict=True) if one.card}}

    @property
    def fingerprint(self) -> str:
        """Equal for equal images and labels, equally read."""
        return f"{self.a.fingerprint}-{self.b.fingerprint}"

    @property
    def held_out(self) -> int:
        """Held-out images of the set that has fewest."""
        return min(self.a.held_out, self.b.held_out)

    @property
    def trained_on(self) -> str:
        """How many images, in words."""
        return f"{self.a.trained_on} + {len(self.b.train):,}"

    def lines(self) -> list[tuple[str, str]]:
        """What there is of each, for a person."""
        counts = [f"{one.trained_on} to train on, {one.held_out:,} held out" for _, one in self._both()]
        return [*zip(self.domains, counts, strict=True), ("classes", ", ".join(self.a.classes) or "none")]

    def samples(self) -> dict[str, Any]:
        """What a game must know of its samples (see `games.table.build`)."""
        return {"shape_a": self.a.shape, "shape_b": self.b.shape, "classes": self.a.classes}

    def batch(self, step: int, *, batch: int, seed: int, device: torch.device, rank: int, world: int) -> Joint:
        """The batch of step `step` (from 0), on `device`: `batch` images of each set; see `ImageSet.batch`."""
        a = self.a.batch(step, batch=batch, seed=seed, device=device, rank=rank, world=world)
        b = self.b.batch(step, batch=batch, seed=seed + 1, device=device, rank=rank, world=world)
        assert isinstance(a, Images)
        assert isinstance(b, Images)
        return Joint(a, b._replace(classes=torch.full_like(b.classes, UNKNOWN)))

    def as_domains(self) -> Domains:
        """The same images without their classes."""
        parts = {"train_a": self.a.train, "train_b": self.b.train, "test_a": self.a.test, "test_b": self.b.test}
        pixels: dict[str, Any] = {name: part.pixels for name, part in parts.items()}
        one = self.a.images
        return Domains(
            **pixels,
            size=one.size,
            flip=one.flip,
            jitter=one.jitter,
            shift=one.shift,
            names={name: part.names for name, part in parts.items()},
            skipped=self.skipped,
            others=self.others,
            domains=self.domains,
            card=self.card,
            fingerprint=self.fingerprint,
        )

    def _both(self) -> tuple[tuple[str, ImageSet], tuple[str, ImageSet]]:
        return ("A", self.a), ("B", self.b)


def open_image_pair(
    sources: Sequence[str],
    options: "DataOptions",
    *,
    bare: bool = False,
    cache: Path | None = None,
    telling: Telling | None = None,
) -> ImagePair:
    """Find, decode, split and check two sets of images: each a folder or zip of pictures or any layout with labels, or one folder
    that holds two domains, without labels.

    bare: folders of images are no classes. `options.labels` counts for A alone. Raises as `open_image_set` and `open_domains`;
    DataError where there are more sources.
    """
    if len(sources) == 1:
        domains = open_domains(sources, options, cache=cache, telling=telling)
        a, b = (_of_domain(domains, letter) for letter in "ab")
    elif len(sources) == 2:
        own = dataclasses.replace(options, channels=options.channels_b or options.channels, labels=None, label=None)
        if options.swap:
            sources = sources[::-1]
        a = open_image_set(sources[:1], options, bare=bare, cache=cache, telling=telling)
        b = open_image_set(sources[1:], own, bare=bare, cache=cache, telling=telling)
    else:
        raise DataError(f"found {len(sources)} sources; wanted two sets of images, or one folder with trainA and trainB")
    return ImagePair(b, a) if len(sources) == 1 and options.swap else ImagePair(a, b)


def _of_domain(domains: Domains, letter: str) -> ImageSet:
    name = domains.domains["ab".index(letter)]
    parts = []
    for part in ("train", "test"):
        pixels = getattr(domains, f"{part}_{letter}")
        names = domains.names.get(f"{part}_{letter}", ())
        parts.append(LabelledPart(pixels, np.zeros((len(pixels), 0), np.int64), names, 0))
    images = LabelledImages(
        attributes=(),
        sets=(LabelledSet(name, parts[0], parts[1], (), card=domains.card),),
        size=domains.size,
        flip=domains.flip,
        jitter=domains.jitter,
        shift=domains.shift,
        skipped={part: files for part, files in domains.skipped.items() if part.endswith(letter)},
        others={part: files for part, files in domains.others.items() if part.endswith(letter)},
        fingerprint=f"{domains.fingerprint}-{letter}",
    )
    return ImageSet(images, None, np.full(len(parts[0]), UNKNOWN, np.int64))
