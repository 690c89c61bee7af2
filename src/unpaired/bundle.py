"""What a trained run leaves: translators, kept in a folder.

A bundle is a folder: `config.json` (architecture, shapes, how pictures are fitted, where it comes from), one
`*.safetensors` for each direction, and `card.md`; imported ones keep their discriminators too. No pickle.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from unpaired import config, images
from unpaired.errors import ConfigError, RunError
from unpaired.files import replacing
from unpaired.networks import specs
from unpaired.networks.build import Shape, discriminator, generator
from unpaired.translator import Translator

FORMAT = 1


class Judge(NamedTuple):
    """A discriminator of samples of `shape`, by the spec that it was built from."""

    network: nn.Module
    spec: specs.Discriminator
    shape: Shape


def save_bundle(
    folder: Path,
    translators: Mapping[str, Translator],
    *,
    fit: images.Fit,
    background: str,
    about: Mapping[str, Any],
    card: str,
    judges: Mapping[str, Judge] | None = None,
    ranges: tuple[images.ValueRange | None, images.ValueRange | None] = (None, None),
) -> None:
    """Write a bundle. fit, background: how pictures are to be fitted, as in training; ranges: the value ranges of A and of B
    (see `DataOptions`). about (JSON-able: game, steps, data, ...) goes into `config.json` for those who come later. judges:
    discriminators to keep, such as `discriminate_b`. Each file is replaced whole, `config.json` last.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entries = {}
    for name, translator in translators.items():
        _save_weights(folder, name, translator.network)
        entries[name] = {
            "network": config.to_dict(translator.spec),
            "source": list(translator.source),
            "target": list(translator.target),
            "fit": fit,
            "background": background,
            "weights": f"{name}.safetensors",
        }
        source, target = ranges if name == "a_to_b" else ranges[::-1]
        entries[name] |= {} if source is None else {"source_range": list(source)}
        entries[name] |= {} if target is None else {"target_range": list(target)}
    _replace(folder / "card.md", card.encode())
    values: dict[str, Any] = {"format": FORMAT, "translators": entries, "about": dict(about)}
    for name, judge in (judges or {}).items():
        _save_weights(folder, name, judge.network)
        entry = {"network": config.to_dict(judge.spec), "shape": list(judge.shape), "weights": f"{name}.safetensors"}
        values.setdefault("judges", {})[name] = entry
    _replace(folder / "config.json", json.dumps(values, indent=2).encode())


def load_bundle(where: str | Path, *, device: str = "cpu") -> dict[str, Translator]:
    """The translators of a bundle, or of a run's folder, by direction. RunError where there is none or it is damaged,
    ConfigError where the device cannot be used.
    """
    folder, values = _read_config(where)
    _require_device(device)
    try:
        return {name: _load_translator(folder, entry, device) for name, entry in values["translators"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{folder / 'config.json'} is damaged: {error!r}") from None


def load_judges(where: str | Path) -> dict[str, Judge]:
    """The discriminators that a bundle keeps, most have none. RunError where there is no bundle or it is damaged."""
    folder, values = _read_config(where)
    try:
        return {name: _load_judge(folder, entry) for name, entry in values.get("judges", {}).items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{folder / 'config.json'} is damaged: {error!r}") from None


def bundle_about(where: str | Path) -> dict[str, Any]:
    """What a bundle, or a run's, says of its origin: its run, the step, the held-out error. RunError where there is none."""
    return dict(_read_config(where)[1].get("about", {}))


def load(where: str | Path, *, direction: str = "a_to_b", device: str = "cpu") -> Translator:
    """The translator of a run's folder or a bundle in one direction. RunError where there is none, ConfigError where the device
    cannot be used here.
    """
    translators = load_bundle(where, device=device)
    if direction not in translators:
        raise RunError(f"{where} translates {' and '.join(translators) or 'nothing'}, not '{direction}'")
    return translators[direction]


def _read_config(where: str | Path) -> tuple[Path, dict[str, Any]]:
    """A bundle's folder and its `config.json`; `where` may be the run's."""
    folder = Path(where)
    folder = folder / "bundle" if (folder / "bundle" / "config.json").exists() else folder
    try:
        values = dict(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise RunError(f"no trained run or bundle at {where}: {error}") from None
    if "translators" not in values:
        raise RunError(
            f"{where} is a run that has no bundle yet; let it train until its first checkpoint, or `unpaired resume {where}`"
        )
    if values.get("format") != FORMAT:
        raise RunError(f"{folder} has bundle format {values.get('format')}, this version reads {FORMAT}; upgrade unpaired")
    return folder, values


def _load_translator(folder: Path, entry: Mapping[str, Any], device: str) -> Translator:
    spec = config.from_dict(specs.Generator, entry["network"], where=str(folder / "config.json"))
    source, target = tuple(entry["source"]), tuple(entry["target"])
    network = generator(spec, source, target)
    _load_weights(folder / entry["weights"], network)
    return Translator(
        network.to(device).eval(),
        spec=spec,
        source=source,
        target=target,
        fit=entry["fit"],
        background=entry["background"],
        source_range=_range(entry.get("source_range")),
        target_range=_range(entry.get("target_range")),
    )


def _range(values: Any) -> images.ValueRange | None:
    """A value range as JSON has it; bundles of pictures, and all of earlier versions, have none."""
    if values is None:
        return None
    if not isinstance(values, list) or len(values) != 2:
        raise TypeError(f"a value range {values!r}; wanted two numbers")
    return float(values[0]), float(values[1])


def _load_judge(folder: Path, entry: Mapping[str, Any]) -> Judge:
    spec = config.from_dict(specs.Discriminator, entry["network"], where=str(folder / "config.json"))
    judge = Judge(discriminator(spec, tuple(entry["shape"])).eval(), spec, tuple(entry["shape"]))
    _load_weights(folder / entry["weights"], judge.network)
    return judge


def _require_device(device: str) -> None:
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(
            f"device '{device}' cannot be used here ({str(error).splitlines()[0]}); wanted cpu, or one that torch finds"
        ) from None


def _save_weights(folder: Path, name: str, network: nn.Module) -> None:
    weights = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    _replace(folder / f"{name}.safetensors", safetensors.torch.save(weights))


def _load_weights(path: Path, network: nn.Module) -> None:
    try:
        network.load_state_dict(safetensors.torch.load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise RunError(f"{path} is missing, damaged or not of this architecture: {error}") from None


def _replace(path: Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)
