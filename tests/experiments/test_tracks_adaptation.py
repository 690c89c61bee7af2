"""tracks-adaptation on painted worlds and a handful of steps, how pairs are chosen, and how its claims are judged."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from unpaired import runs
from unpaired.data.sets import table
from unpaired.data.sets.track_worlds import CLASSES
from unpaired.experiments import base
from unpaired.experiments import tracks_adaptation as tracks
from unpaired.experiments.tracks_adaptation import CYCLEGAN, KEEPING, MEASURES, METHODS, ORACLE, SOURCE_ONLY, Pair
from unpaired.images.maps import write_map
from unpaired.networks.specs import PatchGAN, ResNet, SmallUNet

SKIES = {"day": 200, "dusk": 120, "night": 20}
"""Three worlds that differ by how bright they are."""


def paint(folder: Path, size: int) -> None:
    """Sky above, road beneath, each image with its horizon; 24 to train on and 20 held out, as the set has them."""
    rng = np.random.default_rng(0)
    for world, bright in SKIES.items():
        for end, count in (("train", 24), ("test", 20)):
            for kind in ("images", "labels"):
                (folder / world / kind / end).mkdir(parents=True)
            for number in range(count):
                labels = (np.arange(16)[:, None] >= rng.integers(4, 12)) * np.ones((1, 16), int)
                pixels = np.array([bright, bright // 2])[labels][..., None] + rng.integers(0, 4, (16, 16, 3))
                name = f"{end}/{number:05d}.png"
                Image.fromarray(pixels.astype(np.uint8)).save(folder / world / "images" / name)
                write_map(folder / world / "labels" / name, labels.astype(np.uint8))
        (folder / world / "classes.txt").write_text("\n".join(CLASSES))
        (folder / world / "views.csv").write_text("file\n")
        (folder / world / "images" / "set.json").write_text('{"shares": {"sky": 0.5, "road": 0.5}}')


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Painted worlds and few steps; the names of what is trained, as it is trained."""
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(table.SETS, "tracks", table.SETS["tracks"]._replace(make=paint))
    monkeypatch.setattr(tracks, "WORLDS", SKIES)
    monkeypatch.setattr(tracks, "SHOWN", 2)
    quick = tracks.BUDGETS["quick"]._replace(
        pixels=16,
        pairs=1,
        lessons=60,
        segmenter=SmallUNet(width=6, halvings=1),
        steps=2,
        batch=2,
        generator=ResNet(width=2, blocks=1, downs=1),
        discriminator=PatchGAN(width=2, layers=1),
    )
    monkeypatch.setattr(tracks, "BUDGETS", {**tracks.BUDGETS, "quick": quick})
    names: list[str] = []
    train = runs.train

    def counted(*sources: Any, **options: Any) -> Any:
        names.append(Path(options["out"]).name)
        return train(*sources, **options)

    monkeypatch.setattr(runs, "train", counted)
    return names


def test_all_is_measured_and_trained_once(small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = {"size": "quick", "out": tmp_path / "results", "runs": tmp_path / "runs"}
    asked: list[str] = []
    trained = tracks.trained
    monkeypatch.setattr(tracks, "trained", lambda lab, name, **of: asked.append(Path(name).name) or trained(lab, name, **of))
    result = base.reproduce(tracks.TRACKS_ADAPTATION, **where)
    metrics = result["metrics"]
    pairs = [Pair(*name.split(" to ")) for name in metrics["scores"]]
    assert len(pairs) == 1
    cyclegans = [f"{kind}-{source}-{target}" for source, target in pairs for kind in ("cyclegan", "cyclegan-identity")]
    wanted = [*(f"segmenter-{world}" for world in SKIES), *cyclegans, *(f"segmenter-{name}" for name in cyclegans)]
    assert sorted(small) == sorted(wanted)
    for pair in map(str, pairs):
        found = metrics["scores"][pair]
        assert list(found) == list(METHODS)
        assert all(set(values) == set(MEASURES) for values in found.values())
        assert found[ORACLE]["per-pixel accuracy"] > 0.8  # sky and road are not hard to tell apart
        assert set(metrics["tables"][f"IoU, {pair}"][ORACLE]) == {"sky", "road"}
        stem = pair.replace(" ", "-")
        for picture in (stem, f"{stem}-labels"):
            assert (tmp_path / "results" / "tracks-adaptation-quick" / f"{picture}.png").exists()
    (read,) = (rows for title, rows in metrics["tables"].items() if title.startswith("mean class IoU on validation views"))
    assert {source: set(row) for source, row in read.items()} == {world: set(SKIES) for world in SKIES}
    assert metrics["views"] == {"to train on, of each world": 24, "to choose pairs by": 5, "to test on": 15}
    assert sorted(asked) == sorted(wanted)  # else its minutes would count twice
    small.clear()
    again = base.reproduce(tracks.TRACKS_ADAPTATION, **where)
    assert not small
    assert again["metrics"]["scores"] == metrics["scores"]


def test_the_widest_gaps_of_different_targets_are_chosen() -> None:
    read = {
        "a": {"a": 0.9, "b": 0.2, "c": 0.6},
        "b": {"a": 0.5, "b": 0.8, "c": 0.3},
        "c": {"a": 0.8, "b": 0.3, "c": 0.7},
    }
    # Gaps: a to b 0.6, c to b 0.5, b to a 0.4, b to c 0.4, a to c 0.1, c to a 0.1.
    assert tracks.chosen(read, count=2) == [Pair("a", "b"), Pair("b", "a")]
    assert tracks.chosen(read, count=5) == [Pair("a", "b"), Pair("b", "a"), Pair("b", "c")]


def scores(**of: float) -> dict[str, dict[str, float]]:
    """Scores of one pair: every measure alike, but those given as METHOD_MEASURE by their places."""
    base_of = {SOURCE_ONLY: 0.4, CYCLEGAN: 0.6, KEEPING: 0.5, ORACLE: 0.8}
    found = {method: dict.fromkeys(MEASURES, value) for method, value in base_of.items()}
    for place, value in of.items():
        method, measure = (int(number) for number in place.removeprefix("m").split("_"))
        found[METHODS[method]][MEASURES[measure]] = value
    return found


def test_shares_of_the_gap() -> None:
    found = tracks.gap_closed(scores(m3_1=0.4))
    assert found[CYCLEGAN] == {"per-pixel accuracy": 0.5, "mean class IoU": 0.5}
    assert found[KEEPING] == {"per-pixel accuracy": 0.25, "mean class IoU": 0.25}


@pytest.mark.parametrize(
    ("changed", "fail"),
    [
        ({}, set()),
        ({"m1_0": 0.4}, {0}),
        ({"m1_2": 0.3}, {1}),
        ({"m1_0": 0.59, "m1_1": 0.59, "m1_2": 0.59}, {2}),
        ({"m1_0": 0.59, "m1_1": 0.59, "m1_2": 0.59, "m2_1": 0.6}, set()),
        ({"m2_1": 0.8}, {3}),
    ],
)
def test_verdicts_follow_the_scores(changed: dict[str, float], fail: set[int]) -> None:
    pairs = {"a to b": scores(**changed)}
    metrics = {"scores": pairs, "gap closed": {pair: tracks.gap_closed(found) for pair, found in pairs.items()}}
    failed = {index for index, claim in enumerate(tracks.CLAIMS) if not claim.holds(claim.measure(metrics))}
    assert failed == fail


def test_only_a_measure_with_a_visible_gap_counts() -> None:
    """Half of next to nothing is noise."""
    found = scores(m3_0=0.44, m3_1=0.44)
    metrics = {"scores": {"a to b": found}, "gap closed": {"a to b": tracks.gap_closed(found)}}
    assert tracks.CLAIMS[2].measure(metrics) == {"a to b": {CYCLEGAN: {"mean class IoU": 0.5}, KEEPING: {"mean class IoU": 0.25}}}
    metrics["scores"]["a to b"] = scores(m3_0=0.44, m3_1=0.44, m3_2=0.44)
    assert tracks.CLAIMS[2].measure(metrics) is None
