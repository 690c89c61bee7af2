"""All that a page tells, gathered from the run's folder before a word is written."""

import json
import shlex
import statistics
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from unpaired import evaluation, runs
from unpaired.bundle import Product, load_bundle
from unpaired.data.material import Material
from unpaired.engine import journal
from unpaired.errors import DataWarning, RunError, UnpairedError
from unpaired.games import specs
from unpaired.run_config import RunConfig, load_config


class Facts(NamedTuple):
    """All that a page tells.

    scores, counts: of `evaluation.json`, without its nulls; empty before the first evaluation. about: what the bundle
    says of itself. data, remains: None and empty where they cannot be opened; `missing` then says why. cases: what the held-out
    test images ask of translators. rows: what other things show.
    """

    folder: Path
    run: RunConfig
    events: Sequence[Mapping[str, Any]]
    scores: evaluation.Scores
    counts: Mapping[str, int]
    disjoint: bool | None
    about: Mapping[str, Any]
    data: Material | None
    remains: Mapping[str, Product]
    cases: Sequence[evaluation.Case]
    rows: Sequence[tuple[str, Tensor]]
    missing: str

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains' names: those of the data, else of its card, else of its folders, else A and B."""
        if self.data is not None:
            return tuple(self.data.domains)
        if self.run.game.plays not in ("unpaired", "paired"):
            return tuple(self.about.get("domains", ("images",)))
        stems = [Path(source).stem for source in self.run.sources] if len(self.run.sources) == 2 else ["A", "B"]
        a, b = (str(self.card.get(key, stem)) for key, stem in zip("ab", stems, strict=True))
        return (b, a) if self.run.data.swap else (a, b)

    @property
    def name(self) -> str:
        """What the run is about: its domains where they have names, else its sources."""
        return " and ".join(self.domains) if self.domains != ("A", "B") else ", ".join(self.run.sources)

    @property
    def translates(self) -> bool:
        """Whether the game leaves translators, not samplers and the like."""
        return self.run.game.plays in specs.TRANSLATING

    def keeps(self, kind: type[Product]) -> bool:
        """Whether the bundle keeps a thing of this kind."""
        return any(isinstance(product, kind) for product in self.remains.values())

    @property
    def card(self) -> Mapping[str, Any]:
        """What the data says of itself; where it cannot be opened, what the bundle remembers of that."""
        return self.data.card if self.data is not None else self.about.get("source", {})

    def arrow(self, case: str) -> str:
        """A case in words: dusk → dawn for a direction between two domains; else its name."""
        ends = {"a_to_b": self.domains, "b_to_a": self.domains[::-1]}
        return " → ".join(ends[case]) if case in ends else case

    def of(self, *kinds: str) -> list[Mapping[str, Any]]:
        """The events of these kinds, in order."""
        return [event for event in self.events if event["event"] in kinds]

    def last(self, key: str) -> Any:
        """The newest value of `key` in the journal, None where there is none."""
        return next((event[key] for event in reversed(self.events) if event.get(key) is not None), None)

    @property
    def speed(self) -> float | None:
        """Steps a second, the median."""
        known = [event["steps_per_second"] for event in self.of("steps") if "steps_per_second" in event]
        return statistics.median(known) if known else None

    @property
    def command(self) -> str:
        """The folder, as a shell reads it."""
        return shlex.quote(str(self.folder))


def gather(folder: Path) -> Facts:
    """Read the run at `folder`. RunError where there is none, or where its `evaluation.json` is damaged."""
    run = load_config(folder)
    values = _read_scores(folder / "evaluation.json")
    known = {direction: _without_nulls(methods) for direction, methods in values.get("scores", {}).items()}
    data, no_data = _open_data(run)
    remains, about, nothing = _open_bundle(folder)
    return Facts(
        folder=folder,
        run=run,
        events=journal.read(folder),
        scores={direction: methods for direction, methods in known.items() if methods},
        counts=values.get("images", {}),
        disjoint=values.get("disjoint_from_validation"),
        about=about,
        data=data,
        remains=remains,
        cases=evaluation.cases_of(data, remains, part="test") if data is not None and remains else (),
        rows=evaluation.rows_of_samples(data, remains, part="test") if data is not None and remains else (),
        missing=no_data or nothing,
    )


def _open_data(run: RunConfig) -> tuple[Material | None, str]:
    """The images of a run; or None, and why."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)  # the training has said it
            data = runs.open_data(run)
    except (UnpairedError, OSError) as error:
        return None, f"The images of the training cannot be opened any more: {error}."
    if run.data_fingerprint and data.fingerprint != run.data_fingerprint:
        return None, f"The images in {', '.join(run.sources)} are no longer those of the training."
    return data, ""


def _open_bundle(folder: Path) -> tuple[dict[str, Product], Mapping[str, Any], str]:
    """What remains of a run, and what their bundle says of itself; or nothing, and why."""
    try:
        remains = load_bundle(folder)
    except UnpairedError as error:
        return {}, {}, f"There is nothing to show: {error}."
    return remains, json.loads((folder / "bundle" / "config.json").read_text(encoding="utf-8"))["about"], ""


def _read_scores(path: Path) -> dict[str, Any]:
    """What `runs.evaluate` wrote; empty where it did not."""
    if not path.exists():
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError(f"{path} is damaged: {error}; `unpaired evaluate {path.parent}` writes it again") from None
    if not isinstance(values, dict):
        raise RunError(f"{path} holds a {type(values).__name__}; `unpaired evaluate {path.parent}` writes it again")
    return values


def _without_nulls(methods: Mapping[str, Mapping[str, float | None]]) -> dict[str, dict[str, float]]:
    known = {method: {name: value for name, value in of.items() if value is not None} for method, of in methods.items()}
    return {method: values for method, values in known.items() if values}
