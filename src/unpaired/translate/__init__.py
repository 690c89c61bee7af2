"""From image files to translated image files.

changes   which translations are asked for
plan      what there is to translate, where each answer goes and how it is made, before anything is written
run       the translation
large     images that go through the network in tiles, a block of rows at a time
paged     TIFFs of several pages
progress  how far it is, on a terminal
"""

from unpaired.translate.changes import Changes, draw_targets
from unpaired.translate.progress import Tell, shown
from unpaired.translate.run import Existing, Outcome, translate_files

__all__ = ["Changes", "Existing", "Outcome", "Tell", "draw_targets", "shown", "translate_files"]
