"""Printed digits, with labels, and MNIST's, without: what `cogan-digits` and `digits-adaptation` train and measure.

Both experiments share trainings: a run that one of them made is taken up by the other.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from unpaired import images
from unpaired.adaptation.translated import write_translated
from unpaired.data.image_pair import open_image_pair
from unpaired.data.image_set import ImageSet
from unpaired.data.sets.table import folder_of
from unpaired.data.store import cache_folder
from unpaired.experiments.base import Lab, Metrics, Size, as_it_ended, minutes, trained
from unpaired.experiments.classifier import share_read
from unpaired.games import specs
from unpaired.networks.specs import DCGANGenerator, LeNet, PatchGAN, ResNet
from unpaired.options import Adam, DataOptions, Training
from unpaired.products import Classifier, Sampler
from unpaired.translator import Translator

SOURCE, TARGET = "printed", "mnist"
SOURCE_ONLY, COGAN, ORACLE = "printed digits alone", "CoGAN", "MNIST's own labels"
TRANSLATED, SAME_CLASS = "translated by CycleGAN", "translated by CycleGAN, same class"
STEMS = {SOURCE_ONLY: "printed", ORACLE: "mnist", COGAN: "cogan", TRANSLATED: "cyclegan", SAME_CLASS: "cyclegan-same-class"}
"""Of the runs' folders, by method."""
DATA = DataOptions(size=28, channels=1, flip=False)
CHOSE = 512
"""Held-out digits by which runs say how far they are; the others are tested on."""

LIU = "Liu and Tuzel, Coupled Generative Adversarial Networks, NIPS 2016"
HOFFMAN = "Hoffman et al., CyCADA: Cycle-Consistent Adversarial Domain Adaptation, ICML 2018"


class Budget(NamedTuple):
    """What a size spends. cogan, cyclegan, classifier: steps of a training; tested: digits of MNIST's test set, None for all."""

    cogan: int
    cyclegan: int
    classifier: int
    generator: DCGANGenerator
    judge: LeNet
    translator: ResNet
    discriminator: PatchGAN
    tested: int | None = None


BUDGETS: Mapping[Size, Budget] = {
    "quick": Budget(
        cogan=300,
        cyclegan=100,
        classifier=150,
        generator=DCGANGenerator(width=16),
        judge=LeNet(maps=(8, 16), hidden=64),
        translator=ResNet(width=8, blocks=2, init="normal"),
        discriminator=PatchGAN(width=16, layers=2, init="normal"),
        tested=2000,
    ),
    "default": Budget(
        cogan=9000,
        cyclegan=2000,
        classifier=1200,
        generator=DCGANGenerator(width=48),
        judge=LeNet(maps=(16, 32), hidden=256),
        translator=ResNet(width=16, blocks=3, init="normal"),
        discriminator=PatchGAN(width=32, layers=2, init="normal"),
    ),
    "paper": Budget(
        cogan=100_000,
        cyclegan=100_000,
        classifier=10_000,
        generator=DCGANGenerator(width=128),
        judge=LeNet(),
        translator=ResNet(width=64, blocks=6, init="normal"),
        discriminator=PatchGAN(layers=2, init="normal"),
    ),
}


class Digits(NamedTuple):
    """Digits to be read. x: [N, 1, 28, 28] in [-1, 1]; classes: int64 [N]."""

    x: Tensor
    classes: Tensor


class Trainings:
    """The trainings of a size: each is made, or taken up, when it is asked for. spent: minutes of each so far, by its folder."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.budget = lab, BUDGETS[lab.size]
        self.spent: dict[str, float] = {}
        self._done: dict[str, Path] = {}
        folders = tuple(str(folder_of(name, size=DATA.size, cache=cache_folder())) for name in (SOURCE, TARGET))
        self.data = open_image_pair(folders, DATA)

    def reader(self, method: str) -> Classifier:
        """What reads MNIST's digits by a method."""
        if method == COGAN:
            return as_it_ended(self.cogan(), "classifier_b", Classifier)
        source = {SOURCE_ONLY: SOURCE, ORACLE: TARGET}.get(method)
        stem = STEMS[method] if source else f"on-{STEMS[method]}"
        folder = self._run(
            f"classifier-{stem}",
            (source or str(self.translated(method)),),
            specs.Classifier(network=self.budget.judge),
            Training(steps=self.budget.classifier, batch=64, schedule="cosine", compile="off"),
        )
        return as_it_ended(folder, "classifier", Classifier)

    def samplers(self) -> tuple[Sampler, Sampler]:
        """CoGAN's, of printed digits and of MNIST's."""
        folder = self.cogan()
        return as_it_ended(folder, "sampler_a", Sampler), as_it_ended(folder, "sampler_b", Sampler)

    def translator(self, method: str) -> Translator:
        """CycleGAN's from printed digits to MNIST's, with or without a reader."""
        return as_it_ended(self.cyclegan(method), "a_to_b", Translator)

    def cogan(self) -> Path:
        """The run of CoGAN: weights of the losses as in the authors' code for adaptation."""
        game = specs.CoGAN(
            generator=self.budget.generator,
            discriminator=self.budget.judge,
            classification=10.0,
            agreement=0.05,
            distribution="normal",
            optimizer=Adam(learning_rate=4e-4),
        )
        return self._run("cogan", (SOURCE, TARGET), game, _of_gan(self.budget.cogan, batch=32))

    def cyclegan(self, method: str) -> Path:
        """The run of CycleGAN, whose translations the classifier of printed digits reads where that is the method."""
        semantic: specs.AnyClass | specs.SameClass = specs.AnyClass()
        if method == SAME_CLASS:
            self.reader(SOURCE_ONLY)
            semantic = specs.SameClass(reader=str(self._done["classifier-printed"]))
        game = specs.CycleGAN(
            generator=self.budget.translator,
            discriminator=self.budget.discriminator,
            identity=0.0,
            semantic=semantic,
            optimizer=Adam(learning_rate=5e-4),
        )
        return self._run(STEMS[method], (SOURCE, TARGET), game, _of_gan(self.budget.cyclegan, batch=16))

    def translated(self, method: str) -> Path:
        """All printed digits as CycleGAN translates them, with their labels: a folder in that of its run."""
        folder = self.cyclegan(method) / "translated"
        if not folder.exists():
            write_translated(self.data.a, self.translator(method), folder)
        return folder

    def tested(self) -> Digits:
        """The digits of MNIST's test set that no run has looked at."""
        rows = slice(CHOSE, None if self.budget.tested is None else CHOSE + self.budget.tested)
        return _digits(self.data.b, rows)

    def printed(self) -> Digits:
        """Printed digits in fonts that no run was trained on, nor looked at."""
        return _digits(self.data.a, slice(CHOSE, None))

    def taught_on(self, count: int) -> Digits:
        """So many printed digits that are trained on, from all over them."""
        one = self.data.a
        rows = slice(None, None, max(1, len(one.train) // count))
        x, classes = images.to_tensor(one.train.pixels[rows][:count]), torch.from_numpy(one.train_classes[rows][:count])
        return Digits(x, classes)

    def _run(self, name: str, sources: tuple[str, ...], game: specs.GameSpec, training: Training) -> Path:
        if name not in self._done:
            folder = trained(self.lab, f"digits-{self.lab.size}/{name}", source=sources, game=game, data=DATA, training=training)
            self._done[name], self.spent[name] = folder, round(minutes(folder), 1)
        return self._done[name]


def _of_gan(steps: int, *, batch: int) -> Training:
    return Training(steps=steps, batch=batch, schedule="linear", decay_from=0.5, ema=0.999, evaluate_every=max(1, steps // 4))


def budget_in_words(size: Size) -> str:
    """What a size spends on each training."""
    budget = BUDGETS[size]
    return (
        f"CoGAN {budget.cogan} steps of batch 32, CycleGAN {budget.cyclegan} of batch 16, classifiers {budget.classifier} of "
        "batch 64"
    )


def accuracy(reader: Classifier, digits: Digits) -> dict[str, float]:
    """The share of digits that are read right, of all and of each class: `all`, `0`, ... `9`."""
    scores, every = reader.scores(digits.x), torch.ones_like(digits.classes, dtype=torch.bool)
    rows = {"all": every} | {name: digits.classes == index for index, name in enumerate(reader.classes)}
    return {name: round(share_read(scores[some], digits.classes[some]), 4) for name, some in rows.items() if some.any()}


def overall(*methods: str) -> Callable[[Metrics], dict[str, float]]:
    """For a claim: the share of all digits that each of these methods read right, by the metrics' "accuracy"."""
    return lambda metrics: {method: metrics["accuracy"][method]["all"] for method in methods}


def flips(reader: Classifier, digits: Digits) -> Tensor:
    """The rows that are read as another class than theirs: int64 [F]."""
    return (reader.scores(digits.x).argmax(dim=1) != digits.classes).nonzero()[:, 0]


def same_digit(drawn: tuple[Tensor, Tensor], readers: tuple[Classifier, Classifier]) -> dict[str, float]:
    """Of pairs [N, 1, 28, 28] each, the share in which both readers, each of its own domain, read the same digit; beside it what
    that share would be if the two had nothing to do with each other.
    """
    read = [reader.scores(x).argmax(dim=1) for x, reader in zip(drawn, readers, strict=True)]
    shares = [torch.bincount(found, minlength=len(readers[0].classes)) / len(found) for found in read]
    return {
        "same digit": round(float((read[0] == read[1]).float().mean()), 4),
        "of strangers": round(float((shares[0] * shares[1]).sum()), 4),
    }


def _digits(one: ImageSet, rows: slice) -> Digits:
    return Digits(images.to_tensor(one.test.pixels[rows]), torch.from_numpy(one.test_classes[rows]))
