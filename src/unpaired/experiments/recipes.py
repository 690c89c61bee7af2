"""The papers' own data: how each paper trained on it, to be run on a user's own copy. No package carries these images.

A recipe is data; `RECIPES` has them all. `unpaired reproduce NAME --size paper --data FOLDER` trains as published;
`--size quick` plays three steps of a tiny game on the same folder, which proves that it holds what it should.
"""

import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from unpaired import runs
from unpaired.data.sources import find_domains
from unpaired.errors import DataError, MissingDependency
from unpaired.experiments.base import Claim, Experiment, Lab, Metrics, minutes, trained
from unpaired.experiments.comparison import KIM, ZHU
from unpaired.games import specs
from unpaired.metrics import features
from unpaired.networks.specs import UNET_256, ConvDiscriminator, EncoderDecoder, PatchGAN, ResNet, UNet
from unpaired.options import DataOptions, Training

EXTRACTOR = "efficientnet-lite0"

ISOLA = "Isola et al., Image-to-Image Translation with Conditional Adversarial Networks, CVPR 2017"

APART = "a folder with trainA, trainB, testA and testB"
SIDE_BY_SIDE = "a folder with train and test (or val), each file a pair side by side: {left} left, {right} right"
CELEBA = "CelebA's folder, with list_attr_celeba.txt and img_align_celeba"


class Attributes(NamedTuple):
    """Which faces of CelebA make domains A and B, by names of its table: +1 for has, -1 for has not.

    all: what every face of both domains has or has not.
    """

    a: tuple[str, int]
    b: tuple[str, int]
    all: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Recipe:
    """How a paper trained on a set of images.

    folder: what the user's folder has to hold. images: whose they are. batch, epochs, steps, decay_from: of the training; an
    epoch shows as many images as the larger domain has; steps count where the paper gives no epochs. attributes: of CelebA.
    fid: published, of the first direction. notes: where this differs from the paper, or from what could be looked up.
    """

    name: str
    about: str
    paper: str
    folder: str
    images: str
    game: specs.GameSpec
    data: DataOptions
    batch: int
    epochs: int | None = None
    steps: int | None = None
    decay_from: float | None = None
    attributes: Attributes | None = None
    fid: float | None = None
    notes: tuple[str, ...] = ()

    def training(self, images: int) -> Training:
        """The published training, where the larger domain has so many images."""
        steps = self.steps if self.epochs is None else max(1, self.epochs * images // self.batch)
        if self.decay_from is None:
            return Training(steps=steps, batch=self.batch)
        return Training(steps=steps, batch=self.batch, schedule="linear", decay_from=self.decay_from)


class Dry(NamedTuple):
    """A dry run: the recipe's data and game, made tiny. side: pixels of the images; None for the recipe's own."""

    steps: int
    batch: int
    width: int
    side: int | None


DRY = Dry(steps=3, batch=4, width=8, side=None)
KEPT_FOR_TEST = 200
"""Faces of each domain that DiscoGAN's authors keep for testing: the last ones."""


def play(lab: Lab, recipe: Recipe) -> Metrics:
    """Train a recipe on the lab's folder and score it on the held-out images.

    DataError, naming the layout that is wanted, where the folder holds another; MissingDependency, before the training, where
    the packages of the extractor are missing.
    """
    assert lab.data is not None
    dry = lab.size == "quick"
    with_fid = False
    if not dry:
        features.EXTRACTORS[EXTRACTOR]()
        with_fid = recipe.fid is not None and _has_inception()
    try:
        source = lab.data if recipe.attributes is None else arrange(lab.data, _beside(lab, recipe), recipe.attributes)
        paths = find_domains((str(source),), side_by_side=recipe.data.side_by_side)
        if recipe.data.side_by_side and paths.test_a is None:
            raise DataError(f"{source} has no test/ or val/ beside a train/")
    except DataError as error:
        raise DataError(f"{error}. {recipe.name} wants {recipe.folder} ({recipe.images})") from None
    count = max(len(paths.train_a.names), len(paths.train_b.names))
    game, data, training = recipe.game, recipe.data, recipe.training(count)
    if dry:
        game, data, training = (
            shrunk(game, DRY),
            smaller(data, DRY),
            Training(steps=DRY.steps, batch=min(recipe.batch, DRY.batch)),
        )
    folder = trained(lab, f"{recipe.name}-{lab.size}", source=source, game=game, data=data, training=training)
    metrics: Metrics = {"scores": runs.evaluate(folder, extractor=None if dry else EXTRACTOR)}
    if with_fid:
        metrics["fid"] = _fid(folder)
    shutil.copyfile(folder / "translated.png", lab.results / "translated.png")
    opened = runs.open_data(runs.load_config(folder))
    return metrics | {
        "steps": training.steps,
        "images": {part: len(getattr(opened, part)) for part in ("train_a", "train_b", "test_a", "test_b")},
        "training_minutes": round(minutes(folder), 2),
        "seconds_per_step": round(60 * minutes(folder) / max(1, training.steps or 1), 4),
    }


def arrange(celeba: Path, into: Path, attributes: Attributes) -> Path:
    """CelebA's faces as trainA, trainB, testA and testB below `into`, as links; the last 200 of each domain are for testing.

    A face that belongs to both domains is in neither. DataError where the table or the images are not there, or an
    attribute is none of the table's.
    """
    table, faces = celeba / "list_attr_celeba.txt", celeba / "img_align_celeba"
    if not table.is_file() or not faces.is_dir():
        raise DataError(f"{celeba} holds no {table.name if not table.is_file() else faces.name}; wanted {CELEBA}")
    _, heads, *rows = table.read_text(encoding="utf-8").splitlines()
    column = {name: place for place, name in enumerate(heads.split(), start=1)}
    asked = {attribute for attribute, _ in (attributes.a, attributes.b, *attributes.all)}
    if unknown := sorted(asked - column.keys()):
        raise DataError(
            f"{table} has no attribute {', '.join(unknown)}; wanted CelebA's own table, which has {len(column)} columns"
        )
    domains: dict[str, list[str]] = {"A": [], "B": []}
    for row in map(str.split, rows):
        if len(row) == len(column) + 1 and all(int(row[column[name]]) == value for name, value in attributes.all):
            a, b = (int(row[column[name]]) == value for name, value in (attributes.a, attributes.b))
            if a != b:
                domains["A" if a else "B"].append(row[0])
    for domain, names in domains.items():
        kept = min(KEPT_FOR_TEST, len(names) // 4)  # of few, as in a first look, no more than a quarter
        for part, chosen in (("train", names[: len(names) - kept]), ("test", names[len(names) - kept :])):
            (into / f"{part}{domain}").mkdir(parents=True, exist_ok=True)
            for name in chosen:
                _link(faces.absolute() / name, into / f"{part}{domain}" / name)
    return into


def shrunk(game: specs.GameSpec, dry: Dry) -> specs.GameSpec:
    """The same game with narrow, shallow networks."""
    played: Any = game  # of those with a generator and a discriminator
    generator, discriminator = played.generator, played.discriminator
    generator, discriminator = replace(generator, width=dry.width), replace(discriminator, width=dry.width)
    if isinstance(generator, ResNet):
        generator = replace(generator, blocks=1)
    if isinstance(generator, UNet) and dry.side is not None:
        generator = replace(generator, downs=min(generator.downs, dry.side.bit_length() - 1))
    if isinstance(discriminator, PatchGAN):
        discriminator = replace(discriminator, layers=min(discriminator.layers, 2))
    return replace(game, generator=generator, discriminator=discriminator)


def smaller(data: DataOptions, dry: Dry) -> DataOptions:
    """The same data at the dry run's size, cut from images that are larger by the same factor."""
    if dry.side is None:
        return data
    load = None if data.load_size is None else round(dry.side * data.load_size / data.size)
    return replace(data, size=dry.side, load_size=load)


def experiment(recipe: Recipe) -> Experiment:
    """The recipe as an experiment of two sizes."""
    length = f"{recipe.epochs} epochs" if recipe.epochs is not None else f"{recipe.steps} steps"
    claims = () if recipe.fid is None else (_fid_claim(recipe.fid),)
    return Experiment(
        name=recipe.name,
        about=recipe.about,
        paper=recipe.paper,
        run=partial(play, recipe=recipe),
        claims=claims,
        deviations=(*recipe.notes, *NOTES),
        budget={
            "quick": f"a dry run: {DRY.steps} steps of a tiny game",
            "paper": f"{length} of batch {recipe.batch} at {recipe.data.size} px",
        },
        sizes=("quick", "paper"),
        wants=f"{recipe.folder}. {recipe.images}",
    )


NOTES = (
    "the best checkpoint is chosen on a quarter of the test images (64 at the most), which are not among those scored",
    "bfloat16 where the processor computes in it",
)


def _fid_claim(published: float) -> Claim:
    return Claim(
        statement="A to B is as good as the authors' own weights",
        source="FID of the official weights, trained without identity loss, measured by others on all test images",
        wanted=f"FID from A to B at most {published:g}, here on three quarters of the test images, which makes it rather higher",
        measure=lambda metrics: metrics.get("fid"),
        holds=lambda fid: fid <= published,
    )


def _has_inception() -> bool:
    """Whether FID can be measured; asked before the training, as its weights may have to be fetched."""
    try:
        features.EXTRACTORS[features.INCEPTION]()
    except (MissingDependency, OSError):
        return False
    return True


def _fid(folder: Path) -> float:
    scores = runs.evaluate(folder, extractor=features.INCEPTION)
    return round(scores["a_to_b"]["translated"]["fid"], 2)


def _beside(lab: Lab, recipe: Recipe) -> Path:
    """A folder for links into the lab's data, another one for another folder of data."""
    where = hashlib.blake2b(str(Path(str(lab.data)).absolute()).encode(), digest_size=4).hexdigest()
    return lab.runs / f"{recipe.name}-data-{where}"


def _link(target: Path, link: Path) -> None:
    if link.exists():
        return
    try:
        os.symlink(target, link)
    except OSError:  # Windows asks for a privilege, some file systems know no links
        shutil.copyfile(target, link)


def _cyclegan(name: str, about: str, images: str, *, identity: float = 0.0, small: bool = False, **more: Any) -> Recipe:
    """CycleGAN's, appendix 7.1 and 7.2: 200 epochs of batch 1, the learning rate falls in the second hundred."""
    size, load, blocks = (128, 143, 6) if small else (256, 286, 9)
    return Recipe(
        name=name,
        about=f"CycleGAN: {about}",
        paper=f"{ZHU}, appendix 7",
        folder=APART,
        images=images,
        game=specs.CycleGAN(generator=ResNet(blocks=blocks, init="normal"), identity=identity),
        data=DataOptions(size=size, load_size=load, fit="resize"),
        batch=1,
        epochs=200,
        decay_from=0.5,
        **more,
    )


def _pix2pix(
    name: str, about: str, images: str, *, sides: tuple[str, str], vary: bool, swap: bool = False, **more: Any
) -> Recipe:
    """pix2pix's, appendix 6: U-Net for 256 px, learning rate constant. vary: mirrored, and cut from 286 px."""
    return Recipe(
        name=name,
        about=f"pix2pix: {about}",
        paper=f"{ISOLA}, appendix 6",
        folder=SIDE_BY_SIDE.format(left=sides[0], right=sides[1]),
        images=images,
        game=specs.Pix2Pix(generator=UNET_256),
        data=DataOptions(size=256, load_size=286 if vary else None, flip=vary, fit="resize", side_by_side=True, swap=swap),
        **more,
    )


def _discogan(name: str, about: str, folder: str, images: str, *, side_by_side: bool = False, **more: Any) -> Recipe:
    """DiscoGAN's, section 4: 64 px, batch 200, Adam at 2e-4 with weight decay 1e-4."""
    notes = (
        "the paper does not say how long it trains: 50,000 steps, as on its toy (from memory)",
        "the paper's unweighted losses; those of the authors' code are `--form authors`",
        *more.pop("notes", ()),
    )
    return Recipe(
        name=name,
        about=f"DiscoGAN: {about}",
        paper=f"{KIM}, section 4",
        folder=folder,
        images=images,
        game=specs.DiscoGAN(generator=EncoderDecoder(), discriminator=ConvDiscriminator()),
        data=DataOptions(size=64, fit="resize", flip=False, side_by_side=side_by_side),
        batch=200,
        steps=50_000,
        notes=notes,
        **more,
    )


SHOES = "Edges and photographs of shoes: UT Zappos50K (Yu & Grauman), edges as pix2pix's authors drew them"
HANDBAGS = "Edges and photographs of handbags: Amazon (Zhu et al. 2016), edges as pix2pix's authors drew them"
FACADES = "CMP Facades (Tylecek & Sara)"
MAPS = "Aerial photographs and maps of New York, collected by pix2pix's authors"
FACES = "CelebA (Liu et al., ICCV 2015)"
FROM_MEMORY = "epochs, batch and variation of pix2pix's training are from memory of the paper's appendix"
CONSTANT = "the learning rate is constant, as in pix2pix's first code; its PyTorch code lets it fall"
NO_DILATION = "the authors' code thickens the edges to 3 x 3 px first; here they are as they lie in the files"

ALL: Sequence[Recipe] = (
    _cyclegan(
        "horse2zebra",
        "horses <-> zebras",
        "Horses and zebras from ImageNet, collected by CycleGAN's authors",
        fid=77.2,
    ),
    _cyclegan("apple2orange", "apples <-> oranges", "Apples and oranges from ImageNet, collected by CycleGAN's authors"),
    _cyclegan("summer2winter", "Yosemite in summer <-> in winter", "Photographs from Flickr, collected by CycleGAN's authors"),
    _cyclegan(
        "monet2photo",
        "Monet's paintings <-> photographs, with the identity loss",
        "Paintings from WikiArt and photographs from Flickr, collected by CycleGAN's authors",
        identity=5.0,
    ),
    _cyclegan("maps", "aerial photographs <-> maps, without pairs", MAPS),
    _cyclegan("facades", "photographs <-> labels of facades, without pairs", FACADES),
    _cyclegan(
        "cityscapes",
        "street scenes <-> their labels, without pairs, at 128 px",
        "Cityscapes (Cordts et al., CVPR 2016)",
        small=True,
        notes=("128 px and 6 blocks for this set are from memory of the paper",),
    ),
    _pix2pix(
        "pix2pix-facades",
        "labels of facades -> photographs",
        FACADES,
        sides=("photograph", "labels"),
        vary=True,
        swap=True,
        batch=1,
        epochs=200,
        notes=(FROM_MEMORY, CONSTANT),
    ),
    _pix2pix(
        "pix2pix-maps",
        "aerial photographs -> maps",
        MAPS,
        sides=("aerial photograph", "map"),
        vary=True,
        batch=1,
        epochs=200,
        notes=(FROM_MEMORY, CONSTANT),
    ),
    _pix2pix(
        "pix2pix-edges2shoes",
        "edges -> photographs of shoes",
        SHOES,
        sides=("edges", "photograph"),
        vary=False,
        batch=4,
        epochs=15,
        notes=(FROM_MEMORY, CONSTANT),
    ),
    _pix2pix(
        "pix2pix-edges2handbags",
        "edges -> photographs of handbags",
        HANDBAGS,
        sides=("edges", "photograph"),
        vary=False,
        batch=4,
        epochs=15,
        notes=(FROM_MEMORY, CONSTANT),
    ),
    _discogan(
        "discogan-edges2shoes",
        "edges <-> photographs of shoes, without pairs",
        SIDE_BY_SIDE.format(left="edges", right="photograph"),
        SHOES,
        side_by_side=True,
        notes=(
            NO_DILATION,
            "the authors take edges from one half of the files and photographs from the other; here both from all",
        ),
    ),
    _discogan(
        "discogan-edges2handbags",
        "edges <-> photographs of handbags, without pairs",
        SIDE_BY_SIDE.format(left="edges", right="photograph"),
        HANDBAGS,
        side_by_side=True,
        notes=(
            NO_DILATION,
            "the authors take edges from one half of the files and photographs from the other; here both from all",
        ),
    ),
    _discogan(
        "handbags2shoes",
        "handbags <-> shoes, which share no feature that is named",
        f"{APART}: handbags in A, shoes in B",
        "The photographs, right halves, of pix2pix's edges2handbags and edges2shoes",
    ),
    _discogan(
        "celeba-hair",
        "blond <-> black hair",
        CELEBA,
        FACES,
        attributes=Attributes(a=("Blond_Hair", 1), b=("Black_Hair", 1)),
        notes=("the authors' command also names one gender for both domains, whose sign it does not set; here both are in",),
    ),
    _discogan("celeba-gender", "men <-> women", CELEBA, FACES, attributes=Attributes(a=("Male", 1), b=("Male", -1))),
)
RECIPES: Mapping[str, Experiment] = {recipe.name: experiment(recipe) for recipe in ALL}
"""Every recipe, by name, as an experiment."""
