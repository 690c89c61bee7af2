"""`data check`: what it must find, and what it must not."""

import json
import shutil
import time

import numpy as np
import pytest
from PIL import Image

from unpaired.data import check as module
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
    for name in ("notes.txt", "x.heic", "y.HEIC", "README"):
        (a / name).write_text("")
    shutil.copy(a / "4.png", root / "testA" / "leak.png")
    picture(6).save(root / "testA" / "leak.jpg", quality=90)
    shutil.copy(a / "7.png", root / "trainB" / "both.png")
    report = check(str(root))
    part = report.parts["train_a"]
    assert part.count == 16
    assert part.others == {".heic": ("x.heic", "y.HEIC"), ".txt": ("notes.txt",), "": ("README",)}
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
    for said in (
        "4 files, by name no image",
        "unreadable",
        "equal to others",
        "much like others",
        "of nearly one colour",
        "leakage",
        "both domains",
    ):
        assert any(said in warning for warning in report.warnings), said
    lines = "\n".join(report.lines())
    assert "unreadable: bad.png: not an image" in lines
    assert "train_a & test_a: 4.png is leak.png" in lines
    assert "  no images by their names: 2 .heic: x.heic, y.HEIC\n" in lines
    assert "  no images by their names: 1 without suffix: README\n" in lines
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
    assert report.lines()[-1].startswith("1 error, 0 warnings: a run would refuse this")
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


@pytest.fixture
def pairs(tmp_path):
    """Twelve pairs in two folders."""
    for name, seed in (("a", 0), ("b", 50)):
        (tmp_path / name).mkdir()
        for index in range(12):
            picture(seed + index).save(tmp_path / name / f"{index}.png")
    return [str(tmp_path / "a"), str(tmp_path / "b")]


def test_pairs_are_found_and_missing_partners_told(pairs, tmp_path):
    report = check(pairs, paired=True)
    assert (report.errors, report.warnings) == ((), ())
    assert report.pairs["train"] == module.Pairs(12, (), (), ())
    assert "train: 12 pairs, for a game that plays with pairs" in report.lines()
    assert check(pairs).pairs == report.pairs  # most names match
    (tmp_path / "b" / "3.png").unlink()
    picture(99).save(tmp_path / "b" / "x.png")
    picture(98, size=(64, 48)).save(tmp_path / "b" / "4.png")
    report = check(pairs, paired=True)
    assert report.pairs["train"] == module.Pairs(11, ("3.png",), ("x.png",), (("4.png", "4.png"),))
    assert len(report.errors) == 1
    assert report.errors[0].startswith("train: no partner for 1 of 12 files in ")
    assert "3.png" in report.errors[0]
    assert "x.png" in report.errors[0]
    assert [
        warning for warning in report.warnings if warning.startswith("train: 1 pair of different width to height, such as 4.png")
    ]
    assert {"  without partner in A: 3.png", "  without partner in B: x.png"} < set(report.lines())
    assert check(pairs).errors == ()  # an unpaired game takes them
    for index in range(7):
        (tmp_path / "a" / f"{index}.png").rename(tmp_path / "a" / f"y{index}.png")
    assert check(pairs).pairs == {}
    assert len(check(pairs, paired=True).pairs["train"].only_a) == 7


def test_turned_photographs_are_measured_upright(pairs, tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6
    picture(0).transpose(Image.Transpose.ROTATE_90).save(tmp_path / "a" / "0.png", exif=turned)
    assert check(pairs, paired=True).pairs["train"].misshapen == ()


def test_pairs_of_a_set_with_test_folders(root):
    report = check(str(root), paired=True)
    assert (report.pairs["train"].count, report.pairs["test"].count) == (12, 4)
    (root / "testB" / "0.png").unlink()
    assert check(str(root), paired=True).errors[0].startswith("test: no partner for 1 of 4 files")
    (root / "truthB").mkdir()
    for name in ("0.png", "1.png", "2.png", "3.png"):
        shutil.copy(root / "testB" / "1.png", root / "truthB" / name)
    assert check(str(root), paired=True).errors == ()


def test_halves_are_looked_at_apart(tmp_path):
    for index in range(12):
        both = np.concatenate([np.asarray(picture(index, size=(48, 48))), np.asarray(picture(60 + index, size=(48, 48)))], axis=1)
        Image.fromarray(both).save(tmp_path / f"{index}.png")
    Image.fromarray(both).save(tmp_path / "copy.bmp")
    (tmp_path / "x.pdf").write_text("")
    assert (
        "images: all are twice as wide as high; if they are pairs side by side, say --side-by-side"
        in check(str(tmp_path)).warnings
    )
    report = check(str(tmp_path), side_by_side=True, paired=True)
    assert list(report.parts) == ["train_a", "train_b"]
    assert report.parts["train_a"].sizes == {"48x48": 13}
    assert report.lines()[0] == f"train_a: 13 images in {tmp_path} (left halves)"
    assert [part.others for part in report.parts.values()] == [{".pdf": ("x.pdf",)}, {}]
    assert report.parts["train_b"].near_duplicates == (("11.png", "copy.bmp"),)
    assert report.pairs["train"].count == 13
    assert report.errors == ()
    assert report.shared == {}
    with pytest.raises(DataError, match="found 2 sources"):
        check([str(tmp_path)] * 2, side_by_side=True)


def test_images_of_many_channels_are_looked_at(tmp_path):
    for index in range(12):
        np.save(tmp_path / f"{index}.npy", np.random.default_rng(index).integers(0, 256, (20, 30, 6), dtype=np.uint8))
    part = check(str(tmp_path)).parts["images"]
    assert (part.count, part.sizes, part.unreadable) == (12, {"30x20": 12}, ())


def look(index, *, bits, thumb):
    return module._Look(f"content {index}", None, "", (16, 16), 50.0, thumb, bits)


def alike_by_all_pairs(looks):
    """The definition, for each two of them: at most 3 of 64 bits and less than 4 of 255 on average."""
    return {
        (one, other)
        for one in looks
        for other in looks
        if one < other
        and (looks[one].bits ^ looks[other].bits).bit_count() <= 3
        and np.abs(looks[one].thumb.astype(int) - looks[other].thumb).mean() < 4
    }


def test_every_near_duplicate_is_found_that_a_comparison_of_all_pairs_finds(monkeypatch):
    random = np.random.default_rng(0)
    looks = {}
    for index in range(300):
        if index % 3:  # a variant of an earlier one: a few bits turned, a little noise, near the threshold of 4
            before = looks[f"{random.integers(0, index):03d}"]
            bits = before.bits ^ sum(1 << int(bit) for bit in random.choice(64, size=random.integers(0, 5), replace=False))
            noise = random.normal(0, random.uniform(0, 6), (16, 16))
            thumb = np.clip(before.thumb + noise, 0, 255).astype(np.uint8)
        else:
            bits, thumb = int(random.integers(0, 1 << 63)), random.integers(0, 256, (16, 16)).astype(np.uint8)
        looks[f"{index:03d}"] = look(index, bits=bits, thumb=thumb)
    wanted = alike_by_all_pairs(looks)
    assert 50 < len(wanted) < 1000
    found, cut = module._alike(looks, {})
    assert {tuple(sorted(pair)) for pair in found} == wanted
    assert cut == 0
    ours, theirs = dict(list(looks.items())[::2]), dict(list(looks.items())[1::2])
    found, _ = module._alike(ours, theirs)
    assert {tuple(sorted(pair)) for pair in found} == {pair for pair in wanted if (pair[0] in ours) != (pair[1] in ours)}
    assert all(one in ours for one, _ in found)


def test_very_many_plain_images_are_compared_with_their_likest_only_and_it_is_said(monkeypatch, root):
    def flat(level):
        return np.full((16, 16), level, np.uint8)

    plain = {str(index): look(index, bits=0, thumb=flat(100 + index % 3)) for index in range(500)}
    began = time.process_time()
    found, cut = module._alike(plain, {})
    assert len(found) <= 500 * 32
    assert cut > 400
    assert len(module._groups(found)) == 1  # and still they are one group
    more, _ = module._alike({str(index): look(index, bits=0, thumb=flat(100 + index % 3)) for index in range(4000)}, {})
    assert len(more) <= 4000 * 32  # of eight million pairs
    assert time.process_time() - began < 10
    monkeypatch.setattr(module, "_NEIGHBOURS", 1)
    for name in ("alike.jpg", "liker.jpg", "likest.jpg"):
        picture(2).save(root / "trainA" / name, quality=80 + len(name))
    said = [warning for warning in check(str(root)).warnings if "much like very many others" in warning]
    assert said[0].startswith("train_a: ")
    assert "compared with 1 of them only" in said[0]


def test_groups_are_of_names_that_hang_together():
    assert module._groups([("4", "2"), ("10", "9"), ("2", "1"), ("4", "1")]) == (("1", "2", "4"), ("9", "10"))


def test_numbers_of_a_range_are_readable(tmp_path):
    for domain, top in (("A", 1000), ("B", 50)):
        (tmp_path / domain).mkdir()
        for index in range(12):
            random = np.random.default_rng([index, top])
            np.save(tmp_path / domain / f"{index}.npy", random.integers(-top, top, (20, 20)).astype(np.int16))
    two = [str(tmp_path / domain) for domain in "AB"]
    found = check(two)
    assert [len(part.unreadable) for part in found.parts.values()] == [12, 12]
    found = check(two, value_range=(-1000, 1000))
    assert (found.errors, [part.count for part in found.parts.values()]) == ((), [12, 12])
    # Seen in so wide a range, B's are grey and grey.
    assert found.parts["train_b"].near_constant == ()
    assert check(two, value_range=(-1000, 1000), value_range_b=(-30_000, 30_000)).parts["train_b"].near_constant
