"""What a table's columns mean: attributes, and each row's value of each. `attributes.toml` says it, or the cells do."""

import tomllib
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from unpaired.config import explain
from unpaired.data.label_tables import FILE, SPLIT, Table
from unpaired.data.labels import BINARY, UNKNOWN, YES_NO, Attribute, few
from unpaired.data.sources import natural
from unpaired.errors import ConfigError, DataError, DataWarning, meant

RULES = "attributes.toml"

MOST_VALUES = 64
"""A column with more distinct cells is no attribute, unless attributes.toml declares its values."""

_MOSTLY = 0.9
"""Where so many of a column's cells are yes or no, the others are taken for mistakes."""

_SLIP = 0.75
"""A cell so close to a declared value that no row has (as difflib measures it) is taken for a slip of the pen."""

_KEYS = ("column", "one_of", "values")


class Rule(NamedTuple):
    """How columns make an attribute. column: its column, or one_of: yes/no columns of which one is on; values: those that
    count (of one_of: their names), None for all.
    """

    name: str
    column: str | None
    one_of: tuple[str, ...]
    values: tuple[str, ...] | None


Values = npt.NDArray[np.int64]


def read_rules(content: bytes, *, where: str) -> tuple[Rule, ...]:
    """The rules of an attributes.toml. ConfigError names the section and key that are wrong, and what was wanted."""
    try:
        said = tomllib.loads(content.decode("utf-8-sig"))
    except ValueError as error:
        raise ConfigError(f"{where} is no TOML: {error}") from None
    if not said:
        raise ConfigError(f'{where} names no attribute; wanted sections such as [hair] with column = "hair", or no such file')
    return tuple(_rule(name, section, where=where) for name, section in said.items())


def _rule(name: str, section: Any, *, where: str) -> Rule:
    if not isinstance(section, dict):
        raise ConfigError(f'{where}: {name} is {section!r}; wanted a section [{name}] with column = "..." or one_of = [...]')
    here = f"{where}, [{name}]"
    for key in section:
        if key not in _KEYS:
            raise ConfigError(f"{here} has no key '{key}'{meant(key, _KEYS)}; wanted {', '.join(_KEYS)}")
    column, one_of, values = (section.get(key) for key in _KEYS)
    if column is not None and one_of is not None:
        raise ConfigError(f"{here} has column and one_of; wanted one of them")
    if column is not None and not isinstance(column, str):
        raise ConfigError(f'{here}: column is {column!r}; wanted the name of a column, such as column = "hair"')
    for key, several in (("one_of", one_of), ("values", values)):
        ok = several is None or (isinstance(several, list) and all(isinstance(item, str) and item.strip() for item in several))
        if not ok or (several is not None and (len(several) < 2 or len(set(several)) < len(several))):
            raise ConfigError(f'{here}: {key} is {several!r}; wanted two or more different names, such as ["dark", "blond"]')
    if one_of is not None and values is not None and len(one_of) != len(values):
        raise ConfigError(f"{here} has {len(one_of)} columns in one_of and {len(values)} values; wanted a name for each column")
    return Rule(name, column, tuple(one_of or ()), None if values is None else tuple(values))


def interpret(table: Table, rules: Sequence[Rule] | None, *, where: str, strict: bool) -> tuple[tuple[Attribute, ...], Values]:
    """The attributes of a table, and their values int64 `[rows, attributes]`, UNKNOWN where nothing is said.

    rules: those of the attributes.toml `where`, or None: then every column is an attribute. Where all its cells are -1 and 1
    (or 0 and 1, no and yes, off and on, false and true, in any case), it is binary; else its values are the distinct cells in
    natural order. strict: cells outside the values that the rules declare are an error, not a warning.

    Raises DataError, naming lines, or ConfigError where a rule names a column that there is not; of all columns at once.
    """
    attributes, values = [], []
    wrong: list[DataError | ConfigError] = []
    for rule in rules or [Rule(column, column, (), None) for column in table.columns]:
        here = f"{where}, [{rule.name}]" if rules else table.where
        try:
            if rule.one_of:
                found = _one_of(table, rule, here=here)
            else:
                column = rule.column or (table.columns[0] if len(table.columns) == 1 else rule.name)
                found = _of_column(table, rule, _column(table, column, here=here), here=here, strict=strict)
        except (DataError, ConfigError) as error:
            wrong.append(error)
            continue
        attributes.append(found[0])
        values.append(found[1])
    if wrong:
        raise type(wrong[0])("\n".join(map(str, wrong)))
    return tuple(attributes), np.stack(values, axis=1) if values else np.zeros((len(table.files), 0), np.int64)


def _column(table: Table, name: str, *, here: str) -> int:
    if name not in table.columns:
        hint = " (which tells files and parts, and is no attribute)" if name in (FILE, SPLIT) else meant(name, table.columns)
        raise ConfigError(f"{here}: {table.where} has no column '{name}'{hint}; its columns are {few(table.columns)}")
    return table.columns.index(name)


def _of_column(table: Table, rule: Rule, column: int, *, here: str, strict: bool) -> tuple[Attribute, Values]:
    cells = table.cells[:, column]
    present, inverse, counts = np.unique(cells, return_inverse=True, return_counts=True)
    words = [table.words[index] for index in present]
    filled = {word: int(count) for word, count in zip(words, counts, strict=True) if word}
    if rule.values is not None:
        _require_declared(table, column, rule.values, filled, here=here, strict=strict)
        chosen = rule.values
    elif table.kind != "classes" and (pair := _yes_no(table, column, filled)) is not None:
        numbers = np.array([pair.index(word.casefold()) if word else UNKNOWN for word in words], np.int64)
        return _attribute(rule.name, BINARY, binary=True, here=here), numbers[inverse.reshape(-1)]
    else:
        if len(filled) > MOST_VALUES and table.kind != "classes":
            some = few(sorted(filled, key=natural))
            raise DataError(
                f"{table.where}: column '{table.columns[column]}' has {len(filled)} different cells ({some}): too many "
                f"values for an attribute; wanted 2 to {MOST_VALUES}: name the columns that count in {RULES}"
            )
        if len(filled) < 2:
            said = f"says '{next(iter(filled))}' in every row" if filled else "is empty in every row"
            raise DataError(
                f"{table.where}: column '{table.columns[column]}' {said}: nothing to learn; wanted two values or more: name the "
                f"columns that count in {RULES}"
            )
        chosen = tuple(sorted(filled, key=natural))
    numbers = np.array([chosen.index(word) if word in chosen else UNKNOWN for word in words], np.int64)
    return _attribute(rule.name, chosen, binary=False, here=here), numbers[inverse.reshape(-1)]


def _yes_no(table: Table, column: int, filled: Mapping[str, int]) -> tuple[str, str] | None:
    """The pair of words that a column of yes and no is written in; None where it is none. DataError where it nearly is one."""
    folded: dict[str, int] = {}
    for word, count in filled.items():
        folded[word.casefold()] = folded.get(word.casefold(), 0) + count
    if not folded:
        return None
    total = sum(folded.values())
    share, pair = max((sum(folded.get(word, 0) for word in pair) / total, pair) for pair in YES_NO)
    if share == 1.0:
        return pair
    mixed = all(any(word in pair for pair in YES_NO) for word in folded)
    if mixed or (share >= _MOSTLY and all(word in folded for word in pair)):
        wrong = [row for row in range(len(table.files)) if (said := table.word(row, column)) and said.casefold() not in pair]
        raise DataError(
            f"{table.where}: column '{table.columns[column]}' is {pair[0]} or {pair[1]} in {total - len(wrong)} rows and not in "
            f"{len(wrong)}: {table.listed(wrong, column=column)}; correct these cells, empty them (unknown), or, if they are "
            f"values of their own, declare all values in {RULES}"
        )
    return None


def _require_declared(
    table: Table, column: int, declared: Sequence[str], filled: Mapping[str, int], *, here: str, strict: bool
) -> None:
    """Tell of cells outside the declared values; refuse them where they may be slips of the pen."""
    outside = [word for word in filled if word not in declared]
    if not outside:
        return
    absent = [value for value in declared if value not in filled]
    rows = np.flatnonzero(np.isin(table.cells[:, column], [table.words.index(word) for word in outside]))
    slips = [f"'{word}'{hint}" for word in outside if (hint := meant(word, absent, cutoff=_SLIP))]
    folded = {value.casefold(): value for value in declared}
    case = [f"'{word}' (not '{folded[word.casefold()]}')" for word in outside if word.casefold() in folded]
    message = (
        f"{here} declares {few(declared)}, and column '{table.columns[column]}' of {table.where} says other things in "
        f"{len(rows)} rows: {table.listed(rows, column=column)}"
    )
    if strict or slips or case:
        raise DataError(f"{message}. Wanted declared values: {few(case or slips or outside)}; correct the cells or the values")
    warnings.warn(f"{message}: these count as unknown", DataWarning, stacklevel=2)


def _one_of(table: Table, rule: Rule, *, here: str) -> tuple[Attribute, Values]:
    chosen = []
    for name in rule.one_of:
        column = _column(table, name, here=here)
        attribute, values = _of_column(table, Rule(name, name, (), None), column, here=here, strict=True)
        if not attribute.binary:
            raise DataError(f"{here}: column '{name}' says {few(attribute.values)}; wanted a column of yes and no in one_of")
        chosen.append(values)
    columns = np.stack(chosen, axis=1)
    on = columns == 1
    several = np.flatnonzero(on.sum(axis=1) > 1)
    if len(several):
        warnings.warn(
            f"{here}: {len(several)} rows of {table.where} have more than one of {few(rule.one_of)} on: {table.listed(several)}; "
            "these count as unknown",
            DataWarning,
            stacklevel=2,
        )
    values = np.where(on.sum(axis=1) == 1, on.argmax(axis=1), UNKNOWN).astype(np.int64)
    return _attribute(rule.name, rule.values or rule.one_of, binary=False, here=here), values


def _attribute(name: str, values: tuple[str, ...], *, binary: bool, here: str) -> Attribute:
    try:
        return Attribute(name=name, values=values, binary=binary)
    except ValidationError as error:
        raise ConfigError(f"{here}: '{name}' is no attribute: {explain(error)}") from None
