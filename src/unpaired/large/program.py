"""A network as a list of layers, each with the numbers of those that it hears: what `torch.fx` sees of its forward pass."""

import copy
import math
import operator
import threading
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from unpaired.errors import ShapeError
from unpaired.large.layers import Border, Convolution, Layer, Mode, Noise, Norm, Planes, Pointwise, Shape, Together, Transposed
from unpaired.networks import stargan


class Step(NamedTuple):
    """layer: none for the image itself, which is step 0; inputs: numbers of earlier steps."""

    layer: Layer | None
    inputs: tuple[int, ...]


_TRACING = threading.Lock()
"""torch.fx replaces methods of all modules while it reads one: two threads must not do so at once."""


class Program:
    """A network's layers in the order in which they are computed; the last is its answer.

    Where the network has active dropout, reading it draws a seed from torch's global generator for each such layer.
    """

    def __init__(self, network: nn.Module) -> None:
        """ShapeError, which names the layer, where a part of the network cannot be computed for a part of an image."""
        self.network = network
        self.steps: list[Step] = []
        self._known: dict[fx.Node, Any] = {}
        try:
            with _TRACING:
                graph = _Tracer().trace(network)
        except Exception as error:  # anything, from a forward pass that looks into its tensors
            raise _impossible(network, f"its forward pass does not only apply layers ({error})") from error
        for node in graph.nodes:
            match node.op:
                case "placeholder" if not self.steps:
                    self._known[node] = self._add(None)
                case "get_attr":
                    self._known[node] = operator.attrgetter(str(node.target))(network)
                case "output" if isinstance(self._known.get(node.args[0]), _Image):
                    del self.steps[self._known[node.args[0]].step + 1 :]
                case "call_module" | "call_function" | "call_method":
                    self._known[node] = self._read(node)
                case _:
                    raise _impossible(network, "it takes more than one image, or gives other than one")

    def shapes(self, channels: int, height: int, width: int) -> list[Shape]:
        """The shape of each step's answer for an image of this one. ShapeError where the image does not suit."""
        shapes: list[Shape] = []
        for layer, inputs in self.steps:
            shapes.append(layer.shape(*(shapes[i] for i in inputs)) if layer else (channels, height, width))
        return shapes

    def multiple(self) -> int:
        """What heights and widths should be multiples of: the network's strides multiplied, as far down as it goes."""
        scales: list[Fraction] = []
        for layer, inputs in self.steps:
            scale = scales[inputs[0]] if inputs else Fraction(1)
            if isinstance(layer, Convolution):
                scale /= math.lcm(*layer.stride)
            elif isinstance(layer, Transposed):
                scale *= math.gcd(*layer.stride)
            scales.append(scale)
        return math.lcm(*(scale.denominator for scale in scales))

    def _add(self, layer: Layer | None, *inputs: int) -> "_Image":
        self.steps.append(Step(layer, inputs))
        return _Image(len(self.steps) - 1)

    def _read(self, node: fx.Node) -> "_Image":
        """Add the steps that compute `node`."""
        args, keywords = fx.map_arg((node.args, node.kwargs), self._known.__getitem__)
        inputs = [given for given in _flat((args, keywords)) if isinstance(given, _Image)]
        overwrites = node.target is operator.iadd or keywords.get("inplace", False)
        if node.op == "call_module":
            module = self.network.get_submodule(str(node.target))
            name, layers = f"{node.target} ({type(module).__name__})", _of_module(module)
            overwrites = getattr(module, "inplace", False)
        else:
            name = str(getattr(node.target, "__name__", node.target))
            try:
                layers = _FUNCTIONS[node.target](*args, **keywords)  # type: ignore[index]
            except (KeyError, TypeError):
                layers = None
        if layers is None or not inputs:
            raise _impossible(self.network, f"'{name}' may look at all of it")
        before, image = [each.step for each in inputs], inputs[0]
        for layer in layers:
            image = self._add(layer, *before)
            before = [image.step]
        if overwrites:  # whoever names the input from here on gets what was written over it
            over = [other for other, value in self._known.items() if isinstance(value, _Image) and value == inputs[0]]
            self._known.update(dict.fromkeys(over, image))
        return image


class _Tracer(fx.Tracer):
    """Takes every convolution for one layer, also one that computes in another way than torch's."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, nn.Conv2d | stargan.Planes) or super().is_leaf_module(m, module_qualified_name)


class _Image(NamedTuple):
    """What stands for a tensor [1, C, H, W] while a network is read: the number of the step that computes it."""

    step: int


def _of_module(module: nn.Module) -> Sequence[Layer] | None:
    """The layers that compute what the module does, one after the other; none where it is not known."""
    match module:
        case nn.Identity():
            return []
        case nn.Conv2d() if module.padding_mode in _MODES:
            before, after = _paddings(module)
            border = [Border(_MODES[module.padding_mode], before=before, after=after)] if any(before + after) else []
            return [*border, Convolution(module)]
        case nn.ConvTranspose2d():
            return [Transposed(module)]
        case nn.ReflectionPad2d() | nn.ReplicationPad2d() | nn.ZeroPad2d() if min(module.padding) >= 0:
            mode = next(mode for kind, mode in _PADS.items() if isinstance(module, kind))
            left, right, top, bottom = module.padding
            return [Border(mode, before=(top, left), after=(bottom, right))]
        case nn.BatchNorm2d() | nn.InstanceNorm2d():
            kept = None
            if module.running_mean is not None and module.running_var is not None and not module.training:
                kept = module.running_mean, module.running_var
            channels = module.num_features
            return [Norm(channels, groups=channels, eps=module.eps, weight=module.weight, bias=module.bias, kept=kept)]
        case nn.GroupNorm():
            return [Norm(module.num_channels, groups=module.num_groups, eps=module.eps, weight=module.weight, bias=module.bias)]
        case stargan.Planes():
            return [Planes(module, numbers=module.numbers.shape[-1])]
        case nn.Dropout():
            return _dropout(None, module.p, module.training)
        case _ if isinstance(module, _ACTIVATIONS):
            if not hasattr(module, "inplace"):
                return [Pointwise(module)]
            fresh, over = copy.copy(module), copy.copy(module)
            fresh.inplace, over.inplace = False, True
            return [Pointwise(fresh, in_place=over)]
    return None


_MODES: dict[str, Mode] = {"zeros": "zeros", "reflect": "reflect", "replicate": "replicate"}
_PADS: dict[type[nn.Module], Mode] = {nn.ReflectionPad2d: "reflect", nn.ReplicationPad2d: "replicate", nn.ZeroPad2d: "zeros"}
_ACTIVATIONS = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.GELU, nn.SiLU, nn.Softplus, nn.Hardtanh, nn.Tanh, nn.Sigmoid
)  # fmt: skip


def _paddings(module: nn.Conv2d) -> tuple[tuple[int, int], tuple[int, int]]:
    """Pixels above and left, below and right."""
    if module.padding == "valid":
        return (0, 0), (0, 0)
    if module.padding == "same":
        (top, bottom), (left, right) = (
            (spread * (size - 1) // 2, spread * (size - 1) - spread * (size - 1) // 2)
            for size, spread in zip(module.kernel_size, module.dilation, strict=True)
        )
        return (top, left), (bottom, right)
    rows, cols = (int(pixels) for pixels in module.padding)
    return (rows, cols), (rows, cols)


# Functions take what the traced one takes, with an _Image for each tensor that hangs on the image.


def _dropout(x: _Image | None, p: float = 0.5, training: bool = True, inplace: bool = False) -> Sequence[Layer]:
    return [Noise(p, seed=int(torch.randint(2**62, ())))] if training and p else []


def _group_norm(
    x: _Image, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Sequence[Layer] | None:
    return None if weight is None else [Norm(len(weight), groups=num_groups, eps=eps, weight=weight, bias=bias)]


def _cat(tensors: Sequence[_Image], dim: int = 0) -> Sequence[Layer] | None:
    return [Together(lambda *xs: torch.cat(xs, 1), joins=True)] if dim in (1, -3) else None


def _arithmetic(function: Callable[[Any, Any], Any], a: Any, b: Any) -> Sequence[Layer] | None:
    """Of two images, or of one and a number."""
    match a, b:
        case _Image(), _Image():
            return [Together(function)]
        case _Image(), int() | float():
            return [Pointwise(lambda x: function(x, b))]
        case int() | float(), _Image():
            return [Pointwise(lambda x: function(a, x))]
    return None


def _pointwise(function: Callable[..., Tensor], x: _Image, **options: Any) -> Sequence[Layer] | None:
    options.pop("inplace", None)
    return [Pointwise(partial(function, **options))]


_FUNCTIONS: dict[Any, Callable[..., Sequence[Layer] | None]] = {
    torch.cat: _cat,
    torch.concat: _cat,
    functional.dropout: _dropout,
    functional.group_norm: _group_norm,
    **{
        name: partial(_arithmetic, function)
        for function, names in {
            operator.add: (operator.add, operator.iadd, torch.add),
            operator.sub: (operator.sub, torch.sub),
            operator.mul: (operator.mul, torch.mul),
            operator.truediv: (operator.truediv, torch.div),
        }.items()
        for name in names
    },
    **{
        function: partial(_pointwise, function)
        for function in (torch.relu, torch.tanh, torch.sigmoid, functional.relu, functional.leaky_relu)
    },
    **{name: partial(_pointwise, getattr(Tensor, name)) for name in ("float", "relu", "tanh", "sigmoid")},
}


def _flat(values: Any) -> list[Any]:
    """The leaves of nested tuples, lists and dicts, from left to right; an _Image is one."""
    match values:
        case _Image():
            return [values]
        case tuple() | list():
            return [leaf for value in values for leaf in _flat(value)]
        case dict():
            return _flat(list(values.values()))
    return [values]


def _impossible(network: nn.Module, why: str) -> ShapeError:
    return ShapeError(
        f"{type(network).__name__} cannot translate an image part by part: {why}; translate the image at a smaller size, or use "
        "a network of convolutions, such as --generator resnet or unet"
    )
