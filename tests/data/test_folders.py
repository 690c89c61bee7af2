"""Folders of sets that appear whole or not at all."""

import json
from pathlib import Path

import pytest

from unpaired.data.sets import folders
from unpaired.errors import ConfigError


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "set"
    with pytest.raises(FileNotFoundError), folders.whole(folder) as root:
        (root / "missing" / "file").touch()
    assert list(folder.parent.iterdir()) == []
    folder.mkdir()  # an empty one may be there
    with folders.whole(folder) as root:
        folders.write_card(root, {"name": "“x”"})
    assert json.loads((folder / "set.json").read_text(encoding="utf-8")) == {"name": "“x”"}
    assert [path.name for path in folder.parent.iterdir()] == ["set"]
    with pytest.raises(ConfigError, match="not empty: remove it"), folders.whole(folder):
        pass
