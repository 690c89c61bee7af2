"""The options of data and training. No torch here: the command line reads these and must answer at once."""

from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, field_validator

from unpaired.config import options


@options
class DataOptions:
    """How images become batches."""

    size: PositiveInt = 64
    """Height and width of the images that are trained on, in pixels."""
    channels: int = Field(default=3, ge=1, le=512)
    """Channels of both domains: 1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha, or as many as TIFF and NPY files have."""
    channels_b: int | None = Field(default=None, ge=1, le=512)
    """Channels of domain B, where they differ from A's."""
    depth: Literal[8, 16, 32] = 8
    """Bits of a sample: 8, 16 or 32 (float). Files of another depth are converted; 8 take the least memory."""
    value_range: tuple[float, float] | None = None
    """The numbers in the files that are black and white, such as -1000 2000 for CT; those beyond are cut off. Translations have
    numbers in the range of their domain. None for the ends of the samples' type (of floats 0 and 1)."""
    value_range_b: tuple[float, float] | None = None
    """Those of domain B, where they differ from A's."""
    fit: Literal["crop", "resize", "pad"] = "crop"
    """How other shapes become square: scale the short side and cut the middle, stretch, or scale the long side and pad."""
    background: str = "white"
    """Colour behind transparent pixels and around padded images: a name or #rrggbb."""
    holdout: float = Field(default=0.1, ge=0, lt=1)
    """Share of images held out for evaluation, where the data brings no test folders."""
    strict: bool = False
    """Fail where files are unreadable, listing them, instead of skipping them."""
    flip: bool = True
    """Mirror half of the training images left to right."""
    load_size: PositiveInt | None = None
    """Decode at this size and cut random crops of `size` from it; none for no cropping."""
    side_by_side: bool = False
    """Each file is a pair: A its left half, B its right half (exchange them with `swap`). The files lie in one folder, or in
    its train and test (or val) folders."""
    sets: bool = False
    """For two domains without pairs: each is a set as for games of one set of images, with the train and test parts, tables and
    arrays (IDX, NPZ) that it may have; without it every picture in the folder or zip is one of the domain's."""
    swap: bool = False
    """Exchange the domains: a game that goes one way, A to B, then learns B to A."""
    jitter: float = Field(default=0.0, ge=0, le=1)
    """Strength of random changes of brightness, contrast and saturation."""
    shift: NonNegativeInt = 0
    """Move each training image by up to so many pixels up or down and left or right; what comes into view repeats its edge."""
    label: str | None = None
    """Which column of a table is the class, for games of one set of images; none where there is but one."""
    labels: PositiveInt | None = None
    """Only so many training images keep their class, as many of each as may be; all others are unlabelled. None for all."""
    labels_seed: NonNegativeInt = 0
    """Which ones keep it: fewer are a part of more under the same seed."""

    @field_validator("value_range", "value_range_b")
    @classmethod
    def _has_a_width(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not value[0] < value[1]:
            raise ValueError("wanted a lower and a higher number")
        return value

    @property
    def ranges(self) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
        """The value ranges of the domains that a game calls A and B."""
        a, b = self.value_range, self.value_range_b or self.value_range
        return (b, a) if self.swap else (a, b)


@options
class Adam:
    """The optimiser of every player. The game's paper sets the defaults."""

    learning_rate: PositiveFloat = 2e-4
    """Adam's step size."""
    beta1: float = Field(default=0.5, ge=0, lt=1)
    """Decay of the first moment."""
    beta2: float = Field(default=0.999, ge=0, lt=1)
    """Decay of the second moment."""
    epsilon: PositiveFloat = 1e-8
    """Added to the root of the second moment."""
    weight_decay: NonNegativeFloat = 0.0
    """L2 penalty, added to the gradient as in torch's Adam."""


@options
class Training:
    """How long, how fast and how carefully to train."""

    steps: PositiveInt | None = None
    """Train for this many steps. A run by steps is reproducible bit for bit; 10,000 where neither steps nor minutes are given."""
    minutes: PositiveFloat | None = None
    """Train for this many minutes instead; schedules then follow the clock."""
    batch: PositiveInt = 64
    """Images of each domain in a step, over all processes together."""
    accumulate: PositiveInt = 1
    """Split each batch into this many parts and add up their gradients: less memory, and the same step where no statistics
    are taken over the batch (instance norm or none) and there is neither a pool nor noise."""
    seed: NonNegativeInt = 0
    """Where all randomness comes from."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """Learning rate over time: constant, linear to zero, or half a cosine to zero."""
    decay_from: float = Field(default=0.0, ge=0, lt=1)
    """Share of the training after which the schedule begins to fall: CycleGAN has 0.5."""
    clip: PositiveFloat | None = None
    """Clip each player's gradient to this norm."""
    ema: float | None = Field(default=None, gt=0, lt=1)
    """Keep a moving average of the weights with this decay (less at first) and translate with it: 0.999, say."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1, mps."""
    precision: Literal["auto", "bf16", "float32"] = "auto"
    """auto: bfloat16 where the processor computes in it, else float32. Weights are always float32."""
    compile: Literal["auto", "on", "off"] = "auto"
    """torch.compile: auto where the run is long enough to earn back the minute that it costs and a compiler exists."""
    threads: int | None = Field(default=None, ge=1, le=1024)
    """CPU threads of each process; torch decides where none is given."""
    evaluate_every: PositiveInt | None = None
    """Steps between held-out evaluations with a preview; by the clock (twice a minute at first, then ever rarer) if none."""
    save_every: PositiveInt | None = None
    """Steps between checkpoints; with each evaluation if none."""
    tensorboard: bool = False
    """Write TensorBoard events beside the journal."""

    @property
    def twice_as_long(self) -> str:
        """The option that lets a run by these go on as long again."""
        return f"--steps {2 * self.steps}" if self.steps is not None else f"--minutes {2 * (self.minutes or 0):g}"
