"""How good translators are on held-out images: against hidden partners where there are any, else against the domain.

Scores come by direction and method: `scores["a_to_b"]["translated"]["error"]`, beside `"doing nothing"`, the input itself
taken for the answer. Errors, PSNR, SSIM and retrieval compare with the exact counterparts; `brightness correlation` is
Pearson's, of the mean brightness before and after; `swd` is the sliced Wasserstein distance to the held-out images of the
target domain; `reconstruction` is the error after there and back.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from unpaired import images
from unpaired.data.batches import Domains
from unpaired.images import Pixels
from unpaired.metrics import distribution, features, paired, relation
from unpaired.translator import Translator

Scores = dict[str, dict[str, dict[str, float]]]
Part = Literal["validation", "test"]
BACK = {"a_to_b": "b_to_a", "b_to_a": "a_to_b"}
MOST_VALIDATION = 64
FEWEST = 16
SHOWN = 8
MOST_VALUES = 1 << 26
"""Of a part, a quarter of a GiB of floats at the most: 5,400 images of 64 px, 340 of 256 px."""
MOST_COMPARED = 1000
"""Translations that retrieval and the sliced Wasserstein distance look at: their cost and memory grow fast."""


class HeldOut(NamedTuple):
    """One direction's held-out images, all [N, C, H, W] in [-1, 1]: inputs, real images of the target domain, and the
    inputs' exact counterparts where they are known. names: of the inputs' files.
    """

    inputs: Tensor
    targets: Tensor
    truths: Tensor | None
    names: Sequence[str]


def held_out(data: Domains, direction: str, *, part: Part) -> HeldOut:
    """The held-out images of a direction.

    A quarter, 64 at the most, is for validation: it chooses the best checkpoint. The rest is for testing, so that no
    reported number was chosen by; of very many, as much as memory should hold. With fewer than 16 both parts are all.
    """
    if direction == "b_to_a":
        return held_out(data.swapped(), "a_to_b", part=part)

    def of(pixels: Pixels) -> Tensor:
        return images.to_tensor(pixels[_rows(pixels, part)])

    names = data.names.get("test_a", ())[_rows(data.test_a, part)]
    return HeldOut(of(data.test_a), of(data.test_b), None if data.truth_b is None else of(data.truth_b), names)


def disjoint(data: Domains) -> bool:
    """Whether validation and test images differ: see `held_out`."""
    return min(len(data.test_a), len(data.test_b)) >= FEWEST


def evaluate(
    translators: Mapping[str, Translator],
    data: Domains,
    *,
    part: Part = "test",
    extractor: features.Extractor | None = None,
) -> Scores:
    """Score every direction on the held-out images. Directions without held-out images are left out.

    extractor: where given, KID, Frechet distance, precision, recall, density and coverage on its features are added, each
    under a name that holds the extractor's.
    """
    scores: Scores = {}
    for direction, translator in translators.items():
        test = held_out(data, direction, part=part)
        if len(test.inputs) == 0 or len(test.targets) == 0:
            continue
        translated = translator.batch(test.inputs)
        scores[direction] = {"translated": _score(translated, test, extractor)}
        if translator.source == translator.target:
            scores[direction]["doing nothing"] = _score(test.inputs, test, extractor)
        back = translators.get(BACK[direction])
        if back is not None:
            error = _mean(paired.mean_absolute_error, back.batch(translated), test.inputs)
            scores[direction]["translated"]["reconstruction"] = error
    return scores


def draw(translators: Mapping[str, Translator], data: Domains, *, part: Part, path: Path) -> None:
    """Write a sheet of the first held-out images, their translations and, where they are known, the exact counterparts."""
    rows: list[tuple[str, Tensor]] = []
    for direction, translator in translators.items():
        test = held_out(data, direction, part=part)
        if len(test.inputs) == 0:
            continue
        source, target = data.domains if direction == "a_to_b" else data.domains[::-1]
        rows += [(source, test.inputs[:SHOWN]), (f"to {target}", translator.batch(test.inputs[:SHOWN]))]
        if test.truths is not None:
            rows.append(("truth", test.truths[:SHOWN]))
    if rows:
        images.write(path, images.labelled_grid(rows, scale=max(1, 96 // rows[0][1].shape[-1])))


def criterion_measure(scores: Scores) -> str:
    """By what the best checkpoint is chosen: `error`, the error to the counterparts, where all directions have it, else `swd`."""
    methods = [method for by_method in scores.values() for method in by_method.values()]
    return "error" if all("error" in values for values in methods) else "swd"


def criterion(scores: Scores, *, method: str = "translated") -> float | None:
    """The mean over directions of `criterion_measure`, of which the best checkpoint has least; None without scores."""
    measure = criterion_measure(scores)
    values = [methods[method][measure] for methods in scores.values() if method in methods]
    return sum(values) / len(values) if values else None


def _rows(pixels: Pixels, part: Part) -> slice:
    count = len(pixels)
    most = max(MOST_VALIDATION, MOST_VALUES // max(1, pixels[:1].size))
    validation = min(MOST_VALIDATION, count // 4) if count >= FEWEST else 0
    return slice(validation, validation + most) if part == "test" or not validation else slice(validation)


def _score(answer: Tensor, test: HeldOut, extractor: features.Extractor | None) -> dict[str, float]:
    scores: dict[str, float] = {}
    compared = slice(MOST_COMPARED)
    if test.truths is not None:
        scores["error"] = _mean(paired.mean_absolute_error, answer, test.truths)
        scores["psnr"] = _mean(paired.psnr, answer, test.truths)
        if min(answer.shape[2:]) >= paired.SSIM_WINDOW:
            scores["ssim"] = _mean(paired.ssim, answer, test.truths)
        if test.inputs.shape == test.truths.shape:
            change = paired.change_errors(answer, inputs=test.inputs, truths=test.truths)
            scores |= {"error where to change": change.where_to_change, "error where to keep": change.where_to_keep}
        places = relation.retrieval(answer[compared], test.truths[compared])
        scores |= {f"retrieval {place}": share for place, share in places.items()}
    scores["brightness correlation"] = relation.pearson(*(x.mean(dim=(1, 2, 3)) for x in (test.inputs, answer)))
    scores["swd"] = distribution.sliced_wasserstein(test.targets[compared], answer[compared])
    if extractor is not None:
        scores |= features.evaluate_distribution(test.targets, answer, extractor=extractor)
    return scores


def _mean(measure: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> float:
    """The mean of a measure of each image, a few at a time: some need many times an image's memory."""
    return float(torch.cat([measure(a, b) for a, b in zip(x.split(16), y.split(16), strict=True)]).mean())
