"""Tables of labels: what is read, and what each wrong line is told."""

import pytest

from unpaired.data.label_tables import read_table
from unpaired.errors import DataError


def read(text, name="attributes.csv"):
    return read_table(text.encode() if isinstance(text, str) else text, where=name)


def cells(table):
    return [[table.word(row, column) for column in range(len(table.columns))] for row in range(len(table.files))]


CELEBA = "3\nEyeglasses Male Young\n1.jpg -1  1  1\n2.jpg  1 -1 -1\n3.jpg  1  1 -1\n"


def test_a_csv_is_read_with_its_lines():
    table = read('file,hair,glasses\n\na/1.png, blond ,1\n"a,2.png","dark ""x""",\n3.png,,0\n')
    assert (table.kind, table.columns) == ("csv", ("hair", "glasses"))
    assert table.files == ("a/1.png", "a,2.png", "3.png")
    assert table.lines == (3, 4, 5)
    assert cells(table) == [["blond", "1"], ['dark "x"', ""], ["", "0"]]
    assert table.tests is None


def test_excel_and_windows_may_have_written_it():
    table = read(b"\xef\xbb\xbffile,hair\r\n1.png,dark\r\n2.png,blond\r\n")
    assert (table.columns, table.files) == (("hair",), ("1.png", "2.png"))


def test_the_file_may_stand_anywhere_by_name_and_else_first():
    assert read("hair,file\ndark,1.png\n").files == ("1.png",)
    assert read("image_id,hair\n1.png,dark\n").files == ("1.png",)
    assert read("image_id,hair\n1.png,dark\n").columns == ("hair",)


def test_a_column_says_what_is_held_out():
    table = read("file,split,hair\n1,train,a\n2,TEST,b\n3,val,a\n4,,b\n")
    assert table.columns == ("hair",)
    assert table.tests.tolist() == [False, True, False, False]
    assert read("file,split,hair\n1,train,a\n2,train,b\n").tests is None


def test_celebas_text_file_is_read():
    table = read(CELEBA, "list_attr_celeba.txt")
    assert (table.kind, table.columns) == ("celeba", ("Eyeglasses", "Male", "Young"))
    assert (table.files, table.lines) == (("1.jpg", "2.jpg", "3.jpg"), (3, 4, 5))
    assert cells(table) == [["-1", "1", "1"], ["1", "-1", "-1"], ["1", "1", "-1"]]
    assert table.listed([0, 2], column=1) == "line 3 (1.jpg) says '1', line 5 (3.jpg) says '1'"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "attributes.csv is empty; wanted a header such as file,hair,glasses"),
        ("file,hair\n", "has a header and no rows"),
        ("file,split\n1,test\n", "no column for an attribute"),
        ("file,hair\n1.png\n2.png,a\n3.png,a,b\n", r"2 of 3 rows have not 2 columns \(file, hair\): line 2 has 1, line 4 has 3"),
        ("file;hair\n1.png;a\n", r"line 1: columns parted by ';'; wanted two or more, parted by commas"),
        ("file\thair\n1.png\ta\n", "columns parted by tabs"),
        ("file hair\n1.png a\n", "columns parted by spaces"),
        ("file\n1.png\n", "one column alone, 'file'"),
        ("file,hair,hair\n1,a,b\n", "line 1: two columns named hair; wanted a name of its own"),
        (",file,hair\n0,1.png,a\n", r"no name for column 1; .*\(an index that pandas wrote\? index=False"),
        ("file,hair\n,a\n2.png,a\n,b\n", "2 rows name no file: line 2, line 4"),
        ('file,hair\n1.png,a\n2.png,"b"x\n', "line 3: no CSV"),
        (b"file,hair\n1.png,a\n\xff.png,a\n", "line 3: not UTF-8; save the table as UTF-8"),
        (CELEBA, "line 1: '3' alone, as in CelebA's text file; .*call the file list_attr_celeba.txt"),
    ],
)
def test_what_is_wrong_with_a_csv_is_told(text, said):
    with pytest.raises(DataError, match=said):
        read(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: ''; wanted the number of images alone"),
        ("file,hair\n1.png,a\n", "looks like a CSV: call the file attributes.csv"),
        ("3\n\n", "line 2: no names of attributes"),
        ("1\nMale Male\n1.jpg 1 1\n", "line 2: two columns named Male"),
        ("2\nMale\n", "has a header and no rows"),
        (CELEBA.replace("3\n", "202599\n", 1), "line 1: 202599 images, and 3 lines follow; wanted as many: is the file cut off"),
        (CELEBA.replace("2.jpg  1 -1 -1", "2.jpg  1 -1"), r"1 of 3 rows have not 4 columns \(file, Eyeglasses.*line 4 has 3"),
        (
            CELEBA.replace("2.jpg  1 -1 -1", "2.jpg  1 0 yes"),
            r"2 cells are neither 1 \(yes\) nor -1 \(no\): line 4 \(2.jpg\): Male is '0', line 4 \(2.jpg\): Young is 'yes'",
        ),
    ],
)
def test_what_is_wrong_with_celebas_text_file_is_told(text, said):
    with pytest.raises(DataError, match=said):
        read(text, "list_attr_celeba.txt")


def test_of_many_wrong_lines_five_are_named():
    with pytest.raises(DataError, match=r"line 2 has 1, line 3 has 1, line 4 has 1, line 5 has 1, line 6 has 1 and 15 more"):
        read("file,hair\n" + "x\n" * 20)
