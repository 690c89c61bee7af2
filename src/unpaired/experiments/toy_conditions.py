"""`toy-conditions`: under which conditions the claims of DiscoGAN's toy hold (Kim et al. 2017, section 3.4).

The paper gives neither its modes nor its networks' widths, so one picture proves little. Each condition differs from the
first in one thing: steps, distance, weight, width, spread or placement (in the smallest square the spread shrinks with it); the
last has another geometry. A long condition is measured all along its way, on the first five seeds.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from unpaired.data.sets import toy
from unpaired.experiments.base import Claim, Experiment, Lab, Metrics, Size
from unpaired.experiments.toy import HIDDEN, LEARNING_RATE, MODELS, PAPER, Ensemble, ahead, game, summary
from unpaired.losses import L1, L2, Distance, Huber


class Condition(NamedTuple):
    """What a toy is made of and how it is trained. times: as many steps as the others; more than 1 is measured on the way."""

    geometry: Callable[[Sequence[int]], toy.Toy] = toy.irregular
    distance: Distance = L2()
    weight: float = 1.0
    hidden: int = HIDDEN
    times: int = 1


def _spread(sigma: float) -> Callable[[Sequence[int]], toy.Toy]:
    return lambda seeds: toy.irregular_squares(seeds, reach=2.0, sigma=sigma)


CONDITIONS: Mapping[str, Condition] = {
    "irregular": Condition(),
    "L1": Condition(distance=L1()),
    "Huber, delta 0.1": Condition(distance=Huber(delta=0.1)),
    "reconstruction x 10": Condition(weight=10.0),
    "twice as wide networks": Condition(hidden=2 * HIDDEN),
    "source modes three times as wide": Condition(geometry=_spread(0.3)),
    "source modes a third as wide": Condition(geometry=_spread(0.03)),
    "source square half as wide": Condition(geometry=lambda seeds: toy.irregular_squares(seeds, reach=1.0, sigma=0.1)),
    "source square a quarter as wide": Condition(geometry=toy.irregular_small_to_wide),
    "irregular, long": Condition(times=10),
    "five to ten, long": Condition(geometry=toy.five_to_ten, times=2),
}
STEPS: Mapping[Size, int] = {"quick": 100, "default": 5_000, "paper": 5_000}
SHORT_SEEDS: Mapping[Size, tuple[int, ...]] = {
    "quick": (200, 201),
    "default": tuple(range(200, 210)),
    "paper": tuple(range(200, 220)),
}
LONG_SEEDS: Mapping[Size, tuple[int, ...]] = {
    "quick": (200, 201),
    "default": tuple(range(200, 205)),
    "paper": tuple(range(200, 220)),
}
LOOKS = 20
"""Measurements along the way of a long condition."""


def run(lab: Lab) -> Metrics:
    """Train the three models under each condition; their measures at the end and, where it is long, along the way."""
    found: dict[str, Any] = {}
    for name, condition in CONDITIONS.items():
        long = condition.times > 1
        seeds = (LONG_SEEDS if long else SHORT_SEEDS)[lab.size]
        steps = condition.times * STEPS[lab.size]
        found[name] = {"steps": steps, "seeds": len(seeds), "at the end": {}}
        for model in MODELS:
            spec = game(model, members=len(seeds), hidden=condition.hidden, distance=condition.distance, weight=condition.weight)
            ensemble = Ensemble(
                condition.geometry(seeds),
                spec,
                steps=steps,
                look_every=steps // LOOKS if long else steps,
                folder=lab.runs / f"toy-conditions-{lab.size}" / name / model,
            )
            lab.trainings.append(ensemble.train())
            found[name]["at the end"][model] = _means(ensemble.measure())
            if long:
                on_the_way = {step: _means(measures) for step, measures in ensemble.measures().items()}
                found[name].setdefault("on the way", {})[model] = on_the_way
    return {"conditions": found}


def _means(measures: Mapping[str, list[float]]) -> dict[str, float]:
    return {name: value["mean"] for name, value in summary(measures).items()} | {
        f"{name}, standard error": value["error"] for name, value in summary(measures).items()
    }


def _ahead_under(metrics: Metrics) -> dict[str, bool]:
    return {name: ahead(condition["at the end"]) for name, condition in metrics["conditions"].items()}


def _at_last(metrics: Metrics, condition: str, measure: str) -> dict[str, float]:
    return {model: values[measure] for model, values in metrics["conditions"][condition]["at the end"].items()}


CLAIMS = (
    Claim(
        statement="On irregular modes DiscoGAN has fewer collisions and covers more modes than both baselines, whatever the "
        "distance, the weight, the width of the networks, the spread or the placement",
        source=PAPER,
        wanted="true under each condition, in the mean over the seeds",
        measure=_ahead_under,
        holds=lambda verdicts: all(holds for name, holds in verdicts.items() if name != "five to ten, long"),
    ),
    Claim(
        statement="After ten times as many steps on irregular modes, the paper's 50,000, DiscoGAN has fewer collisions than both "
        "baselines",
        source=PAPER,
        wanted="mean over the seeds, at the last step (the others are shown)",
        measure=lambda metrics: _at_last(metrics, "irregular, long", "collisions"),
        holds=lambda found: found["DiscoGAN"] < min(found[model] for model in MODELS[:2]),
    ),
    Claim(
        statement="After twice as many steps from 5 modes to 10 DiscoGAN covers the targets and the baselines do not",
        source=PAPER,
        wanted="at least 9 of 10 targets for DiscoGAN, fewer for both baselines, mean over the seeds at the last step",
        measure=lambda metrics: _at_last(metrics, "five to ten, long", "modes covered"),
        holds=lambda found: found["DiscoGAN"] >= 9 > max(found[model] for model in MODELS[:2]),
    ),
)


CONDITIONS_OF_TOY = Experiment(
    name="toy-conditions",
    about="where the toy's claims hold: steps up to 50,000, distances, weights, widths, spreads and placements",
    paper=PAPER,
    run=run,
    claims=CLAIMS,
    deviations=(
        f"hidden layers of {HIDDEN}, a learning rate of {LEARNING_RATE:g} and no weight decay, as in `toy`: for the time",
    ),
    seeds=SHORT_SEEDS,
    budget={
        size: f"{STEPS[size]} steps and {len(SHORT_SEEDS[size])} seeds; long conditions {10 * STEPS[size]} and {2 * STEPS[size]} "
        f"steps, {len(LONG_SEEDS[size])} seeds"
        for size in STEPS
    },
)
