"""What came of an adaptation, as `result.json` has it."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from unpaired.adaptation.flips import Audit
from unpaired.adaptation.reading import accuracy, read
from unpaired.adaptation.task import Task, Tested
from unpaired.data.image_set import ImageSet
from unpaired.data.labels import UNKNOWN
from unpaired.products import Classifier
from unpaired.version import VERSION, commit

SOURCE_ONLY, ON_TRANSLATED, ORACLE = "source only", "on translated", "oracle"
MOST_SAID = 5
Result = dict[str, Any]


def summed_up(task: Task, readers: Mapping[str, Classifier], found: Audit, *, minutes: Mapping[str, float]) -> Result:
    """How well each classifier reads the target, and how many labels flipped. readers: by method; minutes: of each training."""
    scores = {} if task.tested is None else {name: _score(reader, task.tested, task) for name, reader in readers.items()}
    own = _own(readers[SOURCE_ONLY], task.shown)
    flips = {}
    for name, seen in zip((SOURCE_ONLY, ORACLE), found.seen, strict=True):
        if seen is not None:
            flips[name] = {
                "translations read": seen.read,
                "read as another class": round(seen.misread / seen.read, 4) if seen.read else None,
                "real target images misread": round(1 - scores[name]["overall"], 4) if name in scores else None,
                "commonest": [list(each) for each in seen.commonest],
            }
    return {
        "classes": list(task.source.classes),
        "tested": _tested(task),
        "accuracy": scores,
        "on the source's own held-out images": own,
        "flipped": len(found.flips),
        "flips": flips,
        "minutes": dict(minutes),
        "version": VERSION,
        "commit": commit(),
    }


def sentences(result: Mapping[str, Any]) -> list[str]:
    """What the table of accuracies does not say, for a person."""
    lines = []
    tested = result["tested"]
    if tested is None:
        lines.append("not tested: no held-out image of the target tells a class of the source; --test names labelled ones")
    else:
        lines.append(f"saying the commonest class of all: {tested['of the commonest class']:.1%}")
        left_out = tested["left out, of classes that the source has not"]
        if left_out:
            lines.append(f"left out of the test: {left_out:,} images of classes that the source has not")
        if not tested["unseen by any run"]:
            lines.append("so few are held out that they chose checkpoints too: these numbers may be too good")
    for name, seen in result["flips"].items():
        if seen["translations read"]:
            beside = seen["real target images misread"]
            real = "" if beside is None else f" (of the target's real images it misreads {beside:.1%})"
            taught = "the source's labels" if name == SOURCE_ONLY else "the target's labels"
            lines.append(
                f"read as another class by the classifier that {taught} taught: {seen['read as another class']:.1%} of "
                f"{seen['translations read']:,} translations{real}"
            )
            if seen["commonest"]:
                lines.append(
                    "  most often " + ", ".join(f"{a} as {b} ({count:,})" for a, b, count in seen["commonest"][:MOST_SAID])
                )
    return lines


def _tested(task: Task) -> dict[str, Any] | None:
    """What it was tested on; None where nothing could be."""
    if task.tested is None:
        return None
    counts = Counter(task.tested.truth)
    return {
        "images": counts.total(),
        "by_class": {name: counts[name] for name in task.source.classes if name in counts},
        "of the commonest class": round(max(counts.values()) / counts.total(), 4),
        "left out, of classes that the source has not": task.tested.strange,
        "unseen by any run": task.tested.apart,
    }


def _score(reader: Classifier, tested: Tested, task: Task) -> dict[str, Any]:
    found = accuracy(read(reader, tested.pixels).said, tested.truth, classes=task.source.classes)
    return {"overall": round(found.overall, 4), "by_class": {name: round(share, 4) for name, share in found.by_class.items()}}


def _own(reader: Classifier, source: ImageSet) -> float | None:
    """The share of the source's held-out images that a classifier of the source reads right; None where none has a label."""
    rows = source.test_classes != UNKNOWN
    if not rows.any():
        return None
    truth = [source.classes[index] for index in source.test_classes[rows]]
    return round(accuracy(read(reader, source.test.pixels[rows]).said, truth, classes=source.classes).overall, 4)
