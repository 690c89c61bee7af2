"""SKTBrain's classes under the name of their file."""

import sys
import types

import originals
import pytest


@pytest.fixture
def authors(monkeypatch):
    """Classes that pickle as `model.Generator` and `model.Discriminator`."""
    module = types.ModuleType("model")
    for cls in (originals.Generator, originals.Discriminator):
        monkeypatch.setattr(cls, "__module__", "model")
        setattr(module, cls.__name__, cls)
    monkeypatch.setitem(sys.modules, "model", module)
    return module
