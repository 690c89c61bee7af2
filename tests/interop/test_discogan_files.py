"""Both DiscoGANs' networks answer as they did."""

import re

import pytest
import torch
from originals import Discriminator, Generator, carpedm20_discriminator, carpedm20_generator, drawn, instance, resnet
from torch import nn

from unpaired.errors import ForeignFile
from unpaired.interop import discogan
from unpaired.networks.specs import ConvDiscriminator, EncoderDecoder


@pytest.mark.parametrize(("widths", "size"), [((4, 8, 16, 32), 64), ((3, 6, 12, 24, 24), 128), ((4, 8), 16)])
@pytest.mark.parametrize(("source", "target"), [(3, 3), (1, 4)])
def test_carpedm20s_generators(widths, size, source, target):
    theirs = drawn(carpedm20_generator(widths=widths, source=source, target=target)).eval()
    found = discogan.recognise(theirs.state_dict())
    assert found.spec == EncoderDecoder(width=widths[0])
    assert (found.shape, found.target) == ((source, size, size), (target, size, size))
    x = torch.rand(2, source, size, size) * 2 - 1
    wanted = theirs(x)
    assert wanted.std() > 0.01
    assert (found.network(theirs.state_dict())(x) - wanted).abs().max() < 1e-5


def test_carpedm20s_discriminators():
    """They end in a sigmoid, ours before it."""
    theirs = drawn(carpedm20_discriminator()).eval()
    found = discogan.recognise(theirs.state_dict())
    assert (found.spec, found.target) == (ConvDiscriminator(width=4), None)
    x = torch.rand(4, 3, 64, 64) * 2 - 1
    wanted = theirs(x)
    assert wanted.std() > 0.01
    torch.testing.assert_close(found.network(theirs.state_dict())(x)[0].sigmoid(), wanted)


@pytest.mark.parametrize("code", [None, 7])
def test_the_authors_generators(code):
    """RGB from -1 to 1 is BGR from 0 to 1 to them, at both ends; borders and black padding included."""
    theirs = drawn(Generator(code=code)).eval()
    found = discogan.recognise(theirs.state_dict())
    assert found.spec == EncoderDecoder(width=4, bottleneck=code, inputs="unit")
    rgb = torch.rand(2, 3, 64, 64)
    wanted = theirs(rgb.flip(1)).flip(1)
    assert wanted.std() > 0.01
    answer = found.network(theirs.state_dict())(rgb * 2 - 1)
    assert ((answer + 1) / 2 - wanted).abs().max() < 1e-5


def test_the_authors_discriminators():
    theirs = drawn(Discriminator()).eval()
    found = discogan.recognise(theirs.state_dict())
    assert (found.spec, found.target) == (ConvDiscriminator(width=4, inputs="unit"), None)
    rgb = torch.rand(4, 3, 64, 64)
    wanted = theirs(rgb.flip(1))
    assert wanted.std() > 0.01
    torch.testing.assert_close(found.network(theirs.state_dict())(rgb * 2 - 1)[0], wanted)


def test_counters_that_old_batch_norms_had_not_are_zero():
    weights = {key: value for key, value in drawn(Generator()).state_dict().items() if "num_batches" not in key}
    state = discogan.recognise(weights).network(weights).state_dict()
    assert state["layers.3.num_batches_tracked"] == 0


class Points(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer_module = nn.ModuleList([nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2)])


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (Points().state_dict(), "it is a network for points, of the toy of carpedm20's DiscoGAN-pytorch"),
        (carpedm20_generator(widths=(4, 9)).state_dict(), "wanted as many transposed convolutions as convolutions"),
        (carpedm20_discriminator(widths=(4, 9, 18)).state_dict(), "discriminator of DiscoGAN with layers of 4, 9, 18 channels"),
        ({"layer_module.0.weight": torch.ones(4, 3, 4, 4)}, "fewer than two convolutions named layer_module.*"),
        (
            {key: value for key, value in Generator().state_dict().items() if not key.startswith("main.12.")},
            "'unit') of SKTBrain's DiscoGAN, 3 -> 3 channels, but main.12.weight is missing",
        ),
    ],
    ids=range(5),
)
def test_variants_are_refused(weights, said):
    with pytest.raises(ForeignFile, match=re.escape(said)):
        discogan.recognise(weights).network(weights)


def test_others_networks():
    assert discogan.recognise(resnet(instance).state_dict()) is None
