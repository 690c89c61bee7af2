"""The discriminator of CoGAN's digits (Liu and Tuzel 2016, appendix; sizes from the authors' code): a LeNet."""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from unpaired.errors import ShapeError
from unpaired.networks.judged import Heads, Judged
from unpaired.networks.noise import TrainingNoise

KERNEL, POOL = 5, 2


class LeNetNet(nn.Module):
    """[N, in_channels, H, W] in [-1, 1] -> `Judged`: 5x5 convolutions without padding, then a dense layer with a PReLU.

    Each convolution is followed by the maximum of 2x2 px, and by no other nonlinearity, as in the authors' code. For small
    images: the dense layer sees all places. features: after each convolution's maximum [N, maps, h, w], and after the dense layer
    [N, hidden], each before noise of its own is added (`specs.LeNet`).
    """

    def __init__(
        self,
        *,
        in_channels: int,
        size: tuple[int, int],
        maps: tuple[int, ...],
        hidden: int,
        source: bool,
        classes: int,
        noise: float = 0.0,
    ) -> None:
        super().__init__()
        height, width = (_left(side, len(maps)) for side in size)
        if min(height, width) < 1:
            least = _least(len(maps))
            raise ShapeError(
                f"network 'lenet' with {len(maps)} convolutions takes images from {least} px on, found {size[0]} x {size[1]}; "
                "use larger images or fewer maps"
            )
        self.convolutions = nn.ModuleList(nn.Conv2d(before, after, KERNEL) for before, after in pairwise((in_channels, *maps)))
        self.dense, self.active = nn.Linear(maps[-1] * height * width, hidden), nn.PReLU()
        self.noise = TrainingNoise(noise)
        self.heads = Heads(hidden, source=source, classes=classes, bias=True)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight, gain=2**0.5)
                nn.init.constant_(module.bias, 0.1)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Judged:
        return self.rest(self.first(x))

    def first(self, x: Tensor) -> Tensor:
        """The first convolution and its maximum."""
        return F.max_pool2d(self.convolutions[0](self.noise(x)), POOL)

    def rest(self, hidden: Tensor) -> Judged:
        """All other layers, on what `first` gives."""
        features = [hidden]
        for convolution in list(self.convolutions)[1:]:
            features.append(F.max_pool2d(convolution(self.noise(features[-1])), POOL))
        features.append(self.active(self.dense(self.noise(features[-1]).flatten(1))))
        source, classes = self.heads(self.noise(features[-1]))
        return Judged(source, classes, features)

    def share(self, other: "LeNetNet") -> None:
        """Take another's layers, all but the first, for one's own (CoGAN)."""
        self.convolutions = nn.ModuleList([self.convolutions[0], *list(other.convolutions)[1:]])
        self.dense, self.active, self.heads = other.dense, other.active, other.heads

    @property
    def own(self) -> nn.Module:
        """The layer that `share` leaves."""
        return self.convolutions[0]


def _left(side: int, convolutions: int) -> int:
    """Pixels of a side after so many convolutions and maxima."""
    for _ in range(convolutions):
        side = (side - KERNEL + 1) // POOL
    return side


def _least(convolutions: int) -> int:
    """The smallest side of which a pixel is left."""
    side = 1
    for _ in range(convolutions):
        side = POOL * side + KERNEL - 1
    return side
