"""What is adapted: a labelled source, a target, and what of the target's images is labelled and tells how well it went."""

import dataclasses
import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unpaired import runs
from unpaired.adaptation.options import CHANNELS, SIZE, Pictures
from unpaired.bundle import load_translators
from unpaired.data.image_set import ImageSet
from unpaired.data.labelled import LabelledPart, Values
from unpaired.data.labels import UNKNOWN, few
from unpaired.data.sets.table import SETS
from unpaired.errors import ConfigError, DataError, DataWarning, RunError, SameDomain
from unpaired.evaluation import untouched
from unpaired.games import specs
from unpaired.images import Pixels
from unpaired.options import DataOptions
from unpaired.run_config import RunConfig
from unpaired.translator import Translator


class Views(NamedTuple):
    """How images are read. source: as the translator sees them; shown: the same as classifiers do, with the target's channels;
    target: the target's.
    """

    source: DataOptions
    shown: DataOptions
    target: DataOptions


class Tested(NamedTuple):
    """Labelled images of the target that a classifier is tested on.

    pixels: [N, H, W, C]; truth: the class of each, by its name. strange: of how many more images the source has not the class.
    apart: whether no run looks at any of them.
    """

    pixels: Pixels
    truth: tuple[str, ...]
    strange: int
    apart: bool


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """sources: where both sets are, as the runs name them. label_target: what tells the target's classes, None where nothing
    does; taught: the classes that training images of the target tell. tested: None where nothing can be tested.
    fingerprint: of all images and labels.
    """

    sources: tuple[str, str]
    views: Views
    source: ImageSet
    shown: ImageSet
    target: ImageSet
    taught: tuple[str, ...]
    tested: Tested | None
    fingerprint: str

    @property
    def label_target(self) -> str | None:
        return None if self.target.attribute is None else self.target.attribute.name


def lasting(source: str | Path) -> str:
    """A path as an absolute one, the name of a set as it is."""
    return str(source) if str(source) in SETS else str(Path(source).expanduser().absolute())


def translator_of(where: str | Path, direction: str, *, device: str) -> Translator:
    """The translator of a direction in a run's folder or a bundle. RunError where there is none, or none of square pictures as
    they are.
    """
    kept = load_translators(where, device=device)
    if direction not in kept:
        other = next(iter(kept), "")
        raise RunError(
            f"{where} translates {' and '.join(kept) or 'nothing'}, not {direction}; wanted a translator from source to target: "
            f"give --direction {other} if that is it"
        )
    found = kept[direction]
    shapes = (found.source, found.target)
    if any(len(shape) != 3 or shape[1] != shape[2] for shape in shapes) or shapes[0][1:] != shapes[1][1:]:
        raise RunError(f"{where} translates {shapes[0]} to {shapes[1]}; wanted square pictures of one size")
    if found.source_range or found.target_range:
        raise RunError(f"{where} was trained with --value-range; wanted a translator of pictures as they are")
    return found


def views(pictures: Pictures, translator: Translator | None) -> Views:
    """How images are read. ConfigError where they would be read otherwise than the translator was trained to see them."""
    size, channels, others = pictures.size or SIZE, pictures.channels or CHANNELS, pictures.channels_target
    if translator is not None:
        for option, asked, is_so in (
            ("--size", pictures.size, translator.source[1]),
            ("--channels", pictures.channels, translator.source[0]),
            ("--channels-target", pictures.channels_target, translator.target[0]),
        ):
            if asked not in (None, is_so):
                raise ConfigError(f"{option} is {asked}, and the translator was trained on {is_so}; leave it out")
        size, channels, others = translator.source[1], translator.source[0], translator.target[0]
    source = DataOptions(
        size=size,
        channels=channels,
        fit=pictures.fit or (translator.fit if translator else "crop"),
        background=pictures.background or (translator.background if translator else "white"),
        holdout=pictures.holdout,
        strict=pictures.strict,
        flip=pictures.flip,
        jitter=pictures.jitter,
        label=pictures.label,
    )
    shown = dataclasses.replace(source, channels=others or channels)
    return Views(source, shown, dataclasses.replace(shown, label=None))


def open_task(source: str | Path, target: str | Path, *, test: str | Path | None, pictures: Pictures, views: Views) -> Task:
    """Find, decode and check both sets.

    test: labelled images of the target besides, all of which (or those that it holds out itself) are tested on; None for those
    that the target holds out. DataError where the source tells no classes or the target's are others; SameDomain.
    """
    sources = (lasting(source), lasting(target))
    opened = opened_set(sources[0], views.source)
    if opened.attribute is None:
        several = ", ".join(attribute.name for attribute in opened.images.attributes)
        advice = f"say which is the class: --label, one of {several}" if several else "label it: a folder for each class, a table"
        raise DataError(f"the source, {source}, tells {'several attributes' if several else 'no classes'}; {advice}")
    shown = opened if views.shown == views.source else opened_set(sources[0], views.shown)
    label = pictures.label_target
    with labels_may_lack():
        wanted = opened_set(sources[1], views.target)
    own = label if test is None or label in {attribute.name for attribute in wanted.images.attributes} else None
    wanted = _with_classes(wanted, shown, label=own, where=str(target))
    if wanted.fingerprint == shown.fingerprint:
        raise SameDomain(f"source and target hold the same images; wanted two different sets: check {source} and {target}")
    tested, fingerprints = None, [opened.fingerprint, wanted.fingerprint]
    if test is not None:
        with labels_may_lack():
            apart = opened_set(lasting(test), dataclasses.replace(views.target, holdout=0.0))
        apart = _with_classes(apart, shown, label=label, where=str(test))
        tested = _tested_apart(apart, shown, wanted, where=str(test))
        fingerprints.append(apart.fingerprint)
    elif wanted.classes:
        rows = untouched(wanted.test.pixels)
        tested = _tested(wanted, wanted.test.pixels, wanted.test_classes, shown, rows=rows, apart=bool(rows.start))
    taught = wanted.train_classes
    return Task(
        sources=sources,
        views=views,
        source=opened,
        shown=shown,
        target=wanted,
        taught=tuple(wanted.classes[index] for index in np.unique(taught[taught != UNKNOWN])),
        tested=tested,
        fingerprint=hashlib.blake2b(repr(fingerprints).encode(), digest_size=16).hexdigest(),
    )


def opened_set(source: str, data: DataOptions) -> ImageSet:
    """One set of images, whether it tells classes or not: as for an autoencoder, which does not ask."""
    found = runs.open_data(RunConfig(sources=(source,), game=specs.Autoencoder(), data=data))
    assert isinstance(found, ImageSet)
    return found


@contextmanager
def labels_may_lack() -> Iterator[None]:
    """Without the warnings that nothing can be learned from a set's labels: of the target that is not wanted."""
    with warnings.catch_warnings():
        for says in ("told by no training image", ".*no training image tells any attribute"):
            warnings.filterwarnings("ignore", message=says, category=DataWarning)
        yield


def _with_classes(target: ImageSet, source: ImageSet, *, label: str | None, where: str) -> ImageSet:
    """The target with the attribute that tells the source's classes: the one called `label`, else like the source's, else the
    only one, if it tells any of them. ConfigError where there is none of that name, DataError where it tells none of them.
    """
    assert source.attribute is not None
    by_name = {attribute.name: attribute for attribute in target.images.attributes}
    if label is not None and label not in by_name:
        raise ConfigError(f"--label-target: {where} has no attribute '{label}'; wanted one of: {few(list(by_name)) or '(none)'}")
    named = by_name.get(label or source.attribute.name)
    attribute = named or target.attribute
    if attribute is not None and set(attribute.values) & set(source.classes):
        return dataclasses.replace(target, attribute=attribute)
    if named is not None:
        raise DataError(
            f"the classes of {where} are {few(named.values)}, those of the source {few(source.classes)}; wanted the same names: "
            "rename folders, or give values in attributes.toml"
        )
    if by_name:
        warnings.warn(
            f"{where} tells {few(list(by_name))}, which is not the source's {source.attribute.name}: these labels are left "
            "alone; --label-target says which is the class",
            DataWarning,
            stacklevel=3,
        )
    return dataclasses.replace(target, attribute=None)


def _tested(one: ImageSet, pixels: Pixels, classes: Values, source: ImageSet, *, rows: slice, apart: bool) -> Tested | None:
    names = [one.classes[index] if index != UNKNOWN else "" for index in classes[rows]]
    kept = np.array([name in source.classes for name in names], bool)
    strange = sum(bool(name) for name in names) - int(kept.sum())
    if not kept.any():
        return None
    return Tested(pixels[rows][kept], tuple(name for name, keep in zip(names, kept, strict=True) if keep), strange, apart)


def _tested_apart(one: ImageSet, source: ImageSet, target: ImageSet, *, where: str) -> Tested:
    """What is tested on of a set of its own. DataError where nothing is; a warning where the target's training has it too."""
    part, classes = (one.test, one.test_classes) if len(one.test) else (one.train, one.train_classes)
    found = _tested(one, part.pixels, classes, source, rows=slice(None), apart=True) if one.classes else None
    if found is None:
        raise DataError(f"--test {where} tells no class of an image; wanted labelled images of the target: {few(source.classes)}")
    trained = _contents(target.train)
    both = sum(content in trained for content in _contents(part))
    if both:
        warnings.warn(
            f"--test {where} and the target's training images share {both}: what is measured is too good; remove one of each",
            DataWarning,
            stacklevel=3,
        )
    return found


def _contents(part: LabelledPart) -> set[bytes]:
    return {hashlib.blake2b(pixels.tobytes(), digest_size=16).digest() for pixels in part.pixels}
