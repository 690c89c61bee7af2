"""One attribute in several sets, and labels that nobody could learn from."""

import numpy as np
import pytest

from unpaired.data.label_review import SetLabels, review, unify
from unpaired.data.labels import Attribute
from unpaired.errors import DataError

HAIR = Attribute(name="hair", values=("dark", "blond", "red"))
GLASSES = Attribute(name="glasses", values=("off", "on"), binary=True)
YOUNG = Attribute(name="young", values=("off", "on"), binary=True)


def numbers(*rows):
    return np.array(rows, np.int64)


def one(name, train, known=None, test=()):
    train = numbers(*train)
    known = tuple(range(train.shape[1])) if known is None else known
    return SetLabels(name, known, train, numbers(*test).reshape(-1, train.shape[1]))


def test_an_attribute_of_two_sets_is_one():
    other = Attribute(name="hair", values=("red", "dark", "blond"))
    attributes, values = unify(
        {"a": ((GLASSES, HAIR), numbers([0, 2], [1, -1])), "b": ((other, YOUNG), numbers([0, 1], [1, -1], [2, 0]))}
    )
    assert attributes == (GLASSES, HAIR, YOUNG)
    assert values["a"].tolist() == [[0, 2, -1], [1, -1, -1]]
    assert values["b"].tolist() == [[-1, 2, 1], [-1, 0, -1], [-1, 1, 0]]


@pytest.mark.parametrize(
    "other", [Attribute(name="hair", values=("dark", "blond")), Attribute(name="hair", values=("off", "on"), binary=True)]
)
def test_sets_that_disagree_on_values_are_refused(other):
    with pytest.raises(
        DataError, match=r"'hair' is dark, blond, red in a and (dark, blond|off, on) in b; wanted the same values"
    ):
        unify({"a": ((HAIR,), numbers([0])), "b": ((other,), numbers([0]))})


def test_a_word_is_not_a_yes():
    words = Attribute(name="young", values=("off", "on"))
    with pytest.raises(DataError, match="'young' is off, on in a and off, on in b"):
        unify({"a": ((YOUNG,), numbers([0])), "b": ((words,), numbers([0]))})


def test_sound_labels_have_no_problems():
    sound = one("a", [(0, 1), (1, 0), (2, 0), (0, 0), (-1, -1)])
    assert review((HAIR, GLASSES), [sound]) == ((), ())


def test_what_is_constant_or_told_by_nobody_is_refused():
    errors, _ = review((HAIR, GLASSES, YOUNG), [one("a", [(0, 1, -1), (1, 1, -1), (2, -1, -1)], test=[(0, 0, 1)])])
    assert len(errors) == 2
    assert "so nothing to learn: glasses is 'on' in all 2; add images that differ, or name the attributes" in errors[0]
    assert "told by no training image: young" in errors[1]


def test_a_value_without_images_is_told():
    assert review((HAIR,), [one("a", [(0,), (1,)])]) == (
        (), ("hair: no training image is red: nobody can learn what that looks like",),
    )  # fmt: skip


def test_what_is_constant_in_one_set_only_is_told():
    errors, warnings = review((HAIR, GLASSES), [one("a", [(0, 0), (1, 1), (2, 0)]), one("b", [(0, -1), (0, -1)], known=(0,))])
    assert errors == ()
    assert len(warnings) == 1
    assert warnings[0].startswith("b: hair is 'dark' in all training images of this set: it tells the sets apart")


def test_a_set_without_any_label_is_refused():
    errors, _ = review((YOUNG,), [one("a", [(0,), (1,)]), one("b", [(-1,), (-1,)])])
    assert errors == ("b: no training image tells any attribute",)


@pytest.mark.parametrize(
    ("columns", "twins"),
    [
        ([(0, 1, 1, 0), (0, 1, 1, 0), (0, 0, 1, 1)], ["a0 and a1"]),
        ([(0, 1, 1, 0), (1, 0, 0, 1), (0, 0, 1, 1)], ["a0 and a1"]),  # each other's opposite
        ([(0, 1, -1, 0), (1, 0, -1, 1), (0, 1, 1, 0)], ["a0 and a1"]),  # unknown where the other is
        ([(0, 1, 1, 0)] * 3, ["a0 and a1 and a2"]),
        ([(0, 1, 1, 0), (0, 1, 0, 1), (0, 0, 1, 1)], []),
        ([(0, 1, 1, -1), (0, 1, 1, 0), (0, 0, 1, 1)], []),
    ],
)
def test_attributes_that_say_the_same_are_told(columns, twins):
    attributes = tuple(Attribute(name=f"a{i}", values=("off", "on"), binary=True) for i in range(len(columns)))
    errors, warnings = review(attributes, [one("set", list(zip(*columns, strict=True)))])
    assert errors == ()
    assert [warning.removeprefix("set: ").partition(" say the same of every")[0] for warning in warnings] == twins
