"""Where labels lie, and which row belongs to which image."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from unpaired.data.label_layouts import find_sets
from unpaired.data.label_matching import match
from unpaired.errors import ConfigError, DataError, DataWarning, EmptyDomain

ROWS = {f"{i}.png": (("dark", "blond")[i % 2], "1") for i in range(6)}


def only(folder):
    (found,) = find_sets([str(folder)])
    return found


def matched(folder, *, strict=False):
    return match(only(folder), strict=strict)


def zipped(folder, inside=""):
    root = folder.parent / "packed"
    shutil.copytree(folder, root / inside)
    return shutil.make_archive(str(folder.parent / f"{folder.name}-zip"), "zip", root)


def test_a_table_beside_images(labelled):
    found = only(labelled("faces", ROWS, rules="[hair]"))
    assert (found.name, found.source.names, found.source.others) == ("faces", tuple(ROWS), ())
    assert [rule.name for rule in found.rules] == ["hair"]
    result = match(found, strict=True)
    assert result.names == tuple(ROWS)
    assert [result.rows[name] for name in result.names] == list(range(6))
    assert result.tests is None


@pytest.mark.parametrize("inside", ["", "faces", "a/b"])
def test_a_zip_is_read_alike_and_may_hold_it_all_in_a_folder(labelled, inside):
    folder = labelled("faces", ROWS)
    (folder / "set.json").write_text(json.dumps({"licence": "CC0"}))
    found = only(zipped(folder, inside))
    assert (found.name, found.source.names, dict(found.card)) == ("faces-zip", tuple(ROWS), {"licence": "CC0"})
    assert len(match(found, strict=True).rows) == 6


@pytest.mark.parametrize("folder", ["images/", "img_align_celeba/", "some/where/else/", ""])
def test_rows_name_images_by_their_bare_name_or_path(labelled, folder):
    root = labelled("faces", {folder + file: cells for file, cells in ROWS.items()})
    text = (root / "attributes.csv").read_text()
    bare = text.replace(folder, "")
    for said in (text, bare, text.replace("/", "\\"), "\n".join(f"./{line}" for line in text.splitlines())):
        (root / "attributes.csv").write_text(said)
        assert len(matched(root, strict=True).rows) == 6


def test_the_suffix_may_differ_or_be_left_out(labelled):
    root = labelled("faces", ROWS)
    text = (root / "attributes.csv").read_text()
    for suffix in (".jpg", ""):
        (root / "attributes.csv").write_text(text.replace(".png", suffix))
        assert len(matched(root, strict=True).rows) == 6
    shutil.copy(root / "3.png", root / "3.webp")
    with pytest.raises(
        DataError, match=r"1 rows name more than one image of .*: line 5 \(3\), which may be 3.png, 3.webp; wanted a path"
    ):
        matched(root)


def test_a_bare_name_that_is_there_twice_is_refused(labelled):
    root = labelled("faces", {"a/1.png": ("x", "1"), "b/1.png": ("y", "0"), "b/2.png": ("y", "0")})
    (root / "attributes.csv").write_text("file,hair\n1.png,x\n2.png,y\n")
    with pytest.raises(DataError, match=r"line 2 \(1.png\), which may be a/1.png, b/1.png"):
        matched(root)


def test_a_path_goes_before_a_bare_name(labelled):
    root = labelled("faces", {"1.png": ("x", "1"), "images/1.png": ("y", "0"), "images/2.png": ("y", "0")})
    (root / "attributes.csv").write_text("file,hair\n1.png,x\nimages/1.png,y\n2.png,y\n")
    assert matched(root, strict=True).rows == {"1.png": 0, "images/1.png": 1, "images/2.png": 2}
    shutil.copytree(root / "images", root / "img_align_celeba")
    with pytest.raises(DataError, match=r"line 4 \(2.png\), which may be images/2.png, img_align_celeba/2.png"):
        matched(root)


def test_celebas_own_layout(labelled):
    root = labelled("celeba", {f"Img/img_align_celeba/{i:06}.jpg": ("x",) for i in range(4)}, header=("a",))
    (root / "attributes.csv").unlink()
    (root / "Anno").mkdir()
    text = "4\nMale Young\n" + "".join(f"{i:06}.jpg -1 {'1' if i else '-1'}\n" for i in range(4))
    (root / "Anno" / "list_attr_celeba.txt").write_text(text)
    found = only(root)
    assert found.table.where.endswith("list_attr_celeba.txt")
    assert len(match(found, strict=True).rows) == 4


def test_images_without_a_row_are_refused(labelled):
    root = labelled("faces", {f"{i}.png": ("ab"[i % 2],) for i in range(40)}, header=("hair",))
    lines = (root / "attributes.csv").read_text().splitlines()
    (root / "attributes.csv").write_text("\n".join(lines[:-10]))
    with pytest.raises(
        DataError, match=r"do not fit: 10 of 40 images have no row: 30.png, .* and 5 more; is it the table of other"
    ):
        matched(root)


def test_a_few_of_many_are_left_out_and_told(labelled):
    root = labelled("faces", {f"{i}.png": ("ab"[i % 2],) for i in range(200)}, header=("hair",), size=(2, 2))
    lines = (root / "attributes.csv").read_text().splitlines()
    (root / "attributes.csv").write_text("\n".join(lines[:-2]))
    with pytest.warns(DataWarning, match=r"2 of 200 images have no row: 198.png, 199.png. These are left out"):
        assert len(matched(root).names) == 198
    with pytest.raises(DataError, match="2 of 200 images have no row"):
        matched(root, strict=True)
    (root / "attributes.csv").write_text("\n".join(lines[:-3]))
    with pytest.raises(DataError, match="3 of 200 images have no row"):
        matched(root)


def test_a_table_may_tell_of_more_images_than_there_are_but_not_of_others(labelled):
    root = labelled("faces", ROWS)
    for i in (1, 4):
        (root / f"{i}.png").unlink()
    said = r"2 of 6 rows name no image there: line 3 \(1.png\), line 6 \(4.png\)"
    with pytest.warns(DataWarning, match=f"{said}. These are left out"):
        assert len(matched(root).names) == 4
    with pytest.raises(DataError, match=f"{said}; is it the table of other images"):
        matched(root, strict=True)
    text = (root / "attributes.csv").read_text()
    (root / "attributes.csv").write_text(text.replace(".png", "x.png"))
    with pytest.raises(DataError, match=r"6 of 6 rows name no image there: .* and 1 more; 4 of 4 images have no row: 0.png"):
        matched(root)


def test_a_column_of_files_with_another_name_is_pointed_out(labelled):
    root = labelled("faces", ROWS)
    lines = (root / "attributes.csv").read_text().splitlines()
    (root / "attributes.csv").write_text(
        "\n".join(["id,picture,hair,glasses", *(f"{i},{line}" for i, line in enumerate(lines[1:]))])
    )
    with pytest.raises(
        DataError, match=r"first column says '0', which is no file of an image. Column 'picture' holds names of images"
    ):
        matched(root)  # although 0 might well mean 0.png


def test_rows_that_contradict_are_refused_and_those_that_agree_told(labelled):
    root = labelled("faces", ROWS)
    with (root / "attributes.csv").open("a") as file:
        file.write("./2.png,dark,1\n")
    with pytest.warns(DataWarning, match=r"1 rows say again what another row says: line 8 \(./2.png\); remove them"):
        assert len(matched(root).rows) == 6
    with (root / "attributes.csv").open("a") as file:
        file.write("2.png,blond,1\n")
    said = r"line 4 \(2.png\) and line 9 \(2.png\) both speak of 2.png and contradict each other: hair 'dark' and 'blond'"
    with pytest.raises(DataError, match=said):
        matched(root)
    rows = {file: ("test" if file == "2.png" else "train", "dark") for file in ROWS}
    root = labelled("split", rows, header=("split", "hair"))
    with (root / "attributes.csv").open("a") as file:
        file.write("2.png,train,dark\n")
    with pytest.raises(DataError, match="contradict each other: split"):
        matched(root)


def test_what_is_held_out_is_told_by_a_column_or_by_folders(labelled):
    rows = {f"{i}.png": ("test" if i > 3 else "train", "a") for i in range(6)}
    tests = matched(labelled("column", rows, header=("split", "hair"))).tests
    assert [name for name, held in tests.items() if held] == ["4.png", "5.png"]
    rows = {f"{'train' if i < 4 else 'test'}/{i}.png": ("a", "1") for i in range(6)}
    tests = matched(labelled("folders", rows)).tests
    assert [name for name, held in tests.items() if held] == ["test/4.png", "test/5.png"]


def test_where_no_image_that_is_held_out_is_there_nobody_said_which(labelled):
    rows = {f"{i}.png": ("test" if i > 3 else "train", "a") for i in range(6)}
    root = labelled("column", rows, header=("split", "hair"))
    for i in (4, 5):
        (root / f"{i}.png").unlink()
    with pytest.warns(DataWarning, match="2 of 6 rows name no image"):
        assert matched(root).tests is None


def test_counterparts_are_no_images_of_the_set(labelled):
    root = labelled("faces", {f"test/{i}.png" if i > 3 else f"train/{i}.png": ("a", "1") for i in range(6)})
    (root / "truth" / "hair=b").mkdir(parents=True)
    shutil.copy(root / "test" / "4.png", root / "truth" / "hair=b" / "4.png")
    found = only(root)
    assert len(match(found, strict=True).names) == 6
    assert {name: source.names for name, source in found.truths.items()} == {"hair=b": ("4.png",)}


def draw(root, *files):
    for index, file in enumerate(files):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4, 3), index, np.uint8)).save(root / file)
    return root


def test_a_folder_for_each_class(tmp_path):
    root = draw(tmp_path / "set", "c10/1.png", "c2/1.png", "c2/deep/2.png", "c10/2.png")
    found = only(root)
    result = match(found, strict=True)
    assert {name: found.table.word(row, 0) for name, row in result.rows.items()} == {
        "c2/1.png": "c2", "c2/deep/2.png": "c2", "c10/1.png": "c10", "c10/2.png": "c10",
    }  # fmt: skip
    assert result.tests is None


@pytest.mark.parametrize("held", ["test", "val"])
def test_classes_in_train_and_test(tmp_path, held):
    root = draw(tmp_path / "set", "train/a/1.png", "train/b/1.png", f"{held}/a/2.png", f"{held}/b/2.png")
    tests = matched(root).tests
    assert tests == {"train/a/1.png": False, "train/b/1.png": False, f"{held}/a/2.png": True, f"{held}/b/2.png": True}
    draw(root, f"{held}/B/3.png")
    with pytest.raises(DataError, match=rf"{held}/ has classes that train/ has not: B \(did you mean 'b'\?\)"):
        only(root)


def test_images_outside_the_classes_are_refused(tmp_path):
    root = draw(tmp_path / "set", "a/1.png", "b/1.png", "stray.png")
    with pytest.raises(DataError, match=r"1 of 3 images lie in no folder of a class: stray.png; move them to"):
        matched(root)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["cat/1.png"], r"found 1 folder of images \(cat\)|found 1.png"),
        (["1.png", "2.png"], "found 1.png, 2.png; wanted attributes.csv"),
        (["trainA/1.png", "trainB/1.png"], r"found 2 folders of images \(trainA, trainB\).*written train/CLASS/"),
        (["test/1.png", "cat/1.png"], "written train/CLASS/ and test/CLASS/"),
        (["train/1.png", "train/2.png"], "found train/1.png, train/2.png"),
    ],
)
def test_what_is_no_labelled_set_is_told(tmp_path, files, said):
    with pytest.raises(DataError, match=said):
        only(draw(tmp_path / "set", *files))


def test_a_table_of_another_name_is_pointed_out(labelled):
    root = labelled("faces", ROWS, table="labels.csv")
    with pytest.raises(DataError, match=r"Is labels.csv the table. Then call it attributes.csv, or list_attr_celeba.txt"):
        only(root)


def test_two_tables_are_refused(labelled):
    root = labelled("faces", ROWS)
    shutil.copy(root / "attributes.csv", root / "list_attr_celeba.csv")
    with pytest.raises(DataError, match=r"holds attributes.csv, list_attr_celeba.csv, each of which tells labels; wanted one"):
        only(root)


def test_a_table_without_images_is_refused(labelled):
    root = labelled("faces", ROWS)
    for file in ROWS:
        (root / file).unlink()
    with pytest.raises(EmptyDomain, match="no images in"):
        matched(root)


def test_sets_side_by_side(labelled, tmp_path):
    one, two = labelled("one/faces", ROWS), labelled("two/faces", ROWS)
    assert [found.name for found in find_sets([str(one), str(two)])] == ["faces", "faces (2)"]
    assert [found.name for found in find_sets([str(one)], taken=["faces"])] == ["faces (2)"]
    labelled("both/sets/b10", ROWS)
    root = labelled("both/sets/b2", ROWS).parent.parent
    for where in (root, zipped(root, "in")):
        assert [(found.name, len(found.source.names)) for found in find_sets([str(where)])] == [("b2", 6), ("b10", 6)]
    with pytest.raises(DataError, match="no images given"):
        find_sets([])
    with pytest.raises(DataError, match="does not exist"):
        find_sets([str(tmp_path / "nowhere")])


def test_rules_that_are_wrong_name_their_file(labelled):
    with pytest.raises(ConfigError, match=r"faces/attributes.toml, \[hair\] has no key 'colunm'"):
        only(labelled("faces", ROWS, rules='[hair]\ncolunm = "hair"'))
