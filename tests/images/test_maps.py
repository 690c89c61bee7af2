"""Label maps in files, fitted as their images are, and in colours."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unpaired import images
from unpaired.errors import UnreadableImages
from unpaired.images.maps import VOID, coloured, fit_map, read_map, write_map


def some(*shape: int, classes: int = 5) -> np.ndarray:
    labels = np.random.default_rng(0).integers(0, classes, shape).astype(np.uint8)
    labels[0, 0] = VOID
    return labels


def test_numbers_of_every_kind_of_picture(tmp_path: Path) -> None:
    labels = some(5, 7)
    write_map(tmp_path / "palette.png", labels)
    Image.fromarray(labels).save(tmp_path / "grey.png")
    Image.fromarray(labels.astype(np.uint16)).save(tmp_path / "deep.png")
    Image.fromarray(labels).save(tmp_path / "grey.tif")
    for path in sorted(tmp_path.iterdir()):
        assert np.array_equal(read_map(path), labels), path.name
        assert read_map(path).dtype == np.uint8
    assert np.array_equal(read_map((tmp_path / "grey.png").read_bytes()), labels)
    Image.fromarray(labels == 1).save(tmp_path / "two.png")
    assert np.array_equal(read_map(tmp_path / "two.png"), labels == 1)


def test_colours_of_a_palette_are_those_of_sheets(tmp_path: Path) -> None:
    labels = some(5, 7)
    write_map(tmp_path / "map.png", labels)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "map.png").convert("RGB")), coloured(labels))
    assert len(np.unique(coloured(np.arange(30)), axis=0)) == 30
    assert coloured(np.array(VOID)).tolist() == [0, 0, 0]


def test_what_is_no_map_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "colour.png")
    with pytest.raises(UnreadableImages, match=re.escape("colour.png: mode RGB, no label map; wanted a number for each pixel")):
        read_map(tmp_path / "colour.png")
    Image.fromarray(np.full((4, 4), 300, np.uint16)).save(tmp_path / "many.png")
    with pytest.raises(UnreadableImages, match="numbers up to 300; wanted classes from 0 to 254, and 255 for none"):
        read_map(tmp_path / "many.png")


@pytest.mark.parametrize("how", ["crop", "resize", "pad"])
@pytest.mark.parametrize("shape", [(40, 40), (60, 40), (33, 52), (10, 10)])
def test_a_map_is_fitted_as_its_image(how: images.Fit, shape: tuple[int, int]) -> None:
    """The image shows its map in black and white: away from edges, both say the same afterwards."""
    labels = np.zeros(shape, np.uint8)
    labels[: shape[0] // 2, : shape[1] // 3] = 1
    image = images.fit((labels * 255)[..., None], size=20, how=how, background="#808080")[..., 0]
    fitted = fit_map(labels, size=20, how=how)
    assert fitted.shape == (20, 20)
    wanted = np.where(image > 250, 1, np.where(image < 5, 0, VOID))
    clear = (wanted != VOID) | (fitted == VOID)
    assert clear.mean() > 0.8
    assert np.array_equal(fitted[clear], wanted[clear])
    assert (fitted == VOID).any() == (how == "pad" and shape[0] != shape[1])


def test_no_two_classes_are_mixed() -> None:
    assert set(np.unique(fit_map(some(37, 41) * 40, size=16))) <= {0, 40, 80, 120, 160, (VOID * 40) % 256}
