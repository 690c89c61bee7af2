"""Images as elements that hold their pixels."""

import base64
import io

import PIL.Image
from torch import Tensor

from unpaired import images
from unpaired.report.markup import Markup, tag

LARGEST_IMAGE = 256
"""Side in pixels beyond which the page holds a smaller copy."""
LOSSLESS_BYTES = 16_384
"""Pictures that PNG makes larger than this are kept as WebP."""
TILE = 128
"""Pixels that a picture of the gallery takes on a wide screen."""


def shown_image(image: Tensor, *, alt: str) -> Markup:
    """An image [C, H, W] in [-1, 1] as an element; one that is smaller than its place is enlarged by whole factors.

    Of 5 channels or more the first three are shown as red, green and blue.
    """
    shown = image if len(image) <= 4 else image[:3]
    picture = images.picture(images.to_uint8(shown[None])[0].cpu().numpy())
    tiny = max(picture.size) < TILE
    scale = max(1, TILE // max(picture.size))
    side = str(picture.width * scale if tiny else min(TILE, picture.width))
    picture.thumbnail((LARGEST_IMAGE, LARGEST_IMAGE), PIL.Image.Resampling.LANCZOS)
    return tag("img", src=data_uri(picture), alt=alt, class_="tiny" if tiny else None, width=side)


def data_uri(picture: PIL.Image.Image) -> str:
    """Lossless while that is small, else WebP."""
    stream, kind = io.BytesIO(), "png"
    picture.save(stream, format="PNG", optimize=True)
    if stream.tell() > LOSSLESS_BYTES:
        stream, kind = io.BytesIO(), "webp"
        picture.save(stream, format="WEBP", quality=88)
    return f"data:image/{kind};base64,{base64.b64encode(stream.getvalue()).decode()}"
