"""A loss that is not finite: back to the last good state, and an end the third time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from unpaired.engine import checkpoint
from unpaired.engine.journal import Journal, read
from unpaired.engine.runtime import Runtime, seed_for
from unpaired.engine.trainer import Trainer
from unpaired.errors import TrainingStopped
from unpaired.games.base import Game, Turn
from unpaired.options import Adam, Training
from unpaired.translator import Translator

TRAINING = Training(device="cpu", precision="float32", steps=20, save_every=5, batch=1)


class Regression(Game[Tensor]):
    """One linear layer that learns to return zero."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Linear(3, 3)

    def players(self) -> dict[str, nn.Module]:
        return {"generator": self.network}

    def play(self, batch: Tensor, step: int) -> Iterator[Turn]:
        yield Turn("generator", {"l2": self.network(batch).square().mean()})

    def remains(self) -> dict[str, Translator]:
        return {}

    def chance(self) -> dict[str, float]:
        return {}


class Batches:
    """Random points; NaN from step `sick` on, for as many seeds as `seeds`. `asked` notes (step, seed) in order."""

    def __init__(self, *, sick: int, seeds: int) -> None:
        self.sick, self.seeds = sick, seeds
        self.asked: list[tuple[int, int]] = []

    def __call__(self, step: int, part: int, seed: int) -> Tensor:
        self.asked.append((step, seed))
        known = list(dict.fromkeys(seed for _, seed in self.asked))
        x = torch.randn(4, 3, generator=torch.Generator().manual_seed(seed_for(seed, step)))
        return x * torch.nan if step >= self.sick and known.index(seed) < self.seeds else x


def trainer(folder: Path, batches: Batches) -> Trainer[Tensor]:
    torch.manual_seed(0)
    runtime = Runtime.choose(TRAINING)
    return Trainer(Regression(), batches=batches, training=TRAINING, adam=Adam(), runtime=runtime, folder=folder)


def finite(tensors: dict[str, Tensor]) -> bool:
    return all(bool(tensor.isfinite().all()) for tensor in tensors.values())


def test_a_run_goes_on_from_the_last_good_state_with_other_batches(tmp_path: Path):
    batches = Batches(sick=12, seeds=2)
    run, journal = trainer(tmp_path, batches), Journal(tmp_path)
    assert run.run(journal=journal, observer=None)
    journal.close()
    assert (run.progress.step, run.progress.rollbacks) == (20, 2)
    assert finite(run.tensors())
    # Found when step 15 was to be saved, twice; each time the steps from 10 on were made anew, from another seed.
    seeds = list(dict.fromkeys(seed for _, seed in batches.asked))
    steps = {seed: [step for step, asked in batches.asked if asked == seed] for seed in seeds}
    assert [steps[seed] for seed in seeds] == [[*range(15)], [*range(10, 15)], [*range(10, 20)]]
    rollbacks = [event for event in read(tmp_path) if event["event"] == "rollback"]
    assert [(event["found"], event["step"]) for event in rollbacks] == [(15, 10), (15, 10)]
    assert run.optimizers["generator"].param_groups[0]["lr"] == pytest.approx(Adam().learning_rate / 4)


def test_the_state_that_is_gone_back_to_is_the_saved_one(tmp_path: Path):
    sick = trainer(tmp_path / "sick", Batches(sick=12, seeds=1))
    well = trainer(tmp_path / "well", Batches(sick=99, seeds=0))
    for _ in range(10):
        well.step()
    restored = []
    restore = sick.restore
    sick.restore = lambda path: (restore(path), restored.append({k: v.clone() for k, v in sick.tensors().items()}))
    sick.run(journal=None, observer=None)
    assert len(restored) == 1
    expected = well.tensors()
    assert restored[0].keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in restored[0].items())


def test_the_third_time_is_the_end_and_a_good_state_remains(tmp_path: Path):
    batches = Batches(sick=12, seeds=99)
    run = trainer(tmp_path, batches)
    with pytest.raises(TrainingStopped, match=r"3rd time.*--learning-rate.*last\.safetensors"):
        run.run(journal=None, observer=None)
    assert len({seed for _, seed in batches.asked}) == 3
    tensors, progress = checkpoint.load(run.last)
    assert progress.step == 10
    assert finite(tensors)
    again = trainer(tmp_path, Batches(sick=99, seeds=0))
    again.restore(again.last)
    assert again.run(journal=None, observer=None)
    assert finite(again.tensors())
