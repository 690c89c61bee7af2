"""Log-likelihood of held-out images under a generator: annealed importance sampling, and the Parzen window of old.

A generator g with noise z ~ N(0, I) gives an image no density until something is said about what it misses: here
x = g(z) + sigma * noise, p(x | z) = N(x; g(z), sigma^2 I) (Wu et al. 2016). Every number depends on that sigma, and on the
range of the pixels. Images are taken as they stand: for numbers beside those of papers, whose MNIST has pixels in [0, 1],
give (x + 1) / 2 and a decoder with that range; in [-1, 1] an image of D values has D ln 2 nats less. The authors' code calls
the variance sigma; here it is the standard deviation. All in nats, for the whole image.
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from unpaired.errors import ShapeError

Decoder = Callable[[Tensor], Tensor]
"""Noise [n, latent] -> images [n, ...]; every row for itself (batch norm in evaluation mode), differentiable."""
Schedule = Literal["sigmoid", "linear"]

SIGMOID_REACH = 4.0  # Wu et al.'s code: the sigmoid from -4 to 4
TARGET_ACCEPTANCE = 0.65  # Wu et al.'s code
FIRST_STEP, SMALLEST_STEP, LARGEST_STEP = 0.1, 1e-5, 2.0
ADAPTATION = 0.2
PILOTS = 4
"""Chains an example that find the step sizes before anything is measured."""
DISTANCES_AT_ONCE = 1 << 22
GOODFELLOW_SIGMAS = tuple(10 ** (-1 + step / 9) for step in range(10))
"""Ten values from 0.1 to 1, evenly spaced in the logarithm: those that Goodfellow et al.'s code tries, for pixels in [0, 1]."""


class Annealed(NamedTuple):
    """What annealed importance sampling found."""

    log_likelihood: Tensor
    """[N] float64, nats: ln of an unbiased estimate of p(x), which is a lower bound of ln p(x) on the average, and with
    high probability."""
    effective: Tensor
    """[N] float64, 1 to the number of chains: effective sample size of the weights. Near 1, a single chain made the
    estimate: more temperatures are needed."""
    acceptance: float
    """Share of the moves that were accepted; about 0.65 where the step sizes fit."""


class Bounds(NamedTuple):
    """Both sides of ln p(x), for images that the decoder made itself."""

    lower: Tensor
    """[N] float64, nats: as `annealed_likelihood` finds it."""
    upper: Tensor
    """[N] float64, nats: by the reverse way, from the true noise."""


class Parzen(NamedTuple):
    """A Parzen window estimate."""

    mean: float
    """Mean log-density of the test images, nats."""
    standard_error: float
    """Of the mean, over test images alone: deviation / sqrt(N)."""
    sigma: float
    """The window's width, chosen on validation images."""
    at_edge: bool
    """Whether that is the smallest or largest width tried: then try others."""


def annealed_likelihood(
    images: Tensor,
    *,
    decoder: Decoder,
    latent: int,
    sigma: float,
    chains: int = 16,
    temperatures: int = 1000,
    leapfrog: int = 10,
    schedule: Schedule = "sigmoid",
    rows: int = 512,
    seed: int = 0,
) -> Annealed:
    """ln p(x) by annealed importance sampling (Neal 2001) with Hamiltonian moves, after Wu et al. 2016.

    Each chain goes from the prior, beta = 0, to the posterior, beta = 1, over p(z) p(x | z)^beta; its weight is the product
    of p(x | z)^(the step in beta). The authors' code takes 16 chains, 10,000 temperatures, 10 leapfrog steps and a sigmoid
    schedule.

    It adapts the step size as the chains go; here `PILOTS` more chains do so for each example, and the measuring chains take
    the steps that those have found: an adapted move depends on the past, and its estimate is not quite unbiased.

    images: [N, ...], on the device and of the type that the decoder computes in; latent: length of z, which is N(0, I)
    (`from_uniform` for others); sigma: deviation of p(x | z) in the pixels' unit; temperatures: steps from 0 to 1; rows:
    images that the decoder makes at once. About N * (chains + 4) * temperatures * leapfrog passes forth and back. Raises
    ShapeError.
    """
    _require(images, decoder=decoder, latent=latent, sigma=sigma, counts=(chains, temperatures, leapfrog, rows))
    betas = temperature_schedule(temperatures, kind=schedule)
    generator = torch.Generator().manual_seed(seed)
    found, effective, accepted = [], [], 0.0
    for part in images.detach().split(max(1, rows // max(chains, PILOTS))):
        problem = _Problem(part, decoder, sigma, leapfrog, generator)
        start = torch.randn(chains, len(part), latent, generator=generator).to(part)
        walk = _anneal(start, problem=problem, betas=betas, steps=_pilot_steps(problem, betas=betas, latent=latent))
        found.append(_log_mean(walk.log_weights))
        effective.append((2 * walk.log_weights.logsumexp(dim=0) - (2 * walk.log_weights).logsumexp(dim=0)).exp())
        accepted += walk.acceptance * len(part) / len(images)
    return Annealed(torch.cat(found), torch.cat(effective), accepted)


def bidirectional_bounds(
    like: Tensor,
    *,
    decoder: Decoder,
    latent: int,
    sigma: float,
    chains: int = 16,
    temperatures: int = 1000,
    leapfrog: int = 10,
    schedule: Schedule = "sigmoid",
    rows: int = 512,
    seed: int = 0,
) -> Bounds:
    """How far `annealed_likelihood` may be off: bidirectional Monte Carlo (Grosse et al. 2015; Wu et al. 2016).

    For images x = g(z) + sigma * noise the true z is a draw from the posterior; annealing from it back to the prior
    estimates 1 / p(x) without bias, so its logarithm bounds ln p(x) from above. Where both bounds meet, the settings are
    good enough for images like these; those of a data set may be harder.

    like: [N, ...], a tensor of the images' shape, type and device, for as many of them as are wanted; the rest as in
    `annealed_likelihood`.
    """
    _require(like, decoder=decoder, latent=latent, sigma=sigma, counts=(chains, temperatures, leapfrog, rows))
    betas = temperature_schedule(temperatures, kind=schedule)
    generator = torch.Generator().manual_seed(seed)
    lower, upper = [], []
    for part in like.split(max(1, rows // max(chains, PILOTS))):
        truth = torch.randn(len(part), latent, generator=generator).to(part)
        with torch.no_grad():
            made = decoder(truth)
        made = made + sigma * torch.randn(made.shape, generator=generator).to(made)
        problem = _Problem(made, decoder, sigma, leapfrog, generator)
        steps = _pilot_steps(problem, betas=betas, latent=latent)
        start = torch.randn(chains, len(part), latent, generator=generator).to(part)
        lower.append(_log_mean(_anneal(start, problem=problem, betas=betas, steps=steps).log_weights))
        known = truth.expand(chains, -1, -1)
        back = _anneal(known, problem=problem, betas=betas.flip(0), steps=steps.flip(0))
        upper.append(-_log_mean(back.log_weights))
    return Bounds(torch.cat(lower), torch.cat(upper))


def temperature_schedule(steps: int, *, kind: Schedule = "sigmoid") -> Tensor:
    """Inverse temperatures from 0 to 1: [steps + 1] float64. The sigmoid one is dense at both ends (Wu et al. 2016)."""
    even = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
    if kind == "linear":
        return even
    curve = torch.sigmoid(SIGMOID_REACH * (2 * even - 1))
    return (curve - curve[0]) / (curve[-1] - curve[0])


def from_uniform(decoder: Decoder) -> Decoder:
    """A decoder of noise uniform on [-1, 1] as one of noise N(0, I): u = erf(z / sqrt 2)."""
    return lambda z: decoder(torch.erf(z / math.sqrt(2)))


def parzen_log_density(images: Tensor, *, samples: Tensor, sigma: float) -> Tensor:
    """ln of the mean of N(x; s, sigma^2 I) over the samples s: images [N, ...], samples [M, ...] -> [N] float64, nats."""
    return _log_densities(images, samples=samples, sigmas=[sigma])[0]


def parzen_estimate(test: Tensor, *, samples: Tensor, validation: Tensor, sigmas: Sequence[float] = GOODFELLOW_SIGMAS) -> Parzen:
    """Mean Parzen log-density of test images, the window chosen on validation images (Breuleux et al. 2011; Goodfellow et al.
    2014, section 5).

    For comparison with old papers only: in as many dimensions as images have, it can rank generators wrongly (Theis et al.
    2016). Goodfellow et al.'s code has 10,000 samples, 1000 validation images and pixels in [0, 1].

    test, validation, samples: [.., ...] of one shape an image (else ShapeError).
    """
    choice = _log_densities(validation, samples=samples, sigmas=sigmas).mean(dim=1)
    best = int(choice.argmax())
    values = parzen_log_density(test, samples=samples, sigma=sigmas[best])
    error = values.std(correction=0).item() / math.sqrt(len(values))
    return Parzen(values.mean().item(), error, sigmas[best], sigmas[best] in (min(sigmas), max(sigmas)))


class _Problem(NamedTuple):
    images: Tensor  # [n, ...]
    decoder: Decoder
    sigma: float
    leapfrog: int
    generator: torch.Generator


class _Walk(NamedTuple):
    log_weights: Tensor  # [chains, n] float64
    acceptance: float
    steps: Tensor  # [temperatures - 1, n] float64: the step sizes of the moves


class _Place(NamedTuple):
    z: Tensor  # [chains, n, latent]
    fit: Tensor  # [chains, n] float64: ln p(x | z)
    slope: Tensor  # its gradient by z


def _pilot_steps(problem: _Problem, *, betas: Tensor, latent: int) -> Tensor:
    """The step sizes that pilot chains settle on, temperature by temperature: [temperatures - 1, n]."""
    images = problem.images
    start = torch.randn(PILOTS, len(images), latent, generator=problem.generator).to(images)
    return _anneal(start, problem=problem, betas=betas, steps=None).steps


def _anneal(start: Tensor, *, problem: _Problem, betas: Tensor, steps: Tensor | None) -> _Walk:
    """Chains from start [chains, n, latent] along the betas; steps None: adapted on the way.

    A move follows each weight but the last: the state after it would be weighed no more. Walked backwards from the last
    state, with the betas and the steps turned round, the same code is the exact reverse.
    """
    place = _look(start, problem=problem)
    log_weights = torch.zeros_like(place.fit)
    size = torch.full((len(problem.images),), FIRST_STEP, dtype=torch.float64)
    sizes, acceptance = [], []
    for index, (before, after) in enumerate(zip(betas[:-1].tolist(), betas[1:].tolist(), strict=True)):
        log_weights = log_weights + (after - before) * place.fit
        if index == len(betas) - 2:
            break
        size = size if steps is None else steps[index]
        place, probability = _move(place, problem=problem, beta=after, size=size)
        accepted = probability.mean(dim=0).cpu()
        sizes.append(size)
        acceptance.append(accepted.mean().item())
        if steps is None:
            size = (size * torch.exp(ADAPTATION * (accepted - TARGET_ACCEPTANCE))).clamp(SMALLEST_STEP, LARGEST_STEP)
    share = sum(acceptance) / len(acceptance) if acceptance else math.nan
    return _Walk(log_weights.cpu(), share, torch.stack(sizes) if sizes else size[:0])


def _move(place: _Place, *, problem: _Problem, beta: float, size: Tensor) -> tuple[_Place, Tensor]:
    """One Hamiltonian move at p(z) p(x | z)^beta; size: [n]. Returns where the chains are, and their acceptance [chains, n]."""
    step = size.to(place.z).unsqueeze(1)
    momentum = torch.randn(place.z.shape, generator=problem.generator).to(place.z)
    there, moving = place, momentum + step / 2 * (beta * place.slope - place.z)
    for left in reversed(range(problem.leapfrog)):
        there = _look(there.z + step * moving, problem=problem)
        moving = moving + (step if left else step / 2) * (beta * there.slope - there.z)
    gained = _energy(place, momentum, beta=beta) - _energy(there, moving, beta=beta)
    # Not-a-number is a trajectory that flew apart.
    probability = gained.clamp_max(0).exp().nan_to_num(0.0)
    chance = torch.rand(probability.shape, generator=problem.generator, dtype=torch.float64).to(probability)
    taken = chance < probability
    wide = taken.unsqueeze(-1)
    reached = _Place(
        torch.where(wide, there.z, place.z), torch.where(taken, there.fit, place.fit), torch.where(wide, there.slope, place.slope)
    )
    return reached, probability


def _look(z: Tensor, *, problem: _Problem) -> _Place:
    """ln p(x | z) at z [chains, n, latent], and its gradient."""
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        made = problem.decoder(z.flatten(0, 1))
        missed = made.reshape(*z.shape[:2], -1) - problem.images.flatten(1)
        norm = missed.shape[-1] * math.log(problem.sigma * math.sqrt(2 * math.pi))
        fit = -missed.square().sum(dim=-1, dtype=torch.float64) / (2 * problem.sigma**2) - norm
        (slope,) = torch.autograd.grad(fit.sum(), z)
    return _Place(z.detach(), fit.detach(), slope)


def _energy(place: _Place, momentum: Tensor, *, beta: float) -> Tensor:
    kinetic = (place.z.double().square() + momentum.double().square()).sum(dim=-1) / 2
    return kinetic - beta * place.fit


def _log_mean(log_weights: Tensor) -> Tensor:
    """[chains, n] -> [n]"""
    return log_weights.logsumexp(dim=0) - math.log(len(log_weights))


def _log_densities(images: Tensor, *, samples: Tensor, sigmas: Sequence[float]) -> Tensor:
    """Parzen log-densities of images [N, ...] for each sigma: [S, N] float64."""
    if images.shape[1:] != samples.shape[1:] or images.ndim < 2 or not len(images) or not len(samples):
        raise ShapeError(f"found images {list(images.shape)} and samples {list(samples.shape)}; wanted [N, ...] and [M, ...]")
    if not sigmas or min(sigmas) <= 0:
        raise ShapeError(f"found widths {list(sigmas)}; wanted at least one, all above 0")
    samples = samples.detach().cpu().flatten(1).double()
    origin = samples.mean(dim=0)
    samples = samples - origin
    norms, dimension = samples.square().sum(dim=1), samples.shape[1]
    columns = []
    for part in images.detach().cpu().flatten(1).split(max(1, DISTANCES_AT_ONCE // len(samples))):
        shifted = part.double() - origin
        squared = (shifted.square().sum(dim=1, keepdim=True) + norms - 2 * shifted @ samples.T).clamp_min(0)
        columns.append(torch.stack([(squared / (-2 * sigma**2)).logsumexp(dim=1) for sigma in sigmas]))
    normalisers = torch.tensor([dimension * math.log(sigma * math.sqrt(2 * math.pi)) for sigma in sigmas], dtype=torch.float64)
    return torch.cat(columns, dim=1) - math.log(len(samples)) - normalisers.unsqueeze(1)


def _require(images: Tensor, *, decoder: Decoder, latent: int, sigma: float, counts: tuple[int, int, int, int]) -> None:
    if not len(images) or min(latent, *counts) < 1 or sigma <= 0:
        found = ", ".join(
            f"{n} {name}" for n, name in zip(counts, ("chains", "temperatures", "leapfrog steps", "rows"), strict=True)
        )
        raise ShapeError(
            f"found {len(images)} images, noise of length {latent}, sigma {sigma}, {found}; "
            "wanted one of each at least, and sigma above 0"
        )
    with torch.no_grad():
        made = decoder(torch.zeros(1, latent).to(images))
    if made.shape[1:] != images.shape[1:]:
        raise ShapeError(
            f"found images {list(images.shape[1:])} and a decoder that makes {list(made.shape[1:])}; wanted one shape"
        )
