"""Sheets of images."""

import pytest
import torch

from unpaired import images
from unpaired.errors import ShapeError


def test_labelled_grid_holds_the_images_and_writes_beside_them():
    x = torch.full((2, 3, 32, 32), -1.0)
    plain = images.labelled_grid([("", x), ("", x[:1])], pad=2)
    assert plain.shape == (2 * 34 + 2, 2 * 34 + 2, 3)
    assert (plain[2:34, 2:34] == 0).all()
    assert (plain[36:68, 36:68] == 255).all()
    rows = [("input", x), ("output", x[:, :1])]
    said = images.labelled_grid(rows, titles=["one", "two"], scale=2, background="black")
    assert said.shape[0] > 2 * 66 + 2
    assert said.shape[1] > 2 * 66 + 2
    assert said.max() > 200
    with pytest.raises(ShapeError, match="wanted rows of"):
        images.labelled_grid([])


def test_of_many_channels_the_first_three_are_shown():
    x = torch.full((1, 7, 32, 32), -1.0)
    x[:, 1] = 1.0
    sheet = images.labelled_grid([("", x)], pad=2)
    assert sheet[16, 16].tolist() == [0, 255, 0]
