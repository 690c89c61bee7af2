"""Arguments as options: what tyro does not know of by itself."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError
from tyro.constructors import (
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
    StructConstructorSpec,
    StructTypeInfo,
)

from unpaired import config
from unpaired.errors import ConfigError
from unpaired.networks.specs import PRESETS


def file_arguments(values: Mapping[str, Any], *, length: bool) -> list[str]:
    """Options from a file as the arguments that would say the same; a run's config.json counts as one.

    length: the command line says how long to train, so the file's steps or minutes, whichever it has, do not count.
    """
    if "sources" in values and "game" in values:
        values = {section: values[section] for section in ("game", "data", "training")}
    arguments: list[str] = []
    for key, value in values.items():
        flag = key.replace("_", "-")
        match value:
            case None:
                pass
            case _ if length and key in ("steps", "minutes"):
                pass
            case bool():
                arguments.append(f"--{flag}" if value else f"--no-{flag}")
            case {"kind": kind, **rest}:
                arguments += [f"--{flag}", f"{kind}({', '.join(f'{name}={item!r}' for name, item in rest.items())})"]
            case dict():
                arguments += file_arguments(value, length=length)
            case list():
                arguments += [f"--{flag}", *map(str, value)]
            case _:
                arguments += [f"--{flag}", str(value)]
    return arguments


def registry(origin: Callable[[str], str]) -> ConstructorRegistry:
    """Teach tyro choices: `--distance huber(delta=0.5)`, presets: `--generator unet_128`, and what to say of options that are
    out of their range. origin: where an option comes from, for messages.
    """
    rules = ConstructorRegistry()

    @rules.primitive_rule
    def choice(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
        members: tuple[Any, ...] = config.union_members(info.type)
        if not all("kind" in getattr(member, "__dataclass_fields__", ()) for member in members):
            return None
        presets = {name: preset for name, preset in PRESETS.items() if isinstance(preset, members)}
        return PrimitiveConstructorSpec(
            nargs=1,
            metavar="|".join([*(member.__dataclass_fields__["kind"].default for member in members), *presets]),
            instance_from_str=lambda words: presets.get(words[0]) or config.parse_choice(words[0], info.type),
            is_instance=lambda value: isinstance(value, members),
            str_from_instance=lambda value: [config.format_choice(value)],
        )

    @rules.primitive_rule
    def two_numbers(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
        """By itself tyro takes all words up to the next option for such a value: `--value-range 0 1 A/ B/`."""
        if info.type != tuple[float, float] | None:
            return None
        return PrimitiveConstructorSpec(
            nargs=2,
            metavar="LOW HIGH",
            instance_from_str=_two_numbers,
            is_instance=lambda value: value is None or (isinstance(value, tuple) and len(value) == 2),
            str_from_instance=lambda value: [str(each) for each in value or (None,)],
        )

    asking: list[StructTypeInfo] = []

    @rules.struct_rule
    def checked(info: StructTypeInfo) -> StructConstructorSpec | None:
        if asking or not hasattr(info.type, "__pydantic_config__"):
            return None
        asking.append(info)  # and now by the rules that there are without this one
        try:
            spec = ConstructorRegistry.get_struct_spec(info)
        finally:
            asking.pop()
        if not isinstance(spec, StructConstructorSpec):
            return None
        return dataclasses.replace(spec, instantiate=_checked(info.type, origin))

    return rules


def _two_numbers(words: list[str]) -> tuple[float, float]:
    try:
        return float(words[0]), float(words[1])
    except ValueError:
        raise ConfigError(f"'{' '.join(words)}' is not valid; wanted two numbers, a lower and a higher one") from None


def _checked(cls: type, origin: Callable[[str], str]) -> Callable[..., Any]:
    """What makes an options object; ConfigError, in the words of the command line, where a value is out of its range."""

    def make(**values: Any) -> Any:
        try:
            return cls(**values)
        except ValidationError as error:
            raise ConfigError("; ".join(_out_of_range(item, origin) for item in error.errors())) from None

    make.__doc__ = cls.__doc__
    return make


def _out_of_range(item: Any, origin: Callable[[str], str]) -> str:
    """One of pydantic's errors: `--batch 0 is out of range; wanted a number greater than 0`."""
    if not item["loc"]:  # of several options together
        return str(item["ctx"]["error"])
    option, found = f"--{str(item['loc'][0]).replace('_', '-')}", item["input"]
    given = " ".join(str(each).removesuffix(".0") for each in (found if isinstance(found, tuple) else (found,)))
    if item["type"] == "value_error":
        return f"{option} {given}{origin(option)}: {item['ctx']['error']}"
    wanted = item["msg"].removeprefix("Input should be ")
    numbers = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")
    kind = "a number " if item["type"] in numbers else ""
    return f"{option} {given}{origin(option)} is out of range; wanted {kind}{wanted}"
