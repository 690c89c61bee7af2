"""Seconds and memory of an image that is far larger than a tile: a ResNet with instance norm, statistics of the whole image.

    python benchmarks/large_image.py --side 12000 --width 16 --blocks 2

The image is made up as it is read and its translation written to a file, so that the memory is that of the translation.
Weights are untrained: they take as long as trained ones.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unpaired.large import translate_large
from unpaired.networks.resnet import ResNetGenerator


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=12000, help="height and width in pixels")
    parser.add_argument("--blocks", type=int, default=2, help="residual blocks")
    parser.add_argument("--width", type=int, default=16, help="channels of the first layer")
    parser.add_argument("--tile", type=int, default=512, help="pixels of a tile's side")
    parser.add_argument("--norm", default="instance", help="instance, batch or none")
    parser.add_argument("--bf16", action="store_true", help="compute in bfloat16")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--scratch", type=Path, help="folder for layers that are kept")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    side = given.side
    network = ResNetGenerator(in_channels=3, out_channels=3, width=given.width, blocks=given.blocks, downs=2, norm=given.norm)
    before, start, shown = _peak(), time.perf_counter(), [0]

    def progress(share: float) -> None:
        if int(20 * share) > shown[0]:
            shown[0] = int(20 * share)
            seconds = time.perf_counter() - start
            print(f"{share:4.0%}  {seconds:5.0f} s  peak {_peak() / 2**30:.2f} GiB", file=sys.stderr, flush=True)

    with tempfile.TemporaryFile(dir=given.scratch) as file, torch.autocast("cpu", torch.bfloat16, enabled=given.bf16):

        def write(rows: slice, cols: slice, y: Tensor) -> None:
            pixels = ((y[0] + 1) * 127.5).round().clamp(0, 255).byte().permute(1, 2, 0).contiguous().numpy()
            for row, line in enumerate(pixels, rows.start):
                file.seek(3 * (row * side + cols.start))
                file.write(line.data)

        translate_large(
            network.eval(),
            shape=(side, side),
            channels=(3, 3),
            read=lambda rows, cols: _picture(rows, cols, side),
            write=write,
            tile=given.tile,
            scratch=given.scratch,
            progress=progress,
        )
        file.seek(0, 2)
        assert file.tell() == 3 * side * side
    seconds = time.perf_counter() - start
    print(
        f"ResNet of width {given.width} with {given.blocks} blocks, norm {given.norm}, {'bf16' if given.bf16 else 'float32'}, "
        f"{given.threads} threads: {side} x {side} px in tiles of {given.tile} px: {seconds:.0f} s, "
        f"peak RSS {_peak() / 2**30:.2f} GiB ({before / 2**30:.2f} GiB before)"
    )


def _picture(rows: slice, cols: slice, side: int) -> Tensor:
    """A part of a picture that is dark above left and bright below right, with waves of several lengths."""
    y, x = np.ogrid[rows, cols]
    shade = (x + y) / side - 1
    waves = [np.sin(x / length) * np.cos(y / length) for length in (3, 17, 101)]
    return torch.from_numpy(np.stack([0.6 * shade + 0.4 * wave for wave in waves])[None].astype(np.float32))


def _peak() -> int:
    """Bytes of memory that this process had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
