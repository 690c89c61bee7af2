"""Images a block of rows at a time: the same samples as whole, whatever the blocks."""

import tracemalloc

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from unpaired import images
from unpaired.errors import DataError, ShapeError, UnreadableImages

LAYOUTS = {
    "plain": {},
    "strips": {"rowsperstrip": 7},
    "packed strips": {"rowsperstrip": 7, "compression": "lzw", "predictor": True},
    "one packed strip": {"compression": "zlib"},
    "tiles": {"tile": (16, 32)},
    "packed tiles": {"tile": (16, 32), "compression": "zlib"},
    "big-endian": {"byteorder": ">"},
    "big": {"bigtiff": True},
    "planes": {"planarconfig": "separate"},
    "planes of packed tiles": {"planarconfig": "separate", "tile": (16, 16), "compression": "zlib"},
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3, 6])
def test_rows_of_a_tiff_of_any_layout(tmp_path, noise, layout, dtype, channels):
    if layout.startswith("planes") and channels == 1:
        pytest.skip("one channel is one plane")
    pixels, how = noise(50, 70, channels, dtype=dtype), LAYOUTS[layout]
    laid = np.moveaxis(pixels, 2, 0) if "planarconfig" in how else pixels if channels > 1 else pixels[:, :, 0]
    kind = {"photometric": "rgb" if channels == 3 else "minisblack", "planarconfig": "contig" if channels > 1 else None}
    tifffile.imwrite(tmp_path / "a.tif", np.ascontiguousarray(laid), metadata=None, **(kind | how))
    with images.open_rows(tmp_path / "a.tif") as rows:
        assert not rows.whole
        assert (rows.height, rows.width, rows.channels, rows.depth) == (50, 70, channels, images.depth_of(pixels))
        for start, stop in ((0, 50), (0, 1), (49, 50), (10, 33), (5, 20), (13, 28), (16, 32)):
            assert np.array_equal(rows.read(start, stop), pixels[start:stop])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_rows_of_an_array(tmp_path, noise, dtype):
    pixels = noise(50, 20, 6, dtype=dtype)
    np.save(tmp_path / "a.npy", pixels)
    np.save(tmp_path / "f.npy", np.asfortranarray(pixels))
    for name, whole in (("a", False), ("f", True)):
        with images.open_rows(tmp_path / f"{name}.npy") as rows:
            assert rows.whole is whole
            assert np.array_equal(rows.read(7, 31), pixels[7:31])


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "turned.tif", "palette.tif", "bits.tif"])
def test_other_files_are_decoded_whole_and_give_the_same(tmp_path, noise, smooth, name):
    path = tmp_path / name
    if name == "turned.tif":
        tifffile.imwrite(path, noise(20, 30), photometric="rgb", metadata=None, extratags=[(274, "H", 1, 6, True)])
    elif name == "palette.tif":
        Image.fromarray(smooth()).quantize(16).save(path)
    elif name == "bits.tif":
        tifffile.imwrite(path, noise(20, 30, 1)[:, :, 0] > 99, metadata=None)
    else:
        Image.fromarray(smooth()).save(path)
    whole, original = images.open_image(path)
    with images.open_rows(path) as rows:
        assert rows.whole is (name != "bits.tif")
        assert (rows.height, rows.width, rows.channels) == whole.shape
        assert rows.original == original
        assert np.array_equal(rows.read(3, 15), whole[3:15])


def test_rows_are_converted_as_whole_images_are(tmp_path, noise):
    pixels = noise(30, 20, 4, dtype=np.uint16)
    images.write(tmp_path / "a.tif", pixels)
    how = {"channels": 3, "depth": 8, "background": "red"}
    with images.open_rows(tmp_path / "a.tif", **how) as rows:
        assert np.array_equal(rows.read(4, 9), images.read(tmp_path / "a.tif", **how)[4:9])
    np.save(tmp_path / "ct.npy", np.arange(-600, 600, dtype=np.int16).reshape(30, 40))
    with images.open_rows(tmp_path / "ct.npy", value_range=(-600, 599)) as rows:
        assert rows.read(0, 30).min() == 0
        assert rows.read(29, 30).max() == 65535


def test_errors_of_rows_name_the_file(tmp_path, noise):
    np.save(tmp_path / "a.npy", np.full((9, 9, 6), 2.0, np.float32))
    known = r"a\.npy: 6 channels, none of them known for a colour; wanted 3"
    with pytest.raises(UnreadableImages, match=known), images.open_rows(tmp_path / "a.npy", channels=3):
        pass
    with images.open_rows(tmp_path / "a.npy") as rows:
        with pytest.raises(UnreadableImages, match=r"a\.npy: float samples from 2 to 2"):
            rows.read(0, 3)
        with pytest.raises(ShapeError, match="rows 5 to 12 of an image of 9"):
            rows.read(5, 12)
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content[:-100])
    with images.open_rows(tmp_path / "a.npy", value_range=(0, 2)) as rows:
        assert (rows.read(0, 8) == 1).all()
        with pytest.raises(UnreadableImages, match="truncated"):
            rows.read(8, 9)
    with pytest.raises(KeyError), images.open_rows(tmp_path / "a.npy"):  # what goes wrong between is nobody's file
        raise KeyError


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy", ".webp", ".bmp", ".jpg"])
@pytest.mark.parametrize("depth", [8, 16, 32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 6])
def test_rows_are_written_as_whole_images_are(tmp_path, noise, suffix, depth, channels):
    path = tmp_path / f"rows{suffix}"
    if images.writable(path, channels=channels, depth=depth) != path:
        with pytest.raises(ShapeError, match="cannot hold"), images.write_rows(path, shape=(4, 4, channels), depth=depth):
            pass
        return
    pixels = images.to_depth(noise(21, 13, channels), depth=depth)
    with images.write_rows(path, shape=pixels.shape, depth=depth) as rows:
        for start, stop in ((0, 1), (1, 9), (9, 9), (9, 21)):
            rows.append(pixels[start:stop])
        assert not path.exists()
    images.write(tmp_path / f"whole{suffix}", pixels)
    assert np.array_equal(images.open_image(path)[0], images.open_image(tmp_path / f"whole{suffix}")[0])
    if suffix == ".png":
        assert np.array_equal(imagecodecs.png_decode(path.read_bytes()).reshape(pixels.shape), pixels)
    if suffix == ".tif":
        assert np.array_equal(tifffile.imread(path).reshape(pixels.shape), pixels)
    if suffix == ".npy":
        assert np.array_equal(np.load(path), pixels)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy", ".jpg"])
def test_what_was_not_finished_is_not_there(tmp_path, noise, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"old")

    def put(*counts, then=None):
        with images.write_rows(path, shape=(5, 7, 3)) as rows:
            for count in counts:
                rows.append(noise(count, 7))
            if then is not None:
                raise then

    with pytest.raises(ShapeError, match="2 of 5 rows were written; wanted all"):
        put(2)
    with pytest.raises(KeyboardInterrupt):
        put(5, then=KeyboardInterrupt)
    with pytest.raises(ShapeError, match=r"rows are \[4, 7, 3\] after 2 of \[5, 7, 3\]; wanted \[N, 7, 3\] with N at most 3"):
        put(2, 4)
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_rows_need_a_shape_and_a_known_ending(tmp_path):
    with pytest.raises(ShapeError, match=r"shape is \[5, 0, 3\]"), images.write_rows(tmp_path / "a.png", shape=(5, 0, 3)):
        pass
    with pytest.raises(DataError, match=r"cannot write '\.xyz'"), images.write_rows(tmp_path / "a.xyz", shape=(5, 5, 3)):
        pass


@pytest.mark.parametrize("suffix", [".tif", ".npy", ".png"])
def test_the_memory_is_bounded_by_the_block(tmp_path, noise, suffix):
    # 12 MB in blocks of 0.1 MB.
    block, path = noise(16, 2000, 3), tmp_path / f"a{suffix}"
    tracemalloc.start()
    try:
        with images.write_rows(path, shape=(2000, 2000, 3)) as rows:
            for _ in range(125):
                rows.append(block)
        if suffix != ".png":
            with images.open_rows(path) as rows:
                for start in range(0, 2000, 16):
                    rows.read(start, start + 16)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000
