"""How well segmenters label the target's pixels, in numbers."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from unpaired import images
from unpaired.adaptation import keys
from unpaired.adaptation.result import Seen, in_numbers, tested_in_numbers
from unpaired.adaptation.task import BY_ORACLE, SOURCE_ONLY, Result
from unpaired.data.label_maps import MapSet
from unpaired.images import Pixels
from unpaired.images.maps import VOID, Labels
from unpaired.metrics.segmentation import class_accuracy, class_iou, confusion
from unpaired.products import Segmenter

AT_ONCE = 64
"""Images that are held as floats at once."""


class TestedMaps(NamedTuple):
    """Labelled images of the target that a segmenter is tested on.

    pixels: [N, H, W, C]; maps: uint8 [N, H, W], the places of classes among the source's. strange: of how many more pixels the
    source has not the class. apart: whether no run looks at any of them.
    """

    pixels: Pixels
    maps: Labels
    strange: int
    apart: bool


def places(names: Sequence[str], among: Sequence[str]) -> Labels:
    """For each number of a map whose classes are `names`, that of the class `among` others, VOID where it is none: [256]."""
    table = np.full(VOID + 1, VOID, np.uint8)
    for number, name in enumerate(names):
        table[number] = among.index(name) if name in among else VOID
    return table


def said_of(segmenter: Segmenter, pixels: Pixels, classes: Sequence[str]) -> Labels:
    """What a segmenter says of images [N, H, W, C], as numbers of `classes`: [N, H, W]; len(classes) for one that is not among
    them.
    """
    table = places(segmenter.classes, classes)
    table[table == VOID] = len(classes)
    starts = range(0, len(pixels), AT_ONCE)
    parts = [segmenter.labels(images.to_tensor(np.ascontiguousarray(pixels[s : s + AT_ONCE]))).numpy() for s in starts]
    return table[np.concatenate(parts)] if parts else np.zeros((0, *pixels.shape[1:3]), np.uint8)


def scores_of(said: Labels, truth: Labels, classes: Sequence[str]) -> dict[str, Any]:
    """Per-pixel accuracy, per-class accuracy, mean class IoU (see `metrics.segmentation`); of each class its accuracy and IoU.
    said: may hold len(classes), which is none of them, and wrong wherever it is said.
    """
    counts = confusion(
        torch.from_numpy(said.astype(np.int64)), torch.from_numpy(truth.astype(np.int64)), classes=len(classes) + 1, void=VOID
    )
    accuracy, overlap = class_accuracy(counts)[: len(classes)], class_iou(counts)[: len(classes)]
    each = zip(classes, accuracy.tolist(), overlap.tolist(), strict=True)
    by_class = {name: {keys.RIGHT: round(right, 4), keys.IOU: round(iou, 4)} for name, right, iou in each if right == right}
    return {
        keys.PER_PIXEL: round(float(counts.diagonal().sum() / counts.sum()), 4),
        keys.PER_CLASS: round(float(accuracy.nanmean()), 4),
        keys.MEAN_IOU: round(float(overlap.nanmean()), 4),
        keys.BY_CLASS: by_class,
    }


def summed_up_maps(
    source: MapSet,
    tested: TestedMaps | None,
    readers: Mapping[str, Segmenter],
    seen: tuple[Seen | None, Seen | None],
    *,
    flipped: int,
) -> Result:
    """How well each segmenter labels the target, and how many translations have pixels that flipped. source: as they see it;
    readers: by method; seen: by judge; flipped: translations of which a judge reads a pixel as another class.
    """
    classes, scores = source.classes, {}
    if tested is not None:
        scores = {
            name: scores_of(said_of(reader, tested.pixels, classes), tested.maps, classes) for name, reader in readers.items()
        }
    errors = {name: 1 - found[keys.PER_PIXEL] for name, found in scores.items()}
    own = None
    if (source.test_maps != VOID).any():
        own = scores_of(said_of(readers[SOURCE_ONLY], source.images.test.pixels, classes), source.test_maps, classes)
        own.pop(keys.BY_CLASS)
    return {
        keys.LABELS: "maps",
        keys.CLASSES: list(classes),
        keys.TESTED: None if tested is None else _tested(tested, classes),
        keys.ACCURACY: scores,
        keys.OWN: own,
        keys.FLIPPED: flipped,
        keys.FLIPS: in_numbers(dict(zip((SOURCE_ONLY, BY_ORACLE), seen, strict=True)), errors),
    }


def _tested(tested: TestedMaps, classes: Sequence[str]) -> dict[str, Any]:
    counts = np.bincount(tested.maps.reshape(-1), minlength=VOID + 1)[: len(classes)]
    by_class = {name: int(count) for name, count in zip(classes, counts, strict=True) if count}
    return tested_in_numbers(len(tested.maps), by_class, strange=tested.strange, apart=tested.apart)
