"""Numbers and times as the page says them."""

import math
from datetime import datetime

from unpaired.watch import duration


def number(value: float | None) -> str:
    """Three digits that matter: 12,345; 12.3; 0.0123."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0 or isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) < 1e-4:
        return f"{value:.1e}"
    digits = f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def compact(step: float) -> str:
    """A step on an axis: 500, 20k, 1.5M."""
    for size, letter in ((1e6, "M"), (1e4, "k")):
        if step >= size:
            return f"{step / (1e3 if letter == 'k' else size):g}{letter}"
    return f"{step:,.0f}"


def how_many(count: int) -> str:
    """A count that begins a sentence: No, One, Twelve, 13."""
    words = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve")
    return words[count] if count < len(words) else f"{count:,}"


def times(count: int) -> str:
    """How often: once, twice, 3 times."""
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def within(label: str) -> str:
    """A label within a sentence: names and abbreviations keep their capitals."""
    return label if label[:2].isupper() else label[0].lower() + label[1:]


def took(seconds: float) -> str:
    """A length of time with its unit: 2:00 min, 1:01:40 h."""
    return f"{duration(seconds)} h" if seconds >= 3600 else f"{duration(seconds)} min"


def date(seconds: float) -> str:
    """A time (of Unix) where the page is written: 3 May 2025, 14:07. The last five characters are the time of day."""
    when = datetime.fromtimestamp(seconds).astimezone()
    return f"{when.day} {when:%B %Y, %H:%M}"
