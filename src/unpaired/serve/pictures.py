"""Pictures for the eye: PNGs that differ in nothing but what they show."""

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import PIL.Image
from torch import Tensor

from unpaired import images
from unpaired.errors import ShapeError, UnreadableImages

Picture = npt.NDArray[np.uint8]
"""[H, W, 3]."""
PIECES = 4
"""Each way, of a scrambled picture."""


def as_pictures(given: Tensor | Sequence[bytes], *, what: str) -> list[Picture]:
    """Images [N, C, H, W] in [-1, 1], or encoded files, as 8-bit RGB of one size; transparency over white.

    what: "real" or "fake", for messages. Of 5 channels or more the first three are shown. ShapeError where the sizes differ,
    UnreadableImages where a file cannot be read.
    """
    if isinstance(given, Tensor):
        if given.ndim != 4:
            raise ShapeError(f"found {what} images {list(given.shape)}; wanted [N, C, H, W] in [-1, 1]")
        shown = given if given.shape[1] <= 4 else given[:, :3]
        pictures = [_rgb(pixels) for pixels in images.to_uint8(shown).cpu().numpy()]
    else:
        pictures = [_decoded(content, name=f"{what} picture {index}") for index, content in enumerate(given)]
    sizes = sorted({picture.shape[:2] for picture in pictures})
    if len(sizes) > 1:
        raise ShapeError(f"found {what} pictures of {sizes[0]} and {sizes[1]} pixels; wanted one size: it would tell them apart")
    return pictures


def png(picture: Picture) -> bytes:
    """The picture as a PNG without anything beside its pixels."""
    stream = io.BytesIO()
    PIL.Image.fromarray(picture).save(stream, format="PNG", optimize=True)
    return stream.getvalue()


def scrambled(picture: Picture, *, seed: int) -> Picture:
    """The picture cut into `PIECES` x `PIECES` squares, shuffled, each turned by a quarter, a half or three quarters.

    It keeps its colours, its contrast and its texture, but shows nothing. What is left at the edges where the sides are no
    multiples stays in place.
    """
    chance = np.random.default_rng(seed)
    side = min(picture.shape[:2]) // PIECES
    if not side:
        raise ShapeError(f"found a picture of {picture.shape[0]} x {picture.shape[1]}; wanted sides of at least {PIECES} pixels")
    rows, columns = (length // side for length in picture.shape[:2])
    places = [(row * side, column * side) for row in range(rows) for column in range(columns)]
    result = picture.copy()
    for (top, left), source in zip(places, chance.permutation(len(places)), strict=True):
        y, x = places[source]
        result[top : top + side, left : left + side] = np.rot90(picture[y : y + side, x : x + side], int(chance.integers(1, 4)))
    return result


def _decoded(content: bytes, *, name: str) -> Picture:
    try:
        with PIL.Image.open(io.BytesIO(content)) as image:
            return _rgb(np.asarray(image.convert("RGBA")))
    except (OSError, ValueError, SyntaxError) as error:
        raise UnreadableImages(f"{name} cannot be read: {error}; wanted a PNG, JPEG or WebP file") from None


def _rgb(pixels: npt.NDArray[np.uint8]) -> Picture:
    return np.asarray(images.convert(pixels, channels=3), dtype=np.uint8)
