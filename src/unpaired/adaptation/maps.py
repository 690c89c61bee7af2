"""Label maps, adapted: a source with a class for each pixel, a target, and what of the target's pixels is labelled."""

import dataclasses
import hashlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from unpaired import images, runs
from unpaired.adaptation.classes import opened_set
from unpaired.adaptation.map_flips import audit_maps, part_of, write_flipped
from unpaired.adaptation.map_scores import TestedMaps, places, summed_up_maps
from unpaired.adaptation.options import Pictures, Teaching
from unpaired.adaptation.sheets import draw_flipped
from unpaired.adaptation.task import BY_ORACLE, FLIPS, SHEET, SOURCE_ONLY, Result, Views, lasting, tested_of, warn_of_copies
from unpaired.adaptation.translated import translations
from unpaired.data.image_set import ImageSet, open_image_set
from unpaired.data.label_maps import CLASSES, IMAGES, LABELS, MapSet
from unpaired.data.labels import few
from unpaired.data.sets.table import SETS
from unpaired.errors import ConfigError, DataError, SameDomain
from unpaired.games import specs
from unpaired.images.maps import VOID, write_map
from unpaired.options import Adam, DataOptions
from unpaired.products import Segmenter
from unpaired.run_config import RunConfig
from unpaired.translator import Translator


@dataclasses.dataclass(frozen=True, eq=False)
class MapTask:
    """See `Task`. shown: the source as segmenters see it. taught: how many classes pixels of the target's training images tell.
    tested: None where nothing can be tested.
    """

    sources: tuple[str, str]
    domains: tuple[str, str]
    views: Views
    source: MapSet
    shown: MapSet
    taught: int
    tested: TestedMaps | None
    fingerprint: str

    @property
    def oracle(self) -> DataOptions | None:
        return self.views.target if self.taught > 1 else None

    @property
    def count(self) -> int:
        return len(self.source.train_maps) + len(self.source.test_maps)

    def learner(self, teaching: Teaching) -> specs.Segmenter:
        adam = Adam(learning_rate=teaching.classifier_rate, beta1=0.9)
        return specs.Segmenter(network=teaching.segmenter, optimizer=adam)

    def write(self, translator: Translator, folder: Path) -> None:
        write_translated_maps(self.source, translator, folder)

    def finish(self, readers: Mapping[str, Segmenter], *, translated: Path, folder: Path) -> Result:
        made = opened_maps(str(translated), self.views.target)
        judges = readers[SOURCE_ONLY], readers.get(BY_ORACLE)
        rows, seen = audit_maps(judges, made, self.source)
        write_flipped(rows, folder / FLIPS)
        draw_flipped(rows, folder / SHEET, judge=judges[1] or judges[0], translated=made, source=self.source)
        return summed_up_maps(self.shown, self.tested, readers, seen, flipped=sum(row.flipped for row in rows))


def open_map_task(
    source: str | Path, target: str | Path, *, test: str | Path | None, pictures: Pictures, views: Views
) -> MapTask:
    """Find, decode and check both sets, as `open_class_task` does; classes are the same where their names are, or their numbers
    where there are no names. The target may be images alone.
    """
    if pictures.label or pictures.label_target:
        raise ConfigError("--label and --label-target are for columns of tables, and --maps has no table; leave them out")
    opened = opened_maps(lasting(source), views.source)
    if not any(opened.counts):
        raise DataError(f"the source, {source}, labels no pixel of a training image; put maps into {LABELS}/")
    shown = opened if views.shown == views.source else opened_maps(lasting(source), views.shown)
    mapped = (Path(target).expanduser() / LABELS).is_dir()
    wanted = opened_maps(lasting(target), views.target) if mapped else _pictures(lasting(target), views.target)
    pixels = wanted.images if isinstance(wanted, MapSet) else wanted
    if pixels.fingerprint == shown.images.fingerprint:
        raise SameDomain(f"source and target hold the same images; wanted two different sets: check {source} and {target}")
    tested, fingerprints = None, [opened.fingerprint, wanted.fingerprint]
    if test is not None:
        apart = opened_maps(lasting(test), dataclasses.replace(views.target, holdout=0.0))
        tested = _tested_apart(apart, shown, pixels, where=str(test))
        fingerprints.append(apart.fingerprint)
    elif isinstance(wanted, MapSet):
        tested = _tested(wanted, shown, alone=False)
    return MapTask(
        sources=(lasting(source), lasting(target)),
        domains=(str(Path(lasting(source)) / IMAGES), str(Path(lasting(target)) / IMAGES) if mapped else lasting(target)),
        views=views,
        source=opened,
        shown=shown,
        taught=sum(count > 0 for count in wanted.counts) if isinstance(wanted, MapSet) else 0,
        tested=tested,
        fingerprint=hashlib.blake2b(repr(fingerprints).encode(), digest_size=16).hexdigest(),
    )


def opened_maps(source: str, data: DataOptions) -> MapSet:
    """One set of images with label maps, as a segmenter's run would open it."""
    found = runs.open_data(RunConfig(sources=(source,), game=specs.Segmenter(), data=data))
    assert isinstance(found, MapSet)
    return found


def _pictures(source: str, data: DataOptions) -> ImageSet:
    """A set of images alone: folders in it, such as of places, are no classes."""
    return opened_set(source, data) if source in SETS else open_image_set((source,), data, bare=True)


def write_translated_maps(data: MapSet, translator: Translator, folder: Path) -> None:
    """Write all images of a set, training and held-out, translated, and their maps as they are, into `folder`, which appears
    complete or not at all: `images/train/000000.png`, `labels/train/000000.png` and so on in the order of the set's own rows.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as unfinished:
        root = Path(unfinished) / "set"
        for end, part, maps in (("train", data.images.train, data.train_maps), ("test", data.images.test, data.test_maps)):
            if not len(part):
                continue
            for name in (IMAGES, LABELS):
                (root / name / end).mkdir(parents=True)
            for row, pixels in enumerate(translations(part, translator, size=data.images.images.size)):
                path = root / IMAGES / end / f"{row:06d}.png"
                path = images.writable(path, channels=pixels.shape[2], depth=images.depth_of(pixels))
                images.write(path, pixels)
                if (maps[row] != VOID).any():
                    write_map(root / LABELS / end / f"{row:06d}.png", maps[row])
        (root / CLASSES).write_text("".join(f"{name}\n" for name in data.classes), encoding="utf-8")
        card = {**data.card, "name": f"{data.domains[0]}, translated"}
        (root / IMAGES / "set.json").write_text(json.dumps(card, indent=2, ensure_ascii=False), encoding="utf-8")
        root.rename(folder)


def _tested(one: MapSet, source: MapSet, *, alone: bool) -> TestedMaps | None:
    """The images with a pixel of a class that the source has."""
    end, rows, apart = tested_of(one.images, alone=alone)
    part, maps = part_of(one, end)
    pixels, maps = np.asarray(part.pixels)[rows], maps[rows]
    shared = places(one.classes, source.classes)[maps]
    strange = int(((shared == VOID) & (maps != VOID)).sum())
    kept = (shared != VOID).any(axis=(1, 2))
    if not kept.any():
        if strange:
            raise DataError(
                f"the classes of {one.domains[0]} are {few(one.classes)}, those of the source {few(source.classes)}; wanted the "
                f"same names: a line for each number in {CLASSES}"
            )
        return None
    return TestedMaps(pixels[kept], shared[kept], strange, apart)


def _tested_apart(one: MapSet, source: MapSet, target: ImageSet, *, where: str) -> TestedMaps:
    found = _tested(one, source, alone=True)
    if found is None:
        raise DataError(f"--test {where} labels no pixel; wanted images of the target with label maps: {few(source.classes)}")
    warn_of_copies(part_of(one, tested_of(one.images, alone=True).end)[0], target.train, where=where)
    return found
