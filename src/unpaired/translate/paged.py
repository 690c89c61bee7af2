"""TIFFs of several pages: each is translated, and written when it is."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from unpaired import images
from unpaired.framing import Picture
from unpaired.images import Original, Pages
from unpaired.translate.plan import Job
from unpaired.translator import Translator


class _Asked(NamedTuple):
    """A page: number, from 0; shown: what the network is shown of it, [C, H, W]."""

    number: int
    picture: Picture
    original: Original
    shown: Tensor


def translate_file(
    job: Job,
    *,
    translator: Translator,
    few: Callable[[int], int],
    scratch: Path | None,
    measure: Callable[[int, Tensor, Tensor], None],
    progress: Callable[[float], None],
) -> None:
    """Translate every page of a file into a TIFF of as many pages in their order, each of its own size, depth and channels.

    few: how many pictures of so many pixels go together; as many pages are in memory. measure: is told of each page its number,
    what the network was shown [C, H, W], and what it answered. Raises UnreadableImages, which names the page, ShapeError, and
    OSError; no part of an answer is left then.
    """
    framing = job.framing
    with images.open_pages(job.found.source(), channels=framing.source[0]) as pages:
        job.target.parent.mkdir(parents=True, exist_ok=True)
        with images.write_pages(job.target, room=_room(job, pages)) as out:
            for asked in _together(job, pages, few=few):
                y = translator.translate(torch.stack([page.shown for page in asked]), scratch=scratch)
                for page, answer in zip(asked, y, strict=True):
                    measure(page.number, page.shown, answer)
                    out.append(framing.answer(answer, page.picture), like=page.original, depth=page.picture.depth)
                progress((asked[-1].number + 1) / len(pages))


def _together(job: Job, pages: Pages, *, few: Callable[[int], int]) -> Iterator[list[_Asked]]:
    """Pages that follow each other and are of one shape, some at a time."""
    asked: list[_Asked] = []
    for page in pages:
        picture, original = job.framing.open(page)
        shown = images.to_tensor(job.framing.shown(picture)[None])[0]
        size = max(shown.shape[1] * shown.shape[2], picture.pixels.shape[0] * picture.pixels.shape[1])
        if asked and (shown.shape != asked[0].shown.shape or len(asked) >= few(size)):
            yield asked
            asked = []
        asked.append(_Asked(page.number, picture, original, shown))
    yield asked


def _room(job: Job, pages: Pages) -> int:
    """More bytes than the answers' samples can have."""
    framing = job.framing
    sizes = [max(page.width * page.height, framing.target[1] * framing.target[2]) for page in pages]
    return 4 * (framing.target[0] + 1) * sum(sizes)
