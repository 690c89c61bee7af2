"""What torch saved, without running any of it.

torch.load(weights_only=True) reads tables of tensors. What it refuses, whole modules and what Python 2 wrote, is read by an
unpickler that knows tensors, tables and the names of some layers: a class becomes an empty shell that keeps what was stored,
nothing is imported and nothing is called. Any other name is an error.
"""

import math
import os
import pickle
import struct
import sys
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import torch
from torch import Tensor

from unpaired.errors import ForeignFile

MAGIC = 0x1950A86A20F9469CFC6C
"""What files of torch before 1.6 begin with, as a pickle."""
DTYPES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ByteStorage": torch.uint8,
}
LAYERS = ("Conv2d", "ConvTranspose2d", "BatchNorm2d", "LeakyReLU", "ReLU", "Sigmoid", "Tanh", "Sequential", "ModuleList")
"""Layers of torch.nn in the projects whose whole modules are read."""
MODELS = {(module, name) for module in ("model", "discogan.model", "__main__") for name in ("Generator", "Discriminator")}
"""The modules that SKTBrain's DiscoGAN saves whole."""


class Saved(NamedTuple):
    """weights: as in a state_dict, on the CPU; whole: whether a whole module was saved, of which only its weights are read."""

    weights: dict[str, Tensor]
    whole: bool


def read(path: Path) -> Saved:
    """The weights in a file that torch.save wrote. ForeignFile where it is missing, damaged, something else, or where it asks
    for code to be run (which is not done).
    """
    _look(path)
    try:
        with warnings.catch_warnings(action="ignore"):  # of old ways of saving
            value = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # torch's refusals and all that a damaged file can cause; the other reader says which
        value = _read_shells(path)
    return Saved(_weights(path, value), isinstance(value, _Shell))


def _look(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise ForeignFile(f"cannot read {path}: {error.strerror or error}") from None
    if head[8:10] == b'{"':
        raise ForeignFile(
            f"{path} is a safetensors file; these projects save .pth files, and a bundle of this program needs no import"
        )
    if head[257:262] == b"ustar":
        raise ForeignFile(
            f"{path} was saved by torch 0.1.9 or older, as a tar archive; load and save it again with a newer torch"
        )


def _weights(path: Path, value: Any) -> dict[str, Tensor]:
    if isinstance(value, _Shell):
        value = value.weights()
    if not isinstance(value, Mapping):
        raise ForeignFile(f"{path} holds a {type(value).__name__}; wanted a generator's or discriminator's state_dict")
    if not value:
        raise ForeignFile(f"{path} is an empty table; wanted a generator's or discriminator's state_dict")
    others = [str(key) for key, item in value.items() if not isinstance(item, Tensor) or not isinstance(key, str)]
    if others:
        raise ForeignFile(
            f"{path} holds more than weights: {', '.join(others[:5])}{', ...' * (len(others) > 5)}; wanted a state_dict alone: "
            "save the part that is one"
        )
    weights = {key: item.detach() for key, item in value.items()}
    broken = [key for key, item in weights.items() if item.is_floating_point() and not item.isfinite().all()]
    if broken:
        raise ForeignFile(f"{path} has values in {broken[0]} that are not finite: the training had diverged; take an earlier one")
    return weights


class _Shell:
    """What stands for an object of a class that is not loaded: its stored state and no code."""

    args: tuple[Any, ...] = ()
    state: Any = None

    def __init__(self, *args: Any) -> None:
        self.args = args

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def weights(self, prefix: str = "") -> dict[str, Any]:
        """Of a module: its parameters and buffers, those of the modules in it by their full names."""
        found: dict[str, Any] = {}
        for part in ("_parameters", "_buffers", "_modules"):
            table = self.state.get(part) if isinstance(self.state, dict) else None
            for name, item in (table or {}).items():
                if part == "_modules" and isinstance(item, _Shell):
                    found |= item.weights(f"{prefix}{name}.")
                elif item is not None:
                    found[f"{prefix}{name}"] = item.args[0] if isinstance(item, _Shell) and item.args else item
        return found


class _Storage:
    """A file's values of one dtype, filled in once they are read."""

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype, self.values = dtype, torch.empty(0, dtype=dtype)


class _View(NamedTuple):
    """A tensor before its storage is read."""

    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    def tensor(self) -> Tensor:
        values = self.storage.values
        if min(self.offset, *self.size, *self.stride, 0) < 0:
            raise ValueError("a tensor of negative size")
        end = self.offset + sum((n - 1) * step for n, step in zip(self.size, self.stride, strict=True)) + 1
        if 0 not in self.size and max(end, math.prod(self.size)) > len(values):
            raise ValueError("a tensor beyond its values")
        return values.as_strided(self.size, self.stride, self.offset).clone()


def _rebuild(storage: _Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> _View:
    return _View(storage, int(offset), tuple(map(int, size)), tuple(map(int, stride)))


def _first(item: Any, *_: Any) -> Any:
    return item


class _Unpickler(pickle.Unpickler):
    """Tensors, tables and shells."""

    def __init__(self, file: BinaryIO, path: Path, storage: Callable[..., _Storage]) -> None:
        super().__init__(file, encoding="latin1")  # Python 2's strings: none that could fail
        self.path, self.storage = path, storage

    def find_class(self, module: str, name: str) -> Any:
        builtin = module in ("builtins", "__builtin__")
        match module, name:
            case "collections", "OrderedDict":
                return OrderedDict
            case _, "set" if builtin:
                return set
            case "torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2":
                return _rebuild
            case "torch._utils", "_rebuild_parameter":
                return _first
            case "torch" | "torch.cuda", _ if name in DTYPES:
                return DTYPES[name]
            case "torch.nn.parameter", "Parameter":
                return _Shell
            case "torch.nn.backends.thnn", "_get_thnn_function_backend":  # torch before 1.0 kept one in each layer
                return _Shell
        layer = (module == "torch.nn" or module.startswith("torch.nn.modules.")) and name in LAYERS
        if layer or (module, name) in MODELS:
            return _Shell
        raise ForeignFile(
            f"{self.path} asks for {module}.{name}; only weights are read and no code is run. If you trust the file, load it "
            "with its own project and save the network's state_dict()"
        )

    def persistent_load(self, saved: Any) -> Any:
        if saved[0] == "module":  # (class, its file, its source)
            return saved[1]
        _, dtype, key, _, count, *view = saved
        if view and view[0] is not None:
            raise ValueError("views of storages")
        return self.storage(dtype, str(key), int(count))


def _read_shells(path: Path) -> Any:
    """What is in the file, with its tensors, tables and shells. ForeignFile where that is not all there is."""
    try:
        with path.open("rb") as file:
            value = _read_zip(file, path) if zipfile.is_zipfile(file) else _read_legacy(file, path)
        return _resolved(value)
    except ForeignFile:
        raise
    except Exception as error:  # an unpickler can fail in any way on what is no pickle
        raise ForeignFile(
            f"{path} is no file of torch.save, or damaged or cut off: {type(error).__name__}: {error}; copy it again and "
            "compare its size"
        ) from None


def _read_zip(file: BinaryIO, path: Path) -> Any:
    """torch from 1.6 on: an archive with one pickle and a file for each storage."""
    with zipfile.ZipFile(file) as archive:
        (pickled,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        root = pickled.removesuffix("data.pkl")
        if f"{root}byteorder" in archive.namelist() and archive.read(f"{root}byteorder") != sys.byteorder.encode():
            raise ValueError("bytes in an order that is not this machine's")
        storages: dict[str, _Storage] = {}

        def storage(dtype: torch.dtype, key: str, count: int) -> _Storage:
            if key not in storages:
                storages[key] = _Storage(dtype)
                if archive.getinfo(f"{root}data/{key}").file_size > os.fstat(file.fileno()).st_size:
                    raise ValueError("a part larger than the file")  # torch does not compress
                storages[key].values = _values(archive.read(f"{root}data/{key}"), dtype, count)
            return storages[key]

        with archive.open(pickled) as stream:
            return _Unpickler(stream, path, storage).load()  # type: ignore[arg-type]


def _read_legacy(file: BinaryIO, path: Path) -> Any:
    """torch before 1.6: five pickles (magic, version, machine, object, keys of its storages), then the storages."""
    storages: dict[str, _Storage] = {}

    def storage(dtype: torch.dtype, key: str, count: int) -> _Storage:
        return storages.setdefault(key, _Storage(dtype))

    def load() -> Any:
        return _Unpickler(file, path, storage).load()

    file.seek(0)
    if load() != MAGIC:
        raise ValueError("it does not begin as such files do")
    load()  # the format's version
    if not load().get("little_endian", True):
        raise ValueError("bytes in an order that is not this machine's")
    value, keys = load(), load()
    for key in keys:
        entry = storages[str(key)]
        (count,) = struct.unpack("<q", file.read(8))
        if not 0 <= count <= os.fstat(file.fileno()).st_size:
            raise ValueError(f"{count} values in a smaller file")
        entry.values = _values(file.read(count * entry.dtype.itemsize), entry.dtype, count)
    return value


def _values(content: bytes, dtype: torch.dtype, count: int) -> Tensor:
    if len(content) != count * dtype.itemsize:
        raise ValueError(f"{len(content)} bytes where {count} values of {dtype} should be")
    return torch.frombuffer(bytearray(content), dtype=dtype) if count else torch.empty(0, dtype=dtype)


def _resolved(value: Any, seen: dict[int, Any] | None = None) -> Any:
    """The value with tensors for views, in tables and in shells. What is shared is resolved once."""
    seen = {} if seen is None else seen
    if id(value) in seen:
        return seen[id(value)]
    found = value
    match value:
        case _View():
            found = value.tensor()
        case dict():
            found = seen[id(value)] = {}
            found |= {key: _resolved(item, seen) for key, item in value.items()}
        case _Shell():
            seen[id(value)] = value
            value.args = tuple(_resolved(item, seen) for item in value.args)
            value.state = _resolved(value.state, seen)
    seen[id(value)] = found
    return found
