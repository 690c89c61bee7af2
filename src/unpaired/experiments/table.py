"""Every experiment, by name."""

from unpaired.experiments import faces, toy
from unpaired.experiments.base import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    "toy": toy.TOY,
    "faces-hair": faces.HAIR,
    "faces-glasses": faces.GLASSES,
    "faces-sequence": faces.SEQUENCE,
}
