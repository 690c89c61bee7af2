"""A checkpoint is the old one or the new one, and gives back every bit."""

import os

import pytest
import safetensors.torch
import torch
from torch import nn

from unpaired.engine import checkpoint
from unpaired.engine.checkpoint import Progress
from unpaired.errors import RunError

PROGRESS = Progress(step=7, seconds=1.5, rollbacks=1, best=0.25)


def player():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 2, 1)).to(memory_format=torch.channels_last)


def optimizer(module):
    return torch.optim.Adam(module.parameters(), lr=1e-2, fused=True)


def step(module, adam, *, seed):
    adam.zero_grad(set_to_none=True)
    module(torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(seed))).square().mean().backward()
    adam.step()


def test_what_is_saved_comes_back(tmp_path):
    tensors = {
        "game/weight": torch.randn(3, 4).t(),  # not contiguous
        "game/images": torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last),
        "game/half": torch.randn(5).bfloat16(),
        "average/n_averaged": torch.tensor(3),
        "optimizer/generator/weight/step": torch.tensor(7.0),
        "game/empty": torch.zeros(0, 3),
    }
    checkpoint.save(tmp_path / "last.safetensors", tensors=tensors, progress=PROGRESS)
    found, progress = checkpoint.load(tmp_path / "last.safetensors")
    assert progress == PROGRESS
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)
    assert list(checkpoint.under(found, "average")) == ["n_averaged"]
    assert [path.name for path in tmp_path.iterdir()] == ["last.safetensors"]


def test_an_optimiser_goes_on_with_the_same_bits(tmp_path):
    module = player()
    adam = optimizer(module)
    for seed in range(3):
        step(module, adam, seed=seed)
    checkpoint.save(
        tmp_path / "last.safetensors",
        tensors=module.state_dict() | checkpoint.optimizer_tensors(adam, module, prefix="optimizer/p"),
        progress=PROGRESS,
    )
    found, _ = checkpoint.load(tmp_path / "last.safetensors")
    assert "optimizer/p/0.weight/exp_avg" in found
    other = player()
    other.load_state_dict({name: value for name, value in found.items() if not name.startswith("optimizer/")})
    again = optimizer(other)
    checkpoint.restore_optimizer(again, other, found, prefix="optimizer/p")
    moments = again.state[other[0].weight]["exp_avg"]
    assert moments.is_contiguous(memory_format=torch.channels_last)
    for seed in range(3, 6):
        step(module, adam, seed=seed)
        step(other, again, seed=seed)
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in module.state_dict().items())


def test_an_optimiser_that_has_not_moved_has_no_state():
    module = player()
    assert checkpoint.optimizer_tensors(optimizer(module), module, prefix="optimizer/p") == {}


@pytest.mark.parametrize(
    "fail",
    [
        lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left on device")),
        lambda *_, **__: (_ for _ in ()).throw(safetensors.SafetensorError("I/O error: No space left on device")),
    ],
)
def test_a_full_disk_leaves_the_last_good_one(tmp_path, monkeypatch, fail):
    path = tmp_path / "last.safetensors"
    checkpoint.save(path, tensors={"x": torch.ones(3)}, progress=PROGRESS)

    def half(tensors, temporary, **named):
        temporary.write_bytes(b"half of it")
        fail()

    monkeypatch.setattr(safetensors.torch, "save_file", half)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save(path, tensors={"x": torch.zeros(3)}, progress=PROGRESS)
    assert torch.equal(checkpoint.load(path)[0]["x"], torch.ones(3))
    assert [path.name for path in tmp_path.iterdir()] == ["last.safetensors"]


def test_what_a_killed_run_left_half_written_goes_with_the_next_save(tmp_path):
    (tmp_path / ".last.safetensors.4711").write_bytes(b"half")
    (tmp_path / ".best.safetensors.4711").write_bytes(b"half")
    checkpoint.save(tmp_path / "last.safetensors", tensors={"x": torch.ones(3)}, progress=PROGRESS)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".best.safetensors.4711", "last.safetensors"]


def damaged(path, how):
    match how:
        case "missing":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "half":
            os.truncate(path, path.stat().st_size // 2)
        case "other":
            path.write_bytes(b"PK\3\4 a zip, or a pickle" * 20)
        case "foreign":
            safetensors.torch.save_file({"x": torch.ones(3)}, path)
        case "newer":
            safetensors.torch.save_file({"x": torch.ones(3)}, path, metadata={"progress": '{"step": 1, "moon": 2}'})


@pytest.mark.parametrize("how", ["missing", "empty", "half", "other", "foreign", "newer"])
def test_a_damaged_checkpoint_is_refused(tmp_path, how):
    path = tmp_path / "last.safetensors"
    checkpoint.save(path, tensors={"x": torch.ones(100)}, progress=PROGRESS)
    damaged(path, how)
    with pytest.raises(RunError, match=r"no usable checkpoint at .*last\.safetensors: "):
        checkpoint.load(path)
