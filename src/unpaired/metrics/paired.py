"""A translation against its known truth, image by image: [N, C, H, W] in [-1, 1] -> [N] float64 on the CPU."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from unpaired.errors import ShapeError

ONE_LEVEL = 1.5 * 2 / 255
"""Between one and two levels of 8 bits, on [-1, 1]."""
FULL_RANGE = 2.0  # from -1 to 1

# Wang et al. 2004, section III-C.
SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
SSIM_K1 = 0.01
SSIM_K2 = 0.03


def mean_absolute_error(x: Tensor, y: Tensor) -> Tensor:
    """Mean of |x - y| over channels and pixels, as a share of the full range: 0 = equal, 1 = black against white.

    x, y: [N, C, H, W] in [-1, 1], of one shape (else ShapeError). Returns [N] in [0, 1].
    """
    x, y = _comparable(x, y)
    return (x - y).abs().mean(dim=(1, 2, 3)) / FULL_RANGE


class ChangeErrors(NamedTuple):
    """Mean absolute errors as shares of the full range; NaN where there is no such pixel."""

    where_to_change: float
    where_to_keep: float


def change_errors(answers: Tensor, *, inputs: Tensor, truths: Tensor) -> ChangeErrors:
    """The error where the truth differs from the input in any channel by more than one of 255 levels, and elsewhere.

    A conversion of few pixels (glasses) can leave a small error undone or drown in a smaller one everywhere: apart, the two
    cannot hide each other. All [N, C, H, W] in [-1, 1], of one shape (else ShapeError); over all pixels of all images.
    """
    sums, counts = torch.zeros(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    for parts in zip(answers.split(16), inputs.split(16), truths.split(16), strict=True):  # float64 copies are large
        answer, truth = _comparable(parts[0], parts[2])
        before, _ = _comparable(parts[1], parts[2])
        to_change = ((truth - before).abs() > ONE_LEVEL).any(dim=1, keepdim=True).expand_as(truth)
        errors = (answer - truth).abs() / FULL_RANGE
        sums += torch.stack([errors[to_change].sum(), errors[~to_change].sum()]).double()
        counts += torch.stack([to_change.sum(), (~to_change).sum()])
    return ChangeErrors(*(sums / counts).tolist())


def psnr(x: Tensor, y: Tensor) -> Tensor:
    """Peak signal-to-noise ratio, 10 log10(range^2 / mean squared error), with range 2.

    x, y: [N, C, H, W] in [-1, 1], of one shape (else ShapeError). Returns [N] in dB; infinite where x equals y.
    """
    x, y = _comparable(x, y)
    return 10 * torch.log10(FULL_RANGE**2 / (x - y).square().mean(dim=(1, 2, 3)))


def ssim(x: Tensor, y: Tensor) -> Tensor:
    """Structural similarity (Wang et al. 2004, eq. 13), the mean over channels and over all places of the window.

    Gaussian window 11 x 11, sigma 1.5, K1 = 0.01, K2 = 0.03, population covariance, range 2. Channels are compared one
    by one. Only places where the whole window lies inside the image count, as in the authors' code and scikit-image.

    x, y: [N, C, H, W] in [-1, 1], of one shape, sides of at least 11 (else ShapeError). Returns [N] in [-1, 1].
    """
    luminance, contrast_and_structure = similarity_maps(*_comparable(x, y))
    return (luminance * contrast_and_structure).mean(dim=(1, 2, 3))


def similarity_maps(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Luminance, and contrast times structure, at every place of SSIM's window (Wang et al. 2004, eq. 6, and 9 times 10).

    x, y: [N, C, H, W] in [-1, 1], float64, of one shape, sides of at least 11 (else ShapeError). Returns two tensors
    [N, C, H - 10, W - 10], each value in [-1, 1].
    """
    if min(x.shape[-2:]) < SSIM_WINDOW:
        raise ShapeError(
            f"found images of {x.shape[-2]} x {x.shape[-1]}: "
            f"SSIM's window needs sides of at least {SSIM_WINDOW}; enlarge the images or use another measure"
        )
    mean_x, mean_y = _gaussian_window(x), _gaussian_window(y)
    variance_x = _gaussian_window(x * x) - mean_x * mean_x
    variance_y = _gaussian_window(y * y) - mean_y * mean_y
    covariance = _gaussian_window(x * y) - mean_x * mean_y
    c1, c2 = (SSIM_K1 * FULL_RANGE) ** 2, (SSIM_K2 * FULL_RANGE) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x.square() + mean_y.square() + c1)
    return luminance, (2 * covariance + c2) / (variance_x + variance_y + c2)


def _gaussian_window(images: Tensor) -> Tensor:
    """Gaussian-weighted local means at every place where the window fits: [N, C, H, W] -> [N, C, H - 10, W - 10]."""
    offsets = torch.arange(SSIM_WINDOW, dtype=images.dtype) - SSIM_WINDOW // 2
    weights = torch.exp(-0.5 * (offsets / SSIM_SIGMA).square())
    weights = weights / weights.sum()
    channels = images.flatten(0, 1).unsqueeze(1)
    rows = F.conv2d(channels, weights.view(1, 1, -1, 1))
    return F.conv2d(rows, weights.view(1, 1, 1, -1)).view(*images.shape[:2], *rows.shape[-2:-1], -1)


def _comparable(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Both on the CPU in float64, as SSIM subtracts squares that nearly cancel; ShapeError unless of one shape."""
    if x.shape != y.shape or x.ndim != 4:
        raise ShapeError(f"found shapes {list(x.shape)} and {list(y.shape)}: two batches [N, C, H, W] of one shape are needed")
    return x.detach().to("cpu", torch.float64), y.detach().to("cpu", torch.float64)
