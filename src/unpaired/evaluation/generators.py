"""One or two sets of images: samplers, classifiers and autoencoders, against held-out images."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from unpaired import images
from unpaired.data.image_pair import ImagePair
from unpaired.data.image_set import ImageSet
from unpaired.data.labelled import Values
from unpaired.data.labels import UNKNOWN
from unpaired.evaluation.scoring import FEWEST, MOST_COMPARED, Look, Part, Scores, Seen, mean, rows_of
from unpaired.images import Pixels
from unpaired.images.levels import WHITE
from unpaired.metrics import distribution, diversity, features, neighbours, paired
from unpaired.products import Autoencoder, Classifier, Sampler

VALIDATION_VALUES = 1 << 20
"""Of the images that choose the best checkpoint: 85 colour images of 64 px; but 64 images at least and 512 at the most."""
SEEDS: Mapping[Part, int] = {"validation": 0, "test": 1}
"""Of the noise: what was chosen by one set of samples is reported on another."""
SMALLEST = 7
"""Pixels a side that the sliced Wasserstein distance's patches need."""
NEIGHBOURS = 5
"""What density and coverage ask for: more images than these."""
SHOWN = 8
"""Columns of a sheet."""
MOST_ROWS = 12
FEWEST_OF_CLASS = 8
"""Images of a class that the doctor wants to see before it is looked at by itself."""


COPIES = 256
"""Samples whose nearest training images are sought, and held-out images that they are compared with."""
PAIRS = 100
"""Of samples of a class whose likeness is measured, as in ACGAN's paper."""


class _Asked(NamedTuple):
    """What a product is asked on. inputs: held-out images; classes: int64 [N] of each, UNKNOWN where nobody told; train,
    train_classes: as many training images as there are held-out ones, or all, with their classes; pixels: of all training images
    [M, H, W, C]; part: of the held-out images; extractor: of features, None for pixels.
    """

    inputs: Tensor
    classes: Tensor
    train: Tensor
    train_classes: Tensor
    pixels: Pixels
    part: Part
    extractor: features.Extractor | None


class GeneratorsExam:
    """What sets of images ask (see `Exam`) of each thing that remains: samples beside held-out images, classes of held-out
    images, held-out images there and back.

    Between two sets, what is called "..._b" is asked on B, with A's classes; all else on A, or on the only set.
    """

    def __init__(self, data: ImageSet | ImagePair) -> None:
        self._data = data

    def look(self, remains: Mapping[str, object], *, part: Part, extractor: features.Extractor | None = None) -> Look:
        scores: Scores = {}
        seen: dict[str, Seen] = {}
        counts: dict[str, int] = {}
        for name, product in remains.items():
            asked = self._asked(name, part, extractor)
            if not len(asked.inputs):
                continue
            match product:
                case Sampler():
                    reader = remains.get(name.replace("sampler", "classifier"))
                    found = _of_sampler(name, product, asked, reader if isinstance(reader, Classifier) else None)
                case Classifier() if product.classes and bool((asked.classes != UNKNOWN).any()):
                    found = _of_classifier(name, product, asked)
                case Autoencoder():
                    found = _of_autoencoder(name, product, asked)
                case _:  # a discriminator that knows no classes
                    continue
            scores[name], looked = found
            seen |= looked
            counts[name] = len(asked.inputs)
        return Look(scores, self.rows(remains, part=part), seen, counts, self._chooses(remains))

    def rows(self, remains: Mapping[str, object], *, part: Part) -> list[tuple[str, Tensor]]:
        """A sheet's rows: samples, of each class where there are classes, above held-out images; or images there and back."""
        rows: list[tuple[str, Tensor]] = []
        for name, product in remains.items():
            asked = self._asked(name, part, None)
            held = asked.inputs
            if len(held) and isinstance(product, Sampler):
                rows += [*_sampled(name, product, part), (f"held-out {self._name_of(name)}", held[:SHOWN])]
                if part == "test" and isinstance(self._data, ImageSet):
                    rows += _beside_nearest(product, asked)
            elif len(held) and isinstance(product, Autoencoder):
                back = product.reconstruct(held[: 3 * SHOWN])
                for few in (slice(row, row + SHOWN) for row in range(0, len(back), SHOWN)):
                    rows += [("held-out images", held[few]), ("rebuilt", back[few])]
        return _by_turns(rows) if isinstance(self._data, ImagePair) else rows

    @property
    def disjoint(self) -> bool:
        return self._data.held_out >= FEWEST

    def _chooses(self, remains: Mapping[str, object]) -> bool:
        """Whether the best checkpoint may be chosen: not by classes of which the game is told few."""
        first = next(iter(remains.values()), None)
        told = self._data.told if isinstance(self._data, ImageSet) else self._data.a.told
        return not (isinstance(first, Classifier) and bool((told == UNKNOWN).any()))

    def _asked(self, name: str, part: Part, extractor: features.Extractor | None) -> _Asked:
        one, classes = self._set_of(name)
        pixels = one.test.pixels
        rows = rows_of(pixels, part, most=_most(pixels))
        held, train = images.to_tensor(pixels[rows]), one.train.pixels
        height, width = one.images.size
        top, left = ((train.shape[axis] - side) // 2 for axis, side in ((1, height), (2, width)))
        train = train[:, top : top + height, left : left + width]  # training images may be larger: they are cropped
        some = slice(0, None, max(1, len(train) // max(1, len(held))))
        few, known = images.to_tensor(train[some][: len(held)]), torch.from_numpy(one.train_classes[some][: len(held)])
        return _Asked(held, torch.from_numpy(classes[rows]), few, known, train, part, extractor)

    def _name_of(self, name: str) -> str:
        return "images" if isinstance(self._data, ImageSet) else self._data.domains[name.endswith("_b")]

    def _set_of(self, name: str) -> tuple[ImageSet, Values]:
        if isinstance(self._data, ImageSet):
            return self._data, self._data.test_classes
        if name.endswith("_b"):
            return self._data.b, self._data.test_classes_b
        return self._data.a, self._data.a.test_classes


def untouched(pixels: Pixels) -> slice:
    """The held-out images [N, ...] at which no run looks while it trains: all but the first ones; all of few, which have to serve
    for both.
    """
    rows = rows_of(pixels, "validation", most=_most(pixels))
    return slice(rows.stop if rows.start is None else 0, None)


def _most(pixels: Pixels) -> int:
    """Images that choose the best checkpoint, at the most."""
    return min(512, max(64, VALIDATION_VALUES // max(1, pixels[:1].size)))


_Found = tuple[dict[str, dict[str, float]], dict[str, Seen]]
"""Scores by method, and what the doctor should see, by names."""


def _of_sampler(name: str, sampler: Sampler, asked: _Asked, reader: Classifier | None) -> _Found:
    count, real = min(len(asked.inputs), MOST_COMPARED), asked.inputs[:MOST_COMPARED]
    classes = None
    if sampler.classes:  # as many of each class as there are among the real ones
        turns = torch.arange(count) % len(sampler.classes)
        classes = torch.where(asked.classes[:count] == UNKNOWN, turns, asked.classes[:count])
    made = sampler.generate(sampler.draw(count, seed=SEEDS[asked.part]), classes)
    scores = {"generated": _likeness(real, made, asked), "training images": _likeness(real, asked.train[:MOST_COMPARED], asked)}
    if asked.part == "test":
        scores["generated"] |= _copied(made, asked)
        if classes is not None:
            scores["generated"] |= _alike(made, classes)
            scores["training images"] |= _alike(asked.train, asked.train_classes)
    if reader is not None and classes is not None:
        scores["generated"]["class error, own reading"] = float((reader.scores(made).argmax(dim=1) != classes).float().mean())
    seen: dict[str, Seen] = {name: (None, made, real)}
    if classes is not None:
        seen |= _by_class(sampler.classes, (made, classes), (real, asked.classes[:count]))
    return scores, seen


def _by_class(names: Sequence[str], made: tuple[Tensor, Tensor], real: tuple[Tensor, Tensor]) -> dict[str, Seen]:
    """Samples and real images, each with their classes, class by class: a generator may give one image for each."""
    seen: dict[str, Seen] = {}
    for index, name in enumerate(names):
        of_class, of_real = (x[classes == index] for x, classes in (made, real))
        if min(len(of_class), len(of_real)) >= FEWEST_OF_CLASS:
            seen[f"class {name}"] = (None, of_class, of_real)
    return seen


def _likeness(real: Tensor, made: Tensor, asked: _Asked) -> dict[str, float]:
    """How like real images others are as a set. Measures of pixels and features are for the report: they take time."""
    scores: dict[str, float] = {}
    if len(made) < 2 or len(real) < 2:
        return scores
    if min(real.shape[2:]) >= SMALLEST:
        scores["swd"] = distribution.sliced_wasserstein(real, made)
    scores["diversity"] = distribution.diversity(made)
    if asked.part == "test" and min(len(real), len(made)) > NEIGHBOURS and real.shape[1] in (1, 3):
        extractors = [features.pixels(real.shape[1:]), *([] if asked.extractor is None else [asked.extractor])]
        for extractor in extractors:
            scores |= features.evaluate_distribution(real, made, extractor=extractor)
    return scores


def _copied(made: Tensor, asked: _Asked) -> dict[str, float]:
    """Whether samples lie nearer to the training images than held-out images do (Meehan et al. 2020), by their pixels."""
    made, held = made[:COPIES], asked.inputs[-COPIES:]
    if min(len(made), len(held)) <= neighbours.ENOUGH_IN_CELL:
        return {}
    white = WHITE[images.depth_of(asked.pixels)]
    found = neighbours.copying(_levels(made, white), held_out=_levels(held, white), train=_tensor(asked.pixels))
    return {"nearer to training images": found.nearer, "copying": found.z}


def _beside_nearest(sampler: Sampler, asked: _Asked) -> list[tuple[str, Tensor]]:
    """Samples above the training image that is nearest to each, in pixels."""
    made = sampler(SHOWN, seed=SEEDS[asked.part])
    levels = _levels(made, WHITE[images.depth_of(asked.pixels)])
    places = neighbours.nearest(levels, _tensor(asked.pixels)).indices[:, 0].numpy()
    return [("samples", made), ("the nearest training image to each, in pixels", images.to_tensor(asked.pixels[places]))]


def _levels(x: Tensor, white: float) -> Tensor:
    """Images [N, C, H, W] in [-1, 1] as pixels are [N, H, W, C], but not rounded."""
    return (x.movedim(1, -1) + 1) * (white / 2)


def _tensor(pixels: Pixels) -> Tensor:
    """The same memory as a tensor, which is only read."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(pixels)


def _alike(x: Tensor, classes: Tensor) -> dict[str, float]:
    """How alike images of one class are: MS-SSIM of random pairs, the mean over classes (Odena et al. 2017, section 4.2)."""
    counts = {index: int((classes == index).sum()) for index in classes.unique().tolist() if index != UNKNOWN}
    enough = [index for index, count in counts.items() if count > 1]
    if not enough or min(x.shape[2:]) < paired.SSIM_WINDOW:
        return {}
    chosen = torch.isin(classes, torch.tensor(enough))
    found = diversity.within_class_similarity(x[chosen], classes[chosen], pairs=PAIRS)
    return {"ms-ssim within classes": sum(found.values()) / len(found)}


def _sampled(name: str, sampler: Sampler, part: Part) -> Iterator[tuple[str, Tensor]]:
    """Rows of samples: one for each class, or four."""
    seed = SEEDS[part]
    if not sampler.classes:
        for row in range(4):
            yield name, sampler(SHOWN, seed=seed, first=row * SHOWN)
    for index, called in list(enumerate(sampler.classes))[:MOST_ROWS]:
        yield called, sampler(SHOWN, class_=index, seed=seed, first=index * SHOWN)


def _of_classifier(name: str, classifier: Classifier, asked: _Asked) -> _Found:
    known = asked.classes != UNKNOWN
    truth = asked.classes[known]
    said = classifier.scores(asked.inputs[known]).argmax(dim=1)
    most = int(truth.mode().values)
    scores = {
        "read": {"class error": float((said != truth).float().mean())},
        "guessing": {"class error": float((truth != most).float().mean())},
    }
    return scores, {}


def _of_autoencoder(name: str, autoencoder: Autoencoder, asked: _Asked) -> _Found:
    back = autoencoder.reconstruct(asked.inputs)
    average = asked.train.mean(dim=0, keepdim=True).expand_as(asked.inputs)
    scores = {
        method: {
            "reconstruction error": mean(paired.mean_absolute_error, answer, asked.inputs),
            "squared error": float((answer - asked.inputs).div(paired.FULL_RANGE).square().mean()),
            "psnr": mean(paired.psnr, answer, asked.inputs),
        }
        for method, answer in (("rebuilt", back), ("mean image", average))
    }
    return scores, {name: (None, back, asked.inputs)}


def _by_turns(rows: Sequence[tuple[str, Tensor]]) -> list[tuple[str, Tensor]]:
    """The rows of two samplers, side by side: what one noise makes of both stands one above the other."""
    half = len(rows) // 2
    if len(rows) % 2 or any(a[1].shape[2:] != b[1].shape[2:] for a, b in zip(rows[:half], rows[half:], strict=True)):
        return list(rows)
    return [row for pair in zip(rows[:half], rows[half:], strict=True) for row in pair]
