"""Images with attributes: every change of one attribute, against exact counterparts where they are known."""

from collections.abc import Iterator, Mapping
from functools import partial

import torch
from torch import Tensor

from unpaired import images
from unpaired.attribute_translator import AttributeTranslator
from unpaired.data.labelled import LabelledImages, LabelledSet
from unpaired.data.labelling import target_names
from unpaired.data.labels import UNKNOWN, Attribute
from unpaired.evaluation.scoring import FEWEST, Case, HeldOut, Look, Part, Rows, look_at, rows_of
from unpaired.metrics.features import Extractor


class AttributesExam:
    """What labelled images ask (see `Exam`): of each data set every value of every attribute, of those that lack it."""

    def __init__(self, data: LabelledImages) -> None:
        self._data = data

    def cases(self, remains: Mapping[str, object], *, part: Part) -> list[Case]:
        """A case for each data set and value: "hair=blond", or "SET: hair=blond" of several sets.

        An attribute that a set does not label is asked for only where exact counterparts are known, of the images that are not
        their own.
        """
        (translator,) = remains.values()
        assert isinstance(translator, AttributeTranslator)
        return [case for one in self._data.sets for case in self._of_set(one, translator, part)]

    def look(self, remains: Mapping[str, object], *, part: Part, extractor: Extractor | None = None) -> Look:
        return look_at(self.cases(remains, part=part), extractor=extractor)

    @property
    def disjoint(self) -> bool:
        return min(len(one.test.pixels) for one in self._data.sets) >= FEWEST

    def _of_set(self, one: LabelledSet, translator: AttributeTranslator, part: Part) -> Iterator[Case]:
        rows = rows_of(one.test.pixels, part)
        values = torch.from_numpy(one.test.values[rows])
        for target, attribute, value in target_names(self._data.attributes):
            labelled, truths = attribute in one.known, one.truths.get(target)
            pixels, having = one.test.pixels[rows], (values[:, attribute] == value).numpy()
            if labelled:
                chosen = (values[:, attribute] != UNKNOWN).numpy() & ~having
            elif truths is None:
                continue
            else:
                chosen = (truths[rows] != pixels).reshape(len(pixels), -1).any(axis=1)
            if not chosen.any():
                continue
            own = values[torch.from_numpy(chosen)]
            test = HeldOut(
                images.to_tensor(pixels[chosen]),
                images.to_tensor(pixels[having]),
                None if truths is None else images.to_tensor(truths[rows][chosen]),
                [name for name, lacks in zip(one.test.names[rows], chosen, strict=True) if lacks],
            )
            within = f"{one.name}: " if len(self._data.sets) > 1 else ""
            yield Case(
                within + target,
                within + _others(self._data.attributes[attribute], value),
                target,
                test,
                answer=partial(_answer, translator, test.inputs, {attribute: value}, own),
                back=partial(_back, translator, attribute, own) if labelled else None,
                alike=True,
            )


def _others(attribute: Attribute, value: int) -> str:
    """What images without the value have, in words: "glasses=off", or "other hair" where that is one of several."""
    others = [other for other in attribute.values if other != attribute.values[value]]
    return f"{attribute.name}={others[0]}" if len(others) == 1 else f"other {attribute.name}"


def _answer(translator: AttributeTranslator, inputs: Tensor, settings: Mapping[int, int], values: Tensor, rows: Rows) -> Tensor:
    return translator.batch(inputs[rows], settings, values=values[rows])


def _back(translator: AttributeTranslator, attribute: int, values: Tensor, answers: Tensor, rows: Rows) -> Tensor:
    """To the values that the images had."""
    before = values[rows]
    again = torch.empty_like(answers)
    for value in before[:, attribute].unique().tolist():
        having = before[:, attribute] == value
        again[having] = translator.batch(answers[having], {attribute: value}, values=before[having])
    return again
