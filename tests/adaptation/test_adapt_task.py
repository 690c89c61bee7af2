"""How the two sets of an adaptation are opened, matched by the names of classes, and refused."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from adapt_sets import SIZE, arrays, bars, copier, folders

from unpaired import images
from unpaired.adaptation.classes import ClassTask, open_class_task
from unpaired.adaptation.options import Pictures
from unpaired.adaptation.task import translator_of, views
from unpaired.errors import ConfigError, DataError, DataWarning, RunError, SameDomain

GREY = Pictures(size=SIZE, channels=1)


def opened(source: Path, target: Path, pictures: Pictures = GREY, *, test: Path | None = None) -> ClassTask:
    return open_class_task(source, target, test=test, pictures=pictures, views=views(pictures, None))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return arrays(tmp_path / "source" / "s.npz", seed=0)


def test_held_out_labels_of_the_target_test_but_for_those_that_choose_checkpoints(source: Path, tmp_path: Path) -> None:
    task = opened(source, arrays(tmp_path / "target" / "t.npz", seed=5, test=40))
    assert task.tested is not None
    assert task.tested.truth == tuple("abc"[row % 3] for row in range(10, 40))  # a quarter chooses
    assert task.tested.apart
    assert np.array_equal(task.tested.pixels[..., 0], bars(np.arange(40) % 3, seed=6)[10:])
    assert task.taught == ("a", "b", "c")


def test_few_serve_for_both(source: Path, tmp_path: Path) -> None:
    task = opened(source, arrays(tmp_path / "target" / "t.npz", seed=5, test=12))
    assert task.tested is not None
    assert len(task.tested.truth) == 12
    assert not task.tested.apart


def test_training_images_without_labels_teach_no_oracle(source: Path, tmp_path: Path) -> None:
    task = opened(source, arrays(tmp_path / "target" / "t.npz", seed=5, told=False))
    assert task.taught == ()
    assert task.tested is not None


def test_classes_are_the_same_by_their_names(source: Path, tmp_path: Path) -> None:
    """In another order, one missing, and one that the source has not."""
    target = folders(tmp_path / "target", np.arange(60) % 3, ("c", "strange", "a"), seed=3)
    task = opened(source, target, dataclasses.replace(GREY, holdout=0.5))
    assert task.tested is not None
    assert set(task.tested.truth) == {"a", "c"}
    assert task.tested.strange > 0
    assert set(task.taught) == {"a", "c", "strange"}
    untold = [task.target.classes[index] for index in task.target.test_classes]
    assert task.tested.strange <= untold.count("strange")


def test_plain_pictures_are_a_target(source: Path, tmp_path: Path) -> None:
    target = folders(tmp_path / "target", np.zeros(20, int), seed=3)
    task = opened(source, target)
    assert task.tested is None
    assert task.taught == ()
    assert task.label_target is None


def test_labelled_images_beside_the_target(source: Path, tmp_path: Path) -> None:
    target = folders(tmp_path / "target", np.zeros(20, int), seed=3)
    task = opened(source, target, test=folders(tmp_path / "test", np.arange(12) % 3, seed=4))
    assert task.tested is not None
    assert sorted(task.tested.truth) == sorted("abc" * 4)
    assert task.tested.apart
    (tmp_path / "test" / "b" / "copy.png").write_bytes((target / "a" / "0.png").read_bytes())
    with pytest.warns(DataWarning, match="share 1: what is measured is too good"):
        opened(source, target, test=tmp_path / "test")


def test_a_set_of_its_own_is_tested_on_by_what_it_holds_out(source: Path, tmp_path: Path) -> None:
    target = folders(tmp_path / "target", np.zeros(20, int), seed=3)
    task = opened(source, target, test=arrays(tmp_path / "test" / "t.npz", seed=9, test=7))
    assert task.tested is not None
    assert task.tested.truth == tuple("abcabca")


def table(root: Path, columns: str, *, count: int = 20) -> Path:
    """Pictures with the table attributes.csv, whose columns count rows in two ways."""
    root.mkdir()
    rows = [f"file,{columns}"]
    for row, pixels in enumerate(bars(np.arange(count) % 3, seed=7)):
        images.write(root / f"{row}.png", pixels[..., None])
        rows.append(",".join([f"{row}.png", "abc"[row % 3], "xy"[row % 2]][: 1 + len(columns.split(","))]))
    (root / "attributes.csv").write_text("\n".join(rows))
    return root


def test_columns_that_tell_classes(source: Path, tmp_path: Path) -> None:
    two = table(tmp_path / "two", "kind,other")
    with pytest.raises(DataError, match="tells several attributes; say which is the class: --label, one of kind, other"):
        opened(two, source)
    named = opened(two, source, dataclasses.replace(GREY, label="kind"))
    assert named.source.classes == ("a", "b", "c")
    assert named.label_target == "class"  # the only one that it has
    with pytest.warns(DataWarning, match="tells kind, other, which is not the source's class"):
        assert opened(source, two).tested is None
    assert opened(source, two, dataclasses.replace(GREY, label_target="kind")).label_target == "kind"
    with pytest.raises(ConfigError, match="has no attribute 'knd'; wanted one of: kind, other"):
        opened(source, two, dataclasses.replace(GREY, label_target="knd"))


def test_what_cannot_be_adapted_is_refused(source: Path, tmp_path: Path) -> None:
    plain = folders(tmp_path / "plain", np.zeros(20, int), seed=3)
    with pytest.raises(DataError, match="tells no classes; label it: a folder for each class, a table"):
        opened(plain, source)
    with pytest.raises(SameDomain, match="source and target hold the same images"):
        opened(source, source)
    others = folders(tmp_path / "others", np.arange(20) % 3, ("x", "y", "z"), seed=4)
    with pytest.raises(
        DataError, match=r"the classes of .*others are x, y, z, those of the source a, b, c; wanted the same names"
    ):
        opened(source, others)
    with pytest.raises(
        DataError, match=r"--test .*plain tells no class of an image; wanted labelled images of the target: a, b, c"
    ):
        opened(source, arrays(tmp_path / "target" / "t.npz", seed=5), test=plain)


def test_images_are_read_as_the_translator_sees_them(tmp_path: Path) -> None:
    translator = translator_of(copier(tmp_path / "bundle", channels=3, size=20), "a_to_b", device="cpu")
    found = views(Pictures(holdout=0.3, label="kind"), translator)
    assert (found.source.size, found.source.channels, found.source.fit, found.source.holdout) == (20, 3, "crop", 0.3)
    assert (found.shown.label, found.target.label) == ("kind", None)
    assert views(Pictures(size=20, channels=3, channels_target=3), translator) == views(Pictures(), translator)
    for pictures, says in (
        (Pictures(size=16), "--size is 16, and the translator was trained on 20"),
        (Pictures(channels=1), "--channels is 1, and the translator was trained on 3"),
        (Pictures(channels_target=1), "--channels-target is 1"),
    ):
        with pytest.raises(ConfigError, match=re.escape(says)):
            views(pictures, translator)


def test_a_target_of_other_channels_is_how_classifiers_see_the_source() -> None:
    found = views(Pictures(size=8, channels=3, channels_target=1), None)
    assert (found.source.channels, found.shown.channels, found.target.channels) == (3, 1, 1)


def test_another_direction_is_named(tmp_path: Path) -> None:
    bundle = copier(tmp_path / "bundle", direction="b_to_a")
    with pytest.raises(RunError, match=r"translates b_to_a, not a_to_b; .* give --direction b_to_a"):
        translator_of(bundle, "a_to_b", device="cpu")
    assert translator_of(bundle, "b_to_a", device="cpu").source == (1, SIZE, SIZE)
