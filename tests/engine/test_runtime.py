"""Where and how a run computes."""

import re

import pytest
import torch
from torch import nn

from unpaired.engine import runtime
from unpaired.engine.runtime import Runtime, choose_device, compile_pays, flat_parameters, seed_for, total
from unpaired.errors import ConfigError
from unpaired.options import Training


def test_seeds_are_the_same_on_every_machine_and_in_every_release():
    assert seed_for(0, 0) == 1350176041220068806
    assert seed_for("a", 3, 1) == 4760739324048469541


def test_seeds_do_not_meet():
    seeds = {seed_for(seed, step, rank) for seed in range(5) for step in range(100) for rank in range(4)}
    assert len(seeds) == 2000
    assert all(0 <= seed < 2**63 for seed in seeds)
    torch.manual_seed(max(seeds))


@pytest.mark.parametrize(
    ("options", "seconds", "compiler", "pays", "why"),
    [
        ({"steps": 1000}, 10.0, "c++", True, "compiled: about 167 minutes of training will earn it back"),
        ({"steps": 1000}, 0.1, "c++", False, "eager: about 2 minutes of training would not earn"),
        ({"steps": 1000}, 10.0, None, False, "eager: no C++ compiler found"),
        ({"steps": 600}, 0.1, "c++", False, "eager: about 1 minute of training would not earn"),
        ({"minutes": 60.0}, 0.0, "c++", True, "about 60 minutes"),
        (
            {"minutes": 60.0, "steps": 10},
            0.1,
            "c++",
            False,
            "less than a minute of",
        ),  # steps decide where both are given
        ({"steps": 10, "compile": "on"}, 0.1, None, True, "as asked"),
        ({"steps": 10**6, "compile": "off"}, 10.0, "c++", False, "as asked"),
    ],
)
def test_compilation_must_earn_its_time(monkeypatch, options, seconds, compiler, pays, why):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(runtime.shutil, "which", lambda name: compiler)
    found, reason = compile_pays(Training(**options), seconds_per_step=seconds)
    assert found is pays
    assert why in reason


def test_a_device_that_is_not_here_is_refused():
    for name in ("cuda", "cuda:9", "no-such-device"):
        if name == "cuda" and torch.cuda.is_available():
            continue
        with pytest.raises(ConfigError, match=re.escape(f"device '{name}' cannot be used here") + ".*; use --device auto"):
            choose_device(name)
    assert choose_device("cpu") == (torch.device("cpu"), "as asked")


def test_the_best_device_is_chosen(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == (torch.device("cpu"), "no GPU found")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == (torch.device("mps"), "Apple GPU found")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto", local_rank=3) == (torch.device("cuda:3"), "CUDA found")


@pytest.mark.parametrize(
    ("capabilities", "precision"), [({"avx512_bf16": True}, "bf16"), ({"avx2": True}, "float32"), ({}, "float32")]
)
def test_bfloat16_where_the_processor_computes_in_it(monkeypatch, capabilities, precision):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    chosen = Runtime.choose(Training(device="cpu"))
    assert chosen.precision == {"bf16": torch.bfloat16, "float32": torch.float32}[precision]
    assert Runtime.choose(Training(device="cpu", precision="bf16")).precision == torch.bfloat16


def test_autocast_follows_the_precision():
    layer, x = nn.Linear(3, 3), torch.randn(2, 3)
    for precision, dtype in (("bf16", torch.bfloat16), ("float32", torch.float32)):
        with Runtime.choose(Training(device="cpu", precision=precision)).autocast():
            assert layer(x).dtype == dtype
    assert layer.weight.dtype == torch.float32


def test_a_batch_that_cannot_be_shared_is_refused(monkeypatch):
    with pytest.raises(ConfigError, match="batch 10 cannot be shared by 1 processes x 4 parts; choose a multiple of 4"):
        Runtime.choose(Training(device="cpu", batch=10, accumulate=4))
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(ConfigError, match="batch 10 cannot be shared by 3 processes x 1 parts"):
        Runtime.choose(Training(device="cpu", batch=10))


def test_one_process_agrees_with_itself_and_leaves_gradients_alone():
    alone = Runtime.choose(Training(device="cpu"))
    parameter = nn.Parameter(torch.ones(2))
    parameter.grad = torch.tensor([1.0, 2.0])
    alone.average_gradients([parameter])
    assert parameter.grad.tolist() == [1.0, 2.0]
    assert alone.writes
    assert alone.agree((1, "a")) == (1, "a")


def test_small_things():
    layer = nn.Linear(2, 2)
    layer.bias.requires_grad_(False)
    assert [p is layer.weight for p in flat_parameters(layer)] == [True]
    assert total([torch.tensor(1.5), torch.tensor(2.0, dtype=torch.bfloat16)]).item() == 3.5
