"""The pictures of `sae-mnist`: the plane of two numbers, what its places stand for, and digits there and back."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from unpaired import images
from unpaired.experiments import plots
from unpaired.products import Autoencoder

SHOWN = 5000
"""Digits in a plane."""
SIDE = 20
"""Places of the grid, each way."""
TAIL = 0.02
"""Share of codes at each end that the window leaves out."""


def draw_plane(path: Path, planes: Mapping[str, Tensor], classes: Tensor, names: Sequence[str]) -> None:
    """A panel for each plane [N, 2]: a point a digit, in the colour of its class (int64 [N], names of all)."""
    pyplot = plots.pyplot("Drawing codes in the plane")
    figure, axes = pyplot.subplots(1, len(planes), figsize=(4.2 * len(planes) + 0.8, 4.4), dpi=100, squeeze=False)
    colours = pyplot.get_cmap("tab10")
    for axis, (name, plane) in zip(axes[0], planes.items(), strict=True):
        (left, low), (right, high) = window(plane)
        for index, called in enumerate(names):
            points = plane[:SHOWN][classes[:SHOWN] == index]
            axis.scatter(*points.T, color=colours(index % 10), s=3, linewidths=0, alpha=0.7, label=called)
        axis.set(title=name, xticks=[], yticks=[], xlim=(left, right), ylim=(low, high))
    axes[0][-1].legend(loc="center left", bbox_to_anchor=(1, 0.5), markerscale=4, frameon=False)
    figure.tight_layout()
    images.write(path, plots.pixels_of(figure))


def draw_grid(path: Path, net: Autoencoder, plane: Tensor) -> None:
    """What the decoder makes of places all over the plane in which codes [N, 2] lie; the highest on top."""
    low, high = window(plane)
    right = torch.linspace(float(low[0]), float(high[0]), SIDE)
    rows = []
    for up in torch.linspace(float(high[1]), float(low[1]), SIDE):
        rows.append(("", net.decode(torch.stack([right, up.expand(SIDE)], dim=1))))
    images.write(path, images.labelled_grid(rows, pad=0))


def draw_rebuilt(path: Path, test: Tensor, back: Mapping[str, Tensor], classes: Tensor) -> None:
    """The first test digit of each class, and what each way back makes of it."""
    first = torch.stack([(classes == index).nonzero()[0, 0] for index in classes.unique()])
    rows = [("test digit", test[first]), *((name, answer[first]) for name, answer in back.items())]
    images.write(path, images.labelled_grid(rows, scale=2))


def window(plane: Tensor) -> tuple[Tensor, Tensor]:
    """The lower left and the upper right corner of what is shown of points [N, 2]: all but the farthest few."""
    low, high = torch.quantile(plane, torch.tensor([TAIL, 1 - TAIL]), dim=0)
    margin = 0.1 * (high - low)
    return low - margin, high + margin
