"""Random variations of training images: crop, horizontal flip, colour jitter.

Each is one batched torch operation on the images' device. The random numbers are drawn apart (`draw`) from their use
(`vary`) and on the generator's own device: so a batch varies alike on every device, and a process that holds rows 4 to
7 of a batch varies them as one process with the whole batch would.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from unpaired import images
from unpaired.errors import ShapeError

# ITU-R 601, as Pillow's conversion to grey.
_LUMA = (0.299, 0.587, 0.114)


class Draws(NamedTuple):
    """The random numbers of a batch, each uniform in [0, 1).

    place: `[N, 2]`, where the crop lies (down, across); flip: `[N]`; jitter: `[N, 3]` for brightness, contrast,
    saturation.
    """

    place: Tensor
    flip: Tensor
    jitter: Tensor

    def rows(self, which: slice) -> "Draws":
        """The numbers of these images alone."""
        return Draws(self.place[which], self.flip[which], self.jitter[which])


def draw(count: int, *, generator: torch.Generator) -> Draws:
    """The numbers for `count` images. Always as many from the generator, whatever is switched on later."""
    numbers = torch.rand(count, 6, generator=generator, device=generator.device)
    return Draws(numbers[:, 0:2], numbers[:, 2], numbers[:, 3:6])


def vary(x: Tensor, *, draws: Draws, size: int | tuple[int, int] | None = None, flip: bool = True, jitter: float = 0.0) -> Tensor:
    """The batch, varied as `draws` says: float `[N, C, height, width]` in [-1, 1].

    x: pixels with their channels moved, `[N, C, H, W]`: uint8, uint16 or float32 in [0, 1]. size: side, or height and width,
    of the crop; None keeps all; every place is equally likely. flip: mirror each image with probability 1/2. jitter: 0 (off)
    to 1; brightness, contrast and (where there are 3 channels, or 3 and alpha) saturation, in this order, are each
    multiplied by a number between 1 - jitter and 1 + jitter, as in Pillow's ImageEnhance; contrast is about the mean of the
    colour's grey, or else of each channel for itself. The last of 2 or 4 channels is transparency and left alone.

    Raises ShapeError where the crop is larger than the images, or the draws are for another number of images.
    """
    height, width = x.shape[2:] if size is None else (size, size) if isinstance(size, int) else size
    if x.ndim != 4 or height > x.shape[2] or width > x.shape[3] or len(draws.flip) != len(x):
        raise ShapeError(
            f"images are {list(x.shape)}, draws for {len(draws.flip)}; wanted [N, C, H, W] of at least {height} x "
            f"{width} and as many draws: load the images larger, or crop smaller"
        )
    if not 0.0 <= jitter <= 1.0:
        raise ShapeError(f"jitter is {jitter}; wanted 0 (off) to 1")
    draws = Draws(*(numbers.to(x.device) for numbers in draws))  # once for all
    # Samples are moved about before they grow to floats.
    x = crop_and_flip(x, draws=draws, height=height, width=width, flip=flip)
    x = images.to_tensor(x.permute(0, 2, 3, 1))
    return (_jitter(x, strength=jitter, numbers=draws.jitter) if jitter else x).contiguous()


def centre_crop(x: Tensor, *, size: int | tuple[int, int]) -> Tensor:
    """The middle of each image, `[N, C, height, width]`: what stands in for the random crop where nothing is random."""
    height, width = (size, size) if isinstance(size, int) else size
    if height > x.shape[2] or width > x.shape[3]:
        raise ShapeError(f"images are {list(x.shape)}; wanted at least {height} x {width}: load them larger, or crop smaller")
    top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
    return x[:, :, top : top + height, left : left + width]


def crop_and_flip(x: Tensor, *, draws: Draws, height: int, width: int, flip: bool) -> Tensor:
    """Samples `[N, C, H, W]` of any type, moved about as `vary` does it, on the device of x: `[N, C, height, width]`."""
    draws = Draws(*(numbers.to(x.device) for numbers in draws))
    if x.dtype == torch.uint16:  # which torch can store, but hardly index: to move them, any 16 bits will do
        moved = crop_and_flip(x.view(torch.int16), draws=draws, height=height, width=width, flip=flip)
        return moved.view(torch.uint16)
    mirrored = draws.flip < 0.5 if flip else torch.zeros_like(draws.flip, dtype=torch.bool)
    if (height, width) == tuple(x.shape[2:]):
        return torch.where(mirrored[:, None, None, None], x.flip(3), x) if flip else x
    room = torch.tensor([x.shape[2] - height + 1, x.shape[3] - width + 1], device=x.device)
    # A number just below 1 can round up to the whole room.
    top, left = (draws.place * room).long().minimum(room - 1).unbind(1)
    down = top[:, None] + torch.arange(height, device=x.device)
    step = torch.arange(width, device=x.device).expand(len(x), width)
    across = left[:, None] + torch.where(mirrored[:, None], width - 1 - step, step)
    image = torch.arange(len(x), device=x.device)
    # Channels last, as they come from the store, one look-up moves a whole pixel: twice as fast as indexing four axes.
    pixels = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])
    places = (image[:, None, None] * x.shape[2] + down[:, :, None]) * x.shape[3] + across[:, None, :]
    return pixels.index_select(0, places.flatten()).view(len(x), height, width, x.shape[1]).permute(0, 3, 1, 2)


def _jitter(x: Tensor, *, strength: float, numbers: Tensor) -> Tensor:
    alpha = x.shape[1] in (2, 4)
    colour = x[:, : x.shape[1] - alpha].add(1.0).div_(2.0)
    factors = (1.0 + strength * (2.0 * numbers.to(x.dtype) - 1.0))[:, :, None, None, None].unbind(1)
    colour = colour.mul_(factors[0]).clamp_(0.0, 1.0)
    middle = _grey(colour).mean(dim=(2, 3), keepdim=True)
    colour = torch.lerp(middle, colour, factors[1]).clamp_(0.0, 1.0)
    if colour.shape[1] == 3:
        colour = torch.lerp(_grey(colour), colour, factors[2]).clamp_(0.0, 1.0)
    colour = colour.mul_(2.0).sub_(1.0)
    return torch.cat([colour, x[:, -1:]], dim=1) if alpha else colour


def _grey(colour: Tensor) -> Tensor:
    if colour.shape[1] != 3:
        return colour
    red, green, blue = colour.split(1, dim=1)
    return _LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue
