"""The pages: numbers come from results, commands and links lead somewhere."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from unpaired import cli
from unpaired.experiments import faces
from unpaired.experiments.table import EXPERIMENTS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.fixture(scope="module")
def from_results() -> ModuleType:
    spec = importlib.util.spec_from_file_location("from_results", ROOT / "docs" / "from_results.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_number_is_that_of_its_result(page: Path, from_results: ModuleType) -> None:
    text = page.read_text()
    assert from_results.fill(text) == text, "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    for line in re.findall(r"^unpaired ([a-z0-9 -]+)", page.read_text(), flags=re.MULTILINE):
        table = cli.COMMANDS
        for word in line.split():
            if not isinstance(table, dict):
                break
            assert word in table, line
            table = table[word]


def test_every_experiment_has_a_committed_result() -> None:
    for name in EXPERIMENTS:
        result = json.loads((ROOT / "results" / name / "result.json").read_text())
        assert result["size"] == "default"
        wanted = [claim.statement for claim in EXPERIMENTS[name].claims]
        assert [claim["statement"] for claim in result["claims"]] == wanted


def test_the_demo_trains_the_best_model_of_the_experiment() -> None:
    arguments = ["train", "discogan", "faces:hair", "--out", "x", "--config", str(ROOT / "examples" / "faces-hair.toml")]
    demo = cli.parse(arguments)
    assert demo.game == faces.MODELS[faces.BEST]
    training = faces.training("hair", "default")
    for name in ("batch", "schedule", "decay_from", "ema"):
        assert getattr(demo.training, name) == getattr(training, name)
