"""Attributes of images: their names and values, and how a person writes one (`hair=blond`).

No torch here: options and the command line read this before it is loaded.
"""

from collections.abc import Sequence

from pydantic import field_validator

from unpaired.config import options
from unpaired.errors import ConfigError, meant

UNKNOWN = -1
"""Stands for the index of a value that nobody told."""

BINARY = ("off", "on")
"""The values of a binary attribute."""

YES_NO = (("-1", "1"), ("0", "1"), ("no", "yes"), ("off", "on"), ("false", "true"))
"""How yes and no are written, in lower case: (no, yes)."""

_OFF, _ON = ({pair[which] for pair in YES_NO} for which in (0, 1))


@options
class Attribute:
    """What an image has one value of. An attribute's value is an index into `values`, or UNKNOWN."""

    name: str
    """Without "=", which parts it from its value."""
    values: tuple[str, ...]
    """Two or more, all different; of a binary attribute "off" and "on"."""
    binary: bool = False
    """Whether it is a yes or no."""

    @field_validator("name")
    @classmethod
    def _a_name(cls, name: str) -> str:
        if not name.strip() or "=" in name:
            raise ValueError("an attribute's name is not empty and holds no '='")
        return name

    @field_validator("values")
    @classmethod
    def _two_or_more(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if len(values) < 2 or len(set(values)) < len(values) or not all(value.strip() for value in values):
            raise ValueError("an attribute has two values or more, all different and none of them empty")
        return values

    def __post_init__(self) -> None:
        if self.binary and self.values != BINARY:
            raise ConfigError(f"the binary attribute '{self.name}' has the values {', '.join(self.values)}; wanted off, on")


def parse_setting(text: str) -> tuple[str, str]:
    """`"hair=blond"` as ("hair", "blond"), for `find_value`. ConfigError where it is not written so."""
    name, equals, value = (part.strip() for part in text.partition("="))
    if not (name and equals and value):
        raise ConfigError(f"'{text}' is no setting of an attribute; wanted NAME=VALUE, such as hair=blond or glasses=on")
    return name, value


def find_value(attributes: Sequence[Attribute], name: str, value: str) -> tuple[int, int]:
    """The index of the attribute `name`, and the index of `value` among its values; both whatever their case.

    A binary attribute takes on, yes, true and 1, or off, no, false, 0 and -1. ConfigError, with what may have been meant,
    where there is no such attribute or value.
    """
    names = [attribute.name for attribute in attributes]
    which = _place(name, names)
    if which is None:
        raise ConfigError(f"no attribute '{name}'{meant(name, names)}; wanted one of: {', '.join(names) or '(there are none)'}")
    attribute = attributes[which]
    if attribute.binary and value.casefold() in _OFF | _ON:
        return which, int(value.casefold() in _ON)
    found = _place(value, attribute.values)
    if found is None:
        raise ConfigError(
            f"{attribute.name} has no value '{value}'{meant(value, attribute.values)}; wanted one of: "
            f"{', '.join(attribute.values)}"
        )
    return which, found


def few(items: Sequence[str], *, of: int | None = None) -> str:
    """The first five of `of` (all) items, and how many more there are."""
    more = (len(items) if of is None else of) - len(items[:5])
    return ", ".join(items[:5]) + (f" and {more} more" if more else "")


def _place(word: str, among: Sequence[str]) -> int | None:
    if word in among:
        return among.index(word)
    alike = [place for place, other in enumerate(among) if other.casefold() == word.casefold()]
    return alike[0] if len(alike) == 1 else None
