"""`data check --labelled`: which labels there are, how many images have each, and what is wrong with them."""

import dataclasses
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from unpaired.counting import counted
from unpaired.data.arrays import ArrayTree
from unpaired.data.batches import FEW
from unpaired.data.check import Part, look_at
from unpaired.data.label_layouts import Found, find_sets
from unpaired.data.label_matching import match
from unpaired.data.label_review import SetLabels, Values, review, unify
from unpaired.data.label_rules import interpret
from unpaired.data.labels import UNKNOWN, Attribute, few
from unpaired.data.split import hold_out
from unpaired.data.store import hash_files
from unpaired.errors import DataWarning, UnpairedError


class Counts(NamedTuple):
    """Images by their value of one attribute: as many numbers as it has values, and how many images do not tell it."""

    train: tuple[int, ...]
    test: tuple[int, ...]
    unknown_train: int
    unknown_test: int


@dataclasses.dataclass(frozen=True)
class CheckedSet:
    """One labelled set. where: folder, archive or file; train, test: how many images a run trains on and holds out; counts: by
    attribute; truths: "ATTRIBUTE=VALUE" of the exact counterparts; part: what is in its image files, None for arrays.
    """

    where: str
    train: int
    test: int
    attributes: tuple[Attribute, ...]
    counts: Mapping[str, Counts]
    truths: tuple[str, ...]
    part: Part | None
    card: Mapping[str, Any]

    def lines(self, name: str) -> list[str]:
        """The set for people, a line each."""
        said = [f"{name}: {counted(self.train, 'image')} to train on and {self.test} to test on in {self.where}"]
        for attribute in self.attributes:
            counts = self.counts[attribute.name]
            values = zip(attribute.values, counts.train, counts.test, strict=True)
            unknown = (("unknown", counts.unknown_train, counts.unknown_test),) if counts[2] + counts[3] else ()
            listed = [f"{value} {train} + {test}" for value, train, test in (*values, *unknown)]
            said.append(f"  {attribute.name}{' (yes or no)' if attribute.binary else ''}: {', '.join(listed)}")
        if self.truths:
            said.append(f"  exact counterparts: {few(self.truths)}")
        if self.part is not None:
            said += [f"  {line}" for line in self.part.lines("files")]
        said += [f"  {key}: {value}" for key, value in self.card.items() if isinstance(value, str | int | float)]
        return said


@dataclasses.dataclass(frozen=True)
class LabelReport:
    """What `check_labelled` found. sets: by name; errors: what a run would refuse; warnings: the rest."""

    sets: Mapping[str, CheckedSet]
    errors: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Nested dicts, lists, numbers and strings."""
        return {
            "sets": {name: _plain(one) for name, one in self.sets.items()},
            "errors": list(self.errors),
            "warnings": list(self.warnings),
        }

    def lines(self) -> list[str]:
        """The report for people, a line each: after each value the images to train on + those to test on."""
        said = [line for name, one in self.sets.items() for line in one.lines(name)]
        said += [f"warning: {message}" for message in self.warnings] + [f"error: {message}" for message in self.errors]
        verdict = f"{len(self.errors)} errors, {len(self.warnings)} warnings: a run would refuse this"
        return [*said, verdict if self.errors else f"no errors, {len(self.warnings)} warnings"]


def check_labelled(sources: Sequence[str], *, holdout: float = 0.1, cache: Path | None = None) -> LabelReport:
    """Look at labelled images and their labels. Problems are reported, not raised. holdout: as in training, where the set itself
    holds nothing out.
    """
    errors: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = list(_find(sources, errors))
        told = {one.name: labels for one in found if (labels := _labels(one, errors, holdout=holdout, cache=cache)) is not None}
        worries = [str(warning.message) for warning in caught if issubclass(warning.category, DataWarning)]
    sets = {one.name: _checked(one, told[one.name]) for one in found if one.name in told}
    try:
        attributes, spread = unify({name: (labels.attributes, labels.values) for name, labels in told.items()})
    except UnpairedError as error:
        errors.append(str(error))
    else:
        one_by_one = []
        for name, labels in told.items():
            own = {attribute.name for attribute in labels.attributes}
            known = tuple(index for index, attribute in enumerate(attributes) if attribute.name in own)
            one_by_one.append(SetLabels(name, known, spread[name][~labels.tests], spread[name][labels.tests]))
        refused, looked_at = review(attributes, one_by_one)
        errors += refused
        worries += looked_at
    for name, one in sets.items():
        worries += (f"{name}: {worry}" for worry in _worries(one, told[name]))
    return LabelReport(sets, tuple(errors), tuple(worries))


class _Labels(NamedTuple):
    """names: images that a run would use; values: int64 `[N, attributes]`; tests: whether each is held out."""

    names: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    values: Values
    tests: np.ndarray[Any, np.dtype[np.bool_]]


def _find(sources: Sequence[str], errors: list[str]) -> Iterator[Found]:
    taken: list[str] = []
    for where in sources:
        try:
            for found in find_sets([where], taken=taken):
                taken.append(found.name)
                yield found
        except UnpairedError as error:
            errors.append(str(error))


def _labels(found: Found, errors: list[str], *, holdout: float, cache: Path | None) -> _Labels | None:
    """The labels of the images that a run would use; None, and an error told, where it would refuse them."""
    try:
        matched = match(found, strict=False)
        attributes, values = interpret(found.table, found.rules, where=found.rules_where, strict=False)
    except UnpairedError as error:
        errors += str(error).splitlines()
        return None
    names = matched.names
    if matched.tests is not None:
        tests = np.array([matched.tests[name] for name in names], bool)
    else:
        source = found.source.keep(names)
        hashes, _ = source.tree.hashed(source) if isinstance(source.tree, ArrayTree) else hash_files(source, cache=cache)
        names = tuple(name for name in names if name in hashes)
        tests = hold_out([hashes[name] for name in names], fraction=holdout)
    return _Labels(names, attributes, values[np.array([matched.rows[name] for name in names], np.int64)], tests)


def _worries(one: CheckedSet, labels: _Labels) -> Iterator[str]:
    """What should be looked at in the images themselves."""
    if one.train < FEW:
        yield f"only {counted(one.train, 'image')} to train on; wanted {FEW} at the very least, and better hundreds"
    if one.part is None:
        return
    if one.part.unreadable:
        yield f"{counted(len(one.part.unreadable), 'unreadable file')}, which a run skips (or refuses, under --strict)"
    rows = {name: row for row, name in enumerate(labels.names)}
    groups = [[name for name in group if name in rows] for group in one.part.duplicates]
    leaks = [group for group in groups if len({bool(labels.tests[rows[name]]) for name in group}) > 1]
    if leaks:
        yield (
            f"{counted(len(leaks), 'image')} in training and test alike, such as {few(leaks[0])}: what is measured is too "
            "good; remove one of each"
        )
    apart = [group for group in groups if len({labels.values[rows[name]].tobytes() for name in group}) > 1]
    if apart:
        some = few([" and ".join(group) for group in apart])
        yield f"{counted(len(apart), 'group')} of equal images with different labels: {some}; keep one of each"


def _checked(found: Found, labels: _Labels) -> CheckedSet:
    def count(values: Values, attribute: Attribute) -> tuple[int, ...]:
        return tuple(int(number) for number in np.bincount(values[values != UNKNOWN], minlength=len(attribute.values)))

    counts = {}
    for index, attribute in enumerate(labels.attributes):
        train, test = labels.values[~labels.tests, index], labels.values[labels.tests, index]
        unknown = (int((values == UNKNOWN).sum()) for values in (train, test))
        counts[attribute.name] = Counts(count(train, attribute), count(test, attribute), *unknown)
    return CheckedSet(
        where=found.where,
        train=int((~labels.tests).sum()),
        test=int(labels.tests.sum()),
        attributes=labels.attributes,
        counts=counts,
        truths=tuple(found.truths),
        part=None if isinstance(found.source.tree, ArrayTree) else look_at(found.source, near=False),
        card=found.card,
    )


def _plain(one: CheckedSet) -> dict[str, Any]:
    attributes = {
        attribute.name: {
            "values": list(attribute.values),
            "binary": attribute.binary,
            **{key: list(v) if isinstance(v, tuple) else v for key, v in one.counts[attribute.name]._asdict().items()},
        }
        for attribute in one.attributes
    }
    part = None if one.part is None else dataclasses.asdict(one.part)
    said = {"where": one.where, "train": one.train, "test": one.test, "attributes": attributes}
    return said | {"truths": list(one.truths), "files": part, "card": dict(one.card)}
