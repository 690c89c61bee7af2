"""Architectures. They know nothing of training. `specs` says what can be built; `build` builds it."""
