"""Labels that a game could not learn from, or that should be looked at, before a run finds out."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from unpaired.data.label_rules import RULES
from unpaired.data.labels import UNKNOWN, Attribute, few
from unpaired.errors import DataError

Values = npt.NDArray[np.int64]


class SetLabels(NamedTuple):
    """The labels of one data set. known: the indices of the attributes that it tells of; train, test: int64 `[N, A]`, over the
    attributes of all sets.
    """

    name: str
    known: tuple[int, ...]
    train: Values
    test: Values


def unify(own: Mapping[str, tuple[Sequence[Attribute], Values]]) -> tuple[tuple[Attribute, ...], dict[str, Values]]:
    """The attributes of all sets, each once, in the order in which they are met; and each set's values over all of them.

    own: by set its attributes, and values int64 `[rows, its attributes]`. Attributes of one name must have the same values (in
    whatever order: the first set's counts). DataError says how they differ.
    """
    unified: dict[str, Attribute] = {}
    first: dict[str, str] = {}
    for name, (attributes, _) in own.items():
        for attribute in attributes:
            before = unified.setdefault(attribute.name, attribute)
            first.setdefault(attribute.name, name)
            if set(before.values) != set(attribute.values) or before.binary != attribute.binary:
                raise DataError(
                    f"'{attribute.name}' is {', '.join(before.values)} in {first[attribute.name]} and "
                    f"{', '.join(attribute.values)} in {name}; wanted the same values: declare them in both sets' {RULES}, or "
                    "give one of the attributes another name there"
                )
    places = {name: place for place, name in enumerate(unified)}
    spread = {}
    for name, (attributes, values) in own.items():
        spread[name] = np.full((len(values), len(unified)), UNKNOWN, np.int64)
        for column, attribute in enumerate(attributes):
            index = [*(unified[attribute.name].values.index(value) for value in attribute.values), UNKNOWN]  # the last is -1's
            spread[name][:, places[attribute.name]] = np.array(index, np.int64)[values[:, column]]
    return tuple(unified.values()), spread


def review(attributes: Sequence[Attribute], sets: Sequence[SetLabels]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a run refuses, and what should be looked at."""
    errors: list[str] = []
    warnings: list[str] = []
    constant, untold = [], []
    for index, attribute in enumerate(attributes):
        counts = sum((_counts(one.train[:, index], attribute) for one in sets), np.zeros(len(attribute.values), np.int64))
        present = np.flatnonzero(counts)
        if not len(present):
            untold.append(attribute.name)
        elif len(present) == 1:
            constant.append(f"{attribute.name} is '{attribute.values[present[0]]}' in all {counts.sum()}")
        else:
            absent = [value for value, count in zip(attribute.values, counts, strict=True) if not count]
            if absent:
                warnings.append(f"{attribute.name}: no training image is {few(absent)}: nobody can learn what that looks like")
            warnings += _constant_in_a_set(index, attribute, sets)
    leave_out = f"add images that differ, or name the attributes that count in {RULES} and leave these out"
    if constant:
        errors.append(f"the same value in all training images that tell it, so nothing to learn: {few(constant)}; {leave_out}")
    if untold:
        errors.append(f"told by no training image: {few(untold)}; {leave_out}")
    for one in sets:
        errors += _all_unknown(one)
        warnings += _twins(attributes, one)
    return tuple(errors), tuple(warnings)


def _counts(values: Values, attribute: Attribute) -> Values:
    return np.bincount(values[values != UNKNOWN], minlength=len(attribute.values)).astype(np.int64)


def _constant_in_a_set(index: int, attribute: Attribute, sets: Sequence[SetLabels]) -> list[str]:
    said = []
    for one in sets:
        present = np.flatnonzero(_counts(one.train[:, index], attribute))
        if index in one.known and len(present) == 1:
            said.append(
                f"{one.name}: {attribute.name} is '{attribute.values[present[0]]}' in all training images of this set: it tells "
                "the sets apart, and what else differs between them is learned with it"
            )
    return said


def _all_unknown(one: SetLabels) -> list[str]:
    silent = one.known and len(one.train) and (one.train == UNKNOWN).all()
    return [f"{one.name}: no training image tells any attribute"] if silent else []


def _twins(attributes: Sequence[Attribute], one: SetLabels) -> list[str]:
    """Attributes that part the images alike: the same, or each other's opposite."""
    alike: dict[bytes, list[str]] = defaultdict(list)
    for index in one.known:
        values = one.train[:, index]
        if len(np.unique(values[values != UNKNOWN])) > 1:
            alike[_by_appearance(values).tobytes()].append(attributes[index].name)
    groups = [" and ".join(names) for names in alike.values() if len(names) > 1]
    if not groups:
        return []
    return [
        f"{one.name}: {few(groups)} say the same of every training image: nobody can learn to change one alone; is a column "
        f"there twice? Else leave one out in {RULES}"
    ]


def _by_appearance(values: Values) -> Values:
    """The values numbered as they first come: equal for equal parts of the images, whatever they are called."""
    seen, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    told = seen != UNKNOWN
    numbers = np.full(len(seen), UNKNOWN, np.int64)
    numbers[told] = np.argsort(np.argsort(first[told]))
    return numbers[inverse.reshape(-1)]
