"""What a discriminator's features are held against: the same network untrained, and taught by labels instead of by a game."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unpaired.experiments.teaching import taught_by
from unpaired.networks.build import Shape, judge
from unpaired.networks.specs import Judge
from unpaired.products import Classifier

BATCH = 64
SETTLING = 50
"""Batches of whose statistics an untrained network's batch norms take the mean."""
LEARNING_RATE = 1e-3


def untrained(spec: Judge, x: Tensor, *, shape: Shape, seed: int = 0) -> Classifier:
    """A discriminator with the weights that it began with, but with batch statistics of images x [N, *shape] in [-1, 1]."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = judge(spec, shape).train()
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = None
        with torch.no_grad():
            for _ in range(SETTLING):
                network(x[torch.randint(len(x), (BATCH,))])
    return Classifier(network.eval(), spec=spec, shape=shape)


def supervised(x: Tensor, classes: Tensor, *, spec: Judge, names: Sequence[str], lessons: int, seed: int = 0) -> Classifier:
    """A network of the discriminator's kind as a classifier: cross-entropy, Adam with half a cosine, and nothing but the labels.

    x: [N, C, H, W] in [-1, 1]; classes: int64 [N], indices of names; lessons: steps. A function of its arguments alone.
    """
    shape = tuple(x.shape[1:])
    network = taught_by(
        lambda: judge(spec, shape, source=False, classes=len(names)),
        lambda network, rows: F.cross_entropy(network(x[rows]).classes, classes[rows]),
        steps=lessons,
        batch=BATCH,
        count=len(x),
        learning_rate=LEARNING_RATE,
        seed=seed,
    )
    return Classifier(network, spec=spec, shape=shape, classes=names, source=False)
