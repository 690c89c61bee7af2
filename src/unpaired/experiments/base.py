"""Experiments as data, and what running one leaves: `results/NAME/result.json` and figures.

An experiment names its claims beforehand. Each is checked against what was measured, and written down with its verdict
whether it holds or not.
"""

import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, NamedTuple

from unpaired.engine.runtime import machine
from unpaired.errors import ConfigError
from unpaired.files import write_json
from unpaired.version import commit

Size = Literal["quick", "default", "paper"]
SIZES: tuple[Size, ...] = ("quick", "default", "paper")
Metrics = dict[str, Any]


class Claim(NamedTuple):
    """Something that a paper says, or that is wanted, as a test on the metrics.

    statement: in words. source: who says so. wanted: in words, with the numbers. measure: what of the metrics it is about.
    holds: the verdict on that.
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
    """

    results: Path
    runs: Path
    size: Size
    trainings: list[Reused]


@dataclass(frozen=True)
class Experiment:
    """A paper's experiment.

    about: a line. run: does the work in a lab and returns metrics (JSON-able). claims: checked afterwards. deviations: from
    the paper or its authors' code, with reasons. seeds: of each size. budget: of each size, in words.
    """

    name: str
    about: str
    paper: str
    run: Callable[[Lab], Metrics]
    claims: tuple[Claim, ...]
    deviations: tuple[str, ...]
    seeds: Mapping[Size, tuple[int, ...]] = field(default_factory=dict)
    budget: Mapping[Size, str] = field(default_factory=dict)


def reproduce(experiment: Experiment, *, size: Size, out: Path, runs: Path) -> dict[str, Any]:
    """Run an experiment; write and return its result. `result.json` is replaced only when everything has been measured.

    The default size is written to `out/NAME`, others to `out/NAME-SIZE`. Trainings stay under `runs`: a reproduction that
    was cut off goes on where it was.
    """
    folder = out / (experiment.name if size == "default" else f"{experiment.name}-{size}")
    folder.mkdir(parents=True, exist_ok=True)
    began, at = time.monotonic(), commit()
    lab = Lab(folder, runs, size, [])
    metrics = experiment.run(lab)
    result = {
        "experiment": experiment.name,
        "about": experiment.about,
        "paper": experiment.paper,
        "command": f"unpaired reproduce {experiment.name}" + ("" if size == "default" else f" --size {size}"),
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
        "claims": [_verdict(claim, metrics) for claim in experiment.claims],
    }
    write_json(folder / "result.json", result)
    return result


def find(table: Mapping[str, Experiment], name: str) -> Experiment:
    """The experiment of that name. ConfigError with the names there are."""
    if name not in table:
        raise ConfigError(f"no experiment '{name}'; there are: {', '.join(table)}")
    return table[name]


def _verdict(claim: Claim, metrics: Metrics) -> dict[str, Any]:
    measured = claim.measure(metrics)
    return {
        "statement": claim.statement,
        "source": claim.source,
        "measured": measured,
        "wanted": claim.wanted,
        "holds": bool(claim.holds(measured)),
    }
