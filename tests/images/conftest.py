"""Small images, and files made of them."""

import io

import numpy as np
import pytest
import tifffile

WHITE = {np.uint8: 255, np.uint16: 65535}


@pytest.fixture
def noise():
    """A function that makes random pixels `[H, W, C]` of any depth."""

    def make(height=5, width=7, channels=3, seed=0, dtype=np.uint8):
        random = np.random.default_rng(seed)
        if dtype is np.float32:
            return random.random((height, width, channels), dtype=np.float32)
        return random.integers(0, WHITE[dtype] + 1, (height, width, channels), dtype=dtype)

    return make


@pytest.fixture
def smooth():
    """A function that makes pixels uint8 `[H, W, 3]` that change slowly."""

    def make(height=24, width=32):
        down, across = np.mgrid[0:height, 0:width]
        return np.stack([down * 8, across * 6, 255 - down * 4], axis=2).astype(np.uint8)

    return make


@pytest.fixture
def encoded():
    """A function that gives the bytes of an image of Pillow's in some format."""

    def make(image, format, **how):
        stream = io.BytesIO()
        image.save(stream, format=format, **how)
        return stream.getvalue()

    return make


@pytest.fixture
def as_tiff():
    """A function that gives the bytes of a TIFF, as tifffile writes it."""

    def make(samples, **how):
        stream = io.BytesIO()
        tifffile.imwrite(stream, samples, **({"metadata": None} | how))
        return stream.getvalue()

    return make


@pytest.fixture
def as_npy():
    """A function that gives the bytes of an NPY file."""

    def make(samples):
        stream = io.BytesIO()
        np.save(stream, samples)
        return stream.getvalue()

    return make
