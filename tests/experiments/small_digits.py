"""The named sets `printed` and `mnist` as a few digits of noise, and a budget of a few steps."""

from pathlib import Path

import numpy as np
import pytest

from unpaired import runs
from unpaired.data.sets import idx
from unpaired.experiments import adaptation
from unpaired.networks.specs import DCGANGenerator, LeNet, PatchGAN, ResNet

TEST = 40
CHOSE = 16


def make(root: Path) -> None:
    """Both sets, where they are looked for. Digit k is bright in row k, plus noise."""
    for seed, name in enumerate(("printed", "mnist")):
        chance = np.random.default_rng(seed)
        parts = []
        for count in (60, TEST):
            labels = (np.arange(count) % 10).astype(np.uint8)
            images = chance.integers(0, 60, (count, 28, 28), dtype=np.uint8)
            images[np.arange(count), 4 + 2 * labels] = 200 + 50 * seed
            parts.append(idx.Part(images, labels))
        classes = tuple("0123456789")
        idx.write(root / "sets" / name, train=parts[0], test=parts[1], classes=classes, named=False, card={"name": name})


def use(monkeypatch: pytest.MonkeyPatch, root: Path) -> list[tuple[tuple[str, ...], str]]:
    """Small sets and budgets for a test; what is trained: sources and the game, a run each."""
    monkeypatch.setenv("UNPAIRED_CACHE", str(root / "cache"))
    make(root / "cache")
    tiny = adaptation.Budget(
        cogan=4,
        cyclegan=2,
        classifier=3,
        generator=DCGANGenerator(width=2),
        judge=LeNet(maps=(2, 3), hidden=8),
        translator=ResNet(width=2, blocks=1),
        discriminator=PatchGAN(width=2, layers=2),
    )
    monkeypatch.setattr(adaptation, "BUDGETS", {"quick": tiny})
    monkeypatch.setattr(adaptation, "CHOSE", CHOSE)
    trained: list[tuple[tuple[str, ...], str]] = []
    train = runs.train

    def watched(*sources: str, **options: object) -> object:
        trained.append((tuple(Path(source).name for source in sources), options["game"].game))  # type: ignore[attr-defined]
        return train(*sources, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(runs, "train", watched)
    return trained
