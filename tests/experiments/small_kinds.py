"""The named sets of `bags2shoes` and `horses2zebras` as a few blobs, and a budget of a few steps."""

from pathlib import Path

import numpy as np
import pytest

from unpaired import runs
from unpaired.data.sets import animals, clothes, domains, idx
from unpaired.experiments import kinds_models
from unpaired.metrics import distribution

TRAIN, TEST = 40, 32
SETS = {
    "bags-shoes": ("fashion", clothes.CLASSES, ("bag",), ("sandal", "sneaker", "ankle boot")),
    "horses-zebras": ("animals", animals.CLASSES, ("horse",), ("zebra",)),
}


def blobs(count: int, *, kind: int, seed: int) -> np.ndarray:
    """Pictures uint8 [count, 28, 28]: kind k is a bright bar in the rows from 2 + 2 k on, somewhere, on a little noise."""
    chance = np.random.default_rng(seed)
    pictures = chance.integers(0, 40, (count, 28, 28), dtype=np.uint8)
    for picture in pictures:
        left = chance.integers(0, 12)
        picture[2 + 2 * kind : 6 + 2 * kind, left : left + 14] = 230
    return pictures


def make(root: Path, name: str) -> None:
    """The set, and that of its judge, where they are looked for."""
    judged, classes, *letters = SETS[name]
    parts = {}
    for part, count, seed in (("train", TRAIN, 0), ("test", TEST, 1)):
        labels = (np.arange(10 * count // 2) % 10).astype(np.uint8)
        pictures = np.concatenate([blobs(1, kind=int(label), seed=seed + 2 * row) for row, label in enumerate(labels)])
        parts[part] = idx.Part(pictures, labels)
        for letter, of in zip("AB", letters, strict=True):
            each = [(f"{of[row % len(of)]}-{row}".replace(" ", "-"), classes.index(of[row % len(of)])) for row in range(count)]
            parts[part + letter] = [
                (file, blobs(1, kind=kind, seed=1000 + seed + 2 * row)[0]) for row, (file, kind) in enumerate(each)
            ]
    pictures = {key: parts[key] for key in domains.PARTS}
    domains.write(root / "sets" / name, pictures, card={"name": name})  # type: ignore[arg-type]
    idx.write(
        root / "sets" / judged, train=parts["train"], test=parts["test"], classes=classes, named=True, card={"name": judged}
    )


def use(monkeypatch: pytest.MonkeyPatch, root: Path, name: str) -> list[tuple[str, bool, int]]:
    """Small sets and budgets for a test; what is trained: the game, whether the domains are exchanged, the seed."""
    monkeypatch.setenv("UNPAIRED_CACHE", str(root / "cache"))
    make(root / "cache", name)
    tiny = kinds_models.Budget(steps=2, batch=4, pixels=32, width=2, learning_rate=1e-3, lessons=60)
    monkeypatch.setattr(kinds_models, "BUDGETS", {"quick": tiny})
    # By it runs say how far they are, which nothing here hangs on, and it takes most of their time.
    monkeypatch.setattr(distribution, "sliced_wasserstein", lambda *images, **options: 1.0)
    trained: list[tuple[str, bool, int]] = []
    train = runs.train

    def watched(*sources: str, **options: object) -> object:
        trained.append((options["game"].game, options["data"].swap, options["training"].seed))  # type: ignore[attr-defined]
        return train(*sources, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(runs, "train", watched)
    return trained
