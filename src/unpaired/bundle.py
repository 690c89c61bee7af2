"""What a trained run leaves, kept in a folder: translators between two domains, one of attributes, samplers, classifiers,
segmenters, autoencoders.

A bundle is a folder: `config.json` (architecture, shapes, how pictures are fitted, where it comes from), one
`*.safetensors` for each network, and `card.md`; imported ones keep their discriminators too. No pickle. `KINDS` has every kind of
thing that can be kept.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from unpaired import config, images
from unpaired.attribute_translator import AttributeTranslator
from unpaired.data.labelling import Labelling
from unpaired.data.labels import Attribute
from unpaired.errors import ConfigError, RunError
from unpaired.files import replacing
from unpaired.networks import specs
from unpaired.networks.build import (
    Shape,
    autoencoder,
    discriminator,
    generator,
    label_discriminator,
    label_generator,
    noise_generator,
    segmenter,
)
from unpaired.networks.build import judge as image_judge
from unpaired.products import Autoencoder, Classifier, Noise, Sampler, Segmenter
from unpaired.translator import Translator

FORMAT = 1
Product = Translator | AttributeTranslator | Sampler | Classifier | Segmenter | Autoencoder
"""What a game leaves; see `KINDS`."""


ATTRIBUTES = "attributes"
"""The name of a translator of attributes in its bundle."""


class Judge(NamedTuple):
    """A discriminator of samples of `shape`, by the spec that it was built from."""

    network: nn.Module
    spec: specs.Discriminator
    shape: Shape


def save_bundle(
    folder: Path,
    remains: Mapping[str, Product],
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
    for name, product in remains.items():
        entries[name] = _saved(folder, name, product) | {"fit": fit, "background": background}
        source, target = ranges[::-1] if name == "b_to_a" else ranges
        entries[name] |= {} if source is None else {"source_range": list(source)}
        entries[name] |= {} if target is None else {"target_range": list(target)}
    _replace(folder / "card.md", card.encode())
    values: dict[str, Any] = {"format": FORMAT, "translators": entries, "about": dict(about)}
    for name, judge in (judges or {}).items():
        _save_weights(folder, name, judge.network)
        entry = {"network": config.to_dict(judge.spec), "shape": list(judge.shape), "weights": f"{name}.safetensors"}
        values.setdefault("judges", {})[name] = entry
    _replace(folder / "config.json", json.dumps(values, indent=2).encode())


def load_bundle(where: str | Path, *, device: str = "cpu") -> dict[str, Product]:
    """What a bundle, or a run's folder, keeps, by name, the first what it is about: translators by direction, "attributes",
    "sampler" and so on. RunError where there is none or it is damaged, ConfigError where the device cannot be used.
    """
    folder, values = _read_config(where)
    _require_device(device)
    try:
        return {name: _loaded(folder, entry, device) for name, entry in values["translators"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{folder / 'config.json'} is damaged: {error!r}") from None


def load_translators(where: str | Path, *, device: str = "cpu") -> dict[str, Translator]:
    """The translators between two domains that a bundle, or a run's folder, keeps, by direction. RunError as `load_bundle`, and
    where it keeps others.
    """
    remains = load_bundle(where, device=device)
    others = [name for name, product in remains.items() if not isinstance(product, Translator)]
    if others:
        raise RunError(f"{where} keeps {', '.join(others)}; wanted translators between two domains")
    return {name: product for name, product in remains.items() if isinstance(product, Translator)}


def load_judges(where: str | Path) -> dict[str, Judge]:
    """The discriminators that a bundle keeps, most have none. RunError where there is no bundle or it is damaged."""
    folder, values = _read_config(where)
    try:
        return {name: _load_judge(folder, entry) for name, entry in values.get("judges", {}).items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{folder / 'config.json'} is damaged: {error!r}") from None


def bundle_attributes(where: str | Path) -> tuple[Attribute, ...]:
    """What the translator of attributes in a bundle, or a run's, can change; nothing where it keeps none. RunError where there is
    no bundle.
    """
    folder, values = _read_config(where)
    told = values["translators"].get(ATTRIBUTES, {}).get("attributes", [])
    return tuple(config.from_dict(Attribute, one, where=str(folder / "config.json")) for one in told)


def bundle_about(where: str | Path) -> dict[str, Any]:
    """What a bundle, or a run's, says of its origin: its run, the step, the held-out error. RunError where there is none."""
    return dict(_read_config(where)[1].get("about", {}))


def load(where: str | Path, *, direction: str = "a_to_b", part: str | None = None, device: str = "cpu") -> Any:
    """What a run's folder or a bundle is about: the `Translator` of one direction, an `AttributeTranslator`, a `Sampler`, a
    `Classifier`, a `Segmenter` or an `Autoencoder`. part: one of several things by its name, such as "classifier" beside a
    sampler.

    RunError where there is none, ConfigError where the device cannot be used here.
    """
    remains = load_bundle(where, device=device)
    if part is None:
        translates = all(isinstance(product, Translator) for product in remains.values())
        part = direction if translates else next(iter(remains))
    if part not in remains:
        does = "translates" if part == direction else "keeps"
        raise RunError(f"{where} {does} {' and '.join(remains) or 'nothing'}, not '{part}'")
    return remains[part]


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


def _saved(folder: Path, name: str, product: Product) -> dict[str, Any]:
    """Write the weights of a product; its entry in `config.json`."""
    kind, how = next((kind, how) for kind, how in KINDS.items() if isinstance(product, how.product))
    _save_weights(folder, name, product.network)
    entry: dict[str, Any] = {"kind": kind, "network": config.to_dict(product.spec), "weights": f"{name}.safetensors"}
    return entry | how.entry(folder, name, product)


def _loaded(folder: Path, entry: Mapping[str, Any], device: str) -> Product:
    former = "attributes" if "attributes" in entry else "translator"  # in bundles that do not say
    kind = entry.get("kind", former)
    if kind not in KINDS:
        raise RunError(f"{folder} keeps a '{kind}', this version knows {', '.join(KINDS)}; upgrade unpaired")
    return KINDS[kind].load(folder, entry, device)


def _translator_entry(folder: Path, name: str, product: Translator) -> dict[str, Any]:
    return {"source": list(product.source), "target": list(product.target)}


def _attributes_entry(folder: Path, name: str, product: AttributeTranslator) -> dict[str, Any]:
    labelling = product.labelling
    entry: dict[str, Any] = {
        "shape": list(product.shape),
        "attributes": [config.to_dict(attribute) for attribute in labelling.attributes],
        "known": [list(known) for known in labelling.known],
        "mask": labelling.mask,
    }
    if product.reader is not None:
        _save_weights(folder, f"{name}-reader", product.reader)
        entry["reader"] = {"network": config.to_dict(product.reader_spec), "weights": f"{name}-reader.safetensors"}
    return entry


def _sampler_entry(folder: Path, name: str, product: Sampler) -> dict[str, Any]:
    return {"shape": list(product.shape), "noise": product.noise._asdict(), "classes": list(product.classes)}


def _classifier_entry(folder: Path, name: str, product: Classifier) -> dict[str, Any]:
    return {
        "shape": list(product.shape),
        "classes": list(product.classes),
        "generated": product.generated,
        "source": product.source,
    }


def _segmenter_entry(folder: Path, name: str, product: Segmenter) -> dict[str, Any]:
    return {"shape": list(product.shape), "classes": list(product.classes)}


def _autoencoder_entry(folder: Path, name: str, product: Autoencoder) -> dict[str, Any]:
    return {"shape": list(product.shape)}


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


def _load_attributes(folder: Path, entry: Mapping[str, Any], device: str) -> AttributeTranslator:
    where, shape = str(folder / "config.json"), tuple(entry["shape"])
    attributes = tuple(config.from_dict(Attribute, values, where=where) for values in entry["attributes"])
    labelling = Labelling(attributes, tuple(map(tuple, entry["known"])), entry["mask"])
    spec = config.from_dict(specs.StarGANGenerator, entry["network"], where=where)
    network = label_generator(spec, shape, labelling.length)
    _load_weights(folder / entry["weights"], network)
    reader = reader_spec = None
    if "reader" in entry:
        reader_spec = config.from_dict(specs.StarGANDiscriminator, entry["reader"]["network"], where=where)
        reader = label_discriminator(reader_spec, shape, labelling.numbers)
        _load_weights(folder / entry["reader"]["weights"], reader)
        reader.to(device).eval()
    return AttributeTranslator(
        network.to(device).eval(),
        spec=spec,
        shape=shape,
        labelling=labelling,
        reader=reader,
        reader_spec=reader_spec,
        fit=entry["fit"],
        background=entry["background"],
        value_range=_range(entry.get("source_range")),
    )


def _range(values: Any) -> images.ValueRange | None:
    """A value range as JSON has it; bundles of pictures, and all of earlier versions, have none."""
    if values is None:
        return None
    if not isinstance(values, list) or len(values) != 2:
        raise TypeError(f"a value range {values!r}; wanted two numbers")
    return float(values[0]), float(values[1])


def _load_sampler(folder: Path, entry: Mapping[str, Any], device: str) -> Sampler:
    spec = config.from_dict(specs.AnyNoiseGenerator, entry["network"], where=str(folder / "config.json"))
    shape, noise, classes = tuple(entry["shape"]), Noise(**entry["noise"]), entry["classes"]
    network = noise_generator(spec, shape, noise=noise.size, condition=len(classes))
    _load_weights(folder / entry["weights"], network)
    return Sampler(network.to(device).eval(), spec=spec, shape=shape, noise=noise, classes=classes)


def _load_classifier(folder: Path, entry: Mapping[str, Any], device: str) -> Classifier:
    spec = config.from_dict(specs.Judge, entry["network"], where=str(folder / "config.json"))
    shape, classes, generated, source = tuple(entry["shape"]), entry["classes"], entry["generated"], entry["source"]
    network = image_judge(spec, shape, source=source, classes=len(classes) + generated)
    _load_weights(folder / entry["weights"], network)
    return Classifier(
        network.to(device).eval(),
        spec=spec,
        shape=shape,
        classes=classes,
        generated=generated,
        source=source,
        fit=entry["fit"],
        background=entry["background"],
    )


def _load_segmenter(folder: Path, entry: Mapping[str, Any], device: str) -> Segmenter:
    spec = config.from_dict(specs.SmallUNet, entry["network"], where=str(folder / "config.json"))
    shape, classes = tuple(entry["shape"]), entry["classes"]
    network = segmenter(spec, shape, classes=len(classes))
    _load_weights(folder / entry["weights"], network)
    network = network.to(device).eval()
    return Segmenter(network, spec=spec, shape=shape, classes=classes, fit=entry["fit"], background=entry["background"])


def _load_autoencoder(folder: Path, entry: Mapping[str, Any], device: str) -> Autoencoder:
    spec = config.from_dict(specs.Autoencoder, entry["network"], where=str(folder / "config.json"))
    network = autoencoder(spec, tuple(entry["shape"]))
    _load_weights(folder / entry["weights"], network)
    return Autoencoder(
        network.to(device).eval(),
        spec=spec,
        shape=tuple(entry["shape"]),
        fit=entry["fit"],
        background=entry["background"],
    )


class Kind(NamedTuple):
    """How a kind of thing is kept. entry: what `config.json` says of one in (folder, name), besides its network and weights; it
    writes further networks. load: the thing that an entry of a folder stands for, on a device.
    """

    product: type
    entry: Callable[[Path, str, Any], dict[str, Any]]
    load: Callable[[Path, Mapping[str, Any], str], Product]


KINDS: Mapping[str, Kind] = {
    "translator": Kind(Translator, _translator_entry, _load_translator),
    "attributes": Kind(AttributeTranslator, _attributes_entry, _load_attributes),
    "sampler": Kind(Sampler, _sampler_entry, _load_sampler),
    "classifier": Kind(Classifier, _classifier_entry, _load_classifier),
    "segmenter": Kind(Segmenter, _segmenter_entry, _load_segmenter),
    "autoencoder": Kind(Autoencoder, _autoencoder_entry, _load_autoencoder),
}


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
