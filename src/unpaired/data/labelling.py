"""Between values of attributes and the numbers that networks see: StarGAN's label and mask vector (Choi et al. 2018, 3.2).

A label is [c_1 ... c_A], a part for each attribute: one number, 0 or 1, for a binary one, and one of each value (one-hot) for a
categorical one. Where several data sets know different attributes, the mask m = [m_1 ... m_S] follows, one-hot: it says whose
attributes the label speaks of; all other numbers are then 0.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from unpaired.data.labels import UNKNOWN, Attribute


class Labelling(NamedTuple):
    """attributes: of all data sets together; known: of each data set, the indices of the attributes that it labels; mask: whether
    a label says by a mask vector whose attributes it speaks of. One data set needs none.
    """

    attributes: tuple[Attribute, ...]
    known: tuple[tuple[int, ...], ...]
    mask: bool = True

    @property
    def numbers(self) -> int:
        """Of the attributes' part of a label: what a discriminator answers with."""
        return sum(width(attribute) for attribute in self.attributes)

    @property
    def length(self) -> int:
        """Of a whole label, the mask with it: what a generator is shown."""
        return self.numbers + (len(self.known) if self._masked else 0)

    @property
    def _masked(self) -> bool:
        return self.mask and len(self.known) > 1

    def parts(self) -> Iterator[tuple[Attribute, slice]]:
        """Each attribute with its place in a label."""
        start = 0
        for attribute in self.attributes:
            yield attribute, slice(start, start + width(attribute))
            start += width(attribute)

    def encode(self, values: Tensor, *, origin: Tensor) -> Tensor:
        """The label of images whose attributes have these values, as data set `origin` speaks of them.

        values: [N, A], the index of each value, -1 where it is not known; origin: [N]. [N, length], float32. Numbers of what is
        not known, or not labelled by the data set, are 0.
        """
        spoken = torch.zeros(len(self.known), len(self.attributes), dtype=torch.bool, device=values.device)
        for row, known in enumerate(self.known):
            spoken[row, list(known)] = True
        values = torch.where(spoken[origin], values, UNKNOWN)
        parts = [_one_hot(values[:, index], attribute) for index, attribute in enumerate(self.attributes)]
        if self._masked:
            parts.append(F.one_hot(origin, len(self.known)).float())
        return torch.cat(parts, dim=1)

    def loss(self, answers: Tensor, values: Tensor) -> Tensor:
        """-E log D_cls(c | x) over what is known (equations 2 and 3; section 3.2 for several data sets).

        answers: [N, numbers], a discriminator's; values: [N, A]. A sum over attributes: of binary ones the cross-entropy of their
        sigmoid, of categorical ones that of their softmax, each a mean over the images that know it. 0 where nothing is known.
        """
        total = answers.new_zeros(())
        for index, (attribute, part) in enumerate(self.parts()):
            known = values[:, index] != UNKNOWN
            # No look at how many are known: that would make the processor wait for the device in each step.
            target, answer = values[:, index].clamp_min(0), answers[:, part]
            if attribute.binary:
                each = F.binary_cross_entropy_with_logits(answer[:, 0], target.to(answer.dtype), reduction="none")
            else:
                each = F.cross_entropy(answer, target, reduction="none")
            total = total + torch.where(known, each, 0.0).sum() / known.sum().clamp_min(1)
        return total

    def read(self, answers: Tensor) -> Tensor:
        """The likeliest value of each attribute: a discriminator's [N, numbers] -> [N, A], int64."""
        columns = [
            (answers[:, part.start] > 0).long() if attribute.binary else answers[:, part].argmax(dim=1)
            for attribute, part in self.parts()
        ]
        return torch.stack(columns, dim=1)

    def stages(self, settings: Mapping[int, int]) -> list[tuple[int, dict[int, int]]]:
        """The settings (attribute: value) in portions that one data set each can speak of: (data set, its settings).

        The data set that speaks of most goes first, so that one pass does what one pass can.
        """
        left, stages = dict(settings), []
        while left:
            covered = [[a for a in known if a in left] for known in self.known]
            best = max(range(len(covered)), key=lambda row: len(covered[row]))
            stages.append((best, {a: left.pop(a) for a in covered[best]}))
        return stages


def width(attribute: Attribute) -> int:
    """Numbers of an attribute in a label."""
    return 1 if attribute.binary else len(attribute.values)


def _one_hot(values: Tensor, attribute: Attribute) -> Tensor:
    """[N] -> [N, width]; rows of unknown values are 0."""
    if attribute.binary:
        return (values == 1).float()[:, None]
    return (values[:, None] == torch.arange(len(attribute.values), device=values.device)).float()


def with_settings(values: Tensor, settings: Mapping[int, int]) -> Tensor:
    """Values [N, A] with some attributes set alike for all."""
    values = values.clone()
    for attribute, value in settings.items():
        values[:, attribute] = value
    return values


def target_names(attributes: Sequence[Attribute]) -> Iterator[tuple[str, int, int]]:
    """Every value that an attribute can be changed to: ("hair=blond", attribute, value)."""
    for index, attribute in enumerate(attributes):
        for value, name in enumerate(attribute.values):
            yield f"{attribute.name}={name}", index, value
