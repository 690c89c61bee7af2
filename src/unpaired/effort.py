"""What measuring a sampler's likelihood takes. No torch here: the command line reads this."""

from pydantic import PositiveInt

from unpaired.config import options


@options
class Effort:
    """What annealing takes. Wu et al. 2016 have 100 images, 10,000 temperatures and 16 chains: hours on a processor."""

    images: PositiveInt = 16
    """Held-out images to be looked at."""
    temperatures: PositiveInt = 500
    """Steps from the prior to the posterior; 10,000 in Wu et al. 2016."""
    chains: PositiveInt = 8
    """Of each image; 16 in Wu et al. 2016."""
