"""What is asked of samplers, classifiers and autoencoders, on which images, and by what the best of them is chosen."""

import numpy as np
import pytest
import torch
from torch import nn

from unpaired import evaluation
from unpaired.data.image_pair import ImagePair
from unpaired.data.image_set import ImageSet
from unpaired.data.labelled import LabelledImages, LabelledPart, LabelledSet
from unpaired.data.labels import Attribute
from unpaired.metrics.distribution import diversity, sliced_wasserstein
from unpaired.networks.autoencoder import Level, StackedAutoencoder
from unpaired.networks.judged import Judged
from unpaired.networks.specs import DCGANDiscriminator, DCGANGenerator, DenseAutoencoder
from unpaired.products import Autoencoder, Classifier, Noise, Sampler

SHAPE = (1, 8, 8)
THREE = Attribute(name="class", values=("a", "b", "c"))


def part(count, *, seed, side=8):
    """Images of noise around the level of their class: 40, 120, 200."""
    classes = np.arange(count) % 3
    chance = np.random.default_rng(seed)
    at = classes * 80 + 40
    pixels = (at[:, None, None, None] + chance.integers(-40, 40, (count, side, side, 1))).astype(np.uint8)
    return LabelledPart(pixels, classes[:, None].astype(np.int64), tuple(map(str, range(count))), 0)


def data(test=40, *, told=None, classes=THREE, name="set") -> ImageSet:
    train, held = part(60, seed=0), part(test, seed=1)
    attributes = () if classes is None else (classes,)
    images = LabelledImages(attributes, (LabelledSet(name, train, held, tuple(range(len(attributes)))),), size=(8, 8))
    known = np.full(60, -1) if classes is None else train.values[:, 0]
    return ImageSet(images, classes, known if told is None else told)


class Levels(nn.Module):
    """Noise and classes -> noisy images at the level of their class. flat: one image for all; blind: whatever the class."""

    def __init__(self, *, flat=False, blind=False):
        super().__init__()
        self.flat, self.blind, self.side, self.scale = flat, blind, 8, nn.Parameter(torch.tensor(1.0))

    def forward(self, noise, condition=None):
        if self.flat:
            return torch.zeros(len(noise), 1, self.side, self.side)
        middle = torch.zeros(len(noise)) if condition is None or self.blind else condition @ torch.tensor([-0.68, -0.06, 0.57])
        return middle[:, None, None, None] + 0.3 * noise.view(-1, 1, self.side, self.side)


class ByLevel(nn.Module):
    """The class whose level is nearest to the mean; wrong: that one's neighbour."""

    def __init__(self, *, wrong=0):
        super().__init__()
        self.wrong, self.scale = wrong, nn.Parameter(torch.tensor(1.0))

    def forward(self, x):
        levels = torch.tensor([-0.68, -0.06, 0.57])
        near = -(x.mean(dim=(1, 2, 3))[:, None] - levels).abs()
        return Judged(None, near.roll(self.wrong, dims=1), [])


def sampler(*, classes=("a", "b", "c"), **options):
    return Sampler(Levels(**options), spec=DCGANGenerator(), shape=SHAPE, noise=Noise(64, "uniform"), classes=classes)


def classifier(*, classes=("a", "b", "c"), **options):
    return Classifier(ByLevel(**options), spec=DCGANDiscriminator(), shape=SHAPE, classes=classes)


def look(remains, images=None, *, part="validation"):
    return evaluation.exam_of(images or data()).look(remains, part=part)


def held(images, part):
    pixels = torch.from_numpy(images.test.pixels).movedim(-1, 1).float() / 127.5 - 1
    quarter = len(pixels) // 4
    return pixels[:quarter] if part == "validation" else pixels[quarter:]


# -- samplers --


def test_samples_beside_training_images():
    images, made = data(), sampler()
    found = look({"sampler": made}, images)
    real, classes = held(images, "validation"), torch.arange(10) % 3
    samples = made(10, class_=classes.tolist(), seed=0)
    train = torch.from_numpy(images.train.pixels[::6]).movedim(-1, 1).float() / 127.5 - 1
    wanted = {
        "generated": {"swd": sliced_wasserstein(real, samples), "diversity": diversity(samples)},
        "training images": {"swd": sliced_wasserstein(real, train[:10]), "diversity": diversity(train[:10])},
    }
    assert found.scores["sampler"] == {method: pytest.approx(values) for method, values in wanted.items()}
    assert found.counts == {"sampler": 10}
    assert found.chooses
    assert evaluation.criterion(found.scores) == pytest.approx(wanted["generated"]["swd"])
    assert evaluation.standard(found.scores) == ("swd", "generated", "training images")


def test_a_generator_like_the_data_does_better_than_one_of_one_image():
    good, flat = (look({"sampler": made}, part="test").scores["sampler"]["generated"] for made in (sampler(), sampler(flat=True)))
    assert good["swd"] < flat["swd"]
    assert good["diversity"] > flat["diversity"] == 0
    assert good["kid[pixels]"] < flat["kid[pixels]"]
    assert good["recall[pixels]"] > flat["recall[pixels]"]


def test_what_is_reported_was_not_chosen_by():
    images, made = data(), sampler()
    chosen, reported = (look({"sampler": made}, images, part=part) for part in ("validation", "test"))
    assert (chosen.counts["sampler"], reported.counts["sampler"]) == (10, 30)
    real = [look.seen["sampler"][2] for look in (chosen, reported)]
    torch.testing.assert_close(torch.cat(real), torch.cat([held(images, part) for part in ("validation", "test")]))
    assert not torch.equal(chosen.seen["sampler"][1], reported.seen["sampler"][1][:10])
    assert "kid[pixels]" not in chosen.scores["sampler"]["generated"]


def test_samples_without_classes():
    found = look({"sampler": sampler(classes=())}, data(classes=None))
    assert [name for name, _ in found.rows] == ["sampler"] * 4 + ["held-out images"]
    assert set(found.seen) == {"sampler"}
    assert found.seen["sampler"][0] is None


def test_a_row_for_each_class():
    found = look({"sampler": sampler()})
    assert [name for name, _ in found.rows] == ["a", "b", "c", "held-out images"]
    means = [float(x.mean()) for _, x in found.rows[:3]]
    assert means == pytest.approx([-0.68, -0.06, 0.57], abs=0.05)
    assert all(x.shape == (8, *SHAPE) for _, x in found.rows)


def test_the_doctor_sees_each_class_by_itself():
    found = look({"sampler": sampler()}, part="test")
    assert set(found.seen) == {"sampler", "class a", "class b", "class c"}
    _, made, real = found.seen["class b"]
    assert (len(made), len(real)) == (10, 10)
    assert float(made.mean()) == pytest.approx(float(real.mean()), abs=0.05)


def test_classes_by_the_game_s_own_reading():
    own = "class error, own reading"
    assert look({"sampler": sampler(), "classifier": classifier()}).scores["sampler"]["generated"][own] == 0
    blind = look({"sampler": sampler(blind=True), "classifier": classifier()}, part="test").scores["sampler"]["generated"][own]
    assert blind == pytest.approx(2 / 3, abs=0.1)
    assert own not in look({"sampler": sampler()}).scores["sampler"]["generated"]


def copies(images):
    """A sampler of nothing but training images."""

    class Copies(Levels):
        def forward(self, noise, condition=None):
            places = (noise[:, 0] * 1e6).long() % len(images.train)
            return torch.from_numpy(images.train.pixels)[places].movedim(-1, 1).float() / 127.5 - 1

    made = sampler(classes=())
    made.network = Copies()
    return made


def test_copies_are_found():
    images = data(test=120, classes=None)
    honest = look({"sampler": sampler(classes=())}, images, part="test")
    copied = look({"sampler": copies(images)}, images, part="test")
    assert copied.scores["sampler"]["generated"]["nearer to training images"] == 1.0
    assert copied.scores["sampler"]["generated"]["copying"] < -8
    assert honest.scores["sampler"]["generated"]["nearer to training images"] < 0.6
    assert [name for name, _ in copied.rows[-2:]] == ["samples", "the nearest training image to each, in pixels"]
    torch.testing.assert_close(copied.rows[-1][1], copied.rows[-2][1])
    assert not torch.equal(honest.rows[-1][1], honest.rows[-2][1])


def test_copies_are_not_sought_while_training():
    images = data(test=120, classes=None)
    found = look({"sampler": copies(images)}, images)
    assert "copying" not in found.scores["sampler"]["generated"]
    assert found.rows[-1][0] == "held-out images"


def test_images_of_a_class_that_are_one_and_the_same():
    train, held = part(60, seed=0, side=16), part(48, seed=1, side=16)
    images = LabelledImages((THREE,), (LabelledSet("set", train, held, (0,)),), size=(16, 16))
    found = {}
    for name, flat in (("good", False), ("flat", True)):
        made = sampler(flat=flat)
        made.network.side, made.shape, made.noise = 16, (1, 16, 16), Noise(256, "uniform")
        scores = look({"sampler": made}, ImageSet(images, THREE, train.values[:, 0]), part="test").scores["sampler"]
        found[name] = [scores[method]["ms-ssim within classes"] for method in ("generated", "training images")]
    assert found["flat"][0] == pytest.approx(1.0)
    assert found["good"][0] < 0.9
    assert found["good"][1] == found["flat"][1] < 0.9


# -- classifiers --


def test_classes_of_held_out_images():
    found = look({"classifier": classifier()}, part="test")
    assert found.scores["classifier"]["read"] == {"class error": 0.0}
    assert found.scores["classifier"]["guessing"] == {"class error": pytest.approx(2 / 3)}
    assert look({"classifier": classifier(wrong=1)}).scores["classifier"]["read"] == {"class error": 1.0}
    assert evaluation.standard(found.scores).measure == "class error"


def test_few_told_classes_do_not_choose_the_best_by_all_others():
    few = np.where(np.arange(60) < 6, np.arange(60) % 3, -1)
    assert not look({"classifier": classifier(), "sampler": sampler(classes=())}, data(told=few)).chooses
    assert look({"sampler": sampler(), "classifier": classifier()}, data(told=few)).chooses  # by samples, which know no classes
    assert look({"classifier": classifier()}).chooses


def test_a_discriminator_without_classes_is_not_asked():
    found = look({"sampler": sampler(classes=()), "discriminator": classifier(classes=())})
    assert set(found.scores) == {"sampler"}


# -- autoencoders --


def test_images_there_and_back():
    class Shift(nn.Module):
        def __init__(self, by):
            super().__init__()
            self.by = nn.Parameter(torch.tensor(by))

        def forward(self, x):
            return x + self.by

    network = StackedAutoencoder([Level(Shift(0.0), Shift(0.02))], unit=False)
    images = data()
    found = look({"autoencoder": Autoencoder(network, spec=DenseAutoencoder(), shape=SHAPE)}, images)
    real = held(images, "validation")
    rebuilt = (real + 0.02).clamp(-1, 1)
    assert found.scores["autoencoder"]["rebuilt"]["reconstruction error"] == pytest.approx(
        float((rebuilt - real).abs().mean()) / 2
    )
    assert found.scores["autoencoder"]["rebuilt"]["squared error"] == pytest.approx(0.01**2, rel=0.02)
    assert found.scores["autoencoder"]["mean image"]["reconstruction error"] > 0.1
    assert evaluation.standard(found.scores).measure == "reconstruction error"
    assert [name for name, _ in found.rows] == ["held-out images", "rebuilt"] * 2


# -- two sets --


def test_each_thing_is_asked_on_its_own_set():
    a, b = data(name="A"), data(name="B", classes=Attribute(name="class", values=("c", "b", "x")))
    remains = {
        "sampler_a": sampler(classes=()),
        "sampler_b": sampler(classes=(), flat=True),
        "classifier_a": classifier(),
        "classifier_b": classifier(),
    }
    found = look(remains, ImagePair(a, b), part="test")
    assert set(found.scores) == set(remains)
    # B's 0, 1, 2 are "c", "b" and a class that A has not: the first is misread, the second read, the third not asked.
    assert found.scores["classifier_a"]["read"] == {"class error": 0.0}
    assert found.scores["classifier_b"]["read"] == {"class error": pytest.approx(0.5)}
    assert evaluation.criterion(found.scores) == pytest.approx(
        np.mean([found.scores[name]["generated"]["swd"] for name in ("sampler_a", "sampler_b")])
    )
    assert [name for name, _ in found.rows] == ["sampler_a", "sampler_b"] * 4 + ["held-out A", "held-out B"]


def test_nothing_held_out():
    found = look({"sampler": sampler(), "classifier": classifier()}, data(test=0))
    assert (found.scores, found.rows, found.seen) == ({}, [], {})
    assert evaluation.criterion(found.scores) is None


def test_translations_are_judged_as_before():
    assert evaluation.standard({}) == ("error", "translated", "doing nothing")
    assert evaluation.standard({"a_to_b": {"translated": {"swd": 1.0}}}).measure == "swd"
