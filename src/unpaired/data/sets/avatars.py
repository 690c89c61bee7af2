"""What all sets of drawn faces share: DiceBear's styles, and drawings as pixels."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from functools import cache
from importlib import metadata, resources
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from unpaired.errors import MissingDependency

if TYPE_CHECKING:
    from dicebear import Avatar, Style
    from numpy.typing import NDArray

BACKGROUND = "#e8eef4"

LEFT_OUT: Mapping[str, tuple[tuple[str, str], ...]] = {
    # The shaven head has no hair colour, so it would belong to every colour at once.
    "adventurer": (("hair", "short19"),),
}
"""By style: variants of components that no set may show."""


@cache
def style(name: str) -> Style:
    """The style `name` of the package ``dicebear-styles``, without what is left out. MissingDependency where packages are
    not installed.
    """
    try:
        import resvg_py  # noqa: F401 - asked for here, so that a missing package is named before any work is done
        from dicebear import Style

        definition = json.loads(resources.files("dicebear_styles").joinpath(f"{name}.json").read_text("utf-8"))
    except ModuleNotFoundError as missing:
        packages = {"dicebear": "dicebear-core", "dicebear_styles": "dicebear-styles", "resvg_py": "resvg_py"}
        package = packages.get(missing.name or "", missing.name or "dicebear-core")
        raise MissingDependency(package, extra="data", purpose="Drawing the faces") from missing
    for component, variant in LEFT_OUT.get(name, ()):
        del definition["components"][component]["variants"][variant]
    return Style(definition)


def avatar(name: str, options: Mapping[str, object]) -> Avatar:
    """The drawing in the style `name`. `options` carry DiceBear's names; "seed" is the identity.

    Every choice DiceBear makes is hashed from the seed and the name of the option alone, which is why fixing one option
    moves no other. (Only a colour that must differ from another one can move with it.)
    """
    drawn_in = style(name)  # asks for the packages before anything imports them
    from dicebear import Avatar

    return Avatar(drawn_in, dict(options))


def raster(drawing: Avatar, *, size: int) -> NDArray[np.uint8]:
    """[size, size, 3], uint8."""
    import resvg_py

    png = resvg_py.svg_to_bytes(svg_string=drawing.to_string(), width=size, height=size, skip_system_fonts=True)
    with Image.open(io.BytesIO(png)) as image:
        return np.array(image.convert("RGB"))  # the background is opaque: dropping alpha loses nothing


def credits_of(name: str) -> dict[str, str]:
    """For the card of a set: licence, licence_url, creator, source, and the credit that has to be printed."""
    meta = style(name).meta()
    licence, licence_url = str(meta.license().name()), str(meta.license().url())
    creator, source = str(meta.creator().name()), str(meta.source().url())
    credit = f"Remix of “{meta.source().name()}” ({source}) by {creator}, licensed under {licence} ({licence_url})"
    return {"licence": licence, "licence_url": licence_url, "creator": creator, "source": source, "credit": credit}


def versions() -> dict[str, str]:
    """For the card of a set: the packages on which its pixels depend."""
    return {name: metadata.version(name) for name in ("dicebear-core", "dicebear-styles", "resvg_py")}
