"""A reader of azimuths: what it learns, that chance is its own, and what it refuses."""

import pytest
import torch
from torch import Tensor

from unpaired.errors import ShapeError
from unpaired.experiments import azimuths_reader
from unpaired.experiments.azimuths_reader import Lessons, Reader

LESSONS = Lessons(steps=120, batch=16, width=4)


def bars(azimuths: Tensor) -> Tensor:
    """A bright bar on grey, from the left edge at -90 degrees to the right one at 90: [N, 3, 16, 16]."""
    places = ((azimuths + 90) / 180 * 12).round().long()
    columns = torch.arange(16)
    bright = (columns >= places[:, None]) & (columns < places[:, None] + 4)
    return torch.where(bright[:, None, None, :], 0.9, -0.2).expand(-1, 3, 16, 16).clone()


def test_it_reads_what_it_was_taught() -> None:
    azimuths = torch.arange(-90.0, 91.0, 15.0)
    state = torch.get_rng_state()
    reader = azimuths_reader.taught(bars(azimuths), azimuths, lessons=LESSONS)
    assert torch.equal(torch.get_rng_state(), state)
    read = reader.azimuths(bars(azimuths))
    assert read.shape == (13,)
    assert (read - azimuths).abs().max() < 15
    again = azimuths_reader.taught(bars(azimuths), azimuths, lessons=LESSONS).azimuths(bars(azimuths))
    assert torch.equal(again, read)
    # What turns the other way is read the other way: nothing was mirrored.
    assert ((reader.azimuths(bars(azimuths).flip(3)) + azimuths).abs() < 15).all()


def test_degrees_of_sine_and_cosine() -> None:
    reader = Reader(channels=1, size=(16, 16), width=1)
    x = torch.zeros(3, 1, 16, 16)
    for answer, degrees in (((0.5, 0.5), 45), ((-2.0, 0.0), -90), ((0.1, -0.1), 135)):
        with torch.no_grad():
            reader.answer.weight.zero_()
            reader.answer.bias.copy_(torch.tensor(answer))
        assert reader.azimuths(x).tolist() == pytest.approx([degrees] * 3)
    assert reader.training


def test_disturbing_mirrors_nothing() -> None:
    x = bars(torch.tensor([-90.0]).repeat(50))
    y = azimuths_reader.disturbed(x)
    assert y.shape == x.shape
    assert y.abs().max() <= 1
    assert not torch.equal(y, x)
    assert (y[..., :4].mean(dim=(1, 2, 3)) > y[..., 12:].mean(dim=(1, 2, 3))).all()


def test_what_does_not_fit_is_refused() -> None:
    x = torch.zeros(4, 3, 16, 16)
    with pytest.raises(ShapeError, match=r"azimuths \[3\]"):
        azimuths_reader.taught(x, torch.zeros(3), lessons=LESSONS)
    with pytest.raises(ShapeError, match="from 16 on"):
        azimuths_reader.taught(x[..., :8], torch.zeros(4), lessons=LESSONS)
