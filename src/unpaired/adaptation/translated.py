"""A labelled set of images, through a translator: the same labels, beside images that look like the other domain's."""

import csv
import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from torch import Tensor

from unpaired import images
from unpaired.data.image_set import ImageSet
from unpaired.data.labelled import LabelledPart
from unpaired.data.labels import UNKNOWN
from unpaired.errors import ConfigError, DataError
from unpaired.images import Pixels
from unpaired.translator import Translator

AT_ONCE = 256
"""Images that are held as floats at once."""
CLASS = "class"
"""The name of the attribute where the set's own labels have none."""


def write_translated(data: ImageSet, translator: Translator, folder: Path) -> None:
    """Write all images of a set, training and held-out, translated into `folder`, which appears complete or not at all.

    `train/000000.png` (or .tif, where PNG cannot hold them) and so on stand in the order of the set's own rows; `attributes.csv`
    tells their classes, an empty cell where nobody told one, and `attributes.toml` the classes' order; `set.json` has the set's
    card. ConfigError if the folder is there, DataError where the images have no classes.
    """
    if folder.exists():
        raise ConfigError(f"{folder} is there already: remove it, or name a folder that does not exist yet")
    if not data.classes:
        raise DataError(f"{data.domains[0]} has no labels to go with translated images; wanted a labelled set")
    name = CLASS if data.attribute is None else data.attribute.name
    parts = (("train", data.train, data.train_classes), ("test", data.test, data.test_classes))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as unfinished:
        root, rows = Path(unfinished) / "set", [("file", "split", name)]
        for end, part, classes in parts:
            (root / end).mkdir(parents=True)
            answers = translations(part, translator, size=data.images.size)
            for row, (pixels, index) in enumerate(zip(answers, classes, strict=True)):
                path = images.writable(root / end / f"{row:06d}.png", channels=pixels.shape[2], depth=images.depth_of(pixels))
                images.write(path, pixels)
                rows.append((f"{end}/{path.name}", end, "" if index == UNKNOWN else data.classes[index]))
        table = io.StringIO()
        csv.writer(table, lineterminator="\n").writerows(rows)
        (root / "attributes.csv").write_text(table.getvalue(), encoding="utf-8")
        values = ", ".join(json.dumps(value, ensure_ascii=False) for value in data.classes)  # JSON's strings are TOML's
        rule = f"[{json.dumps(name, ensure_ascii=False)}]\ncolumn = {json.dumps(name, ensure_ascii=False)}\nvalues = [{values}]\n"
        (root / "attributes.toml").write_text(rule, encoding="utf-8")
        card = {**data.card, "name": f"{data.domains[0]}, translated"}
        (root / "set.json").write_text(json.dumps(card, indent=2, ensure_ascii=False), encoding="utf-8")
        root.rename(folder)


def translations(part: LabelledPart, translator: Translator, *, size: tuple[int, int]) -> Iterator[Pixels]:
    """The images of a part, their middle of `size`, translated, one after another: pixels `[H, W, C]` of the images' depth."""
    depth = images.depth_of(part.pixels)
    for start in range(0, len(part), AT_ONCE):
        x = middle(part.pixels[start : start + AT_ONCE], size=size)
        yield from images.to_pixels(translator.batch(x).cpu(), depth=depth).numpy()


def middle(pixels: Pixels, *, size: tuple[int, int]) -> Tensor:
    """Training images may be larger than what is trained on: their middle, [N, H, W, C] -> [N, C, *size] in [-1, 1]."""
    top, left = ((found - wanted) // 2 for found, wanted in zip(pixels.shape[1:3], size, strict=True))
    return images.to_tensor(np.ascontiguousarray(pixels[:, top : top + size[0], left : left + size[1]]))
