"""Losses by hand-computed numbers, and against torch's own where it has them."""

import math

import pytest
import torch
from torch.nn import functional

from unpaired.config import from_dict
from unpaired.errors import ConfigError, ShapeError
from unpaired.losses import L1, L2, R1, Huber, LeastSquares, MinMax, NonSaturating, Wasserstein, feature_matching, slope_penalty

SHAPES = [(7,), (5, 1), (4, 1, 1, 1), (3, 1, 6, 6)]


@pytest.fixture(params=SHAPES, ids=str)
def scores(request):
    """Scores of real and of fake images, some far out."""
    return torch.randn(2, *request.param) * 8


def test_non_saturating_is_cross_entropy_on_logits(scores):
    real, fake = scores
    entropy = functional.binary_cross_entropy_with_logits
    gan = NonSaturating()
    torch.testing.assert_close(gan.generator(fake), entropy(fake, torch.ones_like(fake)))
    torch.testing.assert_close(
        gan.discriminator(real, fake), entropy(real, torch.ones_like(real)) + entropy(fake, torch.zeros_like(fake))
    )


def test_least_squares_is_mean_squared_error_to_the_labels(scores):
    real, fake = scores
    gan = LeastSquares()
    torch.testing.assert_close(gan.generator(fake), functional.mse_loss(fake, torch.ones_like(fake)))
    torch.testing.assert_close(
        gan.discriminator(real, fake),
        functional.mse_loss(real, torch.ones_like(real)) + functional.mse_loss(fake, torch.zeros_like(fake)),
    )


def test_adversarial_losses_by_hand():
    # sigmoid(ln 3) = 3/4: -ln D = ln 4/3, -ln(1 - D) = ln 4
    score = torch.tensor([math.log(3)])
    assert NonSaturating().generator(score).item() == pytest.approx(math.log(4 / 3))
    assert NonSaturating().discriminator(score, score).item() == pytest.approx(math.log(4 / 3) + math.log(4))
    real, fake = torch.tensor([2.0, 0.0]), torch.tensor([3.0, -1.0])
    assert LeastSquares().generator(fake).item() == (4 + 4) / 2
    assert LeastSquares().discriminator(real, fake).item() == (1 + 1) / 2 + (9 + 1) / 2


def test_min_max_is_what_the_discriminator_maximises(scores):
    """E log(1 - D(fake)) for the generator, by torch's sigmoid and logarithm."""
    real, fake = scores
    torch.testing.assert_close(MinMax().generator(fake), functional.logsigmoid(-fake).mean())
    torch.testing.assert_close(MinMax().discriminator(real, fake), NonSaturating().discriminator(real, fake))
    assert MinMax().generator(torch.tensor([math.log(3)])).item() == pytest.approx(math.log(1 / 4))


def test_wasserstein_by_hand():
    real, fake = torch.tensor([2.0, 0.0, 4.0]), torch.tensor([3.0, -1.0])
    assert Wasserstein().generator(fake).item() == -1
    assert Wasserstein().discriminator(real, fake).item() == 1 - 2
    assert Wasserstein().penalty == 10
    assert not hasattr(Wasserstein(), "chance")
    with pytest.raises(ConfigError, match="penalty: input should be greater than or equal to 0"):
        from_dict(Wasserstein, {"penalty": -1.0})


def test_slope_penalty_by_hand():
    # Slopes of length 5, 0 and 1, whatever their shape.
    slopes = torch.tensor([[[3.0, 4.0]], [[0.0, 0.0]], [[0.6, -0.8]]])
    assert slope_penalty(slopes).item() == pytest.approx((16 + 1 + 0) / 3)
    assert slope_penalty(slopes.bfloat16()).dtype == torch.float32
    flat = torch.zeros(2, 3, requires_grad=True)
    slope_penalty(flat).backward()
    assert flat.grad.isfinite().all()


def test_r1_by_hand():
    # Slopes of length 5, 0 and 1, whatever their shape.
    slopes = torch.tensor([[[3.0, 4.0]], [[0.0, 0.0]], [[0.6, -0.8]]])
    assert R1(weight=3.0)(slopes).item() == pytest.approx(3 / 2 * (25 + 0 + 1) / 3)
    assert R1(weight=3.0)(slopes.bfloat16()).dtype == torch.float32
    with pytest.raises(ConfigError, match="weight: input should be greater than 0"):
        from_dict(R1, {"weight": 0.0})


def test_hopeless_scores_still_teach():
    """Non-saturating: where the discriminator is sure that an image is fake, the gradient is not lost."""
    score = torch.tensor([-200.0], requires_grad=True)
    loss = NonSaturating().generator(score)
    loss.backward()
    assert loss.item() == 200.0
    assert score.grad.item() == -1.0
    assert NonSaturating().discriminator(-score, score).item() == 400.0 - 2 * 200.0


def test_chance():
    """What a discriminator loses by the same answer to everything, 1/2, which is then the best one."""
    assert NonSaturating.chance == pytest.approx(2 * 0.6931471805599453)
    assert LeastSquares.chance == 0.5
    answers = torch.linspace(-2, 2, 401)
    assert MinMax.chance == NonSaturating.chance
    for gan, half in ((NonSaturating(), 0.0), (MinMax(), 0.0), (LeastSquares(), 0.5)):
        losses = torch.stack([gan.discriminator(answer, answer) for answer in answers])
        assert losses.min().item() == pytest.approx(gan.chance)
        assert answers[losses.argmin()].item() == pytest.approx(half, abs=1e-6)


@pytest.mark.parametrize("shape", [(6,), (2, 3, 4, 5)], ids=str)
def test_distances_are_torch_s(shape):
    x, y = torch.randn(2, *shape) * 2
    torch.testing.assert_close(L1()(x, y), functional.l1_loss(x, y))
    torch.testing.assert_close(L2()(x, y), functional.mse_loss(x, y))
    torch.testing.assert_close(Huber()(x, y), functional.smooth_l1_loss(x, y))
    for delta in (0.1, 1.0, 3.0):
        torch.testing.assert_close(Huber(delta=delta)(x, y), delta * functional.smooth_l1_loss(x, y, beta=delta))


def test_distances_by_hand():
    x, y = torch.tensor([1.0, 0.0, -2.0, 4.0]), torch.tensor([1.0, 0.5, 0.0, 1.0])  # differences 0, -1/2, -2, 3
    assert L1()(x, y).item() == (0 + 0.5 + 2 + 3) / 4
    assert L2()(x, y).item() == (0 + 0.25 + 4 + 9) / 4
    assert Huber()(x, y).item() == (0 + 0.25 / 2 + (2 - 0.5) + (3 - 0.5)) / 4
    assert Huber(delta=2.0)(x, y).item() == (0 + 0.25 / 2 + 4 / 2 + 2 * (3 - 1)) / 4
    for distance in (L1(), L2(), Huber()):
        assert distance(x, x).item() == 0
        assert distance(x, y).shape == ()


@pytest.mark.parametrize("delta", [0.0, -1.0, math.inf, math.nan])
def test_delta_is_a_positive_number(delta):
    with pytest.raises(ConfigError, match="delta: input should be"):
        from_dict(Huber, {"delta": delta})


def test_feature_matching_compares_batch_means():
    # Layer 1, batches of two: means (2, 0) and (1, 4), squared differences 1 and 16. Layer 2: means 5 and 2.
    real = [torch.tensor([[1.0, -3.0], [3.0, 3.0]]), torch.tensor([[4.0], [6.0]])]
    fake = [torch.tensor([[0.0, 4.0], [2.0, 4.0]]), torch.tensor([[2.0], [2.0]])]
    assert feature_matching(real, fake).item() == (1 + 16) / 2 + 9
    assert feature_matching(real[:1], fake[:1]).item() == (1 + 16) / 2
    shuffled = [layer.flip(0) for layer in real]
    assert feature_matching(real, shuffled).item() == 0
    # Pixels are compared one by one, not as one mean: here both images have the mean 0.
    assert feature_matching([torch.tensor([[[1.0, -1.0]]])], [torch.tensor([[[-1.0, 1.0]]])]).item() == 4


def test_feature_matching_of_batches_of_different_sizes():
    assert feature_matching([torch.ones(3, 2)], [torch.zeros(5, 2)]).item() == 1


def test_feature_matching_wants_layers():
    with pytest.raises(ShapeError, match=r"found no inner layers in the discriminator; use a deeper one"):
        feature_matching([], [])
    with pytest.raises(ValueError, match="zip"):
        feature_matching([torch.ones(2, 2)] * 2, [torch.ones(2, 2)])
