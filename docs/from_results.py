"""Write the numbers of `results/*/result.json` into README.md and docs/*.md.

Between `<!-- results:NAME:WHAT -->` and `<!-- /results -->` everything is replaced: WHAT is `claims`, `scores`, `modes`,
`conditions`, `attributes`, `tables`, `accuracy`, `summary` or `facts`. `--check` changes nothing and fails where a page is behind
its results.
"""

import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"(<!-- results:(?P<name>[\w-]+):(?P<what>\w+) -->\n).*?(<!-- /results -->)", re.DOTALL)
Result = dict[str, Any]
SCORES = (
    "per-pixel accuracy", "per-class accuracy", "mean class IoU", "diversity", "error", "error where to change",
    "error where to keep", "psnr", "ssim", "retrieval top-1", "read as target", "kid[fashion-classifier]",
    "kid[animals-classifier]", "kid[pixels]", "nearest", "too near", "variety", "found", "found again", "found again, noise",
    "reconstruction", "kid[efficientnet-lite0]",
)  # fmt: skip


def claims(result: Result) -> str:
    """A row for each claim: what was wanted, what was measured, whether it holds."""
    lines = ["| claim | wanted | measured | holds |", "| --- | --- | --- | --- |"]
    for claim in result["claims"]:
        lines.append(_row([claim["statement"], claim["wanted"], _short(claim["measured"]), _verdict(claim)]))
    return "\n".join(lines)


def scores(result: Result) -> str:
    """Errors by direction and method, for an experiment that compares translators."""
    lines = []
    for direction, methods in result["metrics"]["scores"].items():
        measures = [name for name in SCORES if name in methods["CycleGAN" if "CycleGAN" in methods else "DiscoGAN"]]
        lines += [f"| {direction.replace('_', ' ')} | {' | '.join(measures)} |", "| --- |" + " ---: |" * len(measures)]
        for method, values in methods.items():
            lines.append(f"| {method} | {' | '.join(_number(values.get(name)) for name in measures)} |")
        lines.append("")
    return "\n".join(lines).rstrip()


def modes(result: Result) -> str:
    """Modes, collisions and quality by geometry and model: means over seeds with standard errors."""
    lines = []
    for geometry, models in result["metrics"]["geometries"].items():
        measures = list(next(iter(models.values()))["at the end"])
        lines += [f"| {geometry} | {' | '.join(measures)} |", "| --- |" + " ---: |" * len(measures)]
        for model, moments in models.items():
            values = moments["at the end"]
            cells = [f"{values[name]['mean']:.2f} ± {values[name]['error']:.2f}" for name in measures]
            lines.append(f"| {model} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines).rstrip()


def conditions(result: Result) -> str:
    """Collisions and modes covered by condition and model, at the end and, where a condition is long, on the way."""
    found = result["metrics"]["conditions"]
    models = list(next(iter(found.values()))["at the end"])
    lines = [f"| condition | steps | seeds | {' | '.join(models)} |", "| --- | ---: | ---: |" + " ---: |" * len(models)]
    for name, condition in found.items():
        ways = condition.get("on the way", {})
        steps = [step for step in next(iter(ways.values()), {}) if int(step)] or [str(condition["steps"])]
        for step in steps[1::2] if len(steps) > 10 else steps:
            at = {model: ways[model][step] if ways else condition["at the end"][model] for model in models}
            cells = [f"{at[model]['collisions']:.2f} / {at[model]['modes covered']:.2f}" for model in models]
            lines.append(f"| {name} | {step} | {condition['seeds']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def attributes(result: Result) -> str:
    """Of changes of attributes, a table for each group of faces: the share taken and the error, by change and method."""
    scores = result["metrics"]["scores"]
    groups = scores if "labelled" in result["metrics"] else {"": scores}
    lines = []
    for group, by_method in groups.items():
        methods = list(by_method)
        lines += [f"| {group or 'change'} | {' | '.join(methods)} |", "| --- |" + " ---: |" * len(methods)]
        for change in next(iter(by_method.values())):
            cells = []
            for method in methods:
                row = by_method[method][change]
                error = f", {row['error']:.4f}" if "error" in row else ""
                cells.append(f"{row['taken']:.0%}{error}")
            lines.append(f"| {change} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines).rstrip()


def tables(result: Result) -> str:
    """Tables of a result as they stand there, by title: rows by name, numbers by column; cells may be missing."""
    lines = []
    for title, rows in result["metrics"]["tables"].items():
        columns = list(dict.fromkeys(column for row in rows.values() for column in row))
        lines += [_row([title, *columns]), "| --- |" + " ---: |" * len(columns)]
        lines += [_row([name, *(_number(row.get(column)) for column in columns)]) for name, row in rows.items()]
        lines.append("")
    return "\n".join(lines).rstrip()


def accuracy(result: Result) -> str:
    """Of readers of one test set: the share read right, of all and of each class."""
    return tables({"metrics": {"tables": {"read right": result["metrics"]["accuracy"]}}})


def facts(result: Result) -> str:
    """How the result came about."""
    seeds = ", ".join(map(str, result["seeds"]))
    return (
        f"`{result['command']}` · {result['budget']} · seeds {seeds} · {result['minutes']:g} minutes on {result['machine']} · "
        f"commit `{result['commit'][:10]}`\n\nDeviations from the paper: " + "; ".join(result["deviations"]) + "."
    )


def summary(result: Result) -> str:
    """A row for the table of experiments."""
    held = sum(claim["holds"] for claim in result["claims"])
    return f"| {result['about']} | `{result['experiment']}` | {held} of {len(result['claims'])} claims hold |"


HEADS = {"summary": "| experiment | `unpaired reproduce` | verdict |\n| --- | --- | --- |\n"}
WRITERS: dict[str, Callable[[Result], str]] = {
    "claims": claims,
    "scores": scores,
    "modes": modes,
    "conditions": conditions,
    "attributes": attributes,
    "tables": tables,
    "accuracy": accuracy,
    "facts": facts,
    "summary": summary,
}


def fill(text: str) -> str:
    """The page with every block written anew."""

    def block(match: re.Match[str]) -> str:
        found = sorted((ROOT / "results").glob("*/result.json" if match["name"] == "all" else f"{match['name']}/result.json"))
        if not found:
            sys.exit(f"no results/{match['name']}/result.json; run `unpaired reproduce {match['name']}`")
        results = [json.loads(path.read_text(encoding="utf-8")) for path in found]
        text = HEADS.get(match["what"], "") + "\n".join(WRITERS[match["what"]](result) for result in results)
        return f"{match[1]}{text}\n{match[4]}"

    return BLOCK.sub(block, text)


def main() -> None:
    behind = []
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = page.read_text(encoding="utf-8")
        if (filled := fill(text)) != text:
            behind.append(page.name)
            if "--check" not in sys.argv:
                page.write_text(filled, encoding="utf-8")
    if behind and "--check" in sys.argv:
        sys.exit(f"behind their results: {', '.join(behind)}; run `make docs`")


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key.replace('_', ' ')}: {_short(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_short, value))
    return _number(value) if isinstance(value, int | float) else str(value)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _row(cells: Sequence[str]) -> str:
    """A row of a table, whose cells may hold the character that parts them."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _verdict(claim: dict[str, Any]) -> str:
    return "yes" if claim["holds"] else "**no**"


if __name__ == "__main__":
    main()
