"""Pictures meet networks: transparency taken out and put back, sizes and depths kept."""

import numpy as np
import PIL.Image
import pytest
import tifffile
import torch

from unpaired import images
from unpaired.errors import UnreadableImages
from unpaired.framing import Framing


def framing(source=(3, 16, 16), target=(3, 16, 16), fit="whole", **more):
    return Framing(source=source, target=target, fit=fit, **more)


def rgba(colour, alpha, *, dtype=np.uint8):
    """One pixel [1, 1, 4]."""
    return np.array([[[*colour, alpha]]], dtype)


def test_what_is_shown_is_laid_over_the_background():
    # 0.2 of (255, 0, 100) over white: 255, 204, 224.
    found = framing().picture(rgba((255, 0, 100), 51), alpha=True)
    np.testing.assert_allclose(found.pixels[0, 0] * 255, [255, 204, 224], atol=1e-4)
    np.testing.assert_allclose(found.alpha[0, 0], [0.2], atol=1e-6)
    found = framing(background="black").picture(rgba((255, 0, 100), 51), alpha=True)
    np.testing.assert_allclose(found.pixels[0, 0] * 255, [51, 0, 20], atol=1e-4)
    grey = framing(source=(1, 16, 16), background="#0000ff").picture(rgba((100, 100, 100), 0), alpha=True)
    np.testing.assert_allclose(grey.pixels[0, 0] * 255, [29], atol=0.5)  # blue in grey


def test_the_answer_laid_over_the_background_is_what_the_network_answered():
    # The network answers 0.9, 0.6, 0.1 where alpha is 0.5 over white: c = (y - 0.5) / 0.5, and black where it would be less.
    one = framing()
    picture = one.picture(rgba((10, 20, 30), 127.5 / 255, dtype=np.float32) * np.float32(1), alpha=True)._replace(depth=32)
    picture = picture._replace(alpha=np.full((1, 1, 1), 0.5, np.float32))
    y = torch.tensor([0.9, 0.6, 0.1]).view(3, 1, 1) * 2 - 1
    np.testing.assert_allclose(one.answer(y, picture)[0, 0], [0.8, 0.2, 0.0, 0.5], atol=1e-6)
    # Of another colour model: 0.75 grey over black is 1.5, so white.
    one = framing(target=(1, 16, 16), background="black")
    np.testing.assert_allclose(one.answer(torch.tensor([[[0.5]]]), picture)[0, 0], [1.0, 0.5], atol=1e-6)
    # What is not seen keeps the network's colour.
    gone = picture._replace(alpha=np.zeros((1, 1, 1), np.float32))
    np.testing.assert_allclose(framing().answer(y, gone)[0, 0], [0.9, 0.6, 0.1, 0.0], atol=1e-6)


@pytest.mark.parametrize(
    ("source", "target", "alpha", "layered"),
    [(3, 3, "auto", True), (1, 3, "keep", True), (3, 1, "auto", True), (3, 3, "compose", False), (4, 3, "auto", False),
     (3, 4, "keep", False), (2, 1, "auto", False), (3, 5, "auto", False), (5, 5, "auto", False)],
)  # fmt: skip
def test_transparency_is_carried_over_where_neither_side_has_its_own(source, target, alpha, layered):
    assert framing((source, 16, 16), (target, 16, 16), alpha=alpha).layered is layered


def test_four_channels_that_are_no_colour_are_not_taken_for_transparency(tmp_path):
    content = tmp_path / "bands.tif"
    tifffile.imwrite(content, np.zeros((5, 6, 4), np.uint8), photometric="minisblack", planarconfig="contig", metadata=None)
    assert not images.open_image(content)[1].alpha
    with pytest.raises(UnreadableImages, match="4 channels, none of them known for a colour; wanted 3"):
        framing().open(content)
    picture, _ = framing((4, 16, 16), (4, 16, 16)).open(content)
    assert (picture.pixels.shape, picture.alpha) == ((5, 6, 4), None)


def test_pictures_of_pillow_keep_their_depth_and_transparency():
    picture, original = framing().open(PIL.Image.new("RGBA", (4, 3), (9, 9, 9, 51)))
    assert (original.alpha, original.width, original.height, picture.depth) == (True, 4, 3, 8)
    assert picture.alpha is not None
    deep = PIL.Image.fromarray(np.full((3, 4), 40000, np.uint16))
    picture, original = framing(source=(1, 16, 16)).open(deep)
    assert (picture.depth, original.depth, picture.pixels.dtype, int(picture.pixels[0, 0, 0])) == (16, 16, np.uint16, 40000)
    picture, _ = framing(alpha="compose").open(PIL.Image.new("RGBA", (1, 1), (0, 0, 0, 0)))
    assert (picture.alpha, picture.pixels.tolist()) == (None, [[[255, 255, 255]]])


@pytest.mark.parametrize("fit", ["crop", "resize", "pad"])
@pytest.mark.parametrize("alpha", [True, False])
def test_sizes_come_back_or_stay(fit, alpha):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 50, 4 if alpha else 3), dtype=np.uint8)
    for keep_size in (True, False):
        one = framing(fit=fit, keep_size=keep_size, background="black")
        picture = one.picture(pixels, alpha=alpha)
        shown = one.shown(picture)
        assert shown.shape == (16, 16, 3)
        answer = one.answer(images.to_tensor(shown[None])[0], picture)
        size = (16, 16) if not keep_size else (20, 20) if fit == "crop" else (20, 50)
        assert (answer.shape, answer.dtype) == ((*size, 4 if alpha else 3), np.uint8)
        assert "16 x 16 px" in one.words
        assert one.words.endswith("back") is keep_size


def test_transparency_comes_back_as_it_was():
    pixels = np.full((20, 50, 4), 255, np.uint8)
    pixels[:, :25, 3] = 0
    for fit in ("resize", "pad"):
        one = framing(fit=fit)
        picture = one.picture(pixels, alpha=True)
        answer = one.answer(torch.zeros(3, 16, 16), picture)
        assert np.array_equal(answer[:, :, 3], pixels[:, :, 3])
    cut = framing(fit="crop").answer(torch.zeros(3, 16, 16), framing(fit="crop").picture(pixels, alpha=True))
    assert (cut[:, :10, 3].max(), cut[:, 10:, 3].min()) == (0, 255)
    padded = framing(fit="pad", keep_size=False).answer(torch.zeros(3, 16, 16), framing(fit="pad").picture(pixels, alpha=True))
    assert padded[:4, :, 3].max() == 0  # what was padded is nothing of the picture
