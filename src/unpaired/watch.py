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
from unpaired.data.material import Material
from unpaired.engine.doctor import Doctor
from unpaired.engine.journal import Journal
from unpaired.files import replacing
from unpaired.run_config import RunConfig

WIDE = 130
"""Columns from which on the bar has room for the losses; the journal and TensorBoard always have them."""


class Watch:
    """The observer of a run (see `engine.trainer.Observer`).

    The preview shows held-out images, what becomes of them and, where they are known, the exact counterparts.
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
        self.doctor = Doctor(chance)
        self.console = Console(stderr=True, highlight=False)
        self.error: float | None = None
        self.measure = "error"
        self.doing_nothing: float | None = None
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
        asked = self.exam.cases(remains, part="validation")
        cases = [case._replace(answer=case.answer(evaluation.ALL).__getitem__) for case in asked]  # translated once for all uses
        scores = evaluation.evaluate(cases)
        self.error, self.measure = evaluation.criterion(scores), evaluation.criterion_measure(scores)
        self.doing_nothing = evaluation.criterion(scores, method="doing nothing")
        self.journal.write("evaluation", step=step, measure=self.measure, error=self.error, scores=scores)
        samples = {case.name: (case.test.inputs, case.answer(evaluation.ALL), case.test.targets) for case in cases}
        self._preview(step, cases)
        for finding in self.doctor.look(step, samples):
            self.journal.write("finding", step=step, **finding._asdict())
            self.say(f"doctor: {finding.where} {finding.sign}: {finding.says} {finding.tries}", style="yellow")
        if not self.console.is_terminal:
            self.say(f"step {step}  {self._bar.tasks[0].percentage:.0f}%  {self._error()}")
        return self.error

    def keep(self, step: int, remains: Mapping[str, Product]) -> None:
        about = {"domains": list(self.data.domains), "source": dict(self.data.card)}
        save_bundle(
            self.folder / "bundle",
            remains,
            fit=self.run.data.fit,
            background=self.run.data.background,
            about={"run": config.to_dict(self.run), "step": step, self.measure: self.error, **about},
            card=card(self.run, self.data, step=step, measure=self.measure, error=self.error),
        )

    def say(self, message: str, *, style: str | None = None) -> None:
        self.console.print(message, style=style, markup=False, soft_wrap=True)

    def _preview(self, step: int, cases: list[evaluation.Case]) -> None:
        kept, latest = self.folder / "previews" / f"{step:08d}.png", self.folder / "preview.png"
        kept.parent.mkdir(exist_ok=True)
        evaluation.draw(self.exam, cases, path=kept)
        if kept.exists():
            with replacing(latest) as temporary:
                shutil.copyfile(kept, temporary)

    def _error(self) -> str:
        if self.error is None:
            return ""
        beside = f" (doing nothing {self.doing_nothing:.4f})" if self.doing_nothing is not None else ""
        return f"held-out {self.measure} {self.error:.4f}{beside}"


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


def card(run: RunConfig, data: Material, *, step: int, measure: str, error: float | None) -> str:
    """The card of a bundle, in Markdown: what it does, what it was trained on and under whose licence, how well it does it."""
    lines = [
        f"# {run.game.game}: {' and '.join(data.domains)}",
        "",
        f"Trained with unpaired {run.version} for {step} steps on {data.trained_on} images"
        f" of {run.data.size} px, from {', '.join(run.sources)}.",
    ]
    if error is not None:
        name = {"error": "mean absolute error to the exact counterparts", "swd": "sliced Wasserstein distance"}[measure]
        lines.append(f"Held-out {name}: {error:.4f} (by which these weights were chosen).")
    if data.card:
        lines += ["", "## Data", "", *(f"- {key}: {data.card[key]}" for key in ("name", "licence", "credit") if key in data.card)]
    return "\n".join(lines) + "\n"
