"""Feature maps in files: what is written is read, wherever it is cut."""

import pytest
import torch

from unpaired.large.layers import Box, Span
from unpaired.large.scratch import Scratch

SHAPE = (3, 10, 14)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_what_is_written_is_read(dtype, layout, tmp_path):
    x = torch.randn(1, *SHAPE).to(dtype)
    with Scratch(tmp_path) as files:
        files.add(5, SHAPE)
        for rows in (Span(0, 3), Span(3, 10)):
            for cols in (Span(0, 9), Span(9, 14)):
                box = Box(rows, cols)
                files[5].write(box, Box.whole(SHAPE).cut(x, box).contiguous(memory_format=layout))
        for box in (Box.whole(SHAPE), Box(Span(2, 5), Span(0, 14)), Box(Span(1, 9), Span(7, 11)), Box(Span(9, 10), Span(13, 14))):
            y = files[5].read(box)
            assert torch.equal(y, Box.whole(SHAPE).cut(x, box))
            assert y.dtype == dtype
            assert y.is_contiguous(memory_format=torch.channels_last)


def test_nothing_is_left(tmp_path):
    """Not even while it is in use, where the system allows that: a process that is killed leaves nothing either."""
    with Scratch(tmp_path / "made") as files:
        files.add(0, SHAPE)
        files.add(1, SHAPE)
        files[0].write(Box.whole(SHAPE), torch.zeros(1, *SHAPE))
        files.drop(0)
    assert list((tmp_path / "made").iterdir()) == []


def test_a_file_that_was_cut_off(tmp_path):
    with Scratch(tmp_path) as files:
        files.add(0, SHAPE)
        files[0].write(Box(Span(0, 5), Span(0, 14)), torch.zeros(1, 3, 5, 14))
        with pytest.raises(OSError, match="shorter than what was written"):
            files[0].read(Box.whole(SHAPE))
