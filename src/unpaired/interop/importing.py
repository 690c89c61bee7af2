"""Files of other projects -> a bundle."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from torch import nn

from unpaired import config
from unpaired.attribute_translator import AttributeTranslator
from unpaired.bundle import ATTRIBUTES, Judge, Product, save_bundle
from unpaired.errors import ConfigError, ForeignFile
from unpaired.images import Fit
from unpaired.interop import cyclegan, discogan, pickles, stargan
from unpaired.interop.found import Found, unwrapped
from unpaired.networks import specs
from unpaired.translator import Translator

Dropout = Literal["auto", "on", "off"]
FIT: Fit = "resize"
"""How pictures are brought to the size of networks between two domains: all these projects squeeze or stretch them."""
READER = "reader"
"""The role of a StarGAN's discriminator, which says what an image's attributes are."""

NAMES = (
    (
        r"(?P<stamp>.*_)?net_(?P<role>G_A|G_B|G|D_A|D_B|D)\.pth",
        {"G_A": "a_to_b", "G_B": "b_to_a", "G": "a_to_b", "D_A": "discriminate_b", "D_B": "discriminate_a", "D": "discriminate"},
    ),
    (
        r"(?P<role>G_AB|G_BA|D_A|D_B)_(?P<stamp>\d+)\.pth",
        {"G_AB": "a_to_b", "G_BA": "b_to_a", "D_A": "discriminate_a", "D_B": "discriminate_b"},
    ),
    (
        r"model_(?P<role>gen_A|gen_B|dis_A|dis_B)-(?P<stamp>[\d.]+)",
        {"gen_B": "a_to_b", "gen_A": "b_to_a", "dis_A": "discriminate_a", "dis_B": "discriminate_b"},
    ),
    (r"(?P<stamp>\d+)-(?P<role>G|D)\.ckpt", {"G": ATTRIBUTES, "D": READER}),
)
"""How each project names its files, and what each is here.

In pytorch-CycleGAN-and-pix2pix D_A judges what G_A makes, which lies in B. SKTBrain's generator_B translates A to B.
"""


@dataclass(frozen=True)
class Imported:
    """One network of a bundle that was made of a file: `role` is `a_to_b`, `discriminate_b`, `attributes`, ... sha256: the
    file's. labels: what its label says, of a generator that has one.
    """

    file: Path
    role: str
    found: Found
    network: nn.Module
    whole: bool
    sha256: str
    labels: stargan.Labels | None = None

    def lines(self) -> list[str]:
        """What it is and how it will be used, for people."""
        parameters = sum(parameter.numel() for parameter in self.network.parameters())
        lines = [f"{self.file.name} -> {self.role}", f"  {self.found.describe()}; {parameters:,} parameters"]
        lines.append(f"  images: {self.found.images}; {' x '.join(map(str, self.found.shape[1:]))} px")
        spec = self.found.spec
        if isinstance(spec, specs.ResNet | specs.UNet) and spec.norm == "batch-by-image":
            lines.append("  batch norms translate by each image's own statistics, as their test.py does without --eval")
        if isinstance(spec, specs.UNet):
            state = "assumed, at translation too, as in pix2pix" if spec.dropout else "assumed to have been off"
            lines.append(f"  dropout leaves no trace in a U-Net's file: {state}")
        if isinstance(spec, specs.EncoderDecoder):
            lines.append("  batch norms translate by the running statistics of training")
        if self.whole:
            lines.append("  a whole pickled module: its weights were read, none of its code was run")
        return [*lines, *(self.labels.lines() if self.labels else ())]


def import_files(
    paths: Sequence[Path],
    *,
    out: Path | None = None,
    size: int | None = None,
    statistics: cyclegan.Statistics = "image",
    dropout: Dropout = "auto",
    labels: Sequence[str] = (),
) -> tuple[Path, list[Imported]]:
    """Make a bundle of networks that other projects saved; answers with its folder and what is in it.

    paths: a file, whose companions beside it (the other direction, the discriminators) come along; several files, which are
    taken alone; or a folder of checkpoints, of which the latest are taken. out: the bundle's new folder; None for `bundle`
    beside the files. size: of the images in pixels, which no file tells; None for what the architecture was made for.
    statistics: what batch norms of pytorch-CycleGAN-and-pix2pix translate by: "image", each image's own, as its test.py does, or
    "running", those of training. dropout: whether a U-Net has its noise; "auto" for yes, unless its file is named G_A or G_B.
    labels: what the numbers of a StarGAN's label stand for (see `stargan.read_labels`); none for what its authors trained with.
    ForeignFile where a file is nothing that can be read here, or where two files claim one role; nothing is written then.
    """
    files = _files(paths)
    out = out or next(iter(files)).parent / "bundle"
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ForeignFile(f"{out} is there already; give another folder with --out")
    imported: dict[str, Imported] = {}
    for file, role in files.items():
        entry = _import(file, role, size=size, statistics=statistics, dropout=dropout)
        if entry.role in imported:
            raise ForeignFile(f"{imported[entry.role].file} and {file} are both {entry.role}; give one of them")
        imported[entry.role] = entry
    if ATTRIBUTES in imported or READER in imported:
        imported = _labelled(imported, labels)
    elif labels:
        raise ConfigError(f"--labels is for StarGAN's networks, found {', '.join(imported)}; leave it out")
    _save(out, list(imported.values()))
    return out, list(imported.values())


def _import(path: Path, role: str | None, *, size: int | None, statistics: cyclegan.Statistics, dropout: Dropout) -> Imported:
    saved = pickles.read(path)
    weights = unwrapped(saved.weights)
    cycle = re.fullmatch(r"(.*_)?net_G_[AB]\.pth", path.name) is not None
    noise = dropout == "on" or (dropout == "auto" and not cycle)
    try:
        found = stargan.recognise(weights, size=size)
        found = (
            found
            or discogan.recognise(weights)
            or cyclegan.recognise(weights, size=size, statistics=statistics, unet_noise=noise)
        )
        if found is None:
            names = ", ".join(list(weights)[:4])
            raise ForeignFile(
                f"its weights ({names}, ...) are those of no network that is known here; wanted a generator or discriminator of "
                f"{cyclegan.ORIGIN} (ResNet, U-Net, PatchGAN), {discogan.CARPEDM20}, {discogan.AUTHORS} or {stargan.ORIGIN}"
            )
        network = found.network(weights)
    except ForeignFile as error:
        raise ForeignFile(f"{path}: {error}") from None
    role = _settled(path, role, found)
    return Imported(
        file=path,
        role=role,
        found=found,
        network=network,
        whole=saved.whole,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def _settled(path: Path, role: str | None, found: Found) -> str:
    """What the network is: as its file's name says, else by its weights. ForeignFile where they do not agree."""
    judges = found.target is None
    if found.numbers is not None:
        kind, roles = f"{'discriminator' if judges else 'generator'} of StarGAN", [READER if judges else ATTRIBUTES]
    elif judges:
        kind, roles = "discriminator", ["discriminate_b", "discriminate_a", "discriminate"]
    else:
        kind, roles = "generator", ["a_to_b", "b_to_a"]
    if role is not None and role not in roles:
        raise ForeignFile(f"{path} is a {kind} by its weights, and not by its name; rename it")
    return role or roles[0]


def _labelled(imported: dict[str, Imported], said: Sequence[str]) -> dict[str, Imported]:
    """A StarGAN's networks, which have a size and know what their labels say. ForeignFile where they do not go together."""
    others = imported.keys() - {ATTRIBUTES, READER}
    if others or ATTRIBUTES not in imported:
        files = ", ".join(str(entry.file) for entry in imported.values())
        problem = "a StarGAN's networks and others" if others else "a discriminator of StarGAN alone, which changes no image"
        raise ForeignFile(f"{files}: {problem}; wanted its generator, NUMBER-G.ckpt, and its discriminator or nothing beside it")
    generator, reader = imported[ATTRIBUTES], imported.get(READER)
    try:
        labels = stargan.labels_of(
            generator.found.numbers or 0, answers=None if reader is None else reader.found.numbers, said=said
        )
    except ForeignFile as error:
        raise ForeignFile(f"{generator.file}: {error}") from None
    found = generator.found
    if reader is not None:  # which is made for one size
        found = replace(found, shape=reader.found.shape, target=reader.found.shape)
    return imported | {ATTRIBUTES: replace(generator, found=found, labels=labels)}


def _files(paths: Sequence[Path]) -> dict[Path, str | None]:
    """Each file and its role by its name, None where the name says nothing."""
    if not paths:
        raise ForeignFile(
            "no file was given; give one that another project saved, such as latest_net_G_A.pth, or a folder of them"
        )
    if len(paths) == 1 and paths[0].is_dir():
        return _latest(paths[0])
    if len(paths) == 1:
        return {paths[0]: _role(paths[0]), **_beside(paths[0])}
    folders = [path for path in paths if path.is_dir()]
    if folders:
        raise ForeignFile(f"{folders[0]} is a folder; give one folder, or files")
    return {path: _role(path) for path in paths}


def _role(path: Path) -> str | None:
    for pattern, roles in NAMES:
        if match := re.fullmatch(pattern, path.name):
            return roles[match["role"]]
    return None


def _stamp(path: Path) -> tuple[int, str] | None:
    """Which project's name a file has, and when it was saved; None where its name is of no project."""
    for project, (pattern, _) in enumerate(NAMES):
        if match := re.fullmatch(pattern, path.name):
            return project, match["stamp"] or ""
    return None


def _beside(path: Path) -> dict[Path, str | None]:
    """The networks that were saved together with this one."""
    stamp = _stamp(path)
    if stamp is None:
        return {}
    together = (other for other in sorted(path.parent.glob("*")) if other != path and other.is_file() and _stamp(other) == stamp)
    return {other: _role(other) for other in together if _role(other) != _role(path)}


def _latest(folder: Path) -> dict[Path, str | None]:
    """The networks that were saved last in a folder of checkpoints."""

    def age(stamp: tuple[int, str]) -> tuple[bool, float]:
        number = re.search(r"\d+(\.\d+)?", stamp[1])
        return stamp[1].startswith("latest") or not stamp[1], float(number[0]) if number else -1.0

    stamps = {stamp for path in folder.glob("*") if path.is_file() and (stamp := _stamp(path)) is not None}
    if not stamps:
        raise ForeignFile(f"{folder} holds no files named as those of known projects, such as latest_net_G_A.pth; give the files")
    last = max(stamps, key=age)
    return {path: _role(path) for path in sorted(folder.glob("*")) if path.is_file() and _stamp(path) == last}


def _save(out: Path, imported: list[Imported]) -> None:
    by_role = {entry.role: entry for entry in imported}
    remains, judges = _domains(imported)
    fit = FIT
    if ATTRIBUTES in by_role:
        remains, fit = {ATTRIBUTES: _attributes(by_role[ATTRIBUTES], by_role.get(READER))}, stargan.FIT
    lines = [line for entry in imported for line in entry.lines()]
    files = {
        entry.role: {
            "file": entry.file.name,
            "sha256": entry.sha256,
            "project": entry.found.origin,
            "network": config.to_dict(entry.found.spec),
        }
        for entry in imported
    }
    card = "\n".join(["# Imported networks", "", "```", *lines, "```", "", "Their licence is that of whoever trained them.", ""])
    save_bundle(out, remains, judges=judges, fit=fit, background="white", about={"imported": files}, card=card)


def _domains(imported: list[Imported]) -> tuple[dict[str, Product], dict[str, Judge]]:
    """Translators between two domains, and discriminators."""
    translators: dict[str, Product] = {}
    judges = {}
    for entry in (entry for entry in imported if entry.found.numbers is None):
        found, network, spec = entry.found, entry.network, _any(entry.found.spec)
        if found.target is None:
            judges[entry.role] = Judge(network, spec, found.shape)
        else:
            translators[entry.role] = Translator(network, spec=spec, source=found.shape, target=found.target, fit=FIT)
    return translators, judges


def _attributes(generator: Imported, reader: Imported | None) -> AttributeTranslator:
    assert generator.labels is not None
    return AttributeTranslator(
        _any(generator.network),
        spec=_any(generator.found.spec),
        shape=generator.found.shape,
        labelling=generator.labels.labelling,
        reader=_any(reader.network) if reader else None,
        reader_spec=_any(reader.found.spec) if reader else None,
        fit=stargan.FIT,
    )


def _any(value: Any) -> Any:
    """What `Found` does not tell a type checker: that the network is of the kind that its role says."""
    return value
