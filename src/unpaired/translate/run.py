"""From image files to translated image files."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from unpaired import images
from unpaired.engine.runtime import choose_device
from unpaired.errors import DataError, RunError, ShapeError
from unpaired.framing import Alpha, Fitting, Picture
from unpaired.images import Original, Pixels
from unpaired.images.writing import remove_leftovers
from unpaired.metrics.flicker import Flicker, FlickerMeter
from unpaired.translate import large, paged
from unpaired.translate.changes import NONE, Changes, versions
from unpaired.translate.plan import Existing, Job, plan
from unpaired.translate.progress import Tell
from unpaired.translator import TILE, Translator

MOST_PIXELS = 1 << 24
"""Of the images that are held at once."""


class Outcome(NamedTuple):
    """translated: the files written; skipped: (name, reason) of those that could not be; there: answers that were there
    already; others: files in the folders and zips that are no images by their names; ways: how many files were translated in
    which way, in words; flicker: of each animation and of each folder's images in their order, by name, where asked for.
    """

    translated: list[Path]
    skipped: list[tuple[str, str]]
    there: int
    others: list[str]
    ways: dict[str, int]
    flicker: dict[str, Flicker]


def translate_files(
    where: str | Path,
    inputs: Sequence[str | Path],
    *,
    out: str | Path,
    direction: str | None = None,
    device: str = "auto",
    batch: int = 32,
    existing: Existing = "refuse",
    fit: Fitting | None = None,
    keep_size: bool = True,
    alpha: Alpha = "auto",
    seed: int = 0,
    deterministic: bool = False,
    tile: int | None = None,
    scratch: Path | None = None,
    flicker: bool = False,
    changes: Changes = NONE,
    tell: Tell | None = None,
) -> Outcome:
    """Translate files, folders (at any depth) and zips into `out` under their own names.

    where: a run's folder or a bundle. direction: between two domains; None for "a_to_b". A folder's files keep their place
    below it; with several inputs each folder gets one of its own in `out`. Answers keep the format, bits a sample, colour
    profile and EXIF of their files. What a format cannot hold goes into PNG or TIFF (see `images.writable`), and so does a
    still GIF; animations are translated frame by frame, and TIFFs of several pages page by page, into one of as many. Files
    that cannot be read or translated are skipped and returned.

    batch: images of one size that are translated together. existing: what to do where answers are there already; "keep" goes
    on with a translation that was cut off. fit, keep_size, alpha: see `Framing`; fit None for "whole" where the network takes
    any size, else as in training. seed, deterministic, tile: see `Translator`. scratch: a folder for what is kept between
    tiles. flicker: measure it. changes: of attributes, where `where` translates those. tell: is told how far it is.

    DataError where there is nothing to translate or two answers would share a name; RunError where answers are there
    already, to be refused, or cannot go where they should; ShapeError for a `fit` that the network does not take. All are
    raised before anything is written. RunError also where memory does not suffice. What a killed translation left half written
    in `out` goes.
    """
    chosen, _ = choose_device(device)
    asked = versions(where, direction=direction, changes=changes, device=str(chosen))
    for translator in (version.translator for version in asked):
        translator.seed, translator.deterministic, translator.tile = seed, deterministic, tile
        framing = translator.framing(fit=fit, keep_size=keep_size, alpha=alpha)
        translator.tile_for(*translator.source[1:])  # reads the network: once, and not while threads compute with it
    if scratch is not None and not scratch.is_dir():
        raise DataError(f"{scratch} is no folder; wanted one that exists, with room for what is kept between tiles")
    with ThreadPoolExecutor() as threads:  # decoding and encoding release Python's lock
        planned = [
            plan(
                inputs,
                out=Path(out),
                translator=version.translator,
                framing=framing,
                threads=threads,
                existing=existing,
                suffix=version.suffix,
            )
            for version in asked
        ]
        remove_leftovers(Path(out))
        total = sum(len(jobs) for jobs, _, _ in planned)
        run = _Run(threads, batch=batch, scratch=scratch, flicker=flicker, tell=tell, total=total)
        for version, (jobs, _, _) in zip(asked, planned, strict=True):
            run.translator = version.translator
            for chunk in _chunks(jobs, most=batch):
                with _memory_told(chunk[0]):
                    run.chunk(chunk)
    there, others = sum(there for _, there, _ in planned), planned[0][2]
    return Outcome(run.translated, run.skipped, there, others, run.ways, run.flicker())


def _chunks(jobs: Sequence[Job], *, most: int) -> Iterator[list[Job]]:
    """Still images some at a time, all else alone; in their order."""
    chunk: list[Job] = []
    size = 0
    for job in jobs:
        if chunk and (job.way != "whole" or len(chunk) == most or size + job.size > MOST_PIXELS):
            yield chunk
            chunk, size = [], 0
        chunk.append(job)
        size += job.size
        if job.way != "whole":
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


class _Run:
    """A translation on its way, by `translator`."""

    translator: Translator

    def __init__(
        self,
        threads: Executor,
        *,
        batch: int,
        scratch: Path | None,
        flicker: bool,
        tell: Tell | None,
        total: int,
    ) -> None:
        self._threads = threads
        self._batch, self._scratch = batch, scratch
        self._tell, self._total, self._done = tell, total, 0
        self._meters: dict[str, tuple[FlickerMeter, int]] | None = {} if flicker else None
        self.translated: list[Path] = []
        self.skipped: list[tuple[str, str]] = []
        self.ways: dict[str, int] = {}

    def chunk(self, jobs: Sequence[Job]) -> None:
        """Translate what `_chunks` gave."""
        job = jobs[0]
        self._within(job, 0.0)
        match job.way:
            case "whole":
                self._stills(jobs)
            case "tiles":
                self._tiles(job)
            case "frames":
                self._frames(job)
            case "pages":
                self._pages(job)
            case "none":
                self._skip(job, job.problem)
        self._done += len(jobs)
        if self._tell is not None:
            self._tell(self._done, self._total, "", 0.0)

    def flicker(self) -> dict[str, Flicker]:
        """What was measured, of all sequences that had neighbours."""
        found = {name: meter.result() for name, (meter, _) in (self._meters or {}).items()}
        return {name: measured for name, measured in found.items() if measured.pairs}

    def _stills(self, jobs: Sequence[Job]) -> None:
        opened: dict[int, tuple[Picture, Original, Tensor]] = {}
        by_shape: dict[tuple[int, ...], list[int]] = {}
        for index, found in enumerate(self._threads.map(_open, jobs)):
            if isinstance(found, str):
                self._skip(jobs[index], found)
            else:
                opened[index] = found
                by_shape.setdefault(tuple(found[2].shape), []).append(index)
        answers: dict[int, Tensor] = {}
        for indices in by_shape.values():
            try:
                y = self.translator.translate(torch.stack([opened[index][2] for index in indices]))
            except ShapeError as error:
                for index in indices:
                    self._skip(jobs[index], str(error))
            else:
                answers.update(zip(indices, y, strict=True))
        wanted = [(jobs[index], *opened[index][:2], answer) for index, answer in sorted(answers.items())]
        for job in self._threads.map(_write, wanted):
            self._did(job, job.framing.words)
        for index, answer in sorted(answers.items()):
            self._measure(jobs[index].folder, jobs[index].number, opened[index][2], answer)

    def _tiles(self, job: Job) -> None:
        try:
            large.translate_file(job, translator=self.translator, scratch=self._scratch, progress=partial(self._within, job))
        except (DataError, ShapeError, RunError) as error:
            self._skip(job, job.found.reason(error))
        else:
            self._did(job, f"in tiles of {self.translator.tile or TILE} px")

    def _frames(self, job: Job) -> None:
        try:
            with images.open_frames(job.found.source()) as animation:
                job.target.parent.mkdir(parents=True, exist_ok=True)
                answers = self._answered(job, animation)
                like = animation.original
                images.write_frames(job.target, answers, durations=animation.durations, loops=animation.loops, like=like)
        except (DataError, ShapeError) as error:
            self._skip(job, job.found.reason(error))
        else:
            self._did(job, f"{job.framing.words}, frame by frame")

    def _pages(self, job: Job) -> None:
        try:
            paged.translate_file(
                job,
                translator=self.translator,
                few=self._few,
                scratch=self._scratch,
                measure=partial(self._measure, job.found.name),
                progress=partial(self._within, job),
            )
        except (DataError, ShapeError, RunError) as error:
            self._skip(job, job.found.reason(error))
        else:
            self._did(job, f"{job.framing.words}, page by page")

    def _few(self, size: int) -> int:
        """How many pictures of so many pixels are translated together."""
        return max(1, min(self._batch, MOST_PIXELS // size))

    def _answered(self, job: Job, animation: images.Animation) -> Iterator[Pixels]:
        """The answers to the frames, some frames at a time."""
        framing, done = job.framing, 0
        alpha = animation.original.alpha and framing.layered
        few = self._few(animation.original.width * animation.original.height)
        frames = iter(animation)
        while some := list(islice(frames, few)):
            if not alpha:
                some = [images.convert(each, channels=framing.source[0], background=framing.background) for each in some]
            pictures = [framing.picture(each, alpha=alpha) for each in some]
            x = images.to_tensor(np.stack([framing.shown(picture) for picture in pictures]))
            for number, (picture, shown, answer) in enumerate(zip(pictures, x, self.translator.translate(x), strict=True), done):
                self._measure(job.found.name, number, shown, answer)
                yield framing.answer(answer, picture)
            done += len(some)
            self._within(job, done / len(animation))

    def _did(self, job: Job, way: str) -> None:
        self.translated.append(job.target)
        self.ways[way] = self.ways.get(way, 0) + 1

    def _skip(self, job: Job, reason: str) -> None:
        self.skipped.append((job.found.name, reason))

    def _within(self, job: Job, share: float) -> None:
        if self._tell is not None:
            self._tell(self._done, self._total, job.found.name if job.way in ("tiles", "frames", "pages") else "", share)

    def _measure(self, sequence: str, number: int, x: Tensor, y: Tensor) -> None:
        """number: of the image in its sequence. Neighbours are those whose numbers are."""
        if self._meters is not None:
            meter, before = self._meters.get(sequence, (FlickerMeter(), -1))
            if number != before + 1:
                meter.cut()
            meter.add(x, y)
            self._meters[sequence] = meter, number


def _open(job: Job) -> tuple[Picture, Original, Tensor] | str:
    """A picture, what its answer keeps of it, and what the network is shown [C, H, W]; or the reason why there is none."""
    try:
        picture, original = job.framing.open(job.found.source())
        return picture, original, images.to_tensor(job.framing.shown(picture)[None])[0]
    except (DataError, ShapeError, OSError) as error:
        return job.found.reason(error)


def _write(wanted: tuple[Job, Picture, Original, Tensor]) -> Job:
    job, picture, original, answer = wanted
    job.target.parent.mkdir(parents=True, exist_ok=True)
    images.write(job.target, job.framing.answer(answer, picture), like=original, depth=picture.depth)
    return job


@contextmanager
def _memory_told(job: Job) -> Iterator[None]:
    """Where memory does not suffice, an error that says what helps."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        said = str(error)
        if not isinstance(error, MemoryError | torch.OutOfMemoryError) and "can't allocate memory" not in said:
            raise
        raise RunError(
            f"memory does not suffice at {job.found.name}: {said.splitlines()[0] if said else 'out of memory'}; try a smaller "
            "--batch or --tile, then go on with --existing keep"
        ) from error
