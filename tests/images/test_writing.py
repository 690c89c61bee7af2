"""Files out, read back by Pillow, tifffile, imagecodecs and numpy."""

import functools
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from unpaired import images
from unpaired.errors import DataError, ShapeError


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tiff", ".bmp"])
def test_write_and_read_back(tmp_path, suffix, noise):
    pixels = noise()
    images.write(tmp_path / f"x{suffix}", pixels)
    assert np.array_equal(images.read(tmp_path / f"x{suffix}"), pixels)
    images.write(tmp_path / f"y{suffix}", images.to_tensor(pixels[None])[0])
    assert np.array_equal(images.read(tmp_path / f"y{suffix}"), pixels)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"x{suffix}", f"y{suffix}"]


def test_write_leaves_the_old_file_when_it_fails(tmp_path, monkeypatch, noise):
    images.write(tmp_path / "x.png", noise(seed=1))
    before = (tmp_path / "x.png").read_bytes()

    def fail(self, path, **how):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        images.write(tmp_path / "x.png", noise(seed=2))
    assert (tmp_path / "x.png").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_write_says_what_it_cannot_do(tmp_path, noise):
    with pytest.raises(DataError, match=r"cannot write '\.xyz'; wanted one of \.png"):
        images.write(tmp_path / "a.xyz", noise())
    with pytest.raises(ShapeError, match=r"JPEG cannot hold transparency \(4 channels\); use \.png"):
        images.write(tmp_path / "a.jpg", noise(channels=4))
    with pytest.raises(ShapeError, match=r"wanted uint8, uint16 or float32 \[H, W, C\]"):
        images.write(tmp_path / "a.png", np.zeros((2, 2), np.float32))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
def test_others_read_what_is_written(tmp_path, noise, suffix, channels, dtype):
    pixels = noise(6, 5, channels, dtype=dtype)
    path = tmp_path / f"x{suffix}"
    if images.writable(path, channels=channels, depth=images.depth_of(pixels)) != path:
        pytest.skip("a PNG holds no such thing")
    images.write(path, pixels)
    read = {".png": lambda: imagecodecs.png_decode(path.read_bytes()), ".tif": lambda: tifffile.imread(path)}
    found = read.get(suffix, lambda: np.load(path))()
    assert found.dtype == dtype
    assert np.array_equal(found.reshape(pixels.shape), pixels)
    # An image from a network goes to the same depth.
    images.write(path, images.to_tensor(pixels[None])[0], depth=images.depth_of(pixels))
    back, _ = images.open_image(path)
    assert np.abs(back.astype(float) - pixels).max() <= 1e-7
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_path_gets_an_ending_that_can_hold_the_pixels():
    def ending(name, channels, depth):
        return images.writable(Path(name), channels=channels, depth=depth).name

    assert ending("a.JPG", 3, 8) == "a.JPG"
    assert ending("a.jpg", 4, 8) == "a.png"
    assert ending("a.jpg", 3, 16) == "a.png"
    assert ending("a.webp", 3, 32) == "a.tif"
    assert ending("a.png", 5, 8) == "a.tif"
    assert ending("a.gif", 3, 8) == "a.png"
    assert ending("a.tiff", 12, 32) == "a.tiff"
    assert ending("a.npy", 12, 32) == "a.npy"


def test_what_a_format_cannot_hold_is_refused(tmp_path, noise):
    with pytest.raises(ShapeError, match=r"a\.png: PNG cannot hold floats; use \.tif, or write with depth=16"):
        images.write(tmp_path / "a.png", noise(dtype=np.float32))
    with pytest.raises(ShapeError, match=r"a\.jpg: JPEG cannot hold 16 bits; use \.png, or write with depth=8"):
        images.write(tmp_path / "a.jpg", noise(dtype=np.uint16))
    with pytest.raises(ShapeError, match=r"a\.png: PNG cannot hold so many channels \(5 channels\); use \.tif"):
        images.write(tmp_path / "a.png", noise(channels=5))
    assert not list(tmp_path.iterdir())
    images.write(tmp_path / "a.png", noise(dtype=np.float32), depth=16)
    assert images.header(tmp_path / "a.png").depth == 16


@functools.cache  # it holds the second in which it was made
def profile(model="RGB"):
    """A colour profile; of greys, one that only says so."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return made if model == "RGB" else made[:16] + b"GRAY" + made[20:]


@pytest.fixture
def photograph(tmp_path, noise):
    """A function that makes an Original with all there is to keep, of a file that Pillow wrote."""

    def make(size=(16, 24), icc=None):
        exif = Image.Exif()
        exif[0x0112], exif[0x010F] = 6, "Maker"
        exif[0x8769] = {0x9003: "2020:01:02 03:04:05", 0xA002: size[1], 0xA003: size[0]}
        exif[0x8825] = {1: "N", 2: (51.0, 30.0, 0.0)}
        path = tmp_path / "photograph.jpg"
        Image.fromarray(noise(*size)).save(path, exif=exif, icc_profile=icc or profile(), dpi=(300, 150))
        return images.open_image(path)[1]

    return make


KEPT = [(".jpg", 8), (".png", 8), (".png", 16), (".webp", 8), (".tif", 8), (".tif", 16), (".tif", 32)]


@pytest.mark.parametrize(("suffix", "depth"), KEPT)
@pytest.mark.parametrize("by_rows", [False, True])
def test_an_answer_keeps_what_its_input_said(tmp_path, noise, photograph, suffix, depth, by_rows):
    original, path = photograph(), tmp_path / f"x{suffix}"
    pixels = images.to_depth(noise(24, 16), depth=depth)
    if by_rows:
        with images.write_rows(path, shape=pixels.shape, depth=depth, like=original) as rows:
            rows.append(pixels[:10])
            rows.append(pixels[10:])
    else:
        images.write(path, pixels, like=original, depth=depth)
    # What Pillow reads of it: of a TIFF of floats only the tags, which is why they are read as EXIF.
    if suffix == ".tif":
        exif = Image.Exif()
        with path.open("rb") as stream:
            exif.load_from_fp(stream)
            said = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
        with tifffile.TiffFile(path) as file:
            page = file.pages[0]
            icc, dpi = page.iccprofile, page.resolution
            assert np.array_equal(page.asarray(), pixels)
    else:
        with Image.open(path) as image:
            image.load()
            exif, icc, dpi = image.getexif(), image.info["icc_profile"], image.info.get("dpi")
            said = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
        assert exif[0x0112] == 1
    assert exif[0x010F] == "Maker"
    assert said[0][0x9003] == "2020:01:02 03:04:05"
    assert (said[0][0xA002], said[0][0xA003]) == (24, 16)  # of an answer as large as its input nothing is changed
    assert said[1][2] == (51.0, 30.0, 0.0)
    assert icc == profile()
    if suffix != ".webp":
        assert dpi == pytest.approx((300, 150), abs=0.02)
    again = images.open_image(path)[1]
    assert (again.icc, again.depth, again.width, again.height) == (original.icc, depth, 16, 24)
    assert again.exif is not None


def test_the_size_in_exif_follows_the_answer(tmp_path, noise, photograph):
    images.write(tmp_path / "x.png", noise(10, 11), like=photograph())
    camera = Image.open(tmp_path / "x.png").getexif().get_ifd(0x8769)
    assert (camera[0xA002], camera[0xA003]) == (11, 10)


def test_a_profile_stays_only_where_it_fits_the_colours(tmp_path, noise, photograph):
    original = photograph()
    for channels, there in ((3, True), (4, True), (1, False), (2, False)):
        for depth in (8, 16):
            images.write(tmp_path / "x.png", images.to_depth(noise(channels=channels), depth=depth), like=original, depth=depth)
            assert ("icc_profile" in Image.open(tmp_path / "x.png").info) is there
    grey = photograph(icc=profile("grey"))
    images.write(tmp_path / "x.tif", noise(channels=1), like=grey)
    assert tifffile.TiffFile(tmp_path / "x.tif").pages[0].iccprofile == profile("grey")


def test_an_answer_has_the_depth_of_its_input(tmp_path, noise):
    images.write(tmp_path / "a.tif", noise(dtype=np.float32))
    original = images.open_image(tmp_path / "a.tif")[1]
    images.write(tmp_path / "b.tif", noise(), like=original)
    assert images.header(tmp_path / "b.tif").depth == 32


def test_a_tiff_stays_compressed_and_on_earth(tmp_path, noise):
    pixels = noise(32, 32, dtype=np.uint16)
    place = (33922, "d", 6, (0.0, 0.0, 0.0, 500000.0, 4600000.0, 0.0), True)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", compression="lzw", extratags=[place], metadata=None)
    original = images.open_image(tmp_path / "a.tif")[1]
    images.write(tmp_path / "b.tif", pixels, like=original)
    images.write(tmp_path / "c.tif", pixels[:16], like=original)
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert file.pages[0].compression == tifffile.COMPRESSION.ADOBE_DEFLATE
        assert file.pages[0].tags[33922].value == place[3]
        assert np.array_equal(file.asarray(), pixels)
    assert 33922 not in tifffile.TiffFile(tmp_path / "c.tif").pages[0].tags  # elsewhere


def test_four_measurements_stay_four_measurements(tmp_path, noise):
    tifffile.imwrite(tmp_path / "a.tif", noise(channels=4), photometric="minisblack", planarconfig="contig", metadata=None)
    pixels, original = images.open_image(tmp_path / "a.tif")
    assert (original.mode, original.alpha) == ("4 channels", False)
    images.write(tmp_path / "b.tif", pixels, like=original)
    again, said = images.open_image(tmp_path / "b.tif")
    assert np.array_equal(again, pixels)
    assert not said.alpha


@pytest.mark.parametrize("suffix", [".tif", ".npy"])
@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.int32, np.uint16])
def test_numbers_of_a_range_are_written_as_they_were_read(tmp_path, suffix, dtype):
    low = 0 if dtype is np.uint16 else -1000
    numbers = np.random.default_rng(0).integers(low, 2000, (6, 5, 5)).astype(dtype)
    path = tmp_path / f"a{suffix}"
    if suffix == ".npy":
        np.save(path, numbers)
    else:
        tifffile.imwrite(path, numbers, photometric="minisblack", planarconfig="contig", metadata=None)
    pixels, original = images.open_image(path, depth=32, value_range=(low, 2000))
    assert (original.dtype, original.value_range) == (np.dtype(dtype).name, (low, 2000))
    assert (pixels.dtype, pixels.min() >= 0, pixels.max() <= 1) == (np.float32, True, True)
    images.write(tmp_path / f"whole{suffix}", pixels, like=original)
    with images.write_rows(tmp_path / f"rows{suffix}", shape=pixels.shape, depth=32, like=original) as rows:
        rows.append(pixels[:2])
        rows.append(pixels[2:])
    for name in ("whole", "rows"):
        found = np.load(tmp_path / f"{name}{suffix}") if suffix == ".npy" else tifffile.imread(tmp_path / f"{name}{suffix}")
        assert found.dtype == dtype
        np.testing.assert_allclose(found, numbers, atol=2e-3 if dtype is np.float32 else 0)


@pytest.mark.parametrize(("name", "depth"), [("a.png", 8), ("a.png", 16), ("a.bmp", 8), ("a.tif", 8)])
def test_numbers_of_a_range_in_formats_for_pictures(tmp_path, name, depth):
    """0 to 100: whole files and rows alike, transparency with the range that it has."""
    channels = 1 if name == "a.bmp" else 2
    dtype = np.uint8 if depth == 8 else np.uint16
    pixels = np.stack([np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)] * channels, axis=2)
    like = images.Original("PNG", 4, 3, channels, depth, alpha=channels == 2, dtype=np.dtype(dtype).name, value_range=(0, 100))
    images.write(tmp_path / name, pixels, like=like)
    with images.write_rows(tmp_path / f"rows {name}", shape=pixels.shape, depth=32, like=like) as rows:
        rows.append(pixels)
    for path in (tmp_path / name, tmp_path / f"rows {name}"):
        found = images.open_image(path)[0]
        assert found.dtype == dtype
        assert found[:, :, 0].flatten().tolist() == np.rint(np.linspace(0, 100, 12)).tolist()
        if channels == 2:
            assert found[:, :, 1].flatten().tolist() == np.rint(np.linspace(0, np.iinfo(dtype).max, 12)).tolist()


def test_a_format_that_cannot_hold_the_numbers_is_refused(tmp_path):
    like = images.Original("TIFF", 4, 3, 1, 16, dtype="int16", value_range=(-5, 5))
    pixels = np.zeros((3, 4, 1), np.float32)
    with pytest.raises(ShapeError, match=r"PNG cannot hold floats; use \.tif"):
        images.write(tmp_path / "a.png", pixels, like=like)
    with (
        pytest.raises(ShapeError, match=r"PNG cannot hold floats"),
        images.write_rows(tmp_path / "a.png", shape=(3, 4, 1), like=like),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
