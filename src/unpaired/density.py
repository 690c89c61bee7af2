"""How likely a trained sampler holds held-out images: annealed importance sampling and, for old tables, a Parzen window.

A sampler is a decoder: x = g(z) + noise of deviation sigma. Pixels are from 0 to 1, likelihoods in nats.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from unpaired import images, runs
from unpaired.bundle import load_bundle
from unpaired.config import to_dict
from unpaired.data.image_set import ImageSet
from unpaired.data.labels import UNKNOWN
from unpaired.effort import Effort
from unpaired.engine.runtime import choose_device
from unpaired.errors import RunError
from unpaired.evaluation.scoring import rows_of
from unpaired.files import write_json
from unpaired.metrics import likelihood
from unpaired.products import Sampler
from unpaired.run_config import load_config

USUAL = Effort()
SIGMAS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
"""Tried on validation images, where none is given."""
TRIED, TRIAL = 8, 100
"""Validation images and temperatures of such a trial."""
PARZEN_SAMPLES, PARZEN_VALIDATION = 10_000, 1000
"""As in Goodfellow et al.'s code; and as many test images as samples at the most."""


def likelihoods(
    folder: str | Path, *, sigma: float | None = None, effort: Effort = USUAL, device: str = "auto"
) -> dict[str, float]:
    """Of a run's sampler, over held-out test images; also written to `likelihood.json` in its folder.

    "images": how many were annealed: fewer than asked for where fewer were held out, or where a sampler has classes and some
    images have none; "annealed": mean ln p(x), a lower bound on the average, of each image given its class where the sampler has
    classes; "gap": how far the lower lies below the upper bound on images that the sampler made itself (bidirectional Monte
    Carlo): near 0, the effort suffices; "effective": mean effective share of chains; "sigma": given, or chosen on validation
    images; "parzen", "parzen of training images": the historical estimate of samples, and of as many training images in their
    place.

    RunError where there is no run, no sampler of one set of images, or too few held-out images.
    """
    folder = Path(folder)
    run = load_config(folder)
    data = runs.same_data(run, folder)
    sampler = load_bundle(folder, device=str(choose_device(device)[0])).get("sampler")
    if not isinstance(sampler, Sampler) or not isinstance(data, ImageSet):
        raise RunError(f"{folder} keeps no sampler of one set of images: train gan, dcgan, sgan or acgan")
    if len(data.test.pixels) < 2 * TRIED:
        raise RunError(f"{folder} held out {len(data.test.pixels)} images; wanted {2 * TRIED} or more")
    validation, test = (rows_of(data.test.pixels, part, most=PARZEN_VALIDATION) for part in ("validation", "test"))
    held = images.to_tensor(data.test.pixels[test])
    anneal = partial(_annealed, sampler, chains=effort.chains)
    if sigma is None:
        some = slice(validation.start, min(validation.stop, (validation.start or 0) + TRIED))
        tried = {
            each: anneal(images.to_tensor(data.test.pixels[some]), _classes(data, some), sigma=each, temperatures=TRIAL)[0]
            for each in SIGMAS
        }
        sigma = max(tried, key=lambda each: tried[each])
    value, effective, taken = anneal(
        held[: effort.images], _classes(data, test)[: effort.images], sigma=sigma, temperatures=effort.temperatures
    )
    found = {"images": taken, "sigma": sigma, "annealed": value, "effective": effective}
    found |= {"gap": _gap(sampler, held[:TRIED], sigma=sigma, effort=effort)}
    found |= _parzen(sampler, data, held, images.to_tensor(data.test.pixels[validation]))
    write_json(folder / "likelihood.json", to_dict(effort) | found)
    return found


def _classes(data: ImageSet, rows: slice) -> Tensor:
    return torch.from_numpy(data.test_classes[rows])


def _annealed(
    sampler: Sampler, x: Tensor, classes: Tensor, *, sigma: float, temperatures: int, chains: int
) -> tuple[float, float, int]:
    """The mean ln p(x), or ln p(x | class), the mean effective share of the chains, and of how many images: of a sampler with
    classes those of unknown class are left out.
    """
    values, effective = [], []
    for class_ in classes.unique().tolist() if sampler.classes else [UNKNOWN]:
        if sampler.classes and class_ == UNKNOWN:
            continue
        some = x[classes == class_] if sampler.classes else x
        found = likelihood.annealed_likelihood(
            _unit(some).to(_device(sampler)),
            decoder=_decoder(sampler, class_),
            latent=sampler.noise.size,
            sigma=sigma,
            chains=chains,
            temperatures=temperatures,
        )
        values.append(found.log_likelihood)
        effective.append(found.effective)
    if not values:
        raise RunError("the sampler has classes, and no held-out image tells its own: nothing can be compared")
    each = torch.cat(values)
    return float(each.mean()), float(torch.cat(effective).mean()) / chains, len(each)


def _gap(sampler: Sampler, like: Tensor, *, sigma: float, effort: Effort) -> float:
    """How far the mean lower bound lies below the upper, of as many images of the sampler's own as `like`. Of a sampler with
    classes, images of its first class alone: whether the effort suffices differs little between classes of one network.
    """
    bounds = likelihood.bidirectional_bounds(
        _unit(like).to(_device(sampler)),
        decoder=_decoder(sampler, 0),
        latent=sampler.noise.size,
        sigma=sigma,
        chains=effort.chains,
        temperatures=effort.temperatures,
    )
    return float((bounds.upper - bounds.lower).mean())


def _decoder(sampler: Sampler, class_: int) -> likelihood.Decoder:
    """N(0, I) -> pixels from 0 to 1, with gradients."""
    network = sampler.network.eval()

    def decode(z: Tensor) -> Tensor:
        inputs = [z]
        if sampler.classes:
            wanted = torch.full((len(z),), class_, device=z.device)
            inputs.append(torch.nn.functional.one_hot(wanted, len(sampler.classes)).to(z))
        return (network(*inputs) + 1) / 2

    return likelihood.from_uniform(decode) if sampler.noise.distribution == "uniform" else decode


def _parzen(sampler: Sampler, data: ImageSet, held: Tensor, validation: Tensor) -> Mapping[str, float]:
    count = min(PARZEN_SAMPLES, len(data.train.pixels))
    made, train = sampler(count), images.to_tensor(data.train.pixels[:count])
    found: dict[str, float] = {}
    for name, samples in (("parzen", made), ("parzen of training images", train)):
        estimate = likelihood.parzen_estimate(_unit(held[:PARZEN_SAMPLES]), samples=_unit(samples), validation=_unit(validation))
        found |= {name: estimate.mean, f"{name}, standard error": estimate.standard_error}
    return found


def _device(sampler: Sampler) -> torch.device:
    return next(sampler.network.parameters()).device


def _unit(x: Tensor) -> Tensor:
    return (x + 1) / 2
