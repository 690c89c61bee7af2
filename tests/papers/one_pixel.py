"""Networks that are lines, for images of one pixel, so that every loss can be worked out on paper."""

import torch
from torch import nn

from unpaired.networks.judged import Judged


class Made(nn.Module):
    """Noise [N, 1] (and a condition [N, K] whose k-th entry adds k * `by_class`) -> weight * noise, as [N, 1, 1, 1]."""

    def __init__(self, weight, by_class=0.0):
        super().__init__()
        self.weight, self.by_class = nn.Parameter(torch.tensor(float(weight))), by_class

    def forward(self, noise, condition=None):
        x = self.weight * noise[:, 0]
        if condition is not None:
            x = x + self.by_class * condition.float() @ torch.arange(float(condition.shape[1]))
        return x[:, None, None, None]


class Lines(nn.Module):
    """Images [N, C, 1, 1] -> source: `source` times the sum over channels; classes: [N, K], each `classes[k]` times it."""

    def __init__(self, source=None, classes=None):
        super().__init__()
        self.source = None if source is None else nn.Parameter(torch.tensor(float(source)))
        self.classes = None if classes is None else nn.Parameter(torch.tensor(classes))

    def forward(self, x):
        value = x.sum(dim=(1, 2, 3))
        source = None if self.source is None else self.source * value
        classes = None if self.classes is None else value[:, None] * self.classes
        return Judged(source, classes, [torch.stack([value, 3 * value], dim=1), torch.stack([value, 2 * value], dim=1)])


class Fixed:
    """Noise that is known beforehand: [N, 1]."""

    size, distribution = 1, "uniform"

    def __init__(self, *values):
        self.values = torch.tensor(values)[:, None]

    def draw(self, *lead, generator=None):
        assert lead == (len(self.values),)
        return self.values


def pixels(*values, channels=1):
    return torch.tensor(values).view(-1, 1, 1, 1).expand(-1, channels, 1, 1)


def losses(game, batch, step=0):
    """All losses of a step, by `player/name`."""
    return {f"{turn.player}/{name}": loss.item() for turn in game.play(batch, step) for name, loss in turn.losses.items()}
