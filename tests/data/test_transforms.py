"""Crop, flip and jitter against what they must be, image by image."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance

from unpaired import images
from unpaired.data.transforms import Draws, centre_crop, draw, vary
from unpaired.errors import ShapeError


def batch(count=4, channels=3, height=6, width=9, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, channels, height, width), generator=generator, dtype=torch.uint8)


def draws(place, flip, jitter=None):
    jitter = jitter if jitter is not None else [[0.5] * 3] * len(flip)
    return Draws(torch.tensor(place), torch.tensor(flip), torch.tensor(jitter))


def augment(x, *, generator, **how):
    return vary(x, draws=draw(len(x), generator=generator), **how)


def as_floats(x):
    return images.to_tensor(x.permute(0, 2, 3, 1))


def test_crop_and_flip_by_hand():
    x = batch(4)
    numbers = draws([[0.0, 0.0], [0.999999, 0.999999], [0.5, 0.5], [0.0, 0.26]], [0.9, 0.1, 0.5, 0.49])
    y = vary(x, draws=numbers, size=(4, 5))
    # 3 places down, 5 across.
    wanted = [x[0, :, 0:4, 0:5], x[1, :, 2:6, 4:9].flip(2), x[2, :, 1:5, 2:7], x[3, :, 0:4, 1:6].flip(2)]
    assert torch.equal(y, as_floats(torch.stack(wanted)))


def test_flip_alone_and_nothing_at_all():
    x = batch(2)
    numbers = draws([[0.3, 0.3]] * 2, [0.1, 0.9])
    assert torch.equal(vary(x, draws=numbers), as_floats(torch.stack([x[0].flip(2), x[1]])))
    assert torch.equal(vary(x, draws=numbers, flip=False), as_floats(x))


@pytest.mark.parametrize("depth", [16, 32])
@pytest.mark.parametrize("size", [None, 5])
def test_every_depth_varies_alike(depth, size):
    x = batch(8)
    numbers = draw(8, generator=torch.Generator().manual_seed(3))
    deep = torch.from_numpy(images.to_depth(x.numpy(), depth=depth))
    for jitter in (0.0, 0.4):
        shallow = vary(x, draws=numbers, size=size, jitter=jitter)
        assert torch.allclose(shallow, vary(deep, draws=numbers, size=size, jitter=jitter), atol=1e-6)


def test_16_bits_are_moved_exactly_whatever_their_sign_bit():
    x = torch.from_numpy(np.array([0, 1, 32767, 32768, 40000, 65535], np.uint16)).view(1, 1, 2, 3)
    y = vary(x, draws=draws([[0.0, 0.999]], [0.1]), size=(2, 2))
    assert images.to_pixels(y, depth=16).flatten().tolist() == [32767, 1, 65535, 40000]


def test_many_channels_vary_together():
    x = batch(3, channels=7)
    numbers = draws([[0.0, 0.0]] * 3, [0.1, 0.9, 0.1], [[0.5, 0.5, 0.9]] * 3)
    assert torch.equal(vary(x, draws=numbers, flip=False, jitter=0.5), as_floats(x))  # saturation is of colours alone
    brighter = draws([[0.0, 0.0]] * 3, [0.9] * 3, [[0.0, 0.5, 0.5]] * 3)
    wanted = x.float() / 255 * 0.5 * 2 - 1
    assert torch.allclose(vary(x, draws=brighter, jitter=0.5), wanted, atol=1e-6)


def test_every_place_is_equally_likely():
    x = torch.arange(3 * 4, dtype=torch.uint8).view(1, 1, 3, 4).expand(6000, 1, 3, 4)
    y = augment(x, generator=torch.Generator().manual_seed(0), size=(2, 2), flip=False)
    corners = images.to_uint8(y)[:, 0, 0, 0]
    counts = torch.bincount(corners.long(), minlength=12)
    assert counts.nonzero().flatten().tolist() == [0, 1, 2, 4, 5, 6]
    assert (counts[counts > 0] - 1000).abs().max() < 120  # 4 standard deviations


def test_half_are_mirrored():
    x = torch.tensor([[0, 255]], dtype=torch.uint8).view(1, 1, 1, 2).expand(4000, 1, 1, 2)
    y = augment(x, generator=torch.Generator().manual_seed(0))
    assert (y[:, 0, 0, 0] > 0).float().mean() == pytest.approx(0.5, abs=0.03)


def test_the_generator_decides_and_nothing_else():
    x = batch(6)
    torch.manual_seed(1)
    first = augment(x, generator=torch.Generator().manual_seed(7), size=4, jitter=0.5)
    torch.manual_seed(2)
    assert torch.equal(first, augment(x, generator=torch.Generator().manual_seed(7), size=4, jitter=0.5))
    assert not torch.equal(first, augment(x, generator=torch.Generator().manual_seed(8), size=4, jitter=0.5))


def test_a_part_of_the_batch_varies_as_in_the_whole():
    x = batch(6)
    numbers = draw(6, generator=torch.Generator().manual_seed(7))
    whole = vary(x, draws=numbers, size=4, jitter=0.5)
    assert torch.equal(vary(x[2:4], draws=numbers.rows(slice(2, 4)), size=4, jitter=0.5), whole[2:4])


@pytest.mark.parametrize(
    ("which", "enhance"), [(0, ImageEnhance.Brightness), (1, ImageEnhance.Contrast), (2, ImageEnhance.Color)]
)
@pytest.mark.parametrize("number", [0.0, 0.2, 0.75, 0.999])
def test_jitter_is_what_pillow_calls_so(which, enhance, number):
    x = batch(1, height=16, width=16)
    numbers = [0.5, 0.5, 0.5]
    numbers[which] = number
    y = vary(x, draws=draws([[0.0, 0.0]], [0.9], [numbers]), jitter=0.6)
    picture = Image.fromarray(x[0].permute(1, 2, 0).numpy())
    wanted = np.array(enhance(picture).enhance(1 + 0.6 * (2 * number - 1)))
    assert np.abs(images.to_uint8(y)[0].numpy().astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 6])
def test_jitter_stays_in_range_and_leaves_transparency(channels):
    x = batch(16, channels)
    y = augment(x, generator=torch.Generator().manual_seed(0), flip=False, jitter=1.0)
    assert y.shape == x.shape
    assert y.min() >= -1
    assert y.max() <= 1
    if channels in (2, 4):
        assert torch.equal(y[:, -1], as_floats(x)[:, -1])


def test_centre_crop():
    x = batch(1)
    assert torch.equal(centre_crop(x, size=(4, 5)), x[:, :, 1:5, 2:7])


def test_what_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match=r"wanted \[N, C, H, W\] of at least 7 x 7 .* load the images larger"):
        augment(batch(), generator=torch.Generator(), size=7)
    with pytest.raises(ShapeError, match="draws for 3; wanted"):
        vary(batch(4), draws=draw(3, generator=torch.Generator()))
    with pytest.raises(ShapeError, match=r"jitter is 1.5; wanted 0 \(off\) to 1"):
        augment(batch(), generator=torch.Generator(), jitter=1.5)
    with pytest.raises(ShapeError, match="wanted at least 7 x 7"):
        centre_crop(batch(), size=7)
