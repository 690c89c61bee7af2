"""DiscoGAN: two coupled GANs that learn a bijection (Kim et al., ICML 2017, section 3.3)."""

from collections.abc import Iterator

import torch
from torch import nn

from unpaired.data.batches import Unpaired
from unpaired.errors import ShapeError
from unpaired.games import specs
from unpaired.games.base import Game, Turn
from unpaired.games.replay import Replay
from unpaired.losses import feature_matching
from unpaired.networks.build import Shape, discriminator, generator
from unpaired.translator import Translator, both_ways


class DiscoGAN(Game[Unpaired]):
    """G_AB -> a_to_b, G_BA -> b_to_a, D_A -> discriminate_a, D_B -> discriminate_b; x_AB -> fake_b, x_ABA -> b_to_a(fake_b)."""

    def __init__(self, spec: specs.DiscoGAN, *, shape_a: Shape, shape_b: Shape) -> None:
        super().__init__()
        self.spec, self.shape_a, self.shape_b = spec, shape_a, shape_b
        if spec.form.weights(0).identity and shape_a != shape_b:
            raise ShapeError(f"the identity loss needs domains of one shape, found {shape_a} and {shape_b}; leave it 0")
        self.a_to_b = generator(spec.generator, shape_a, shape_b)
        self.b_to_a = generator(spec.generator, shape_b, shape_a)
        self.discriminate_a = discriminator(spec.discriminator, shape_a)
        self.discriminate_b = discriminator(spec.discriminator, shape_b)
        self.replay_a, self.replay_b = Replay(spec.pool, shape_a), Replay(spec.pool, shape_b)

    def players(self) -> dict[str, nn.Module]:
        return {
            "generators": nn.ModuleList([self.a_to_b, self.b_to_a]),
            "discriminators": nn.ModuleList([self.discriminate_a, self.discriminate_b]),
        }

    def play(self, batch: Unpaired, step: int) -> Iterator[Turn]:
        a, b, gan, distance = batch.a, batch.b, self.spec.gan, self.spec.distance
        weights, moves = self.spec.form.weights(step), self.spec.form.moves(step)
        with torch.set_grad_enabled(moves.generators):
            fake_b, fake_a = self.a_to_b(a), self.b_to_a(b)
        if moves.generators:
            score_a, features_a = self.discriminate_a(fake_a)
            score_b, features_b = self.discriminate_b(fake_b)
            losses = {
                "gan_a": weights.adversarial * gan.generator(score_a),  # L_GAN_A
                "gan_b": weights.adversarial * gan.generator(score_b),  # L_GAN_B
                "reconstruct_a": weights.reconstruction * distance(self.b_to_a(fake_b), a),  # L_CONST_A
                "reconstruct_b": weights.reconstruction * distance(self.a_to_b(fake_a), b),  # L_CONST_B
            }
            if weights.feature_matching:  # not in the paper
                losses["match_a"] = weights.feature_matching * feature_matching(self.discriminate_a(a)[1], features_a)
                losses["match_b"] = weights.feature_matching * feature_matching(self.discriminate_b(b)[1], features_b)
            if weights.identity:  # not in the paper
                losses["identity_a"] = weights.identity * distance(self.b_to_a(a), a)
                losses["identity_b"] = weights.identity * distance(self.a_to_b(b), b)
            yield Turn("generators", losses)  # L_G, equation 6
        if moves.discriminators:
            judge_a, judge_b, weight = self.discriminate_a, self.discriminate_b, weights.discriminator
            old_a, old_b = self.replay_a.swap(fake_a), self.replay_b.swap(fake_b)
            losses = {
                "a": weight * gan.discriminator(judge_a(a)[0], judge_a(old_a)[0]),  # L_D_A
                "b": weight * gan.discriminator(judge_b(b)[0], judge_b(old_b)[0]),  # L_D_B
            }
            yield Turn("discriminators", losses)  # L_D, equation 7

    def remains(self) -> dict[str, Translator]:
        return both_ways(self.a_to_b, self.b_to_a, spec=self.spec.generator, a=self.shape_a, b=self.shape_b)

    def chance(self) -> dict[str, float]:
        chance = self.spec.form.weights(0).discriminator * self.spec.gan.chance
        return {"discriminators/a": chance, "discriminators/b": chance}
