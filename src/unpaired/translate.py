"""From image files to translated image files."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

import numpy as np

from unpaired import images
from unpaired.data.sources import open_source
from unpaired.engine.runtime import choose_device
from unpaired.errors import DataError, RunError, UnreadableImages
from unpaired.translator import Translator, load


class Job(NamedTuple):
    """A file to translate. origin: the file or archive that its bytes come from; name: what messages call it."""

    read: Callable[[], bytes]
    origin: Path
    name: str
    target: Path


class Outcome(NamedTuple):
    """translated: the files written; skipped: (name, reason) of those that could not be read; there: answers that were there
    already; others: files in the folders and zips that are no images by their names.
    """

    translated: list[Path]
    skipped: list[tuple[str, str]]
    there: int
    others: list[str]


def translate_files(
    where: str | Path,
    inputs: Sequence[str | Path],
    *,
    out: str | Path,
    direction: str = "a_to_b",
    device: str = "auto",
    batch: int = 32,
    existing: Literal["refuse", "overwrite", "keep"] = "refuse",
) -> Outcome:
    """Translate files, folders (at any depth) and zips into `out`, `batch` at a time, under their own names.

    where: a run's folder or a bundle. A folder's files keep their place below it; with several inputs each folder gets
    one of its own in `out`. Formats that cannot be written (GIF) become PNG. Unreadable files are skipped and returned.
    existing: what to do where answers are there already; "keep" goes on with a translation that was cut off.

    DataError where there is nothing to translate or two answers would share a name; RunError where answers are there
    already, to be refused. Both are raised before anything is written.
    """
    chosen, _ = choose_device(device)
    translator = load(where, direction=direction, device=str(chosen))
    alpha, several = translator.target[0] in (2, 4), len(inputs) > 1
    others: list[str] = []
    jobs = [job for given in inputs for job in _jobs(Path(given), Path(out), several=several, alpha=alpha, others=others)]
    _refuse(jobs, existing=existing)
    every = len(jobs)
    if existing == "keep":
        jobs = [job for job in jobs if not job.target.exists()]
    outcome = Outcome([], [], every - len(jobs), others)
    with ThreadPoolExecutor() as threads:  # decoding and encoding release Python's lock
        for start in range(0, len(jobs), batch):
            chunk = jobs[start : start + batch]
            readable = []
            for job, pixels in zip(chunk, threads.map(partial(_read, translator=translator), chunk), strict=True):
                if isinstance(pixels, str):
                    outcome.skipped.append((job.name, pixels))
                else:
                    readable.append((job, pixels))
            if readable:
                answers = translator(np.stack([pixels for _, pixels in readable]))
                list(threads.map(_write, [job.target for job, _ in readable], answers))
                outcome.translated.extend(job.target for job, _ in readable)
    return outcome


def _jobs(given: Path, out: Path, *, several: bool, alpha: bool, others: list[str]) -> Iterator[Job]:
    if given.is_file() and given.suffix.lower() != ".zip":
        yield Job(given.read_bytes, given, str(given), out / _writable(given.name, alpha=alpha))
        return
    source = open_source(given)
    source.require_images(domain=str(given))
    others.extend(f"{given}/{name}" for name in source.others)
    inside = given.resolve().name if given.is_dir() else given.stem
    for name in source.names:
        # A name in an archive may begin with "/", and must not lead out of `out` all the same.
        target = (out / inside if several else out) / _writable(name.lstrip("/"), alpha=alpha)
        yield Job(partial(source.read, name), given / name if given.is_dir() else given, f"{given}/{name}", target)


def _writable(name: str, *, alpha: bool) -> PurePosixPath:
    """The name itself, or with .png where its format cannot be written, or not with transparency."""
    path, opaque = PurePosixPath(name), {".jpg", ".jpeg", ".bmp"} if alpha else set()
    return path if path.suffix.lower() in images.WRITABLE.keys() - opaque else path.with_suffix(".png")


def _refuse(jobs: Sequence[Job], *, existing: str) -> None:
    if not jobs:
        raise DataError("no images given; name files, folders or zips to translate")
    by_target: dict[Path, str] = {}
    for job in jobs:
        if job.target in by_target:
            raise DataError(
                f"{by_target[job.target]} and {job.name} would both become {job.target}; rename one, or give each an --out of "
                "its own"
            )
        by_target[job.target] = job.name
    taken = [str(target) for target in by_target if target.exists()]
    if taken and existing == "refuse":
        raise RunError(
            f"{len(taken)} of {len(jobs)} files are there already, such as {taken[0]}; choose another --out, "
            "--existing keep to go on with the rest, or --existing overwrite"
        )
    read = {job.origin.resolve() for job in jobs}
    for job in jobs:
        if job.target.resolve() in read:
            raise RunError(f"{job.target} would overwrite an input; choose another --out")


def _read(job: Job, *, translator: Translator) -> images.Pixels | str:
    """The fitted pixels, or the reason why there are none."""
    try:
        return translator.fitted(job.read())
    except (UnreadableImages, DataError, OSError) as error:
        return str(error)


def _write(target: Path, answer: images.Pixels) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    images.write(target, answer)
