"""What experiments with labelled faces share, on a few painted faces and a judge that reads them exactly."""

import numpy as np
import pytest
import torch

from unpaired.data.labelled import LabelledPart, LabelledSet
from unpaired.data.labels import UNKNOWN, Attribute
from unpaired.experiments import attributes as asked
from unpaired.experiments.attributes import Question

HAIR, GLASSES = Attribute(name="hair", values=("dark", "blond", "red")), Attribute(name="glasses", values=("off", "on"))


def painted(values):
    """[N, 8, 8, 3]: the upper half as bright as the hair's index says, the lower half as the glasses'; red tells who it is."""
    pixels = np.zeros((len(values), 8, 8, 3), np.uint8)
    for row, (hair, glasses) in enumerate(values):
        pixels[row, :4, :, 1] = 100 * hair
        pixels[row, 4:, :, 2] = 100 * glasses
        pixels[row, :, :, 0] = 40 * row
    return pixels


class Reader:
    """Reads hair and glasses from painted faces."""

    def values(self, x):
        levels = (x + 1) * 127.5
        return torch.stack([(levels[:, 1, 0, 0] / 100).round().long(), (levels[:, 2, 7, 7] / 100).round().long()], dim=1)


VALUES = [[0, 0], [1, 1], [2, 0], [1, 0]]


@pytest.fixture
def one():
    """A set of four test faces (too few to set some apart for validation)."""
    values = np.array(VALUES, np.int64)
    part = LabelledPart(painted(VALUES), values, ("a.png", "b.png", "c.png", "d.png"), 0)
    truths = {}
    for index, attribute in enumerate((HAIR, GLASSES)):
        for place, value in enumerate(attribute.values):
            changed = values.copy()
            changed[:, index] = place
            truths[f"{attribute.name}={value}"] = painted(changed.tolist())
    return LabelledSet("faces", part, part, (0, 1), truths)


@pytest.fixture
def questions(one):
    return asked.singles(one, (HAIR, GLASSES), torch.tensor(VALUES))


def test_each_value_is_asked_of_those_that_lack_it(questions):
    assert {name: len(question.faces) for name, question in questions.items()} == {
        "hair=dark": 3, "hair=blond": 2, "hair=red": 3, "glasses=off": 1, "glasses=on": 3,
    }  # fmt: skip
    blond = questions["hair=blond"]
    assert blond.values.tolist() == [[0, 0], [2, 0]]
    assert blond.wanted.tolist() == [[1, UNKNOWN], [1, UNKNOWN]]
    assert Reader().values(blond.truths).tolist() == [[1, 0], [1, 0]]


def test_exact_counterparts_score_best_and_doing_nothing_takes_nothing(questions):
    judge = Reader()
    assert all(row == {"taken": 1.0, "kept": 1.0} for row in asked.truth(questions, judge).values())
    found = asked.answered(asked.nothing, questions, judge)
    assert {(row["taken"], row["kept"]) for row in found.values()} == {(0.0, 1.0)}
    # On: blue rises by 100 of 255 in half of the pixels, of one of three channels.
    assert found["glasses=on"]["error"] == pytest.approx(100 / 255 / 2 / 3, abs=1e-6)
    assert found["glasses=on"]["error where to keep"] == 0
    assert asked.mean_of(found, "error", of="glasses") == pytest.approx(100 / 255 / 6, abs=1e-6)


def test_what_changed_unasked_is_not_kept():
    faces = torch.from_numpy(painted([[0, 0], [0, 0]])).movedim(3, 1) / 127.5 - 1
    truths = torch.from_numpy(painted([[1, 0], [1, 0]])).movedim(3, 1) / 127.5 - 1
    answer = torch.from_numpy(painted([[1, 1], [1, 0]])).movedim(3, 1) / 127.5 - 1
    wanted = torch.tensor([[1, UNKNOWN], [1, UNKNOWN]])
    row = asked.score(answer, Question(faces, torch.zeros(2, 2, dtype=torch.long), wanted, truths), Reader())
    assert (row["taken"], row["kept"]) == (1.0, 0.5)
    unknown = torch.tensor([[0, UNKNOWN], [0, UNKNOWN]])  # nobody told what it was: nothing to keep
    assert asked.score(answer, Question(faces, unknown, wanted, truths), Reader())["kept"] == 1.0


def test_equal_wishes_are_answered_together():
    wanted = torch.tensor([[1, -1], [0, 1], [1, -1]])
    found = {row: places.tolist() for row, places in asked.settings_of(wanted).items()}
    assert found == {(1, -1): [0, 2], (0, 1): [1]}
    assert asked.wanted_settings((1, UNKNOWN)) == {0: 1}
    assert asked.wanted_settings((UNKNOWN, 0)) == {1: 0}
