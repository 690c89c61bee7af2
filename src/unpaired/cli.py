"""The commands. What each one needs is imported when it runs, so that help and mistakes are answered at once."""

import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import tyro
from pydantic import NonNegativeInt, PositiveFloat, PositiveInt
from tyro.conf import OmitArgPrefixes, Positional, UseAppendAction, arg

from unpaired import config
from unpaired.adaptation.options import CYCLEGAN, TRAINING, Pictures, Teaching
from unpaired.arguments import file_arguments, registry
from unpaired.config import options
from unpaired.errors import ConfigError, DataWarning, RunError, UnpairedError, meant
from unpaired.games import specs
from unpaired.options import DataOptions, Training
from unpaired.serve.options import JudgeOptions
from unpaired.version import VERSION

Direction = Literal["a_to_b", "b_to_a"]


@options
class _Train:
    """What every training takes besides its game."""

    sources: Positional[tuple[str, ...]]
    """Folders or zips A and B; or one folder with trainA, trainB (testA, testB); or a named set such as faces:hair."""
    out: Path
    """The run's new folder."""
    config: Path | None = None
    """Read options from this file first (JSON or TOML, as a run's config.json); the command line overrules it."""
    data: DataOptions = DataOptions()
    training: Training = Training()
    game: Any = None

    def run(self) -> None:
        from unpaired import runs

        runs.train(*self.sources, out=self.out, game=self.game, data=self.data, training=self.training)
        _finish(self.out)


@options
class TrainDiscoGAN(_Train):
    """DiscoGAN: two coupled GANs that learn a bijection (Kim et al. 2017)."""

    game: specs.DiscoGAN = specs.DiscoGAN()


@options
class TrainTranslationGAN(_Train):
    """Standard GAN from A to B: DiscoGAN's first baseline."""

    game: specs.TranslationGAN = specs.TranslationGAN()


@options
class TrainReconstructionGAN(_Train):
    """GAN with a reconstruction loss, A to B to A: DiscoGAN's second baseline."""

    game: specs.ReconstructionGAN = specs.ReconstructionGAN()


MOST_CLASSES = 40
"""Rows of a table on the console; result.json has all."""
MAP_SCORES = ("per-pixel accuracy", "per-class accuracy", "mean class IoU")
MOST_PIXELS = 4096
"""Height and width of a named set's images."""
PUBLISHED = Training(batch=1, schedule="linear", decay_from=0.5)
"""How CycleGAN is trained, and pix2pix by its authors' code."""


@options
class TrainCycleGAN(_Train):
    """CycleGAN: two GANs whose generators must undo each other (Zhu et al. 2017)."""

    game: specs.CycleGAN = specs.CycleGAN()
    data: DataOptions = DataOptions(size=256)
    training: Training = PUBLISHED


@options
class TrainPix2Pix(_Train):
    """pix2pix: a conditional GAN on pairs (Isola et al. 2017)."""

    game: specs.Pix2Pix = specs.Pix2Pix()
    data: DataOptions = DataOptions(size=256)
    training: Training = PUBLISHED


@options
class TrainStarGAN:
    """StarGAN: one translator for all values of many attributes (Choi et al. 2018)."""

    sources: Positional[tuple[str, ...]]
    """Labelled data sets, folders or zips: with a table of attributes, or a folder for each class; or a named set."""
    out: Path
    """The run's new folder."""
    config: Path | None = None
    """Read options from this file first (JSON or TOML, as a run's config.json); the command line overrules it."""
    data: DataOptions = DataOptions(size=128)
    training: Training = Training(batch=16, schedule="linear", decay_from=0.5)
    game: specs.StarGAN = specs.StarGAN()

    run = _Train.run


DIGITS = DataOptions(size=28, channels=1, flip=False)
"""How the first generators' papers saw their digits; mirrored, they would be others."""


@options
class _TrainOnImages:
    """What every training on one set of images takes besides its game."""

    sources: Positional[tuple[str, ...]]
    """A folder or zip of images, with labels or without (a folder for each class, IDX, NPZ, a table); or a named set."""
    out: Path
    """The run's new folder."""
    config: Path | None = None
    """Read options from this file first (JSON or TOML, as a run's config.json); the command line overrules it."""
    data: DataOptions = DIGITS
    training: Training = Training(batch=128)
    game: Any = None

    run = _Train.run


@options
class TrainGAN(_TrainOnImages):
    """Generative adversarial nets, fully connected (Goodfellow et al. 2014)."""

    game: specs.GAN = specs.GAN()


@options
class TrainDCGAN(_TrainOnImages):
    """Deep convolutional GAN, for images of 28, 32, 64 or 128 px (Radford et al. 2015)."""

    data: DataOptions = DataOptions(flip=False)
    game: specs.DCGAN = specs.DCGAN()


@options
class TrainSGAN(_TrainOnImages):
    """A classifier from few labels and many images (Odena 2016)."""

    game: specs.SGAN = specs.SGAN()


@options
class TrainACGAN(_TrainOnImages):
    """A generator of classes (Odena et al. 2017)."""

    game: specs.ACGAN = specs.ACGAN()


@options
class TrainClassifier(_TrainOnImages):
    """A classifier, taught by labels alone."""

    training: Training = Training(batch=64)
    game: specs.Classifier = specs.Classifier()


@options
class TrainSegmenter:
    """A segmenter, taught by label maps alone: the class of each pixel."""

    sources: Positional[tuple[str, ...]]
    """A folder with images/ and labels/: a map of numbers for each image, under its name."""
    out: Path
    """The run's new folder."""
    config: Path | None = None
    """Read options from this file first (JSON or TOML, as a run's config.json); the command line overrules it."""
    data: DataOptions = DataOptions(flip=False)
    training: Training = Training(batch=16, schedule="cosine")
    game: specs.Segmenter = specs.Segmenter()

    run = _Train.run


@options
class TrainAutoencoder(_TrainOnImages):
    """A stacked autoencoder, level by level or at once."""

    game: specs.Autoencoder = specs.Autoencoder()


@options
class TrainCoGAN:
    """Coupled GANs: pairs from one noise, of two sets without pairs (Liu and Tuzel 2016)."""

    sources: Positional[tuple[str, ...]]
    """Two folders, zips or named sets, A and B, of which A may have labels; or one folder with trainA, trainB."""
    out: Path
    """The run's new folder."""
    config: Path | None = None
    """Read options from this file first (JSON or TOML, as a run's config.json); the command line overrules it."""
    data: DataOptions = DIGITS
    training: Training = Training(batch=128)
    game: specs.CoGAN = specs.CoGAN()

    run = _Train.run


@options
class Sample:
    """Draw samples of a trained generator, or walks between them."""

    run_folder: Positional[Path]
    """A run's folder or a bundle."""
    out: Path
    """The folder that the pictures go into."""
    count: Annotated[PositiveInt | None, arg(name="n", aliases=("-n",))] = None
    """How many samples; or stops of a walk. None: 64, or 8 stops."""
    class_: Annotated[str | None, arg(name="class")] = None
    """Of which class, by its name or number; none for all in turn."""
    interpolate: bool = False
    """Walks from one noise to the next instead: walk.png, and walk.gif that moves."""
    steps: PositiveInt = 10
    """Pictures from one stop of a walk to the next."""
    grid: bool = False
    """One sheet, grid.png, instead of a file for each sample."""
    seed: NonNegativeInt = 0
    """Of the noise: the same seed gives the same pictures, and more samples begin with those that fewer would be."""
    device: str = "auto"
    """auto, cpu, cuda, mps."""

    def run(self) -> None:
        from unpaired.sampling import Asked, sample_files

        asked = Asked(self.count, self.class_, walk=self.interpolate, steps=self.steps, grid=self.grid, seed=self.seed)
        written = sample_files(self.run_folder, asked, out=self.out, device=self.device)
        print(f"drawn into {self.out}: " + (", ".join(path.name for path in written) if len(written) < 4 else str(len(written))))


@options
class Judge:
    """A human Turing test: a page where a person says real or fake of a run's pictures beside real ones."""

    run_folder: Positional[Path]
    """The run's folder."""
    part: str | None = None
    """Which of several samplers, directions or changes, by its name; none for the first."""
    out: Path | None = None
    """The folder that keeps the test, one for each person; none for `judge` in the run's. The same command goes on with a test
    that was begun."""
    test: JudgeOptions = JudgeOptions()
    host: str = "127.0.0.1"
    """Who may open the page: whoever can reach this address. This machine alone, unless another is given."""
    port: Annotated[int, arg(metavar="INT")] = 8000
    """Of the page; 0 for any free one."""
    device: str = "auto"
    """auto, cpu, cuda, mps."""

    def run(self) -> None:
        from unpaired.judging import pictures_of
        from unpaired.serve.judge import serve_judge
        from unpaired.serve.session import SESSION
        from unpaired.serve.trials import needed
        from unpaired.serve.verdict import conclusion, sentences

        folder = self.out or self.run_folder / "judge"
        begun, real, fake = (folder / SESSION).exists(), None, None
        if not begun:
            real, fake, what = pictures_of(self.run_folder, count=needed(self.test), part=self.part, device=self.device)
            print(f"real pictures beside {what}")
        asked = None if begun and self.test == JudgeOptions() else self.test
        verdict = serve_judge(
            folder, real=real, fake=fake, options=asked, host=self.host, port=self.port, ready=lambda at: print(f"open {at}")
        )
        print("\n".join(f"{name}: {said} ({of})" for name, said, of in sentences(verdict, options=self.test)))
        print(conclusion(verdict))
        print(f"{folder / 'verdict.json'}\n{folder / 'answers.csv'}")


@options
class Resume:
    """Go on with a run from its last checkpoint, as if it had never stopped."""

    run_folder: Positional[Path]
    """The run's folder."""
    steps: PositiveInt | None = None
    """A new end, in steps of the whole run."""
    minutes: PositiveFloat | None = None
    """A new end, in minutes of the whole run."""

    def run(self) -> None:
        from unpaired import runs

        runs.resume(self.run_folder, steps=self.steps, minutes=self.minutes)
        _finish(self.run_folder)


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
class Evaluate:
    """Score what a run leaves on its held-out test images."""

    run_folder: Positional[Path]
    """The run's folder."""
    extractor: Literal["none", "efficientnet-lite0", "inception-v3"] = "none"
    """Features for KID, Frechet distance, precision, recall, density and coverage; every number names them."""
    device: str = "auto"
    """auto, cpu, cuda, mps."""

    def run(self) -> None:
        from unpaired import runs

        extractor = None if self.extractor == "none" else self.extractor
        _show_scores(runs.evaluate(self.run_folder, extractor=extractor, device=self.device))


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
    extractor: Literal["none", "efficientnet-lite0", "inception-v3"] = "none"
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
class Adapt:
    """Labels of one set of images for another: a classifier taught by translated images, and labels that flipped on the way."""

    source: Positional[str]
    """Labelled images: a folder for each class, a table, IDX, NPZ, or a named set."""
    target: Positional[str]
    """Images of the other kind, likewise. Labels of held-out ones test; those of training images teach the oracle alone."""
    out: Path
    """The folder for everything: runs, translated images, result.json, label_flips.csv, flips.png. The same command goes on where
    it was cut off."""
    test: str | None = None
    """Labelled images of the target, to test on instead of those that it holds out."""
    translator: Path | None = None
    """A run's folder or a bundle that translates source to target; none to train a CycleGAN here."""
    direction: Direction = "a_to_b"
    """The translator's way from source to target."""
    config: Path | None = None
    """Read options from this file first (JSON or TOML); the command line overrules it."""
    pictures: Pictures = Pictures()
    teaching: Teaching = Teaching()
    game: specs.CycleGAN = CYCLEGAN
    training: Training = TRAINING

    def run(self) -> None:
        from unpaired.adaptation.adapt import RUNS, adapt
        from unpaired.adaptation.result import sentences
        from unpaired.adaptation.task import SHEET

        result = adapt(
            self.source,
            self.target,
            out=self.out,
            translator=self.translator,
            direction=self.direction,
            test=self.test,
            pictures=self.pictures,
            teaching=self.teaching,
            game=self.game,
            training=self.training,
            tell=lambda said: print(said, file=sys.stderr),
        )
        _report_all([self.out / name for name in RUNS])
        _show_accuracy(result)
        print("\n".join(sentences(result)))
        written = ("result.json", "label_flips.csv", *([SHEET] if result["flipped"] else []))
        print("\n".join(str(self.out / name) for name in written))


@options
class Likelihood:
    """How likely a generator holds held-out images: annealed importance sampling, and the Parzen estimate of old papers."""

    run_folder: Positional[Path]
    """The folder of a run that leaves a sampler (gan, dcgan, sgan, acgan)."""
    sigma: PositiveFloat | None = None
    """Deviation of the noise about a sample, of pixels from 0 to 1; none to choose one on validation images."""
    images: PositiveInt = 16
    """Held-out images to be looked at."""
    temperatures: PositiveInt = 500
    """Steps from the prior to the posterior; 10,000 in Wu et al. 2016."""
    chains: PositiveInt = 8
    """Of each image; 16 in Wu et al. 2016."""
    device: str = "auto"
    """auto, cpu, cuda, mps."""

    def run(self) -> None:
        from unpaired.density import Effort, likelihoods

        effort = Effort(self.images, self.temperatures, self.chains)
        found = likelihoods(self.run_folder, sigma=self.sigma, effort=effort, device=self.device)
        print(f"pixels from 0 to 1, nats an image, {found['images']:.0f} held-out images, sigma {found['sigma']:g}")
        print(f"annealed importance sampling: {found['annealed']:.1f}, a lower bound")
        more = "" if found["gap"] < 10 else "; give more --temperatures"
        print(f"  of the sampler's own images the lower bound lies {found['gap']:.1f} below the upper{more}")
        for name in ("parzen", "parzen of training images"):
            print(f"{name}: {found[name]:.1f} +- {found[f'{name}, standard error']:.1f}")
        print(self.run_folder / "likelihood.json")


@options
class Report:
    """Write a run's report.html: one self-contained page."""

    run_folder: Positional[Path]
    """The run's folder."""

    def run(self) -> None:
        from unpaired.report import write_report

        print(write_report(self.run_folder))


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


@options
class Reproduce:
    """Run a paper's experiment and write its numbers, figures and verdicts."""

    name: Positional[str]
    """The experiment: `unpaired reproduce list` names them."""
    size: Literal["quick", "default", "paper"] = "default"
    """quick: minutes, for a first look; default: up to two hours on two cores; paper: the paper's own budget, for a GPU."""
    out: Path = Path("results")
    """The folder in which the experiment's own folder is written."""
    runs: Path = Path("runs")
    """Where its trainings are kept; a reproduction that was cut off goes on with them."""
    data: Path | None = None
    """Your own copy of the images, for the recipes of the papers' data, which no package carries."""

    def run(self) -> None:
        from unpaired.experiments.base import find, reproduce
        from unpaired.experiments.table import EVERYTHING

        if self.name == "list":
            for experiment in EVERYTHING.values():
                print(f"{experiment.name:<24} {experiment.about}{'  (--data FOLDER)' if experiment.wants else ''}")
            return
        result = reproduce(find(EVERYTHING, self.name), size=self.size, out=self.out, runs=self.runs, data=self.data)
        for claim in result["claims"]:
            print(
                f"{'holds' if claim['holds'] else 'DOES NOT HOLD'}: {claim['statement']}\n"
                f"  wanted {claim['wanted']}\n  measured {claim['measured']}"
            )


@options
class DataList:
    """The named sets."""

    def run(self) -> None:
        from unpaired.data.sets.table import SETS

        for name, named in SETS.items():
            print(f"{name:<16} {named.about}  ({named.licence})")


@options
class DataMake:
    """Write a named set as ordinary files."""

    name: Positional[str]
    """The set: `unpaired data list` names them."""
    out: Path
    """The new folder."""
    size: PositiveInt = 64
    """Height and width in pixels."""

    def run(self) -> None:
        from unpaired.data.sets.table import make

        if self.size > MOST_PIXELS:
            raise ConfigError(f"--size {self.size} is too large; wanted at most {MOST_PIXELS} pixels")
        card = make(self.name, self.out, size=self.size)
        print(f"{self.name} is in {self.out}\n{card}")


@options
class DataCheck:
    """Look for trouble in folders before training on them."""

    sources: Positional[tuple[str, ...]]
    """As for training: folders or zips, or one folder with trainA, trainB."""
    paired: bool = False
    """As for a game of pairs, such as pix2pix: files without a partner are errors."""
    side_by_side: bool = False
    """Each file is a pair: A its left half, B its right half."""
    labelled: bool = False
    """Labelled images: a table, a folder for each class, IDX or NPZ files; prints the labels and how many images have each."""

    value_range: tuple[float, float] | None = None
    """The numbers in the files that are black and white, as for training."""
    value_range_b: tuple[float, float] | None = None
    """Those of domain B, where they differ from A's."""
    json: bool = False
    """Print JSON."""

    def run(self) -> None:
        from unpaired.data.check import check
        from unpaired.data.check_labelled import check_labelled
        from unpaired.data.sets.table import SETS, folder_of
        from unpaired.data.store import cache_folder

        named = len(self.sources) == 1 and self.sources[0] in SETS
        sources = (str(folder_of(self.sources[0], size=64, cache=cache_folder())),) if named else self.sources
        if self.labelled and (self.paired or self.side_by_side):
            raise ConfigError("--labelled is for images with labels, --paired and --side-by-side for pairs; wanted one of them")
        report = (
            check_labelled(sources)
            if self.labelled
            else check(
                sources,
                paired=self.paired,
                side_by_side=self.side_by_side,
                value_range=self.value_range,
                value_range_b=self.value_range_b,
            )
        )
        if self.json:
            import json

            print(json.dumps(report.to_json(), indent=2))
        else:
            print("\n".join(report.lines()))
        if report.errors:
            sys.exit(1)


COMMANDS: dict[str, Any] = {
    "train": {
        "cyclegan": TrainCycleGAN,
        "discogan": TrainDiscoGAN,
        "pix2pix": TrainPix2Pix,
        "translation-gan": TrainTranslationGAN,
        "reconstruction-gan": TrainReconstructionGAN,
        "stargan": TrainStarGAN,
        "gan": TrainGAN,
        "dcgan": TrainDCGAN,
        "sgan": TrainSGAN,
        "acgan": TrainACGAN,
        "cogan": TrainCoGAN,
        "classifier": TrainClassifier,
        "segmenter": TrainSegmenter,
        "autoencoder": TrainAutoencoder,
    },
    "resume": Resume,
    "translate": Translate,
    "sample": Sample,
    "judge": Judge,
    "relate": Relate,
    "adapt": Adapt,
    "evaluate": Evaluate,
    "likelihood": Likelihood,
    "report": Report,
    "import": Import,
    "export": Export,
    "reproduce": Reproduce,
    "data": {"list": DataList, "make": DataMake, "check": DataCheck},
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exit code 0 when done, 1 for an error (one clear message), 2 for a wrong call,
    130 where SIGINT or SIGTERM ended it.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    warnings.showwarning = _show_warning
    try:
        command = parse(arguments)
        if command is not None:
            command.run()
    except UnpairedError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, ConfigError) else 1)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:  # a full disk, a folder that may not be written
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def parse(arguments: list[str]) -> Any:
    """The command that the arguments name, with its options; None where help was all that was asked for."""
    table: Any = COMMANDS
    path = ["unpaired"]
    while isinstance(table, dict):
        word = arguments.pop(0) if arguments else "--help"
        if word in ("--help", "-h"):
            print(_overview(path, table))
            return None
        if word == "--version":
            print(f"unpaired {VERSION}")
            return None
        if word not in table:
            print(f"error: {' '.join(path)} has no '{word}'{meant(word, table)}\n\n{_overview(path, table)}", file=sys.stderr)
            sys.exit(2)
        table, path = table[word], [*path, word]
    arguments = [part for word in arguments for part in (word.split("=", 1) if word.startswith("--config=") else [word])]
    file: Path | None = None
    said = {word.split("=")[0] for word in arguments}
    if "--config" in arguments[:-1]:
        file = Path(arguments[arguments.index("--config") + 1])
        arguments[:0] = file_arguments(config.read_file(file), length=bool(said & {"--steps", "--minutes"}))

    def origin(option: str) -> str:
        """An option that the command line does not have must be the file's."""
        return "" if file is None or option in said else f" (in {file})"

    with registry(origin):
        return tyro.cli(OmitArgPrefixes[table], prog=" ".join(path), args=arguments)  # type: ignore[misc]


def _overview(path: list[str], table: dict[str, Any]) -> str:
    lines = [f"usage: {' '.join(path)} COMMAND [OPTIONS]", ""]
    if len(path) == 1:
        lines += ["Translate images between domains for which no pairs exist: train, measure, share.", ""]
    for name, entry in table.items():
        about = " | ".join(entry) if isinstance(entry, dict) else entry.__doc__.splitlines()[0]
        lines.append(f"  {name:<20} {about}")
    return "\n".join([*lines, "", f"`{' '.join(path)} COMMAND --help` tells more."])


def _finish(folder: Path) -> None:
    """After a training: scores, where images were held out, and the report. One process does it, of many."""
    if int(os.environ.get("RANK", "0")):
        return
    from unpaired import runs
    from unpaired.report import write_report

    try:
        _show_scores(runs.evaluate(folder))
    except RunError as nothing_held_out:
        print(nothing_held_out, file=sys.stderr)
    print(f"{write_report(folder)}\n{_next(folder)}")


def _report_all(folders: Sequence[Path]) -> None:
    """After an adaptation: scores and the report of each run that has none yet."""
    from unpaired import runs
    from unpaired.report import write_report

    for folder in folders:
        if (folder / "config.json").exists() and not (folder / "report.html").exists():
            with suppress(RunError):  # nothing was held out
                runs.evaluate(folder)
            write_report(folder)


def _show_accuracy(result: Mapping[str, Any]) -> None:
    """A table of an adaptation: a row for each class (of maps for each number first), a column for each classifier."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    scores, tested = result["accuracy"], result["tested"]
    if not scores:
        return
    maps = result["labels"] == "maps"
    title = "read right, of the target's labelled " + ("pixels; IoU of each class" if maps else "images")
    table = Table(title=title, title_justify="left")
    for name, justify in (("class", "left"), ("pixels" if maps else "images", "right"), *((each, "right") for each in scores)):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    count = sum(tested["by_class"].values())
    for key in MAP_SCORES if maps else ("overall",):
        table.add_row("all" if key == "overall" else key, f"{count:,}", *(f"{found[key]:.1%}" for found in scores.values()))
    for name, count in tested["by_class"].items() if len(tested["by_class"]) <= MOST_CLASSES else ():
        shares = [found["by_class"][name]["IoU"] if maps else found["by_class"][name] for found in scores.values()]
        table.add_row(escape(name), f"{count:,}", *(f"{share:.1%}" for share in shares))
    Console().print(table)


def _next(folder: Path) -> str:
    """What to do with a trained run."""
    from unpaired.attribute_translator import AttributeTranslator
    from unpaired.bundle import bundle_attributes, load_bundle
    from unpaired.products import Classifier, Sampler, Segmenter
    from unpaired.translator import Translator

    kept = load_bundle(folder)
    lines = []
    if any(isinstance(product, Sampler) for product in kept.values()):
        lines.append(f"sample with: unpaired sample {folder} --out FOLDER")
    lines += [
        f"from Python: unpaired.load({str(folder)!r}, part={name!r})"
        for name, product in kept.items()
        if (isinstance(product, Classifier) and product.classes) or isinstance(product, Segmenter)
    ]
    if any(isinstance(product, Translator | AttributeTranslator) for product in kept.values()):
        change = "".join(f" --set {one.name}={one.values[-1]}" for one in bundle_attributes(folder)[:1])
        lines.append(f"translate with: unpaired translate {folder} IMAGES{change} --out FOLDER")
    return "\n".join(lines) or f"from Python: unpaired.load({str(folder)!r})"


def _summed_up(scores: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Any:
    """One table of many changes: a row for each, its main scores beside those of doing nothing."""
    from rich.markup import escape
    from rich.table import Table

    from unpaired.evaluation.scoring import SUMMED_UP

    measures = [name for name in SUMMED_UP if any(name in methods["translated"] for methods in scores.values())]
    table = Table(title="held-out test images: translated (doing nothing)", title_justify="left")
    table.add_column("change")
    for measure in measures:
        table.add_column(measure, justify="right")
    for case, methods in scores.items():
        found, nothing = methods["translated"], methods.get("doing nothing", {})
        cells = [
            f"{found[measure]:.4f}" + (f" ({nothing[measure]:.4f})" if measure in nothing else "") if measure in found else ""
            for measure in measures
        ]
        table.add_row(escape(case), *cells)
    return table


def _show_scores(scores: Mapping[str, Mapping[str, Mapping[str, float]]]) -> None:
    """A table for each direction, a row for each measure, translated beside doing nothing; one for all of many changes."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from unpaired.evaluation.scoring import MANY

    if len(scores) > MANY and all("translated" in methods for methods in scores.values()):
        Console().print(_summed_up(scores))
        return
    for direction, methods in scores.items():
        title = direction.replace("_", " ") if direction in get_args(Direction) else direction
        table = Table(title=escape(title), title_justify="left")
        table.add_column("held-out test images")
        for method in methods:
            table.add_column(method, justify="right")
        for measure in {measure: None for values in methods.values() for measure in values}:
            table.add_row(
                escape(measure), *(f"{values[measure]:.4g}" if measure in values else "" for values in methods.values())
            )
        Console().print(table)


def _show_warning(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
    print(f"{'warning' if issubclass(category, DataWarning) else category.__name__}: {message}", file=sys.stderr)
