"""The loop. It knows games through their players and turns, data as a function from step to batch, and nothing else."""

import math
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, Protocol

import torch
from torch import Tensor, nn

from unpaired.bundle import Product
from unpaired.engine import checkpoint
from unpaired.engine.averaging import Average
from unpaired.engine.checkpoint import Progress
from unpaired.engine.journal import Journal
from unpaired.engine.runtime import Runtime, flat_parameters, seed_for, total
from unpaired.errors import RunError, TrainingStopped
from unpaired.games.base import BatchT, Game, Turn
from unpaired.options import Adam, Training

LOG_SECONDS = 1.0
MOST_ROLLBACKS = 2
"""The third non-finite loss ends the run."""


class Observer(Protocol):
    """Who watches a run. Called on the writing process only; must leave weights and random state as they are."""

    def losses(self, step: int, losses: Mapping[str, float], *, speed: float, done: float, left: float) -> None:
        """Mean losses since the last call (`player/loss`); steps a second; share of the run done; seconds left."""

    def evaluate(self, step: int, remains: Mapping[str, Product]) -> float | None:
        """Look at the held-out samples; the error by which the best checkpoint is chosen, if there is one."""

    def keep(self, step: int, remains: Mapping[str, Product]) -> None:
        """This is the best yet, by the held-out error; without one, the latest."""

    def say(self, message: str) -> None:
        """Something a person should read."""


class Trainer(Generic[BatchT]):
    """Plays a game until its time is over.

    batches: (step, part, seed) -> part `part` of `training.accumulate` of that step's batch, a pure function: it and
    everything random in a step are drawn from (seed, step), so a checkpoint needs no random state and a resumed run is
    the same run.
    """

    def __init__(
        self,
        game: Game[BatchT],
        *,
        batches: Callable[[int, int, int], BatchT],
        training: Training,
        adam: Adam,
        runtime: Runtime,
        folder: Path,
        compiled: bool = False,
    ) -> None:
        self.game, self.batches, self.training, self.adam, self.runtime = game, batches, training, adam, runtime
        self.last, self.best = folder / "checkpoints" / "last.safetensors", folder / "checkpoints" / "best.safetensors"
        runtime.place(game)
        self.players = game.players()
        self.parameters = {name: flat_parameters(player) for name, player in self.players.items()}
        self.optimizers = {name: _adam(parameters, adam) for name, parameters in self.parameters.items()}
        self.average = None if training.ema is None else Average(game, decay=training.ema)
        self.progress = Progress()
        if compiled:
            for network in game.children():
                network.compile()

    # -- a step --

    def step(self) -> dict[str, Tensor]:
        """Play one step; its losses by `player/loss`, as scalars on the device."""
        at, training = self.progress, self.training
        seed = seed_for(training.seed, at.rollbacks)
        torch.manual_seed(seed_for(seed, at.step, self.runtime.rank))
        rate = self.adam.learning_rate * schedule(training, self.done) / 2**at.rollbacks
        for optimizer in self.optimizers.values():
            optimizer.zero_grad(set_to_none=True)  # the last step's, which would lie beside this one's activations
        plays = [self.game.play(self.batches(at.step, part, seed), at.step) for part in range(training.accumulate)]
        losses: dict[str, Tensor] = {}
        for turns in self._rounds(plays):
            player = turns[0].player
            self.optimizers[player].param_groups[0]["lr"] = rate
            if training.clip is not None:
                nn.utils.clip_grad_norm_(self.parameters[player], training.clip)
            self.optimizers[player].step()
            for turn in turns:
                for name, loss in turn.losses.items():
                    key = f"{player}/{name}"
                    losses[key] = losses.get(key, 0) + loss.detach() / len(turns)
        if self.average is not None:
            self.average.update(self.game)
        at.step += 1
        return losses

    def _rounds(self, plays: Sequence[Iterator[Turn]]) -> Iterator[list[Turn]]:
        """Each turn of all parts of a batch together, with the mover's gradient ready for its optimiser."""
        while True:
            turns: list[Turn] = []
            for play in plays:
                with self.runtime.autocast():
                    turn = next(play, None)
                if turn is None:
                    return
                parameters = self.parameters[turn.player]
                if not turns:
                    self.optimizers[turn.player].zero_grad(set_to_none=True)
                # Gradients land only in the mover: no detaching, no toggling of requires_grad.
                (total(turn.losses.values()) / len(plays)).backward(inputs=parameters)
                turns.append(Turn(turn.player, {name: loss.detach() for name, loss in turn.losses.items()}))
            self.runtime.average_gradients(parameters)
            yield turns

    # -- a run --

    @property
    def done(self) -> float:
        """Share of the run that is over, 0 to 1: by steps, or by the clock."""
        if self.training.minutes is not None and self.training.steps is None:
            return min(1.0, self.progress.seconds / (60 * self.training.minutes))
        return min(1.0, self.progress.step / (self.training.steps or 1))

    def run(self, *, journal: Journal | None, observer: Observer | None) -> bool:
        """Play until the end, or until SIGINT or SIGTERM; True at the end. Saves either way.

        TrainingStopped after the third non-finite loss; RunError where the final state cannot be saved.
        """
        log = _Log(self, journal, observer)
        with _polite_end() as asked_to_end:
            begun, before = time.monotonic(), self.progress.seconds
            while True:
                self.progress.seconds = before + time.monotonic() - begun
                asked, over, due = asked_to_end(), self.done >= 1, log.due()
                self.progress.seconds, asked, over, look, save, due = self.runtime.agree(
                    (self.progress.seconds, asked, over, log.wants_look(), log.wants_save(), due)
                )
                save = save or look or asked or over
                if (save or due) and not (log.flush() and (not save or self.runtime.agree(self._finite()))):
                    self._roll_back(log)
                    continue
                if look or over:
                    self._write(log.look, log, final=asked or over)
                if save:
                    self._write(log.save, log, final=asked or over)
                if asked or over:
                    return bool(self.runtime.agree(over))  # not before all is written
                log.add(self.step())

    def remains(self) -> dict[str, Product]:
        """What is kept of the game; with a moving average of the weights, the average's."""
        game: Any = self.game if self.average is None else self.average.module
        return dict(game.remains())

    # -- state --

    def tensors(self) -> dict[str, Tensor]:
        """All state that is a tensor, by the names of the checkpoint."""
        state = {f"game/{name}": value for name, value in self.game.state_dict().items()}
        if self.average is not None:
            state |= {f"average/{name}": value for name, value in self.average.state_dict().items()}
        for name, optimizer in self.optimizers.items():
            state |= checkpoint.optimizer_tensors(optimizer, self.players[name], prefix=f"optimizer/{name}")
        return state

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint. RunError where it is damaged or of another game."""
        tensors, self.progress = checkpoint.load(path)
        try:
            self.game.load_state_dict(checkpoint.under(tensors, "game"))
            if self.average is not None:
                self.average.restore(checkpoint.under(tensors, "average"))
        except RuntimeError as error:
            raise RunError(f"{path} does not fit this game: {error}") from None
        for name, optimizer in self.optimizers.items():
            optimizer.state.clear()
            checkpoint.restore_optimizer(optimizer, self.players[name], tensors, prefix=f"optimizer/{name}")

    def _finite(self) -> bool:
        """Whether all weights are: a checkpoint must never hold the start of a divergence."""
        return all(bool(value.isfinite().all()) for value in self.game.state_dict().values())

    def save(self, path: Path) -> None:
        """Write a checkpoint. OSError where the disk is full or gone."""
        path.parent.mkdir(parents=True, exist_ok=True)
        checkpoint.save(path, tensors=self.tensors(), progress=self.progress)

    def _write(self, write: Callable[[], None], log: "_Log", *, final: bool) -> None:
        """A full disk is told, and ends no run that can go on without what could not be written."""
        if not self.runtime.writes:
            return
        try:
            write()
        except OSError as error:
            there = self.last.exists()
            kept = f"the last good checkpoint, {self.last}, is untouched" if there else "there is no checkpoint yet"
            message = f"step {self.progress.step} could not be saved: {error}; {kept}"
            if final:
                raise RunError(f"{message}. Make room and `unpaired resume` goes on from there") from None
            log.say(message)

    def _roll_back(self, log: "_Log") -> None:
        """Back to the last good state, with other batches and half the learning rate; the third time, the end."""
        count = self.progress.rollbacks
        if count >= MOST_ROLLBACKS:
            raise TrainingStopped(
                f"the loss was not finite for the {count + 1}rd time, at step {self.progress.step}. "
                f"Try a lower --learning-rate, --clip 1, or --precision float32; the last good state is in {self.last}"
            )
        found, seconds = self.progress.step, self.progress.seconds
        if self.last.exists():
            self.restore(self.last)
        else:
            raise TrainingStopped(
                f"the loss was not finite within the first {found} steps; try a lower --learning-rate or --clip 1"
            )
        self.progress.rollbacks, self.progress.seconds = count + 1, seconds
        log.rolled_back(found)


class _Log:
    """Between the loop and those who watch: gathers losses, keeps the times of looks and saves."""

    def __init__(self, trainer: Trainer[Any], journal: Journal | None, observer: Observer | None) -> None:
        self.trainer, self.journal, self.observer = trainer, journal, observer
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = defaultdict(int)
        self.since, self.at_step = time.monotonic(), trainer.progress.step
        self.speed = 0.0
        self.looked_step = self.saved_step = trainer.progress.step if trainer.last.exists() else -1
        self.next_look = trainer.progress.seconds + 5

    def add(self, losses: Mapping[str, Tensor]) -> None:
        for name, loss in losses.items():
            self.sums[name] = self.sums.get(name, 0) + loss
            self.counts[name] += 1

    def due(self) -> bool:
        return time.monotonic() - self.since >= LOG_SECONDS

    def flush(self) -> bool:
        """Report the mean losses since the last time; False where any is not finite."""
        if not self.sums:
            return True
        means = {name: float(value) / self.counts[name] for name, value in self.sums.items()}
        trainer, now = self.trainer, time.monotonic()
        steps = trainer.progress.step - self.at_step
        fresh = steps / max(now - self.since, 1e-9)
        self.speed = fresh if not self.speed else 0.7 * self.speed + 0.3 * fresh
        self.sums, self.counts = {}, defaultdict(int)
        self.since, self.at_step = now, trainer.progress.step
        finite = all(math.isfinite(value) for value in means.values())
        finite = bool(trainer.runtime.agree(finite))
        if finite:
            self._event("steps", losses=means, steps_per_second=round(self.speed, 3), seconds=round(trainer.progress.seconds, 1))
            if self.observer:
                done = trainer.done
                left = trainer.progress.seconds * (1 - done) / done if done else math.inf
                self.observer.losses(trainer.progress.step, means, speed=self.speed, done=done, left=left)
        return finite

    def wants_look(self) -> bool:
        trainer = self.trainer
        if self.looked_step == trainer.progress.step:
            return False
        every = trainer.training.evaluate_every
        return trainer.progress.step % every == 0 if every else trainer.progress.seconds >= self.next_look

    def wants_save(self) -> bool:
        step, every = self.trainer.progress.step, self.trainer.training.save_every
        if self.saved_step == step:
            return False
        return self.saved_step < 0 or (step % every == 0 if every else self.wants_look())

    def look(self) -> None:
        """Evaluate; keep the checkpoint as the best one where the held-out error is the lowest yet.

        OSError where that cannot be written; it then does not count as the best.
        """
        progress, best = self.trainer.progress, self.trainer.progress.best
        self.looked_step, began = progress.step, time.monotonic()
        try:
            if self.observer:
                remains = self.trainer.remains()
                error = self.observer.evaluate(progress.step, remains)
                if error is None or best is None or error < best or not math.isfinite(best):
                    progress.best = error
                    self.trainer.save(self.trainer.best)
                    self.observer.keep(progress.step, remains)
        except OSError:
            progress.best = best
            raise
        finally:
            self.since, self.at_step = time.monotonic(), progress.step
            took = self.since - began
            self.next_look = progress.seconds + took + max(20.0, 0.1 * progress.seconds, 4 * took)

    def save(self) -> None:
        """Replace the last checkpoint. OSError where that fails; it is tried again when the next one is due."""
        self.saved_step = self.trainer.progress.step
        self.trainer.save(self.trainer.last)

    def rolled_back(self, found: int) -> None:
        progress = self.trainer.progress
        self.sums, self.counts = {}, defaultdict(int)
        self.since, self.at_step = time.monotonic(), progress.step
        self._event("rollback", found=found, rollbacks=progress.rollbacks)
        self.say(
            f"the loss was not finite at step {found}: back to step {progress.step}, "
            f"with other batches and half the learning rate ({progress.rollbacks} of {MOST_ROLLBACKS} times)"
        )

    def say(self, message: str) -> None:
        if self.observer:
            self.observer.say(message)

    def _event(self, event: str, **values: Any) -> None:
        if self.journal:
            self.journal.write(event, step=self.trainer.progress.step, **values)


def schedule(training: Training, done: float) -> float:
    """The factor on the learning rate when the share `done` of the run is over."""
    fall = max(0.0, (done - training.decay_from) / (1 - training.decay_from))
    match training.schedule:
        case "linear":
            return 1 - fall
        case "cosine":
            return (1 + math.cos(math.pi * fall)) / 2
    return 1.0


def _adam(parameters: list[nn.Parameter], adam: Adam) -> torch.optim.Adam:
    return torch.optim.Adam(
        parameters,
        lr=adam.learning_rate,
        betas=(adam.beta1, adam.beta2),
        eps=adam.epsilon,
        weight_decay=adam.weight_decay,
        fused=True,
    )


@contextmanager
def _polite_end() -> Iterator[Callable[[], bool]]:
    """SIGINT and SIGTERM ask the run to save and end; a second one ends it at once. Main thread only."""
    asked = False

    def ask(number: int, frame: Any) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    try:
        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread
        yield lambda: False
        return
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
