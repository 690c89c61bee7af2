"""`data check`: what it must find, and what it must not."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from unpaired.data.check import check
from unpaired.errors import DataError


def picture(seed, size=(48, 64)):
    """A smooth random image, which survives compression."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size[::-1], Image.Resampling.BICUBIC)


@pytest.fixture
def root(tmp_path):
    """A sound set: 12 images to train on and 4 to test, in both domains."""
    for part, (name, count) in enumerate((("trainA", 12), ("trainB", 12), ("testA", 4), ("testB", 4))):
        (tmp_path / "set" / name).mkdir(parents=True)
        for index in range(count):
            picture(100 * part + index).save(tmp_path / "set" / name / f"{index}.png")
    return tmp_path / "set"


def test_a_sound_set_has_no_problems(root):
    (root / "set.json").write_text('{"licence": "CC0"}')
    report = check(str(root))
    assert (report.errors, report.warnings, dict(report.shared)) == ((), (), {})
    assert list(report.parts) == ["train_a", "train_b", "test_a", "test_b"]
    assert [part.count for part in report.parts.values()] == [12, 12, 4, 4]
    assert report.parts["train_a"].sizes == {"64x48": 12}
    assert report.parts["train_a"].modes == {"RGB": 12}
    assert report.parts["train_a"].formats == {"PNG": 12}
    lines = report.lines()
    assert lines[0] == f"train_a: 12 images in {root / 'trainA'}"
    assert "licence: CC0" in lines
    assert lines[-1] == "no errors, 0 warnings"


def test_everything_wrong_is_found(root):
    a = root / "trainA"
    shutil.copy(a / "1.png", a / "twin.png")
    picture(2).save(a / "alike.jpg", quality=90)
    picture(3).resize((80, 60)).save(a / "larger.webp")
    Image.new("L", (20, 20), 7).save(a / "flat.png")
    (a / "bad.png").write_text("no image")
    (a / "cut.png").write_bytes((a / "5.png").read_bytes()[:500])
    (a / "notes.txt").write_text("")
    shutil.copy(a / "4.png", root / "testA" / "leak.png")
    picture(6).save(root / "testA" / "leak.jpg", quality=90)
    shutil.copy(a / "7.png", root / "trainB" / "both.png")
    report = check(str(root))
    part = report.parts["train_a"]
    assert part.count == 16
    assert part.others == 1
    assert part.sizes == {"64x48": 14, "80x60": 1, "20x20": 1}
    assert part.modes == {"RGB": 15, "L": 1}
    assert part.formats == {"PNG": 14, "JPEG": 1, "WEBP": 1}
    assert [name for name, _ in part.unreadable] == ["bad.png", "cut.png"]
    assert part.duplicates == (("1.png", "twin.png"),)
    assert sorted(part.near_duplicates) == [("2.png", "alike.jpg"), ("3.png", "larger.webp")]
    assert part.near_constant == ("flat.png",)
    assert report.shared == {
        "train_a & train_b": (("7.png", "both.png"),),
        "train_a & test_a": (("4.png", "leak.png"), ("6.png", "leak.jpg")),
    }
    assert report.errors == ()
    for said in ("unreadable", "copies", "look like", "nearly of one colour", "leakage", "both domains"):
        assert any(said in warning for warning in report.warnings), said
    lines = "\n".join(report.lines())
    assert "unreadable: bad.png: not an image" in lines
    assert "train_a & test_a: 4.png is leak.png" in lines
    assert json.loads(json.dumps(report.to_json()))["parts"]["train_a"]["duplicates"] == [["1.png", "twin.png"]]


def test_without_the_near_search_only_equal_images_are_told(root):
    picture(2).save(root / "trainA" / "alike.jpg", quality=90)
    picture(6).save(root / "testA" / "leak.jpg", quality=90)
    report = check(str(root), near=False)
    assert report.warnings == ()


def test_what_a_run_refuses_is_an_error(tmp_path, root):
    (tmp_path / "none").mkdir()
    report = check([str(root / "trainA"), str(tmp_path / "none")])
    assert len(report.errors) == 1
    assert "no images" in report.errors[0]
    assert report.lines()[-1].startswith("1 errors, 0 warnings: a run would refuse this")
    (tmp_path / "none" / "1.png").write_text("no image")
    assert "none of the 1 files" in check([str(root / "trainA"), str(tmp_path / "none")]).errors[0]
    assert "hold the same images" in check([str(root / "trainA"), str(root / "trainA")]).errors[0]
    (root / "truthB").mkdir()
    shutil.copy(root / "testA" / "1.png", root / "truthB" / "1.png")
    assert "no readable counterpart for 3 images of test_a: 0.png, 2.png, 3.png" in check(str(root)).errors[0]


def test_one_plain_folder_is_looked_at_too(root):
    report = check(str(root / "testA"))
    assert report.parts["images"].count == 4
    assert report.errors == ()
    assert "only 4 images" in report.warnings[0]
    with pytest.raises(DataError, match="does not exist"):
        check(str(root / "nowhere"))
