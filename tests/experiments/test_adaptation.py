"""What the adaptation experiments measure, by readers whose answers are known; what is translated, and what is trained on it."""

from pathlib import Path

import numpy as np
import pytest
import small_digits
import torch
from torch import Tensor

from unpaired.data.image_set import open_image_set
from unpaired.experiments import adaptation, base
from unpaired.games import specs
from unpaired.run_config import load_config


class Reader:
    """Reads the class that the first pixel says."""

    classes = ("a", "b", "c")

    def scores(self, x: Tensor) -> Tensor:
        return torch.eye(3)[x[:, 0, 0, 0].long()]


def saying(*classes: int) -> Tensor:
    return torch.tensor(classes).float().view(-1, 1, 1, 1).expand(-1, 1, 2, 2)


def test_accuracy_by_hand() -> None:
    digits = adaptation.Digits(saying(0, 0, 1, 2, 1), torch.tensor([0, 1, 1, 2, 2]))
    assert adaptation.accuracy(Reader(), digits) == {"all": 0.6, "a": 1.0, "b": 0.5, "c": 0.5}
    assert "c" not in adaptation.accuracy(Reader(), adaptation.Digits(saying(0, 1), torch.tensor([0, 1])))


def test_flips_by_hand() -> None:
    digits = adaptation.Digits(saying(0, 0, 1, 2, 1), torch.tensor([0, 1, 1, 2, 2]))
    assert adaptation.flips(Reader(), digits).tolist() == [1, 4]


def test_pairs_by_hand() -> None:
    """Read as 0 0 1 2 and 0 1 1 1: half alike. Strangers: 1/2 1/4 + 1/4 3/4 + 1/4 0."""
    found = adaptation.same_digit((saying(0, 0, 1, 2), saying(0, 1, 1, 1)), (Reader(), Reader()))
    assert found == {"same digit": 0.5, "of strangers": 0.3125}


def test_readers_are_taught_by_what_their_method_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trained = small_digits.use(monkeypatch, tmp_path)
    trainings = adaptation.Trainings(base.Lab(tmp_path, tmp_path / "runs", "quick", []))
    readers = {method: trainings.reader(method) for method in adaptation.STEMS}
    both = ("printed", "mnist")
    assert trained == [
        (("printed",), "classifier"),
        (("mnist",), "classifier"),
        (both, "cogan"),
        (both, "cyclegan"), (("translated",), "classifier"),
        (both, "cyclegan"), (("translated",), "classifier"),
    ]  # fmt: skip
    scores = [reader.scores(trainings.tested().x) for reader in readers.values()]
    assert all(found.shape == (small_digits.TEST - small_digits.CHOSE, 10) for found in scores)
    assert not any(torch.equal(a, b) for index, a in enumerate(scores) for b in scores[index + 1 :])
    games = [load_config(trainings.cyclegan(method)).game for method in (adaptation.TRANSLATED, adaptation.SAME_CLASS)]
    assert [type(game.semantic) for game in games] == [specs.AnyClass, specs.SameClass]
    assert Path(games[1].semantic.reader).name == "classifier-printed"
    assert set(trainings.spent) == {
        "classifier-printed", "classifier-mnist", "cogan", "cyclegan", "classifier-on-cyclegan",
        "cyclegan-same-class", "classifier-on-cyclegan-same-class",
    }  # fmt: skip


def test_translated_digits_keep_their_labels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    small_digits.use(monkeypatch, tmp_path)
    trainings = adaptation.Trainings(base.Lab(tmp_path, tmp_path / "runs", "quick", []))
    again = open_image_set((str(trainings.translated(adaptation.TRANSLATED)),), adaptation.DATA)
    printed = trainings.data.a
    assert again.classes == printed.classes
    for mine, theirs in ((again.train_classes, printed.train_classes), (again.test_classes, printed.test_classes)):
        assert np.array_equal(mine, theirs)
    x = torch.from_numpy(np.array(printed.test.pixels)).permute(0, 3, 1, 2) / 127.5 - 1
    wanted = trainings.translator(adaptation.TRANSLATED).batch(x)
    found = torch.from_numpy(np.array(again.test.pixels)).permute(0, 3, 1, 2) / 127.5 - 1
    torch.testing.assert_close(found, wanted, rtol=0, atol=1.01 / 255)


def test_no_run_has_looked_at_what_is_tested_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    small_digits.use(monkeypatch, tmp_path)
    trainings = adaptation.Trainings(base.Lab(tmp_path, tmp_path / "runs", "quick", []))
    mnist = trainings.data.b
    wanted = torch.from_numpy(np.array(mnist.test.pixels[small_digits.CHOSE :])).permute(0, 3, 1, 2) / 127.5 - 1
    torch.testing.assert_close(trainings.tested().x, wanted)
    assert trainings.tested().classes.tolist() == mnist.test_classes[small_digits.CHOSE :].tolist()
