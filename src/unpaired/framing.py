"""A picture on its way to a network and back: channels, transparency, size and depth."""

import dataclasses
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import Tensor

from unpaired import images
from unpaired.images import Depth, Original, Pixels
from unpaired.images.channels import colour

Fitting = Literal["whole", "crop", "resize", "pad"]
"""How a picture of any size comes to a network: as it is, or brought to the trained size by cutting, stretching or padding."""
Alpha = Literal["auto", "keep", "compose"]
"""What becomes of transparency that neither domain has: carried over, or laid over the background."""

_COLOURED = (1, 3)


class Picture(NamedTuple):
    """What a network is shown of a picture, and what it is not.

    pixels: `[H, W, C]` with the network's channels, without transparency; alpha: float32 `[H, W, 1]` in [0, 1], to be carried
    over; depth: bits of a sample of the answer.
    """

    pixels: Pixels
    alpha: npt.NDArray[np.float32] | None
    depth: Depth


@dataclasses.dataclass(frozen=True, kw_only=True)
class Framing:
    """How pictures of any size, depth and number of channels meet a network.

    source, target: (C, H, W) that it was trained on. fit: see `Fitting`; "whole" is for networks of any size. keep_size: bring
    what was fitted back to the size that it had: all of the picture, or under "crop" the part that was not cut off.
    alpha: under "keep" and "auto" transparency is carried over to the answer, where source and target are grey or colour
    without any; under "compose" the answer has none. background: the colour behind transparent pixels and around padded ones.

    Transparent pictures are laid over the background before they are translated, as for training. To carry transparency over,
    the background is taken out again: laid over the background, the answer is what the network answered.

    source_range, target_range: the numbers in files that are black and white, as in training (see `Translator`).
    """

    source: tuple[int, int, int]
    target: tuple[int, int, int]
    fit: Fitting
    keep_size: bool = True
    alpha: Alpha = "auto"
    background: str = "white"
    source_range: images.ValueRange | None = None
    target_range: images.ValueRange | None = None

    @property
    def layered(self) -> bool:
        """Whether transparency is carried over."""
        return self.alpha != "compose" and self.source[0] in _COLOURED and self.target[0] in _COLOURED

    @property
    def words(self) -> str:
        """What becomes of a picture's size."""
        size = f"{self.source[1]} x {self.source[2]} px"
        match self.fit:
            case "whole":
                return "whole"
            case "crop":
                return f"middle cut out, at {size}" + (" and scaled back" if self.keep_size else "")
            case "resize" | "pad":
                done = "stretched" if self.fit == "resize" else "padded"
                return f"{done} to {size}" + (" and back" if self.keep_size else "")

    def open(self, source: str | Path | bytes | Image.Image | images.Page) -> tuple[Picture, Original]:
        """A picture, and what its answer keeps of it besides. Raises UnreadableImages."""
        channels = self.source[0]
        how: dict[str, Any] = {"background": self.background, "depth": self.read_depth, "value_range": self.source_range}
        pixels, original = images.open_image(source, channels=None if self.layered else channels, **how)
        if not original.alpha and pixels.shape[2] != channels:
            pixels, _ = images.open_image(source, channels=channels, **how)
        picture = self.picture(pixels, alpha=self.layered and original.alpha)
        answered = original.answering(self.target_range, alpha=picture.alpha is not None)
        return picture._replace(depth=self.answer_depth(original)), answered

    @property
    def read_depth(self) -> Depth | None:
        """At how many bits a sample files are read: their own, but for numbers of a range as floats."""
        return None if self.source_range is None else 32

    def answer_depth(self, original: Original) -> Depth:
        """Bits of a sample of the answer to a file, before it is written as numbers of the target's range."""
        return original.depth if self.target_range is None else 32

    def picture(self, pixels: Pixels, *, alpha: bool) -> Picture:
        """Pixels as a picture. alpha: whether their last channel is transparency, to be carried over; if not, they have as many
        channels as the network.
        """
        if not alpha:
            return Picture(pixels, None, images.depth_of(pixels))
        deep = images.to_depth(images.convert(pixels, channels=self.source[0] + 1), depth=32).astype(np.float32, copy=False)
        share = deep[:, :, -1:]
        over = share * deep[:, :, :-1] + (1 - share) * self._behind(self.source[0])
        return Picture(over.astype(np.float32), share, images.depth_of(pixels))

    def shown(self, picture: Picture) -> Pixels:
        """What the network is shown: `[H, W, C]`, or of the trained size."""
        if self.fit == "whole":
            return picture.pixels
        return images.fit(picture.pixels, size=self.source[1:], how=self.fit, background=self.background)

    def answer(self, y: Tensor, picture: Picture) -> Pixels:
        """The network's answer `[C, h, w]` in [-1, 1] as pixels `[H, W, C]` of the picture's depth, transparent where it was."""
        same = self.fit == "whole" or not self.keep_size
        if same and picture.alpha is None:
            return images.to_pixels(y[None], depth=picture.depth)[0].cpu().numpy()
        pixels: Pixels = images.to_pixels(y[None], depth=32)[0].cpu().numpy()
        shape = (picture.pixels.shape[0], picture.pixels.shape[1])
        if not same and self.fit != "whole":
            pixels = images.restored(pixels, shape=shape, how=self.fit)
        if picture.alpha is not None:
            pixels = self._transparent(pixels, self._fitted_alpha(picture.alpha, pixels))
        return images.to_depth(pixels, depth=picture.depth)

    def _fitted_alpha(self, alpha: npt.NDArray[np.float32], pixels: Pixels) -> Pixels:
        """Transparency for the answer's pixels."""
        size = (pixels.shape[0], pixels.shape[1])
        if self.fit == "whole":
            return alpha
        return images.fit(alpha, size=size, how=self.fit, background="black", alpha=False)

    def _transparent(self, pixels: Pixels, share: Pixels) -> Pixels:
        """Pixels over the background, float32 `[H, W, C]`, with the background taken out and its share as one more channel."""
        rest = pixels - (1 - share) * self._behind(pixels.shape[2])
        # What is not seen at all keeps the colour that the network gave it.
        colours = np.divide(rest, share, out=pixels.astype(np.float32), where=np.broadcast_to(share > 0, rest.shape))
        return np.concatenate([colours.clip(0, 1), share], axis=2)

    def _behind(self, channels: int) -> npt.NDArray[np.float32]:
        """The background as float32 `[channels]`."""
        behind = images.convert(np.array([[colour(self.background)[:3]]], np.uint8), channels=channels)
        return behind[0, 0] / np.float32(255)
