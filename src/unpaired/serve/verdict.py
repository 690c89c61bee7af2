"""What a test's answers say. Only whole blocks count, and only those whose controls show that the person looked.

Somebody who calls every picture fake gets every control right: such a block is left out too.
"""

import csv
import io
import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from unpaired.metrics.detection import Detection, Share, detection
from unpaired.serve.options import JudgeOptions
from unpaired.serve.trials import PRACTICE, Answer, Trial


class Given(NamedTuple):
    """An answer as it came."""

    answer: Answer | None
    """None: too late."""
    reaction_ms: float | None
    """From the moment that the picture appeared."""
    shown_ms: float | None
    """How long the browser had it on the screen."""
    times_shown: int
    """More than once where the page was loaded anew."""
    time: float
    """Seconds since 1970."""


class Block(NamedTuple):
    """How one block went."""

    number: int
    complete: bool
    controls: int
    controls_right: int
    left_out: str
    """Why it does not count; empty where it does."""


class Verdict(NamedTuple):
    """A test so far."""

    answered: int
    total: int
    blocks: tuple[Block, ...]
    scored: int
    """Answers that count."""
    late: int
    """Pictures of kept blocks that were not answered in time."""
    seen_twice: int
    """Answers of kept blocks that do not count as the picture was shown again."""
    detection: Detection
    median_reaction_ms: float
    """Of the answers that count; not-a-number where there are none."""
    confidence: float
    """Of the intervals, in (0, 1)."""

    @property
    def finished(self) -> bool:
        """Whether every picture was answered."""
        return self.answered == self.total


def judge_blocks(trials: Sequence[Trial], given: Sequence[Given], *, options: JudgeOptions) -> tuple[Block, ...]:
    """Which blocks count. `given` holds the answers of the first trials, in order."""
    result = []
    for number in range(1, options.blocks + 1):
        places = [index for index, trial in enumerate(trials) if trial.block == number]
        answers = [given[index].answer for index in places if index < len(given)]
        controls = [index for index in places if trials[index].kind == "control"]
        right = sum(given[index].answer == "fake" for index in controls if index < len(given))
        complete = len(answers) == len(places)
        reason = ""
        if not complete:
            reason = "not finished"
        elif right < len(controls) - options.forgiven:
            reason = f"{len(controls) - right} of {len(controls)} scrambled pictures were not called fake"
        elif controls and set(answers) == {"fake"}:
            reason = "every picture was called fake, as by a finger that rests on the key"
        result.append(Block(number, complete, len(controls), right, reason))
    return tuple(result)


def judge_answers(trials: Sequence[Trial], given: Sequence[Given], *, options: JudgeOptions) -> Verdict:
    """The verdict of the answers given so far, which are those of the first trials, in order."""
    blocks = judge_blocks(trials, given, options=options)
    kept = {block.number for block in blocks if not block.left_out}
    inside = [
        (trial, answer) for trial, answer in zip(trials, given, strict=False) if trial.block in kept and trial.kind != "control"
    ]
    counting = [(trial, answer) for trial, answer in inside if scored(answer)]
    table = {(kind, answer): 0 for kind in ("fake", "real") for answer in ("fake", "real")}
    for trial, answer in counting:
        table[trial.kind, str(answer.answer)] += 1
    reactions = [answer.reaction_ms for _, answer in counting if answer.reaction_ms is not None]
    return Verdict(
        answered=len(given),
        total=len(trials),
        blocks=blocks,
        scored=len(counting),
        late=sum(answer.answer is None for _, answer in inside),
        seen_twice=sum(answer.answer is not None and answer.times_shown > 1 for _, answer in inside),
        detection=detection(
            hits=table["fake", "fake"],
            misses=table["fake", "real"],
            false_alarms=table["real", "fake"],
            correct_rejections=table["real", "real"],
            confidence=options.confidence,
        ),
        median_reaction_ms=statistics.median(reactions) if reactions else math.nan,
        confidence=options.confidence,
    )


def scored(given: Given) -> bool:
    """Whether an answer counts, in a block that does: given in time, of a picture that was seen once."""
    return given.answer is not None and given.times_shown == 1


def answers_csv(trials: Sequence[Trial], given: Sequence[Given], *, options: JudgeOptions) -> str:
    """One row for each answer: what was shown, what was said, how fast, and whether it counts."""
    kept = {block.number for block in judge_blocks(trials, given, options=options) if not block.left_out}
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for index, (trial, answer) in enumerate(zip(trials, given, strict=False)):
        writer.writerow(
            [
                index,
                trial.block,
                "practice" if trial.block == PRACTICE else "test",
                trial.kind,
                trial.picture,
                answer.answer or "",
                "" if answer.answer is None else int(answer.answer == trial.truth),
                "" if answer.reaction_ms is None else round(answer.reaction_ms),
                "" if answer.shown_ms is None else round(answer.shown_ms),
                answer.times_shown,
                int(trial.block in kept),
                int(trial.block in kept and trial.kind != "control" and scored(answer)),
                round(answer.time, 3),
            ]
        )
    return stream.getvalue()


COLUMNS = (
    "trial",
    "block",
    "part",
    "kind",
    "picture",
    "answer",
    "right",
    "reaction_ms",
    "shown_ms",
    "times_shown",
    "block_counts",
    "counts",
    "time",
)


def sentences(verdict: Verdict) -> list[tuple[str, str, str]]:
    """The verdict in words, a row each: what, the number, its interval or what it is of. For the page and the command line."""
    found, percent = verdict.detection, f"{100 * verdict.confidence:g} %"
    rows = [
        ("Right answers", *_share(found.accuracy, percent, of="pictures")),
        ("Fakes called fake (hits)", *_share(found.hit_rate, percent, of="fakes")),
        ("Reals called fake (false alarms)", *_share(found.false_alarm_rate, percent, of="reals")),
        ("Fakes taken for real", *_share(found.fooled_rate, percent, of="fakes")),
    ]
    d_prime = found.d_prime
    if math.isnan(d_prime.value):
        rows.append(("d′", "–", "no answers that count"))
    else:
        rows.append(("d′", f"{d_prime.value:.2f}", f"{percent} interval {d_prime.low:.2f} to {d_prime.high:.2f}; 0 is chance"))
    if not math.isnan(verdict.median_reaction_ms):
        rows.append(
            ("Median time to answer", f"{verdict.median_reaction_ms / 1000:.2f} s", "from the moment the picture appears")
        )
    return rows


def conclusion(verdict: Verdict) -> str:
    """One sentence: whether fakes were told from reals."""
    d_prime = verdict.detection.d_prime
    if math.isnan(d_prime.value):
        return "No block counts, so nothing can be said."
    if d_prime.low > 0:
        return "The generated pictures were told from the real ones, better than by chance."
    if d_prime.high < 0:
        return "The generated pictures were taken for real more often than the real ones."
    if verdict.detection.accuracy.low > 1 / 2:
        return "Too few answers to say: more are right than by chance, but chance lies within the interval of d′."
    return "Nothing shows that the generated pictures can be told from the real ones: chance lies within the interval of d′."


def _share(share: Share, percent: str, *, of: str) -> tuple[str, str]:
    if not share.trials:
        return "–", "no answers that count"
    return (
        f"{100 * share.value:.0f} %",
        f"{percent} interval {100 * share.low:.0f} to {100 * share.high:.0f} %, of {share.trials} {of}",
    )
