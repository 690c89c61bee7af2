"""`tracks-adaptation`: a segmenter that was taught in one world, tested in another: as it is, by translations, by the truth.

Zhu et al. 2017 and Hoffman et al. 2018 train on street scenes of a game and test on photographs of Cityscapes; the labels of
the game go with what CycleGAN makes of its pictures. Here the worlds are five race tracks, each of which may be either. Each
teaches a segmenter; CycleGAN is trained where one reads another world's validation views worst, beside that world's own.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from unpaired import images
from unpaired.adaptation.classes import labels_may_lack
from unpaired.adaptation.map_scores import said_of, scores_of
from unpaired.adaptation.maps import opened_maps, write_translated_maps
from unpaired.adaptation.translated import middle
from unpaired.data.label_maps import IMAGES
from unpaired.data.sets.table import folder_of
from unpaired.data.sets.track_worlds import CLASSES, WORLDS
from unpaired.data.store import cache_folder
from unpaired.evaluation.maps import in_colours
from unpaired.evaluation.scoring import Part, rows_of
from unpaired.experiments.adaptation import HOFFMAN
from unpaired.experiments.base import SIZES, Claim, Experiment, Lab, Metrics, Size, as_it_ended, minutes, trained
from unpaired.experiments.comparison import ZHU
from unpaired.games import specs
from unpaired.images import Pixels
from unpaired.images.maps import VOID, Labels
from unpaired.networks.specs import PatchGAN, ResNet, SmallUNet
from unpaired.options import Adam, DataOptions, Training
from unpaired.products import Segmenter
from unpaired.translator import Translator

SET, SET_SIZE = "tracks", 64
"""The named set, and the least size at which it is drawn."""
SOURCE_ONLY, CYCLEGAN, KEEPING, ORACLE = "source only", "CycleGAN", "CycleGAN + identity", "oracle"
ADAPTED = (CYCLEGAN, KEEPING)
METHODS = (SOURCE_ONLY, *ADAPTED, ORACLE)
MEASURES = ("per-pixel accuracy", "per-class accuracy", "mean class IoU")
IDENTITY = 5.0
"""What the authors' code has by default."""
VISIBLE = 0.05
"""What the oracle is ahead of source only, in mean class IoU, where a gap is worth to be closed."""
JITTER = 0.4
"""How much brightness, contrast and saturation vary while a segmenter is taught: else it is lost in another world for its
brightness alone.
"""
SHOWN = 8

Scores = Mapping[str, Mapping[str, float]]


class Budget(NamedTuple):
    """What a size spends. pairs: of worlds that are translated; lessons: steps of a segmenter, of batch 16; steps, batch: of
    CycleGAN.
    """

    pixels: int
    pairs: int
    lessons: int
    segmenter: SmallUNet
    steps: int
    batch: int
    generator: ResNet
    discriminator: PatchGAN
    learning_rate: float


BUDGETS: Mapping[Size, Budget] = {
    "quick": Budget(
        pixels=32,
        pairs=1,
        lessons=150,
        segmenter=SmallUNet(width=8),
        steps=60,
        batch=4,
        generator=ResNet(width=8, blocks=2, init="normal"),
        discriminator=PatchGAN(width=16, layers=2, init="normal"),
        learning_rate=5e-4,
    ),
    "default": Budget(
        pixels=64,
        pairs=2,
        lessons=300,
        segmenter=SmallUNet(),
        steps=1500,
        batch=4,
        generator=ResNet(width=24, blocks=3, init="normal"),
        discriminator=PatchGAN(width=32, layers=2, init="normal"),
        learning_rate=5e-4,
    ),
    "paper": Budget(
        pixels=256,
        pairs=2,
        lessons=20_000,
        segmenter=SmallUNet(width=64, halvings=4),
        steps=100_000,
        batch=1,
        generator=ResNet(init="normal"),
        discriminator=PatchGAN(init="normal"),
        learning_rate=2e-4,
    ),
}


class Pair(NamedTuple):
    """Two worlds, by name."""

    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.source} to {self.target}"


class Trainings:
    """The trainings of a size: each is made, or taken up, when it is asked for. spent: minutes of each so far, by its folder."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.budget = lab, BUDGETS[lab.size]
        self.spent: dict[str, float] = {}
        self.root = folder_of(SET, size=max(SET_SIZE, self.budget.pixels), cache=cache_folder())
        self.data = DataOptions(size=self.budget.pixels, jitter=JITTER)
        self.worlds = {world: opened_maps(str(self.root / world), self.data) for world in WORLDS}

    def reader(self, world: str) -> Segmenter:
        """The segmenter that a world's labels taught."""
        return self._taught(f"segmenter-{world}", self.root / world)

    def adapted(self, pair: Pair, method: str) -> Segmenter:
        """The segmenter that the source's labels taught on its views as they were translated."""
        folder = self._cyclegan(pair, method)
        translated = folder / "translated"
        if not translated.exists():
            write_translated_maps(self.worlds[pair.source], self.translator(pair, method), translated)
        return self._taught(f"segmenter-{folder.name}", translated)

    def translator(self, pair: Pair, method: str) -> Translator:
        """CycleGAN's, from source to target."""
        return as_it_ended(self._cyclegan(pair, method), "a_to_b", Translator)

    def views(self, world: str, part: Part) -> tuple[Pixels, Labels]:
        """Held-out views of a world and their maps, those at which runs look while they train or the others."""
        one = self.worlds[world]
        rows = rows_of(one.images.test.pixels, part)
        return np.array(one.images.test.pixels[rows]), np.array(one.test_maps[rows])

    def _cyclegan(self, pair: Pair, method: str) -> Path:
        budget = self.budget
        game = specs.CycleGAN(
            generator=budget.generator,
            discriminator=budget.discriminator,
            identity=IDENTITY if method == KEEPING else 0.0,
            optimizer=Adam(learning_rate=budget.learning_rate),
        )
        training = Training(
            steps=budget.steps,
            batch=budget.batch,
            schedule="linear",
            decay_from=0.5,
            ema=0.99,
            evaluate_every=max(1, budget.steps // 2),
            save_every=max(1, budget.steps // 10),
        )
        sources = tuple(str(self.root / world / IMAGES) for world in pair)
        stem = "cyclegan" if method == CYCLEGAN else "cyclegan-identity"
        data = DataOptions(size=budget.pixels, sets=True)
        with labels_may_lack():
            return self._run(f"{stem}-{pair.source}-{pair.target}", sources, game, data, training)

    def _taught(self, name: str, source: Path) -> Segmenter:
        budget = self.budget
        game = specs.Segmenter(network=budget.segmenter, optimizer=Adam(learning_rate=2e-3, beta1=0.9))
        training = Training(
            steps=budget.lessons, batch=16, schedule="cosine", compile="off", evaluate_every=max(1, budget.lessons // 2)
        )
        return as_it_ended(self._run(name, (str(source),), game, self.data, training), "segmenter", Segmenter)

    def _run(self, name: str, sources: tuple[str, ...], game: specs.GameSpec, data: DataOptions, training: Training) -> Path:
        place = f"tracks-{self.lab.size}/{name}"
        folder = trained(self.lab, place, source=sources, game=game, data=data, training=training)
        self.spent[name] = round(minutes(folder), 1)
        return folder


def compare(lab: Lab) -> Metrics:
    """Teach a segmenter in each world, choose pairs by validation views, adapt, and read the targets' test views."""
    trainings = Trainings(lab)
    readers = {world: trainings.reader(world) for world in WORLDS}
    read = {
        source: {target: scored(reader, *trainings.views(target, "validation"))["mean class IoU"] for target in WORLDS}
        for source, reader in readers.items()
    }
    scores: dict[str, dict[str, dict[str, float]]] = {}
    by_class: dict[str, dict[str, dict[str, float]]] = {}
    for pair in chosen(read, count=trainings.budget.pairs):
        methods = {SOURCE_ONLY: readers[pair.source]}
        methods |= {method: trainings.adapted(pair, method) for method in ADAPTED}
        methods[ORACLE] = readers[pair.target]
        pixels, maps = trainings.views(pair.target, "test")
        found = {method: scored(reader, pixels, maps) for method, reader in methods.items()}
        scores[str(pair)] = {method: {name: values[name] for name in MEASURES} for method, values in found.items()}
        by_class[f"IoU, {pair}"] = {
            method: {kind: each["IoU"] for kind, each in values["by_class"].items()} for method, values in found.items()
        }
        draw(lab.results, pair, trainings, methods)
    return {
        "scores": scores,
        "gap closed": {pair: gap_closed(found) for pair, found in scores.items()},
        "tables": {"mean class IoU on validation views: taught in (row), read in (column)": read, **by_class},
        "training_minutes": trainings.spent,
        "views": {
            "to train on, of each world": len(next(iter(trainings.worlds.values())).train_maps),
            "to choose pairs by": len(trainings.views(next(iter(WORLDS)), "validation")[1]),
            "to test on": len(trainings.views(next(iter(WORLDS)), "test")[1]),
        },
    }


def scored(reader: Segmenter, pixels: Pixels, maps: Labels) -> dict[str, Any]:
    """How a segmenter reads views [N, H, W, 3] with maps [N, H, W], see `adaptation.map_scores.scores_of`."""
    return scores_of(said_of(reader, pixels, CLASSES), maps, CLASSES)


def chosen(read: Scores, *, count: int) -> list[Pair]:
    """The pairs of worlds whose gap is widest, of different targets. read: mean class IoU, by the world whose labels taught
    and by the one that is read.
    """
    gaps = {
        Pair(source, target): read[target][target] - found
        for source, targets in read.items()
        for target, found in targets.items()
        if source != target
    }
    widest: dict[str, Pair] = {}
    for pair in sorted(gaps, key=lambda pair: -gaps[pair]):
        widest.setdefault(pair.target, pair)
    return list(widest.values())[:count]


def gap_closed(found: Scores) -> dict[str, dict[str, float]]:
    """Of what lies between source only and the oracle, the share that a method gains, by measure; none where nothing does."""
    wide = {name: found[ORACLE][name] - found[SOURCE_ONLY][name] for name in MEASURES}
    return {
        method: {name: round((found[method][name] - found[SOURCE_ONLY][name]) / gap, 4) for name, gap in wide.items() if gap > 0}
        for method in ADAPTED
    }


def draw(folder: Path, pair: Pair, trainings: Trainings, methods: Mapping[str, Segmenter]) -> None:
    """Two sheets: the source's validation views, translated, beside the target's; what each method reads in these."""
    stem, size = str(pair).replace(" ", "-"), trainings.worlds[pair.source].images.images.size
    views, _ = trainings.views(pair.source, "validation")
    x = middle(_spread(views), size=size)
    pixels, maps = (_spread(each) for each in trainings.views(pair.target, "test"))
    target = middle(pixels, size=size)
    rows = [(pair.source, x), *((method, trainings.translator(pair, method).batch(x)) for method in ADAPTED)]
    images.write(folder / f"{stem}.png", images.labelled_grid([*rows, (pair.target, target)], scale=2))
    rows = [(pair.target, target), ("truth", in_colours(maps))]
    read = {method: said_of(reader, pixels, CLASSES) for method, reader in methods.items()}
    rows += [(method, in_colours(np.where(maps == VOID, VOID, labels))) for method, labels in read.items()]
    images.write(folder / f"{stem}-labels.png", images.labelled_grid(rows, scale=2))


def _spread(several: np.ndarray) -> np.ndarray:
    """SHOWN of them, from all over."""
    return several[np.linspace(0, len(several) - 1, min(SHOWN, len(several))).astype(int)]


def _visible(metrics: Metrics) -> dict[str, dict[str, dict[str, float]]] | None:
    """Shares of the gap that are closed, in the measures and on the pairs of which it is visible; None where none is."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for pair, methods in metrics["scores"].items():
        wide = [name for name in MEASURES if methods[ORACLE][name] - methods[SOURCE_ONLY][name] >= VISIBLE]
        if wide:
            closed = metrics["gap closed"][pair]
            found[pair] = {method: {name: shares[name] for name in wide} for method, shares in closed.items()}
    return found or None


def _of(measure: str, *methods: str) -> Callable[[Metrics], dict[str, dict[str, float]]]:
    return lambda metrics: {
        pair: {method: found[method][measure] for method in methods} for pair, found in metrics["scores"].items()
    }


def _above(found: Scores) -> bool:
    return all(values[CYCLEGAN] > values[SOURCE_ONLY] for values in found.values())


CLAIMS = (
    Claim(
        statement="Taught by translated views, a segmenter reads more pixels of the target right than taught by the source's own",
        source=f"{ZHU}, table of domain adaptation (GTA to Cityscapes); {HOFFMAN}, table of GTA5 to Cityscapes",
        wanted="per-pixel accuracy of CycleGAN, without an identity loss, above that of source only, on every pair",
        measure=_of("per-pixel accuracy", SOURCE_ONLY, CYCLEGAN),
        holds=_above,
    ),
    Claim(
        statement="It also finds the classes better",
        source=f"{HOFFMAN}, table of GTA5 to Cityscapes (mean IoU)",
        wanted="mean class IoU of CycleGAN, without an identity loss, above that of source only, on every pair",
        measure=_of("mean class IoU", SOURCE_ONLY, CYCLEGAN),
        holds=_above,
    ),
    Claim(
        statement="At least half of the gap between source only and oracle is closed",
        source="this project",
        wanted="half in one of the three measures, by CycleGAN with or without an identity loss, on a pair whose gap in that "
        f"measure is {VISIBLE:g} at least",
        measure=_visible,
        holds=lambda found: any(
            share >= 0.5 for methods in found.values() for shares in methods.values() for share in shares.values()
        ),
    ),
    Claim(
        statement="The target's own labels teach best",
        source=f"{ZHU}, table of domain adaptation; {HOFFMAN}, table of GTA5 to Cityscapes",
        wanted="all three measures of the oracle above those of all others, on every pair",
        measure=lambda metrics: metrics["scores"],
        holds=lambda found: all(
            methods[ORACLE][name] > methods[method][name]
            for methods in found.values()
            for method in METHODS[:-1]
            for name in MEASURES
        ),
    ),
)
DEVIATIONS = (
    "five worlds drawn from race tracks, in five classes, instead of GTA and Cityscapes in nineteen; 500 training views of each, "
    "of 64 px",
    "of twenty ordered pairs those two of different targets are adapted whose gap in mean class IoU is widest on validation "
    "views: no test view chose them",
    "a small U-Net in place of FCN-8s and of DRN-26, which starts from nothing where theirs know ImageNet; all are taught for as "
    "many steps, and answer as they ended",
    "segmenters see views of varied brightness, contrast and saturation, so that no gap is one of brightness alone",
    "pictures are translated, features are not aligned: CyCADA's pixel level alone, without semantic consistency, which reads "
    "classes of whole images",
    "CycleGAN with the identity loss of its authors' code beside the one without, as in CyCADA; batch 4, a ResNet of 3 blocks, "
    "a PatchGAN of 34 px, a learning rate of 0.0005 that falls to zero in the second half, a moving average of the weights: for "
    "the small budget",
    "one training seed",
)


def _budget(size: Size) -> str:
    budget = BUDGETS[size]
    return (
        f"segmenters {budget.lessons} steps of batch 16, CycleGAN {budget.steps} steps of batch {budget.batch} at "
        f"{budget.pixels} px, twice for each of {budget.pairs} pairs"
    )


TRACKS_ADAPTATION = Experiment(
    name="tracks-adaptation",
    about="race tracks segmented in one world with another's labels: as they are, through CycleGAN, with the truth",
    paper=f"{ZHU}, domain adaptation; {HOFFMAN}, section 4.2",
    run=compare,
    claims=CLAIMS,
    deviations=DEVIATIONS,
    seeds={size: (0,) for size in SIZES},
    budget={size: _budget(size) for size in SIZES},
)
