"""How good translators are on held-out images: against hidden partners where there are any, else against the domain.

Scores come by direction and method: `scores["a_to_b"]["translated"]["error"]`, beside `"doing nothing"`, the input itself
taken for the answer. Errors, PSNR, SSIM and retrieval compare with the exact counterparts; `brightness correlation` is
Pearson's, of the mean brightness before and after; `swd` is the sliced Wasserstein distance to
the held-out images of the target domain; `reconstruction` is the error after there and back.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from torch import Tensor

from unpaired import images
from unpaired.data.batches import UnpairedData
from unpaired.images import Pixels
from unpaired.metrics import distribution, features, paired, relation
from unpaired.translator import Translator

Scores = dict[str, dict[str, dict[str, float]]]
Part = Literal["validation", "test"]
BACK = {"a_to_b": "b_to_a", "b_to_a": "a_to_b"}
MOST_VALIDATION = 64
FEWEST = 16
MOST_VALUES = 1 << 28
"""Of a part, 1 GiB of floats at the most: 21,000 images of 64 px, 1,300 of 256 px."""


class HeldOut(NamedTuple):
    """One direction's held-out images, all [N, C, H, W] in [-1, 1]: inputs, real images of the target domain, and the
    inputs' exact counterparts where they are known.
    """

    inputs: Tensor
    targets: Tensor
    truths: Tensor | None


def held_out(data: UnpairedData, direction: str, *, part: Part) -> HeldOut:
    """The held-out images of a direction.

    A quarter, 64 at the most, is for validation: it chooses the best checkpoint. The rest is for testing, so that no
    reported number was chosen by; of very many, as much as 1 GiB holds. With fewer than 16 both parts are all of them.
    """
    if direction == "b_to_a":
        return held_out(data.swapped(), "a_to_b", part=part)

    def of(pixels: Pixels) -> Tensor:
        most = max(MOST_VALIDATION, MOST_VALUES // max(1, pixels[:1].size))
        return images.to_tensor(pixels[_rows(len(pixels), part, most=most)])

    return HeldOut(of(data.test_a), of(data.test_b), None if data.truth_b is None else of(data.truth_b))


def disjoint(data: UnpairedData) -> bool:
    """Whether validation and test images differ: see `held_out`."""
    return min(len(data.test_a), len(data.test_b)) >= FEWEST


def _rows(count: int, part: Part, *, most: int) -> slice:
    validation = min(MOST_VALIDATION, count // 4) if count >= FEWEST else 0
    return slice(validation, validation + most) if part == "test" or not validation else slice(validation)


def evaluate(
    translators: Mapping[str, Translator],
    data: UnpairedData,
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
            error = paired.mean_absolute_error(back.batch(translated), test.inputs)
            scores[direction]["translated"]["reconstruction"] = float(error.mean())
    return scores


def criterion(scores: Scores, *, method: str = "translated") -> float | None:
    """What the best checkpoint has least of, the mean over directions: the error to the counterparts, else `swd`."""
    found = [methods[method] for methods in scores.values() if method in methods]
    values = [values["error"] if "error" in values else values["swd"] for values in found]
    return sum(values) / len(values) if values else None


def _score(answer: Tensor, test: HeldOut, extractor: features.Extractor | None) -> dict[str, float]:
    scores: dict[str, float] = {}
    if test.truths is not None:
        scores["error"] = float(paired.mean_absolute_error(answer, test.truths).mean())
        scores["psnr"] = float(paired.psnr(answer, test.truths).mean())
        if min(answer.shape[2:]) >= 11:  # the width of SSIM's window
            scores["ssim"] = float(paired.ssim(answer, test.truths).mean())
        if test.inputs.shape == test.truths.shape:
            change = paired.change_errors(answer, inputs=test.inputs, truths=test.truths)
            scores |= {"error where to change": change.where_to_change, "error where to keep": change.where_to_keep}
        scores |= {f"retrieval {place}": share for place, share in relation.retrieval(answer, test.truths).items()}
    scores["brightness correlation"] = relation.pearson(*(x.mean(dim=(1, 2, 3)) for x in (test.inputs, answer)))
    scores["swd"] = distribution.sliced_wasserstein(test.targets, answer)
    if extractor is not None:
        scores |= features.evaluate_distribution(test.targets, answer, extractor=extractor)
    return scores
