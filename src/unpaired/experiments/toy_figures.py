"""The toy's figures: the discriminator's output behind, target modes as crosses, samples coloured by their source mode."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL.Image
import torch
from torch import Tensor

from unpaired.data.sets.toy import Mixture, Toy
from unpaired.experiments import plots
from unpaired.images import Pixels

SIDE = 80
"""Places at which the discriminator is asked, each way."""
MARGIN = 1.2


class Panel(NamedTuple):
    """One model at one step, its first member. points: translated [N, 2]; sources: [N]; judged: [SIDE * SIDE] in [0, 1]."""

    step: int
    points: Tensor
    sources: Tensor
    judged: Tensor

    def save(self, path: Path) -> None:
        """Write as NPZ."""
        np.savez(path, step=self.step, points=self.points, sources=self.sources, judged=self.judged)

    @classmethod
    def load(cls, path: Path) -> "Panel":
        """What `save` wrote."""
        with np.load(path) as file:
            return cls(int(file["step"]), *(torch.from_numpy(file[name]) for name in ("points", "sources", "judged")))


def plane(target: Mixture) -> Tensor:
    """Places all over the target domain and a margin, row by row from below: [SIDE * SIDE, 2]."""
    low, high = _window(target)
    across = torch.linspace(0, 1, SIDE)
    down, right = torch.meshgrid(across, across, indexing="ij")
    return torch.stack([low[0] + right * (high - low)[0], low[1] + down * (high - low)[1]], dim=-1).reshape(-1, 2)


def panels(history: Mapping[str, Panel], data: Toy) -> Pixels:
    """The paper's figure: a panel for each entry, side by side; pixels [H, W, 3]."""
    pyplot = plots.pyplot("Drawing the toy's figures")
    figure, axes = pyplot.subplots(1, len(history), figsize=(3.2 * len(history), 3.5), dpi=100, squeeze=False)
    low, high = _window(data.b)
    colours = pyplot.get_cmap("tab10")
    for axis, (name, panel) in zip(axes[0], history.items(), strict=True):
        extent = (float(low[0]), float(high[0]), float(low[1]), float(high[1]))
        judged = panel.judged.reshape(SIDE, SIDE)
        axis.imshow(
            judged, origin="lower", extent=extent, cmap="Greys", vmin=0, vmax=1.6, interpolation="bilinear", aspect="auto"
        )
        axis.scatter(*panel.points.T, c=colours(panel.sources.numpy() % 10), s=5, linewidths=0, alpha=0.8)
        axis.scatter(*data.b.centres[0].T, marker="x", c="black", s=50, linewidths=1.5)
        axis.set(title=f"{name}\n" + (f"step {panel.step}" if panel.step else "before training"), xticks=[], yticks=[])
        axis.set(xlim=extent[:2], ylim=extent[2:])
        axis.title.set_fontsize(9)
    figure.tight_layout()
    return plots.pixels_of(figure)


def animation(histories: Mapping[str, Sequence[Panel]], data: Toy, path: Path) -> None:
    """The training as a GIF: one frame for each kept step, a panel for each model."""
    frames = [
        PIL.Image.fromarray(panels(dict(zip(histories, moment, strict=True)), data)).quantize(64)
        for moment in zip(*histories.values(), strict=False)
    ]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=[150] * (len(frames) - 1) + [2500], loop=0)


def _window(target: Mixture) -> tuple[Tensor, Tensor]:
    """Lower left and upper right corner of what is shown."""
    centres = target.centres[0]
    return centres.amin(0) - MARGIN, centres.amax(0) + MARGIN
