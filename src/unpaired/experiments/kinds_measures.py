"""How translations between two kinds of things are judged where no picture has a right answer.

By the crowd that they are to belong to (read as it, spread as it, as varied as it, no copies of it), and by the way back.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from unpaired import images
from unpaired.data.image_set import open_image_set
from unpaired.data.sets.table import folder_of
from unpaired.data.store import cache_folder
from unpaired.experiments.classifier import Classifier, Lessons, taught
from unpaired.metrics import neighbours, paired, relation
from unpaired.metrics.distribution import diversity, kernel_distance
from unpaired.metrics.features import Extractor, pixels
from unpaired.options import DataOptions

READ, NEAREST, TOO_NEAR, VARIETY = "read as target", "nearest", "too near", "variety"
FOUND, AGAIN, AGAIN_NOISE, RECONSTRUCTION = "found", "found again", "found again, noise", "reconstruction"
NOISE = 0.1
"""Standard deviation of the noise, on [-1, 1], that hides what a translation tells in faint traces alone (Chu et al. 2017)."""
FEW = 0.01
"""The share of held-out images that are nearest to training images: what lies nearer than all but these is too near."""
OTHERS = "others"

Row = dict[str, float]


class Judge(NamedTuple):
    """What reads kinds. classifier: taught on real training images alone; kinds: the names of what it tells apart; name: of the
    set that it was taught on.
    """

    classifier: Classifier
    kinds: tuple[str, ...]
    name: str

    @torch.no_grad()
    def read(self, x: Tensor) -> Tensor:
        """Indices of kinds, int64 [N], of images [N, 1, H, W] in [-1, 1]."""
        return self.classifier.values(x)[:, 0]

    def shares(self, x: Tensor, kinds: Sequence[str]) -> Row:
        """The share of images that are read as each of these kinds, and as others."""
        read = self.read(x)
        found = {kind: float((read == self.kinds.index(kind)).double().mean()) for kind in kinds}
        return {**{kind: round(share, 4) for kind, share in found.items()}, OTHERS: round(1 - sum(found.values()), 4)}

    def extractor(self) -> Extractor:
        """What it sees before it answers, as features of grey images."""
        inner = self.classifier.answer.in_features
        return Extractor(
            f"{self.name}-classifier", inner, lambda x: self.classifier.features(x[:, :1]).flatten(1), batch_size=256
        )


def judge_of(name: str, options: DataOptions, *, lessons: Lessons) -> Judge:
    """A judge taught on the training images of a named set with classes."""
    data = open_image_set((str(folder_of(name, size=options.size, cache=cache_folder())),), options)
    x, classes = images.to_tensor(data.train.pixels), torch.from_numpy(data.train_classes)
    return Judge(taught(x, classes[:, None], classes=(len(data.classes),), lessons=lessons), data.classes, name)


class Crowd:
    """The domain that translations are to belong to.

    held_out: its held-out images; train: those that were trained on; kinds: how the judge calls what is in it.
    All images [N, 1, H, W] in [-1, 1].
    """

    def __init__(self, held_out: Tensor, train: Tensor, *, judge: Judge, kinds: Sequence[str]) -> None:
        self._held_out, self._train = held_out, train
        self._judge, self._kinds = judge, kinds
        shape = (held_out.shape[1], held_out.shape[2], held_out.shape[3])
        self._extractors = (judge.extractor(), pixels(shape))
        self._features = [extractor(held_out) for extractor in self._extractors]
        self._distances = neighbours.nearest(held_out, train).distances[:, 0]
        self._variety = diversity(held_out)

    def scores(self, x: Tensor) -> Row:
        """Of images: the share read as a kind of the crowd's; KID to the held-out ones; the median distance to the nearest
        training image, and the mean distance between two of them, each by that of held-out ones; the share that lies nearer to
        a training image than all but a hundredth of held-out ones.
        """
        distances = neighbours.nearest(x, self._train).distances[:, 0]
        return {
            READ: 1 - self._judge.shares(x, self._kinds)[OTHERS],
            **self.distances(x),
            NEAREST: float(distances.median() / self._distances.median()),
            TOO_NEAR: float((distances < self._distances.quantile(FEW)).double().mean()),
        }

    def distances(self, x: Tensor) -> Row:
        """Of images: KID to the held-out ones, by each kind of features, and the mean distance between two."""
        found = {
            f"kid[{extractor.name}]": kernel_distance(real, extractor(x)).mean
            for extractor, real in zip(self._extractors, self._features, strict=True)
        }
        return {**found, VARIETY: diversity(x) / self._variety}

    def some_of_training(self, count: int) -> Tensor:
        """So many training images, from all over them."""
        return spread(self._train, count)

    def suspects(self, x: Tensor, *, count: int) -> list[tuple[str, Tensor]]:
        """Rows of a sheet: the images that lie nearest to training images, and those."""
        found = neighbours.nearest(x, self._train)
        rows = found.distances[:, 0].argsort()[:count]
        return neighbours.neighbour_rows(x[rows], train=self._train, indices=found.indices[rows])


def kept(inputs: Tensor, made: Tensor, back: Callable[[Tensor], Tensor] | None) -> Row:
    """What is left of the inputs [N, 1, H, W] in their translations, and in what leads back from these.

    The share of inputs that are nearest to their own translation among all inputs; where there is a way back the error of the
    reconstructions, and the share of inputs found by them, and by those of translations with noise.
    """
    row = {FOUND: _found(made, inputs)}
    if back is None:
        return row
    again = back(made)
    chance = torch.Generator().manual_seed(0)
    noisy = (made + NOISE * torch.randn(made.shape, generator=chance)).clamp(-1, 1)
    return {
        **row,
        RECONSTRUCTION: float(paired.mean_absolute_error(again, inputs).mean()),
        AGAIN: _found(again, inputs),
        AGAIN_NOISE: _found(back(noisy), inputs),
    }


def spread(x: Tensor, count: int) -> Tensor:
    """So many rows of x, from all over it; all where there are no more."""
    return x[[index * len(x) // count for index in range(count)]] if count < len(x) else x


def as_in_files(x: Tensor) -> Tensor:
    """Images rounded to 8 bits: what is told in less is lost."""
    return images.to_tensor(images.to_uint8(x))


def mean_of(rows: Sequence[Mapping[str, float]]) -> Row:
    """Of each measure the mean over rows that have the same ones."""
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}


def _found(x: Tensor, inputs: Tensor) -> float:
    return relation.retrieval(x, inputs, k=(1,))["top-1"]
