"""To the code and back."""

import numpy as np
import pytest
import torch

from unpaired.networks.build import autoencoder
from unpaired.networks.specs import ConvAutoencoder, DenseAutoencoder
from unpaired.products import Autoencoder

SHAPE = (1, 8, 8)
SPECS = [DenseAutoencoder(hidden=(6,), code=3), ConvAutoencoder(widths=(2,), hidden=6, code=3, values="signed")]


@pytest.mark.parametrize("spec", SPECS)
def test_codes_and_images(spec):
    network = autoencoder(spec, SHAPE)
    made, x = Autoencoder(network, spec=spec, shape=SHAPE), torch.rand(5, *SHAPE) * 2 - 1
    codes = made.encode(x)
    assert codes.shape == (5, 3)
    with torch.no_grad():
        torch.testing.assert_close(codes, network.encode(x))
        torch.testing.assert_close(made.decode(codes), network(x))
        torch.testing.assert_close(made.reconstruct(x), network(x))
    assert network.training
    assert not codes.requires_grad


def test_codes_of_whatever_stands_for_images():
    made = Autoencoder(autoencoder(SPECS[0], SHAPE), spec=SPECS[0], shape=SHAPE)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 1), dtype=np.uint8)
    x = torch.from_numpy(pixels).movedim(-1, 1) / 127.5 - 1
    torch.testing.assert_close(made(pixels), made.encode(x))
    torch.testing.assert_close(made(pixels[0]), made.encode(x)[0])
    assert made.reconstruct(x[:0]).shape == (0, *SHAPE)
    assert "8x8 <-> 3" in repr(made)
