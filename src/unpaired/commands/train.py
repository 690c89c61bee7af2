"""`unpaired train` and `unpaired resume`, and what is said at the end."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import PositiveFloat, PositiveInt
from tyro.conf import Positional

from unpaired.commands.measure import show_scores
from unpaired.config import options
from unpaired.errors import RunError
from unpaired.games import specs
from unpaired.options import DataOptions, Training

PUBLISHED = Training(batch=1, schedule="linear", decay_from=0.5)
"""How CycleGAN is trained, and pix2pix by its authors' code."""


DIGITS = DataOptions(size=28, channels=1, flip=False)
"""How the first generators' papers saw their digits; mirrored, they would be others."""


@options
class _Run:
    """What every training takes besides its images and its game."""

    out: Path
    """The run's new folder."""
    config: Path | None = None
    """Read options from this file first (JSON or TOML, as a run's config.json); the command line overrules it."""
    data: DataOptions = DataOptions()
    training: Training = Training()
    game: Any = None
    sources: Any

    def run(self) -> None:
        from unpaired import runs

        runs.train(*self.sources, out=self.out, game=self.game, data=self.data, training=self.training)
        finish(self.out)


@options
class _TrainOnTwo(_Run):
    """What every training between two domains takes besides its game."""

    sources: Positional[tuple[str, ...]]
    """Folders or zips A and B; or one folder with trainA, trainB (testA, testB); or a named set such as faces:hair."""


@options
class TrainDiscoGAN(_TrainOnTwo):
    """DiscoGAN: two coupled GANs that learn a bijection (Kim et al. 2017)."""

    game: specs.DiscoGAN = specs.DiscoGAN()


@options
class TrainTranslationGAN(_TrainOnTwo):
    """Standard GAN from A to B: DiscoGAN's first baseline."""

    game: specs.TranslationGAN = specs.TranslationGAN()


@options
class TrainReconstructionGAN(_TrainOnTwo):
    """GAN with a reconstruction loss, A to B to A: DiscoGAN's second baseline."""

    game: specs.ReconstructionGAN = specs.ReconstructionGAN()


@options
class TrainCycleGAN(_TrainOnTwo):
    """CycleGAN: two GANs whose generators must undo each other (Zhu et al. 2017)."""

    game: specs.CycleGAN = specs.CycleGAN()
    data: DataOptions = DataOptions(size=256)
    training: Training = PUBLISHED


@options
class TrainPix2Pix(_TrainOnTwo):
    """pix2pix: a conditional GAN on pairs (Isola et al. 2017)."""

    game: specs.Pix2Pix = specs.Pix2Pix()
    data: DataOptions = DataOptions(size=256)
    training: Training = PUBLISHED


@options
class TrainStarGAN(_Run):
    """StarGAN: one translator for all values of many attributes (Choi et al. 2018)."""

    sources: Positional[tuple[str, ...]]
    """Labelled data sets, folders or zips: with a table of attributes, or a folder for each class; or a named set."""
    data: DataOptions = DataOptions(size=128)
    training: Training = Training(batch=16, schedule="linear", decay_from=0.5)
    game: specs.StarGAN = specs.StarGAN()


@options
class _TrainOnImages(_Run):
    """What every training on one set of images takes besides its game."""

    sources: Positional[tuple[str, ...]]
    """A folder or zip of images, with labels or without (a folder for each class, IDX, NPZ, a table); or a named set."""
    data: DataOptions = DIGITS
    training: Training = Training(batch=128)


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
class TrainAutoencoder(_TrainOnImages):
    """A stacked autoencoder, level by level or at once."""

    game: specs.Autoencoder = specs.Autoencoder()


@options
class TrainSegmenter(_Run):
    """A segmenter, taught by label maps alone: the class of each pixel."""

    sources: Positional[tuple[str, ...]]
    """A folder with images/ and labels/: a map of numbers for each image, under its name."""
    data: DataOptions = DataOptions(flip=False)
    training: Training = Training(batch=16, schedule="cosine")
    game: specs.Segmenter = specs.Segmenter()


@options
class TrainCoGAN(_Run):
    """Coupled GANs: pairs from one noise, of two sets without pairs (Liu and Tuzel 2016)."""

    sources: Positional[tuple[str, ...]]
    """Two folders, zips or named sets, A and B, of which A may have labels; or one folder with trainA, trainB."""
    data: DataOptions = DIGITS
    training: Training = Training(batch=128)
    game: specs.CoGAN = specs.CoGAN()


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

        if self.steps is None and self.minutes is None and (said := _finished(self.run_folder)):
            if not int(os.environ.get("RANK", "0")):
                print(said)
            return
        runs.resume(self.run_folder, steps=self.steps, minutes=self.minutes)
        finish(self.run_folder)


def _finished(folder: Path) -> str:
    """Of a run that came to its end, and was told of, what may be done with it; empty of one that can go on."""
    from unpaired.engine import journal
    from unpaired.run_config import load_config

    training = load_config(folder).training
    last: Mapping[str, Any] = next(
        (one for one in reversed(journal.read(folder)) if one["event"] in ("start", "resume", "end")), {}
    )
    if not last.get("complete") or not (folder / "report.html").exists():
        return ""
    if last["step"] < training.steps if training.steps is not None else last["seconds"] < 60 * (training.minutes or 0):
        return ""  # it was lengthened, and had no time to say so in its journal
    return (
        f"{folder} is finished, at step {last['step']:,}; to go on with it, give a new end: "
        f"unpaired resume {folder} {training.twice_as_long}\n"
        f"its scores and its page are written anew by: unpaired evaluate {folder}, unpaired report {folder}"
    )


def finish(folder: Path) -> None:
    """After a training: scores, where images were held out, and the report. One process does it, of many."""
    if int(os.environ.get("RANK", "0")):
        return
    from unpaired import runs
    from unpaired.report import write_report

    try:
        show_scores(runs.evaluate(folder))
    except RunError as nothing_held_out:
        print(nothing_held_out, file=sys.stderr)
    print(f"{write_report(folder)}\n{next_steps(folder)}")


def next_steps(folder: Path) -> str:
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
