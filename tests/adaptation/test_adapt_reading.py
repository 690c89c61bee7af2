"""What classifiers read, by a classifier whose answers are known; and the classifier that suits a size."""

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, recall_score

from unpaired.adaptation.options import BySize, Teaching
from unpaired.adaptation.reading import AT_ONCE, accuracy, read
from unpaired.networks.build import judge
from unpaired.networks.specs import LeNet


class Reader:
    """Reads the class that the first pixel says, the surer the brighter the second is."""

    classes = ("x", "y", "z")

    def scores(self, x: torch.Tensor) -> torch.Tensor:
        levels = (x.flatten(1) + 1) * 127.5
        sure = levels[:, 1:2] / 255
        return torch.eye(3)[levels[:, 0].round().long()] * sure + (1 - sure) / 3


def test_classes_and_how_sure() -> None:
    pixels = np.zeros((AT_ONCE + 3, 2, 2, 1), np.uint8)
    pixels[:, 0, 0, 0] = np.arange(len(pixels)) % 3
    pixels[:, 0, 1, 0] = 255
    pixels[-1, 0, 1, 0] = 51
    found = read(Reader(), pixels)  # type: ignore[arg-type]
    assert found.said == tuple("xyz"[index % 3] for index in range(len(pixels)))
    assert found.confidence[:-1] == pytest.approx([1.0] * (AT_ONCE + 2))
    assert found.confidence[-1] == pytest.approx(0.2 + 0.8 / 3)


def test_accuracy_is_that_of_scikit_learn() -> None:
    chance = np.random.default_rng(0)
    truth, said = chance.choice(["x", "y", "z"], (2, 50))
    found = accuracy(said, truth, classes=("z", "y", "x", "never"))
    assert found.overall == pytest.approx(accuracy_score(truth, said))
    assert list(found.by_class) == ["z", "y", "x"]
    recalls = recall_score(truth, said, labels=["z", "y", "x"], average=None)
    assert list(found.by_class.values()) == pytest.approx(list(recalls))


@pytest.mark.parametrize(("size", "maps"), [(8, (20,)), (19, (20,)), (20, (20, 50)), (28, (20, 50)), (64, (20, 50, 50))])
def test_the_network_grows_with_the_images(size: int, maps: tuple[int, ...]) -> None:
    assert BySize().network(size) == LeNet(maps=maps)
    scores = judge(BySize().network(size), (1, size, size), source=False, classes=3)(torch.zeros(1, 1, size, size)).classes
    assert scores.shape == (1, 3)


def test_a_network_that_is_named_is_taken() -> None:
    assert Teaching(classifier=LeNet(hidden=3)).network(64) == LeNet(hidden=3)
