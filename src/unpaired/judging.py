"""Real and generated pictures of a run, for a person to tell apart."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from unpaired import evaluation, images, runs
from unpaired.bundle import load_bundle
from unpaired.data.image_pair import ImagePair
from unpaired.data.image_set import ImageSet
from unpaired.data.labels import UNKNOWN
from unpaired.engine.runtime import choose_device
from unpaired.errors import RunError
from unpaired.products import Sampler
from unpaired.run_config import load_config

SEED = 2
"""Of the noise: other samples than those that an evaluation scores."""


class ToJudge(NamedTuple):
    """Pictures of one kind, [N, C, H, W] in [-1, 1]; real ones were held out. what: how the fake ones came about; part: their
    sampler's, direction's or change's name.
    """

    real: Tensor
    fake: Tensor
    what: str
    part: str


def pictures_of(folder: Path, *, count: int, part: str | None = None, device: str = "auto") -> ToJudge:
    """Of a run's sampler called `part` (of translators: of the direction or change), the first where none is named: at most
    `count` fakes, and at most twice as many real pictures: held-out ones, whose classes the samples have, or of the domain that
    is translated to.

    Where the run chose its best checkpoint by some of the held-out images, these are none of them.

    RunError where there is no run, no such part, or nothing was held out.
    """
    run = load_config(folder)
    data = runs.same_data(run, folder)
    remains = load_bundle(folder, device=str(choose_device(device)[0]))
    if isinstance(data, ImageSet | ImagePair):
        found = {name: partial(_sampled, data, name, each) for name, each in remains.items() if isinstance(each, Sampler)}
    else:
        found = {case.name: partial(_translated, case) for case in evaluation.cases_of(data, remains, part="test")}
    if not data.held_out:
        raise RunError(f"{folder} held no images out, so no real ones are left to judge beside; train with --holdout 0.1")
    if part is not None and part not in found:
        raise RunError(f"{folder} has no pictures of '{part}' to judge; wanted one of: {', '.join(found) or 'none'}")
    if not found:
        raise RunError(f"{folder} keeps {' and '.join(remains)}; wanted a sampler, or translators, whose pictures can be judged")
    return found[part or next(iter(found))](count)


def _translated(case: evaluation.Case, count: int) -> ToJudge:
    return ToJudge(case.test.targets[: 2 * count], case.answer(slice(0, count)), f"translations to {case.target}", case.name)


def _sampled(data: ImageSet | ImagePair, name: str, sampler: Sampler, count: int) -> ToJudge:
    one = data if isinstance(data, ImageSet) else data.b if name.endswith("_b") else data.a
    rows = evaluation.untouched(one.test.pixels)
    real = images.to_tensor(one.test.pixels[rows][: 2 * count])
    classes = None
    if sampler.classes:
        told = torch.from_numpy(one.test_classes[rows])[torch.arange(count) % max(1, len(one.test_classes[rows]))]
        classes = torch.where(told == UNKNOWN, torch.arange(count) % len(sampler.classes), told)
    return ToJudge(real, sampler.generate(sampler.draw(count, seed=SEED), classes), f"samples of {name}", name)
