"""Principal components against scikit-learn's."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from unpaired.errors import ShapeError
from unpaired.experiments import principal as module
from unpaired.experiments.principal import principal


def test_components_are_scikit_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 64)  # several parts, the last one smaller
    mixing = torch.randn(12, 12, generator=torch.Generator().manual_seed(0))
    x = (torch.randn(150, 12, generator=torch.Generator().manual_seed(1)) @ mixing + 3).reshape(150, 3, 4)
    ours, theirs = principal(x, components=5), PCA(5).fit(x.flatten(1).double().numpy())
    signs = np.sign((ours.axes.T.numpy() * theirs.components_).sum(axis=1))
    np.testing.assert_allclose(ours.axes.T.numpy() * signs[:, None], theirs.components_, atol=1e-5)
    codes = ours.encode(x)
    np.testing.assert_allclose(codes.numpy() * signs, theirs.transform(x.flatten(1).double().numpy()), atol=1e-4)
    rebuilt = theirs.inverse_transform(theirs.transform(x.flatten(1).double().numpy()))
    np.testing.assert_allclose(ours.decode(codes, shape=(3, 4)).flatten(1).numpy(), rebuilt, atol=1e-4)
    assert torch.equal(ours.first(2).encode(x), codes[:, :2])


def test_more_components_than_values_are_refused() -> None:
    with pytest.raises(ShapeError, match="rows of 4 values for 5 components"):
        principal(torch.zeros(9, 2, 2), components=5)
