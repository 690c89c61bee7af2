"""`earth`: satellite image <-> relief map, scored by a segmenter: CycleGAN, its ablations, DiscoGAN, two baselines, pix2pix.

The paper translates label maps of streets to photographs and back, and lets a network that was trained on real images
label the translated ones (Zhu et al. 2017, section 5.1, tables 2 to 5). Here the two domains are pictures of the earth; as
they show the same places, the answers can be compared with the truth as well, which no training of an unpaired game has
seen.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from unpaired import evaluation, images
from unpaired.data.batches import Domains, open_domains
from unpaired.data.sets import earth as tiles
from unpaired.data.sets.table import folder_of
from unpaired.data.store import cache_folder
from unpaired.engine import checkpoint
from unpaired.experiments.base import Claim, Experiment, Lab, Metrics, Size, minutes
from unpaired.experiments.comparison import (
    BASELINES,
    DIRECTIONS,
    KIM,
    NOTHING,
    PIX2PIX,
    SHOWN,
    ZHU,
    Model,
    budgets_in_words,
    table,
    trainings,
)
from unpaired.experiments.segmenter import Lessons, taught
from unpaired.games import specs
from unpaired.games.table import build
from unpaired.metrics import distribution, paired
from unpaired.metrics.features import Extractor, default_extractor
from unpaired.metrics.segmentation import class_accuracy, confusion, label_scores
from unpaired.networks.specs import PatchGAN, ResNet
from unpaired.options import Adam, DataOptions, Training
from unpaired.products import Segmenter
from unpaired.run_config import load_config
from unpaired.translator import Translator

IDENTITY = 5.0
"""What the authors' code has by default."""
REAL, CYCLEGAN, KEEPING = "real images", "CycleGAN", "CycleGAN + identity"
CYCLE_ALONE, GAN_ALONE, FORWARD, BACKWARD = "cycle alone", "GAN alone", "GAN + forward cycle", "GAN + backward cycle"
LABELLED = ("per-pixel accuracy", "per-class accuracy", "mean class IoU")


class Budget(NamedTuple):
    """What a size spends on every model alike.

    pixels: the side of a tile; tested: test tiles that are scored, None for all; lessons: of the two segmenters.
    """

    steps: int
    batch: int
    pixels: int
    generator: ResNet
    discriminator: PatchGAN
    learning_rate: float
    lessons: Lessons
    tested: int | None = None


BUDGETS: Mapping[Size, Budget] = {
    "quick": Budget(
        steps=40,
        batch=4,
        pixels=64,
        generator=ResNet(width=8, blocks=1, norm="batch"),
        discriminator=PatchGAN(width=8, layers=2),
        learning_rate=1e-3,
        lessons=Lessons(steps=40, width=8, learning_rate=5e-3),
        tested=48,
    ),
    "default": Budget(
        steps=1200,
        batch=4,
        pixels=64,
        generator=ResNet(width=24, blocks=3, norm="batch"),
        discriminator=PatchGAN(width=32, layers=2),
        learning_rate=5e-4,
        lessons=Lessons(steps=600),
    ),
    "paper": Budget(
        steps=200_000,
        batch=1,
        pixels=128,
        generator=ResNet(init="normal"),
        discriminator=PatchGAN(init="normal"),
        learning_rate=2e-4,
        lessons=Lessons(steps=5000, width=32),
    ),
}


def models(size: Size) -> dict[str, Model]:
    """The models by name: networks and optimiser alike, losses of each as its paper has them."""
    budget = BUDGETS[size]
    common: dict[str, Any] = {
        "generator": budget.generator,
        "discriminator": budget.discriminator,
        "optimizer": Adam(learning_rate=budget.learning_rate),
    }
    both: dict[str, specs.GameSpec] = {
        "DiscoGAN": specs.DiscoGAN(**common),
        CYCLE_ALONE: specs.CycleGAN(**common, identity=0.0, adversarial=0.0),
        GAN_ALONE: specs.CycleGAN(**common, identity=0.0, forward=0.0, backward=0.0),
        FORWARD: specs.CycleGAN(**common, identity=0.0, backward=0.0),
        BACKWARD: specs.CycleGAN(**common, identity=0.0, forward=0.0),
        CYCLEGAN: specs.CycleGAN(**common, identity=0.0),
        KEEPING: specs.CycleGAN(**common, identity=IDENTITY),
    }
    return {
        "standard GAN": Model(specs.TranslationGAN(**common), "earth", both=False),
        "GAN with reconstruction": Model(specs.ReconstructionGAN(**common), "earth", both=False),
        **{name: Model(game, "earth", both=True) for name, game in both.items()},
        PIX2PIX: Model(specs.Pix2Pix(**common), "earth-pairs", both=False),
    }


def training(size: Size) -> Training:
    """How every model is trained."""
    budget = BUDGETS[size]
    half, tenth = (max(1, budget.steps // parts) for parts in (2, 10))
    return Training(
        steps=budget.steps,
        batch=budget.batch,
        schedule="linear",
        decay_from=0.5,
        ema=0.99,
        evaluate_every=half,
        save_every=tenth,
    )


def data_options(size: Size) -> DataOptions:
    """Without mirroring: both pictures are lit from the north-west."""
    return DataOptions(size=BUDGETS[size].pixels, flip=False)


def compare(lab: Lab) -> Metrics:
    """Train every model for as many steps, and two segmenters on real images; the scores on the test tiles, and figures."""
    answers: dict[str, dict[str, Tensor]] = {direction: {} for direction in DIRECTIONS}
    spent: dict[str, float] = {}
    made = {name: _translators(lab, name, model, spent) for name, model in models(lab.size).items()}
    folder = folder_of("earth", size=BUDGETS[lab.size].pixels, cache=cache_folder())
    data = open_domains((str(folder),), data_options(lab.size))
    scores: dict[str, dict[str, dict[str, float]]] = {}
    by_class: dict[str, dict[str, dict[str, float]]] = {}
    extractor = default_extractor()
    for direction in DIRECTIONS:
        judge = Judge(data, direction, folder=folder, size=lab.size, extractor=extractor)
        answers[direction] = {name: translators[direction].batch(judge.test.inputs) for name, translators in made.items()}
        rows = {REAL: judge.truths, NOTHING: judge.test.inputs, **answers[direction]}
        scores[direction], by_class[direction] = {}, {}
        for name, answer in rows.items():
            scores[direction][name], by_class[direction][name] = judge(answer)
        judge.draw(lab.results, answers[direction])
    return {
        "scores": scores,
        "accuracy by class": by_class,
        "training_minutes": {name: round(value, 1) for name, value in spent.items()},
        "tiles": {"trainA": len(data.train_a), "trainB": len(data.train_b), "tested": len(judge.truths)},
    }


class Judge:
    """What a direction's answers are scored with: test tiles, their truths and labels, and the target domain's segmenter."""

    def __init__(self, data: Domains, direction: str, *, folder: Path, size: Size, extractor: Extractor) -> None:
        self.direction, self.extractor = direction, extractor
        budget = BUDGETS[size]
        found = evaluation.held_out(data, direction, part="test")
        assert found.truths is not None
        few = slice(budget.tested)
        self.test = evaluation.HeldOut(found.inputs[few], found.targets[few], found.truths[few], found.names[few])
        self.truths = found.truths[few]
        self.labels = torch.from_numpy(tiles.read_labels(folder, "test", names=self.test.names))
        self.segmenter = _segmenter(data if direction == "a_to_b" else data.swapped(), direction, folder=folder, budget=budget)
        self.real_features = extractor(self.truths)

    def __call__(self, answer: Tensor) -> tuple[dict[str, float], dict[str, float]]:
        """The scores of answers [N, C, H, W] in [-1, 1], and the share of each class's pixels that were labelled right."""
        counts = confusion(self.segmenter.labels(answer), self.labels, classes=len(tiles.CLASSES), void=tiles.VOID)
        found = dict(zip(LABELLED, label_scores(counts), strict=True))
        found["diversity"] = distribution.diversity(answer)
        if answer is not self.truths:  # which has no error, and is what the others are compared with
            found["error"] = float(paired.mean_absolute_error(answer, self.truths).mean())
            found["psnr"] = float(paired.psnr(answer, self.truths).mean())
            fake_features = self.extractor(answer)
            found[f"kid[{self.extractor.name}]"] = distribution.kernel_distance(self.real_features, fake_features).mean
        return found, dict(zip(tiles.CLASSES, class_accuracy(counts).tolist(), strict=True))

    def draw(self, folder: Path, answers: Mapping[str, Tensor]) -> None:
        """Two sheets: the first test tiles with every answer, and what the segmenter sees in some."""
        few = slice(SHOWN)
        rows = [("input", self.test.inputs[few]), *((name, x[few]) for name, x in answers.items()), ("truth", self.truths[few])]
        images.write(folder / f"{self.direction}.png", images.labelled_grid(rows))
        seen = {name: answers[name] for name in (CYCLEGAN, KEEPING, PIX2PIX)}
        rows = [("labels", coloured(self.labels[few]))]
        looked_at = {"the truth": self.truths, **seen}
        rows += [(f"in {name}", coloured(self.segmenter.labels(x[few]))) for name, x in looked_at.items()]
        images.write(folder / f"labels-{self.direction}.png", images.labelled_grid(rows))


def coloured(labels: Tensor) -> Tensor:
    """Label maps [N, H, W] as images [N, 3, H, W] in [-1, 1]; void is magenta."""
    palette = torch.zeros(tiles.VOID + 1, 3, dtype=torch.uint8)
    palette[: len(tiles.COLOURS)] = torch.tensor(tiles.COLOURS, dtype=torch.uint8)
    palette[tiles.VOID] = torch.tensor((255, 0, 255), dtype=torch.uint8)
    return images.to_tensor(palette[labels.long()])


def last_translators(folder: Path) -> dict[str, Translator]:
    """The translators of a finished run as it ended (the moving average of its weights), not those of its best checkpoint.

    The best one is chosen by errors to known answers; a model that gets worse as it trains would be spared its end.
    """
    run = load_config(folder)
    tensors, _ = checkpoint.load(folder / "checkpoints" / "last.safetensors")
    shape = (run.data.channels, run.data.size, run.data.size)
    game = build(run.game, shape_a=shape, shape_b=shape, seed=run.training.seed)
    averages = {name.removeprefix("module."): value for name, value in checkpoint.under(tensors, "average").items()}
    averages.pop("n_averaged")
    game.load_state_dict(checkpoint.under(tensors, "game") | averages)  # pools have no average
    return {name: product for name, product in game.remains().items() if isinstance(product, Translator)}


def _translators(lab: Lab, name: str, model: Model, spent: dict[str, float]) -> dict[str, Translator]:
    """Both directions of a model; `spent` gains the minutes."""
    answers: dict[str, Translator] = {}
    each = trainings(lab, name, model, place="earth", data=data_options(lab.size), training=training(lab.size))
    for direction, folder in each:
        spent[name] = spent.get(name, 0.0) + minutes(folder)
        found = last_translators(folder)
        answers |= found if model.both else {direction: found["a_to_b"]}
    return answers


def _segmenter(data: Domains, direction: str, *, folder: Path, budget: Budget) -> Segmenter:
    """Trained on the real tiles of B, as `data` has it, which is the direction's target."""
    labels = tiles.read_labels(folder, "trainB" if direction == "a_to_b" else "trainA", names=data.names["train_b"])
    return taught(
        images.to_tensor(data.train_b),
        torch.from_numpy(labels),
        classes=len(tiles.CLASSES),
        void=tiles.VOID,
        lessons=budget.lessons,
    )


def _behind(name: str, leader: str) -> Callable[[Mapping[str, Mapping[str, Mapping[str, float]]]], bool]:
    """Whether a model has less than the leader of everything that was measured, in both directions."""
    return lambda found: all(methods[name][key] < methods[leader][key] for methods in found.values() for key in methods[leader])


def _falls_behind(name: str) -> Claim:
    return Claim(
        statement=f"{name[:1].upper()}{name[1:]} falls behind CycleGAN",
        source=f"{ZHU}, section 5.1.4, tables 4 and 5",
        wanted="all three label scores below CycleGAN's, in both directions",
        measure=table(*LABELLED, names=(name, CYCLEGAN)),
        holds=_behind(name, CYCLEGAN),
    )


OTHERS = (*BASELINES, "DiscoGAN", CYCLE_ALONE, GAN_ALONE, FORWARD, BACKWARD, CYCLEGAN, KEEPING)
CLAIMS = (
    Claim(
        statement="pix2pix, which is shown pairs, leads",
        source=f"{ZHU}, section 5.1.3, tables 2 and 3",
        wanted="the highest of all three label scores, in both directions",
        measure=table(*LABELLED, names=(*OTHERS, PIX2PIX)),
        holds=lambda found: all(_behind(name, PIX2PIX)(found) for name in OTHERS),
    ),
    _falls_behind(CYCLE_ALONE),
    _falls_behind(GAN_ALONE),
    Claim(
        statement="With one cycle loss alone, the direction whose cycle is missing falls behind CycleGAN",
        source=f"{ZHU}, section 5.1.4",
        wanted=f"mean class IoU below CycleGAN's: of {FORWARD} from b to a, of {BACKWARD} from a to b",
        measure=table("mean class IoU", names=(FORWARD, BACKWARD, CYCLEGAN)),
        holds=lambda found: (
            found["b_to_a"][FORWARD]["mean class IoU"] < found["b_to_a"][CYCLEGAN]["mean class IoU"]
            and found["a_to_b"][BACKWARD]["mean class IoU"] < found["a_to_b"][CYCLEGAN]["mean class IoU"]
        ),
    ),
    Claim(
        statement="With one cycle loss alone, the direction whose cycle is missing collapses",
        source=f"{ZHU}, section 5.1.4",
        wanted=f"diversity at most half of CycleGAN's: of {FORWARD} from b to a, of {BACKWARD} from a to b",
        measure=table("diversity", names=(FORWARD, BACKWARD, CYCLEGAN)),
        holds=lambda found: (
            found["b_to_a"][FORWARD]["diversity"] <= found["b_to_a"][CYCLEGAN]["diversity"] / 2
            and found["a_to_b"][BACKWARD]["diversity"] <= found["a_to_b"][CYCLEGAN]["diversity"] / 2
        ),
    ),
    Claim(
        statement="CycleGAN is above the baselines",
        source=f"{ZHU}, section 5.1.3, tables 2 and 3, of other baselines",
        wanted="all three label scores above those of standard GAN and of GAN with reconstruction, in both directions",
        measure=table(*LABELLED, names=(*BASELINES, CYCLEGAN)),
        holds=lambda found: all(_behind(name, CYCLEGAN)(found) for name in BASELINES),
    ),
    Claim(
        statement="DiscoGAN is above the baselines",
        source=f"{KIM}, section 4, on other tasks",
        wanted="all three label scores above those of standard GAN and of GAN with reconstruction, in both directions",
        measure=table(*LABELLED, names=(*BASELINES, "DiscoGAN")),
        holds=lambda found: all(_behind(name, "DiscoGAN")(found) for name in BASELINES),
    ),
    Claim(
        statement="The identity loss, which asks to leave the target domain's images alone, keeps classes from changing places",
        source="this project; the loss is that of the authors' code",
        wanted="all three label scores of CycleGAN + identity above CycleGAN's, in both directions",
        measure=table(*LABELLED, names=(CYCLEGAN, KEEPING)),
        holds=_behind(CYCLEGAN, KEEPING),
    ),
    Claim(
        statement="With an identity loss, CycleGAN translates: more is recognised than without translating, and it is nearer "
        "to the truth",
        source="this project",
        wanted="mean class IoU above, error below that of doing nothing, in both directions",
        measure=table("mean class IoU", "error", names=(NOTHING, KEEPING)),
        holds=lambda found: all(
            m[KEEPING]["mean class IoU"] > m[NOTHING]["mean class IoU"] and m[KEEPING]["error"] < m[NOTHING]["error"]
            for m in found.values()
        ),
    ),
)
DEVIATIONS = (
    "satellite images and relief maps of the earth instead of Cityscapes, which no package carries; five classes, and a small "
    "U-Net in place of FCN-8s as segmenter, trained on real training tiles of the target domain",
    "pictures of the same places exist, so the error to the truth is given as well; unpaired models are trained on different "
    "places in A and in B, pix2pix on those of A in pairs: as many tiles of each domain for every model",
    "one small ResNet and one PatchGAN of 34 px for all models, so that they differ in their losses alone: CycleGAN and its "
    "ablations least squares, ten times the absolute cycle loss and the pool of 50; DiscoGAN and its baselines cross-entropy and "
    "an unweighted squared reconstruction; pix2pix, without noise, cross-entropy and a hundred times the absolute distance",
    "batch normalisation in the generator (but in the paper size, whose batch is 1): instance normalisation takes the colour "
    "from tiles of one colour, such as desert and sea; instance normalisation in every discriminator, also in pix2pix's",
    "no identity loss in the ablation, as in the paper; a row with the weight 5 of the authors' code beside it",
    "no mirroring, as both pictures are lit from the north-west; a moving average of the weights; but in the paper size, batch 4 "
    "and few steps: for the small budget",
    "every model is scored as it ends: no checkpoint is chosen by known answers",
    "the running statistics of batch norm mix whatever a generator was shown: in CycleGAN and DiscoGAN also the other "
    "generator's answers, and with the identity loss the target's images",
    "one training seed",
    "KID compares with the real pictures of the very places that are translated",
)


EARTH = Experiment(
    name="earth",
    about="satellite image <-> relief map, read by a segmenter: CycleGAN, its ablations, DiscoGAN, two baselines, pix2pix",
    paper=f"{ZHU}, section 5.1",
    run=compare,
    claims=CLAIMS,
    deviations=DEVIATIONS,
    budget=budgets_in_words(BUDGETS),
)
