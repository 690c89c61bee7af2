"""What a trained run *is*: translators."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import PIL.Image
import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from unpaired import config, images, large
from unpaired.errors import ShapeError
from unpaired.framing import Alpha, Fitting, Framing
from unpaired.large.layers import reflected
from unpaired.networks import specs
from unpaired.networks.build import Shape
from unpaired.networks.noise import is_noisy, set_deterministic

AT_ONCE = 1 << 20
"""Values translated at once: 85 colour images of 64 px, 5 of 256 px. A network's layers hold many times as many."""
DIRECTIONS = ("a_to_b", "b_to_a")
ROOM = 1 << 30
"""Bytes of feature maps (what torch needs besides makes them two to three times as many) with which an image is translated
whole: photographs of 2 million pixels by CycleGAN's generator. Larger ones go in tiles."""
TILE = 512
"""Rows and columns of a tile."""


@runtime_checkable
class Adapting(Protocol):
    """A network whose layers hang on the whole image."""

    def settled(self, small: Tensor) -> nn.Module:
        """The network for the image that `small` [1, C, h, w] is a copy of, as layers that can be computed part by part."""


class Translator:
    """Samples of one domain -> samples of the other, by one network.

    network: [N, *source] in [-1, 1] -> [N, *target] in [-1, 1]; spec: what it was built from, kept with its weights.
    fit, background: how pictures of other shapes and modes are brought to the source's shape (see `DataOptions`).
    source_range, target_range: the numbers that are black and white in files of either domain; None for the ends of their
    samples' type.
    seed: of the noise, where the network has any (pix2pix's dropout): each image is translated with the same draws, whatever
    its neighbours. deterministic: without noise.
    tile: pixels; images that are larger are translated in tiles of so many, with the statistics of the whole image; None for
    tiles of 512 px where an image is too large for memory.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        spec: specs.Generator | specs.StarGANGenerator,
        source: Shape,
        target: Shape,
        fit: images.Fit = "crop",
        background: str = "white",
        source_range: images.ValueRange | None = None,
        target_range: images.ValueRange | None = None,
        seed: int = 0,
        deterministic: bool = False,
        tile: int | None = None,
    ) -> None:
        self.network, self.spec = network, spec
        self.source, self.target = source, target
        self.fit, self.background = fit, background
        self.source_range, self.target_range = source_range, target_range
        self.seed, self.deterministic = seed, deterministic
        self.tile = tile
        self._most: float | None = None
        self._suited: dict[tuple[int, int], tuple[int, int]] = {}

    def __repr__(self) -> str:
        source, target = ("x".join(map(str, shape)) for shape in (self.source, self.target))
        return f"<Translator {source} -> {target} by {config.format_choice(self.spec)}>"

    def __call__(self, x: Any) -> Any:
        """Translate x and answer in kind: a picture for a path or a PIL image, an array for an array, a tensor for a tensor.

        Tensors are [C, H, W] or [N, C, H, W], float in [-1, 1], uint8 or uint16; arrays are [H, W, C] or [N, H, W, C], float
        in [0, 1], uint8 or uint16. Networks of convolutions (`any_size`) take every H and W; else they must be those that
        were trained on (ShapeError). Pictures are translated as `pixels` does, and answered with 8 bits.
        """
        match x:
            case Tensor():
                return self._tensor(x)
            case np.ndarray():
                return self._array(x)
            case PIL.Image.Image() | str() | Path():
                pixels, original = self.pixels(x)
                picture = images.picture(images.to_depth(pixels, depth=8))
                said = {"icc_profile": original.profile(pixels.shape[2])}
                said["exif"] = original.exif_for(width=picture.width, height=picture.height)
                picture.info |= {key: value for key, value in said.items() if value}  # Pillow saves them with it
                return picture
        raise ShapeError(f"cannot translate a {type(x).__name__}; wanted a path, a PIL image, a numpy array or a torch tensor")

    @property
    def any_size(self) -> bool:
        """Whether images of every height and width can be translated as they are."""
        return isinstance(self.spec, specs.ResNet | specs.UNet | specs.ResidualImage | specs.StarGANGenerator)

    @torch.no_grad()
    def batch(self, x: Tensor) -> Tensor:
        """[N, *source] -> [N, *target] in float32, in evaluation mode, on the network's device, a few at a time.

        Images are clamped to [-1, 1], as in files.
        """
        _require(x.shape, self.source)
        return self._forward(x)

    @torch.no_grad()
    def translate(self, x: Tensor, *, scratch: Path | None = None) -> Tensor:
        """As `batch`, of any height and width where the network takes them: [N, C, H, W] -> [N, C', H, W].

        Images that do not suit the network's strides are mirrored below and to the right, and cut again; those that are too
        large for memory go in tiles (see `tile`); scratch: a folder for what is kept between them. ShapeError.
        """
        if not self.any_size or (x.shape[1:] == self.source and self.tile_for(*self.source[1:]) is None):
            return self.batch(x)
        self._require_channels(x.shape, x.shape[1:2], last=False)
        if self.tile_for(*x.shape[2:]) is None:
            return self._padded(x)
        y = x.new_empty(len(x), self.target[0], *x.shape[2:], dtype=torch.float32)
        for image, answer in zip(x, y, strict=True):
            self._in_tiles(image, answer, scratch=scratch)
        return y

    def tiled(
        self,
        *,
        shape: tuple[int, int],
        read: Callable[[slice, slice], Tensor],
        write: Callable[[slice, slice, Tensor], None],
        scratch: Path | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        """Translate one image of any height and width tile by tile (see `large.translate_large`); answers are clamped to
        [-1, 1]. Raises ShapeError, RunError where the disk has too little space for what is kept between tiles, OSError.
        """

        def clamped(rows: slice, cols: slice, y: Tensor) -> None:
            write(rows, cols, y.clamp(-1, 1))

        with self._evaluating():
            network = self.network
            if isinstance(network, Adapting):
                network = network.settled(_small(read, shape=shape, size=self.source[1:]))
            large.translate_large(
                network,
                shape=shape,
                channels=(self.source[0], self.target[0]),
                read=read,
                write=clamped,
                tile=self.tile or TILE,
                scratch=scratch,
                progress=progress,
            )

    def tile_for(self, height: int, width: int) -> int | None:
        """The side of the tiles in which an image of this size is translated; None where it goes whole."""
        if not self.any_size:
            return None
        if self.tile is not None:
            return self.tile if max(height, width) > self.tile else None
        if self._most is None:
            with self._evaluating():
                taken = large.whole_bytes(self._layers(), shape=(self.source[1], self.source[2]), channels=self.source[0])
            self._most = ROOM / taken * math.prod(self.source[1:])
        return TILE if height * width > self._most else None

    def framing(self, *, fit: Fitting | None = None, keep_size: bool = True, alpha: Alpha = "auto") -> Framing:
        """How pictures meet this network. fit: None for "whole" where the network takes any size, else as in training.

        ShapeError where it does not take pictures, or "whole" is asked of a network of one size.
        """
        if len(self.source) != 3 or len(self.target) != 3:
            raise ShapeError(f"this translator takes points of shape {self.source}, not pictures")
        if fit == "whole" and not self.any_size:
            raise ShapeError(
                f"network '{self.spec.kind}' takes images of {self.source[1]} x {self.source[2]} px only; "
                "fit them by crop, resize or pad"
            )
        return Framing(
            source=(self.source[0], self.source[1], self.source[2]),
            target=(self.target[0], self.target[1], self.target[2]),
            fit=fit or ("whole" if self.any_size else self.fit),
            keep_size=keep_size,
            alpha=alpha,
            background=self.background,
            source_range=self.source_range,
            target_range=self.target_range,
        )

    def pixels(
        self,
        x: str | Path | bytes | PIL.Image.Image,
        *,
        fit: Fitting | None = None,
        keep_size: bool = True,
        alpha: Alpha = "auto",
    ) -> tuple[images.Pixels, images.Original]:
        """Translate a picture (a path, a file's bytes or a PIL image) of any size, as files are: pixels [H, W, C] with its bits
        a sample, and what an answer keeps of it besides (for `images.write(..., like=)`). With a `target_range` they are floats,
        0 and 1 for its ends, and `images.write` writes the numbers of that range.

        fit, keep_size, alpha: see `Framing`. UnreadableImages where it is no picture; ShapeError.
        """
        framing = self.framing(fit=fit, keep_size=keep_size, alpha=alpha)
        picture, original = framing.open(x)
        y = self.translate(images.to_tensor(framing.shown(picture)[None]))
        return framing.answer(y[0], picture), original

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """The network in evaluation mode, its noise at its seed; afterwards it trains as before."""
        device, training = next(self.network.parameters()).device, self.network.training
        noisy = is_noisy(self.network) and not self.deterministic
        self.network.eval()
        set_deterministic(self.network, self.deterministic)
        try:
            with torch.random.fork_rng(devices=[device] if device.type == "cuda" else [], enabled=noisy):
                if noisy:
                    torch.manual_seed(self.seed)
                yield
        finally:
            self.network.train(training)

    def _forward(self, x: Tensor) -> Tensor:
        """[N, ...], of a shape that suits the network -> its answers."""
        device = next(self.network.parameters()).device
        noisy = is_noisy(self.network) and not self.deterministic
        few = 1 if noisy else max(1, AT_ONCE // max(1, math.prod(x.shape[1:])))
        parts = []
        with self._evaluating():
            for part in x.split(few):
                if noisy:
                    torch.manual_seed(self.seed)
                # forward, not the call: a network compiled for training would be compiled once more for evaluation.
                parts.append(self.network.forward(part.to(device, torch.float32)))
        y = torch.cat(parts).to(x.device) if parts else x.new_empty(0, self.target[0], *x.shape[2:])
        return y.clamp(-1, 1) if len(self.target) == 3 else y

    def _padded(self, x: Tensor) -> Tensor:
        """[N, C, H, W] mirrored as far as the network needs it, translated and cut again."""
        height, width = x.shape[2:]
        if (height, width) not in self._suited:
            with self._evaluating():
                suited = large.padded_shape(self._layers(), shape=(height, width), channels=self.source[0])
            self._suited[height, width] = suited
        rows, cols = self._suited[height, width]
        if rows != height:
            x = x.index_select(2, reflected(torch.arange(rows), height).to(x.device))
        if cols != width:
            x = x.index_select(3, reflected(torch.arange(cols), width).to(x.device))
        return self._forward(x)[:, :, :height, :width]

    def _layers(self) -> nn.Module:
        """The network as layers, whatever the image."""
        return self.network.settled(torch.zeros(1, *self.source)) if isinstance(self.network, Adapting) else self.network

    def _in_tiles(self, image: Tensor, answer: Tensor, *, scratch: Path | None) -> None:
        """Fill `answer` [C', H, W] by the translation of `image` [C, H, W]."""

        def read(rows: slice, cols: slice) -> Tensor:
            return image[None, :, rows, cols].float()

        def write(rows: slice, cols: slice, y: Tensor) -> None:
            answer[:, rows, cols] = y[0].to(answer.device)

        self.tiled(shape=(image.shape[1], image.shape[2]), read=read, write=write, scratch=scratch)

    def _tensor(self, x: Tensor) -> Tensor:
        if x.dim() == len(self.source):
            return self._tensor(x[None])[0]
        if x.dtype not in (torch.uint8, torch.uint16) and not x.is_floating_point():
            raise ShapeError(f"found a tensor of {x.dtype}; wanted uint8, uint16, or floats from -1 to 1")
        self._require_channels(x.shape, x.shape[1:2], last=False)
        if not x.is_floating_point():
            y = self.translate(images.to_tensor(x.movedim(1, -1)))
            return images.to_pixels(y, depth=images.depth_of(x)).movedim(-1, 1)
        return self.translate(x).to(x.dtype)

    def _array(self, x: np.ndarray) -> np.ndarray:
        if x.ndim == len(self.source):
            return self._array(x[None])[0]
        self._require_channels(x.shape, x.shape[-1:], last=True)
        if x.dtype in (np.uint8, np.uint16):
            y = self.translate(images.to_tensor(np.ascontiguousarray(x)))
            return images.to_pixels(y, depth=images.depth_of(x)).numpy()
        if not np.issubdtype(x.dtype, np.floating) or (x.size and not (x.min() >= 0 and x.max() <= 1)):
            found = f"{x.dtype} from {x.min():g} to {x.max():g}" if x.size and x.dtype.kind in "biuf" else f"{x.dtype}"
            raise ShapeError(f"found an array of {found}; wanted uint8, uint16, or floats from 0 to 1")
        y = self.translate(torch.from_numpy(np.array(x, np.float32, order="C")).movedim(-1, 1) * 2 - 1)
        return ((y.movedim(1, -1) + 1) / 2).numpy().astype(x.dtype)

    def _require_channels(self, found: tuple[int, ...], channels: tuple[int, ...], *, last: bool) -> None:
        """ShapeError where samples of this shape cannot be translated."""
        if not self.any_size:
            _require(found, (*self.source[1:], self.source[0]) if last else self.source)
        elif len(found) != 4 or tuple(channels) != self.source[:1] or 0 in found[1:]:
            wanted = f"H, W, {self.source[0]}" if last else f"{self.source[0]}, H, W"
            raise ShapeError(f"found {list(found)}; this translator takes [N, {wanted}] or one sample [{wanted}]")


def _small(read: Callable[[slice, slice], Tensor], *, shape: tuple[int, int], size: Shape) -> Tensor:
    """A small copy [1, C, *size] of an image of height and width `shape`, read band by band."""
    rows = min(size[0], shape[0])
    edges = [row * shape[0] // rows for row in range(rows + 1)]
    bands = [adaptive_avg_pool2d(read(slice(*edge), slice(0, shape[1])), (1, size[1])) for edge in pairwise(edges)]
    return interpolate(torch.cat(bands, dim=2), tuple(size), mode="bilinear")


def both_ways(a_to_b: nn.Module, b_to_a: nn.Module, *, spec: specs.Generator, a: Shape, b: Shape) -> dict[str, Translator]:
    """The translators of two networks of one spec, between samples of shapes a and b."""
    return {
        "a_to_b": Translator(a_to_b, spec=spec, source=a, target=b),
        "b_to_a": Translator(b_to_a, spec=spec, source=b, target=a),
    }


def _require(found: tuple[int, ...], sample: tuple[int, ...]) -> None:
    if tuple(found[1:]) != sample:
        wanted = ", ".join(map(str, sample))
        raise ShapeError(f"found {list(found)}; this translator takes [N, {wanted}] or one sample [{wanted}]")
