"""The door for images: formats, orientation, transparency, sample ranges, the exact round trip, errors."""

import io

import numpy as np
import PIL
import pytest
import torch
from PIL import Image

from unpaired import images
from unpaired.errors import DataError, ShapeError, UnreadableImages


def noise(height=5, width=7, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def smooth(height=24, width=32):
    down, across = np.mgrid[0:height, 0:width]
    return np.stack([down * 8, across * 6, 255 - down * 4], axis=2).astype(np.uint8)


def encoded(image, format, **how):
    stream = io.BytesIO()
    image.save(stream, format=format, **how)
    return stream.getvalue()


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_formats_give_the_exact_samples(format):
    pixels = noise()
    assert np.array_equal(images.read(encoded(Image.fromarray(pixels), format)), pixels)


def test_lossless_webp_gives_the_exact_samples():
    pixels = noise()
    assert np.array_equal(images.read(encoded(Image.fromarray(pixels), "WEBP", lossless=True)), pixels)


def test_jpeg_gives_nearly_the_samples():
    pixels = smooth()
    read = images.read(encoded(Image.fromarray(pixels), "JPEG", quality=95, subsampling=0))
    assert np.abs(read.astype(int) - pixels).max() <= 6


def test_of_an_animation_the_first_frame_is_read():
    frames = [Image.new("P", (4, 3), index) for index in (1, 2)]
    for frame in frames:
        frame.putpalette([0, 0, 0, 200, 10, 20, 1, 2, 3])
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.array_equal(images.read(content), np.full((3, 4, 3), (200, 10, 20), np.uint8))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
def test_exif_orientation_is_applied_once(orientation, format):
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
def test_transparent_pixels_show_the_background(background, wanted):
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, 0] = (10, 20, 30, 255)
    read = images.read(encoded(Image.fromarray(pixels), "PNG"), background=background)
    assert read[0, 0].tolist() == [10, 20, 30]
    assert read[1, 1].tolist() == [wanted] * 3


def test_half_transparent_pixels_are_mixed():
    pixels = np.full((1, 1, 4), (100, 0, 200, 128), np.uint8)
    read = images.read(encoded(Image.fromarray(pixels), "PNG"), background="white")[0, 0]
    wanted = np.array([100, 0, 200]) * 128 / 255 + 255 * 127 / 255
    assert np.abs(read - wanted).max() <= 1


def test_a_transparent_palette_entry_shows_the_background():
    palette = Image.new("P", (2, 1), 0)
    palette.putpalette([9, 8, 7, 50, 60, 70])
    palette.putpixel((1, 0), 1)
    for format in ("PNG", "GIF"):
        read = images.read(encoded(palette, format, transparency=0), background="red")
        assert read[0].tolist() == [[255, 0, 0], [50, 60, 70]]


def test_transparent_grey_and_grey_from_colour():
    pixels = np.array([[[77, 255], [77, 0]]], np.uint8)
    content = encoded(Image.fromarray(pixels), "PNG")
    assert images.read(content, channels=1)[0, :, 0].tolist() == [77, 255]
    assert images.read(content, channels=2).tolist() == pixels.tolist()
    assert images.read(encoded(Image.new("RGB", (1, 1), (255, 0, 0)), "PNG"), channels=1)[0, 0, 0] == 76  # 0.299 * 255


def test_four_channels_keep_the_transparency():
    pixels = noise(channels=4)
    assert np.array_equal(images.read(encoded(Image.fromarray(pixels), "PNG"), channels=4), pixels)
    opaque = images.read(encoded(Image.fromarray(pixels[:, :, :3]), "PNG"), channels=4)
    assert (opaque[:, :, 3] == 255).all()


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_to_the_whole_of_8_bits(format):
    samples = np.array([[0, 128, 129, 257, 32768, 65406, 65407, 65535]], np.uint16)
    read = images.read(encoded(Image.fromarray(samples), format), channels=1)
    assert read[0, :, 0].tolist() == [0, 0, 1, 1, 128, 254, 255, 255]
    assert images.read(encoded(Image.fromarray(samples), format)).shape == (1, 8, 3)


def test_float_samples_from_0_to_1_are_read_and_others_refused():
    samples = np.array([[0.0, 0.5, 1.0]], np.float32)
    assert images.read(encoded(Image.fromarray(samples), "TIFF"), channels=1)[0, :, 0].tolist() == [0, 128, 255]
    for bad in (samples * 300, samples * np.nan):
        with pytest.raises(UnreadableImages, match=r"float samples .* wanted 0 to 1: rescale"):
            images.read(encoded(Image.fromarray(bad), "TIFF"))


def test_32_bit_samples_beyond_16_bits_are_refused():
    content = encoded(Image.fromarray(np.array([[0, 70000]], np.int32)), "TIFF")
    with pytest.raises(UnreadableImages, match="32-bit samples from 0 to 70000; wanted 0 to 65535"):
        images.read(content)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_mode_gives_every_number_of_channels(mode, channels):
    image = Image.new(mode, (3, 2))
    assert images.read(image, channels=channels).shape == (2, 3, channels)


def test_a_cmyk_jpeg_is_read_as_colour():
    content = encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG")
    assert np.abs(images.read(content)[0, 0].astype(int) - (254, 0, 0)).max() <= 6


def test_a_large_jpeg_may_be_decoded_small():
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
def test_a_truncated_file_is_refused(format):
    content = encoded(Image.fromarray(noise(64, 64)), format)
    with pytest.raises(UnreadableImages):
        images.read(content[: len(content) // 2])
    if format in ("PNG", "JPEG"):
        with pytest.raises(UnreadableImages, match="the file is truncated"):
            images.read(content[: len(content) // 2])


def test_a_decompression_bomb_is_refused(monkeypatch):
    content = encoded(Image.new("L", (64, 64)), "PNG")
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(UnreadableImages, match=r"too large .* wanted at most"):
        images.read(content)


def test_postscript_is_never_interpreted():
    with pytest.raises(UnreadableImages, match="not an image"):
        images.read(encoded(Image.new("RGB", (4, 4)), "EPS"))


def test_wrong_arguments_say_what_is_wanted():
    content = encoded(Image.new("RGB", (4, 4)), "PNG")
    with pytest.raises(ShapeError, match="channels is 5; wanted 1"):
        images.read(content, channels=5)
    with pytest.raises(DataError, match="'wite' is no colour; wanted a name"):
        images.read(content, background="wite")


def test_header_tells_format_mode_and_size():
    assert images.header(encoded(Image.new("L", (4, 3)), "PNG")) == ("PNG", "L", 4, 3)


def test_the_round_trip_is_exact_for_all_256_values():
    pixels = torch.arange(256, dtype=torch.uint8).view(1, 16, 16, 1)
    x = images.to_tensor(pixels)
    assert x.dtype == torch.float32
    assert x.min() == -1
    assert x.max() == 1
    assert torch.equal(images.to_uint8(x), pixels)


def test_to_tensor_moves_the_channels_and_takes_read_only_arrays():
    pixels = noise()[None]
    pixels.setflags(write=False)
    x = images.to_tensor(pixels)
    assert x.shape == (1, 3, 5, 7)
    assert x.is_contiguous()
    assert x[0, 2, 4, 6] == pytest.approx(pixels[0, 4, 6, 2] / 127.5 - 1)


def test_to_uint8_rounds_clamps_and_takes_half_precision():
    x = torch.tensor([-2.0, -1.0, 0.0, 0.999, 1.0, 7.0, float("nan"), float("inf")]).view(1, 1, 1, -1)
    assert images.to_uint8(x).flatten().tolist() == [0, 0, 128, 255, 255, 255, 0, 255]
    assert images.to_uint8(torch.ones(1, 1, 1, 1, dtype=torch.bfloat16)).item() == 255


def test_wrong_shapes_say_what_is_wanted():
    with pytest.raises(ShapeError, match=r"float32 .* wanted uint8 \[N, H, W, C\]"):
        images.to_tensor(np.zeros((1, 2, 2, 3), np.float32))
    with pytest.raises(ShapeError, match=r"wanted float \[N, C, H, W\]"):
        images.to_uint8(torch.zeros(3, 4, 4))


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tiff", ".bmp"])
def test_write_and_read_back(tmp_path, suffix):
    pixels = noise()
    images.write(tmp_path / f"x{suffix}", pixels)
    assert np.array_equal(images.read(tmp_path / f"x{suffix}"), pixels)
    images.write(tmp_path / f"y{suffix}", images.to_tensor(pixels[None])[0])
    assert np.array_equal(images.read(tmp_path / f"y{suffix}"), pixels)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"x{suffix}", f"y{suffix}"]


def test_write_leaves_the_old_file_when_it_fails(tmp_path, monkeypatch):
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


def test_write_says_what_it_cannot_do(tmp_path):
    with pytest.raises(DataError, match=r"cannot write '\.xyz'; wanted one of \.png"):
        images.write(tmp_path / "a.xyz", noise())
    with pytest.raises(ShapeError, match=r"JPEG cannot hold transparency \(4 channels\); use \.png"):
        images.write(tmp_path / "a.jpg", noise(channels=4))
    with pytest.raises(ShapeError, match=r"wanted uint8 \[H, W, C\]"):
        images.write(tmp_path / "a.png", np.zeros((2, 2), np.float32))


@pytest.mark.parametrize("how", ["crop", "resize", "pad"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_fit_gives_the_size_and_leaves_what_has_it(how, channels):
    assert images.fit(noise(9, 14, channels), size=(6, 5), how=how).shape == (6, 5, channels)
    square = noise(8, 8, channels)
    if channels in (1, 3):
        assert np.array_equal(images.fit(square, size=8, how=how), square)


def test_crop_keeps_the_middle():
    wide = np.zeros((4, 12, 3), np.uint8)
    wide[:, 4:8] = noise(4, 4)
    assert np.array_equal(images.fit(wide, size=4, how="crop"), wide[:, 4:8])


def test_crop_scales_the_short_side_as_pillow_does():
    pixels = smooth(32, 48)
    wanted = np.array(Image.fromarray(pixels).resize((24, 16), Image.Resampling.LANCZOS))[:, 4:20]
    assert np.abs(images.fit(pixels, size=16, how="crop").astype(int) - wanted).max() <= 1


def test_pad_fills_with_the_background_right_and_below_first():
    padded = images.fit(np.zeros((4, 1, 3), np.uint8), size=4, how="pad", background="#ff0000")
    assert (padded[:, 1] == 0).all()
    assert (padded[:, [0, 2, 3]] == (255, 0, 0)).all()


def test_resize_is_antialiased():
    stripes = np.zeros((64, 64, 1), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(images.fit(stripes, size=16, how="resize")[2:-2, 2:-2].astype(int) - 127).max() <= 3


def test_fit_says_what_is_wanted():
    with pytest.raises(DataError, match="'squeeze' is no way to fit an image; wanted crop, resize or pad"):
        images.fit(noise(), size=4, how="squeeze")
    with pytest.raises(ShapeError, match="size is 0 x 0; wanted at least 1 x 1"):
        images.fit(noise(), size=0)


def test_grid_places_every_image():
    x = torch.arange(1.0, 6.0).view(5, 1, 1, 1).expand(5, 1, 2, 3) / 10
    sheet = images.grid(x, columns=3, pad=1, background=-1.0)
    assert sheet.shape == (1, 2 * 3 + 1, 3 * 4 + 1)
    assert (sheet[0, 0] == -1).all()
    assert torch.equal(sheet[0, 4:6, 5:8], x[4, 0])
    assert (sheet[0, 4:6, 9:12] == -1).all()
    with pytest.raises(ShapeError, match="N and columns at least 1"):
        images.grid(x, columns=0)


def test_labelled_grid_holds_the_images_and_writes_beside_them():
    x = torch.full((2, 3, 32, 32), -1.0)
    plain = images.labelled_grid([("", x), ("", x[:1])], pad=2)
    assert plain.shape == (2 * 34 + 2, 2 * 34 + 2, 3)
    assert (plain[2:34, 2:34] == 0).all()
    assert (plain[36:68, 36:68] == 255).all()
    rows = [("input", x), ("output", x[:, :1])]
    said = images.labelled_grid(rows, titles=["one", "two"], scale=2, background="black")
    assert said.shape[0] > 2 * 66 + 2
    assert said.shape[1] > 2 * 66 + 2
    assert said.max() > 200
    with pytest.raises(ShapeError, match="wanted rows of"):
        images.labelled_grid([])
