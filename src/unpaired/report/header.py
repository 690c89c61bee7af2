"""The head of the page: what the run is, when it was, and what it has reached."""

import math
from collections.abc import Iterator

from unpaired import evaluation
from unpaired.counting import counted
from unpaired.report.facts import Facts
from unpaired.report.markup import Markup, tag
from unpaired.report.scores import MEASURES
from unpaired.report.wording import date, number, times, took, within


def header(facts: Facts) -> Markup:
    """Title, verdict and the figures that matter most."""
    game = facts.run.game
    arrow = tag("span", " → " if len(facts.remains or facts.scores) == 1 else " ⇄ ", class_="soft")
    named = len(facts.domains) == 2 and facts.domains != ("A", "B") and facts.run.game.plays != "labelled"
    title = [facts.domains[0], arrow, facts.domains[1]] if named else [facts.name]
    about = (type(game).__doc__ or "").splitlines()[0]
    return tag(
        "header",
        tag("p", "unpaired", tag("span", f" · {type(game).__name__} · {facts.folder.absolute().name}"), class_="over"),
        tag("h1", *title),
        tag("p", f"{about} {_when(facts)}", class_="lead"),
        *_verdict(facts),
        tag("dl", *(tag("div", tag("dt", name), tag("dd", *value)) for name, value in _tiles(facts)), class_="tiles"),
    )


def _when(facts: Facts) -> str:
    begun, ended = facts.of("start", "resume"), facts.of("end")
    if not begun:
        return "The journal of this run is empty."
    over = bool(ended) and ended[-1]["time"] >= begun[-1]["time"]
    first, last = (date(event["time"]) for event in (begun[0], ended[-1] if over else facts.events[-1]))
    at = f"at {last[-5:]}" if first[:-5] == last[:-5] else f"on {last}"
    sentence = f"Begun on {first}"
    if over:
        sentence += f", {'ended' if ended[-1].get('complete') else 'stopped early'} {at}"
    else:
        sentence += f", last heard of {at}: it is still running, or was broken off"
    return sentence + (f", resumed {times(len(begun) - 1)}." if len(begun) > 1 else ".")


def _verdict(facts: Facts) -> Iterator[Markup]:
    """One sentence on what the run has reached, beside doing nothing."""
    reached, nothing = _criterion(facts)
    if not reached or not nothing or not math.isfinite(reached + nothing):
        return
    if not facts.translates:
        yield tag("p", _beside(facts, reached, nothing), class_="verdict")
        return
    goal = "the exact counterparts" if evaluation.criterion_measure(facts.scores) == "error" else "the target domain"
    ratio = nothing / reached
    if ratio > 1.05:
        said = f"{ratio:.1f} times closer to {goal} than the untouched inputs"
    elif ratio < 0.95:
        said = f"{1 / ratio:.1f} times farther from {goal} than the untouched inputs"
    else:
        said = f"about as far from {goal} as the untouched inputs"
    yield tag("p", f"On held-out images, translations are {said}.", class_=f"verdict {'good' if ratio > 1.05 else 'bad'}")


def _beside(facts: Facts, reached: float, beside: float) -> str:
    measure, _, reference = evaluation.standard(facts.scores)
    shown = MEASURES[measure]
    said = f"On held-out images, {within(shown.label)} is {shown.shown(reached)}"
    if measure == "swd":  # no sampler comes nearer than the data themselves, but for chance
        return f"{said}; that of real {reference}, which no sampler can be asked to beat, {shown.shown(beside)}."
    return f"{said}, by {reference} it would be {shown.shown(beside)}."


def _criterion(facts: Facts) -> tuple[float | None, float | None]:
    """What the best checkpoint is chosen by, and what stands beside it; None where not known."""
    beside = evaluation.standard(facts.scores).beside
    return evaluation.criterion(facts.scores), evaluation.criterion(facts.scores, method=beside)


def _tiles(facts: Facts) -> Iterator[tuple[str, tuple[str, ...]]]:
    reached, nothing = _criterion(facts)
    if reached is not None:
        standard = evaluation.standard(facts.scores)
        measure = MEASURES[standard.measure]
        beside = f"{standard.beside}: {measure.shown(nothing)}" if nothing is not None else ""
        yield f"Held-out {within(measure.label)}", (measure.shown(reached), tag("small", beside))
    training = facts.run.training
    budget = f"of {training.steps:,}" if training.steps else f"in {counted(training.minutes or 0.0, 'minute')}"
    yield "Steps", (number(facts.last("step")), tag("small", budget))
    seconds, speed = facts.last("seconds"), facts.speed
    if seconds is not None:
        yield "Training time", (took(seconds), tag("small", f"{number(speed)} steps/s" if speed else ""))
    if facts.data is not None:
        held = f"at least {facts.data.held_out:,} held out"
        yield "Training images", (facts.data.trained_on, tag("small", held))
    yield "Image size", (f"{facts.run.data.size} px", tag("small", f"batch {training.batch}"))
