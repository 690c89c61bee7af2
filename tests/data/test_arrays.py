"""IDX and NPZ: bytes written by hand, and what is refused."""

import gzip
import io
import pickle
import struct
import zipfile

import numpy as np
import pytest

from unpaired import images
from unpaired.data.arrays import ArrayTree, idx_files, read_idx, read_idx_set, read_npz
from unpaired.data.hashes import hash_files
from unpaired.data.label_layouts import find_sets
from unpaired.data.labelled import open_labelled
from unpaired.data.sources import FolderTree, Source
from unpaired.errors import ConfigError, DataError, DataWarning

# Two images of 2 x 3, as the format's author describes it: magic, sizes (big-endian), samples row by row.
IMAGES = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3]) + bytes(range(12))
LABELS = bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 4])
NAMES = {"train images": "train-images-idx3-ubyte", "train labels": "train-labels-idx1-ubyte"}


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(np.uint8).tobytes()


def digits(folder, *, train=40, test=8, packed=False, side=28):
    """MNIST's four files, small; and the arrays in them."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    arrays = {}
    for stem, count in (("train", train), ("t10k", test)):
        x = random.integers(0, 256, (count, side, side), dtype=np.uint8)
        y = np.arange(count) % 4
        arrays[stem] = x, y
        for what, array in (("images-idx3", x), ("labels-idx1", y)):
            content = idx(array)
            name = f"{stem}-{what}-ubyte" + (".gz" if packed else "")
            (folder / name).write_bytes(gzip.compress(content) if packed else content)
    return arrays


def npz(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def test_idx_by_hand():
    assert read_idx(IMAGES, where="x").tolist() == [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]]
    assert read_idx(gzip.compress(LABELS), where="x").tolist() == [7, 4]
    big = read_idx(bytes([0, 0, 0x0C, 1, 0, 0, 0, 1, 0, 0, 1, 2]), where="x")
    assert (big.tolist(), big.dtype.isnative) == ([258], True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "x is no IDX file: it begins with nothing"),
        (b"\x89PNG....", "no IDX file: it begins with 89 50 4e 47; wanted 00 00 08"),
        (IMAGES[:7], "cut off in its header"),
        (IMAGES[:-1], r"says \[2, 2, 3\] and holds 11 bytes; wanted 12: download it again"),
        (IMAGES + b"\0", "holds 13 bytes; wanted 12"),
        (gzip.compress(IMAGES, mtime=0)[:-5], "cannot be unpacked"),
    ],
)
def test_a_damaged_idx_is_refused(content, said):
    with pytest.raises(DataError, match=said):
        read_idx(content, where="x")


def test_idx_files_are_known_by_their_names():
    names = ["train-images-idx3-ubyte.gz", "train-images-idx3-ubyte", "t10k-labels.idx1-ubyte", "x.png", "train-images.png"]
    assert idx_files(names) == {"": {"train images": "train-images-idx3-ubyte", "test labels": "t10k-labels.idx1-ubyte"}}
    assert idx_files(names[::-1]) == idx_files(names)
    assert idx_files(["emnist-letters-test-images-idx3-ubyte.gz"]) == {
        "emnist-letters-": {"test images": "emnist-letters-test-images-idx3-ubyte.gz"}
    }


def test_what_belongs_together_in_idx_is_asked_for(tmp_path):
    def read(files):
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        tree = FolderTree(tmp_path)
        return read_idx_set(tree, "", idx_files(list(files))[""])

    arrays = read({NAMES["train images"]: IMAGES, NAMES["train labels"]: LABELS})
    assert (arrays["train"].x.shape, arrays["train"].y.tolist(), list(arrays)) == ((2, 2, 3, 1), [7, 4], ["train"])
    with pytest.raises(DataError, match=r"holds train-images-idx3-ubyte; wanted .* and train-labels-idx1-ubyte"):
        read({NAMES["train images"]: IMAGES})
    both = {NAMES["train images"]: IMAGES, NAMES["train labels"]: LABELS}
    with pytest.raises(DataError, match="holds t10k-labels-idx1-ubyte alone; wanted the test images and their labels"):
        read(both | {"t10k-labels-idx1-ubyte": LABELS})
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte is uint8 \[3\] for 2 images; wanted one class for each"):
        read(both | {NAMES["train labels"]: idx(np.arange(3))})
    with pytest.raises(DataError, match=r"is int32 .*; wanted uint8 from 0 to 255"):
        read(both | {NAMES["train images"]: bytes([0, 0, 0x0C, 1, 0, 0, 0, 1, 0, 0, 1, 2])})


X = np.random.default_rng(1).integers(0, 256, (6, 5, 4), dtype=np.uint8)
Y = np.array([3, 1, 3, 1, -1, 1])


def test_npz_with_and_without_colour_and_test():
    arrays = read_npz(npz(x_train=X, y_train=Y), where="x.npz")
    assert (arrays["train"].x[..., 0] == X).all()
    assert (list(arrays), arrays["train"].y.tolist()) == (["train"], Y.tolist())
    colour = np.stack([X] * 3, axis=3)
    arrays = read_npz(npz(x_train=colour, y_train=Y[:, None], x_test=colour[:2], y_test=Y[:2]), where="x.npz")
    assert arrays["test"].x.shape == (2, 5, 4, 3)
    assert arrays["train"].y.shape == (6,)


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was run",))


def test_pickles_are_refused_unread(tmp_path):
    objects = np.array([Bomb()], dtype=object)
    with pytest.raises(
        DataError, match="holds pickled objects, which can run any code when they are loaded: refused; save plain arrays"
    ):
        read_npz(npz(x_train=X, y_train=objects), where="x.npz")
    stream = io.BytesIO()
    np.save(stream, objects)
    with pytest.raises(DataError, match="holds one array"):
        read_npz(stream.getvalue(), where="x.npz")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no zip at all", "holds nothing that numpy.savez wrote; wanted x_train and y_train"),
        (b"", "holds nothing that numpy.savez wrote"),
        (pickle.dumps(Bomb()), "holds pickled objects"),
        (npz(x_train=X, y_train=Y)[:200], "cannot be read"),
        (npz(images=X, y_train=Y), "holds images, y_train; wanted x_train and y_train"),
        (npz(x_train=X, y_train=Y, x_test=X), "holds x_train, y_train, x_test; wanted x_train and y_train, and both of"),
        (npz(x_train=X / 255, y_train=Y), r"x_train is float64 \[6, 5, 4\]; wanted uint8 .*: multiply floats from 0 to 1 by 255"),
        (npz(x_train=np.zeros((6, 3, 8, 8), np.uint8), y_train=Y), r"its channels stand first; .*: transpose\(0, 2, 3, 1\)"),
        (npz(x_train=X[0, 0], y_train=Y), r"x_train is uint8 \[4\]; wanted images \[N, H, W\]"),
        (npz(x_train=X, y_train=Y[:5]), r"y_train is int64 \[5\] for 6 images"),
        (npz(x_train=X, y_train=Y * 1.0), r"y_train is float64 \[6\]; wanted whole numbers \[N\]"),
        (npz(x_train=X, y_train=np.eye(6)), r"a column for each class; wanted their numbers \[N\]: argmax\(axis=1\)"),
        (npz(x_train=X, y_train=Y - 2), r"has 1 numbers below -1: -3 in row 4; wanted classes from 0, or -1 where none is known"),
    ],
)
def test_what_is_wrong_with_an_npz_is_told(content, said):
    with pytest.raises(DataError, match=said):
        read_npz(content, where="x.npz")


def test_one_array_alone_is_no_npz():
    stream = io.BytesIO()
    np.save(stream, X)
    with pytest.raises(DataError, match=r"holds one array; wanted x_train and y_train, as numpy.savez"):
        read_npz(stream.getvalue(), where="x.npz")


def test_rows_are_files():
    tree = ArrayTree(read_npz(npz(x_train=X, y_train=Y), where="x.npz"), where="x.npz")
    assert tree.files[:2] == ("train/0.npy", "train/1.npy")
    assert (images.read(tree.read("train/4.npy"), channels=1)[..., 0] == X[4]).all()
    source = Source(tree, "", tree.files, ())
    assert tree.hashed(source) == hash_files(source)


@pytest.mark.parametrize("packed", [False, True])
def test_digits_at_their_own_size_are_what_they_were(tmp_path, options, packed):
    arrays = digits(tmp_path / "MNIST" / "raw", packed=packed)
    data = open_labelled([str(tmp_path / "MNIST")], options(size=28, channels=1, holdout=0.1))
    (one,) = data.sets
    assert (one.name, data.attributes[0].name, data.attributes[0].values) == ("MNIST", "class", ("0", "1", "2", "3"))
    for part, (x, y) in ((one.train, arrays["train"]), (one.test, arrays["t10k"])):
        assert (part.pixels[..., 0] == x).all()
        assert (part.values[:, 0] == y).all()


@pytest.mark.parametrize(("size", "channels"), [(32, 1), (64, 3), (28, 3)])
def test_digits_at_other_sizes_and_in_colour(tmp_path, options, size, channels):
    arrays = digits(tmp_path / "d", train=12)
    data = open_labelled([str(tmp_path / "d")], options(size=size, channels=channels))
    wanted = images.fit(images.convert(arrays["train"][0][3][..., None], channels=channels), size=size)
    assert (data.sets[0].train.pixels[3] == wanted).all()
    assert data.batch(0, batch=4, seed=0).x.shape == (4, channels, size, size)


def test_without_test_files_some_are_held_out_by_content(tmp_path, options):
    arrays = digits(tmp_path / "d")
    for file in (tmp_path / "d").glob("t10k*"):
        file.unlink()
    (one,) = open_labelled([str(tmp_path / "d")], options(size=28, channels=1)).sets
    assert len(one.test)
    assert len(one.train) + len(one.test) == 40
    for part in (one.train, one.test):
        rows = [int(name.removeprefix("train/").removesuffix(".npy")) for name in part.names]
        assert (part.pixels[..., 0] == arrays["train"][0][rows]).all()
        assert (part.values[:, 0] == arrays["train"][1][rows]).all()


def test_classes_have_names_where_attributes_toml_says_so(tmp_path, options):
    digits(tmp_path / "d")
    (tmp_path / "d" / "attributes.toml").write_text('[clothes]\nvalues = ["shirt", "shoe", "bag", "hat"]')
    data = open_labelled([str(tmp_path / "d")], options(size=28))
    assert (data.attributes[0].name, data.attributes[0].values) == ("clothes", ("shirt", "shoe", "bag", "hat"))
    assert data.sets[0].train.values[:6, 0].tolist() == [0, 1, 2, 3, 0, 1]
    (tmp_path / "d" / "attributes.toml").write_text('[clothes]\nvalues = ["shirt", "shoe", "bag"]')
    with pytest.raises(
        ConfigError, match=r"names 3 classes, and .* has numbers up to 3; wanted a name in values for each from 0: 4"
    ):
        find_sets([str(tmp_path / "d")])


@pytest.mark.parametrize("where", ["set.npz", "folder/set.npz", "zip"])
def test_an_npz_is_opened_by_itself_in_a_folder_and_in_a_zip(tmp_path, options, where):
    x = np.random.default_rng(2).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    content = npz(x_train=x, y_train=np.arange(20) % 3 * 5 - 1)
    (tmp_path / "folder").mkdir()
    if where == "zip":
        with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
            archive.writestr("inside/set.npz", content)
        source = tmp_path / "set.zip"
    else:
        (tmp_path / where).write_bytes(content)
        source = (tmp_path / where).parent if "/" in where else tmp_path / where
    data = open_labelled([str(source)], options(holdout=0.0))
    assert data.attributes[0].values == ("4", "9")
    assert sorted(data.sets[0].train.values[:, 0].tolist()) == [-1] * 7 + [0] * 7 + [1] * 6


def test_two_sources_of_labels_in_one_folder_are_refused(tmp_path):
    digits(tmp_path / "d")
    (tmp_path / "d" / "set.npz").write_bytes(npz(x_train=X, y_train=Y))
    with pytest.raises(DataError, match=r"holds t10k-images-idx3-ubyte, set.npz, each of which tells labels"):
        find_sets([str(tmp_path / "d")])


def test_a_class_of_test_images_alone_is_told(tmp_path, options):
    x = np.random.default_rng(2).integers(0, 256, (24, 8, 8), dtype=np.uint8)
    content = npz(x_train=x[:20], y_train=np.arange(20) % 2, x_test=x[20:], y_test=np.array([0, 1, 2, 2]))
    (tmp_path / "set.npz").write_bytes(content)
    with pytest.warns(DataWarning, match="class: no training image is 2"):
        data = open_labelled([str(tmp_path / "set.npz")], options(size=8))
    assert data.attributes[0].values == ("0", "1", "2")
