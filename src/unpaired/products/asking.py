"""How networks are asked outside of training, and what can be asked of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch
from torch import Tensor, nn

from unpaired import images
from unpaired.errors import ShapeError
from unpaired.framing import Framing
from unpaired.networks.build import Shape

AT_ONCE = 256
"""Samples that a network is asked for at once."""


@contextmanager
def evaluating(network: nn.Module) -> Iterator[torch.device]:
    """The network in evaluation mode, without gradients; its device. Afterwards it trains as before."""
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            yield next(network.parameters()).device
    finally:
        network.train(training)


def in_parts(ask: Callable[..., Tensor], *inputs: Tensor, device: torch.device) -> Tensor:
    """`ask` of a few rows at a time, on the device; the answers joined, float32 on the CPU. Asks at least once."""
    parts = zip(*(x.split(AT_ONCE) for x in inputs), strict=True)
    return torch.cat([ask(*(x.to(device) for x in part)).to("cpu", torch.float32) for part in parts])


def given(x: Any, *, shape: Shape, fit: images.Fit, background: str) -> tuple[Tensor, bool]:
    """Whatever stands for images as [N, *shape] float32 in [-1, 1], and whether it was one alone.

    Tensors are [C, H, W] or [N, C, H, W], float in [-1, 1] or uint8; arrays [H, W, C] or [N, H, W, C], float in [0, 1] or uint8.
    Paths and PIL images may be of any size. ShapeError for others.
    """
    channels, height, width = shape
    match x:
        case Tensor():
            alone = x.dim() == len(shape)
            x = x[None] if alone else x
            _require(tuple(x.shape[1:]), shape)
            return (x.float() if x.is_floating_point() else images.to_tensor(x.movedim(1, -1))), alone
        case np.ndarray():
            alone = x.ndim == len(shape)
            x = x[None] if alone else x
            _require(tuple(x.shape[1:]), (height, width, channels))
            if np.issubdtype(x.dtype, np.floating):
                return torch.from_numpy(np.array(x, np.float32)).movedim(-1, 1) * 2 - 1, alone
            return images.to_tensor(np.ascontiguousarray(x)), alone
        case PIL.Image.Image() | str() | Path():
            whole = (channels, height, width)
            framing = Framing(source=whole, target=whole, fit=fit, alpha="compose", background=background)
            return images.to_tensor(framing.shown(framing.open(x)[0])[None]), True
    raise ShapeError(f"found a {type(x).__name__}; wanted a path, a PIL image, a numpy array or a torch tensor")


def _require(found: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if found != wanted:
        raise ShapeError(f"found images of shape {list(found)}; wanted {list(wanted)}, one alone or a batch of them")
