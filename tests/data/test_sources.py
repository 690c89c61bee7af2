"""Folders, zips, layouts, and what is said where there is none."""

import json
import os
import zipfile

import pytest

from unpaired.data.sources import find_domains, natural, open_source
from unpaired.errors import DataError, EmptyDomain


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
