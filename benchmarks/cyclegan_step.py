"""Seconds per CycleGAN step: ours beside a checkout of others' code, in turns, each in a process of its own.

    python benchmarks/cyclegan_step.py --size 128 --reference PATH

ResNet-9, batch 1, all losses on (adversarial, cycle, identity, pool of 50). PATH: a checkout of pytorch-CycleGAN-and-pix2pix, or of
contrastive-unpaired-translation (CUT), whose CycleGAN is timed with antialiasing off. Whatever is compared computes the same step on
random images; loading of images is not timed. Each line tells seconds per step (median over the rounds of a round's median) and
the peak resident memory of the process.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

OURS = {
    "ours, default": {"precision": "auto", "compile": True},
    "ours, eager": {"precision": "auto", "compile": False},
    "ours, float32": {"precision": "float32", "compile": True},
    "ours, float32 eager": {"precision": "float32", "compile": False},
}
REFERENCE = "reference"


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
    seconds = {name: statistics.median(run["seconds"] for run in runs) for name, runs in found.items()}
    print(f"{arguments.size} px, {arguments.threads} threads, {arguments.rounds} rounds of {arguments.steps} steps")
    for name, runs in found.items():
        faster = f"  {seconds[REFERENCE] / seconds[name]:5.2f} x the reference's speed" if REFERENCE in found else ""
        peak = max(run["peak MiB"] for run in runs)
        print(f"{name:<20} {seconds[name]:7.3f} s a step  {peak:6.0f} MiB peak{faster}")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Path, help="a checkout of the others' code")
    parser.add_argument("--size", type=int, default=128, help="height and width in pixels")
    parser.add_argument("--steps", type=int, default=10, help="timed steps in a round")
    parser.add_argument("--warmup", type=int, default=3, help="steps before them")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", action="append", help="name of what is timed; may be given several times")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser.parse_args()


def work(arguments: argparse.Namespace) -> dict[str, float]:
    """Time one kind in this process."""
    import torch

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    images = torch.rand(8, 3, arguments.size, arguments.size) * 2 - 1
    if arguments.worker == REFERENCE:
        step = reference(arguments.reference, images)
    else:
        step = ours(images, threads=arguments.threads, **OURS[arguments.worker])
    times = []
    for index in range(arguments.warmup + arguments.steps):
        began = time.perf_counter()
        step(index)
        times.append(time.perf_counter() - began)
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
    return {"seconds": round(statistics.median(times[arguments.warmup :]), 4), "peak MiB": round(peak)}


def ours(images: Any, *, threads: int, precision: Any, compile: bool) -> Callable[[int], Any]:
    from unpaired.data.batches import Unpaired
    from unpaired.engine.runtime import Runtime
    from unpaired.engine.trainer import Trainer
    from unpaired.games import specs, table
    from unpaired.options import Training

    training = Training(steps=10**6, batch=1, precision=precision, threads=threads)
    spec, shape = specs.CycleGAN(), tuple(images.shape[1:])
    trainer = Trainer(
        table.build(spec, shape_a=shape, shape_b=shape, seed=0),
        batches=lambda step, part, seed: Unpaired(images[step % 4, None], images[4 + step % 4, None]),
        training=training,
        adam=spec.optimizer,
        runtime=Runtime.choose(training),
        folder=Path("unused"),
        compiled=compile,
    )
    return lambda index: trainer.step()


def reference(checkout: Path, images: Any) -> Callable[[int], Any]:
    """The step of the checkout's own model, with its published options."""
    sys.path.insert(0, str(checkout))
    sys.modules.setdefault("torchvision", types.ModuleType("torchvision"))  # imported there, not needed for a step
    import torch
    from models.cycle_gan_model import CycleGANModel  # type: ignore[import-not-found]

    options = argparse.Namespace(
        isTrain=True, gpu_ids=[], device=torch.device("cpu"), checkpoints_dir=".", name="", preprocess="resize_and_crop",
        input_nc=3, output_nc=3, ngf=64, ndf=64, netG="resnet_9blocks", netD="basic", n_layers_D=3, norm="instance", normG="instance",
        normD="instance", no_dropout=True, init_type="normal", init_gain=0.02, no_antialias=True, no_antialias_up=True,
        lambda_A=10.0, lambda_B=10.0, lambda_identity=0.5, pool_size=50, gan_mode="lsgan", no_lsgan=False, lr=2e-4, beta1=0.5,
        beta2=0.999, direction="AtoB", amp=False, verbose=False,
    )  # fmt: skip
    model = CycleGANModel(options)

    def step(index: int) -> None:
        a, b = images[index % 4, None], images[4 + index % 4, None]
        model.set_input({"A": a, "B": b, "A_paths": [""], "B_paths": [""]})
        model.optimize_parameters()

    return step


if __name__ == "__main__":
    main()
