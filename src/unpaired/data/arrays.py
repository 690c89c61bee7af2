"""Images and classes in arrays: MNIST's IDX files, and NPZ files of numpy.

The images of an array are read like files: `ArrayTree` is a tree whose files `train/0.npy`, `train/1.npy`, ... are its rows. So
they are resized, converted, cached and held out as all others are. No file that could run code is loaded: pickles are refused.
"""

import gzip
import io
import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
import numpy.typing as npt

from unpaired.data.hashes import Hashed, hash_content
from unpaired.data.labels import UNKNOWN, few
from unpaired.data.sources import Source, Tree
from unpaired.errors import DataError

LARGEST = 1 << 32
"""Bytes that a compressed IDX file may unpack to."""

_IDX = re.compile(r"(?P<set>.*?)(?P<end>train|t10k|test)-(?P<what>images|labels)[-.]idx[1-4]-ubyte(?P<packed>\.gz)?")
_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_NPZ_KEYS = ("x_train", "y_train", "x_test", "y_test")
_PICKLED = "holds pickled objects, which can run any code when they are loaded: refused; save plain arrays instead"


class Part(NamedTuple):
    """x: images uint8 `[N, H, W, C]`; y: their classes int64 `[N]`, UNKNOWN where nobody told one."""

    x: npt.NDArray[np.uint8]
    y: npt.NDArray[np.int64]


Arrays = Mapping[str, Part]
"""Parts by name: "train", and "test" where there is one."""


@final
class ArrayTree(Tree):
    """Arrays as a tree of files; where: the file or folder that they come from."""

    def __init__(self, arrays: Arrays, *, where: str) -> None:
        self.where = where
        self._arrays = {end: part.x for end, part in arrays.items()}
        self._headers = {end: _npy_header(x) for end, x in self._arrays.items()}
        self.files = tuple(f"{end}/{row}.npy" for end, x in self._arrays.items() for row in range(len(x)))
        self.folders = frozenset(self._arrays)

    def read(self, name: str) -> bytes:
        """The bytes of a row, as an NPY file `[H, W, C]`."""
        end, _, row = name.removesuffix(".npy").partition("/")
        return self._headers[end] + self._arrays[end][int(row)].tobytes()

    def hashed(self, source: Source) -> Hashed:
        """What `hash_files` gives for rows of this tree; in a fraction of the time, as nothing lies on the disk."""
        return {name: hash_content(self.read(name)) for name in source.names}, {}


def idx_files(files: Sequence[str]) -> dict[str, dict[str, str]]:
    """Which of these names are IDX files: by set ("" for MNIST's own names), by "train images", "test labels" and so on."""
    found: dict[str, dict[str, str]] = {}
    for file in files:
        if (name := _IDX.fullmatch(file)) is not None:
            end = "train" if name["end"] == "train" else "test"
            inside = found.setdefault(name["set"], {})
            if not (name["packed"] and f"{end} {name['what']}" in inside):  # an unpacked file beside it goes before
                inside[f"{end} {name['what']}"] = file
    return found


def read_idx_set(tree: Tree, root: str, files: Mapping[str, str]) -> Arrays:
    """The arrays in IDX files (as `idx_files` finds them) below `root`. DataError where they do not belong together."""
    where = os.path.join(tree.where, root)
    if not {"train images", "train labels"} <= set(files):
        raise DataError(
            f"{where} holds {few(sorted(files.values()))}; wanted train-images-idx3-ubyte and train-labels-idx1-ubyte"
        )
    arrays = {}
    for end in ("train", "test"):
        images, labels = (files.get(f"{end} {what}") for what in ("images", "labels"))
        if images is None and labels is None:
            continue
        if images is None or labels is None:
            raise DataError(f"{where} holds {images or labels} alone; wanted the {end} images and their labels: add the other")
        x, y = (read_idx(tree.read(root + file), where=os.path.join(where, file)) for file in (images, labels))
        arrays[end] = _part(x, y, x_name=os.path.join(where, images), y_name=os.path.join(where, labels))
    return arrays


def read_idx(content: bytes, *, where: str) -> npt.NDArray[Any]:
    """The array in an IDX file (gzip or not), in the machine's byte order. DataError where it is none, or cut off."""
    if content[:2] == b"\x1f\x8b":
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
                content = packed.read(LARGEST + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{where} cannot be unpacked: {error}; download it again") from error
        if len(content) > LARGEST:
            raise DataError(f"{where} unpacks to more than {LARGEST / 1e9:.1f} GB; wanted less")
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _IDX_TYPES:
        raise DataError(
            f"{where} is no IDX file: it begins with {content[:4].hex(' ') or 'nothing'}; wanted 00 00 08 and the rank"
        )
    rank, dtype = content[3], np.dtype(_IDX_TYPES[content[2]])
    start = 4 + 4 * rank
    if len(content) < start:
        raise DataError(f"{where} is cut off in its header; download it again")
    shape = struct.unpack(f">{rank}I", content[4:start])
    wanted = math.prod(shape) * dtype.itemsize
    if len(content) - start != wanted:
        raise DataError(f"{where} says {list(shape)} and holds {len(content) - start} bytes; wanted {wanted}: download it again")
    array = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def read_npz(file: Path | bytes, *, where: str) -> Arrays:
    """The arrays x_train, y_train and, if there, x_test, y_test of an NPZ file. DataError where they are not there, are no images
    and classes, or are pickled objects.
    """
    try:
        with io.BytesIO(file) if isinstance(file, bytes) else file.open("rb") as stream:
            found, arrays = _unpacked(stream, where=where)
    except ValueError as error:
        if "pickle" in str(error):
            raise DataError(f"{where} {_PICKLED}") from error
        raise DataError(f"{where} cannot be read: {error}; make it again with numpy.savez") from error
    except (OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, MemoryError) as error:
        raise DataError(f"{where} cannot be read: {error}; make it again with numpy.savez") from error
    for x, y in (_NPZ_KEYS[:2], _NPZ_KEYS[2:]):
        if (x in arrays) != (y in arrays) or (x == "x_train" and x not in arrays):
            raise DataError(
                f"{where} holds {few(found) or 'nothing'}; wanted x_train and y_train, and both of x_test, y_test or none"
            )
    return {
        end: _part(arrays[f"x_{end}"], arrays[f"y_{end}"], x_name=f"{where}: x_{end}", y_name=f"{where}: y_{end}")
        for end in ("train", "test")
        if f"x_{end}" in arrays
    }


def _unpacked(stream: Any, *, where: str) -> tuple[list[str], dict[str, npt.NDArray[Any]]]:
    """The names of all arrays in an NPZ file, and those that are meant."""
    start = stream.read(6)
    stream.seek(0)
    if not start.startswith(b"PK"):  # numpy would take anything else for a pickle
        if start.startswith(b"\x80"):
            raise DataError(f"{where} {_PICKLED}")
        found = "one array" if start == b"\x93NUMPY" else "nothing that numpy.savez wrote"
        raise DataError(f"{where} holds {found}; wanted x_train and y_train, as numpy.savez writes them")
    with np.load(stream, allow_pickle=False) as inside:
        return list(inside), {key: inside[key] for key in _NPZ_KEYS if key in inside}


def _part(x: npt.NDArray[Any], y: npt.NDArray[Any], *, x_name: str, y_name: str) -> Part:
    return Part(_images(x, where=x_name), _classes(y, count=len(x), where=y_name))


def _images(x: npt.NDArray[Any], *, where: str) -> npt.NDArray[np.uint8]:
    found = f"{where} is {x.dtype.name} {list(x.shape)}"
    if x.dtype != np.uint8:
        hint = ": multiply floats from 0 to 1 by 255 and round them" if x.dtype.kind == "f" else ""
        raise DataError(f"{found}; wanted uint8 from 0 to 255{hint}")
    if x.ndim == 4 and x.shape[1] in (1, 3) and x.shape[3] > 4:
        raise DataError(f"{found}: its channels stand first; wanted [N, H, W, C]: transpose(0, 2, 3, 1)")
    if x.ndim not in (3, 4) or not x.size:
        raise DataError(f"{found}; wanted images [N, H, W] or [N, H, W, C], at least one")
    return x if x.ndim == 4 else x[..., None]


def _classes(y: npt.NDArray[Any], *, count: int, where: str) -> npt.NDArray[np.int64]:
    found = f"{where} is {y.dtype.name} {list(y.shape)}"
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 2 and len(y) == count:
        raise DataError(f"{found}, a column for each class; wanted their numbers [N]: argmax(axis=1)")
    if y.dtype.kind not in "iu" or y.ndim != 1:
        raise DataError(f"{found}; wanted whole numbers [N]")
    if len(y) != count:
        raise DataError(f"{found} for {count} images; wanted one class for each")
    classes = y.astype(np.int64)
    wrong = np.flatnonzero(classes < UNKNOWN)
    if len(wrong):
        some = few([f"{classes[row]} in row {row}" for row in wrong[:5]], of=len(wrong))
        raise DataError(
            f"{found} and has {len(wrong)} numbers below -1: {some}; wanted classes from 0, or -1 where none is known"
        )
    return classes


def _npy_header(x: npt.NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": x.shape[1:]})
    return stream.getvalue()
