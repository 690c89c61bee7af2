"""`edges` and `emoji`: line drawing <-> colour of one emoji set, and one set <-> another, scored by hidden partners.

Line to colour is one to many, as edges to photographs are in both papers (DiscoGAN, section 4.2; CycleGAN, section 5): one
drawing, many colourings, of which one counts as right here. Back it is a function. Set to set asks for another shape, at
which CycleGAN is known to fail (its section 6).
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from unpaired import evaluation, images, runs
from unpaired.bundle import load_translators
from unpaired.data.batches import Domains
from unpaired.errors import RunError
from unpaired.experiments.base import Claim, Experiment, Lab, Metrics, Size, minutes
from unpaired.experiments.comparison import (
    BASELINES,
    DIRECTIONS,
    KIM,
    NOTHING,
    PIX2PIX,
    SHOWN,
    ZHU,
    Model,
    budgets_in_words,
    column,
    table,
    trainings,
)
from unpaired.games import specs
from unpaired.metrics import paired
from unpaired.networks.specs import PatchGAN, UNet
from unpaired.options import Adam, DataOptions, Training
from unpaired.run_config import load_config

CONSTANT = "one picture for all"
"""The target domain's median training picture, pixel by pixel: how far one comes without looking at the input."""
COUPLED = ("DiscoGAN", "CycleGAN")
INK = 0.2
"""A pixel that differs from white by this share of the range in any channel is part of a drawing."""


class Budget(NamedTuple):
    """What a size spends on every model alike. pixels: the side of an image; width: channels of the first layers."""

    steps: int
    batch: int
    pixels: int
    width: int
    learning_rate: float


BUDGETS: Mapping[Size, Budget] = {
    "quick": Budget(steps=80, batch=8, pixels=32, width=16, learning_rate=1e-3),
    "default": Budget(steps=900, batch=8, pixels=64, width=24, learning_rate=1e-3),
    "paper": Budget(steps=100_000, batch=16, pixels=128, width=64, learning_rate=2e-4),
}


def models(task: str, size: Size) -> dict[str, Model]:
    """The models of a task by name: networks alike, losses of each as its paper has them."""
    budget = BUDGETS[size]
    # Down to 1 px: a generator that colours an area has to know what it is part of.
    generator = UNet(width=budget.width, downs=budget.pixels.bit_length() - 1, dropout=0.0)
    discriminator = PatchGAN(width=budget.width + budget.width // 3, layers=2)
    common: dict[str, Any] = {"generator": generator, "optimizer": Adam(learning_rate=budget.learning_rate)}
    unpaired = {**common, "discriminator": discriminator}
    coupled = {
        "DiscoGAN": Model(specs.DiscoGAN(**unpaired), task, both=True),
        "CycleGAN": Model(specs.CycleGAN(**unpaired, identity=0.0), task, both=True),
    }
    if task == "emoji":
        return coupled
    pairs = specs.Pix2Pix(**common, discriminator=PatchGAN(width=discriminator.width, layers=2, norm="batch"))
    return {
        "standard GAN": Model(specs.TranslationGAN(**unpaired), task, both=False),
        "GAN with reconstruction": Model(specs.ReconstructionGAN(**unpaired), task, both=False),
        **coupled,
        PIX2PIX: Model(pairs, f"{task}-pairs", both=False),
    }


def training(size: Size) -> Training:
    """How every model is trained."""
    budget = BUDGETS[size]
    return Training(steps=budget.steps, batch=budget.batch, schedule="linear", decay_from=0.5, ema=0.99)


def compare(lab: Lab, *, task: str) -> Metrics:
    """Train the models of a task for as many steps; their scores on the held-out emoji, and pictures, failures among them.

    What goes one way is trained once for each direction. `extent`: of the inputs, truths and answers.
    """
    scores: dict[str, dict[str, Any]] = {direction: {} for direction in DIRECTIONS}
    extents: dict[str, dict[str, float]] = {direction: {} for direction in DIRECTIONS}
    answers: dict[str, dict[str, Tensor]] = {direction: {} for direction in DIRECTIONS}
    spent: dict[str, float] = {}
    asked: dict[str, evaluation.HeldOut] = {}
    for name, model in models(task, lab.size).items():
        data_options = DataOptions(size=BUDGETS[lab.size].pixels)
        each = trainings(lab, name, model, place=task, data=data_options, training=training(lab.size))
        for direction, folder in each:
            spent[name] = spent.get(name, 0.0) + minutes(folder)
            found, data, bundle = runs.evaluate(folder), runs.open_two(load_config(folder)), load_translators(folder)
            for answered in DIRECTIONS if model.both else DIRECTIONS[:1]:
                to = answered if model.both else direction
                test = evaluation.held_out(data, answered, part="test")
                asked.setdefault(to, test)
                if not torch.equal(asked[to].inputs, test.inputs):
                    raise RunError(f"{folder} was scored on other images than the models before it; remove it")
                scores[to][NOTHING] = found[answered][NOTHING]
                assert test.truths is not None
                scores[to].setdefault(CONSTANT, {"error": _constant_error(data, answered, test.truths)})
                scores[to][name] = found[answered]["translated"]
                answers[to][name] = bundle[answered].batch(test.inputs)
    for direction, test in asked.items():
        assert test.truths is not None
        extents[direction] = {"input": extent(test.inputs), "truth": extent(test.truths)}
        extents[direction] |= {name: extent(answer) for name, answer in answers[direction].items()}
        _draw(lab.results, direction, test, answers[direction])
    return {
        "scores": scores,
        "extent": extents,
        "training_minutes": {name: round(value, 1) for name, value in spent.items()},
        "emoji": {"tested": len(asked["a_to_b"].inputs)},
    }


def extent(drawings: Tensor) -> float:
    """The mean share of a frame's height and width that holds nine tenths of a drawing's ink, a twentieth left out at each end.

    drawings: [N, C, H, W] in [-1, 1]. Ink: how far a pixel is from white in any channel, where that is more than `INK`. Speckles
    weigh what they weigh and not what they reach. 0 where nothing is drawn.
    """
    ink = ((1 - drawings.float().clamp(-1, 1)) / 2).amax(dim=1)
    ink = ink * (ink > INK)
    spans = []
    for axis in (1, 2):
        share = ink.sum(dim=3 - axis).cumsum(dim=1)
        total = share[:, -1:]
        within = (share >= 0.05 * total).int().argmax(dim=1), (share >= 0.95 * total).int().argmax(dim=1)
        spans.append((within[1] - within[0] + 1) * (total[:, 0] > 0) / share.shape[1])
    return float(torch.stack(spans).mean())


def _constant_error(data: Domains, direction: str, truths: Tensor) -> float:
    """The mean absolute error, in shares of the range, of the median training picture of the direction's target."""
    pictures = data.train_b if direction == "a_to_b" else data.train_a
    median = images.to_tensor(np.median(pictures, axis=0).astype(np.uint8)[None])
    return float(paired.mean_absolute_error(median.expand_as(truths), truths).mean())


def _draw(folder: Path, direction: str, test: evaluation.HeldOut, answers: Mapping[str, Tensor]) -> None:
    """Two sheets: test images from all over the set, and those with which CycleGAN did worst."""
    assert test.truths is not None
    count = len(test.inputs)
    spread = [index * count // SHOWN for index in range(min(SHOWN, count))]
    worst = (answers["CycleGAN"] - test.truths).abs().mean(dim=(1, 2, 3)).argsort(descending=True)[:SHOWN].tolist()
    for name, rows in ((direction, spread), (f"failures-{direction}", worst)):
        sheet = [("input", test.inputs[rows]), *((model, answer[rows]) for model, answer in answers.items())]
        sheet.append(("truth", test.truths[rows]))
        images.write(folder / f"{name}.png", images.labelled_grid(sheet, scale=max(1, 96 // test.inputs.shape[-1])))


def _relative_to_constant(metrics: Metrics) -> dict[str, dict[str, float]]:
    return {
        direction: {name: round(rows[name]["error"] / rows[CONSTANT]["error"], 4) for name in (*COUPLED, PIX2PIX)}
        for direction, rows in metrics["scores"].items()
    }


def _below_nothing(found: Mapping[str, Mapping[str, float]], *, share: float) -> bool:
    """Whether every method is, in both directions, at most at that share of doing nothing."""
    return all(
        value <= share * methods[NOTHING] for methods in found.values() for name, value in methods.items() if name != NOTHING
    )


EDGES_CLAIMS = (
    Claim(
        statement="Colour to line is easier than line to colour, which has many answers",
        source=f"{KIM}, section 4.2: edges to photographs is 1-to-N",
        wanted=f"for DiscoGAN, CycleGAN and pix2pix alike a lower error from colour to line (b to a), as a share of that of "
        f"'{CONSTANT}'",
        measure=_relative_to_constant,
        holds=lambda found: all(found["b_to_a"][name] < found["a_to_b"][name] for name in found["a_to_b"]),
    ),
    Claim(
        statement="DiscoGAN and CycleGAN come nearer to the partner than doing nothing, in both directions",
        source="this project",
        wanted="error below that of doing nothing",
        measure=column("error", names=(*COUPLED, NOTHING)),
        holds=lambda found: all(max(m[name] for name in COUPLED) < m[NOTHING] for m in found.values()),
    ),
    Claim(
        statement="Where there is something to colour or to leave out, DiscoGAN and CycleGAN halve the error",
        source="this project",
        wanted="error where to change at most half of that of doing nothing, in both directions",
        measure=column("error where to change", names=(*COUPLED, NOTHING)),
        holds=partial(_below_nothing, share=0.5),
    ),
    Claim(
        statement="What DiscoGAN and CycleGAN answer looks like the other domain, whether it is right or not",
        source=f"{KIM}, section 4.2, and {ZHU}, section 5, shown there by pictures",
        wanted="sliced Wasserstein distance at most half of that of doing nothing, in both directions",
        measure=column("swd", names=(*COUPLED, NOTHING)),
        holds=partial(_below_nothing, share=0.5),
    ),
    Claim(
        statement="DiscoGAN and CycleGAN keep which emoji it is",
        source=f"{KIM}, the bijection's purpose",
        wanted="retrieval top-1 not below that of doing nothing, in both directions",
        measure=column("retrieval top-1", names=(*COUPLED, NOTHING)),
        holds=lambda found: all(min(m[name] for name in COUPLED) >= m[NOTHING] for m in found.values()),
    ),
    Claim(
        statement="Coupled models beat one-way models",
        source=f"{KIM}, section 3; {ZHU}, section 5.1 (on labels and photographs)",
        wanted="error of DiscoGAN and of CycleGAN below that of standard GAN and GAN with reconstruction, in both directions",
        measure=column("error", names=(*BASELINES, *COUPLED)),
        holds=lambda found: all(max(m[name] for name in COUPLED) < min(m[name] for name in BASELINES) for m in found.values()),
    ),
    Claim(
        statement="pix2pix, which is shown pairs, leads",
        source=f"{ZHU}, section 5.1 (on labels and photographs)",
        wanted="the lowest error of all, in both directions",
        measure=column("error", names=(*BASELINES, *COUPLED, PIX2PIX)),
        holds=lambda found: all(min(m, key=lambda name: m[name]) == PIX2PIX for m in found.values()),
    ),
)
EMOJI_CLAIMS = (
    Claim(
        statement="Set to set fails: which emoji it is cannot be told better than without translating",
        source=f"{ZHU}, section 6: tasks that ask for changes of geometry",
        wanted="retrieval top-1 of DiscoGAN and of CycleGAN at most 0.05 above that of doing nothing, in both directions",
        measure=table("retrieval top-1", "retrieval top-5", names=(*COUPLED, NOTHING)),
        holds=lambda found: all(
            m[name]["retrieval top-1"] <= m[NOTHING]["retrieval top-1"] + 0.05 for m in found.values() for name in COUPLED
        ),
    ),
    Claim(
        statement="The shape is not translated: drawings stay as large as they were",
        source=f"{ZHU}, section 6: little success with changes of geometry",
        wanted="extent of the answers of DiscoGAN and of CycleGAN nearer to the inputs' than to the truths', both directions",
        measure=lambda metrics: {
            direction: {name: round(value, 4) for name, value in values.items()}
            for direction, values in metrics["extent"].items()
        },
        holds=lambda found: all(
            abs(m[name] - m["input"]) < abs(m[name] - m["truth"]) for m in found.values() for name in COUPLED
        ),
    ),
    Claim(
        statement="Colours are translated",
        source=f"{ZHU}, section 6: success where colour and texture change",
        wanted="sliced Wasserstein distance of DiscoGAN and CycleGAN at most half of that of doing nothing, both directions",
        measure=column("swd", names=(*COUPLED, NOTHING)),
        holds=partial(_below_nothing, share=0.5),
    ),
    Claim(
        statement="DiscoGAN and CycleGAN come nearer to the partner than doing nothing, in both directions",
        source="this project",
        wanted="error below that of doing nothing",
        measure=column("error", names=(*COUPLED, NOTHING)),
        holds=lambda found: all(max(m[name] for name in COUPLED) < m[NOTHING] for m in found.values()),
    ),
)
DEVIATIONS = (
    "emoji with known partners instead of photographs of shoes and handbags, which no package carries; emoji of one kin "
    "(genders, near copies) are either trained on or tested on, yet other faces, say, stay much alike",
    "a small U-Net without dropout and a PatchGAN of 34 px for all models alike (batch norm in pix2pix's, instance norm in the "
    "others'), so that they differ in their losses: "
    "DiscoGAN and its baselines cross-entropy and an unweighted squared reconstruction, CycleGAN least squares, ten times the "
    "absolute one and the pool of 50, pix2pix a hundred times the absolute distance",
    "no identity loss in CycleGAN, as in its paper but for paintings",
    "the learning rate falls to zero in the second half, a moving average of the weights, no weight decay: for the small budget; "
    "batch and learning rate are the same for all models",
    "the best checkpoint is chosen by the error on 64 emoji with known partners, which are not among those scored here; five of "
    "the 200 that are scored are near copies of one of them",
    "one training seed",
)
EDGES_DEVIATIONS = (
    *DEVIATIONS,
    "pix2pix sees the pairs of those emoji whose lines the others see: as many files for every model",
)


EDGES = Experiment(
    name="edges",
    about="emoji, line drawing <-> colour: two baselines, DiscoGAN, CycleGAN and pix2pix against hidden partners",
    paper=f"{KIM}, section 4.2; {ZHU}, section 5",
    run=partial(compare, task="edges"),
    claims=EDGES_CLAIMS,
    deviations=EDGES_DEVIATIONS,
    budget=budgets_in_words(BUDGETS),
)
EMOJI = Experiment(
    name="emoji",
    about="emoji of one set <-> another, the hard case: DiscoGAN and CycleGAN against hidden partners",
    paper=f"{ZHU}, section 6",
    run=partial(compare, task="emoji"),
    claims=EMOJI_CLAIMS,
    deviations=DEVIATIONS,
    budget=budgets_in_words(BUDGETS),
)
