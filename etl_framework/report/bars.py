"""Bars as SVG: for each data interval one, made of the numbers of several rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from etl_framework.report.chart import EDGE, HEIGHT, WIDTH

# So many colours there are; the rules behind the last of them share it.
COLOURS = 6
OTHERS = "others"
# More bars than these are too thin to see; the oldest are left out.
MOST = 120


@dataclass(frozen=True)
class Part:
    """A rule's part of a bar.

    :param colour: the number of the rule's colour, from 0.
    """

    rule: str
    colour: int
    rows: int
    y: float
    height: float


@dataclass(frozen=True)
class Bar:
    """The bar of one data interval; the bars of a chart have the same width."""

    label: str
    x: float
    parts: Sequence[Part]


@dataclass(frozen=True)
class Bars:
    """What a template draws.

    :param rules: the rules in the order of their colours.
    :param high: the greatest sum of a bar.
    :param begin: the label of the oldest data interval; `end` that of the newest.
    """

    rules: Sequence[str]
    bars: Sequence[Bar]
    width: float
    high: int
    begin: str
    end: str

    @property
    def rows(self) -> int:
        """The sum of all bars."""
        return sum(part.rows for bar in self.bars for part in bar.parts)


def bars(labels: Sequence[str], numbers: Mapping[str, Sequence[int]]) -> Bars:
    """Draw how many rows broke each rule.

    :param labels: one or more data intervals, the oldest first.
    :param numbers: for each rule as many numbers as there are labels.
    """
    numbers = _merged(numbers)
    first = max(len(labels) - MOST, 0)
    totals = [sum(of[n] for of in numbers.values()) for n in range(len(labels))]
    high = max(totals[first:], default=0)
    step = (WIDTH - 2 * EDGE) / max(len(labels) - first, 1)
    scale = (HEIGHT - 2 * EDGE) / (high or 1)
    drawn = []
    for n in range(first, len(labels)):
        parts = []
        bottom = float(HEIGHT - EDGE)
        for colour, (rule, rows) in enumerate(numbers.items()):
            if rows[n]:
                height = rows[n] * scale
                bottom -= height
                parts.append(Part(rule, colour, rows[n], round(bottom, 1), round(height, 1)))
        if parts:
            drawn.append(Bar(labels[n], round(EDGE + (n - first) * step, 1), parts))
    width = round(min(step * 0.8, 24), 1)
    return Bars(list(numbers), drawn, width, high, labels[first], labels[-1])


def _merged(numbers: Mapping[str, Sequence[int]]) -> dict[str, Sequence[int]]:
    """The rules with the most rows, and all others together."""
    if len(numbers) <= COLOURS:
        return dict(numbers)
    ranked = sorted(numbers, key=lambda rule: -sum(numbers[rule]))
    first, rest = ranked[: COLOURS - 1], ranked[COLOURS - 1 :]
    merged: dict[str, Sequence[int]] = {rule: numbers[rule] for rule in first}
    merged[OTHERS] = [sum(of) for of in zip(*(numbers[rule] for rule in rest), strict=True)]
    return merged
