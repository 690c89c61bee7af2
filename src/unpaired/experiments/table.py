"""Every experiment, by name: those that bring their images, and the recipes, which run on the user's."""

from unpaired.experiments import earth, edges, faces, faces_attributes, faces_two_styles, modes, toy, toy_conditions
from unpaired.experiments.base import Experiment
from unpaired.experiments.recipes import RECIPES

EXPERIMENTS: dict[str, Experiment] = {
    "toy": toy.TOY,
    "toy-conditions": toy_conditions.CONDITIONS_OF_TOY,
    "faces-hair": faces.HAIR,
    "faces-glasses": faces.GLASSES,
    "faces-sequence": faces.SEQUENCE,
    "earth": earth.EARTH,
    "edges": edges.EDGES,
    "emoji": edges.EMOJI,
    "faces-attributes": faces_attributes.ATTRIBUTES,
    "faces-two-styles": faces_two_styles.TWO_STYLES,
}
"""Those whose results are committed."""

UNMEASURED: dict[str, Experiment] = {
    "modes": modes.MODES,
}
"""Those that wait for a result."""

EVERYTHING: dict[str, Experiment] = {**EXPERIMENTS, **UNMEASURED, **RECIPES}
"""What `unpaired reproduce` can run."""
