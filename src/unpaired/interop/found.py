"""What was found in a file of another project: an architecture, and where each of its weights lies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unpaired.config import format_choice
from unpaired.errors import ForeignFile
from unpaired.networks import specs
from unpaired.networks.build import Shape, discriminator, generator, label_discriminator, label_generator

WRAPPERS = ("module", "_orig_mod")
"""Parts of names that DataParallel and torch.compile add."""
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True)
class Found:
    """One network of another project.

    origin: the project. spec, shape, target: what to build here, from samples [C, H, W] of which shape to which (None for a
    discriminator, which answers with scores). theirs: our name of a weight or buffer -> theirs. change: our name and the
    values -> the values for us, where they are not the same. images: what its own project feeds it, in words. numbers: of the
    label that it is shown or answers with; None for a network between two domains.
    """

    origin: str
    spec: specs.Generator | specs.Discriminator | specs.StarGANGenerator | specs.StarGANDiscriminator
    shape: Shape
    target: Shape | None
    theirs: Callable[[str], str]
    images: str
    change: Callable[[str, Tensor], Tensor] = lambda name, value: value
    numbers: int | None = None

    def build(self) -> nn.Module:
        """The network without values, which costs no memory whatever a file claims. ShapeError where the shapes do not fit it."""
        with torch.device("meta"):
            match self.spec:
                case specs.StarGANGenerator():
                    return label_generator(self.spec, self.shape, self.numbers or 0)
                case specs.StarGANDiscriminator():
                    return label_discriminator(self.spec, self.shape, self.numbers or 0)
            if self.target is None:
                return discriminator(self.spec, self.shape)  # type: ignore[arg-type]
            return generator(self.spec, self.shape, self.target)  # type: ignore[arg-type]

    def network(self, weights: Mapping[str, Tensor]) -> nn.Module:
        """The network with the weights of the file, in evaluation mode. ForeignFile names what is missing, unknown or misshapen.

        Without norms they have no biases where we have some, which then are 0, and so are the counters of old batch norms; the
        statistics that instance norms of torch before 0.4 counted along and never used are left aside.
        """
        network = self.build()
        state, rest = network.state_dict(), dict(weights)
        no_biases = getattr(self.spec, "norm", "") == "none"
        instances = [name for name, module in network.named_modules() if isinstance(module, nn.GroupNorm)]
        unused = {self.theirs(f"{name}.{statistic}") for name in instances for statistic in STATISTICS}
        missing, wrong = [], []
        for name, ours in state.items():
            key = self.theirs(name)
            if key in rest:
                value = rest.pop(key)
                if value.shape != ours.shape:
                    wrong.append(f"{key} is {list(value.shape)} instead of {list(ours.shape)}")
                    continue
                state[name] = self.change(name, value.to(ours.dtype, copy=True)).contiguous()
            elif name.endswith("num_batches_tracked") or (no_biases and name.endswith(".bias")):
                state[name] = torch.zeros_like(ours, device="cpu")
            else:
                missing.append(key)
        unknown = [key for key in rest if key not in unused]
        problems = [*(f"{key} is missing" for key in missing), *(f"{key} is unknown" for key in unknown), *wrong]
        if problems:
            more = f" and {len(problems) - 4} more" if len(problems) > 4 else ""
            raise ForeignFile(
                f"it looks like {self.describe()}, but {'; '.join(problems[:4])}{more}: no variant that is known here"
            )
        network.load_state_dict(state, assign=True)
        return network.eval()

    def describe(self) -> str:
        """The architecture in words: `resnet(blocks=9, ...) of pytorch-CycleGAN-and-pix2pix, 3 -> 3 channels`."""
        channels = f"{self.shape[0]} channels" if self.target is None else f"{self.shape[0]} -> {self.target[0]} channels"
        label = "" if self.numbers is None else f", labels of {self.numbers} numbers"
        return f"{format_choice(self.spec)} of {self.origin}, {channels}{label}"


def unwrapped(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights by their names in the network itself, without what DataParallel and torch.compile add."""
    return {".".join(part for part in key.split(".") if part not in WRAPPERS): value for key, value in weights.items()}
