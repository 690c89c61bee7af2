"""Which images are held out, decided by each image's content alone."""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from unpaired.errors import DataError


def hold_out(hashes: Sequence[str], *, fraction: float) -> npt.NDArray[np.bool_]:
    """True where an image is held out, `[N]`.

    hashes: content hashes of the files; fraction: in [0, 1), the share to hold out (0: none).

    The content decides: each hash becomes a number in [0, 1), and those below `fraction` are held out. So an image
    stays on its side when others are added, removed or renamed, and copies are never parted. The share is met on
    average only.

    One rule bends this for small folders: where two or more different images are given, each side gets at least one. An
    empty held-out side gets the image with the lowest number (and its copies), an empty training side that with the
    highest. Where only one image is given, it is trained on. Raises DataError for a fraction outside [0, 1).
    """
    if not 0.0 <= fraction < 1.0:
        raise DataError(f"the fraction to hold out is {fraction}; wanted 0 (none) or more, and less than 1")
    places = np.array([place(content) for content in hashes], dtype=np.float64)
    held = places < fraction
    if fraction and len(set(hashes)) > 1:
        if not held.any():
            held = places == places.min()
        elif held.all():
            held = places < places.max()
    elif fraction:
        held[:] = False
    return held


def place(content: str) -> float:
    """Where a content hash lies in [0, 1). Sorted by this, from high to low, the held-out images come last."""
    # Hashed once more under a name of its own, so that the split is independent of every other use of the content hash.
    digest = hashlib.blake2b(content.encode(), digest_size=8, person=b"hold out").digest()
    return (int.from_bytes(digest, "big") >> 11) / 2.0**53
