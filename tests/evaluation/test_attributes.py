"""Which images are asked for which change, and what it is held against: by hand, by a translator that notes what it is asked."""

import numpy as np
import pytest
import torch

from unpaired import evaluation
from unpaired.data.labelled import LabelledImages, LabelledPart, LabelledSet
from unpaired.data.labels import UNKNOWN, Attribute
from unpaired.evaluation.attributes import AttributesExam
from unpaired.evaluation.scoring import shown

HAIR = Attribute(name="hair", values=("dark", "blond", "red"))
GLASSES = Attribute(name="glasses", values=("off", "on"), binary=True)
SIZE = 12


class Painter:
    """Paints images in a grey of the attribute's value, 0, 0.1 or 0.2; the others' values are noted."""

    def __init__(self):
        self.asked = []

    def batch(self, x, settings, *, values=None):
        ((attribute, value),) = settings.items()
        self.asked.append((attribute, value, values.tolist()))
        return torch.full_like(x, value / 10)


@pytest.fixture(autouse=True)
def a_painter_is_a_translator(monkeypatch):
    monkeypatch.setattr("unpaired.evaluation.attributes.AttributeTranslator", Painter)


def part(values, *, first=0, origin=0):
    """Images whose levels are `first`, `first` + 1, ..."""
    levels = np.arange(first, first + len(values), dtype=np.uint8)
    pixels = np.broadcast_to(levels[:, None, None, None], (len(values), SIZE, SIZE, 3)).copy()
    return LabelledPart(pixels, np.array(values, np.int64), tuple(f"{level}.png" for level in levels), origin)


def data(values, *, known=(0, 1), truths=None, more=()):
    one = LabelledSet("faces", part(values), part(values), known, truths or {})
    return LabelledImages((HAIR, GLASSES), (one, *more), size=(SIZE, SIZE))


VALUES = [[0, 0], [1, 0], [2, 1], [0, 1], [UNKNOWN, 1], [1, UNKNOWN]]
"""Hair and glasses of six images, too few to keep some for validation."""


def cases(images, part="test"):
    painter = Painter()
    return painter, {case.name: case for case in AttributesExam(images).cases({"attributes": painter}, part=part)}


def levels(x):
    return ((x[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()


def test_those_that_lack_a_value_are_asked_and_those_that_have_it_are_the_target():
    _, found = cases(data(VALUES))
    assert {name: (levels(case.test.inputs), levels(case.test.targets)) for name, case in found.items()} == {
        "hair=dark": ([1, 2, 5], [0, 3]),
        "hair=blond": ([0, 2, 3], [1, 5]),
        "hair=red": ([0, 1, 3, 5], [2]),
        "glasses=off": ([2, 3, 4], [0, 1]),
        "glasses=on": ([0, 1], [2, 3, 4]),
    }
    assert [(case.source, case.target) for case in found.values()] == [
        ("other hair", "hair=dark"), ("other hair", "hair=blond"), ("other hair", "hair=red"),
        ("glasses=on", "glasses=off"), ("glasses=off", "glasses=on"),
    ]  # fmt: skip
    assert found["hair=red"].test.names == ["0.png", "1.png", "3.png", "5.png"]
    assert all(case.test.truths is None and case.alike for case in found.values())


def test_answers_and_the_way_back():
    """Answers are asked for with the labels that are known; back go those of each value together."""
    painter, found = cases(data(VALUES))
    case = found["hair=red"]
    answers = case.answer(slice(1, 4))
    assert painter.asked.pop() == (0, 2, [[1, 0], [0, 1], [1, UNKNOWN]])
    torch.testing.assert_close(answers, torch.full((3, 3, SIZE, SIZE), 0.2))
    back = case.back(answers, slice(1, 4))
    assert painter.asked == [(0, 0, [[0, 1]]), (0, 1, [[1, 0], [1, UNKNOWN]])]
    torch.testing.assert_close(back[:, 0, 0, 0], torch.tensor([0.1, 0.0, 0.1]))


def test_truths_are_those_of_the_images_that_are_asked():
    truths = {"hair=red": part([[0, 0]] * 6, first=100).pixels}
    _, found = cases(data(VALUES, truths=truths))
    assert levels(found["hair=red"].test.truths) == [100, 101, 103, 105]
    assert found["hair=dark"].test.truths is None


def test_hidden_attributes_are_asked_for_where_their_truths_are_known():
    """The set tells no glasses; the second and the last image are their own counterparts: they have them already."""
    hidden = [[hair, UNKNOWN] for hair, _ in VALUES]
    truth = part(hidden, first=100).pixels.copy()
    truth[[1, 5]] = part(hidden).pixels[[1, 5]]
    painter, found = cases(data(hidden, known=(0,), truths={"glasses=on": truth}))
    assert "glasses=off" not in found
    case = found["glasses=on"]
    assert levels(case.test.inputs) == [0, 2, 3, 4]
    assert levels(case.test.truths) == [100, 102, 103, 104]
    assert len(case.test.targets) == 0
    assert case.back is None
    scores = evaluation.evaluate([case])["glasses=on"]
    assert painter.asked == [(1, 1, [[0, UNKNOWN], [2, UNKNOWN], [0, UNKNOWN], [UNKNOWN, UNKNOWN]])]
    error = np.mean([1.1 * 127.5 - truth for truth in (100, 102, 103, 104)]) / 255
    assert scores["translated"]["error"] == pytest.approx(error, rel=1e-3)
    assert not {"swd", "reconstruction"} & scores["translated"].keys()


def test_each_of_several_sets_is_asked():
    moods = LabelledSet("moods", part([[UNKNOWN, 1]], first=50, origin=1), part([[UNKNOWN, 1]], first=50, origin=1), (1,))
    _, found = cases(data(VALUES, known=(0,), more=(moods,)))
    assert list(found) == ["faces: hair=dark", "faces: hair=blond", "faces: hair=red", "moods: glasses=off"]
    assert (found["moods: glasses=off"].source, found["moods: glasses=off"].target) == ("moods: glasses=on", "glasses=off")
    assert levels(found["moods: glasses=off"].test.inputs) == [50]


def test_validation_and_test_images_differ_where_there_are_enough():
    images = data([[index % 3, index % 2] for index in range(16)])
    assert AttributesExam(images).disjoint
    assert not AttributesExam(data(VALUES)).disjoint
    seen = {name: levels(cases(images, name)[1]["glasses=on"].test.inputs) for name in ("validation", "test")}
    assert seen == {"validation": [0, 2], "test": [4, 6, 8, 10, 12, 14]}


def test_a_sheet_shows_all_cases_however_few_images_they_have(tmp_path):
    truths = {"glasses=on": part(VALUES, first=100).pixels}
    rows = shown(cases(data(VALUES, truths=truths))[1].values())
    assert [(caption, len(x)) for caption, x in rows] == [
        ("other hair", 3), ("to hair=dark", 3), ("other hair", 3), ("to hair=blond", 3), ("other hair", 4), ("to hair=red", 4),
        ("glasses=on", 3), ("to glasses=off", 3), ("glasses=off", 2), ("to glasses=on", 2), ("truth", 2),
    ]  # fmt: skip
    evaluation.draw(rows, path=tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").exists()


def test_exams_are_told_apart():
    assert isinstance(evaluation.exam_of(data(VALUES)), AttributesExam)
