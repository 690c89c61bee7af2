"""How the small networks that experiments judge by are taught: Adam with half a cosine on random rows."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn

NetworkT = TypeVar("NetworkT", bound=nn.Module)


def taught_by(
    make: Callable[[], NetworkT],
    loss_of_rows: Callable[[NetworkT, Tensor], Tensor],
    *,
    steps: int,
    batch: int,
    count: int,
    learning_rate: float,
    seed: int,
) -> NetworkT:
    """A network that `make` begins and `steps` steps teach; ready to be asked.

    loss_of_rows: of the network and of rows, int64 [batch] below `count`, drawn with replacement. Both functions may draw from
    torch's own chance. A function of its arguments on the same machine; the caller's random state stays as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = make().train()
        optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for _ in range(steps):
            loss = loss_of_rows(network, torch.randint(count, (batch,)))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()
