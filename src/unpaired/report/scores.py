"""Results: the scores of each direction, change or thing that a game leaves in a table, beside something simpler; of many one
table before them.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from unpaired.counting import counted
from unpaired.evaluation.scoring import MANY, SUMMED_UP
from unpaired.report.facts import Facts
from unpaired.report.markup import Markup, note, tag
from unpaired.report.wording import number


class Measure(NamedTuple):
    """How a score is shown. best: which end of it is good; form: for `str.format`."""

    label: str
    about: str
    best: str
    form: str

    def shown(self, value: float | None) -> str:
        """The value with its digits and unit; – where it is not known."""
        return self.form.format(value) if value is not None and math.isfinite(value) else number(value)


MEASURES = {
    "error": Measure("Error", "mean absolute difference to the exact counterpart, 0 to 1", "least", "{:.4f}"),
    "error where to change": Measure("Error where to change", "at pixels where input and counterpart differ", "least", "{:.4f}"),
    "error where to keep": Measure("Error where to keep", "at all other pixels", "least", "{:.4f}"),
    "brightness correlation": Measure("Brightness", "correlation of the mean before and after", "", "{:.3f}"),
    "psnr": Measure("PSNR", "peak signal-to-noise ratio", "most", "{:.2f} dB"),
    "ssim": Measure("SSIM", "structural similarity; 1 is equal", "most", "{:.3f}"),
    "retrieval top-1": Measure("Retrieval, top 1", "its own counterpart is the nearest of all", "most", "{:.1%}"),
    "retrieval top-5": Measure("Retrieval, top 5", "its own counterpart is among the five nearest", "most", "{:.1%}"),
    "swd": Measure("Sliced Wasserstein", "distance to held-out real images", "least", "{:.4f}"),
    "reconstruction": Measure("Reconstruction", "error after there and back", "least", "{:.4f}"),
    "class error": Measure("Class error", "share of held-out images whose class is misread", "least", "{:.2%}"),
    "class error, own reading": Measure(
        "Class error", "share of samples that the game's own discriminator does not take for their class", "least", "{:.2%}"
    ),
    "pixel error": Measure("Pixel error", "share of held-out pixels whose class is misread", "least", "{:.2%}"),
    "per-pixel accuracy": Measure("Per-pixel accuracy", "share of held-out pixels whose class is read right", "most", "{:.1%}"),
    "per-class accuracy": Measure("Per-class accuracy", "the same of each class, then the mean over classes", "most", "{:.1%}"),
    "mean class IoU": Measure(
        "Mean class IoU",
        "of the pixels that are or are called a class, those that are both; the mean over classes",
        "most",
        "{:.1%}",
    ),
    "reconstruction error": Measure("Error", "mean absolute difference after there and back, 0 to 1", "least", "{:.4f}"),
    "squared error": Measure("Squared error", "mean squared difference after there and back, 0 to 1", "least", "{:.5f}"),
    "diversity": Measure("Diversity", "mean absolute difference of two images, 0 to 1", "", "{:.4f}"),
    "nearer to training images": Measure(
        "Nearer to training images",
        "chance that a sample lies nearer to them, in pixels, than a held-out image; 50 % where alike, 100 % for copies",
        "",
        "{:.1%}",
    ),
    "copying": Measure("Copying", "C_T of that: far below 0 for copies, far above 0 for what is far from all data", "", "{:.1f}"),
    "ms-ssim within classes": Measure("MS-SSIM within classes", "of random pairs; 1 where a class is one image", "", "{:.3f}"),
    "kid": Measure("KID", "kernel distance to real images", "least", "{:.4f}"),
    "kid-std": Measure("KID, deviation", "between subsets", "least", "{:.4f}"),
    "frechet": Measure("Fréchet distance", "to real images", "least", "{:.3f}"),
    "fid": Measure("FID", "Fréchet distance of Inception-v3's features", "least", "{:.2f}"),
    "precision": Measure("Precision", "share of made images that lie within the real ones", "most", "{:.1%}"),
    "recall": Measure("Recall", "share of real images that lie within the made ones", "most", "{:.1%}"),
    "density": Measure("Density", "of real images around the made ones", "most", "{:.3f}"),
    "coverage": Measure("Coverage", "share of real images with a made one near it", "most", "{:.1%}"),
}


def measure_of(name: str) -> Measure:
    """How to show a score; those on an extractor's features, `kid[NAME]`, say so."""
    base, _, extractor = name.partition("[")
    found = MEASURES.get(base)
    if found is None:
        return Measure(name, "", "", "{:.4g}")
    return found._replace(about=f"{found.about}, on {extractor[:-1]} features") if extractor else found


def section(facts: Facts) -> Iterator[Markup]:
    """How fair the numbers are, and the tables."""
    if not facts.scores:
        yield note(f"Not evaluated yet: `unpaired evaluate {facts.command}` scores it on the held-out test images.")
        return
    match facts.disjoint:
        case True:
            fairness = "Measured on held-out test images that had no part in the training, nor in choosing the weights."
        case False:
            fairness = (
                "Measured on the held-out images. They are too few to set some apart: the same ones also chose the "
                "weights, which flatters the scores a little."
            )
        case None:
            fairness = "Measured on held-out images."
    yield tag("p", f"{fairness} ↓ less is better, ↑ more is better.", class_="soft")
    tables = tag("div", *(_score_table(facts, direction) for direction in facts.scores), class_="two")
    if len(facts.scores) <= MANY or not facts.translates:
        yield tables
    else:
        yield tag("div", _summary(facts), class_="card scroll")
        yield tag("details", tag("summary", "Every measure of each"), tables)


def _summary(facts: Facts) -> Markup:
    """A row for each direction or change: its main scores, beside doing nothing."""
    by_case = list(facts.scores.values())
    names = [name for name in SUMMED_UP if any(name in methods.get("translated", {}) for methods in by_case)]
    rows = []
    for case, methods in facts.scores.items():
        cells = []
        for name in names:
            measure = measure_of(name)
            translated, nothing = (methods.get(method, {}).get(name) for method in ("translated", "doing nothing"))
            cell = [measure.shown(translated)]
            if nothing is not None:
                verdict = _verdict(measure, translated, nothing)
                cell.append(tag("small", f"nothing: {measure.shown(nothing)}", class_=verdict or None))
            cells.append(tag("td", *cell))
        count = facts.counts.get(case)
        label = tag("th", facts.arrow(case), tag("small", counted(count, "image") if count else ""), scope="row")
        rows.append(tag("tr", label, *cells))
    heads = [tag("th", "", scope="col")]
    for measure in map(measure_of, names):
        heads.append(tag("th", f"{measure.label}\N{NO-BREAK SPACE}", _sign(measure.best), scope="col", title=measure.about))
    return tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *rows))


def _score_table(facts: Facts, direction: str) -> Markup:
    methods, count = facts.scores[direction], facts.counts.get(direction)
    first, second, *_ = [*methods, "doing nothing", ""] if len(methods) < 2 else methods
    translated, nothing = methods.get(first, {}), methods.get(second, {})
    rows = []
    for name in dict.fromkeys([*translated, *nothing]):
        measure = measure_of(name)
        about = measure.about
        if name.startswith("retrieval top-") and count:
            about += f"; by chance {min(1.0, int(name.removeprefix('retrieval top-')) / count):.1%}"
        label = tag("th", f"{measure.label}\N{NO-BREAK SPACE}", _sign(measure.best), tag("small", about), scope="row")
        cells = [translated.get(name), nothing.get(name)]
        shown = [measure.shown(value) for value in cells]
        rows.append(tag("tr", label, tag("td", shown[0], *_compared(measure, *cells)), tag("td", shown[1])))
    heads = [tag("th", word.capitalize(), scope="col") for word in ("measure", first, second)]
    caption = tag("caption", facts.arrow(direction), tag("small", f" {counted(count, 'image')}" if count else ""))
    return tag("div", tag("table", caption, tag("thead", tag("tr", *heads)), tag("tbody", *rows)), class_="card scroll")


def _sign(best: str) -> Markup:
    words = {"least": ("↓", "less is better"), "most": ("↑", "more is better")}
    if best not in words:
        return Markup("")
    sign, said = words[best]
    return tag("span", sign, class_="soft", title=said, role="img", aria_label=said)


def _compared(measure: Measure, translated: float | None, nothing: float | None) -> Iterator[Markup]:
    verdict = _verdict(measure, translated, nothing)
    if verdict is not None:
        yield tag("small", {"": "equal", "good": "better", "bad": "worse"}[verdict], class_=verdict or None)


def _verdict(measure: Measure, translated: float | None, nothing: float | None) -> str | None:
    """How the translations compare: "good" or "bad", "" for equal; None where they cannot be compared."""
    if translated is None or nothing is None or not measure.best or math.isnan(translated + nothing):
        return None
    if translated == nothing:
        return ""
    return "good" if (translated < nothing) == (measure.best == "least") else "bad"
