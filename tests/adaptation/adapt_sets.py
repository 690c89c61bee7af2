"""Small labelled sets and translators for the tests of adaptation: class k is a bright bar at place k of a dark image."""

from pathlib import Path

import numpy as np
import torch

from unpaired import images
from unpaired.bundle import save_bundle
from unpaired.networks import specs
from unpaired.networks.build import generator
from unpaired.translator import Translator

SIZE = 16
CLASSES = ("a", "b", "c")


def bars(classes: np.ndarray, *, seed: int, light: int = 0) -> np.ndarray:
    """Images [N, 16, 16] of these classes, all `light` brighter than dark noise."""
    pixels = np.random.default_rng(seed).integers(0, 60, (len(classes), SIZE, SIZE))
    for row, index in enumerate(classes):
        pixels[row, 2 + 5 * index : 5 + 5 * index] += 140
    return (pixels + light).astype(np.uint8)


def arrays(path: Path, *, seed: int, train: int = 60, test: int = 30, light: int = 0, told: bool = True) -> Path:
    """An NPZ of bars in three classes, called a, b and c; not told: -1 in all training rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    y = {"train": np.arange(train) % 3, "test": np.arange(test) % 3}
    parts = {f"x_{end}": bars(classes, seed=seed + place, light=light) for place, (end, classes) in enumerate(y.items())}
    labels = {f"y_{end}": classes if told or end == "test" else np.full_like(classes, -1) for end, classes in y.items()}
    np.savez(path, **parts, **labels)
    rule = '[class]\ncolumn = "class"\nvalues = ["a", "b", "c"]\n'
    (path.parent / "attributes.toml").write_text(rule)
    return path


def folders(root: Path, classes: np.ndarray, names: tuple[str, ...] = CLASSES, *, seed: int, light: int = 0) -> Path:
    """A folder for each class."""
    for row, (pixels, index) in enumerate(zip(bars(classes, seed=seed, light=light), classes, strict=True)):
        (root / names[index]).mkdir(parents=True, exist_ok=True)
        images.write(root / names[index] / f"{row}.png", pixels[..., None])
    return root


def copier(folder: Path, *, channels: int = 1, size: int = SIZE, direction: str = "a_to_b") -> Path:
    """A bundle whose translator answers with what it is given: its last layer is zero, and it is added."""
    spec, shape = specs.ResidualImage(width=4), (channels, size, size)
    network = generator(spec, shape, shape)
    for parameter in network.parameters():
        torch.nn.init.zeros_(parameter)
    found = Translator(network, spec=spec, source=shape, target=shape)
    save_bundle(folder, {direction: found}, fit="crop", background="white", about={}, card="")
    return folder
