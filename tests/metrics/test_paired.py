"""Paired measures against scikit-image."""

import math

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from unpaired.errors import ShapeError
from unpaired.metrics.paired import change_errors, mean_absolute_error, psnr, ssim


def pictures(*, channels: int, height: int, width: int, noise: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Three smooth images and the same with more and more noise, in [-1, 1]."""
    generator = torch.Generator().manual_seed(height)
    coarse = torch.rand(3, channels, 5, 5, generator=generator) * 2 - 1
    x = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bilinear")
    strength = noise * torch.arange(1, 4).view(3, 1, 1, 1)
    y = (x + strength * torch.randn(x.shape, generator=generator)).clamp(-1, 1)
    return x, y


def test_mean_absolute_error_is_a_share_of_the_full_range():
    black, white = -torch.ones(1, 3, 4, 4), torch.ones(1, 3, 4, 4)
    mixed = black.clone()
    mixed[:, 0] = 1.0  # one channel of three is off by everything
    mixed[:, 1, 0] = 0.0  # a quarter of the second by half
    assert mean_absolute_error(torch.cat([black, mixed, white]), torch.cat([black, black, black])).tolist() == (
        pytest.approx([0.0, 1 / 3 + 1 / 24, 1.0])
    )


@pytest.mark.parametrize(("channels", "height", "width"), [(1, 11, 11), (3, 32, 21), (4, 24, 40)])
def test_psnr_and_ssim_agree_with_scikit_image(channels, height, width):
    x, y = pictures(channels=channels, height=height, width=width, noise=0.15)
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 2.0}
    expected_ssim = [
        structural_similarity(a.double().numpy(), b.double().numpy(), channel_axis=0, **settings)
        for a, b in zip(x, y, strict=True)
    ]
    expected_psnr = [
        peak_signal_noise_ratio(a.double().numpy(), b.double().numpy(), data_range=2.0) for a, b in zip(x, y, strict=True)
    ]
    assert ssim(x, y).tolist() == pytest.approx(expected_ssim, abs=1e-9)
    assert psnr(x, y).tolist() == pytest.approx(expected_psnr, abs=1e-9)
    assert np.ptp(expected_ssim) > 0.05  # or the agreement would say little


def test_equal_images_are_as_good_as_can_be():
    x, _ = pictures(channels=3, height=16, width=16, noise=0.1)
    assert mean_absolute_error(x, x).tolist() == [0.0, 0.0, 0.0]
    assert psnr(x, x).tolist() == [math.inf] * 3
    assert ssim(x, x).tolist() == pytest.approx([1.0] * 3)


def test_images_that_cannot_be_compared_are_refused():
    with pytest.raises(ShapeError, match=r"\[1, 3, 16, 16\] and \[1, 3, 16, 17\]"):
        psnr(torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 17))
    with pytest.raises(ShapeError, match=r"\[N, C, H, W\]"):
        mean_absolute_error(torch.zeros(3, 16, 16), torch.zeros(3, 16, 16))
    with pytest.raises(ShapeError, match=r"10 x 40.*at least 11"):
        ssim(torch.zeros(1, 3, 10, 40), torch.zeros(1, 3, 10, 40))


def test_change_errors_by_hand() -> None:
    inputs = torch.tensor([-1.0, 0.0, 0.5, 1.0]).view(1, 1, 1, 4)
    truths = torch.tensor([1.0, 0.0, 0.5, 0.0]).view(1, 1, 1, 4)  # the first and the last are to change
    answers = torch.tensor([0.0, 0.2, 0.5, 0.5]).view(1, 1, 1, 4)
    found = change_errors(answers, inputs=inputs, truths=truths)
    assert found.where_to_change == pytest.approx((1.0 + 0.5) / 2 / 2)
    assert found.where_to_keep == pytest.approx((0.2 + 0.0) / 2 / 2)


def test_a_change_of_one_level_is_none_and_any_channel_counts() -> None:
    inputs = torch.zeros(1, 2, 1, 2)
    truths = inputs.clone()
    truths[0, 0, 0, 0] = 2 / 255
    truths[0, 1, 0, 1] = 4 / 255
    found = change_errors(inputs, inputs=inputs, truths=truths)
    assert found.where_to_change == pytest.approx((4 / 255) / 2 / 2)  # both channels of the one pixel
    assert found.where_to_keep == pytest.approx((2 / 255) / 2 / 2)


def test_change_errors_without_a_change_are_not_a_number() -> None:
    x = torch.zeros(1, 1, 2, 2)
    assert math.isnan(change_errors(x, inputs=x, truths=x).where_to_change)
