"""The command line: which command is meant, with which options, and how errors are told. Help and mistakes are answered at once,
without torch.
"""

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tyro
from tyro.conf import OmitArgPrefixes

from unpaired import config
from unpaired.arguments import file_arguments, registry
from unpaired.commands import adapt, data, generate, measure, train, translate
from unpaired.errors import ConfigError, DataWarning, UnpairedError, meant
from unpaired.version import VERSION

COMMANDS: dict[str, Any] = {
    "train": {
        "cyclegan": train.TrainCycleGAN,
        "discogan": train.TrainDiscoGAN,
        "pix2pix": train.TrainPix2Pix,
        "translation-gan": train.TrainTranslationGAN,
        "reconstruction-gan": train.TrainReconstructionGAN,
        "stargan": train.TrainStarGAN,
        "gan": train.TrainGAN,
        "dcgan": train.TrainDCGAN,
        "sgan": train.TrainSGAN,
        "acgan": train.TrainACGAN,
        "cogan": train.TrainCoGAN,
        "classifier": train.TrainClassifier,
        "segmenter": train.TrainSegmenter,
        "autoencoder": train.TrainAutoencoder,
    },
    "resume": train.Resume,
    "translate": translate.Translate,
    "sample": generate.Sample,
    "judge": generate.Judge,
    "relate": translate.Relate,
    "adapt": adapt.Adapt,
    "evaluate": measure.Evaluate,
    "likelihood": generate.Likelihood,
    "report": measure.Report,
    "import": translate.Import,
    "export": translate.Export,
    "reproduce": measure.Reproduce,
    "data": {"list": data.DataList, "make": data.DataMake, "check": data.DataCheck},
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exit code 0 when done, 1 for an error (one clear message), 2 for a wrong call,
    130 where SIGINT or SIGTERM ended it.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    warnings.showwarning = _show_warning
    try:
        command = parse(arguments)
        if command is not None:
            command.run()
    except UnpairedError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, ConfigError) else 1)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:  # a full disk, a folder that may not be written
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def parse(arguments: list[str]) -> Any:
    """The command that the arguments name, with its options; None where help was all that was asked for."""
    table: Any = COMMANDS
    path = ["unpaired"]
    while isinstance(table, dict):
        word = arguments.pop(0) if arguments else "--help"
        if word in ("--help", "-h"):
            print(_overview(path, table))
            return None
        if word == "--version":
            print(f"unpaired {VERSION}")
            return None
        if word not in table:
            print(f"error: {' '.join(path)} has no '{word}'{meant(word, table)}\n\n{_overview(path, table)}", file=sys.stderr)
            sys.exit(2)
        table, path = table[word], [*path, word]
    arguments = [part for word in arguments for part in (word.split("=", 1) if word.startswith("--config=") else [word])]
    file: Path | None = None
    said = {word.split("=")[0] for word in arguments}
    if "--config" in arguments[:-1]:
        file = Path(arguments[arguments.index("--config") + 1])
        arguments[:0] = file_arguments(config.read_file(file), length=bool(said & {"--steps", "--minutes"}))

    def origin(option: str) -> str:
        """An option that the command line does not have must be the file's."""
        return "" if file is None or option in said else f" (in {file})"

    with registry(origin):
        return tyro.cli(OmitArgPrefixes[table], prog=" ".join(path), args=arguments)  # type: ignore[misc]


def _overview(path: list[str], table: dict[str, Any]) -> str:
    lines = [f"usage: {' '.join(path)} COMMAND [OPTIONS]", ""]
    if len(path) == 1:
        lines += ["Translate images between domains for which no pairs exist: train, measure, share.", ""]
    for name, entry in table.items():
        about = " | ".join(entry) if isinstance(entry, dict) else entry.__doc__.splitlines()[0]
        lines.append(f"  {name:<20} {about}")
    return "\n".join([*lines, "", f"`{' '.join(path)} COMMAND --help` tells more."])


def _show_warning(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
    print(f"{'warning' if issubclass(category, DataWarning) else category.__name__}: {message}", file=sys.stderr)
