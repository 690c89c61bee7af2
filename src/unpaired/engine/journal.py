"""What a run tells: one JSON object a line in `journal.jsonl`, and TensorBoard events where asked for."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from unpaired.errors import MissingDependency
from unpaired.files import to_json


class Journal:
    """Appends events to a run's journal. Every event has `event`, `time` (seconds since 1970) and, mostly, `step`.

    Events: start, resume, steps (mean losses since the last such event), evaluation, finding, rollback, end.
    """

    def __init__(self, folder: Path, *, tensorboard: bool = False) -> None:
        self.path = folder / "journal.jsonl"
        self._file = self.path.open("a", encoding="utf-8")
        if self.path.read_bytes()[-1:] not in (b"", b"\n"):  # a killed run may have left half a line
            self._file.write("\n")
        self._board = _board(folder / "tensorboard") if tensorboard else None

    def write(self, event: str, **values: Any) -> None:
        """Append one event, flushed at once. On a full disk events may be lost: they are not worth a run."""
        with suppress(OSError):
            self._file.write(to_json({"event": event, "time": round(time.time(), 3), **values}) + "\n")
            self._file.flush()
        if self._board is not None and "step" in values:
            for name, value in _scalars(values):
                self._board.add_scalar(f"{event}/{name}", value, values["step"])

    def close(self) -> None:
        with suppress(OSError):
            self._file.close()
        if self._board is not None:
            self._board.close()


def read(folder: Path) -> list[dict[str, Any]]:
    """The events of a run in order. What a killed run wrote after the checkpoint that it went on from is left out:
    those steps were made again. A half-written last line is ignored.
    """
    path = folder / "journal.jsonl"
    events: list[dict[str, Any]] = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if event["event"] in ("resume", "rollback"):
            events = [e for e in events if e["event"] not in _REPEATED or e["step"] <= event["step"]]
        events.append(event)
    return events


def minutes(folder: Path) -> float:
    """What a run has trained so far; 0 where there is none."""
    return max((event.get("seconds", 0.0) for event in read(folder)), default=0.0) / 60


def ended(folder: Path) -> bool:
    """Whether a run was trained to its end."""
    return any(event["event"] == "end" and event["complete"] for event in read(folder))


_REPEATED = ("steps", "evaluation", "finding")


def _scalars(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _scalars(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and name != "step":
            yield f"{prefix}{name}", value


def _board(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingDependency("tensorboard", "tensorboard", "--tensorboard") from None
    return SummaryWriter(str(folder))
