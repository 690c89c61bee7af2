"""The part of `modes` in the plane: a ring of 8 and a grid of 25 Gaussians (Srivastava et al. 2017, Lin et al. 2018).

All seeds are trained at once, as members of one ensemble, as in `toy`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from unpaired import config
from unpaired.data.image_set import Images
from unpaired.data.labels import UNKNOWN
from unpaired.data.sets.toy import Mixture, circle, grid
from unpaired.experiments import modes_figures
from unpaired.experiments.base import Lab, Reused, Size
from unpaired.experiments.modes_figures import Way
from unpaired.experiments.played import Played
from unpaired.experiments.toy import summary
from unpaired.files import write_json
from unpaired.games import specs, table
from unpaired.losses import R1, Critical, MinMax, NonSaturating, NoPenalty, Penalty, Wasserstein
from unpaired.metrics import modes
from unpaired.networks.specs import Mlp
from unpaired.options import Adam, Training

GAN, MIN_MAX, PACKED_2, PACKED_4 = "GAN", "GAN, min-max", "GAN, packing 2", "GAN, packing 4"
CRITIC, FLAT, FLAT_PACKED = "Wasserstein, gradient penalty", "GAN, R1", "GAN, R1, packing 2"
BEST = FLAT
"""Named before the measurement: of which everything is wanted."""
NONE = NoPenalty()
SAMPLES = 2500
"""Of each seed, as published."""
LOOKS = 20
LAST, AVERAGED = "last weights", "averaged weights"
RING, GRID = "ring of 8", "grid of 25"
SCALED: Mapping[str, tuple[Tensor, float]] = {RING: (circle(8, radius=2.0), 0.02), GRID: (grid(5, apart=1.0), 0.025)}
"""Centres and standard deviation as the networks see them: both reach from -2 to 2."""
PUBLISHED: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    RING: {
        GAN: {"modes": 6.3, "high quality": 0.982, "KL": 0.45},
        PACKED_2: {"modes": 7.9, "high quality": 0.956, "KL": 0.07},
        PACKED_4: {"modes": 7.8, "high quality": 0.959, "KL": 0.07},
    },
    GRID: {
        GAN: {"modes": 17.3, "high quality": 0.948, "KL": 0.70},
        PACKED_2: {"modes": 23.8, "high quality": 0.913, "KL": 0.13},
        PACKED_4: {"modes": 24.8, "high quality": 0.936, "KL": 0.04},
    },
}
"""Lin et al. 2018, table 1."""


class Budget(NamedTuple):
    """What a size spends on each game and geometry. layers: linear ones, of both networks."""

    steps: int
    batch: int
    hidden: int
    layers: int
    seeds: int


BUDGETS: Mapping[Size, Budget] = {
    "quick": Budget(steps=200, batch=64, hidden=32, layers=4, seeds=2),
    "default": Budget(steps=5000, batch=256, hidden=64, layers=4, seeds=10),
    "paper": Budget(steps=400_000, batch=100, hidden=400, layers=5, seeds=10),
}


def games(budget: Budget) -> dict[str, specs.GAN]:
    """The plain games and the remedies, by name: one pair of networks and one optimiser for all."""

    def game(gan: Critical, *, penalty: Penalty = NONE, packing: int = 1) -> specs.GAN:
        return specs.GAN(
            generator=Mlp(hidden=budget.hidden, layers=budget.layers, members=budget.seeds),
            discriminator=Mlp(hidden=budget.hidden, layers=budget.layers, members=budget.seeds),
            gan=gan,
            penalty=penalty,
            packing=packing,
            noise=2,
            distribution="normal",
            optimizer=Adam(learning_rate=4e-3, beta1=0.0, beta2=0.99, epsilon=1e-8 / budget.seeds),
        )

    flat = R1(weight=0.3)
    return {
        GAN: game(NonSaturating()),
        MIN_MAX: game(MinMax()),
        PACKED_2: game(NonSaturating(), packing=2),
        PACKED_4: game(NonSaturating(), packing=4),
        CRITIC: game(Wasserstein(penalty=0.1)),
        FLAT: game(NonSaturating(), penalty=flat),
        FLAT_PACKED: game(NonSaturating(), penalty=flat, packing=2),
    }


def training(budget: Budget) -> Training:
    """How every game is trained."""
    return Training(
        steps=budget.steps,
        batch=budget.batch,
        schedule="linear",
        decay_from=0.5,
        ema=0.995,
        precision="float32",  # near the modes bfloat16's steps are wider than their spread
        compile="off",
        evaluate_every=max(1, budget.steps // LOOKS),
    )


class Crowd:
    """One game on one mixture, all seeds at once. At every look it keeps the measures of each."""

    def __init__(self, centres: Tensor, sigma: float, spec: specs.GAN, *, budget: Budget, folder: Path) -> None:
        self.centres, self.sigma, self.folder = centres, sigma, folder
        self.mixture = Mixture(centres.expand(budget.seeds, -1, -1), sigma)
        self.budget = budget
        self.played = Played(
            table.build(spec, shape=(2,), seed=0),
            spec=spec,
            batches=self._batch,
            training=training(budget),
            folder=folder,
            origin={"modes": centres.tolist(), "sigma": sigma},
            look=self._look,
        )

    def train(self) -> Reused:
        """Train, or go on where a reproduction was cut off."""
        (self.folder / "looks").mkdir(parents=True, exist_ok=True)
        return self.played.train()

    def sample(self, weights: str) -> Tensor:
        """Of each member the same noise's samples, by the last weights or the averaged ones: [members, SAMPLES, 2]."""
        game: Any = self.played.game if weights == AVERAGED else self.played.trainer.game
        noise = game.noise.draw(self.budget.seeds, SAMPLES, generator=torch.Generator().manual_seed(99))
        with torch.inference_mode():
            return game.generate(noise.to(self.played.trainer.runtime.device)).cpu()

    def measure(self, weights: str) -> dict[str, list[float]]:
        """Of each member: modes with a high-quality sample, the share of high-quality samples, and the modes' divergence."""
        points = self.sample(weights)
        where: dict[str, Any] = {"centres": self.centres, "sigma": self.sigma}
        found = {
            "modes": modes.covered(points, **where),
            "high quality": modes.high_quality_share(points, **where),
            "KL": modes.divergence(points, **where),
        }
        return {name: [float(value) for value in values] for name, values in found.items()}

    def way(self, weights: str) -> Way:
        """What `measure` found at each look, as means over the members."""
        steps, captured, quality = [], [], []
        for path in sorted((self.folder / "looks").glob("*.json")):
            found = summary(config.read_file(path)[weights])
            steps.append(int(path.stem))
            captured.append(found["modes"]["mean"])
            quality.append(found["high quality"]["mean"])
        return Way(steps, captured, quality)

    def _look(self, step: int) -> None:
        found = {weights: self.measure(weights) for weights in (LAST, AVERAGED)}
        write_json(self.folder / "looks" / f"{step:08d}.json", found)

    def _batch(self, step: int, part: int, seed: int) -> Images:
        generator = torch.Generator().manual_seed((seed * 1_000_003 + step) % 2**63)
        points = self.mixture.sample(self.budget.batch, generator=generator)
        return Images(points.to(self.played.trainer.runtime.device), torch.full((len(points),), UNKNOWN))


def compare(lab: Lab) -> dict[str, Any]:
    """Train every game on both mixtures; tables of means, each seed's measures, and pictures."""
    budget = BUDGETS[lab.size]
    tables: dict[str, Any] = {}
    found: dict[str, Any] = {}
    for geometry, (centres, sigma) in SCALED.items():
        shown: dict[str, list[Tensor]] = {}
        ways: dict[str, Way] = {}
        found[geometry] = {}
        for name, spec in games(budget).items():
            folder = lab.runs / f"modes-{lab.size}" / _stem(geometry) / _stem(name)
            crowd = Crowd(centres, sigma, spec, budget=budget, folder=folder)
            lab.trainings.append(crowd.train())
            found[geometry][name] = {weights: summary(crowd.measure(weights)) for weights in (LAST, AVERAGED)}
            found[geometry][name]["minutes"] = round(crowd.played.trainer.progress.seconds / 60, 2)
            shown[name] = [crowd.sample(weights)[0] for weights in (LAST, AVERAGED)]
            ways[name] = crowd.way(LAST)
        stem = _stem(geometry)
        modes_figures.draw_samples(lab.results / f"{stem}.png", shown, rows=(LAST, AVERAGED), centres=centres, sigma=sigma)
        modes_figures.draw_ways(lab.results / f"{stem}-steps.png", ways, of=len(centres))
        tables |= tables_of(geometry, found[geometry])
    return {"tables": tables, "found": found}


def tables_of(geometry: str, found: Mapping[str, Any]) -> dict[str, dict[str, dict[str, float]]]:
    """Rows by game: means over the seeds, the standard error, and the worst seed's; and what was published."""
    tables = {}
    for weights in (LAST, AVERAGED):
        rows = {}
        for name, by_weights in found.items():
            values = by_weights[weights]
            rows[name] = {
                "modes": values["modes"]["mean"],
                "± modes": values["modes"]["error"],
                "fewest modes": min(values["modes"]["seeds"]),
                "high quality": values["high quality"]["mean"],
                "± high quality": values["high quality"]["error"],
                "lowest quality": min(values["high quality"]["seeds"]),
                "KL": values["KL"]["mean"],
            }
        tables[f"{geometry}, {weights}"] = rows
    tables[f"{geometry}, {LAST}"] |= {f"published: {name}": dict(row) for name, row in PUBLISHED[geometry].items()}
    return tables


def _stem(name: str) -> str:
    return name.replace(",", "").replace(" ", "-")
