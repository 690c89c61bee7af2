"""Which translations are asked for: one direction between two domains, or changes of attributes."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from unpaired import images
from unpaired.attribute_translator import AttributeTranslator, Settings
from unpaired.bundle import load
from unpaired.data.labelling import with_settings
from unpaired.data.labels import UNKNOWN, Attribute, parse_setting
from unpaired.data.sources import open_source
from unpaired.engine.runtime import choose_device
from unpaired.errors import ConfigError, DataError, RunError
from unpaired.framing import Framing
from unpaired.translate.plan import Existing
from unpaired.translator import Translator

MOST_COLUMNS = 16
"""Images on a sheet."""


class Changes(NamedTuple):
    """What to change of each image. wanted: "hair=blond"; has: what every image is known to have; steps: how many pictures lead
    from the image's own label (the first) to the target's (the last), None for the target alone.
    """

    wanted: Sequence[str] = ()
    has: Sequence[str] = ()
    steps: int | None = None


NONE = Changes()
"""Of translators between two domains."""


class Version(NamedTuple):
    """An answer to every image. suffix: what its file is called after the image's own name."""

    suffix: str
    translator: Translator


def versions(where: str | Path, *, direction: str | None, changes: Changes, device: str) -> list[Version]:
    """What each image is translated by. ConfigError where changes are asked of a translator between two domains or none of one
    of attributes, or for names and values that there are not; RunError where there is no such translator.
    """
    translator = load(where, direction=direction or "a_to_b", device=device)
    if not isinstance(translator, AttributeTranslator | Translator):
        kept = type(translator).__name__.lower()
        raise RunError(f"{where} keeps no translator, but a {kept}; `unpaired sample` draws from samplers")
    if not isinstance(translator, AttributeTranslator):
        if any(changes):
            raise ConfigError(f"{where} translates between two domains, found changes of attributes; use --direction")
        return [Version("", translator)]
    if direction is not None:
        raise ConfigError(f"{where} changes attributes, found --direction {direction}; leave it out")
    if not changes.wanted:
        raise ConfigError(f"{where} changes attributes: say which, such as --set {example(translator.attributes)}")
    wanted, told = _read(changes.wanted, "--set"), _read(changes.has, "--has")
    if changes.steps is None:
        return [Version("", translator.towards(wanted, told=told))]
    if changes.steps < 2:
        raise ConfigError(f"--steps {changes.steps} leads nowhere; wanted 2 or more: from the image's own label to the target's")
    shares = [step / (changes.steps - 1) for step in range(changes.steps)]
    digits = len(str(changes.steps))  # so that names sort as the pictures follow each other
    return [Version(f"-{step:0{digits}}", translator.towards(wanted, told=told, amount=x)) for step, x in enumerate(shares, 1)]


def draw_targets(
    where: str | Path,
    inputs: Sequence[str | Path],
    *,
    out: Path,
    device: str,
    changes: Changes = NONE,
    existing: Existing = "refuse",
) -> list[Path]:
    """Sheets of images (a column each, at the trained size) and of every single change of them (a row each): the files written.

    changes: only what all images have. ConfigError where there is no translator of attributes, or changes are asked for;
    DataError where an image cannot be read or there is none; RunError where a sheet is there already.
    """
    translator = load(where, device=str(choose_device(device)[0]))
    if not isinstance(translator, AttributeTranslator):
        raise ConfigError(f"{where} translates between two domains; --grid shows all values of attributes")
    if changes.wanted or changes.steps is not None:
        raise ConfigError("--grid shows every change by itself; leave --set and --steps out")
    told = translator.settings(_read(changes.has, "--has"))
    for _, settings in translator.targets():
        translator.require_readable(settings, told)
    framing = translator.pictures(translator.network).framing(fit=translator.fit, alpha="compose")
    shown = [_shown(framing, name, content) for name, content in _files(inputs)]
    if not shown:
        raise DataError("no images given; name files, folders or zips")
    sheets = [shown[at : at + MOST_COLUMNS] for at in range(0, len(shown), MOST_COLUMNS)]
    paths = [out / (f"grid-{number}.png" if len(sheets) > 1 else "grid.png") for number in range(1, len(sheets) + 1)]
    taken = [path for path in paths if path.exists()]
    if taken and existing == "refuse":
        raise RunError(f"{taken[0]} is there already; choose another --out, or --existing overwrite")
    out.mkdir(parents=True, exist_ok=True)
    wanted = {path: columns for path, columns in zip(paths, sheets, strict=True) if existing != "keep" or path not in taken}
    for path, columns in wanted.items():
        images.write(path, _sheet(translator, torch.stack(columns), told))
    return paths


def example(attributes: Sequence[Attribute]) -> str:
    """`hair=blond (hair: dark, blond; glasses: off, on)`."""
    known = "; ".join(f"{attribute.name}: {', '.join(attribute.values)}" for attribute in attributes)
    return f"{attributes[0].name}={attributes[0].values[-1]} ({known})"


def _sheet(translator: AttributeTranslator, x: Tensor, told: Settings) -> images.Pixels:
    own = with_settings(torch.full((len(x), len(translator.attributes)), UNKNOWN), told)
    rows = [("input", x)]
    rows += [(name, translator.batch(x, settings, values=own)) for name, settings in translator.targets()]
    return images.labelled_grid(rows, scale=max(1, 96 // x.shape[-1]))


def _shown(framing: Framing, name: str, content: Path | bytes) -> Tensor:
    """What the network is shown of a picture, [C, H, W]. DataError, which names it, where it cannot be read."""
    try:
        return images.to_tensor(framing.shown(framing.open(content)[0])[None])[0]
    except DataError as error:
        said = str(error).removeprefix(name).removeprefix(": ")
        raise DataError(f"{name}: {said}; leave it out, or repair it") from None


def _files(inputs: Sequence[str | Path]) -> Iterator[tuple[str, Path | bytes]]:
    for given in map(Path, inputs):
        if given.is_file() and given.suffix.lower() != ".zip":
            yield str(given), given
        else:
            source = open_source(given)
            yield from ((f"{given}/{name}", source.read(name)) for name in source.names)


def _read(settings: Sequence[str], option: str) -> Mapping[str, str]:
    pairs = [parse_setting(text) for text in settings]
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ConfigError(f"{option} names an attribute twice: {' '.join(settings)}")
    return found
