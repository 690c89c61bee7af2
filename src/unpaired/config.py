"""Options: frozen, strict dataclasses that go to JSON and come back.

An *options* class is a pydantic dataclass: frozen, keyword-only, every value checked, unknown keys refused. A *choice* is
an options class with a `kind`, one of several typed alternatives; on the command line and in messages it is written
`kind` or `kind(key=value, ...)`, in files `{"kind": ..., "key": ...}`.
"""

import ast
import json
import tomllib
from pathlib import Path
from typing import Any, TypeVar, dataclass_transform, get_args

import pydantic
from pydantic.dataclasses import dataclass

from unpaired.errors import ConfigError

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def options(cls: type[T]) -> type[T]:
    """Class decorator: a frozen, strict, keyword-only dataclass that refuses unknown keys."""
    config = pydantic.ConfigDict(extra="forbid", strict=True, validate_default=True, allow_inf_nan=False)
    return dataclass(frozen=True, kw_only=True, config=config)(cls)  # type: ignore[return-value]


def to_dict(value: Any) -> Any:
    """The JSON-able form of an options object."""
    return pydantic.TypeAdapter(type(value)).dump_python(value, mode="json")


def from_dict(cls: Any, values: Any, *, where: str = "the configuration") -> Any:
    """The object that `to_dict` came from; cls: an options class or a union of them.

    ConfigError names each wrong key and what was wanted there.
    """
    try:
        text = json.dumps(values)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where} is not valid: {error}") from None
    try:
        return pydantic.TypeAdapter(cls).validate_json(text)
    except pydantic.ValidationError as error:
        raise ConfigError(f"{where} is not valid: {explain(error)}") from None


def read_file(path: Path) -> dict[str, Any]:
    """A JSON or TOML file as a dict. ConfigError where it is missing or malformed."""
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except FileNotFoundError:
        raise ConfigError(f"no configuration file at {path}") from None
    except (ValueError, OSError) as error:
        raise ConfigError(f"{path} cannot be read as {'TOML' if path.suffix == '.toml' else 'JSON'}: {error}") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds a {type(values).__name__}; wanted a table of options")
    return values


def parse_choice(text: str, alternatives: Any) -> Any:
    """`"huber"` or `"huber(delta=0.5)"` as the member of the union `alternatives` that has this kind."""
    members = {member.__dataclass_fields__["kind"].default: member for member in union_members(alternatives)}
    try:
        call = ast.parse(text.strip(), mode="eval").body
        call = call if isinstance(call, ast.Call) else ast.Call(func=call, args=[], keywords=[])
        kind = ast.unparse(call.func)
        if call.args or kind not in members:
            raise ValueError
        values = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
        if len(values) < len(call.keywords):  # a key twice
            raise ValueError
    except (SyntaxError, TypeError, ValueError):
        known = ", ".join(format_choice(member()) for member in members.values())
        raise ConfigError(f"'{text}' is none of the choices; wanted one of: {known}") from None
    return from_dict(members[kind], values, where=f"'{text}'")


def format_choice(choice: Any) -> str:
    """The text that `parse_choice` reads: every value is written out."""
    values = {key: value for key, value in to_dict(choice).items() if key != "kind"}
    return choice.kind + (f"({', '.join(f'{key}={value!r}' for key, value in values.items())})" if values else "")


def union_members(alternatives: Any) -> tuple[Any, ...]:
    """The classes of `A | B`, of `Annotated[A | B, ...]`, or of a single class."""
    if hasattr(alternatives, "__metadata__"):
        return union_members(alternatives.__origin__)
    return get_args(alternatives) or (alternatives,)


def explain(error: pydantic.ValidationError) -> str:
    """Each wrong value: where it stands, what was wanted, what was found."""

    def found(item: Any) -> str:
        said = repr(item["input"])
        return "" if item["type"] == "missing" else f", found {said if len(said) <= 200 else f'{said[:200]}...'}"

    return "; ".join(
        f"{'.'.join(map(str, item['loc'])) or 'value'}: {item['msg'][:1].lower()}{item['msg'][1:]}{found(item)}"
        for item in error.errors()
    )
