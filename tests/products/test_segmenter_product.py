"""A segmenter answers each pixel by the place of its class, and each image for itself."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from unpaired.networks.build import segmenter
from unpaired.networks.specs import SmallUNet
from unpaired.products import Segmenter

SPEC = SmallUNet(width=4)


class Bright(nn.Module):
    """Bright pixels are of the second class."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([-x[:, 0], x[:, 0]], dim=1) * self.scale


def test_pictures_arrays_and_batches() -> None:
    found = Segmenter(Bright(), spec=SPEC, shape=(1, 4, 6), classes=("dark", "bright"))
    pixels = np.random.default_rng(0).integers(0, 256, (3, 4, 6, 1), dtype=np.uint8)
    assert np.array_equal(found(pixels), pixels[..., 0] > 127)
    assert found(pixels[0]).dtype == np.uint8
    assert np.array_equal(found(Image.fromarray(pixels[0, :, :, 0])), pixels[0, :, :, 0] > 127)


def test_an_answer_does_not_depend_on_its_neighbours() -> None:
    network = segmenter(SPEC, (3, 8, 12), classes=3)  # in training mode, to which it returns
    found = Segmenter(network, spec=SPEC, shape=(3, 8, 12), classes="abc")
    x = torch.randn(3, 3, 8, 12)
    assert torch.equal(found.labels(x)[:1], found.labels(x[:1]))
    assert found.labels(x).shape == (3, 8, 12)
    assert network.training
