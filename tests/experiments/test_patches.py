"""K-means features of patches: by hand, and beside a plain re-statement of the paper's pipeline."""

import numpy as np
import pytest
import torch

from unpaired.errors import ShapeError
from unpaired.experiments import patches


def noise(count: int, side: int = 12, *, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 1, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_patches_are_normalised_by_hand() -> None:
    found = patches.normalised(torch.tensor([[1.0, -1, 1, -1], [0.5, 0.5, 0.5, 0.5]]))
    assert torch.allclose(found[0], torch.tensor([1.0, -1, 1, -1]) / (1 + 10 / 127.5**2) ** 0.5)
    assert torch.equal(found[1], torch.zeros(4))  # plain paper stays plain


def test_whitened_patches_have_no_correlation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patches, "SHRINKAGE", 1e-4)
    x = noise(40)
    smooth = torch.nn.functional.avg_pool2d(x, 3, 1, 1)
    learned = patches.learned(smooth, centres=4, places=4000)
    rows = patches.normalised(torch.nn.functional.unfold(smooth, patches.SIDE).mT.flatten(0, 1))
    white = ((rows - learned.mean) @ learned.whitening).double()
    covariance = np.cov(white.numpy().T, bias=True)
    variances = np.linalg.eigvalsh(covariance)
    assert variances[0] == pytest.approx(0, abs=1e-3)  # a normalised patch has no mean: one direction is empty
    assert variances[1:] == pytest.approx(1, abs=0.5)  # learned from 4000 places, measured on all
    before = np.linalg.eigvalsh(np.cov(rows.double().numpy().T, bias=True))
    assert before[-1] / before[1] > 10


def test_features_are_the_papers_pipeline_re_stated() -> None:
    x = noise(3, 11, seed=1)
    learned = patches.learned(noise(30, seed=2), centres=5, places=500)
    found = learned.features(x)
    assert found.shape == (3, 20)
    places = 11 - 6 + 1
    near = np.zeros((3, 5, places, places))
    for image, row, column in np.ndindex(3, places, places):
        patch = x[image, 0, row : row + 6, column : column + 6].double().numpy().ravel()
        patch = (patch - patch.mean()) / np.sqrt(patch.var() + 10 / 127.5**2)
        white = (patch - learned.mean.double().numpy()) @ learned.whitening.double().numpy()
        distances = np.linalg.norm(learned.centres.double().numpy() - white, axis=1)
        near[image, :, row, column] = np.maximum(0, distances.mean() - distances)
    quarters = [near[:, :, top : top + 3, left : left + 3].mean(axis=(2, 3)) for top in (0, 3) for left in (0, 3)]
    assert np.allclose(found.numpy(), np.stack(quarters, axis=2).reshape(3, 20), atol=1e-5)


def test_plain_places_are_no_centres_and_too_few_are_said() -> None:
    half = noise(30)
    half[:, :, :, :6] = -1  # paper
    learned = patches.learned(half, centres=8, places=400)
    paper = patches.normalised(torch.full((1, 36), -1.0))
    assert float(torch.cdist((paper - learned.mean) @ learned.whitening, learned.centres).min()) > 0.5
    with pytest.raises(ShapeError, match="found 0 patches that vary for 3 centres"):
        patches.learned(torch.full((4, 1, 12, 12), -1.0), centres=3, places=50)
