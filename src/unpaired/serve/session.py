"""A folder that holds one person's test: `session.jsonl`, `pictures/`, `answers.csv`, `verdict.json`.

Each event is a line that is on the disk before the page hears of it, so a closed browser, a killed server or a power cut
costs the picture on the screen at the most. A picture that was shown again because of that does not count.

Events: session (first: options, trials, what the fake pictures are, a fingerprint of all), shown, answer.
"""

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from unpaired.config import from_dict, to_dict
from unpaired.errors import RunError, ShapeError
from unpaired.files import replacing, to_json, write_json
from unpaired.serve.options import JudgeOptions
from unpaired.serve.pictures import Picture, as_pictures, png, scrambled
from unpaired.serve.trials import Answer, Trial, plan
from unpaired.serve.verdict import Given, Verdict, answers_csv, conclusion, judge_answers, sentences

SESSION = "session.jsonl"
FORMAT = 1


class WrongMoment(Exception):
    """A picture or an answer that is not due: another page of this test has gone on."""


class Session:
    """A test as far as it has come. Not for several threads at once: the server has a lock."""

    def __init__(self, folder: Path) -> None:
        """Open the test in `folder`. RunError where there is none, or it is of another version."""
        self.folder = folder
        self._path = folder / SESSION
        first, *events = _read(self._path)
        if first.get("event") != "session" or first.get("format") != FORMAT:
            raise RunError(f"{self._path} is not a test of this version; take another folder")
        self.options: JudgeOptions = from_dict(JudgeOptions, first["options"], where=str(self._path))
        self.trials = tuple(Trial(*trial) for trial in first["trials"])
        self.fingerprint: str = first["pictures"]
        self.what, self.part = _about(first)
        self.given: list[Given] = []
        self._shown = 0
        for event in events:
            self._take(event)
        self._file = self._path.open("ab", buffering=0)

    @property
    def due(self) -> int:
        """The trial whose answer comes next; the number of trials where all are answered."""
        return len(self.given)

    @property
    def finished(self) -> bool:
        """Whether every picture was answered."""
        return self.due == len(self.trials)

    def picture(self, index: int) -> bytes:
        """The PNG of the trial that is due, noted as shown. WrongMoment for any other."""
        if index != self.due or self.finished:
            raise WrongMoment(f"picture {index} is not due, but {self.due}")
        content = picture_path(self.folder, index).read_bytes()
        self._note({"event": "shown", "trial": index})
        return content

    def answer(self, index: int, answer: Answer | None, *, reaction_ms: float | None, shown_ms: float | None) -> None:
        """Note the answer (None: too late) to the picture on the screen. WrongMoment where that is another one.

        The answer to the last one may come twice, as a page that never heard back sends it again.
        """
        if 0 <= index == self.due - 1 and not self._shown and self.given[-1].answer == answer:
            return
        if index != self.due or self.finished or not self._shown:
            raise WrongMoment(f"no answer to picture {index} is due, but to {self.due}")
        self._note({"event": "answer", "trial": index, "answer": answer, "reaction_ms": reaction_ms, "shown_ms": shown_ms})
        if self.finished or self.trials[self.due].block != self.trials[index].block:
            self.write_results()

    def verdict(self) -> Verdict:
        """What the answers so far say."""
        return judge_answers(self.trials, self.given, options=self.options)

    def write_results(self) -> None:
        """Write `answers.csv` and `verdict.json` of the answers so far."""
        with replacing(self.folder / "answers.csv") as temporary:
            temporary.write_text(answers_csv(self.trials, self.given, options=self.options), encoding="utf-8")
        write_json(self.folder / "verdict.json", as_json(self.verdict()))

    def close(self) -> None:
        """Write the results and let go of the file."""
        self.write_results()
        self._file.close()

    def _note(self, event: dict[str, Any]) -> None:
        event = {**event, "time": round(time.time(), 3)}
        self._file.write((to_json(event) + "\n").encode())
        os.fsync(self._file.fileno())
        self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        if event.get("trial") != self.due or event.get("event") not in (("shown", "answer") if self._shown else ("shown",)):
            raise RunError(f"{self._path} is damaged: found {event} where picture {self.due} was due; take another folder")
        if event["event"] == "shown":
            self._shown += 1
        else:
            said = (event["answer"], event["reaction_ms"], event["shown_ms"])
            self.given.append(Given(*said, times_shown=self._shown, time=event["time"]))
            self._shown = 0


def open_session(
    folder: Path,
    *,
    real: Tensor | Sequence[bytes] | None = None,
    fake: Tensor | Sequence[bytes] | None = None,
    options: JudgeOptions | None = None,
    what: str = "",
    part: str | None = None,
) -> Session:
    """The test in `folder`, begun with these pictures where there is none yet.

    real, fake: images [N, C, H, W] in [-1, 1], or encoded files, of one size, a few more than `trials.needed` says; None
    for a test that was begun before. options None: the defaults, or those that the test was begun with. what: the fake pictures
    in words; part: their name among those of a run, None for whichever the test was begun with. Both are kept with a new test.

    RunError where the folder holds a test of other pictures, part or options; DataError, ShapeError and UnreadableImages where
    the pictures do not do.
    """
    begun = (folder / SESSION).exists()
    if real is None or fake is None:
        if not begun:
            raise RunError(f"{folder} holds no test to go on with; give the real and the fake pictures of a new one")
    elif not begun:
        pictures = as_pictures(real, what="real"), as_pictures(fake, what="fake")
        _begin(folder, *pictures, options or JudgeOptions(), about={"what": what, "part": part})
    session = Session(folder)
    if None not in (part, session.part) and part != session.part:
        raise RunError(f"{folder} holds a test of '{session.part}', not of '{part}'; go on with that, or take another folder")
    if options is not None and options != session.options:
        theirs = to_dict(session.options)
        differing = ", ".join(f"{key}={theirs[key]}" for key, value in to_dict(options).items() if theirs[key] != value)
        raise RunError(f"{folder} holds a test with {differing}; go on with that, or take another folder")
    if begun and real is not None and fake is not None:
        found = _fingerprint(as_pictures(real, what="real"), as_pictures(fake, what="fake"))
        if found != session.fingerprint:
            raise RunError(f"{folder} holds a test of other pictures; give those, or none, to go on, or take another folder")
    return session


def what_of(folder: Path) -> str:
    """What the fake pictures of the test in `folder` are, as `open_session` was told; "" where nobody said. RunError where there
    is no test.
    """
    path = folder / SESSION
    try:
        with path.open("rb") as file:
            return _about(json.loads(file.readline()))[0]
    except FileNotFoundError:
        raise RunError(f"there is no test at {path}") from None
    except ValueError as error:
        raise RunError(f"{path} is damaged: {error}; take another folder") from None


def as_json(verdict: Verdict) -> dict[str, Any]:
    """The verdict for `verdict.json` and for the page."""
    found = verdict.detection
    return {
        "finished": verdict.finished,
        "answered": verdict.answered,
        "total": verdict.total,
        "scored": verdict.scored,
        "late": verdict.late,
        "seen_twice": verdict.seen_twice,
        "confidence": verdict.confidence,
        "accuracy": found.accuracy._asdict(),
        "hit_rate": found.hit_rate._asdict(),
        "false_alarm_rate": found.false_alarm_rate._asdict(),
        "fooled_rate": found.fooled_rate._asdict(),
        "d_prime": found.d_prime._asdict(),
        "criterion": found.criterion,
        "median_reaction_ms": verdict.median_reaction_ms,
        "blocks": [block._asdict() for block in verdict.blocks],
        "conclusion": conclusion(verdict),
        "sentences": sentences(verdict),
    }


def picture_path(folder: Path, index: int) -> Path:
    """Where the picture of a trial lies; its name does not tell what it is."""
    return folder / "pictures" / f"{index:04}.png"


def _about(first: Mapping[str, Any]) -> tuple[str, str | None]:
    """What the fake pictures are, and their part of a run; tests of the first versions did not keep it."""
    return first.get("what", ""), first.get("part")


def _begin(
    folder: Path, real: list[Picture], fake: list[Picture], options: JudgeOptions, *, about: Mapping[str, str | None]
) -> None:
    """Write the pictures of a new test, then its first line, which makes it one. about: see `_about`."""
    trials = plan(options, reals=len(real), fakes=len(fake))
    if real[0].shape != fake[0].shape:
        sizes = " and ".join(f"{picture.shape[1]} x {picture.shape[0]}" for picture in (real[0], fake[0]))
        raise ShapeError(f"found real and fake pictures of {sizes} pixels; wanted one size: it would tell them apart")
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    for index, trial in enumerate(trials):
        match trial.kind:
            case "control":
                shown = scrambled(real[trial.picture], seed=options.seed + index)
            case "real":
                shown = real[trial.picture]
            case "fake":
                shown = fake[trial.picture]
        picture_path(folder, index).write_bytes(png(shown))
    first = {
        "event": "session",
        "format": FORMAT,
        "time": round(time.time(), 3),
        "options": to_dict(options),
        **about,
        "pictures": _fingerprint(real, fake),
        "trials": [list(trial) for trial in trials],
    }
    with replacing(folder / SESSION) as temporary:
        temporary.write_text(to_json(first) + "\n", encoding="utf-8")


def _fingerprint(real: list[Picture], fake: list[Picture]) -> str:
    digest = hashlib.sha256()
    for pictures in (real, fake):
        digest.update(f"{len(pictures)} {pictures[0].shape if pictures else ()}".encode())
        for picture in pictures:
            digest.update(picture.tobytes())
    return digest.hexdigest()


def _read(path: Path) -> list[dict[str, Any]]:
    """The events; what a killed server has left of a last line goes: nobody was told of it."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise RunError(f"there is no test at {path}; give the real and the fake pictures of a new one") from None
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
    try:
        return [json.loads(line) for line in content[:whole].splitlines()] or [{}]
    except ValueError as error:
        raise RunError(f"{path} is damaged: {error}; take another folder") from None
