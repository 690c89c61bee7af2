"""Teaching beside a restatement of it: the same draws, and so the same weights."""

import math

import torch
from torch import Tensor, nn

from unpaired.experiments.teaching import taught_by

X, WANTED = torch.linspace(-1, 1, 40).view(20, 2), torch.arange(20.0).view(20, 1) / 20
STEPS, BATCH, RATE, SEED = 12, 5, 0.03, 7


def loss_of_rows(network: nn.Module, rows: Tensor) -> Tensor:
    """Noise at each step comes after the rows."""
    x = X[rows] + 0.1 * torch.randn(len(rows), 2)
    return (network(x) - WANTED[rows]).square().mean()


def restated() -> dict[str, Tensor]:
    """Kingma and Ba's algorithm 1 by hand, its rate half a cosine from RATE to 0."""
    torch.manual_seed(SEED)
    network = nn.Linear(2, 1)
    first, second = ({name: torch.zeros_like(w) for name, w in network.named_parameters()} for _ in range(2))
    for step in range(STEPS):
        rows = torch.randint(20, (BATCH,))
        network.zero_grad()
        loss_of_rows(network, rows).backward()
        rate = RATE * (1 + math.cos(math.pi * step / STEPS)) / 2
        for name, w in network.named_parameters():
            first[name] = 0.9 * first[name] + 0.1 * w.grad
            second[name] = 0.999 * second[name] + 0.001 * w.grad**2
            mean, spread = first[name] / (1 - 0.9 ** (step + 1)), second[name] / (1 - 0.999 ** (step + 1))
            w.data -= rate * mean / (spread.sqrt() + 1e-8)
    return {name: w.detach() for name, w in network.named_parameters()}


def test_the_same_draws_teach_the_same_weights() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    how = {"steps": STEPS, "batch": BATCH, "count": 20, "learning_rate": RATE, "seed": SEED}
    network = taught_by(lambda: nn.Linear(2, 1), loss_of_rows, **how)
    assert torch.equal(torch.get_rng_state(), state)
    assert not network.training
    for name, wanted in restated().items():
        torch.testing.assert_close(network.get_parameter(name), wanted, rtol=0, atol=1e-6)
    other = taught_by(lambda: nn.Linear(2, 1), loss_of_rows, **{**how, "seed": SEED + 1})
    assert not torch.allclose(other.weight, network.weight, atol=1e-2)


def test_it_is_taught_in_training() -> None:
    network = taught_by(
        lambda: nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 1)).eval(),
        loss_of_rows, steps=3, batch=5, count=20, learning_rate=RATE, seed=SEED,
    )  # fmt: skip
    assert network[0].num_batches_tracked == 3
