"""A bundle -> files of pytorch-CycleGAN-and-pix2pix."""

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from unpaired.bundle import load_judges, load_translators
from unpaired.config import format_choice
from unpaired.errors import ForeignFile
from unpaired.files import replacing
from unpaired.interop.cyclegan import DROPOUT, ORIGIN, their_name
from unpaired.networks import specs

NAMES = {"a_to_b": "G_A", "b_to_a": "G_B", "discriminate_b": "D_A", "discriminate_a": "D_B", "discriminate": "D"}
"""A bundle's networks by their names there: D_A judges what G_A makes. A translator that is alone is G, as in pix2pix."""
Spec = specs.ResNet | specs.UNet | specs.PatchGAN
"""What that project has too."""


@dataclass(frozen=True)
class Exported:
    """One file that was written. options: what to give that project's commands. notes: what differs there."""

    file: Path
    role: str
    options: str
    notes: tuple[str, ...]

    def lines(self) -> list[str]:
        return [f"{self.role} -> {self.file.name}", f"  options: {self.options}", *(f"  {note}" for note in self.notes)]


def export_bundle(where: Path, *, out: Path) -> list[Exported]:
    """Write a bundle's networks (or a run's) as `latest_net_G_A.pth` and so on into the folder `out`, one direction as `G`.

    ForeignFile where that project has no such network, or where a file is there already; nothing is written then. RunError
    where there is no bundle.
    """
    translators = load_translators(where)
    entries: dict[str, tuple[nn.Module, Any]] = {name: (each.network, each.spec) for name, each in translators.items()}
    entries |= {name: (judge.network, judge.spec) for name, judge in load_judges(where).items()}
    planned: dict[Path, tuple[Exported, OrderedDict[str, Tensor]]] = {}
    for role, (network, spec) in entries.items():
        file = out / f"latest_net_{'G' if [role] == list(translators) else NAMES[role]}.pth"
        if file.exists():
            raise ForeignFile(f"{file} is there already; give another folder with --out")
        try:
            state = _state(network, spec)
        except ForeignFile as error:
            raise ForeignFile(f"{role} of {where}: {error}") from None
        planned[file] = Exported(file, role, _options(spec), _notes(spec)), state
    out.mkdir(parents=True, exist_ok=True)
    for file, (_, state) in planned.items():
        with replacing(file) as temporary:
            torch.save(state, temporary)
    return [exported for exported, _ in planned.values()]


def _state(network: nn.Module, spec: Spec) -> OrderedDict[str, Tensor]:
    """Their state_dict of our network. ForeignFile where they have no such network."""
    match spec:
        case specs.ResNet() if spec.downs != 2:
            raise ForeignFile(f"a ResNet of {ORIGIN} halves twice, this one has downs={spec.downs}")
        case specs.UNet() if spec.downs < 5:
            raise ForeignFile(f"a U-Net of {ORIGIN} has 5 downs or more, this one has {spec.downs}")
        case specs.ResNet() | specs.UNet() | specs.PatchGAN():
            pass
        case _:
            raise ForeignFile(f"{ORIGIN} has no network like {format_choice(spec)}; it has ResNets, U-Nets and PatchGANs")
    state = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    layers = dict(network.named_modules())
    if spec.norm in ("none", "instance-affine"):  # there they have fewer biases
        for name in [name for name, layer in layers.items() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]:
            if f"{name}.bias" in state and not _has_bias(name, spec):
                before, _, index = name.rpartition(".")
                norm = index.isdecimal() and isinstance(layers.get(f"{before}.{int(index) + 1}"), nn.GroupNorm)
                if state.pop(f"{name}.bias").any() and not norm:  # a norm takes it away again
                    raise ForeignFile(f"{ORIGIN} has no bias in the layer {their_name(spec, name + '.')[:-1]} with this norm")
    if spec.norm == "instance-affine":
        for name, layer in layers.items():
            if isinstance(layer, nn.GroupNorm):
                state[f"{name}.running_mean"] = torch.zeros(layer.num_channels)
                state[f"{name}.running_var"] = torch.ones(layer.num_channels)
                state[f"{name}.num_batches_tracked"] = torch.tensor(0)
    return OrderedDict((their_name(spec, name), value) for name, value in state.items())


def _has_bias(name: str, spec: Spec) -> bool:
    """Whether that convolution has a bias there without instance norm: the last ones have, a PatchGAN's first has too."""
    match spec:
        case specs.ResNet():
            return name == f"layers.{3 * spec.downs + 4 + spec.blocks + 3 * spec.downs + 1}"
        case specs.UNet():
            return name == f"ups.{spec.downs - 1}.1"
    return name == "stages.0.0" or (name == "score" and spec.layers > 0)


def _options(spec: Spec) -> str:
    norm = {"batch-by-image": "batch", "instance-affine": "batch"}.get(spec.norm, spec.norm)
    match spec:
        case specs.ResNet():
            kind, width = f"resnet_{spec.blocks}blocks", f"--ngf {spec.width}"
        case specs.UNet():
            kind, width = f"unet_{2**spec.downs}", f"--ngf {spec.width}"
        case specs.PatchGAN():
            kind = f"n_layers --n_layers_D {spec.layers}" if spec.layers else "pixel"
            return f"--netD {kind} --ndf {spec.width} --norm {norm}"
    return f"--netG {kind} {width} --norm {norm}{'' if spec.dropout else ' --no_dropout'}"


def _notes(spec: Spec) -> tuple[str, ...]:
    """What differs there."""
    notes = []
    if spec.norm == "instance-affine":
        notes.append("affine instance norms are written as batch norms, which do the same to a single image without --eval")
    if isinstance(spec, specs.ResNet | specs.UNet) and spec.norm == "batch":
        notes.append("its batch norms translate by the statistics of training there with --eval alone")
    if isinstance(spec, specs.ResNet | specs.UNet) and spec.dropout not in (0, DROPOUT):
        notes.append(f"dropout is {DROPOUT} there, here it is {spec.dropout:g}")
    if isinstance(spec, specs.ResNet) and spec.blocks not in (6, 9):
        notes.append(f"the command line there knows 6 and 9 blocks; build ResnetGenerator(..., n_blocks={spec.blocks})")
    if isinstance(spec, specs.UNet) and spec.downs not in (7, 8):
        notes.append(f"the command line there knows 7 and 8 downs; build UnetGenerator(..., num_downs={spec.downs})")
    return tuple(notes)
