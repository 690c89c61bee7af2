"""Runs as training leaves them, but for the training."""

import json

import numpy as np

from unpaired import config, images, runs
from unpaired.bundle import save_bundle
from unpaired.engine.journal import Journal
from unpaired.games import specs, table
from unpaired.losses import LeastSquares
from unpaired.networks.specs import PatchGAN, ResNet
from unpaired.options import DataOptions, Training
from unpaired.run_config import RunConfig

SIZE = 16
SPEC = specs.DiscoGAN(generator=ResNet(blocks=1, width=4, downs=1), discriminator=PatchGAN(width=4, layers=1), gan=LeastSquares())
EVIL = "<script>alert(1)</script>"
CARD = {"a": "dusk", "b": f"dawn {EVIL}", "licence": "CC0 1.0", "credit": "drawn by Ada, https://example.org/ada"}


def make_data(folder, *, truths=True, held_out=20, size=SIZE):
    """B is A's negative, so that truths are exact."""
    chance = np.random.default_rng(0)
    for part, count in (("train", 12), ("test", held_out)):
        a, b = (chance.integers(0, 256, (count, size, size, 3), dtype=np.uint8) for _ in "ab")
        for name, pixels in ((f"{part}A", a), (f"{part}B", b)):
            write_all(folder / name, pixels)
        if truths and part == "test":
            write_all(folder / "truthB", 255 - a)
            write_all(folder / "truthA", 255 - b)
    (folder / "set.json").write_text(json.dumps(CARD))
    return folder


def write_all(folder, pixels):
    folder.mkdir(parents=True)
    for row, image in enumerate(pixels):
        images.write(folder / f"{row:03d}.png", image)


def make_run(folder, source, *, size=SIZE, findings=True):
    """A run's folder as training leaves it, but for the training."""
    folder.mkdir(parents=True)
    run = RunConfig(sources=(str(source),), game=SPEC, data=DataOptions(size=size), training=Training(steps=1500))
    data = runs.open_data(run)
    values = config.to_dict(run) | {"data_fingerprint": data.fingerprint}
    (folder / "config.json").write_text(json.dumps(values))
    game = table.build(SPEC, shape_a=(3, size, size), shape_b=(3, size, size), seed=1)
    about = {"step": 1000, "source": dict(data.card)}
    save_bundle(folder / "bundle", game.remains(), fit="crop", background="white", about=about, card="")
    journal = Journal(folder)
    journal.write("start", step=0, seconds=0.0, reasons={"device": "no GPU found"}, machine={"cpu": "abacus"})
    for step in range(100, 1501, 100):
        losses = {"generators/gan_a": 9.0 / step, "generators/gan_b": 2.0, "discriminators/a": 0.4}
        journal.write("steps", step=step, losses=losses, steps_per_second=12.5, seconds=step / 12.5)
        if step % 500 == 0:
            scores = {"a_to_b": {"translated": {"error": 100 / step}, "doing nothing": {"error": 0.3}}}
            journal.write("evaluation", step=step, error=100 / step, scores=scores)
    if findings:
        for step in (500, 1000):
            said = {"says": f"Two outputs differ by {step / 1e5:.1%}.", "tries": "Raise `--reconstruction`."}
            journal.write("finding", step=step, sign="mode collapse", where="a_to_b", **said)
    journal.write("end", step=1500, seconds=120.0, complete=True)
    journal.close()
    for step in range(0, 1000, 100):
        (folder / "previews").mkdir(exist_ok=True)
        images.write(folder / "previews" / f"{step:08d}.png", np.full((40, 60, 3), step % 256, np.uint8))
    return folder
