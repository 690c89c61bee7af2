"""The three depths: conversions, ranges, tensors."""

import numpy as np
import pytest
import torch

from unpaired import images
from unpaired.errors import DataError, ShapeError, UnreadableImages
from unpaired.images.levels import ranged, type_for, unranged


def test_the_round_trip_is_exact_for_all_256_values():
    pixels = torch.arange(256, dtype=torch.uint8).view(1, 16, 16, 1)
    x = images.to_tensor(pixels)
    assert x.dtype == torch.float32
    assert x.min() == -1
    assert x.max() == 1
    assert torch.equal(images.to_uint8(x), pixels)


def test_to_tensor_moves_the_channels_and_takes_read_only_arrays(noise):
    pixels = noise()[None]
    pixels.setflags(write=False)
    x = images.to_tensor(pixels)
    assert x.shape == (1, 3, 5, 7)
    assert x.is_contiguous()
    assert x[0, 2, 4, 6] == pytest.approx(pixels[0, 4, 6, 2] / 127.5 - 1)


def test_to_uint8_rounds_clamps_and_takes_half_precision():
    x = torch.tensor([-2.0, -1.0, 0.0, 0.999, 1.0, 7.0, float("nan"), float("inf")]).view(1, 1, 1, -1)
    assert images.to_uint8(x).flatten().tolist() == [0, 0, 128, 255, 255, 255, 0, 255]
    assert images.to_uint8(torch.ones(1, 1, 1, 1, dtype=torch.bfloat16)).item() == 255


def test_wrong_shapes_say_what_is_wanted():
    with pytest.raises(ShapeError, match=r"float64 .* wanted uint8, uint16 or float32 \[N, H, W, C\]"):
        images.to_tensor(np.zeros((1, 2, 2, 3)))
    with pytest.raises(ShapeError, match=r"wanted float \[N, C, H, W\]"):
        images.to_uint8(torch.zeros(3, 4, 4))


def test_a_change_of_depth_by_hand():
    shallow = np.array([[[0, 1, 128, 255]]], np.uint8)
    assert images.to_depth(shallow, depth=16).tolist() == [[[0, 257, 128 * 257, 65535]]]
    assert images.to_depth(shallow, depth=32)[0, 0].tolist() == pytest.approx([0, 1 / 255, 128 / 255, 1])
    deep = np.array([[[0, 128, 129, 257, 32768, 65406, 65407, 65535]]], np.uint16)
    assert images.to_depth(deep, depth=8).tolist() == [[[0, 0, 1, 1, 128, 254, 255, 255]]]
    floats = np.array([[[-1.0, 0.0, 0.5, 1.0, 2.0, np.nan]]], np.float32)
    assert images.to_depth(floats, depth=8).tolist() == [[[0, 0, 128, 255, 255, 0]]]
    assert images.to_depth(floats, depth=16).tolist() == [[[0, 0, 32768, 65535, 65535, 0]]]
    for pixels, depth in ((shallow, 8), (deep, 16), (floats, 32)):
        assert images.to_depth(pixels, depth=depth) is pixels


def test_depths_are_left_and_come_back_exactly():
    every_8, every_16 = np.arange(256, dtype=np.uint8), np.arange(65536, dtype=np.uint16)
    for depth in (16, 32):
        assert np.array_equal(images.to_depth(images.to_depth(every_8, depth=depth), depth=8), every_8)
    assert np.array_equal(images.to_depth(images.to_depth(every_16, depth=32), depth=16), every_16)
    wanted = np.rint(every_16.astype(np.float64) / 257)
    assert np.array_equal(images.to_depth(every_16, depth=8), wanted)


def test_the_round_trip_is_exact_for_all_65536_values():
    pixels = np.arange(65536, dtype=np.uint16).reshape(1, 256, 256, 1)
    pixels.setflags(write=False)
    x = images.to_tensor(pixels)
    assert (x.dtype, x.min(), x.max()) == (torch.float32, -1, 1)
    assert x[0, 0].flatten().tolist() == pytest.approx((np.arange(65536) / 32767.5 - 1).tolist(), abs=1e-7)
    back = images.to_pixels(x, depth=16)
    assert back.dtype == torch.uint16
    assert np.array_equal(back.numpy(), pixels)
    assert torch.equal(images.to_tensor(back), x)


def test_float_pixels_become_images_and_come_back(noise):
    pixels = noise(dtype=np.float32)[None]
    kept = pixels.copy()
    x = images.to_tensor(pixels)
    assert np.array_equal(pixels, kept)  # not the caller's memory
    assert torch.allclose(x, torch.from_numpy(pixels).permute(0, 3, 1, 2) * 2 - 1, atol=1e-7)
    assert np.abs(images.to_pixels(x, depth=32).numpy() - pixels).max() <= 1e-7
    beyond = torch.tensor([-3.0, 3.0, float("nan"), float("inf")]).view(1, 1, 1, 4)
    assert images.to_pixels(beyond, depth=32).flatten().tolist() == [0, 1, 0, 1]
    assert images.to_pixels(beyond, depth=16).flatten().tolist() == [0, 65535, 0, 65535]


def test_samples_of_every_type_get_a_range():
    def seen(samples, **how):
        return ranged(np.array(samples)[None, :, None], **({"alpha": False, "value_range": None} | how))

    assert seen(np.array([False, True])).flatten().tolist() == [0, 255]
    assert seen(np.array([0, 65535], np.int32)).dtype == np.uint16
    assert seen(np.array([0.25], np.float16)).dtype == np.float32
    assert seen(np.array([1, 513], ">u2")).flatten().tolist() == [1, 513]
    assert seen(np.array([-5, 0, 5, 10, 99], np.int8), value_range=(0, 10)).flatten().tolist() == [0, 0, 0.5, 1, 1]
    with pytest.raises(
        UnreadableImages, match=r"float samples from -0\.5 to 1; wanted 0 to 1: rescale .* --value-range LOW HIGH in"
    ):
        seen([-0.5, 1.0])
    with pytest.raises(UnreadableImages, match=r"16-bit samples from -1 to 5; wanted 0 to 65535: convert .* --value-range LOW"):
        seen(np.array([-1, 5], np.int16))
    with pytest.raises(UnreadableImages, match="int64 samples, whose black and white nobody knows; wanted uint8, uint16"):
        seen(np.array([0, 255], np.int64))
    with pytest.raises(DataError, match="value_range is 1 to 0"):
        seen([0.5], value_range=(1, 0))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "int32", "float32"])
def test_numbers_of_a_range_come_back(dtype):
    random = np.random.default_rng(0)
    low, high = (0, 100) if dtype.startswith("uint") else (-100, 100)
    numbers = random.integers(low, high + 1, (6, 5, 3)).astype(dtype)
    seen = ranged(numbers, alpha=False, value_range=(low, high))
    back = unranged(seen, dtype=dtype, value_range=(low, high), alpha=False)
    assert back.dtype == dtype
    np.testing.assert_allclose(back, numbers, atol=1e-4 if dtype == "float32" else 0)


def test_an_answers_numbers_by_hand():
    pixels = np.array([[[0, 1], [0.5, 0.5], [1, 0]]], np.float32)
    assert unranged(pixels, dtype="int16", value_range=(-1000, 2001), alpha=False)[0].tolist() == [
        [-1000, 2001], [500, 500], [2001, -1000]
    ]  # fmt: skip
    layered = unranged(pixels, dtype="uint16", value_range=(0, 1000), alpha=True)
    assert layered[0].tolist() == [[0, 65535], [500, 32768], [1000, 0]]
    deep = unranged(np.array([[[65535], [0]]], np.uint16), dtype="float32", value_range=(-1, 3), alpha=False)
    assert deep.flatten().tolist() == [3, -1]
    strange = np.array([[[np.nan], [7.0]]], np.float32)
    assert unranged(strange, dtype="int16", value_range=(5, 9), alpha=False).flatten().tolist() == [5, 9]


@pytest.mark.parametrize(
    ("dtype", "found", "wanted", "alpha", "kept"),
    [
        ("int16", (-1000, 2000), (-1000, 2000), False, "int16"),
        ("int16", (-1000, 2000), (0, 255), False, "int16"),
        ("int16", (-1000, 2000), (0, 100), False, "float32"),  # too few steps
        ("int16", (-1000, 2000), (0, 40_000), False, "float32"),  # too wide
        ("uint8", (0, 100), (0, 100), False, "uint8"),  # as few as its own
        ("uint8", None, (-1000, 2000), False, "float32"),
        ("uint16", None, (0, 10_000), False, "uint16"),
        ("float32", (0, 1), (-5, 5), False, "float32"),
        ("float64", (0, 1), (0, 1), False, "float32"),
        ("int64", (0, 1000), (0, 1000), False, "float32"),
        ("uint16", (0, 1000), (0, 1000), True, "uint16"),
        ("int16", (0, 1000), (0, 1000), True, "float32"),  # nobody knows what is opaque
    ],
)
def test_the_type_of_an_answers_numbers(dtype, found, wanted, alpha, kept):
    assert type_for(dtype, found=found, wanted=wanted, alpha=alpha) == kept


def test_there_are_three_depths():
    with pytest.raises(ShapeError, match="depth is 10; wanted 8, 16 or 32"):
        images.to_depth(np.zeros((1, 1, 1), np.uint8), depth=10)
    with pytest.raises(ShapeError, match=r"int32 .*; wanted uint8, uint16 or float32 from 0 to 1"):
        images.depth_of(np.zeros((1, 1, 1), np.int32))
