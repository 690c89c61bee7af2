"""What can go wrong, as a tree. Each message says what was found, what was wanted and what to do.

UnpairedError
├── ConfigError            an option or a configuration file is not valid
├── DataError              the images given cannot be trained on
│   ├── EmptyDomain        nothing readable in a folder or archive
│   ├── UnreadableImages   files that cannot be decoded, under --strict
│   └── SameDomain         A and B hold the same images
├── ShapeError             a tensor or an image does not fit the network
├── RunError               a run folder is missing, taken, incomplete or of another version
├── ForeignFile            another project's file cannot be read, or a bundle cannot be written as one
├── TrainingStopped        training could not go on (the doctor says why)
└── MissingDependency      a feature needs a package that is not installed

DataWarning (a UserWarning) speaks of data that can be trained on, but should be looked at.
"""

import difflib
from collections.abc import Iterable


class UnpairedError(Exception):
    """The root: the command line prints its message alone, without a traceback."""


class ConfigError(UnpairedError):
    """An option or a configuration file is not valid."""


class DataError(UnpairedError):
    """The images given cannot be trained on."""


class EmptyDomain(DataError):
    """Nothing readable in a folder or archive."""


class UnreadableImages(DataError):
    """Files that cannot be decoded."""


class SameDomain(DataError):
    """A and B hold the same images."""


class ShapeError(UnpairedError, ValueError):
    """A tensor or an image does not fit the network."""


class RunError(UnpairedError):
    """A run folder is missing, taken, incomplete or of another version."""


class ForeignFile(UnpairedError):
    """Another project's file cannot be read, or a bundle cannot be written as one."""


class TrainingStopped(UnpairedError):
    """Training could not go on."""


class MissingDependency(UnpairedError, ImportError):
    """A feature needs a package that is not installed.

    package: the name to install; extra: the extra of `unpaired` that brings it; purpose: what it is needed for.
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs the package '{package}', which is not installed: pip install 'unpaired[{extra}]'")
        self.package, self.extra = package, extra


class DataWarning(UserWarning):
    """Data that can be trained on, but should be looked at."""


def meant(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """`" (did you mean 'blond'?)"` where one of `known` is close to `word`, else "". cutoff: as in difflib, 1 for equal words."""
    folded = {other.casefold(): other for other in known}
    near = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=cutoff)
    return f" (did you mean '{folded[near[0]]}'?)" if near else ""
