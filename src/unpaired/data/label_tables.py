"""Tables of labels: a CSV with a header, or CelebA's text file. What stands in them, line by line; what it means is for
`label_rules` to say.
"""

import csv
import dataclasses
import io
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from unpaired.data.labels import few
from unpaired.errors import DataError

CSV = "attributes.csv"
CELEBA = "list_attr_celeba.txt"
TABLES = (CSV, CELEBA, "list_attr_celeba.csv")
"""The names of tables that are looked for in a data set; the last is CelebA's as a CSV, as it is often passed on."""

FILE, SPLIT = "file", "split"
"""The columns that are no attributes: the image's path, and "test" where it is held out."""


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """A row for each image.

    where: for messages; kind: "csv", "celeba" (all cells are -1 or 1), or "classes" (no file: folders or arrays told it).
    columns: of attributes; files, lines: of each row, a line from 1; cells: int32 `[rows, columns]`, indices into `words`; an
    empty word is a cell that says nothing. tests: whether each row is held out, or None where the table does not say.
    """

    where: str
    kind: Literal["csv", "celeba", "classes"]
    columns: tuple[str, ...]
    files: tuple[str, ...]
    lines: tuple[int, ...]
    cells: npt.NDArray[np.int32]
    words: tuple[str, ...]
    tests: npt.NDArray[np.bool_] | None

    def at(self, row: int) -> str:
        """Where a row stands, for messages: `line 7 (3.png)`."""
        return f"{self.files[row]}" if self.kind == "classes" else f"line {self.lines[row]} ({self.files[row]})"

    def listed(self, rows: Sequence[int] | npt.NDArray[np.int64], *, column: int | None = None) -> str:
        """The first of these rows, and how many more there are; with what stands in the column."""
        said = [(int(row), "" if column is None else f" says '{self.word(int(row), column)}'") for row in rows[:5]]
        return few([self.at(row) + cell for row, cell in said], of=len(rows))

    def word(self, row: int, column: int) -> str:
        """What a cell says, "" where it says nothing."""
        return self.words[self.cells[row, column]]


class _Row(NamedTuple):
    line: int
    cells: list[str]


def read_table(content: bytes, *, where: str) -> Table:
    """A table from the bytes of the file `where`: CelebA's where its name ends in .txt, else a CSV.

    DataError names the lines that are wrong, and says what a line should look like.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(f"{where}, line {line}: not UTF-8; save the table as UTF-8") from None
    return _read_celeba(text, where=where) if where.lower().endswith(".txt") else _read_csv(text, where=where)


def classes_table(classes: Sequence[tuple[str, str, bool]], *, where: str, split: bool) -> Table:
    """A table of one column, `class`, from (file, class or "", whether it is held out); split: whether the last was told."""
    words: dict[str, int] = {}
    cells = np.array([[words.setdefault(name, len(words))] for _, name, _ in classes], np.int32).reshape(-1, 1)
    tests = np.array([test for _, _, test in classes], bool) if split else None
    files = tuple(file for file, _, _ in classes)
    return Table(where, "classes", ("class",), files, tuple(range(1, len(files) + 1)), cells, tuple(words), tests)


def unlabelled_table(images: Sequence[tuple[str, bool]], *, where: str, split: bool) -> Table:
    """A table without columns, from (file, whether it is held out); split: whether the latter was told."""
    tests = np.array([test for _, test in images], bool) if split else None
    files = tuple(file for file, _ in images)
    cells = np.zeros((len(files), 0), np.int32)
    return Table(where, "classes", (), files, tuple(range(1, len(files) + 1)), cells, (), tests)


def _read_csv(text: str, *, where: str) -> Table:
    rows = _csv_rows(text, where=where)
    line, header = next(rows, _Row(1, []))
    if not header:
        raise DataError(f"{where} is empty; wanted a header such as file,hair,glasses and a row for each image")
    if len(header) == 1 and header[0].isdecimal():
        raise DataError(
            f"{where}, line {line}: '{header[0]}' alone, as in CelebA's text file; wanted a header with commas: call "
            f"the file {CELEBA} if it is CelebA's"
        )
    if len(header) == 1:
        apart = next((name for mark, name in ((";", "';'"), ("\t", "tabs"), (" ", "spaces")) if mark in header[0]), "")
        found = f"columns parted by {apart}" if apart else f"one column alone, '{header[0]}'"
        raise DataError(f"{where}, line {line}: {found}; wanted two or more, parted by commas: file,hair,glasses")
    nameless = [str(place) for place, name in enumerate(header, start=1) if not name]
    twice = [name for name in dict.fromkeys(header) if header.count(name) > 1]
    if nameless or twice:
        found = f"no name for column {few(nameless)}" if nameless else f"two columns named {few(twice)}"
        hint = " (an index that pandas wrote? index=False leaves it out)" if nameless == ["1"] else ""
        raise DataError(f"{where}, line {line}: {found}; wanted a name of its own for each column{hint}")
    file = header.index(FILE) if FILE in header else 0
    split = header.index(SPLIT) if SPLIT in header else None
    return _gathered(rows, where=where, kind="csv", header=header, file=file, split=split)


def _csv_rows(text: str, *, where: str) -> Iterator[_Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            if any(cells):
                yield _Row(reader.line_num, [cell.strip() for cell in cells])
    except csv.Error as error:
        raise DataError(f"{where}, line {reader.line_num}: no CSV: {error}; repair the line") from None


def _read_celeba(text: str, *, where: str) -> Table:
    lines = text.splitlines()
    rows = (_Row(line, said.split()) for line, said in enumerate(lines, start=1) if said.strip())
    first = " ".join(next(rows, _Row(1, [])).cells)
    if not first.isdecimal():
        csv_like = ", which looks like a CSV: call the file attributes.csv" if "," in first else ""
        raise DataError(f"{where}, line 1: '{first[:60]}'; wanted the number of images alone, as in CelebA's text file{csv_like}")
    line, names = next(rows, _Row(2, []))
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice or not names:
        found = f"two columns named {few(twice)}" if twice else "no names of attributes"
        raise DataError(f"{where}, line {line}: {found}; wanted the attributes' names, parted by spaces")
    table = _gathered(rows, where=where, kind="celeba", header=[FILE, *names], file=0, split=None)
    if int(first) != len(table.files):
        raise DataError(
            f"{where}, line 1: {first} images, and {len(table.files)} lines follow; wanted as many: is the file cut off? Else "
            "correct the number"
        )
    wrong = np.argwhere(~np.isin(table.cells, [index for index, word in enumerate(table.words) if word in ("-1", "1")]))
    if len(wrong):
        said = [f"{table.at(row)}: {names[column]} is '{table.word(row, column)}'" for row, column in wrong[:5]]
        raise DataError(f"{where}: {len(wrong)} cells are neither 1 (yes) nor -1 (no): {few(said, of=len(wrong))}; correct them")
    return table


def _gathered(
    rows: Iterable[_Row],
    *,
    where: str,
    kind: Literal["csv", "celeba"],
    header: Sequence[str],
    file: int,
    split: int | None,
) -> Table:
    """The table that the rows below the header make. They may be millions of cells: none is kept as a string of its own."""
    kept = [place for place in range(len(header)) if place not in (file, split)]
    if not kept:
        raise DataError(f"{where} has no column for an attribute; wanted one or more beside '{FILE}' and '{SPLIT}'")
    words: dict[str, int] = {}
    cells, files, lines, tests = array("i"), [], [], []
    wrong: list[str] = []
    nameless: list[str] = []
    for line, row in rows:
        if len(row) != len(header):
            wrong.append(f"line {line} has {len(row)}")
            continue
        if not row[file]:
            nameless.append(f"line {line}")
        files.append(row[file])
        lines.append(line)
        tests.append(split is not None and row[split].casefold() == "test")
        cells.extend(words.setdefault(row[place], len(words)) for place in kept)
    if wrong:
        raise DataError(
            f"{where}: {len(wrong)} of {len(wrong) + len(files)} rows have not {len(header)} columns ({few(header)}): "
            f"{few(wrong)}; wanted one cell for each column: correct these lines"
        )
    if nameless:
        raise DataError(f"{where}: {len(nameless)} rows name no file: {few(nameless)}; wanted an image's path in each row")
    if not files:
        raise DataError(f"{where} has a header and no rows; wanted a row for each image")
    return Table(
        where=where,
        kind=kind,
        columns=tuple(header[place] for place in kept),
        files=tuple(files),
        lines=tuple(lines),
        cells=np.array(cells, np.int32).reshape(-1, len(kept)),
        words=tuple(words),
        tests=np.array(tests, bool) if any(tests) else None,
    )
