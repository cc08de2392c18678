"""Pictures of what is made of what: boxes in layers from left to right, and lines between them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

BOX_WIDTH, BOX_HEIGHT = 176, 46
# Between two boxes of a layer, between two layers, around all of them.
GAP, BETWEEN, MARGIN = 14, 56, 4
# How much room a line gets that passes a layer without a box.
LANE = 4
SWEEPS = 4
# A line's place in a layer: its two ends and the layer.
Bend = tuple[str, str, int]
Slot = str | Bend


@dataclass(frozen=True)
class Box:
    """Where a box begins, from the left and from the top."""

    x: float
    y: float


@dataclass(frozen=True)
class Line:
    """A line from one box to another, as the `d` of an SVG path."""

    start: str
    end: str
    path: str


@dataclass(frozen=True)
class Picture:
    """Boxes by their names, in the order of the layers, and the lines between them."""

    width: float
    height: float
    boxes: Mapping[str, Box]
    lines: Sequence[Line]


def picture(inputs: Mapping[str, Collection[str]]) -> Picture:
    """Place boxes so that each stands to the right of its inputs.

    A line that would lead back, in a circle, is left out.

    :param inputs: the names of all boxes, each with the boxes that lines come from.
    """
    ranks = _ranks(inputs)
    edges = [(a, b) for b in inputs for a in inputs[b] if a in ranks and ranks[a] < ranks[b]]
    layers: list[list[Slot]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    for name, rank in ranks.items():
        layers[rank].append(name)
    neighbours: dict[Slot, list[Slot]] = {name: [] for name in ranks}
    ways: dict[tuple[str, str], list[Slot]] = {}
    for start, end in edges:
        bends: list[Slot] = [(start, end, n) for n in range(ranks[start] + 1, ranks[end])]
        ways[start, end] = [start, *bends, end]
        for place, bend in enumerate(bends, ranks[start] + 1):
            layers[place].append(bend)
        for left, right in pairwise(ways[start, end]):
            neighbours.setdefault(left, []).append(right)
            neighbours.setdefault(right, []).append(left)
    _sort(layers, neighbours)
    height = max(map(_height, layers), default=0)
    middles = _middles(layers, height)
    boxes = {
        slot: Box(*_corner(number, middles[slot]))
        for number, layer in enumerate(layers)
        for slot in layer
        if isinstance(slot, str)
    }
    lines = [Line(a, b, _path(way, ranks, middles)) for (a, b), way in ways.items()]
    width = len(layers) * (BOX_WIDTH + BETWEEN) - BETWEEN + 2 * MARGIN
    return Picture(max(width, 0), height + 2 * MARGIN, boxes, lines)


def _ranks(inputs: Mapping[str, Collection[str]]) -> dict[str, int]:
    """The layer of each box: one more than the greatest of its inputs."""
    ranks: dict[str, int] = {}
    for name in inputs:
        # A way deep into the inputs, without recursion: it may be long, and lead in a circle.
        waiting = [name]
        on_the_way: dict[str, None] = {}
        while waiting:
            box = waiting[-1]
            on_the_way[box] = None
            open_ = [i for i in inputs[box] if i in inputs and i not in ranks]
            if ahead := [i for i in open_ if i not in on_the_way]:
                waiting.append(ahead[0])
                continue
            known = (ranks[i] + 1 for i in inputs[box] if i in ranks)
            ranks.setdefault(box, max(known, default=0))
            waiting.pop()
    return ranks


def _sort(layers: list[list[Slot]], neighbours: Mapping[Slot, Sequence[Slot]]) -> None:
    """Order each layer by the mean place of its neighbours, so that few lines cross."""
    for sweep in range(SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            places = {slot: n for row in layers for n, slot in enumerate(row)}
            means = {
                slot: fmean([places[other] for other in neighbours[slot]])
                if neighbours.get(slot)
                else places[slot]
                for slot in layer
            }
            layer.sort(key=means.__getitem__)


def _high(slot: Slot) -> int:
    return BOX_HEIGHT if isinstance(slot, str) else LANE


def _height(layer: Sequence[Slot]) -> int:
    return sum(map(_high, layer)) + GAP * (len(layer) - 1)


def _middles(layers: Sequence[Sequence[Slot]], height: int) -> dict[Slot, float]:
    """The middle of each place from the top; every layer stands in the middle of the picture."""
    middles: dict[Slot, float] = {}
    for layer in layers:
        top = MARGIN + (height - _height(layer)) / 2
        for slot in layer:
            middles[slot] = round(top + _high(slot) / 2, 1)
            top += _high(slot) + GAP
    return middles


def _corner(layer: int, middle: float) -> tuple[float, float]:
    return MARGIN + layer * (BOX_WIDTH + BETWEEN), middle - BOX_HEIGHT / 2


def _path(way: Sequence[Slot], ranks: Mapping[str, int], middles: Mapping[Slot, float]) -> str:
    """For example `M180 27C208 27 208 87 236 87`: curves between layers, straight through them."""
    first = ranks[str(way[0])]
    parts: list[str] = []
    for number, (left, right) in enumerate(pairwise(way)):
        start = MARGIN + (first + number) * (BOX_WIDTH + BETWEEN) + BOX_WIDTH
        end, half = start + BETWEEN, start + BETWEEN // 2
        a, b = middles[left], middles[right]
        # Through the layer to where the curve begins.
        parts.append(f"{'L' if parts else 'M'}{start} {a:g}C{half} {a:g} {half} {b:g} {end} {b:g}")
    return "".join(parts)
