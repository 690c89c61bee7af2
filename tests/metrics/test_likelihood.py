"""Likelihoods against closed forms, scipy and numbers counted by hand."""

import math

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import gaussian_kde, multivariate_normal

from unpaired.errors import ShapeError
from unpaired.metrics.likelihood import (
    GOODFELLOW_SIGMAS,
    annealed_likelihood,
    bidirectional_bounds,
    from_uniform,
    parzen_estimate,
    parzen_log_density,
    temperature_schedule,
)

LATENT, PIXELS = 4, 12


def linear_decoder():
    """g(z) = W z + b, whose images x = g(z) + sigma * noise are N(b, W W' + sigma^2 I)."""
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(PIXELS, LATENT, generator=generator, dtype=torch.float64)
    shift = torch.randn(PIXELS, generator=generator, dtype=torch.float64)
    return (lambda z: (z @ weight.T + shift).view(-1, 1, 3, 4)), weight, shift


def drawn(*, sigma: float, count: int = 6):
    """Images of the linear decoder, and their exact log-likelihoods by scipy."""
    decoder, weight, shift = linear_decoder()
    generator = torch.Generator().manual_seed(2)
    z = torch.randn(count, LATENT, generator=generator, dtype=torch.float64)
    x = decoder(z) + sigma * torch.randn(count, 1, 3, 4, generator=generator, dtype=torch.float64)
    law = multivariate_normal(shift.numpy(), (weight @ weight.T).numpy() + sigma**2 * np.eye(PIXELS))
    return x, decoder, torch.from_numpy(np.atleast_1d(law.logpdf(x.flatten(1).numpy())))


@pytest.mark.parametrize("schedule", ["sigmoid", "linear"])
def test_annealing_finds_the_likelihood_of_a_linear_gaussian_decoder(schedule):
    x, decoder, exact = drawn(sigma=0.5)
    found = annealed_likelihood(x, decoder=decoder, latent=LATENT, sigma=0.5, temperatures=400, chains=16, schedule=schedule)
    assert (found.log_likelihood - exact).abs().max() < 1.0
    assert (found.log_likelihood - exact).mean().abs() < 0.25
    assert found.effective.min() > 2
    assert found.effective.max() <= 16
    assert found.acceptance == pytest.approx(0.65, abs=0.1)


def test_one_temperature_is_plain_importance_sampling_and_far_too_low():
    x, decoder, exact = drawn(sigma=0.5)
    plain = annealed_likelihood(x, decoder=decoder, latent=LATENT, sigma=0.5, temperatures=1, chains=16)
    some = annealed_likelihood(x, decoder=decoder, latent=LATENT, sigma=0.5, temperatures=40, chains=16)
    many = annealed_likelihood(x, decoder=decoder, latent=LATENT, sigma=0.5, temperatures=400, chains=16)
    low = [(found.log_likelihood - exact).mean().item() for found in (plain, some, many)]
    assert low[0] < -10
    assert low[0] < low[1] < low[2]
    assert plain.effective.mean() < 1.5
    assert math.isnan(plain.acceptance)


def test_the_estimate_of_the_likelihood_itself_is_unbiased():
    """The mean of p^ / p is 1 however few the temperatures: no bound, nor any slip in weights or moves, would pass."""
    sigma, x = 0.5, torch.full((4000, 1), 1.2, dtype=torch.float64)
    exact = -0.5 * 1.2**2 / (4 + sigma**2) - 0.5 * math.log(2 * math.pi * (4 + sigma**2))
    found = annealed_likelihood(x, decoder=lambda z: 2 * z, latent=1, sigma=sigma, temperatures=4, chains=1, leapfrog=3)
    ratios = (found.log_likelihood - exact).exp()
    error = ratios.std().item() / math.sqrt(len(ratios))
    assert error < 0.05
    assert ratios.mean().item() == pytest.approx(1.0, abs=4 * error)


def test_both_bounds_enclose_the_truth_and_close_in():
    x, decoder, _ = drawn(sigma=0.5, count=24)
    gaps = []
    for temperatures in (10, 300):
        bounds = bidirectional_bounds(x, decoder=decoder, latent=LATENT, sigma=0.5, temperatures=temperatures, chains=4)
        gaps.append((bounds.upper - bounds.lower).mean().item())
    assert gaps[0] > 2
    assert -0.1 < gaps[1] < 0.7


def test_bounds_are_about_the_images_that_the_decoder_makes():
    """With no decoder to speak of, ln p(x) of x ~ N(0, I) has the mean -(1 + ln 2 pi) / 2 a pixel, and no estimate errs."""
    like = torch.zeros(4000, 3, dtype=torch.float64)
    bounds = bidirectional_bounds(
        like, decoder=lambda z: 0 * z.expand(-1, 3), latent=1, sigma=1.0, temperatures=2, chains=1, leapfrog=1
    )
    assert torch.equal(bounds.lower, bounds.upper)
    assert bounds.lower.mean().item() == pytest.approx(-1.5 * (1 + math.log(2 * math.pi)), abs=0.08)


def test_uniform_noise():
    images = []
    from_uniform(images.append)(torch.randn(20000, 1))
    noise = images[0].flatten()
    assert noise.abs().max() <= 1
    assert np.histogram(noise.numpy(), bins=4, range=(-1, 1))[0] / len(noise) == pytest.approx(0.25, abs=0.015)


def test_results_follow_from_the_seed_and_leave_torch_alone():
    x, decoder, _ = drawn(sigma=0.5, count=3)
    state = torch.get_rng_state()
    first, second, other = (
        annealed_likelihood(x, decoder=decoder, latent=LATENT, sigma=0.5, temperatures=5, seed=seed).log_likelihood
        for seed in (3, 3, 4)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(state, torch.get_rng_state())


def test_rows_at_once_bound_what_the_decoder_makes():
    decoder, *_ = linear_decoder()
    most = []

    def watched(z):
        most.append(len(z))
        return decoder(z)

    found = annealed_likelihood(
        torch.zeros(7, 1, 3, 4, dtype=torch.float64), decoder=watched, latent=LATENT, sigma=0.5, temperatures=3, chains=8, rows=16
    )
    assert len(found.log_likelihood) == len(found.effective) == 7
    assert max(most) == 16


def test_schedules():
    assert temperature_schedule(4, kind="linear").tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    sigmoid = temperature_schedule(4)
    middle = (1 / (1 + math.exp(2)) - 1 / (1 + math.exp(4))) / (1 - 2 / (1 + math.exp(4)))
    assert sigmoid.tolist() == pytest.approx([0.0, middle, 0.5, 1 - middle, 1.0])


def test_what_cannot_be_annealed_is_refused():
    decoder, *_ = linear_decoder()
    x = torch.zeros(2, 1, 3, 4, dtype=torch.float64)
    with pytest.raises(ShapeError, match=r"\[1, 3, 5\] and a decoder that makes \[1, 3, 4\]"):
        annealed_likelihood(torch.zeros(2, 1, 3, 5, dtype=torch.float64), decoder=decoder, latent=LATENT, sigma=1.0)
    with pytest.raises(ShapeError, match="0 chains"):
        annealed_likelihood(x, decoder=decoder, latent=LATENT, sigma=1.0, chains=0)
    with pytest.raises(ShapeError, match="sigma 0"):
        bidirectional_bounds(x, decoder=decoder, latent=LATENT, sigma=0)


def test_parzen_density_by_hand():
    samples = torch.tensor([[0.0, 0.0], [2.0, 0.0]])
    points = torch.tensor([[0.0, 0.0], [1.0, 3.0]])
    normaliser = math.log(2 * math.pi * 0.25)
    by_hand = [math.log((1 + math.exp(-8)) / 2) - normaliser, -(1 + 9) / (2 * 0.25) - normaliser]
    assert parzen_log_density(points, samples=samples, sigma=0.5).tolist() == pytest.approx(by_hand, rel=1e-9)


def test_parzen_density_agrees_with_scipy():
    generator = np.random.default_rng(0)
    samples, points = generator.normal(size=(400, 3)), generator.normal(size=(50, 3)) * 1.3
    found = parzen_log_density(torch.tensor(points), samples=torch.tensor(samples), sigma=0.3).numpy()
    # scipy scales by the samples' covariance, so that is made the identity, and its factor the width.
    white = samples @ np.linalg.inv(np.linalg.cholesky(np.cov(samples.T))).T
    at = points @ np.linalg.inv(np.linalg.cholesky(np.cov(samples.T))).T
    kde = gaussian_kde(white.T, bw_method=0.3)
    assert parzen_log_density(torch.tensor(at), samples=torch.tensor(white), sigma=0.3).numpy() == pytest.approx(kde.logpdf(at.T))
    squared = ((points[:, None] - samples[None]) ** 2).sum(axis=2)
    direct = logsumexp(-squared / (2 * 0.09), axis=1) - math.log(400) - 3 * math.log(0.3 * math.sqrt(2 * math.pi))
    assert found == pytest.approx(direct, rel=1e-9)


def test_the_window_is_chosen_on_validation_images():
    generator = torch.Generator().manual_seed(0)
    samples, validation, test = (0.4 * torch.randn(n, 1, 2, 2, generator=generator) for n in (300, 200, 100))
    found = parzen_estimate(test, samples=samples, validation=validation)
    means = [parzen_log_density(validation, samples=samples, sigma=sigma).mean().item() for sigma in GOODFELLOW_SIGMAS]
    assert found.sigma == GOODFELLOW_SIGMAS[int(np.argmax(means))]
    assert not found.at_edge
    values = parzen_log_density(test, samples=samples, sigma=found.sigma)
    assert found.mean == pytest.approx(values.mean().item())
    assert found.standard_error == pytest.approx(values.std(correction=0).item() / 10)
    assert parzen_estimate(test, samples=samples, validation=validation, sigmas=(0.5, 5.0)).at_edge


def test_the_widths_are_those_of_the_authors():
    assert pytest.approx(np.logspace(-1, 0, num=10)) == GOODFELLOW_SIGMAS


def test_what_no_window_fits_is_refused():
    with pytest.raises(ShapeError, match=r"\[2, 3\] and samples \[2, 4\]"):
        parzen_log_density(torch.zeros(2, 3), samples=torch.zeros(2, 4), sigma=1.0)
    with pytest.raises(ShapeError, match="all above 0"):
        parzen_log_density(torch.zeros(2, 3), samples=torch.zeros(2, 3), sigma=0.0)
