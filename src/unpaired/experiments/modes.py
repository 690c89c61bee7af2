"""`modes`: which modes a game captures, and remedies for the loss of modes side by side; in the plane (`modes_plane`) and on
stacked MNIST (`modes_stacked`).
"""

from collections.abc import Mapping
from typing import Any

from unpaired.experiments import modes_plane, modes_stacked
from unpaired.experiments.base import SIZES, Claim, Experiment, Lab, Metrics, Size
from unpaired.experiments.modes_plane import (
    AVERAGED,
    BEST,
    CRITIC,
    FLAT,
    GAN,
    GRID,
    LAST,
    MIN_MAX,
    PACKED_2,
    PACKED_4,
    RING,
    SCALED,
)

LIN = "Lin et al., PacGAN: The power of two samples in generative adversarial networks, NeurIPS 2018"
GULRAJANI = "Gulrajani et al., Improved Training of Wasserstein GANs, NeurIPS 2017"
MESCHEDER = "Mescheder et al., Which Training Methods for GANs do actually Converge?, ICML 2018"


def compare(lab: Lab) -> Metrics:
    """Both parts: tables of means, and each seed's measures."""
    plane, stacked = modes_plane.compare(lab), modes_stacked.compare(lab)
    return {"tables": plane["tables"] | stacked["tables"], "geometries": plane["found"], "stacked": stacked["found"]}


Captured = dict[str, dict[str, dict[str, float]]]
MARGIN = 0.1


def _captured(*names: str) -> Any:
    """Of each mixture and game what its last weights do, in the mean: modes, and the share of samples of high quality."""

    def measure(metrics: Metrics) -> Captured:
        return {
            geometry: {name: {key: found[name][LAST][key]["mean"] for key in ("modes", "high quality")} for name in names}
            for geometry, found in metrics["geometries"].items()
        }

    return measure


def _more_than_plain(found: Captured) -> bool:
    """Whether each remedy captures more modes, and not by samples that lie anywhere: those of 25 modes touch some by chance."""
    return all(
        row["modes"] > games[GAN]["modes"] and row["high quality"] >= games[GAN]["high quality"] - MARGIN
        for games in found.values()
        for name, row in games.items()
        if name != GAN
    )


MORE = f"in the mean over the seeds more of both mixtures, with a share of high quality at most {MARGIN} below"


def _best(metrics: Metrics) -> dict[str, dict[str, float]]:
    """Of each mixture what the averaged weights of the best game do, in the mean and in the worst seed."""
    wanted = ("modes", "fewest modes", "high quality", "lowest quality")
    rows = {geometry: metrics["tables"][f"{geometry}, {AVERAGED}"][BEST] for geometry in SCALED}
    return {geometry: {key: row[key] for key in wanted} for geometry, row in rows.items()}


def _all_modes(found: Mapping[str, Mapping[str, float]]) -> bool:
    return found[RING]["fewest modes"] == 8 and found[GRID]["fewest modes"] == 25


def _stacked(*names: str) -> Any:
    def measure(metrics: Metrics) -> dict[str, dict[str, float]]:
        rows = metrics["tables"][modes_stacked.STACKED]
        return {name: {key: rows[name][key] for key in ("modes", "KL")} for name in names}

    return measure


CLAIMS = (
    Claim(
        statement="A plain GAN misses modes of a ring and of a grid of Gaussians",
        source=f"{LIN}, table 1: 6.3 of 8 and 17.3 of 25",
        wanted="in the mean over the seeds at least one missed of each, by non-saturating and min-max losses alike",
        measure=_captured(GAN, MIN_MAX),
        holds=lambda found: all(row["modes"] <= most for name, most in ((RING, 7), (GRID, 24)) for row in found[name].values()),
    ),
    Claim(
        statement="Packing captures more modes than the plain GAN",
        source=f"{LIN}, table 1: 7.9 and 7.8 of 8, 23.8 and 24.8 of 25, by packing 2 and 4",
        wanted=f"{MORE}, by packing 2 and by packing 4",
        measure=_captured(GAN, PACKED_2, PACKED_4),
        holds=_more_than_plain,
    ),
    Claim(
        statement="A Wasserstein critic with a gradient penalty captures more modes than the plain GAN",
        source=f"{GULRAJANI}, figure 1, shown there by a critic's level lines",
        wanted=MORE,
        measure=_captured(GAN, CRITIC),
        holds=_more_than_plain,
    ),
    Claim(
        statement="So does R1, without packing",
        source=f"{MESCHEDER}, section 4, which promises convergence near a solution",
        wanted=MORE,
        measure=_captured(GAN, FLAT),
        holds=_more_than_plain,
    ),
    Claim(
        statement=f"The best game ({BEST}, averaged weights) captures all modes of both mixtures with samples of high quality",
        source="wanted of this project",
        wanted="8 of 8 and 25 of 25 in every seed, at least 90 % of the samples of high quality in the mean over the seeds",
        measure=_best,
        holds=lambda found: _all_modes(found) and min(row["high quality"] for row in found.values()) >= 0.9,
    ),
    Claim(
        statement="The best game does so in every seed",
        source="wanted of this project",
        wanted="all modes and at least 90 % of the samples of high quality in the worst seed",
        measure=_best,
        holds=lambda found: _all_modes(found) and min(row["lowest quality"] for row in found.values()) >= 0.9,
    ),
    Claim(
        statement="The reader that counts the modes of stacked MNIST is right about real digits",
        source="wanted of this project, as a poor reader adds modes",
        wanted="at least 99 % of the held-out digits, and all 1000 modes in as many samples of them",
        measure=lambda metrics: {
            "accuracy": metrics["stacked"]["reader's accuracy"],
            "modes": metrics["tables"][modes_stacked.STACKED][modes_stacked.REAL]["modes"],
        },
        holds=lambda found: found["accuracy"] >= 0.99 and found["modes"] == 1000,
    ),
    Claim(
        statement="DCGAN captures few modes of stacked MNIST",
        source=f"{LIN}, table 2: 99 by VEEGAN's authors, 78.9 by PacGAN's, of 1000",
        wanted="less than half, in the mean over the seeds",
        measure=_stacked(modes_stacked.PLAIN),
        holds=lambda found: found[modes_stacked.PLAIN]["modes"] < 500,
    ),
    Claim(
        statement="Packing 2 captures all modes of stacked MNIST",
        source=f"{LIN}, table 2: 1000 of 1000, a divergence of 0.06",
        wanted="at least 990 in the mean over the seeds, and more evenly than DCGAN",
        measure=_stacked(modes_stacked.PLAIN, modes_stacked.PACKED),
        holds=lambda found: (
            found[modes_stacked.PACKED]["modes"] >= 990 and found[modes_stacked.PACKED]["KL"] < found[modes_stacked.PLAIN]["KL"]
        ),
    ),
    Claim(
        statement="So do R1 and a Wasserstein critic",
        source="wanted of this project",
        wanted="at least 990 in the mean over the seeds, and more evenly than DCGAN",
        measure=_stacked(modes_stacked.PLAIN, modes_stacked.FLAT, modes_stacked.CRITIC),
        holds=lambda found: all(
            found[name]["modes"] >= 990 and found[name]["KL"] < found[modes_stacked.PLAIN]["KL"]
            for name in (modes_stacked.FLAT, modes_stacked.CRITIC)
        ),
    ),
)
DEVIATIONS = (
    "the mixtures are scaled to reach from -2 to 2 (the published ring from -1 to 1, the grid from -4 to 4), which no measure "
    "depends on",
    "rectified units throughout, where PacGAN's networks for the plane have batch norm and maxout; one pair of networks and one "
    "optimiser for all games in the plane, which short trials of R1 on the same mixtures chose, as they did its weight (0.3) and "
    "which game is called the best: that favours R1; the critic's penalty has the weight 0.1, untried",
    "the learning rate falls to zero over the second half",
    "but in the paper size, narrower networks and a hundredth of the steps, in larger batches: for the time",
    "the seeds of a mixture are trained side by side, each with weights, noise and points of its own, drawn one after the other",
    "stacked MNIST: two convolutions in each network instead of four, as 28 px are halved twice, and the generator moves once a "
    "step, not twice as in PacGAN's code; images are put together anew for each step instead of drawn from 128,000",
    "on stacked MNIST no batch norm in the discriminator where slopes are penalised, and R1 with the weight 1, untried; one move "
    "of the critic for each of the generator",
    "55,000 training digits instead of 70,000, so that the reader can be asked about digits that no game has seen",
)


def _budget(size: Size) -> str:
    plane, stacks = modes_plane.BUDGETS[size], modes_stacked.BUDGETS[size]
    return (
        f"{plane.steps} steps of batch {plane.batch} and {plane.seeds} seeds for each game in the plane; {stacks.steps} steps of "
        f"batch {stacks.batch} and {stacks.seeds} seeds for each on stacked MNIST"
    )


MODES = Experiment(
    name="modes",
    about="modes that a GAN captures, and remedies: packing, a Wasserstein critic, R1; in the plane and on stacked MNIST",
    paper=f"{LIN}, section 4",
    run=compare,
    claims=CLAIMS,
    deviations=DEVIATIONS,
    seeds={size: tuple(range(modes_plane.BUDGETS[size].seeds)) for size in SIZES},
    budget={size: _budget(size) for size in SIZES},
)
