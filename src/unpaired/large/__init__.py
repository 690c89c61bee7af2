"""Images of any size through a network in bounded memory, with the answer that the whole image would get.

A network is read as a program of layers (`program`) whose borders are known (`layers`). Layers that normalise by statistics
of the image need all of it before they can answer for any part. So a plan (`plan`) goes over the image in passes, each of them
tile by tile with as much context as its layers see: one pass measures what a layer must know, another keeps what would be dear
to compute again in a file (`scratch`), the last writes the answer (`run`).
"""

from unpaired.large.run import padded_shape, translate_large, whole_bytes

__all__ = ["padded_shape", "translate_large", "whole_bytes"]
