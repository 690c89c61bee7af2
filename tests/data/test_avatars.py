"""What sets of drawn faces share: credits, and packages that are missing."""

import sys
from pathlib import Path

import pytest

from unpaired.data.sets import avatars, faces
from unpaired.errors import MissingDependency

pytest.importorskip("dicebear")
pytest.importorskip("dicebear_styles")
pytest.importorskip("resvg_py")


def test_licence_and_credit_are_the_styles_own() -> None:
    assert avatars.credits_of("adventurer")["credit"] == faces.CREDIT
    micah = avatars.credits_of("micah")
    assert micah["licence"] == "CC BY 4.0"
    assert micah["licence_url"] == "https://creativecommons.org/licenses/by/4.0/"
    assert "“Avatar Illustration System”" in micah["credit"]
    assert "Micah Lanier" in micah["credit"]


def test_no_face_is_drawn_with_what_is_left_out() -> None:
    assert "short19" not in avatars.style("adventurer").components()["hair"].variants()
    assert "short18" in avatars.style("adventurer").components()["hair"].variants()


def test_a_missing_package_is_named_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    avatars.style.cache_clear()
    with pytest.raises(MissingDependency, match="resvg_py"):
        faces.make(tmp_path / "set", train=1, test=1)
    assert list(tmp_path.glob("set")) == []


def test_the_same_faces_as_ever(tmp_path: Path) -> None:
    """Chains of conversions and committed results rest on them: the seed of a face and the options fixed for all."""
    assert faces.identity(0, "testA", 3) == "unpaired/0/testA/3"
    dark, blond = (faces.render(["unpaired/0/testA/3"], hair=hair, glasses=False) for hair in ("dark", "blond"))
    inside = (dark == (0x56, 0x23, 0x06)).all(axis=-1)
    assert inside.sum() > 100
    assert (blond[inside] == (0xE5, 0xD7, 0xA3)).all()
