"""Files in: formats, orientation, transparency, sample ranges, errors."""

import io
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, TiffImagePlugin

from unpaired import images
from unpaired.errors import DataError, ShapeError, UnreadableImages


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_formats_give_the_exact_samples(format, noise, encoded):
    pixels = noise()
    assert np.array_equal(images.read(encoded(Image.fromarray(pixels), format)), pixels)


def test_lossless_webp_gives_the_exact_samples(noise, encoded):
    pixels = noise()
    assert np.array_equal(images.read(encoded(Image.fromarray(pixels), "WEBP", lossless=True)), pixels)


def test_jpeg_gives_nearly_the_samples(smooth, encoded):
    pixels = smooth()
    read = images.read(encoded(Image.fromarray(pixels), "JPEG", quality=95, subsampling=0))
    assert np.abs(read.astype(int) - pixels).max() <= 6


def test_of_an_animation_the_first_frame_is_read(encoded):
    frames = [Image.new("P", (4, 3), index) for index in (1, 2)]
    for frame in frames:
        frame.putpalette([0, 0, 0, 200, 10, 20, 1, 2, 3])
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.array_equal(images.read(content), np.full((3, 4, 3), (200, 10, 20), np.uint8))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
def test_exif_orientation_is_applied_once(orientation, format, encoded):
    upright = np.zeros((16, 32), np.uint8)
    upright[:8, :16], upright[:8, 16:], upright[8:, :16] = 255, 170, 85
    # How a camera stores `upright` so that the tag tells the way back: the inverse of what the tag asks for.
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.T,
        6: np.rot90(upright, 1), 7: upright[::-1, ::-1].T, 8: np.rot90(upright, -1),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(Image.fromarray(np.ascontiguousarray(stored)), format, exif=exif)
    read = images.read(content, channels=1)[:, :, 0]
    assert read.shape == (16, 32)
    assert np.abs(read.astype(int) - upright).max() <= 3


@pytest.mark.parametrize(("background", "wanted"), [("white", 255), ("black", 0), ("#808080", 128)])
def test_transparent_pixels_show_the_background(background, wanted, encoded):
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, 0] = (10, 20, 30, 255)
    read = images.read(encoded(Image.fromarray(pixels), "PNG"), background=background)
    assert read[0, 0].tolist() == [10, 20, 30]
    assert read[1, 1].tolist() == [wanted] * 3


def test_half_transparent_pixels_are_mixed(encoded):
    pixels = np.full((1, 1, 4), (100, 0, 200, 128), np.uint8)
    read = images.read(encoded(Image.fromarray(pixels), "PNG"), background="white")[0, 0]
    wanted = np.array([100, 0, 200]) * 128 / 255 + 255 * 127 / 255
    assert np.abs(read - wanted).max() <= 1


def test_a_transparent_palette_entry_shows_the_background(encoded):
    palette = Image.new("P", (2, 1), 0)
    palette.putpalette([9, 8, 7, 50, 60, 70])
    palette.putpixel((1, 0), 1)
    for format in ("PNG", "GIF"):
        read = images.read(encoded(palette, format, transparency=0), background="red")
        assert read[0].tolist() == [[255, 0, 0], [50, 60, 70]]


def test_transparent_grey_and_grey_from_colour(encoded):
    pixels = np.array([[[77, 255], [77, 0]]], np.uint8)
    content = encoded(Image.fromarray(pixels), "PNG")
    assert images.read(content, channels=1)[0, :, 0].tolist() == [77, 255]
    assert images.read(content, channels=2).tolist() == pixels.tolist()
    assert images.read(encoded(Image.new("RGB", (1, 1), (255, 0, 0)), "PNG"), channels=1)[0, 0, 0] == 76  # 0.299 * 255


def test_four_channels_keep_the_transparency(noise, encoded):
    pixels = noise(channels=4)
    assert np.array_equal(images.read(encoded(Image.fromarray(pixels), "PNG"), channels=4), pixels)
    opaque = images.read(encoded(Image.fromarray(pixels[:, :, :3]), "PNG"), channels=4)
    assert (opaque[:, :, 3] == 255).all()


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_to_the_whole_of_8_bits(format, encoded):
    samples = np.array([[0, 128, 129, 257, 32768, 65406, 65407, 65535]], np.uint16)
    read = images.read(encoded(Image.fromarray(samples), format), channels=1)
    assert read[0, :, 0].tolist() == [0, 0, 1, 1, 128, 254, 255, 255]
    assert images.read(encoded(Image.fromarray(samples), format)).shape == (1, 8, 3)


def test_float_samples_from_0_to_1_are_read_and_others_refused(encoded):
    samples = np.array([[0.0, 0.5, 1.0]], np.float32)
    assert images.read(encoded(Image.fromarray(samples), "TIFF"), channels=1)[0, :, 0].tolist() == [0, 128, 255]
    for bad in (samples * 300, samples * np.nan):
        with pytest.raises(UnreadableImages, match=r"float samples .* wanted 0 to 1: rescale"):
            images.read(encoded(Image.fromarray(bad), "TIFF"))


def test_32_bit_samples_beyond_16_bits_are_refused(encoded):
    content = encoded(Image.fromarray(np.array([[0, 70000]], np.int32)), "TIFF")
    with pytest.raises(UnreadableImages, match="32-bit samples from 0 to 70000; wanted 0 to 65535"):
        images.read(content)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_mode_gives_every_number_of_channels(mode, channels):
    image = Image.new(mode, (3, 2))
    assert images.read(image, channels=channels).shape == (2, 3, channels)


def test_a_cmyk_jpeg_is_read_as_colour(encoded):
    content = encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG")
    assert np.abs(images.read(content)[0, 0].astype(int) - (254, 0, 0)).max() <= 6


def test_a_large_jpeg_may_be_decoded_small(smooth, encoded):
    content = encoded(Image.fromarray(smooth()).resize((800, 600)), "JPEG", quality=95)
    small = images.read(content, at_least=100)
    assert small.shape == (150, 200, 3)
    whole = images.fit(images.read(content), size=(75, 100), how="resize")
    assert np.abs(images.fit(small, size=(75, 100), how="resize").astype(int) - whole).max() <= 4


def test_files_that_are_no_images_say_so(tmp_path):
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(UnreadableImages, match=r"text\.png: not an image.*; wanted PNG, JPEG"):
        images.read(tmp_path / "text.png")
    with pytest.raises(UnreadableImages, match=r"empty\.png: the file is empty"):
        images.read(tmp_path / "empty.png")
    with pytest.raises(UnreadableImages, match=r"none\.png: no such file"):
        images.read(tmp_path / "none.png")


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF"])
def test_a_truncated_file_is_refused(format, noise, encoded):
    content = encoded(Image.fromarray(noise(64, 64)), format)
    with pytest.raises(UnreadableImages):
        images.read(content[: len(content) // 2])
    if format in ("PNG", "JPEG"):
        with pytest.raises(UnreadableImages, match="the file is truncated"):
            images.read(content[: len(content) // 2])


def test_what_is_too_large_is_refused_before_it_is_decoded(encoded, as_tiff, as_npy):
    grey = np.zeros((64, 64), np.uint16)
    for content in (
        encoded(Image.new("L", (64, 64)), "PNG"),
        encoded(Image.fromarray(grey), "PNG"),
        as_tiff(grey),
        as_npy(grey),
        as_npy(np.zeros((8, 8, 256), np.uint8)),  # 64 pixels, that weigh as much as 4096
    ):
        assert images.read(content, channels=images.header(content).channels, largest=4096).shape[0] in (8, 64)
        with pytest.raises(UnreadableImages, match=r"too large \(.* pixels.*\); wanted at most 0 million pixels: make"):
            images.read(content, largest=4095)
    assert images.HUGE >= 12_000**2 > images.LARGEST // 2


def test_postscript_is_never_interpreted(encoded):
    with pytest.raises(UnreadableImages, match="not an image"):
        images.read(encoded(Image.new("RGB", (4, 4)), "EPS"))


def test_wrong_arguments_say_what_is_wanted(encoded):
    content = encoded(Image.new("RGB", (4, 4)), "PNG")
    with pytest.raises(ShapeError, match="channels is 0; wanted 1"):
        images.read(content, channels=0)
    with pytest.raises(ShapeError, match="depth is 12; wanted 8, 16 or 32"):
        images.read(content, depth=12)
    with pytest.raises(DataError, match="'wite' is no colour; wanted a name"):
        images.read(content, background="wite")


def test_header_tells_format_mode_and_size(encoded):
    assert images.header(encoded(Image.new("L", (4, 3)), "PNG")) == ("PNG", "L", 4, 3, 1, 8, "uint8", 1)


def stored(kind, samples, as_tiff, as_npy):
    """A file of these samples `[H, W, C]`, made by the libraries that define the formats."""
    if kind == "PNG":
        return imagecodecs.png_encode(samples if samples.shape[2] > 1 else np.ascontiguousarray(samples[:, :, 0]))
    if kind == "NPY":
        return as_npy(samples)
    grey = samples.shape[2] in (1, 2)
    known = samples.shape[2] <= 4
    return as_tiff(
        samples if samples.shape[2] > 1 else samples[:, :, 0],
        photometric="minisblack" if grey or not known else "rgb",
        planarconfig="contig" if samples.shape[2] > 1 else None,
        extrasamples=["unassalpha"] if samples.shape[2] in (2, 4) else None,
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 12])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "NPY"])
def test_every_depth_and_number_of_channels_comes_back_exactly(noise, as_tiff, as_npy, kind, channels, dtype):
    if kind == "PNG" and (channels > 4 or dtype is np.float32):
        pytest.skip("a PNG holds no such thing")
    samples = noise(channels=channels, dtype=dtype)
    content = stored(kind, samples, as_tiff, as_npy)
    depth = images.depth_of(samples)
    read = images.read(content, channels=channels, depth=depth)
    assert read.dtype == dtype
    assert np.array_equal(read, samples)
    opened, original = images.open_image(content)
    assert np.array_equal(opened, samples)
    assert (original.format, original.width, original.height) == (kind, 7, 5)
    assert (original.channels, original.depth, original.alpha) == (channels, depth, channels in (2, 4))
    said = images.header(content)
    assert (said.format, said.width, said.height, said.channels, said.depth) == (kind, 7, 5, channels, depth)
    # What a deeper file shows at 8 bits is what a change of depth makes of it.
    assert np.array_equal(images.read(content, channels=channels), images.to_depth(samples, depth=8))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize(
    "how",
    [
        {"planarconfig": "separate"},
        {"compression": "lzw", "predictor": True},
        {"compression": "zlib", "tile": (16, 16)},
        {"planarconfig": "separate", "compression": "zlib", "tile": (16, 16)},
        {"byteorder": ">"},
        {"bigtiff": True, "rowsperstrip": 3},
    ],
)
@pytest.mark.parametrize("channels", [3, 6])
def test_a_tiff_may_be_laid_out_in_any_way(noise, as_tiff, how, dtype, channels):
    samples = noise(20, 37, channels, dtype=dtype)
    laid = np.moveaxis(samples, 2, 0) if how.get("planarconfig") == "separate" else samples
    content = as_tiff(
        np.ascontiguousarray(laid),
        **({"photometric": "rgb" if channels == 3 else "minisblack", "planarconfig": "contig"} | how),
    )
    read = images.read(content, channels=channels, depth=images.depth_of(samples))
    assert np.array_equal(read, samples)
    assert images.header(content).channels == channels


def test_pages_that_say_so_are_channels(noise, as_tiff):
    samples = noise(6, 8, 5, dtype=np.uint16)
    pages = np.ascontiguousarray(np.moveaxis(samples, 2, 0))
    for how in ({"imagej": True, "metadata": {"axes": "CYX"}}, {"photometric": "minisblack", "metadata": {"axes": "CYX"}}):
        content = as_tiff(pages, **how)
        assert images.header(content).channels == 5
        assert np.array_equal(images.read(content, channels=5, depth=16), samples)
    unlabelled = as_tiff(pages, photometric="minisblack", metadata={})
    assert np.array_equal(images.read(unlabelled, channels=5, depth=16), samples)


def test_a_fortran_ordered_array_is_read(noise, as_npy):
    samples = noise(channels=5, dtype=np.uint16)
    assert np.array_equal(images.read(as_npy(np.asfortranarray(samples)), channels=5, depth=16), samples)
    assert np.array_equal(images.read(as_npy(samples.astype(">u2")), channels=5, depth=16), samples)
    assert np.array_equal(images.read(as_npy(samples[:, :, 0]), channels=1, depth=16), samples[:, :, :1])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_deep_files_are_turned_upright_as_pillow_turns_shallow_ones(noise, encoded, as_tiff, orientation, kind):
    stored = noise(6, 9, 3, dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    wanted = images.read(encoded(Image.fromarray(stored), "PNG", exif=exif))
    deep = images.to_depth(stored, depth=16)
    if kind == "TIFF":
        content = as_tiff(deep, photometric="rgb", extratags=[(274, "H", 1, orientation, True)])
    else:
        plain = imagecodecs.png_encode(deep)
        block = encoded(Image.new("L", (1, 1)), "PNG", exif=exif)
        place = block.index(b"eXIf")
        chunk = block[place - 4 : place + 8 + int.from_bytes(block[place - 4 : place], "big")]
        content = plain[:-12] + chunk + plain[-12:]  # behind the pixels, which is allowed
    read, original = images.open_image(content)
    assert np.array_equal(images.to_depth(read, depth=8), wanted)
    assert (original.height, original.width) == wanted.shape[:2]


def test_a_colour_key_of_a_deep_png_is_transparency(noise):
    samples = noise(dtype=np.uint16)
    content = imagecodecs.png_encode(samples)
    key = samples[2, 3].astype(">u2").tobytes()
    chunk = struct.pack(">I", 6) + b"tRNS" + key + struct.pack(">I", zlib.crc32(b"tRNS" + key))
    read = images.read(content[:33] + chunk + content[33:], channels=4, depth=16)
    assert np.array_equal(read[:, :, :3], samples)
    assert (read[:, :, 3] == 0).sum() == 1
    assert read[2, 3, 3] == 0


def test_premultiplied_alpha_is_divided_out(as_tiff):
    samples = np.array([[[10000, 20000, 0, 32768], [5, 5, 5, 0], [7, 8, 9, 65535]]], np.uint16)
    read = images.read(as_tiff(samples, photometric="rgb", extrasamples=["assocalpha"]), channels=4, depth=16)
    assert read[0, 0].tolist() == [round(10000 * 65535 / 32768), round(20000 * 65535 / 32768), 0, 32768]
    assert read[0, 1].tolist() == [0, 0, 0, 0]
    assert read[0, 2].tolist() == [7, 8, 9, 65535]


def test_white_is_zero_and_odd_numbers_of_bits(as_tiff):
    samples = np.array([[0, 1000, 65535]], np.uint16)
    read = images.read(as_tiff(samples, photometric="miniswhite"), channels=1, depth=16)
    assert read[0, :, 0].tolist() == [65535, 64535, 0]
    twelve = as_tiff(np.array([[0, 2048, 4095, 0]], np.uint16), bitspersample=12, photometric="minisblack")
    assert images.read(twelve, channels=1, depth=16)[0, :, 0].tolist() == [0, round(2048 / 4095 * 65535), 65535, 0]


def test_a_fourth_channel_without_a_meaning_is_no_alpha(noise, as_tiff):
    samples = noise(channels=4, dtype=np.uint16)
    infrared = as_tiff(samples, photometric="rgb", extrasamples=["unspecified"])
    assert np.array_equal(images.read(infrared, channels=4, depth=16), samples)
    assert np.array_equal(images.read(infrared, channels=3, depth=16), samples[:, :, :3])
    assert not images.open_image(infrared)[1].alpha
    bytes_too = as_tiff(images.to_depth(samples, depth=8), photometric="rgb", extrasamples=["unspecified"])
    assert np.array_equal(images.read(bytes_too, channels=4), images.to_depth(samples, depth=8))


def test_other_numbers_of_channels_are_refused(noise, encoded, as_tiff, as_npy):
    bands = as_tiff(noise(channels=6), photometric="minisblack", planarconfig="contig")
    with pytest.raises(UnreadableImages, match="6 channels, none of them known for a colour; wanted 3: ask for 6, or convert"):
        images.read(bands)
    with pytest.raises(UnreadableImages, match="6 channels; wanted 5: more than 4 come only from TIFF or NPY"):
        images.read(bands, channels=5)
    with pytest.raises(UnreadableImages, match="3 channels; wanted 5: more than 4"):
        images.read(encoded(Image.new("RGB", (4, 4)), "PNG"), channels=5)
    with pytest.raises(UnreadableImages, match=r"an array \[2, 3, 4, 5\]; wanted \[H, W\] or \[H, W, C\]"):
        images.read(as_npy(np.zeros((2, 3, 4, 5), np.uint8)))
    with pytest.raises(UnreadableImages, match="an array of complex128; wanted uint8, uint16 or floats"):
        images.read(as_npy(np.zeros((2, 3), complex)))


def test_an_array_of_objects_is_never_unpickled(as_npy):
    with pytest.raises(UnreadableImages, match="an array of object"):
        images.read(as_npy(np.array([[{}]], object)))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "NPY"])
def test_a_truncated_deep_file_is_refused(noise, as_tiff, as_npy, kind):
    content = stored(kind, noise(64, 64, dtype=np.uint16), as_tiff, as_npy)
    with pytest.raises(UnreadableImages):
        images.read(content[: len(content) // 2])
    with pytest.raises(UnreadableImages, match="the file is truncated"):
        images.read(content[:-20])


def test_a_value_range_maps_any_numbers(as_tiff, as_npy, encoded):
    tissue = np.array([[-1000, -500, 0, 1000, 3000]], np.int16)
    wanted = [0.0, 0.25, 0.5, 1.0, 1.0]
    for content in (as_npy(tissue), as_tiff(tissue), as_npy(tissue.astype(np.float64)), as_npy(tissue.astype(np.int64))):
        read = images.read(content, channels=1, depth=32, value_range=(-1000, 1000))
        assert read[0, :, 0].tolist() == pytest.approx(wanted, abs=1e-6)
        with pytest.raises(UnreadableImages, match="value_range"):
            images.read(content, channels=1, depth=32)
    layered = Image.fromarray(np.array([[[50, 255], [100, 128]]], np.uint8))
    read = images.read(encoded(layered, "PNG"), channels=2, depth=32, value_range=(0, 100))
    assert read[0].tolist() == [[0.5, 1.0], [1.0, pytest.approx(128 / 255)]]  # alpha keeps its own range
    with pytest.raises(DataError, match="value_range is 5 to 5; wanted a lower and a higher number"):
        images.read(as_npy(tissue), channels=1, value_range=(5, 5))
    with pytest.raises(UnreadableImages, match="not a number"):
        images.read(as_npy(np.array([[np.nan]])), channels=1, value_range=(0, 1))


def test_deep_colour_and_grey_and_alpha_become_each_other(as_npy):
    samples = np.array([[[65535, 0, 0, 65535], [1000, 2000, 3000, 0]]], np.uint16)
    content = as_npy(samples)
    assert images.read(content, channels=3, depth=16, background="white")[0].tolist() == [[65535, 0, 0], [65535] * 3]
    assert images.read(content, channels=1, depth=16, background="black")[0, :, 0].tolist() == [round(0.299 * 65535), 0]


def test_what_is_kept_of_a_photograph(smooth, encoded):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x8298] = 6, "Maker", "(c) someone"
    exif[0x8769] = {0x9003: "2020:01:02 03:04:05", 0x829A: TiffImagePlugin.IFDRational(1, 250), 0x927C: b"notes"}
    exif[0x8825] = {1: "N", 2: (51.0, 30.0, 0.0)}
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    content = encoded(Image.fromarray(smooth()), "JPEG", exif=exif, icc_profile=profile, dpi=(300, 150))
    pixels, original = images.open_image(content)
    assert pixels.shape == (32, 24, 3)  # turned
    assert (original.format, original.width, original.height, original.mode) == ("JPEG", 24, 32, "RGB")
    assert original.icc == profile
    assert original.dpi == (300, 150)
    kept = Image.Exif()
    kept.load(original.exif)
    assert (kept[0x0112], kept[0x010F], kept[0x8298]) == (1, "Maker", "(c) someone")
    camera = kept.get_ifd(0x8769)
    assert camera[0x9003] == "2020:01:02 03:04:05"
    assert float(camera[0x829A]) == 0.004
    assert 0x927C not in camera
    assert kept.get_ifd(0x8825)[2] == (51.0, 30.0, 0.0)


def test_damaged_exif_is_no_reason_to_refuse_a_picture(smooth, encoded):
    content = encoded(Image.fromarray(smooth()), "PNG", exif=b"Exif\0\0no such thing")
    pixels, original = images.open_image(content)
    assert np.array_equal(pixels, smooth())
    assert original.exif is None


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("packed", ["lzw", "zlib", "packbits", None])
def test_damage_is_told_and_never_worse(noise, as_tiff, packed):
    how = {"photometric": "minisblack", "planarconfig": "contig", "tile": (16, 16), "compression": packed}
    content = as_tiff(noise(20, 20, 5, dtype=np.uint16), **how)
    random, refused = np.random.default_rng(0), 0
    for _ in range(300):
        damaged = bytearray(content)
        for place in random.integers(len(content), size=3):
            damaged[place] = random.integers(256)
        try:
            read = images.read(bytes(damaged), channels=5, depth=16)
            assert read.dtype == np.uint16
        except UnreadableImages:
            refused += 1
    assert refused > 3


def test_a_tiff_says_what_is_wrong_with_it(noise, as_tiff):
    samples = noise(40, 40, 5, dtype=np.uint16)
    content = as_tiff(samples, photometric="minisblack", planarconfig="contig", rowsperstrip=10)
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        tags = {code: file.pages[0].tags[code].valueoffset for code in (257, 259)}
    longer, strange = bytearray(content), bytearray(content)
    longer[tags[257] : tags[257] + 4] = (1000).to_bytes(4, "little")
    with pytest.raises(UnreadableImages, match="truncated, or damaged: it holds 4 of 100 pieces"):
        images.read(bytes(longer), channels=5)
    strange[tags[259] : tags[259] + 2] = (34887).to_bytes(2, "little")
    with pytest.raises(UnreadableImages, match="a TIFF compressed by LERC; wanted one that is not, or by LZW, Deflate, PackBits"):
        images.read(bytes(strange), channels=5)


def test_an_image_of_pillows_is_opened_as_its_file(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "A camera"
    Image.new("RGBA", (4, 7), (1, 2, 3, 4)).save(tmp_path / "a.png", exif=exif, dpi=(72, 72))
    from_file, about_file = images.open_image(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        found, about = images.open_image(image)
        assert image.size == (4, 7)  # the caller's own stays as it was
    assert np.array_equal(found, from_file)
    assert about == about_file
    assert (about.width, about.height, about.alpha) == (7, 4, True)
