"""The classifier learns what can be learnt, attribute by attribute, from known values alone, and the same each time."""

import math

import pytest
import torch
from sklearn.metrics import accuracy_score
from torch import Tensor

from unpaired.errors import ShapeError
from unpaired.experiments.classifier import Classifier, Lessons, accuracy, as_they_are, disturbed, loss_of, share_read, taught

LESSONS = Lessons(steps=80, batch=16, width=4, learning_rate=1e-2)
CLASSES = (3, 2)


def drawings(count: int, *, seed: int) -> tuple[Tensor, Tensor]:
    """Grounds of three colours, with or without a bar across the middle, at any brightness: [N, 3, 16, 16] and [N, 2]."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.stack([torch.randint(number, (count,), generator=generator) for number in CLASSES], dim=1)
    colours = torch.tensor([[0.5, -0.5, -0.5], [-0.5, 0.5, -0.5], [-0.5, -0.5, 0.5]])
    images = colours[values[:, 0], :, None, None] + 0.2 * torch.randn(count, 3, 1, 1, generator=generator)
    images = images.expand(count, 3, 16, 16).clone()
    images[values[:, 1] == 1, :, 7:10, 3:13] = -1
    return images.clamp(-1, 1), values


def test_it_learns_every_attribute_from_known_values() -> None:
    images, values = drawings(64, seed=0)
    values[:32, 0] = -1  # half of the images know one attribute, the others the other
    values[32:, 1] = -1
    classifier = taught(images, values, classes=CLASSES, lessons=LESSONS)
    new, truth = drawings(64, seed=1)
    assert min(accuracy(classifier.values(new), truth)) > 0.9


def test_the_loss_by_hand() -> None:
    scores = (torch.tensor([[0.0, 0.0, 0.0], [9.0, 9.0, 9.0], [math.log(2), 0.0, 0.0]]), torch.tensor([[0.0, math.log(3)]] * 3))
    values = torch.tensor([[0, 1], [-1, 0], [0, -1]])
    first = (math.log(3) + math.log(2)) / 2  # one of three alike; two of four; the second is unknown
    second = (math.log(4 / 3) + math.log(4)) / 2
    assert loss_of(scores, values).item() == pytest.approx(first + second)
    assert loss_of(scores, torch.full((3, 2), -1)).item() == 0


def test_accuracy_is_that_of_known_values() -> None:
    generator = torch.Generator().manual_seed(0)
    found, wanted = torch.randint(3, (50, 2), generator=generator), torch.randint(-1, 3, (50, 2), generator=generator)
    for attribute, share in enumerate(accuracy(found, wanted)):
        known = wanted[:, attribute] != -1
        assert share == pytest.approx(accuracy_score(wanted[known, attribute], found[known, attribute]))
    assert math.isnan(accuracy(found, torch.full_like(wanted, -1))[0])


def test_the_share_read_is_that_of_greatest_scores() -> None:
    generator = torch.Generator().manual_seed(0)
    scores, classes = torch.randn(30, 3, generator=generator), torch.randint(3, (30,), generator=generator)
    assert share_read(scores, classes) == pytest.approx(accuracy_score(classes, scores.argmax(1)))
    assert 0 < share_read(scores, classes) < 1


def test_the_same_lessons_teach_the_same_and_leave_the_callers_randomness_alone() -> None:
    images, values = drawings(16, seed=0)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = taught(images, values, classes=CLASSES, lessons=LESSONS._replace(steps=2))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(6)
    second = taught(images, values, classes=CLASSES, lessons=LESSONS._replace(steps=2))
    assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True))
    other = taught(images, values, classes=CLASSES, lessons=LESSONS._replace(steps=2, seed=1))
    assert not torch.equal(first.answer.weight, other.answer.weight)


def test_images_may_be_left_as_they_are() -> None:
    """A bar on the left is not one on the right, which a mirrored image would say. 28 px are halved to 1."""
    x = -torch.ones(40, 1, 28, 28)
    x[:20, ..., 2:8], x[20:, ..., 20:26] = 1, 1
    values = torch.tensor([0] * 20 + [1] * 20)[:, None]
    plain = taught(x, values, classes=(2,), lessons=LESSONS._replace(steps=20), disturb=as_they_are)
    assert accuracy(plain.values(x), values) == [1]
    assert accuracy(taught(x, values, classes=(2,), lessons=LESSONS._replace(steps=20)).values(x), values)[0] < 0.9


def test_an_answer_does_not_depend_on_its_neighbours() -> None:
    classifier = Classifier(channels=3, size=(16, 32), classes=CLASSES, width=4)  # in training mode, to which it returns
    x = torch.randn(5, 3, 16, 32)
    assert torch.equal(classifier.values(x)[:1], classifier.values(x[:1]))
    assert classifier.values(x).shape == (5, 2)
    assert [scores.shape for scores in classifier(x)] == [(5, 3), (5, 2)]
    assert classifier.training


def test_disturbed_images_stay_images_of_the_same_thing() -> None:
    x = torch.zeros(200, 1, 16, 16)
    x[..., :8] = 0.5
    out = disturbed(x)
    assert out.shape == x.shape
    assert out.min() >= -1
    assert out.max() <= 1
    left, right = out[..., :6].mean((1, 2, 3)), out[..., 10:].mean((1, 2, 3))
    mirrored = (right > left).float().mean()
    assert 0.35 < mirrored < 0.65
    assert (left - right).abs().min() > 0.3  # 0.5, by 0.8 at least
    assert (left - right).abs().max() < 0.7
    assert disturbed(torch.ones(50, 1, 16, 16)).std() > 0  # even where nothing could be softer


def test_values_that_do_not_fit_are_refused() -> None:
    images, values = drawings(4, seed=0)
    for wrong in (
        {"values": values[:, :1]},
        {"values": values[:3]},
        {"images": images[..., :15]},
        {"values": torch.full_like(values, 2)},
        {"values": values - 2},
    ):
        arguments = {"images": images, "values": values, **wrong}
        with pytest.raises(ShapeError, match="wanted"):
            taught(arguments["images"], arguments["values"], classes=CLASSES, lessons=LESSONS)
