"""A small classifier: trained on real images with attributes, it says which ones translated images show.

StarGAN's authors count how often a classifier that was trained on real faces misses the expression that a translated one was to
show. This one is small enough to be trained within a minute, and answers for several attributes at once. Teach it from real
training images alone: a judge that has seen translated ones, or those that are judged, is none.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unpaired.errors import ShapeError
from unpaired.experiments.teaching import taught_by

AT_ONCE = 128
UNKNOWN = -1


class Lessons(NamedTuple):
    """How a classifier is trained. width: channels at full resolution; they double with each halving but the last."""

    steps: int = 800
    batch: int = 32
    width: int = 16
    learning_rate: float = 3e-3
    seed: int = 0


class Classifier(nn.Module):
    """[N, C, H, W] in [-1, 1], H and W as taught -> scores, [N, number of values] for each attribute.

    A plain CNN: four times a 3x3 convolution, batch normalisation and a halving by the maximum; then one layer over all places,
    because where a stroke lies (the corners of a mouth) matters as much as that it is there.
    """

    def __init__(self, *, channels: int, size: tuple[int, int], classes: Sequence[int], width: int) -> None:
        super().__init__()
        self.classes = tuple(classes)
        widths = (width, 2 * width, 4 * width, 4 * width)
        stages = [_stage(before, after) for before, after in zip((channels, *widths), widths, strict=False)]
        self.features = nn.Sequential(*stages)
        self.answer = nn.Linear(widths[-1] * (size[0] // 16) * (size[1] // 16), sum(self.classes))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.answer(self.features(x).flatten(1)).split(self.classes, dim=1)

    @torch.no_grad()
    def values(self, x: Tensor) -> Tensor:
        """The most likely value of each attribute: [N, C, H, W] -> [N, A], int64. Each image is judged by itself."""
        training = self.training
        self.eval()
        try:
            return torch.cat([torch.stack([scores.argmax(1) for scores in self(part)], dim=1) for part in x.split(AT_ONCE)])
        finally:
            self.train(training)


def as_they_are(x: Tensor) -> Tensor:
    """Images undisturbed."""
    return x


def disturbed(x: Tensor) -> Tensor:
    """Images as a translator may paint them: mirrored or not, softer by any degree, paler or brighter, a little noisy. All by
    torch's own chance.

    Taught from clean drawings alone, the judge called every soft stroke missing: it knew no glasses in a face blurred by 3 px.
    x: [N, C, H, W] in [-1, 1], as the result.
    """
    some = (len(x), 1, 1, 1)
    x = torch.where(torch.rand(some) < 0.5, x, x.flip(3))
    soft = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    x = x.lerp(soft, torch.rand(some))
    x = x * (0.8 + 0.4 * torch.rand(some)) + 0.2 * torch.rand(some) - 0.1
    return (x + 0.1 * torch.rand(some) * torch.randn_like(x)).clamp(-1, 1)


def taught(
    images: Tensor,
    values: Tensor,
    *,
    classes: Sequence[int],
    lessons: Lessons,
    disturb: Callable[[Tensor], Tensor] = disturbed,
) -> Classifier:
    """A classifier that was trained on these images, disturbed (digits must not be mirrored): the sum of each attribute's
    cross-entropy over the images where it is known; Adam, half a cosine.

    images: [N, C, H, W] in [-1, 1]; values: [N, A], integers below `classes` (how many values each attribute has), or -1 where
    unknown. The same arguments give the same weights on the same machine; the caller's random state stays as it was. ShapeError
    where they do not fit.
    """
    _check(images, values, classes)
    size = (images.shape[2], images.shape[3])
    return taught_by(
        lambda: Classifier(channels=images.shape[1], size=size, classes=classes, width=lessons.width),
        lambda classifier, rows: loss_of(classifier(disturb(images[rows])), values[rows]),
        steps=lessons.steps,
        batch=lessons.batch,
        count=len(images),
        learning_rate=lessons.learning_rate,
        seed=lessons.seed,
    )


def loss_of(scores: Sequence[Tensor], values: Tensor) -> Tensor:
    """The sum over attributes of the mean cross-entropy where they are known. scores: [N, values] each; values: [N, A]."""
    total = torch.zeros(())
    for answers, wanted in zip(scores, values.unbind(1), strict=True):
        known = (wanted != UNKNOWN).sum()
        total = total + F.cross_entropy(answers, wanted.long(), ignore_index=UNKNOWN, reduction="sum") / known.clamp(min=1)
    return total


def share_read(scores: Tensor, classes: Tensor) -> float:
    """The share of rows [N, K] whose greatest score is that of their class, int64 [N]."""
    return float((scores.argmax(dim=1) == classes).double().mean())


def accuracy(found: Tensor, wanted: Tensor) -> list[float]:
    """The share of right answers for each attribute, where it is known; nan where it never is. found, wanted: [N, A]."""
    known = wanted != UNKNOWN
    return (((found == wanted) & known).sum(0) / known.sum(0)).tolist()


def _check(images: Tensor, values: Tensor, classes: Sequence[int]) -> None:
    if images.ndim != 4 or values.shape != (len(images), len(classes)) or min(images.shape[2:]) < 16:
        raise ShapeError(
            f"found images {list(images.shape)}, values {list(values.shape)} and {len(classes)} attributes; "
            "wanted [N, C, H, W] and [N, attributes], H and W from 16 on"
        )
    highest = values.max(0).values.tolist()
    if any(value >= count for value, count in zip(highest, classes, strict=True)) or values.min() < UNKNOWN:
        raise ShapeError(
            f"found values from {int(values.min())} to {highest}; wanted -1 (unknown) or numbers below {list(classes)}"
        )


def _stage(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2))
