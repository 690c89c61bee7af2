"""Translators: `unpaired translate`, `relate`, `import` and `export`."""

import sys
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Literal

from pydantic import NonNegativeInt, PositiveInt
from tyro.conf import Positional, UseAppendAction, arg

from unpaired.commands.measure import Direction, ExtractorName
from unpaired.config import options
from unpaired.errors import ConfigError


@options
class Translate:
    """Translate images, folders of them, or zips."""

    run_folder: Positional[Path]
    """A run's folder or a bundle."""
    images: Positional[tuple[str, ...]]
    """Image files, folders and zips."""
    out: Path
    """Where the translated images go; names, folders, formats, sizes and bits a sample are kept."""
    direction: Direction | None = None
    """Which way, between two domains; none for a_to_b."""
    set: Annotated[tuple[str, ...], arg(metavar="NAME=VALUE"), UseAppendAction] = ()
    """An attribute to change, and to what: hair=blond. May be given several times: all changes are made at once."""
    has: Annotated[tuple[str, ...], arg(metavar="NAME=VALUE"), UseAppendAction] = ()
    """An attribute that all images have; what is not told is read from each image."""
    steps: PositiveInt | None = None
    """So many pictures of each image, from its own attributes to the changed ones."""
    grid: bool = False
    """Instead, sheets of the images with every value of every attribute, in `out`."""
    device: str = "auto"
    """auto, cpu, cuda, mps."""
    batch: PositiveInt = 32
    """Images of one size at once."""
    existing: Literal["refuse", "overwrite", "keep"] = "refuse"
    """What to do with answers that are there already: refuse to begin, replace them, or keep them and do the rest."""
    fit: Literal["whole", "crop", "resize", "pad"] | None = None
    """How images come to the network: whole, or brought to the trained size. None: whole where the network takes any size
    (resnet, unet, residual_image), else as in training."""
    keep_size: bool = True
    """Bring what was fitted back to the size that it had (of cropped images the part that was not cut off)."""
    alpha: Literal["auto", "keep", "compose"] = "auto"
    """Transparency that neither domain has: keep it (JPEG and BMP become PNG), or compose it over the background. auto: keep it
    where the file's format can hold it."""
    seed: NonNegativeInt = 0
    """Of the noise of networks that have dropout; the same for every image."""
    deterministic: bool = False
    """Without noise."""
    tile: PositiveInt | None = None
    """Translate larger images in tiles of so many pixels, with the statistics of the whole image. None: in tiles of 512 where
    they are too large for memory."""
    scratch: Path | None = None
    """A folder on a disk with space for what is kept between tiles; none for the system's temporary one."""
    flicker: bool = False
    """Measure how much the answers to an animation, to the pages of a TIFF, or to a folder's images in their order, change where
    nothing moves."""

    def run(self) -> None:
        from unpaired.translate import Changes, draw_targets, shown, translate_files

        changes = Changes(self.set, self.has, self.steps)
        if self.grid:
            self._require_plain_grid()
            sheets = draw_targets(
                self.run_folder, self.images, out=self.out, device=self.device, changes=changes, existing=self.existing
            )
            print("\n".join(map(str, sheets)))
            return
        with shown() as tell:
            done = translate_files(
                self.run_folder,
                self.images,
                out=self.out,
                direction=self.direction,
                device=self.device,
                batch=self.batch,
                existing=self.existing,
                fit=self.fit,
                keep_size=self.keep_size,
                alpha=self.alpha,
                seed=self.seed,
                deterministic=self.deterministic,
                tile=self.tile,
                scratch=self.scratch,
                flicker=self.flicker,
                changes=changes,
                tell=tell,
            )
        kept = f", {done.there} were there already" if done.there else ""
        print(f"translated into {self.out}: {len(done.translated)}{kept}")
        for way, count in done.ways.items():
            print(f"  {count} {way}")
        for name, measured in done.flicker.items():
            print(
                f"flicker of {name}, {measured.pairs} pairs of frames: where nothing moves ({measured.still:.0%} of the picture) "
                f"the answer changes by {measured.change:.2%} of the range, the input by {measured.own:.2%}; everywhere, "
                f"{measured.ratio:.2f} times as much as the input"
            )
        if self.flicker and not done.flicker:
            print("no flicker to measure: no animation, and no two neighbouring images of one size")
        if done.others:
            print(f"not images by their names, left alone: {len(done.others)}, such as {done.others[0]}", file=sys.stderr)
        for name, reason in done.skipped:
            print(f"skipped {name}: {reason}", file=sys.stderr)
        if done.skipped:
            sys.exit(1)

    def _require_plain_grid(self) -> None:
        own = {"run_folder", "images", "out", "set", "has", "steps", "grid", "device", "existing"}
        others = [each.name for each in fields(self) if each.name not in own and getattr(self, each.name) != each.default]
        if others:
            options = ", ".join("--" + name.replace("_", "-") for name in others)
            raise ConfigError(f"--grid shows images as in training, each whole, found {options}; leave that out")


@options
class Relate:
    """Pair the images of two folders through a run's translators."""

    run_folder: Positional[Path]
    """A run's folder or a bundle, of two domains."""
    a: Positional[Path]
    """Images of A: a folder or zip."""
    b: Positional[Path]
    """Images of B: a folder or zip."""
    out: Path
    """The folder for pairs.csv (who belongs to whom, and how sure), relation.json, and pairs.png (the surest and the most
    doubtful)."""
    truth: Path | None = None
    """A CSV with the columns a and b, file names as in the folders: tells how many pairs are right."""
    extractor: ExtractorName = "none"
    """Features to compare by; none for pixels."""
    device: str = "auto"
    """auto, cpu, cuda, mps."""

    def run(self) -> None:
        from unpaired.engine.runtime import choose_device
        from unpaired.metrics import features
        from unpaired.relate import SURE, relate_files

        extractor = None
        if self.extractor != "none":
            extractor = features.EXTRACTORS[self.extractor](device=choose_device(self.device)[0])
        found = relate_files(
            self.run_folder, self.a, self.b, out=self.out, truth=self.truth, extractor=extractor, device=self.device
        )
        for side, domain in ((found.a, "A"), (found.b, "B")):
            for name, reason in side.skipped:
                print(f"skipped {domain} {name}: {reason}", file=sys.stderr)
        doubtful = int((found.doubt > SURE).sum())
        print(f"{len(found.doubt)} pairs, {int(found.mutual.sum())} of them mutual neighbours, {doubtful} doubtful: {self.out}")
        for name, share in found.measures.items():
            print(f"  {name}: {share:.1%}")
        if found.a.skipped or found.b.skipped:
            sys.exit(1)


@options
class Import:
    """Make a bundle of networks that other projects saved."""

    files: Positional[tuple[Path, ...]]
    """A file of pytorch-CycleGAN-and-pix2pix, of a DiscoGAN (carpedm20's, SKTBrain's) or of yunjey's StarGAN, with what lies
    beside it; several, which are taken alone; or a folder of checkpoints, for its latest."""
    out: Path | None = None
    """The bundle's new folder; none for `bundle` beside the files."""
    size: PositiveInt | None = None
    """Pixels of the images, which no file tells; none for 256, or what the architecture was made for."""
    statistics: Literal["image", "running"] = "image"
    """What batch norms of pytorch-CycleGAN-and-pix2pix translate by: each image's own statistics, as its test.py does, or those
    of training, as with its --eval."""
    dropout: Literal["auto", "on", "off"] = "auto"
    """A U-Net's noise, which leaves no trace in a file: auto has it on, unless the file is named G_A or G_B."""
    labels: tuple[str, ...] = ()
    """What the numbers of a StarGAN's label stand for, in their order: NAME for a yes or no, NAME=VALUE,VALUE,... for one of
    several, "/" between data sets; or a TOML file. None for the attributes that its authors trained with."""

    def run(self) -> None:
        from unpaired.interop.importing import import_files

        out, imported = import_files(
            self.files, out=self.out, size=self.size, statistics=self.statistics, dropout=self.dropout, labels=self.labels
        )
        print("\n".join(line for entry in imported for line in entry.lines()))
        change = next((f" --set {labels.example}" for entry in imported if (labels := entry.labels)), "")
        print(f"the bundle is in {out}; translate with: unpaired translate {out} IMAGES{change} --out FOLDER")


@options
class Export:
    """Write a bundle's networks as another project's files."""

    bundle: Positional[Path]
    """A bundle or a run's folder."""
    out: Path
    """The folder for the files, such as checkpoints/NAME."""
    to: Literal["pytorch-CycleGAN"] = "pytorch-CycleGAN"
    """The project: pytorch-CycleGAN-and-pix2pix, whose files are named latest_net_G_A.pth and so on."""

    def run(self) -> None:
        from unpaired.interop.exporting import export_bundle

        exported = export_bundle(self.bundle, out=self.out)
        print("\n".join(line for entry in exported for line in entry.lines()))
