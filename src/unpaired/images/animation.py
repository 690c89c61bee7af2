"""Images that move: GIF, WebP and PNG with several frames, read and written frame by frame."""

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt
from PIL import Image

from unpaired.errors import DataError, ShapeError
from unpaired.images import opening, reading
from unpaired.images.channels import ALPHA, MODES, from_picture, native_channels, picture, to_channels
from unpaired.images.levels import Pixels, to_depth
from unpaired.images.original import Original
from unpaired.images.writing import replacing

MOVING = {".gif": "GIF", ".webp": "WEBP", ".png": "PNG"}
"""Endings of the files that can hold frames, and the format of each."""

_COLOURS = 256  # of a frame of a GIF
_CLEAR = (0, 0, 0, 0)


@final
class Animation:
    """The frames of a file, decoded one at a time.

    original: what an answer keeps of the file; its `channels` and `alpha` are those of every frame. durations: of each
    frame, in milliseconds. loops: how often it is shown, 0 for ever; None where the file does not say.
    """

    def __init__(self, image: Image.Image, original: Original, durations: Sequence[float], *, loops: int | None) -> None:
        self.original, self.durations, self.loops = original, tuple(durations), loops
        self._image, self._first = image, _first(image)

    def __len__(self) -> int:
        return len(self.durations)

    def __iter__(self) -> Iterator[Pixels]:
        """Each frame as it is shown, uint8 `[H, W, channels]`."""
        channels = self.original.channels
        for index in range(len(self)):
            self._image.seek(self._first + index)
            yield from_picture(to_channels(self._image, channels=channels, behind=_CLEAR))


def is_animated(source: str | Path | bytes) -> bool:
    """Whether a file that can be read as an image has more than one frame. A TIFF's pages are none. Raises UnreadableImages."""
    with opening.explained(source), opening.stream_of(source) as stream:
        return _moves(stream) is not None


@contextlib.contextmanager
def open_frames(source: str | Path | bytes) -> Iterator[Animation]:
    """The frames of an animated file (see `is_animated`); each raises UnreadableImages where it is damaged.

    All are decoded once at the start: only then it is known how long each is shown and whether any is transparent.
    """
    with opening.stream_of(source) as stream:
        with opening.explained(source):
            image = _moves(stream)
            if image is None:
                raise DataError(f"{source if isinstance(source, str | Path) else 'this file'} has no frames; read it as an image")
            about = opening.about_picture(image)
            durations, found = [], set()
            for index in range(_first(image), getattr(image, "n_frames", 1)):
                image.seek(index)
                image.load()
                durations.append(float(image.info.get("duration", 0)))
                channels = native_channels(image)
                if (
                    channels in ALPHA
                    and from_picture(to_channels(image, channels=channels, behind=_CLEAR))[:, :, -1].min() == 255
                ):
                    channels -= 1
                found.add(channels)
            alpha = any(channels in ALPHA for channels in found)
            channels = (3 if found & {3, 4} else 1) + alpha
            width, height = image.size
            original = dataclasses.replace(about, width=width, height=height, channels=channels, alpha=alpha)
        yield Animation(image, original, durations, loops=image.info.get("loop"))


def write_frames(
    path: str | Path, frames: Iterable[Pixels], *, durations: Sequence[float], loops: int | None, like: Original | None = None
) -> None:
    """Write frames `[H, W, 1 to 4]` of one shape and any depth as GIF, WebP or PNG, as the suffix of `path` says, all or none.

    durations: milliseconds of each, of which GIF keeps hundredths of a second; loops: how often they are shown, 0 for ever,
    None for once (WebP and PNG: for ever). like: the file that they answer.

    WebP and PNG lose nothing. A frame of a GIF has the 256 colours that suit it best, and pixels that are transparent by
    more than half are so entirely. Frames that equal the one before may be written as one that is shown as long as both. All
    are in memory at once, as Pillow gathers them before it writes any.
    Raises DataError for another suffix, ShapeError where frames cannot be written so, OSError.
    """
    path = Path(path)
    format = MOVING.get(path.suffix.lower())
    if format is None:
        raise DataError(f"{path.name}: cannot write frames as '{path.suffix}'; wanted one of {', '.join(MOVING)}")
    pictures = [_indexed(frame) if format == "GIF" else picture(to_depth(frame, depth=8)) for frame in frames]
    if not pictures or len(pictures) != len(durations) or len({(each.size, each.mode) for each in pictures}) > 1:
        raise ShapeError(
            f"{path.name}: {len(pictures)} frames of {len({each.size for each in pictures})} sizes, {len(durations)} durations; "
            "wanted a duration for each frame, and one shape for all"
        )
    how: dict[str, Any] = {"duration": list(durations)} | ({} if loops is None else {"loop": loops})
    if format == "GIF" and any("transparency" in each.info for each in pictures):
        how["disposal"] = 2  # else what was there shows through
    if format == "WEBP":
        how["lossless"] = True
    if like is not None and format != "GIF":
        said = {
            "icc_profile": like.profile(len(pictures[0].getbands())),
            "exif": like.exif_for(width=pictures[0].width, height=pictures[0].height),
        }
        how |= {key: value for key, value in said.items() if value}
    with replacing(path) as partial:
        pictures[0].save(partial, format=format, save_all=True, append_images=pictures[1:], **how)


def _moves(stream: Any) -> Image.Image | None:
    """The file as Pillow opens it, where it has frames."""
    start = opening.start_of(stream)
    if start.startswith(reading.NPY) or reading.is_deep_png(start):
        return None
    image = opening.identify(stream, largest=opening.HUGE)
    moving = image is not None and image.format in MOVING.values() and getattr(image, "is_animated", False)
    return image if moving else None


def _first(image: Image.Image) -> int:
    """The first frame: a PNG may begin with a picture for those who do not show frames."""
    return 1 if image.info.get("default_image") else 0


def _indexed(frame: Pixels) -> Image.Image:
    """A frame as a picture of at most 256 colours: its own where they are no more."""
    pixels = to_depth(frame, depth=8)
    if pixels.ndim != 3 or pixels.shape[2] not in MODES:
        raise ShapeError(f"a frame is {list(pixels.shape)}; wanted [H, W, 1 to 4]")
    gone: npt.NDArray[np.bool_] | None = None
    if pixels.shape[2] in ALPHA:
        gone, pixels = pixels[:, :, -1] < 128, np.where(pixels[:, :, -1:] < 128, 0, pixels[:, :, :-1]).astype(np.uint8)
    if gone is not None and not gone.any():
        gone = None
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    room = _COLOURS - (gone is not None)
    wide = pixels.astype(np.uint32)
    colours, places = np.unique(wide[:, :, 0] << 16 | wide[:, :, 1] << 8 | wide[:, :, 2], return_inverse=True)
    if len(colours) <= room:
        palette = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1).astype(np.uint8)
        places = places.reshape(pixels.shape[:2]).astype(np.uint8)
    else:
        # Without dithering, whose pattern would crawl from frame to frame.
        quantised = picture(pixels).quantize(room, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        palette = np.array(quantised.getpalette("RGB"), np.uint8).reshape(-1, 3)[:room]
        places = np.array(quantised)
    if gone is not None:
        places = np.where(gone, np.uint8(len(palette)), places)
        palette = np.concatenate([palette, np.zeros((1, 3), np.uint8)])
    image = Image.fromarray(places)
    image.putpalette(palette.tobytes(), "RGB")
    if gone is not None:
        image.info["transparency"] = len(palette) - 1
    return image
