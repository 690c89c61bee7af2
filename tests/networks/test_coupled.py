"""CoGAN's pairs of networks, against the same computed apart; which weights are shared, and how often they are counted."""

import pytest
import torch

from unpaired.networks.build import judge, noise_generator
from unpaired.networks.coupled import CoupledGenerators, CoupledJudges
from unpaired.networks.specs import DCGANDiscriminator, DCGANGenerator, DenseGenerator, LeNet, MaxoutDiscriminator

GENERATORS = [DCGANGenerator(width=4), DenseGenerator(hidden=6, layers=2)]
JUDGES = [
    DCGANDiscriminator(width=4),
    DCGANDiscriminator(width=4, norm="none"),
    MaxoutDiscriminator(units=5, pieces=2),
    LeNet(maps=(3, 4), hidden=5),
]
A, B = (1, 16, 16), (3, 16, 16)


@pytest.mark.parametrize("spec", GENERATORS)
def test_generators_share_all_but_the_last_layer(spec):
    coupled = CoupledGenerators(noise_generator(spec, A, noise=7), noise_generator(spec, B, noise=7)).eval()
    noise = torch.randn(3, 7)
    a, b = coupled(noise)
    assert (a.shape, b.shape) == ((3, *A), (3, *B))
    torch.testing.assert_close((a, b), (coupled.a(noise), coupled.b.eval()(noise)))
    shared = set(coupled.a.parameters()) & set(coupled.b.parameters())
    assert set(coupled.a.parameters()) - shared == set(coupled.a.last.parameters())
    assert set(coupled.b.parameters()) - shared == set(coupled.b.last.parameters())
    assert shared


@pytest.mark.parametrize("spec", JUDGES)
def test_judges_share_all_but_the_first_layer(spec):
    coupled = CoupledJudges(judge(spec, A, classes=4), judge(spec, B, classes=4)).eval()
    a, b = torch.rand(3, *A), torch.rand(2, *B)
    of_a, of_b = coupled(a, b)
    for found, wanted in ((of_a, coupled.a(a)), (of_b, coupled.b.eval()(b))):
        torch.testing.assert_close(found.source, wanted.source)
        torch.testing.assert_close(found.classes, wanted.classes)
        torch.testing.assert_close(found.features, wanted.features)
    shared = set(coupled.a.parameters()) & set(coupled.b.parameters())
    assert set(coupled.a.parameters()) - shared == set(coupled.a.own.parameters())
    assert set(coupled.b.parameters()) - shared == set(coupled.b.own.parameters())
    assert shared


def test_shared_weights_are_kept_once():
    for coupled in (
        CoupledGenerators(noise_generator(GENERATORS[0], A, noise=7), noise_generator(GENERATORS[0], B, noise=7)),
        CoupledJudges(judge(JUDGES[0], A), judge(JUDGES[0], B)),
    ):
        kept = [value.data_ptr() for value in coupled.state_dict().values() if value.numel()]
        assert len(set(kept)) == len(kept)
        assert set(coupled.parameters()) == set(coupled.a.parameters()) | set(coupled.b.parameters())


def test_a_batch_norm_sees_both_domains_together():
    coupled = CoupledJudges(judge(JUDGES[0], A), judge(JUDGES[0], A))
    bright, dark = torch.rand(4, *A), torch.rand(4, *A) - 1
    together = coupled(bright, dark)[0].source
    assert not torch.allclose(together, coupled(bright, bright)[0].source)
