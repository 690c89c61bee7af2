"""Attributes, and how a person writes their values."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from unpaired import config
from unpaired.data.labels import UNKNOWN, Attribute, few, find_value, parse_setting
from unpaired.errors import ConfigError, meant

HAIR = Attribute(name="hair", values=("dark", "brown", "blond"))
GLASSES = Attribute(name="glasses", values=("off", "on"), binary=True)


def test_nothing_heavy_is_loaded():
    code = "import sys; import unpaired.data.labels; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_attribute_goes_to_json_and_back():
    for attribute in (HAIR, GLASSES):
        assert config.from_dict(Attribute, config.to_dict(attribute)) == attribute
    assert UNKNOWN == -1


@pytest.mark.parametrize("values", [("one",), ("same", "same"), ("a", " "), ()])
def test_an_attribute_has_two_different_values(values):
    with pytest.raises(ValidationError, match="two values or more, all different and none of them empty"):
        Attribute(name="hair", values=values)


@pytest.mark.parametrize("name", ["", " ", "a=b"])
def test_an_attribute_has_a_name_that_can_be_set(name):
    with pytest.raises(ValidationError, match="not empty and holds no '='"):
        Attribute(name=name, values=("a", "b"))


def test_a_binary_attribute_is_off_or_on():
    with pytest.raises(ConfigError, match=r"binary attribute 'glasses' has the values no, yes; wanted off, on"):
        Attribute(name="glasses", values=("no", "yes"), binary=True)


def test_a_setting_is_a_name_and_a_value():
    assert parse_setting("hair=blond") == ("hair", "blond")
    assert parse_setting(" hair = light = blond ") == ("hair", "light = blond")
    for text in ("hair", "hair=", "=blond", "", "="):
        with pytest.raises(ConfigError, match=r"is no setting of an attribute; wanted NAME=VALUE, such as hair=blond"):
            parse_setting(text)


def test_values_are_found_whatever_their_case():
    assert find_value([GLASSES, HAIR], "hair", "blond") == (1, 2)
    assert find_value([GLASSES, HAIR], "Hair", "BLOND") == (1, 2)
    upper = Attribute(name="letter", values=("a", "A", "b"))
    assert [find_value([upper], "letter", value)[1] for value in ("a", "A", "B")] == [0, 1, 2]


@pytest.mark.parametrize(
    ("words", "value"), [(("on", "yes", "true", "1", "On", "YES"), 1), (("off", "no", "false", "0", "-1", "False"), 0)]
)
def test_a_binary_attribute_takes_every_yes_and_no(words, value):
    assert {find_value([HAIR, GLASSES], "glasses", word) for word in words} == {(1, value)}


def test_only_a_binary_attribute_does():
    digit = Attribute(name="digit", values=("1", "0"))
    assert find_value([digit], "digit", "1") == (0, 0)
    with pytest.raises(ConfigError, match="digit has no value 'yes'; wanted one of: 1, 0"):
        find_value([digit], "digit", "yes")


def test_what_is_not_there_is_told_with_what_may_be_meant():
    with pytest.raises(ConfigError, match=r"no attribute 'hiar' \(did you mean 'hair'\?\); wanted one of: hair, glasses"):
        find_value([HAIR, GLASSES], "hiar", "blond")
    with pytest.raises(
        ConfigError, match=r"hair has no value 'blonde' \(did you mean 'blond'\?\); wanted one of: dark, brown, blond"
    ):
        find_value([HAIR, GLASSES], "hair", "blonde")
    with pytest.raises(ConfigError, match=r"glasses has no value 'maybe'; wanted one of: off, on"):
        find_value([HAIR, GLASSES], "glasses", "maybe")
    with pytest.raises(ConfigError, match=r"no attribute 'x'; wanted one of: \(there are none\)"):
        find_value([], "x", "y")


def test_hints_and_lists():
    assert meant("BLNOD", ["Blond", "dark"]) == " (did you mean 'Blond'?)"
    assert meant("qqq", ["Blond", "dark"]) == ""
    assert few(["a", "b"]) == "a, b"
    assert few(list("abcdefg")) == "a, b, c, d, e and 2 more"
    assert few(["a"], of=4) == "a and 3 more"
