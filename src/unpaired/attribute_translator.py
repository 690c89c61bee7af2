"""What a game of attributes leaves: one network that changes any of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from unpaired import config, images
from unpaired.data.labelling import Labelling, target_names, with_settings
from unpaired.data.labels import BINARY, UNKNOWN, Attribute, find_value
from unpaired.errors import ConfigError
from unpaired.networks import specs
from unpaired.networks.build import Shape
from unpaired.networks.stargan import Planes, StarGANDiscriminatorNet, StarGANGeneratorNet
from unpaired.translator import Translator

Settings = Mapping[int, int]
"""The attributes to change, and the values to change them to, by their indices."""
Said = str | bool | int
"""A value as a person writes it: its name, or yes and no."""


class AttributeTranslator:
    """Samples -> samples with other attributes, by one network (StarGAN).

    network: (x [N, *shape] in [-1, 1], label) -> [N, *shape]. labelling: what a label says. reader: the game's discriminator,
    whose answers say what an image's attributes are; None where it was not kept: then those that are not set must be told.
    spec, reader_spec: what both were built from. fit, background, value_range: how pictures are brought to `shape` and to the
    range of the network (see `DataOptions`).
    """

    def __init__(
        self,
        network: StarGANGeneratorNet,
        *,
        spec: specs.StarGANGenerator,
        shape: Shape,
        labelling: Labelling,
        reader: StarGANDiscriminatorNet | None = None,
        reader_spec: specs.StarGANDiscriminator | None = None,
        fit: images.Fit = "crop",
        background: str = "white",
        value_range: images.ValueRange | None = None,
    ) -> None:
        self.network, self.spec, self.shape, self.labelling = network, spec, shape, labelling
        self.reader, self.reader_spec = reader, reader_spec
        self.fit, self.background, self.value_range = fit, background, value_range

    def __repr__(self) -> str:
        known = ", ".join(f"{attribute.name} ({', '.join(attribute.values)})" for attribute in self.attributes)
        return f"<AttributeTranslator {'x'.join(map(str, self.shape))} of {known} by {config.format_choice(self.spec)}>"

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """What can be changed."""
        return self.labelling.attributes

    def __call__(self, x: Any, /, **settings: Said) -> Any:
        """Change attributes of x and answer in kind, as a `Translator` does: `translator("face.png", hair="red", glasses=False)`.

        Attributes that are not named stay what they are, as far as the discriminator reads it from the image.
        Names that are no Python names go to `towards`. ConfigError for names and values that there are not.
        """
        return self.towards(settings)(x)

    def settings(self, wanted: Mapping[str, Said]) -> dict[int, int]:
        """Names and values as indices. ConfigError, with what may have been meant, where there is no such one."""
        said = {name: BINARY[value] if isinstance(value, bool) else str(value) for name, value in wanted.items()}
        return dict(find_value(self.attributes, name, value) for name, value in said.items())

    def towards(self, wanted: Mapping[str, Said], *, told: Mapping[str, Said] | None = None, amount: float = 1.0) -> Translator:
        """The translator of pictures that makes these changes.

        told: attributes that every image is known to have, which are then not read from it. amount: how far the label goes from
        the image's own (0) to the target's (1), or beyond. ConfigError for unknown names and values, where nothing is to be
        changed, or where an attribute is neither set nor told and nothing can read it.
        """
        settings, known = self.settings(wanted), self.settings(told or {})
        if not settings:
            names = ", ".join(f"{attribute.name} ({'|'.join(attribute.values)})" for attribute in self.attributes)
            raise ConfigError(f"found nothing to change; wanted one or more of {names}")
        self.require_readable(settings, known, amount=amount)
        network = Edit(self, settings, known=known, amount=amount)
        return self.pictures(network)

    def pictures(self, network: nn.Module) -> Translator:
        """The translator of pictures, brought to the trained size and range as these are, by a network of images alone."""
        return Translator(
            network,
            spec=self.spec,
            source=self.shape,
            target=self.shape,
            fit=self.fit,
            background=self.background,
            source_range=self.value_range,
            target_range=self.value_range,
        )

    def targets(self) -> list[tuple[str, Settings]]:
        """Every single change: ("hair=blond", ...)."""
        return [(name, {attribute: value}) for name, attribute, value in target_names(self.attributes)]

    @torch.no_grad()
    def read(self, x: Tensor) -> Tensor:
        """What the discriminator takes each image's attributes for: [N, C, H, W], scaled to the trained size, -> [N, A] int64;
        -1 where there is no reader.
        """
        if self.reader is None:
            return torch.full((len(x), len(self.attributes)), UNKNOWN, device=x.device)
        reader, device = self.reader, next(self.reader.parameters()).device
        if x.shape[1:] != self.shape:
            x = functional.interpolate(x.float(), self.shape[1:], mode="bilinear", antialias=True)
        # forward, not the call: a network compiled for training would be compiled once more.
        answers = [reader.forward(part.to(device, torch.float32))[1] for part in x.split(256)]
        return self.labelling.read(torch.cat(answers)).to(x.device)

    def labels(
        self, x: Tensor, settings: Settings, *, values: Tensor | None = None, amount: float = 1.0
    ) -> Iterator[tuple[Tensor, dict[int, int]]]:
        """The label of each pass that the changes take, and the changes it makes: one pass for each data set whose attributes are
        changed.

        values: [N, A], the images' own; what is -1 there is read from them. A later pass says again what earlier ones changed,
        where its data set knows that too.
        """
        own = self.read(x) if values is None or bool((values == UNKNOWN).any()) else values
        own = own if values is None else torch.where(values == UNKNOWN, own, values)
        changed = own
        for origin, portion in self.labelling.stages(settings):
            rows = torch.full((len(x),), origin, device=x.device)
            changed = with_settings(changed, portion)
            target = self.labelling.encode(changed, origin=rows)
            if amount != 1:
                target = torch.lerp(self.labelling.encode(own, origin=rows), target, amount)
            yield target, portion

    @torch.no_grad()
    def batch(self, x: Tensor, settings: Settings, *, values: Tensor | None = None, amount: float = 1.0) -> Tensor:
        """[N, *shape] with attributes changed, in float32, clamped to [-1, 1]; values: see `labels`. A few at a time."""
        device = next(self.network.parameters()).device
        answers = []
        for rows in torch.arange(len(x)).split(64):
            y, own = x[rows].to(device, torch.float32), None if values is None else values[rows].to(device)
            for label, _ in self.labels(y, settings, values=own, amount=amount):
                y = self.network.forward(y, label)
            answers.append(y.clamp(-1, 1).to(x.device))
        return torch.cat(answers) if answers else x.new_empty(0, *self.shape)

    def require_readable(self, settings: Settings, known: Settings, *, amount: float = 1.0) -> None:
        """ConfigError where a label would also speak of attributes that are neither set nor known, and nothing can read them."""
        if self.reader is not None:
            return
        needed = {a for origin, _ in self.labelling.stages(settings) for a in self.labelling.known[origin]}
        missing = needed - set(known) - (set(settings) if amount == 1 else set())
        if missing:
            names = ", ".join(f"{self.attributes[a].name} ({'|'.join(self.attributes[a].values)})" for a in sorted(missing))
            raise ConfigError(
                f"a label also says {names}, and there is no discriminator here to read that from the image; set it as well, or "
                "tell what the image has (--has NAME=VALUE)"
            )


class Edit(nn.Module):
    """A change of attributes as a network of images alone: [N, C, H, W] -> the same.

    Every image's own attributes are read from it (`known`: told instead), so it is another label for each.
    """

    def __init__(self, translator: AttributeTranslator, settings: Settings, *, known: Settings, amount: float) -> None:
        super().__init__()
        self.generate, self.reader = translator.network, translator.reader
        self._translator, self._settings, self._known, self._amount = translator, settings, known, amount

    def forward(self, x: Tensor) -> Tensor:
        for label in self._labels(x):
            x = self.generate.forward(x, label)
        return x

    def settled(self, small: Tensor) -> nn.Module:
        """The same change with the label that a small copy [1, C, h, w] of the image asks for: one that can go tile by tile."""
        return Settled(self.generate, [label[0] for label in self._labels(small)])

    def _labels(self, x: Tensor) -> Sequence[Tensor]:
        values = torch.full((len(x), len(self._translator.attributes)), UNKNOWN, device=x.device)
        values = with_settings(values, self._known)
        return [label for label, _ in self._translator.labels(x, self._settings, values=values, amount=self._amount)]


class Settled(nn.Module):
    """Passes with one label each, the same for all images: [N, C, H, W] -> the same."""

    def __init__(self, generate: StarGANGeneratorNet, labels: Sequence[Tensor]) -> None:
        super().__init__()
        self.generate = generate
        self.planes = nn.ModuleList(Planes(label) for label in labels)

    def forward(self, x: Tensor) -> Tensor:
        for planes in self.planes:
            x = self.generate.answered(x, planes(x))
        return x
