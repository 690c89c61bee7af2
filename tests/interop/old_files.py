"""Files as torch 0.2 under Python 2 wrote them: what `torch.save(module, path)` left in 2017."""

import pickle
import struct
import sys
from collections import OrderedDict
from pickle import BINSTRING, BUILD, GLOBAL, NEWOBJ, SHORT_BINSTRING

from torch import Tensor, nn

MAGIC = 0x1950A86A20F9469CFC6C


class Name:
    """A class or function of that time, by name."""

    def __init__(self, module, name):
        self.module, self.name = module, name

    def __call__(self):
        raise AssertionError("only its name is written")


class Storage:
    def __init__(self, tensor, kind):
        self.tensor, self.kind = tensor, kind


class Writer(pickle._Pickler):
    """Strings as Python 2's, modules as dicts of that time, tensors as storages, sizes and strides."""

    def __init__(self, file, *, cuda):
        super().__init__(file, protocol=2)
        self.cuda, self.storages, self.known = cuda, {}, {}

    def name(self, module, name):
        return self.known.setdefault((module, name), Name(module, name))

    def save(self, obj, save_persistent_id=True):
        match obj:
            case Name():
                self.write(GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
            case str():
                text = obj.encode()
                short = len(text) < 256
                self.write((SHORT_BINSTRING + bytes([len(text)]) if short else BINSTRING + struct.pack("<i", len(text))) + text)
            case Storage():
                key = str(94000000 + 16 * len(self.storages))
                self.storages[key] = obj.tensor
                kind = self.name("torch.cuda" if self.cuda else "torch", obj.kind)
                place = "cuda:0" if self.cuda else "cpu"
                super().save(("storage", kind, key, place, obj.tensor.numel(), None), save_persistent_id=False)
                self.write(pickle.BINPERSID)
            case nn.Parameter():
                hooks = OrderedDict()
                self.save_reduce(self.name("torch.nn.parameter", "Parameter"), (obj.data,), (True, False, hooks), obj=obj)
            case Tensor():
                args = (Storage(obj, "FloatStorage"), 0, tuple(obj.shape), tuple(obj.stride()))
                self.save_reduce(self.name("torch._utils", "_rebuild_tensor"), args, obj=obj)
            case nn.Module():
                self.module(obj)
            case _:
                super().save(obj, save_persistent_id)

    def module(self, module):
        cls = type(module)
        where = cls.__module__ if cls.__module__.startswith("torch.") else "model"
        if (where, cls.__name__) in self.known:
            self.save(self.name(where, cls.__name__))
        else:
            name = self.name(where, cls.__name__)
            super().save(("module", name, "model.py", f"class {cls.__name__}(nn.Module): ..."), save_persistent_id=False)
            self.write(pickle.BINPERSID)
        self.save(())
        self.write(NEWOBJ)
        backend = Backend()
        buffers = OrderedDict((k, v) for k, v in module._buffers.items() if k != "num_batches_tracked")
        self.save({
            "_backend": backend, "training": True, "_parameters": OrderedDict(module._parameters), "_buffers": buffers,
            "_backward_hooks": OrderedDict(), "_forward_hooks": OrderedDict(), "_modules": OrderedDict(module._modules),
        })  # fmt: skip
        self.write(BUILD)


class Backend:
    """torch's functions of that time; each layer had them."""

    def __reduce__(self):
        return Name("torch.nn.backends.thnn", "_get_thnn_function_backend"), ()


def write(path, obj, *, cuda=True):
    """Save a module, or a state_dict, as they did."""
    with path.open("wb") as file:
        for part in (MAGIC, 1001, {"protocol_version": 1001, "little_endian": sys.byteorder == "little"}):
            pickle.dump(part, file, protocol=2)
        writer = Writer(file, cuda=cuda)
        writer.dump(obj)
        pickle.dump(sorted(writer.storages), file, protocol=2)
        for key in sorted(writer.storages):
            tensor = writer.storages[key]
            file.write(struct.pack("<q", tensor.numel()) + tensor.detach().contiguous().numpy().tobytes())
