"""Label maps: pictures whose numbers are classes, not brightness. Nothing here mixes two of them."""

import colorsys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from unpaired.errors import DataError, ShapeError, UnreadableImages
from unpaired.images.fitting import Fit, placed
from unpaired.images.levels import Pixels
from unpaired.images.opening import LARGEST, explained, identify, stream_of

Labels = npt.NDArray[np.uint8]

VOID = 255
"""Stands for no class: a pixel that nobody labelled, or that was padded."""
MAP_SUFFIXES = frozenset((".png", ".tif", ".tiff", ".bmp", ".gif", ".pgm"))
"""Of files that keep their numbers; JPEG and lossy WebP do not."""
_GOLDEN = 0.618033988749895


def read_map(source: str | Path | bytes) -> Labels:
    """The classes in a file, `[H, W]`: its grey levels, or the numbers of its palette's colours, from 0, and `VOID`.

    UnreadableImages where it is none, has colours without numbers, numbers beyond 255, or is too large.
    """
    with explained(source), stream_of(source) as stream:
        image = identify(stream, largest=LARGEST)
        if image is None or image.mode not in ("L", "P", "1", "I", "I;16"):
            found = "samples of a kind of their own" if image is None else f"mode {image.mode}"
            raise UnreadableImages(
                f"{found}, no label map; wanted a number for each pixel: a grey or palette PNG of 8 bits whose values are classes"
            )
        numbers = np.asarray(image)
        if numbers.size and int(numbers.max()) > VOID:
            raise UnreadableImages(f"numbers up to {int(numbers.max())}; wanted classes from 0 to 254, and {VOID} for none")
        return numbers.astype(np.uint8)


def write_map(path: Path, labels: Labels) -> None:
    """A PNG of `[H, W]` with a palette: its numbers are the classes, its colours those of `coloured`."""
    picture = Image.fromarray(labels, "P")
    picture.putpalette(_palette().tobytes())
    picture.save(path, format="PNG")


def fit_map(labels: Labels, *, size: int | tuple[int, int], how: Fit = "crop") -> Labels:
    """A map `[H, W]` brought to `size` as `fit` brings its image, by the nearest pixel; what is padded is `VOID`."""
    if labels.ndim != 2:
        raise ShapeError(f"found labels {list(labels.shape)}; wanted [H, W]")
    height, width = (size, size) if isinstance(size, int) else size
    box, (top, left), inner = placed(labels.shape, (height, width), how=how)
    scaled = np.asarray(Image.fromarray(labels).resize(inner[::-1], Image.Resampling.NEAREST, box=box))
    canvas = np.full((height, width), VOID, np.uint8)
    canvas[top : top + inner[0], left : left + inner[1]] = scaled
    return canvas


def coloured(labels: npt.NDArray[np.generic]) -> Pixels:
    """Maps of classes, of any shape `[...]`, in colours `[..., 3]`: neighbouring numbers far apart, `VOID` black."""
    if labels.size and not 0 <= int(labels.min()) <= int(labels.max()) <= VOID:
        raise DataError(f"found classes from {labels.min()} to {labels.max()}; wanted 0 to {VOID}")
    return _palette()[labels.astype(np.uint8)]


def _palette() -> npt.NDArray[np.uint8]:
    """A colour for each number [256, 3]."""
    colours = [
        colorsys.hsv_to_rgb(number * _GOLDEN % 1, (0.75, 0.45)[number % 2], (0.95, 0.6)[number // 2 % 2])
        for number in range(VOID)
    ]
    return np.rint(np.array([*colours, (0, 0, 0)]) * 255).astype(np.uint8)
