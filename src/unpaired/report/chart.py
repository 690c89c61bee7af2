"""A line chart over the steps of a run: curves as SVG that stretches, words as HTML that does not."""

import json
import math
from collections.abc import Sequence
from typing import NamedTuple

from unpaired.report.markup import Markup, tag
from unpaired.report.wording import compact, number

COLOURS = 6
"""The variables --c0 to --c5 of the style."""


class Series(NamedTuple):
    """A curve: its points (step, value) in order of steps. colour: from 0; still: a line of reference, dashed."""

    label: str
    points: Sequence[tuple[float, float]]
    colour: int
    still: bool = False


class Mark(NamedTuple):
    """A step to point out, and the word for it."""

    step: int
    word: str


def chart(title: str, about: str, lines: Sequence[Series], *, logarithmic: bool = False, mark: Mark | None = None) -> Markup:
    """A figure with a legend that tells each curve's last value. The SVG stretches with its box; words stand beside it as
    HTML, so that they never shrink.

    logarithmic: asks for values above 0. mark: left out where it lies beyond the last step.
    """
    plane = _plane(lines, logarithmic=logarithmic)
    if mark is not None and not 0 <= mark.step <= plane.right:
        mark = None
    said = "; ".join(f"{line.label} {_path_in_words(line)}" for line in lines)
    drawing = _drawing(plane, lines, mark=mark, said=f"{title} over steps: {said}")
    note = " The scale is logarithmic." if logarithmic else ""
    return tag(
        "figure",
        tag("figcaption", tag("b", title), tag("span", about + note)),
        tag("div", drawing, *_labels(plane, mark=mark), tag("i", hidden=True), class_="plot"),
        tag("p", "at step ", tag("output", f"{plane.right:,.0f}"), class_="at"),
        tag("ul", *map(_legend, lines)),
        class_="card chart",
        data_right=f"{plane.right:g}",
    )


class _Plane(NamedTuple):
    """Where steps and values lie. Steps go from 0 to `right`; `bottom` and `top` are values, or logarithms of values."""

    right: float
    bottom: float
    top: float
    logarithmic: bool
    across: Sequence[float]
    up: Sequence[float]

    def x(self, step: float) -> float:
        """Thousandths of the width, from the left."""
        return round(1000 * step / self.right, 1)

    def y(self, value: float) -> float:
        """Thousandths of the height, from the top."""
        height = math.log10(value) if self.logarithmic else float(value)
        return round(1000 * (1 - (height - self.bottom) / (self.top - self.bottom)), 1)


def _plane(lines: Sequence[Series], *, logarithmic: bool) -> _Plane:
    """Room for all points and a little above them; on a plain scale, with 0."""
    values = [value for line in lines for _, value in line.points]
    right = max(*(step for line in lines for step, _ in line.points), 1.0)
    low, high = min(values), max(values)
    if logarithmic:
        bottom, top = math.log10(low) - 0.05, math.log10(high) + 0.05
        up = _log_ticks(low, high)
    else:
        span = high - min(low, 0.0) or 1.0
        bottom, top = (0.0 if low >= 0 else low - 0.05 * span), high + 0.08 * span
        up = _ticks(bottom, top, most=5)
    return _Plane(right, bottom, top, logarithmic, across=_ticks(0.0, right, most=5), up=up)


def _drawing(plane: _Plane, lines: Sequence[Series], *, mark: Mark | None, said: str) -> Markup:
    """What has no words: rules, mark and curves in a square of 1000 by 1000. said: for those who do not see it."""
    rules = [tag("path", d=f"M0 {plane.y(value)}H1000", class_="rule") for value in plane.up]
    if mark is not None:
        rules.append(tag("path", d=f"M{plane.x(mark.step)} 0V1000", class_="mark"))
    curves = [
        tag(
            "path",
            d="M" + "L".join(f"{plane.x(step)} {plane.y(value)}" for step, value in line.points),
            class_="line still" if line.still else "line",
            style=f"stroke:{_colour(line)}",
        )
        for line in lines
    ]
    return tag("svg", *rules, *curves, viewBox="0 0 1000 1000", preserveAspectRatio="none", role="img", aria_label=said)


def _labels(plane: _Plane, *, mark: Mark | None) -> list[Markup]:
    """The words at both axes and at the mark, by shares of the plot."""
    labels = [tag("span", number(value), class_="y", style=f"top:{plane.y(value) / 10}%") for value in plane.up]
    labels += [tag("span", compact(step), class_="x", style=f"left:{plane.x(step) / 10}%") for step in plane.across]
    if mark is not None:
        share = plane.x(mark.step) / 10
        side, place = ("right", 100 - share) if share > 50 else ("left", share)  # where there is more room
        style = f"{side}:calc({round(place, 1)}% + 5px)"
        labels.append(tag("span", f"{mark.word}: step {mark.step:,}", class_="flag", style=style))
    return labels


def _legend(line: Series) -> Markup:
    swatch = tag("i", class_="still" if line.still else None, style=f"color:{_colour(line)}")
    points = json.dumps([[round(step), float(f"{value:.4g}")] for step, value in line.points], separators=(",", ":"))
    return tag("li", swatch, tag("span", line.label), tag("output", number(line.points[-1][1])), data_points=points)


def _colour(line: Series) -> str:
    return f"var(--c{line.colour % COLOURS})"


def _path_in_words(line: Series) -> str:
    first, last = line.points[0][1], line.points[-1][1]
    return f"at {number(last)}" if line.still else f"from {number(first)} to {number(last)}"


def _ticks(low: float, high: float, *, most: int) -> list[float]:
    """Round numbers from `low` to `high`, `most` at the most, in steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / most
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough * 0.999)
    return [step * count for count in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [10.0**power for power in powers if low <= 10.0**power <= high]
    if len(ticks) > 2:
        return ticks
    return [factor * 10.0**power for power in powers for factor in (1, 2, 5) if low <= factor * 10.0**power <= high]
