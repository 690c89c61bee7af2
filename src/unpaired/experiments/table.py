"""Every experiment, by name."""

from unpaired.experiments import faces, toy, toy_conditions
from unpaired.experiments.base import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    "toy": toy.TOY,
    "toy-conditions": toy_conditions.CONDITIONS_OF_TOY,
    "faces-hair": faces.HAIR,
    "faces-glasses": faces.GLASSES,
    "faces-sequence": faces.SEQUENCE,
}
