"""Watches a run and says in words what goes wrong and what to try.

`examine` judges one look at held-out images, `Doctor` keeps what it takes to tell a sickness from a bad moment. Losses
that are not finite are no matter for words: the trainer rolls the run back (`Trainer._roll_back`).

Every threshold errs towards silence, since a warning that cries wolf is read once. They were set on drawn faces with
their exact counterfactuals (what a perfect translator returns) and on small games played to their end; the numbers seen
there stand beside them, and `tests/engine/test_doctor.py` plays both sides of each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from unpaired.metrics.distribution import diversity, sliced_wasserstein
from unpaired.metrics.paired import FULL_RANGE

COLLAPSE = "mode collapse"
COPY = "copies its input"
INVERSION = "inverted colours"
DISCRIMINATOR = "discriminator wins"

Makes = Literal["translations", "samples"]

FEWEST = 8
"""Images of a kind below which nothing is said of a set: half of them must still be a set."""
COARSE = 16
"""Sets are compared at this many pixels a side. Averaging pixels cannot enlarge a difference, but it cancels the noise
of small sets: against that of 64 faces at 64 px, what lies between dark and blond hair about doubles."""
FAINTEST = 0.005
"""A difference just over a step of 8 bits, as a share of the full range: a set that varies less holds one image."""

SMALLEST = 8
"""Pixels a side that the sliced Wasserstein distance's patches need."""

LITTLE_VARIETY = 0.2
"""Of the variety of inputs or targets, whichever vary less. Perfect translations of faces have 0.8 to 2 times as much,
small games in good health 1 and more, collapsed ones under 0.15. The blurred mean face of a young generator has 0.1 to
0.4 and can go either way: hence not more, and hence the patience below."""
DOMAINS_APART = 1.5
"""Nearer than this many times the distance of two halves of one domain, the domains are too alike to say what a
translation must change: of 64 faces each, with and without glasses lie at 0.7 to 1, dark and blond at 2 to 3.9."""
TOO_LITTLE_CHANGE = 0.5
"""Of the change that no translation can do without (`_least_change`); 0.95 and more in perfect ones, whose sets are not
each other's exact images."""
NO_NEARER = 0.9
"""Outputs that come a tenth nearer to the targets than the inputs are do translate, however little they change."""
OPPOSED = -0.3
"""Median correlation of brightness before and after: 0.8 for dark hair turned blond, from -0.1 to 0.2 for a young
encoder-decoder, -1 for an exact inversion."""
SAME_WAY_ROUND = 0.8
"""The targets must be this much nearer to the inputs' brightness than to its inverse before an inversion counts as a
fault. Faces lie at 0.1 to 0.3, black digits to be made white far above 1, and at 1 either way is as good."""
OUTRIGHT = 0.05
"""Of the loss at chance: a discriminator that gives every image odds of 28 to 1 (non-saturating), of which a generator
learns next to nothing. Against an idle generator the loss fell under 0.01 of chance, in healthy games to 0.15."""


class Finding(NamedTuple):
    """What is wrong. sign: one of the four names above; where: a direction ("a_to_b") or a loss ("discriminators/a").

    says: what is seen, against what; tries: what to do about it. A sentence each.
    """

    sign: str
    where: str
    says: str
    tries: str


class Patience(NamedTuple):
    """How long a sign must last before it is said: so many looks in a row, over so many steps of training."""

    looks: int
    steps: int


PATIENCE: Mapping[str, Patience] = {
    # An untrained generator paints one grey, and a young one often the mean face: every healthy run begins collapsed.
    COLLAPSE: Patience(looks=3, steps=1000),
    # Discriminators learn faster than generators, which catch up later or not at all.
    DISCRIMINATOR: Patience(looks=3, steps=500),
    COPY: Patience(looks=2, steps=200),
    INVERSION: Patience(looks=2, steps=200),
}

_TRIES: Mapping[str, str] = {
    COLLAPSE: (
        "Try a larger --batch, --gan least_squares, or a game in which every image must find back: discogan, with "
        "--form 'paper(reconstruction=10)' if it is discogan already, or stargan with a larger --reconstruction."
    ),
    COPY: (
        "Try a smaller weight of the reconstruction (--form 'paper(reconstruction=0.1)' in discogan, --reconstruction "
        "0.1 in reconstruction-gan, --reconstruction 5 in stargan, which may want a larger --classification too), or "
        "--discriminator 'patch(layers=2)', which sees smaller changes."
    ),
    INVERSION: (
        "The way back undoes an inversion, so no reconstruction forbids it: try to begin anew with another --seed, the "
        "sooner the better, with a larger --batch or --jitter 0."
    ),
    DISCRIMINATOR: (
        "Try --gan least_squares, or wasserstein in stargan, --form 'authors(discriminator_every=3)' in discogan, which lets it "
        "move less often, --discriminator 'conv(width=32)', or, with few images, --jitter 0.3, so that it cannot know them by "
        "heart."
    ),
}


_TRIES_OF_SAMPLES: Mapping[str, str] = {
    COLLAPSE: (
        "Try a lower --learning-rate or a larger --batch; in gan and dcgan --packing 2, which lets the discriminator see a "
        "lack of variety, or --gan wasserstein with --discriminator 'dcgan(norm=\"none\")'."
    ),
    DISCRIMINATOR: (
        "Try a narrower discriminator or one that forgets, such as --discriminator 'dcgan(width=32, dropout=0.3)', or a lower "
        "--learning-rate."
    ),
}


def too_early(*, looks: int, steps: int, makes: Makes, against: bool) -> dict[str, Patience]:
    """The signs that cannot have lasted long enough to be said, with the patience that they ask for.

    looks: how often the doctor looked; steps: from the first look to the last. makes: as of `Doctor`; against: whether there is a
    discriminator.
    """
    signs = _TRIES if makes == "translations" else _TRIES_OF_SAMPLES
    asked = {sign: PATIENCE[sign] for sign in signs if against or sign != DISCRIMINATOR}
    return {sign: patience for sign, patience in asked.items() if looks < patience.looks or steps < patience.steps}


def examine(direction: str, *, inputs: Tensor, outputs: Tensor, targets: Tensor) -> list[Finding]:
    """What one look at held-out images shows; nothing is said of what cannot be compared.

    inputs: [N, C, H, W]; outputs: their translations; targets: unpaired real images of the domain that they should be
    in. All in [-1, 1]. The two domains may differ in channels and size: brightness is the mean over channels, copies
    are looked for where both agree. Values that are not finite are the trainer's to deal with, points have no looks.
    """
    kinds = (inputs, outputs, targets)
    if any(images.ndim != 4 or len(images) < FEWEST or not images.isfinite().all() for images in kinds):
        return []
    if says := _collapsed(*map(_coarse, kinds)):
        return [_finding(COLLAPSE, direction, says)]  # one image for all is neither a copy nor an inversion of any
    found = []
    if inputs.shape[1:] == outputs.shape[1:] == targets.shape[1:] and (says := _copied(*kinds)):
        found.append(_finding(COPY, direction, says))
    if inputs.shape[2:] == outputs.shape[2:] == targets.shape[2:] and (says := _inverted(*map(_coarse, kinds))):
        found.append(_finding(INVERSION, direction, says))
    return found


def examine_samples(name: str, *, outputs: Tensor, targets: Tensor) -> list[Finding]:
    """As `examine`, of images that are made of nothing: only whether they are all one image can be asked."""
    if any(images.ndim != 4 or len(images) < FEWEST or not images.isfinite().all() for images in (outputs, targets)):
        return []
    outputs, targets = _coarse(outputs), _coarse(targets)
    says = ""
    made, real = diversity(outputs), diversity(targets)
    if real > FAINTEST and made < LITTLE_VARIETY * real:
        says = f"Two samples differ by {made:.2%} of the full range on average, two real images by {real:.2%}."
    else:
        made, real = _nearest(outputs), _nearest(targets)
        if real > FAINTEST and made < LITTLE_VARIETY * real:
            says = (
                f"The samples are a few images over and over: each differs from the nearest other by {made:.2%} of the full "
                f"range on average, a real image by {real:.2%}."
            )
    return [Finding(COLLAPSE, name, says, _TRIES_OF_SAMPLES[COLLAPSE])] if says else []


class Doctor:
    """Sees a run now and then, and speaks when a sign has lasted (`PATIENCE`): once, until it has gone and come back.

    chance: each discriminator loss (`player/loss`) where the discriminator cannot tell real from fake. makes: what the game
    makes, on which the advice hangs.
    """

    def __init__(self, chance: Mapping[str, float], *, makes: Makes = "translations") -> None:
        self.chance = dict(chance)
        self._tries = _TRIES if makes == "translations" else _TRIES_OF_SAMPLES
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._lasting: dict[tuple[str, str], _Lasting] = {}

    def losses(self, means: Mapping[str, float]) -> None:
        """Note the mean losses of about a second, by `player/loss`."""
        for name in self.chance.keys() & means.keys():
            self._sums[name] = self._sums.get(name, 0.0) + means[name]
            self._counts[name] = self._counts.get(name, 0) + 1

    def look(self, step: int, samples: Mapping[str, tuple[Tensor | None, Tensor, Tensor]]) -> list[Finding]:
        """What is to be said at this step. samples: inputs, outputs, targets by direction, as `examine` takes them; inputs are
        None where outputs are made of nothing.
        """
        seen = [*self._winners()]
        for name, (inputs, outputs, targets) in samples.items():
            if inputs is None:
                seen += examine_samples(name, outputs=outputs, targets=targets)
            else:
                seen += examine(name, inputs=inputs, outputs=outputs, targets=targets)
        now = {(finding.sign, finding.where): finding for finding in seen}
        looked_at = {*samples, *self._counts}
        self._sums, self._counts = {}, {}
        # What was not looked at this time (a discriminator that did not move) neither lasts nor goes.
        self._lasting = {key: past for key, past in self._lasting.items() if key in now or key[1] not in looked_at}
        said = []
        for key, finding in now.items():
            past = self._lasting.setdefault(key, _Lasting(since=step))
            past.looks += 1
            patience = PATIENCE[finding.sign]
            if not past.said and past.looks >= patience.looks and step - past.since >= patience.steps:
                past.said = True
                said.append(finding)
        return said

    def _winners(self) -> list[Finding]:
        means = {name: total / self._counts[name] for name, total in self._sums.items()}
        return [
            Finding(
                DISCRIMINATOR,
                name,
                f"Its loss was {mean:.2g} since the last look, {mean / self.chance[name]:.1%} of the "
                f"{self.chance[name]:.3g} at which it cannot tell real from fake.",
                self._tries[DISCRIMINATOR],
            )
            for name, mean in means.items()
            if mean < OUTRIGHT * self.chance[name]
        ]


@dataclass
class _Lasting:
    """A sign that was there at the last look. since: the step at which it came."""

    since: int
    looks: int = 0
    said: bool = False


def _finding(sign: str, where: str, says: str) -> Finding:
    return Finding(sign, where, says, _TRIES[sign])


def _collapsed(inputs: Tensor, outputs: Tensor, targets: Tensor) -> str:
    """Hold the outputs against the less varied of inputs and targets.

    Of plain drawings no varied photographs can be asked, and of varied photographs no more than the plain domain has.
    """
    of_inputs, of_outputs, of_targets = map(diversity, (inputs, outputs, targets))
    least = min(of_inputs, of_targets)
    if least > FAINTEST and of_outputs < LITTLE_VARIETY * least:
        return (
            f"Two outputs differ by {of_outputs:.2%} of the full range on average, two targets by {of_targets:.2%}, "
            f"two inputs by {of_inputs:.2%}."
        )
    # Of two images in turn, two outputs still differ half as much as they should on average: but each has a twin.
    of_inputs, of_outputs, of_targets = map(_nearest, (inputs, outputs, targets))
    least = min(of_inputs, of_targets)
    if least > FAINTEST and of_outputs < LITTLE_VARIETY * least:
        return (
            f"The outputs are a few images over and over: each differs from the nearest other by {of_outputs:.2%} of "
            f"the full range on average, a target by {of_targets:.2%}, an input by {of_inputs:.2%}."
        )
    return ""


def _copied(inputs: Tensor, outputs: Tensor, targets: Tensor) -> str:
    """Hold the change against the least that any translation makes; then ask whether it helped all the same."""
    if min(inputs.shape[2:]) < SMALLEST:
        return ""
    coarse_inputs, coarse_targets = _coarse(inputs), _coarse(targets)
    apart = _least_change(coarse_inputs, coarse_targets)
    noise = max(_least_change(images[::2], images[1::2]) for images in (coarse_inputs, coarse_targets))
    change = ((outputs.float() - inputs.float()).abs().mean() / FULL_RANGE).item()
    if apart < DOMAINS_APART * noise or change >= TOO_LITTLE_CHANGE * (apart - noise):
        return ""
    before, after = sliced_wasserstein(targets, inputs), sliced_wasserstein(targets, outputs)
    if after < NO_NEARER * before:
        return ""
    return (
        f"Outputs differ from their inputs by {change:.2%} of the full range, where no translation could do with less "
        f"than {apart - noise:.2%}, and are no nearer to the targets (sliced Wasserstein distance {after:.2f}, inputs "
        f"{before:.2f})."
    )


def _inverted(inputs: Tensor, outputs: Tensor, targets: Tensor) -> str:
    """Ask first whether dark turns bright, then whether it should: black digits may well have to become white."""
    correlation = _correlation(inputs, outputs)
    if correlation is None or correlation >= OPPOSED:
        return ""
    # Without mean and contrast, since to brighten is not to invert. What is left is where a domain is bright, and
    # whether its few extreme pixels are bright or dark: both turn round where colours do.
    before, real = _standardised(inputs), _standardised(targets)
    as_it_is, inverse = _least_change(before, real), _least_change(-before, real)
    if as_it_is > SAME_WAY_ROUND * inverse:
        return ""
    return (
        f"Where the input is dark the output is bright (median correlation {correlation:.2f}), but the targets' "
        f"brightness is {inverse / max(as_it_is, 1e-6):.1f} times as far from the inverted inputs' as from the inputs'."
    )


def _least_change(x: Tensor, y: Tensor) -> float:
    """The mean absolute change, as a share of the full range, that any map from set x to set y makes at the very least.

    At each pixel the 1-D Wasserstein distance of the values of both sets, whose sizes may differ: no pairing whatever
    of these values has a smaller mean difference.
    """
    levels = (torch.arange(max(len(x), len(y))) + 0.5) / max(len(x), len(y))
    x, y = (images.sort(dim=0).values[(levels * len(images)).long()] for images in (x, y))
    return ((x - y).abs().mean() / FULL_RANGE).item()


def _nearest(images: Tensor) -> float:
    """Mean over the images of the mean absolute difference to the nearest other one, as a share of the full range."""
    flat = images.flatten(1)
    distances = torch.cdist(flat, flat, p=1.0).fill_diagonal_(torch.inf)
    return (distances.min(dim=1).values.mean() / flat.shape[1] / FULL_RANGE).item()


def _correlation(inputs: Tensor, outputs: Tensor) -> float | None:
    """Median over the images of the correlation of brightness before and after; None where most images are flat."""
    x, y = (images.mean(dim=1).flatten(1) for images in (inputs, outputs))
    x, y = x - x.mean(dim=1, keepdim=True), y - y.mean(dim=1, keepdim=True)
    structured = torch.minimum(x.abs().mean(dim=1), y.abs().mean(dim=1)) > FAINTEST * FULL_RANGE
    if 2 * structured.sum() < len(x):
        return None
    return F.cosine_similarity(x[structured], y[structured]).median().item()


def _standardised(images: Tensor) -> Tensor:
    """Brightness [N, H, W] of mean 0 and deviation 1 over the whole set."""
    brightness = images.mean(dim=1)
    return (brightness - brightness.mean()) / brightness.std().clamp_min(FAINTEST)


def _coarse(images: Tensor) -> Tensor:
    """At most COARSE pixels a side, float32, on the CPU."""
    height, width = images.shape[2:]
    return F.adaptive_avg_pool2d(images.detach().to("cpu", torch.float32), (min(COARSE, height), min(COARSE, width)))
