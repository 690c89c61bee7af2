"""Stacked autoencoders: a code in steps, each of which has its way back.

A *level* is a layer and what undoes it, so that one can be trained after the other, each on what those below make of the images
(Hinton and Salakhutdinov 2006; Bengio et al. 2007), or all at once, end to end.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

from torch import Tensor, nn

from unpaired.errors import ShapeError
from unpaired.networks.specs import Activation

Shape = tuple[int, int, int]


class Level(nn.Module):
    """One step of a stack: x -> decoder(encoder(x)), of x's own shape and range."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))


class StackedAutoencoder(nn.Module):
    """Images [N, C, H, W] in [-1, 1] -> the same, by way of a code [N, code].

    unit: the first level sees values from 0 to 1 and its decoder ends in a sigmoid; else from -1 to 1 and a tanh.
    To train level i alone: `levels[i](h)` against h = `encode(images, levels=i)`, whose gradient stops there.
    """

    def __init__(self, levels: Sequence[Level], *, unit: bool) -> None:
        super().__init__()
        self.levels, self.unit = nn.ModuleList(levels), unit

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))

    def encode(self, x: Tensor, *, levels: int | None = None) -> Tensor:
        """What the first `levels` levels (all, if None) make of images: the input of the next; with 0 the first level's input."""
        x = (x + 1) / 2 if self.unit else x
        for level in self._lowest(levels):
            x = level.encoder(x)
        return x

    def decode(self, code: Tensor, *, levels: int | None = None) -> Tensor:
        """Back from what `encode` gives for the same number of `levels` to images in [-1, 1]."""
        for level in reversed(self._lowest(levels)):
            code = level.decoder(code)
        return 2 * code - 1 if self.unit else code

    def rebuild(self, x: Tensor, *, first: int = 0, last: int | None = None) -> Tensor:
        """What level `first` is given, through the levels before `last` (all, if None) and back: of x's own shape and range."""
        levels = cast("list[Level]", list(self.levels)[first:last])
        for level in levels:
            x = level.encoder(x)
        for level in reversed(levels):
            x = level.decoder(x)
        return x

    def _lowest(self, levels: int | None) -> list[Level]:
        return cast("list[Level]", list(self.levels)[:levels])


def dense(shape: Shape, *, hidden: Sequence[int], code: int, activation: Activation, unit: bool) -> StackedAutoencoder:
    """Linear levels: from the pixels to each of `hidden` values, with the activation, and to a linear code."""
    pixels = shape[0] * shape[1] * shape[2]
    levels = []
    for index, (before, after) in enumerate(pairwise([pixels, *hidden, code])):
        there: list[nn.Module] = [nn.Linear(before, after)]
        back: list[nn.Module] = [nn.Linear(after, before)]
        if index < len(hidden):
            there.append(_activation(activation))
        if index:
            back.append(_activation(activation))
        else:
            there.insert(0, nn.Flatten())
            back += [_end(unit=unit), nn.Unflatten(1, shape)]
        levels.append(Level(nn.Sequential(*there), nn.Sequential(*back)))
    return StackedAutoencoder(levels, unit=unit)


def convolutional(
    shape: Shape, *, widths: Sequence[int], hidden: int, code: int, activation: Activation, unit: bool
) -> StackedAutoencoder:
    """4x4 convolutions with stride 2, one for each of `widths` (one at least), a dense layer of `hidden` values, a linear code.

    ShapeError if height or width cannot be halved so often.
    """
    channels, height, width = shape
    step = 2 ** len(widths)
    if height % step or width % step:
        raise ShapeError(
            f"a convolutional autoencoder with {len(widths)} halvings takes heights and widths that are multiples of {step}, "
            f"found {height} x {width}; use another size or fewer widths"
        )
    levels = []
    for index, (before, after) in enumerate(pairwise([channels, *widths])):
        there = nn.Sequential(nn.Conv2d(before, after, 4, 2, 1), _activation(activation))
        last = _activation(activation) if index else _end(unit=unit)
        levels.append(Level(there, nn.Sequential(nn.ConvTranspose2d(after, before, 4, 2, 1), last)))
    inner = (widths[-1], height // step, width // step)
    flat = inner[0] * inner[1] * inner[2]
    there = nn.Sequential(nn.Flatten(), nn.Linear(flat, hidden), _activation(activation))
    back = nn.Sequential(nn.Linear(hidden, flat), _activation(activation), nn.Unflatten(1, inner))
    to_code = Level(nn.Linear(hidden, code), nn.Sequential(nn.Linear(code, hidden), _activation(activation)))
    return StackedAutoencoder([*levels, Level(there, back), to_code], unit=unit)


def _activation(name: Activation) -> nn.Module:
    return nn.ReLU() if name == "relu" else nn.Sigmoid()


def _end(*, unit: bool) -> nn.Module:
    return nn.Sigmoid() if unit else nn.Tanh()
