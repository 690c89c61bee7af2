"""The three depths of pixels, and the way between pixels and tensors."""

from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unpaired.errors import DataError, ShapeError, UnreadableImages

Pixels = npt.NDArray[np.uint8 | np.uint16 | np.float32]
Depth = Literal[8, 16, 32]
"""Bits of a sample: uint8 (0 to 255), uint16 (0 to 65535) or float32 (0 to 1)."""
ValueRange = tuple[float, float]
"""The numbers in a file that are black and white, where they are not the ends of its samples' type."""

DTYPES: dict[int, type[np.uint8] | type[np.uint16] | type[np.float32]] = {8: np.uint8, 16: np.uint16, 32: np.float32}
WHITE: dict[int, float] = {8: 255, 16: 65535, 32: 1.0}
"""The highest sample of each depth."""

KEPT = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32")
"""Types of samples that files of a value range are written with."""

_STEPS = 255
_RANGED = "say which samples are black and white: --value-range LOW HIGH in training, value_range in Python"
_TORCH = {8: torch.uint8, 16: torch.uint16, 32: torch.float32}
_TO_8 = ((np.arange(65536, dtype=np.uint32) + 128) // 257).astype(np.uint8)


def depth_of(pixels: npt.NDArray[Any] | Tensor) -> Depth:
    """The depth of pixels, by their type. ShapeError where it is none of the three."""
    for depth in get_args(Depth):
        if pixels.dtype in (DTYPES[depth], _TORCH[depth]):
            return depth
    raise ShapeError(f"pixels are {pixels.dtype} {list(pixels.shape)}; wanted uint8, uint16 or float32 from 0 to 1")


def require_depth(depth: int) -> None:
    """ShapeError where there is no such depth."""
    if depth not in DTYPES:
        raise ShapeError(f"depth is {depth}; wanted 8, 16 or 32 (float) bits")


def to_depth(pixels: Pixels, *, depth: Depth) -> Pixels:
    """Pixels of any shape at another depth; those that have it come back as they are.

    8 to 16 bits: times 257; 16 to 8: divided by 257 and rounded; to float: divided by 255 or 65535; from float: times
    255 or 65535 and rounded. So 0 stays black, the highest sample white, and 8 bits come back unchanged from both of
    the others, 16 bits from float. Raises ShapeError.
    """
    require_depth(depth)
    match depth_of(pixels), depth:
        case (found, wanted) if found == wanted:
            return pixels
        case (8, 16):
            return pixels.astype(np.uint16) * np.uint16(257)
        case (16, 8):
            return _TO_8[pixels]
        case (found, 32):
            return pixels.astype(np.float32) / np.float32(WHITE[found])
    # Not-a-number has no place among integers; files that hold one are refused, so this one comes from a computation.
    return np.rint(np.nan_to_num(pixels).clip(0.0, 1.0) * np.float32(WHITE[depth])).astype(DTYPES[depth])


def ranged(samples: npt.NDArray[Any], *, alpha: bool, value_range: ValueRange | None) -> Pixels:
    """The samples `[H, W, C]` of a file, of whatever type, as uint8, uint16 or float32 in [0, 1].

    value_range: the samples that become 0 and 1; those beyond are cut off. Without it, floats must lie in [0, 1] and
    integers of 16 and 32 bits in 0 to 65535, which is what they are then taken for. alpha: whether the last channel is
    transparency, which has its own range. Raises UnreadableImages, and DataError where the range is empty.
    """
    if value_range is None or not alpha:
        return _ranged(samples, value_range=value_range)
    share = to_depth(_ranged(samples[:, :, -1:], value_range=None), depth=32)
    return np.concatenate([_ranged(samples[:, :, :-1], value_range=value_range), share], axis=2)


def unranged(pixels: Pixels, *, dtype: str, value_range: ValueRange, alpha: bool) -> npt.NDArray[Any]:
    """The way back from `ranged`: pixels `[H, W, C]` of any depth as samples of type `dtype` from the first to the second
    number of the range; integers are rounded. alpha: whether the last channel is transparency, which keeps its own range and
    is known of uint8, uint16 and float32 only.
    """
    low, high = value_range
    share = np.nan_to_num(to_depth(pixels, depth=32)).astype(np.float64).clip(0.0, 1.0)
    samples = low + share * (high - low)
    if alpha:
        samples[:, :, -1:] = share[:, :, -1:] * WHITE[8 * np.dtype(dtype).itemsize]
    return (samples if dtype == "float32" else np.rint(samples)).astype(dtype)


def type_name(dtype: np.dtype[Any]) -> str:
    """The type of samples, as numpy names it; bits are read as bytes."""
    return "uint8" if dtype.name == "bool" else dtype.name


def type_for(dtype: str, *, found: ValueRange | None, wanted: ValueRange, alpha: bool) -> str:
    """The type of an answer's samples of the range `wanted`, to a file of `dtype` and the range `found`: the same where it can
    hold that range and, in another range than the file's, has at least 256 steps in it; else float32.
    """
    if dtype not in KEPT or (alpha and dtype not in ("uint8", "uint16")):
        return "float32"
    if np.issubdtype(dtype, np.integer):
        (low, high), ends = wanted, np.iinfo(dtype)
        if low < ends.min or high > ends.max or (wanted != found and high - low < _STEPS):
            return "float32"
    return dtype


def to_tensor(pixels: Pixels | Tensor, *, device: torch.device | str | None = None) -> Tensor:
    """Pixels `[N, H, W, C]` (numpy or torch; uint8, uint16 or float32 in [0, 1]) as images float32 `[N, C, H, W]` in
    [-1, 1], on `device`.

    Black becomes -1 and white (255, 65535, 1.0) becomes 1. The samples travel to the device before they grow to floats.
    Raises ShapeError.
    """
    if pixels.ndim != 4 or pixels.dtype not in (*DTYPES.values(), *_TORCH.values()):
        raise ShapeError(f"pixels are {pixels.dtype} {list(pixels.shape)}; wanted uint8, uint16 or float32 [N, H, W, C]")
    half = WHITE[depth_of(pixels)] / 2
    if isinstance(pixels, np.ndarray):
        # torch refuses to share read-only memory (a memory-mapped store) without a warning.
        pixels = torch.from_numpy(pixels if pixels.flags.writeable else pixels.copy())
    on_device = pixels.to(device) if device is not None else pixels
    upright = on_device.permute(0, 3, 1, 2)
    # `to` would hand back the caller's own floats where nothing has to be moved.
    floats = upright.to(torch.float32, memory_format=torch.contiguous_format, copy=True)
    return floats.div_(half).sub_(1.0)


def to_pixels(images: Tensor, *, depth: Depth) -> Tensor:
    """Images `[N, C, H, W]` in [-1, 1] as pixels `[N, H, W, C]` of this depth, on the same device.

    The exact inverse of `to_tensor` for all 256 and all 65536 values, and to 1e-7 for floats; values outside are
    clamped, not-a-number becomes black. Raises ShapeError.
    """
    require_depth(depth)
    if images.ndim != 4 or not images.is_floating_point():
        raise ShapeError(f"images are {images.dtype} {list(images.shape)}; wanted float [N, C, H, W] in [-1, 1]")
    # In half precision 127.5 (x + 1) has fewer steps than a byte.
    levels = ((images.detach().float() + 1.0) * (WHITE[depth] / 2)).nan_to_num_(nan=0.0)
    if depth != 32:
        levels = levels.round_()
    return levels.clamp_(0.0, WHITE[depth]).to(_TORCH[depth]).permute(0, 2, 3, 1).contiguous()


def to_uint8(images: Tensor) -> Tensor:
    """`to_pixels` with 8 bits."""
    return to_pixels(images, depth=8)


def _ranged(samples: npt.NDArray[Any], *, value_range: ValueRange | None) -> Pixels:
    kind, name = samples.dtype.kind, samples.dtype.name
    if value_range is not None:
        low, high = value_range
        if not low < high:
            raise DataError(f"value_range is {low:g} to {high:g}; wanted a lower and a higher number")
        if kind not in "biuf" or (kind == "f" and np.isnan(samples).any()):
            raise UnreadableImages(f"{name} samples, some not a number; wanted numbers: fill the gaps")
        exact = samples.dtype.itemsize <= 2 or name == "float32"
        wide: npt.NDArray[np.float32 | np.float64] = np.asarray(samples, np.float32 if exact else np.float64)
        return ((wide - low) / (high - low)).clip(0.0, 1.0).astype(np.float32)
    if name == "bool":
        return samples.astype(np.uint8) * np.uint8(255)
    if name in ("uint8", "uint16"):
        return samples.astype(DTYPES[8 * samples.dtype.itemsize], copy=False)  # in the machine's byte order
    if kind == "f":
        low, high = (samples.min(), samples.max()) if samples.size else (0.0, 0.0)
        if not (low >= 0.0 and high <= 1.0):  # not-a-number fails too
            raise UnreadableImages(
                f"float samples from {low:g} to {high:g}; wanted 0 to 1: rescale the file, convert it to 16 bits, or {_RANGED}"
            )
        return samples.astype(np.float32)
    if name in ("int16", "int32", "uint32"):
        low, high = samples.min(), samples.max()
        if low < 0 or high > 65535:
            raise UnreadableImages(
                f"{8 * samples.dtype.itemsize}-bit samples from {low} to {high}; wanted 0 to 65535: convert the file to 8 or "
                f"16 bits, or {_RANGED}"
            )
        return samples.astype(np.uint16)
    raise UnreadableImages(
        f"{name} samples, whose black and white nobody knows; wanted uint8, uint16 or floats from 0 to 1: convert the file, "
        f"or {_RANGED}"
    )
