"""What `bags2shoes` and `horses2zebras` train: two tasks, budgets, and models whose networks are alike."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from unpaired.experiments.base import SIZES, Size
from unpaired.experiments.comparison import Model
from unpaired.games import specs
from unpaired.networks.specs import PatchGAN, UNet
from unpaired.options import Adam, DataOptions, Training

COUPLED = ("DiscoGAN", "CycleGAN")
HELD_OUT, TRAINING = "held-out images", "training images"
"""Rows of the tables: of the target domain."""


class Task(NamedTuple):
    """Two domains. set: the named set that is trained on; names: of its domains; a, b: how the judge calls what is in them;
    judged: the named set that it is taught on; baselines: whether models that are not coupled are trained as well.
    """

    name: str
    set: str
    names: tuple[str, str]
    a: tuple[str, ...]
    b: tuple[str, ...]
    judged: str
    baselines: bool
    seeds: Mapping[Size, tuple[int, ...]]

    def target(self, direction: str) -> tuple[str, ...]:
        """How the judge calls what a direction leads to."""
        return self.b if direction == "a_to_b" else self.a

    def title(self, direction: str) -> str:
        """Of the table that says as what a direction's translations are read."""
        source, target = self.names if direction == "a_to_b" else self.names[::-1]
        return f"{source} to {target}, read as"


BAGS = Task(
    name="bags2shoes",
    set="bags-shoes",
    names=("bags", "shoes"),
    a=("bag",),
    b=("sandal", "sneaker", "ankle boot"),
    judged="fashion",
    baselines=True,
    seeds={size: (0,) for size in SIZES},
)
ANIMALS = Task(
    name="horses2zebras",
    set="horses-zebras",
    names=("horses", "zebras"),
    a=("horse",),
    b=("zebra",),
    judged="animals",
    baselines=False,
    seeds={"quick": (0,), "default": (0, 1), "paper": (0,)},
)


class Budget(NamedTuple):
    """What a size spends on every model alike. pixels: the side of an image; width: channels of the first layers; lessons: steps
    of the judge; tested: held-out images of a domain, None for all.
    """

    steps: int
    batch: int
    pixels: int
    width: int
    learning_rate: float
    lessons: int
    tested: int | None = None


BUDGETS: Mapping[Size, Budget] = {
    "quick": Budget(steps=30, batch=16, pixels=32, width=8, learning_rate=1e-3, lessons=100, tested=100),
    "default": Budget(steps=1000, batch=16, pixels=32, width=24, learning_rate=1e-3, lessons=1500),
    "paper": Budget(steps=50_000, batch=64, pixels=32, width=64, learning_rate=2e-4, lessons=10_000),
}


def models(task: Task, size: Size) -> dict[str, Model]:
    """The models of a task by name: networks alike, those of `edges`; losses of each as its paper has them."""
    budget = BUDGETS[size]
    common: dict[str, Any] = {
        "generator": UNet(width=budget.width, downs=budget.pixels.bit_length() - 1, dropout=0.0),
        "discriminator": PatchGAN(width=budget.width + budget.width // 3, layers=2),
        "optimizer": Adam(learning_rate=budget.learning_rate),
    }
    baselines = {
        "standard GAN": Model(specs.TranslationGAN(**common), task.set, both=False),
        "GAN with reconstruction": Model(specs.ReconstructionGAN(**common), task.set, both=False),
    }
    coupled = {
        "DiscoGAN": Model(specs.DiscoGAN(**common), task.set, both=True),
        "CycleGAN": Model(specs.CycleGAN(**common, identity=0.0), task.set, both=True),
    }
    return {**baselines, **coupled} if task.baselines else coupled


def training(size: Size, *, seed: int) -> Training:
    """How every model is trained: looked at when it begins and ends, so that no checkpoint is chosen by held-out images."""
    budget = BUDGETS[size]
    return Training(
        steps=budget.steps,
        batch=budget.batch,
        seed=seed,
        schedule="linear",
        decay_from=0.5,
        ema=0.99,
        evaluate_every=budget.steps,
        save_every=max(1, budget.steps // 10),
        compile="off",
    )


def data_options(size: Size) -> DataOptions:
    """How images are read: never mirrored, as all shoes look to one side."""
    return DataOptions(size=BUDGETS[size].pixels, channels=1, flip=False)
