"""`unpaired adapt`."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tyro.conf import Positional

from unpaired.adaptation import keys
from unpaired.adaptation.options import CYCLEGAN, TRAINING, Pictures, Teaching
from unpaired.commands.measure import Direction
from unpaired.config import options
from unpaired.errors import RunError
from unpaired.games import specs
from unpaired.options import Training

MOST_CLASSES = 40
"""Rows of a table on the console; result.json has all."""


@options
class Adapt:
    """Labels of one set of images for another: a classifier taught by translated images, and labels that flipped on the way."""

    source: Positional[str]
    """Labelled images: a folder for each class, a table, IDX, NPZ, or a named set."""
    target: Positional[str]
    """Images of the other kind, likewise. Labels of held-out ones test; those of training images teach the oracle alone."""
    out: Path
    """The folder for everything: runs, translated images, result.json, label_flips.csv, flips.png. The same command goes on where
    it was cut off."""
    test: str | None = None
    """Labelled images of the target, to test on instead of those that it holds out."""
    translator: Path | None = None
    """A run's folder or a bundle that translates source to target; none to train a CycleGAN here."""
    direction: Direction = "a_to_b"
    """The translator's way from source to target."""
    config: Path | None = None
    """Read options from this file first (JSON or TOML); the command line overrules it."""
    pictures: Pictures = Pictures()
    teaching: Teaching = Teaching()
    game: specs.CycleGAN = CYCLEGAN
    training: Training = TRAINING

    def run(self) -> None:
        from unpaired.adaptation.adapt import RUNS, adapt
        from unpaired.adaptation.result import sentences
        from unpaired.adaptation.task import SHEET

        result = adapt(
            self.source,
            self.target,
            out=self.out,
            translator=self.translator,
            direction=self.direction,
            test=self.test,
            pictures=self.pictures,
            teaching=self.teaching,
            game=self.game,
            training=self.training,
            tell=lambda said: print(said, file=sys.stderr),
        )
        _report_all([self.out / name for name in RUNS])
        _show_accuracy(result)
        print("\n".join(sentences(result)))
        written = ("result.json", "label_flips.csv", *([SHEET] if result[keys.FLIPPED] else []))
        print("\n".join(str(self.out / name) for name in written))


def _report_all(folders: Sequence[Path]) -> None:
    """After an adaptation: scores and the report of each run that has none yet."""
    from unpaired import runs
    from unpaired.report import write_report

    for folder in folders:
        if (folder / "config.json").exists() and not (folder / "report.html").exists():
            with suppress(RunError):  # nothing was held out
                runs.evaluate(folder)
            write_report(folder)


def _show_accuracy(result: Mapping[str, Any]) -> None:
    """A table of an adaptation: a row for each class (of maps for each number first), a column for each classifier."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    scores, tested = result[keys.ACCURACY], result[keys.TESTED]
    if not scores:
        return
    maps = result[keys.LABELS] == "maps"
    title = "read right, of the target's labelled " + ("pixels; IoU of each class" if maps else "images")
    table = Table(title=title, title_justify="left")
    for name, justify in (("class", "left"), ("pixels" if maps else "images", "right"), *((each, "right") for each in scores)):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    count = sum(tested[keys.BY_CLASS].values())
    for key in (name for name in next(iter(scores.values())) if name != keys.BY_CLASS):
        table.add_row("all" if key == keys.OVERALL else key, f"{count:,}", *(f"{found[key]:.1%}" for found in scores.values()))
    for name, count in tested[keys.BY_CLASS].items() if len(tested[keys.BY_CLASS]) <= MOST_CLASSES else ():
        shares = [found[keys.BY_CLASS][name][keys.IOU] if maps else found[keys.BY_CLASS][name] for found in scores.values()]
        table.add_row(escape(name), f"{count:,}", *(f"{share:.1%}" for share in shares))
    Console().print(table)
