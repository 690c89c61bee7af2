"""One set of images, with classes or without, for games that make images from noise, read classes or encode images."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unpaired.data.batches import Skipped, Telling, draws_of, indices, share, varied
from unpaired.data.labelled import LabelledImages, LabelledPart, Values, open_labelled
from unpaired.data.labels import UNKNOWN, Attribute, few
from unpaired.errors import ConfigError, DataError, meant

if TYPE_CHECKING:
    from unpaired.options import DataOptions


Drawn = Literal["all", "told", "both"]
"""What a batch holds: images, whatever their classes; those alone whose classes are told; or a batch of each."""


class Images(NamedTuple):
    """A batch of one set. x: `[N, *shape]`, images in [-1, 1]; classes: int64 `[N]`, UNKNOWN where nobody told one."""

    x: Tensor
    classes: Tensor


class FewLabelled(NamedTuple):
    """A batch of images whose classes count as unknown, and another of images whose classes are told."""

    x: Tensor
    told: Images


@dataclasses.dataclass(frozen=True, eq=False)
class ImageSet:
    """One set of images, decoded, split and ready to be drawn from.

    images: as they were found, one set of them. attribute: what tells their classes, None where nothing does. told: int64 `[N]`,
    the class of each training image as far as a game may know it. drawn: what `batch` draws.
    """

    images: LabelledImages
    attribute: Attribute | None
    told: Values
    drawn: Drawn = "all"

    @property
    def train(self) -> LabelledPart:
        """The training images."""
        return self.images.sets[0].train

    @property
    def test(self) -> LabelledPart:
        """The held-out images."""
        return self.images.sets[0].test

    @property
    def test_classes(self) -> Values:
        """The class of each held-out image, int64 `[N]`, UNKNOWN where nobody told one."""
        return self._classes_of(self.test)

    @property
    def train_classes(self) -> Values:
        """The class of each training image, int64 `[N]`, whether or not a game may know it; UNKNOWN where nobody told one."""
        return self._classes_of(self.train)

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names; none where there are no classes."""
        return () if self.attribute is None else self.attribute.values

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of a sample: (C, H, W)."""
        return (self.train.pixels.shape[3], *self.images.size)

    @property
    def domains(self) -> tuple[str, ...]:
        """The name of the set."""
        return self.images.domains

    @property
    def skipped(self) -> Mapping[str, Skipped]:
        """(name, reason) of unreadable files, by part."""
        return self.images.skipped

    @property
    def others(self) -> Mapping[str, tuple[str, ...]]:
        """Names of files that are no images."""
        return self.images.others

    @property
    def card(self) -> Mapping[str, Any]:
        """Licence, credit and more, as its author wrote it."""
        return self.images.card

    @property
    def fingerprint(self) -> str:
        """Equal for equal images and labels, equally read."""
        return self.images.fingerprint

    @property
    def held_out(self) -> int:
        """Held-out images."""
        return len(self.test)

    @property
    def trained_on(self) -> str:
        """How many images, and how many of them with a class, in words."""
        labelled = int((self.told != UNKNOWN).sum())
        said = f", {labelled:,} of them labelled" if labelled and labelled < len(self.told) else ""
        return f"{len(self.train):,}{said}"

    def lines(self) -> list[tuple[str, str]]:
        """What there is, for a person."""
        lines = [(self.images.sets[0].name, f"{self.trained_on} to train on, {len(self.test):,} held out")]
        return [*lines, ("classes", ", ".join(self.classes) or "none")]

    def samples(self) -> dict[str, Any]:
        """What a game must know of its samples (see `games.table.build`)."""
        return {"shape": self.shape, "classes": self.classes}

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
    ) -> Images | FewLabelled:
        """The batch of step `step` (from 0), on `device`; a function of its arguments and the images alone.

        batch: images over all processes (of either kind, where both are drawn); process `rank` of `world` gets its share.
        augment: crop at random, flip, jitter and shift. Raises ShapeError where the batch does not divide among the processes.
        """
        rows = share(batch, rank=rank, world=world)

        def drawn(among: npt.NDArray[np.int64] | None, stream: str) -> Images:
            count = len(self.train) if among is None else len(among)
            chosen = indices(count, batch=batch, step=step, seed=seed, stream=stream)[rows]
            chosen = chosen if among is None else among[chosen]
            draws = draws_of(step, batch=batch, seed=seed, stream=stream).rows(rows) if augment else None
            x = varied(
                self.train.pixels[chosen],
                draws=draws,
                size=self.images.size,
                flip=self.images.flip,
                jitter=self.images.jitter,
                shift=self.images.shift,
                device=device,
            )
            return Images(x, torch.from_numpy(self.told[chosen]).to(device))

        match self.drawn:
            case "all":
                return drawn(None, "images")
            case "told":
                return drawn(self._labelled, "labelled")
        return FewLabelled(drawn(None, "images").x, drawn(self._labelled, "labelled"))

    @functools.cached_property
    def _labelled(self) -> npt.NDArray[np.int64]:
        return np.flatnonzero(self.told != UNKNOWN)

    def _classes_of(self, part: LabelledPart) -> Values:
        if self.attribute is None:
            return np.full(len(part), UNKNOWN, np.int64)
        return part.values[:, self.images.attributes.index(self.attribute)]


def open_image_set(
    sources: Sequence[str],
    options: "DataOptions",
    *,
    drawn: Drawn = "all",
    bare: bool = False,
    cache: Path | None = None,
    telling: Telling | None = None,
) -> ImageSet:
    """Find, decode, split and check one set of images: a folder or zip of pictures, or any layout with labels.

    drawn: see `Drawn`. bare: folders of images are no classes. The class is the attribute
    `options.label`, or the only one that there is. DataError where there are several sets, or too few images of a class for
    `options.labels`; ConfigError where there is no such attribute; else as `open_labelled`.
    """
    opened = open_labelled(sources, options, plain=True, bare=bare, cache=cache, telling=telling)
    if len(opened.sets) > 1:
        raise DataError(f"found {len(opened.sets)} sets of images ({few(opened.domains)}); wanted one: name it alone")
    attribute = _class_attribute(opened.attributes, options)
    whole = ImageSet(opened, attribute, np.empty(0, np.int64))
    classes = whole._classes_of(whole.train)
    if options.labels is not None:
        if attribute is None:
            raise ConfigError(f"--labels {options.labels} is for images with classes, found none; leave it out, or label them")
        classes = few_told(classes, attribute, count=options.labels, seed=options.labels_seed)
    if drawn != "all" and attribute is not None and not (classes != UNKNOWN).any():
        raise DataError(f"{opened.domains[0]}: no training image tells its {attribute.name}; label some of them")
    return dataclasses.replace(whole, told=classes, drawn=drawn)


def few_told(classes: Values, attribute: Attribute, *, count: int, seed: int) -> Values:
    """The classes of `count` images, as many of each class as may be (classes differ by one at the most); all others UNKNOWN.

    A function of its arguments alone, and under one seed fewer images are a part of more. DataError where a class has too few.
    """
    kept = np.full_like(classes, UNKNOWN)
    names = attribute.values
    if count < len(names):
        raise DataError(f"--labels {count} leaves a class without any; wanted at least {len(names)}, one for each class")
    order = indices(len(names), batch=len(names), step=0, seed=seed, stream="classes with one more")
    extra = set(order[: count % len(names)].tolist())
    for index, name in enumerate(names):
        wanted, rows = count // len(names) + (index in extra), np.flatnonzero(classes == index)
        if len(rows) < wanted:
            raise DataError(
                f"--labels {count} asks for {wanted} images of {attribute.name} '{name}', found {len(rows)}; wanted fewer labels"
            )
        chosen = rows[indices(len(rows), batch=len(rows), step=0, seed=seed, stream=f"labels of class {index}")[:wanted]]
        kept[chosen] = index
    return kept


def find_class(classes: Sequence[str], said: str) -> int:
    """The index of a class by its name, else by its number from 0. ConfigError, with what may have been meant."""
    folded = [name.casefold() for name in classes]
    if said.casefold() in folded:
        return folded.index(said.casefold())
    if said.isdecimal() and int(said) < len(classes):
        return int(said)
    known = f"wanted one of: {', '.join(classes)}" if classes else "there are none"
    raise ConfigError(f"no class '{said}'{meant(said, classes)}; {known}")


def _class_attribute(attributes: Sequence[Attribute], options: "DataOptions") -> Attribute | None:
    names = [attribute.name for attribute in attributes]
    if options.label is not None:
        if options.label not in names:
            known = f"wanted one of: {', '.join(names)}" if names else "the images have no labels"
            raise ConfigError(f"--label: no attribute '{options.label}'{meant(options.label, names)}; {known}")
        return attributes[names.index(options.label)]
    return attributes[0] if len(attributes) == 1 else None
