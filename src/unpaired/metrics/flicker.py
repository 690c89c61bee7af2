"""Does a translated sequence of images flicker: does the answer change where its input stands still?

A translator that sees one image at a time may answer differently to what looks the same. Video papers measure that by the
*warping error*: the change between frames along the optical flow of the input (Lai et al., ECCV 2018, section 4). Flow is an
estimate of its own; here only places count where it is known, because nothing moves there: the flow is zero and the warping
error is the plain change. They are compared by absolute difference, where Lai et al. square it.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from torch import Tensor

from unpaired.errors import ShapeError

STILL = 1 / 255
"""A place stands still where no channel of the input changes by more than this share of its range: a step of 8 bits."""


class Flicker(NamedTuple):
    """How a sequence of answers changes beside its inputs. Changes are means of absolute differences between neighbouring
    images, over their channels, as shares of the range from black to white.

    pairs: of neighbouring images that were compared; still: the share of places (pixels of pairs) where the input stands still;
    change: the answer's change there, which is the flicker; own: the input's own change there, at most 1/255; ratio: the
    answer's change over all places divided by the input's over all places. Not-a-number where there is nothing to take a
    mean of: no pair, no still place, an input that never changes.

    A network looks around each place, so what moves nearby counts as flicker in small part.
    """

    pairs: int
    still: float
    change: float
    own: float
    ratio: float


class FlickerMeter:
    """Measures a sequence as its images come."""

    def __init__(self) -> None:
        self._before: tuple[Tensor, Tensor] | None = None
        self._pairs = self._places = self._still = 0
        self._change = self._own = self._answers = self._inputs = 0.0

    def add(self, x: Tensor, y: Tensor) -> None:
        """The next input x [C, H, W] and its answer y [C', H, W], both in [-1, 1]. ShapeError where their sizes differ.

        An image of another shape than the one before begins a new sequence.
        """
        if x.dim() != 3 or y.dim() != 3 or x.shape[1:] != y.shape[1:]:
            raise ShapeError(f"found an input {list(x.shape)} and an answer {list(y.shape)}; wanted [C, H, W] of one size")
        now = x.detach().to("cpu", copy=True).float(), y.detach().to("cpu", copy=True).float()
        if self._before is not None and all(a.shape == b.shape for a, b in zip(self._before, now, strict=True)):
            inputs, answers = ((b - a).abs().double() / 2 for a, b in zip(self._before, now, strict=True))
            still = inputs.amax(0) <= STILL + 1e-6  # floats of 8 bits lie a hair apart
            inputs, answers = inputs.mean(0), answers.mean(0)
            self._pairs += 1
            self._places += still.numel()
            self._still += int(still.sum())
            self._change += float(answers[still].sum())
            self._own += float(inputs[still].sum())
            self._answers += float(answers.sum())
            self._inputs += float(inputs.sum())
        self._before = now

    def cut(self) -> None:
        """The next image is no neighbour of the last."""
        self._before = None

    def result(self) -> Flicker:
        """What was measured so far."""
        return Flicker(
            pairs=self._pairs,
            still=_ratio(self._still, self._places),
            change=_ratio(self._change, self._still),
            own=_ratio(self._own, self._still),
            ratio=_ratio(self._answers, self._inputs),
        )


def flicker(inputs: Iterable[Tensor], answers: Iterable[Tensor]) -> Flicker:
    """The flicker of a sequence: inputs [T, C, H, W] and answers [T, C', H, W] in [-1, 1], in order. Raises ShapeError."""
    meter = FlickerMeter()
    for x, y in zip(inputs, answers, strict=True):
        meter.add(x, y)
    return meter.result()


def _ratio(a: float, b: float) -> float:
    return a / b if b else math.nan
