"""What came of an adaptation, as `result.json` has it and as a person is told, whatever its labels are."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from unpaired.adaptation import keys
from unpaired.adaptation.task import SOURCE_ONLY

COMMONEST = 10
MOST_SAID = 5


class Seen(NamedTuple):
    """What one judge sees in translations. read: how many, with labels that it knows; misread: those that it reads as another
    class; commonest: (label, read as, how often).
    """

    read: int
    misread: int
    commonest: list[tuple[str, str, int]]


def seen_of(tally: Mapping[tuple[str, str], int]) -> Seen:
    """From how often each label was read as each class."""
    wrong = Counter({pair: count for pair, count in tally.items() if pair[0] != pair[1] and count})
    return Seen(sum(tally.values()), wrong.total(), [(*pair, count) for pair, count in wrong.most_common(COMMONEST)])


def in_numbers(seen: Mapping[str, Seen | None], errors: Mapping[str, float]) -> dict[str, Any]:
    """Flips by judge. errors: the share of the target's real images, or of their pixels, that each misreads: a judge who misreads
    many sees flips where there are none.
    """
    return {
        name: {
            keys.READ: found.read,
            keys.MISREAD: round(found.misread / found.read, 4) if found.read else None,
            keys.REAL_MISREAD: round(errors[name], 4) if name in errors else None,
            keys.COMMONEST: [list(each) for each in found.commonest],
        }
        for name, found in seen.items()
        if found is not None
    }


def tested_in_numbers(images: int, by_class: Mapping[str, int], *, strange: int, apart: bool) -> dict[str, Any]:
    """What was tested on. by_class: images of each class that is there, or pixels; strange: more of classes that the source has
    not; apart: whether no run looks at any of them.
    """
    return {
        keys.IMAGES: images,
        keys.BY_CLASS: dict(by_class),
        keys.COMMONEST_CLASS: round(max(by_class.values()) / sum(by_class.values()), 4),
        keys.LEFT_OUT: strange,
        keys.UNSEEN: apart,
    }


def sentences(result: Mapping[str, Any]) -> list[str]:
    """What the table of accuracies does not say, for a person."""
    lines, tested = [], result[keys.TESTED]
    what = "pixels" if result[keys.LABELS] == "maps" else "images"
    if tested is None:
        lines.append("not tested: no held-out image of the target tells a class of the source; --test names labelled ones")
    else:
        lines.append(f"saying the commonest class of all: {tested[keys.COMMONEST_CLASS]:.1%}")
        left_out = tested[keys.LEFT_OUT]
        if left_out:
            lines.append(f"left out of the test: {left_out:,} {what} of classes that the source has not")
        if not tested[keys.UNSEEN]:
            lines.append("so few are held out that they chose checkpoints too: these numbers may be too good")
    for name, seen in result[keys.FLIPS].items():
        if not seen[keys.READ]:
            continue
        beside = seen[keys.REAL_MISREAD]
        real = "" if beside is None else f" (of the target's real {what} it misreads {beside:.1%})"
        taught = "the source's labels" if name == SOURCE_ONLY else "the target's labels"
        of = f"{seen[keys.READ]:,} {'pixels of ' if what == 'pixels' else ''}translations"
        lines.append(f"read as another class by the one whom {taught} taught: {seen[keys.MISREAD]:.1%} of {of}{real}")
        if seen[keys.COMMONEST]:
            some = [f"{label} as {said} ({count:,})" for label, said, count in seen[keys.COMMONEST][:MOST_SAID]]
            lines.append(f"  most often {', '.join(some)}")
    return lines
