"""What `dcgan-mnist` asks of samples: are they like test digits, are they copies, do ways between them jump, and the Parzen
estimate of old. Images are [N, 1, H, W] in [-1, 1].
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from unpaired.metrics import distribution, diversity, likelihood, neighbours
from unpaired.products import Sampler

Features = Callable[[Tensor], Tensor]
"""Images -> [N, F] float32."""
Table = dict[str, dict[str, float]]
TRAINING, CENTRES = "training digits", "k-means centres of training digits"
WALKED, REPLACED = "DCGAN's samples", "the training digit nearest to each"
NEAREST = 5
"""Neighbours by which precision, recall, density and coverage are told."""
VALIDATION = 1000
"""Training digits that choose the Parzen window, as many as in Goodfellow et al.'s code."""
SEED = 3
"""Of the noise: other samples than those that an evaluation looks at."""


def likeness(x: Tensor, *, test: Tensor, said: Tensor, classes: int) -> dict[str, float]:
    """How like the first test digits, as many, others are as a set: in pixels, and by the class that is read of each (int64 [N]):
    the share of the rarest one, and MS-SSIM within classes.
    """
    real = test[: len(x)]
    shares = distribution.precision_recall(real.flatten(1), x.flatten(1), k=NEAREST)
    crowd = distribution.density_coverage(real.flatten(1), x.flatten(1), k=NEAREST)
    counts = torch.bincount(said, minlength=classes)
    enough = counts[said] > 1
    alike = diversity.within_class_similarity(x[enough], said[enough])
    found = {
        "swd": distribution.sliced_wasserstein(real, x),
        "precision": shares.precision,
        "recall": shares.recall,
        "density": crowd.density,
        "coverage": crowd.coverage,
        "rarest digit": int(counts.min()) / len(x),
        "ms-ssim within digits": sum(alike.values()) / len(alike),
    }
    return {name: round(float(value), 4) for name, value in found.items()}


def copied(
    made: Tensor, *, test: Tensor, train: Tensor, spaces: Mapping[str, Features]
) -> tuple[Table, dict[str, neighbours.Nearest]]:
    """Whether samples lie nearer to training digits than as many test digits do (Meehan et al. 2020), in each space; and the
    training digit that is nearest to each sample there.
    """
    table, places = {}, {}
    for name, space in spaces.items():
        rows, held, known = (space(each) for each in (made, test[: len(made)], train))
        found = neighbours.copying(rows, held_out=held, train=known)
        table[name] = {"nearer than test digits": round(found.nearer, 4), "z": round(found.z, 2)}
        places[name] = neighbours.nearest(rows, known)
    return table, places


def walked(sampler: Sampler, train: Tensor, *, count: int, steps: int) -> tuple[Table, Tensor]:
    """The largest steps of ways between samples, and of the same ways where the training digit nearest to each picture takes its
    place, as a generator that copies would have it; and the ways [count, steps, 1, H, W].
    """
    ways = sampler.walk(sampler.draw(count + 1, seed=SEED), steps=steps)
    places = neighbours.nearest(ways.flatten(0, 1), train).indices[:, 0]
    both = {WALKED: ways, REPLACED: train[places].unflatten(0, (count, steps))}
    return {name: {"largest step": round(largest_step(each), 4), "equal steps": round(1 / (steps - 1), 4)}
            for name, each in both.items()}, ways  # fmt: skip


def largest_step(ways: Tensor) -> float:
    """The largest change from one picture to the next as a share of all changes of a way (Euclidean, in pixels), the mean over
    ways [W, S, ...] that change at all. 1 / (S - 1) where all steps are equal, 1 for a jump.
    """
    changes = torch.linalg.vector_norm(ways.diff(dim=1).flatten(2), dim=2)
    lengths = changes.sum(dim=1)
    moving = lengths > 0
    return float((changes[moving].amax(dim=1) / lengths[moving]).mean()) if bool(moving.any()) else 1.0


def parzen(made: Mapping[str, Tensor], *, test: Tensor, train: Tensor, centres: int, among: int) -> Table:
    """Parzen estimates of test digits, pixels in [0, 1], by samples of each kind, by as many training digits, and by centres of
    some training digits.

    The window is chosen on training digits that are not among those that serve as samples.
    """
    count = max(len(x) for x in made.values())
    drawn = spread(train, count + VALIDATION)
    validation, others = drawn.split([VALIDATION, len(drawn) - VALIDATION])
    found = neighbours.k_means(spread(train, among).flatten(1), cells=centres).float().unflatten(1, train.shape[1:])
    table = {}
    for name, x in {TRAINING: others, **made, CENTRES: found}.items():
        estimate = likelihood.parzen_estimate(_unit(test), samples=_unit(x), validation=_unit(validation))
        table[name] = {
            "nats": round(estimate.mean, 1),
            "standard error": round(estimate.standard_error, 1),
            "window": round(estimate.sigma, 3),
            "samples": len(x),
        }
    return table


def spread(x: Tensor, count: int) -> Tensor:
    """So many rows from all over, drawn without replacement; all of them where there are no more."""
    return x[torch.randperm(len(x), generator=torch.Generator().manual_seed(SEED))[:count]]


def _unit(x: Tensor) -> Tensor:
    return (x + 1) / 2
