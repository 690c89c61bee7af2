"""A classifier that stays as it is, and what it has to say of translations (CyCADA: Hoffman et al., ICML 2018, arXiv 1711.03213,
section 3: semantic consistency).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unpaired.bundle import load_bundle
from unpaired.errors import ConfigError, RunError, ShapeError
from unpaired.networks.build import Shape
from unpaired.products import Classifier


class Reader(nn.Module):
    """f_S -> network: images of `shape` -> scores of its classes, [N, K].

    Its weights are buffers: no player moves them, and a checkpoint keeps them. where: a run's folder or a bundle that keeps a
    classifier. ConfigError where none is named, RunError where none is kept, ShapeError where it reads images of another shape.
    """

    def __init__(self, where: str, *, shape: Shape) -> None:
        super().__init__()
        if not where:
            raise ConfigError(
                "no classifier to read translations by; train one (`unpaired train classifier`) and name its folder: "
                "--semantic \"same_class(reader='RUN')\""
            )
        with torch.device("cpu"):  # weights from a file, also where a game is built without memory for its own
            kept = load_bundle(where)
        readers = [product for product in kept.values() if isinstance(product, Classifier) and product.classes]
        if not readers:
            raise RunError(f"{where} keeps {', '.join(kept)}; wanted a classifier: `unpaired train classifier` leaves one")
        if readers[0].shape != shape:
            raise ShapeError(f"{where} reads images of shape {readers[0].shape}, found {shape}; train both at one size")
        self.count, self.network = len(readers[0].classes), readers[0].network
        for module in self.network.modules():
            for name, weight in list(module.named_parameters(recurse=False)):
                delattr(module, name)
                module.register_buffer(name, weight.detach())

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x).classes[:, : self.count]

    def disagreement(self, x: Tensor, y: Tensor) -> Tensor:
        """L_task(f_S, y, p(f_S, x)): the cross-entropy of what is read in y to the class that is read in x. [N, *shape] each."""
        self.network.eval()  # a game that trains has set all its networks to training
        with torch.no_grad():
            said = self(x).argmax(dim=1)
        return F.cross_entropy(self(y), said)
