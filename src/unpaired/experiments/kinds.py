"""`bags2shoes` and `horses2zebras`: one kind of thing <-> another, both ways, where no picture has a right answer.

Kim et al. 2017, section 4.3, translate handbags to shoes, which share no feature that one could name; what they ask is that a
handbag and its shoe belong to each other alone. Zhu et al. 2017 translate horses to zebras, where most may stay as it is.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from unpaired import evaluation, images, runs
from unpaired.data.batches import Domains
from unpaired.evaluation.domains import BACK
from unpaired.experiments import kinds_models
from unpaired.experiments.base import Claim, Experiment, Lab, Metrics, as_it_ended, minutes
from unpaired.experiments.classifier import Lessons
from unpaired.experiments.comparison import (
    BASELINES,
    DIRECTIONS,
    KIM,
    NOTHING,
    SHOWN,
    ZHU,
    budgets_in_words,
    column,
    trainings,
)
from unpaired.experiments.kinds_measures import (
    AGAIN,
    NEAREST,
    READ,
    TOO_NEAR,
    VARIETY,
    Crowd,
    Judge,
    Row,
    as_in_files,
    judge_of,
    kept,
    mean_of,
    spread,
)
from unpaired.experiments.kinds_models import (
    ANIMALS,
    BAGS,
    COUPLED,
    HELD_OUT,
    TRAINING,
    Task,
    data_options,
    models,
    training,
)
from unpaired.games import specs
from unpaired.run_config import load_config
from unpaired.translator import Translator


class Ways(NamedTuple):
    """What a model leaves of a direction. back: None where it has no way back."""

    there: Translator
    back: Translator | None


def compare(lab: Lab, *, task: Task) -> Metrics:
    """Train the models of a task for as many steps, and a judge apart from them; what held-out images show of them, and figures.

    Every network is measured as it ended. Scores are means over the seeds; figures are the first seed's.
    """
    spent: dict[str, float] = {}
    ended, data = [_trained(lab, task, seed, spent) for seed in task.seeds[lab.size]], _domains(lab, task)
    judge = judge_of(task.judged, data_options(lab.size), lessons=Lessons(batch=64, steps=kinds_models.BUDGETS[lab.size].lessons))
    scores: dict[str, dict[str, Row]] = {}
    tables: dict[str, dict[str, Row]] = {}
    for direction in DIRECTIONS:
        test, crowd = _asked(lab, data, direction), _crowd(lab, task, data, direction, judge)
        made = [
            {name: as_in_files(ways[direction].there.batch(test.inputs)) for name, ways in of_seed.items()} for of_seed in ended
        ]
        rows = [
            {name: crowd.scores(x) | kept(test.inputs, x, _back(ended[seed][name][direction])) for name, x in of_seed.items()}
            for seed, of_seed in enumerate(made)
        ]
        scores[direction] = {
            NOTHING: crowd.scores(test.inputs),
            **{name: mean_of([of_seed[name] for of_seed in rows]) for name in rows[0]},
            HELD_OUT: crowd.scores(test.targets),
            TRAINING: crowd.distances(crowd.some_of_training(len(test.targets))),
        }
        kinds = (*task.target(direction), *task.target(BACK[direction]))
        tables[task.title(direction)] = {
            **{name: mean_of([judge.shares(of_seed[name], kinds) for of_seed in made]) for name in made[0]},
            HELD_OUT: judge.shares(test.targets, kinds),
        }
        _draw(lab.results, direction, test.inputs, made[0], ended[0])
        _draw_suspects(lab.results, direction, crowd, made[0])
    return {
        "scores": scores,
        "tables": tables,
        "training_minutes": {name: round(value, 1) for name, value in spent.items()},
        "images": {"trained on": [len(data.train_a), len(data.train_b)], "tested": len(_asked(lab, data, "a_to_b").inputs)},
    }


def _trained(lab: Lab, task: Task, seed: int, spent: dict[str, float]) -> dict[str, dict[str, Ways]]:
    """Of each model and direction what a training with that seed ended with; minutes are added to those spent."""
    found: dict[str, dict[str, Ways]] = {}
    for name, model in models(task, lab.size).items():
        each = trainings(
            lab, name, model, place=_place(task, seed), data=data_options(lab.size), training=training(lab.size, seed=seed)
        )
        found[name] = {}
        for direction, folder in each:
            spent[name] = spent.get(name, 0.0) + minutes(folder)
            for answered in DIRECTIONS if model.both else DIRECTIONS[:1]:
                there = as_it_ended(folder, answered, Translator)
                returns = not isinstance(model.game, specs.TranslationGAN)
                back = as_it_ended(folder, BACK[answered], Translator) if returns else None
                found[name][answered if model.both else direction] = Ways(there, back)
    return found


def _place(task: Task, seed: int) -> str:
    return f"{task.name}-{seed}"


def _domains(lab: Lab, task: Task) -> Domains:
    folder = lab.runs / f"{_place(task, task.seeds[lab.size][0])}-{lab.size}" / COUPLED[0]
    return runs.open_two(load_config(folder))


def _asked(lab: Lab, data: Domains, direction: str) -> evaluation.HeldOut:
    """The images that are measured on: not those that runs look at, and of the others so many from all over them, as kinds may
    lie in order.
    """
    test, most = evaluation.held_out(data, direction, part="test"), kinds_models.BUDGETS[lab.size].tested
    return test if most is None else test._replace(inputs=spread(test.inputs, most), targets=spread(test.targets, most))


def _crowd(lab: Lab, task: Task, data: Domains, direction: str, judge: Judge) -> Crowd:
    train = images.to_tensor(data.train_b if direction == "a_to_b" else data.train_a)
    return Crowd(_asked(lab, data, direction).targets, train, judge=judge, kinds=task.target(direction))


def _back(ways: Ways) -> Any:
    return None if ways.back is None else ways.back.batch


def _draw(
    folder: Path, direction: str, inputs: Tensor, made: Mapping[str, Tensor], ended: Mapping[str, Mapping[str, Ways]]
) -> None:
    """A sheet of held-out images from all over them, their translations, and what leads back from these."""
    rows = [("input", spread(inputs, SHOWN))]
    for name, x in made.items():
        rows.append((name, spread(x, SHOWN)))
        if (back := ended[name][direction].back) is not None:
            rows.append(("and back", back.batch(spread(x, SHOWN))))
    images.write(folder / f"{direction}.png", images.labelled_grid(rows, scale=2))


def _draw_suspects(folder: Path, direction: str, crowd: Crowd, made: Mapping[str, Tensor]) -> None:
    """A sheet of those translations of the coupled models that lie nearest to training images, and of these."""
    rows = []
    for name in COUPLED:
        found = crowd.suspects(made[name], count=SHOWN)
        rows += [(name, found[0][1]), *found[1:]]
    images.write(folder / f"nearest-{direction}.png", images.labelled_grid(rows, scale=2))


def _kids(metrics: Metrics) -> dict[str, Any]:
    """Of each direction and method KID by every kind of features, as a share of doing nothing's."""
    return {
        direction: {
            name: {key: round(rows[name][key] / rows[NOTHING][key], 4) for key in rows[NOTHING] if key.startswith("kid[")}
            for name in COUPLED
        }
        for direction, rows in metrics["scores"].items()
    }


def _shoes(metrics: Metrics) -> dict[str, Any]:
    """Of bags that became shoes, the share of each kind of shoe by that among held-out shoes."""
    rows = metrics["tables"][BAGS.title("a_to_b")]
    real = rows[HELD_OUT]
    return {name: {kind: round(rows[name][kind] / real[kind], 4) for kind in BAGS.b} for name in COUPLED}


def _each(found: Mapping[str, Mapping[str, float]], names: Sequence[str] = COUPLED) -> list[float]:
    """The values of both directions."""
    return [values[name] for values in found.values() for name in names]


CLAIMS = (
    Claim(
        statement="Translations are read as the target domain",
        source=f"{KIM}, section 4.3, and {ZHU}, section 5, shown there by pictures",
        wanted="by a classifier of ten kinds that saw real images alone, at least 0.95 of the share that is so read of held-out "
        "images of the target domain; DiscoGAN and CycleGAN, both directions",
        measure=column(READ, names=(*COUPLED, NOTHING, HELD_OUT)),
        holds=lambda found: all(m[name] >= 0.95 * m[HELD_OUT] for m in found.values() for name in COUPLED),
    ),
    Claim(
        statement="As a crowd they are much nearer to the target domain than what was translated",
        source="this project",
        wanted="KID at most half of doing nothing's, by that classifier's features and by pixels (shares of doing nothing's)",
        measure=_kids,
        holds=lambda found: all(share <= 0.5 for m in found.values() for shares in m.values() for share in shares.values()),
    ),
    Claim(
        statement="They are no copies of training images",
        source="this project",
        wanted="the median distance to the nearest training image not below that of held-out images",
        measure=column(NEAREST, names=COUPLED),
        holds=lambda found: min(_each(found)) >= 1,
    ),
    Claim(
        statement="Nor is a part of them",
        source="this project",
        wanted="at most 0.05 of them nearer to a training image than all but 0.01 of held-out images are",
        measure=column(TOO_NEAR, names=COUPLED),
        holds=lambda found: max(_each(found)) <= 0.05,
    ),
    Claim(
        statement="A translation belongs to its input alone: the way back finds which one it was",
        source=f"{KIM}, section 3.3 (the bijection)",
        wanted="at least 0.9 of inputs are nearest to their own reconstruction among all held-out inputs",
        measure=column(AGAIN, names=COUPLED),
        holds=lambda found: min(_each(found)) >= 0.9,
    ),
    Claim(
        statement="They are about as varied as real images",
        source=f"{KIM}, section 3 (no collapse), and {ZHU}",
        wanted="mean distance between two of them at least 0.8 of that between two held-out images",
        measure=column(VARIETY, names=COUPLED),
        holds=lambda found: min(_each(found)) >= 0.8,
    ),
)
BAGS_CLAIMS = (
    *CLAIMS,
    Claim(
        statement="The standard GAN's are less varied than DiscoGAN's",
        source=f"{KIM}, section 3 (mode collapse of the standard GAN)",
        wanted="a smaller mean distance between two of them, in both directions",
        measure=column(VARIETY, names=(*BASELINES, *COUPLED)),
        holds=lambda found: all(m["standard GAN"] < m["DiscoGAN"] for m in found.values()),
    ),
    Claim(
        statement="Bags become shoes of every kind",
        source="this project",
        wanted="sandals, sneakers and ankle boots each at least a third as common among DiscoGAN's and CycleGAN's shoes as among "
        "held-out ones (shares of that)",
        measure=_shoes,
        holds=lambda found: all(share >= 1 / 3 for shares in found.values() for share in shares.values()),
    ),
)
DEVIATIONS = (
    "a small U-Net without dropout and a PatchGAN that sees the whole image for all models alike, as in edges, so that they "
    "differ in their losses: DiscoGAN and its baselines cross-entropy and an unweighted squared reconstruction, CycleGAN least "
    "squares, ten times the absolute one and the pool of 50; images of 28 px are enlarged to 32, which that U-Net halves down "
    "to 1 px",
    "the U-Net was chosen after two short trials of DiscoGAN on bags and shoes, seen on 64 images of each that are not measured "
    "here: in some 460 steps of batch 32 DiscoGAN's own encoder-decoder had not learned to lead back",
    "no identity loss in CycleGAN, as in its paper but for paintings",
    "batch 16, a learning rate of 0.001 that falls to zero in the second half, a moving average of the weights, no weight decay: "
    "for the small budget; the same for all models",
    "networks are measured as they ended, on the held-out images but the 64 first of each domain at the most, at which runs look",
    "no FID: KID by the features of the classifier that reads the translations, and by pixels; networks that were trained on "
    "photographs of 224 px have little to tell of 28",
)


def _experiment(task: Task, *, about: str, paper: str, claims: tuple[Claim, ...], deviations: tuple[str, ...]) -> Experiment:
    return Experiment(
        name=task.name,
        about=about,
        paper=paper,
        run=partial(compare, task=task),
        claims=claims,
        deviations=(*deviations, *DEVIATIONS),
        seeds=task.seeds,
        budget=budgets_in_words(kinds_models.BUDGETS),
    )


BAGS2SHOES = _experiment(
    BAGS,
    about="photographs of bags <-> shoes: two baselines, DiscoGAN and CycleGAN; what they are read as, variety, copies, way back",
    paper=f"{KIM}, section 4.3",
    claims=BAGS_CLAIMS,
    deviations=(
        "Fashion-MNIST's bags, sandals, sneakers and ankle boots, grey, instead of colour photographs; one training seed",
    ),
)
HORSES2ZEBRAS = _experiment(
    ANIMALS,
    about="silhouettes of horses <-> striped zebras: DiscoGAN and CycleGAN; what they are read as, variety, copies, way back",
    paper=f"{ZHU}, section 5; {KIM}",
    claims=CLAIMS,
    deviations=("cut-out silhouettes, grey, 847 horses and 850 zebras to train on, instead of photographs; two training seeds",),
)
