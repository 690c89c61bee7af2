"""A classifier that is told classes alone: what it is shown, what it learns, that it is a function of its arguments."""

from pathlib import Path

import numpy as np
import pytest
import torch

from unpaired import images
from unpaired.data.image_set import FewLabelled, Images, ImageSet, open_image_set
from unpaired.data.sets import idx
from unpaired.errors import DataError
from unpaired.experiments import reader
from unpaired.networks.specs import DCGANDiscriminator
from unpaired.options import Adam, DataOptions, Training

SPEC = DCGANDiscriminator(width=4, init="default")
ADAM = Adam(learning_rate=3e-3, beta1=0.9)
TRAINING = Training(steps=40, batch=8, ema=0.9)


def opened(folder: Path, *, labels: int | None = None, apart: bool = False) -> ImageSet:
    """Three classes of 8 px: bright on the left, on the right, or nowhere; on noise."""
    if not folder.exists():
        parts = []
        for count in (60, 30):
            of = (np.arange(count) % 3).astype(np.uint8)
            pixels = np.random.default_rng(count).integers(0, 80, (count, 8, 8), dtype=np.uint8)
            pixels[of == 0, :, :4] += 150
            pixels[of == 1, :, 4:] += 150
            parts.append(idx.Part(pixels, of))
        idx.write(folder, train=parts[0], test=parts[1], classes=("left", "right", "none"), named=True, card={})
    options = DataOptions(size=8, channels=1, flip=False, labels=labels)
    return open_image_set((str(folder),), options, apart=apart, cache=folder.parent / "cache")


def test_it_learns_from_all_labels_and_from_few(tmp_path: Path) -> None:
    for labels in (None, 6):
        data = opened(tmp_path / "set", labels=labels, apart=labels is not None)
        classifier = reader.taught(SPEC, data, training=TRAINING, adam=ADAM)
        assert classifier.classes == ("left", "right", "none")
        test, classes = images.to_tensor(data.test.pixels), torch.from_numpy(data.test_classes)
        assert reader.accuracy(classifier, test, classes) >= 0.95
        assert reader.accuracy(classifier, test, (classes + 1) % 3) <= 0.05


def test_it_follows_from_its_arguments_and_leaves_chance_alone(tmp_path: Path) -> None:
    data = opened(tmp_path / "set")
    test = images.to_tensor(data.test.pixels)
    torch.manual_seed(1)
    first = reader.taught(SPEC, data, training=TRAINING, adam=ADAM).scores(test)
    drawn = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(drawn, torch.rand(1))
    assert torch.equal(first, reader.taught(SPEC, data, training=TRAINING, adam=ADAM).scores(test))


def test_of_a_batch_with_few_labels_it_sees_those_alone() -> None:
    game = reader.Reading(SPEC, shape=(1, 8, 8), classes=("a", "b")).eval()
    told = Images(torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 1, 0]))
    (alone,), (beside,) = game.play(told, 0), game.play(FewLabelled(torch.full((9, 1, 8, 8), torch.nan), told), 0)
    wanted = -game.read(told.x).classes.log_softmax(1)[range(4), told.classes].mean()
    assert alone.losses["classes"].item() == pytest.approx(wanted.item(), rel=1e-5)
    assert beside.losses["classes"].item() == alone.losses["classes"].item()


def test_unlabelled_images_in_its_batches_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"set: not all images tell their class; wanted all, or .*apart=True"):
        reader.taught(SPEC, opened(tmp_path / "set", labels=6), training=TRAINING, adam=ADAM)
