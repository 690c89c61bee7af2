"""What the doctor found as the run went on."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from unpaired.report.facts import Facts
from unpaired.report.markup import Markup, note, prose, tag
from unpaired.report.wording import times


def section(facts: Facts) -> Iterator[Markup]:
    """Each sign once at each place, and the times that a loss was not finite."""
    looks = len(facts.of("evaluation"))
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
        yield note(f"Nothing found. The doctor looked {times(looks)}.", "good")
    else:
        yield note("The doctor has not looked yet.")


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
