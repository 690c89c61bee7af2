"""For every test: one thread, seeded randomness, and a cache that is not the user's."""

import pytest
import torch


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
