"""What a trained run *is*: translators, kept in a bundle.

A bundle is a folder: `config.json` (architecture, shapes, how pictures are fitted, where it comes from), one
`*.safetensors` for each direction, and `card.md`; imported ones keep their discriminators too. No pickle.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import PIL.Image
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from unpaired import config, images
from unpaired.errors import RunError, ShapeError
from unpaired.files import replacing
from unpaired.networks import specs
from unpaired.networks.build import Shape, discriminator, generator
from unpaired.networks.noise import is_noisy, set_deterministic

FORMAT = 1
AT_ONCE = 1 << 20
"""Values translated at once: 85 colour images of 64 px, 5 of 256 px. A network's layers hold many times as many."""
DIRECTIONS = ("a_to_b", "b_to_a")


class Translator:
    """Samples of one domain -> samples of the other, by one network.

    network: [N, *source] in [-1, 1] -> [N, *target] in [-1, 1]; spec: what it was built from, kept with its weights.
    fit, background: how pictures of other shapes and modes are brought to the source's shape (see `DataOptions`).
    seed: of the noise, where the network has any (pix2pix's dropout): each image is translated with the same draws, whatever
    its neighbours. deterministic: without noise.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        spec: specs.Generator,
        source: Shape,
        target: Shape,
        fit: images.Fit = "crop",
        background: str = "white",
        seed: int = 0,
        deterministic: bool = False,
    ) -> None:
        self.network, self.spec = network, spec
        self.source, self.target = source, target
        self.fit, self.background = fit, background
        self.seed, self.deterministic = seed, deterministic

    def __repr__(self) -> str:
        source, target = ("x".join(map(str, shape)) for shape in (self.source, self.target))
        return f"<Translator {source} -> {target} by {config.format_choice(self.spec)}>"

    def __call__(self, x: Any) -> Any:
        """Translate x and answer in kind: a picture for a path or a PIL image, an array for an array, a tensor for a tensor.

        Tensors are [C, H, W] or [N, C, H, W], float in [-1, 1] or uint8; arrays are [H, W, C] or [N, H, W, C], float in
        [0, 1] or uint8. Pictures of any size are fitted; tensors and arrays must have the trained shape (ShapeError).
        """
        match x:
            case Tensor():
                return self._tensor(x)
            case np.ndarray():
                return self._array(x)
            case PIL.Image.Image() | str() | Path():
                return images.picture(self._array(self.fitted(x)))
        raise ShapeError(f"cannot translate a {type(x).__name__}; wanted a path, a PIL image, a numpy array or a torch tensor")

    @torch.no_grad()
    def batch(self, x: Tensor) -> Tensor:
        """[N, *source] -> [N, *target] in float32, in evaluation mode, on the network's device, a few at a time.

        Images are clamped to [-1, 1], as in files.
        """
        _require(x.shape, self.source)
        device, training = next(self.network.parameters()).device, self.network.training
        noisy = is_noisy(self.network) and not self.deterministic
        few = 1 if noisy else max(1, AT_ONCE // math.prod(self.source))
        parts = []
        self.network.eval()
        set_deterministic(self.network, self.deterministic)
        try:
            with torch.random.fork_rng(devices=[device] if device.type == "cuda" else [], enabled=noisy):
                for part in x.split(few):
                    if noisy:
                        torch.manual_seed(self.seed)
                    # forward, not the call: a network compiled for training would be compiled once more for evaluation.
                    parts.append(self.network.forward(part.to(device, torch.float32)))
        finally:
            self.network.train(training)
        y = torch.cat(parts).to(x.device) if parts else x.new_empty(0, *self.target)
        return y.clamp(-1, 1) if len(self.target) == 3 else y

    def _tensor(self, x: Tensor) -> Tensor:
        if x.dim() == len(self.source):
            return self._tensor(x[None])[0]
        if x.dtype != torch.uint8 and not x.is_floating_point():
            raise ShapeError(f"found a tensor of {x.dtype}; wanted uint8, or floats from -1 to 1")
        _require(x.shape, self.source)
        if x.dtype == torch.uint8:
            return images.to_uint8(self.batch(images.to_tensor(x.movedim(1, -1)))).movedim(-1, 1)
        return self.batch(x).to(x.dtype)

    def _array(self, x: np.ndarray) -> np.ndarray:
        if x.ndim == len(self.source):
            return self._array(x[None])[0]
        _require(x.shape, (*self.source[1:], self.source[0]))
        if x.dtype == np.uint8:
            return images.to_uint8(self.batch(images.to_tensor(np.ascontiguousarray(x)))).numpy()
        if not np.issubdtype(x.dtype, np.floating) or (x.size and not (x.min() >= 0 and x.max() <= 1)):
            found = f"{x.dtype} from {x.min():g} to {x.max():g}" if x.size and x.dtype.kind in "biuf" else f"{x.dtype}"
            raise ShapeError(f"found an array of {found}; wanted uint8, or floats from 0 to 1")
        y = self.batch(torch.from_numpy(np.array(x, np.float32, order="C")).movedim(-1, 1) * 2 - 1)
        return ((y.movedim(1, -1) + 1) / 2).numpy().astype(x.dtype)

    def fitted(self, x: str | Path | bytes | PIL.Image.Image) -> images.Pixels:
        """A picture, or a file's bytes, as pixels [H, W, C] of the trained shape. UnreadableImages where it is none."""
        if len(self.source) != 3:
            raise ShapeError(f"this translator takes points of shape {self.source}, not pictures")
        channels, *size = self.source
        pixels = images.read(x, channels=channels, background=self.background, at_least=2 * max(size))  # as for training
        return images.fit(pixels, size=(size[0], size[1]), how=self.fit, background=self.background)


def both_ways(a_to_b: nn.Module, b_to_a: nn.Module, *, spec: specs.Generator, a: Shape, b: Shape) -> dict[str, Translator]:
    """The translators of two networks of one spec, between samples of shapes a and b."""
    return {
        "a_to_b": Translator(a_to_b, spec=spec, source=a, target=b),
        "b_to_a": Translator(b_to_a, spec=spec, source=b, target=a),
    }


class Judge(NamedTuple):
    """A discriminator of samples of `shape`, by the spec that it was built from."""

    network: nn.Module
    spec: specs.Discriminator
    shape: Shape


def save_bundle(
    folder: Path,
    translators: Mapping[str, Translator],
    *,
    fit: images.Fit,
    background: str,
    about: Mapping[str, Any],
    card: str,
    judges: Mapping[str, Judge] | None = None,
) -> None:
    """Write a bundle. fit, background: how pictures are to be fitted, as in training. about (JSON-able: game, steps,
    data, ...) goes into `config.json` for those who come later. judges: discriminators to keep, such as `discriminate_b`.
    Each file is replaced whole, `config.json` last.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entries = {}
    for name, translator in translators.items():
        _save_weights(folder, name, translator.network)
        entries[name] = {
            "network": config.to_dict(translator.spec),
            "source": list(translator.source),
            "target": list(translator.target),
            "fit": fit,
            "background": background,
            "weights": f"{name}.safetensors",
        }
    _replace(folder / "card.md", card.encode())
    values: dict[str, Any] = {"format": FORMAT, "translators": entries, "about": dict(about)}
    for name, judge in (judges or {}).items():
        _save_weights(folder, name, judge.network)
        entry = {"network": config.to_dict(judge.spec), "shape": list(judge.shape), "weights": f"{name}.safetensors"}
        values.setdefault("judges", {})[name] = entry
    _replace(folder / "config.json", json.dumps(values, indent=2).encode())


def load_bundle(where: str | Path, *, device: str = "cpu") -> dict[str, Translator]:
    """The translators of a bundle, or of a run's folder, by direction. RunError where there is none or it is damaged."""
    folder, values = _read_config(where)
    try:
        return {name: _load_translator(folder, entry, device) for name, entry in values["translators"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{folder / 'config.json'} is damaged: {error!r}") from None


def load_judges(where: str | Path) -> dict[str, Judge]:
    """The discriminators that a bundle keeps, most have none. RunError where there is no bundle or it is damaged."""
    folder, values = _read_config(where)
    try:
        return {name: _load_judge(folder, entry) for name, entry in values.get("judges", {}).items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{folder / 'config.json'} is damaged: {error!r}") from None


def bundle_about(where: str | Path) -> dict[str, Any]:
    """What a bundle, or a run's, says of its origin: its run, the step, the held-out error. RunError where there is none."""
    return dict(_read_config(where)[1].get("about", {}))


def load(where: str | Path, *, direction: str = "a_to_b", device: str = "cpu") -> Translator:
    """The translator of a run's folder or a bundle in one direction. RunError where there is none."""
    translators = load_bundle(where, device=device)
    if direction not in translators:
        raise RunError(f"{where} translates {' and '.join(translators) or 'nothing'}, not '{direction}'")
    return translators[direction]


def _read_config(where: str | Path) -> tuple[Path, dict[str, Any]]:
    """A bundle's folder and its `config.json`; `where` may be the run's."""
    folder = Path(where)
    folder = folder / "bundle" if (folder / "bundle" / "config.json").exists() else folder
    try:
        values = dict(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise RunError(f"no trained run or bundle at {where}: {error}") from None
    if "translators" not in values:
        raise RunError(
            f"{where} is a run that has no bundle yet; let it train until its first checkpoint, or `unpaired resume {where}`"
        )
    if values.get("format") != FORMAT:
        raise RunError(f"{folder} has bundle format {values.get('format')}, this version reads {FORMAT}; upgrade unpaired")
    return folder, values


def _load_translator(folder: Path, entry: Mapping[str, Any], device: str) -> Translator:
    spec = config.from_dict(specs.Generator, entry["network"], where=str(folder / "config.json"))
    source, target = tuple(entry["source"]), tuple(entry["target"])
    network = generator(spec, source, target)
    _load_weights(folder / entry["weights"], network)
    return Translator(
        network.to(device).eval(),
        spec=spec,
        source=source,
        target=target,
        fit=entry["fit"],
        background=entry["background"],
    )


def _load_judge(folder: Path, entry: Mapping[str, Any]) -> Judge:
    spec = config.from_dict(specs.Discriminator, entry["network"], where=str(folder / "config.json"))
    judge = Judge(discriminator(spec, tuple(entry["shape"])).eval(), spec, tuple(entry["shape"]))
    _load_weights(folder / entry["weights"], judge.network)
    return judge


def _save_weights(folder: Path, name: str, network: nn.Module) -> None:
    weights = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    _replace(folder / f"{name}.safetensors", safetensors.torch.save(weights))


def _load_weights(path: Path, network: nn.Module) -> None:
    try:
        network.load_state_dict(safetensors.torch.load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise RunError(f"{path} is missing, damaged or not of this architecture: {error}") from None


def _require(found: tuple[int, ...], sample: tuple[int, ...]) -> None:
    if tuple(found[1:]) != sample:
        wanted = ", ".join(map(str, sample))
        raise ShapeError(f"found {list(found)}; this translator takes [N, {wanted}] or one sample [{wanted}]")


def _replace(path: Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)
