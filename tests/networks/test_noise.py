"""Dropout that stays in translation."""

import pytest
import torch
from torch import nn

from unpaired.networks.noise import Noise, is_noisy, set_deterministic


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


def test_who_is_noisy():
    assert is_noisy(nn.Sequential(nn.ReLU(), nn.Sequential(Noise(0.5))))
    assert not is_noisy(nn.Sequential(nn.ReLU(), nn.Dropout(0.5)))
    silent = Noise(0.5)
    set_deterministic(silent, True)
    assert is_noisy(silent)
