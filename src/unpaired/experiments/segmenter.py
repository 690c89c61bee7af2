"""A small segmenter: trained on real images with label maps, it says what it sees in translated ones.

The papers take an FCN that was trained on the data set at hand; this one is small enough to be trained within minutes.
`metrics.segmentation` scores its answers.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unpaired.errors import ShapeError

AT_ONCE = 64


class Lessons(NamedTuple):
    """How a segmenter is trained. width: channels at full resolution; they double with each of the two halvings."""

    steps: int = 600
    batch: int = 16
    width: int = 16
    learning_rate: float = 2e-3
    seed: int = 0


class Segmenter(nn.Module):
    """[N, C, H, W] in [-1, 1] -> scores [N, classes, H, W]; H and W multiples of 4.

    A U-Net (Ronneberger et al. 2015) of two halvings with two 3x3 convolutions a level and batch normalisation.
    """

    def __init__(self, *, channels: int, classes: int, width: int) -> None:
        super().__init__()
        self.fine, self.middle, self.coarse = _twice(channels, width), _twice(width, 2 * width), _twice(2 * width, 4 * width)
        self.up_middle, self.up_fine = _twice(6 * width, 2 * width), _twice(3 * width, width)
        self.answer = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        fine = self.fine(x)
        middle = self.middle(F.avg_pool2d(fine, 2))
        coarse = self.coarse(F.avg_pool2d(middle, 2))
        middle = self.up_middle(torch.cat([middle, _larger(coarse)], dim=1))
        return self.answer(self.up_fine(torch.cat([fine, _larger(middle)], dim=1)))

    @torch.no_grad()
    def labels(self, x: Tensor) -> Tensor:
        """The most likely class of each pixel: [N, C, H, W] -> [N, H, W], int64."""
        training = self.training
        self.eval()
        try:
            return torch.cat([self(part).argmax(dim=1) for part in x.split(AT_ONCE)])
        finally:
            self.train(training)


def taught(images: Tensor, labels: Tensor, *, classes: int, void: int, lessons: Lessons) -> Segmenter:
    """A segmenter that was trained on these images: cross-entropy over all pixels that are not void, Adam, half a cosine.

    A class weighs by the root of its rarity: unweighted, rare ones were not found at all within some hundred steps.

    images: [N, C, H, W] in [-1, 1]; labels: [N, H, W], integers below `classes`, or `void`. The same arguments give the same
    weights on the same machine; the caller's random state stays as it was. ShapeError where the two do not fit.
    """
    if images.ndim != 4 or labels.shape != (len(images), *images.shape[2:]) or any(side % 4 for side in images.shape[2:]):
        raise ShapeError(
            f"found images {list(images.shape)} and labels {list(labels.shape)}; wanted [N, C, H, W] and [N, H, W], "
            "H and W multiples of 4"
        )
    counts = torch.bincount(labels[labels != void].flatten().long(), minlength=classes).float()
    weights = torch.where(counts > 0, (counts.sum() / (classes * counts)).sqrt(), 0.0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lessons.seed)
        segmenter = Segmenter(channels=images.shape[1], classes=classes, width=lessons.width)
        optimizer = torch.optim.Adam(segmenter.parameters(), lr=lessons.learning_rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, lessons.steps)
        for _ in range(lessons.steps):
            rows = torch.randint(len(images), (lessons.batch,))
            loss = F.cross_entropy(segmenter(images[rows]), labels[rows].long(), weight=weights, ignore_index=void)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
    return segmenter.eval()


def _twice(before: int, after: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (before, after):
        layers += [nn.Conv2d(channels, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(0.1)]
    return nn.Sequential(*layers)


def _larger(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
