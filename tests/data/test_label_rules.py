"""What columns mean: yes and no, names, one of several, and attributes.toml."""

import numpy as np
import pytest

from unpaired.data.label_rules import Rule, interpret, read_rules
from unpaired.data.label_tables import classes_table, read_table
from unpaired.data.labels import Attribute
from unpaired.errors import ConfigError, DataError, DataWarning


def table(columns, header="hair"):
    """A table of one column (cells as a list), or of several (rows as a list of tuples)."""
    rows = [(cell,) if isinstance(cell, str) else cell for cell in columns]
    text = "\n".join(",".join(row) for row in [("file", *header.split(",")), *((f"{i}.png", *row) for i, row in enumerate(rows))])
    return read_table(text.encode(), where="attributes.csv")


def rules(text):
    return read_rules(text.encode(), where="attributes.toml")


def told(given, text=None, *, strict=False):
    return interpret(given, None if text is None else rules(text), where="attributes.toml", strict=strict)


@pytest.mark.parametrize("pair", ["-1 1", "0 1", "no yes", "off on", "false true", "No YES", "FALSE True"])
def test_yes_and_no_are_binary(pair):
    off, on = pair.split()
    attributes, values = told(table([on, off, "", on]))
    assert attributes == (Attribute(name="hair", values=("off", "on"), binary=True),)
    assert values.dtype == np.int64
    assert values.tolist() == [[1], [0], [-1], [1]]


def test_other_cells_are_values_in_natural_order():
    attributes, values = told(table(["img10", "img2", "", "Img1", "img10"]))
    assert attributes == (Attribute(name="hair", values=("Img1", "img2", "img10")),)
    assert values.tolist() == [[2], [1], [-1], [0], [2]]


def test_every_column_is_an_attribute():
    attributes, values = told(table([("a", "1", "x"), ("b", "0", "y")], "hair,glasses,style"))
    assert [attribute.name for attribute in attributes] == ["hair", "glasses", "style"]
    assert [attribute.binary for attribute in attributes] == [False, True, False]
    assert values.tolist() == [[0, 1, 0], [1, 0, 1]]


def test_a_column_may_have_64_values_and_not_65():
    names = [f"v{number}" for number in range(65)]
    assert len(told(table(names[:64]))[0][0].values) == 64
    with pytest.raises(
        DataError, match=r"'hair' has 65 different cells \(v0, .*\): too many .* wanted 2 to 64: name .* attributes.toml"
    ):
        told(table(names))
    with pytest.warns(DataWarning, match="63 rows"):
        assert told(table(names), '[hair]\nvalues = ["v0", "v64"]')[0][0].values == ("v0", "v64")


@pytest.mark.parametrize(("cells", "said"), [(["a", "a"], "says 'a' in every row"), (["", ""], "is empty in every row")])
def test_a_column_of_one_value_is_refused(cells, said):
    with pytest.raises(DataError, match=rf"column 'hair' {said}: nothing to learn"):
        told(table(cells))


def test_a_cell_that_is_no_yes_or_no_is_told_with_its_line():
    cells = ["yes", "no"] * 20
    cells[7] = cells[30] = "maybe"
    said = r"'hair' is no or yes in 38 rows and not in 2: line 9 \(7.png\) says 'maybe', line 32 \(30.png\) says 'maybe'; correct"
    with pytest.raises(DataError, match=said):
        told(table(cells))
    declared = '[hair]\nvalues = ["no", "maybe", "yes"]'
    assert told(table(cells), declared)[0] == (Attribute(name="hair", values=("no", "maybe", "yes")),)


def test_two_ways_of_saying_yes_are_not_mixed():
    with pytest.raises(DataError, match=r"is 0 or 1 in 3 rows and not in 1: line 3 \(1.png\) says '-1'"):
        told(table(["1", "-1", "0", "0"]))
    with pytest.raises(DataError, match="says 'on'"):
        told(table(["yes", "no", "on"]))
    assert told(table(["0", "1", "2"]))[0][0].values == ("0", "1", "2")


def test_classes_of_folders_and_arrays_are_never_yes_and_no():
    given = classes_table([("0/a.png", "0", False), ("1/a.png", "1", False), ("b.png", "", True)], where="set", split=True)
    attributes, values = told(given)
    assert attributes == (Attribute(name="class", values=("0", "1")),)
    assert values.tolist() == [[0], [1], [-1]]
    assert told(given, "[digit]")[0][0].name == "digit"


def test_rules_choose_columns_order_and_names():
    given = table([("dark", "1", "9"), ("blond", "-1", "8"), ("red", "1", "7")], "hair,Eyeglasses,id")
    attributes, values = told(given, '[glasses]\ncolumn = "Eyeglasses"\n[hair]\nvalues = ["red", "dark", "blond"]')
    assert attributes == (
        Attribute(name="glasses", values=("off", "on"), binary=True),
        Attribute(name="hair", values=("red", "dark", "blond")),
    )
    assert values.tolist() == [[1, 1], [0, 2], [1, 0]]


def test_declared_yes_and_no_are_values_of_their_own():
    attributes, values = told(table(["no", "yes"]), '[hair]\nvalues = ["yes", "no"]')
    assert attributes == (Attribute(name="hair", values=("yes", "no")),)
    assert values.tolist() == [[1], [0]]


def test_values_that_are_not_declared_are_unknown_and_told():
    given = table(["dark", "grey", "blond", "white"])
    with pytest.warns(
        DataWarning, match=r"says other things in 2 rows: line 3 \(1.png\) says 'grey', line 5 .*'white': .*unknown"
    ):
        attributes, values = told(given, '[hair]\nvalues = ["dark", "blond", "red"]')
    assert attributes[0].values == ("dark", "blond", "red")
    assert values.tolist() == [[0], [-1], [1], [-1]]
    with pytest.raises(DataError, match="Wanted declared values: grey, white; correct the cells or the values"):
        told(given, '[hair]\nvalues = ["dark", "blond"]', strict=True)


def test_slips_of_the_pen_are_errors():
    with pytest.raises(DataError, match=r"'Blond' \(not 'blond'\)"):
        told(table(["dark", "blond", "Blond"]), '[hair]\nvalues = ["dark", "blond"]')
    with pytest.raises(DataError, match=r"'blond' \(did you mean 'blnd'\?\)"):
        told(table(["dark", "blond"]), '[hair]\nvalues = ["dark", "blnd"]')


ONE_OF = '[colour]\none_of = ["Black", "Blond", "Brown"]\nvalues = ["black", "blond", "brown"]'


def test_several_yes_and_no_make_one_attribute():
    given = table(
        [("1", "-1", "-1"), ("-1", "", "1"), ("-1", "-1", "-1"), ("-1", "", "-1"), ("-1", "1", "-1")], "Black,Blond,Brown"
    )
    attributes, values = told(given, ONE_OF)
    assert attributes == (Attribute(name="colour", values=("black", "blond", "brown")),)
    assert values.tolist() == [[0], [2], [-1], [-1], [1]]
    assert told(given, ONE_OF.partition("values")[0])[0][0].values == ("Black", "Blond", "Brown")


def test_more_than_one_on_is_unknown_and_told():
    given = table([("1", "1", "0"), ("0", "1", "0"), ("0", "0", "1")], "Black,Blond,Brown")
    with pytest.warns(
        DataWarning, match=r"1 rows of attributes.csv have more than one of Black, Blond, Brown on: line 2 \(0.png\)"
    ):
        assert told(given, ONE_OF)[1].tolist() == [[-1], [1], [2]]


def test_one_of_wants_yes_and_no():
    given = table([("a", "1", "0"), ("b", "0", "1")], "Black,Blond,Brown")
    with pytest.raises(DataError, match=r"\[colour\]: column 'Black' says a, b; wanted a column of yes and no in one_of"):
        told(given, ONE_OF)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[hair", "attributes.toml is no TOML"),
        ("", "attributes.toml names no attribute"),
        ('hair = "hair"', r"hair is 'hair'; wanted a section \[hair\]"),
        ('[hair]\ncolum = "hair"', r"\[hair\] has no key 'colum' \(did you mean 'column'\?\); wanted column, one_of, values"),
        ('[hair]\ncolumn = "a"\none_of = ["a", "b"]', "has column and one_of"),
        ("[hair]\ncolumn = 3", "column is 3; wanted the name of a column"),
        ('[hair]\nvalues = ["a"]', r"values is \['a'\]; wanted two or more different names"),
        ('[hair]\nvalues = ["a", "a"]', "wanted two or more different names"),
        ("[hair]\nvalues = [0, 1]", "wanted two or more different names"),
        ('[hair]\none_of = "a"', "one_of is 'a'; wanted two or more different names"),
        ('[hair]\none_of = ["a", "b"]\nvalues = ["x", "y", "z"]', "2 columns in one_of and 3 values; wanted a name for each"),
    ],
)
def test_what_is_wrong_with_rules_is_told(text, said):
    with pytest.raises(ConfigError, match=said):
        rules(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[hair]\ncolumn = "hiar"',
            r"\[hair\]: attributes.csv has no column 'hiar' \(did you mean 'hair'\?\); its columns are hair, x",
        ),
        ("[shoes]", "has no column 'shoes'; its columns are hair, x"),
        ('[part]\ncolumn = "split"', "no column 'split' .which tells files and parts"),
        ('["a=b"]\ncolumn = "x"', "'a=b' is no attribute"),
        ('["a=b"]\ncolumn = "hair"', "'a=b' is no attribute: name: .*holds no '='"),
    ],
)
def test_columns_that_are_not_there_are_told(text, said):
    with pytest.raises(ConfigError, match=said):
        told(table([("a", "1"), ("b", "0")], "hair,x"), text)


def test_all_columns_are_looked_at_before_any_is_refused():
    with pytest.raises(DataError, match=r"column 'x' says 'a' in every row.*\n.*column 'z' is empty in every row"):
        told(table([("a", "1", ""), ("a", "0", "")], "x,y,z"))


def test_rules_are_what_was_written():
    assert rules('[hair]\ncolumn = "h"\nvalues = ["a", "b"]\n[c]\none_of = ["x", "y"]') == (
        Rule("hair", "h", (), ("a", "b")),
        Rule("c", None, ("x", "y"), None),
    )
