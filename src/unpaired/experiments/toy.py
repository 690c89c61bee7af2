"""`toy`: which modes the three models reach and keep apart (Kim et al. 2017, section 3.4 and figure 4).

All seeds are trained side by side, as members of one ensemble: a member's weights meet no other's, the losses are means
over points and members, and Adam's step does not depend on a loss's scale, so each member is trained as if alone
(epsilon is scaled with the gradients, so that this holds to the last term).
"""

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from unpaired.data.batches import Unpaired
from unpaired.data.sets import toy
from unpaired.engine.journal import Journal
from unpaired.engine.runtime import Runtime
from unpaired.engine.trainer import Trainer
from unpaired.experiments.base import Claim, Experiment, Lab, Metrics, Size
from unpaired.games import specs, table
from unpaired.games.base import Game
from unpaired.losses import L2
from unpaired.metrics import modes
from unpaired.networks.specs import Mlp
from unpaired.options import Adam, Training
from unpaired.translator import Translator

PAPER = "Kim et al., Learning to Discover Cross-Domain Relations with Generative Adversarial Networks, ICML 2017, section 3.4"
SAMPLES = 400
"""Translated points of each source mode, for the measures."""
