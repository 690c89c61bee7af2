"""What torch saved is read, and none of it is run."""

import io
import os
import pickle
import re
import tarfile
import zipfile

import old_files
import originals
import pytest
import safetensors.torch
import torch
from torch import nn

from unpaired.errors import ForeignFile
from unpaired.interop import pickles


def same(found, wanted):
    assert list(found) == list(wanted)
    assert all(torch.equal(found[key], wanted[key]) for key in wanted)


@pytest.mark.parametrize("zipped", [True, False])
def test_tables_of_tensors(tmp_path, zipped):
    """Of any dtype, views with strides and offsets among them."""
    base = torch.arange(24.0)
    wanted = {
        "a": torch.randn(2, 3), "half": torch.randn(4).half(), "count": torch.tensor(7), "view": base.view(4, 6)[1:, ::2].T,
        "empty": torch.empty(0, 3),
    }  # fmt: skip
    torch.save(wanted, tmp_path / "file", _use_new_zipfile_serialization=zipped)
    found = pickles.read(tmp_path / "file")
    same(found.weights, wanted)
    assert not found.whole


@pytest.mark.filterwarnings("ignore:Couldn't retrieve source code")
@pytest.mark.parametrize("zipped", [True, False])
def test_whole_modules_of_todays_torch(tmp_path, authors, zipped):
    network = originals.drawn(originals.Generator(code=5))
    torch.save(network, tmp_path / "file", _use_new_zipfile_serialization=zipped)
    found = pickles.read(tmp_path / "file")
    assert found.whole
    assert found.weights.keys() == network.state_dict().keys()
    assert all(torch.equal(found.weights[key], value) for key, value in network.state_dict().items())


@pytest.mark.parametrize("cuda", [True, False])
@pytest.mark.parametrize("whole", [True, False])
def test_files_of_python_2(tmp_path, authors, cuda, whole):
    network = originals.drawn(originals.Discriminator())
    wanted = {key: value for key, value in network.state_dict().items() if "num_batches" not in key}
    old_files.write(tmp_path / "file", network if whole else wanted, cuda=cuda)
    found = pickles.read(tmp_path / "file")
    assert found.whole is whole
    assert found.weights.keys() == wanted.keys()
    assert all(torch.equal(found.weights[key], value) for key, value in wanted.items())


class Evil:
    """Makes a folder when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    "hide", [lambda evil: evil, lambda evil: {"w": torch.ones(1), "x": evil}, lambda evil: nn.Sequential(evil)]
)
def test_no_code_is_run(tmp_path, zipped, hide):
    evil = nn.ReLU()
    evil.thing = Evil(tmp_path / "made")
    torch.save(hide(evil), tmp_path / "file", _use_new_zipfile_serialization=zipped)
    with pytest.raises(ForeignFile, match=r"file asks for (posix|nt)\.mkdir; only weights are read and no code is run"):
        pickles.read(tmp_path / "file")
    assert not (tmp_path / "made").exists()
    torch.load(tmp_path / "file", weights_only=False)
    assert (tmp_path / "made").exists(), "the test would have seen it"


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (b"cbuiltins\neval\n(S'1'\ntR.", "builtins.eval"),
        (b"c__builtin__\ngetattr\n.", "__builtin__.getattr"),
        (b"ctorch\nload\n.", "torch.load"),
        (b"ctorch.nn.modules.container\nos.system\n.", "torch.nn.modules.container.os.system"),
        (b"\x80\x04\x8c\x05torch\x8c\x07os.kill\x93.", "torch.os.kill"),
        (b"cnumpy\nndarray\n.", "numpy.ndarray"),
        (b"cother\nGenerator\n.", "other.Generator"),
    ],
)
def test_names_beside_layers_and_tensors_are_refused(tmp_path, code, name):
    head = b"".join(pickle.dumps(part, protocol=2) for part in (old_files.MAGIC, 1001, {"little_endian": True}))
    (tmp_path / "file").write_bytes(head + code + pickle.dumps([], protocol=2))
    with pytest.raises(ForeignFile, match=re.escape(f"asks for {name};")):
        pickles.read(tmp_path / "file")


@pytest.mark.parametrize("zipped", [True, False])
def test_files_cut_off(tmp_path, zipped):
    torch.save(originals.patch(originals.instance).state_dict(), tmp_path / "whole", _use_new_zipfile_serialization=zipped)
    content = (tmp_path / "whole").read_bytes()
    for share in (0, 0.01, 0.3, 0.6, 0.9, 0.999):
        (tmp_path / "file").write_bytes(content[: int(share * len(content))])
        with pytest.raises(ForeignFile, match=r"file is no file of torch\.save, or damaged or cut off: \w+.*; copy it again"):
            pickles.read(tmp_path / "file")


def test_parts_that_lie_about_their_size(tmp_path, authors):
    """A part larger than its file, and a tensor larger than its part, cost no memory."""
    with zipfile.ZipFile(tmp_path / "zip", "w", zipfile.ZIP_DEFLATED) as archive:
        buffer = io.BytesIO()
        writer = old_files.Writer(buffer, cuda=False)
        writer.dump({"w": nn.Parameter(torch.zeros(1_000_000))})
        archive.writestr("a/data.pkl", buffer.getvalue())
        archive.writestr("a/data/94000000", bytes(4_000_000))
    with pytest.raises(ForeignFile, match="a part larger than the file"):
        pickles.read(tmp_path / "zip")
    old_files.write(tmp_path / "legacy", originals.Discriminator())
    content = (tmp_path / "legacy").read_bytes()
    at = content.rindex((32 * 4 * 4 * 16).to_bytes(8, "little"))  # the fourth convolution's count
    (tmp_path / "legacy").write_bytes(content[:at] + (1 << 40).to_bytes(8, "little") + content[at + 8 :])
    with pytest.raises(ForeignFile, match="values in a smaller file"):
        pickles.read(tmp_path / "legacy")
    view = pickles._View(pickles._Storage(torch.float32), 0, (1 << 40,), (0,))
    with pytest.raises(ValueError, match="a tensor beyond its values"):
        view.tensor()


def test_what_is_no_file_of_torch(tmp_path):
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ForeignFile, match=r"text is no file of torch\.save"):
        pickles.read(tmp_path / "text")
    with pytest.raises(ForeignFile, match=r"cannot read .*nothing: No such file"):
        pickles.read(tmp_path / "nothing")
    safetensors.torch.save_file({"w": torch.ones(3)}, tmp_path / "w.safetensors")
    with pytest.raises(ForeignFile, match=r"is a safetensors file; these projects save \.pth files"):
        pickles.read(tmp_path / "w.safetensors")
    with tarfile.open(tmp_path / "old", "w", format=tarfile.USTAR_FORMAT) as tar:
        tar.add(tmp_path / "text", "pickle")
    with pytest.raises(ForeignFile, match=r"torch 0\.1\.9 or older"):
        pickles.read(tmp_path / "old")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            {"epoch": 3, "state_dict": {"w": torch.ones(1)}, "w": torch.ones(1)},
            "holds more than weights: epoch, state_dict; wanted",
        ),
        ([torch.ones(1)], "holds a list; wanted a generator's or discriminator's state_dict"),
        ({}, "is an empty table"),
        ({"a": torch.ones(2), "b": torch.tensor([1.0, float("nan")])}, "has values in b that are not finite"),
    ],
)
def test_what_is_no_state_dict(tmp_path, value, said):
    torch.save(value, tmp_path / "file")
    with pytest.raises(ForeignFile, match=re.escape(said)):
        pickles.read(tmp_path / "file")


def test_what_is_shared_is_read_once(tmp_path):
    """Forty tables, each of which holds the one before twice: read one by one they would be 2 ** 40."""
    value = {"weight": torch.ones(2)}
    for _ in range(40):
        value = {"one": value, "other": value}
    torch.save(value, tmp_path / "shared.pth")
    with pytest.raises(ForeignFile):  # for what it holds, and at once
        pickles.read(tmp_path / "shared.pth")
