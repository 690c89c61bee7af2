"""Seconds per move of StarGAN and images per second: ours beside a checkout of its authors' code, in turns, each in a process
of its own.

    python benchmarks/stargan_step.py --size 128 --reference PATH

As published: batch 16, five yes-or-no attributes, Wasserstein with a gradient penalty, five moves of the discriminator for each
of the generator; six layers in the discriminator at every size. PATH: a checkout of yunjey/stargan, whose own training loop is
timed. Images are random and lie in memory; loading is not timed. A line tells seconds per discriminator's move (with the images
that are generated for it), per generator's, images per second over the ratio of 5 to 1 (each a median over the rounds), and the
peak resident memory.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
import types
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

OURS = {
    "ours, default": {"precision": "auto", "compile": True},
    "ours, eager": {"precision": "auto", "compile": False},
    "ours, float32": {"precision": "float32", "compile": True},
    "ours, float32 eager": {"precision": "float32", "compile": False},
}
REFERENCE = "reference"
CRITIC = 5
LABELS = 5


def main() -> None:
    arguments = parse()
    if arguments.worker:
        print(json.dumps(work(arguments)))
        return
    names = [name for name in arguments.only or [*OURS, REFERENCE] if name != REFERENCE or arguments.reference]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(arguments.rounds):
        for name in names:
            command = [sys.executable, __file__, *sys.argv[1:], "--worker", name]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            found[name].append(json.loads(done.stdout.splitlines()[-1]))
            print(f"{name}: {found[name][-1]}", file=sys.stderr, flush=True)
    print(
        f"{arguments.size} px, batch {arguments.batch}, {arguments.threads} threads, {arguments.rounds} rounds of "
        f"{CRITIC * arguments.turns} steps, {arguments.clock} seconds"
    )
    middle = {name: {key: statistics.median(run[key] for run in runs) for key in runs[0]} for name, runs in found.items()}
    for name, run in middle.items():
        speed = run["images/s"]
        faster = f"  {speed / middle[REFERENCE]['images/s']:5.2f} x the reference's speed" if REFERENCE in middle else ""
        print(
            f"{name:<20} {run['discriminator']:7.3f} s a discriminator's move  {run['generator']:7.3f} s a generator's  "
            f"{speed:7.2f} images/s  {run['peak MiB']:6.0f} MiB peak{faster}"
        )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Path, help="a checkout of yunjey/stargan")
    parser.add_argument("--size", type=int, default=128, help="height and width in pixels, a multiple of 64")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--turns", type=int, default=2, help="timed moves of the generator in a round, five steps each")
    parser.add_argument("--warmup", type=int, default=1, help="moves of the generator before them")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--clock", choices=("wall", "cpu"), default="wall", help="cpu: seconds of all threads, where the machine has other work"
    )
    parser.add_argument("--only", action="append", help="name of what is timed; may be given several times")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser.parse_args()


def work(arguments: argparse.Namespace) -> dict[str, float]:
    """Time one kind in this process."""
    import torch

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    clock = time.perf_counter if arguments.clock == "wall" else time.process_time
    batches = [
        (torch.rand(arguments.batch, 3, arguments.size, arguments.size) * 2 - 1, torch.randint(2, (arguments.batch, LABELS)))
        for _ in range(4)
    ]
    steps = CRITIC * (arguments.warmup + arguments.turns)
    if arguments.worker == REFERENCE:
        times = reference(arguments.reference, batches, size=arguments.size, steps=steps, clock=clock)
    else:
        times = ours(batches, steps=steps, threads=arguments.threads, clock=clock, **OURS[arguments.worker])
    timed = times[CRITIC * arguments.warmup :]
    alone = [seconds for step, seconds in enumerate(timed) if step % CRITIC < CRITIC - 1]
    both = timed[CRITIC - 1 :: CRITIC]
    discriminator = statistics.median(alone)
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "discriminator": round(discriminator, 4),
        "generator": round(statistics.median(both) - discriminator, 4),
        "images/s": round(arguments.batch * CRITIC / ((CRITIC - 1) * discriminator + statistics.median(both)), 3),
        "peak MiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20),
    }


def ours(batches: Any, *, steps: int, threads: int, clock: Callable[[], float], precision: Any, compile: bool) -> list[float]:
    """Seconds of each step."""
    import torch

    from unpaired.data.batches import Labelled
    from unpaired.data.labelling import Labelling
    from unpaired.data.labels import BINARY, Attribute
    from unpaired.engine.runtime import Runtime
    from unpaired.engine.trainer import Trainer
    from unpaired.games import specs, table
    from unpaired.options import Training

    count = len(batches[0][0])
    training = Training(steps=10**6, batch=count, precision=precision, threads=threads)
    attributes = tuple(Attribute(name=f"{index}", values=BINARY, binary=True) for index in range(LABELS))
    labelling = Labelling(attributes, (tuple(range(LABELS)),))
    labelled = [Labelled(x, values, torch.zeros(count, dtype=torch.int64)) for x, values in batches]
    trainer = Trainer(
        table.build(specs.StarGAN(), shape=tuple(batches[0][0].shape[1:]), labelling=labelling, seed=0),
        batches=lambda step, part, seed: labelled[step % len(labelled)],
        training=training,
        adam=specs.StarGAN().optimizer,
        runtime=Runtime.choose(training),
        folder=Path("unused"),
        compiled=compile,
    )
    times = [clock()]
    for _ in range(steps):
        trainer.step()
        times.append(clock())
    return [after - before for before, after in pairwise(times)]


def reference(checkout: Path, batches: Any, *, size: int, steps: int, clock: Callable[[], float]) -> list[float]:
    """Seconds of each turn of the checkout's own training loop, from one batch that it asks for to the next."""
    sys.path.insert(0, str(checkout))
    utils = types.ModuleType("torchvision.utils")  # imported there, not needed for a step
    utils.save_image = None  # type: ignore[attr-defined]
    sys.modules.setdefault("torchvision", types.ModuleType("torchvision"))
    sys.modules.setdefault("torchvision.utils", utils)
    from solver import Solver  # type: ignore[import-not-found]

    asked: list[float] = []

    class Loader:
        def __iter__(self) -> Iterator[Any]:
            while True:
                for x, values in batches:
                    asked.append(clock())
                    yield x, values.float()

    never = 10**9
    options = argparse.Namespace(
        c_dim=LABELS, c2_dim=8, image_size=size, g_conv_dim=64, d_conv_dim=64, g_repeat_num=6, d_repeat_num=6, lambda_cls=1,
        lambda_rec=10, lambda_gp=10, dataset="CelebA", batch_size=len(batches[0][0]), num_iters=steps, num_iters_decay=never,
        g_lr=1e-4, d_lr=1e-4, n_critic=CRITIC, beta1=0.5, beta2=0.999, resume_iters=None, selected_attrs=["Male"] * LABELS,
        test_iters=0, use_tensorboard=False, log_dir="", sample_dir="", model_save_dir="", result_dir="", log_step=never,
        sample_step=never, model_save_step=never, lr_update_step=never,
    )  # fmt: skip
    Solver(Loader(), None, options).train()
    asked.append(clock())
    return [after - before for before, after in pairwise(asked[1:])]  # the first batch is for its previews


if __name__ == "__main__":
    main()
