"""The part of `modes` on stacked MNIST: three random digits in the three colours of an image, 1000 modes (Metz et al. 2017)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from unpaired import images
from unpaired.data.image_set import Images, ImageSet
from unpaired.data.labels import UNKNOWN
from unpaired.experiments import classifier, mnist
from unpaired.experiments.base import Lab, Size
from unpaired.experiments.classifier import Classifier, Lessons
from unpaired.experiments.played import Played
from unpaired.experiments.toy import summary
from unpaired.games import specs, table
from unpaired.losses import R1, Wasserstein
from unpaired.metrics.stacked import DIGITS, stacked_modes, stacked_probabilities
from unpaired.networks.specs import DCGANDiscriminator, DCGANGenerator
from unpaired.options import Training
from unpaired.products import Sampler

STACKED = "stacked MNIST"
PLAIN, PACKED, CRITIC, FLAT = "DCGAN", "DCGAN, packing 2", "Wasserstein, gradient penalty", "DCGAN, R1"
REAL = "held-out digits"
SHOWN = 12
SIDE, PADDED = mnist.SIDE, 32
CLEAR = 0.9
"""A sample is clear where the reader finds each of its three digits at least so likely."""
PUBLISHED: Mapping[str, Mapping[str, float]] = {
    f"{PLAIN}, by VEEGAN's authors": {"modes": 99.0, "KL": 3.40},
    f"{PLAIN}, by PacGAN's authors": {"modes": 78.9, "KL": 4.50},
    "VEEGAN": {"modes": 150.0, "KL": 2.95},
    PACKED: {"modes": 1000.0, "KL": 0.06},
}
"""Lin et al. 2018, table 2."""


class Budget(NamedTuple):
    """What a size spends. width: of the networks; samples: of each training, counted; lessons: of the reader."""

    steps: int
    batch: int
    width: int
    seeds: int
    samples: int
    lessons: Lessons


BUDGETS: Mapping[Size, Budget] = {
    "quick": Budget(steps=20, batch=16, width=4, seeds=1, samples=1000, lessons=Lessons(steps=50, width=8)),
    "default": Budget(steps=6000, batch=64, width=32, seeds=2, samples=26_000, lessons=Lessons(steps=2000, batch=64)),
    "paper": Budget(steps=100_000, batch=64, width=64, seeds=10, samples=26_000, lessons=Lessons(steps=10_000, batch=64)),
}


def games(budget: Budget) -> dict[str, specs.DCGAN]:
    """The plain game and the remedies, by name. Those that hold slopes have no batch norm in the discriminator."""
    generator = DCGANGenerator(width=budget.width)
    normed, single = (DCGANDiscriminator(width=budget.width, norm=norm) for norm in ("batch", "none"))
    return {
        PLAIN: specs.DCGAN(generator=generator, discriminator=normed),
        PACKED: specs.DCGAN(generator=generator, discriminator=normed, packing=2),
        CRITIC: specs.DCGAN(generator=generator, discriminator=single, gan=Wasserstein()),
        FLAT: specs.DCGAN(generator=generator, discriminator=single, penalty=R1(weight=1.0)),
    }


class Stacks(NamedTuple):
    """Digits to put together. digits: uint8 [N, 28, 28]."""

    digits: Tensor

    def draw(self, count: int, *, generator: torch.Generator) -> Tensor:
        """`count` images of three digits each, at random: [count, 3, 28, 28] in [-1, 1]."""
        rows = torch.randint(len(self.digits), (count, 3), generator=generator)
        return self.digits[rows].float().div(127.5).sub(1)

    def batch(self, step: int, *, batch: int, seed: int) -> Images:
        """A function of (seed, step)."""
        generator = torch.Generator().manual_seed((seed * 1_000_003 + step) % 2**63)
        return Images(self.draw(batch, generator=generator), torch.full((batch,), UNKNOWN))


class Counted(NamedTuple):
    """What the reader sees in samples. clear: their share; clear_modes: modes among them alone."""

    modes: int
    divergence: float
    clear: float
    clear_modes: int


def compare(lab: Lab) -> dict[str, Any]:
    """Teach the reader, train every game with each seed; a table of means, each seed's numbers, and a sheet of samples."""
    budget = BUDGETS[lab.size]
    data = mnist.digits()
    reader, accuracy = taught(data, budget.lessons)
    train, test = (Stacks(torch.from_numpy(part.pixels[..., 0].copy())) for part in (data.train, data.test))
    real = test.draw(budget.samples, generator=torch.Generator().manual_seed(0))
    found: dict[str, list[Counted]] = {REAL: [counted(real, reader)]}
    sheet, spent = [(REAL, real[:SHOWN])], dict[str, float]()
    for name, spec in games(budget).items():
        found[name] = []
        for seed in range(budget.seeds):
            folder = lab.runs / f"modes-{lab.size}" / "stacked" / f"{name.replace(',', '').replace(' ', '-')}-{seed}"
            played = trained(lab, spec, train, seed=seed, folder=folder)
            sampler = played.trainer.remains()["sampler"]
            assert isinstance(sampler, Sampler)
            samples = sampler(budget.samples)
            found[name].append(counted(samples, reader))
            spent[name] = spent.get(name, 0.0) + played.trainer.progress.seconds / 60 / budget.seeds
            if seed == 0:
                sheet.append((name, samples[:SHOWN]))
    images.write(lab.results / "stacked.png", images.labelled_grid(sheet, scale=2))
    by_seed = {name: {key: [row._asdict()[key] for row in rows] for key in Counted._fields} for name, rows in found.items()}
    summaries = {name: summary(values) for name, values in by_seed.items()}
    return {
        "tables": {STACKED: rows_of(summaries, spent)},
        "found": {"samples": budget.samples, "reader's accuracy": accuracy, "games": summaries},
    }


def rows_of(found: Mapping[str, Any], spent: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """A row for each game, means over its seeds; and what was published."""
    rows: dict[str, dict[str, float]] = {}
    for name, values in found.items():
        rows[name] = {
            "modes": values["modes"]["mean"],
            "± modes": values["modes"]["error"],
            "KL": values["divergence"]["mean"],
            "clear samples": values["clear"]["mean"],
            "modes of clear samples": values["clear_modes"]["mean"],
            **({"minutes": round(spent[name], 2)} if name in spent else {}),
        }
    return rows | {f"published: {name}": dict(row) for name, row in PUBLISHED.items()}


def trained(lab: Lab, spec: specs.DCGAN, stacks: Stacks, *, seed: int, folder: Path) -> Played:
    """A game that was played to its end on these stacks; now, or before."""
    budget = BUDGETS[lab.size]
    training = Training(
        steps=budget.steps, batch=budget.batch, seed=seed, compile="off", evaluate_every=max(1, budget.steps // 5)
    )

    def batches(step: int, part: int, seed: int) -> Images:
        x, classes = stacks.batch(step, batch=budget.batch, seed=seed)
        return Images(x.to(played.trainer.runtime.device), classes)

    played = Played(
        table.build(spec, shape=(3, SIDE, SIDE), seed=seed),
        spec=spec,
        batches=batches,
        training=training,
        folder=folder,
        origin={"digits": len(stacks.digits)},
        look=lambda step: None,
    )
    lab.trainings.append(played.train())
    return played


def taught(data: ImageSet, lessons: Lessons) -> tuple[Classifier, float]:
    """A classifier of digits, and the share of held-out ones that it reads rightly."""
    train, test = (padded(images.to_tensor(part.pixels)) for part in (data.train, data.test))
    values = torch.from_numpy(data.train_classes)[:, None]
    reader = classifier.taught(train, values, classes=(DIGITS,), lessons=lessons, disturb=shifted)
    right = classifier.accuracy(reader.values(test), torch.from_numpy(data.test_classes)[:, None])
    return reader, round(right[0], 4)


def counted(samples: Tensor, reader: Classifier) -> Counted:
    """samples: [N, 3, 28, 28] in [-1, 1]."""
    likely, numbers = stacked_probabilities(samples, classifier=lambda part: reader(padded(part))[0]).max(dim=2)
    clear = (likely >= CLEAR).all(dim=1)
    reached = stacked_modes(numbers)
    return Counted(
        reached.modes,
        reached.divergence,
        float(clear.float().mean()),
        stacked_modes(numbers[clear]).modes if bool(clear.any()) else 0,
    )


def padded(x: Tensor) -> Tensor:
    """Black around digits, as the classifier halves four times: [N, 1, 28, 28] -> [N, 1, 32, 32]."""
    return F.pad(x, [(PADDED - SIDE) // 2] * 4, value=-1.0)


def shifted(x: Tensor) -> Tensor:
    """A batch, moved by up to two pixels each way, softer by any degree and a little noisy, as generated digits may be."""
    down, right = (int(shift) for shift in torch.randint(-2, 3, (2,)))
    x = x.roll((down, right), dims=(2, 3))
    soft = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    some = (len(x), 1, 1, 1)
    x = x.lerp(soft, torch.rand(some) / 2)
    return (x + 0.1 * torch.rand(some) * torch.randn_like(x)).clamp(-1, 1)
