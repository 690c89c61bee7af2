"""Flicker by hand-computed sequences."""

import math

import pytest
import torch

from unpaired.errors import ShapeError
from unpaired.metrics.flicker import FlickerMeter, flicker


def frames(*rows):
    """[T, 1, 1, W] in [-1, 1] from levels of 8 bits."""
    return torch.tensor(rows, dtype=torch.float32)[:, None, None] / 127.5 - 1


def test_still_places_are_told_from_moving_ones():
    # The first pixel rests, the second changes by a step of 8 bits, the third by two, the fourth by 51 (a fifth of the range).
    inputs = frames([10, 20, 30, 0], [10, 21, 32, 51])
    answers = frames([0, 51, 0, 0], [51, 51, 255, 102])
    found = flicker(inputs, answers)
    assert found.pairs == 1
    assert found.still == 2 / 4
    assert found.change == pytest.approx((51 + 0) / 2 / 255)
    assert found.own == pytest.approx((0 + 1) / 2 / 255)
    assert found.ratio == pytest.approx((51 + 0 + 255 + 102) / (0 + 1 + 2 + 51))


def test_means_go_over_all_pairs_and_channels():
    # A place is still where all channels are; its change is the mean over the answer's channels, here of another number.
    inputs = torch.zeros(3, 2, 1, 2)
    inputs[1, 1, 0, 1] = 1.0  # half the range, and back again
    answers = torch.zeros(3, 3, 1, 2)
    answers[1, 0] = 0.6
    found = flicker(inputs, answers)
    assert (found.pairs, found.still) == (2, 0.5)
    assert found.change == pytest.approx(0.3 / 3)
    assert found.own == 0
    assert found.ratio == pytest.approx((0.3 / 3) / (0.5 / 4))


def test_a_translator_that_answers_with_its_input_does_not_flicker():
    inputs = torch.rand(4, 3, 5, 5) * 2 - 1
    inputs[:, :, :2] = inputs[:1, :, :2]
    found = flicker(inputs, inputs)
    assert (found.change, found.own, found.ratio) == (0, 0, 1)
    assert found.still == pytest.approx(0.4)


def test_where_there_is_nothing_to_measure_there_is_no_number():
    nothing = flicker([], [])
    assert nothing.pairs == 0
    assert all(math.isnan(value) for value in nothing[1:])
    moving = flicker(frames([0], [100]), frames([0], [50]))
    assert (moving.pairs, moving.still) == (1, 0)
    assert math.isnan(moving.change)
    assert math.isnan(moving.own)
    assert moving.ratio == pytest.approx(0.5)
    assert math.isnan(flicker(frames([0], [0]), frames([0], [50])).ratio)


def test_neighbours_are_images_that_follow_each_other_and_have_one_shape():
    meter = FlickerMeter()
    meter.add(torch.zeros(1, 2, 2), torch.zeros(1, 2, 2))
    meter.cut()
    meter.add(torch.zeros(1, 2, 2), torch.ones(1, 2, 2))
    meter.add(torch.zeros(1, 3, 2), torch.zeros(1, 3, 2))
    assert meter.result().pairs == 0
    meter.add(torch.zeros(1, 3, 2), torch.ones(1, 3, 2))
    assert meter.result()[:3] == (1, 1.0, 0.5)


def test_frames_may_be_written_over():
    meter, frame = FlickerMeter(), torch.zeros(1, 2, 2)
    meter.add(frame, frame)
    meter.add(frame.fill_(1), frame)
    assert meter.result().ratio == 1


def test_an_answer_of_another_size_is_refused():
    with pytest.raises(ShapeError, match=r"found an input \[1, 2, 2\] and an answer \[1, 4, 4\]; wanted"):
        FlickerMeter().add(torch.zeros(1, 2, 2), torch.zeros(1, 4, 4))
    with pytest.raises(ShapeError):
        FlickerMeter().add(torch.zeros(2, 2), torch.zeros(2, 2))
