"""What experiments share that put several games side by side, in both directions: `earth`, `edges`, `emoji`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from unpaired.experiments.base import SIZES, Lab, Metrics, Size, trained
from unpaired.games import specs
from unpaired.options import DataOptions, Training
from unpaired.translator import DIRECTIONS

NOTHING, PIX2PIX = "doing nothing", "pix2pix (pairs)"
BASELINES = ("standard GAN", "GAN with reconstruction")
SHOWN = 10
"""Images on a sheet."""

KIM = "Kim et al., Learning to Discover Cross-Domain Relations with Generative Adversarial Networks, ICML 2017"
ZHU = "Zhu et al., Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks, ICCV 2017"


class Model(NamedTuple):
    """A row of the tables. set: the named set that it is trained on; both: one training answers in both directions."""

    game: specs.GameSpec
    set: str
    both: bool


class Budget(Protocol):
    """What every model of a comparison is trained with."""

    @property
    def steps(self) -> int:
        """Of each training."""

    @property
    def batch(self) -> int:
        """Images of each domain in a step."""

    @property
    def pixels(self) -> int:
        """The side of an image."""


def trainings(
    lab: Lab, name: str, model: Model, *, place: str, data: DataOptions, training: Training
) -> Iterator[tuple[str, Path]]:
    """A direction and the folder of a finished run that answers in it from A to B, or in both; what goes one way is trained
    once for each. name: of the model; place: the folder of the runs below the lab's, without the size.
    """
    stem = name.replace(" ", "-").replace("+", "and").replace("(", "").replace(")", "")
    for direction in DIRECTIONS[:1] if model.both else DIRECTIONS:
        swap = direction == "b_to_a"
        folder = trained(
            lab,
            f"{place}-{lab.size}/{stem}{'-swapped' if swap else ''}",
            source=model.set,
            game=model.game,
            data=replace(data, swap=swap),
            training=training,
        )
        yield direction, folder


def table(*measures: str, names: Sequence[str]) -> Callable[[Metrics], dict[str, Any]]:
    """Of each direction and method these measures, rounded: what a claim is about."""

    def measure(metrics: Metrics) -> dict[str, Any]:
        return {
            direction: {name: {key: round(methods[name][key], 4) for key in measures} for name in names}
            for direction, methods in metrics["scores"].items()
        }

    return measure


def column(measure: str, *, names: Sequence[str]) -> Callable[[Metrics], dict[str, Any]]:
    """Of each direction and method one measure, rounded."""
    whole = table(measure, names=names)
    return lambda metrics: {
        direction: {name: values[measure] for name, values in methods.items()} for direction, methods in whole(metrics).items()
    }


def budgets_in_words(budgets: Mapping[Size, Budget]) -> dict[Size, str]:
    """What each size spends on a model."""
    return {
        size: f"{budgets[size].steps} steps of batch {budgets[size].batch} at {budgets[size].pixels} px for each model"
        for size in SIZES
    }
