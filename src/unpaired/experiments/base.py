"""Experiments as data, and what running one leaves: `results/NAME/result.json` and figures.

An experiment names its claims beforehand. Each is checked against what was measured, and written down with its verdict
whether it holds or not.
"""

import contextlib
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from unpaired import runs
from unpaired.bundle import Product
from unpaired.engine import checkpoint
from unpaired.engine.journal import ended, minutes
from unpaired.engine.runtime import machine
from unpaired.errors import ConfigError, RunError, meant
from unpaired.files import write_json
from unpaired.games import specs, table
from unpaired.options import DataOptions, Training
from unpaired.run_config import load_config
from unpaired.version import commit

Size = Literal["quick", "default", "paper"]
SIZES: tuple[Size, ...] = ("quick", "default", "paper")
Metrics = dict[str, Any]
ProductT = TypeVar("ProductT", bound=Product)


class Claim(NamedTuple):
    """Something that a paper says, or that is wanted, as a test on the metrics.

    statement: in words. source: who says so. wanted: in words, with the numbers. measure: what of the metrics it is about, None
    where this was not measured (then the claim is not judged at all). holds: the verdict on that.
    """

    statement: str
    source: str
    wanted: str
    measure: Callable[[Metrics], Any]
    holds: Callable[[Any], bool]


class Reused(NamedTuple):
    """A training that an experiment rests on. minutes_before: what earlier sessions spent on it; commit: of its start."""

    minutes_before: float
    commit: str


class Lab(NamedTuple):
    """Where an experiment works.

    results: its own folder, for figures. runs: trainings, kept and taken up again. trainings: those that it rests on.
    data: the user's own images, for experiments that want them.
    """

    results: Path
    runs: Path
    size: Size
    trainings: list[Reused]
    data: Path | None = None


@dataclass(frozen=True)
class Experiment:
    """A paper's experiment.

    about: a line. run: does the work in a lab and returns metrics (JSON-able). claims: checked afterwards. deviations: from
    the paper or its authors' code, with reasons. seeds: of each size; one, 0, where nothing is said. budget: of each size, in
    words. sizes: those that it has. wants: what the folder of the user's own images has to hold, and whose images these are; ""
    where it brings its own.
    """

    name: str
    about: str
    paper: str
    run: Callable[[Lab], Metrics]
    claims: tuple[Claim, ...]
    deviations: tuple[str, ...]
    seeds: Mapping[Size, tuple[int, ...]] = field(default_factory=lambda: {size: (0,) for size in SIZES})
    budget: Mapping[Size, str] = field(default_factory=dict)
    sizes: tuple[Size, ...] = SIZES
    wants: str = ""


def reproduce(experiment: Experiment, *, size: Size, out: Path, runs: Path, data: Path | None = None) -> dict[str, Any]:
    """Run an experiment; write and return its result. `result.json` is replaced only when everything has been measured.

    The default size is written to `out/NAME`, others to `out/NAME-SIZE`. Trainings stay under `runs`: a reproduction that
    was cut off goes on where it was. data: the user's own images, where the experiment wants them. ConfigError where it does
    and there are none, where it does not, or where it has no such size.
    """
    if experiment.wants and data is None:
        raise ConfigError(
            f"{experiment.name} runs on your own copy of its images, which no package carries; give --data FOLDER (or a zip): "
            f"{experiment.wants}"
        )
    if data is not None and not experiment.wants:
        raise ConfigError(f"{experiment.name} brings its own images, found --data {data}; leave it out")
    if size not in experiment.sizes:
        offered = " or ".join(f"--size {name}" for name in experiment.sizes)
        raise ConfigError(f"{experiment.name} has no size '{size}'; give {offered}")
    folder = out / (experiment.name if size == "default" else f"{experiment.name}-{size}")
    folder.mkdir(parents=True, exist_ok=True)
    began, at = time.monotonic(), commit()
    lab = Lab(folder, runs, size, [], data)
    try:
        metrics = experiment.run(lab)
    except BaseException:
        with contextlib.suppress(OSError):  # there are figures in it
            folder.rmdir()
        raise
    result = {
        "experiment": experiment.name,
        "about": experiment.about,
        "paper": experiment.paper,
        "command": f"unpaired reproduce {experiment.name}"
        + ("" if size == "default" else f" --size {size}")
        + ("" if data is None else " --data FOLDER"),
        "size": size,
        "budget": experiment.budget.get(size, ""),
        "commit": at,
        "trained_at": sorted({training.commit for training in lab.trainings}),
        "seeds": list(experiment.seeds.get(size, ())),
        "versions": {name: metadata.version(name) for name in ("unpaired", "torch", "numpy", "pillow")}
        | {"python": platform.python_version()},
        "machine": machine(),
        "minutes": round((time.monotonic() - began) / 60 + sum(training.minutes_before for training in lab.trainings), 1),
        "deviations": list(experiment.deviations),
        "metrics": metrics,
        "claims": [verdict for verdict in (_verdict(claim, metrics) for claim in experiment.claims) if verdict is not None],
    }
    write_json(folder / "result.json", result)
    return result


def find(table: Mapping[str, Experiment], name: str) -> Experiment:
    """The experiment of that name. ConfigError with the names there are."""
    if name not in table:
        raise ConfigError(f"no experiment '{name}'{meant(name, table)}; there are: {', '.join(table)}")
    return table[name]


def trained(
    lab: Lab,
    name: str,
    *,
    source: str | Path | tuple[str, ...],
    game: specs.GameSpec,
    data: DataOptions,
    training: Training,
) -> Path:
    """The folder of a finished run below the lab's; trained now, or taken up where it was cut off, if it is not there yet.

    name: of its folder, with "/" between folders; source: one, or several. RunError where the folder holds a run of other options
    or images.
    """
    folder, sources = lab.runs / name, source if isinstance(source, tuple) else (source,)
    before = minutes(folder)
    begun = (folder / "config.json").exists()
    if not begun:
        runs.train(*sources, out=folder, game=game, data=data, training=training)
    run = load_config(folder)
    if (run.game, run.data, run.training) != (game, data, training):
        raise RunError(f"{folder} was trained with other options than this experiment's; remove it, or choose another --runs")
    asked = [(str(one), str(Path(one).absolute())) for one in sources]
    if len(run.sources) != len(asked) or any(found not in either for found, either in zip(run.sources, asked, strict=True)):
        wanted = ", ".join(map(str, sources))
        raise RunError(f"{folder} was trained on {', '.join(run.sources)}, not on {wanted}; remove it, or choose another --runs")
    if not ended(folder):
        runs.resume(folder)
    elif begun:
        runs.same_data(run, folder)
    lab.trainings.append(Reused(before, run.commit))
    return folder


def as_it_ended(folder: Path, name: str, kind: type[ProductT]) -> ProductT:
    """What a finished run ended with under a name (the moving average of its weights, where there is one), not its best
    checkpoint, which held-out images chose.
    """
    run = load_config(folder)
    tensors, _ = checkpoint.load(folder / "checkpoints" / "last.safetensors")
    game = table.build(run.game, seed=run.training.seed, **runs.open_data(run).samples())
    averages = {name.removeprefix("module."): value for name, value in checkpoint.under(tensors, "average").items()}
    averages.pop("n_averaged", None)
    game.load_state_dict(checkpoint.under(tensors, "game") | averages)
    found = game.eval().remains()[name]
    assert isinstance(found, kind)
    return found


def _verdict(claim: Claim, metrics: Metrics) -> dict[str, Any] | None:
    measured = claim.measure(metrics)
    if measured is None:
        return None
    return {
        "statement": claim.statement,
        "source": claim.source,
        "measured": measured,
        "wanted": claim.wanted,
        "holds": bool(claim.holds(measured)),
    }
