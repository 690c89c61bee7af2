"""The page, put together of its sections and written."""

import base64
import hashlib
from datetime import datetime
from importlib import resources
from pathlib import Path

from unpaired.files import replacing
from unpaired.report import about, curves, findings, gallery, header, previews, scores
from unpaired.report.facts import Facts, gather
from unpaired.report.markup import Markup, tag
from unpaired.report.wording import date
from unpaired.version import VERSION


def write_report(folder: Path) -> Path:
    """Write the page of the run at `folder` and return its path, `folder`/report.html.

    It is written for every run: what is missing (scores, pictures, curves) is replaced by a sentence that says why.
    RunError where there is no run, or where its `evaluation.json` is damaged.
    """
    folder = Path(folder)
    facts = gather(folder)
    path = folder / "report.html"
    with replacing(path) as temporary:
        temporary.write_text(_page(facts), encoding="utf-8")
    return path


def _page(facts: Facts) -> str:
    script = _shipped("script.js")
    sections = {
        "results": ("Results", scores.section(facts)),
        "pictures": ("Pictures", gallery.section(facts)),
        "curves": ("Curves", curves.section(facts)),
        "doctor": ("Doctor", findings.section(facts)),
        "previews": ("Over time", previews.section(facts)),
        "run": ("The run", about.section(facts)),
    }
    links = [tag("a", title, href=f"#{name}") for name, (title, _) in sections.items()]
    body = tag(
        "body",
        header.header(facts),
        tag("nav", *links, aria_label="Sections"),
        tag("main", *(tag("section", tag("h2", title), *parts, id=name) for name, (title, parts) in sections.items())),
        tag("footer", f"Written by unpaired {VERSION} on {date(datetime.now().timestamp())}"),
        tag("script", script),
    )
    return f"<!doctype html>\n{tag('html', _head(facts, script), body, lang='en')}\n"


def _head(facts: Facts, script: Markup) -> Markup:
    """What a browser must know first: that it may run `script` and load nothing."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{facts.name} · {type(facts.run.game).__name__}"),
        tag("style", _shipped("style.css")),
    )


def _shipped(name: str) -> Markup:
    """The text of a file that lies beside this one, from a line of its own on."""
    return Markup("\n" + resources.files("unpaired.report").joinpath(name).read_text(encoding="utf-8"))
