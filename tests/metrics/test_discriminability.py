"""Class accuracy of coarsened images: classes whose difference is known to live at one scale."""

import numpy as np
import pytest
import torch
from PIL import Image

from unpaired.errors import ShapeError
from unpaired.metrics.discriminability import coarsened, discriminability


def stripes(period: int, *, size: int = 32) -> torch.Tensor:
    row = torch.where(torch.arange(size) % period < period // 2, 1.0, -1.0)
    return row.expand(1, size, size)


def by_energy(images: torch.Tensor) -> torch.Tensor:
    """Class 1 where fine stripes are left, else class 0."""
    contrast = (images[..., 1:] - images[..., :-1]).abs().mean(dim=(1, 2, 3))
    return torch.stack([torch.full_like(contrast, 0.3), contrast], dim=1)


def test_what_is_fine_is_lost_and_what_is_coarse_stays():
    images = torch.stack([stripes(2), stripes(2), torch.zeros(1, 32, 32), torch.zeros(1, 32, 32)])
    labels = torch.tensor([1, 1, 0, 1])  # the last one is never found
    found = discriminability(images, labels, classifier=by_energy, sides=(32, 16, 8), batch=3)
    assert found == {32: 0.75, 16: 0.25, 8: 0.25}
    # Stripes of 16 pixels outlive a side of 16: edges of 2 of every 32 columns, the contrast spread over two pixels each.
    coarse = torch.stack([stripes(16)])
    assert coarsened(coarse, side=16).flatten().unique().numel() > 2
    assert (coarsened(coarse, side=16).sign() == coarse.sign()).all()


def test_shrinking_agrees_with_pillow():
    image = torch.rand(1, 1, 24, 24, generator=torch.Generator().manual_seed(0))
    small = Image.fromarray(image[0, 0].numpy()).resize((8, 8), Image.Resampling.BILINEAR)
    expected = np.asarray(small)
    found = torch.nn.functional.interpolate(coarsened(image, side=8), size=(8, 8), mode="area")
    # Enlarging and averaging again smooths a little, but keeps each place's brightness.
    assert np.corrcoef(found[0, 0].numpy().ravel(), expected.ravel())[0, 1] > 0.97
    assert found.mean().item() == pytest.approx(expected.mean(), abs=0.01)


def test_the_own_side_leaves_images_untouched_and_shapes_stay():
    images = torch.rand(2, 3, 20, 30)
    assert coarsened(images, side=20) is images
    assert coarsened(images, side=7).shape == images.shape


def test_wrong_sides_and_labels_are_refused():
    with pytest.raises(ShapeError, match=r"sides \[40\] for images whose shorter side is 32"):
        discriminability(torch.zeros(1, 1, 32, 40), torch.zeros(1), classifier=by_energy, sides=[40])
    with pytest.raises(ShapeError, match=r"labels \[2\]"):
        discriminability(torch.zeros(1, 1, 32, 32), torch.zeros(2), classifier=by_energy, sides=[8])
