"""TIFFs of several pages, made by Pillow and tifffile: no page is lost without a word."""

import io
import tracemalloc

import numpy as np
import pytest
import tifffile
from PIL import Image, TiffImagePlugin

from unpaired import images
from unpaired.errors import DataError, UnreadableImages
from unpaired.images import Original


@pytest.fixture
def by_pillow():
    """A function that gives the bytes of a TIFF of pages uint8 `[H, W, C]`, as Pillow writes it."""

    def make(pages, **how):
        pictures = [Image.fromarray(page[:, :, 0] if page.shape[2] == 1 else page) for page in pages]
        stream = io.BytesIO()
        pictures[0].save(stream, "TIFF", save_all=True, append_images=pictures[1:], **how)
        return stream.getvalue()

    return make


@pytest.fixture
def by_tifffile():
    """A function that gives the bytes of a TIFF of pages, each pixels and how they are written."""

    def make(*pages, **file):
        stream = io.BytesIO()
        with tifffile.TiffWriter(stream, **file) as writer:
            for pixels, how in pages:
                writer.write(pixels, **({"metadata": None, "photometric": "minisblack"} | how))
        return stream.getvalue()

    return make


def opened(content, **how):
    """The pixels of every page."""
    with images.open_pages(content, channels=how.pop("channels", None)) as pages:
        return [images.open_image(page, **how) for page in pages]


# -- one image is wanted --


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_a_stack_is_refused_where_one_image_is_wanted(tmp_path, noise, by_pillow, by_tifffile, dtype, channels):
    shots = [noise(20, 30, 1, seed=seed, dtype=dtype) for seed in range(3)]
    content = by_pillow(shots) if dtype is np.uint8 else by_tifffile(*((shot[:, :, 0], {}) for shot in shots))
    path = tmp_path / "stack.tif"
    path.write_bytes(content)
    says = (
        r"stack\.tif: a TIFF of 3 pages; wanted one image: save each page as a file of its own \(`unpaired translate` takes all\)"
    )
    if channels == 5:
        says += r", or 5 channels as pages of one size and type that have so many together"
    with pytest.raises(UnreadableImages, match=says):
        images.read(path, channels=channels)
    with pytest.raises(UnreadableImages, match=says):
        images.open_image(path, channels=channels)
    with pytest.raises(UnreadableImages, match=says), images.open_rows(path, channels=channels):
        pass
    assert images.header(path).pages == 3
    assert (images.header(path).width, images.header(path).height) == (30, 20)


def test_a_page_that_pillow_opened_was_chosen(by_pillow, noise):
    shots = [noise(20, 30, 3, seed=seed) for seed in range(3)]
    with Image.open(io.BytesIO(by_pillow(shots))) as image:
        image.seek(2)
        assert np.array_equal(images.read(image), shots[2])


# -- what is one image --


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("copies", [(1, 1), (4,), (1, 5), ()])
def test_copies_of_reduced_size_and_masks_are_no_images(noise, by_tifffile, dtype, copies):
    """Of `copies` each is the kind of a page: 1 reduced, 4 a mask, 5 a reduced mask."""
    whole, small = noise(40, 60, 1, dtype=dtype), noise(20, 30, 1, seed=1, dtype=dtype)
    pages = [(small[:, :, 0] > 9 if kind & 4 else small[:, :, 0], {"subfiletype": kind & 3}) for kind in copies]
    content = bytearray(by_tifffile((whole[:, :, 0], {}), *pages))
    with tifffile.TiffFile(io.BytesIO(bytes(content))) as file:
        for page, kind in zip(list(file.pages)[1:], copies, strict=True):
            tag = page.tags.get(254)
            if tag is not None:
                content[tag.valueoffset : tag.valueoffset + 4] = kind.to_bytes(4, "little")
            assert tag is not None
    content = bytes(content)
    assert images.header(content)[2:] == (60, 40, 1, 8 * whole.itemsize, np.dtype(dtype).name, 1)
    for read in (images.read(content, channels=1, depth=8 * whole.itemsize), images.open_image(content)[0]):
        assert np.array_equal(read, whole)


def test_a_thumbnail_that_comes_first_is_passed_over(noise, by_tifffile):
    for dtype in (np.uint8, np.uint16):
        whole, small = noise(40, 60, 3, dtype=dtype), noise(20, 30, 3, seed=1, dtype=dtype)
        content = by_tifffile((small, {"photometric": "rgb", "subfiletype": 1}), (whole, {"photometric": "rgb"}))
        assert np.array_equal(images.read(content, depth=8 * whole.itemsize), whole)
        found, original = images.open_image(content)
        assert np.array_equal(found, whole)
        assert (original.width, original.height) == (60, 40)
        assert images.header(content)[2:5] == (60, 40, 3)


def test_a_pyramid_below_its_page_is_one_image(noise, by_tifffile):
    whole, small = noise(40, 60, 1, dtype=np.uint16), noise(20, 30, 1, dtype=np.uint16)
    content = by_tifffile((whole[:, :, 0], {"subifds": 1}), (small[:, :, 0], {"subfiletype": 1}))
    assert np.array_equal(images.read(content, channels=1, depth=16), whole)
    raw = by_tifffile((small[:, :, 0], {"subfiletype": 1, "subifds": 1}), (whole[:, :, 0], {}))  # as of a camera
    with pytest.raises(UnreadableImages, match="a TIFF whose pages are but small copies of what it holds"):
        images.read(raw, channels=1)


@pytest.mark.parametrize("channels", [2, 5, 9, 40])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_an_array_that_tifffile_wrote_by_rows_is_one_image(noise, as_tiff, channels, dtype):
    """Unless it is told otherwise, tifffile makes each row of [H, W, C] a page."""
    samples = noise(50, 60, channels, dtype=dtype)
    depth = images.depth_of(samples)
    for how in ({"metadata": {}}, {"metadata": {"axes": "YXC"}}, {}):
        content = as_tiff(samples, **how)
        with tifffile.TiffFile(io.BytesIO(content)) as file:
            assert len(file.pages) == 50
        assert np.array_equal(images.read(content, channels=channels, depth=depth), samples)
        said = images.header(content, channels=channels)
        assert (said.width, said.height, said.channels, said.pages) == (60, 50, channels, 1)
        if channels < 40:
            assert np.array_equal(images.open_image(content)[0], samples)
    if channels == 9:
        with pytest.raises(UnreadableImages, match="9 channels, none of them known for a colour; wanted 3"):
            images.read(content)
    if channels == 40:  # which nobody can know
        with pytest.raises(UnreadableImages, match="a TIFF of 50 pages; wanted one image"):
            images.read(as_tiff(samples))
    if channels == 2:
        assert images.open_image(content)[1].alpha


def test_pages_that_have_as_many_channels_as_are_wanted_are_one_image(tmp_path, noise, by_pillow, by_tifffile):
    samples = noise(20, 30, 6)
    grey = by_pillow([samples[:, :, channel : channel + 1] for channel in range(6)])
    colours = by_pillow([samples[:, :, :3], samples[:, :, 3:]])
    for content in (grey, colours):
        assert np.array_equal(images.read(content, channels=6), samples)
        assert images.header(content, channels=6)[2:] == (30, 20, 6, 8, "uint8", 1)
        (tmp_path / "a.tif").write_bytes(content)
        with images.open_rows(tmp_path / "a.tif", channels=6) as rows:
            assert np.array_equal(rows.read(3, 9), samples[3:9])
    with pytest.raises(UnreadableImages, match="a TIFF of 6 pages"):
        images.read(grey, channels=5)
    unlike = by_tifffile(*((samples[: 20 - (channel == 5), :, channel], {}) for channel in range(6)))
    with pytest.raises(UnreadableImages, match="a TIFF of 6 pages"):
        images.read(unlike, channels=6)


def test_three_scans_are_no_colour_picture(noise, by_pillow, as_tiff):
    """But where the file says that they are channels, they are."""
    scans = noise(20, 30, 3)
    with pytest.raises(UnreadableImages, match="a TIFF of 3 pages"):
        images.read(by_pillow([scans[:, :, channel : channel + 1] for channel in range(3)]))
    labelled = as_tiff(np.ascontiguousarray(np.moveaxis(scans, 2, 0)), photometric="minisblack", metadata={"axes": "CYX"})
    assert np.array_equal(images.read(labelled), scans)
    assert np.array_equal(images.open_image(labelled)[0], scans)
    assert images.header(labelled).pages == images.header(labelled, channels=3).pages == 1
    # And where another number is wanted, they are images after all.
    with pytest.raises(UnreadableImages, match="a TIFF of 3 pages"):
        images.read(labelled, channels=1)
    assert [pixels.shape for pixels, _ in opened(labelled, channels=1)] == [(20, 30, 1)] * 3


def test_times_and_channels(noise, as_tiff):
    """Of a stack that says which pages are channels, those of each time are an image, if so many are wanted."""
    samples = noise(20, 30, 4 * 2, dtype=np.uint16)
    stack = np.moveaxis(samples, 2, 0).reshape(4, 2, 20, 30)
    content = as_tiff(stack, imagej=True, metadata={"axes": "TCYX"})
    assert images.header(content, channels=2).pages == 4
    found = opened(content, channels=2)
    assert [pixels.shape for pixels, _ in found] == [(20, 30, 2)] * 4
    assert all(np.array_equal(pixels, np.moveaxis(stack[time], 0, 2)) for time, (pixels, _) in enumerate(found))
    assert images.header(content, channels=1).pages == 8


def test_images_without_pages_are_told(noise, as_tiff):
    stack = np.moveaxis(noise(20, 30, 6, dtype=np.uint16), 2, 0)
    content = as_tiff(np.ascontiguousarray(stack), photometric="minisblack", metadata={}, truncate=True)
    with pytest.raises(UnreadableImages, match="a TIFF of 6 images under one page"):
        images.read(content, channels=1)
    with pytest.raises(UnreadableImages, match="a TIFF of 6 images under one page"):
        images.header(content)


# -- every page --


def test_each_page_is_read_as_its_own_file_would_be(noise, encoded, by_tifffile):
    turned = noise(12, 18, 3, seed=1)
    kinds = [
        (noise(20, 30, 3), {"photometric": "rgb"}),
        (noise(10, 15, 3, dtype=np.uint16), {"photometric": "rgb", "compression": "zlib"}),
        (turned, {"photometric": "rgb", "extratags": [(274, "H", 1, 6, True)], "resolution": (100, 100)}),
        (noise(9, 9, 1, seed=2, dtype=np.float32)[:, :, 0], {}),
        (noise(8, 7, 4, seed=3), {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
        (noise(6, 6, 1, seed=4)[:, :, 0] > 99, {}),
        (noise(6, 5, 1, seed=5)[:, :, 0], {"photometric": "palette", "colormap": noise(3, 256, 1, dtype=np.uint16)[:, :, 0]}),
        (noise(20, 30, 3, seed=6), {"photometric": "rgb"}),
    ]
    found = opened(by_tifffile(*kinds))
    assert len(found) == len(kinds)
    for (pixels, original), kind in zip(found, kinds, strict=True):
        wanted, alone = images.open_image(by_tifffile(kind))
        assert pixels.dtype == wanted.dtype
        assert np.array_equal(pixels, wanted)
        assert original == alone
    assert np.array_equal(found[2][0], np.rot90(turned, -1))
    assert found[2][1].dpi == (100, 100)
    grey = opened(by_tifffile(*kinds), channels=1)
    with images.open_pages(by_tifffile(*kinds)) as pages:
        again = [images.open_image(page, channels=1, depth=8)[0] for page in (*pages, *pages)]
    assert all(np.array_equal(one, other) for one, other in zip(again[:8], again[8:], strict=True))
    assert [pixels.shape[2] for pixels, _ in grey] == [3, 3, 3, 1, 4, 1, 3, 3]


def test_a_page_that_is_damaged_is_named(noise, by_tifffile, tmp_path):
    content = by_tifffile(*((noise(20, 30, 1, seed=seed, dtype=np.uint16)[:, :, 0], {}) for seed in range(3)))
    strange = bytearray(content)
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        place = file.pages[1].tags[259].valueoffset
    strange[place : place + 2] = (34887).to_bytes(2, "little")
    with images.open_pages(bytes(strange)) as pages:
        first, second, third = pages
        images.open_image(first)
        with pytest.raises(UnreadableImages, match=r"^page 2: a TIFF compressed by LERC; wanted one that is not"):
            images.open_image(second)
        assert images.open_image(third)[0].shape == (20, 30, 1)
    with pytest.raises(DataError, match="has no pages; read it as an image"), images.open_pages(_png()):
        pass
    with pytest.raises(UnreadableImages, match="no such file"), images.open_pages(tmp_path / "nowhere.tif"):
        pass


@pytest.mark.parametrize("pages", [2, 4])
def test_pages_that_were_cut_off_are_missed(noise, by_tifffile, by_pillow, pages):
    """Wherever the file was cut, also between two pages."""
    shots = [noise(20, 30, 3, seed=seed) for seed in range(pages)]
    for content in (by_pillow(shots), by_tifffile(*((shot, {"photometric": "rgb"}) for shot in shots))):
        with tifffile.TiffFile(io.BytesIO(content)) as file:
            begins = [page.offset for page in file.pages]
            ends = [page.dataoffsets[0] + page.databytecounts[0] for page in file.pages]
        for cut in (*begins[1:], *ends[:-1], ends[-1] - 1, *range(begins[-1] - 40, begins[-1])):
            with pytest.raises(UnreadableImages, match="truncated"):
                opened(content[:cut])
        assert len(opened(content)) == pages


def _png():
    stream = io.BytesIO()
    Image.new("L", (3, 3)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_damage_is_told_and_never_worse(noise, by_pillow):
    content = by_pillow([noise(20, 30, 3, seed=seed) for seed in range(3)])
    random, refused = np.random.default_rng(0), 0
    for _ in range(200):
        damaged = bytearray(content)
        for place in random.integers(len(content), size=12):
            damaged[place] = random.integers(256)
        try:
            opened(bytes(damaged))
        except DataError:
            refused += 1
    assert refused > 3


# -- out --


def test_pages_are_written_as_files_are(tmp_path, noise):
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    exif[0x8769] = {0x829A: TiffImagePlugin.IFDRational(1, 250)}
    block = exif.tobytes()
    pages = [
        (noise(20, 30, 3), Original("TIFF", 30, 20, 3, 8, exif=block, dpi=(300, 150), compressed=True)),
        (noise(7, 9, 1, dtype=np.uint16), None),
        (noise(8, 5, 4, dtype=np.float32), Original("TIFF", 5, 8, 4, 32, alpha=True, exif=block)),
        (noise(6, 6, 7, dtype=np.uint16), Original("TIFF", 6, 6, 7, 16, exif=block, dtype="int16", value_range=(-100, 5000))),
        (noise(4, 3, 1), None),
    ]
    with images.write_pages(tmp_path / "many.tif", room=10_000) as out:
        for pixels, like in pages:
            out.append(pixels, like=like)
        assert not (tmp_path / "many.tif").exists()
    with tifffile.TiffFile(tmp_path / "many.tif") as file:
        assert len(file.pages) == 5
        stored = [page.asarray() for page in file.pages]
        assert [page.compression != 1 for page in file.pages] == [True, False, False, False, False]
    assert stored[3].dtype == np.int16
    np.testing.assert_allclose(stored.pop(3), -100 + pages.pop(3)[0] / 65535 * 5100, atol=0.5)
    with images.open_pages(tmp_path / "many.tif") as there:
        found = [images.open_image(page) for page in there if page.number != 3]
    for (pixels, like), samples, (read, original) in zip(pages, stored, found, strict=True):
        assert np.array_equal(samples.reshape(pixels.shape), pixels)
        assert np.array_equal(read, pixels)
        images.write(tmp_path / "one.tif", pixels, like=like)
        assert original == images.open_image(tmp_path / "one.tif")[1]
    for number in (0, 2):
        kept = Image.Exif()
        kept.load(found[number][1].exif)
        assert (kept[0x010F], float(kept.get_ifd(0x8769)[0x829A])) == ("A camera", 0.004)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


def test_another_reader_finds_every_page_where_some_have_parts_behind(tmp_path, noise):
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (51.0, 30.0, 0.0)}
    shots = [noise(20, 30, 3, seed=seed) for seed in range(4)]
    with images.write_pages(tmp_path / "a.tif", room=10_000) as out:
        for number, shot in enumerate(shots):
            out.append(shot, like=Original("TIFF", 30, 20, 3, 8, exif=exif.tobytes()) if number in (1, 3) else None)
    with Image.open(tmp_path / "a.tif") as image:
        assert image.n_frames == 4
        for number, shot in enumerate(shots):
            image.seek(number)
            assert np.array_equal(np.asarray(image), shot)
            assert (0x8825 in image.getexif()) is (number in (1, 3))
            if number in (1, 3):
                assert image.getexif().get_ifd(0x8825)[2] == (51.0, 30.0, 0.0)


def test_very_much_is_a_bigtiff(tmp_path, noise):
    with images.write_pages(tmp_path / "a.tif", room=1 << 33) as out:
        out.append(noise(3, 3, 1))
        out.append(noise(3, 3, 1, seed=1))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.is_bigtiff
        assert len(file.pages) == 2


def test_what_was_not_finished_is_not_there(tmp_path, noise):
    (tmp_path / "a.tif").write_bytes(b"old")

    def fail():
        with images.write_pages(tmp_path / "a.tif", room=100) as out:
            out.append(noise(3, 3, 1))
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fail()
    with (
        pytest.raises(DataError, match=r"cannot write pages as '\.png'; wanted one of \.tif"),
        images.write_pages("a.png", room=1),
    ):
        pass
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.tif", b"old")]


def test_one_page_at_a_time_is_in_memory(tmp_path, noise):
    """12 MB in pages of 0.3 MB."""
    page = noise(300, 330, 3)
    tracemalloc.start()
    try:
        with images.write_pages(tmp_path / "a.tif", room=1 << 24) as out:
            for _ in range(40):
                out.append(page)
        with images.open_pages(tmp_path / "a.tif") as pages:
            for each in pages:
                images.open_image(each)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3_000_000
