"""A translator answers in kind, and a bundle is the network that was saved."""

import json
import os
import warnings

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest
import tifffile
import torch

from unpaired import images
from unpaired.bundle import bundle_about, load, load_bundle, save_bundle
from unpaired.errors import ConfigError, RunError, ShapeError, UnpairedError, UnreadableImages
from unpaired.networks import specs
from unpaired.networks.build import generator
from unpaired.translator import Translator

SPEC = specs.EncoderDecoder(width=4)
SHAPE = (3, 16, 16)


def translator(source=SHAPE, target=SHAPE, spec=SPEC, **options):
    """A network whose batch statistics are those of some batch, as after a training."""
    network = generator(spec, source, target)
    network(torch.rand(8, *source) * 2 - 1)
    return Translator(network, spec=spec, source=source, target=target, **options)


@pytest.fixture
def trained():
    return translator()


@pytest.fixture
def pixels():
    """[5, 16, 16, 3]."""
    return np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)


@pytest.fixture
def answers(trained, pixels):
    """What the network itself answers to `pixels`, as [5, 3, 16, 16] in [-1, 1]."""
    trained.network.eval()
    with torch.no_grad():
        wanted = trained.network(torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1)
    trained.network.train()
    return wanted


def as_bytes(answers):
    return np.clip(np.rint((answers.permute(0, 2, 3, 1).numpy() + 1) * 127.5), 0, 255).astype(np.uint8)


def test_bytes_for_bytes(trained, pixels, answers):
    many = trained(pixels)
    assert (type(many), many.dtype, many.shape) == (np.ndarray, np.uint8, (5, 16, 16, 3))
    assert np.array_equal(many, as_bytes(answers))
    one = trained(pixels[2])
    assert one.shape == (16, 16, 3)
    assert np.array_equal(one, many[2])
    tensor = trained(torch.from_numpy(pixels).permute(0, 3, 1, 2))
    assert (tensor.dtype, tuple(tensor.shape)) == (torch.uint8, (5, 3, 16, 16))
    assert np.array_equal(tensor.permute(0, 2, 3, 1).numpy(), many)
    assert torch.equal(trained(torch.from_numpy(pixels[2]).permute(2, 0, 1)), tensor[2])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_of_floats_lie_in_0_to_1(trained, pixels, answers, dtype):
    many = trained((pixels / 255).astype(dtype))
    assert many.dtype == dtype
    np.testing.assert_allclose(many, (answers.permute(0, 2, 3, 1).numpy() + 1) / 2, atol=1e-6)
    np.testing.assert_allclose(trained((pixels[1] / 255).astype(dtype)), many[1], atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tensors_of_floats_lie_in_minus_1_to_1(trained, pixels, answers, dtype):
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).to(dtype) / 127.5 - 1
    many = trained(x)
    assert many.dtype == dtype
    torch.testing.assert_close(many, answers.to(dtype), atol=1e-6, rtol=0)
    torch.testing.assert_close(trained(x[3]), many[3], atol=1e-6, rtol=0)
    many.add_(1)  # an ordinary tensor, not one that inference mode has frozen
    assert not many.requires_grad


def shown(one, picture):
    """What the network sees of a picture."""
    framing = one.framing()
    return framing.shown(framing.open(picture)[0])


def test_pictures_for_pictures(trained, pixels, answers, tmp_path):
    PIL.Image.fromarray(pixels[0]).save(tmp_path / "0.png")
    for given in (PIL.Image.fromarray(pixels[0]), tmp_path / "0.png", str(tmp_path / "0.png")):
        answer = trained(given)
        assert isinstance(answer, PIL.Image.Image)
        assert np.array_equal(np.asarray(answer), as_bytes(answers)[0])


def test_pictures_of_any_size_and_mode_are_fitted():
    picture = PIL.Image.new("RGBA", (40, 20), (255, 0, 0, 0))
    for fit in ("crop", "resize", "pad"):
        one = translator(fit=fit, background="black")
        answer = one(picture)
        assert (answer.size, answer.mode) == ((20, 20) if fit == "crop" else (40, 20), "RGBA")
        assert one(picture.convert("L")).mode == "RGB"
        assert np.array_equal(shown(one, picture), np.zeros((16, 16, 3)))  # transparent: only the background is seen
        assert one.pixels(picture, keep_size=False)[0].shape == (16, 16, 4)
        assert one.pixels(picture, alpha="compose")[0].shape[2] == 3
        assert one.pixels(picture, fit="resize")[0].shape == (20, 40, 4)
    wide = np.zeros((16, 48, 3), np.uint8)
    wide[:, 16:32] = 255
    assert shown(translator(fit="crop"), PIL.Image.fromarray(wide)).min() == 255
    assert (shown(translator(fit="pad", background="black"), PIL.Image.fromarray(wide))[:4] == 0).all()


# -- networks that take any size --

RESNET = specs.ResNet(width=4, blocks=1)
ANY_SIZE = [RESNET, specs.UNet(width=4, downs=2, norm="instance", dropout=0), specs.ResidualImage(width=4, norm="instance")]


def shaken(spec, **options):
    """A network none of whose layers is zero."""
    one = translator(spec=spec, **options)
    with torch.no_grad():
        for parameter in one.network.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return one


@pytest.mark.parametrize("spec", ANY_SIZE, ids=lambda spec: spec.kind)
def test_networks_of_convolutions_take_images_of_any_size(spec, tmp_path):
    one = shaken(spec)
    assert one.any_size
    pixels = np.random.default_rng(0).integers(0, 256, (2, 13, 22, 3), dtype=np.uint8)
    many = one(pixels)
    assert (many.shape, many.dtype) == (pixels.shape, np.uint8)
    # The network's own answer to the image mirrored below and to the right, to multiples of 4 or of 2.
    below, right = (1, 0) if spec.kind == "residual_image" else (3, 2)
    larger = np.pad(pixels, ((0, 0), (0, below), (0, right), (0, 0)), mode="reflect")
    one.network.eval()
    with torch.no_grad():
        wanted = one.network(torch.from_numpy(larger).permute(0, 3, 1, 2).float() / 127.5 - 1)[:, :, :13, :22]
    assert np.array_equal(many, as_bytes(wanted))
    tensor = one(torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1)
    torch.testing.assert_close(tensor, wanted.clamp(-1, 1), atol=1e-5, rtol=0)
    PIL.Image.fromarray(pixels[0]).save(tmp_path / "0.png")
    for given in (tmp_path / "0.png", PIL.Image.fromarray(pixels[0])):
        answer = one(given)
        assert answer.size == (22, 13)
        assert np.abs(np.asarray(answer).astype(int) - many[0]).max() <= 1  # rounding, of one image instead of two
    assert one(np.zeros((0, 13, 22, 3), np.uint8)).shape == (0, 13, 22, 3)
    assert one(PIL.Image.new("RGB", (1, 1))).size == (1, 1)


def test_the_trained_shape_is_translated_by_the_same_numbers_as_ever(pixels):
    one = shaken(RESNET)
    x = images.to_tensor(pixels)
    assert torch.equal(one(x), one.batch(x))
    with pytest.raises(ShapeError, match=r"takes \[N, 3, 16, 16\]"):
        one.batch(torch.zeros(1, 3, 12, 16))


def test_16_bits_for_16_bits(tmp_path):
    one = shaken(RESNET, source=(1, 16, 16), target=(1, 16, 16))
    deep = np.random.default_rng(0).integers(0, 65536, (9, 14, 1), dtype=np.uint16)
    answer = one(deep)
    assert (answer.dtype, answer.shape) == (np.uint16, deep.shape)
    exact = one(deep / np.float32(65535))
    assert np.abs(answer - exact * 65535).max() <= 0.51
    assert (answer % 257 != 0).mean() > 0.9  # more than 8 bits
    assert np.array_equal(one(torch.from_numpy(deep).permute(2, 0, 1)).numpy()[0], answer[:, :, 0])
    images.write(tmp_path / "deep.png", deep)
    found, original = one.pixels(tmp_path / "deep.png")
    assert (found.dtype, original.depth) == (np.uint16, 16)
    assert np.array_equal(found, answer)
    assert one(tmp_path / "deep.png").mode == "L"  # pictures have 8 bits


def test_tiles_answer_as_the_whole_image():
    one = shaken(RESNET)
    x = torch.rand(2, 3, 50, 37) * 2 - 1
    whole = one(x)
    one.tile = 20
    assert one.tile_for(20, 20) is None
    assert one.tile_for(5, 21) == 20
    tiled = one(x)
    assert tiled.shape == whole.shape
    torch.testing.assert_close(tiled, whole, atol=1e-4, rtol=0)
    assert tiled.abs().max() <= 1
    assert not torch.equal(tiled, whole)  # they did go another way


def test_images_too_large_for_memory_go_in_tiles_by_themselves(monkeypatch):
    one = shaken(RESNET)
    assert one.tile_for(64, 64) is None
    assert one.tile_for(20000, 20000) == 512
    assert translator().tile_for(20000, 20000) is None  # of one size
    monkeypatch.setattr("unpaired.translator.ROOM", 1)
    assert shaken(RESNET).tile_for(16, 17) == 512


def test_noise_is_the_seeds_and_not_the_callers():
    one = shaken(specs.ResNet(width=4, blocks=1, dropout=0.5))
    x = torch.rand(2, 3, 13, 22) * 2 - 1
    state = torch.get_rng_state()
    first = one(x)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(one(x), first)
    assert torch.equal(one(x[1]), first[1])
    one.seed = 1
    assert not torch.equal(one(x), first)
    one.seed, one.deterministic = 0, True
    quiet = one(x)
    one.seed = 1
    assert torch.equal(one(x), quiet)
    one.tile, one.deterministic = 10, False
    assert torch.equal(one(x), one(x))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (np.zeros((2, 16, 16, 1)), r"found \[2, 16, 16, 1\]; this translator takes \[N, H, W, 3\] or one sample \[H, W, 3\]"),
        (torch.zeros(2, 1, 8, 8), r"takes \[N, 3, H, W\]"),
        (torch.zeros(3, 0, 8), r"found \[1, 3, 0, 8\]"),
        (np.zeros((16, 16), np.uint8), r"found \[16, 16\]"),
    ],
)
def test_channels_must_be_those_of_training(given, says):
    with pytest.raises(ShapeError, match=says):
        translator(spec=RESNET)(given)


def test_a_network_of_one_size_cannot_take_images_whole():
    with pytest.raises(
        ShapeError, match="network 'encoder_decoder' takes images of 16 x 16 px only; fit them by crop, resize or"
    ):
        translator().framing(fit="whole")


def test_a_picture_keeps_its_profile(tmp_path):
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    PIL.Image.new("RGB", (8, 8), "red").save(tmp_path / "a.png", icc_profile=profile)
    assert translator(spec=RESNET)(tmp_path / "a.png").info["icc_profile"] == profile
    assert "icc_profile" not in translator(spec=RESNET, target=(1, 16, 16))(tmp_path / "a.png").info


def test_a_device_that_is_not_there_is_refused(bundle):
    for device in ("cuda:77", "nonsense"):
        with pytest.raises(ConfigError, match=f"device '{device}' cannot be used here"):
            load(bundle[0], device=device)


def test_grey_to_colour():
    one = translator(source=(1, 16, 16))
    assert one(PIL.Image.new("RGB", (20, 20), "red")).mode == "RGB"
    assert one(np.zeros((16, 16, 1), np.uint8)).shape == (16, 16, 3)
    assert translator(target=(1, 16, 16))(PIL.Image.new("RGB", (16, 16))).mode == "L"


def test_arrays_may_be_views_and_read_only(trained, pixels):
    wanted = trained(pixels)
    frozen = pixels.copy()
    frozen.setflags(write=False)
    backwards = pixels[::-1].copy()[::-1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for given in (frozen, backwards, np.asfortranarray(pixels)):
            assert np.array_equal(trained(given), wanted)
            np.testing.assert_allclose(trained(given / np.float32(255)) * 255, wanted, atol=0.51)
        assert trained(np.asarray(PIL.Image.fromarray(pixels[0]))).shape == (16, 16, 3)


def test_nothing_for_nothing(trained):
    assert trained(np.zeros((0, 16, 16, 3), np.uint8)).shape == (0, 16, 16, 3)
    assert trained(torch.zeros(0, 3, 16, 16)).shape == (0, 3, 16, 16)


def test_chunks_make_no_difference(trained, pixels, answers):
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    torch.testing.assert_close(torch.cat([trained.batch(part) for part in x.split(2)]), answers, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (3, "cannot translate a int; wanted a path, a PIL image, a numpy array or a torch tensor"),
        (
            np.zeros((16, 20, 3), np.uint8),
            r"found \[1, 16, 20, 3\]; this translator takes \[N, 16, 16, 3\] or one sample",
        ),
        (np.zeros((16, 16), np.uint8), r"found \[16, 16\]"),
        (np.zeros((), np.uint8), r"found \[\]"),
        (np.zeros((2, 16, 16, 1)), r"found \[2, 16, 16, 1\]; this translator takes \[N, 16, 16, 3\]"),
        (torch.zeros(2, 3, 8, 8), r"found \[2, 3, 8, 8\]; this translator takes \[N, 3, 16, 16\]"),
        (torch.zeros(16, 16, 3, dtype=torch.uint8), r"found \[1, 16, 16, 3\]; this translator takes \[N, 3, 16, 16\]"),
        (torch.zeros(5, dtype=torch.uint8), r"found \[5\]"),
        (
            torch.zeros(3, 16, 16, dtype=torch.int64),
            "found a tensor of torch.int64; wanted uint8, uint16, or floats from -1 to 1",
        ),
        (np.full((16, 16, 3), 255.0), "found an array of float64 from 255 to 255; wanted uint8, uint16, or floats from 0 to 1"),
        (np.full((16, 16, 3), np.nan), "from nan to nan"),
        (np.full((16, 16, 3), -1.0), "from -1 to -1"),
        (np.zeros((16, 16, 3), np.int64), "found an array of int64 from 0 to 0"),
        (np.zeros((16, 16, 3), bool), "found an array of bool"),
        (np.full((16, 16, 3), "a"), "found an array of <U1"),
    ],
)
def test_what_cannot_be_translated_is_refused(trained, given, says):
    with pytest.raises(ShapeError, match=says):
        trained(given)


def test_files_that_are_no_pictures_are_refused(trained, tmp_path):
    (tmp_path / "notes.png").write_text("not a picture")
    for path in (tmp_path / "notes.png", tmp_path / "nowhere.png"):
        with pytest.raises(UnreadableImages, match=path.name):
            trained(path)


@pytest.mark.parametrize("training", [True, False])
def test_evaluation_mode_is_for_the_answer_alone(trained, pixels, training):
    trained.network.train(training)
    before = {name: value.clone() for name, value in trained.network.state_dict().items()}
    trained(pixels)
    assert all(module.training is training for module in trained.network.modules())
    assert all(torch.equal(value, before[name]) for name, value in trained.network.state_dict().items())
    with pytest.raises(ShapeError):
        trained(pixels[:, :8])
    trained.network.layers[0].register_forward_hook(lambda *_: (_ for _ in ()).throw(KeyError("on the way")))
    with pytest.raises(KeyError):
        trained(pixels)
    assert trained.network.training is training


# -- bundles --


@pytest.fixture
def bundle(tmp_path):
    """A bundle of two directions, with its live translators."""
    live = {
        "a_to_b": translator(target=(1, 16, 16)),
        "b_to_a": translator(source=(1, 16, 16), spec=specs.ResNet(width=4, blocks=1)),
    }
    folder = tmp_path / "run" / "bundle"
    save_bundle(folder, live, fit="pad", background="black", about={"step": 3}, card="# A card\n")
    return folder, live


def test_a_bundle_is_the_live_network(bundle):
    folder, live = bundle
    assert sorted(path.name for path in folder.iterdir()) == [
        "a_to_b.safetensors",
        "b_to_a.safetensors",
        "card.md",
        "config.json",
    ]
    for where in (folder, folder.parent, str(folder)):
        loaded = load_bundle(where)
        assert loaded.keys() == live.keys()
        for direction, one in loaded.items():
            x = torch.rand(3, *one.source) * 2 - 1
            torch.testing.assert_close(one.batch(x), live[direction].batch(x), atol=1e-6, rtol=0)
            assert (one.spec, one.source, one.target) == (
                live[direction].spec,
                live[direction].source,
                live[direction].target,
            )
            assert (one.fit, one.background) == ("pad", "black")
            assert not one.network.training
    assert bundle_about(folder) == {"step": 3}
    assert load(folder, direction="b_to_a").source == (1, 16, 16)


def test_a_bundle_keeps_value_ranges_and_older_ones_have_none(bundle, tmp_path):
    folder, live = bundle
    assert "range" not in (folder / "config.json").read_text()  # as bundles of earlier versions
    assert [(one.source_range, one.target_range) for one in load_bundle(folder).values()] == [(None, None)] * 2
    for ranges in (((-1000.0, 2000.0), (0.0, 1.5)), (None, (0.0, 1.5)), ((0.0, 1.5), None)):
        save_bundle(folder, live, fit="crop", background="white", about={}, card="", ranges=ranges)
        loaded = load_bundle(folder)
        assert (loaded["a_to_b"].source_range, loaded["a_to_b"].target_range) == ranges
        assert (loaded["b_to_a"].source_range, loaded["b_to_a"].target_range) == ranges[::-1]
    values = json.loads((folder / "config.json").read_text())
    values["translators"]["a_to_b"]["source_range"] = [1]
    (folder / "config.json").write_text(json.dumps(values))
    with pytest.raises(RunError, match="is damaged"):
        load_bundle(folder)


def test_a_picture_of_numbers_in_python(tmp_path):
    """`pixels` and `images.write` give the numbers back; a picture shows them from black to white."""
    one = translator(spec=specs.ResidualImage(width=4), source=(1, 16, 16), target=(1, 16, 16))
    one.source_range = one.target_range = (-1000.0, 2000.0)
    numbers = np.arange(-1000, 2000, 3, dtype=np.int16).reshape(20, 50)
    tifffile.imwrite(tmp_path / "ct.tif", numbers, metadata=None)
    pixels, original = one.pixels(tmp_path / "ct.tif")
    assert (pixels.dtype, pixels.min(), original.dtype) == (np.float32, 0, "int16")
    images.write(tmp_path / "answer.tif", pixels, like=original)
    assert np.array_equal(tifffile.imread(tmp_path / "answer.tif"), numbers)
    np.testing.assert_allclose(np.asarray(one(tmp_path / "ct.tif")), (numbers + 1000.0) / 3000 * 255, atol=0.51)


def test_a_bundle_is_replaced_whole(bundle):
    folder, live = bundle
    (folder / ".card.md.4711").write_text("half")
    save_bundle(folder, {"a_to_b": live["a_to_b"]}, fit="crop", background="white", about={}, card="")
    assert load_bundle(folder).keys() == {"a_to_b"}
    assert list(folder.glob(".*")) == []


def test_saving_leaves_the_live_network_alone(bundle):
    _, live = bundle
    assert all(one.network.training for one in live.values())


def test_a_direction_that_is_not_there_is_refused(bundle):
    folder, live = bundle
    save_bundle(folder, {"a_to_b": live["a_to_b"]}, fit="crop", background="white", about={}, card="")
    with pytest.raises(RunError, match="translates a_to_b, not 'b_to_a'"):
        load(folder, direction="b_to_a")


def change(folder, **values):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def rename_network(folder):
    entries = json.loads((folder / "config.json").read_text())["translators"]
    entries["a_to_b"]["network"] = {"kind": "perceptron"}
    change(folder, translators=entries)


def widen_network(folder):
    entries = json.loads((folder / "config.json").read_text())["translators"]
    entries["a_to_b"]["network"]["width"] = 8
    change(folder, translators=entries)


DAMAGE = {
    "no config": (lambda f: (f / "config.json").unlink(), RunError, "no trained run or bundle at"),
    "half a config": (lambda f: os.truncate(f / "config.json", 40), RunError, "no trained run or bundle at"),
    "a list": (lambda f: (f / "config.json").write_text("[1]"), RunError, "no trained run or bundle at"),
    "a run": (
        lambda f: (f / "config.json").write_text('{"game": {}}'),
        RunError,
        "has no bundle yet; .*unpaired resume",
    ),
    "a newer format": (
        lambda f: change(f, format=2),
        RunError,
        "has bundle format 2, this version reads 1; upgrade unpaired",
    ),
    "no entry": (lambda f: change(f, translators={"a_to_b": {}}), RunError, "config.json is damaged: KeyError"),
    "entries of no kind": (lambda f: change(f, translators=[]), RunError, "config.json is damaged"),
    "no weights": (
        lambda f: (f / "a_to_b.safetensors").unlink(),
        RunError,
        "a_to_b.safetensors is missing, damaged or not",
    ),
    "half the weights": (lambda f: os.truncate(f / "a_to_b.safetensors", 500), RunError, "is missing, damaged or not"),
    "other weights": (
        lambda f: (f / "a_to_b.safetensors").write_bytes((f / "b_to_a.safetensors").read_bytes()),
        RunError,
        "is missing, damaged or not of this architecture",
    ),
    "another width": (widen_network, RunError, "is missing, damaged or not of this architecture"),
    "an unknown network": (rename_network, ConfigError, "config.json is not valid"),
    "a pickle": (lambda f: torch.save({}, f / "a_to_b.safetensors"), RunError, "is missing, damaged or not"),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_bundle_is_refused(bundle, how):
    folder, _ = bundle
    damage, error, says = DAMAGE[how]
    damage(folder)
    with pytest.raises(error, match=says) as caught:
        load(folder)
    assert isinstance(caught.value, UnpairedError)


def test_nowhere_is_no_bundle(tmp_path):
    with pytest.raises(RunError, match=r"no trained run or bundle at .*nowhere"):
        load(tmp_path / "nowhere")


def test_points_are_no_pictures():
    one = translator(source=(2,), target=(2,), spec=specs.Mlp(hidden=8))
    assert one(torch.zeros(4, 2)).shape == (4, 2)
    assert one.batch(torch.zeros(0, 2)).shape == (0, 2)
    with pytest.raises(ShapeError, match=r"takes points of shape \(2,\), not pictures"):
        one(PIL.Image.new("RGB", (4, 4)))


def test_the_door_for_pictures_is_the_same_both_ways(pixels):
    """`translate` reads with `images.read`: the same pixels as a user's own array."""
    one = translator()
    assert np.array_equal(shown(one, PIL.Image.fromarray(pixels[0])), pixels[0])
    assert np.array_equal(np.asarray(images.picture(pixels[0])), pixels[0])
