"""What there is to translate, where each answer goes and how it is made."""

import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path, PurePath, PurePosixPath
from typing import Literal, NamedTuple

from unpaired import images
from unpaired.data.sources import open_source
from unpaired.errors import DataError, RunError
from unpaired.framing import Framing
from unpaired.images.animation import MOVING
from unpaired.images.channels import ALPHA
from unpaired.images.levels import Depth, type_for
from unpaired.images.writing import PAGED, depth_for, writable
from unpaired.translator import Translator

Existing = Literal["refuse", "overwrite", "keep"]
Way = Literal["whole", "tiles", "frames", "pages", "none"]


class Found(NamedTuple):
    """A file to translate.

    read: its bytes; path: the file itself, None for one in an archive; origin: the file or archive that the bytes come from;
    name: what messages call it; out: the folder for its answer; place: its name there.
    """

    read: Callable[[], bytes]
    path: Path | None
    origin: Path
    name: str
    out: Path
    place: PurePosixPath

    def source(self) -> Path | bytes:
        """What it can be opened by. Raises OSError and DataError."""
        return self.path if self.path is not None else self.read()

    def reason(self, error: Exception) -> str:
        """Why it cannot be read, without its name."""
        return str(error).removeprefix(f"{self.path}: ")


class Job(NamedTuple):
    """A file and what becomes of it.

    target: where its answer goes. framing: how it meets the network, its transparency settled. way: whole, in tiles, frame by
    frame or page by page, or "none" for a `problem`. transparent: the file may have transparency to be carried over. size:
    pixels. number: its place among the images of its folder, which may be the frames of a sequence.
    """

    found: Found
    target: Path
    framing: Framing
    way: Way
    transparent: bool = False
    size: int = 0
    problem: str = ""
    number: int = 0

    @property
    def folder(self) -> str:
        """Where the file lies, in messages."""
        return str(PurePath(self.found.name).parent)


def plan(
    inputs: Sequence[str | Path],
    *,
    out: Path,
    translator: Translator,
    framing: Framing,
    threads: Executor,
    existing: Existing,
    suffix: str = "",
) -> tuple[list[Job], int, list[str]]:
    """The jobs in their order, how many answers are there already and were left out, and files that are no images by name.

    suffix: what each answer is called after the name of its file. Raises DataError and RunError as `translate_files`; nothing was
    written then.
    """
    others: list[str] = []
    found = [each for given in inputs for each in _found(Path(given), out, several=len(inputs) > 1, others=others)]
    found = [each._replace(place=each.place.with_stem(each.place.stem + suffix)) for each in found]
    if not found:
        raise DataError("no images given; name files, folders or zips to translate")
    numbers: dict[str, Iterator[int]] = defaultdict(itertools.count)
    jobs = [
        job._replace(number=next(numbers[job.folder]))
        for job in threads.map(partial(_job, translator=translator, framing=framing), found)
    ]
    _refuse(jobs, existing=existing)
    left = [job for job in jobs if existing != "keep" or not job.target.exists()]
    return left, len(jobs) - len(left), others


def _found(given: Path, out: Path, *, several: bool, others: list[str]) -> Iterator[Found]:
    if given.is_file() and given.suffix.lower() != ".zip":
        yield Found(given.read_bytes, given, given, str(given), out, PurePosixPath(given.name))
        return
    source = open_source(given)
    source.require_images(domain=str(given))
    others.extend(f"{given}/{name}" for name in source.others)
    folder = given.is_dir()
    inside = out / (given.resolve().name if folder else given.stem) if several else out
    for name in source.names:
        path = given / name if folder else None
        # A name in an archive may begin with "/" or with a drive, and must not lead out of `out` all the same.
        place = PurePosixPath(name.replace(":", "_").lstrip("/"))
        yield Found(partial(source.read, name), path, path or given, f"{given}/{name}", inside, place)


def _job(found: Found, *, translator: Translator, framing: Framing) -> Job:
    """What the file says of itself decides on the name of its answer and the way to it."""
    channels = framing.target[0]
    try:
        source = found.source()
        header = images.header(source, channels=framing.source[0])
        moves = header.format in MOVING.values() and images.is_animated(source)
    except (DataError, OSError) as error:
        place = writable(found.place, channels=channels, depth=8)
        return Job(found, found.out / place, framing, "none", problem=found.reason(error))
    if moves:
        if framing.source_range or framing.target_range:
            problem = "an animation, whose samples cannot be numbers of a value range"
            return Job(found, found.out / found.place, framing, "none", problem=problem)
        if channels + framing.layered > 4:
            problem = f"an animation, whose frames cannot have {channels} channels"
            return Job(found, found.out / found.place, framing, "none", problem=problem)
        place = found.place if found.place.suffix.lower() in MOVING else found.place.with_suffix(".png")
        return Job(found, found.out / place, framing, "frames", transparent=framing.layered)
    if header.pages > 1:
        place = found.place if found.place.suffix.lower() in PAGED else found.place.with_suffix(".tif")
        return Job(found, found.out / place, framing, "pages", transparent=framing.layered)
    place = writable(found.place, channels=channels, depth=_depth(header, framing, alpha=False))
    transparent = framing.layered and header.channels in ALPHA
    if transparent:
        holds = writable(found.place, channels=channels + 1, depth=_depth(header, framing, alpha=True))
        transparent = framing.alpha == "keep" or holds == place
        place = holds if transparent else place
    if not transparent:
        framing = dataclasses.replace(framing, alpha="compose")
    large = framing.fit == "whole" and translator.tile_for(header.height, header.width) is not None
    size = header.height * header.width
    return Job(found, found.out / place, framing, "tiles" if large else "whole", transparent=transparent, size=size)


def _depth(header: images.Header, framing: Framing, *, alpha: bool) -> Depth:
    """The depth that the answer's format has to hold."""
    if framing.target_range is None:
        return header.depth
    return depth_for(type_for(header.dtype, found=framing.source_range, wanted=framing.target_range, alpha=alpha))


def _refuse(jobs: Sequence[Job], *, existing: Existing) -> None:
    by_target: dict[Path, str] = {}
    for job in jobs:
        if job.target in by_target:
            raise DataError(
                f"{by_target[job.target]} and {job.found.name} would both become {job.target}; rename one, or give each an --out "
                "of its own"
            )
        by_target[job.target] = job.found.name
    for folder in sorted({parent for target in by_target for parent in target.parents}):
        if folder.exists() and not folder.is_dir():
            raise RunError(f"{folder} is a file, and answers should go into a folder there; choose another --out")
    taken = [str(target) for target in by_target if target.exists()]
    if taken and existing == "refuse":
        raise RunError(
            f"{len(taken)} of {len(jobs)} files are there already, such as {taken[0]}; choose another --out, "
            "--existing keep to go on with the rest, or --existing overwrite"
        )
    read = {job.found.origin.resolve() for job in jobs}
    for job in jobs:
        if job.target.resolve() in read:
            raise RunError(f"{job.target} would overwrite an input; choose another --out")
