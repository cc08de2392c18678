"""Charts as SVG, drawn here: a line over data intervals, with the band of its own past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

WIDTH, HEIGHT, EDGE = 320, 90, 6
# A normal distribution has 1.4826 median absolute deviations in a standard deviation; three of
# these are the band (Leys et al., Journal of Experimental Social Psychology 49, 2013).
BAND = 3 * 1.4826
# How many values a past has.
WARM_UP = 7
# More points than these are too many for a picture; of each stretch the lowest and highest stay.
MOST, STRETCHES = 400, 150
# From here on a float does not hold every integer.
LONG = 1 << 53


@dataclass(frozen=True)
class Point:
    """A value of a data interval; `label` says of which."""

    label: str
    value: float


@dataclass(frozen=True)
class Chart:
    """What a template draws: places in a picture of WIDTH by HEIGHT.

    :param line: the points of a polyline, `0.0,80.0 10.5,60.0`.
    :param dots: the points that are drawn, each with its place.
    :param count: how many points there are.
    :param band: top and height of the band of the past; None with fewer than WARM_UP values.
    :param low: the lowest value, as the chart's edge says; `high` the highest.
    :param limit: the height of a line that values should stay below; None if there is none.
    """

    title: str
    line: str
    dots: Sequence[tuple[float, float, Point]]
    band: tuple[float, float] | None
    low: str
    high: str
    count: int
    limit: float | None = None

    @property
    def last(self) -> Point:
        """The newest point."""
        return self.dots[-1][2]

    @property
    def unusual(self) -> bool:
        """Whether the newest value lies outside the band."""
        if self.band is None:
            return False
        top, height = self.band
        return not top <= self.dots[-1][1] <= top + height


def chart(title: str, points: Sequence[Point], limit: float | None = None) -> Chart:
    """Draw the values of a column over data intervals.

    :param points: one or more, the oldest first.
    :param limit: a value that they should stay below.
    """
    values = [point.value for point in points]
    low, high = min(values), max(values)
    edges = _band(values[:-1])
    shown: list[float] = [low, high, *(edges or ()), *(() if limit is None else (limit,))]
    bottom, top = min(shown), max(shown)
    span = top - bottom

    def y(value: float) -> float:
        if not span:
            return HEIGHT / 2
        return round(HEIGHT - EDGE - (value - bottom) / span * (HEIGHT - 2 * EDGE), 1)

    step = (WIDTH - 2 * EDGE) / max(len(points) - 1, 1)
    dots = [(round(EDGE + n * step, 1), y(p.value), p) for n, p in _shown(points)]
    band = (y(edges[1]), round(y(edges[0]) - y(edges[1]), 1)) if edges else None
    line = " ".join(f"{x:g},{at:g}" for x, at, _ in dots)
    drawn = None if limit is None else y(limit)
    return Chart(title, line, dots, band, number(low), number(high), len(points), drawn)


def _shown(points: Sequence[Point]) -> list[tuple[int, Point]]:
    """The points that are drawn, with their places among all."""
    places = range(len(points))
    if len(points) > MOST:
        size = -(-len(points) // STRETCHES)
        kept = {0, len(points) - 1}
        for start in range(0, len(points), size):
            stretch = places[start : start + size]
            kept |= {f(stretch, key=lambda n: points[n].value) for f in (min, max)}
        return [(n, points[n]) for n in sorted(kept)]
    return [(n, points[n]) for n in places]


def _band(past: Sequence[float]) -> tuple[float, float] | None:
    """The range in which values of the past lie, by median and median absolute deviation."""
    if len(past) < WARM_UP:
        return None
    middle = median(past)
    spread = BAND * median(abs(value - middle) for value in past)
    return middle - spread, middle + spread


def counted(count: int, name: str) -> str:
    """A number of something: `1 row`, `1,234 rows`, `7 kept`."""
    return f"{count:,} {name[:-1] if count == 1 and name in ('rows', 'targets') else name}"


def number(value: float) -> str:
    """A number as pages write it: `1,234`, `25.01`, `1.5e+300`."""
    if abs(value) >= LONG:
        return f"{value:.4g}"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
