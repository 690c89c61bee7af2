"""Recipes of the papers' own data: each once on a small imitation of its folder, and what they say of the papers."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unpaired import cli
from unpaired.data.sources import find_domains
from unpaired.errors import ConfigError, DataError
from unpaired.experiments import base, recipes
from unpaired.experiments.table import EVERYTHING, EXPERIMENTS, UNMEASURED
from unpaired.games import specs
from unpaired.metrics import features
from unpaired.networks.specs import ResNet, UNet
from unpaired.run_config import load_config

BY_NAME = {recipe.name: recipe for recipe in recipes.ALL}
TRAIN, TEST = 12, 8


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(recipes, "DRY", recipes.Dry(steps=2, batch=2, width=4, side=16))


def picture(path: Path, *, seed: int, size: tuple[int, int] = (20, 20)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def imitation(recipe: recipes.Recipe, folder: Path) -> Path:
    """A folder as the recipe wants it, of noise."""
    if recipe.attributes is not None:
        names = sorted({name for name, _ in (recipe.attributes.a, recipe.attributes.b)} | {"Smiling"})
        rows = []
        for index in range(4 * TRAIN):
            picture(folder / "img_align_celeba" / f"{index + 1:06d}.jpg", seed=index, size=(22, 18))
            signs = [1 if (index + place) % 2 else -1 for place in range(len(names))]
            rows.append(f"{index + 1:06d}.jpg " + " ".join(f"{sign:2d}" for sign in signs))
        (folder / "list_attr_celeba.txt").write_text("\n".join([str(len(rows)), " ".join(names), *rows]) + "\n")
    elif recipe.data.side_by_side:
        for part, count, start in (("train", TRAIN, 0), ("val", TEST, 100)):
            for index in range(count):
                picture(folder / part / f"{index + 1}_AB.jpg", seed=start + index, size=(20, 40))
    else:
        for part, count, start in (("trainA", TRAIN, 0), ("trainB", TRAIN + 3, 100), ("testA", TEST, 200), ("testB", TEST, 300)):
            for index in range(count):
                picture(folder / part / f"{index + 1}.jpg", seed=start + index)
    return folder


@pytest.mark.parametrize("name", BY_NAME)
def test_every_recipe_runs_dry(name: str, tmp_path: Path) -> None:
    recipe = BY_NAME[name]
    data = imitation(recipe, tmp_path / "data")
    result = base.reproduce(recipes.RECIPES[name], size="quick", out=tmp_path / "results", runs=tmp_path / "runs", data=data)
    run = load_config(tmp_path / "runs" / f"{name}-quick")
    assert type(run.game) is type(recipe.game)
    assert run.training.steps == 2
    assert run.data.side_by_side == recipe.data.side_by_side
    assert result["metrics"]["steps"] == 2
    images = result["metrics"]["images"]
    if recipe.attributes is None:
        assert images == {
            "train_a": TRAIN, "train_b": TRAIN + (0 if recipe.data.side_by_side else 3), "test_a": TEST, "test_b": TEST
        }  # fmt: skip
    directions = {"a_to_b"} if isinstance(recipe.game, specs.Pix2Pix) else {"a_to_b", "b_to_a"}
    assert set(result["metrics"]["scores"]) == directions
    if isinstance(recipe.game, specs.Pix2Pix):
        assert 0 < result["metrics"]["scores"]["a_to_b"]["translated"]["error"] < 1  # the other half of the file is the truth
    assert result["metrics"]["seconds_per_step"] > 0
    assert (tmp_path / "results" / f"{name}-quick" / "translated.png").exists()
    assert result["command"] == f"unpaired reproduce {name} --size quick --data FOLDER"
    assert result["claims"] == []


# -- what is trained at full size --


def test_cyclegan_trains_as_published() -> None:
    recipe = BY_NAME["horse2zebra"]
    assert recipe.training(1177) == replace(recipe.training(1), steps=200 * 1177, batch=1, schedule="linear", decay_from=0.5)
    assert (recipe.data.size, recipe.data.load_size, recipe.data.flip) == (256, 286, True)
    assert recipe.game == specs.CycleGAN(identity=0.0)  # all else is the paper's by default
    assert BY_NAME["monet2photo"].game == specs.CycleGAN(identity=5.0)
    small = BY_NAME["cityscapes"]
    assert (small.data.size, small.data.load_size) == (128, 143)
    assert isinstance(small.game.generator, ResNet)
    assert small.game.generator.blocks == 6


def test_pix2pix_trains_as_published() -> None:
    facades, shoes = BY_NAME["pix2pix-facades"], BY_NAME["pix2pix-edges2shoes"]
    assert facades.training(400).steps == 80_000
    assert shoes.training(49_825).steps == 15 * 49_825 // 4
    assert facades.training(400).schedule == "constant"
    assert (facades.data.load_size, facades.data.flip, facades.data.swap) == (286, True, True)
    assert (shoes.data.load_size, shoes.data.flip, shoes.data.swap) == (None, False, False)
    assert isinstance(facades.game.generator, UNet)
    assert (facades.game.generator.downs, facades.game.generator.dropout) == (8, 0.5)


def test_discogan_trains_as_published() -> None:
    recipe = BY_NAME["handbags2shoes"]
    assert recipe.training(999_999) == recipe.training(1)
    assert (recipe.batch, recipe.data.size, recipe.data.flip) == (200, 64, False)
    assert (recipe.game.optimizer.learning_rate, recipe.game.optimizer.weight_decay) == (2e-4, 1e-4)


def test_an_epoch_is_as_long_as_the_larger_domain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    recipe = BY_NAME["maps"]
    monkeypatch.setattr(recipes.Recipe, "training", lambda self, images: asked.append(images))
    data = imitation(recipe, tmp_path / "data")
    base.reproduce(recipes.RECIPES["maps"], size="quick", out=tmp_path / "out", runs=tmp_path / "runs", data=data)
    assert asked == [TRAIN + 3]


def test_the_paper_size_judges_by_features_and_by_fid_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a tiny size, with a stand-in for both extractors: 2 x 2 px of the image."""

    def stand_in(name: str) -> features.Extractor:
        def network(x):
            return x[:, :, :2, :2].flatten(1)

        return features.Extractor(name, 12, network)

    asked: list[str] = []
    for name in (recipes.EXTRACTOR, features.INCEPTION):
        monkeypatch.setitem(features.EXTRACTORS, name, lambda name=name, **_: asked.append(name) or stand_in(name))
    recipe = BY_NAME["horse2zebra"]
    tiny = replace(
        recipe,
        game=recipes.shrunk(recipe.game, recipes.DRY),
        data=recipes.smaller(recipe.data, recipes.DRY),
        epochs=1,
        batch=8,
    )
    data = imitation(recipe, tmp_path / "data")
    result = base.reproduce(recipes.experiment(tiny), size="paper", out=tmp_path / "results", runs=tmp_path / "runs", data=data)
    assert result["metrics"]["steps"] == (TRAIN + 3) // 8
    assert "kid[efficientnet-lite0]" in result["metrics"]["scores"]["a_to_b"]["translated"]
    (claim,) = result["claims"]
    assert claim["measured"] == result["metrics"]["fid"]
    assert claim["holds"] == (claim["measured"] <= 77.2)
    assert set(asked) == {recipes.EXTRACTOR, features.INCEPTION}


def test_fid_is_not_judged_where_it_was_not_measured() -> None:
    (claim,) = recipes.RECIPES["horse2zebra"].claims
    assert claim.measure({"scores": {}}) is None
    assert claim.holds(77.1)
    assert not claim.holds(77.3)


# -- CelebA --


def table(folder: Path, text: str) -> Path:
    (folder / "img_align_celeba").mkdir(parents=True)
    (folder / "list_attr_celeba.txt").write_text(text)
    return folder


def test_celeba_is_arranged_by_its_table(tmp_path: Path) -> None:
    signs = {"1.jpg": (1, -1, 1), "2.jpg": (-1, 1, 1), "3.jpg": (1, 1, 1), "4.jpg": (-1, -1, 1), "5.jpg": (1, -1, -1)}
    rows = [f"{name}  {' '.join(map(str, values))}" for name, values in signs.items()]
    folder = table(tmp_path / "celeba", "\n".join(["5", "Blond_Hair Black_Hair Male", *rows]))
    for name in signs:
        picture(folder / "img_align_celeba" / name, seed=int(name[0]))
    hair = recipes.Attributes(a=("Blond_Hair", 1), b=("Black_Hair", 1))
    paths = find_domains((str(recipes.arrange(folder, tmp_path / "hair", hair)),))
    assert (paths.train_a.names, paths.train_b.names) == (("1.jpg", "5.jpg"), ("2.jpg",))  # 3 is both, 4 neither
    gender = recipes.Attributes(a=("Male", 1), b=("Male", -1), all=(("Blond_Hair", 1),))
    paths = find_domains((str(recipes.arrange(folder, tmp_path / "gender", gender)),))
    assert (paths.train_a.names, paths.train_b.names) == (("1.jpg", "3.jpg"), ("5.jpg",))
    assert paths.train_a.read("1.jpg") == (folder / "img_align_celeba" / "1.jpg").read_bytes()


def test_the_last_faces_of_each_domain_are_for_testing(tmp_path: Path) -> None:
    rows = [f"{index:04d}.jpg {1 if index < 1000 else -1}" for index in range(1100)]
    folder = table(tmp_path / "celeba", "\n".join(["1100", "Male", *rows]))
    for row in rows:
        (folder / "img_align_celeba" / row.split()[0]).touch()
    arranged = recipes.arrange(folder, tmp_path / "out", recipes.Attributes(a=("Male", 1), b=("Male", -1)))
    counts = {part.name: sorted(file.name for file in part.iterdir()) for part in arranged.iterdir()}
    assert {part: len(files) for part, files in counts.items()} == {"trainA": 800, "testA": 200, "trainB": 75, "testB": 25}
    assert counts["testA"][0] == "0800.jpg"
    assert counts["testB"][-1] == "1099.jpg"


def test_celeba_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    hair = recipes.Attributes(a=("Blond_Hair", 1), b=("Black_Hair", 1))
    with pytest.raises(DataError, match=r"holds no list_attr_celeba.txt; wanted CelebA's folder"):
        recipes.arrange(tmp_path, tmp_path / "out", hair)
    folder = table(tmp_path / "celeba", "1\nMale Smiling\n1.jpg 1 -1\n")
    with pytest.raises(DataError, match=r"has no attribute Black_Hair, Blond_Hair; wanted CelebA's own table"):
        recipes.arrange(folder, tmp_path / "out", hair)


# -- what is said where something is missing --


def test_without_data_it_says_what_is_wanted_and_whose_it_is(tmp_path: Path) -> None:
    for name, experiment in recipes.RECIPES.items():
        recipe = BY_NAME[name]
        with pytest.raises(ConfigError) as error:
            base.reproduce(experiment, size="paper", out=tmp_path / "out", runs=tmp_path / "runs")
        assert f"{name} runs on your own copy of its images" in str(error.value)
        assert "--data FOLDER" in str(error.value)
        assert recipe.folder in str(error.value)
        assert recipe.images in str(error.value)
    assert not (tmp_path / "out").exists()


def test_another_layout_is_refused_with_what_is_wanted(tmp_path: Path) -> None:
    picture(tmp_path / "data" / "horses" / "1.jpg", seed=0)
    with pytest.raises(DataError, match=r"does not hold two domains.*horse2zebra wants a folder with trainA, trainB, testA"):
        base.reproduce(
            recipes.RECIPES["horse2zebra"], size="quick", out=tmp_path / "out", runs=tmp_path / "runs", data=tmp_path / "data"
        )


def test_sizes_and_data_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    where = {"out": tmp_path / "out", "runs": tmp_path / "runs", "data": tmp_path}
    with pytest.raises(ConfigError, match=r"maps has no size 'default'; give --size quick or --size paper"):
        base.reproduce(recipes.RECIPES["maps"], size="default", **where)
    with pytest.raises(ConfigError, match=r"toy brings its own images, found --data .*; leave it out"):
        base.reproduce(EXPERIMENTS["toy"], size="quick", **where)


def test_the_command_line_runs_a_recipe_on_a_zip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = imitation(BY_NAME["apple2orange"], tmp_path / "apple2orange")
    archive = tmp_path / "apple2orange.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for file in sorted(folder.rglob("*.jpg")):
            zipped.write(file, file.relative_to(tmp_path))
    arguments = ["reproduce", "apple2orange", "--size", "quick", "--data", str(archive)]
    cli.main([*arguments, "--out", str(tmp_path / "results"), "--runs", str(tmp_path / "runs")])
    result = json.loads((tmp_path / "results" / "apple2orange-quick" / "result.json").read_text())
    assert result["metrics"]["images"]["train_b"] == TRAIN + 3
    capsys.readouterr()
    cli.main(["reproduce", "list"])
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) == len(EVERYTHING)
    assert [line for line in listed if line.startswith("horse2zebra ")] == [
        "horse2zebra              CycleGAN: horses <-> zebras  (--data FOLDER)"
    ]


def test_names_are_told_apart() -> None:
    assert len(BY_NAME) == len(recipes.ALL)
    assert len(EVERYTHING) == len(EXPERIMENTS) + len(UNMEASURED) + len(recipes.RECIPES)
