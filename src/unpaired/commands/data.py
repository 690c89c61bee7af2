"""`unpaired data`."""

import sys
from pathlib import Path

from pydantic import PositiveInt
from tyro.conf import Positional

from unpaired.config import options
from unpaired.errors import ConfigError

MOST_PIXELS = 4096
"""Height and width of a named set's images."""


@options
class DataList:
    """The named sets."""

    def run(self) -> None:
        from unpaired.data.sets.table import SETS

        for name, named in SETS.items():
            print(f"{name:<16} {named.about}  ({named.licence})")


@options
class DataMake:
    """Write a named set as ordinary files."""

    name: Positional[str]
    """The set: `unpaired data list` names them."""
    out: Path
    """The new folder."""
    size: PositiveInt = 64
    """Height and width in pixels."""

    def run(self) -> None:
        from unpaired.data.sets.table import make

        if self.size > MOST_PIXELS:
            raise ConfigError(f"--size {self.size} is too large; wanted at most {MOST_PIXELS} pixels")
        card = make(self.name, self.out, size=self.size)
        print(f"{self.name} is in {self.out}\n{card}")


@options
class DataCheck:
    """Look for trouble in folders before training on them."""

    sources: Positional[tuple[str, ...]]
    """As for training: folders or zips, or one folder with trainA, trainB."""
    paired: bool = False
    """As for a game of pairs, such as pix2pix: files without a partner are errors."""
    side_by_side: bool = False
    """Each file is a pair: A its left half, B its right half."""
    labelled: bool = False
    """Labelled images: a table, a folder for each class, IDX or NPZ files; prints the labels and how many images have each."""

    value_range: tuple[float, float] | None = None
    """The numbers in the files that are black and white, as for training."""
    value_range_b: tuple[float, float] | None = None
    """Those of domain B, where they differ from A's."""
    json: bool = False
    """Print JSON."""

    def run(self) -> None:
        from unpaired.data.check import check
        from unpaired.data.check_labelled import check_labelled
        from unpaired.data.sets.table import SETS, folder_of
        from unpaired.data.store import cache_folder

        named = len(self.sources) == 1 and self.sources[0] in SETS
        sources = (str(folder_of(self.sources[0], size=64, cache=cache_folder())),) if named else self.sources
        if self.labelled and (self.paired or self.side_by_side):
            raise ConfigError("--labelled is for images with labels, --paired and --side-by-side for pairs; wanted one of them")
        report = (
            check_labelled(sources)
            if self.labelled
            else check(
                sources,
                paired=self.paired,
                side_by_side=self.side_by_side,
                value_range=self.value_range,
                value_range_b=self.value_range_b,
            )
        )
        if self.json:
            import json

            print(json.dumps(report.to_json(), indent=2))
        else:
            print("\n".join(report.lines()))
        if report.errors:
            sys.exit(1)
