"""From image files to translated image files, whatever lies in the folders."""

import itertools
import zipfile

import numpy as np
import PIL.ExifTags
import PIL.Image
import PIL.ImageCms
import pytest
import tifffile
import torch

from unpaired import images
from unpaired.bundle import load, save_bundle
from unpaired.errors import ConfigError, DataError, EmptyDomain, RunError, ShapeError
from unpaired.images.writing import replacing
from unpaired.metrics.flicker import flicker
from unpaired.networks import specs
from unpaired.networks.build import generator
from unpaired.translate import shown, translate_files
from unpaired.translator import Translator

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
            "C:/drive.png",
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
    assert "no such file" in reasons["5.png"]
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


def test_what_a_killed_translation_left_goes_and_what_another_writes_stays(bundle, draw, tmp_path):
    given, out = draw("1.png", "deep/2.png"), tmp_path / "out"
    leftovers = [out / ".1.png.0123abcd.part", out / "deep" / ".2.png.89abcdef.part", out / "gone" / ".3.tif.00000000.part"]
    theirs = [out / ".download.part", out / "1.png.0123abcd.part", out / ".1.png.0123abcd.parts"]
    for path in (*leftovers, *theirs):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    with replacing(out / "5.png") as partial:
        partial.write_bytes(b"another")
        translate_files(bundle, [given], out=out, device="cpu")
        assert partial.exists()
    assert not any(path.exists() for path in leftovers)
    assert all(path.read_bytes() == b"half" for path in theirs)
    assert (out / "5.png").read_bytes() == b"another"
    leftovers[0].write_bytes(b"half")
    with pytest.raises(RunError, match="are there already"):
        translate_files(bundle, [given], out=out, device="cpu")
    assert leftovers[0].exists()  # a refused call changes nothing


# -- any image --


def bundle_of(
    folder, spec, *, channels=3, target=None, size=16, background="white", shake=True, fit="crop", direction="a_to_b", **more
):
    """A bundle of one direction with random weights."""
    source, target = (channels, size, size), (target or channels, size, size)
    network = generator(spec, source, target)
    if shake:
        with torch.no_grad():
            for parameter in network.parameters():
                parameter += 0.1 * torch.randn_like(parameter)
    one = Translator(network, spec=spec, source=source, target=target)
    save_bundle(folder, {direction: one}, fit=fit, background=background, about={}, card="", **more)
    return folder


@pytest.fixture
def same(tmp_path):
    """A function: a bundle whose network answers with its input, as its change to it is zero."""

    def make(channels=3, **more):
        return bundle_of(tmp_path / f"same{channels}", specs.ResidualImage(width=4), channels=channels, shake=False, **more)

    return make


RESNET = specs.ResNet(width=4, blocks=1)
WHITE = {np.uint8: 255, np.uint16: 65535, np.float32: 1}


def noise(channels, dtype, *, height=13, width=22):
    """[H, W, C]. Floats are multiples of 1/65536, which survive the way to [-1, 1] and back."""
    values = np.random.default_rng(0).integers(0, 65536, (height, width, channels))
    if dtype is np.float32:
        return (values / 65536).astype(np.float32)
    return (values % (WHITE[dtype] + 1)).astype(dtype)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    images.write(path, pixels)


@pytest.mark.parametrize(
    ("name", "channels", "dtype"),
    [
        *itertools.product(["a.png"], [1, 3], [np.uint8, np.uint16]),
        *itertools.product(["a.tif", "a.npy"], [1, 3, 5], [np.uint8, np.uint16, np.float32]),
        ("a.webp", 3, np.uint8),
        ("a.bmp", 3, np.uint8),
        ("a.bmp", 1, np.uint8),
    ],
)
def test_what_loses_nothing_comes_back_bit_for_bit(same, tmp_path, name, channels, dtype):
    """Of any odd size, depth and number of channels: what goes in and comes out is the same where the network changes nothing."""
    pixels = noise(channels, dtype)
    save(tmp_path / "in" / "deep" / name, pixels)
    done = translate_files(same(channels), [tmp_path / "in"], out=tmp_path / "out", device="cpu")
    assert (done.skipped, done.ways) == ([], {"whole": 1})
    found, original = images.open_image(tmp_path / "out" / "deep" / name)
    assert found.dtype == dtype
    assert np.array_equal(found, pixels)
    assert original.format == images.open_image(tmp_path / "in" / "deep" / name)[1].format


@pytest.mark.parametrize(
    ("name", "dtype", "channels"),
    [
        *itertools.product(["a.png"], [np.uint8, np.uint16], [1, 3]),
        *itertools.product(["a.tif"], [np.uint16, np.float32], [1, 3]),
        ("a.webp", np.uint8, 3),
    ],
)
@pytest.mark.parametrize("tile", [None, 8])
def test_transparency_is_carried_over_bit_for_bit(same, tmp_path, name, dtype, channels, tile):
    pixels = noise(channels + 1, dtype)
    # Faint colours of 16 bits are below the steps of float32.
    pixels[:, :, -1] = np.where(noise(1, np.uint8)[:, :, 0] < 60, 0, pixels[:, :, -1] / 2 + WHITE[dtype] / 2)
    save(tmp_path / "in" / name, pixels)
    translate_files(same(channels), [tmp_path / "in"], out=tmp_path / "out", device="cpu", tile=tile)
    found, original = images.open_image(tmp_path / "out" / name)
    assert original.alpha
    assert found.dtype == dtype
    assert np.array_equal(found[:, :, -1], pixels[:, :, -1])
    seen = pixels[:, :, -1] > 0
    if dtype is np.float32:  # the background went in and came out again
        np.testing.assert_allclose(found[seen], pixels[seen], atol=1e-6)
    else:
        assert np.array_equal(found[seen], pixels[seen])


def test_transparency_is_composed_where_it_cannot_be_kept(same, tmp_path):
    clear = PIL.Image.new("RGBA", (5, 4), (255, 0, 0, 0))
    (tmp_path / "in").mkdir()
    clear.save(tmp_path / "in" / "a.png")
    clear.save(tmp_path / "in" / "b.bmp", format="PNG")  # misnamed
    for alpha, names in (("auto", ["a.png", "b.bmp"]), ("keep", ["a.png", "b.png"]), ("compose", ["a.png", "b.bmp"])):
        out = tmp_path / alpha
        translate_files(same(background="#0000ff"), [tmp_path / "in"], out=out, device="cpu", alpha=alpha)
        assert files(out) == names
        kept = [name for name in names if PIL.Image.open(out / name).mode == "RGBA"]
        assert kept == ({"auto": ["a.png"], "keep": names, "compose": []}[alpha])
        for name in set(names) - set(kept):
            assert read(out / name)[0, 0].tolist() == [0, 0, 255]


def test_a_photograph_keeps_its_profile_and_stands_upright(same, tmp_path):
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    exif = PIL.Image.Exif()
    exif[PIL.ExifTags.Base.Make] = "A camera"
    exif[PIL.ExifTags.Base.Orientation] = 6  # to be turned right
    across, down = np.meshgrid(np.arange(40), np.arange(24))
    picture = PIL.Image.fromarray(np.stack([across * 6, down * 10, across + down], 2).astype(np.uint8))
    (tmp_path / "in").mkdir()
    picture.save(tmp_path / "in" / "a.jpg", quality=95, subsampling=0, icc_profile=profile, exif=exif)
    translate_files(same(), [tmp_path / "in"], out=tmp_path / "out", device="cpu")
    with PIL.Image.open(tmp_path / "out" / "a.jpg") as found:
        assert (found.format, found.size) == ("JPEG", (24, 40))
        assert found.info["icc_profile"] == profile
        assert found.getexif()[PIL.ExifTags.Base.Make] == "A camera"
        assert found.getexif().get(PIL.ExifTags.Base.Orientation, 1) == 1
        upright = np.asarray(picture.transpose(PIL.Image.Transpose.ROTATE_270)).astype(int)
        assert np.abs(np.asarray(found) - upright).mean() < 2


def test_domains_may_have_other_channels(tmp_path):
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    PIL.Image.fromarray(noise(3, np.uint8)).save(tmp_path / "a.png", icc_profile=profile)
    grey = bundle_of(tmp_path / "grey", RESNET, target=1)
    translate_files(grey, [tmp_path / "a.png"], out=tmp_path / "to grey", device="cpu")
    with PIL.Image.open(tmp_path / "to grey" / "a.png") as found:
        assert (found.mode, found.size) == ("L", (22, 13))
        assert "icc_profile" not in found.info
    many = bundle_of(tmp_path / "many", RESNET, target=5)
    translate_files(many, [tmp_path / "a.png"], out=tmp_path / "to many", device="cpu")
    assert files(tmp_path / "to many") == ["a.tif"]
    assert tifffile.imread(tmp_path / "to many" / "a.tif").shape == (13, 22, 5)
    save(tmp_path / "five.npy", noise(5, np.float32))
    few = bundle_of(tmp_path / "few", RESNET, channels=5, target=3)
    done = translate_files(few, [tmp_path / "five.npy", tmp_path / "a.png"], out=tmp_path / "to few", device="cpu")
    assert images.open_image(tmp_path / "to few" / "five.npy")[0].shape == (13, 22, 3)
    assert [reason for _, reason in done.skipped] == ["3 channels; wanted 5: more than 4 come only from TIFF or NPY"]


def test_16_bits_go_through_the_network_as_such(tmp_path):
    pixels = noise(1, np.uint16)
    save(tmp_path / "a.png", pixels)
    where = bundle_of(tmp_path / "b", RESNET, channels=1)
    translate_files(where, [tmp_path / "a.png"], out=tmp_path / "out", device="cpu")
    exact = load(where)(pixels / np.float32(65535)) * 65535
    assert np.abs(images.open_image(tmp_path / "out" / "a.png")[0] - exact).max() <= 0.51


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.npy", "a.bmp"])
def test_tiles_give_what_the_whole_image_gives(tmp_path, name):
    pixels = noise(3, np.uint8 if name == "a.bmp" else np.uint16, height=70, width=51)
    save(tmp_path / "in" / name, pixels)
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.write(tmp_path / "in" / name, name)
    where = bundle_of(tmp_path / "b", RESNET)
    found = []
    for given, tile in (("in", None), ("in", 16), ("in.zip", 16)):
        out = tmp_path / f"{given}{tile}"
        done = translate_files(where, [tmp_path / given], out=out, device="cpu", tile=tile)
        assert (done.skipped, done.ways) == ([], {f"in tiles of {tile} px" if tile else "whole": 1})
        assert files(out) == [name]
        found.append(images.open_image(out / name)[0])
        assert (found[-1].shape, found[-1].dtype) == (pixels.shape, pixels.dtype)
    white = WHITE[pixels.dtype.type]
    assert np.abs(found[0].astype(float) - found[1]).max() <= max(1, 1e-4 * white)
    assert np.array_equal(found[1], found[2])


def test_a_large_file_that_cannot_be_read_leaves_nothing(tmp_path):
    save(tmp_path / "in" / "1.tif", noise(3, np.uint8, height=70, width=51))
    content = (tmp_path / "in" / "1.tif").read_bytes()
    (tmp_path / "in" / "2.tif").write_bytes(content[:-4000])
    where = bundle_of(tmp_path / "b", RESNET)
    done = translate_files(where, [tmp_path / "in"], out=tmp_path / "out", device="cpu", tile=16)
    assert files(tmp_path / "out") == ["1.tif"]
    assert [(name, "truncated" in reason) for name, reason in done.skipped] == [(f"{tmp_path}/in/2.tif", True)]


def test_images_of_one_size_go_together_and_the_others_alone(tmp_path):
    """Whatever the batch, every image gets its own answer, and keeps its size."""
    sizes = [(12, 16), (12, 16), (20, 8), (12, 16), (16, 16), (20, 8)]
    for index, (height, width) in enumerate(sizes):
        pixels = np.random.default_rng(index).integers(0, 256, (height, width, 3), dtype=np.uint8)
        save(tmp_path / "in" / f"{index}.png", pixels)
    where = bundle_of(tmp_path / "b", RESNET)
    one = load(where)
    for batch in (1, 4, 32):
        out = tmp_path / f"by {batch}"
        done = translate_files(where, [tmp_path / "in"], out=out, device="cpu", batch=batch)
        assert done.ways == {"whole": 6}
        for path in done.translated:
            alone = np.asarray(one(tmp_path / "in" / path.name)).astype(int)
            assert np.abs(read(path) - alone).max() <= 1


@pytest.mark.parametrize(("fit", "size"), [("crop", (20, 20)), ("resize", (50, 20)), ("pad", (50, 20))])
def test_networks_of_one_size_give_the_size_back(tmp_path, fit, size):
    (tmp_path / "in").mkdir()
    PIL.Image.fromarray(noise(3, np.uint8, height=20, width=50)).save(tmp_path / "in" / "a.png")
    where = bundle_of(tmp_path / "b", SPEC, fit=fit)
    done = translate_files(where, [tmp_path / "in"], out=tmp_path / "own", device="cpu")
    assert PIL.Image.open(tmp_path / "own" / "a.png").size == size
    assert list(done.ways) == [load(where).framing().words]
    translate_files(bundle_of(tmp_path / "c", SPEC), [tmp_path / "in"], out=tmp_path / "asked", device="cpu", fit=fit)
    assert PIL.Image.open(tmp_path / "asked" / "a.png").size == size
    translate_files(where, [tmp_path / "in"], out=tmp_path / "small", device="cpu", keep_size=False)
    assert PIL.Image.open(tmp_path / "small" / "a.png").size == (16, 16)
    with pytest.raises(ShapeError, match="takes images of 16 x 16 px only"):
        translate_files(where, [tmp_path / "in"], out=tmp_path / "whole", device="cpu", fit="whole")


# -- numbers of a known range --


@pytest.mark.parametrize("tile", [None, 16])
@pytest.mark.parametrize(
    ("name", "dtype", "channels"),
    [("a.tif", np.int16, 1), ("a.npy", np.int16, 1), ("a.tif", np.float32, 5), ("a.npy", np.int32, 5), ("a.png", np.uint16, 1)],
)
def test_numbers_of_a_range_come_back(same, tmp_path, name, dtype, channels, tile):
    """Every number of the range where the network changes nothing; those beyond are cut off. In the type that they came in."""
    low, high = (0, 3000) if dtype is np.uint16 else (-1000, 2000)
    numbers = np.random.default_rng(0).integers(max(low - 100, 0 if low == 0 else -1100), high + 100, (30, 22, channels))
    numbers[0, 0], numbers[0, 1] = low, high
    numbers = numbers.astype(dtype)
    write_numbers(tmp_path / "in" / name, numbers)
    where = same(channels, ranges=((low, high), (low, high)))
    done = translate_files(where, [tmp_path / "in"], out=tmp_path / "out", device="cpu", tile=tile)
    assert (done.skipped, files(tmp_path / "out")) == ([], [name])
    found = read_numbers(tmp_path / "out" / name).reshape(numbers.shape)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, numbers.clip(low, high), atol=2e-3 if dtype is np.float32 else 0)


@pytest.mark.parametrize("tile", [None, 16])
def test_answers_have_the_range_of_their_domain(tmp_path, tile):
    numbers = np.random.default_rng(0).integers(-1000, 2000, (30, 22, 1)).astype(np.int16)
    write_numbers(tmp_path / "ct.tif", numbers)
    save(tmp_path / "photo.png", noise(1, np.uint8, height=30))
    ct, wide = (-1000.0, 2000.0), (0.0, 500.0)

    def translated(name, ranges, direction="a_to_b"):
        where = bundle_of(
            tmp_path / "b", specs.ResidualImage(width=4), channels=1, shake=False, ranges=ranges, direction=direction
        )
        out = tmp_path / f"{name} {ranges} {direction}"
        done = translate_files(where, [tmp_path / name], out=out, direction=direction, device="cpu", tile=tile)
        assert done.skipped == []
        return files(out)[0], read_numbers(out / files(out)[0]).reshape(30, 22)

    share = (numbers[:, :, 0] + 1000) / 3000
    name, found = translated("ct.tif", (ct, wide))
    assert (name, found.dtype) == ("ct.tif", np.int16)
    np.testing.assert_allclose(found, share * 500, atol=0.501)
    name, found = translated("ct.tif", (wide, ct), "b_to_a")
    np.testing.assert_allclose(found, share * 500, atol=0.501)
    name, found = translated("ct.tif", (ct, (0.0, 1.0)))  # no integers could tell them apart
    assert (name, found.dtype) == ("ct.tif", np.float32)
    np.testing.assert_allclose(found, share, atol=1e-6)
    name, found = translated("ct.tif", (ct, None))  # pictures have none
    assert (name, found.dtype) == ("ct.tif", np.uint16)
    np.testing.assert_allclose(found, share * 65535, atol=0.51)
    name, found = translated("photo.png", (None, ct))
    assert (name, found.dtype) == ("photo.tif", np.float32)
    np.testing.assert_allclose(found, noise(1, np.uint8, height=30)[:, :, 0] / 255 * 3000 - 1000, atol=1e-3)


def test_transparency_keeps_its_own_range(same, tmp_path):
    pixels = noise(4, np.uint8)
    pixels[:, :, :3] //= 3
    pixels[:, :, 3] = np.where(pixels[:, :, 3] < 128, 0, 255)
    save(tmp_path / "a.png", pixels)
    translate_files(same(ranges=((0, 100), (0, 100))), [tmp_path / "a.png"], out=tmp_path / "out", device="cpu")
    found = images.open_image(tmp_path / "out" / "a.png")[0]
    assert np.array_equal(found[:, :, 3], pixels[:, :, 3])
    shows = pixels[:, :, 3] > 0
    assert np.array_equal(found[shows], pixels[shows])


def test_frames_have_no_range(same, tmp_path):
    moving(tmp_path / "a.gif")
    where = same(ranges=(None, (0, 100)))
    done = translate_files(where, [tmp_path / "a.gif"], out=tmp_path / "out", device="cpu")
    assert done.skipped == [(str(tmp_path / "a.gif"), "an animation, whose samples cannot be numbers of a value range")]


def write_numbers(path, numbers):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, numbers)
    elif path.suffix == ".png":
        PIL.Image.fromarray(numbers[:, :, 0]).save(path)
    else:
        one = numbers.shape[2] == 1
        how = {} if one else {"photometric": "minisblack", "planarconfig": "contig"}
        tifffile.imwrite(path, numbers[:, :, 0] if one else numbers, metadata=None, **how)


def read_numbers(path):
    """By the libraries that define the formats."""
    match path.suffix:
        case ".npy":
            return np.load(path)
        case ".png":
            return np.array(PIL.Image.open(path))
    return tifffile.imread(path)


# -- frames --


def moving(path, count=4, **how):
    """Frames of 60 colours: a square that walks over noise."""
    random = np.random.default_rng(0)
    colours = random.integers(0, 256, (60, 3), dtype=np.uint8)
    still = colours[random.integers(0, 60, (13, 22))]
    frames = []
    for index in range(count):
        frame = still.copy()
        frame[4:7, 3 + index : 6 + index] = colours[0]
        frames.append(frame)
    pictures = [PIL.Image.fromarray(frame) for frame in frames]
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures[0].save(
        path, save_all=True, append_images=pictures[1:], **({"duration": [40, 120, 60, 80][:count], "loop": 2} | how)
    )
    return frames


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_animations_are_translated_frame_by_frame(same, tmp_path, suffix):
    frames = moving(tmp_path / "in" / f"a.{suffix}", **({"lossless": True} if suffix == "webp" else {}))
    done = translate_files(same(), [tmp_path / "in"], out=tmp_path / "out", device="cpu", batch=3, flicker=True)
    assert (done.skipped, done.ways) == ([], {"whole, frame by frame": 1})
    with images.open_frames(tmp_path / "out" / f"a.{suffix}") as found:
        assert (list(found.durations), found.loops) == ([40, 120, 60, 80], 2)
        assert all(np.array_equal(pixels, frame) for pixels, frame in zip(found, frames, strict=True))
    measured = done.flicker[f"{tmp_path}/in/a.{suffix}"]
    assert (measured.pairs, measured.change, measured.own, measured.ratio) == (3, 0, 0, 1)
    assert measured.still > 0.9


def test_still_gifs_and_moving_ones(same, tmp_path):
    moving(tmp_path / "in" / "a.gif")
    PIL.Image.fromarray(noise(3, np.uint8)).save(tmp_path / "in" / "b.gif")
    moving(tmp_path / "in" / "c.bmp", format="GIF")  # misnamed
    translate_files(same(), [tmp_path / "in"], out=tmp_path / "out", device="cpu")
    assert files(tmp_path / "out") == ["a.gif", "b.png", "c.png"]
    assert [images.is_animated(tmp_path / "out" / name) for name in ("a.gif", "b.png", "c.png")] == [True, False, True]


def test_transparent_frames_stay_transparent(same, tmp_path):
    frames = []
    for index in range(3):
        frame = PIL.Image.new("RGBA", (22, 13), (0, 0, 0, 0))
        frame.paste((200, 20 * index, 30, 255), (2 + index, 2, 9 + index, 9))
        frames.append(frame)
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=50, disposal=2)
    for alpha in ("auto", "compose"):
        translate_files(same(), [tmp_path / "a.gif"], out=tmp_path / alpha, device="cpu", alpha=alpha)
        with images.open_frames(tmp_path / alpha / "a.gif") as found:
            assert found.original.alpha is (alpha == "auto")
            for pixels, frame in zip(found, frames, strict=True):
                wanted = np.asarray(frame)
                shows = wanted[:, :, 3] == 255
                assert np.array_equal(pixels[:, :, :3][shows], wanted[:, :, :3][shows])
                rest = pixels[~shows]
                assert (rest[:, 3] == 0).all() if alpha == "auto" else (rest == 255).all()


def test_a_folder_of_frames_is_measured_in_natural_order(same, tmp_path):
    """The eleventh frame follows the tenth; a gap, and another size, part neighbours."""
    for index in range(1, 12):
        save(tmp_path / "in" / f"frame{index}.png", np.full((8, 8, 3), index, np.uint8))
    done = translate_files(same(), [tmp_path / "in"], out=tmp_path / "out", device="cpu", batch=4, flicker=True)
    (name, measured), *others = done.flicker.items()
    assert (name, others) == (str(tmp_path / "in"), [])
    assert (measured.pairs, measured.still) == (10, 1)  # a step of 8 bits each
    assert measured.own == pytest.approx(1 / 255, rel=1e-3)
    save(tmp_path / "in" / "frame3.png", np.full((8, 9, 3), 3, np.uint8))
    (tmp_path / "in" / "frame7.png").write_text("no picture")
    done = translate_files(same(), [tmp_path / "in"], out=tmp_path / "more", device="cpu", batch=4, flicker=True)
    assert done.flicker[name].pairs == 10 - 2 - 2
    (tmp_path / "more" / "frame10.png").unlink()
    (tmp_path / "more" / "frame11.png").unlink()
    (tmp_path / "more" / "frame1.png").unlink()
    done = translate_files(same(), [tmp_path / "in"], out=tmp_path / "more", device="cpu", existing="keep", flicker=True)
    assert done.flicker[name].pairs == 1
    assert translate_files(same(), [tmp_path / "in"], out=tmp_path / "none", device="cpu").flicker == {}


def test_flicker_is_that_of_the_network(tmp_path):
    frames = moving(tmp_path / "a.gif")
    where = bundle_of(tmp_path / "b", RESNET)
    done = translate_files(where, [tmp_path / "a.gif"], out=tmp_path / "out", device="cpu", flicker=True)
    x = images.to_tensor(np.stack(frames))
    wanted = flicker(x, load(where)(x))
    assert done.flicker[str(tmp_path / "a.gif")] == pytest.approx(wanted, rel=1e-3)
    assert wanted.change > 0


# -- pages --


def paged(path, pages):
    """A TIFF of pages [H, W, C] of any sizes and depths."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with images.write_pages(path, room=1 << 20) as out:
        for pixels in pages:
            out.append(pixels)
    return pages


def all_pages(path):
    with images.open_pages(path) as pages:
        return [images.open_image(page)[0] for page in pages]


@pytest.mark.parametrize("how", [{}, {"batch": 2}, {"tile": 16}])
def test_every_page_is_translated_in_order(same, tmp_path, how):
    """Whatever their sizes and depths; none is lost, and none changed where the network changes nothing."""
    pages = [noise(3, np.uint8, height=13 + 9 * (number > 5), width=22) + np.uint8(number) for number in range(8)]
    pages[3] = noise(3, np.uint16, height=20, width=9)
    pages[4] = noise(3, np.float32, height=30, width=31)
    paged(tmp_path / "in" / "deep" / "scans.tiff", pages)
    (tmp_path / "in" / "misnamed.png").write_bytes((tmp_path / "in" / "deep" / "scans.tiff").read_bytes())
    done = translate_files(same(), [tmp_path / "in"], out=tmp_path / "out", device="cpu", **how)
    assert (done.skipped, done.ways) == ([], {"whole, page by page": 2})
    assert files(tmp_path / "out") == ["deep/scans.tiff", "misnamed.tif"]
    for name in files(tmp_path / "out"):
        found = all_pages(tmp_path / "out" / name)
        assert len(found) == 8
        for pixels, wanted in zip(found, pages, strict=True):
            assert pixels.dtype == wanted.dtype
            np.testing.assert_allclose(pixels, wanted, atol=0 if wanted.dtype != np.float32 else 1e-6)
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.write(tmp_path / "in" / "deep" / "scans.tiff", "scans.tiff")
    translate_files(same(), [tmp_path / "in.zip"], out=tmp_path / "zip", device="cpu", **how)
    assert (tmp_path / "zip" / "scans.tiff").read_bytes() == (tmp_path / "out" / "deep" / "scans.tiff").read_bytes()


def test_each_page_gets_its_own_answer(tmp_path):
    pages = paged(tmp_path / "a.tif", [noise(3, np.uint8, height=20, width=20) // np.uint8(1 + number) for number in range(3)])
    for spec, name in ((RESNET, "any"), (SPEC, "one")):
        where = bundle_of(tmp_path / name, spec)
        translate_files(where, [tmp_path / "a.tif"], out=tmp_path / f"out {name}", device="cpu", batch=2)
        translator = load(where)
        for number, found in enumerate(all_pages(tmp_path / f"out {name}" / "a.tif")):
            save(tmp_path / "alone.tif", pages[number])
            assert np.abs(found.astype(int) - np.asarray(translator(tmp_path / "alone.tif"))).max() <= 1


def test_pages_keep_their_transparency_and_what_is_said_of_them(same, tmp_path):
    clear = noise(4, np.uint8)
    clear[:, :, 3] = np.where(clear[:, :, 3] < 128, 0, 255)
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    with images.write_pages(tmp_path / "a.tif", room=1 << 20) as out:
        out.append(noise(3, np.uint8), like=images.Original("TIFF", 22, 13, 3, 8, dpi=(300, 300), compressed=True))
        out.append(clear, like=images.Original("TIFF", 22, 13, 4, 8, alpha=True, icc=profile))
    for alpha, count in (("auto", 4), ("compose", 3)):
        translate_files(same(), [tmp_path / "a.tif"], out=tmp_path / alpha, device="cpu", alpha=alpha)
        with images.open_pages(tmp_path / alpha / "a.tif") as pages:
            (first, about), (second, besides) = (images.open_image(page) for page in pages)
        assert (about.dpi, about.compressed, besides.icc, besides.compressed) == ((300, 300), True, profile, False)
        assert np.array_equal(first, noise(3, np.uint8))
        assert second.shape[2] == count
        shows = clear[:, :, 3] > 0
        assert np.array_equal(second[shows][:, :3], clear[shows][:, :3])
        assert count == 3 or np.array_equal(second[:, :, 3], clear[:, :, 3])


def test_pages_of_numbers(same, tmp_path):
    stack = np.random.default_rng(0).integers(-1000, 2001, (4, 13, 22)).astype(np.int16)
    tifffile.imwrite(tmp_path / "ct.tif", stack, photometric="minisblack")
    where = same(1, ranges=((-1000, 2000), (-1000, 2000)))
    done = translate_files(where, [tmp_path / "ct.tif"], out=tmp_path / "out", device="cpu", flicker=True)
    found = tifffile.imread(tmp_path / "out" / "ct.tif")
    assert found.dtype == np.int16
    assert np.array_equal(found, stack)
    assert done.flicker[str(tmp_path / "ct.tif")].pairs == 3


def test_pages_that_are_channels_are_one_image(same, tmp_path):
    stack, given = noise(5, np.uint8), tmp_path / "in"
    given.mkdir()
    tifffile.imwrite(given / "channels.tif", np.ascontiguousarray(np.moveaxis(stack, 2, 0)))
    tifffile.imwrite(given / "rows.tif", stack)
    done = translate_files(same(5), [given], out=tmp_path / "out", device="cpu")
    assert (done.skipped, done.ways) == ([], {"whole": 2})
    for name in files(given):
        assert np.array_equal(tifffile.imread(tmp_path / "out" / name), stack)
    done = translate_files(same(3), [given / "rows.tif"], out=tmp_path / "few", device="cpu")
    assert [reason.partition(";")[0] for _, reason in done.skipped] == ["5 channels, none of them known for a colour"]


def test_one_page_that_cannot_be_translated_is_named_and_none_is_written(same, tmp_path):
    paged(tmp_path / "in" / "1.tif", [noise(1, np.uint8)] * 3)
    pages = [noise(3, np.uint8), noise(3, np.uint8), np.full((5, 5, 3), 0.5, np.float32)]
    paged(tmp_path / "in" / "2.tif", pages)
    content = bytearray((tmp_path / "in" / "2.tif").read_bytes())
    place = content.index(np.float32(0.5).tobytes() * 4)
    content[place : place + 4] = np.float32(7).tobytes()
    (tmp_path / "in" / "2.tif").write_bytes(content)
    done = translate_files(same(), [tmp_path / "in"], out=tmp_path / "out", device="cpu")
    (name, reason), *others = done.skipped
    assert (name, others) == (f"{tmp_path}/in/2.tif", [])
    assert reason.startswith("page 3: float samples from 0.5 to 7; wanted 0 to 1")
    assert files(tmp_path / "out") == ["1.tif"]
    done = translate_files(same(5), [tmp_path / "in" / "1.tif"], out=tmp_path / "five", device="cpu")
    assert [reason for _, reason in done.skipped] == ["page 1: 1 channels; wanted 5: more than 4 come only from TIFF or NPY"]


def test_frames_of_many_channels_cannot_be_written(tmp_path):
    moving(tmp_path / "a.gif")
    done = translate_files(bundle_of(tmp_path / "b", RESNET, target=5), [tmp_path / "a.gif"], out=tmp_path / "out", device="cpu")
    assert done.skipped == [(str(tmp_path / "a.gif"), "an animation, whose frames cannot have 5 channels")]
    assert not (tmp_path / "out").exists()


def test_a_damaged_animation_is_skipped(same, tmp_path):
    moving(tmp_path / "in" / "a.gif")
    (tmp_path / "in" / "a.gif").write_bytes((tmp_path / "in" / "a.gif").read_bytes()[:-300])
    done = translate_files(same(), [tmp_path / "in"], out=tmp_path / "out", device="cpu")
    assert [name for name, _ in done.skipped] == [f"{tmp_path}/in/a.gif"]
    assert not (tmp_path / "out").exists() or files(tmp_path / "out") == []


# -- trouble --


def test_an_out_below_a_file_is_refused(bundle, draw, tmp_path):
    given = draw("deep/1.png")
    (tmp_path / "file").write_text("no folder")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(RunError, match=r"file is a file, and answers should go into a folder there; choose another --out"):
            translate_files(bundle, [given], out=out, device="cpu")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "deep").write_text("no folder")
    with pytest.raises(RunError, match=r"deep is a file"):
        translate_files(bundle, [given], out=tmp_path / "out", device="cpu", existing="overwrite")


def test_memory_that_does_not_suffice_is_told(bundle, draw, tmp_path, monkeypatch):
    given = draw("1.png")

    def full(*_):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    monkeypatch.setattr(Translator, "translate", full)
    with pytest.raises(RunError, match=r"memory does not suffice at .*1\.png.*try a smaller --batch or --tile"):
        translate_files(bundle, [given], out=tmp_path / "out", device="cpu")

    def broken(*_):
        raise RuntimeError("something else")

    monkeypatch.setattr(Translator, "translate", broken)
    with pytest.raises(RuntimeError, match="something else"):
        translate_files(bundle, [given], out=tmp_path / "out", device="cpu")


def test_it_is_told_how_far_it_is(same, tmp_path):
    for index in range(3):
        save(tmp_path / "in" / f"{index}.png", noise(3, np.uint8, height=8, width=8))
    moving(tmp_path / "in" / "4.gif")
    save(tmp_path / "in" / "5.png", noise(3, np.uint8, height=30, width=30))
    said = []
    translate_files(
        same(), [tmp_path / "in"], out=tmp_path / "out", device="cpu", batch=2, tile=24, tell=lambda *told: said.append(told)
    )
    assert said[0] == (0, 5, "", 0.0)
    assert said[-1] == (5, 5, "", 0.0)
    assert sorted(said, key=lambda told: told[0] + told[3]) == said
    names = {name.removeprefix(f"{tmp_path}/in/") for _, _, name, _ in said}
    assert names == {"", "4.gif", "5.png"}
    assert len([share for _, _, name, share in said if name.endswith("5.png")]) > 3


def test_bars_are_for_terminals(capsys, monkeypatch):
    with shown() as tell:
        tell(0, 2, "", 0.0)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")  # as rich is told of a terminal
    with shown() as tell:
        tell(0, 2, "", 0.0)
        tell(1, 2, "in/[big].tif", 0.5)
    out, err = capsys.readouterr()
    assert out == ""
    assert "[big].tif" in err
    assert "1/2" in err


def test_a_seed_is_one_noise(tmp_path):
    save(tmp_path / "a.png", noise(3, np.uint8))
    where = bundle_of(tmp_path / "b", specs.ResNet(width=4, blocks=1, dropout=0.5))
    found = {}
    for seed, deterministic in ((0, False), (1, False), (0, True), (1, True)):
        out = tmp_path / f"{seed}{deterministic}"
        translate_files(where, [tmp_path / "a.png"], out=out, device="cpu", seed=seed, deterministic=deterministic)
        found[seed, deterministic] = (out / "a.png").read_bytes()
    assert found[0, False] != found[1, False]
    assert found[0, True] == found[1, True] != found[0, False]


def test_several_files_through_a_network_that_threads_would_read_at_once(draw, tmp_path):
    """torch.fx reads one network at a time; reading it in every thread failed more often than not."""
    spec = specs.UNet(width=2, downs=5, norm="instance", dropout=0)
    network = generator(spec, (3, 32, 32), (3, 32, 32))
    one = Translator(network, spec=spec, source=(3, 32, 32), target=(3, 32, 32))
    save_bundle(tmp_path / "bundle", {"a_to_b": one}, fit="crop", background="white", about={}, card="")
    given = draw(*(f"{index}.png" for index in range(8)))
    done = translate_files(tmp_path / "bundle", [given], out=tmp_path / "out", device="cpu")
    assert (len(done.translated), done.skipped) == (8, [])


def test_a_scratch_folder_that_is_not_there(bundle, draw, tmp_path):
    with pytest.raises(DataError, match="no folder; wanted one that exists"):
        translate_files(bundle, [draw("1.png")], out=tmp_path / "out", device="cpu", scratch=tmp_path / "nowhere")
    assert not (tmp_path / "out").exists()
