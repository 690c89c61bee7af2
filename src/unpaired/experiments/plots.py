"""Matplotlib, which is not always there, and its figures as pixels."""

import io
from typing import Any

import numpy as np
import PIL.Image

from unpaired.errors import MissingDependency
from unpaired.images import Pixels


def pyplot(purpose: str) -> Any:
    """Matplotlib's, without a screen. purpose: what it is wanted for, in words. MissingDependency where it is not installed."""
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot as found
    except ImportError:
        raise MissingDependency("matplotlib", "figures", purpose) from None
    return found


def pixels_of(figure: Any) -> Pixels:
    """A figure, drawn and closed: [H, W, 3]."""
    canvas = io.BytesIO()
    figure.savefig(canvas, format="png")
    pyplot("Closing a figure").close(figure)
    with PIL.Image.open(canvas) as image:
        return np.array(image.convert("RGB"))
