"""HTML in which text is escaped where it enters a tag."""

import html
import re
from collections.abc import Iterable


class Markup(str):
    """HTML as it stands. Every other text is escaped where it enters a tag."""

    __slots__ = ()


def tag(name: str, /, *children: str, **attributes: str | bool | None) -> Markup:
    """An element. `class_` and `aria_label` become class and aria-label; None and False leave an attribute out."""
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{html.escape(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in ("img", "meta", "br"):
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(children)}</{name}>")


def join(children: Iterable[str]) -> Markup:
    """Children one after the other, escaped unless they are markup."""
    return Markup("".join(child if isinstance(child, Markup) else html.escape(child) for child in children))


def prose(text: str) -> Markup:
    """Words with `code` in backticks and addresses as links (which nothing follows by itself)."""
    return join(
        tag("code", part[1:-1])
        if part.startswith("`")
        else tag("a", part, href=part, rel="noopener noreferrer")
        if part.startswith("http")
        else part
        for part in re.split(r"(`[^`]+`|https?://[^\s<>()\"'`]*[^\s<>()\"'`.,;:])", text)
    )


def note(text: str, kind: str = "") -> Markup:
    """A sentence that stands apart: what is missing and how to get it. kind: "good", or nothing."""
    return tag("p", prose(text), class_=f"note {kind}".strip())
