"""Every game, by the options that ask for it."""

import torch

from unpaired.games import specs
from unpaired.games.base import Game
from unpaired.games.cyclegan import CycleGAN
from unpaired.games.discogan import DiscoGAN
from unpaired.games.pix2pix import Pix2Pix
from unpaired.games.translation_gan import ReconstructionGAN, TranslationGAN
from unpaired.networks.build import Shape

GAMES: dict[type, type[Game]] = {
    specs.TranslationGAN: TranslationGAN,
    specs.ReconstructionGAN: ReconstructionGAN,
    specs.DiscoGAN: DiscoGAN,
    specs.CycleGAN: CycleGAN,
    specs.Pix2Pix: Pix2Pix,
}


def build(spec: specs.GameSpec, *, shape_a: Shape, shape_b: Shape, seed: int) -> Game:
    """The game that `spec` describes, its weights drawn from `seed`; the caller's random state stays as it was."""
    with torch.random.fork_rng(devices=[]):  # weights are drawn on the CPU
        torch.manual_seed(seed)
        return GAMES[type(spec)](spec, shape_a=shape_a, shape_b=shape_b)
