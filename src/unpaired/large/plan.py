"""In which passes an image goes through a program: what is measured, what is kept in files, what is computed again.

A pass computes one step for the whole image, tile by tile, from the image and from what earlier passes kept. A step gets one
where a norm must measure it, where it is kept, and where it is the answer. To keep a step costs writing and reading; not to
keep it costs computing it again in every later pass that hangs on it, with wider borders around each tile. What is kept is
found by keeping everything first and dropping what is not worth it; or, where the disk is too short for what is then left, by
keeping nothing first and adding what is worth the most.
"""

import math
from collections.abc import Sequence, Set
from pathlib import Path
from typing import NamedTuple

from unpaired.errors import RunError
from unpaired.large.layers import Box, Convolution, Norm, Shape, Span, Together, Transposed
from unpaired.large.program import Program, Step

MOVE = 500.0
"""Multiply-adds in whose time a value goes into a file or comes out of it: 10 ns at 50 in a ns, 400 MB/s."""
RENT = 1000.0
"""Multiply-adds that a byte less on the disk is worth: few percent of work against a third of the files."""
DEAREST = 3.0
"""Where the disk is short, more may be computed again: up to so many times the work of the plan with a disk that is not."""
VALUE = 4
"""Bytes of a float32."""


class Pass(NamedTuple):
    """target: the step computed; tile: rows and columns of it at once; kept: whether it goes into a file; reads: the kept
    steps that it hangs on; last: those that no later pass reads; work: its price in multiply-adds; peak: values of a tile's
    steps in memory at once.
    """

    target: int
    tile: tuple[int, int]
    kept: bool
    reads: frozenset[int]
    last: frozenset[int]
    work: float
    peak: int


class Plan(NamedTuple):
    """passes: in their order; kept: the steps in files; disk: the most bytes in files at once; work: the price of all passes."""

    passes: list[Pass]
    kept: frozenset[int]
    disk: int
    work: float

    @property
    def price(self) -> float:
        return self.work + RENT * self.disk


class Planner:
    """Plans for one program and one image, whose steps have these shapes. tile: rows and columns of the image at once."""

    def __init__(self, program: Program, shapes: Sequence[Shape], *, tile: int) -> None:
        self._steps, self._shapes, self._tile = program.steps, shapes, tile
        self._answer = len(program.steps) - 1
        layers = list(enumerate(program.steps))
        self._measured = {step.inputs[0] for _, step in layers if isinstance(step.layer, Norm) and step.layer.measures}
        # What other steps do costs little more than to read it.
        dear = {i for i, step in layers if isinstance(step.layer, Convolution | Transposed | Together)}
        self._worthy = sorted(dear - {self._answer})
        # Every pass may have as many values in memory as the widest layer has on one tile: deep ones take larger tiles.
        widest = max(sum(math.prod(shapes[i]) for i in (index, *step.inputs)) for index, step in layers)
        self._room = 1.1 * widest * tile**2 / math.prod(shapes[0][1:])  # a tenth for the borders
        self._prices: dict[tuple[int, frozenset[int]], tuple[tuple[int, int], _Price]] = {}

    def plan(self, *, free: float, folder: Path) -> Plan:
        """The cheapest plan found whose files fit into the `free` bytes of `folder`. RunError where that is too dear."""
        best = plan = self._improved(frozenset(self._worthy), free=math.inf)
        if best.disk > free:
            plan = self._improved(frozenset(), free=free)
        if plan.work > DEAREST * best.work:
            height, width = self._shapes[0][1:]
            raise RunError(
                f"an image of {height} x {width} px wants {best.disk / 1e9:.2g} GB for this network's layers, and {folder} has "
                f"{free / 1e9:.2g} GB to spare, which is too little; free some, or name a folder on another disk"
            )
        return plan

    def _improved(self, kept: frozenset[int], *, free: float) -> Plan:
        """Drop or add what makes it the cheapest, one step at a time, while it becomes cheaper and fits."""
        plan = self._planned(kept)
        while True:
            others = [self._planned(plan.kept ^ {each}) for each in self._worthy]
            found = min((other for other in others if other.disk <= free), key=lambda other: other.price, default=plan)
            if found.price >= plan.price:
                return plan
            plan = found

    def _targets(self, kept: Set[int]) -> list[int]:
        return sorted({*kept, *self._measured, self._answer})

    def _planned(self, kept: frozenset[int]) -> Plan:
        passes: list[Pass] = []
        done: set[int] = set()
        for target in reversed(self._targets(kept)):
            tile, price = self._price(target, kept)
            reads = self._sources(target, kept)
            passes.append(Pass(target, tile, target in kept, reads, reads - done, price.total, price.peak))
            done |= reads
        passes.reverse()
        disk, files = 0, set[int]()
        for each in passes:
            files |= {each.target} if each.kept else set()
            disk = max(disk, sum(VALUE * math.prod(self._shapes[i]) for i in files))
            files -= each.last
        return Plan(passes, kept, disk, sum(each.work for each in passes))

    def _price(self, target: int, kept: frozenset[int]) -> tuple[tuple[int, int], "_Price"]:
        """The tile that a pass goes by and what it costs."""
        key = target, self._sources(target, kept) | (kept & {target})
        if key not in self._prices:
            sizes, (_, height, width) = self._shapes[target][1:], self._shapes[0]
            tile = _at_most(sizes, [math.ceil(self._tile * sizes[0] / height), math.ceil(self._tile * sizes[1] / width)])
            price = self._price_by(tile, *key)
            while tile != sizes:
                larger = _at_most(sizes, [2 * side for side in tile])
                wanted = self._price_by(larger, *key)
                if wanted.peak > self._room:
                    break
                tile, price = larger, wanted
            self._prices[key] = tile, price
        return self._prices[key]

    def _price_by(self, tile: tuple[int, int], target: int, kept: frozenset[int]) -> "_Price":
        """From a tile in the middle of the image, which has context on all sides."""
        shapes = self._shapes
        box = Box(*(_middle(size, side) for size, side in zip(shapes[target][1:], tile, strict=True)))
        boxes = demand(self._steps, shapes, target, box, kept - {target})
        computed = moved = peak = now = 0.0
        goes = leaves(self._steps, boxes)
        for index, each in boxes.items():
            layer, values = self._steps[index].layer, shapes[index][0] * each.area
            now += values
            peak = max(peak, now)
            if layer is None or (index in kept and index != target):
                moved += values
            else:
                computed += values * layer.work
            now -= sum(shapes[i][0] * boxes[i].area for i in goes[index])
        moved += shapes[target][0] * box.area if target in kept else 0
        tiles = math.prod(shapes[target][1:]) / box.area
        return _Price(tiles * computed, tiles * moved, int(peak))

    def _sources(self, target: int, kept: Set[int]) -> frozenset[int]:
        """The kept steps that `target` is computed from."""
        found, todo = set(), list(self._steps[target].inputs)
        seen = set(todo)
        while todo:
            index = todo.pop()
            if index in kept:
                found.add(index)
                continue
            new = set(self._steps[index].inputs) - seen
            seen |= new
            todo += new
        return frozenset(found)


class _Price(NamedTuple):
    """computed: multiply-adds; moved: values from and to files; peak: values in memory at once."""

    computed: float
    moved: float
    peak: int

    @property
    def total(self) -> float:
        return self.computed + MOVE * self.moved


def demand(steps: Sequence[Step], shapes: Sequence[Shape], target: int, box: Box, kept: Set[int]) -> dict[int, Box]:
    """The boxes that a tile of `target` hangs on, by step and in their order: back to kept steps and to the image."""
    boxes = {target: box}
    for index in range(target, 0, -1):
        layer, inputs = steps[index]
        if layer is None or index not in boxes or index in kept:
            continue
        for i in inputs:
            needed = layer.box(boxes[index], size=shapes[i][1:])
            boxes[i] = boxes[i].union(needed) if i in boxes else needed
    return dict(sorted(boxes.items()))


def leaves(steps: Sequence[Step], boxes: dict[int, Box]) -> dict[int, list[int]]:
    """Which steps nobody needs any more, by the step after which that is so."""
    last = {}
    for index in boxes:
        last.update({i: index for i in steps[index].inputs if i in boxes})
    goes: dict[int, list[int]] = {index: [] for index in boxes}
    for index, after in last.items():
        goes[after].append(index)
    return goes


def tiles(size: int, side: int) -> list[Span]:
    """[0, size) in as few spans of at most `side` as can be, all about as long."""
    count = math.ceil(size / side)
    return [Span(size * i // count, size * (i + 1) // count) for i in range(count)]


def _middle(size: int, side: int) -> Span:
    start = (size - side) // 2
    return Span(start, start + side)


def _at_most(sizes: Sequence[int], wanted: Sequence[int]) -> tuple[int, int]:
    return min(sizes[0], wanted[0]), min(sizes[1], wanted[1])
