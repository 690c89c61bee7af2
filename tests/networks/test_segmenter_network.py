"""The small U-Net, held against the same written out by hand."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unpaired.errors import ShapeError
from unpaired.networks.build import segmenter
from unpaired.networks.segmenter import rarity
from unpaired.networks.specs import SmallUNet


def twice(layers: nn.Module, x: Tensor) -> Tensor:
    first, first_norm, _, second, second_norm, _ = list(layers.children())
    for convolution, norm in ((first, first_norm), (second, second_norm)):
        x = F.conv2d(x, convolution.weight, padding=1)
        x = F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias)
        x = F.leaky_relu(x, 0.1)
    return x


def test_two_halvings_by_hand() -> None:
    torch.manual_seed(0)
    net = segmenter(SmallUNet(width=4), (3, 8, 12), classes=5).eval()
    x = torch.randn(2, 3, 8, 12)
    fine = twice(net.down[0], x)
    middle = twice(net.down[1], F.avg_pool2d(fine, 2))
    coarse = twice(net.down[2], F.avg_pool2d(middle, 2))
    assert [level.shape[1] for level in (fine, middle, coarse)] == [4, 8, 16]
    up = F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)
    middle = twice(net.up[0], torch.cat([middle, up], dim=1))
    up = F.interpolate(middle, scale_factor=2, mode="bilinear", align_corners=False)
    wanted = F.conv2d(twice(net.up[1], torch.cat([fine, up], dim=1)), net.answer.weight, net.answer.bias)
    torch.testing.assert_close(net(x), wanted)
    assert wanted.shape == (2, 5, 8, 12)


def test_sides_that_cannot_be_halved_are_refused() -> None:
    with pytest.raises(
        ShapeError, match="3 halvings takes images whose sides are multiples of 8, found 8 x 12; use another size"
    ):
        segmenter(SmallUNet(halvings=3), (3, 8, 12), classes=2)


def test_rare_classes_weigh_by_the_root_of_their_rarity() -> None:
    weights = rarity(torch.tensor([90, 10, 0]))
    assert weights.tolist() == pytest.approx([(100 / (3 * 90)) ** 0.5, (100 / (3 * 10)) ** 0.5, 0.0])
    assert (weights[1] / weights[0]).item() == pytest.approx(3.0)
