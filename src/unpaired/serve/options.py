"""How a human Turing test is laid out. No torch here: the command line reads this."""

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from unpaired.config import options


@options
class JudgeOptions:
    """Blocks of real, fake and control pictures, each shown for a moment.

    Controls are scrambled real pictures, which nobody who looks takes for real: a block in which they were taken for real is
    left out of the score.
    """

    seconds: float = Field(default=1.0, gt=0, le=60)
    """How long a picture is shown: 1 s in pix2pix's studies (Isola et al. 2017, section 4.1)."""
    answer_within: float | None = Field(default=None, gt=0, le=600)
    """Seconds from the moment a picture appears until it is too late for an answer; without it there is no haste."""
    blocks: PositiveInt = 5
    """Blocks of pictures, with a pause between them."""
    block_size: PositiveInt = 24
    """Pictures in a block, controls among them; the others are half real, half fake."""
    controls: NonNegativeInt = 4
    """Controls in a block."""
    forgiven: NonNegativeInt = 0
    """Controls of a block that may be taken for real before the block is left out."""
    practice: NonNegativeInt = 6
    """Pictures before the first block whose truth is told and which do not count."""
    seed: NonNegativeInt = 0
    """Which pictures are chosen, and their order."""
    confidence: float = Field(default=0.95, gt=0, lt=1)
    """Of the intervals."""

    @model_validator(mode="after")
    def _halves(self) -> "JudgeOptions":
        if self.block_size <= self.controls or (self.block_size - self.controls) % 2:
            raise ValueError(
                f"found blocks of {self.block_size} pictures with {self.controls} controls; wanted an even number of others, "
                "2 at least, half of them real and half fake"
            )
        if self.practice % 2:
            raise ValueError(
                f"found {self.practice} pictures for practice; wanted an even number, half of them real and half fake"
            )
        return self
