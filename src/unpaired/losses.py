"""Losses: adversarial pairs and distances. Each class is typed options and its own equation.

Scores are a discriminator's raw outputs (before any sigmoid), of any shape. Every method returns a scalar.
torch is imported where it is used: the command line reads these classes to offer them, and must answer at once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat

from unpaired.config import options
from unpaired.errors import ShapeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


@options
class NonSaturating:
    """-log D(fake) for the generator, cross-entropy for the discriminator (Goodfellow et al. 2014, section 3)."""

    kind: Literal["non_saturating"] = "non_saturating"
    chance: ClassVar[float] = 2 * math.log(2)  # the discriminator's loss where it answers 1/2 to everything

    def generator(self, fake: Tensor) -> Tensor:
        """-E log sigmoid(fake)."""
        from torch.nn.functional import softplus

        return softplus(-fake).mean()

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """-E log sigmoid(real) - E log(1 - sigmoid(fake))."""
        from torch.nn.functional import softplus

        return softplus(-real).mean() + softplus(fake).mean()


@options
class MinMax:
    """The original game (Goodfellow et al. 2014, equation 1): the generator minimises what the discriminator maximises."""

    kind: Literal["min_max"] = "min_max"
    chance: ClassVar[float] = 2 * math.log(2)

    def generator(self, fake: Tensor) -> Tensor:
        """E log(1 - sigmoid(fake))."""
        from torch.nn.functional import softplus

        return -softplus(fake).mean()

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """-E log sigmoid(real) - E log(1 - sigmoid(fake))."""
        return NonSaturating().discriminator(real, fake)


@options
class LeastSquares:
    """Squared distance to the labels 1 and 0 (Mao et al. 2017; CycleGAN, section 4)."""

    kind: Literal["least_squares"] = "least_squares"
    chance: ClassVar[float] = 0.5

    def generator(self, fake: Tensor) -> Tensor:
        """E (fake - 1)^2."""
        return (fake - 1).square().mean()

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """E (real - 1)^2 + E fake^2."""
        return (real - 1).square().mean() + fake.square().mean()


@options
class Wasserstein:
    """The Wasserstein distance's critic, held to slopes of 1 by a gradient penalty (Gulrajani et al. 2017; StarGAN, eq. 8).

    There is no loss at chance: the critic's scores have no scale of their own.
    """

    kind: Literal["wasserstein"] = "wasserstein"
    penalty: NonNegativeFloat = 10.0
    """Weight of the gradient penalty."""

    def generator(self, fake: Tensor) -> Tensor:
        """-E fake."""
        return -fake.mean()

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """-E real + E fake."""
        return fake.mean() - real.mean()


@options
class NoPenalty:
    """The discriminator may be as steep as it likes."""

    kind: Literal["none"] = "none"


@options
class R1:
    """A gradient penalty about zero, on real samples alone (Mescheder et al. 2018, section 4.1): the discriminator is to be flat
    where the data are, and may be steep elsewhere.

    It makes training converge near a solution, and helps against mode collapse.
    """

    kind: Literal["r1"] = "r1"
    weight: PositiveFloat = 10.0
    """gamma, of which the penalty has half: 10 in the paper's experiments with images."""

    def __call__(self, slopes: Tensor) -> Tensor:
        """gamma / 2 E |slope|_2^2; slopes: [N, ...], the gradient of each real sample's score with respect to it."""
        return self.weight / 2 * slopes.flatten(1).float().square().sum(dim=1).mean()


@options
class L1:
    """Mean absolute difference."""

    kind: Literal["l1"] = "l1"

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """E |x - y|."""
        return (x - y).abs().mean()


@options
class L2:
    """Mean squared difference."""

    kind: Literal["l2"] = "l2"

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """E (x - y)^2."""
        return (x - y).square().mean()


@options
class Huber:
    """Quadratic up to delta, linear beyond: E d^2/2 where |d| <= delta, else delta (|d| - delta/2)."""

    kind: Literal["huber"] = "huber"
    delta: PositiveFloat = 1.0

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """The mean over all elements."""
        from torch.nn.functional import huber_loss

        return huber_loss(x, y, delta=self.delta)


Adversarial = Annotated[NonSaturating | LeastSquares | MinMax, Field(discriminator="kind")]
Critical = Annotated[Wasserstein | MinMax | NonSaturating | LeastSquares, Field(discriminator="kind")]
"""For games whose discriminator's slopes can be held to 1."""
Penalty = Annotated[NoPenalty | R1, Field(discriminator="kind")]
"""On a discriminator's slopes, besides that of a Wasserstein critic."""
Distance = Annotated[L1 | L2 | Huber, Field(discriminator="kind")]


def feature_matching(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """Sum over layers of E (E_batch real - E_batch fake)^2 (Salimans et al. 2016, section 3.1, as in DiscoGAN's code).

    real, fake: a discriminator's activations, one [N, ...] tensor for each layer. ShapeError where there are none.
    """
    if not real:
        raise ShapeError("feature matching found no inner layers in the discriminator; use a deeper one")
    differences = (r.mean(0) - f.mean(0) for r, f in zip(real, fake, strict=True))
    return sum((difference.square().mean() for difference in differences), start=real[0].new_zeros(()))


def class_loss(scores: Tensor, classes: Tensor) -> Tensor:
    """-E log softmax(scores)[class] over the samples whose class is known; 0 where none is.

    scores: [N, K]; classes: int64 [N], -1 where a class is not known.
    """
    from torch.nn.functional import cross_entropy

    # No look at how many are known: that would make the processor wait for the device in each step.
    total = cross_entropy(scores, classes, ignore_index=-1, reduction="sum")
    return total / (classes != -1).sum().clamp_min(1)


def pixel_loss(scores: Tensor, labels: Tensor, *, weights: Tensor, void: int) -> Tensor:
    """The mean of -log softmax(scores)[label] over all pixels that have a label, weighted by its class; 0 where none has.

    scores: [N, K, H, W]; labels: int64 [N, H, W], `void` where there is none; weights: [K].
    """
    from torch.nn.functional import cross_entropy

    total = cross_entropy(scores, labels, weight=weights, ignore_index=void, reduction="sum")
    told = labels != void
    return total / (weights[labels.where(told, 0)] * told).sum().clamp_min(1e-8)


def slope_penalty(slopes: Tensor) -> Tensor:
    """E (|slope|_2 - 1)^2 (Gulrajani et al. 2017, equation 3).

    slopes: [N, ...], the gradient of each sample's score with respect to it.
    """
    return (slopes.flatten(1).float().norm(dim=1) - 1).square().mean()
