"""Sheets of what flipped: images beside their translations, their labels, and what is read in them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unpaired import images
from unpaired.adaptation import flips, map_flips
from unpaired.adaptation.map_scores import places
from unpaired.data.image_set import ImageSet
from unpaired.data.label_maps import MapSet
from unpaired.evaluation.maps import in_colours
from unpaired.images import Pixels
from unpaired.products import Segmenter

FLIPS_SHOWN, MAPS_SHOWN = 16, 8
SIDE = 128
"""Pixels up to which smaller images are enlarged, by whole factors."""


def draw_flips(found: Sequence[flips.Flip], path: Path, *, translated: ImageSet, source: ImageSet) -> None:
    """A sheet of the first flips, a row each: the image, its translation, its label, and what is read. Nothing without any."""
    rows: list[tuple[str, Tensor]] = []
    for flip in found[:FLIPS_SHOWN]:
        end, row = flip.row
        original, place = flips.original_of(flip.file, source)
        pair = [_colour(original.pixels[place]), _colour(flips.part_of(translated, end)[0].pixels[row])]
        read_as = " and ".join(dict.fromkeys(said for said in flip.said if said and said != flip.label))
        rows.append((f"{flip.label}, read as {read_as} ({flip.confidence:.0%})", torch.cat(pair)))
    _write(rows, path, titles=("image", "translated"))


def draw_flipped(
    rows: Sequence[map_flips.FlippedPixels], path: Path, *, judge: Segmenter, translated: MapSet, source: MapSet
) -> None:
    """A sheet of the worst translations, a row each: the image, its translation, its map, and what the judge reads. Nothing where
    no pixel flipped.
    """
    sheet: list[tuple[str, Tensor]] = []
    for found in [row for row in rows if row.flipped][:MAPS_SHOWN]:
        end, row = found.row
        (here, maps), (there, place) = map_flips.part_of(translated, end), map_flips.original_of(found.file, source)
        picture, made = there.pixels[place], here.pixels[row]
        said = judge.labels(images.to_tensor(np.ascontiguousarray(made[None]))).numpy()
        told = places(judge.classes, source.classes)[said]
        tiles = [_colour(picture), _colour(made), in_colours(maps[row : row + 1]), in_colours(told)]
        sheet.append((f"{found.file}, {map_flips.worst(found):.0%}", torch.cat(tiles)))
    _write(sheet, path, titles=("image", "translated", "labels", "read"))


def _write(rows: Sequence[tuple[str, Tensor]], path: Path, *, titles: tuple[str, ...]) -> None:
    if rows:
        images.write(path, images.labelled_grid(rows, titles=titles, scale=max(1, SIDE // rows[0][1].shape[-1])))


def _colour(pixels: Pixels) -> Tensor:
    """[H, W, C] -> [1, 3, H, W] in [-1, 1]: so that images of different channels stand side by side."""
    few = pixels if pixels.shape[2] <= 4 else pixels[:, :, :3]
    return images.to_tensor(images.convert(few, channels=3)[None])
