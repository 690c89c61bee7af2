"""Which image of one folder belongs to which of another, by a trained translator: discovery of relations as a file.

Every image of A is translated and compared with all of B, every one of B with all of A; both distances together tell who
belongs to whom.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from unpaired import images
from unpaired.bundle import load_translators
from unpaired.data.sources import Source, open_source
from unpaired.engine.runtime import choose_device
from unpaired.errors import DataError, RunError, UnreadableImages, meant
from unpaired.files import replacing, write_json
from unpaired.metrics import features, matching
from unpaired.metrics.matching import Pairs
from unpaired.translator import Translator

MOST = 20_000
"""Images of a domain: tables of distances between as many take 1.6 GB each, and up to three are held at a time (5 GB), beside all
images and their translations as floats.
"""
SHOWN = 8
SURE = 0.8
"""Pairs with more doubt than this are told to be doubtful: Lowe's ratio."""


class Side(NamedTuple):
    """One domain's images: names, as the networks see them [N, C, H, W], and their translations (None without a way)."""

    names: tuple[str, ...]
    x: Tensor
    translated: Tensor | None
    skipped: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Relation:
    """What belongs to what.

    distances: [A, B], 1 is as far as any two are. pairs: one to one; doubt: of each pair, its distance over that of its nearest
    rival; mutual: whether each is the other's nearest. told: which image of B belongs to which of A, by places, None where nobody
    said; measures: shares in [0, 1] that were found right, where it is told.
    """

    a: Side
    b: Side
    distances: Tensor
    pairs: Pairs
    doubt: Tensor
    mutual: Tensor
    told: Mapping[int, int] | None
    measures: Mapping[str, float]

    @property
    def doubtful(self) -> int:
        """How many pairs have more doubt than `SURE`."""
        return int((self.doubt > SURE).sum())


def relate(
    where: str | Path,
    a: str | Path,
    b: str | Path,
    *,
    truth: str | Path | None = None,
    extractor: features.Extractor | None = None,
    device: str = "auto",
) -> Relation:
    """Pair the images of two folders (or zips) through a run's or bundle's translators, of both directions if there are two.

    Images are compared as the network was trained to see them, by the mean absolute difference of their pixels; or with an
    extractor, by the Euclidean distance of their features. truth: a CSV with the columns a and b, names as in the folders; it may
    leave images out.
    DataError where there are no images, or too many, or the truth names others; RunError where there are no translators.
    """
    translators = load_translators(where, device=str(choose_device(device)[0]))
    sources = open_source(a), open_source(b)
    for source, domain in zip(sources, "AB", strict=True):
        source.require_images(domain=domain)
        if len(source.names) > MOST:
            raise DataError(f"{source.where} holds {len(source.names):,} images; wanted {MOST:,} at the most: relate parts of it")
    sides = [_side(source, translators, direction) for source, direction in zip(sources, ("a_to_b", "b_to_a"), strict=True)]
    told = None if truth is None else _told(Path(truth), sides[0], sides[1])
    distances = matching.joined(_tables(sides, extractor))
    pairs = matching.one_to_one(distances)
    nearest = distances.argmin(dim=1)[pairs.rows] == pairs.columns
    mutual = nearest & (distances.argmin(dim=0)[pairs.columns] == pairs.rows)
    measures = {} if told is None else _measures(distances, pairs, told)
    return Relation(sides[0], sides[1], distances, pairs, matching.doubt(distances, pairs), mutual, told, measures)


def relate_files(
    where: str | Path,
    a: str | Path,
    b: str | Path,
    *,
    out: str | Path,
    truth: str | Path | None = None,
    extractor: features.Extractor | None = None,
    device: str = "auto",
) -> Relation:
    """As `relate`, written to the folder `out`: pairs.csv, relation.json, and pairs.png with the surest and the most doubtful.

    pairs.csv has a row for each image of A: a, b, distance, doubt, mutual, nearest (of all of B), and right where the truth is
    told; the best pairs come first, then what has no partner. RunError where `out` has such files already.
    """
    folder = Path(out)
    paths = [folder / name for name in ("pairs.csv", "relation.json", "pairs.png")]
    for path in paths:
        if path.exists():
            raise RunError(f"{path} is there already; choose another --out, or remove it")
    found = relate(where, a, b, truth=truth, extractor=extractor, device=device)
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(paths[0]) as temporary:
        temporary.write_text(_table(found), encoding="utf-8")
    write_json(
        paths[1],
        {
            "images": {"a": len(found.a.names), "b": len(found.b.names)},
            "pairs": len(found.doubt),
            "mutual": int(found.mutual.sum()),
            "doubtful": found.doubtful,
            "by": "pixels" if extractor is None else extractor.name,
            "measures": found.measures,
        },
    )
    images.write(paths[2], images.labelled_grid(_rows(found), scale=max(1, 64 // found.a.x.shape[-1])))
    return found


def _side(source: Source, translators: Mapping[str, Translator], direction: str) -> Side:
    """A domain's images as the networks see them. Its own translator says how, else that of the other direction."""
    own, other = translators.get(direction), next(iter(translators.values()))
    translator = own or other
    shape, value_range = (own.source, own.source_range) if own else (other.target, other.target_range)

    def seen(name: str) -> images.Pixels | str:
        try:
            depth: images.Depth | None = None if value_range is None else 32
            pixels, _ = images.open_image(
                source.read(name), channels=shape[0], background=translator.background, depth=depth, value_range=value_range
            )
        except (UnreadableImages, DataError, OSError) as error:
            return str(error)
        return images.fit(source.cut(pixels), size=(shape[1], shape[2]), how=translator.fit, background=translator.background)

    x = torch.empty(len(source.names), *shape)
    read: list[str] = []
    skipped: list[tuple[str, str]] = []
    with ThreadPoolExecutor() as threads:
        for name, pixels in zip(source.names, threads.map(seen, source.names), strict=True):
            if isinstance(pixels, str):
                skipped.append((name, pixels))
            else:  # one by one: their depths may differ
                x[len(read)] = images.to_tensor(pixels[None])[0]
                read.append(name)
    if not read:
        raise DataError(f"{source.where}: no image can be read, such as {skipped[0][0]}: {skipped[0][1]}")
    x = x[: len(read)]
    return Side(tuple(read), x, None if own is None else own.batch(x), tuple(skipped))


def _tables(sides: Sequence[Side], extractor: features.Extractor | None) -> Iterator[Tensor]:
    """Distances [A, B] of each direction that there is, one at a time: they are large."""
    a, b = sides
    if a.translated is not None:
        yield _distances(a.translated, b.x, extractor)
    if b.translated is not None:
        yield _distances(b.translated, a.x, extractor).T


def _distances(x: Tensor, y: Tensor, extractor: features.Extractor | None) -> Tensor:
    """[N, ...] and [M, ...] -> [N, M]."""
    if extractor is not None:
        return torch.cdist(extractor(x), extractor(y))
    few = max(1, (1 << 22) // len(y))
    flat = y.flatten(1)
    table = x.new_empty(len(x), len(y))
    for rows, part in zip(table.split(few), x.flatten(1).split(few), strict=True):
        torch.div(torch.cdist(part, flat, p=1.0), flat.shape[1], out=rows)
    return table


def _told(path: Path, a: Side, b: Side) -> dict[int, int]:
    """Which image of B belongs to which of A, by places. DataError, with the line, where the file says nonsense."""
    wanted = "wanted a CSV with the columns a and b"
    try:
        reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")))
        lines = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"--truth {path} cannot be read: {error}; {wanted}") from error
    if not lines or not {"a", "b"} <= set(lines[0][1]):
        found = ", ".join(reader.fieldnames or ()) if lines else "no rows"
        raise DataError(f"--truth {path}: found {found}; {wanted}, and a row for each pair")
    places = [{name: place for place, name in enumerate(side.names)} for side in (a, b)]
    left_out = {name for side in (a, b) for name, _ in side.skipped}
    told: dict[int, int] = {}
    for number, row in lines:
        for column in "ab":
            if row[column] is None:
                raise DataError(f"--truth {path}, line {number} has no {column}; wanted a and b")
        if {row["a"], row["b"]} & left_out:
            continue
        for column, place in zip("ab", places, strict=True):
            if row[column] not in place:
                raise DataError(
                    f"--truth {path}, line {number}: no image '{row[column]}' in {column.upper()}{_near(row[column], place)}"
                )
        if told.setdefault(places[0][row["a"]], places[1][row["b"]]) != places[1][row["b"]]:
            raise DataError(f"--truth {path}, line {number}: '{row['a']}' has two partners; wanted one")
    if not told:
        raise DataError(f"--truth {path}: all of its images were skipped")
    return told


def _near(name: str, names: Mapping[str, int]) -> str:
    return meant(name, names, cutoff=0.8)


def _measures(distances: Tensor, pairs: Pairs, told: Mapping[int, int]) -> dict[str, float]:
    """Of the images whose partner is told: how many find it, and by which rule."""
    asked = torch.tensor(sorted(told)).split(1000)  # parts: a copy of all these rows may be large
    ranks = torch.cat([matching.ranks(distances[some], torch.tensor([told[row] for row in some.tolist()])) for some in asked])
    assigned = dict(zip(*(x.tolist() for x in pairs), strict=True))
    neighbours = zip(*(x.tolist() for x in matching.mutual(distances)), strict=True)
    right = [told[row] == column for row, column in neighbours if row in told]
    measures = {
        "nearest is right": float((ranks == 1).double().mean()),
        "among the 5 nearest": float((ranks <= 5).double().mean()),
        "one to one is right": sum(assigned.get(row) == column for row, column in told.items()) / len(told),
        "have a mutual neighbour": len(right) / len(told),
        "by chance": 1 / distances.shape[1],
    }
    if right:
        measures["mutual neighbour is right"] = sum(right) / len(right)
    return measures


def _table(found: Relation) -> str:
    told = found.told
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["a", "b", "distance", "doubt", "mutual", "nearest", *([] if told is None else ["right"])])
    nearest = found.distances.argmin(dim=1).tolist()
    rows, columns = (x.tolist() for x in found.pairs)
    for place in found.doubt.argsort(stable=True).tolist():
        a, b = rows[place], columns[place]
        cells: list[Any] = [found.a.names[a], found.b.names[b], f"{found.distances[a, b]:.4f}", f"{found.doubt[place]:.4f}"]
        cells += ["yes" if found.mutual[place] else "no", found.b.names[nearest[a]]]
        writer.writerow([*cells, *([] if told is None else [_said(told, a, b)])])
    for a in sorted(set(range(len(found.a.names))) - set(rows)):
        cells = [found.a.names[a], "", "", "", "no", found.b.names[nearest[a]]]
        writer.writerow([*cells, *([] if told is None else [_said(told, a, -1)])])
    return text.getvalue()


def _said(told: Mapping[int, int], a: int, b: int) -> str:
    return "" if a not in told else "yes" if told[a] == b else "no"


def _rows(found: Relation) -> list[tuple[str, Tensor]]:
    """The surest pairs, and those with the most doubt: images of A, what becomes of them, and their partners, likewise."""
    order = found.doubt.argsort(stable=True)
    count = min(SHOWN, max(1, len(order) // 2))
    rows: list[tuple[str, Tensor]] = []
    for word, places in (("surest", order[:count]), ("most doubtful", order[-count:].flip(0))):
        if word == "most doubtful" and len(order) < 2:
            continue
        for letter, side, which in (("A", found.a, found.pairs.rows[places]), ("B", found.b, found.pairs.columns[places])):
            rows.append((f"{word}: {letter}", side.x[which]))
            if side.translated is not None:
                rows.append((f"{letter} translated", side.translated[which]))
    return _of_one_size(rows)


def _of_one_size(rows: Sequence[tuple[str, Tensor]]) -> list[tuple[str, Tensor]]:
    """The two domains may have been trained at different sizes: all as large as the first row's."""
    size = rows[0][1].shape[2:]
    return [
        (word, x if x.shape[2:] == size else torch.nn.functional.interpolate(x, size=tuple(size), mode="nearest"))
        for word, x in rows
    ]
