"""Trainings in processes of their own, forked from one that has imported torch: cheap enough to be killed often."""

import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import safetensors.torch
import torch

from unpaired import cli, runs
from unpaired.engine.trainer import Trainer

PRELOADED = ["unpaired.runs", "unpaired.report", "unpaired.cli"]
Hook = tuple[Any, ...]


class Ended(NamedTuple):
    """code: as a shell sees it, negative for a signal; says: what was written to stdout and stderr."""

    code: int
    says: str


def context() -> Any:
    """Where children come from. Its first child starts the process that they are forked from."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(PRELOADED)
    return forks


def start(
    call: Callable[..., Any],
    *arguments: Any,
    said: Path,
    hooks: Sequence[Hook] = (),
    env: Mapping[str, str] | None = None,
) -> Any:
    """A child that calls `call` (of this module) and writes what it says to `said`."""
    process = context().Process(target=_child, args=(call, arguments, said, hooks, dict(env or {})))
    process.start()
    return process


def play(call: Callable[..., Any], *arguments: Any, said: Path, hooks: Sequence[Hook] = ()) -> Ended:
    """A child, to its end."""
    process = start(call, *arguments, said=said, hooks=hooks)
    process.join(120)
    assert process.exitcode is not None, "a child hangs"
    return Ended(process.exitcode, said.read_text())


def _child(call: Callable[..., Any], arguments: Sequence[Any], said: Path, hooks: Sequence[Hook], env: dict[str, str]) -> None:
    file = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.environ.update(env)
    torch.set_num_threads(1)
    for hook, *values in hooks:
        hook(*values)
    call(*arguments)


# -- what children do --


def command(*arguments: str) -> None:
    sys.argv = ["unpaired", *arguments]
    cli.main()


def train(sources: Sequence[str], out: Path, options: dict[str, Any]) -> None:
    runs.train(*sources, out=out, **options)


def resume(out: Path) -> None:
    runs.resume(out)


# -- hooks: what befalls them --


def before(owner: Any, name: str, count: int, act: Callable[..., None], *values: Any) -> None:
    """`act(*values)` before the count-th call of `owner.name`."""
    original, calls = getattr(owner, name), 0

    def counting(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == count:
            act(*values)
        return original(*arguments, **named)

    setattr(owner, name, counting)


def at_step(count: int, act: Callable[..., None], *values: Any) -> None:
    """Before the count-th step that this child makes."""
    before(Trainer, "step", count, act, *values)


def at_move(count: int, act: Callable[..., None], *values: Any) -> None:
    """In the middle of a step: before the count-th move of any player."""
    before(torch.optim.Adam, "step", count, act, *values)


def at_rename(count: int, act: Callable[..., None], *values: Any) -> None:
    """When a file is written, and not yet in its place."""
    before(os, "replace", count, act, *values)


def torn(count: int) -> None:
    """Killed halfway through writing the count-th checkpoint."""
    original, calls = safetensors.torch.save_file, 0

    def tearing(tensors: Any, path: Path, **named: Any) -> None:
        nonlocal calls
        calls += 1
        original(tensors, path, **named)
        if calls == count:
            os.truncate(path, path.stat().st_size // 2)
            kill(signal.SIGKILL)

    safetensors.torch.save_file = tearing


def tell_weights(file: Path) -> None:
    """Write this process's own weights to `file` when its run is over."""
    original = Trainer.run

    def telling(trainer: Any, **named: Any) -> bool:
        ended = original(trainer, **named)
        safetensors.torch.save_file({name: x.contiguous() for name, x in trainer.game.state_dict().items()}, file)
        return ended

    Trainer.run = telling


def kill(number: int) -> None:
    os.kill(os.getpid(), number)


def disk(free: int) -> None:
    """No file may grow beyond `free` bytes from now on; -1: any may."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (free, resource.RLIM_INFINITY))
