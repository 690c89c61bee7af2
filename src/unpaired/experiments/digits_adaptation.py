"""`digits-adaptation`: MNIST read with printed labels alone, by translated digits with and without semantic consistency.

Zhu et al. 2017 and Hoffman et al. 2018 (CyCADA, pixel level) train on what CycleGAN makes of labelled images; CyCADA adds that a
classifier of the source reads a translation as it read the image, because CycleGAN alone may turn one class into another.
"""

from torch import Tensor

from unpaired import images
from unpaired.experiments import adaptation
from unpaired.experiments.adaptation import (
    COGAN,
    HOFFMAN,
    ORACLE,
    SAME_CLASS,
    SOURCE_ONLY,
    TRANSLATED,
    Digits,
    Trainings,
    accuracy,
    flips,
    overall,
)
from unpaired.experiments.base import SIZES, Claim, Experiment, Lab, Metrics
from unpaired.experiments.comparison import ZHU
from unpaired.products import Classifier

METHODS = (SOURCE_ONLY, COGAN, TRANSLATED, SAME_CLASS, ORACLE)
READ = 6000
"""Printed training digits whose translations are read: every second one."""
SHOWN = 14
UNTOUCHED = "printed digits as they are"


def compare(lab: Lab) -> Metrics:
    """Train all, read MNIST's test digits by each, and see how many printed digits become others when they are translated."""
    trainings = Trainings(lab)
    tested = trainings.tested()
    readers = {method: trainings.reader(method) for method in METHODS}
    printed = trainings.taught_on(READ)
    made = {method: trainings.translator(method).batch(printed.x) for method in (TRANSLATED, SAME_CLASS)}
    judges = {"by MNIST's labels": readers[ORACLE], "by printed labels": readers[SOURCE_ONLY]}
    flipped = {
        name: {judge: _share(reader, Digits(x, printed.classes)) for judge, reader in judges.items()}
        for name, x in {UNTOUCHED: printed.x, **made}.items()
    }
    _draw(lab, printed, made, readers[ORACLE])
    return {
        "accuracy": {method: accuracy(reader, tested) for method, reader in readers.items()},
        "read as another digit": flipped,
        "training_minutes": trainings.spent,
        "digits": {"tested": len(tested.x), "translated and read": len(printed.x)},
    }


def _share(reader: Classifier, digits: Digits) -> float:
    return round(len(flips(reader, digits)) / len(digits.x), 4)


def _draw(lab: Lab, printed: Digits, made: dict[str, Tensor], judge: Classifier) -> None:
    """Digits and their translations as they come, and of each method the first that MNIST's classifier reads as others."""
    rows = [("printed", printed.x[:SHOWN]), *((method, x[:SHOWN]) for method, x in made.items())]
    images.write(lab.results / "translated.png", images.labelled_grid(rows, scale=2))
    rows = []
    for method, x in made.items():
        some = flips(judge, Digits(x, printed.classes))[:SHOWN]
        rows += [(f"{method}: of", printed.x[some]), ("read as another", x[some])]
    images.write(lab.results / "flips.png", images.labelled_grid(rows, scale=2))


def _gap_closed(metrics: Metrics) -> dict[str, float] | None:
    """Of what lies between printed labels and MNIST's own, the share that a method gains; None where nothing does."""
    found = {method: metrics["accuracy"][method]["all"] for method in METHODS}
    whole = found[ORACLE] - found[SOURCE_ONLY]
    if whole <= 0:
        return None
    return {method: round((found[method] - found[SOURCE_ONLY]) / whole, 4) for method in (COGAN, TRANSLATED, SAME_CLASS)}


CLAIMS = (
    Claim(
        statement="Taught by translated digits, a classifier reads MNIST better than taught by the printed ones",
        source=f"{ZHU}, table of domain adaptation (GTA to Cityscapes); {HOFFMAN}, table 1 (digits)",
        wanted="a larger share of MNIST's test digits read right, with and without semantic consistency",
        measure=overall(SOURCE_ONLY, TRANSLATED, SAME_CLASS),
        holds=lambda found: min(found[TRANSLATED], found[SAME_CLASS]) > found[SOURCE_ONLY],
    ),
    Claim(
        statement="Semantic consistency keeps digits what they are: fewer become others when they are translated",
        source=f"{HOFFMAN}, section 3, shown there by pictures (SVHN to MNIST)",
        wanted="a smaller share of translations that a classifier with MNIST's labels reads as another digit",
        measure=lambda metrics: {name: found["by MNIST's labels"] for name, found in metrics["read as another digit"].items()},
        holds=lambda found: found[SAME_CLASS] < found[TRANSLATED],
    ),
    Claim(
        statement="With semantic consistency the classifier reads MNIST better than without",
        source=f"{HOFFMAN}, section 3",
        wanted="a larger share of MNIST's test digits read right",
        measure=overall(TRANSLATED, SAME_CLASS),
        holds=lambda found: found[SAME_CLASS] > found[TRANSLATED],
    ),
    Claim(
        statement="It closes half of the gap between printed labels and MNIST's own",
        source="this project",
        wanted="at least half of the difference in accuracy gained by translation with semantic consistency",
        measure=_gap_closed,
        holds=lambda found: found[SAME_CLASS] >= 0.5,
    ),
    Claim(
        statement="Translation with semantic consistency adapts better than CoGAN",
        source=f"{HOFFMAN}, table 1 (MNIST and USPS)",
        wanted="a larger share of MNIST's test digits read right",
        measure=overall(COGAN, SAME_CLASS),
        holds=lambda found: found[SAME_CLASS] > found[COGAN],
    ),
)
DEVIATIONS = (
    "printed digits (21 fonts, split by family) to MNIST instead of MNIST, USPS and SVHN",
    "images are translated, features are not aligned: CyCADA's pixel level alone",
    "the classifier that reads translations is taught beforehand and stays as it is, as in CyCADA's paper; its authors' code "
    "teaches it beside CycleGAN, and takes the source's labels for what it should read there",
    "CycleGAN without identity loss, batch 16, ResNet of 3 blocks and a discriminator that sees the whole digit; a learning rate "
    "of 0.0005 that falls to zero in the second half, a moving average of the weights: for the small budget",
    "CoGAN as in cogan-digits",
    "one training seed",
)


DIGITS_ADAPTATION = Experiment(
    name="digits-adaptation",
    about="MNIST read with printed labels alone: translated digits with and without semantic consistency, CoGAN, both bounds",
    paper=f"{HOFFMAN}, sections 3 and 4.1; {ZHU}",
    run=compare,
    claims=CLAIMS,
    deviations=DEVIATIONS,
    budget={size: adaptation.budget_in_words(size) for size in SIZES},
)
