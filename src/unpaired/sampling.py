"""Samples and walks as files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from unpaired import images
from unpaired.bundle import load_bundle
from unpaired.data.image_set import find_class
from unpaired.engine.runtime import choose_device
from unpaired.errors import ConfigError, RunError
from unpaired.products import Sampler

COUNT = 64
WALKS = 8
"""Stops of a walk, if nobody says how many."""
STEPS = 10
MILLISECONDS = 80
"""Of a picture in a walk."""
TILE = 64
"""Pixels a side that small samples are enlarged to, in grids and walks, by whole factors."""


@dataclass(frozen=True)
class Asked:
    """What to draw. count: samples, or stops of a walk; class_: by name or number, None for all in turn; walk: from noise to
    noise, instead of one sample after the other; steps: pictures from one stop to the next; grid: one sheet instead of files.
    """

    count: int | None = None
    class_: str | None = None
    walk: bool = False
    steps: int = STEPS
    grid: bool = False
    seed: int = 0


def sample_files(where: str | Path, asked: Asked, *, out: Path, device: str = "auto") -> list[Path]:
    """Draw samples of a run, or of a bundle, into the folder `out`; the files written.

    Samples are called 00001.png and so on (with their class, and of two domains with the domain); a grid is grid.png, a walk
    walk.png and walk.gif. RunError where there is no sampler, or a file is there already; ConfigError for an unknown class.
    """
    samplers = samplers_of(where, device=device)
    first = next(iter(samplers.values()))
    if asked.class_ is not None:
        if not first.classes:
            raise ConfigError(f"{where} samples without classes, found --class {asked.class_}; leave it out")
        find_class(first.classes, asked.class_)
    made = _walks(samplers, asked) if asked.walk else _sheet(samplers, asked) if asked.grid else _single(samplers, asked)
    taken = [out / name for name in made if (out / name).exists()]
    if taken:
        raise RunError(f"{taken[0]} is there already; choose another --out, or remove it")
    out.mkdir(parents=True, exist_ok=True)
    for name, frames in made.items():
        if name.endswith(".gif"):
            images.write_frames(out / name, frames, durations=[MILLISECONDS] * len(frames), loops=0)
        else:
            images.write(out / name, frames[0])
    return [out / name for name in made]


def samplers_of(where: str | Path, *, device: str = "auto") -> dict[str, Sampler]:
    """The samplers of images that a run or bundle keeps, by their names. RunError where there are none."""
    remains = load_bundle(where, device=str(choose_device(device)[0]))
    samplers = {name: product for name, product in remains.items() if isinstance(product, Sampler) and len(product.shape) == 3}
    if not samplers:
        kept = " and ".join(remains) or "nothing"
        raise RunError(f"{where} keeps {kept}; wanted a sampler: train gan, dcgan, sgan, acgan or cogan")
    return samplers


def _single(samplers: Mapping[str, Sampler], asked: Asked) -> dict[str, Sequence[images.Pixels]]:
    count = COUNT if asked.count is None else asked.count
    made: dict[str, Sequence[images.Pixels]] = {}
    digits = max(5, len(str(count)))
    for name, sampler in samplers.items():
        pixels = images.to_uint8(sampler(count, class_=asked.class_, seed=asked.seed)).numpy()
        classes = sampler.classes_of(count, asked.class_)
        for row, picture in enumerate(pixels):
            class_ = "" if classes is None else f"-{_in_a_file(sampler.classes[int(classes[row])])}"
            domain = f"-{name.removeprefix('sampler_')}" if len(samplers) > 1 else ""
            made[f"{row + 1:0{digits}d}{class_}{domain}.png"] = [picture]
    return made


def _sheet(samplers: Mapping[str, Sampler], asked: Asked) -> dict[str, Sequence[images.Pixels]]:
    """A row for each class, or as square as may be; what one noise makes of two domains stands one above the other."""
    count = COUNT if asked.count is None else asked.count
    classes = next(iter(samplers.values())).classes if asked.class_ is None else ()
    rows: list[tuple[str, Tensor]] = []
    if classes:
        columns = -(-count // len(classes))
        for index, called in enumerate(classes):
            for sampler in samplers.values():
                places = range(index, count, len(classes))  # as they would be called one by one
                drawn = [sampler(1, class_=index, seed=asked.seed, first=place) for place in places][:columns]
                rows += [(called, torch.cat(drawn))] if drawn else []
    else:
        columns = max(1, round(count**0.5))
        for start in range(0, count, columns):
            few = min(columns, count - start)
            for name, sampler in samplers.items():
                caption = name.removeprefix("sampler_") if len(samplers) > 1 else ""
                rows.append((caption, sampler(few, class_=asked.class_, seed=asked.seed, first=start)))
    return {"grid.png": [_grid(rows)]} if rows else {}


def _walks(samplers: Mapping[str, Sampler], asked: Asked) -> dict[str, Sequence[images.Pixels]]:
    """A row from each stop to the next; the moving picture goes on to the first again."""
    stops = WALKS if asked.count is None else asked.count
    if stops < 2 or asked.steps < 2:
        raise ConfigError(f"found {stops} stops and --steps {asked.steps}; a walk wants 2 or more of each")
    rows: list[tuple[str, Tensor]] = []
    frames: list[Tensor] = []
    for name, sampler in samplers.items():
        noise = sampler.draw(stops, seed=asked.seed)
        classes = sampler.classes_of(stops, asked.class_)
        around = None if classes is None else torch.cat([classes, classes[:1]])
        walk = sampler.walk(torch.cat([noise, noise[:1]]), steps=asked.steps, classes=around)
        caption = name.removeprefix("sampler_") if len(samplers) > 1 else ""
        rows += [(caption, way) for way in walk[:-1]]
        frames.append(walk[:, :-1].flatten(0, 1))  # each stop once
    if len(samplers) > 1:
        half = len(rows) // 2
        rows = [row for pair in zip(rows[:half], rows[half:], strict=True) for row in pair]
    moving = [_grid([("", torch.stack(shown))], pad=0) for shown in zip(*map(_coloured, frames), strict=True)]
    return {"walk.png": [_grid(rows)], "walk.gif": moving}


def _coloured(x: Tensor) -> Tensor:
    return x.expand(-1, 3, -1, -1) if x.shape[1] == 1 else x


def _grid(rows: Sequence[tuple[str, Tensor]], *, pad: int = 2) -> images.Pixels:
    return images.labelled_grid(rows, scale=max(1, TILE // rows[0][1].shape[-1]), pad=pad)


def _in_a_file(name: str) -> str:
    """A class's name as a part of a file's."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)
