"""What moved most in a KPI's table since the last data interval, by category."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from etl_framework.columns import Column
from etl_framework.project.models import Kpi
from etl_framework.report.measures import MEASURES, TIMES, measure, measured, title
from etl_framework.sql.quote import names, quote, quote_table
from etl_framework.targets.base import Warehouse
from etl_framework.targets.ledger import Statement

# The rows of the two data intervals that are read at the most, and how many changes a page shows.
ROWS, SHOWN = 5000, 12
# Types of columns whose values are categories; a date is another in each data interval.
CATEGORIES = {"char", "varchar", "boolean", "smallint", "integer", "bigint"}
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Move:
    """A number of a category, in the last data interval and in the one before.

    :param category: the values of the columns of `Moves.categories`.
    :param before: None if the category is new.
    :param now: None if it is gone.
    """

    category: Sequence[Any]
    measure: str
    before: float | None
    now: float | None

    @property
    def change(self) -> float:
        """The difference; what is not there counts as 0."""
        return (self.now or 0) - (self.before or 0)

    @property
    def share(self) -> str:
        """The difference in percent of the number before: `+12.5%`; or `new`, or `gone`."""
        if self.before is None:
            return "new"
        if self.now is None:
            return "gone"
        return f"{100 * self.change / abs(self.before):+,.1f}%" if self.before else "from 0"


@dataclass(frozen=True)
class Moves:
    """What moved most.

    :param problem: why nothing is compared; empty if something is.
    """

    before: str = ""
    now: str = ""
    categories: Sequence[str] = ()
    moves: Sequence[Move] = ()
    problem: str = ""


def moves_of(
    warehouse: Warehouse,
    kpi: Kpi,
    hidden: set[str],
    time: str | None,
    bound: Statement,
    labelled: Callable[[Any], str],
) -> Moves:
    """Compare the rows of the last two data intervals in a KPI's table.

    :param hidden: the names, in lower case, of columns whose values are not shown.
    :param time: what `compared_by` gives.
    :param bound: the condition for rows that are looked at.
    :param labelled: writes a value of that column.
    """
    if time is None:
        strategy = kpi.target.strategy
        return Moves(problem=f"The strategy {strategy} keeps no rows of the data interval before.")
    categories = _categories(kpi, hidden, time)
    measures = measured(kpi, hidden)[:MEASURES]
    if not categories:
        return Moves(problem="No column of its key names a category that may be shown.")
    if not measures:
        return Moves(problem="It has no numbers to compare.")
    rows = warehouse.query(*_query(kpi, time, [c.name for c in categories], measures, bound))[1]
    if len(rows) > ROWS:
        return Moves(problem=f"Its key has more than {ROWS // 2:,} values, too many to compare.")
    times = sorted({row[0] for row in rows})
    if len(times) < 2:
        return Moves(problem="There is one data interval, and none before to compare with.")
    single = all(row[1] == 1 for row in rows)
    width = 2 + len(categories)
    found: dict[Any, dict[Key, Sequence[Any]]] = {moment: {} for moment in times}
    for row in rows:
        found[row[0]][tuple(row[2:width])] = row[width:]
    titles = [title(column, single) for column in measures]
    moves = ranked(found[times[0]], found[times[1]], titles)
    listed = [column.name for column in categories]
    return Moves(labelled(times[0]), labelled(times[1]), listed, moves)


def compared_by(kpi: Kpi, hidden: set[str], time: str | None) -> str | None:
    """The column by which the last two data intervals are told apart; None if nothing tells them.

    Where a table does not keep the rows of every data interval, a date in its key may tell as much.

    :param time: the column that tells when rows are of.
    """
    if kpi.target.loads_by.keeps_intervals(kpi.target):
        return time
    dates = (column for column in key_of(kpi) if column.type.name in TIMES)
    return next((column.name for column in dates if column.name.lower() not in hidden), None)


def key_of(kpi: Kpi) -> list[Column]:
    """The columns that tell the rows of a KPI apart."""
    unique = kpi.target.unique_key
    return [column for column in kpi.columns if column.primary_key or column.name in unique]


def _categories(kpi: Kpi, hidden: set[str], time: str) -> list[Column]:
    """The columns of the key but the time; without a key those of text."""
    texts = (column for column in kpi.columns if column.type.family == "text")
    return [
        column
        for column in key_of(kpi) or texts
        if column.name != time and column.name.lower() not in hidden
        if column.type.name in CATEGORIES
    ]


def _query(
    kpi: Kpi, time: str, categories: list[str], measures: Sequence[Column], bound: Statement
) -> Statement:
    """Select the numbers of the last two data intervals by category.

    For example `SELECT "day", COUNT(*), "genre", SUM("listens") FROM "plays" WHERE "day" IN
    (SELECT "day" FROM "plays" WHERE … GROUP BY "day" ORDER BY "day" DESC LIMIT 2)
    GROUP BY "day", "genre" LIMIT 5001`.
    """
    table, key, condition = quote_table(kpi.target.table), quote(time), bound[0]
    wanted = ", ".join([key, "COUNT(*)", names(categories), *map(measure, measures)])
    last = f"SELECT {key} FROM {table}{condition} GROUP BY {key} ORDER BY {key} DESC LIMIT 2"
    grouped = ", ".join([key, names(categories)])
    return (
        f"SELECT {wanted} FROM {table} WHERE {key} IN ({last}) GROUP BY {grouped} LIMIT {ROWS + 1}",
        bound[1],
    )


def ranked(
    before: Mapping[Key, Sequence[Any]], now: Mapping[Key, Sequence[Any]], titles: Sequence[str]
) -> list[Move]:
    """The changes that stand out most among all categories of the same measure, the first first.

    A change is as far out as its distance from the median change, in median absolute deviations;
    so a measure with large numbers does not push others aside, and neither does one that moved
    everywhere alike.

    :param before: the numbers of each category, in the order of `titles`; `now` likewise.
    """
    out: list[tuple[float, Move]] = []
    for place, name in enumerate(titles):
        moves = [
            Move(key, name, _finite(before.get(key), place), _finite(now.get(key), place))
            for key in {**before, **now}
        ]
        moves = [move for move in moves if (move.before, move.now) != (None, None)]
        middle = median([move.change for move in moves]) if moves else 0.0
        distances = [abs(move.change - middle) for move in moves]
        scale = median(distances) if distances else 0.0
        scale = scale or (sum(distances) / len(distances) if distances else 0.0) or 1.0
        if len(moves) < 3:  # too few to tell what is usual: each counts by its share
            middle, scale = 0.0, max((abs(move.before or 0) for move in moves), default=0.0) or 1.0
        for move in moves:
            if move.change:
                out.append((abs(move.change - middle) / scale, move))
    out.sort(key=lambda pair: (-pair[0], -abs(pair[1].change), str(pair[1].category)))
    return [move for _, move in out[:SHOWN]]


def _finite(row: Sequence[Any] | None, place: int) -> float | None:
    value = row[place] if row else None
    return float(value) if value is not None and math.isfinite(value) else None
