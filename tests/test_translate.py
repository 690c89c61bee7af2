"""From image files to translated image files, whatever lies in the folders."""

import zipfile

import numpy as np
import PIL.Image
import pytest

from unpaired.errors import ConfigError, DataError, EmptyDomain, RunError
from unpaired.networks import specs
from unpaired.networks.build import generator
from unpaired.translate import translate_files
from unpaired.translator import Translator, load, save_bundle

SPEC = specs.EncoderDecoder(width=4)


def make_bundle(folder, *, channels=3):
    shape = (channels, 16, 16)
    one = Translator(generator(SPEC, shape, shape), spec=SPEC, source=shape, target=shape)
    save_bundle(folder, {"a_to_b": one}, fit="crop", background="white", about={}, card="")
    return folder


@pytest.fixture
def bundle(tmp_path):
    return make_bundle(tmp_path / "bundle")


@pytest.fixture
def draw(tmp_path):
    """A function that writes different pictures to paths below tmp_path / "in", and returns that folder."""

    def write(*names, at="in"):
        for index, name in enumerate(names):
            path = tmp_path / at / name
            path.parent.mkdir(parents=True, exist_ok=True)
            noise = np.random.default_rng(index).integers(0, 256, (20, 16, 3), dtype=np.uint8)
            PIL.Image.fromarray(noise).save(path)
        return tmp_path / at

    return write


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def read(path):
    return np.asarray(PIL.Image.open(path).convert("RGB"))


def test_folders_keep_their_shape(bundle, draw, tmp_path):
    given = draw("1.png", "deep/2.png", "deep/er/3.bmp", "deep/er/4.tif")
    (given / "notes.txt").write_text("no picture")
    done = translate_files(bundle, [given], out=tmp_path / "out", device="cpu", batch=3)
    assert files(tmp_path / "out") == ["1.png", "deep/2.png", "deep/er/3.bmp", "deep/er/4.tif"]
    assert done.skipped == []
    assert sorted(done.translated) == sorted(tmp_path / "out" / name for name in files(tmp_path / "out"))
    one = load(bundle)
    for name in files(tmp_path / "out"):
        assert np.array_equal(read(tmp_path / "out" / name), np.asarray(one(given / name)))


def test_one_file(bundle, draw, tmp_path):
    given = draw("1.png")
    translate_files(bundle, [str(given / "1.png")], out=str(tmp_path / "out" / "new"), device="cpu")
    assert files(tmp_path / "out") == ["new/1.png"]


def test_formats_that_cannot_be_written_become_png(bundle, draw, tmp_path):
    given = draw("1.gif", "2.ppm", "3.JPG", "4.webp")
    translate_files(bundle, [given], out=tmp_path / "out", device="cpu")
    assert files(tmp_path / "out") == ["1.png", "2.png", "3.JPG", "4.webp"]
    assert PIL.Image.open(tmp_path / "out" / "3.JPG").format == "JPEG"


def test_transparency_goes_where_it_can_be_kept(draw, tmp_path):
    given = draw("1.jpg", "2.bmp", "3.webp")
    translate_files(make_bundle(tmp_path / "alpha", channels=4), [given], out=tmp_path / "out", device="cpu")
    assert files(tmp_path / "out") == ["1.png", "2.png", "3.webp"]
    assert PIL.Image.open(tmp_path / "out" / "1.png").mode == "RGBA"


def test_zips_are_read_in_place(bundle, draw, tmp_path):
    given = draw("1.png", "deep/2.gif")
    with zipfile.ZipFile(tmp_path / "some.photos.zip", "w") as archive:
        for name in files(given):
            archive.write(given / name, name)
        archive.writestr("broken.png", "no picture")
    done = translate_files(bundle, [tmp_path / "some.photos.zip"], out=tmp_path / "out", device="cpu")
    assert files(tmp_path / "out") == ["1.png", "deep/2.png"]
    assert [name for name, _ in done.skipped] == [f"{tmp_path / 'some.photos.zip'}/broken.png"]


def test_no_name_in_a_zip_leads_out_of_the_folder(bundle, draw, tmp_path):
    given, out = draw("1.png"), tmp_path / "deep" / "out"
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        for name in (
            f"{tmp_path}/absolute.png",
            "../above.png",
            "fine/../../over.png",
            "\\\\host\\share.png",
            "good.png",
        ):
            archive.write(given / "1.png", name)
    before = set(files(tmp_path))
    translate_files(bundle, [tmp_path / "evil.zip"], out=out, device="cpu")
    new = set(files(tmp_path)) - before
    assert "deep/out/good.png" in new
    assert all(name.startswith("deep/out/") for name in new)


def test_several_inputs_get_folders_of_their_own(bundle, draw, tmp_path, monkeypatch):
    draw("1.png", at="first.v2")
    draw("1.png", at="second")
    draw("alone.png", at="third")
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.write(tmp_path / "second" / "1.png", "1.png")
    inputs = [tmp_path / "first.v2", tmp_path / "second", tmp_path / "third" / "alone.png", tmp_path / "packed.zip"]
    translate_files(bundle, inputs, out=tmp_path / "out", device="cpu")
    assert files(tmp_path / "out") == ["alone.png", "first.v2/1.png", "packed/1.png", "second/1.png"]
    monkeypatch.chdir(tmp_path / "second")
    translate_files(bundle, [".", "../third"], out=tmp_path / "dots", device="cpu")
    assert files(tmp_path / "dots") == ["second/1.png", "third/alone.png"]


def test_unreadable_files_are_skipped_and_told(bundle, draw, tmp_path):
    given = draw("1.png", "2.png", "3.png")
    (given / "2.png").write_bytes((given / "2.png").read_bytes()[:200])
    (given / "4.png").write_bytes(b"")
    (given / "5.png").symlink_to("nowhere.png")
    done = translate_files(bundle, [given], out=tmp_path / "out", device="cpu", batch=2)
    assert files(tmp_path / "out") == ["1.png", "3.png"]
    reasons = {name.removeprefix(f"{given}/"): reason for name, reason in done.skipped}
    assert reasons.keys() == {"2.png", "4.png", "5.png"}
    assert "truncated" in reasons["2.png"]
    assert "empty" in reasons["4.png"]
    assert "No such file" in reasons["5.png"]
    text = tmp_path / "notes.txt"
    text.write_text("no picture")
    done = translate_files(bundle, [text, given / "1.png"], out=tmp_path / "more", device="cpu")
    assert [name for name, _ in done.skipped] == [str(text)]
    assert files(tmp_path / "more") == ["1.png"]


def test_answers_that_would_share_a_name_are_refused(bundle, draw, tmp_path):
    given = draw("1.gif", "1.png", "deep/1.png")
    for inputs in ([given], [given / "1.png", given / "deep" / "1.png"]):
        with pytest.raises(DataError, match=r"1\.\w+ and .*1\.png would both become .*1\.png; rename one"):
            translate_files(bundle, inputs, out=tmp_path / "out", device="cpu")
    draw("1.png", at="a/same")
    draw("1.png", at="b/same")
    with pytest.raises(DataError, match="would both become"):
        translate_files(bundle, [tmp_path / "a" / "same", tmp_path / "b" / "same"], out=tmp_path / "out", device="cpu")
    assert not (tmp_path / "out").exists()


def test_answers_that_are_there_are_kept_unless_told_otherwise(bundle, draw, tmp_path):
    given, out = draw("1.png", "2.png"), tmp_path / "out"
    out.mkdir()
    (out / "2.png").write_text("an older answer")
    with pytest.raises(RunError, match=r"1 of 2 files are there already, such as .*2\.png; choose another --out"):
        translate_files(bundle, [given], out=out, device="cpu")
    assert files(out) == ["2.png"]
    assert (out / "2.png").read_text() == "an older answer"
    translate_files(bundle, [given], out=out, device="cpu", existing="overwrite")
    assert read(out / "2.png").shape == (16, 16, 3)


def test_an_input_is_never_overwritten(bundle, draw, tmp_path):
    given = draw("1.png", "deep/2.png")
    draw("2.png", at="other")
    (tmp_path / "link").symlink_to(given)
    before = {name: (given / name).read_bytes() for name in files(given)}
    for inputs, out in (
        ([given / "1.png"], given),
        ([given], given),
        ([given], given / "deep" / ".."),
        ([given], tmp_path / "link"),
        ([given / "deep"], given / "deep"),
        ([tmp_path / "other" / "2.png", given], given / "deep"),  # another file's answer would take its place
    ):
        with pytest.raises(RunError, match="would overwrite an input; choose another --out"):
            translate_files(bundle, inputs, out=out, device="cpu", existing="overwrite")
    assert {name: (given / name).read_bytes() for name in files(given)} == before


def test_nothing_to_translate_is_refused(bundle, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no images given"):
        translate_files(bundle, [], out=tmp_path / "out", device="cpu")
    with pytest.raises(EmptyDomain, match=r"no images in .*empty"):
        translate_files(bundle, [tmp_path / "empty"], out=tmp_path / "out", device="cpu")
    with pytest.raises(DataError, match="nowhere does not exist"):
        translate_files(bundle, [tmp_path / "nowhere"], out=tmp_path / "out", device="cpu")


def test_the_wrong_way_and_the_wrong_device_are_refused(bundle, draw, tmp_path):
    given = draw("1.png")
    with pytest.raises(RunError, match="translates a_to_b, not 'b_to_a'"):
        translate_files(bundle, [given], out=tmp_path / "out", direction="b_to_a", device="cpu")
    with pytest.raises(ConfigError, match="device 'cuda:77' cannot be used here"):
        translate_files(bundle, [given], out=tmp_path / "out", device="cuda:77")


def test_a_translation_that_was_cut_off_goes_on(bundle, draw, tmp_path):
    given, out = draw("1.png", "2.png"), tmp_path / "out"
    (given / "notes.txt").write_text("no image")
    first = translate_files(bundle, [given], out=out, device="cpu")
    (out / "2.png").unlink()
    before = (out / "1.png").stat().st_mtime_ns
    again = translate_files(bundle, [given], out=out, device="cpu", existing="keep")
    assert [path.name for path in again.translated] == ["2.png"]
    assert again.there == 1
    assert (out / "1.png").stat().st_mtime_ns == before
    assert first.others == [f"{given}/notes.txt"]
