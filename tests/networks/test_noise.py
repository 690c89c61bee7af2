"""Dropout that stays in translation, and Gaussian noise that does not."""

import pytest
import torch
from torch import nn

from unpaired.networks.noise import Noise, TrainingNoise, is_noisy, set_deterministic


@pytest.mark.parametrize("training", [True, False])
def test_it_is_torchs_dropout_in_training_and_after(training):
    x, noise = torch.randn(4, 50, 3), Noise(0.3).train(training)
    torch.manual_seed(1)
    found = noise(x)
    torch.manual_seed(1)
    assert torch.equal(found, nn.Dropout(0.3)(x))
    assert 0.2 < (found == 0).float().mean() < 0.4


def test_it_can_be_turned_off_for_translation():
    network = nn.Sequential(nn.Linear(8, 8), nn.Sequential(Noise(0.5)))
    x = torch.randn(2, 8)
    set_deterministic(network, True)
    assert not torch.equal(network(x), network(x)), "in training it stays"
    network.eval()
    assert torch.equal(network(x), network[0](x))
    set_deterministic(network, False)
    assert not torch.equal(network(x), network(x))


def test_gaussian_noise_is_of_training_alone():
    x, noise = torch.full((4, 5, 50, 50), 3.0).to(memory_format=torch.channels_last), TrainingNoise(0.5)
    torch.manual_seed(1)
    added = noise(x) - x
    assert added.mean().item() == pytest.approx(0, abs=0.01)
    assert added.std().item() == pytest.approx(0.5, rel=0.02)
    assert noise(x.bfloat16()).dtype == torch.bfloat16
    assert torch.equal(noise.eval()(x), x)
    assert torch.equal(TrainingNoise(0.0)(x), x)
    assert not is_noisy(noise), "what a network answers hangs on no draw"


def test_who_is_noisy():
    assert is_noisy(nn.Sequential(nn.ReLU(), nn.Sequential(Noise(0.5))))
    assert not is_noisy(nn.Sequential(nn.ReLU(), nn.Dropout(0.5)))
    silent = Noise(0.5)
    set_deterministic(silent, True)
    assert is_noisy(silent)
