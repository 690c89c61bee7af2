"""What the doctor found as the run went on."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from unpaired.engine import doctor
from unpaired.games import specs
from unpaired.report.curves import chance_of
from unpaired.report.facts import Facts
from unpaired.report.markup import Markup, note, prose, tag
from unpaired.report.wording import times


def section(facts: Facts) -> Iterator[Markup]:
    """Each sign once at each place, and the times that a loss was not finite."""
    looks = _looks(facts)
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for event in facts.of("finding"):
        found.setdefault((str(event["sign"]), str(event["where"])), []).append(event)
    items = [_finding(facts, *key, events) for key, events in found.items()]
    for event in facts.of("rollback"):
        said = f"The run went back to step {event['step']:,} and on with other batches and half the learning rate."
        step = tag("span", f"step {event['found']:,}", class_="step")
        items.append(tag("li", tag("b", "Loss not finite"), step, tag("p", said)))
    if items:
        yield tag("ul", *items, class_="findings")
    elif looks:
        yield _nothing(facts, looks)
    else:
        yield note("The doctor has not looked since the run was begun or gone on with.")


def _looks(facts: Facts) -> list[int]:
    """The steps at which the doctor looked since the run was last begun or gone on with, when it begins to wait anew."""
    looks: list[int] = []
    for event in facts.of("start", "resume", "evaluation"):
        if event["event"] == "evaluation":
            looks.append(event["step"])
        else:
            looks = []
    return looks


def _nothing(facts: Facts, looks: Sequence[int]) -> Markup:
    """That nothing was found; or that too little was seen to find anything."""
    looked, steps = times(len(looks)), looks[-1] - looks[0]
    if isinstance(facts.run.game, specs.Classifier | specs.Segmenter):
        return note("The doctor knows no sign of a game that makes no images.")
    makes: doctor.Makes = "translations" if facts.translates else "samples"
    early = doctor.too_early(looks=len(looks), steps=steps, makes=makes, against=bool(chance_of(facts)))
    if not early:
        return note(f"Nothing found. The doctor looked {looked}.", "good")
    needs = "; ".join(f"{sign}: {patience.looks} looks over {patience.steps:,} steps" for sign, patience in early.items())
    over = f", over {steps:,} steps" if steps else ""
    return note(f"Too few steps were seen to say anything of these, which must last ({needs}): the doctor looked {looked}{over}.")


def _finding(facts: Facts, sign: str, where: str, events: Sequence[Mapping[str, Any]]) -> Markup:
    """One sign at one place, in the words of the last time that it was found."""
    steps = sorted({event["step"] for event in events})
    when = f"step {steps[0]:,}" if len(steps) == 1 else f"{times(len(steps))}, steps {steps[0]:,} to {steps[-1]:,}"
    place = facts.arrow(where)
    return tag(
        "li",
        tag("b", f"{sign[:1].upper()}{sign[1:]}: {place}"),
        tag("span", when, class_="step"),
        tag("p", prose(str(events[-1]["says"]))),
        tag("p", tag("b", "Try: "), prose(str(events[-1]["tries"]))),
    )
