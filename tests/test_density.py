"""Likelihoods of samplers: of a linear one they are known in closed form."""

import json

import numpy as np
import pytest
import torch
from torch import nn

import unpaired
from unpaired import cli, density
from unpaired.errors import RunError
from unpaired.games import specs
from unpaired.networks.specs import DCGANDiscriminator, DCGANGenerator, DenseAutoencoder, DenseGenerator
from unpaired.options import DataOptions, Training
from unpaired.products import Sampler
from unpaired.products.sampler import Noise

SIGMA = 0.4


class Linear(nn.Module):
    """z -> A z + b; with a class c, 0.3 c is added."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.a = nn.Parameter(0.8 * torch.randn(6, 2, generator=generator))
        self.b = nn.Parameter(0.2 * torch.randn(6, generator=generator))

    def forward(self, z, condition=None):
        y = z @ self.a.T + self.b
        return y if condition is None else y + 0.3 * condition.argmax(dim=1, keepdim=True)


def exact(network, x, classes):
    """ln N(x; b + 0.3 c, A A' + sigma^2), of values from 0 to 1."""
    a, b = network.a.detach().double() / 2, (network.b.detach().double() + 1) / 2
    density = torch.distributions.MultivariateNormal(b, a @ a.T + SIGMA**2 * torch.eye(6, dtype=torch.float64))
    return float(density.log_prob((x.double() + 1) / 2 - 0.15 * classes[:, None]).mean())


@pytest.mark.parametrize("names", [(), ("zero", "one")])
def test_a_linear_decoder_has_its_likelihood_in_closed_form(names):
    network = Linear()
    sampler = Sampler(network, spec=DenseGenerator(), shape=(6,), noise=Noise(2, "normal"), classes=names)
    x = torch.randn(6, 6, generator=torch.Generator().manual_seed(1))
    classes = torch.tensor([0, 1, 0, 1, 1, -1])
    told = classes >= 0 if names else torch.ones(6, dtype=torch.bool)
    found, effective, taken = density._annealed(sampler, x, classes, sigma=SIGMA, temperatures=200, chains=16)
    wanted = exact(network, x[told], classes[told] if names else torch.zeros(6))
    assert found == pytest.approx(wanted, abs=0.05)
    assert 0.5 < effective <= 1
    assert taken == (5 if names else 6)  # the last image's class is unknown
    effort = density.Effort(temperatures=100, chains=8)
    assert abs(density._gap(sampler, x, sigma=SIGMA, effort=effort)) < 0.3


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    chance = np.random.default_rng(0)
    parts = {f"x_{part}": chance.integers(0, 256, (count, 8, 8), dtype=np.uint8) for part, count in (("train", 40), ("test", 40))}
    path = tmp_path_factory.mktemp("set") / "ones.npz"
    np.savez(path, **parts, y_train=np.arange(40) % 3, y_test=np.arange(40) % 3)
    return path


def trained(game, digits, folder):
    training = Training(steps=2, batch=8, threads=1, compile="off", precision="float32")
    unpaired.train(digits, out=folder, game=game, data=DataOptions(size=8, channels=1, flip=False), training=training)
    return folder


def test_the_command(digits, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(density, "TRIAL", 2)
    monkeypatch.setattr(density, "SIGMAS", (0.05, 0.3))
    game = specs.ACGAN(generator=DCGANGenerator(width=2), discriminator=DCGANDiscriminator(width=2), noise=4)
    run = trained(game, digits, tmp_path / "run")
    capsys.readouterr()
    cli.main(["likelihood", str(run), "--images", "3", "--temperatures", "5", "--chains", "2"])
    said = capsys.readouterr().out
    assert "3 held-out images, sigma 0.3" in said  # of noise the widest fits best
    kept = json.loads((run / "likelihood.json").read_text())
    assert kept["parzen"] > kept["parzen of training images"]  # noise lies nearer to grey than to other noise
    assert f"parzen: {kept['parzen']:.1f} +- " in said


def test_what_makes_no_samples_is_refused(digits, tmp_path):
    run = trained(specs.Autoencoder(network=DenseAutoencoder(hidden=(4,), code=2)), digits, tmp_path / "run")
    with pytest.raises(RunError, match="keeps no sampler of one set of images: train gan, dcgan, sgan or acgan"):
        density.likelihoods(run)
