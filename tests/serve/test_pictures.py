"""Pictures that differ in nothing but what they show."""

import io

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin

from unpaired.errors import ShapeError, UnreadableImages
from unpaired.serve.pictures import as_pictures, png, scrambled


def encoded(pixels: np.ndarray, *, form: str = "PNG", note: str = "") -> bytes:
    stream, info = io.BytesIO(), PngImagePlugin.PngInfo()
    if note:
        info.add_text("made by", note)
    Image.fromarray(pixels).save(stream, format=form, pnginfo=info)
    return stream.getvalue()


def test_tensors_and_files_of_the_same_pixels_are_the_same():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 6, 5, 3), dtype=np.uint8)
    as_tensor = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    of_tensor = as_pictures(as_tensor, what="real")
    of_files = as_pictures([encoded(picture, note="a generator") for picture in pixels], what="fake")
    assert np.array_equal(of_tensor, pixels)
    assert np.array_equal(of_files, pixels)
    assert [png(picture) for picture in of_tensor] == [png(picture) for picture in of_files]
    assert b"generator" not in png(of_files[0])
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png(of_files[0])))), pixels[0])


def test_grey_many_channels_and_transparency_become_colour():
    assert as_pictures(torch.zeros(1, 1, 4, 4), what="real")[0].tolist() == [[[128] * 3] * 4] * 4
    many = torch.arange(7).view(1, 7, 1, 1).expand(1, 7, 4, 4) / 127.5 - 1
    assert as_pictures(many, what="real")[0][0, 0].tolist() == [0, 1, 2]
    clear = np.zeros((4, 4, 4), dtype=np.uint8)
    assert as_pictures([encoded(clear)], what="real")[0].min() == 255
    assert as_pictures([encoded(np.full((4, 4), 7, np.uint8))], what="real")[0].tolist() == [[[7] * 3] * 4] * 4


def test_pieces_keep_their_pixels_and_lose_their_place():
    pixels = np.arange(18 * 17 * 3, dtype=np.uint8).reshape(18, 17, 3)
    mixed = scrambled(pixels, seed=0)
    assert mixed.shape == pixels.shape
    assert sorted(map(tuple, mixed.reshape(-1, 3).tolist())) == sorted(map(tuple, pixels.reshape(-1, 3).tolist()))
    same = (mixed == pixels).all(axis=2)
    assert same[16:].all()  # what is left over stays
    assert same[:, 16:].all()
    assert same[:16, :16].mean() < 0.2
    assert np.array_equal(mixed, scrambled(pixels, seed=0))
    assert not np.array_equal(mixed, scrambled(pixels, seed=1))


def test_what_cannot_be_shown_is_refused():
    with pytest.raises(UnreadableImages, match="fake picture 1 cannot be read"):
        as_pictures([encoded(np.zeros((4, 4), np.uint8)), b"no picture"], what="fake")
    with pytest.raises(ShapeError, match=r"real pictures of \(4, 4\) and \(4, 5\)"):
        as_pictures([encoded(np.zeros((4, width), np.uint8)) for width in (4, 5)], what="real")
    with pytest.raises(ShapeError, match=r"real images \[3, 4, 4\]"):
        as_pictures(torch.zeros(3, 4, 4), what="real")
    with pytest.raises(ShapeError, match="3 x 9"):
        scrambled(np.zeros((3, 9, 3), np.uint8), seed=0)
