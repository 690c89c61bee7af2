"""The toy: geometry, the ensemble's independence, and an experiment that goes on where it was cut off."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from unpaired.data.batches import Unpaired
from unpaired.data.sets import toy
from unpaired.engine.runtime import Runtime
from unpaired.engine.trainer import Trainer
from unpaired.errors import ConfigError
from unpaired.experiments import base
from unpaired.experiments import toy as experiment
from unpaired.games import table
from unpaired.options import Training

TRAINING = Training(steps=5, batch=16, device="cpu", precision="float32", threads=1, compile="off")


def trainer(model: str, *, members: int, batches: list[Unpaired], folder: Path) -> Trainer[Unpaired]:
    spec = experiment.game(model, members=members)
    return Trainer(
        table.build(spec, shape_a=(2,), shape_b=(2,), seed=3),
        batches=lambda step, part, seed: batches[step],
        training=TRAINING,
        adam=spec.optimizer,
        runtime=Runtime.choose(TRAINING),
        folder=folder,
    )


@pytest.mark.parametrize("model", experiment.MODELS)
def test_members_train_as_if_alone(model: str, tmp_path: Path) -> None:
    data = toy.irregular([0, 1, 2])
    batches = [data.batch(step, batch=16, seed=0) for step in range(4)]
    together = trainer(model, members=3, batches=batches, folder=tmp_path)
    alone = []
    for member in range(3):
        own = [Unpaired(batch.a[[member]], batch.b[[member]]) for batch in batches]
        single = trainer(model, members=1, batches=own, folder=tmp_path)
        start = {name: value[[member]] for name, value in together.game.state_dict().items()}
        single.game.load_state_dict(start)
        alone.append(single)
    for run in (together, *alone):
        for _ in range(4):
            run.step()
    for name, value in together.game.state_dict().items():
        for member, single in enumerate(alone):
            torch.testing.assert_close(single.game.state_dict()[name][0], value[member], rtol=1e-4, atol=1e-5)


def test_batches_are_a_function_of_seed_and_step() -> None:
    data = toy.two_circles([0, 1])
    first, again, other = data.batch(5, batch=8, seed=1), data.batch(5, batch=8, seed=1), data.batch(6, batch=8, seed=1)
    assert torch.equal(first.a, again.a)
    assert torch.equal(first.b, again.b)
    assert not torch.equal(first.a, other.a)
    assert first.a.shape == (2, 8, 2)


def test_mixtures_have_their_centres_and_spread() -> None:
    points, sources = toy.five_to_ten([0]).a.each(4000, generator=torch.Generator().manual_seed(0))
    centres = toy.circle(5, radius=2.0, turned=torch.pi / 10)
    for mode in range(5):
        own = points[0, sources == mode]
        torch.testing.assert_close(own.mean(0), centres[mode], atol=0.03, rtol=0)
        torch.testing.assert_close(own.std(0), torch.full((2,), 0.3), atol=0.02, rtol=0)


def test_circle_by_hand() -> None:
    torch.testing.assert_close(toy.circle(4, radius=2.0), torch.tensor([[2.0, 0], [0, 2], [-2, 0], [0, -2]]), atol=1e-6, rtol=0)


def test_grid_by_hand() -> None:
    assert toy.grid(2, apart=3.0).tolist() == [[-1.5, -1.5], [-1.5, 1.5], [1.5, -1.5], [1.5, 1.5]]
    assert sorted(set(toy.grid(5, apart=2.0).flatten().tolist())) == [-4.0, -2.0, 0.0, 2.0, 4.0]


def test_irregular_modes_differ_by_seed_and_keep_their_distance() -> None:
    centres = toy.irregular([0, 1]).b.centres
    assert not torch.equal(centres[0], centres[1])
    assert torch.equal(centres[1], toy.irregular([1]).b.centres[0])
    for member in centres:
        assert float(torch.pdist(member).min()) >= 0.8


def test_too_many_modes_are_refused() -> None:
    with pytest.raises(ConfigError, match="do not fit"):
        toy.scattered(10, reach=0.1, apart=1.0, generator=torch.Generator().manual_seed(0))


def test_make_writes_points_and_a_card(tmp_path: Path) -> None:
    toy.make(tmp_path / "toy", points=50)
    lines = (tmp_path / "toy" / "five-to-ten-a.csv").read_text().splitlines()
    assert lines[0] == "x,y,mode"
    assert len(lines) == 51
    assert json.loads((tmp_path / "toy" / "set.json").read_text())["name"] == "toy"
    with pytest.raises(ConfigError, match="not empty"):
        toy.make(tmp_path / "toy")


def test_a_reproduction_writes_its_result_and_goes_on_from_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "STEPS", {"quick": 4})
    monkeypatch.setattr(experiment, "FRAMES", 2)
    first = base.reproduce(experiment.TOY, size="quick", out=tmp_path / "results", runs=tmp_path / "runs")
    second = base.reproduce(experiment.TOY, size="quick", out=tmp_path / "results", runs=tmp_path / "runs")
    assert first["metrics"] == second["metrics"]
    written = json.loads((tmp_path / "results" / "toy-quick" / "result.json").read_text())
    assert {claim["statement"] for claim in written["claims"]} == {claim.statement for claim in experiment.CLAIMS}
    for claim in written["claims"]:
        assert set(claim) == {"statement", "source", "measured", "wanted", "holds"}
    assert (tmp_path / "results" / "toy-quick" / "irregular-small-to-wide.png").exists()
    assert (tmp_path / "results" / "toy-quick" / "irregular.gif").exists()


@pytest.mark.parametrize(("value", "holds"), [(3.0, True), (5.0, False)])
def test_a_claim_is_judged_by_what_was_measured(value: float, holds: bool, tmp_path: Path) -> None:
    claim = base.Claim("few", "us", "at most 4", lambda metrics: metrics["few"], lambda few: few <= 4)
    trial = replace(experiment.TOY, name="trial", run=lambda lab: {"few": value}, claims=(claim,))
    found = base.reproduce(trial, size="default", out=tmp_path, runs=tmp_path)["claims"]
    assert found == [{"statement": "few", "source": "us", "measured": value, "wanted": "at most 4", "holds": holds}]
