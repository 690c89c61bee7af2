"""Everything that a run needs to go on as if nothing had happened, in one file that is replaced whole.

A safetensors file: weights and buffers under `game/`, their moving average (but of pools) under `average/`, each optimiser's
state under `optimizer/<player>/<parameter>/`, and the rest (step, seconds, ...) as JSON in the header.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from unpaired.errors import RunError
from unpaired.files import replacing


@dataclass
class Progress:
    """Where a run stands, besides its tensors."""

    step: int = 0
    """Steps made."""
    seconds: float = 0.0
    """Time spent training, over all sessions."""
    rollbacks: int = 0
    """How often the doctor brought the run back: later batches differ, and the learning rate is halved each time."""
    best: float | None = None
    """The lowest held-out error so far."""


def save(path: Path, *, tensors: Mapping[str, Tensor], progress: Progress) -> None:
    """Replace `path` whole.

    OSError where the disk is full or gone; the last good file is then still there.
    """
    ready = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path) as temporary:
        try:
            safetensors.torch.save_file(ready, temporary, metadata={"progress": json.dumps(asdict(progress))})
        except SafetensorError as error:
            raise OSError(str(error)) from None


def load(path: Path) -> tuple[dict[str, Tensor], Progress]:
    """What `save` wrote. RunError where the file is missing or damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            return tensors, Progress(**json.loads(file.metadata()["progress"]))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise RunError(f"no usable checkpoint at {path}: {error}") from None


def optimizer_tensors(optimizer: torch.optim.Optimizer, player: nn.Module, *, prefix: str) -> dict[str, Tensor]:
    """An optimiser's state by parameter name, rather than by position: it can be read and checked."""
    state = optimizer.state
    return {
        f"{prefix}/{name}/{key}": value
        for name, parameter in player.named_parameters()
        for key, value in state.get(parameter, {}).items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, player: nn.Module, tensors: Mapping[str, Tensor], *, prefix: str) -> None:
    """Give an optimiser the state that `optimizer_tensors` took."""
    for name, parameter in player.named_parameters():
        start = f"{prefix}/{name}/"
        found = {key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)}
        if found:  # on the device of their parameter, moments in its memory layout: fused kernels take both for granted
            optimizer.state[parameter] = {
                key: torch.empty_like(parameter).copy_(value)
                if value.shape == parameter.shape and value.dim()
                else value.to(parameter.device)
                for key, value in found.items()
            }


def under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors below `prefix/`, with their names from there on."""
    return {name.removeprefix(f"{prefix}/"): tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}/")}
