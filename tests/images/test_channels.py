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


def test_alpha_is_split_off_and_put_back(noise):
    for channels in (2, 4):
        pixels = noise(channels=channels, dtype=np.uint16)
        colour, alpha = images.split_alpha(pixels)
        assert colour.shape[2] == channels - 1
        assert np.array_equal(images.join_alpha(colour, alpha), pixels)
    opaque = noise(channels=3)
    assert images.split_alpha(opaque)[0] is opaque
    assert images.split_alpha(opaque)[1] is None
    assert images.join_alpha(opaque, None) is opaque
    layered = noise(channels=4)
    assert images.join_alpha(layered, alpha) is layered


def test_alpha_follows_the_size_and_the_depth_of_the_colour(noise):
    alpha = np.full((4, 6, 1), 200, np.uint8)
    joined = images.join_alpha(noise(8, 9, 3, dtype=np.float32), alpha)
    assert joined.shape == (8, 9, 4)
    assert joined.dtype == np.float32
    assert joined[:, :, 3] == pytest.approx(np.full((8, 9), 200 / 255), abs=1e-6)


def test_what_cannot_be_converted_says_so(noise):
    with pytest.raises(ShapeError, match="pixels have 6 channels; wanted 3: only grey, colour"):
        images.convert(noise(channels=6), channels=3)
    with pytest.raises(DataError, match="'wite' is no colour"):
        images.convert(noise(channels=4, dtype=np.uint16), channels=3, background="wite")
    with pytest.raises(ShapeError, match=r"wanted \[H, W, 1 or 3\] and \[H, W, 1\]"):
        images.join_alpha(noise(channels=5), noise(channels=1))
    with pytest.raises(ShapeError, match=r"wanted \[H, W, C\], none of them 0"):
        images.split_alpha(np.zeros((4, 4), np.uint8))
