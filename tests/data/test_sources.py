"""Folders, zips, layouts, and what is said where there is none."""

import json
import os
import time
import zipfile

import numpy as np
import pytest
from PIL import Image

from unpaired.data.sources import find_domains, kinds, natural, open_source, partners, stamp
from unpaired.errors import DataError, EmptyDomain, UnreadableImages


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return root


def packed(root, archive):
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(root.rglob("*")):
            file.write(path, path.relative_to(root))
    return archive


@pytest.fixture(params=["folder", "zip"])
def place(request, tmp_path):
    """A function that lays files out in a folder or a zip."""

    def lay(*names):
        root = touch(tmp_path / "root", *names)
        return str(root if request.param == "folder" else packed(root, tmp_path / "root.zip"))

    return lay


def test_nested_images_in_natural_order_without_hidden_files(place):
    source = open_source(
        place(
            "img10.PNG",
            "img2.jpg",
            "sub/deep/a.webp",
            ".hidden.png",
            ".git/b.png",
            "__MACOSX/c.png",
            "notes.txt",
            "Img1.tiff",
        )
    )
    assert source.names == ("Img1.tiff", "img2.jpg", "img10.PNG", "sub/deep/a.webp")
    assert source.others == ("notes.txt",)
    assert source.read("sub/deep/a.webp") == b"sub/deep/a.webp"


def test_natural_order_is_total():
    names = ["b1", "B1", "a", "a01", "a1", "a1b", "10", "9", ""]
    assert sorted(names, key=natural) == sorted(reversed(names), key=natural)
    assert sorted(["10", "9"], key=natural) == ["9", "10"]
    assert sorted(["\u24602.png", "5\u00b23.png"], key=natural) == ["5\u00b23.png", "\u24602.png"]  # digits that are no numbers


LAYOUTS = {
    "trainA": ("trainA/1.png", "trainB/2.png", "testA/3.png", "testB/4.png", "truthB/3.png", "truthA/4.png"),
    "train_A": ("train_A/1.png", "train_B/2.png", "test_A/3.png", "test_B/4.png", "truth_B/3.png", "truth_A/4.png"),
    "names": ("train/apple/1.png", "train/orange/2.png", "test/apple/3.png", "test/orange/4.png", "truth/orange/3.png",
              "truth/apple/4.png"),
    "val": ("trainA/1.png", "trainB/2.png", "valA/3.png", "valB/4.png", "truthB/3.png", "truthA/4.png"),
    "deeper": ("horses/trainA/1.png", "horses/trainB/2.png", "horses/testA/3.png", "horses/testB/4.png",
               "horses/truthB/3.png", "horses/truthA/4.png"),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(place, layout):
    paths = find_domains((place(*LAYOUTS[layout]),))
    assert [part.names for part in paths[:6]] == [(f"{n}.png",) for n in (1, 2, 3, 4, 3, 4)]
    assert paths.domains == (("apple", "orange") if layout == "names" else ("A", "B"))
    assert paths.card is None
    assert paths.truth_b.read("3.png").endswith(b"3.png")


def test_two_sources(place, tmp_path):
    other = touch(tmp_path / "photos", "x.png")
    paths = find_domains((place("1.png", "2.png"), str(other)))
    assert paths.train_a.names == ("1.png", "2.png")
    assert paths.train_b.names == ("x.png",)
    assert paths[2:7] == (None,) * 5
    assert paths.domains == ("root", "photos")


def test_parts_may_be_missing(place):
    paths = find_domains((place("trainA/1.png", "trainB/1.png", "testA/2.png"),))
    assert paths.test_a.names == ("2.png",)
    assert paths.test_b is None


def test_the_card_is_read(tmp_path):
    root = touch(tmp_path / "root", "trainA/1.png", "trainB/1.png")
    (root / "set.json").write_text(json.dumps({"licence": "CC0", "credit": "me"}))
    assert find_domains((str(root),)).card == {"licence": "CC0", "credit": "me"}
    (root / "set.json").write_text("[1]")
    with pytest.raises(DataError, match="holds a list; wanted a table: repair or remove it"):
        find_domains((str(root),))
    (root / "set.json").write_text("{")
    with pytest.raises(DataError, match="is no JSON"):
        find_domains((str(root),))


def test_symbolic_links_are_followed_but_not_for_ever(tmp_path):
    shared = touch(tmp_path / "elsewhere", "1.png")
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    os.symlink(shared, root / "a" / "one")
    os.symlink(shared, root / "a" / "two")
    os.symlink(root, root / "a" / "loop")
    os.symlink(shared / "1.png", root / "link.png")
    os.symlink(shared / "gone.png", root / "broken.png")
    source = open_source(root)
    assert source.names == ("a/one/1.png", "a/two/1.png", "broken.png", "link.png")
    assert source.read("link.png") == b"1.png"
    with pytest.raises(FileNotFoundError):
        source.read("broken.png")


def test_an_empty_folder_says_what_is_there(tmp_path):
    root = touch(tmp_path / "root", "a.txt", "b.txt", "c.csv", "noend")
    with pytest.raises(EmptyDomain, match=r"domain A: no images in .*root: found 4 files \(2 \.txt, .*; wanted PNG, JPEG"):
        open_source(root).require_images(domain="A")
    (tmp_path / "nothing").mkdir()
    with pytest.raises(EmptyDomain, match="found no files; wanted"):
        open_source(tmp_path / "nothing").require_images(domain="A")


def test_what_is_no_source_is_refused(tmp_path):
    with pytest.raises(DataError, match="does not exist; wanted a folder or a zip"):
        open_source(tmp_path / "nowhere")
    touch(tmp_path, "one.png", "no.zip")
    with pytest.raises(DataError, match="is one image; wanted a folder or a zip"):
        open_source(tmp_path / "one.png")
    with pytest.raises(DataError, match="cannot be read as a zip archive"):
        open_source(tmp_path / "no.zip")


def test_what_is_no_layout_is_refused(place):
    where = place("cats/1.png", "dogs/1.png", "train/x/1.png", "train/y/1.png", "train/z/1.png")
    with pytest.raises(
        DataError,
        match=r"found cats, dogs, train \(in train: x, y, z\); wanted two folders or zips, A and B, or one folder",
    ):
        find_domains((where,))
    with pytest.raises(DataError, match="found 3 sources; wanted two"):
        find_domains((where,) * 3)


def test_half_a_layout_is_refused(place):
    with pytest.raises(DataError, match="found trainA, x; wanted two folders or zips"):
        find_domains((place("trainA/1.png", "x/1.png"),))


def test_a_damaged_member_of_a_zip_is_an_error_of_that_file(tmp_path):
    touch(tmp_path / "root", "1.png", "2.png")
    archive = packed(tmp_path / "root", tmp_path / "x.zip")
    content = archive.read_bytes()
    archive.write_bytes(content.replace(b"1.png1.png", b"1.pngXXXXX", 1))
    source = open_source(archive)
    assert source.read("2.png") == b"2.png"
    with pytest.raises(DataError, match="cannot be unpacked"):
        source.read("1.png")


HALVES = {
    "plain": (("1.png", "deep/2.png"), ("1.png", "deep/2.png"), None),
    "train": (("train/1.png",), ("1.png",), None),
    "val": (("train/1.png", "val/2.png"), ("1.png",), ("2.png",)),
    "test": (("train/1.png", "val/2.png", "test/3.png"), ("1.png",), ("3.png",)),
    "deeper": (("facades/train/1.png", "facades/test/3.png"), ("1.png",), ("3.png",)),
}


@pytest.mark.parametrize("layout", HALVES)
def test_pairs_side_by_side(place, layout):
    files, train, test = HALVES[layout]
    paths = find_domains((place(*files),), side_by_side=True)
    assert paths.train_a.names == paths.train_b.names == train
    assert (paths.train_a.half, paths.train_b.half) == ("left", "right")
    if test is None:
        assert paths.test_a is paths.test_b is None
    else:
        assert paths.test_a.names == paths.test_b.names == test
        assert (paths.test_a.half, paths.test_b.half) == ("left", "right")
    assert paths.domains == ("A", "B")


@pytest.mark.parametrize("width", [6, 7])
def test_a_half_is_left_or_right_and_never_the_middle(tmp_path, width):
    paths = find_domains((str(touch(tmp_path / "root", "1.png")),), side_by_side=True)
    pixels = np.arange(2 * width * 3, dtype=np.uint8).reshape(2, width, 3)
    assert np.array_equal(paths.train_a.cut(pixels), pixels[:, :3])
    assert np.array_equal(paths.train_b.cut(pixels), pixels[:, -3:])
    assert np.array_equal(open_source(tmp_path / "root").cut(pixels), pixels)
    with pytest.raises(UnreadableImages, match="1 px wide; wanted two images side by side"):
        paths.train_b.cut(pixels[:, :1])


def test_folders_are_not_side_by_side(place):
    where = place("trainA/1.png", "trainB/1.png")
    with pytest.raises(
        DataError, match=r"holds trainA, trainB: A and B lie in folders of their own; .* leave --side-by-side out"
    ):
        find_domains((where,), side_by_side=True)
    with pytest.raises(DataError, match="found 2 sources; wanted one folder or zip of images that hold A and B side by side"):
        find_domains((where, where), side_by_side=True)


@pytest.mark.parametrize("folder", ["", "train/"])
def test_images_twice_as_wide_as_high_are_not_guessed_but_told(tmp_path, folder):
    root = tmp_path / "root"
    (root / folder).mkdir(parents=True)
    for name, size in (("1.png", (12, 6)), ("2.png", (20, 10))):
        Image.new("RGB", size).save(root / folder / name)
    hint = r"\. The images are twice as wide as high \(12 x 6\): if they are pairs, add --side-by-side"
    with pytest.raises(DataError, match=hint):
        find_domains((str(root),))
    Image.new("RGB", (13, 6)).save(root / folder / "0.png")
    with pytest.raises(DataError, match="does not hold two domains") as error:
        find_domains((str(root),))
    assert "twice as wide" not in str(error.value)


def test_partners_have_one_name(tmp_path):
    a = open_source(touch(tmp_path / "a", "1.png", "x/2.jpg", "3.png", "4.png", "4.jpg", "5.png", "5.jpg", "6.png", "2.jpg"))
    b = open_source(touch(tmp_path / "b", "1.png", "x/2.png", "4.jpg", "4.png", "5.webp", "7.png", "x/2b.png"))
    found = partners(a, b)
    assert found.pairs == (("1.png", "1.png"), ("4.jpg", "4.jpg"), ("4.png", "4.png"), ("x/2.jpg", "x/2.png"))
    assert found.only_a == ("2.jpg", "3.png", "5.jpg", "5.png", "6.png")
    assert found.only_b == ("5.webp", "7.png", "x/2b.png")
    with pytest.raises(
        DataError,
        match=r"no partner for 5 of 9 files in .*a, such as 2\.jpg, 3\.png, 5\.jpg, 5\.png, 6\.png and 3 of 7 files in .*b, "
        r"such as 5\.webp, 7\.png, x/2b\.png; wanted each file of A once more in B, under the same name whatever its suffix: add",
    ):
        found.require_all(a, b)
    partners(a, a).require_all(a, a)


def old(root):
    """Two minutes ago, by the files' own times."""
    for path in [root] if root.is_file() else root.rglob("*"):
        os.utime(path, (time.time() - 120,) * 2)
    return root


@pytest.mark.parametrize("change", ["content", "time", "name", "more", "fewer"])
def test_a_stamp_tells_of_every_change(tmp_path, change):
    root = old(touch(tmp_path / "root", "1.png", "x/2.png"))
    before = stamp([str(root)])
    assert before is not None
    assert stamp([root]) == before
    one = root / "1.png"
    match change:
        case "content":
            one.write_bytes(b"other")
        case "time":
            os.utime(one, (time.time() - 60,) * 2)
        case "name":
            one.rename(root / "3.png")
        case "more":
            touch(root, "y/1.png")
        case "fewer":
            one.unlink()
    old(root) if change != "time" else None
    assert stamp([root]) not in (None, before)


def test_a_stamp_promises_nothing_of_what_is_young_or_gone(tmp_path):
    root = touch(tmp_path / "root", "1.png")
    assert stamp([root]) is None
    assert stamp([old(root)]) is not None
    assert stamp([root, tmp_path / "nowhere"]) is None
    archive = old(packed(root, tmp_path / "root.zip"))
    before = stamp([archive])
    packed(touch(root, "2.png"), archive)
    assert stamp([old(archive)]) != before


def test_kinds_of_files_are_counted():
    assert kinds(["a.heic", "b.HEIC", "c.pdf", "d"]) == "4 files (2 .heic, 1 .pdf, 1 no suffix)"
    assert kinds([f"1.{letter}" for letter in "abcdef"]) == "6 files (1 .a, 1 .b, 1 .c, 1 .d, 1 .e, ...)"
    assert kinds(["a.b"]) == "1 file (1 .b)"
    assert kinds([]) == "no files"
