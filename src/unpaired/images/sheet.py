"""Images side by side, with captions."""

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from unpaired.errors import ShapeError
from unpaired.images.channels import MODES, colour, from_picture, picture, to_channels
from unpaired.images.levels import Pixels, to_uint8


def labelled_grid(
    rows: Sequence[tuple[str, Tensor]],
    *,
    titles: Sequence[str] = (),
    pad: int = 2,
    scale: int = 1,
    background: str = "white",
) -> Pixels:
    """Rows of images with a caption before each, as pixels uint8 `[H, W, 3]`.

    rows: caption and images `[N, C, H, W]` in [-1, 1]; the rows may differ in N and C, not in H and W. Of 5
        channels or more the first three are shown as red, green and blue.
    titles: words above the columns. scale: every pixel is drawn that many times, each way. background: a colour.
    """
    if not rows or not all(images.ndim == 4 and images.shape[2:] == rows[0][1].shape[2:] for _, images in rows):
        found = ", ".join(f"{caption} {list(images.shape)}" for caption, images in rows) or "no rows"
        raise ShapeError(f"found {found}; wanted rows of [N, C, H, W] with one H and W")
    behind = colour(background)
    ink = (0, 0, 0) if sum(behind[:3]) > 382 else (255, 255, 255)
    height, width = (side * scale for side in rows[0][1].shape[2:])
    font = ImageFont.load_default(size=max(10, min(16, height // 4)))
    line = math.ceil(font.getbbox("Ag")[3]) + 4
    margin = max(math.ceil(font.getlength(caption)) for caption, _ in rows)
    margin += 8 if margin else 0
    head = line if titles else 0
    columns = max(max(len(images) for _, images in rows), len(titles))
    sheet = Image.new("RGB", (margin + columns * (width + pad) + pad, head + len(rows) * (height + pad) + pad), behind[:3])
    pen = ImageDraw.Draw(sheet)
    for column, title in enumerate(titles):
        pen.text((margin + pad + column * (width + pad), 1), title, fill=ink, font=font)
    for row, (caption, images) in enumerate(rows):
        top = head + pad + row * (height + pad)
        pen.text((4, top + max(0, (height - line) // 2)), caption, fill=ink, font=font)
        for column, pixels in enumerate(to_uint8(images).cpu().numpy()):
            shown = pixels if pixels.shape[2] in MODES else pixels[:, :, :3]
            tile = to_channels(picture(shown), channels=3, behind=behind)
            place = (margin + pad + column * (width + pad), top)
            sheet.paste(tile.resize((width, height), Image.Resampling.NEAREST), place)
    return from_picture(sheet)
