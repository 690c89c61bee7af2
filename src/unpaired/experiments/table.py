"""Every experiment, by name."""

from unpaired.experiments import faces
from unpaired.experiments.base import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    "faces-hair": faces.HAIR,
    "faces-glasses": faces.GLASSES,
    "faces-sequence": faces.SEQUENCE,
}
