"""Held-out images beside their translations: some spread evenly, and the worst of all. Or rows of what else a game leaves."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from unpaired import evaluation
from unpaired.data.image_set import ImageSet
from unpaired.evaluation.scoring import MANY
from unpaired.metrics import paired
from unpaired.products import Sampler
from unpaired.report import changes
from unpaired.report.facts import Facts
from unpaired.report.markup import Markup, note, tag
from unpaired.report.pictures import shown_image
from unpaired.report.sampling import spread
from unpaired.report.scores import MEASURES
from unpaired.report.wording import how_many

SHOWN = 12
"""Translated test images of each direction, spread evenly over all of them."""
WORST = 4
SHOWN_OF_MANY = 6
"""Of each, where there are more than two directions or changes."""
MOST_JUDGED = 256
"""Of more test images than this, as many, spread evenly, are translated to find the worst."""


def _rows(facts: Facts) -> Iterator[Markup]:
    """Rows of samples and of real images, of images there and back, or of label maps."""
    if facts.keeps(Sampler):
        said = "Samples are drawn from a seed of their own, not chosen; rows that are called held-out images are real"
        said += ", as are the training images below samples." if isinstance(facts.data, ImageSet) else "."
    elif facts.run.game.plays == "maps":
        said = "The first held-out test images, not chosen; each class of their pixels has a colour."
    else:
        said = "The first held-out test images, not chosen, and below each row what they are rebuilt as."
    yield tag("p", said, class_="soft")
    for name, row in facts.rows:
        shown = (shown_image(image, alt=f"{name}, number {place}") for place, image in enumerate(row, 1))
        yield tag("figure", tag("figcaption", name), tag("div", *shown, class_="row"), class_="samples")


class _Judged(NamedTuple):
    """Held-out test images of a direction with their translations, all [N, C, H, W] in [-1, 1].

    third: the truths, or else the way back; errors: [N] to the truths, None where they are not known.
    """

    names: Sequence[str]
    inputs: Tensor
    outputs: Tensor
    third: Tensor | None
    errors: Tensor | None


def section(facts: Facts) -> Iterator[Markup]:
    """Each direction that has held-out images; or why there are no pictures."""
    if facts.data is None or not facts.remains:
        yield note(f"{facts.missing} So there are no pictures; `unpaired report {facts.command}` adds them later.")
        return
    yield from changes.matrix(facts)
    for case in facts.cases:
        yield from _case(facts, case, most=SHOWN if len(facts.cases) <= MANY else SHOWN_OF_MANY)
    if facts.rows:
        yield from _rows(facts)
    elif facts.data.held_out and not facts.cases:
        yield note("There is nothing to look at: the game leaves no images, and what it reads of held-out ones is scored above.")
    elif not facts.cases:
        yield note("No images were held out, so there is none that was not trained on.")


def _case(facts: Facts, case: evaluation.Case, *, most: int) -> Iterator[Markup]:
    test, source, target, count = case.test, case.source, case.target, len(case.test.inputs)
    judged = _judge(case, most=most, names=test.names or [f"test image {row + 1}" for row in range(count)])
    third = "the truth" if test.truths is not None else "and back again" if judged.third is not None else ""
    legend = [f"input ({source})", f"translation ({target})", *([third] if third else [])]
    yield tag("h3", facts.arrow(case.name))
    yield tag(
        "p",
        f"{how_many(min(most, count))} of {count:,} held-out test images, spread evenly, not chosen. ",
        "From left to right: ",
        ", ".join(legend),
        ".",
        class_="soft",
    )
    rows = spread(len(judged.inputs), most)
    yield tag("div", *(_trio(judged, row, source=source, target=target) for row in rows), class_="gallery")
    if judged.errors is None:
        return
    recorded = facts.scores.get(case.name, {}).get("translated", {}).get("error")
    mean = float(judged.errors.mean())
    if recorded is not None and len(judged.inputs) == count and abs(mean - recorded) > 0.02 * abs(recorded) + 1e-4:
        yield note(
            f"These pictures are by other weights than the scores above (their mean error is {mean:.4f}): the run went "
            f"on. `unpaired evaluate {facts.command}` measures again."
        )
    worst = judged.errors.argsort(descending=True, stable=True)[:WORST].tolist()
    yield tag("h4", f"The worst {how_many(len(worst)).lower()} of {len(judged.inputs):,}, by error")
    cards = (_trio(judged, row, source=source, target=target, rank=place) for place, row in enumerate(worst, 1))
    yield tag("div", *cards, class_="gallery worst")


def _judge(case: evaluation.Case, *, most: int, names: Sequence[str]) -> _Judged:
    """Translate what the page needs: all of a small set where there are truths to find the worst by, else a sample."""
    test = case.test
    rows = spread(len(test.inputs), most if test.truths is None else MOST_JUDGED)
    inputs, outputs = test.inputs[rows], case.answer(rows)
    truths = test.truths[rows] if test.truths is not None else None
    errors = paired.mean_absolute_error(outputs, truths) if truths is not None else None
    third = truths if truths is not None else case.back(outputs, rows) if case.back is not None else None
    return _Judged([names[row] for row in rows], inputs, outputs, third, errors)


def _trio(judged: _Judged, row: int, *, source: str, target: str, rank: int | None = None) -> Markup:
    name = Path(judged.names[row]).name
    shown = [(judged.inputs, f"Input, {source}: {name}"), (judged.outputs, f"Translation to {target}")]
    if judged.third is not None:
        shown.append((judged.third, "Truth" if judged.errors is not None else f"Back again to {source}"))
    caption = [tag("span", name, class_="name", title=judged.names[row])]
    if judged.errors is not None:
        caption.insert(0, tag("span", f"error {MEASURES['error'].shown(float(judged.errors[row]))}"))
    if rank is not None:
        caption.insert(0, tag("b", "worst" if rank == 1 else f"worst no. {rank}"))
    return tag(
        "figure",
        tag("div", *(shown_image(of[row], alt=alt) for of, alt in shown), class_="trio"),
        tag("figcaption", *caption),
    )
