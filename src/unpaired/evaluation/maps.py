"""Images with label maps: what a segmenter says of held-out pixels, beside the commonest class."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from unpaired import images
from unpaired.data.label_maps import MapSet
from unpaired.evaluation.scoring import FEWEST, SHOWN, Look, Part, Scores, rows_of
from unpaired.images import Pixels
from unpaired.images.maps import VOID, Labels, coloured
from unpaired.metrics import features
from unpaired.metrics.segmentation import confusion, label_scores
from unpaired.products import Segmenter

AT_ONCE = 64
"""Images that are held as floats at once."""


class MapsExam:
    """What images with label maps ask (see `Exam`) of segmenters: per-pixel accuracy, per-class accuracy, mean class IoU."""

    def __init__(self, data: MapSet) -> None:
        self._data = data

    def look(self, remains: Mapping[str, object], *, part: Part, extractor: features.Extractor | None = None) -> Look:
        pixels, maps = self._asked(part)
        scores: Scores = {}
        for name, product in remains.items():
            if isinstance(product, Segmenter) and bool((maps != VOID).any()):
                counts = counted(product, pixels, maps)
                commonest = torch.zeros_like(counts)
                commonest[:, int(counts.sum(dim=1).argmax())] = counts.sum(dim=1)
                scores[name] = {"labelled": _scores(counts), "commonest class": _scores(commonest)}
        return Look(scores, self.rows(remains, part=part), {}, dict.fromkeys(scores, len(maps)))

    def rows(self, remains: Mapping[str, object], *, part: Part) -> list[tuple[str, Tensor]]:
        """A sheet's rows: held-out images, their maps, and what is said of them."""
        pixels, maps = self._asked(part)
        x = images.to_tensor(np.ascontiguousarray(pixels[:SHOWN]))
        if not len(x):
            return []
        rows = [("held-out images", x), ("label maps", in_colours(maps[:SHOWN]))]
        said = [(name, product) for name, product in remains.items() if isinstance(product, Segmenter)]
        return rows + [(name, in_colours(product.labels(x).numpy())) for name, product in said]

    @property
    def disjoint(self) -> bool:
        return self._data.held_out >= FEWEST

    def _asked(self, part: Part) -> tuple[Pixels, Labels]:
        held = self._data.images.test.pixels
        rows = rows_of(held, part)
        return held[rows], self._data.test_maps[rows]


def counted(segmenter: Segmenter, pixels: Pixels, maps: Labels) -> Tensor:
    """How often each class (rows: the truth) is called each class (columns): [K, K]. pixels: [N, H, W, C]; maps: [N, H, W]."""
    classes = len(segmenter.classes)
    counts = torch.zeros(classes, classes, dtype=torch.int64)
    for start in range(0, len(maps), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        said = segmenter.labels(images.to_tensor(np.ascontiguousarray(pixels[some])))
        counts += confusion(said, torch.from_numpy(np.array(maps[some])), classes=classes, void=VOID)
    return counts


def in_colours(maps: np.ndarray) -> Tensor:
    """Maps [N, H, W] as images [N, 3, H, W] in [-1, 1]."""
    return images.to_tensor(coloured(maps))


def _scores(counts: Tensor) -> dict[str, float]:
    found = label_scores(counts)
    return {
        "pixel error": 1 - found.per_pixel_accuracy,
        "per-pixel accuracy": found.per_pixel_accuracy,
        "per-class accuracy": found.per_class_accuracy,
        "mean class IoU": found.mean_class_iou,
    }
