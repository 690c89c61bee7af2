"""Labels of one set of images for another: `unpaired adapt`.

DIR/
    adapt.json        what was asked for, and of which images: the same command goes on with it
    source/           run: the classifier (or segmenter) that the source's labels teach
    cyclegan/         run: the translator, where none was given
    translated/       the source's images, translated, with their labels
    adapted/          run: the one that translated images teach
    oracle/           run: the one that the target's own labels teach, where its training images have any
    result.json       how well each reads the target, and how many labels flipped
    label_flips.csv   which, and flips.png shows the worst
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from unpaired import bundle, config, runs
from unpaired.adaptation import keys
from unpaired.adaptation.asked import keep_or_compare, require_fresh, weights_of
from unpaired.adaptation.classes import labels_may_lack, open_class_task
from unpaired.adaptation.maps import open_map_task
from unpaired.adaptation.options import CYCLEGAN, TRAINING, Pictures, Teaching
from unpaired.adaptation.task import (
    BY_ORACLE,
    ON_TRANSLATED,
    SOURCE_ONLY,
    Result,
    Task,
    lasting,
    translator_of,
    views,
)
from unpaired.counting import counted
from unpaired.engine import journal
from unpaired.engine.runtime import choose_device
from unpaired.errors import ConfigError, RunError
from unpaired.files import alone, write_json
from unpaired.games import specs
from unpaired.options import DataOptions, Training
from unpaired.translator import Translator
from unpaired.version import VERSION, commit

RESULT = "result.json"
SOURCE, CYCLE, TRANSLATED, ADAPTED, ORACLE = "source", "cyclegan", "translated", "adapted", "oracle"
RUNS = (SOURCE, CYCLE, ADAPTED, ORACLE)
SHARED = ("seed", "device", "precision", "compile", "threads")
"""Options of training that hold for the classifiers as for the translator."""
Tell = Callable[[str], None]


@dataclass(frozen=True)
class _Plan:
    """Where and how everything is trained."""

    folder: Path
    task: Task
    teaching: Teaching
    training: Training
    device: str
    tell: Tell


def adapt(
    source: str | Path,
    target: str | Path,
    *,
    out: str | Path,
    translator: str | Path | None = None,
    direction: str = "a_to_b",
    test: str | Path | None = None,
    pictures: Pictures = Pictures(),  # noqa: B008 (frozen)
    teaching: Teaching = Teaching(),  # noqa: B008
    game: specs.CycleGAN = CYCLEGAN,
    training: Training = TRAINING,
    tell: Tell = lambda said: None,
) -> Result:
    """Translate a labelled source into the target's look, teach a classifier by it, test it on the target's held-out labelled
    images, and find the labels that flipped on the way. Everything is left in `out`, see above; returns what `result.json` holds.

    source, target: a labelled set and a set of images, each as `train` takes one: a folder, a zip, IDX, NPZ, or a named set. The
    target's labels test; those of its training images teach the oracle alone. test: labelled images of the target besides, to
    test on instead. translator: a run's folder or a bundle, from source to target in that direction; None to train `game`, whose
    `same_class` is read by the source's classifier unless it names another. training: of the game; device, precision, seed and
    threads hold for the classifiers too.

    Where it was cut off, the same call goes on. RunError where `out` holds something else, or was made with other options or
    images; ConfigError, DataError as of the parts; KeyboardInterrupt where SIGINT or SIGTERM ended it early, after all is saved.
    """
    folder = Path(out)
    device = str(choose_device(training.device)[0])
    if translator is not None:
        _require_no_training(game, training)
    given = None if translator is None else translator_of(translator, direction, device=device)
    seen = views(pictures, given)
    if pictures.maps and isinstance(game.semantic, specs.SameClass):
        raise ConfigError("--semantic same_class reads classes of images, and --maps has one for each pixel; leave it out")
    opening = open_map_task if pictures.maps else open_class_task
    task: Task = opening(source, target, test=test, pictures=pictures, views=seen)
    require_fresh(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder) as yes:
        if not yes:
            raise RunError(f"{folder} is being worked on by another process; wait for it, or choose another --out")
        asked = {
            keys.SOURCE: lasting(source),
            keys.TARGET: lasting(target),
            keys.TEST: None if test is None else lasting(test),
            keys.TRANSLATOR: None if translator is None else lasting(translator),
            "direction": None if translator is None else direction,
            "weights": None if given is None else weights_of(given),
            "pictures": config.to_dict(pictures),
            "teaching": config.to_dict(teaching),
            "game": None if given else config.to_dict(game),
            "training": config.to_dict(training),
            "images": task.fingerprint,
        }
        keep_or_compare(folder, asked)
        try:
            return _carry_out(_Plan(folder, task, teaching, training, device, tell), given, game, asked)
        except KeyboardInterrupt:
            tell(f"stopped; the same command goes on in {folder}")
            raise


def _carry_out(plan: _Plan, translator: Translator | None, game: specs.CycleGAN, asked: Mapping[str, Any]) -> Result:
    task, folder = plan.task, plan.folder
    readers = {SOURCE_ONLY: _taught(plan, SOURCE, task.sources[0], task.views.shown)}
    if translator is None:
        translator = _trained(plan, game)
    translated = folder / TRANSLATED
    if not translated.exists():
        for left in folder.glob(f".{TRANSLATED}-*"):  # by a killed session
            shutil.rmtree(left, ignore_errors=True)
        plan.tell(f"translating {counted(task.count, 'image')} into {translated}")
        task.write(translator, translated)
    readers[ON_TRANSLATED] = _taught(plan, ADAPTED, str(translated), task.views.target)
    if task.oracle is not None:
        readers[BY_ORACLE] = _taught(plan, ORACLE, task.sources[1], task.oracle)
    plan.tell("reading what was translated")
    where = {name: asked[name] for name in (keys.SOURCE, keys.TARGET, keys.TEST)}
    where[keys.TRANSLATOR] = asked[keys.TRANSLATOR] or str(folder / CYCLE)
    found = task.finish(readers, translated=translated, folder=folder)
    minutes = {name: round(journal.minutes(folder / name), 1) for name in RUNS if (folder / name).exists()}
    result = where | found | {keys.MINUTES: minutes, keys.VERSION: VERSION, keys.COMMIT: commit()}
    write_json(folder / RESULT, result)
    return result


def _taught(plan: _Plan, name: str, source: str, data: DataOptions) -> Any:
    """Whom the labels of a set teach: a classifier or a segmenter, whose run is the folder `name`."""
    teaching, steps = plan.teaching, plan.teaching.classifier_steps
    shared = {option: getattr(plan.training, option) for option in SHARED}
    batch = teaching.classifier_batch
    training = Training(steps=steps, batch=batch, schedule="cosine", evaluate_every=max(1, steps // 8), **shared)
    run = _run(plan, name, (source,), plan.task.learner(teaching), data, training)
    return bundle.load(run, device=plan.device)


def _trained(plan: _Plan, game: specs.CycleGAN) -> Translator:
    """CycleGAN's translator from source to target."""
    if isinstance(game.semantic, specs.SameClass) and not game.semantic.reader:
        game = replace(game, semantic=replace(game.semantic, reader=str(plan.folder / SOURCE)))
    seen = plan.task.views
    others = seen.target.channels if seen.target.channels != seen.source.channels else None
    data = replace(seen.source, channels_b=others, label=None, sets=True)
    with labels_may_lack():
        run = _run(plan, CYCLE, plan.task.domains, game, data, plan.training)
    return translator_of(run, "a_to_b", device=plan.device)


def _run(plan: _Plan, name: str, sources: tuple[str, ...], game: specs.GameSpec, data: DataOptions, training: Training) -> Path:
    """The folder of a finished run: trained now, or taken up where it was cut off."""
    folder = plan.folder / name
    if not (folder / "config.json").exists():
        plan.tell(f"training {folder}")
        runs.train(*sources, out=folder, game=game, data=data, training=training)
    elif not journal.ended(folder):
        plan.tell(f"going on with {folder}")
        runs.resume(folder)
    return folder


def _require_no_training(game: specs.CycleGAN, training: Training) -> None:
    """ConfigError where options of CycleGAN's training stand beside a translator that is trained already."""
    others = [
        each.name
        for each in fields(training)
        if each.name not in SHARED and getattr(training, each.name) != getattr(TRAINING, each.name)
    ]
    others += [each.name for each in fields(game) if getattr(game, each.name) != getattr(CYCLEGAN, each.name)]
    if others:
        options = ", ".join("--" + name.replace("_", "-") for name in others)
        raise ConfigError(f"{options}: for the translator that adapt trains, found --translator too; leave one of them out")
