"""DiscoGAN, by its authors (SKTBrain) and by carpedm20: their networks by the names and shapes of their weights.

carpedm20: bare state_dicts, `layer_module.i` in the order of the layers; RGB from -1 to 1, tanh. SKTBrain: whole modules,
`main.i` for generators, `conv1..5` and `bn2..4` for discriminators; BGR from 0 to 1, sigmoid. Both have the layers of ours.
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from unpaired.errors import ForeignFile
from unpaired.interop.found import Found
from unpaired.networks import specs

AUTHORS, CARPEDM20 = "SKTBrain's DiscoGAN", "carpedm20's DiscoGAN-pytorch"
IMAGES = {
    AUTHORS: "trained on BGR from 0 to 1; channels are swapped in its weights and the range is mapped before its first layer, so "
    "that it takes RGB from -1 to 1 as all networks here",
    CARPEDM20: "RGB from -1 to 1, as all networks here",
}


def recognise(weights: Mapping[str, Tensor]) -> Found | None:
    """The network that has these weights, None where it is neither's. ForeignFile where it is one that cannot be built here."""
    if any(key.startswith("layer_module.") for key in weights):
        if weights.get("layer_module.0.weight", torch.empty(0)).dim() == 2:
            raise ForeignFile(f"it is a network for points, of the toy of {CARPEDM20}; only those for images can be read")
        convolutions = _convolutions(weights, "layer_module.")
        judge = convolutions[-1].shape[0] == 1 and convolutions[-1].shape[1] == convolutions[-2].shape[0]
        return _judge(convolutions, authors=False) if judge else _generator(convolutions, authors=False)
    if "main.0.weight" in weights and weights["main.0.weight"].shape[2:] == (4, 4):
        return _generator(_convolutions(weights, "main."), authors=True)
    if weights.keys() >= {"conv1.weight", "bn2.weight"}:
        return _judge(_convolutions(weights, "conv"), authors=True)
    return None


def _convolutions(weights: Mapping[str, Tensor], prefix: str) -> list[Tensor]:
    found = {
        int(match[1]): value
        for key, value in weights.items()
        if (match := re.fullmatch(rf"{re.escape(prefix)}(\d+)\.weight", key)) and value.dim() == 4 and value.numel()
    }
    if len(found) < 2:
        raise ForeignFile(f"it has fewer than two convolutions named {prefix}*; wanted a network of DiscoGAN")
    return [found[i] for i in sorted(found)]


def _generator(convolutions: list[Tensor], *, authors: bool) -> Found:
    """As many convolutions as transposed ones; the authors' last one makes a 1x1 code where it does not double the channels."""
    half = len(convolutions) // 2
    widths = [value.shape[0] for value in convolutions[:half]]
    code = widths.pop() if authors and len(widths) > 1 and widths[-1] != _wanted(widths[0], half)[-1] else None
    if len(convolutions) % 2 or widths != _wanted(widths[0], len(widths)):
        raise ForeignFile(
            f"it looks like a generator of DiscoGAN with layers of {', '.join(str(len(v)) for v in convolutions)} channels; "
            "wanted as many transposed convolutions as convolutions, and widths that double up to eight times the first"
        )
    spec = specs.EncoderDecoder(width=widths[0], bottleneck=code, inputs="unit" if authors else "signed")
    origin = AUTHORS if authors else CARPEDM20
    size, last = 4 << len(widths), f"layers.{3 * len(convolutions) - 4}.weight"
    prefix = "main." if authors else "layer_module."

    def change(name: str, value: Tensor) -> Tensor:
        """BGR to RGB at both ends; sigmoid(z) from 0 to 1 is tanh(z / 2) from -1 to 1."""
        if name == "layers.0.weight":
            return value.flip(1)
        return value.flip(1) / 2 if name == last else value

    return Found(
        origin=origin,
        images=IMAGES[origin],
        spec=spec,
        shape=(convolutions[0].shape[1], size, size),
        target=(convolutions[-1].shape[1], size, size),
        theirs=lambda name: name.replace("layers.", prefix),
        change=change if authors else lambda name, value: value,
    )


def _judge(convolutions: list[Tensor], *, authors: bool) -> Found:
    widths = [value.shape[0] for value in convolutions[:-1]]
    if widths != _wanted(widths[0], len(widths)):
        raise ForeignFile(
            f"it looks like a discriminator of DiscoGAN with layers of {', '.join(map(str, widths))} channels; "
            "wanted widths that double up to eight times the first"
        )

    def theirs(name: str) -> str:
        layer, _, part = name.rpartition(".")
        if layer == "score":
            return f"conv{len(widths) + 1}.{part}" if authors else f"layer_module.{3 * len(widths) - 1}.{part}"
        _, stage, position = layer.split(".")
        if authors:
            return f"{'bn' if position == '1' else 'conv'}{int(stage) + 1}.{part}"
        return f"layer_module.{max(0, 3 * int(stage) - 1) + int(position)}.{part}"

    def change(name: str, value: Tensor) -> Tensor:
        return value.flip(1) if authors and name == "stages.0.0.weight" else value  # BGR to RGB

    size, origin = 4 << len(widths), AUTHORS if authors else CARPEDM20
    return Found(
        origin=origin,
        images=IMAGES[origin],
        spec=specs.ConvDiscriminator(width=widths[0], inputs="unit" if authors else "signed"),
        shape=(convolutions[0].shape[1], size, size),
        target=None,
        theirs=theirs,
        change=change,
    )


def _wanted(width: int, layers: int) -> list[int]:
    return [width * min(2**level, 8) for level in range(layers)]
