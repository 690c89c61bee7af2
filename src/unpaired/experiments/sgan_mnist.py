"""`sgan-mnist`: how few labels a classifier of digits needs where it also plays against a generator (Odena 2016, section 3.2).

The yardstick is the same network, told the same labels in the same batches, without a generator.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from unpaired import images
from unpaired.experiments import plots
from unpaired.experiments.base import SIZES, Claim, Experiment, Lab, Metrics, Size, as_it_ended, minutes, trained
from unpaired.experiments.classifier import share_read
from unpaired.experiments.mnist import SET, digits
from unpaired.games import specs
from unpaired.games.generator_specs import Fooling, MatchingFeatures
from unpaired.networks.specs import DCGANGenerator, LeNet
from unpaired.options import Adam, DataOptions, Training
from unpaired.products import Classifier, Sampler

ODENA = "Odena, Semi-Supervised Learning with Generative Adversarial Networks, 2016"
SALIMANS = "Salimans et al., Improved Techniques for Training GANs, NeurIPS 2016"
LABELS = (25, 50, 100, 1000)
ALONE, FOOLING, MATCHING = "the network alone", "SGAN", "SGAN, matching features"
METHODS = (ALONE, FOOLING, MATCHING)
THEIR_CNN, THEIR_SGAN = "the paper's network alone", "the paper's SGAN"
PUBLISHED: Mapping[str, Mapping[int, float]] = {
    THEIR_CNN: {25: 0.750, 50: 0.859, 100: 0.895, 1000: 0.965},
    THEIR_SGAN: {25: 0.802, 50: 0.883, 100: 0.928, 1000: 0.964},
}
"""Its table 1, from memory."""
ACCURACY = "share of test digits read right"
"""Title of the table."""
SHOWN_LABELS = 100
COLUMNS, ROWS = 16, 3
"""Samples shown of each goal, of the games with so many labels."""


class Budget(NamedTuple):
    """What a size spends. steps: of a game; alone: of the network without one; generator: channels before the image."""

    steps: int
    alone: int
    generator: int
    network: LeNet
    learning_rate: float


BUDGETS: Mapping[Size, Budget] = {
    "quick": Budget(30, 30, generator=8, network=LeNet(maps=(8, 16), hidden=64, noise=0.4), learning_rate=1e-3),
    "default": Budget(3200, 1000, generator=32, network=LeNet(noise=0.4), learning_rate=1e-3),
    "paper": Budget(30_000, 5000, generator=64, network=LeNet(maps=(32, 64), noise=0.4), learning_rate=5e-4),
}
BATCH = 64
"""Unlabelled images of a step, and as many labelled ones."""


def data(labels: int) -> DataOptions:
    """The digits, as many labels of each as may be; those of fewer labels are among those of more."""
    return DataOptions(size=28, channels=1, flip=False, shift=2, labels=labels)


def model(method: str, size: Size) -> specs.SGAN | specs.Classifier:
    """The game of a method; the discriminator is the same network in all, moved by the same optimiser."""
    budget = BUDGETS[size]
    adam = Adam(learning_rate=budget.learning_rate)
    if method == ALONE:
        return specs.Classifier(network=budget.network, optimizer=adam)
    return specs.SGAN(
        generator=DCGANGenerator(width=budget.generator),
        discriminator=budget.network,
        goal=MatchingFeatures() if method == MATCHING else Fooling(),
        optimizer=adam,
    )


def training(method: str, size: Size) -> Training:
    """How it is trained: looked at when it begins and ends, so that no checkpoint is chosen by digits with labels."""
    steps = BUDGETS[size].alone if method == ALONE else BUDGETS[size].steps
    return Training(
        steps=steps,
        batch=BATCH,
        schedule="linear",
        decay_from=0.5,
        ema=0.995 if steps > 500 else 0.9,
        compile="off",
        evaluate_every=steps,
        save_every=max(1, steps // 5),
    )


def compare(lab: Lab) -> Metrics:
    """Train each method with each number of labels; what they read right of the test digits, and figures."""
    found = digits(data(LABELS[-1]))
    test, truth = images.to_tensor(found.test.pixels), torch.from_numpy(found.test_classes)
    accuracy: dict[str, dict[int, float]] = {method: {} for method in METHODS}
    samplers: dict[str, Sampler] = {}
    spent: dict[str, float] = {}
    for method in METHODS:
        for labels in LABELS:
            folder = _run(lab, method, labels)
            classifier = as_it_ended(folder, "classifier", Classifier)
            accuracy[method][labels] = round(share_read(classifier.scores(test), truth), 4)
            spent[method] = spent.get(method, 0.0) + minutes(folder)
            if labels == SHOWN_LABELS and method != ALONE:
                samplers[method] = as_it_ended(folder, "sampler", Sampler)
    draw_samples(lab.results / "samples.png", samplers)
    draw_accuracy(lab.results / "accuracy.png", accuracy | {THEIR_SGAN: dict(PUBLISHED[THEIR_SGAN])})
    return {
        "tables": {ACCURACY: {name: _columns(row) for name, row in {**accuracy, **PUBLISHED}.items()}},
        "training_minutes": {method: round(value, 1) for method, value in spent.items()},
    }


def draw_samples(path: Path, samplers: Mapping[str, Sampler]) -> None:
    """Some samples of each game, from the same noise."""
    rows = []
    for name, sampler in samplers.items():
        parts = sampler(COLUMNS * ROWS, seed=0).split(COLUMNS)
        rows += [(name if index == 0 else "", part) for index, part in enumerate(parts)]
    images.write(path, images.labelled_grid(rows, scale=2))


def draw_accuracy(path: Path, accuracy: Mapping[str, Mapping[int, float]]) -> None:
    """A line for each name: accuracy by the number of labels."""
    pyplot = plots.pyplot("Drawing accuracy by labels")
    figure, axis = pyplot.subplots(figsize=(6, 4), dpi=100)
    for name, row in accuracy.items():
        axis.plot(list(row), list(row.values()), marker="o", label=name, linestyle="--" if name in PUBLISHED else "-")
    axis.set(xscale="log", xticks=LABELS, xticklabels=[f"{labels:,}" for labels in LABELS], xlabel="labels", ylabel=ACCURACY)
    axis.minorticks_off()
    axis.legend(loc="lower right", frameon=False)
    figure.tight_layout()
    images.write(path, plots.pixels_of(figure))


def _run(lab: Lab, method: str, labels: int) -> Path:
    stem = {ALONE: "alone", FOOLING: "fooling", MATCHING: "matching"}[method]
    return trained(
        lab,
        f"sgan-mnist-{lab.size}/{stem}-{labels}",
        source=SET,
        game=model(method, lab.size),
        data=data(labels),
        training=training(method, lab.size),
    )


def _columns(row: Mapping[int, float]) -> dict[str, float]:
    return {f"{labels:,} labels": share for labels, share in row.items()}


def _rows(*names: str) -> Any:
    """Of these rows, what was measured."""
    return lambda metrics: {name: metrics["tables"][ACCURACY][name] for name in names}


def _above(better: str, worse: str) -> Any:
    """Whether one row is above another in every column."""
    return lambda found: all(share > found[worse][column] for column, share in found[better].items())


CLAIMS = (
    Claim(
        statement="SGAN reads digits as well as the paper says",
        source=f"{ODENA}, table 1 (from memory)",
        wanted="a greater share of test digits read right than the paper's SGAN, with any number of labels",
        measure=_rows(FOOLING, THEIR_SGAN),
        holds=_above(FOOLING, THEIR_SGAN),
    ),
    Claim(
        statement="A classifier of few labels gains by playing against a generator",
        source=f"{ODENA}, section 3.2: with 25, 50 and 100 labels; with 1,000 the paper's two are as good as each other",
        wanted="a greater share than the same network told the labels alone, with any number of labels",
        measure=_rows(FOOLING, ALONE),
        holds=_above(FOOLING, ALONE),
    ),
    Claim(
        statement="Matching features makes a good classifier of 100 labels",
        source=f"{SALIMANS}, section 6.1: 0.9907 with 100 labels (from memory), by a larger network and a much longer training",
        wanted="at least 0.97 with 100 labels",
        measure=lambda metrics: metrics["tables"][ACCURACY][MATCHING]["100 labels"],
        holds=lambda found: found >= 0.97,
    ),
    Claim(
        statement="It makes a better one than fooling does",
        source=f"{SALIMANS}, section 3.1",
        wanted="a greater share, with any number of labels",
        measure=_rows(MATCHING, FOOLING),
        holds=_above(MATCHING, FOOLING),
    ),
)
DEVIATIONS = (
    "a LeNet with Gaussian noise on the image and on each layer (as in Salimans et al., whose networks for digits are fully "
    "connected), where the paper has DCGAN's discriminator; the generator is DCGAN's, small in the default size",
    "all images that are trained on, with labels or without, are moved by up to 2 px each way, in every row",
    "Adam at 1e-3 (5e-4 in the paper size), falling to zero in the second half, and a moving average of the weights: for the "
    "small budget",
    "55,000 training digits, of which some are told besides: as many of each class as may be; all 10,000 test digits",
    "the network alone is trained for fewer steps, in which it sees each label many times",
    "what little was tried beforehand was judged by training digits whose labels were not told; the last checkpoint is measured, "
    "so that none is chosen by test digits",
    "one choice of labels and one training seed, where the numbers of Salimans et al. are means of ten",
)


def _budget(size: Size) -> str:
    budget = BUDGETS[size]
    return (
        f"{budget.steps} steps of {BATCH} unlabelled and {BATCH} labelled digits for each of {2 * len(LABELS)} games, "
        f"{budget.alone} for each of {len(LABELS)} networks alone"
    )


SGAN_MNIST = Experiment(
    name="sgan-mnist",
    about="digits read with 25 to 1,000 labels: a network told labels alone, SGAN, and SGAN that matches features",
    paper=f"{ODENA}, table 1; {SALIMANS}, section 3.1",
    run=compare,
    claims=CLAIMS,
    deviations=DEVIATIONS,
    budget={size: _budget(size) for size in SIZES},
)
