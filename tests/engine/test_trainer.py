"""The loop, on games so small that every number can be worked out by hand.

With a constant gradient g, Adam's bias-corrected moments are exactly g and g^2: each step moves by the learning rate.
"""

import signal
import time
from itertools import pairwise

import pytest
import torch
from torch import nn

from unpaired.engine import checkpoint, journal, trainer
from unpaired.engine.journal import Journal
from unpaired.engine.runtime import Runtime, seed_for
from unpaired.engine.trainer import Trainer, schedule
from unpaired.errors import RunError
from unpaired.games import specs, table
from unpaired.games.base import Game, Turn
from unpaired.networks.specs import ConvDiscriminator, EncoderDecoder, PatchGAN, ResNet
from unpaired.options import Adam, Training

RATE = 0.1


class Weights(nn.Module):
    """Two numbers, 0 at first, a buffer that counts, and whatever noise `play` draws."""

    def __init__(self):
        super().__init__()
        self.both = nn.Parameter(torch.zeros(2))
        self.register_buffer("drawn", torch.zeros(1))


class Slope(Game):
    """`left` and `right` each go downhill along 3x + 4y, in turns; `noise` makes a loss that is told random."""

    def __init__(self, *, noise=0.0):
        super().__init__()
        self.left, self.right, self.noise = Weights(), Weights(), noise
        self.seen = []

    def players(self):
        return {"left": self.left, "right": self.right}

    def play(self, batch, step):
        slope = torch.tensor([3.0, 4.0])
        self.left.drawn += torch.rand(1)
        x, y = self.left.both
        yield Turn("left", {"x": 3 * x + self.noise * torch.randn(()), "y": 4 * y + self._meeting()})
        idle = self.right.both.grad
        self.seen.append((step, batch, self.left.both.grad.clone(), None if idle is None else idle.clone()))
        yield Turn("right", {"all": (slope * self.right.both).sum() + self._meeting()})

    def _meeting(self):
        """Nothing, but both players are in its graph."""
        return (self.left.both * self.right.both).sum() * 0

    def remains(self):
        return {}

    def chance(self):
        return {}


class Watching:
    """An observer that finds `errors` one after the other; `fails` names the calls that meet a full disk."""

    def __init__(self, *errors, fails=()):
        self.errors, self.fails = list(errors), set(fails)
        self.looked, self.kept, self.said, self.told = [], [], [], []

    def losses(self, step, losses, *, speed, done, left):
        self.told.append((step, dict(losses), done))

    def evaluate(self, step, remains):
        self.looked.append(step)
        if ("evaluate", step) in self.fails:
            raise OSError(28, "No space left on device")
        return self.errors.pop(0) if self.errors else None

    def keep(self, step, remains):
        if ("keep", step) in self.fails:
            raise OSError(28, "No space left on device")
        self.kept.append(step)

    def say(self, message):
        self.said.append(message)


def slope(folder, *, adam=None, noise=0.0, **options):
    training = Training(**({"steps": 4, "batch": 2, "precision": "float32", "device": "cpu", "threads": 1} | options))
    return Trainer(
        Slope(noise=noise),
        batches=lambda step, part, seed: (step, part, seed),
        training=training,
        adam=adam or Adam(learning_rate=RATE),
        runtime=Runtime.choose(training),
        folder=folder,
    )


def run(loop, *, observer=None, book=None):
    return loop.run(journal=book, observer=observer)


# -- a step --


def test_a_gradient_lands_in_the_mover_alone(tmp_path):
    loop = slope(tmp_path)
    assert list(loop.step()) == ["left/x", "left/y", "right/all"]
    (step, batch, mover, idle), *_ = loop.game.seen
    assert step == 0
    assert batch == (0, 0, seed_for(0, 0))
    assert mover.tolist() == [3, 4]
    assert idle is None
    assert loop.game.left.both.tolist() == pytest.approx([-RATE, -RATE])
    assert loop.game.right.both.tolist() == pytest.approx([-RATE, -RATE])


def test_the_last_steps_gradients_are_gone_before_a_game_is_played(tmp_path):
    """They would lie beside its activations where memory is the fullest."""
    loop = slope(tmp_path)
    loop.step()
    assert loop.game.right.both.grad is not None
    loop.step()
    assert [idle for *_, idle in loop.game.seen] == [None, None]


def test_the_gradient_is_clipped_by_its_norm(tmp_path):
    loop = slope(tmp_path, clip=1.0)
    loop.step()
    assert loop.game.left.both.grad.tolist() == pytest.approx([0.6, 0.8], abs=1e-5)
    free = slope(tmp_path, clip=5.1)
    free.step()
    assert free.game.left.both.grad.tolist() == [3, 4]


def test_losses_are_told_as_they_are_minimised(tmp_path):
    loop = slope(tmp_path, accumulate=2)
    loop.step()
    losses = loop.step()
    assert losses["left/x"].item() == pytest.approx(-3 * RATE)
    assert losses["left/y"].item() == pytest.approx(-4 * RATE)
    assert losses["right/all"].item() == pytest.approx(-7 * RATE)


def test_parts_of_a_batch_are_asked_for_in_order(tmp_path):
    loop = slope(tmp_path, accumulate=2)
    loop.step()
    loop.step()
    assert [(step, part) for step, (_, part, _), *_ in loop.game.seen] == [(0, 0), (0, 1), (1, 0), (1, 1)]


# A bias before an instance norm has no gradient but rounding: a larger epsilon keeps Adam from making steps of that.
STEADY = Adam(learning_rate=1e-3, epsilon=1e-2)
NO_STATISTICS = {
    "discogan": specs.DiscoGAN(
        generator=ResNet(width=4, blocks=1, downs=1), discriminator=PatchGAN(width=4, layers=1), optimizer=STEADY
    ),
    "authors": specs.DiscoGAN(
        generator=ResNet(width=4, blocks=1, downs=1, norm="none"),
        discriminator=PatchGAN(width=4, layers=1, norm="none"),
        form=specs.AuthorsForm(first_stage=2, feature_matching=0.0),  # which is a statistic of the batch
        optimizer=STEADY,
    ),
    "reconstruction": specs.ReconstructionGAN(
        generator=ResNet(width=4, blocks=1, downs=1), discriminator=PatchGAN(width=4, layers=1), optimizer=STEADY
    ),
}


def real(folder, spec, **options):
    from unpaired.data.batches import Unpaired

    training = Training(**({"steps": 6, "batch": 4, "precision": "float32", "device": "cpu", "threads": 1} | options))

    def batches(step, part, seed):
        x = torch.rand(2, training.batch, 3, 16, 16, generator=torch.Generator().manual_seed(seed_for(seed, step))) * 2 - 1
        a, b = x.chunk(training.accumulate, dim=1)[part]
        return Unpaired(a, b)

    game = table.build(spec, shape_a=(3, 16, 16), shape_b=(3, 16, 16), seed=training.seed)
    return Trainer(game, batches=batches, training=training, adam=spec.optimizer, runtime=Runtime.choose(training), folder=folder)


@pytest.mark.parametrize("accumulate", [2, 4])
@pytest.mark.parametrize("name", NO_STATISTICS)
def test_a_batch_in_parts_is_the_batch(tmp_path, name, accumulate):
    """Parts of one image too: there nn.InstanceNorm2d has wrong gradients on channels-last CPU tensors (torch 2.13)."""
    whole, parts = real(tmp_path, NO_STATISTICS[name]), real(tmp_path, NO_STATISTICS[name], accumulate=accumulate)
    start = {key: value.clone() for key, value in whole.game.state_dict().items()}
    for _ in range(6):
        losses, same = whole.step(), parts.step()
        assert losses.keys() == same.keys()
        assert all(losses[key].item() == pytest.approx(same[key].item(), rel=1e-4, abs=1e-6) for key in losses)
    moved = max((value - start[key]).abs().max().item() for key, value in whole.game.state_dict().items())
    apart = max((value - parts.game.state_dict()[key]).abs().max().item() for key, value in whole.game.state_dict().items())
    assert moved > 1e-4
    assert apart < 1e-6


# -- schedules --


@pytest.mark.parametrize(
    ("options", "factors"),
    [
        ({}, [1, 1, 1, 1, 1]),
        ({"schedule": "linear"}, [1, 0.75, 0.5, 0.25, 0]),
        ({"schedule": "linear", "decay_from": 0.5}, [1, 1, 1, 0.5, 0]),
        ({"schedule": "cosine"}, [1, 0.8535534, 0.5, 0.1464466, 0]),
        ({"schedule": "cosine", "decay_from": 0.5}, [1, 1, 1, 0.5, 0]),
    ],
)
def test_the_learning_rate_follows_its_schedule(tmp_path, options, factors):
    assert [schedule(Training(**options), done / 4) for done in range(5)] == pytest.approx(factors)
    loop = slope(tmp_path, **options)
    for taken in range(4):
        loop.step()
        assert loop.game.left.both[0].item() == pytest.approx(-RATE * sum(factors[: taken + 1]), rel=1e-5)


def test_a_schedule_may_follow_the_clock(tmp_path):
    loop = slope(tmp_path, steps=None, minutes=2.0, schedule="linear")
    loop.progress.seconds = 90.0
    loop.step()
    assert loop.game.left.both[0].item() == pytest.approx(-RATE * 0.25, rel=1e-5)
    loop.progress.seconds = 500.0
    assert loop.done == 1.0


# -- the moving average --


def test_the_moving_average_by_hand(tmp_path):
    """Weights -0.1, -0.2, -0.3, -0.4; decays min(0.26, 2/11), min(0.26, 3/12), then 0.26 itself, as 4/13 is more."""
    loop = slope(tmp_path, ema=0.26)
    found = []
    for _ in range(4):
        loop.step()
        found.append(loop.average.module.left.both[0].item())
    second = (2 * -0.1 + 9 * -0.2) / 11
    third = 0.25 * second + 0.75 * -0.3
    assert found == pytest.approx([-0.1, second, third, 0.26 * third + 0.74 * -0.4], rel=1e-5)
    assert loop.game.left.both[0].item() == pytest.approx(-0.4)


def test_statistics_are_averaged_too_and_what_counts_is_copied(tmp_path):
    spec = specs.DiscoGAN(generator=EncoderDecoder(width=4), discriminator=ConvDiscriminator(width=4))
    loop = real(tmp_path, spec, ema=0.5)
    means = []
    for _ in range(2):
        loop.step()
        means.append(loop.game.a_to_b.layers[3].running_mean.clone())
    averaged = loop.average.module.a_to_b.layers[3]
    torch.testing.assert_close(averaged.running_mean, (2 * means[0] + 9 * means[1]) / 11)
    assert averaged.num_batches_tracked == loop.game.a_to_b.layers[3].num_batches_tracked > 0


def test_translators_are_the_averages(tmp_path):
    spec = specs.DiscoGAN(generator=EncoderDecoder(width=4), discriminator=ConvDiscriminator(width=4))
    averaged, plain = real(tmp_path, spec, ema=0.9), real(tmp_path, spec)
    assert averaged.remains()["a_to_b"].network is averaged.average.module.a_to_b
    assert plain.remains()["a_to_b"].network is plain.game.a_to_b


# -- a run --


def test_a_run_saves_and_looks_when_it_is_due(tmp_path, monkeypatch):
    saved = []
    save = checkpoint.save
    monkeypatch.setattr(
        checkpoint,
        "save",
        lambda path, **named: (saved.append((path.stem, named["progress"].step)), save(path, **named)),
    )
    watching = Watching()
    loop = slope(tmp_path, steps=10, evaluate_every=4, save_every=3)
    assert run(loop, observer=watching) is True
    assert watching.looked == [0, 4, 8, 10]
    assert [step for name, step in saved if name == "last"] == [0, 3, 4, 6, 8, 9, 10]
    assert watching.kept == [0, 4, 8, 10]  # nothing is held out: the latest
    assert watching.told[-1][0] == 10
    assert watching.told[-1][2] == 1.0


def test_the_best_has_the_lowest_error(tmp_path):
    watching = Watching(3.0, 1.0, 2.0, 1.0, 5.0)
    loop = slope(tmp_path, steps=8, evaluate_every=2)
    run(loop, observer=watching)
    assert watching.kept == [0, 2]
    best, progress = checkpoint.load(loop.best)
    assert (progress.step, progress.best) == (2, 1.0)
    assert best["game/left.both"].tolist() == pytest.approx([-0.2, -0.2])
    last, progress = checkpoint.load(loop.last)
    assert (progress.step, progress.best) == (8, 1.0)
    assert last["game/left.both"].tolist() == pytest.approx([-0.8, -0.8])


def test_a_resumed_run_keeps_the_best_error(tmp_path):
    run(slope(tmp_path, steps=4, evaluate_every=2), observer=Watching(3.0, 1.0, 2.0))
    loop, watching = slope(tmp_path, steps=6, evaluate_every=2), Watching(1.5)
    loop.restore(loop.last)
    run(loop, observer=watching)
    assert (watching.looked, watching.kept) == ([6], [])


@pytest.mark.parametrize("stop", range(1, 6))
def test_a_resumed_run_draws_what_it_would_have_drawn(tmp_path, stop):
    whole = slope(tmp_path / "whole", steps=6, noise=0.5, ema=0.9)
    run(whole)
    run(slope(tmp_path / "parts", steps=stop, noise=0.5, ema=0.9))
    rest = slope(tmp_path / "parts", steps=6, noise=0.5, ema=0.9)
    rest.restore(rest.last)
    torch.rand(7)  # whatever else drew in between
    run(rest)
    wanted = whole.tensors()
    assert all(torch.equal(value, wanted[name]) for name, value in rest.tensors().items())
    assert wanted["game/left.drawn"].item() > 0
    assert rest.tensors().keys() == wanted.keys()


def test_a_checkpoint_of_another_game_is_refused(tmp_path):
    run(slope(tmp_path, steps=1))
    loop = real(tmp_path, NO_STATISTICS["discogan"])
    with pytest.raises(RunError, match=r"last\.safetensors does not fit this game"):
        loop.restore(loop.last)


def test_by_the_clock_a_run_ends_in_time(tmp_path):
    loop, watching = slope(tmp_path, steps=None, minutes=0.4 / 60), Watching(1.0)
    began = time.monotonic()
    assert run(loop, observer=watching)
    assert 0.4 <= time.monotonic() - began < 5
    assert loop.progress.seconds >= 0.4
    assert loop.progress.step > 3
    assert watching.looked == [loop.progress.step]
    assert checkpoint.load(loop.last)[1] == loop.progress


def test_looks_take_a_share_of_the_time_however_slow_they_are(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(trainer.time, "monotonic", lambda: now[0])
    loop, watching = slope(tmp_path, steps=None, minutes=60.0), Watching()
    play, look = loop.step, watching.evaluate

    def later(seconds, call):
        def slowly(*arguments):
            now[0] += seconds
            return call(*arguments)

        return slowly

    loop.step, watching.evaluate = later(1.0, play), later(40.0, look)
    run(loop, observer=watching)
    assert 10 < len(watching.looked) < 25  # at most a fifth of the hour, and ever rarer
    assert all(after - before >= 100 for before, after in pairwise(watching.looked[:-1]))


def test_the_journal_tells_mean_losses(tmp_path):
    book = Journal(tmp_path)
    run(slope(tmp_path, steps=4, save_every=2), book=book)
    book.close()
    events = [event for event in journal.read(tmp_path) if event["event"] == "steps"]
    assert [event["step"] for event in events] == [2, 4]
    assert events[0]["losses"]["left/x"] == pytest.approx(3 * (0 - 0.1) / 2)
    assert events[1]["losses"]["left/x"] == pytest.approx(3 * (-0.2 - 0.3) / 2)


# -- what goes wrong --


@pytest.fixture
def full(monkeypatch):
    """A function from names of checkpoints to a disk that is full while step numbers are in the set it returns."""
    steps, save = set(), checkpoint.save

    def failing(path, *, tensors, progress):
        if progress.step in steps:
            raise OSError(28, "No space left on device")
        save(path, tensors=tensors, progress=progress)

    monkeypatch.setattr(checkpoint, "save", failing)
    return steps


def test_a_failed_save_is_told_and_the_run_goes_on(tmp_path, full):
    full |= {2, 4}
    loop, watching = slope(tmp_path, steps=6, save_every=2), Watching()
    assert run(loop, observer=watching)
    assert [message.split(":")[0] for message in watching.said] == [
        "step 2 could not be saved",
        "step 4 could not be saved",
    ]
    assert f"No space left on device; the last good checkpoint, {loop.last}, is untouched" in watching.said[0]
    assert checkpoint.load(loop.last)[1].step == 6


def test_a_disk_that_is_full_from_the_first_is_told_as_often_as_it_is_tried(tmp_path, full):
    full |= {0, 1, 2, 3, 4, 5}
    watching = Watching()
    assert run(slope(tmp_path, steps=6, save_every=5), observer=watching)
    assert [message.split(":")[0] for message in watching.said] == [
        "step 0 could not be saved",
        "step 5 could not be saved",
    ]
    assert "there is no checkpoint yet" in watching.said[0]


def test_a_failed_final_save_is_an_error(tmp_path, full):
    full |= {4}
    loop = slope(tmp_path, save_every=2)
    with pytest.raises(RunError, match=r"step 4 could not be saved: .*No space left.*Make room and `unpaired resume`"):
        run(loop, observer=Watching())
    assert checkpoint.load(loop.last)[1].step == 2


def test_what_could_not_be_kept_is_not_the_best(tmp_path):
    watching = Watching(3.0, 1.0, 2.0, 2.5, fails=[("keep", 2), ("evaluate", 6)])
    loop = slope(tmp_path, steps=8, evaluate_every=2)
    run(loop, observer=watching)
    assert watching.looked == [0, 2, 4, 6, 8]
    assert watching.kept == [0, 4]  # 1.0 was lower, and there are no translators of it
    assert [message.split(":")[0] for message in watching.said] == [
        "step 2 could not be saved",
        "step 6 could not be saved",
    ]
    assert checkpoint.load(loop.last)[1].best == 2.0


def test_translators_that_cannot_be_kept_at_the_end_are_an_error(tmp_path):
    watching = Watching(3.0, 1.0, fails=[("keep", 4)])
    with pytest.raises(RunError, match="step 4 could not be saved"):
        run(slope(tmp_path, evaluate_every=4), observer=watching)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_ends(tmp_path, number):
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    loop = slope(tmp_path, steps=1000)
    play = loop.step

    def step():
        if loop.progress.step == 3:
            signal.raise_signal(number)
        return play()

    loop.step = step
    watching = Watching()
    assert run(loop, observer=watching) is False
    assert checkpoint.load(loop.last)[1].step == loop.progress.step == 4
    assert watching.looked == []  # whoever asks twice waits for nothing long
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers


def test_a_second_signal_ends_at_once_and_the_last_good_checkpoint_stays(tmp_path, monkeypatch):
    loop = slope(tmp_path, steps=1000, save_every=2)
    play = loop.step

    def step():
        if loop.progress.step == 3:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        return play()

    loop.step = step
    with pytest.raises(KeyboardInterrupt):
        run(loop)
    assert checkpoint.load(loop.last)[1].step == 2
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
