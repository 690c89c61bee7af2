"""yunjey's StarGAN, its authors' code: its networks by the names and shapes of their weights, and what their labels say.

Its files hold bare state_dicts. Generator: `main.i`, in the order of the layers, the blocks' `main.i.main.j`; its instance norms
count statistics along, which its test code never uses. Discriminator: `main.i`, `conv1` for scores, `conv2` for the label.

A label is [c_1 | c_2 | mask] of up to two data sets. What its numbers stand for is in no file.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError
from torch import Tensor

from unpaired.config import explain
from unpaired.data.labelling import Labelling
from unpaired.data.labels import BINARY, Attribute
from unpaired.errors import ConfigError, ForeignFile
from unpaired.images import Fit
from unpaired.interop.found import Found
from unpaired.networks import specs

ORIGIN = "yunjey's StarGAN"
IMAGES = "RGB from -1 to 1, as all networks here"
SIZE = 128
"""Pixels of its images, unless it is told otherwise."""
FIT: Fit = "crop"
"""How pictures are brought to that size: its code cuts out their middle."""


class Labels(NamedTuple):
    """What the numbers of a label stand for. sets: of each data set the attributes, in the order of the numbers; told: where
    that is known from, in words.
    """

    sets: tuple[tuple[Attribute, ...], ...]
    told: str

    @property
    def labelling(self) -> Labelling:
        attributes = tuple(attribute for one in self.sets for attribute in one)
        known, start = [], 0
        for one in self.sets:
            known.append(tuple(range(start, start + len(one))))
            start += len(one)
        return Labelling(attributes, tuple(known))

    @property
    def example(self) -> str:
        """A change, as the command line takes it."""
        attribute = self.sets[0][0]
        return f"{attribute.name}={attribute.values[-1]}"

    def lines(self) -> list[str]:
        """The attributes with their numbers, for people."""
        lines, start = [f"  label: {self.told}"], 1
        for attribute, part in self.labelling.parts():
            where = f"{start}" if part.stop == start else f"{start} to {part.stop}"
            lines.append(f"    {where}: {attribute.name} ({', '.join(attribute.values)})")
            start = part.stop + 1
        if len(self.sets) > 1:
            lines.append(f"    {start} to {self.labelling.length}: which of {len(self.sets)} data sets the label speaks of")
        return lines


def _yes_no(name: str) -> Attribute:
    return Attribute(name=name, values=BINARY, binary=True)


CELEBA = (Attribute(name="hair", values=("black", "blond", "brown")), _yes_no("male"), _yes_no("young"))
"""As --selected_attrs has them; its code sets one of the three hair colours at a time."""
RAFD = (
    Attribute(
        name="expression",
        values=("angry", "contemptuous", "disgusted", "fearful", "happy", "neutral", "sad", "surprised"),
    ),
)
"""Folders in the order of their names."""
KNOWN = {
    5: Labels((CELEBA,), "5 numbers, assumed to be CelebA's as its code selects them by default"),
    8: Labels((RAFD,), "8 numbers, assumed to be RaFD's expressions in the order of their folders' names"),
    15: Labels((CELEBA, RAFD), "15 numbers, assumed to be CelebA's 5, RaFD's 8 and the mask, as by its --dataset Both"),
}
"""By the length of a label."""


def recognise(weights: Mapping[str, Tensor], *, size: int | None) -> Found | None:
    """The network that has these weights, None where it is none of this project's. ForeignFile where it is damaged.

    size: of the images in pixels; None for 128, or what the discriminator was made for.
    """
    if any(re.fullmatch(r"main\.\d+\.main\.\d+\.weight", key) for key in weights):
        return _generator(weights, size or SIZE)
    if weights.keys() >= {"main.0.weight", "conv1.weight", "conv2.weight"}:
        return _discriminator(weights, size)
    return None


def _generator(weights: Mapping[str, Tensor], size: int) -> Found:
    blocks = sorted({int(match[1]) for key in weights if (match := re.match(r"main\.(\d+)\.main\.", key))})
    last = max((int(match[1]) for key in weights if (match := re.fullmatch(r"main\.(\d+)\.weight", key))), default=0)
    width, seen = _tensor(weights, "main.0.weight").shape[:2]
    channels = _tensor(weights, f"main.{last}.weight").shape[0]
    if seen <= channels:
        raise ForeignFile(f"it looks like a generator of {ORIGIN}, but its first layer sees {seen} channels: no label")
    return Found(
        origin=ORIGIN,
        images=IMAGES,
        spec=specs.StarGANGenerator(width=width, blocks=len(blocks), downs=min(5, max(0, blocks[0] // 3 - 1))),
        shape=(channels, size, size),
        target=(channels, size, size),
        numbers=seen - channels,
        theirs=lambda name: name.replace("layers.", "main.").replace(".change.", ".main."),
    )


def _discriminator(weights: Mapping[str, Tensor], size: int | None) -> Found:
    layers = sum(re.fullmatch(r"main\.\d+\.weight", key) is not None for key in weights)
    width, channels = _tensor(weights, "main.0.weight").shape[:2]
    numbers, _, height, across = _tensor(weights, "conv2.weight").shape
    made_for = height << layers
    if layers > 8 or height != across:
        raise ForeignFile(
            f"it looks like a discriminator of {ORIGIN}, but has {layers} layers and a last one of {height} x {across}"
        )
    if size not in (None, made_for):
        raise ForeignFile(f"its last layer is made for images of {made_for} px, found --size {size}; leave --size out")

    def theirs(name: str) -> str:
        layer, _, part = name.rpartition(".")
        if layer.startswith("convolutions."):
            return f"main.{2 * int(layer.removeprefix('convolutions.'))}.{part}"
        return f"{'conv1' if layer == 'source' else 'conv2'}.{part}"

    return Found(
        origin=ORIGIN,
        images=IMAGES,
        spec=specs.StarGANDiscriminator(width=width, layers=layers),
        shape=(channels, made_for, made_for),
        target=None,
        numbers=numbers,
        theirs=theirs,
    )


def _tensor(weights: Mapping[str, Tensor], key: str) -> Tensor:
    if key not in weights or weights[key].dim() != 4 or not weights[key].numel():
        raise ForeignFile(f"it looks like a network of {ORIGIN}, but {key} is missing or no convolution's")
    return weights[key]


def labels_of(length: int, *, answers: int | None, said: Sequence[str]) -> Labels:
    """What a generator's label of `length` numbers says.

    answers: the numbers that its discriminator answers with, None where it is not there: all but the mask. said: what the user
    told of them (see `read_labels`), none for what its authors trained with. ForeignFile where nothing is known of so many
    numbers, or what is said does not fit them; ConfigError where it cannot be read.
    """
    if answers is not None and answers > length:
        raise ForeignFile(
            f"the generator's labels have {length} numbers and the discriminator's {answers}: they are not of one training"
        )
    if said:
        found = read_labels(said)
    elif length in KNOWN and answers in (None, KNOWN[length].labelling.numbers):
        return KNOWN[length]
    else:
        mask = "" if answers in (None, length) else f" ({answers} and a mask of {length - answers})"
        raise ForeignFile(
            f"its labels have {length} numbers{mask}, and no file tells what they stand for; say it in their order, such as "
            f"--labels hair=black,blond,brown male young, or --labels FILE.toml"
        )
    labelling = found.labelling
    if labelling.length != length or answers not in (None, labelling.numbers):
        raise ForeignFile(
            f"--labels speaks of {labelling.numbers} numbers"
            + (f" and a mask of {len(found.sets)}" if len(found.sets) > 1 else "")
            + f", the files have {length}"
            + ("" if answers in (None, length) else f" ({answers} and a mask of {length - answers})")
            + "; a NAME has one number, NAME=VALUE,VALUE,... one for each value"
        )
    return found


def read_labels(said: Sequence[str]) -> Labels:
    """Labels as a person writes them, in the order of their numbers. ConfigError.

    NAME for a yes or no, NAME=VALUE,VALUE,... for one of several, "/" between data sets; or the path of a TOML file with a
    section for each: `[male]`, `[hair]` with `values`, and `set` where there are several data sets.
    """
    if len(said) == 1 and said[0].endswith(".toml"):
        return _read_file(Path(said[0]))
    sets: list[list[Attribute]] = [[]]
    for word in said:
        if word == "/":
            sets.append([])
            continue
        name, equals, values = word.partition("=")
        sets[-1].append(_attribute(name, values.split(",") if equals else None, where=f"--labels {word}"))
    return _labels(sets, where="--labels")


def _read_file(path: Path) -> Labels:
    try:
        sections = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"--labels {path} cannot be read: {error}") from None
    sets: dict[str, list[Attribute]] = {}
    for name, section in sections.items():
        strange = sorted(section.keys() - {"values", "set"}) if isinstance(section, dict) else [name]
        values, of = (section.get("values"), section.get("set", "")) if not strange else (None, "")
        listed = values is None or (isinstance(values, list) and all(isinstance(value, str) for value in values))
        if strange or not listed or not isinstance(of, str):
            raise ConfigError(
                f'{path}, [{name}] is {section!r}; wanted nothing (a yes or no) or values = ["...", "..."], and set = "..." '
                "where there are several data sets"
            )
        sets.setdefault(of, []).append(_attribute(name, values, where=f"{path}, [{name}]"))
    return _labels(list(sets.values()) or [[]], where=str(path))


def _attribute(name: str, values: Sequence[str] | None, *, where: str) -> Attribute:
    try:
        return _yes_no(name) if values is None else Attribute(name=name, values=tuple(map(str.strip, values)))
    except ValidationError as error:
        raise ConfigError(f"{where}: {explain(error)}; wanted NAME, or NAME=VALUE,VALUE,...") from None


def _labels(sets: Sequence[Sequence[Attribute]], *, where: str) -> Labels:
    names = [attribute.name for one in sets for attribute in one]
    twice = sorted({name for name in names if names.count(name) > 1})
    if not all(sets) or twice:
        problem = f"names {', '.join(twice)} twice" if twice else "has a data set without attributes"
        raise ConfigError(f"{where} {problem}; wanted each attribute once, and one or more for each data set")
    return Labels(tuple(map(tuple, sets)), f"as {where} says" if where.endswith(".toml") else "as --labels says")
