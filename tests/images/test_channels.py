"""Grey, colour and transparency, against Pillow at 8 bits and by hand below."""

import numpy as np
import pytest
from PIL import Image

from unpaired import images
from unpaired.errors import DataError, ShapeError


@pytest.mark.parametrize("found", [1, 2, 3, 4])
@pytest.mark.parametrize("wanted", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_every_depth_is_converted_as_pillow_converts_8_bits(noise, found, wanted, dtype):
    shallow = noise(9, 8, found)
    depth = images.depth_of(noise(dtype=dtype))
    deep = images.convert(images.to_depth(shallow, depth=depth), channels=wanted, background="#204080")
    assert deep.dtype == dtype
    by_pillow = images.convert(shallow, channels=wanted, background="#204080")
    assert by_pillow.shape == deep.shape == (9, 8, wanted)
    assert np.abs(images.to_depth(deep, depth=8).astype(int) - by_pillow).max() <= 1


def test_8_bits_are_converted_by_pillow(noise):
    pixels = noise(channels=4)
    layers = Image.fromarray(pixels)
    behind = Image.new("RGBA", layers.size, "red")
    assert np.array_equal(
        images.convert(pixels, channels=3, background="red"), Image.alpha_composite(behind, layers).convert("RGB")
    )
    assert images.convert(pixels, channels=4) is pixels


def test_composing_by_hand():
    half = np.array([[[10000, 20000, 30000, 32768]]], np.uint16)
    share = 32768 / 65535
    wanted = [round(value * share + 65535 * (1 - share)) for value in (10000, 20000, 30000)]
    assert images.convert(half, channels=3, background="white")[0, 0].tolist() == wanted
    grey = np.array([[[0.5, 0.5]]], np.float32)
    red = images.convert(grey, channels=3, background="red")[0, 0]
    assert red == pytest.approx([0.75, 0.25, 0.25])


def test_what_cannot_be_converted_says_so(noise):
    with pytest.raises(ShapeError, match="pixels have 6 channels; wanted 3: only grey, colour"):
        images.convert(noise(channels=6), channels=3)
    with pytest.raises(DataError, match="'wite' is no colour"):
        images.convert(noise(channels=4, dtype=np.uint16), channels=3, background="wite")
