"""MNIST, as experiments read it."""

from unpaired.data.image_set import ImageSet, open_image_set
from unpaired.data.sets.table import folder_of
from unpaired.data.store import cache_folder
from unpaired.options import DataOptions

SET, SIDE = "mnist", 28
PLAIN = DataOptions(size=SIDE, channels=1, flip=False)


def digits(options: DataOptions = PLAIN) -> ImageSet:
    """55,000 to train on, 10,000 held out; made and kept where it is not there yet."""
    return open_image_set((str(folder_of(SET, size=SIDE, cache=cache_folder())),), options)
