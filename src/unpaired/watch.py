"""Who watches a run: evaluates and previews it on held-out images, asks the doctor, keeps the best translators, and tells."""

import math
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from unpaired import config, evaluation
from unpaired.bundle import Product, save_bundle
from unpaired.counting import counted
from unpaired.data.labelled import LabelledImages
from unpaired.data.material import Material
from unpaired.engine.doctor import Doctor
from unpaired.engine.journal import Journal
from unpaired.files import replacing
from unpaired.games import specs
from unpaired.run_config import RunConfig

WIDE = 130
"""Columns from which on the bar has room for the losses; the journal and TensorBoard always have them."""

MEASURES = {
    "error": "mean absolute error to the exact counterparts",
    "swd": "sliced Wasserstein distance",
    "class error": "share of images whose class is misread",
    "pixel error": "share of pixels whose class is misread",
    "reconstruction error": "mean absolute error after there and back",
}


class Watch:
    """The observer of a run (see `engine.trainer.Observer`).

    The preview shows held-out images, what becomes of them and, where they are known, the exact counterparts; or samples.
    """

    def __init__(
        self,
        data: Material,
        *,
        folder: Path,
        journal: Journal,
        run: RunConfig,
        chance: Mapping[str, float],
    ) -> None:
        self.data, self.folder, self.journal, self.run = data, folder, journal, run
        self.exam = evaluation.exam_of(data)
        self.doctor = Doctor(chance, makes="translations" if run.game.plays in specs.TRANSLATING else "samples")
        self.console = Console(stderr=True, highlight=False)
        self.error: float | None = None
        self.standard = evaluation.standard({})
        self.beside: float | None = None
        self.chooses = True
        self._bar = Progress(
            TextColumn("{task.percentage:>3.0f}%"),
            BarColumn(bar_width=20),
            TextColumn("step {task.fields[step]}  {task.fields[speed]:.1f}/s  {task.fields[left]} left"),
            TextColumn("[bold]{task.fields[error]}"),
            *([TextColumn("{task.fields[losses]}")] if self.console.width >= WIDE else []),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self._task = self._bar.add_task("", total=1.0, step=0, speed=0.0, left="?", losses="", error="")

    @contextmanager
    def shown(self) -> Iterator[None]:
        """The progress bar, while it is needed."""
        with self._bar:
            yield

    def losses(self, step: int, losses: Mapping[str, float], *, speed: float, done: float, left: float) -> None:
        self.doctor.losses(losses)
        self._bar.update(
            self._task,
            completed=done,
            step=step,
            speed=speed,
            left=duration(left),
            losses=_by_player(losses),
            error=self._error(),
        )

    def evaluate(self, step: int, remains: Mapping[str, Product]) -> float | None:
        look = self.exam.look(remains, part="validation")
        self.standard = evaluation.standard(look.scores)
        self.error = evaluation.criterion(look.scores)
        self.beside = evaluation.criterion(look.scores, method=self.standard.beside)
        self.journal.write("evaluation", step=step, measure=self.standard.measure, error=self.error, scores=look.scores)
        self._preview(step, look)
        for finding in self.doctor.look(step, look.seen):
            self.journal.write("finding", step=step, **finding._asdict())
            self.say(f"doctor: {finding.where} {finding.sign}: {finding.says} {finding.tries}", style="yellow")
        if not self.console.is_terminal:
            self.say(f"step {step}  {self._bar.tasks[0].percentage:.0f}%  {self._error()}")
        self.chooses = look.chooses
        return self.error if look.chooses else None

    def keep(self, step: int, remains: Mapping[str, Product]) -> None:
        about = {"domains": list(self.data.domains), "source": dict(self.data.card)}
        save_bundle(
            self.folder / "bundle",
            remains,
            fit=self.run.data.fit,
            background=self.run.data.background,
            ranges=self.run.data.ranges,
            about={"run": config.to_dict(self.run), "step": step, self.standard.measure: self.error, **about},
            card=card(self.run, self.data, step=step, measure=self.standard.measure, error=self.error, chosen=self.chooses),
        )

    def say(self, message: str, *, style: str | None = None) -> None:
        self.console.print(message, style=style, markup=False, soft_wrap=True)

    def _preview(self, step: int, look: evaluation.Look) -> None:
        kept, latest = self.folder / "previews" / f"{step:08d}.png", self.folder / "preview.png"
        kept.parent.mkdir(exist_ok=True)
        evaluation.draw(look.rows, path=kept)
        if kept.exists():
            with replacing(latest) as temporary:
                shutil.copyfile(kept, temporary)

    def _error(self) -> str:
        if self.error is None:
            return ""
        beside = f" ({self.standard.beside} {self.beside:.4f})" if self.beside is not None else ""
        return f"held-out {self.standard.measure} {self.error:.4f}{beside}"


def duration(seconds: float) -> str:
    """3725 -> "1:02:05"; "?" where it is not known."""
    if not math.isfinite(seconds):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _by_player(losses: Mapping[str, float]) -> str:
    """The sum of each player's losses: `generators 1.31  discriminators 0.92`."""
    sums: dict[str, float] = {}
    for name, value in losses.items():
        player = name.split("/")[0]
        sums[player] = sums.get(player, 0.0) + value
    return "  ".join(f"{player} {value:.3f}" for player, value in sums.items())


def card(run: RunConfig, data: Material, *, step: int, measure: str, error: float | None, chosen: bool = True) -> str:
    """The card of a bundle, in Markdown: what it does, what it was trained on and under whose licence, how well it does it.

    chosen: whether the weights are those with the least error, not simply the last.
    """
    lines = [
        f"# {run.game.game}: {' and '.join(data.domains)}",
        "",
        f"Trained with unpaired {run.version} for {counted(step, 'step')} on {data.trained_on} images"
        f" of {run.data.size} px, from {', '.join(run.sources)}.",
    ]
    if isinstance(data, LabelledImages):
        lines += ["", "It changes attributes:", "", *(f"- {one.name}: {', '.join(one.values)}" for one in data.attributes), ""]
    if error is not None:
        lines.append(f"Held-out {MEASURES[measure]}: {error:.4f}" + (" (by which these weights were chosen)." if chosen else "."))
    if data.card:
        lines += ["", "## Data", "", *(f"- {key}: {data.card[key]}" for key in ("name", "licence", "credit") if key in data.card)]
    return "\n".join(lines) + "\n"
