"""`tracks` from a race track of our own making: its course, its sections, views, labels and what is left out."""

import json
from itertools import pairwise
from pathlib import Path

import debian_files
import made_track
import numpy as np
import pytest
from PIL import Image

from unpaired import runs
from unpaired.data.label_maps import open_map_set
from unpaired.data.sets import table, torcs, track_course, track_worlds, tracks
from unpaired.data.solids import views
from unpaired.errors import DataError
from unpaired.games import specs
from unpaired.images.maps import VOID
from unpaired.options import DataOptions
from unpaired.run_config import RunConfig

FEW = {"train": 12, "validation": 2, "test": 4}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package of two rings, handed over; and only these worlds, a few views of each."""
    worlds = {"one": track_worlds.World("road/ring", "a ring", 0.5), "two": track_worlds.World("dirt/again", "the same", 0.5)}
    monkeypatch.setattr(track_worlds, "WORLDS", worlds)
    monkeypatch.setattr(tracks, "WORLDS", worlds)
    monkeypatch.setattr(tracks, "COUNTS", FEW)
    contents = made_track.files("road/ring") | made_track.files("dirt/again")
    archive = debian_files.deb(tmp_path / "torcs-data.deb", torcs.PACKAGE.folder, contents)
    monkeypatch.setenv(torcs.PACKAGE.variable, str(archive))
    return archive


@pytest.fixture
def ring() -> track_worlds.Place:
    return track_worlds.place(track_worlds.World("road/ring", "a ring", 0.5), made_track.files("road/ring"))


def test_a_plan_follows_its_segments() -> None:
    def plan(*segments: str) -> tuple[np.ndarray, np.ndarray]:
        inside = "".join(f'<section name="{number}">{segment}</section>' for number, segment in enumerate(segments))
        whole = f'<params><section name="Main Track"><section name="Track Segments">{inside}</section></section></params>'
        return track_course.plan_of(whole, where="x.xml")

    straight = '<attstr name="type" val="str"/><attnum name="lg" unit="m" val="20"/>'
    turn = '<attstr name="type" val="{}"/><attnum name="radius" unit="{}" val="{}"/><attnum name="arc" unit="deg" val="90"/>'
    points, headings = plan(straight, turn.format("rgt", "m", 10), straight)
    assert points[:3].round(6).tolist() == [[0.25, 0], [1.25, 0], [2.25, 0]]
    assert headings[-1] == pytest.approx(np.pi / 2)  # to the right is towards +z, seen along +x with y up
    # A quarter of a circle about (20, 10), then along z: the end, to the accuracy of the steps.
    assert points[-1] == pytest.approx([30, 10 + 20], abs=1)
    left = plan(straight, turn.format("lft", "ft", 10 / 0.3048), straight)[0]
    assert left[-1] == pytest.approx(points[-1] * (1, -1), abs=1e-6)
    spiral = turn.format("rgt", "m", 10) + '<attnum name="end radius" unit="m" val="30"/>'
    points, headings = plan(spiral)
    assert headings[-1] == pytest.approx(np.pi / 2, abs=0.05)
    assert len(points) == pytest.approx(20 * np.pi / 2, abs=1)
    tightness = np.diff(headings)
    assert tightness[1] > 2.5 * tightness[-2]


def test_a_course_lies_on_the_road(ring: track_worlds.Place) -> None:
    away = ring.course.places - (made_track.MIDDLE[0], 0, made_track.MIDDLE[1])
    assert np.allclose(np.linalg.norm(away, axis=1), made_track.RADIUS, atol=1.5)
    assert len(away) == pytest.approx(2 * np.pi * made_track.RADIUS, abs=2)
    # It goes round to the left: towards falling angles in the model, at right angles to the radius.
    radial = np.degrees(np.arctan2(away[:, 2], away[:, 0]))
    assert np.allclose((radial - ring.course.headings) % 360, 90, atol=3)
    assert np.allclose(ring.course.rises, 0, atol=1e-6)


def test_what_describes_no_track() -> None:
    road = np.zeros((1, 3, 3), np.float32)
    with pytest.raises(DataError, match=r"x.xml is no XML: .*; wanted the description of a track"):
        track_course.course("params", road, where="x.xml")
    with pytest.raises(DataError, match=r"x.xml has no segments; wanted the description of a track"):
        track_course.course("<params/>", road, where="x.xml")
    part = '<section name="Main Track"><section name="Track Segments"><section name="1"><attstr name="type" val="{}"/></section>'
    for kind, missing in (("str", "lg"), ("lft", "radius")):
        text = f"<params>{part.format(kind)}</section></section></params>"
        with pytest.raises(DataError, match=rf"x.xml has a segment that cannot be read \('{missing}'\); wanted"):
            track_course.course(text, road, where="x.xml")
    elsewhere = np.array([[[0, 0, 0], [30, 0, 0], [0, 0, 30]]], np.float32)
    with pytest.raises(DataError, match=r"x.xml: \d+% of the course lies on its road, wanted 90%"):
        track_course.course(made_track.DESCRIPTION, elsewhere, where="x.xml")


def test_labels_come_from_the_names_of_textures() -> None:
    wanted = {
        "tr-asphalt-aa-bw1_n.rgb": "road",
        "newdirt2.png": "road",
        "asphsand_n.png": "road",
        "grass-aa.rgb": "grass",
        "road2snow-edge.png": "rock",
        "snow_2.png": "rock",
        "dirt-side.png": "sand",
        "tree_gum_arbor_n.png": "trees",
        "armco_snow_arbor.png": "walls",
        "BLDG05_tree.png": "walls",
        "tr-house-arbor_n.png": "walls",
        "concrete.rgb": "walls",
        "pplb_tree_n.png": "other",
        "pylon2.rgb": "other",
        "truck_arbor_ole_n.rgb": "other",
        "whatever.png": "other",
    }
    assert {name: track_worlds.label(name) for name in wanted} == wanted


def test_sections_keep_apart() -> None:
    found = tracks.sections(1000.0)
    edges = sorted((*each, part) for part, several in found.items() for each in several)
    assert edges[0][0] == 0
    assert edges[-1][1] == pytest.approx(1000 - tracks.GAP)  # the lap closes
    for before, after in pairwise(edges):
        assert after[0] - before[1] == pytest.approx(tracks.GAP)
    lengths = {part: sum(end - begin for begin, end in several) for part, several in found.items()}
    assert lengths == pytest.approx({"train": 0.72 * 640, "validation": 0.08 * 640, "test": 0.2 * 640})


def test_a_view_of_the_ring(ring: track_worlds.Place) -> None:
    eye = tracks.stand(ring, tracks.Spot(along=100.0, aside=2.0, askew=0.0, against=False))
    away = eye.place - (made_track.MIDDLE[0], 0, made_track.MIDDLE[1])
    assert away[1] == pytest.approx(tracks.EYES)
    # Round to the left, the right is outside.
    assert np.linalg.norm(away[[0, 2]]) == pytest.approx(made_track.RADIUS + 2, abs=1.5)
    back = tracks.stand(ring, tracks.Spot(100.0, 2.0, 0.0, against=True))
    assert np.allclose(back.place, eye.place)
    assert (back.heading - eye.heading) % 360 == pytest.approx(180)
    seen, looks = (
        f(size=32, field=tracks.FIELD)
        for f in (lambda **of: views.view(ring.scene, eye, **of), lambda **of: views.rays(eye, **of))
    )
    assert tracks.flaw(seen, looks) == ""
    labels, pixels = tracks.labelled(seen), tracks.painted(seen, looks, ring.sky)
    kinds = [track_worlds.CLASSES[number] for number in labels[:, 16]]
    assert kinds[0] == "sky"
    assert kinds[-1] == "road"
    found = {track_worlds.CLASSES[number] for number in np.unique(labels) if number != VOID}
    assert found == {"sky", "road", "grass", "trees", "walls"}
    assert (labels == VOID).any()  # a post
    # Sky is the upper half of the background, its last row at the horizon; the rest is painted land.
    assert (pixels[seen.clear == 1][:, 2] == 255).all()
    assert not pixels[seen.clear == 1][:, 0].all()
    assert np.ptp(pixels[31].astype(int), axis=-1).max() <= 1  # the road is grey


@pytest.mark.parametrize(
    ("kinds", "far", "steep", "why"),
    [
        ({"road": 1024}, 9.0, 5.0, "too little or too much road"),
        ({"road": 40, "sky": 500, "walls": 484}, 9.0, 5.0, "too little or too much road"),
        ({"road": 400, "sky": 40, "walls": 584}, 9.0, 5.0, "too little or too much sky"),
        ({"road": 400, "sky": 400, "walls": 224}, 2.0, 5.0, "something close by"),
        ({"road": 400, "sky": 400, "walls": 224}, 9.0, -5.0, "a hole in the ground"),
        ({"road": 400, "sky": 400, "walls": 224}, 9.0, 5.0, ""),
    ],
)
def test_bad_places_are_told(kinds: dict[str, int], far: float, steep: float, why: str) -> None:
    numbers = np.concatenate([np.full(count, track_worlds.CLASSES.index(kind)) for kind, count in kinds.items()])
    shown = np.where(numbers == 0, views.NOTHING, numbers).reshape(32, 32)
    looks = np.broadcast_to(np.array([0.0, np.sin(np.radians(steep)), 1.0]), (32, 32, 3))
    seen = views.View(np.zeros((32, 32, 3)), shown, (shown < 0).astype(np.float32), np.full((32, 32), far, np.float32))
    assert tracks.flaw(seen, looks) == why


def test_the_set(package: Path, tmp_path: Path) -> None:
    folder = table.folder_of("tracks", size=32, cache=tmp_path)
    card = json.loads((folder / "set.json").read_text())
    assert card["licence"] == table.SETS["tracks"].licence == track_worlds.LICENCE
    assert "Free Art License" in card["credit"]
    assert sorted(card["worlds"]) == ["one", "two"]
    one = card["worlds"]["one"]
    assert one["counts"] == FEW
    assert sum(one["shares"].values()) == pytest.approx(1, abs=1e-3)
    opened = open_map_set((str(folder / "one"),), DataOptions(size=32))
    assert opened.classes == track_worlds.CLASSES
    assert (len(opened.train_maps), len(opened.test_maps)) == (12, 6)
    counts = np.bincount(np.concatenate([opened.train_maps, opened.test_maps]).ravel(), minlength=256)
    assert list(one["shares"]) == [*track_worlds.CLASSES, "other"]
    counts = counts[[*range(len(track_worlds.CLASSES)), VOID]]
    assert counts / (18 * 32 * 32) == pytest.approx(list(one["shares"].values()), abs=1e-4)
    assert opened.card["credit"] == card["credit"]
    lines = (folder / "one" / "views.csv").read_text().splitlines()
    assert lines[0] == "file,part,along,aside,askew,against"
    assert [line.split(",")[1] for line in lines[13:]] == ["validation"] * 2 + ["test"] * 4
    stretches = tracks.sections(float(round(2 * np.pi * made_track.RADIUS)))
    for line in lines[1:]:
        _, part, along, *_ = line.split(",")
        assert any(begin - 1 <= float(along) <= end + 1 for begin, end in stretches[part])  # type: ignore[index]
    again = table.folder_of("tracks", size=32, cache=tmp_path / "again")
    for file in sorted(path.relative_to(folder) for path in folder.rglob("*.png")):
        assert (folder / file).read_bytes() == (again / file).read_bytes()
    with Image.open(folder / "two" / "images" / "train" / "00000.png") as picture:
        assert (picture.size, picture.mode) == ((32, 32), "RGB")


def test_a_world_with_fewer_classes(package: Path, tmp_path: Path) -> None:
    fine = table.folder_of("tracks", size=32, cache=tmp_path) / "one"
    coarse = tmp_path / "coarse"
    tracks.write_coarser(coarse, fine, classes=track_worlds.COARSER)
    before, after = (open_map_set((str(folder),), DataOptions(size=32)) for folder in (fine, coarse))
    assert after.classes == track_worlds.COARSE_CLASSES == ("sky", "road", "terrain", "trees", "walls")
    assert (after.images.train.pixels == before.images.train.pixels).all()
    wanted = np.full(256, VOID, np.uint8)
    wanted[:7] = [0, 1, 2, 2, 2, 3, 4]
    assert (after.train_maps == wanted[before.train_maps]).all()
    assert (after.test_maps == wanted[before.test_maps]).all()
    shares = after.card["shares"]
    assert shares["terrain"] == pytest.approx(sum(before.card["shares"][kind] for kind in ("grass", "sand", "rock")), abs=2e-4)
    assert list(shares) == [*track_worlds.COARSE_CLASSES, "other"]
    assert (coarse / "views.csv").read_bytes() == (fine / "views.csv").read_bytes()


def test_another_version_is_told(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = made_track.files("road/ring")
    contents.pop("tracks/road/ring/background.png")
    debian_files.deb(package, torcs.PACKAGE.folder, contents)
    with pytest.raises(
        DataError, match=r"torcs-data has no tracks/road/ring/background.png \(another version\?\); get the package"
    ):
        tracks.make(tmp_path / "set", size=32)
    contents["tracks/road/ring/background.png"] = b"no picture"
    debian_files.deb(package, torcs.PACKAGE.folder, contents)
    with pytest.raises(DataError, match=r"torcs-data: background.png is no picture"):
        tracks.make(tmp_path / "set", size=32)
    monkeypatch.setenv(torcs.PACKAGE.variable, str(tmp_path / "nowhere"))
    with pytest.raises(
        DataError, match=r"UNPAIRED_TORCS is '.*nowhere', where nothing is; wanted the file of Debian's torcs-data"
    ):
        tracks.make(tmp_path / "set", size=32)


def test_it_is_no_set_to_train_on_by_its_name() -> None:
    with pytest.raises(DataError, match=r"tracks holds several sets .*; write them with `unpaired data make tracks "):
        runs.open_data(RunConfig(sources=("tracks",), game=specs.Segmenter(), data=DataOptions(size=32)))
    with pytest.raises(DataError, match="tracks holds several sets of images with label maps"):
        runs.open_data(RunConfig(sources=("tracks",), game=specs.CycleGAN(), data=DataOptions(size=32)))
