"""Azimuths before and after translation as the paper's scatter plots (Kim et al. 2017, section 4)."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from unpaired.experiments import plots
from unpaired.images import Pixels

TICKS = (-90, -45, 0, 45, 90)


def scatter(azimuths: Tensor, answered: Mapping[str, Sequence[Tensor]], *, seeds: Sequence[int]) -> Pixels:
    """A panel for each model, side by side: the inputs' azimuth to the right, the answers' upwards, a colour for each seed.

    azimuths: degrees [N]; answered: by model, of each seed [N]. Grey: the answers face as the inputs do, or as in a mirror.
    """
    pyplot = plots.pyplot("Drawing azimuths")
    figure, axes = pyplot.subplots(1, len(answered), figsize=(3.2 * len(answered), 3.5), dpi=100, squeeze=False)
    colours = pyplot.get_cmap("tab10")
    for axis, (model, runs) in zip(axes[0], answered.items(), strict=True):
        for sign in (1, -1):
            axis.plot([-90, 90], [-90 * sign, 90 * sign], color="0.8", linewidth=1, zorder=0)
        for index, (seed, values) in enumerate(zip(seeds, runs, strict=True)):
            axis.scatter(azimuths, values, color=colours(index), s=9, linewidths=0, alpha=0.7, label=f"seed {seed}")
        axis.set(
            title=model, xlabel="azimuth of the input, degrees", xticks=TICKS, yticks=TICKS, xlim=(-100, 100), ylim=(-185, 185)
        )
        axis.title.set_fontsize(9)
    axes[0][0].set_ylabel("of the answer, as read")
    axes[0][-1].legend(fontsize=7, loc="lower right")
    figure.tight_layout()
    return plots.pixels_of(figure)
