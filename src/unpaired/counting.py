"""Counts with their nouns."""


def counted(count: float, noun: str) -> str:
    """A count and its noun, whose plural ends in s (or es, after another): 1 image, 2,000 images, 0.5 minutes, 2 processes."""
    shown = f"{count:,g}" if isinstance(count, float) else f"{count:,}"
    return f"{shown} {noun}" if count == 1 else f"{shown} {noun}{'es' if noun.endswith('s') else 's'}"
