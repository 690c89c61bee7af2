"""A small network that reads from a picture in which direction a thing faces: the azimuth, in degrees.

DiscoGAN's authors trained such a regressor on real pictures and let it read inputs and translations (Kim et al. 2017,
section 4). Teach one for each kind of thing, from real views of training models alone.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unpaired.errors import ShapeError
from unpaired.experiments.teaching import taught_by

AT_ONCE = 256
MOVED = 2


class Lessons(NamedTuple):
    """How a reader is taught. width: channels at full resolution; they double with each halving but the last."""

    steps: int = 1600
    batch: int = 32
    width: int = 16
    learning_rate: float = 3e-3
    seed: int = 0


class Reader(nn.Module):
    """[N, C, H, W] in [-1, 1], H and W as taught -> [N, 2]: sine and cosine of the azimuth, at whatever length.

    Four times a 3x3 convolution, batch normalisation and a halving by the maximum; then one layer over all places.
    """

    def __init__(self, *, channels: int, size: tuple[int, int], width: int) -> None:
        super().__init__()
        widths = (width, 2 * width, 4 * width, 4 * width)
        stages = [_stage(before, after) for before, after in zip((channels, *widths), widths, strict=False)]
        self.features = nn.Sequential(*stages)
        self.answer = nn.Linear(widths[-1] * (size[0] // 16) * (size[1] // 16), 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.answer(self.features(x).flatten(1))

    @torch.no_grad()
    def azimuths(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> degrees, float64 [N], from -180 to 180. Each picture is read by itself."""
        training = self.training
        self.eval()
        try:
            sine, cosine = torch.cat([self(part) for part in x.split(AT_ONCE)]).double().unbind(1)
        finally:
            self.train(training)
        return torch.rad2deg(torch.atan2(sine, cosine))


def taught(images: Tensor, azimuths: Tensor, *, lessons: Lessons) -> Reader:
    """A reader of pictures like these, which were disturbed for it: squared error of sine and cosine; Adam, half a cosine.

    Things are taken for symmetric: a mirrored picture is one more, at the opposite azimuth.

    images: [N, C, H, W] in [-1, 1], H and W from 16 on; azimuths: [N] in degrees. The same arguments give the same weights on the
    same machine; the caller's random state stays as it was. ShapeError where they do not fit.
    """
    if images.ndim != 4 or azimuths.shape != (len(images),) or min(images.shape[2:]) < 16:
        raise ShapeError(
            f"found images {list(images.shape)} and azimuths {list(azimuths.shape)}; "
            "wanted [N, C, H, W], H and W from 16 on, and [N]"
        )
    images, azimuths = torch.cat([images, images.flip(3)]), torch.cat([azimuths, -azimuths])
    angles = torch.deg2rad(azimuths.double())
    wanted = torch.stack([angles.sin(), angles.cos()], dim=1).float()
    return taught_by(
        lambda: Reader(channels=images.shape[1], size=(images.shape[2], images.shape[3]), width=lessons.width),
        lambda reader, rows: F.mse_loss(reader(disturbed(images[rows])), wanted[rows]),
        steps=lessons.steps,
        batch=lessons.batch,
        count=len(images),
        learning_rate=lessons.learning_rate,
        seed=lessons.seed,
    )


def disturbed(x: Tensor) -> Tensor:
    """Views as a translator may paint them, and of things in other paint: softer by any degree, paler or brighter, a little
    noisy, their channels exchanged, all moved by up to `MOVED` px (what leaves comes back on the other side); never mirrored.

    By torch's own chance. x: [N, C, H, W] in [-1, 1], as the result.
    """
    some = (len(x), 1, 1, 1)
    order = torch.rand(x.shape[:2]).argsort(dim=1)
    x = x.gather(1, order[:, :, None, None].expand_as(x))
    x = x.roll(torch.randint(-MOVED, MOVED + 1, (2,)).tolist(), dims=(2, 3))
    x = x.lerp(F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, stride=1), torch.rand(some))
    x = x * (0.8 + 0.4 * torch.rand(some)) + 0.2 * torch.rand(some) - 0.1
    return (x + 0.1 * torch.rand(some) * torch.randn_like(x)).clamp(-1, 1)


def _stage(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2))
