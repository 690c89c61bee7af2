"""Generators that ail: samples of one image, of a few over and over, and healthy ones; what is advised can be done."""

import re
import shlex

import pytest
import torch

from unpaired import cli
from unpaired.data.sets.digits import DIGITS_TEST
from unpaired.engine.doctor import COLLAPSE, DISCRIMINATOR, PATIENCE, Doctor, Patience, examine_samples, too_early


@pytest.fixture(scope="module")
def digits():
    """Held-out digits of scikit-learn, [297, 1, 8, 8] in [-1, 1]."""
    from sklearn.datasets import load_digits

    return torch.from_numpy(load_digits().images[-DIGITS_TEST:]).float()[:, None] / 8 - 1


def signs(outputs, targets):
    return [finding.sign for finding in examine_samples("sampler", outputs=outputs, targets=targets)]


def test_other_digits_are_healthy(digits):
    assert signs(digits[:64], digits[64:128]) == []
    assert signs(digits[:64] + 0.1 * torch.randn(64, 1, 8, 8), digits[64:]) == []


def test_one_image_is_a_collapse(digits):
    same = digits[:1].expand(64, -1, -1, -1) + 0.02 * torch.randn(64, 1, 8, 8)
    (finding,) = examine_samples("sampler", outputs=same, targets=digits)
    assert (finding.sign, finding.where) == (COLLAPSE, "sampler")
    assert re.match(r"Two samples differ by 1\.\d+% of the full range on average, two real images by \d\d\.", finding.says)


def test_a_few_images_over_and_over_are_a_collapse(digits):
    (finding,) = examine_samples("sampler", outputs=digits[:4].repeat(16, 1, 1, 1), targets=digits[:64])
    assert finding.says.startswith("The samples are a few images over and over")


def test_nothing_is_said_of_few_samples_or_plain_data(digits):
    assert signs(digits[:1].expand(7, -1, -1, -1), digits) == []
    assert signs(digits[:1].expand(64, -1, -1, -1), digits[:1].expand(64, -1, -1, -1)) == []
    assert signs(torch.full((64, 1, 8, 8), torch.nan), digits) == []


def test_the_doctor_looks_at_samples_in_time(digits):
    doctor, same = Doctor({}, makes="samples"), digits[:1].expand(64, -1, -1, -1)
    said = [doctor.look(step, {"sampler": (None, same, digits)}) for step in range(0, 2000, PATIENCE[COLLAPSE].steps // 2)]
    assert [len(found) for found in said] == [0, 0, 1, 0]


def test_advice_fits_what_the_game_makes():
    advice = {}
    for makes in ("samples", "translations"):
        doctor = Doctor({"discriminator/source": 1.0}, makes=makes)
        for step in (0, 500, 1000):
            doctor.losses({"discriminator/source": 0.001})
            found = doctor.look(step, {})
        assert [finding.sign for finding in found] == [DISCRIMINATOR]
        advice[makes] = found[0].tries
    assert "discogan" in advice["translations"]
    assert "discogan" not in advice["samples"]


def test_what_is_advised_can_be_asked_for(digits):
    (collapse,) = examine_samples("sampler", outputs=digits[:1].expand(64, -1, -1, -1), targets=digits)
    assert "--packing 2" in collapse.tries
    words = shlex.split(
        "dcgan set --out run --packing 2 --gan wasserstein --discriminator 'dcgan(norm=\"none\")' --learning-rate 1e-4"
    )
    assert cli.parse(["train", *words]).game.packing == 2
    assert (
        cli.parse(
            shlex.split("train dcgan set --out run --discriminator 'dcgan(width=32, dropout=0.3)'")
        ).game.discriminator.width
        == 32
    )


def test_signs_that_cannot_have_lasted_are_known():
    assert too_early(looks=1, steps=0, makes="samples", against=True) == {
        "mode collapse": Patience(looks=3, steps=1000),
        "discriminator wins": Patience(looks=3, steps=500),
    }
    assert list(too_early(looks=3, steps=500, makes="samples", against=True)) == ["mode collapse"]
    assert list(too_early(looks=9, steps=199, makes="samples", against=False)) == ["mode collapse"]
    assert list(too_early(looks=2, steps=5000, makes="translations", against=True)) == ["mode collapse", "discriminator wins"]
    assert too_early(looks=3, steps=1000, makes="translations", against=True) == {}
