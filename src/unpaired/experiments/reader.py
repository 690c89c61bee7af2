"""A discriminator's network that plays against nobody: it is told classes, and no more.

What it reads is the yardstick of one that played SGAN besides, and judges what an ACGAN makes. Real images are all it has seen.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unpaired.data.image_set import FewLabelled, Images, ImageSet
from unpaired.data.labels import UNKNOWN
from unpaired.engine.runtime import Runtime
from unpaired.engine.trainer import Trainer
from unpaired.errors import DataError
from unpaired.games.base import Game, Turn
from unpaired.networks.build import Shape, judge
from unpaired.networks.specs import Judge
from unpaired.options import Adam, Training
from unpaired.products import Classifier


class Reading(Game[Images | FewLabelled]):
    """C -> read: cross-entropy of the classes that a batch tells, the same batches as SGAN's or ACGAN's."""

    def __init__(self, spec: Judge, *, shape: Shape, classes: Sequence[str]) -> None:
        super().__init__()
        self.spec, self.shape, self.classes = spec, shape, tuple(classes)
        self.read = judge(spec, shape, source=False, classes=len(classes))

    def players(self) -> dict[str, nn.Module]:
        return {"reader": self.read}

    def play(self, batch: Images | FewLabelled, step: int) -> Iterator[Turn]:
        told = batch.told if isinstance(batch, FewLabelled) else batch
        yield Turn("reader", {"classes": F.cross_entropy(self.read(told.x).classes, told.classes)})

    def remains(self) -> Mapping[str, Classifier]:
        return {"classifier": Classifier(self.read, spec=self.spec, shape=self.shape, classes=self.classes, source=False)}

    def chance(self) -> dict[str, float]:
        return {}


def taught(spec: Judge, data: ImageSet, *, training: Training, adam: Adam) -> Classifier:
    """A classifier that was trained on the labelled images of `data` as its batches bring them, and is kept as it ends; with
    `training.ema` the average of its weights.

    The same arguments give the same weights on the same machine; the caller's random state stays as it was. DataError where
    images come without a class and the batches do not set those with one apart.
    """
    if not data.apart and bool((data.told == UNKNOWN).any()):
        raise DataError(f"{data.domains[0]}: not all images tell their class; wanted all, or `open_image_set(..., apart=True)`")
    runtime = Runtime.choose(training)
    with torch.random.fork_rng(devices=[]), TemporaryDirectory(prefix="unpaired-reader-") as folder:
        torch.manual_seed(training.seed)
        trainer = Trainer(
            Reading(spec, shape=data.shape, classes=data.classes),
            batches=lambda step, part, seed: data.batch(step, batch=training.batch, seed=seed, device=runtime.device),
            training=training,
            adam=adam,
            runtime=runtime,
            folder=Path(folder),
        )
        if not trainer.run(journal=None, observer=None):
            raise KeyboardInterrupt
        classifier = trainer.remains()["classifier"]
    assert isinstance(classifier, Classifier)
    return classifier


def accuracy(classifier: Classifier, images: Tensor, classes: Tensor) -> float:
    """The share of images [N, *shape] whose class [N] it tells, in [0, 1]."""
    return float((classifier.scores(images).argmax(dim=1) == classes).float().mean())
