"""Every experiment, by name: those that bring their images, and the recipes, which run on the user's."""

from unpaired.experiments import (
    acgan_mnist,
    azimuths,
    cogan_digits,
    dcgan_mnist,
    digits_adaptation,
    earth,
    edges,
    faces,
    faces_attributes,
    faces_two_styles,
    kinds,
    modes,
    sae_mnist,
    sgan_mnist,
    toy,
    toy_conditions,
    tracks_adaptation,
)
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
    "sae-mnist": sae_mnist.SAE,
    "dcgan-mnist": dcgan_mnist.DIGITS,
    "modes": modes.MODES,
    "sgan-mnist": sgan_mnist.SGAN_MNIST,
    "acgan-mnist": acgan_mnist.ACGAN_MNIST,
    "cogan-digits": cogan_digits.COGAN_DIGITS,
    "digits-adaptation": digits_adaptation.DIGITS_ADAPTATION,
    "bags2shoes": kinds.BAGS2SHOES,
    "horses2zebras": kinds.HORSES2ZEBRAS,
    "tracks-adaptation": tracks_adaptation.TRACKS_ADAPTATION,
    **azimuths.AZIMUTHS,
}
"""Those whose results are committed."""

UNMEASURED: dict[str, Experiment] = {}
"""Those that wait for a result."""

EVERYTHING: dict[str, Experiment] = {**EXPERIMENTS, **UNMEASURED, **RECIPES}
"""What `unpaired reproduce` can run."""
