"""`unpaired evaluate`, `report` and `reproduce`, and scores as tables."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from tyro.conf import Positional

from unpaired.config import options

Direction = Literal["a_to_b", "b_to_a"]

ExtractorName = Literal["none", "efficientnet-lite0", "inception-v3"]


@options
class Evaluate:
    """Score what a run leaves on its held-out test images."""

    run_folder: Positional[Path]
    """The run's folder."""
    extractor: ExtractorName = "none"
    """Features for KID, Frechet distance, precision, recall, density and coverage; every number names them."""
    device: str = "auto"
    """auto, cpu, cuda, mps."""

    def run(self) -> None:
        from unpaired import runs

        extractor = None if self.extractor == "none" else self.extractor
        show_scores(runs.evaluate(self.run_folder, extractor=extractor, device=self.device))


@options
class Report:
    """Write a run's report.html: one self-contained page."""

    run_folder: Positional[Path]
    """The run's folder."""

    def run(self) -> None:
        from unpaired.report import write_report

        print(write_report(self.run_folder))


@options
class Reproduce:
    """Run a paper's experiment and write its numbers, figures and verdicts."""

    name: Positional[str]
    """The experiment: `unpaired reproduce list` names them."""
    size: Literal["quick", "default", "paper"] = "default"
    """quick: minutes, for a first look; default: up to two hours on two cores; paper: the paper's own budget, for a GPU."""
    out: Path = Path("results")
    """The folder in which the experiment's own folder is written."""
    runs: Path = Path("runs")
    """Where its trainings are kept; a reproduction that was cut off goes on with them."""
    data: Path | None = None
    """Your own copy of the images, for the recipes of the papers' data, which no package carries."""

    def run(self) -> None:
        from unpaired.experiments.base import find, reproduce
        from unpaired.experiments.table import EVERYTHING

        if self.name == "list":
            for experiment in EVERYTHING.values():
                print(f"{experiment.name:<24} {experiment.about}{'  (--data FOLDER)' if experiment.wants else ''}")
            return
        result = reproduce(find(EVERYTHING, self.name), size=self.size, out=self.out, runs=self.runs, data=self.data)
        for claim in result["claims"]:
            print(
                f"{'holds' if claim['holds'] else 'DOES NOT HOLD'}: {claim['statement']}\n"
                f"  wanted {claim['wanted']}\n  measured {claim['measured']}"
            )


def show_scores(scores: Mapping[str, Mapping[str, Mapping[str, float]]]) -> None:
    """A table for each direction, a row for each measure, translated beside doing nothing; one for all of many changes."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from unpaired.evaluation.scoring import MANY

    if len(scores) > MANY and all("translated" in methods for methods in scores.values()):
        Console().print(_summed_up(scores))
        return
    for direction, methods in scores.items():
        title = direction.replace("_", " ") if direction in get_args(Direction) else direction
        table = Table(title=escape(title), title_justify="left")
        table.add_column("held-out test images")
        for method in methods:
            table.add_column(method, justify="right")
        for measure in {measure: None for values in methods.values() for measure in values}:
            table.add_row(
                escape(measure), *(f"{values[measure]:.4g}" if measure in values else "" for values in methods.values())
            )
        Console().print(table)


def _summed_up(scores: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Any:
    """One table of many changes: a row for each, its main scores beside those of doing nothing."""
    from rich.markup import escape
    from rich.table import Table

    from unpaired.evaluation.scoring import SUMMED_UP

    measures = [name for name in SUMMED_UP if any(name in methods["translated"] for methods in scores.values())]
    table = Table(title="held-out test images: translated (doing nothing)", title_justify="left")
    table.add_column("change")
    for measure in measures:
        table.add_column(measure, justify="right")
    for case, methods in scores.items():
        found, nothing = methods["translated"], methods.get("doing nothing", {})
        cells = [
            f"{found[measure]:.4f}" + (f" ({nothing[measure]:.4f})" if measure in nothing else "") if measure in found else ""
            for measure in measures
        ]
        table.add_row(escape(case), *cells)
    return table
