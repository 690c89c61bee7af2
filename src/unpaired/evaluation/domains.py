"""Two domains: translators of one or both directions, against hidden partners where there are any, else against the domain."""

from collections.abc import Mapping
from functools import partial

from torch import Tensor

from unpaired import images
from unpaired.data.batches import Domains
from unpaired.evaluation.scoring import FEWEST, Case, HeldOut, Look, Part, Rows, look_at, rows_of
from unpaired.images import Pixels
from unpaired.metrics.features import Extractor
from unpaired.translator import Translator

BACK = {"a_to_b": "b_to_a", "b_to_a": "a_to_b"}


class DomainsExam:
    """What two domains ask (see `Exam`): each direction that there is a translator for."""

    def __init__(self, data: Domains) -> None:
        self._data = data

    def cases(self, remains: Mapping[str, object], *, part: Part) -> list[Case]:
        """A case for each direction with held-out images of both domains."""
        cases = []
        for direction, translator in remains.items():
            assert isinstance(translator, Translator)
            test, back = held_out(self._data, direction, part=part), remains.get(BACK[direction])
            if not (len(test.inputs) and len(test.targets)):
                continue
            source, target = self._data.domains if direction == "a_to_b" else self._data.domains[::-1]
            cases.append(
                Case(
                    direction,
                    source,
                    target,
                    test,
                    answer=partial(_answer, translator, test.inputs),
                    back=partial(_back, back) if isinstance(back, Translator) else None,
                    alike=translator.source == translator.target,
                )
            )
        return cases

    def look(self, remains: Mapping[str, object], *, part: Part, extractor: Extractor | None = None) -> Look:
        return look_at(self.cases(remains, part=part), extractor=extractor)

    @property
    def disjoint(self) -> bool:
        return min(len(self._data.test_a), len(self._data.test_b)) >= FEWEST


def held_out(data: Domains, direction: str, *, part: Part) -> HeldOut:
    """The held-out images of a direction (see `rows_of`)."""
    if direction == "b_to_a":
        return held_out(data.swapped(), "a_to_b", part=part)

    def of(pixels: Pixels) -> Tensor:
        return images.to_tensor(pixels[rows_of(pixels, part)])

    names = data.names.get("test_a", ())[rows_of(data.test_a, part)]
    return HeldOut(of(data.test_a), of(data.test_b), None if data.truth_b is None else of(data.truth_b), names)


def _answer(translator: Translator, inputs: Tensor, rows: Rows) -> Tensor:
    return translator.batch(inputs[rows])


def _back(translator: Translator, answers: Tensor, rows: Rows) -> Tensor:
    return translator.batch(answers)
