"""Features pooled as DCGAN's authors do, by hand."""

import pytest
import torch

from unpaired.errors import ShapeError
from unpaired.networks.build import judge
from unpaired.networks.judged import pooled
from unpaired.networks.specs import DCGANDiscriminator


def test_the_greatest_of_each_square():
    layer = torch.arange(64.0).reshape(1, 1, 8, 8)
    wanted = [9 + 16 * row + 2 * column for row in range(4) for column in range(4)]  # the last of each 2 x 2
    assert pooled([layer])[0].tolist() == wanted
    assert pooled([layer], grid=1)[0].tolist() == [63]
    small = torch.arange(32.0).reshape(1, 2, 4, 4)
    assert pooled([layer, small])[0].tolist() == wanted + list(range(32))


def test_as_many_numbers_as_the_paper_s():
    """Section 5.1: a discriminator of 256 channels for 32 px has 28672 features, 16 (256 + 512 + 1024)."""
    network = judge(DCGANDiscriminator(width=256), (3, 32, 32))
    with torch.no_grad():
        assert pooled(network(torch.randn(1, 3, 32, 32)).features).shape == (1, 28_672)


def test_sizes_that_four_does_not_divide():
    """Squares of 7 px overlap: 0-1, 1-3, 3-5, 5-6."""
    layer = torch.arange(7.0).expand(1, 1, 7, 7)
    assert pooled([layer])[0, :4].tolist() == [1, 3, 5, 6]


def test_what_is_too_small():
    with pytest.raises(ShapeError, match=r"features of shape \[2, 3, 3, 8\] cannot be pooled to 4 x 4; use larger images"):
        pooled([torch.zeros(2, 3, 3, 8)])
    with pytest.raises(ShapeError, match=r"features of shape \[2, 240\] cannot be pooled"):
        pooled([torch.zeros(2, 240)])
