"""`sae-mnist`: stacked autoencoders on handwritten digits (Hinton & Salakhutdinov 2006), as codes, as pictures and as features.

784-1000-500-250-30 and -2 as in the paper, trained level by level and then together, or all at once, each for as many steps;
beside them denoising, convolutions, and principal components of the same number.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from unpaired import images, runs
from unpaired.data.image_set import ImageSet
from unpaired.experiments import linear, sae_figures
from unpaired.experiments.base import SIZES, Claim, Experiment, Lab, Metrics, Size, as_it_ended, minutes, trained
from unpaired.experiments.principal import principal
from unpaired.experiments.told import fewer, misread, told
from unpaired.games import specs
from unpaired.games.generator_specs import EndToEnd, Greedy, Masking, Unspoilt
from unpaired.metrics import neighbours, paired
from unpaired.networks.specs import Activation, ConvAutoencoder, DenseAutoencoder
from unpaired.options import DataOptions, Training
from unpaired.products import Autoencoder
from unpaired.run_config import load_config

HINTON = "Hinton & Salakhutdinov, Reducing the Dimensionality of Data with Neural Networks, Science 313, 2006"
VINCENT = "Vincent et al., Extracting and Composing Robust Features with Denoising Autoencoders, ICML 2008"
HIDDEN = (1000, 500, 250)
CODE = 30
PLANE = 2
GREEDY, AT_ONCE = "greedy", "end to end"
SIGMOIDS, NOISY, CONVOLUTIONS = "greedy, sigmoids", "greedy, denoising", "end to end, convolutions"
SIGMOIDS_AT_ONCE = "end to end, sigmoids"
PIXELS, PCA, MEAN = "pixels", "principal components", "mean digit"
NEAREST = 10
"""Neighbours in the plane that vote on a digit's class."""
REBUILT, MISREAD = "rebuilt test digits", "class error of a linear classifier"
VOTES = f"class error of {NEAREST} nearest neighbours in the plane"
"""Titles of tables."""


class Budget(NamedTuple):
    """What a size spends on every model alike. level_steps: of the steps, those for each level of a greedy training; widths,
    hidden: of the convolutional network; among: training digits whose neighbours in the plane are sought; labels: how many digits
    a classifier is told the class of, None for all.
    """

    steps: int
    batch: int
    level_steps: int
    widths: tuple[int, ...]
    hidden: int
    among: int
    labels: tuple[int | None, ...]


BUDGETS: Mapping[Size, Budget] = {
    "quick": Budget(steps=100, batch=64, level_steps=10, widths=(8, 16), hidden=64, among=2000, labels=(1000,)),
    "default": Budget(steps=3000, batch=256, level_steps=250, widths=(16, 32), hidden=256, among=10_000, labels=(1000, None)),
    "paper": Budget(steps=110_000, batch=100, level_steps=5500, widths=(64, 128), hidden=1024, among=55_000, labels=(1000, None)),
}


def models(size: Size) -> dict[str, specs.Autoencoder]:
    """The games by name: of codes of 30 numbers, and (their names begin with "plane") of 2."""
    budget = BUDGETS[size]
    greedy = Greedy(level_steps=budget.level_steps)

    def dense(code: int, form: Greedy | EndToEnd, activation: Activation = "relu", *, noisy: bool = False) -> specs.Autoencoder:
        network = DenseAutoencoder(hidden=HIDDEN, code=code, activation=activation)
        return specs.Autoencoder(network=network, form=form, corruption=Masking() if noisy else Unspoilt())

    return {
        GREEDY: dense(CODE, greedy),
        AT_ONCE: dense(CODE, EndToEnd()),
        SIGMOIDS: dense(CODE, greedy, "sigmoid"),
        SIGMOIDS_AT_ONCE: dense(CODE, EndToEnd(), "sigmoid"),
        NOISY: dense(CODE, greedy, noisy=True),
        CONVOLUTIONS: specs.Autoencoder(
            network=ConvAutoencoder(widths=budget.widths, hidden=budget.hidden, code=CODE), form=EndToEnd()
        ),
        f"plane, {GREEDY}": dense(PLANE, greedy),
        f"plane, {AT_ONCE}": dense(PLANE, EndToEnd()),
    }


def training(size: Size) -> Training:
    """How every model is trained: looked at when it begins and ends, so that no checkpoint is chosen by test digits."""
    budget = BUDGETS[size]
    return Training(
        steps=budget.steps,
        batch=budget.batch,
        schedule="linear",
        decay_from=0.5,
        evaluate_every=budget.steps,
        save_every=max(1, budget.steps // 5),
    )


def compare(lab: Lab) -> Metrics:
    """Train every model for as many steps; errors on the test digits, classes read from codes, and pictures."""
    folders = {name: _trained(lab, name, game) for name, game in models(lab.size).items()}
    data = runs.open_data(load_config(folders[GREEDY]))
    assert isinstance(data, ImageSet)
    train, test = images.to_tensor(data.train.pixels), images.to_tensor(data.test.pixels)
    nets = {name: as_it_ended(folder, "autoencoder", Autoencoder) for name, folder in folders.items()}

    axes = principal(train, components=CODE)
    back = {MEAN: train.mean(dim=0, keepdim=True).expand_as(test)}
    for components in (PLANE, CODE):
        few = axes.first(components)
        back[f"{components} {PCA}"] = few.decode(few.encode(test), shape=data.shape)
    back |= {name: net.reconstruct(test) for name, net in nets.items()}

    spent = {name: round(minutes(folder), 2) for name, folder in folders.items()}
    codes = {PIXELS: (train.flatten(1), test.flatten(1)), PCA: (axes.encode(train), axes.encode(test))}
    codes |= {name: (net.encode(train), net.encode(test)) for name, net in nets.items() if not name.startswith("plane")}
    planes = {PCA: (codes[PCA][0][:, :PLANE], codes[PCA][1][:, :PLANE])}
    planes |= {form: (nets[f"plane, {form}"].encode(train), nets[f"plane, {form}"].encode(test)) for form in (GREEDY, AT_ONCE)}

    of_train, of_test = torch.from_numpy(data.train_classes), torch.from_numpy(data.test_classes)
    among = slice(BUDGETS[lab.size].among)
    votes = {name: voted(plane[among], of_train[among], asked) for name, (plane, asked) in planes.items()}
    sae_figures.draw_plane(lab.results / "plane.png", {name: asked for name, (_, asked) in planes.items()}, of_test, data.classes)
    sae_figures.draw_grid(lab.results / "grid.png", nets[f"plane, {GREEDY}"], planes[GREEDY][1])
    sae_figures.draw_rebuilt(lab.results / "rebuilt.png", test, back, of_test)
    return {
        "tables": {
            REBUILT: {
                name: {**rebuilt(answer, test), **({"training minutes": spent[name]} if name in spent else {})}
                for name, answer in back.items()
            },
            MISREAD: {name: read(each, data, lab.size) for name, each in codes.items()},
            VOTES: {name: {"error": round(float((vote != of_test).double().mean()), 4)} for name, vote in votes.items()},
        },
        "digits": {"train": len(train), "test": len(test)},
    }


def rebuilt(answer: Tensor, truth: Tensor) -> dict[str, float]:
    """squared error: summed over a digit's pixels from 0 to 1, the mean over digits, as in the paper; psnr: the mean."""
    difference = (answer - truth).div(paired.FULL_RANGE).flatten(1)
    psnr = torch.cat([paired.psnr(a, b) for a, b in zip(answer.split(256), truth.split(256), strict=True)])
    return {"squared error": round(float(difference.square().sum(dim=1).mean()), 3), "psnr": round(float(psnr.mean()), 2)}


def read(codes: tuple[Tensor, Tensor], data: ImageSet, size: Size) -> dict[str, float]:
    """The share of test digits that logistic regression misreads, by labels told; codes: of training and test digits, [N, F]."""
    train, test = codes
    truth, errors = torch.from_numpy(data.test_classes), {}
    for labels in BUDGETS[size].labels:
        rows = told(data, labels, seed=0)
        classes = torch.from_numpy(data.train_classes[rows])
        reader = linear.chosen(train[rows], classes, count=len(data.classes), loss="logistic")
        errors[f"{len(rows):,} labels"] = round(reader.error(test, truth), 4)
    return errors


def voted(plane: Tensor, classes: Tensor, asked: Tensor) -> Tensor:
    """The class that most of the nearest points have: plane [M, D] with classes int64 [M], asked [N, D] -> int64 [N]. Of classes
    with as many votes the first.
    """
    found = neighbours.nearest(asked, plane, k=min(NEAREST, len(plane))).indices
    return F.one_hot(classes[found]).sum(dim=1).argmax(dim=1)


def _trained(lab: Lab, name: str, game: specs.Autoencoder) -> Path:
    return trained(
        lab,
        f"sae-mnist-{lab.size}/{name.replace(', ', '-').replace(' ', '-')}",
        source="mnist",
        game=game,
        data=DataOptions(size=28, channels=1, flip=False),
        training=training(lab.size),
    )


def _squared(*names: str) -> Any:
    def of(metrics: Metrics) -> dict[str, float]:
        return {name: metrics["tables"][REBUILT][name]["squared error"] for name in names}

    return of


IN_30, IN_2 = f"{CODE} {PCA}", f"{PLANE} {PCA}"
CLAIMS = (
    Claim(
        statement="A deep autoencoder rebuilds digits better than as many principal components",
        source=f"{HINTON}, figure 2B: squared errors of 3.00 and 13.87 with 30 numbers (from memory)",
        wanted="less than half their squared error, with 30 numbers",
        measure=_squared(GREEDY, AT_ONCE, IN_30),
        holds=lambda found: found[GREEDY] < found[IN_30] / 2,
    ),
    Claim(
        statement="So it does with 2 numbers",
        source=f"{HINTON}, figure 3, shown there by a picture",
        wanted="less squared error",
        measure=_squared(f"plane, {GREEDY}", f"plane, {AT_ONCE}", IN_2),
        holds=lambda found: found[f"plane, {GREEDY}"] < found[IN_2],
    ),
    Claim(
        statement="In the plane of 2 numbers classes lie farther apart than in that of 2 principal components",
        source=f"{HINTON}, figure 3, shown there by a picture",
        wanted=f"fewer test digits whose {NEAREST} nearest training digits are mostly of another class",
        measure=lambda metrics: {name: row["error"] for name, row in metrics["tables"][VOTES].items()},
        holds=lambda found: found[GREEDY] < found[PCA],
    ),
    Claim(
        statement="Of sigmoids, as in the paper, a deep autoencoder that was not trained greedily first rebuilds the mean of all "
        "digits; one that was does better",
        source=f"{HINTON}, page 506 (from memory), of pictures of curves, with restricted Boltzmann machines as levels",
        wanted="end to end at least 90 % of the mean digit's squared error, greedily at most half of it",
        measure=_squared(SIGMOIDS, SIGMOIDS_AT_ONCE, MEAN),
        holds=lambda found: found[SIGMOIDS_AT_ONCE] >= 0.9 * found[MEAN] and found[SIGMOIDS] <= found[MEAN] / 2,
    ),
    Claim(
        statement="Greedy training first also helps rectified units, within one budget of steps",
        source="this project: that pretraining helps at a given budget, asked of today's units and optimiser",
        wanted="less squared error than end to end, with 30 numbers and with 2",
        measure=_squared(GREEDY, AT_ONCE, f"plane, {GREEDY}", f"plane, {AT_ONCE}"),
        holds=lambda found: found[GREEDY] < found[AT_ONCE] and found[f"plane, {GREEDY}"] < found[f"plane, {AT_ONCE}"],
    ),
    Claim(
        statement="A linear classifier reads 30 numbers of an autoencoder better than 30 principal components",
        source="this project",
        wanted="fewer test digits misread, however many labels it is told",
        measure=misread(MISREAD, GREEDY, PCA),
        holds=fewer(GREEDY, PCA),
    ),
    Claim(
        statement="Few labels go farther on 30 numbers of an autoencoder than on 784 pixels",
        source="this project",
        wanted="fewer test digits misread with the fewest labels",
        measure=misread(MISREAD, GREEDY, PIXELS, fewest=True),
        holds=fewer(GREEDY, PIXELS),
    ),
    Claim(
        statement="Denoising makes better features",
        source=f"{VINCENT}, section 4, where the whole network is then trained on labels",
        wanted="fewer test digits misread by a linear classifier of 30 numbers, however many labels it is told",
        measure=misread(MISREAD, NOISY, GREEDY),
        holds=fewer(NOISY, GREEDY),
    ),
    Claim(
        statement="Convolutions rebuild digits better than fully connected levels, with fewer weights",
        source="this project",
        wanted="less squared error, both trained end to end for as many steps",
        measure=_squared(CONVOLUTIONS, AT_ONCE),
        holds=lambda found: found[CONVOLUTIONS] < found[AT_ONCE],
    ),
)
DEVIATIONS = (
    "levels are autoencoders (Bengio et al. 2007), not restricted Boltzmann machines; the squared error instead of the "
    "cross-entropy; Adam instead of conjugate gradients",
    "rectified units, but where sigmoids are named, which are the paper's",
    "but in the paper size, some ten passes over the training digits instead of 50 for each level and 200 for all (from memory)",
    "a step of a level is cheaper than one of the whole network: greedy training takes as many steps, but less time",
    "55,000 training digits instead of 60,000: the package has no more; all 10,000 test digits",
    "the last checkpoint is measured, so that none is chosen by test digits",
    "the classifier's penalty is chosen on a fifth of the labels that it is told",
    "one training seed",
)


def _budget(size: Size) -> str:
    budget = BUDGETS[size]
    return (
        f"{budget.steps} steps of batch {budget.batch} for each of {len(models(size))} models, of which greedy ones take "
        f"{budget.level_steps} for each level"
    )


SAE = Experiment(
    name="sae-mnist",
    about="stacked autoencoders on digits, greedy and end to end, beside principal components: errors, the plane, features",
    paper=HINTON,
    run=compare,
    claims=CLAIMS,
    deviations=DEVIATIONS,
    budget={size: _budget(size) for size in SIZES},
)
