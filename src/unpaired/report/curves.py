"""What is drawn over the steps: the held-out score, each player's losses, the speed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from unpaired import evaluation
from unpaired.attribute_translator import AttributeTranslator
from unpaired.errors import RunError
from unpaired.games import table
from unpaired.report.chart import COLOURS, Mark, Series, chart
from unpaired.report.facts import Facts
from unpaired.report.markup import Markup, note, tag
from unpaired.report.sampling import finite, smooth, thin
from unpaired.report.scores import MEASURES
from unpaired.report.wording import within
from unpaired.translator import Translator

WIDE = 15
"""Losses that differ by more than this factor are drawn on a logarithmic scale."""


def section(facts: Facts) -> Iterator[Markup]:
    """Every chart that has at least two points to draw."""
    charts = [*_score_charts(facts), *_loss_charts(facts)]
    speed = finite((event["step"], event.get("steps_per_second")) for event in facts.of("steps"))
    if len(speed) > 1:
        line = Series("steps per second", smooth(speed), 0)
        charts.append(chart("Speed", "Steps per second, without the time for evaluations and previews.", [line]))
    if not charts:
        yield note("The journal holds too little for curves yet.")
        return
    yield tag("div", *charts, class_="two")


def _score_charts(facts: Facts) -> Iterator[Markup]:
    looks = [event for event in facts.of("evaluation") if event.get("scores")]
    if len(looks) < 2:
        return
    measure, judged, beside = evaluation.standard(looks[-1]["scores"])
    cases = [case for case, methods in looks[-1]["scores"].items() if judged in methods]
    drawn = {facts.arrow(case): [case] for case in cases}
    if len(cases) >= COLOURS:
        drawn = {f"mean of all {len(cases)}": cases}
    lines = []
    for colour, (label, of) in enumerate(drawn.items()):
        for method, suffix in ((judged, ""), (beside, f", {beside}")):
            points = thin(finite((event["step"], _mean(event["scores"], of, method, measure)) for event in looks))
            if points:
                lines.append(Series(label + suffix, points, colour, still=bool(suffix)))
    if lines:
        about = MEASURES[measure].about
        yield chart(
            f"Held-out {within(MEASURES[measure].label)}",
            f"{about[0].upper()}{about[1:]}, on the validation images.",
            lines,
            mark=Mark(facts.about["step"], "kept") if "step" in facts.about else None,
        )


def _mean(scores: Mapping[str, Any], cases: Sequence[str], method: str, measure: str) -> float | None:
    """Over the cases that know the measure; None where none does."""
    values = [scores.get(case, {}).get(method, {}).get(measure) for case in cases]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _loss_charts(facts: Facts) -> Iterator[Markup]:
    """One chart for each player, as each minimises losses of its own."""
    chance = chance_of(facts)
    for player, losses in _losses(facts).items():
        smoothed = [(loss, smooth(finite(points))) for loss, points in losses.items()]
        lines = [Series(loss, points, colour) for colour, (loss, points) in enumerate(smoothed) if len(points) > 1]
        if not lines:
            continue
        about = "As minimised: weighted; smoothed for the eye."
        levels = {chance[name] for name in (f"{player}/{line.label}" for line in lines) if name in chance}
        if len(levels) == 1:
            ends = [points[at][0] for points in (line.points for line in lines) for at in (0, -1)]
            level = levels.pop()
            lines.append(Series("chance", [(min(ends), level), (max(ends), level)], COLOURS - 1, still=True))
            about += " At the dashed line, real and made images cannot be told apart."
        values = [value for line in lines for _, value in line.points]
        logarithmic = min(values) > 0 and max(values) > WIDE * min(values)
        yield chart(f"Losses of the {player}", about, lines, logarithmic=logarithmic)


def _losses(facts: Facts) -> dict[str, dict[str, list[tuple[float, Any]]]]:
    """The points (step, value) of each player's losses, as the journal has them."""
    players: dict[str, dict[str, list[tuple[float, Any]]]] = {}
    for event in facts.of("steps"):
        for name, value in event.get("losses", {}).items():
            player, _, loss = name.partition("/")
            players.setdefault(player, {}).setdefault(loss, []).append((event["step"], value))
    return players


def chance_of(facts: Facts) -> Mapping[str, float]:
    """The doctor's yardsticks, by `player/loss`; empty where nothing tells of what shape its samples were, or where the
    classifier that a game reads translations by is gone.
    """
    kept = next(iter(facts.remains.values()), None)
    samples: dict[str, Any]
    match kept:
        case _ if facts.data is not None:
            samples = facts.data.samples()
        case AttributeTranslator():
            samples = {"shape": kept.shape, "labelling": kept.labelling}
        case Translator() if "a_to_b" in facts.remains:
            samples = {"shape_a": kept.source, "shape_b": kept.target}
        case _:
            return {}
    try:
        with torch.device("meta"):  # a game without memory for its weights
            return table.build(facts.run.game, seed=0, **samples).chance()
    except RunError:
        return {}
