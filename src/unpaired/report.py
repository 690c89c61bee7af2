"""One page of a run: `RUN/report.html`, with its scores, pictures and curves. It asks nothing of the network.

Everything lies in the file: styles, charts (SVG), pictures (data URIs) and thirty lines of script that read the charts
out under the pointer. A Content-Security-Policy forbids whatever else a browser would load or run. Text enters through
`tag`, which escapes it.
"""

import base64
import hashlib
import html
import io
import json
import math
import re
import shlex
import statistics
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import PIL.Image
import torch
from torch import Tensor

from unpaired import config, evaluation, images, runs
from unpaired.bundle import load_bundle
from unpaired.data.batches import Domains
from unpaired.engine import journal
from unpaired.errors import DataWarning, RunError, UnpairedError
from unpaired.files import replacing
from unpaired.games import table
from unpaired.metrics import paired
from unpaired.run_config import RunConfig, load_config
from unpaired.translator import Translator
from unpaired.version import VERSION
from unpaired.watch import duration

SHOWN = 12
"""Translated test images of each direction, spread evenly over all of them."""
WORST = 4
MOST_JUDGED = 256
"""Of more test images than this, as many, spread evenly, are translated to find the worst."""
MOST_PREVIEWS = 6
LARGEST_IMAGE, LARGEST_PREVIEW = 256, 1100
"""Sides in pixels beyond which the page holds a smaller copy."""
LOSSLESS_BYTES = 16_384
"""Pictures that PNG makes larger than this are kept as WebP."""
TILE = 128
"""Pixels that a picture of the gallery takes on a wide screen."""
MOST_POINTS = 240
"""Of each curve."""
WIDE = 15
"""Losses that differ by more than this factor are drawn on a logarithmic scale."""


def write_report(folder: Path) -> Path:
    """Write the page of the run at `folder` and return its path, `folder`/report.html.

    It is written for every run: what is missing (scores, pictures, curves) is replaced by a sentence that says why.
    RunError where there is no run, or where its `evaluation.json` is damaged.
    """
    folder = Path(folder)
    facts = _gather(folder)
    path = folder / "report.html"
    with replacing(path) as temporary:
        temporary.write_text(_page(facts), encoding="utf-8")
    return path


# -- what the page is made of --


class _Facts(NamedTuple):
    """All that a page tells.

    scores, counts: of `evaluation.json`, without its nulls; empty before the first evaluation. about: what the bundle
    says of itself. data, translators: None and empty where they cannot be opened; `missing` then says why.
    """

    folder: Path
    run: RunConfig
    events: Sequence[Mapping[str, Any]]
    scores: evaluation.Scores
    counts: Mapping[str, int]
    disjoint: bool | None
    about: Mapping[str, Any]
    data: Domains | None
    translators: Mapping[str, Translator]
    missing: str

    @property
    def domains(self) -> tuple[str, str]:
        if self.data is not None:
            return self.data.domains
        stems = [Path(source).stem for source in self.run.sources] if len(self.run.sources) == 2 else ["A", "B"]
        a, b = (str(self.card.get(key, stem)) for key, stem in zip("ab", stems, strict=True))
        return (b, a) if self.run.data.swap else (a, b)

    @property
    def card(self) -> Mapping[str, Any]:
        return self.data.card if self.data is not None else self.about.get("source", {})

    def ends(self, direction: str) -> tuple[str, str]:
        """The names of the domains that a direction leads from and to."""
        return self.domains if direction == "a_to_b" else self.domains[::-1]

    def arrow(self, direction: str) -> str:
        return " → ".join(self.ends(direction))

    def of(self, *kinds: str) -> list[Mapping[str, Any]]:
        """The events of these kinds, in order."""
        return [event for event in self.events if event["event"] in kinds]

    def last(self, key: str) -> Any:
        """The newest value of `key` in the journal, None where there is none."""
        return next((event[key] for event in reversed(self.events) if event.get(key) is not None), None)

    @property
    def speed(self) -> float | None:
        """Steps a second, the median."""
        known = [event["steps_per_second"] for event in self.of("steps") if "steps_per_second" in event]
        return statistics.median(known) if known else None

    @property
    def command(self) -> str:
        """The folder, as a shell reads it."""
        return shlex.quote(str(self.folder))


def _gather(folder: Path) -> _Facts:
    run = load_config(folder)
    values = _read_scores(folder / "evaluation.json")
    known = {direction: _without_nulls(methods) for direction, methods in values.get("scores", {}).items()}
    data, no_data = _open_data(run)
    translators, about, no_translators = _open_bundle(folder)
    return _Facts(
        folder=folder,
        run=run,
        events=journal.read(folder),
        scores={direction: methods for direction, methods in known.items() if methods},
        counts=values.get("images", {}),
        disjoint=values.get("disjoint_from_validation"),
        about=about,
        data=data,
        translators=translators,
        missing=no_data or no_translators,
    )


def _open_data(run: RunConfig) -> tuple[Domains | None, str]:
    """The images of a run; or None, and why."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)  # the training has said it
            data = runs.open_data(run)
    except (UnpairedError, OSError) as error:
        return None, f"The images of the training cannot be opened any more: {error}."
    if run.data_fingerprint and data.fingerprint != run.data_fingerprint:
        return None, f"The images in {', '.join(run.sources)} are no longer those of the training."
    return data, ""


def _open_bundle(folder: Path) -> tuple[dict[str, Translator], Mapping[str, Any], str]:
    """The translators of a run and what their bundle says of itself; or nothing, and why."""
    try:
        translators = load_bundle(folder)
    except UnpairedError as error:
        return {}, {}, f"There are no translators to show: {error}."
    return translators, json.loads((folder / "bundle" / "config.json").read_text(encoding="utf-8"))["about"], ""


def _read_scores(path: Path) -> dict[str, Any]:
    """What `runs.evaluate` wrote; empty where it did not."""
    if not path.exists():
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError(f"{path} is damaged: {error}; `unpaired evaluate {path.parent}` writes it again") from None
    if not isinstance(values, dict):
        raise RunError(f"{path} holds a {type(values).__name__}; `unpaired evaluate {path.parent}` writes it again")
    return values


def _without_nulls(methods: Mapping[str, Mapping[str, float | None]]) -> dict[str, dict[str, float]]:
    known = {method: {name: value for name, value in of.items() if value is not None} for method, of in methods.items()}
    return {method: values for method, values in known.items() if values}


# -- markup --


class _Markup(str):
    """HTML as it stands. Every other text is escaped where it enters a tag."""

    __slots__ = ()


def tag(name: str, /, *children: str, **attributes: str | bool | None) -> _Markup:
    """An element. `class_` and `aria_label` become class and aria-label; None and False leave an attribute out."""
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{html.escape(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in ("img", "meta", "br"):
        return _Markup(f"<{name}{written}>")
    return _Markup(f"<{name}{written}>{join(children)}</{name}>")


def join(children: Iterable[str]) -> _Markup:
    """Children one after the other, escaped unless they are markup."""
    return _Markup("".join(child if isinstance(child, _Markup) else html.escape(child) for child in children))


def prose(text: str) -> _Markup:
    """Words with `code` in backticks and addresses as links (which nothing follows by itself)."""
    return join(
        tag("code", part[1:-1])
        if part.startswith("`")
        else tag("a", part, href=part, rel="noopener noreferrer")
        if part.startswith("http")
        else part
        for part in re.split(r"(`[^`]+`|https?://[^\s<>()\"'`]*[^\s<>()\"'`.,;:])", text)
    )


def _section(name: str, title: str, *children: str) -> _Markup:
    return tag("section", tag("h2", title), *children, id=name)


def _page(facts: _Facts) -> str:
    script = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{script}'"
    sections = {
        "results": ("Results", _results(facts)),
        "pictures": ("Pictures", _gallery(facts)),
        "curves": ("Curves", _curves(facts)),
        "doctor": ("Doctor", _doctor(facts)),
        "previews": ("Over time", _previews(facts)),
        "run": ("The run", _about(facts)),
    }
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{_name(facts)} · {type(facts.run.game).__name__}"),
        tag("style", _Markup(_STYLE)),
    )
    links = [tag("a", title, href=f"#{name}") for name, (title, _) in sections.items()]
    body = tag(
        "body",
        _header(facts),
        tag("nav", *links, aria_label="Sections"),
        tag("main", *(_section(name, title, *parts) for name, (title, parts) in sections.items())),
        tag("footer", f"Written by unpaired {VERSION} on {_date(datetime.now().timestamp())}"),
        tag("script", _Markup(_SCRIPT)),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


# -- the head of the page --


def _name(facts: _Facts) -> str:
    return " and ".join(facts.domains) if facts.domains != ("A", "B") else ", ".join(facts.run.sources)


def _header(facts: _Facts) -> _Markup:
    game = facts.run.game
    arrow = tag("span", " → " if len(facts.translators or facts.scores) == 1 else " ⇄ ", class_="soft")
    title = [facts.domains[0], arrow, facts.domains[1]] if facts.domains != ("A", "B") else [_name(facts)]
    about = (type(game).__doc__ or "").splitlines()[0]
    return tag(
        "header",
        tag("p", "unpaired", tag("span", f" · {type(game).__name__} · {facts.folder.absolute().name}"), class_="over"),
        tag("h1", *title),
        tag("p", f"{about} {_when(facts)}", class_="lead"),
        *_verdict(facts),
        tag("dl", *(tag("div", tag("dt", name), tag("dd", *value)) for name, value in _tiles(facts)), class_="tiles"),
    )


def _when(facts: _Facts) -> str:
    begun, ended = facts.of("start", "resume"), facts.of("end")
    if not begun:
        return "The journal of this run is empty."
    over = bool(ended) and ended[-1]["time"] >= begun[-1]["time"]
    first, last = (_date(event["time"]) for event in (begun[0], ended[-1] if over else facts.events[-1]))
    at = f"at {last[-5:]}" if first[:-5] == last[:-5] else f"on {last}"
    sentence = f"Begun on {first}"
    if over:
        sentence += f", {'ended' if ended[-1].get('complete') else 'stopped early'} {at}"
    else:
        sentence += f", last heard of {at}: it is still running, or was broken off"
    return sentence + (f", resumed {_times(len(begun) - 1)}." if len(begun) > 1 else ".")


def _verdict(facts: _Facts) -> Iterator[_Markup]:
    """One sentence on what the run has reached, beside doing nothing."""
    reached, nothing = (evaluation.criterion(facts.scores, method=method) for method in ("translated", "doing nothing"))
    if not reached or not nothing or not math.isfinite(reached + nothing):
        return
    goal = "the exact counterparts" if evaluation.criterion_measure(facts.scores) == "error" else "the target domain"
    ratio = nothing / reached
    if ratio > 1.05:
        said = f"{ratio:.1f} times closer to {goal} than the untouched inputs"
    elif ratio < 0.95:
        said = f"{1 / ratio:.1f} times farther from {goal} than the untouched inputs"
    else:
        said = f"about as far from {goal} as the untouched inputs"
    yield tag("p", f"On held-out images, translations are {said}.", class_=f"verdict {'good' if ratio > 1.05 else 'bad'}")


def _tiles(facts: _Facts) -> Iterator[tuple[str, tuple[str, ...]]]:
    reached, nothing = (evaluation.criterion(facts.scores, method=method) for method in ("translated", "doing nothing"))
    if reached is not None:
        measure = MEASURES[evaluation.criterion_measure(facts.scores)]
        beside = f"doing nothing: {measure.shown(nothing)}" if nothing is not None else ""
        yield f"Held-out {_lower(measure.label)}", (measure.shown(reached), tag("small", beside))
    training = facts.run.training
    budget = f"of {training.steps:,}" if training.steps else f"in {training.minutes or 0:g} minutes"
    yield "Steps", (_number(facts.last("step")), tag("small", budget))
    seconds, speed = facts.last("seconds"), facts.speed
    if seconds is not None:
        yield "Training time", (_time(seconds), tag("small", f"{_number(speed)} steps/s" if speed else ""))
    if facts.data is not None:
        data = facts.data
        held = f"{len(data.test_a):,} + {len(data.test_b):,} held out"
        yield "Training images", (f"{len(data.train_a):,} + {len(data.train_b):,}", tag("small", held))
    yield "Image size", (f"{facts.run.data.size} px", tag("small", f"batch {training.batch}"))


# -- scores --


class Measure(NamedTuple):
    """How a score is shown. best: which end of it is good; form: for `str.format`."""

    label: str
    about: str
    best: str
    form: str

    def shown(self, value: float | None) -> str:
        return self.form.format(value) if value is not None and math.isfinite(value) else _number(value)


MEASURES = {
    "error": Measure("Error", "mean absolute difference to the exact counterpart, 0 to 1", "least", "{:.4f}"),
    "error where to change": Measure("Error where to change", "at pixels where input and counterpart differ", "least", "{:.4f}"),
    "error where to keep": Measure("Error where to keep", "at all other pixels", "least", "{:.4f}"),
    "brightness correlation": Measure("Brightness", "correlation of the mean before and after", "", "{:.3f}"),
    "psnr": Measure("PSNR", "peak signal-to-noise ratio", "most", "{:.2f} dB"),
    "ssim": Measure("SSIM", "structural similarity; 1 is equal", "most", "{:.3f}"),
    "retrieval top-1": Measure("Retrieval, top 1", "its own counterpart is the nearest of all", "most", "{:.1%}"),
    "retrieval top-5": Measure("Retrieval, top 5", "its own counterpart is among the five nearest", "most", "{:.1%}"),
    "swd": Measure("Sliced Wasserstein", "distance to held-out images of the target domain", "least", "{:.4f}"),
    "reconstruction": Measure("Reconstruction", "error after there and back", "least", "{:.4f}"),
    "kid": Measure("KID", "kernel distance to the target domain", "least", "{:.4f}"),
    "kid-std": Measure("KID, deviation", "between subsets", "least", "{:.4f}"),
    "frechet": Measure("Fréchet distance", "to the target domain", "least", "{:.3f}"),
    "fid": Measure("FID", "Fréchet distance of Inception-v3's features", "least", "{:.2f}"),
    "precision": Measure("Precision", "share of translations that lie within the target domain", "most", "{:.1%}"),
    "recall": Measure("Recall", "share of the target domain that lies within the translations", "most", "{:.1%}"),
    "density": Measure("Density", "of the target domain around the translations", "most", "{:.3f}"),
    "coverage": Measure("Coverage", "share of the target domain with a translation near it", "most", "{:.1%}"),
}


def _measure_of(name: str) -> Measure:
    """How to show a score; those on an extractor's features, `kid[NAME]`, say so."""
    base, _, extractor = name.partition("[")
    found = MEASURES.get(base)
    if found is None:
        return Measure(name, "", "", "{:.4g}")
    return found._replace(about=f"{found.about}, on {extractor[:-1]} features") if extractor else found


def _results(facts: _Facts) -> Iterator[_Markup]:
    if not facts.scores:
        yield _note(f"Not evaluated yet: `unpaired evaluate {facts.command}` scores it on the held-out test images.")
        return
    match facts.disjoint:
        case True:
            fairness = "Measured on held-out test images that had no part in the training, nor in choosing the weights."
        case False:
            fairness = (
                "Measured on the held-out images. They are too few to set some apart: the same ones also chose the "
                "weights, which flatters the scores a little."
            )
        case None:
            fairness = "Measured on held-out images."
    yield tag("p", f"{fairness} ↓ less is better, ↑ more is better.", class_="soft")
    yield tag("div", *(_score_table(facts, direction) for direction in facts.scores), class_="two")


def _score_table(facts: _Facts, direction: str) -> _Markup:
    methods, count = facts.scores[direction], facts.counts.get(direction)
    translated, nothing = methods.get("translated", {}), methods.get("doing nothing", {})
    rows = []
    for name in dict.fromkeys([*translated, *nothing]):
        measure = _measure_of(name)
        about = measure.about
        if name.startswith("retrieval top-") and count:
            about += f"; by chance {min(1.0, int(name.removeprefix('retrieval top-')) / count):.1%}"
        label = tag("th", f"{measure.label}\N{NO-BREAK SPACE}", _sign(measure.best), tag("small", about), scope="row")
        cells = [translated.get(name), nothing.get(name)]
        shown = [measure.shown(value) for value in cells]
        rows.append(tag("tr", label, tag("td", shown[0], *_compared(measure, *cells)), tag("td", shown[1])))
    heads = [tag("th", word, scope="col") for word in ("Measure", "Translated", "Doing nothing")]
    caption = tag("caption", facts.arrow(direction), tag("small", f" {count:,} images" if count else ""))
    return tag("div", tag("table", caption, tag("thead", tag("tr", *heads)), tag("tbody", *rows)), class_="card scroll")


def _sign(best: str) -> _Markup:
    words = {"least": ("↓", "less is better"), "most": ("↑", "more is better")}
    if best not in words:
        return _Markup("")
    sign, said = words[best]
    return tag("span", sign, class_="soft", title=said, role="img", aria_label=said)


def _compared(measure: Measure, translated: float | None, nothing: float | None) -> Iterator[_Markup]:
    if translated is None or nothing is None or not measure.best or math.isnan(translated + nothing):
        return
    if translated == nothing:
        yield tag("small", "equal")
    elif (translated < nothing) == (measure.best == "least"):
        yield tag("small", "better", class_="good")
    else:
        yield tag("small", "worse", class_="bad")


# -- pictures --


class _Judged(NamedTuple):
    """Held-out test images of a direction with their translations, all [N, C, H, W] in [-1, 1].

    third: the truths, or else the way back; errors: [N] to the truths, None where they are not known.
    """

    names: Sequence[str]
    inputs: Tensor
    outputs: Tensor
    third: Tensor | None
    errors: Tensor | None


def _gallery(facts: _Facts) -> Iterator[_Markup]:
    if facts.data is None or not facts.translators:
        yield _note(f"{facts.missing} So there are no pictures; `unpaired report {facts.command}` adds them later.")
        return
    shown = 0
    for direction, translator in facts.translators.items():
        test = evaluation.held_out(facts.data, direction, part="test")
        if len(test.inputs):
            shown += 1
            yield from _direction(facts, direction, translator, test)
    if not shown:
        yield _note("No images were held out, so there is none that the translators have not seen.")


def _direction(facts: _Facts, direction: str, translator: Translator, test: evaluation.HeldOut) -> Iterator[_Markup]:
    assert facts.data is not None
    (source, target), count = facts.ends(direction), len(test.inputs)
    back = facts.translators.get(evaluation.BACK[direction])
    judged = _judge(translator, test, names=test.names or [f"test image {row + 1}" for row in range(count)], back=back)
    third = "the truth" if test.truths is not None else "and back again" if judged.third is not None else ""
    legend = [f"input ({source})", f"translation ({target})", *([third] if third else [])]
    yield tag("h3", facts.arrow(direction))
    yield tag(
        "p",
        f"{_count(min(SHOWN, count))} of {count:,} held-out test images, spread evenly, not chosen. ",
        "From left to right: ",
        ", ".join(legend),
        ".",
        class_="soft",
    )
    spread = _spread(len(judged.inputs), SHOWN)
    yield tag("div", *(_trio(judged, row, source=source, target=target) for row in spread), class_="gallery")
    if judged.errors is None:
        return
    recorded = facts.scores.get(direction, {}).get("translated", {}).get("error")
    mean = float(judged.errors.mean())
    if recorded is not None and len(judged.inputs) == count and abs(mean - recorded) > 0.02 * abs(recorded) + 1e-4:
        yield _note(
            f"These pictures are by other weights than the scores above (their mean error is {mean:.4f}): the run went "
            f"on. `unpaired evaluate {facts.command}` measures again."
        )
    worst = judged.errors.argsort(descending=True, stable=True)[:WORST].tolist()
    yield tag("h4", f"The worst {_count(len(worst)).lower()} of {len(judged.inputs):,}, by error")
    cards = (_trio(judged, row, source=source, target=target, rank=place) for place, row in enumerate(worst, 1))
    yield tag("div", *cards, class_="gallery worst")


def _judge(translator: Translator, test: evaluation.HeldOut, *, names: Sequence[str], back: Translator | None) -> _Judged:
    """Translate what the page needs: all of a small set where there are truths to find the worst by, else a sample."""
    rows = _spread(len(test.inputs), SHOWN if test.truths is None else MOST_JUDGED)
    inputs = test.inputs[rows]
    outputs = translator.batch(inputs)
    truths = test.truths[rows] if test.truths is not None else None
    errors = paired.mean_absolute_error(outputs, truths) if truths is not None else None
    third = truths if truths is not None else back.batch(outputs) if back is not None else None
    return _Judged([names[row] for row in rows], inputs, outputs, third, errors)


def _trio(judged: _Judged, row: int, *, source: str, target: str, rank: int | None = None) -> _Markup:
    name = Path(judged.names[row]).name
    shown = [(judged.inputs, f"Input, {source}: {name}"), (judged.outputs, f"Translation to {target}")]
    if judged.third is not None:
        shown.append((judged.third, "Truth" if judged.errors is not None else f"Back again to {source}"))
    caption = [tag("span", name, class_="name", title=judged.names[row])]
    if judged.errors is not None:
        caption.insert(0, tag("span", f"error {MEASURES['error'].shown(float(judged.errors[row]))}"))
    if rank is not None:
        caption.insert(0, tag("b", "worst" if rank == 1 else f"worst no. {rank}"))
    return tag(
        "figure",
        tag("div", *(_image(images_[row], alt=alt) for images_, alt in shown), class_="trio"),
        tag("figcaption", *caption),
    )


def _image(image: Tensor, *, alt: str) -> _Markup:
    picture = images.picture(images.to_uint8(image[None])[0].cpu().numpy())
    tiny = max(picture.size) < TILE
    scale = max(1, TILE // max(picture.size))
    side = str(picture.width * scale if tiny else min(TILE, picture.width))
    picture.thumbnail((LARGEST_IMAGE, LARGEST_IMAGE), PIL.Image.Resampling.LANCZOS)
    return tag("img", src=_data_uri(picture), alt=alt, class_="tiny" if tiny else None, width=side)


def _data_uri(picture: PIL.Image.Image) -> str:
    """Lossless while that is small, else WebP."""
    stream, kind = io.BytesIO(), "png"
    picture.save(stream, format="PNG", optimize=True)
    if stream.tell() > LOSSLESS_BYTES:
        stream, kind = io.BytesIO(), "webp"
        picture.save(stream, format="WEBP", quality=88)
    return f"data:image/{kind};base64,{base64.b64encode(stream.getvalue()).decode()}"


def _previews(facts: _Facts) -> Iterator[_Markup]:
    """How the same images were translated as the run went on."""
    paths = sorted((facts.folder / "previews").glob("*.png"))
    figures = []
    for path in (paths[row] for row in _spread(len(paths), MOST_PREVIEWS)):
        try:
            picture = images.picture(images.read(path))
        except UnpairedError:  # cut off in the middle, perhaps: the others tell enough
            continue
        picture.thumbnail((LARGEST_PREVIEW, picture.height), PIL.Image.Resampling.LANCZOS)
        step = f"step {int(path.stem):,}" if path.stem.isdigit() else path.stem
        shown = tag("img", src=_data_uri(picture), alt=f"Held-out images and their translations at {step}")
        figures.append(tag("figure", tag("figcaption", step), shown))
    if not figures:
        yield _note("No previews were kept.")
        return
    yield tag("p", f"The same held-out images, from the first of {len(paths):,} previews to the last.", class_="soft")
    yield tag("div", *figures, class_="strip", tabindex="0", role="region", aria_label="Previews over time")


# -- curves --


class _Series(NamedTuple):
    """A curve: its points (step, value) in order of steps. colour: from 0; still: a line of reference, dashed."""

    label: str
    points: Sequence[tuple[float, float]]
    colour: int
    still: bool = False


def _curves(facts: _Facts) -> Iterator[_Markup]:
    charts = [*_score_charts(facts), *_loss_charts(facts)]
    speed = _finite((event["step"], event.get("steps_per_second")) for event in facts.of("steps"))
    if len(speed) > 1:
        line = _Series("steps per second", _smooth(speed), 0)
        charts.append(_chart("Speed", "Steps per second, without the time for evaluations and previews.", [line]))
    if not charts:
        yield _note("The journal holds too little for curves yet.")
        return
    yield tag("div", *charts, class_="two")


def _score_charts(facts: _Facts) -> Iterator[_Markup]:
    looks = [event for event in facts.of("evaluation") if event.get("scores")]
    if len(looks) < 2:
        return
    measure = evaluation.criterion_measure(looks[-1]["scores"])
    lines = []
    for colour, direction in enumerate(looks[-1]["scores"]):
        for method, suffix in (("translated", ""), ("doing nothing", ", doing nothing")):
            values = ((event["step"], event["scores"].get(direction, {}).get(method, {}).get(measure)) for event in looks)
            points = _thin(_finite(values))
            if points:
                lines.append(_Series(facts.arrow(direction) + suffix, points, colour, still=bool(suffix)))
    if lines:
        about = MEASURES[measure].about
        yield _chart(
            f"Held-out {_lower(MEASURES[measure].label)}",
            f"{about[0].upper()}{about[1:]}, on the validation images.",
            lines,
            mark=(facts.about["step"], "kept") if "step" in facts.about else None,
        )


def _loss_charts(facts: _Facts) -> Iterator[_Markup]:
    """One chart for each player, as each minimises losses of its own."""
    events, chance = facts.of("steps"), _chance(facts)
    players: dict[str, dict[str, list[tuple[float, Any]]]] = {}
    for event in events:
        for name, value in event.get("losses", {}).items():
            player, _, loss = name.partition("/")
            players.setdefault(player, {}).setdefault(loss, []).append((event["step"], value))
    for player, losses in players.items():
        smoothed = [(loss, _smooth(_finite(points))) for loss, points in losses.items()]
        lines = [_Series(loss, points, colour) for colour, (loss, points) in enumerate(smoothed) if len(points) > 1]
        if not lines:
            continue
        about = "As minimised: weighted; smoothed for the eye."
        levels = {chance[name] for name in (f"{player}/{line.label}" for line in lines) if name in chance}
        if len(levels) == 1:
            ends = [points[at][0] for points in (line.points for line in lines) for at in (0, -1)]
            level = levels.pop()
            lines.append(_Series("chance", [(min(ends), level), (max(ends), level)], COLOURS - 1, still=True))
            about += " At the dashed line, real and translated images cannot be told apart."
        values = [value for line in lines for _, value in line.points]
        logarithmic = min(values) > 0 and max(values) > WIDE * min(values)
        yield _chart(f"Losses of the {player}", about, lines, logarithmic=logarithmic)


def _chance(facts: _Facts) -> Mapping[str, float]:
    """The doctor's yardsticks, by `player/loss`; empty where there is no bundle to take the shapes from."""
    if "a_to_b" not in facts.translators:
        return {}
    translator = facts.translators["a_to_b"]
    with torch.device("meta"):  # a game without memory for its weights
        game = table.build(facts.run.game, shape_a=translator.source, shape_b=translator.target, seed=0)
    return game.chance()


def _chart(
    title: str,
    about: str,
    lines: Sequence[_Series],
    *,
    logarithmic: bool = False,
    mark: tuple[float, str] | None = None,
) -> _Markup:
    """A line chart. The SVG stretches with its box; words stand beside it as HTML, so that they never shrink.

    logarithmic: asks for values above 0. mark: a step to point out, and the word for it.
    """
    values = [value for line in lines for _, value in line.points]
    steps = [step for line in lines for step, _ in line.points]
    left, right = 0.0, max(*steps, 1.0)
    low, high = min(values), max(values)
    if logarithmic:
        scale, ticks = math.log10, _log_ticks(low, high)
        bottom, top = math.log10(low) - 0.05, math.log10(high) + 0.05
    else:
        span = high - min(low, 0.0) or 1.0
        scale = float
        bottom, top = (0.0 if low >= 0 else low - 0.05 * span), high + 0.08 * span
        ticks = _ticks(bottom, top, most=5)
    across = _ticks(left, right, most=5)

    def x(step: float) -> float:
        return round(1000 * (step - left) / (right - left), 1)

    def y(value: float) -> float:
        return round(1000 * (1 - (scale(value) - bottom) / (top - bottom)), 1)

    rules = [tag("path", d=f"M0 {y(value)}H1000", class_="rule") for value in ticks]
    if mark is not None and left <= mark[0] <= right:
        rules.append(tag("path", d=f"M{x(mark[0])} 0V1000", class_="mark"))
    curves = [
        tag(
            "path",
            d="M" + "L".join(f"{x(step)} {y(value)}" for step, value in line.points),
            class_="line still" if line.still else "line",
            style=f"stroke:var(--c{line.colour % COLOURS})",
        )
        for line in lines
    ]
    said = "; ".join(f"{line.label} {_path_in_words(line)}" for line in lines)
    drawing = tag(
        "svg",
        *rules,
        *curves,
        viewBox="0 0 1000 1000",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"{title} over steps: {said}",
    )
    labels = [tag("span", _number(value), class_="y", style=f"top:{y(value) / 10}%") for value in ticks]
    labels += [tag("span", _compact(step), class_="x", style=f"left:{x(step) / 10}%") for step in across]
    if mark is not None and left <= mark[0] <= right:
        side = "right:calc({}% + 5px)" if x(mark[0]) > 500 else "left:calc({}% + 5px)"
        place = 100 - x(mark[0]) / 10 if x(mark[0]) > 500 else x(mark[0]) / 10
        labels.append(tag("span", f"{mark[1]}: step {mark[0]:,}", class_="flag", style=side.format(round(place, 1))))
    note = " The scale is logarithmic." if logarithmic else ""
    return tag(
        "figure",
        tag("figcaption", tag("b", title), tag("span", about + note)),
        tag("div", drawing, *labels, tag("i", hidden=True), class_="plot"),
        tag("p", "at step ", tag("output", f"{right:,.0f}"), class_="at"),
        tag("ul", *map(_legend, lines)),
        class_="card chart",
        data_right=f"{right:g}",
    )


def _legend(line: _Series) -> _Markup:
    swatch = tag("i", class_="still" if line.still else None, style=f"color:var(--c{line.colour % COLOURS})")
    points = json.dumps([[round(step), float(f"{value:.4g}")] for step, value in line.points], separators=(",", ":"))
    return tag("li", swatch, tag("span", line.label), tag("output", _number(line.points[-1][1])), data_points=points)


def _path_in_words(line: _Series) -> str:
    first, last = line.points[0][1], line.points[-1][1]
    return f"at {_number(last)}" if line.still else f"from {_number(first)} to {_number(last)}"


def _finite(points: Iterable[tuple[float, Any]]) -> list[tuple[float, float]]:
    return [(float(step), float(value)) for step, value in points if value is not None and math.isfinite(value)]


def _smooth(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The mean over a window of a twentieth of all points: narrower at the steep start, one-sided at the noisy end."""
    reach = len(points) // 40
    smoothed = []
    for at, (step, _) in enumerate(points):
        near = min(reach, at)
        window = points[at - near : at + near + 1]
        smoothed.append((step, sum(value for _, value in window) / len(window)))
    return _thin(smoothed)


def _thin(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return [points[row] for row in _spread(len(points), MOST_POINTS)]


def _ticks(low: float, high: float, *, most: int) -> list[float]:
    """Round numbers from `low` to `high`, `most` at the most, in steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / most
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough * 0.999)
    return [step * count for count in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [10.0**power for power in powers if low <= 10.0**power <= high]
    if len(ticks) > 2:
        return ticks
    return [factor * 10.0**power for power in powers for factor in (1, 2, 5) if low <= factor * 10.0**power <= high]


# -- words --


def _doctor(facts: _Facts) -> Iterator[_Markup]:
    looks = len(facts.of("evaluation"))
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for event in facts.of("finding"):
        found.setdefault((str(event["sign"]), str(event["where"])), []).append(event)
    items = [_finding(facts, *key, events) for key, events in found.items()]
    for event in facts.of("rollback"):
        said = f"The run went back to step {event['step']:,} and on with other batches and half the learning rate."
        step = tag("span", f"step {event['found']:,}", class_="step")
        items.append(tag("li", tag("b", "Loss not finite"), step, tag("p", said)))
    if items:
        yield tag("ul", *items, class_="findings")
    elif looks:
        yield _note(f"Nothing found. The doctor looked {_times(looks)}.", "good")
    else:
        yield _note("The doctor has not looked yet.")


def _finding(facts: _Facts, sign: str, where: str, events: Sequence[Mapping[str, Any]]) -> _Markup:
    """One sign at one place, in the words of the last time that it was found."""
    steps = sorted({event["step"] for event in events})
    when = f"step {steps[0]:,}" if len(steps) == 1 else f"{_times(len(steps))}, steps {steps[0]:,} to {steps[-1]:,}"
    place = facts.arrow(where) if where in evaluation.BACK else where
    return tag(
        "li",
        tag("b", f"{sign[:1].upper()}{sign[1:]}: {place}"),
        tag("span", when, class_="step"),
        tag("p", prose(str(events[-1]["says"]))),
        tag("p", tag("b", "Try: "), prose(str(events[-1]["tries"]))),
    )


def _about(facts: _Facts) -> Iterator[_Markup]:
    yield tag(
        "div",
        tag("div", tag("h3", "Data"), _rows(_data_rows(facts)), class_="card"),
        tag("div", tag("h3", "Machine"), _rows(_machine_rows(facts)), class_="card"),
        class_="two top",
    )
    yield tag("h3", "Go on from here")
    yield tag("pre", _commands(facts), tabindex="0")
    written = json.dumps(config.to_dict(facts.run), indent=2, ensure_ascii=False)
    yield tag("details", tag("summary", "The complete configuration"), tag("pre", written, tabindex="0"))
    own = {key: value for key, value in facts.card.items() if key not in ("name", "licence", "credit")}
    if own:
        written = json.dumps(own, indent=2, ensure_ascii=False, default=str)
        yield tag("details", tag("summary", "The data card"), tag("pre", prose(written), tabindex="0"))


def _data_rows(facts: _Facts) -> Iterator[tuple[str, str]]:
    yield "from", ", ".join(facts.run.sources)
    for key in ("name", "licence", "credit"):
        if key in facts.card:
            yield key, str(facts.card[key])
    if "licence" not in facts.card:
        yield "licence", "not stated by the data"
    if facts.data is not None:
        data = facts.data
        a, b = data.domains
        yield a, f"{len(data.train_a):,} to train on, {len(data.test_a):,} held out"
        yield b, f"{len(data.train_b):,} to train on, {len(data.test_b):,} held out"
        known = [name for name, truth in ((a, data.truth_a), (b, data.truth_b)) if truth is not None]
        yield (
            "exact counterparts",
            f"known of held-out images, in {' and in '.join(known)}" if known else "not known",
        )
        unreadable = sum(map(len, data.skipped.values()))
        if unreadable:
            yield "skipped", f"{unreadable:,} unreadable files"
    if facts.run.data_fingerprint:
        yield "fingerprint", facts.run.data_fingerprint


def _machine_rows(facts: _Facts) -> Iterator[tuple[str, str]]:
    """What the journal says of the last session; new entries of it appear by themselves."""
    yield "unpaired", facts.run.version
    yield "compiled", "yes" if facts.run.compiled else "no"
    begun = facts.of("start", "resume")
    if begun:
        told = {key: value for key, value in begun[-1].items() if key not in ("event", "time", "step", "seconds")}
        yield from _flat(told.pop("reasons", {}))
        yield from _flat(told)
    speed = facts.speed
    if speed:
        yield "speed", f"{_number(speed)} steps/s, {_number(speed * facts.run.training.batch)} images/s of each domain"


def _flat(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value)
        else:
            yield key, str(value)


def _rows(rows: Iterable[tuple[str, str]]) -> _Markup:
    lines = (tag("tr", tag("th", key, scope="row"), tag("td", prose(value))) for key, value in rows)
    return tag("table", tag("tbody", *lines))


def _commands(facts: _Facts) -> str:
    directions = tuple(facts.translators) or ("a_to_b",)
    lines = [f"unpaired resume {facts.command}"]
    lines += [f"unpaired translate {facts.command} PICTURES --direction {name} --out TRANSLATED" for name in directions]
    lines.append(f"unpaired evaluate {facts.command}")
    return "\n".join(lines)


def _note(text: str, kind: str = "") -> _Markup:
    return tag("p", prose(text), class_=f"note {kind}".strip())


def _spread(count: int, most: int) -> list[int]:
    """At most `most` of `count` rows, spread evenly, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [round(place * (count - 1) / (most - 1)) for place in range(most)]


def _number(value: float | None) -> str:
    """Three digits that matter: 12,345; 12.3; 0.0123."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0 or isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) < 1e-4:
        return f"{value:.1e}"
    digits = f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _compact(step: float) -> str:
    """A step on an axis: 500, 20k, 1.5M."""
    for size, letter in ((1e6, "M"), (1e4, "k")):
        if step >= size:
            return f"{step / (1e3 if letter == 'k' else size):g}{letter}"
    return f"{step:,.0f}"


def _count(count: int) -> str:
    words = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve")
    return words[count] if count < len(words) else f"{count:,}"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def _lower(label: str) -> str:
    """A label within a sentence: names and abbreviations keep their capitals."""
    return label if label[:2].isupper() else label[0].lower() + label[1:]


def _time(seconds: float) -> str:
    return f"{duration(seconds)} h" if seconds >= 3600 else f"{duration(seconds)} min"


def _date(seconds: float) -> str:
    when = datetime.fromtimestamp(seconds).astimezone()
    return f"{when.day} {when:%B %Y, %H:%M}"


# -- how it looks --

COLOURS = 6
"""The variables --c0 to --c5 of the style."""

_STYLE = """
:root{--paper:#faf9f6;--card:#fff;--ink:#1c1e20;--soft:#5c6269;--rule:#e3e1da;--fill:#f1efe9;--accent:#0b6a5d;
--good:#12693a;--bad:#a2321c;--c0:#1d5fc4;--c1:#c2480b;--c2:#0f7a52;--c3:#8b3cc6;--c4:#8a6a00;--c5:#5c6269}
@media(prefers-color-scheme:dark){:root{--paper:#131517;--card:#1b1e21;--ink:#ecebe6;--soft:#a3a9b0;--rule:#2e3338;
--fill:#24282c;--accent:#63d2bf;--good:#6fd699;--bad:#ff9a85;--c0:#7db3ff;--c1:#ff9d5c;--c2:#5fd0a0;--c3:#cb9dff;
--c4:#e3c34f;--c5:#a3a9b0}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:1304px;padding:40px 32px 64px;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;font-variant-numeric:tabular-nums}
h1,h2,h3,h4,p,figure,dl,dd,ul{margin:0}
h1{font-size:clamp(2rem,5.2vw,3.4rem);line-height:1.08;letter-spacing:-.025em;font-weight:680;overflow-wrap:anywhere;
text-wrap:balance}
h2{font-size:1.5rem;letter-spacing:-.012em;line-height:1.2;margin-bottom:14px}
h3{font-size:1.08rem;margin:30px 0 4px}
h4{font-size:.95rem;margin:24px 0 10px}
a{color:var(--accent)}
a:focus-visible,[tabindex]:focus-visible,summary:focus-visible{outline:2px solid var(--accent);outline-offset:3px}
code,pre{font:.875em/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
code{background:var(--fill);padding:.1em .35em;border-radius:4px;overflow-wrap:anywhere}
.soft,small{color:var(--soft)}
.good{color:var(--good)}
.bad{color:var(--bad)}
.over{font-size:.875rem;font-weight:650;color:var(--accent);margin-bottom:10px;overflow-wrap:anywhere}
.over span{color:var(--soft);font-weight:400}
.lead{margin-top:14px;max-width:46rem;color:var(--soft);font-size:1.06rem}
.verdict{margin-top:18px;font-size:1.22rem;line-height:1.4;font-weight:600;max-width:46rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));margin-top:32px;
border-top:1px solid var(--rule);border-bottom:1px solid var(--rule)}
.tiles div{padding:16px 16px 16px 0}
.tiles dt{font-size:.875rem;color:var(--soft)}
.tiles dd{font-size:1.65rem;line-height:1.25;font-weight:640;letter-spacing:-.015em}
.tiles small{display:block;font-size:.875rem;font-weight:400;letter-spacing:0}
nav{display:flex;flex-wrap:wrap;gap:4px 22px;padding:14px 0;border-bottom:1px solid var(--rule);font-size:.94rem}
nav a{color:var(--ink);text-decoration:none;padding:2px 0}
nav a:hover{color:var(--accent);text-decoration:underline;text-underline-offset:4px}
section{margin-top:56px}
.card{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:20px 22px}
.card>h3{margin-top:0}
.two{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:20px;margin-top:16px}
.top{align-items:start}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}
caption{text-align:left;font-weight:650;font-size:1.08rem;padding-bottom:8px}
caption small{font-weight:400}
th,td{padding:9px 0 9px 16px;text-align:right;vertical-align:baseline;border-top:1px solid var(--rule)}
th:first-child{padding-left:0;text-align:left;font-weight:560}
thead th{border-top:0;font-size:.875rem;font-weight:400!important;color:var(--soft);white-space:nowrap}
td{white-space:nowrap}
td:nth-child(2){font-weight:640}
tbody small{display:block;font-weight:400;font-size:.82rem;line-height:1.35}
.card:not(.scroll) th{width:8.5em;color:var(--soft);font-weight:400}
.card:not(.scroll) td{text-align:left;white-space:normal;font-weight:400;overflow-wrap:anywhere}
.note{background:var(--fill);border-radius:8px;padding:14px 18px;max-width:60rem;margin-top:14px;overflow-wrap:anywhere}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,380px),1fr));gap:22px 32px;margin-top:14px}
.trio{display:flex;gap:4px}
.trio img{display:block;flex:0 1 auto;min-width:0;max-width:calc((100% - 8px)/3);height:auto;background:var(--fill);
border-radius:3px}
.trio img:nth-child(2){box-shadow:0 0 0 2px var(--accent)}
.tiny{image-rendering:pixelated}
.gallery figcaption{display:flex;gap:12px;font-size:.82rem;color:var(--soft);margin-top:5px;max-width:392px}
.gallery figcaption span,.gallery figcaption b{white-space:nowrap}
.gallery b{color:var(--bad);font-weight:600}
.gallery .name{margin-left:auto;overflow:hidden;text-overflow:ellipsis}
.worst{grid-template-columns:repeat(auto-fill,minmax(min(100%,280px),1fr))}
.worst .trio img:nth-child(2){box-shadow:0 0 0 2px var(--bad)}
.chart{display:flex;flex-direction:column}
.chart figcaption b{display:block;font-size:1.08rem;font-weight:650}
.chart figcaption span{color:var(--soft);font-size:.875rem;line-height:1.4;display:block}
.plot{position:relative;flex:1 0 240px;margin:22px 6px 28px 46px;touch-action:pan-y}
.plot svg{position:absolute;inset:0;width:100%;height:100%;overflow:visible}
.plot path{fill:none;vector-effect:non-scaling-stroke}
.rule{stroke:var(--rule);stroke-width:1}
.mark{stroke:var(--soft);stroke-width:1;stroke-dasharray:2 3}
.line{stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.line.still{stroke-width:1.5;stroke-dasharray:6 5;stroke-linecap:butt}
.plot span{position:absolute;font-size:.78rem;line-height:1;color:var(--soft);white-space:nowrap}
.plot .y{right:calc(100% + 8px);transform:translateY(-50%)}
.plot .x{top:calc(100% + 10px);transform:translateX(-50%)}
.plot .flag{top:-4px;background:var(--card);padding:1px 2px}
.plot i{position:absolute;top:0;bottom:0;width:1px;background:var(--soft);pointer-events:none}
.chart .at,.chart li{display:flex;align-items:baseline;gap:8px;font-size:.875rem}
.chart .at{color:var(--soft);gap:4px;margin-bottom:2px}
.chart li output{margin-left:auto}
.chart ul{list-style:none;padding:0}
.chart li i{flex:none;width:18px;border-top:3px solid;align-self:center}
.chart li i.still{border-top:2px dashed}
.findings{list-style:none;padding:0;display:grid;gap:12px;max-width:60rem}
.findings li{border-left:4px solid var(--bad);background:var(--card);padding:14px 18px;border-radius:0 8px 8px 0}
.findings .step{color:var(--soft);margin-left:12px;font-size:.875rem}
.strip{display:flex;gap:16px;overflow-x:auto;scroll-snap-type:x proximity;padding:14px 0}
.strip figure{flex:0 0 min(540px,86%);scroll-snap-align:start}
.strip figcaption{font-size:.875rem;font-weight:600;margin-bottom:6px}
.strip img{display:block;width:100%;height:auto;background:#fff;border:1px solid var(--rule);border-radius:6px}
pre{background:var(--fill);border-radius:8px;padding:14px 18px;overflow-x:auto;margin:10px 0 0}
details{margin-top:16px;border-top:1px solid var(--rule);padding-top:14px}
summary{cursor:pointer;font-weight:600}
footer{margin-top:64px;padding-top:16px;border-top:1px solid var(--rule);color:var(--soft);font-size:.875rem}
@media(max-width:900px){.two{grid-template-columns:minmax(0,1fr)}}
@media(max-width:560px){body{padding:24px 16px 48px}.card{padding:16px}section{margin-top:44px}
.tiles{grid-template-columns:1fr 1fr}.tiles dd{font-size:1.25rem}
th,td{padding-left:10px}thead th{white-space:normal}
.plot{flex-basis:200px;margin-left:40px}}
@media(prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
@media print{nav,footer{display:none}section{break-inside:auto}.card,figure{break-inside:avoid}}
"""

_SCRIPT = """
for (const chart of document.querySelectorAll(".chart")) {
  const plot = chart.querySelector(".plot"), hair = plot.querySelector("i"), right = Number(chart.dataset.right);
  const at = chart.querySelector(".at output"), rest = at.textContent;
  const items = [...chart.querySelectorAll("li")].map(item => {
    const out = item.querySelector("output");
    return {points: JSON.parse(item.dataset.points), out, rest: out.textContent};
  });
  const nearest = (points, step) => points.reduce((a, b) => Math.abs(b[0] - step) < Math.abs(a[0] - step) ? b : a);
  plot.addEventListener("pointermove", event => {
    const box = plot.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    const step = nearest(items[0].points, share * right)[0];
    hair.hidden = false;
    hair.style.left = 100 * step / right + "%";
    at.textContent = step.toLocaleString("en");
    for (const item of items) item.out.textContent = String(Number(nearest(item.points, step)[1].toPrecision(3)));
  });
  plot.addEventListener("pointerleave", () => {
    hair.hidden = true;
    at.textContent = rest;
    for (const item of items) item.out.textContent = item.rest;
  });
}
"""
