"""pytorch-CycleGAN-and-pix2pix's networks answer as they did, whatever their variant."""

import re

import originals
import pytest
import torch
from originals import affine, drawn, instance, patch, pixel, resnet, unet
from torch import nn

from unpaired.errors import ForeignFile
from unpaired.interop import cyclegan
from unpaired.interop.found import unwrapped
from unpaired.networks.noise import set_deterministic
from unpaired.networks.specs import PatchGAN, ResNet, UNet

BATCH, NONE = nn.BatchNorm2d, originals.Nothing


def recognise(weights, *, size=None, statistics="image", unet_noise=True):
    return cyclegan.recognise(weights, size=size, statistics=statistics, unet_noise=unet_noise)


GENERATORS = [
    (lambda: resnet(instance, blocks=6), "image", ResNet(width=4, blocks=6)),
    (lambda: resnet(instance, blocks=9, source=1, target=4), "image", ResNet(width=4, blocks=9)),
    (lambda: resnet(instance, blocks=3, dropout=True), "image", ResNet(width=4, blocks=3, dropout=0.5)),
    (lambda: resnet(affine), "image", ResNet(width=4, blocks=2, norm="instance-affine")),
    (lambda: resnet(BATCH, w=3), "running", ResNet(width=3, blocks=2, norm="batch")),
    (lambda: resnet(BATCH, dropout=True), "image", ResNet(width=4, blocks=2, norm="batch-by-image", dropout=0.5)),
    (lambda: resnet(NONE), "image", ResNet(width=4, blocks=2, norm="none")),
    (lambda: unet(BATCH, dropout=True), "image", UNet(width=2, downs=5, norm="batch-by-image")),
    (lambda: unet(BATCH, downs=7, dropout=True), "running", UNet(width=2, downs=7, norm="batch")),
    (lambda: unet(BATCH, downs=8, w=1, source=1, target=2), "running", UNet(width=1, downs=8, norm="batch")),
    (lambda: unet(instance, downs=6), "image", UNet(width=2, downs=6, norm="instance")),
    (lambda: unet(affine), "image", UNet(width=2, downs=5, norm="instance-affine")),
    (lambda: unet(NONE), "image", UNet(width=2, downs=5, norm="none")),
]


@pytest.mark.parametrize(
    ("make", "statistics", "spec"), GENERATORS, ids=[f"{s.kind}-{s.norm}-{i}" for i, (*_, s) in enumerate(GENERATORS)]
)
def test_generators_answer_as_they_did(make, statistics, spec):
    """Without noise; "image" as test.py does without --eval, where batch norms see one image alone."""
    theirs = drawn(make())
    weights = theirs.state_dict()
    found = recognise(weights, statistics=statistics)
    assert found.spec == spec
    ours = found.network(weights)
    set_deterministic(ours, True)
    theirs.train(statistics == "image")
    for module in theirs.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    size = 2**spec.downs if isinstance(spec, UNet) else 32
    x = torch.rand(1, found.shape[0], size, size) * 2 - 1
    with torch.no_grad():
        wanted, answer = theirs(x), ours(x)
    assert wanted.std() > 0.05
    assert (wanted - answer).abs().max() < 1e-5


def test_noise_is_drawn_where_they_draw_it():
    theirs = drawn(unet(BATCH, downs=7, dropout=True))
    ours = recognise(theirs.state_dict()).network(theirs.state_dict())
    x = torch.rand(1, 3, 128, 128)
    torch.manual_seed(2)
    wanted = theirs(x)
    torch.manual_seed(2)
    assert (wanted - ours(x)).abs().max() < 1e-5
    assert (wanted - ours(x)).abs().max() > 1e-3, "other draws, another picture"


@pytest.mark.parametrize(
    ("make", "spec"),
    [
        (lambda: patch(instance), PatchGAN(width=4)),
        (lambda: patch(BATCH, source=6), PatchGAN(width=4, norm="batch")),
        (lambda: patch(affine, layers=1), PatchGAN(width=4, layers=1, norm="instance-affine")),
        (lambda: patch(instance, layers=5, w=2), PatchGAN(width=2, layers=5)),
        (lambda: patch(NONE, layers=2), PatchGAN(width=4, layers=2, norm="none")),
        (lambda: pixel(instance), PatchGAN(width=4, layers=0)),
        (lambda: pixel(BATCH, w=5), PatchGAN(width=5, layers=0, norm="batch")),
        (lambda: pixel(NONE), PatchGAN(width=4, layers=0, norm="none")),
    ],
)
def test_discriminators_score_as_they_did(make, spec):
    theirs = drawn(make()).eval()
    found = recognise(theirs.state_dict())
    assert (found.spec, found.target) == (spec, None)
    x = torch.rand(2, found.shape[0], 128, 128) * 2 - 1
    wanted, answer = theirs(x), found.network(theirs.state_dict())(x)[0]
    assert wanted.std() > 0.01
    torch.testing.assert_close(answer, wanted, atol=1e-5 * wanted.abs().max().item(), rtol=0)


def test_sizes():
    """256 px where the architecture tells nothing, a U-Net's own, or what is asked for."""
    shapes = [recognise(network.state_dict()).shape for network in (resnet(instance), patch(instance, source=6), unet(instance))]
    assert shapes == [(3, 256, 256), (6, 256, 256), (3, 32, 32)]
    assert recognise(resnet(instance, target=1).state_dict(), size=128).target == (1, 128, 128)
    assert recognise(unet(instance).state_dict(), size=64).shape == (3, 64, 64)


def test_whether_a_unet_is_noisy_is_not_in_the_file():
    weights = unet(BATCH, dropout=True).state_dict()
    assert weights.keys() == unet(BATCH).state_dict().keys()
    assert recognise(weights, unet_noise=True).spec.dropout == 0.5
    assert recognise(weights, unet_noise=False).spec.dropout == 0


@pytest.mark.parametrize("norm", [instance, affine])
def test_statistics_that_old_instance_norms_never_used_are_left_aside(norm):
    """torch before 0.4 wrote them; those of batch norms are needed."""
    theirs = drawn(resnet(norm))
    weights = dict(theirs.state_dict())
    for name, module in theirs.named_modules():
        if isinstance(module, nn.InstanceNorm2d):
            weights |= {
                f"{name}.running_mean": torch.ones(module.num_features),
                f"{name}.running_var": torch.ones(module.num_features),
            }
            weights[f"{name}.num_batches_tracked"] = torch.tensor(5)
    ours = recognise(weights).network(weights)
    x = torch.rand(1, 3, 32, 32)
    assert (ours(x) - theirs(x)).abs().max() < 1e-5


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "_orig_mod.module.", "module._orig_mod."])
def test_names_of_distributed_and_compiled_runs(prefix):
    weights = {f"{prefix}{key}": value for key, value in drawn(unet(instance)).state_dict().items()}
    found = recognise(unwrapped(weights))
    assert found.spec.kind == "unet"
    found.network(unwrapped(weights))


def without(network, *names):
    return {key: value for key, value in network.state_dict().items() if key not in names}


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (
            without(resnet(instance), "model.7.weight", "model.7.bias"),
            "it looks like resnet(blocks=2, width=4, downs=2, norm='instance', dropout=0.0, init='default') of "
            "pytorch-CycleGAN-and-pix2pix, 3 -> 3 channels, but model.7.weight is missing; model.7.bias is missing",
        ),
        (without(resnet(BATCH), "model.5.running_var"), "but model.5.running_var is missing: no variant"),
        ({**resnet(instance).state_dict(), "model.12.filter": torch.ones(1)}, "but model.12.filter is unknown"),
        ({**resnet(instance).state_dict(), "model.6.running_mean": torch.ones(8)}, "but model.6.running_mean is unknown"),
        ({**resnet(instance).state_dict(), "model.4.bias": torch.ones(9)}, "but model.4.bias is [9] instead of [8]"),
        (
            {**unet(BATCH).state_dict(), **{f"{key}s": value for key, value in resnet(BATCH).state_dict().items()}},
            "is unknown; model.2.weights is unknown; model.2.biass is unknown; model.2.running_means is unknown and",
        ),
        (without(patch(instance), "model.8.weight"), "model.8.weight is"),
        (without(resnet(instance), "model.1.weight"), "pytorch-CycleGAN-and-pix2pix, but model.1.weight is missing"),
        (without(unet(instance), "model.model.3.weight"), "but model.model.3.weight is missing or no convolution's"),
        ({**resnet(instance).state_dict(), "model.3.filt": torch.ones(1)}, "it has antialiasing layers, as CUT's networks do"),
    ],
    ids=range(10),
)  # fmt: skip
def test_other_variants_are_refused(weights, said):
    with pytest.raises(ForeignFile, match=re.escape(said)):
        recognise(weights).network(weights)


def test_a_file_that_claims_to_be_large_costs_no_memory():
    """A first layer of a million channels: what it would take is told, not built."""
    first = torch.ones(1).expand(1_000_000, 1, 7, 7)
    weights = {"model.1.weight": first, "model.10.conv_block.1.weight": torch.ones(1), "model.26.weight": first[:3]}
    with pytest.raises(
        ForeignFile, match=r"model\.10\.conv_block\.1\.weight is \[1\] instead of \[4000000, 4000000, 3, 3\]|and \d+ more"
    ):
        recognise(weights).network(weights)


def test_the_callers_randomness_stays_as_it_was():
    weights = resnet(instance).state_dict()
    before = torch.get_rng_state()
    recognise(weights).network(weights)
    assert torch.equal(torch.get_rng_state(), before)


def test_others_networks():
    assert recognise({"conv.weight": torch.ones(1, 1, 3, 3)}) is None
    assert recognise(originals.Generator().state_dict()) is None
