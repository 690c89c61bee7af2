"""`dcgan-mnist`: a DCGAN of handwritten digits (Radford et al. 2015), looked at from all sides.

Its samples beside real digits, whether they are copies, the ways between them, what its discriminator's features are worth to a
linear classifier (section 5), and the Parzen estimate by which the first GAN was measured (Goodfellow et al. 2014, section 5).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from unpaired import images, runs
from unpaired.data.image_set import ImageSet
from unpaired.experiments import dcgan_figures, dcgan_measures, linear, patches
from unpaired.experiments.base import SIZES, Claim, Experiment, Lab, Metrics, Size, as_it_ended, minutes, trained
from unpaired.experiments.classifier import share_read
from unpaired.experiments.dcgan_measures import CENTRES, REPLACED, SEED, TRAINING, WALKED, Features, Table
from unpaired.experiments.discriminators import supervised, untrained
from unpaired.experiments.told import fewer, misread, told
from unpaired.games import specs
from unpaired.networks.specs import DCGANDiscriminator, DCGANGenerator, Judge
from unpaired.options import DataOptions, Training
from unpaired.products import Classifier, Sampler
from unpaired.run_config import load_config

RADFORD = "Radford et al., Unsupervised Representation Learning with Deep Convolutional GANs, 2015"
GOODFELLOW = "Goodfellow et al., Generative Adversarial Nets, NeurIPS 2014"
THEIS = "Theis et al., A Note on the Evaluation of Generative Models, ICLR 2016"
CONVOLUTIONAL, DENSE = "DCGAN", "GAN, fully connected"
PIXELS, WORDS = "pixels", "k-means of patches"
FRESH, LEARNED, TAUGHT = "discriminator, untrained", "DCGAN's discriminator", "such a network, taught by labels alone"
BESIDE, COPIES, WALKS = "beside test digits", "DCGAN's samples beside training digits", "walks"
MISREAD, PARZEN = "class error of a linear SVM", "Parzen estimate of test digits"
PATCHES = 50_000
"""Places at which patches are cut, many of them plain paper."""


class Budget(NamedTuple):
    """What a size spends. steps, batch: of both GANs; width, kernel: of the DCGAN; words: k-means centres of patches.

    labels: how many digits a classifier is told the class of (None: all), and in how many draws; lessons: steps of a network that
    is taught by them. samples: of a Parzen estimate; compared: samples beside as many test digits; centres, among: of whole
    digits; walks: between samples, of so many pictures each.
    """

    steps: int
    batch: int
    width: int
    kernel: Literal[4, 5]
    words: int
    labels: tuple[tuple[int | None, int], ...]
    lessons: int
    samples: int
    compared: int
    centres: int
    among: int
    walks: int
    pictures: int


BUDGETS: Mapping[Size, Budget] = {
    "quick": Budget(
        steps=150, batch=64, width=16, kernel=4, words=64, labels=((1000, 1),), lessons=100,
        samples=1000, compared=500, centres=100, among=2000, walks=8, pictures=32,
    ),
    "default": Budget(
        steps=3000, batch=64, width=32, kernel=4, words=384, labels=((1000, 3), (5000, 1)), lessons=1000,
        samples=10_000, compared=1000, centres=500, among=20_000, walks=30, pictures=32,
    ),
    "paper": Budget(
        steps=43_000, batch=128, width=64, kernel=5, words=768, labels=((1000, 10), (None, 1)), lessons=10_000,
        samples=10_000, compared=5000, centres=1000, among=55_000, walks=100, pictures=32,
    ),
}  # fmt: skip


def models(size: Size) -> dict[str, specs.GAN | specs.DCGAN]:
    """The games, by name."""
    budget = BUDGETS[size]
    return {
        CONVOLUTIONAL: specs.DCGAN(
            generator=DCGANGenerator(width=budget.width, kernel=budget.kernel),
            discriminator=DCGANDiscriminator(width=budget.width, kernel=budget.kernel),
        ),
        DENSE: specs.GAN(),
    }


def training(size: Size) -> Training:
    """How both are trained: looked at when they begin and end, so that no checkpoint is chosen by test digits."""
    budget = BUDGETS[size]
    return Training(steps=budget.steps, batch=budget.batch, evaluate_every=budget.steps, save_every=max(1, budget.steps // 5))


class Digits(NamedTuple):
    """data: with their classes; train, test: all of them, [N, 1, 28, 28] in [-1, 1]."""

    data: ImageSet
    train: Tensor
    test: Tensor


def look(lab: Lab) -> Metrics:
    """Train both games; then everything that is asked of them, and pictures."""
    budget = BUDGETS[lab.size]
    folders = {name: _trained(lab, game) for name, game in models(lab.size).items()}
    data = runs.open_data(load_config(folders[CONVOLUTIONAL]))
    assert isinstance(data, ImageSet)
    digits = Digits(data, images.to_tensor(data.train.pixels), images.to_tensor(data.test.pixels))
    samplers = {name: as_it_ended(folder, "sampler", Sampler) for name, folder in folders.items()}
    discriminator = as_it_ended(folders[CONVOLUTIONAL], "discriminator", Classifier)

    sets = features_of(digits, discriminator, words=budget.words)
    errors, reader = read(digits, sets, spec=discriminator.spec, budget=budget)
    made = {name: sampler(budget.samples, seed=SEED) for name, sampler in samplers.items()}
    beside = {}
    for name, x in {**made, TRAINING: dcgan_measures.spread(digits.train, budget.compared)}.items():
        some = x[: budget.compared]
        said = reader.scores(sets[WORDS](some)).argmax(dim=1)
        beside[name] = dcgan_measures.likeness(some, test=digits.test, said=said, classes=len(data.classes))
        if name in folders:
            beside[name]["training minutes"] = round(minutes(folders[name]), 2)

    spaces = {"by pixels": sets[PIXELS], "by the discriminator's features": sets[LEARNED]}
    some = made[CONVOLUTIONAL][: budget.compared]
    copies, places = dcgan_measures.copied(some, test=digits.test, train=digits.train, spaces=spaces)
    jumps, ways = dcgan_measures.walked(samplers[CONVOLUTIONAL], digits.train, count=budget.walks, steps=budget.pictures)
    windows = dcgan_measures.parzen(made, test=digits.test, train=digits.train, centres=budget.centres, among=budget.among)
    dcgan_figures.draw_samples(lab.results / "samples.png", {**made, "test digits": digits.test})
    dcgan_figures.draw_walks(lab.results / "walks.png", ways)
    dcgan_figures.draw_neighbours(lab.results / "neighbours.png", some, digits.train, places)
    return {
        "tables": {BESIDE: beside, COPIES: copies, WALKS: jumps, MISREAD: errors, PARZEN: windows},
        "features": {name: features(digits.test[:1]).shape[1] for name, features in sets.items()},
        "digits": {"train": len(digits.train), "test": len(digits.test)},
    }


def features_of(digits: Digits, discriminator: Classifier, *, words: int) -> dict[str, Features]:
    """What linear classifiers are taught on, by name."""
    learned = patches.learned(digits.train, centres=words, places=PATCHES)
    fresh = untrained(discriminator.spec, digits.train, shape=discriminator.shape)
    return {
        PIXELS: lambda x: x.flatten(1),
        WORDS: learned.features,
        FRESH: fresh.features,
        LEARNED: discriminator.features,
    }


def read(digits: Digits, sets: Mapping[str, Features], *, spec: Judge, budget: Budget) -> tuple[Table, linear.Linear]:
    """The share of test digits that an L2-SVM misreads by each set of features, and that a network of the discriminator's kind
    misreads, by labels told, the mean over draws; and the SVM that was told the most of k-means features.
    """
    data = digits.data
    truth = torch.from_numpy(data.test_classes)
    asked = {name: features(digits.test) for name, features in sets.items()}
    table: Table = {name: {} for name in (*sets, TAUGHT)}
    reader: linear.Linear | None = None
    for count, draws in budget.labels:
        found: dict[str, list[float]] = {name: [] for name in table}
        for seed in range(draws):
            rows = told(data, count, seed=seed)
            x, classes = digits.train[rows], torch.from_numpy(data.train_classes[rows])
            for name, features in sets.items():
                svm = linear.chosen(features(x), classes, count=len(data.classes), loss="squared hinge", seed=seed)
                found[name].append(svm.error(asked[name], truth))
                reader = svm if name == WORDS else reader
            net = supervised(x, classes, spec=spec, names=data.classes, lessons=budget.lessons, seed=seed)
            found[TAUGHT].append(1 - share_read(net.scores(digits.test), truth))
        for name, errors in found.items():
            table[name][f"{len(rows):,} labels"] = round(float(np.mean(errors)), 4)
    assert reader is not None
    return table, reader


def _trained(lab: Lab, game: specs.GAN | specs.DCGAN) -> Path:
    return trained(
        lab,
        f"dcgan-mnist-{lab.size}/{game.game}",
        source="mnist",
        game=game,
        data=DataOptions(size=28, channels=1, flip=False),
        training=training(lab.size),
    )


def _column(table: str, column: str, *rows: str) -> Any:
    return lambda metrics: {row: metrics["tables"][table][row][column] for row in rows}


CLAIMS = (
    Claim(
        statement="The discriminator's features serve a linear classifier better than k-means features of patches",
        source=f"{RADFORD}, table 1: accuracy 82.8 % against 80.6 % on CIFAR-10, by a DCGAN of ImageNet",
        wanted="fewer test digits misread, however many labels are told",
        measure=misread(MISREAD, LEARNED, WORDS),
        holds=fewer(LEARNED, WORDS),
    ),
    Claim(
        statement="They serve it better than pixels",
        source="this project",
        wanted="fewer test digits misread, however many labels are told",
        measure=misread(MISREAD, LEARNED, PIXELS),
        holds=fewer(LEARNED, PIXELS),
    ),
    Claim(
        statement="They serve it better than those of the same network before the game",
        source="this project: are the features learned, or is it the architecture?",
        wanted="fewer test digits misread, however many labels are told",
        measure=misread(MISREAD, LEARNED, FRESH),
        holds=fewer(LEARNED, FRESH),
    ),
    Claim(
        statement="With few labels they do better than such a network that is taught by labels alone",
        source=f"{RADFORD}, table 2: error 22.48 % against 28.87 % on SVHN with 1,000 labels",
        wanted="fewer test digits misread with the fewest labels",
        measure=misread(MISREAD, LEARNED, TAUGHT, fewest=True),
        holds=fewer(LEARNED, TAUGHT),
    ),
    Claim(
        statement="Samples are no copies of training digits",
        source=f"{RADFORD}, sections 4.1 and 6.1, argued there by few passes over the images and by smooth walks",
        wanted="in at most 60 of 100 comparisons a sample lies nearer to the training digits than a test digit does, by pixels "
        "and by features",
        measure=lambda metrics: {space: row["nearer than test digits"] for space, row in metrics["tables"][COPIES].items()},
        holds=lambda found: all(share <= 0.6 for share in found.values()),
    ),
    Claim(
        statement="Walks in the latent space do not jump",
        source=f"{RADFORD}, section 6.1, shown there by a picture",
        wanted="the largest step is at most half as large as where each picture is replaced by the training digit nearest to it",
        measure=_column(WALKS, "largest step", WALKED, REPLACED),
        holds=lambda found: found[WALKED] <= found[REPLACED] / 2,
    ),
    Claim(
        statement="No digit is left out",
        source="this project",
        wanted="among samples the rarest digit, as an SVM on k-means features reads it, is at least half as frequent as among "
        "training digits",
        measure=_column(BESIDE, "rarest digit", CONVOLUTIONAL, TRAINING),
        holds=lambda found: found[CONVOLUTIONAL] >= found[TRAINING] / 2,
    ),
    Claim(
        statement="Within one budget of steps, convolutions make samples that are more like digits than full connections do",
        source="this project",
        wanted="a smaller sliced Wasserstein distance to test digits, and more of them covered",
        measure=lambda metrics: {
            name: {measure: metrics["tables"][BESIDE][name][measure] for measure in ("swd", "coverage")}
            for name in (CONVOLUTIONAL, DENSE)
        },
        holds=lambda found: (
            found[CONVOLUTIONAL]["swd"] < found[DENSE]["swd"] and found[CONVOLUTIONAL]["coverage"] > found[DENSE]["coverage"]
        ),
    ),
    Claim(
        statement="The first GAN's Parzen estimate is that of its paper",
        source=f"{GOODFELLOW}, table 1: 225 +- 2 nats",
        wanted="within 10 nats of it, with the fully connected networks of the paper",
        measure=_column(PARZEN, "nats", DENSE),
        holds=lambda found: abs(found[DENSE] - 225) <= 10,
    ),
    Claim(
        statement="The Parzen estimate misleads: blurred means of digits get a better one than digits",
        source=f"{THEIS}, section 3.2, with k-means centres",
        wanted="k-means centres above training digits",
        measure=_column(PARZEN, "nats", TRAINING, CENTRES),
        holds=lambda found: found[CENTRES] > found[TRAINING],
    ),
)
DEVIATIONS = (
    "digits of 28 px, which the discriminator halves twice: it has two layers of features",
    "features are read on the images that the game was played with; the paper's on others, CIFAR-10 and SVHN, than those of "
    "ImageNet that it was played with",
    "a width of 32, filters of 4 px, batches of 64 and 3,000 steps, but in the paper size, whose numbers are those of the "
    "authors' code for digits (from memory)",
    "the first GAN by Adam and for as many steps as the DCGAN, not by momentum until its Parzen estimate is best",
    "k-means features are of one layer, about as many as the discriminator's; the network that is taught by labels has one "
    "setting, where the paper searched for the best",
    "the SVM's penalty is chosen on a fifth of the labels that it is told, not on images set apart",
    "55,000 training digits instead of 60,000: the package has no more; all 10,000 test digits",
    "the last checkpoint is measured, so that none is chosen by test digits",
    "one training seed",
)


def _budget(size: Size) -> str:
    budget = BUDGETS[size]
    return f"{budget.steps} steps of batch {budget.batch} for each of 2 GANs, of which the DCGAN has a width of {budget.width}"


DIGITS = Experiment(
    name="dcgan-mnist",
    about="a DCGAN of digits: samples, walks, copies, what its discriminator learned; Parzen estimates, its and the first GAN's",
    paper=RADFORD,
    run=look,
    claims=CLAIMS,
    deviations=DEVIATIONS,
    budget={size: _budget(size) for size in SIZES},
)
