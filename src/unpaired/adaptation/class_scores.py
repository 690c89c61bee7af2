"""How well classifiers read the target, in numbers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from unpaired.adaptation import keys
from unpaired.adaptation.flips import Audit
from unpaired.adaptation.reading import accuracy, read
from unpaired.adaptation.result import in_numbers, tested_in_numbers
from unpaired.adaptation.task import BY_ORACLE, SOURCE_ONLY, Result
from unpaired.data.image_set import ImageSet
from unpaired.data.labels import UNKNOWN
from unpaired.images import Pixels
from unpaired.products import Classifier


class Tested(NamedTuple):
    """Labelled images of the target that a classifier is tested on.

    pixels: [N, H, W, C]; truth: the class of each, by its name. strange: of how many more images the source has not the class.
    apart: whether no run looks at any of them.
    """

    pixels: Pixels
    truth: tuple[str, ...]
    strange: int
    apart: bool


def summed_up(source: ImageSet, tested: Tested | None, readers: Mapping[str, Classifier], found: Audit) -> Result:
    """How well each classifier reads the target, and how many labels flipped. source: as they see it; readers: by method."""
    scores: dict[str, Any] = {}
    if tested is not None:
        scores = {name: _score(reader, tested, source.classes) for name, reader in readers.items()}
    errors = {name: 1 - scored[keys.OVERALL] for name, scored in scores.items()}
    return {
        keys.LABELS: "classes",
        keys.CLASSES: list(source.classes),
        keys.TESTED: None if tested is None else _tested(tested, source.classes),
        keys.ACCURACY: scores,
        keys.OWN: _own(readers[SOURCE_ONLY], source),
        keys.FLIPPED: len(found.flips),
        keys.FLIPS: in_numbers(dict(zip((SOURCE_ONLY, BY_ORACLE), found.seen, strict=True)), errors),
    }


def _tested(tested: Tested, classes: Sequence[str]) -> dict[str, Any]:
    counts = Counter(tested.truth)
    by_class = {name: counts[name] for name in classes if name in counts}
    return tested_in_numbers(counts.total(), by_class, strange=tested.strange, apart=tested.apart)


def _score(reader: Classifier, tested: Tested, classes: Sequence[str]) -> dict[str, Any]:
    found = accuracy(read(reader, tested.pixels).said, tested.truth, classes=classes)
    by_class = {name: round(share, 4) for name, share in found.by_class.items()}
    return {keys.OVERALL: round(found.overall, 4), keys.BY_CLASS: by_class}


def _own(reader: Classifier, source: ImageSet) -> float | None:
    """The share of the source's held-out images that a classifier of the source reads right; None where none has a label."""
    rows = source.test_classes != UNKNOWN
    if not rows.any():
        return None
    truth = [source.classes[index] for index in source.test_classes[rows]]
    return round(accuracy(read(reader, source.test.pixels[rows]).said, truth, classes=source.classes).overall, 4)
