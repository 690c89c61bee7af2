"""The held-out images: by content, stable, never parting copies, never an empty side."""

import numpy as np
import pytest

from unpaired.data.split import hold_out, place
from unpaired.data.store import hash_content
from unpaired.errors import DataError


def hashes(count, start=0):
    return [hash_content(str(index).encode()) for index in range(start, start + count)]


def test_the_share_is_met_on_average():
    assert hold_out(hashes(10_000), fraction=0.1).mean() == pytest.approx(0.1, abs=0.01)


def test_images_stay_on_their_side_when_others_are_added():
    before, after = hold_out(hashes(200), fraction=0.2), hold_out(hashes(500), fraction=0.2)
    assert np.array_equal(before, after[:200])


def test_the_order_of_the_files_is_of_no_matter_and_copies_stay_together():
    contents = hashes(50)
    held = hold_out(contents, fraction=0.3)
    assert np.array_equal(hold_out(contents[::-1] + contents, fraction=0.3), np.concatenate([held[::-1], held]))


def test_a_larger_share_holds_out_the_same_images_and_more():
    contents = hashes(300)
    small, large = hold_out(contents, fraction=0.1), hold_out(contents, fraction=0.3)
    assert (large | ~small).all()


def test_the_split_is_the_same_in_every_release():
    assert np.flatnonzero(hold_out(hashes(30), fraction=0.2)).tolist() == [15, 24, 26, 28]


@pytest.mark.parametrize("fraction", [1e-9, 0.1, 0.5, 0.9, 1 - 1e-9])
@pytest.mark.parametrize("count", [2, 3, 7])
def test_both_sides_have_an_image(count, fraction):
    held = hold_out(hashes(count), fraction=fraction)
    assert 0 < held.sum() < count


def test_one_image_is_trained_on_however_often_it_comes():
    assert not hold_out(hashes(1), fraction=0.99).any()
    assert not hold_out(hashes(1) * 4, fraction=0.99).any()
    assert hold_out([], fraction=0.5).shape == (0,)


def test_nothing_is_held_out_on_request():
    assert not hold_out(hashes(100), fraction=0.0).any()


def test_sorted_by_place_the_held_out_come_last():
    for fraction in (0.001, 0.3, 0.999):
        contents = sorted(hashes(20), key=place, reverse=True)
        held = hold_out(contents, fraction=fraction)
        assert np.array_equal(held, np.sort(held))


def test_a_share_of_everything_is_refused():
    with pytest.raises(DataError, match=r"the fraction to hold out is 1.0; wanted 0 \(none\) or more, and less than 1"):
        hold_out(hashes(3), fraction=1.0)
