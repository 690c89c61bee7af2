"""A compiled game plays as an eager one, keeps the names of its state, and is not compiled again to evaluate."""

from pathlib import Path

import pytest
import torch
from torch import nn

from unpaired.data.batches import Unpaired
from unpaired.engine.runtime import COMPILE_EARNS_MINUTES, Runtime, compile_pays
from unpaired.engine.trainer import Trainer
from unpaired.games import specs, table
from unpaired.networks.specs import ConvDiscriminator, EncoderDecoder
from unpaired.options import Training

TRAINING = Training(steps=3, batch=4, device="cpu", precision="float32", threads=1)


def trainer(folder: Path, *, compiled: bool) -> Trainer[Unpaired]:
    spec = specs.DiscoGAN(generator=EncoderDecoder(width=4), discriminator=ConvDiscriminator(width=4))
    images = torch.rand(2, 4, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return Trainer(
        table.build(spec, shape_a=(3, 16, 16), shape_b=(3, 16, 16), seed=1),
        batches=lambda step, part, seed: Unpaired(images[0], images[1]),
        training=TRAINING,
        adam=spec.optimizer,
        runtime=Runtime.choose(TRAINING),
        folder=folder,
        compiled=compiled,
    )


def test_compiled_and_eager_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graphs: list[object] = []

    def backend(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> object:  # without a C++ compiler's minute
        graphs.append(graph)
        return graph.forward

    compile_module = nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", lambda module: compile_module(module, backend=backend))
    eager, compiled = (trainer(tmp_path, compiled=flag) for flag in (False, True))
    for _ in range(3):
        wanted, found = eager.step(), compiled.step()
        for name, loss in wanted.items():
            torch.testing.assert_close(found[name], loss, rtol=1e-4, atol=1e-6)
    assert set(compiled.tensors()) == set(eager.tensors())
    assert graphs
    before = len(graphs)
    answers = [run.remains()["a_to_b"].batch(torch.zeros(5, 3, 16, 16)) for run in (eager, compiled)]
    torch.testing.assert_close(answers[0], answers[1], rtol=1e-4, atol=1e-5)
    assert len(graphs) == before


@pytest.mark.parametrize(
    ("training", "seconds", "wanted"),
    [
        (Training(steps=100), 1.0, False),
        (Training(minutes=COMPILE_EARNS_MINUTES + 1), 0.0, True),
        (Training(minutes=COMPILE_EARNS_MINUTES - 1), 0.0, False),
        (Training(steps=10_000), 1.0, True),
        (Training(steps=10, compile="on"), 1.0, True),
        (Training(steps=10_000, compile="off"), 1.0, False),
    ],
)
def test_compiling_pays_where_the_run_is_long(
    training: Training, seconds: float, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "c++")
    assert compile_pays(training, seconds_per_step=seconds)[0] is wanted
