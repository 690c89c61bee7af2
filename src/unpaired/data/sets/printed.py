"""Printed digits: what MNIST shows, set in type. 28 x 28 px, white on black, turned, sized and thickened a little.

The fonts are those of matplotlib's wheel that have digits as one reads them: 21 of 40. Left out are fonts of symbols, the one for
what no font has, and cmmi10, whose old-style digits differ in height. Split by **family**: no design, in any of its weights and
slopes, is both trained and tested on. As in MNIST, a digit's longer side is about 20 px and its centre of mass the picture's
middle. Every font has as many of each digit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import metadata, resources
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from unpaired.data.sets import idx
from unpaired.errors import ConfigError, MissingDependency

CLASSES = tuple("0123456789")
TRAIN_FONTS = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique",
    "DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-Oblique", "DejaVuSansMono-BoldOblique",
    "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSerif-BoldItalic",
    "cmr10", "cmb10", "cmti10", "cmtt10",
)  # fmt: skip
TEST_FONTS = ("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta", "cmss10")

SIDE, BOX = 28, 20
"""Pixels of a picture, and of the square that an unchanged digit fills, as in MNIST."""
FINE = 4
"""Digits are drawn this many times larger and averaged down."""
_EM = 128  # the font's size in fine pixels at which a digit is cut out, before it is brought to its own size

TURN, STRETCH, SIZE, THICKEN = 12.0, 0.15, 0.15, 0.5
"""How far a digit varies: degrees to either side, width by this share, size down by this share, pixels added all around."""

LICENCE = "none needed (pictures)"
CREDIT = (
    "printed by unpaired in DejaVu (Bitstream Vera licence), STIX General (SIL Open Font License 1.1) and Computer Modern "
    "(BaKoMa fonts, B. K. Malyshev), as packaged in matplotlib"
)


class Looks(NamedTuple):
    """How a digit varies. turn: degrees; width, size: factors; thicken: pixels of the finished picture."""

    turn: float
    width: float
    size: float
    thicken: float


def make(folder: Path, *, train: int = 12_000, test: int = 2_000, seed: int = 0) -> None:
    """Write `train` and `test` printed digits into `folder`, as `idx.write` does. About 7 seconds.

    The same arguments and versions of matplotlib and Pillow give the same bytes. ConfigError if `folder` is not empty, or a
    number does not share out evenly; MissingDependency without matplotlib.
    """
    parts = {}
    for index, (name, fonts, count) in enumerate((("train", TRAIN_FONTS, train), ("test", TEST_FONTS, test))):
        parts[name] = part(fonts, count=count, rng=np.random.default_rng([seed, index]))
    card = {
        "name": "printed",
        "split": f"by family of fonts: {len(TRAIN_FONTS)} fonts to train, {len(TEST_FONTS)} of other families to test",
        "fonts": {"train": list(TRAIN_FONTS), "test": list(TEST_FONTS)},
        "seed": seed,
        "licence": LICENCE,
        "credit": CREDIT,
        "packages": {name: metadata.version(name) for name in ("matplotlib", "pillow")},
    }
    idx.write(folder, train=parts["train"], test=parts["test"], classes=CLASSES, named=False, card=card)


def part(fonts: Sequence[str], *, count: int, rng: np.random.Generator) -> idx.Part:
    """`count` digits, as many of each digit in each font, shuffled. ConfigError unless they share out evenly."""
    kinds = len(CLASSES) * len(fonts)
    if count <= 0 or count % kinds:
        raise ConfigError(f"{count} digits do not share out among {len(fonts)} fonts; wanted a multiple of {kinds}")
    glyphs = [[glyph(font, digit) for digit in CLASSES] for font in fonts]
    images, labels = np.empty((count, SIDE, SIDE), np.uint8), np.empty(count, np.uint8)
    for place, index in enumerate(rng.permutation(count)):
        font, digit = divmod(int(index) % kinds, len(CLASSES))
        looks = Looks(
            turn=rng.uniform(-TURN, TURN),
            width=rng.uniform(1 - STRETCH, 1 + STRETCH),
            size=rng.uniform(1 - SIZE, 1),
            thicken=rng.uniform(0, THICKEN),
        )
        images[place], labels[place] = picture(glyphs[font][digit], looks), digit
    return idx.Part(images, labels)


def glyph(font: str, digit: str) -> Image.Image:
    """A digit of a font, white on black, cut to its ink and FINE times as large as its box in the picture."""
    place = _fonts() / f"{font}.ttf"
    drawn = ImageFont.truetype(str(place), _EM)
    canvas = Image.new("L", (3 * _EM, 3 * _EM))
    ImageDraw.Draw(canvas).text((_EM, _EM), digit, font=drawn, fill=255)
    ink = canvas.crop(canvas.getbbox())
    scale = BOX * FINE / max(ink.size)
    return ink.resize((max(1, round(ink.width * scale)), max(1, round(ink.height * scale))), Image.Resampling.LANCZOS)


def picture(ink: Image.Image, looks: Looks) -> NDArray[np.uint8]:
    """What `glyph` gives, thickened, sized, turned, and with its centre of mass in the middle: [28, 28] uint8."""
    side = SIDE * FINE
    canvas = Image.new("L", (side, side))
    canvas.paste(ink, ((side - ink.width) // 2, (side - ink.height) // 2))
    weight = _thickened(np.asarray(canvas, np.float32), looks.thicken * FINE)
    rows, columns = np.arange(side) + 0.5, np.arange(side) + 0.5
    total = weight.sum()
    y, x = (weight.sum(1) @ rows) / total, (weight.sum(0) @ columns) / total
    # PIL wants the way back: from a place in the picture to the place of its ink.
    angle = math.radians(looks.turn)
    a, b = math.cos(angle) / (looks.size * looks.width), math.sin(angle) / (looks.size * looks.width)
    d, e = -math.sin(angle) / looks.size, math.cos(angle) / looks.size
    middle = side / 2
    back = (a, b, x - (a + b) * middle, d, e, y - (d + e) * middle)
    whole = Image.fromarray(weight.astype(np.uint8)).transform(
        (side, side), Image.Transform.AFFINE, back, Image.Resampling.BILINEAR
    )
    return np.asarray(whole.reduce(FINE))


def _thickened(weight: NDArray[np.float32], by: float) -> NDArray[np.float32]:
    """The greatest value within `by` pixels of each; the ring that a radius reaches in part counts in part."""
    grown = weight
    for radius in range(1, math.ceil(by) + 1):
        share = min(1.0, by - (radius - 1))
        reached = grown
        for down, right in ((radius, 0), (-radius, 0), (0, radius), (0, -radius), *_diagonals(radius)):
            reached = np.maximum(reached, np.roll(weight, (down, right), (0, 1)))
        grown = grown + share * (reached - grown)
    return grown


def _diagonals(radius: int) -> list[tuple[int, int]]:
    step = max(1, round(radius / math.sqrt(2)))
    return [(down, right) for down in (-step, step) for right in (-step, step)]


def _fonts() -> Path:
    try:
        return Path(str(resources.files("matplotlib"))) / "mpl-data" / "fonts" / "ttf"
    except ModuleNotFoundError as missing:
        raise MissingDependency("matplotlib", extra="data", purpose="Printing digits") from missing
