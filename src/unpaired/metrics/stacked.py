"""Stacked MNIST: three random digits in the three colours of an image make 1000 modes, known by a classifier of digits.

After Metz et al. 2017; the tables of VEEGAN (Srivastava et al. 2017) and PacGAN (Lin et al. 2018) count among 26,000 samples.
A mode is reached where one sample is taken for it, so a poor classifier, or blurred digits, add modes: give the classifier's
accuracy with the number.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from unpaired.errors import ShapeError

DIGITS = 10


class StackedModes(NamedTuple):
    """How samples spread over the 1000 modes."""

    modes: int
    """Modes with one sample at least, of 1000."""
    divergence: float
    """Kullback-Leibler divergence KL(samples || uniform) in nats: 0 where all modes are as frequent, ln 1000 = 6.9 where
    there is one. Few samples raise it: some (modes - 1) / (2 N) where they are truly uniform."""


def stacked_modes(numbers: Tensor) -> StackedModes:
    """The modes of samples whose digits are known: numbers [N, 3] integers from 0 to 9 (else ShapeError).

    With another number C of digits a sample, the modes are 10^C.
    """
    if numbers.ndim != 2 or not len(numbers) or int(numbers.min()) < 0 or int(numbers.max()) >= DIGITS:
        raise ShapeError(f"found digits {list(numbers.shape)}; wanted [N, 3] of numbers from 0 to 9")
    places = numbers.detach().cpu().long() @ DIGITS ** torch.arange(numbers.shape[1] - 1, -1, -1)
    total = DIGITS ** numbers.shape[1]
    share = torch.bincount(places, minlength=total).double() / len(numbers)
    reached = share[share > 0]
    return StackedModes(len(reached), float((reached * reached.log()).sum()) + math.log(total))


def stacked_digits(images: Tensor, *, classifier: Callable[[Tensor], Tensor], batch: int = 512) -> Tensor:
    """The digit that the classifier sees in each channel: images [N, C, H, W] in [-1, 1] -> [N, C] int64 on the CPU.

    classifier: [n, 1, H, W] -> scores [n, 10], asked without gradients. ShapeError where it answers otherwise.
    """
    return stacked_probabilities(images, classifier=classifier, batch=batch).argmax(dim=2)


def stacked_probabilities(images: Tensor, *, classifier: Callable[[Tensor], Tensor], batch: int = 512) -> Tensor:
    """How likely the classifier finds each digit in each channel: images [N, C, H, W] in [-1, 1] -> [N, C, 10] on the CPU.

    classifier: [n, 1, H, W] -> scores [n, 10] before a softmax, asked without gradients. ShapeError where it answers otherwise.
    """
    if images.ndim != 4:
        raise ShapeError(f"found images {list(images.shape)}; wanted [N, C, H, W], a digit in each channel")
    answers = []
    with torch.no_grad():
        for part in images.flatten(0, 1).unsqueeze(1).split(batch):
            scores = classifier(part)
            if scores.shape != (len(part), DIGITS):
                raise ShapeError(f"the classifier answered {list(scores.shape)} for {len(part)} digits; wanted [n, {DIGITS}]")
            answers.append(scores.float().softmax(dim=1).cpu())
    return torch.cat(answers).unflatten(0, (len(images), images.shape[1]))
