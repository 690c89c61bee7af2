"""A run: one training with its folder.

RUN/
    config.json       every option, as resolved, and the choices made by the machine
    journal.jsonl     what happened (engine.journal)
    preview.png       the latest preview; previews/ keeps them all
    checkpoints/      last.safetensors, what `resume` goes on from, and best.safetensors
    bundle/           the best translators: what `unpaired.load` and `translate` read
    evaluation.json   scores on the held-out test images; translated.png, or samples.png, shows some
    report.html       all of it on one page
"""

import copy
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from unpaired import config, evaluation
from unpaired.bundle import Product, bundle_about, load_bundle
from unpaired.counting import counted
from unpaired.data.batches import Domains, Telling, open_domains
from unpaired.data.image_pair import open_image_pair
from unpaired.data.image_set import Drawn, open_image_set
from unpaired.data.label_maps import LAYOUT, open_map_set
from unpaired.data.labelled import LabelledImages, open_labelled
from unpaired.data.labels import few
from unpaired.data.material import Material
from unpaired.data.sets.table import SETS, Holds, folder_of
from unpaired.data.sources import kinds, stamp
from unpaired.data.store import cache_folder
from unpaired.engine.journal import Journal
from unpaired.engine.runtime import Runtime, choose_device, compile_pays, machine
from unpaired.engine.trainer import Trainer
from unpaired.errors import ConfigError, DataError, RunError
from unpaired.files import alone, write_json
from unpaired.games import specs, table
from unpaired.games.autoencoder import Autoencoder
from unpaired.games.base import Game
from unpaired.metrics import features
from unpaired.options import DataOptions, Training
from unpaired.run_config import RunConfig, load_config
from unpaired.version import commit
from unpaired.watch import Watch

DEFAULT_STEPS = 10_000
FEW_HELD_OUT = 8
QUICK_SECONDS = 1.0
"""Images that are open by then are opened without a word."""
MOST_TOLD = 20
"""Unreadable files that are named on the console; the journal has them all."""

SUITED: dict[specs.Plays, tuple[Holds, ...]] = {
    "unpaired": ("domains", "pairs"),
    "paired": ("pairs",),
    "labelled": ("attributes", "classes"),
    "images": ("classes", "attributes"),
    "few-labelled": ("classes", "attributes"),
    "told": ("classes", "attributes"),
    "domains": ("domains", "pairs"),
    "maps": (),
}
"""Which named sets a game can be trained on alone; two of classes are two domains as well."""

DRAWN: dict[specs.Plays, Drawn] = {"images": "all", "few-labelled": "both", "told": "told"}
"""What a batch of one set of images holds."""

OF_DOMAINS = ("swap", "channels_b", "value_range", "value_range_b")
"""Options of the data that say something of two domains alone."""

_opened: dict[tuple[Any, ...], Material] = {}
# The images that were opened last, by what was asked for and the state of the files: a training's evaluation and report
# look at the same ones.


def train(
    *sources: str | Path,
    out: str | Path,
    game: specs.GameSpec = specs.DiscoGAN(),  # noqa: B008 (frozen)
    data: DataOptions = DataOptions(),  # noqa: B008
    training: Training = Training(),  # noqa: B008
) -> dict[str, Product]:
    """Train between two domains, or on labelled images, and leave a run at `out`; what it keeps by name: its best translators by
    direction, or the one of `attributes`.

    sources: as for the command line: folders or zips A and B, one folder that holds both, or a named set; for games with labels
    one labelled set or several.
    RunError where `out` is not empty; DataError where the images do not serve; KeyboardInterrupt where SIGINT or SIGTERM
    ended it early, after all is saved.
    """
    folder = Path(out)
    _one_length(training.steps, training.minutes)
    if training.steps is None and training.minutes is None:
        training = replace(training, steps=DEFAULT_STEPS)
    run = RunConfig(sources=tuple(map(_lasting, sources)), game=game, data=data, training=training)
    runtime = Runtime.choose(training)
    if runtime.writes and _taken(folder):
        raise RunError(f"{folder} is not empty; choose another --out, or `unpaired resume {folder}` to go on with a run")
    images = open_data(run)
    built = _build(run, images)
    compiled, why = runtime.agree(compile_pays(training, seconds_per_step=_seconds_per_step(run, built, images, runtime)))
    runtime.reasons["compile"] = why
    precision: Any = "bf16" if runtime.precision == torch.bfloat16 else "float32"
    run = replace(run, compiled=compiled, precision=precision, commit=commit(), data_fingerprint=images.fingerprint)
    return _play(run, built, images, runtime, folder)


def resume(out: str | Path, *, steps: int | None = None, minutes: float | None = None) -> dict[str, Product]:
    """Go on with a run from its last checkpoint, as if it had never stopped; its best translators by direction.

    steps, minutes: a new end for the whole run, to lengthen one. RunError where there is no run, or its images changed;
    KeyboardInterrupt as from `train`.
    """
    folder = Path(out)
    run = load_config(folder)
    _one_length(steps, minutes)
    if steps is not None or minutes is not None:
        run = replace(run, training=replace(run.training, steps=steps, minutes=minutes))
    computed = run.training if run.precision is None else replace(run.training, precision=run.precision)
    runtime = Runtime.choose(computed)
    runtime.reasons["compile"] = "compiled, as the run began" if run.compiled else "eager, as the run began"
    images = same_data(run, folder)
    return _play(run, _build(run, images), images, runtime, folder)


def evaluate(out: str | Path, *, extractor: str | None = None, device: str = "auto") -> evaluation.Scores:
    """Score what a run leaves on its held-out test images.

    The scores are also written to `evaluation.json`, and a sheet of the first images and their translations to
    `translated.png`, or of samples to `samples.png`. extractor: the features on which to add KID and its relatives, a name in
    `metrics.features.EXTRACTORS`.
    RunError where there is no run, nothing was held out, or nobody labelled what was.
    """
    folder = Path(out)
    run = load_config(folder)
    data = same_data(run, folder)
    where = choose_device(device)[0]
    judge = features.EXTRACTORS[extractor](device=where) if extractor is not None else None
    exam = evaluation.exam_of(data)
    look = exam.look(load_bundle(folder, device=str(where)), part="test", extractor=judge)
    if not look.scores and data.held_out:
        raise RunError(
            f"{folder} holds {data.held_out:,} images out, and none that it is tested on is labelled; label some of them"
        )
    if not look.scores:
        raise RunError(f"{folder} held no images out; train with a larger --holdout, or give it a test part")
    evaluation.draw(look.rows, path=folder / ("translated.png" if run.game.plays in specs.TRANSLATING else "samples.png"))
    values = {
        "step": bundle_about(folder).get("step"),
        "images": dict(look.counts),
        "disjoint_from_validation": exam.disjoint,
        "scores": look.scores,
    }
    write_json(folder / "evaluation.json", values)
    return look.scores


def open_data(run: RunConfig) -> Material:
    """The images of a run, in pairs where its game plays with pairs; named sets are made first where they are not there yet.

    Asked again for the same images, a process gets those that it opened last, unless a file changed since. A line on the
    console tells how far it is where that takes longer than a second.
    """
    sources = run.sources
    _require_suited(run)
    _require_used(run)
    _require_sets_suited(run)
    with _told() as telling:
        sources = tuple(_found(source, run, telling, alone=len(sources) == 1) for source in sources)
        plays, state = run.game.plays, stamp(sources)
        asked = (sources, replace(run.data, swap=False), plays, cache_folder(), state)
        data = _opened.get(asked)
        if data is None:
            named = len(sources) == 2 and set(run.sources) <= set(SETS)
            data = _open(sources, run.data, plays, telling, named=named)
            _opened.clear()
            if state is not None:
                _opened[asked] = data
    return data.swapped() if run.data.swap and isinstance(data, Domains) else data


def open_two(run: RunConfig) -> Domains:
    """The images of a run between two domains (see `open_data`). DataError where it is none."""
    data = open_data(run)
    if not isinstance(data, Domains):
        raise DataError(f"game '{run.game.game}' plays with {run.game.plays} images; wanted a run between two domains")
    return data


def _require_suited(run: RunConfig) -> None:
    """DataError where a named set does not hold what the game plays with."""
    named, plays = [source for source in run.sources if source in SETS and not Path(source).exists()], run.game.plays
    if "toy" in named:
        raise DataError("'toy' holds points, not images; `unpaired reproduce toy` trains on it, `data make toy` writes it")
    two = len(run.sources) > 1 and plays in ("unpaired", "domains")
    suited: tuple[Holds, ...] = ("classes", "attributes") if two else SUITED[plays]
    for source in named:
        if SETS[source].holds == "maps":
            raise DataError(
                f"{source} holds several sets of images with label maps, found it named as one; write them with "
                f"`unpaired data make {source} --out {source}`, then give a folder of it"
            )
        if plays == "maps":
            raise DataError(f"no named set has label maps for game '{run.game.game}', found {source}; wanted {LAYOUT}")
        if SETS[source].holds not in suited:
            others = [name for name, entry in SETS.items() if entry.holds in suited]
            raise DataError(
                f"{source} holds {SETS[source].holds}; game '{run.game.game}' wants {' or '.join(suited)}"
                f"{' of two sets' if two else ''}: {', '.join(others)}, or folders of your own"
            )


def _require_used(run: RunConfig) -> None:
    """ConfigError where options of the data stand beside a game that would not look at them."""
    game, plays = run.game.game, run.game.plays
    if run.data.labels is not None and plays not in ("images", "few-labelled", "told", "domains"):
        raise ConfigError(f"--labels is for games of one set of images; game '{game}' has no use for it: leave it out")
    asked = [name for name in OF_DOMAINS if getattr(run.data, name) != getattr(DataOptions(), name)]
    if asked and plays not in ("unpaired", "paired", "domains"):
        said = ", ".join("--" + name.replace("_", "-") for name in asked)
        raise ConfigError(f"{said}: for games between two domains; game '{game}' has no use for that: leave it out")


def _require_sets_suited(run: RunConfig) -> None:
    """ConfigError where two sets are asked for of what does not take them."""
    if not run.data.sets:
        return
    if run.game.plays != "unpaired" or len(run.sources) != 2:
        raise ConfigError(
            f"--sets is for two domains without pairs, found {len(run.sources)} sources and game '{run.game.game}'; leave it out"
        )
    if run.data.value_range or run.data.value_range_b:
        raise ConfigError("--value-range is not for --sets, whose files are read from end to end; leave one of them out")


def _found(source: str, run: RunConfig, telling: Telling, *, alone: bool) -> str:
    """The folder of a named set; a path as it is."""
    if Path(source).exists() or not (alone or source in SETS):
        return source
    telling(f"making {source}", 0, None)
    return str(folder_of(source, size=run.data.load_size or run.data.size, cache=cache_folder()))


def _open(sources: tuple[str, ...], options: DataOptions, plays: specs.Plays, telling: Telling, *, named: bool) -> Material:
    """named: both sources are named sets, whose images lie in arrays beside their classes; as may those of `options.sets`."""
    match plays:
        case "labelled":
            return open_labelled(sources, options, telling=telling)
        case "images" | "few-labelled" | "told":
            return open_image_set(sources, options, drawn=DRAWN[plays], telling=telling)
        case "maps":
            return open_map_set(sources, options, telling=telling)
        case "domains":
            return open_image_pair(sources, options, telling=telling)
        case "unpaired" if named or options.sets:
            bare = options.sets  # its labels are left alone, so that only tables need to make sense
            return open_image_pair(sources, replace(options, swap=False), bare=bare, telling=telling).as_domains()
    return open_domains(sources, options, paired=plays == "paired", telling=telling)


@contextmanager
def _told() -> Iterator[Telling]:
    """Whom to tell how far the opening of images is; shown after `QUICK_SECONDS`: a bar in a terminal, else one line."""
    console = Console(stderr=True, highlight=False)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = bar.add_task("opening the images", total=None)

    def show() -> None:
        bar.start()
        if not console.is_terminal:
            console.print(f"{bar.tasks[0].description} ...", markup=False, soft_wrap=True)

    def telling(what: str, done: int, total: int | None) -> None:
        bar.update(task, description=what, completed=done, total=total)

    timer = threading.Timer(QUICK_SECONDS, show)
    timer.daemon = True
    if not int(os.environ.get("RANK", "0")):  # of many processes one speaks
        timer.start()
    try:
        yield telling
    finally:
        timer.cancel()
        if timer.is_alive():
            timer.join()  # it may be about to begin
        bar.stop()


def same_data(run: RunConfig, folder: Path) -> Material:
    """The images of a run that has begun. RunError where they changed since."""
    images = open_data(run)
    if images.fingerprint != run.data_fingerprint:
        raise RunError(
            f"the images of {folder} are not those it was trained on ({', '.join(run.sources)} changed): "
            "bring them back, or start a new run"
        )
    return images


def _play(run: RunConfig, game: Game[Any], images: Material, runtime: Runtime, folder: Path) -> dict[str, Product]:
    trainer = _trainer(run, game, images, runtime, folder)
    if not runtime.writes:
        _restore(trainer)
        if not trainer.run(journal=None, observer=None):
            raise KeyboardInterrupt
        return load_bundle(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder) as yes:
        if not yes:
            raise RunError(f"{folder} is being trained by another process; wait for it, or choose another --out")
        for leftover in folder.rglob(".*.part"):  # of a killed session's pictures
            leftover.unlink(missing_ok=True)
        _lead(run, game, images, runtime, folder, trainer)
    return load_bundle(folder)


def _lead(run: RunConfig, game: Game[Any], images: Material, runtime: Runtime, folder: Path, trainer: Trainer[Any]) -> None:
    """What the writing process does: it trains like the others, and writes and tells what comes of it."""
    resumed = _restore(trainer)
    if resumed and run.training.steps is not None and trainer.progress.step > run.training.steps:
        raise RunError(f"{folder} is at step {trainer.progress.step} already; give a --steps beyond that")
    write_json(folder / "config.json", config.to_dict(run))
    journal = Journal(folder, tensorboard=run.training.tensorboard)
    watch = Watch(images, folder=folder, journal=journal, run=run, chance=game.chance())
    step = trainer.progress.step
    journal.write(
        "resume" if resumed else "start", step=step, seconds=trainer.progress.seconds, reasons=runtime.reasons, machine=machine()
    )
    watch.say(_opening(run, images, runtime, step=step))
    if isinstance(game, Autoencoder) and run.training.steps is not None and game.level(run.training.steps - 1) is not None:
        watch.say(
            f"{run.training.steps} steps end while single levels are in training, and what was not trained spoils the rest: "
            'give more --steps, --form "greedy(level_steps=...)" or --form end_to_end'
        )
    if images.held_out < FEW_HELD_OUT:
        watch.say(
            f"only {images.held_out} images of {images.domains[0] if len(images.domains) == 1 else 'a domain'} are held out: "
            "scores and the best checkpoint mean little; raise --holdout"
        )
    if isinstance(images, LabelledImages) and images.unseen:
        watch.say(f"no held-out image has {few(images.unseen)}: translations to that are compared with no real ones")
    for part, skipped in images.skipped.items():
        journal.write("skipped", step=step, part=part, files=[list(file) for file in skipped])
        for name, reason in skipped[:MOST_TOLD]:
            watch.say(f"skipped {part} {name}: {reason}")
    others = [name for names in images.others.values() for name in names]
    if others:
        watch.say(f"no images by their names, left alone: {kinds(others)}, such as {others[0]}; `unpaired data check` lists them")
    try:
        with watch.shown():
            ended = trainer.run(journal=journal, observer=watch)
        step = trainer.progress.step
        journal.write("end", step=step, seconds=trainer.progress.seconds, complete=ended)
        watch.say(f"{'done' if ended else 'stopped'} at step {step}" + ("" if ended else f"; `unpaired resume {folder}` goes on"))
    finally:
        journal.close()
    if not ended:
        raise KeyboardInterrupt


def _restore(trainer: Trainer[Any]) -> bool:
    """Whether there was a checkpoint to go on from. RunError where it is damaged."""
    if not trainer.last.exists():
        return False
    try:
        trainer.restore(trainer.last)
    except RunError as error:
        if not trainer.best.exists():
            raise
        raise RunError(f"{error}; to go on from the best one, copy {trainer.best} over it") from None
    return True


def _one_length(steps: int | None, minutes: float | None) -> None:
    if steps is not None and minutes is not None:
        raise ConfigError(f"found {counted(steps, 'step')} and {counted(minutes, 'minute')}; give one of them")


def _trainer(run: RunConfig, game: Game[Any], images: Material, runtime: Runtime, folder: Path) -> Trainer[Any]:
    return Trainer(
        game,
        batches=_batches(run.training, images, runtime),
        training=run.training,
        adam=run.game.optimizer,
        runtime=runtime,
        folder=folder,
        compiled=run.compiled,
    )


def _batches(training: Training, images: Material, runtime: Runtime) -> Callable[[int, int, int], Any]:
    """Parts of a batch are dealt like shares of processes: what part 1 of 2 sees, process 1 of 2 would see."""
    world = runtime.world * training.accumulate

    def batch(step: int, part: int, seed: int) -> Any:
        rank = runtime.rank * training.accumulate + part
        return images.batch(step, batch=training.batch, seed=seed, device=runtime.device, rank=rank, world=world)

    return batch


def _build(run: RunConfig, images: Material) -> Game[Any]:
    return table.build(run.game, seed=run.training.seed, **images.samples())


def _seconds_per_step(run: RunConfig, game: Game[Any], images: Material, runtime: Runtime) -> float:
    """Measured on a copy of the game, where it decides whether to compile; else 0."""
    if run.training.compile != "auto" or run.training.steps is None:
        return 0.0
    trainer = _trainer(run, copy.deepcopy(game), images, runtime, Path())
    trainer.step()
    began = time.perf_counter()
    float(sum(trainer.step().values()))  # waits for the device
    return time.perf_counter() - began


def _opening(run: RunConfig, images: Material, runtime: Runtime, *, step: int) -> str:
    """What a person wants to know before the bar starts to move."""
    training, reasons = run.training, runtime.reasons
    budget = counted(training.steps, "step") if training.steps is not None else counted(training.minutes or 0.0, "minute")
    between = " <-> " if isinstance(images, Domains) else " and "
    lines = [
        f"{run.game.game}: {between.join(images.domains)}, {images.trained_on} images, at least "
        f"{images.held_out:,} held out, {run.data.size} px, {budget}" + (f", from step {step}" if step else ""),
        f"{runtime.device} ({reasons['device']}), {str(runtime.precision).removeprefix('torch.')} ({reasons['precision']}), "
        f"{reasons['compile']}" + (f", {runtime.world} processes" if runtime.world > 1 else ""),
    ]
    if isinstance(images, LabelledImages):
        told = [f"{attribute.name} ({', '.join(attribute.values)})" for attribute in images.attributes]
        lines.insert(1, f"attributes: {', '.join(told)}")
    if "credit" in images.card:
        lines.append(f"data: {images.card['credit']}")
    return "\n".join(lines)


def _taken(folder: Path) -> bool:
    """Whether a new run would spoil something; hidden files, such as a killed start leaves, are nothing."""
    if folder.is_dir():
        return any(not path.name.startswith(".") for path in folder.iterdir())
    return folder.exists()


def _lasting(source: str | Path) -> str:
    """Paths as absolute ones, so that a run can be resumed from elsewhere; names of sets as they are."""
    return str(source) if str(source) in SETS else str(Path(source).absolute())
