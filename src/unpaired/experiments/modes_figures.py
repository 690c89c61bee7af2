"""The pictures of `modes`: samples in the plane beside the modes, and how many modes were captured along the way."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from unpaired import images
from unpaired.experiments import plots

MARGIN = 0.35
ABOUT = 3
"""Standard deviations within which a sample is of high quality."""


class Way(NamedTuple):
    """Means over the seeds at each look. steps: of the looks; modes: captured; quality: share of high-quality samples."""

    steps: Sequence[int]
    modes: Sequence[float]
    quality: Sequence[float]


def draw_samples(
    path: Path, games: Mapping[str, Sequence[Tensor]], *, rows: Sequence[str], centres: Tensor, sigma: float
) -> None:
    """A column for each game, a panel for each of `rows`: its samples [N, 2] as dots, circles about the modes [M, 2]."""
    pyplot = plots.pyplot("Drawing samples in the plane")
    size = (2.1 * len(games), 2.3 * len(rows) + 0.2)
    figure, axes = pyplot.subplots(len(rows), len(games), figsize=size, dpi=110, squeeze=False)
    low, high = centres.amin(0) - MARGIN, centres.amax(0) + MARGIN
    for column, (name, each) in enumerate(games.items()):
        for row, (what, points) in enumerate(zip(rows, each, strict=True)):
            axis = axes[row][column]
            for x, y in centres.tolist():
                axis.add_patch(pyplot.Circle((x, y), ABOUT * sigma, fill=False, color="tab:red", linewidth=0.8))
            axis.scatter(*points.T.tolist(), color="black", s=2, linewidths=0, alpha=0.35)
            axis.set(xticks=[], yticks=[], aspect="equal")
            axis.set(xlim=(float(low[0]), float(high[0])), ylim=(float(low[1]), float(high[1])))
            axis.set_title(name if row == 0 else "", fontsize=8)
            axis.set_ylabel(what if column == 0 else "", fontsize=8)
    figure.tight_layout()
    images.write(path, plots.pixels_of(figure))


def draw_ways(path: Path, ways: Mapping[str, Way], *, of: int) -> None:
    """Two panels over the steps, a line for each game: modes captured of `of`, and the share of high-quality samples."""
    pyplot = plots.pyplot("Drawing modes over steps")
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10.5, 3.6), dpi=100)
    for name, way in ways.items():
        left.plot(way.steps, way.modes, linewidth=1.4, label=name)
        right.plot(way.steps, way.quality, linewidth=1.4, label=name)
    left.set(title=f"modes captured, of {of}", xlabel="step", ylim=(0, of * 1.04))
    right.set(title="share of samples within 3 sigma of a mode", xlabel="step", ylim=(0, 1.02))
    right.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8)
    figure.tight_layout()
    images.write(path, plots.pixels_of(figure))
