"""Images with label maps: a class for each pixel."""

import dataclasses
import functools
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unpaired import images
from unpaired.data import transforms
from unpaired.data.batches import Skipped, Telling, draws_of, indices, share, shifted, sides, varied
from unpaired.data.cache import in_threads
from unpaired.data.image_set import ImageSet, open_image_set
from unpaired.data.labels import few
from unpaired.data.sources import FolderTree, natural
from unpaired.errors import DataError, UnreadableImages
from unpaired.images.maps import MAP_SUFFIXES, VOID, Labels, fit_map, read_map

if TYPE_CHECKING:
    from unpaired.options import DataOptions

IMAGES, LABELS, CLASSES = "images", "labels", "classes.txt"
LAYOUT = f"a folder with {IMAGES}/ and {LABELS}/, a map for each image under its name: {LABELS}/1.png for {IMAGES}/1.jpg"


class Mapped(NamedTuple):
    """A batch. x: `[N, C, H, W]` in [-1, 1]; labels: int64 `[N, H, W]`, VOID where nobody told a pixel's class."""

    x: Tensor
    labels: Tensor


@dataclasses.dataclass(frozen=True, eq=False)
class MapSet:
    """Images with label maps, decoded, split and ready to be drawn from.

    images: without their maps. train_maps, test_maps: uint8 `[N, H, W]`, a row for each image and as large as it; VOID where
    nobody told a pixel's class. classes: their names. domains: the name of the set. fingerprint: equal for equal images and
    maps, equally read. skipped, others, card: as of `LabelledImages`.
    """

    images: ImageSet
    train_maps: Labels
    test_maps: Labels
    classes: tuple[str, ...]
    domains: tuple[str]
    fingerprint: str
    skipped: Mapping[str, Skipped] = dataclasses.field(default_factory=dict)
    others: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    card: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def held_out(self) -> int:
        """Held-out images."""
        return self.images.held_out

    @property
    def trained_on(self) -> str:
        """How many images, and how many of them with a map, in words."""
        told = int(_told(self.train_maps).sum())
        return f"{len(self.train_maps):,}" + (f", {told:,} of them labelled" if told < len(self.train_maps) else "")

    @functools.cached_property
    def counts(self) -> tuple[int, ...]:
        """The pixels of each class in the training images."""
        found = np.zeros(VOID + 1, np.int64)
        for labels in self.train_maps:
            found += np.bincount(labels.reshape(-1), minlength=VOID + 1)
        return tuple(found[: len(self.classes)].tolist())

    def lines(self) -> list[tuple[str, str]]:
        """What there is, for a person."""
        counts = f"{self.trained_on} to train on, {self.held_out:,} held out"
        return [(self.domains[0], counts), ("classes", ", ".join(self.classes))]

    def samples(self) -> dict[str, Any]:
        """What a game must know of its samples (see `games.table.build`)."""
        return {"shape": self.images.shape, "classes": self.classes, "counts": self.counts}

    def batch(
        self,
        step: int,
        *,
        batch: int,
        seed: int,
        device: torch.device | str = "cpu",
        augment: bool = True,
        rank: int = 0,
        world: int = 1,
    ) -> Mapped:
        """The batch of step `step` (from 0), on `device`: images as of `ImageSet.batch`, their maps moved about with them."""
        rows = share(batch, rank=rank, world=world)
        chosen = indices(len(self.train_maps), batch=batch, step=step, seed=seed, stream="images")[rows]
        draws = draws_of(step, batch=batch, seed=seed, stream="images").rows(rows) if augment else None
        of = self.images.images
        pixels, maps = self.images.train.pixels[chosen], self.train_maps[chosen]
        x = varied(pixels, draws=draws, size=of.size, flip=of.flip, jitter=of.jitter, shift=of.shift, device=device)
        if draws is None:
            labels = transforms.centre_crop(torch.from_numpy(maps)[:, None], size=of.size)
        else:
            labels = torch.from_numpy(shifted(maps, by=of.shift))[:, None]
            labels = transforms.crop_and_flip(labels, draws=draws, height=of.size[0], width=of.size[1], flip=of.flip)
        return Mapped(x, labels[:, 0].to(device, torch.int64))


def open_map_set(
    sources: Sequence[str], options: "DataOptions", *, cache: Path | None = None, telling: Telling | None = None
) -> MapSet:
    """Find, decode, split and check images with label maps: a folder with `images/` and `labels/`.

    An image without a map counts as unlabelled. What is held out is as for images alone: `images/test/`, where there is
    `images/train/`, else by their content. The names of classes 0, 1, ... are the lines of `classes.txt`, where there is one.
    DataError where the layout is another, or maps do not fit their images; else as `open_image_set`.
    """
    if len(sources) != 1:
        raise DataError(f"found {len(sources)} sources; wanted one set of images with label maps")
    root = Path(sources[0]).expanduser()
    if not (root / IMAGES).is_dir() or not (root / LABELS).is_dir():
        raise DataError(f"{root} holds {_holds(root)}; wanted {LAYOUT}")
    plain = dataclasses.replace(options, label=None, labels=None)
    opened = open_image_set((str(root / IMAGES),), plain, bare=True, cache=cache, telling=telling)
    files = _files(root / LABELS)
    if telling is not None:
        telling(f"reading {root / LABELS}", 0, None)
    load = sides(options.size if options.load_size is None else options.load_size)
    parts: list[Labels] = []
    for part, size in ((opened.train, load), (opened.test, sides(options.size))):
        read = functools.partial(_map_of, root, files, size=size, options=options)
        maps = np.full((len(part), *size), VOID, np.uint8)
        for row, found in enumerate(in_threads(read, part.names)):
            maps[row] = found
        maps.setflags(write=False)
        parts.append(maps)
    named = _classes(root, max((int(maps[maps != VOID].max(initial=0)) for maps in parts), default=0))
    contents = [
        opened.fingerprint,
        named,
        *(hashlib.blake2b(maps.tobytes(), digest_size=16).hexdigest() for maps in parts),
    ]
    whole = hashlib.blake2b(repr(contents).encode(), digest_size=16).hexdigest()
    return MapSet(
        images=opened,
        train_maps=parts[0],
        test_maps=parts[1],
        classes=named,
        domains=(root.resolve().name,),
        fingerprint=whole,
        skipped=opened.skipped,
        others=opened.others,
        card=opened.card,
    )


def _holds(root: Path) -> str:
    if not root.is_dir():
        return "no folder" if root.exists() else "nothing: there is no such folder"
    return few(sorted((path.name for path in root.iterdir() if not path.name.startswith(".")), key=natural)) or "nothing"


def _files(folder: Path) -> dict[str, str]:
    """The maps by the names of their images without suffix."""
    tree = FolderTree(folder)
    maps = [name for name in tree.files if os.path.splitext(name)[1].lower() in MAP_SUFFIXES]
    if not maps:
        raise DataError(f"{folder} holds {few(tree.files) or 'nothing'}; wanted label maps as PNG (or TIFF, BMP, GIF, PGM)")
    by_stem: dict[str, str] = {}
    for name in maps:
        other = by_stem.setdefault(os.path.splitext(name)[0], name)
        if other != name:
            raise DataError(f"{folder} holds {other} and {name}; wanted one map for each image: remove one")
    return by_stem


def _map_of(root: Path, files: Mapping[str, str], name: str, *, size: tuple[int, int], options: "DataOptions") -> Labels:
    """The map of an image, fitted as its image is; all VOID where it has none."""
    file = files.get(os.path.splitext(name)[0])
    if file is None:
        return np.full(size, VOID, np.uint8)
    where = root / LABELS / file
    try:
        labels, shown = read_map(where), images.header(root / IMAGES / name)
    except UnreadableImages as error:
        raise DataError(str(error)) from None
    if sorted(labels.shape) != sorted((shown.height, shown.width)):  # the header of a photograph may tell it lying
        raise DataError(
            f"{where} is {labels.shape[1]} x {labels.shape[0]} pixels, its image {shown.width} x {shown.height}; wanted one size"
        )
    return fit_map(labels, size=size, how=options.fit)


def _classes(root: Path, last: int) -> tuple[str, ...]:
    path = root / CLASSES
    if not path.exists():
        return tuple(str(number) for number in range(last + 1))
    names = tuple(line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip())
    if last >= len(names) or len(set(names)) < len(names):
        raise DataError(
            f"{path} names {len(names)} classes ({few(names)}), and maps have numbers up to {last}; wanted {last + 1} different "
            f"names or more, a line for each number from 0; {VOID} stands for no class"
        )
    return names


def _told(maps: Labels) -> npt.NDArray[np.bool_]:
    """Which maps tell anything: [N]."""
    return np.array([(labels != VOID).any() for labels in maps], bool)
