"""How far a translation is, on a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePath

Tell = Callable[[int, int, str, float], None]
"""Is told how many files are done, of how many, the name of one that takes long ("" for none) and what share of it is done."""


@contextmanager
def shown() -> Iterator[Tell]:
    """A function that shows what it is told as bars on the terminal's error stream; elsewhere nothing."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, highlight=False)
    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TextColumn("{task.fields[said]}", markup=False),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    every = bars.add_task("translating", total=None, said="")
    one = bars.add_task("", total=1.0, visible=False, said="")

    def tell(done: int, total: int, name: str, share: float) -> None:
        bars.update(every, completed=done + share, total=total, said=f"{done}/{total}")
        name = PurePath(name).name
        if name and bars.tasks[one].description != name:
            bars.reset(one)  # its clock
        bars.update(one, description=name, completed=share, visible=bool(name))

    with bars:
        yield tell
