"""Results: each direction's scores in a table, beside doing nothing."""

import math
from collections.abc import Iterator
from typing import NamedTuple

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
    "swd": Measure("Sliced Wasserstein", "distance to held-out images of the target domain", "least", "{:.4f}"),
    "reconstruction": Measure("Reconstruction", "error after there and back", "least", "{:.4f}"),
    "kid": Measure("KID", "kernel distance to the target domain", "least", "{:.4f}"),
    "kid-std": Measure("KID, deviation", "between subsets", "least", "{:.4f}"),
    "frechet": Measure("Fréchet distance", "to the target domain", "least", "{:.3f}"),
    "fid": Measure("FID", "Fréchet distance of Inception-v3's features", "least", "{:.2f}"),
    "precision": Measure("Precision", "share of translations that lie within the target domain", "most", "{:.1%}"),
    "recall": Measure("Recall", "share of the target domain that lies within the translations", "most", "{:.1%}"),
    "density": Measure("Density", "of the target domain around the translations", "most", "{:.3f}"),
    "coverage": Measure("Coverage", "share of the target domain with a translation near it", "most", "{:.1%}"),
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
    yield tag("div", *(_score_table(facts, direction) for direction in facts.scores), class_="two")


def _score_table(facts: Facts, direction: str) -> Markup:
    methods, count = facts.scores[direction], facts.counts.get(direction)
    translated, nothing = methods.get("translated", {}), methods.get("doing nothing", {})
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
    heads = [tag("th", word, scope="col") for word in ("Measure", "Translated", "Doing nothing")]
    caption = tag("caption", facts.arrow(direction), tag("small", f" {count:,} images" if count else ""))
    return tag("div", tag("table", caption, tag("thead", tag("tr", *heads)), tag("tbody", *rows)), class_="card scroll")


def _sign(best: str) -> Markup:
    words = {"least": ("↓", "less is better"), "most": ("↑", "more is better")}
    if best not in words:
        return Markup("")
    sign, said = words[best]
    return tag("span", sign, class_="soft", title=said, role="img", aria_label=said)


def _compared(measure: Measure, translated: float | None, nothing: float | None) -> Iterator[Markup]:
    if translated is None or nothing is None or not measure.best or math.isnan(translated + nothing):
        return
    if translated == nothing:
        yield tag("small", "equal")
    elif (translated < nothing) == (measure.best == "least"):
        yield tag("small", "better", class_="good")
    else:
        yield tag("small", "worse", class_="bad")
