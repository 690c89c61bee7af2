"""For every test: one thread, seeded randomness, and a cache that is not the user's; and labelled images for real trainings."""

import pytest
import torch
from labelled_images import write_labelled


@pytest.fixture(autouse=True, scope="session")
def sandbox(tmp_path_factory):
    """One thread, as results must not hang on how many cores there are; a cache folder that goes with the session."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNPAIRED_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def seeded():
    """No test depends on those before it."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def labelled(tmp_path_factory):
    """A folder of 44 labelled images: hair (dark, blond, red) and glasses, of which 20 are held out, with their truths."""
    return write_labelled(tmp_path_factory.mktemp("labelled") / "faces")


@pytest.fixture(scope="session")
def two_labelled(tmp_path_factory):
    """Two data sets, of which one tells hair and the other glasses; the first knows the truths of glasses, which it hides."""
    root = tmp_path_factory.mktemp("two")
    return (
        write_labelled(root / "hairs", columns=("hair",)),
        write_labelled(root / "eyes", columns=("glasses",), truths=(), first=100),
    )
