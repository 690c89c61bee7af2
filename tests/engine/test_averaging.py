"""The moving average beside torch's own, and checkpoints of versions that averaged pools too."""

import math

import pytest
import torch
from torch.optim.swa_utils import AveragedModel

from unpaired.data.batches import Unpaired
from unpaired.engine import checkpoint
from unpaired.engine.runtime import Runtime, seed_for
from unpaired.engine.trainer import Trainer
from unpaired.games import specs, table
from unpaired.networks.specs import EncoderDecoder, PatchGAN
from unpaired.options import Training

SHAPE = (3, 16, 16)
SPEC = specs.CycleGAN(generator=EncoderDecoder(width=4), discriminator=PatchGAN(width=4, layers=1, norm="batch"), pool=6)


def loop(folder, *, steps=6, spec=SPEC):
    training = Training(steps=steps, batch=2, precision="float32", device="cpu", threads=1, ema=0.4)

    def batches(step, part, seed):
        random = torch.Generator().manual_seed(seed_for(seed, step))
        return Unpaired(*(torch.rand(2, 2, *SHAPE, generator=random) * 2 - 1))

    game = table.build(spec, shape_a=SHAPE, shape_b=SHAPE, seed=0)
    return Trainer(game, batches=batches, training=training, adam=spec.optimizer, runtime=Runtime.choose(training), folder=folder)


def torchs(game):
    """As earlier versions averaged: torch's, of everything."""

    def update(averages, values, count):
        weight = 1 - min(0.4, (1 + float(count)) / (10 + float(count)))
        for average, value in zip(averages, values, strict=True):
            if average.is_floating_point():
                average.lerp_(value, weight)
            else:
                average.copy_(value)

    return AveragedModel(game, multi_avg_fn=update, use_buffers=True)


def pooled(name):
    return "replay" in name


def test_it_is_torchs_average_bit_for_bit_but_for_pools(tmp_path):
    ours = loop(tmp_path)
    theirs = torchs(ours.game)
    for _ in range(6):
        ours.step()
        theirs.update_parameters(ours.game)
        wanted, found = theirs.state_dict(), ours.average.state_dict()
        assert set(wanted) - set(found) == {f"module.replay_{domain}.{what}" for domain in "ab" for what in ("images", "count")}
        assert all(torch.equal(value, wanted[name]) for name, value in found.items())
    assert any("running_var" in name for name in found)
    assert ours.game.replay_a.count == 6
    assert torch.equal(found["module.a_to_b.layers.0.weight"], ours.remains()["a_to_b"].network.layers[0].weight)


def test_no_pool_is_copied(tmp_path, monkeypatch):
    """Not even for a moment: a pool of 50 images of 256 px is 39 MB."""
    spec = specs.CycleGAN(generator=SPEC.generator, discriminator=SPEC.discriminator, pool=1000)
    made = []
    copied = torch.Tensor.__deepcopy__
    monkeypatch.setattr(torch.Tensor, "__deepcopy__", lambda self, memo: made.append(self.shape) or copied(self, memo))
    trained = loop(tmp_path, spec=spec)
    assert made
    assert (1000, *SHAPE) not in made
    pool = trained.game.replay_a.images
    assert (math.prod(pool.shape), pool.any().item()) == (1000 * math.prod(SHAPE), False)


@pytest.mark.parametrize("stop", [1, 4])
def test_a_run_of_an_earlier_version_goes_on(tmp_path, stop):
    whole, first = loop(tmp_path / "whole"), loop(tmp_path / "parts")
    theirs = torchs(first.game)
    for _ in range(stop):
        first.step()
        theirs.update_parameters(first.game)
    ours = {name: value for name, value in first.tensors().items() if not name.startswith("average/")}
    old = ours | {f"average/{name}": value for name, value in theirs.state_dict().items()}
    assert any(pooled(name) for name in old if name.startswith("average/"))
    first.last.parent.mkdir(parents=True)
    checkpoint.save(first.last, tensors=old, progress=first.progress)
    rest = loop(tmp_path / "parts")
    rest.restore(rest.last)
    for trainer in (whole, rest):
        trainer.run(journal=None, observer=None)
    wanted, found = whole.tensors(), rest.tensors()
    assert wanted.keys() == found.keys()
    assert all(torch.equal(value, wanted[name]) for name, value in found.items())
    assert not any(pooled(name) for name in found if name.startswith("average/"))
    assert any(pooled(name) for name in found if name.startswith("game/"))
