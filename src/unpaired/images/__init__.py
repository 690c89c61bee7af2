"""The one door between image files, arrays of pixels and the float tensors that networks see.

Two forms, and no third:

- *pixels*: numpy `[H, W, C]` (a batch: `[N, H, W, C]`) of uint8, uint16 or float32 in [0, 1]; C = 1 grey, 2 grey and
  alpha, 3 RGB, 4 RGBA, and from 5 on samples without a colour;
- *images*: torch float `[N, C, H, W]` in [-1, 1].

Black is 0 and white 255, 65535 or 1.0: a change of depth is a multiplication by 257 (8 to 16 bits) or a rounded
division. Colour profiles are not applied: the samples are taken as they stand, as every common tool for translation
does; but what a file said besides its pixels is kept for the answer (`Original`).

    levels    the three depths, and tensors
    channels  grey, colour, transparency
    fitting   crop, stretch, pad
    original  what an answer keeps of its input
    tiff      TIFF of any depth and number of channels, in (tiff_writing: out)
    pieces    the strips and tiles of a TIFF
    pages     which pages of a TIFF are images
    opening   what every reader needs; what Pillow reads
    reading   files in
    writing   files out
    animation GIF, WebP and PNG that move
    rows      images too large for the memory, a block of rows at a time
    sheet     images side by side
    maps      label maps, whose numbers are classes
"""

from unpaired.images.animation import Animation, is_animated, open_frames, write_frames
from unpaired.images.channels import convert, picture
from unpaired.images.fitting import Fit, fit, restored, seen
from unpaired.images.levels import Depth, Pixels, ValueRange, depth_of, to_depth, to_pixels, to_tensor, to_uint8
from unpaired.images.opening import HUGE, LARGEST, SUFFIXES, WANTED
from unpaired.images.original import Original
from unpaired.images.pages import Page, Pages, open_pages
from unpaired.images.reading import Header, header, open_image, read
from unpaired.images.rows import Rows, RowWriter, open_rows, write_rows
from unpaired.images.sheet import labelled_grid
from unpaired.images.writing import WRITABLE, PageWriter, writable, write, write_pages

__all__ = [
    "HUGE",
    "LARGEST",
    "SUFFIXES",
    "WANTED",
    "WRITABLE",
    "Animation",
    "Depth",
    "Fit",
    "Header",
    "Original",
    "Page",
    "PageWriter",
    "Pages",
    "Pixels",
    "RowWriter",
    "Rows",
    "ValueRange",
    "convert",
    "depth_of",
    "fit",
    "header",
    "is_animated",
    "labelled_grid",
    "open_frames",
    "open_image",
    "open_pages",
    "open_rows",
    "picture",
    "read",
    "restored",
    "seen",
    "to_depth",
    "to_pixels",
    "to_tensor",
    "to_uint8",
    "writable",
    "write",
    "write_frames",
    "write_pages",
    "write_rows",
]
