"""A history of generated images for the discriminator (Shrivastava et al. 2017, section 2.3; CycleGAN, section 4)."""

import torch
from torch import Tensor, nn

from unpaired.networks.build import Shape


class Replay(nn.Module):
    """The last images that a generator made, some of them. They are buffers: a resumed run has the same ones.

    Under many processes each keeps a history of its own; a checkpoint holds the first one's.
    """

    images: Tensor
    count: Tensor

    def __init__(self, capacity: int, shape: Shape) -> None:
        super().__init__()
        self.capacity = capacity
        if not capacity:  # no buffers, so that checkpoints of games without a history stay as they were
            return
        self.register_buffer("images", torch.zeros(capacity, *shape))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def swap(self, x: Tensor) -> Tensor:
        """[N, *shape] -> the same shape, without gradients, one image after the other: while there is room it is stored and
        returned; then, as a coin falls, either returned, or put in the place of a random older one, which is returned.
        """
        if not self.capacity:
            return x.detach()
        places = torch.randint(self.capacity, (len(x),)).tolist()
        coins = torch.rand(len(x)).tolist()
        answers = []
        for image, place, coin in zip(x.detach()[:, None].to(self.images.dtype), places, coins, strict=True):
            # The count stays on the device: asking for it would make the processor wait in each step.
            room = self.count < self.capacity
            at = torch.where(room, self.count, place)[None]
            old = self.images.index_select(0, at)
            keep = room | (coin < 0.5)
            self.images.index_copy_(0, at, torch.where(keep, image, old))
            answers.append(torch.where(keep & ~room, old, image))
            self.count += room
        return torch.cat(answers)
