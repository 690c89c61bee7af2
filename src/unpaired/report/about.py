"""What the run was made of, where it ran, and the commands that go on from here."""

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from unpaired import config
from unpaired.attribute_translator import AttributeTranslator
from unpaired.bundle import ATTRIBUTES
from unpaired.counting import counted
from unpaired.products import Sampler
from unpaired.report.facts import Facts
from unpaired.report.markup import Markup, prose, tag
from unpaired.report.wording import number


def section(facts: Facts) -> Iterator[Markup]:
    """Two tables, the commands, the configuration and the rest of the data's card."""
    yield tag(
        "div",
        tag("div", tag("h3", "Data"), _rows(_data_rows(facts)), class_="card"),
        tag("div", tag("h3", "Machine"), _rows(_machine_rows(facts)), class_="card"),
        class_="two top",
    )
    yield tag("h3", "Go on from here")
    yield tag("pre", _commands(facts), tabindex="0")
    written = json.dumps(config.to_dict(facts.run), indent=2, ensure_ascii=False)
    yield tag("details", tag("summary", "The complete configuration"), tag("pre", written, tabindex="0"))
    own = {key: value for key, value in facts.card.items() if key not in ("name", "licence", "credit")}
    if own:
        written = json.dumps(own, indent=2, ensure_ascii=False, default=str)
        yield tag("details", tag("summary", "The data card"), tag("pre", prose(written), tabindex="0"))


def _data_rows(facts: Facts) -> Iterator[tuple[str, str]]:
    yield "from", ", ".join(facts.run.sources)
    for key in ("name", "licence", "credit"):
        if key in facts.card:
            yield key, str(facts.card[key])
    if "licence" not in facts.card:
        yield "licence", "not stated by the data"
    if facts.data is not None:
        yield from facts.data.lines()
        unreadable = sum(map(len, facts.data.skipped.values()))
        if unreadable:
            yield "skipped", counted(unreadable, "unreadable file")
    if facts.run.data_fingerprint:
        yield "fingerprint", facts.run.data_fingerprint


def _machine_rows(facts: Facts) -> Iterator[tuple[str, str]]:
    """What the journal says of the last session; new entries of it appear by themselves."""
    yield "unpaired", facts.run.version
    yield "compiled", "yes" if facts.run.compiled else "no"
    begun = facts.of("start", "resume")
    if begun:
        told = {key: value for key, value in begun[-1].items() if key not in ("event", "time", "step", "seconds")}
        yield from _flat(told.pop("reasons", {}))
        yield from _flat(told)
    speed = facts.speed
    if speed:
        yield "speed", f"{number(speed)} steps/s, {number(speed * facts.run.training.batch)} images/s"


def _flat(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value)
        else:
            yield key, str(value)


def _rows(rows: Iterable[tuple[str, str]]) -> Markup:
    lines = (tag("tr", tag("th", key, scope="row"), tag("td", prose(value))) for key, value in rows)
    return tag("table", tag("tbody", *lines))


def _commands(facts: Facts) -> str:
    ends = facts.of("end")
    longer = f" {facts.run.training.twice_as_long}" if ends and ends[-1].get("complete") else ""
    lines = [f"unpaired resume {facts.command}{longer}"]
    if not facts.translates:
        if facts.keeps(Sampler):
            lines.append(f"unpaired sample {facts.command} -n 64 --grid --out SAMPLES")
    elif facts.run.game.plays == "labelled":
        kept = facts.remains.get(ATTRIBUTES)
        name = kept.targets()[0][0] if isinstance(kept, AttributeTranslator) else "NAME=VALUE"
        lines.append(f"unpaired translate {facts.command} PICTURES --set {shlex.quote(name)} --out TRANSLATED")
    else:
        directions = tuple(facts.remains) or ("a_to_b",)
        lines += [f"unpaired translate {facts.command} PICTURES --direction {name} --out TRANSLATED" for name in directions]
    lines.append(f"unpaired evaluate {facts.command}")
    return "\n".join(lines)
