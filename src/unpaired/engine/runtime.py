"""Where and how a run computes: device, precision, compilation, processes, randomness."""

import hashlib
import os
import platform
import shutil
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from unpaired.counting import counted
from unpaired.errors import ConfigError
from unpaired.options import Training

COMPILE_EARNS_MINUTES = 15
"""Compiling costs about a minute on two cores: worth it from this length on, where steps become markedly faster."""


@dataclass(frozen=True)
class Runtime:
    """The choices made for this run, each with its reason in `reasons` (what the console says and the journal keeps)."""

    device: torch.device
    precision: torch.dtype
    rank: int
    world: int
    reasons: dict[str, str]

    @classmethod
    def choose(cls, training: Training) -> "Runtime":
        """Follow the options; choose what they leave open. Joins the process group where torchrun started this process.

        ConfigError where an option asks for what this machine lacks.
        """
        rank, world, local = (int(os.environ.get(key, default)) for key, default in _TORCHRUN)
        if training.batch % (world * training.accumulate):
            raise ConfigError(
                f"batch {training.batch} cannot be shared by {world} processes x {training.accumulate} parts; "
                f"choose a multiple of {world * training.accumulate}"
            )
        device, why_device = choose_device(training.device, local_rank=local)
        if device.type == "cuda":
            torch.cuda.set_device(device)
        precision, why_precision = _precision(training.precision, device)
        if training.threads is not None:
            torch.set_num_threads(training.threads)
        if world > 1 and not dist.is_initialized():
            dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
        return cls(device, precision, rank, world, {"device": why_device, "precision": why_precision})

    @property
    def writes(self) -> bool:
        """Whether this process is the one that writes files and speaks."""
        return self.rank == 0

    def place(self, game: nn.Module) -> None:
        """Move a game's weights to the device; images go through convolutions channels last, which bf16 kernels want."""
        game.to(device=self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def autocast(self) -> AbstractContextManager[Any]:
        """The context of every forward pass."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.precision == torch.bfloat16)

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace each gradient by its mean over all processes: one flat all-reduce."""
        if self.world == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        dist.all_reduce(flat)
        for gradient, mean in zip(gradients, (flat / self.world).split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def agree(self, value: Any) -> Any:
        """What the writing process says, on every process: decisions that hang on clocks or signals must be one."""
        if self.world == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, device=torch.device("cpu"))  # by gloo: no GPU waits for it
        return box[0]


_TORCHRUN = (("RANK", "0"), ("WORLD_SIZE", "1"), ("LOCAL_RANK", "0"))


def seed_for(*parts: object) -> int:
    """A 63-bit seed that is a function of `parts` alone: the same on every machine and in every process."""
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()) >> 1


def compile_pays(training: Training, *, seconds_per_step: float) -> tuple[bool, str]:
    """Whether to compile, and why: asked once when a run starts, then recorded, so that a resumed run does the same."""
    if training.compile != "auto":
        return training.compile == "on", "as asked"
    minutes = training.minutes if training.steps is None else training.steps * seconds_per_step / 60
    about = "less than a minute" if not minutes or minutes < 1 else f"about {counted(round(minutes), 'minute')}"
    if minutes is None or minutes < COMPILE_EARNS_MINUTES:
        return False, f"eager: {about} of training would not earn compilation back"
    compiler = (
        os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++") or shutil.which("clang++") or shutil.which("cl")
    )
    if compiler is None:
        return False, "eager: no C++ compiler found; install one for more speed"
    return True, f"compiled: {about} of training will earn it back"


def choose_device(asked: str, *, local_rank: int = 0) -> tuple[torch.device, str]:
    """The device asked for, or for "auto" the best one here, and why. ConfigError where it cannot be used."""
    if asked == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", local_rank), "CUDA found"
        if torch.backends.mps.is_available():
            return torch.device("mps"), "Apple GPU found"
        return torch.device("cpu"), "no GPU found"
    try:
        device = torch.device(asked)
        if device.type == "cuda" and device.index is None:
            device = torch.device("cuda", local_rank)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"device '{asked}' cannot be used here ({str(error).splitlines()[0]}); use --device auto") from None
    return device, "as asked"


def _precision(asked: str, device: torch.device) -> tuple[torch.dtype, str]:
    if asked != "auto":
        return (torch.bfloat16 if asked == "bf16" else torch.float32), "as asked"
    match device.type:
        case "cuda":
            native = torch.cuda.get_device_capability(device) >= (8, 0)
        case "cpu":
            capabilities: dict[str, bool] = getattr(
                torch.cpu, "get_capabilities", dict
            )()  # older torch does not tell: float32 is safe
            native = bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("bf16"))
        case _:
            native = False
    if native:
        return torch.bfloat16, "bfloat16 in hardware"
    return torch.float32, "no bfloat16 in hardware"


def machine() -> str:
    """What computes, in words, for journals and results."""
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    cpu = torch.cpu.get_capabilities().get("cpu_name", "") if hasattr(torch.cpu, "get_capabilities") else ""
    threads = counted(torch.get_num_threads(), "thread")
    return f"{os.cpu_count()} x {cpu or platform.machine()}, {threads}{gpu}, torch {torch.__version__}"


def flat_parameters(module: nn.Module) -> list[nn.Parameter]:
    """The parameters of a player that are trained."""
    return [p for p in module.parameters() if p.requires_grad]


def total(losses: Iterable[Tensor]) -> Tensor:
    """The sum of scalars, in float32."""
    return torch.stack([loss.float() for loss in losses]).sum()
