"""A step of StarGAN beside its authors' arithmetic, of one data set and of two that are trained on together."""

import originals
import pytest
import torch
from torch.nn import functional

from unpaired.data.batches import Labelled
from unpaired.data.labelling import Labelling
from unpaired.data.labels import UNKNOWN, Attribute
from unpaired.games import specs, table
from unpaired.networks.specs import StarGANDiscriminator, StarGANGenerator

SMALL = {"generator": StarGANGenerator(width=4, blocks=1), "discriminator": StarGANDiscriminator(width=4, layers=2)}
MANY = tuple(Attribute(name=name, values=("off", "on"), binary=True) for name in ("black", "blond", "brown", "male", "young"))
MOODS = Attribute(name="mood", values=tuple("abcdefgh"))


def originals_of(game, *, size):
    """The authors' networks, the game's weights in them."""
    labelling = game.labelling
    theirs = (
        originals.StarGANGenerator(numbers=labelling.length, w=4, blocks=1),
        originals.StarGANDiscriminator(numbers=labelling.numbers, size=size, w=4, layers=2),
    )
    for network, mine in zip(theirs, (game.generate, game.discriminate), strict=True):
        names = [name for name in network.state_dict() if "running" not in name and "batches" not in name]
        network.load_state_dict(dict(zip(names, mine.state_dict().values(), strict=True)), strict=False)
    return theirs


def authors_losses(generate, discriminate, x, *, label, target, order, alpha, answer, values):
    """What their solver adds up in a step of both. answer: the answers that this data set's loss is of."""

    def classification(answers, wanted):
        answers = answers[:, answer]
        if wanted.dim() == 2:  # yes and no of CelebA
            return functional.binary_cross_entropy_with_logits(answers, wanted, reduction="sum") / len(answers)
        return functional.cross_entropy(answers, wanted)

    scores, answers = discriminate(x)
    fake = generate(x, target)
    mixed = (alpha * x + (1 - alpha) * fake.detach()).requires_grad_()
    mixed_scores, _ = discriminate(mixed)
    (slopes,) = torch.autograd.grad(mixed_scores, mixed, torch.ones_like(mixed_scores), create_graph=True)
    yield {
        "source": discriminate(fake.detach())[0].mean() - scores.mean(),
        "classes": classification(answers, values),
        "penalty": 10 * (slopes.flatten(1).square().sum(1).sqrt() - 1).square().mean(),
    }
    fake_scores, fake_answers = discriminate(fake)
    yield {
        "source": -fake_scores.mean(),
        "classes": classification(fake_answers, values[order]),
        "reconstruction": 10 * (x - generate(fake, label)).abs().mean(),
    }


ONE, BOTH = tuple(range(5)), (tuple(range(5)), (5,))
CASES = {
    "one set of yes and no": (Labelling(MANY, (ONE,)), 0, slice(5)),
    "one set of classes": (Labelling((MOODS,), ((0,),)), 0, slice(8)),
    "joint, of yes and no": (Labelling((*MANY, MOODS), BOTH), 0, slice(5)),
    "joint, of classes": (Labelling((*MANY, MOODS), BOTH), 1, slice(5, 13)),
}
"""By name the labelling, the set that the images are of, and its part of a label."""


def labelled(labelling, origin, part):
    """A batch of ours; its values and its labels as the authors' code has them."""
    chance = torch.Generator().manual_seed(3)
    x = torch.rand(6, 3, 16, 16, generator=chance) * 2 - 1
    known = list(labelling.known[origin])
    values = torch.full((6, len(labelling.attributes)), UNKNOWN)
    label = torch.zeros(6, labelling.length)
    if len(labelling.known) > 1:
        label[:, labelling.numbers + origin] = 1
    if labelling.attributes[known[0]].binary:
        told = torch.randint(2, (6, 5), generator=chance)
        values[:, known], label[:, part] = told, told.float()
        theirs = told.float()
    else:
        theirs = torch.randint(8, (6,), generator=chance)
        values[:, known], label[:, part] = theirs[:, None], functional.one_hot(theirs, 8).float()
    return Labelled(x, values, torch.full((6,), origin)), theirs, label


@pytest.mark.parametrize(("labelling", "origin", "part"), CASES.values(), ids=CASES)
def test_a_step_is_the_authors(labelling, origin, part):
    """Losses, and the gradients that they give each player, with the same weights, images, permutation and alpha."""
    game = table.build(specs.StarGAN(**SMALL, critic=1), shape=(3, 16, 16), labelling=labelling, seed=5)
    generate, discriminate = originals_of(game, size=16)
    batch, values, label = labelled(labelling, origin, part)
    torch.manual_seed(7)
    order, alpha = torch.randperm(6), torch.rand(6, 1, 1, 1)
    theirs = authors_losses(
        generate, discriminate, batch.x,
        label=label, target=label[order], order=order, alpha=alpha, answer=part, values=values,
    )  # fmt: skip
    torch.manual_seed(7)
    for turn, found, mover in zip(game.play(batch, 0), theirs, (discriminate, generate), strict=True):
        assert {name: loss.item() for name, loss in turn.losses.items()} == pytest.approx(
            {name: loss.item() for name, loss in found.items()}, abs=1e-5
        )
        ours = list(game.players()[turn.player].parameters())
        for mine, wanted in zip(gradients(turn.losses, ours), gradients(found, list(mover.parameters())), strict=True):
            torch.testing.assert_close(mine, wanted, atol=1e-5, rtol=1e-4)


def gradients(losses, parameters):
    return torch.autograd.grad(sum(losses.values()), parameters, retain_graph=True)
