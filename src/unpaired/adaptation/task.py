"""What an adaptation works on, whatever its labels are: how images are read, and by which translator."""

import dataclasses
import hashlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from unpaired.adaptation.options import CHANNELS, SIZE, Pictures, Teaching
from unpaired.bundle import load_translators
from unpaired.data.image_set import ImageSet
from unpaired.data.labelled import LabelledPart
from unpaired.data.sets.table import SETS
from unpaired.errors import ConfigError, DataWarning, RunError
from unpaired.evaluation import untouched
from unpaired.games import specs
from unpaired.options import DataOptions
from unpaired.translator import Translator

SOURCE_ONLY, ON_TRANSLATED, BY_ORACLE = "source only", "on translated", "oracle"
"""What results call the three who are taught."""
FLIPS, SHEET = "label_flips.csv", "flips.png"
Result = dict[str, Any]


class Views(NamedTuple):
    """How images are read. source: as the translator sees them; shown: the same as classifiers do, with the target's channels;
    target: the target's, and translated ones.
    """

    source: DataOptions
    shown: DataOptions
    target: DataOptions


class TestedRows(NamedTuple):
    """Which of a set's images are tested on. end: those that it trains on, or holds out; apart: whether no run looks at any."""

    end: Literal["train", "test"]
    rows: slice
    apart: bool


def tested_of(one: ImageSet, *, alone: bool) -> TestedRows:
    """The rows of a set that are tested on, if they are labelled: of one that serves for nothing else (`alone`) all that it holds
    out, or simply all; of the target those of its held-out images by which no run chooses a checkpoint.
    """
    if alone:
        return TestedRows("test" if one.held_out else "train", slice(None), True)
    rows = untouched(one.test.pixels)
    return TestedRows("test", rows, bool(rows.start))


class Task(Protocol):
    """What is adapted.

    sources: the two sets as those who learn labels open them; domains: as the translator's training does. oracle: how the
    target is opened by the one whom its own labels teach; None where they teach nothing. count: images to translate.
    fingerprint: of all images and labels.
    """

    @property
    def sources(self) -> tuple[str, str]: ...
    @property
    def domains(self) -> tuple[str, str]: ...
    @property
    def views(self) -> Views: ...
    @property
    def oracle(self) -> DataOptions | None: ...
    @property
    def count(self) -> int: ...
    @property
    def fingerprint(self) -> str: ...

    def learner(self, teaching: Teaching) -> specs.GameSpec:
        """The game of those who learn labels."""

    def write(self, translator: Translator, folder: Path) -> None:
        """Write the source, translated, with its labels; `folder` appears complete or not at all."""

    def finish(self, readers: Mapping[str, Any], *, translated: Path, folder: Path) -> Result:
        """Test what has been taught, by its method; write to `folder` which labels flipped. What `result.json` holds of it."""


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


def warn_of_copies(part: LabelledPart, trained: LabelledPart, *, where: str) -> None:
    """A DataWarning where images to test on are among those that are trained on."""
    known = _contents(trained)
    both = sum(content in known for content in _contents(part))
    if both:
        warnings.warn(
            f"--test {where} and the target's training images share {both}: what is measured is too good; remove one of each",
            DataWarning,
            stacklevel=3,
        )


def _contents(part: LabelledPart) -> set[bytes]:
    return {hashlib.blake2b(pixels.tobytes(), digest_size=16).digest() for pixels in part.pixels}
