"""`car2car`, `head2head`, `chair2car`, `car2head`: does a translation keep the direction in which a thing faces?

DiscoGAN's experiments with azimuths (Kim et al. 2017, section 4). Nothing but the azimuth is common to both domains, and no model
is in both; a network that was taught on real views reads it before and after translation.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from unpaired import images
from unpaired.data.batches import Domains, open_domains
from unpaired.data.sets.table import folder_of
from unpaired.data.sets.turned import Kind
from unpaired.data.sets.turntable import REACH, read_views, write_narrower
from unpaired.data.store import cache_folder
from unpaired.experiments import azimuths_figures, azimuths_reader
from unpaired.experiments.azimuths_claims import DISCOGAN, NARROW, WIDE, claims, deviations
from unpaired.experiments.azimuths_measures import CORRELATION, Values, gone_together, misread, over_seeds
from unpaired.experiments.azimuths_reader import Lessons, Reader
from unpaired.experiments.base import SIZES, Experiment, Lab, Metrics, Size, as_it_ended, minutes, trained
from unpaired.experiments.comparison import BASELINES, KIM, NOTHING, budgets_in_words
from unpaired.games import specs
from unpaired.losses import Adversarial, LeastSquares, NonSaturating
from unpaired.metrics.distribution import sliced_wasserstein
from unpaired.networks.specs import ConvDiscriminator, EncoderDecoder
from unpaired.options import Adam, DataOptions, Training
from unpaired.translator import Translator

DRAWN = 64
"""The side of the set's pictures; smaller ones are made from them."""
BOTTLENECK = 100
"""Of the authors' generators in these tasks."""
PARTS = ("train_a", "train_b", "test_a", "test_b")
SHOWN = 2
"""Models whose views are on the sheet."""


class Task(NamedTuple):
    """set: the named set; a, b: what kind its domains are of; reach: views go from -reach to reach degrees; channels: of an
    image, 1 where it is made grey; views: how these differ from the paper's, in words.
    """

    set: str
    a: Kind
    b: Kind
    reach: int = 60
    channels: int = 1
    views: str = NARROW


class Budget(NamedTuple):
    """What a size spends on every training alike. pixels: the side of an image; width: channels of the first layers;
    reconstruction: the weight of what reconstructs.
    """

    steps: int
    batch: int
    pixels: int
    width: int
    learning_rate: float
    gan: Adversarial
    reconstruction: float


class Views(NamedTuple):
    """Pictures [N, 3, H, W] in [-1, 1], their azimuths in degrees [N] and the models that they show."""

    images: Tensor
    azimuths: Tensor
    models: Sequence[str]


TASKS: Mapping[str, Task] = {
    "car2car": Task("cars", "cars", "cars"),
    "head2head": Task("heads", "heads", "heads", reach=REACH, channels=3, views=WIDE),
    "chair2car": Task("chairs-cars", "chairs", "cars"),
    "car2head": Task("cars-heads", "cars", "heads"),
}
_SMALL = Budget(
    steps=1500,
    batch=32,
    pixels=32,
    width=16,
    learning_rate=1e-3,
    gan=LeastSquares(),
    reconstruction=10.0,
)
BUDGETS: Mapping[Size, Budget] = {
    "quick": _SMALL._replace(steps=300),
    "default": _SMALL,
    "paper": Budget(
        steps=50_000,
        batch=200,
        pixels=64,
        width=64,
        learning_rate=2e-4,
        gan=NonSaturating(),
        reconstruction=1.0,
    ),
}
SEEDS: Mapping[Size, tuple[int, ...]] = {"quick": (0,), "default": (0, 1, 2), "paper": (0, 1, 2)}
LESSONS: Mapping[Size, Lessons] = {"quick": Lessons(steps=300), "default": Lessons(), "paper": Lessons(steps=4000)}


def models(size: Size) -> dict[str, specs.GameSpec]:
    """The games by name: networks, adversarial loss, weights and optimiser alike."""
    budget = BUDGETS[size]
    common: dict[str, Any] = {
        "generator": EncoderDecoder(width=budget.width, bottleneck=BOTTLENECK),
        "discriminator": ConvDiscriminator(width=budget.width),
        "gan": budget.gan,
        "optimizer": Adam(learning_rate=budget.learning_rate, weight_decay=1e-4),
    }
    one_way, with_reconstruction = BASELINES
    return {
        one_way: specs.TranslationGAN(**common),
        with_reconstruction: specs.ReconstructionGAN(**common, reconstruction=budget.reconstruction),
        DISCOGAN: specs.DiscoGAN(**common, form=specs.PaperForm(reconstruction=budget.reconstruction)),
    }


def training(size: Size, *, seed: int) -> Training:
    """How every game is trained. Held-out views are looked at as seldom as may be: they choose nothing."""
    budget = BUDGETS[size]
    return Training(
        steps=budget.steps,
        batch=budget.batch,
        seed=seed,
        schedule="linear",
        decay_from=0.5,
        ema=0.99,
        evaluate_every=max(1, budget.steps // 2),
    )


def compare(lab: Lab, *, name: str) -> Metrics:
    """Teach the readers, train every game with every seed from A to B, and read what becomes of unseen models' views."""
    task, budget, seeds = TASKS[name], BUDGETS[lab.size], SEEDS[lab.size]
    folder = lab.runs / f"{name}-{lab.size}" / f"views-{task.reach}"
    if not folder.exists():
        write_narrower(folder, folder_of(task.set, size=DRAWN, cache=cache_folder()), reach=task.reach)
    options = DataOptions(size=budget.pixels, channels=task.channels, flip=False)
    views = views_of(folder, open_domains((str(folder),), options))
    readers = readers_of(task, views, lessons=LESSONS[lab.size])
    test, spent = views["test_a"], dict.fromkeys(models(lab.size), 0.0)
    answers: dict[str, list[Tensor]] = {}
    for model, game in models(lab.size).items():
        for seed in seeds:
            run = trained(
                lab,
                f"{name}-{lab.size}/{model.replace(' ', '-')}-{seed}",
                source=str(folder),
                game=game,
                data=options,
                training=training(lab.size, seed=seed),
            )
            spent[model] += minutes(run)
            answers.setdefault(model, []).append(as_it_ended(run, "a_to_b", Translator).batch(test.images))
    answered = {model: [readers[task.b].azimuths(x) for x in each] for model, each in answers.items()}
    read = readers[task.a].azimuths(test.images)
    scores = {}
    for model, each in answers.items():
        found = []
        for x, azimuths in zip(each, answered[model], strict=True):
            found.append(
                gone_together(test.azimuths, read=read, answered=azimuths) | looks(x, test.images, views["test_b"].images)
            )
        scores[model] = over_seeds(found)
    nothing = looks(test.images, test.images, views["test_b"].images)
    if task.a == task.b:  # else no reader reads them as answers
        nothing = gone_together(test.azimuths, read=read, answered=read) | nothing
    scores = {NOTHING: over_seeds([nothing]), **scores}
    on_unseen = {kind: misread(reader.azimuths(x), z) for kind, (reader, x, z) in _unseen(task, readers, views).items()}
    images.write(lab.results / "azimuths.png", azimuths_figures.scatter(test.azimuths, answered, seeds=seeds))
    _draw(lab.results / "views.png", test, {model: each[0] for model, each in answers.items()})
    return {
        "azimuths": scores,
        "readers": on_unseen,
        "tables": _tables(scores, on_unseen, seeds),
        "training_minutes": {model: round(value, 1) for model, value in spent.items()},
        "views": {part: len(views[part].azimuths) for part in PARTS},
        "models": {part: len(set(views[part].models)) for part in PARTS},
    }


def views_of(folder: Path, data: Domains) -> dict[str, Views]:
    """The pictures of a set on a turntable, by part, as they were opened, with what its table says of them."""
    table = {(view.part, view.file): view for view in read_views(folder)}
    found = {}
    for part in PARTS:
        rows = [table[f"{part[:-2]}{part[-1].upper()}", name] for name in data.names[part]]  # type: ignore[index]
        azimuths = torch.tensor([row.azimuth for row in rows], dtype=torch.float64)
        found[part] = Views(images.to_tensor(getattr(data, part)), azimuths, [row.model for row in rows])
    return found


def readers_of(task: Task, views: Mapping[str, Views], *, lessons: Lessons) -> dict[str, Reader]:
    """Of each kind a reader, taught on all training views of that kind."""
    return {
        kind: azimuths_reader.taught(*_of_kind(task, views, kind, part="train"), lessons=lessons)
        for kind in dict.fromkeys((task.a, task.b))
    }


def looks(answers: Tensor, inputs: Tensor, targets: Tensor) -> Values:
    """How far answers are from real pictures of B (`sliced_wasserstein`), and by which share of the range they differ from their
    inputs in the mean.
    """
    return {"swd": sliced_wasserstein(targets, answers), "changed": float((answers - inputs).abs().mean() / 2)}


def _unseen(task: Task, readers: Mapping[str, Reader], views: Mapping[str, Views]) -> dict[str, tuple[Reader, Tensor, Tensor]]:
    return {kind: (reader, *_of_kind(task, views, kind, part="test")) for kind, reader in readers.items()}


def _of_kind(task: Task, views: Mapping[str, Views], kind: str, *, part: str) -> tuple[Tensor, Tensor]:
    """All pictures of a kind, of both domains where both are of it, and their azimuths."""
    both = [views[f"{part}_{side}"] for side in "ab" if getattr(task, side) == kind]
    return torch.cat([one.images for one in both]), torch.cat([one.azimuths for one in both])


def _tables(scores: Mapping[str, Any], readers: Mapping[str, Values], seeds: Sequence[int]) -> dict[str, Any]:
    """What the page shows of a result."""
    return {
        "mean over the seeds": {
            model: {name: value["mean"] for name, value in values.items() if name != CORRELATION}
            for model, values in scores.items()
        },
        "Pearson's correlation by seed": {
            model: {f"seed {seed}": value for seed, value in zip(seeds, values[CORRELATION]["seeds"], strict=True)}
            for model, values in scores.items()
            if model != NOTHING
        },
        "read on unseen models, degrees": {
            kind: {name: round(v, 2) for name, v in values.items()} for kind, values in readers.items()
        },
    }


def _draw(path: Path, test: Views, answers: Mapping[str, Tensor]) -> None:
    """A sheet: the views of some models, and what every game makes of each."""
    rows: list[tuple[str, Tensor]] = []
    names = sorted(set(test.models))
    for name in names[:: max(1, len(names) // SHOWN)][:SHOWN]:
        shown = [index for index, model in enumerate(test.models) if model == name]
        shown.sort(key=lambda index: float(test.azimuths[index]))
        rows += [("input", test.images[shown]), *((model, answer[shown]) for model, answer in answers.items())]
    titles = [f"{azimuth:.0f}" for azimuth in sorted(set(test.azimuths.tolist()))]
    images.write(path, images.labelled_grid(rows, titles=titles, scale=max(1, 64 // test.images.shape[-1])))


def experiment(name: str) -> Experiment:
    """A task as an experiment."""
    task = TASKS[name]
    what = f"some {task.a} -> other {task.b}" if task.a == task.b else f"{task.a} -> {task.b}"
    return Experiment(
        name=name,
        about=f"{what}, on a turntable: does the translation keep the azimuth? Two baselines and DiscoGAN",
        paper=f"{KIM}, section 4",
        run=partial(compare, name=name),
        claims=claims(task.a, task.b),
        deviations=deviations(task.a, task.b, views=task.views),
        seeds=SEEDS,
        budget={size: f"{words}, {len(SEEDS[size])} seeds" for size, words in budgets_in_words(BUDGETS).items()},
        sizes=SIZES,
    )


AZIMUTHS: Mapping[str, Experiment] = {name: experiment(name) for name in TASKS}
