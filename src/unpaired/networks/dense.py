"""The fully connected networks of the first GAN (Goodfellow et al. 2014, section 5; sizes from the authors' code for MNIST).

The authors' images lie in [0, 1]: the generator ends in a sigmoid, the discriminator sees black as 0. Ours lie in [-1, 1]; both
networks map between the two.
"""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from unpaired.networks.dcgan import conditioned
from unpaired.networks.judged import Heads, Judged

Shape = tuple[int, int, int]


class DenseGeneratorNet(nn.Module):
    """noise [N, Z], condition [N, K] -> images [N, *shape] in [-1, 1]: `layers` hidden layers with ReLU, then 2 sigmoid - 1.

    reach: weights begin uniform in [-reach, reach], biases at 0; None: as torch's layers do.
    """

    def __init__(self, *, noise: int, condition: int, shape: Shape, hidden: int, layers: int, reach: float | None) -> None:
        super().__init__()
        self.condition, self.shape = condition, shape
        sizes = [noise + condition, *[hidden] * layers, _values(shape)]
        self.linears = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(sizes))
        _begin(self, reach)

    def forward(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.image(self.hidden(noise, condition))

    def hidden(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        """All layers but the last: [N, hidden]."""
        x = conditioned(noise, condition, wanted=self.condition)
        for linear in list(self.linears)[:-1]:
            x = linear(x).relu()
        return x

    def image(self, hidden: Tensor) -> Tensor:
        """The last layer: images of what `hidden` gives."""
        return self.last(hidden).sigmoid().mul(2).sub(1).unflatten(1, self.shape)

    @property
    def last(self) -> nn.Module:
        """The layer whose weights `image` has."""
        return self.linears[-1]

    def share(self, other: "DenseGeneratorNet") -> None:
        """Take another's layers, all but the last, for one's own (CoGAN)."""
        self.linears = nn.ModuleList([*list(other.linears)[:-1], self.linears[-1]])


class MaxoutDiscriminatorNet(nn.Module):
    """Images [N, *shape] in [-1, 1] -> `Judged`; features: after each of the `layers` maxout layers, [N, units].

    Dropout before every layer: of `input_dropout` of the pixels, black being 0, and of `dropout` of the units. reach: as above.
    """

    def __init__(
        self,
        *,
        shape: Shape,
        units: int,
        pieces: int,
        layers: int,
        dropout: float,
        input_dropout: float,
        reach: float | None,
        source: bool,
        classes: int,
    ) -> None:
        super().__init__()
        sizes = [_values(shape), *[units] * layers]
        self.layers = nn.ModuleList(Maxout(before, after, pieces) for before, after in pairwise(sizes))
        self.input_dropout, self.dropout = nn.Dropout(input_dropout), nn.Dropout(dropout)
        self.heads = Heads(units, source=source, classes=classes, bias=True)
        _begin(self, reach)

    def forward(self, x: Tensor) -> Judged:
        return self.rest(self.first(x))

    def first(self, x: Tensor) -> Tensor:
        """The first layer: [N, units]."""
        return self.layers[0](self.input_dropout((x.flatten(1) + 1) / 2))

    def rest(self, hidden: Tensor) -> Judged:
        """All other layers, on what `first` gives."""
        features, x = [hidden], self.dropout(hidden)
        for layer in list(self.layers)[1:]:
            x = layer(x)
            features.append(x)
            x = self.dropout(x)
        source, classes = self.heads(x)
        return Judged(source, classes, features)

    def share(self, other: "MaxoutDiscriminatorNet") -> None:
        """Take another's layers, all but the first, for one's own (CoGAN)."""
        self.layers = nn.ModuleList([self.layers[0], *list(other.layers)[1:]])
        self.heads, self.input_dropout, self.dropout = other.heads, other.input_dropout, other.dropout

    @property
    def own(self) -> nn.Module:
        """The layer that `share` leaves."""
        return self.layers[0]


class Maxout(nn.Module):
    """[N, in_features] -> [N, units]: the greatest of `pieces` linear functions (Goodfellow et al. 2013, section 3)."""

    def __init__(self, in_features: int, units: int, pieces: int) -> None:
        super().__init__()
        self.linear, self.pieces = nn.Linear(in_features, units * pieces), pieces

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool1d(self.linear(x)[:, None], self.pieces)[:, 0]


def _begin(network: nn.Module, reach: float | None) -> None:
    """Draw the weights of all linear layers uniformly from [-reach, reach], their biases become 0; None leaves them."""
    if reach is not None:
        for module in network.modules():
            if isinstance(module, nn.Linear):
                nn.init.uniform_(module.weight, -reach, reach)
                nn.init.zeros_(module.bias)


def _values(shape: Shape) -> int:
    return shape[0] * shape[1] * shape[2]
