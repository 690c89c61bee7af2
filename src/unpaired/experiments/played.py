"""A game on batches that are made as they are needed, kept in a folder and taken up again where it was cut off.

For experiments whose samples lie in no folder: points of a mixture, or images put together anew for each step.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from unpaired import config
from unpaired.engine.runtime import Runtime
from unpaired.engine.trainer import Trainer
from unpaired.errors import RunError
from unpaired.experiments.base import Reused
from unpaired.files import write_json
from unpaired.games import specs
from unpaired.games.base import Game
from unpaired.options import Training
from unpaired.version import commit


class Played:
    """A game and its training in `folder`: config.json, checkpoints, and what `look` leaves there.

    batches: (step, part, seed) -> a batch, a pure function. origin: what else tells this training from others, JSON-able.
    look: called with the step before the first one and at every look.
    """

    def __init__(
        self,
        game: Game[Any],
        *,
        spec: specs.GameSpec,
        batches: Callable[[int, int, int], Any],
        training: Training,
        folder: Path,
        origin: Mapping[str, Any],
        look: Callable[[int], None],
    ) -> None:
        self.folder, self.look = folder, look
        self.origin = {"game": config.to_dict(spec), "training": config.to_dict(training), **origin}
        self.trainer = Trainer(
            game,
            batches=batches,
            training=training,
            adam=spec.optimizer,
            runtime=Runtime.choose(training),
            folder=folder,
        )

    def train(self) -> Reused:
        """Train, or go on where a reproduction was cut off. RunError where what is there was trained otherwise."""
        before, path = 0.0, self.folder / "config.json"
        if path.exists():
            origin = config.read_file(path)
            at = origin.pop("commit")
            for part, cls in (("game", specs.GameSpec), ("training", Training)):  # options that are newer have their defaults
                origin[part] = config.to_dict(config.from_dict(cls, origin[part], where=str(path)))
            if origin != self.origin:
                raise RunError(f"{self.folder} was trained otherwise than this experiment's; remove it, or choose another --runs")
            self.trainer.restore(self.trainer.last)
            before = self.trainer.progress.seconds / 60
        else:
            at = commit()
            self.folder.mkdir(parents=True, exist_ok=True)
            self.look(0)
            self.trainer.save(self.trainer.last)
            write_json(path, {**self.origin, "commit": at})
        if not self.trainer.run(journal=None, observer=self):
            raise KeyboardInterrupt
        return Reused(before, at)

    @property
    def game(self) -> Any:
        """The game as it is asked for samples: with a moving average of the weights, the average's."""
        return self.trainer.game if self.trainer.average is None else self.trainer.average.module

    # -- as an observer of its own training --

    def losses(self, step: int, losses: Mapping[str, float], *, speed: float, done: float, left: float) -> None:
        pass

    def evaluate(self, step: int, remains: Mapping[str, Any]) -> float | None:
        self.look(step)
        return None

    def keep(self, step: int, remains: Mapping[str, Any]) -> None:
        pass

    def say(self, message: str) -> None:
        print(message)
