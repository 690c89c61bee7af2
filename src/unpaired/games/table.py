"""Every game, by the options that ask for it."""

from typing import Any

import torch

from unpaired.games import specs
from unpaired.games.acgan import ACGAN
from unpaired.games.autoencoder import Autoencoder
from unpaired.games.base import Game
from unpaired.games.classifier import Classifier
from unpaired.games.cogan import CoGAN
from unpaired.games.cyclegan import CycleGAN
from unpaired.games.discogan import DiscoGAN
from unpaired.games.gan import GAN
from unpaired.games.pix2pix import Pix2Pix
from unpaired.games.segmenter import Segmenter
from unpaired.games.sgan import SGAN
from unpaired.games.stargan import StarGAN
from unpaired.games.translation_gan import ReconstructionGAN, TranslationGAN

GAMES: dict[type, type[Game]] = {
    specs.TranslationGAN: TranslationGAN,
    specs.ReconstructionGAN: ReconstructionGAN,
    specs.DiscoGAN: DiscoGAN,
    specs.CycleGAN: CycleGAN,
    specs.Pix2Pix: Pix2Pix,
    specs.StarGAN: StarGAN,
    specs.GAN: GAN,
    specs.DCGAN: GAN,  # the same game
    specs.SGAN: SGAN,
    specs.ACGAN: ACGAN,
    specs.CoGAN: CoGAN,
    specs.Classifier: Classifier,
    specs.Segmenter: Segmenter,
    specs.Autoencoder: Autoencoder,
}


def build(spec: specs.GameSpec, *, seed: int, **samples: Any) -> Game:
    """The game that `spec` describes, its weights drawn from `seed`; the caller's random state stays as it was.

    samples: what a game must know of what it plays with: `shape_a` and `shape_b` of two domains' samples; of labelled images
    their `shape` and `labelling`; of one set their `shape` and `classes`; with label maps, the `counts` of
    each class's pixels too. `data.samples()` tells.
    """
    with torch.random.fork_rng(devices=[]):  # weights are drawn on the CPU
        torch.manual_seed(seed)
        return GAMES[type(spec)](spec, **samples)
