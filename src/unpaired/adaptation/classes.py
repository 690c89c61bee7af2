"""Classes of images, adapted: a labelled source, a target, and what of the target is labelled and tells how well it went."""

import dataclasses
import hashlib
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from unpaired import runs
from unpaired.adaptation.class_scores import Tested, summed_up
from unpaired.adaptation.flips import Judges, audit, part_of, write_flips
from unpaired.adaptation.options import Pictures, Teaching
from unpaired.adaptation.sheets import draw_flips
from unpaired.adaptation.task import BY_ORACLE, FLIPS, SHEET, SOURCE_ONLY, Result, Views, lasting, tested_of, warn_of_copies
from unpaired.adaptation.translated import write_translated
from unpaired.data.image_set import ImageSet
from unpaired.data.labels import UNKNOWN, few
from unpaired.errors import ConfigError, DataError, DataWarning, SameDomain
from unpaired.games import specs
from unpaired.options import Adam, DataOptions
from unpaired.products import Classifier
from unpaired.run_config import RunConfig
from unpaired.translator import Translator


@dataclasses.dataclass(frozen=True, eq=False)
class ClassTask:
    """See `Task`. shown: the source as classifiers see it. taught: the classes that training images of the target tell. tested:
    None where nothing can be tested.
    """

    sources: tuple[str, str]
    domains: tuple[str, str]
    views: Views
    source: ImageSet
    shown: ImageSet
    target: ImageSet
    taught: tuple[str, ...]
    tested: Tested | None
    fingerprint: str

    @property
    def label_target(self) -> str | None:
        """What tells the target's classes."""
        return None if self.target.attribute is None else self.target.attribute.name

    @property
    def oracle(self) -> DataOptions | None:
        return dataclasses.replace(self.views.target, label=self.label_target) if len(self.taught) > 1 else None

    @property
    def count(self) -> int:
        return len(self.source.train) + len(self.source.test)

    def learner(self, teaching: Teaching) -> specs.Classifier:
        adam = Adam(learning_rate=teaching.classifier_rate, beta1=0.9)
        return specs.Classifier(network=teaching.network(self.views.shown.size), optimizer=adam)

    def write(self, translator: Translator, folder: Path) -> None:
        write_translated(self.source, translator, folder)

    def finish(self, readers: Mapping[str, Classifier], *, translated: Path, folder: Path) -> Result:
        made = opened_set(str(translated), self.views.target)
        found = audit(Judges(readers[SOURCE_ONLY], readers.get(BY_ORACLE)), made, self.source)
        write_flips(found.flips, folder / FLIPS)
        draw_flips(found.flips, folder / SHEET, translated=made, source=self.source)
        return summed_up(self.shown, self.tested, readers, found)


def open_class_task(
    source: str | Path, target: str | Path, *, test: str | Path | None, pictures: Pictures, views: Views
) -> ClassTask:
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
    else:
        tested = _tested(wanted, shown, alone=False)
    return ClassTask(
        sources=sources,
        domains=sources,
        views=views,
        source=opened,
        shown=shown,
        target=wanted,
        taught=tuple(wanted.classes[index] for index in np.unique(wanted.train_classes[wanted.train_classes != UNKNOWN])),
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


def _tested(one: ImageSet, source: ImageSet, *, alone: bool) -> Tested | None:
    if not one.classes:
        return None
    end, rows, apart = tested_of(one, alone=alone)
    part, classes = part_of(one, end)
    names = [one.classes[index] if index != UNKNOWN else "" for index in classes[rows]]
    kept = np.array([name in source.classes for name in names], bool)
    strange = sum(bool(name) for name in names) - int(kept.sum())
    if not kept.any():
        return None
    return Tested(part.pixels[rows][kept], tuple(name for name, keep in zip(names, kept, strict=True) if keep), strange, apart)


def _tested_apart(one: ImageSet, source: ImageSet, target: ImageSet, *, where: str) -> Tested:
    """What is tested on of a set of its own. DataError where nothing is; a warning where the target's training has it too."""
    found = _tested(one, source, alone=True)
    if found is None:
        raise DataError(f"--test {where} tells no class of an image; wanted labelled images of the target: {few(source.classes)}")
    warn_of_copies(part_of(one, tested_of(one, alone=True).end)[0], target.train, where=where)
    return found
