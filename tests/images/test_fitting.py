"""Crop, stretch and pad, of every depth and number of channels, against Pillow."""

import numpy as np
import pytest
from PIL import Image

from unpaired import images
from unpaired.errors import DataError, ShapeError


@pytest.mark.parametrize("how", ["crop", "resize", "pad"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_fit_gives_the_size_and_leaves_what_has_it(how, channels, noise):
    assert images.fit(noise(9, 14, channels), size=(6, 5), how=how).shape == (6, 5, channels)
    square = noise(8, 8, channels)
    if channels in (1, 3):
        assert np.array_equal(images.fit(square, size=8, how=how), square)


def test_crop_keeps_the_middle(noise):
    wide = np.zeros((4, 12, 3), np.uint8)
    wide[:, 4:8] = noise(4, 4)
    assert np.array_equal(images.fit(wide, size=4, how="crop"), wide[:, 4:8])


def test_crop_scales_the_short_side_as_pillow_does(smooth):
    pixels = smooth(32, 48)
    wanted = np.array(Image.fromarray(pixels).resize((24, 16), Image.Resampling.LANCZOS))[:, 4:20]
    assert np.abs(images.fit(pixels, size=16, how="crop").astype(int) - wanted).max() <= 1


def test_pad_fills_with_the_background_right_and_below_first():
    padded = images.fit(np.zeros((4, 1, 3), np.uint8), size=4, how="pad", background="#ff0000")
    assert (padded[:, 1] == 0).all()
    assert (padded[:, [0, 2, 3]] == (255, 0, 0)).all()


def test_resize_is_antialiased():
    stripes = np.zeros((64, 64, 1), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(images.fit(stripes, size=16, how="resize")[2:-2, 2:-2].astype(int) - 127).max() <= 3


def test_fit_says_what_is_wanted(noise):
    with pytest.raises(DataError, match="'squeeze' is no way to fit an image; wanted crop, resize or pad"):
        images.fit(noise(), size=4, how="squeeze")
    with pytest.raises(ShapeError, match="size is 0 x 0; wanted at least 1 x 1"):
        images.fit(noise(), size=0)


@pytest.mark.parametrize("how", ["crop", "resize", "pad"])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
def test_every_depth_is_fitted_as_8_bits_are(noise, how, dtype, channels):
    # Far from black and white, as Pillow cuts 8 bits off there between the two directions.
    shallow = noise(19, 28, channels) // 2 + np.uint8(64)
    deep = images.to_depth(shallow, depth=images.depth_of(noise(dtype=dtype)))
    fitted = images.fit(deep, size=(12, 9), how=how, background="#306090")
    assert fitted.dtype == dtype
    wanted = images.fit(shallow, size=(12, 9), how=how, background="#306090")
    # There it rounds too, and where it multiplies colours by alpha.
    limit = 4 if channels in (2, 4) else 2
    assert np.abs(images.to_depth(fitted, depth=8).astype(int) - wanted).max() <= limit


def test_deep_scaling_is_pillows(noise):
    pixels = noise(30, 40, 5, dtype=np.float32)
    fitted = images.fit(pixels, size=(11, 13), how="resize")
    for channel in range(5):
        plane = Image.fromarray(np.ascontiguousarray(pixels[:, :, channel]))
        wanted = np.array(plane.resize((13, 11), Image.Resampling.LANCZOS)).clip(0, 1)
        assert np.abs(fitted[:, :, channel] - wanted).max() <= 1e-6
    tall = noise(200, 40, 1, dtype=np.uint16)
    assert images.fit(tall, size=20).dtype == np.uint16
    assert np.array_equal(images.fit(tall, size=(200, 40)), tall)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_what_is_transparent_does_not_colour_what_is_not(dtype):
    white = 1.0 if dtype is np.float32 else np.iinfo(dtype).max
    pixels = np.zeros((4, 4, 4), dtype)
    pixels[:, :2] = (white, 0, 0, white)
    pixels[:, 2:] = (0, white, 0, 0)
    assert images.fit(pixels, size=(4, 1), how="resize")[0, 0].astype(float) == pytest.approx(
        np.array([white, 0, 0, white / 2]), abs=0.01 * white
    )
    # The fourth of four measurements weighs nothing.
    apart = images.fit(pixels, size=(4, 1), how="resize", alpha=False)[0, 0]
    assert apart.astype(float) == pytest.approx(np.array([white, white, 0, white]) / 2, abs=0.01 * white)


def test_the_background_of_deep_pads():
    padded = images.fit(np.zeros((4, 1, 3), np.uint16), size=4, how="pad", background="#ff8000")
    assert padded[0, 0].tolist() == [65535, 128 * 257, 0]
    many = images.fit(np.zeros((4, 1, 6), np.float32), size=4, how="pad", background="white")
    assert many[0, 0] == pytest.approx(np.ones(6))
    layered = images.fit(np.zeros((4, 1, 4), np.uint16), size=4, how="pad", background="white")
    assert layered[0, 0].tolist() == [65535] * 4


# -- the way back --


@pytest.mark.parametrize("shape", [(9, 14), (14, 9), (64, 3), (1, 1), (16, 16), (5, 5)])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
def test_what_was_fitted_comes_back_at_its_size(shape, channels, noise):
    pixels = noise(*shape, channels)
    for how in ("resize", "pad"):
        fitted = images.fit(pixels, size=16, how=how)
        assert images.restored(fitted, shape=shape, how=how).shape == (*shape, channels)
    side = min(shape)  # of the square that "crop" leaves
    assert images.seen(shape, size=(16, 16), how="crop") == (side, side)
    assert images.restored(images.fit(pixels, size=16), shape=shape, how="crop").shape == (side, side, channels)


def test_what_padding_added_is_cut_off_and_leaves_no_trace():
    black = np.zeros((7, 20, 3), np.uint8)
    fitted = images.fit(black, size=32, how="pad", background="white")
    assert fitted.max() == 255
    assert images.restored(fitted, shape=(7, 20), how="pad").max() == 0


@pytest.mark.parametrize("how", ["crop", "resize", "pad"])
def test_there_and_back_is_near_where_nothing_is_lost(how, smooth):
    pixels = smooth(24, 36)
    wanted = pixels[:, 6:30] if how == "crop" else pixels
    found = images.restored(images.fit(pixels, size=72, how=how), shape=(24, 36), how=how)
    assert np.abs(found.astype(int) - wanted).max() <= 4


def test_the_part_that_is_seen_has_the_proportions_of_the_size():
    assert images.seen((30, 90), size=(16, 32), how="crop") == (30, 60)
    assert images.seen((30, 30), size=(16, 32), how="crop") == (15, 30)
    assert images.seen((30, 90), size=(16, 32), how="pad") == (30, 90)
