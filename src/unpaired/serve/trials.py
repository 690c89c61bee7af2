"""Which picture comes when."""

import itertools
from typing import Literal, NamedTuple

import numpy as np

from unpaired.errors import DataError
from unpaired.serve.options import JudgeOptions

Kind = Literal["real", "fake", "control"]
Answer = Literal["real", "fake"]
PRACTICE = 0
"""The block of the pictures that do not count; the others count from 1."""


class Trial(NamedTuple):
    """One picture, shown once."""

    block: int
    kind: Kind
    picture: int
    """Which of the real pictures (of which controls are made too), or of the fakes."""

    @property
    def truth(self) -> Answer:
        """The right answer."""
        return "real" if self.kind == "real" else "fake"


def needed(options: JudgeOptions) -> int:
    """How many real and how many fake pictures a test takes, each of them once. Controls are made of more reals, where there
    are more.
    """
    return options.practice // 2 + options.blocks * ((options.block_size - options.controls) // 2)


def plan(options: JudgeOptions, *, reals: int, fakes: int) -> tuple[Trial, ...]:
    """All trials in order: practice, then block after block, each in a random order of its own.

    No picture comes twice, but a real one may come as a control as well, in pieces, where there are too few for others.
    DataError where there are fewer than `needed`.
    """
    wanted = needed(options)
    if min(reals, fakes) < wanted:
        raise DataError(
            f"found {reals} real and {fakes} fake pictures; wanted {wanted} of each for {options.blocks} blocks of "
            f"{options.block_size} and {options.practice} for practice: give more pictures, or ask for fewer or smaller blocks"
        )
    chance = np.random.default_rng(options.seed)
    all_reals, all_fakes = (chance.permutation(count).tolist() for count in (reals, fakes))
    real, fake = iter(all_reals), iter(all_fakes)
    controls = itertools.cycle(all_reals[wanted:] or all_reals)
    trials: list[Trial] = []
    for block in range(options.blocks + 1):
        practice = block == PRACTICE
        half = (options.practice if practice else options.block_size - options.controls) // 2
        members = [Trial(block, "real", next(real)) for _ in range(half)] + [
            Trial(block, "fake", next(fake)) for _ in range(half)
        ]
        members += [Trial(block, "control", next(controls)) for _ in range(0 if practice else options.controls)]
        trials += [members[place] for place in chance.permutation(len(members))]
    return tuple(trials)
