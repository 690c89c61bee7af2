"""Scores by hand: which images are looked at, and what is made of them."""

import numpy as np
import pytest
import torch
from torch import nn

from unpaired import evaluation
from unpaired.data.batches import Domains
from unpaired.evaluation import criterion, criterion_measure, held_out, scoring
from unpaired.evaluation.domains import DomainsExam
from unpaired.networks import specs
from unpaired.translator import Translator


def rows(count, *, level=None, channels=3, size=12):
    """Images that each have a level of their own, or the one given."""
    levels = np.arange(count) if level is None else np.full(count, level)
    return np.broadcast_to(levels.astype(np.uint8)[:, None, None, None], (count, size, size, channels)).copy()


def data(count=8, **parts):
    values = {
        "train_a": rows(2),
        "train_b": rows(2),
        "test_a": rows(count),
        "test_b": rows(count, level=200),
        "size": (12, 12),
    }
    return Domains(**(values | parts))


class Add(nn.Module):
    """x + amount, in [-1, 1]."""

    def __init__(self, amount, channels=None):
        super().__init__()
        self.amount, self.channels = nn.Parameter(torch.tensor(amount)), channels

    def forward(self, x):
        return (x[:, : self.channels] + self.amount).clamp(-1, 1)


def evaluate(translators, images, *, part="test", extractor=None):
    return evaluation.evaluate(DomainsExam(images).cases(translators, part=part), extractor=extractor)


def add(levels, *, source=(3, 12, 12), target=(3, 12, 12)):
    """A translator that adds so many of 255 levels."""
    channels = None if source == target else target[0]
    return Translator(Add(levels / 127.5, channels), spec=specs.EncoderDecoder(), source=source, target=target)


@pytest.mark.parametrize(("count", "validation"), [(4, 4), (15, 15), (16, 4), (100, 25), (264, 64), (400, 64)])
def test_a_quarter_chooses_and_the_rest_is_reported(count, validation):
    images = data(test_a=rows(count), test_b=rows(count))
    for_validation, for_test = (held_out(images, "a_to_b", part=part).inputs[:, 0, 0, 0] for part in ("validation", "test"))
    apart = count >= 16
    assert len(for_validation) == validation
    assert len(for_test) == (count - validation if apart else count)
    assert DomainsExam(images).disjoint is apart
    if apart:
        wanted = torch.from_numpy(rows(count)[:, 0, 0, 0]).float() / 127.5 - 1
        torch.testing.assert_close(torch.cat([for_validation, for_test]), wanted)


def test_both_ways_look_at_the_right_domains():
    images = data(truth_b=rows(8, level=3))
    forth, back = held_out(images, "a_to_b", part="test"), held_out(images, "b_to_a", part="test")
    torch.testing.assert_close(forth.inputs[:, 0, 0, 0], torch.arange(8) / 127.5 - 1)
    torch.testing.assert_close(forth.targets, torch.full((8, 3, 12, 12), 200 / 127.5 - 1))
    torch.testing.assert_close(forth.truths, torch.full((8, 3, 12, 12), 3 / 127.5 - 1))
    assert torch.equal(back.inputs, forth.targets)
    assert torch.equal(back.targets, forth.inputs)
    assert back.truths is None


def test_scores_by_hand():
    images = data(test_a=rows(8, level=100), truth_b=rows(8, level=151))
    scores = evaluate({"a_to_b": add(41), "b_to_a": add(-36)}, images)
    assert scores.keys() == {"a_to_b", "b_to_a"}
    translated, nothing = scores["a_to_b"]["translated"], scores["a_to_b"]["doing nothing"]
    assert translated["error"] == pytest.approx(10 / 255, abs=1e-4)
    assert nothing["error"] == pytest.approx(51 / 255, abs=1e-4)
    assert translated["psnr"] == pytest.approx(20 * np.log10(255 / 10), abs=1e-2)
    assert translated["swd"] < nothing["swd"]
    assert translated["reconstruction"] == pytest.approx(5 / 255, abs=1e-4)  # + 41 - 36
    assert "ssim" in translated
    assert "reconstruction" not in nothing
    assert "error" not in scores["b_to_a"]["translated"]  # no counterparts are known that way
    assert not any(name.startswith("kid") for name in translated)


def test_small_images_have_no_ssim():
    images = data(
        size=(8, 8),
        train_a=rows(2, size=8),
        train_b=rows(2, size=8),
        test_a=rows(8, size=8),
        test_b=rows(8, size=8),
        truth_b=rows(8, size=8),
    )
    translated = evaluate({"a_to_b": add(1, source=(3, 8, 8), target=(3, 8, 8))}, images)["a_to_b"]["translated"]
    assert "psnr" in translated
    assert "ssim" not in translated


def test_doing_nothing_needs_domains_of_one_shape():
    images = data(train_b=rows(2, channels=1), test_b=rows(8, channels=1))
    scores = evaluate({"a_to_b": add(0, target=(1, 12, 12))}, images)
    assert scores["a_to_b"].keys() == {"translated"}
    assert "reconstruction" not in scores["a_to_b"]["translated"]


@pytest.mark.parametrize("empty", ["test_a", "test_b"])
def test_nothing_held_out_is_not_scored(empty):
    images = data(**{empty: rows(0)})
    assert evaluate({"a_to_b": add(0), "b_to_a": add(0)}, images) == {}
    assert criterion({}) is None


def test_the_validation_part_is_scored_alone():
    images = data(test_a=np.concatenate([rows(4, level=100), rows(12, level=0)]), test_b=rows(16), truth_b=rows(16, level=100))
    seen = {
        part: evaluate({"a_to_b": add(0)}, images, part=part)["a_to_b"]["translated"]["error"] for part in ("validation", "test")
    }
    assert seen == pytest.approx({"validation": 0.0, "test": 100 / 255}, abs=1e-4)


def test_the_criterion_is_the_error_where_there_is_one():
    scores = {
        "a_to_b": {"translated": {"error": 0.1, "swd": 5.0}, "doing nothing": {"error": 0.4, "swd": 6.0}},
        "b_to_a": {"translated": {"swd": 0.3}},
    }
    assert criterion_measure(scores) == "swd"  # never a mean of two measures
    assert criterion(scores) == pytest.approx(2.65)
    assert criterion(scores, method="doing nothing") == pytest.approx(6.0)
    scores["b_to_a"]["translated"]["error"] = 0.3
    assert criterion_measure(scores) == "error"
    assert criterion(scores) == pytest.approx(0.2)
    assert criterion(scores, method="praying") is None


def test_an_extractor_adds_scores_under_its_name(monkeypatch):
    asked = []

    def distribution(real, fake, *, extractor):
        asked.append((real.shape, fake.shape, extractor))
        return {"kid (eyes)": 0.5}

    monkeypatch.setattr(scoring.features, "evaluate_distribution", distribution)
    scores = evaluate({"a_to_b": add(0)}, data(), extractor="eyes")
    assert scores["a_to_b"]["translated"]["kid (eyes)"] == 0.5
    assert asked[0] == ((8, 3, 12, 12), (8, 3, 12, 12), "eyes")
