"""What is asked of what a game leaves on held-out images, and how an answer of a translator is scored."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

import torch
from torch import Tensor

from unpaired.images import Pixels
from unpaired.metrics import distribution, features, paired, relation

Scores = dict[str, dict[str, dict[str, float]]]
"""By case and method: `scores["a_to_b"]["translated"]["error"]`, beside "doing nothing", the input itself as the answer. The
first method of a case is what is judged, the second what it is held against.
"""
Part = Literal["validation", "test"]
Rows = slice | Sequence[int]
MOST_VALIDATION = 64
FEWEST = 16
MOST_VALUES = 1 << 26
"""Of a part, a quarter of a GiB of floats at the most: 5,400 images of 64 px, 340 of 256 px."""
MOST_COMPARED = 1000
"""Translations that retrieval and the sliced Wasserstein distance look at: their cost and memory grow fast."""
ALL = slice(None)
SHOWN = 8
"""Images of a case on a sheet."""
MANY = 2
"""More cases than so many are summed up in one table, by these scores."""
SUMMED_UP = ("error", "error where to change", "error where to keep", "swd", "reconstruction")


class HeldOut(NamedTuple):
    """What a case is asked on, all [N, C, H, W] in [-1, 1]: inputs, real images of the target domain (none where none are known),
    and the inputs' exact counterparts where they are known. names: of the inputs' files.
    """

    inputs: Tensor
    targets: Tensor
    truths: Tensor | None
    names: Sequence[str]


class Case(NamedTuple):
    """A translation that is asked for.

    name: "a_to_b", or "hair=blond"; source, target: in words. answer: the translations of some rows of the inputs; back: from
    translations of some rows to the inputs again, None where there is no way back. alike: inputs and answers have one shape.
    """

    name: str
    source: str
    target: str
    test: HeldOut
    answer: Callable[[Rows], Tensor]
    back: Callable[[Tensor, Rows], Tensor] | None
    alike: bool

    def answered(self) -> "Case":
        """The same case, its answers computed once, now."""
        answers = self.answer(ALL)
        return self._replace(answer=answers.__getitem__)


class Standard(NamedTuple):
    """By what good is told from bad: a measure (less is better), the method that is judged, and the one that stands beside it."""

    measure: str
    method: str
    beside: str


STANDARDS = (
    Standard("swd", "translated", "doing nothing"),
    Standard("swd", "generated", "training images"),
    Standard("class error", "read", "guessing"),
    Standard("pixel error", "labelled", "commonest class"),
    Standard("reconstruction error", "rebuilt", "mean image"),
)
"""Of each kind of thing that a game leaves; of translations the measure is `error` where it can be (`criterion_measure`)."""

Seen = tuple[Tensor | None, Tensor, Tensor]
"""What the doctor looks at: inputs (None where images are made of nothing), outputs, and real images that they should be like."""


class Look(NamedTuple):
    """What held-out images show of what a game leaves.

    scores: of each case. rows: a sheet's. seen: for the doctor, by a name. counts: images by case. chooses: whether what was
    reached may choose the best checkpoint; not where that would use labels which the game is not told.
    """

    scores: Scores
    rows: Sequence[tuple[str, Tensor]]
    seen: Mapping[str, Seen]
    counts: Mapping[str, int]
    chooses: bool = True


class Exam(Protocol):
    """What held-out images of a kind ask of what a game leaves."""

    def look(self, remains: Mapping[str, object], *, part: Part, extractor: features.Extractor | None = None) -> Look:
        """Ask it on the part's images; no scores where there are none. extractor: see `evaluate`."""

    @property
    def disjoint(self) -> bool:
        """Whether validation and test images differ."""


def look_at(cases: Iterable[Case], *, extractor: features.Extractor | None) -> Look:
    """What the cases of an exam show."""
    answered = [case.answered() for case in cases]
    return Look(
        evaluate(answered, extractor=extractor),
        shown(answered),
        {case.name: (case.test.inputs, case.answer(ALL), case.test.targets) for case in answered},
        {case.name: len(case.test.inputs) for case in answered},
    )


def shown(cases: Iterable[Case]) -> list[tuple[str, Tensor]]:
    """A sheet's rows: of each case the first inputs, their translations and, where they are known, the exact counterparts."""
    rows: list[tuple[str, Tensor]] = []
    few = slice(SHOWN)
    for case in cases:
        rows += [(case.source, case.test.inputs[few]), (f"to {case.target}", case.answer(few))]
        if case.test.truths is not None:
            rows.append(("truth", case.test.truths[few]))
    return rows


def evaluate(cases: Iterable[Case], *, extractor: features.Extractor | None = None) -> Scores:
    """Score every case.

    Errors, PSNR, SSIM and retrieval compare with the exact counterparts; `brightness correlation` is Pearson's, of the mean
    brightness before and after; `swd` is the sliced Wasserstein distance to the held-out images of the target domain;
    `reconstruction` is the error after there and back.

    extractor: where given, KID, Frechet distance, precision, recall, density and coverage on its features are added, each
    under a name that holds the extractor's.
    """
    scores: Scores = {}
    for case in cases:
        answer = case.answer(ALL)
        scores[case.name] = {"translated": _score(answer, case.test, extractor)}
        if case.alike:
            scores[case.name]["doing nothing"] = _score(case.test.inputs, case.test, extractor)
        if case.back is not None:
            error = mean(paired.mean_absolute_error, case.back(answer, ALL), case.test.inputs)
            scores[case.name]["translated"]["reconstruction"] = error
    return scores


def criterion_measure(scores: Scores) -> str:
    """By what the best checkpoint is chosen: `error`, the error to the counterparts, where all cases have it, else `swd`."""
    methods = [method for by_method in scores.values() for method in by_method.values()]
    return "error" if all("error" in values for values in methods) else "swd"


def standard(scores: Scores) -> Standard:
    """By what these scores are judged: the standard of the first case."""
    method = next((method for methods in scores.values() for method in methods), STANDARDS[0].method)
    found = next((each for each in STANDARDS if each.method == method), STANDARDS[0])
    return found._replace(measure=criterion_measure(scores)) if found == STANDARDS[0] else found


def criterion(scores: Scores, *, method: str | None = None) -> float | None:
    """The mean over cases of the `standard`'s measure, of which the best checkpoint has least; None without scores.

    method: whose, if not that of what is judged.
    """
    measure, judged, _ = standard(scores)
    values = [methods[method or judged][measure] for methods in scores.values() if measure in methods.get(method or judged, {})]
    return sum(values) / len(values) if values else None


def rows_of(pixels: Pixels, part: Part, *, most: int = MOST_VALIDATION) -> slice:
    """The rows of held-out images that are for a part.

    A quarter, `most` at the most, is for validation: it chooses the best checkpoint. The rest is for testing, so that no
    reported number was chosen by; of very many, as much as memory should hold. With fewer than 16 both parts are all.
    """
    count = len(pixels)
    validation = min(most, count // 4) if count >= FEWEST else 0
    most = max(most, MOST_VALUES // max(1, pixels[:1].size))
    return slice(validation, validation + most) if part == "test" or not validation else slice(validation)


def mean(measure: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> float:
    """The mean of a measure of each image, a few at a time: some need many times an image's memory."""
    return float(torch.cat([measure(a, b) for a, b in zip(x.split(16), y.split(16), strict=True)]).mean())


def _score(answer: Tensor, test: HeldOut, extractor: features.Extractor | None) -> dict[str, float]:
    scores: dict[str, float] = {}
    compared = slice(MOST_COMPARED)
    if test.truths is not None:
        scores["error"] = mean(paired.mean_absolute_error, answer, test.truths)
        scores["psnr"] = mean(paired.psnr, answer, test.truths)
        if min(answer.shape[2:]) >= paired.SSIM_WINDOW:
            scores["ssim"] = mean(paired.ssim, answer, test.truths)
        if test.inputs.shape == test.truths.shape:
            change = paired.change_errors(answer, inputs=test.inputs, truths=test.truths)
            scores |= {"error where to change": change.where_to_change, "error where to keep": change.where_to_keep}
        places = relation.retrieval(answer[compared], test.truths[compared])
        scores |= {f"retrieval {place}": share for place, share in places.items()}
    if len(answer) > 1:
        scores["brightness correlation"] = relation.pearson(*(x.mean(dim=(1, 2, 3)) for x in (test.inputs, answer)))
    if len(test.targets):
        scores["swd"] = distribution.sliced_wasserstein(test.targets[compared], answer[compared])
        if extractor is not None:
            scores |= features.evaluate_distribution(test.targets, answer, extractor=extractor)
    return scores
