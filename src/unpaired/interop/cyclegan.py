"""pytorch-CycleGAN-and-pix2pix: its networks by the names and shapes of their weights.

Its files hold bare state_dicts. ResNet: `model.i`, in the order of its layers, the blocks' `model.i.conv_block.j`. U-Net: nested,
`model.model.0` the outermost convolution, `.1.model.` all below it, `.3` the last one. PatchGAN: `model.i`; PixelGAN: `net.i`.
Convolutions before a norm have a bias where that is an instance norm.
"""

import re
from collections.abc import Mapping
from typing import Literal

from torch import Tensor

from unpaired.errors import ForeignFile
from unpaired.interop.found import Found
from unpaired.networks import specs

ORIGIN = "pytorch-CycleGAN-and-pix2pix"
IMAGES = "RGB, or grey where it has one channel, from -1 to 1, as all networks here"
Statistics = Literal["image", "running"]
"""What batch norms translate by: each image's own, as this project's test.py does without --eval, or those of training."""
DROPOUT = 0.5
"""The share that its dropout drops, wherever it has any."""


def recognise(weights: Mapping[str, Tensor], *, size: int | None, statistics: Statistics, unet_noise: bool) -> Found | None:
    """The network that has these weights, None where it is none of this project's.

    size: of the images in pixels, which no file tells; None for 256, or the U-Net's own. statistics: what generators'
    batch norms translate by. unet_noise: whether a U-Net has dropout, which leaves no trace.
    ForeignFile where it is one of its relatives that cannot be built here.
    """
    by_image = statistics == "image"
    if any(key.endswith(".filt") for key in weights):
        raise ForeignFile(
            "it has antialiasing layers, as CUT's networks do (contrastive-unpaired-translation, its default); they cannot be "
            "built here: only those trained with --no_antialias --no_antialias_up can be read"
        )
    if "net.0.weight" in weights:
        return _pixel(weights, size or 256)
    if "model.model.0.weight" in weights:
        return _unet(weights, size, by_image=by_image, noise=unet_noise)
    if any(re.fullmatch(r"model\.\d+\.conv_block\.\d+\.weight", key) for key in weights):
        return _resnet(weights, size or 256, by_image=by_image)
    if "model.0.weight" in weights and weights["model.0.weight"].shape[2:] == (4, 4):
        return _patch(weights, size or 256)
    return None


def their_name(spec: specs.ResNet | specs.UNet | specs.PatchGAN, name: str) -> str:
    """Our name of a weight, a bias or a statistic -> theirs: `layers.10.change.1.bias` -> `model.10.conv_block.1.bias`."""
    layer, _, part = name.rpartition(".")
    match spec:
        case specs.ResNet():
            layer = layer.replace("layers.", "model.").replace(".change.", ".conv_block.")
        case specs.UNet():
            layer = _unet_layer(spec.downs, layer)
        case specs.PatchGAN():
            layer = _patch_layer(spec.layers, layer)
    return f"{layer}.{part}"


def _unet_layer(downs: int, layer: str) -> str:
    """`downs.1.2` -> `model.model.1.model.2`: each level lies in the one above it."""
    side, index, position = layer.split(".")
    level = int(index) if side == "downs" else downs - 1 - int(index)
    prefix = "model.model." + "1.model." * (level > 0) + "3.model." * (level - 1)
    if side == "downs":  # ours: leak, convolution, norm; the outermost has the convolution alone
        return prefix + position
    convolution = 3 if level in (0, downs - 1) else 5  # ours: ReLU, convolution, norm
    return f"{prefix}{convolution + int(position) - 1}"


def _patch_layer(layers: int, layer: str) -> str:
    if layer == "score":
        return f"model.{3 * layers + 2}" if layers else "net.5"
    _, stage, position = layer.split(".")
    index = max(0, 3 * int(stage) - 1) + int(position)  # the first stage has no norm
    return f"model.{index}" if layers else f"net.{index}"


def _norm(weights: Mapping[str, Tensor], convolution: str, norm: str, *, by_image: bool = False) -> specs.Norm:
    bias, affine = f"{convolution}.bias" in weights, f"{norm}.weight" in weights
    if affine and not bias:
        return "batch-by-image" if by_image else "batch"
    if bias:
        return "instance-affine" if affine else "instance"
    return "none"


def _resnet(weights: Mapping[str, Tensor], size: int, *, by_image: bool) -> Found:
    blocks = sorted({int(match[1]) for key in weights if (match := re.match(r"model\.(\d+)\.conv_block\.", key))})
    last = max((int(match[1]) for key in weights if (match := re.fullmatch(r"model\.(\d+)\.weight", key))), default=1)
    width, channels = _tensor(weights, "model.1.weight").shape[:2]
    after_dropout = weights.get(f"model.{blocks[0]}.conv_block.6.weight")  # a norm's where there is none
    spec = specs.ResNet(
        blocks=len(blocks),
        width=width,
        downs=min(5, max(0, blocks[0] - 4) // 3),
        norm=_norm(weights, "model.1", "model.2", by_image=by_image),
        dropout=DROPOUT if after_dropout is not None and after_dropout.dim() == 4 else 0.0,
    )
    out_channels = _tensor(weights, f"model.{last}.weight").shape[0]
    return _found(spec, (channels, size, size), (out_channels, size, size))


def _unet(weights: Mapping[str, Tensor], size: int | None, *, by_image: bool, noise: bool) -> Found:
    downs, prefix = 1, "model.model."
    while any(key.startswith(f"{prefix}{'1' if downs == 1 else '3'}.model.") for key in weights):
        prefix += f"{'1' if downs == 1 else '3'}.model."
        downs += 1
    width, channels = _tensor(weights, "model.model.0.weight").shape[:2]
    spec = specs.UNet(
        width=width,
        downs=min(downs, 12),
        norm=_norm(weights, "model.model.1.model.1", "model.model.1.model.2", by_image=by_image),
        dropout=DROPOUT if noise else 0.0,
    )
    size = size or 2**downs
    out_channels = _tensor(weights, "model.model.3.weight").shape[1]
    return _found(spec, (channels, size, size), (out_channels, size, size))


def _patch(weights: Mapping[str, Tensor], size: int) -> Found:
    count = sum(key.endswith(".weight") and value.dim() == 4 for key, value in weights.items())
    width, channels = _tensor(weights, "model.0.weight").shape[:2]
    spec = specs.PatchGAN(width=width, layers=min(8, max(1, count - 2)), norm=_norm(weights, "model.2", "model.3"))
    return _found(spec, (channels, size, size), None)


def _pixel(weights: Mapping[str, Tensor], size: int) -> Found:
    width, channels = _tensor(weights, "net.0.weight").shape[:2]
    return _found(specs.PatchGAN(width=width, layers=0, norm=_norm(weights, "net.2", "net.3")), (channels, size, size), None)


def _found(
    spec: specs.ResNet | specs.UNet | specs.PatchGAN, shape: tuple[int, int, int], target: tuple[int, int, int] | None
) -> Found:
    def theirs(name: str) -> str:
        return their_name(spec, name)

    return Found(origin=ORIGIN, images=IMAGES, spec=spec, shape=shape, target=target, theirs=theirs)


def _tensor(weights: Mapping[str, Tensor], key: str) -> Tensor:
    if key not in weights or weights[key].dim() != 4 or not weights[key].numel():
        raise ForeignFile(f"it looks like a network of {ORIGIN}, but {key} is missing or no convolution's")
    return weights[key]
