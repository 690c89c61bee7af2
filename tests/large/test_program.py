"""What is read out of networks, and which networks are refused."""

import pytest
import torch
from torch import nn

from unpaired.errors import ShapeError
from unpaired.large.program import Program
from unpaired.networks.mlp import MlpNet
from unpaired.networks.patch import PatchDiscriminator
from unpaired.networks.resnet import ResidualBlock
from unpaired.networks.unet import UNetGenerator


def names(program):
    return [(type(step.layer).__name__, *step.inputs) for step in program.steps[1:]]


def test_a_residual_block():
    assert names(Program(ResidualBlock(4, norm="instance"))) == [
        ("Border", 0), ("Convolution", 1), ("Norm", 2), ("Pointwise", 3),
        ("Border", 4), ("Convolution", 5), ("Norm", 6), ("Together", 0, 7),
    ]  # fmt: skip


def test_shapes_of_a_unet():
    network = UNetGenerator(in_channels=3, out_channels=2, width=4, downs=3, norm="batch", dropout=0.0).eval()
    program = Program(network)
    assert program.multiple() == 8
    assert program.shapes(3, 24, 40)[-1] == (2, 24, 40)
    deepest = min(program.shapes(3, 24, 40), key=lambda shape: shape[1])
    assert deepest == (16, 3, 5)


@pytest.mark.parametrize(("strides", "wanted"), [((1, 1), 1), ((2, 2), 4), ((3, 2), 6)])
def test_multiple(strides, wanted):
    downs = [nn.Conv2d(1, 1, 3, stride, 1) for stride in strides]
    assert Program(nn.Sequential(*downs, nn.ConvTranspose2d(1, 1, 2, 2))).multiple() == wanted


def test_what_is_not_heard_is_not_computed():
    class Idle(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 1)

        def forward(self, x):
            y = self.a(x)
            self.b(y)
            return y

    assert names(Program(Idle())) == [("Convolution", 0)]


class Reads(nn.Module):
    def forward(self, x):
        return x if x.mean() > 0 else -x


class Weight(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1, 3, 1, 1))

    def forward(self, x):
        return x * self.gain.sigmoid()


class Two(nn.Module):
    def forward(self, x, y):
        return x + y


@pytest.mark.parametrize(
    ("network", "why"),
    [
        (MlpNet(in_features=2, out_features=2, hidden=4, layers=2, members=None), "does not only apply layers"),
        (nn.Sequential(nn.Flatten()), r"'0 \(Flatten\)'"),
        (nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular")), r"'0 \(Conv2d\)'"),
        (nn.Sequential(nn.ReflectionPad2d(-1)), r"'0 \(ReflectionPad2d\)'"),
        (nn.Sequential(nn.LayerNorm(8)), r"'0 \(LayerNorm\)'"),
        (nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear")), r"'0 \(Upsample\)'"),
        (Reads(), "does not only apply layers"),
        (Weight(), "'sigmoid'"),
        (Two(), "it takes more than one image"),
        (PatchDiscriminator(in_channels=3, width=4, layers=2, norm="none"), "gives other than one"),
    ],
)
def test_refusals(network, why):
    with pytest.raises(ShapeError, match=rf"{type(network).__name__} cannot translate an image part by part: .*{why}"):
        Program(network)


def test_sums_and_joins_must_fit():
    class Uneven(nn.Module):
        def __init__(self):
            super().__init__()
            self.down = nn.Conv2d(1, 1, 2, 2)

        def forward(self, x):
            return torch.cat([x, self.down(x)], 1)

    with pytest.raises(ShapeError, match=r"brings together \(1, 8, 8\) and \(1, 4, 4\), which do not fit"):
        Program(Uneven()).shapes(1, 8, 8)
