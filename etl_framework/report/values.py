"""What the tables of KPIs hold: their newest rows, and their columns over data intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from etl_framework.columns import MASK, Column
from etl_framework.errors import DataMissingError, EtlError
from etl_framework.project.models import Kpi
from etl_framework.project.workspace import Workspace
from etl_framework.report.chart import Chart, Point, chart
from etl_framework.sql.quote import names, quote, quote_table
from etl_framework.targets.base import Warehouse

WHOLE = {"smallint", "integer", "bigint"}
NUMBERS = {*WHOLE, "decimal", "real", "double precision"}
TIMES = ("date", "timestamp", "timestamptz")
ROWS = 50


@dataclass(frozen=True)
class Values:
    """What a KPI's table holds.

    :param columns: the columns of `rows`, whose sensitive values are masked.
    :param charts: one for the number of rows and for each column of numbers, over time.
    :param problem: why there is nothing to show; empty if there is.
    """

    columns: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    charts: Sequence[Chart] = ()
    problem: str = ""


def values_of(workspace: Workspace, kpi: Kpi, last: int) -> Values:
    """Read the newest rows of a KPI's table, and its columns over the last data intervals."""
    try:
        with workspace.warehouse(kpi.target.connection, read_only=True) as warehouse:
            here = warehouse.table_columns(kpi.target.table)
            if not here:
                return Values(problem="its table has not been made yet")
            time = _time_of(kpi, {name.lower() for name in here})
            rows = _newest(warehouse, kpi, time)
            charts = _charts(warehouse, kpi, time, last) if time else ()
            return Values([column.name for column in kpi.columns], rows, charts)
    except DataMissingError:
        return Values(problem="nothing has been published yet")
    except EtlError as error:  # a page without values is better than no page
        return Values(problem=error.diagnostics[0].message)


def _time_of(kpi: Kpi, here: set[str]) -> str | None:
    """The column that tells when rows are of: that of the data interval, or a date of the key."""
    own = kpi.target.interval_column
    if own and str(own).lower() in here:
        return str(own)
    if kpi.target.incremental_key:
        return kpi.target.incremental_key
    dates = [column for column in kpi.columns if column.type.name in TIMES]
    return next((c.name for c in sorted(dates, key=lambda c: not c.primary_key)), None)


def _newest(warehouse: Warehouse, kpi: Kpi, time: str | None) -> list[list[Any]]:
    keys = [column.name for column in kpi.columns if column.primary_key]
    order = [*([f"{quote(time)} DESC"] if time else []), *map(quote, keys)]
    by = f" ORDER BY {', '.join(order)}" if order else ""
    listed = names([column.name for column in kpi.columns])
    sql = f"SELECT {listed} FROM {quote_table(kpi.target.table)}{by} LIMIT {ROWS}"
    hidden = [column.sensitive for column in kpi.columns]
    return [
        [
            MASK if hide and value is not None else value
            for hide, value in zip(hidden, row, strict=True)
        ]
        for row in warehouse.query(sql)[1]
    ]


def _charts(warehouse: Warehouse, kpi: Kpi, time: str, last: int) -> list[Chart]:
    """For example `SELECT "day", COUNT(*), SUM("listens") FROM "plays" GROUP BY "day"`."""
    measured = [c for c in kpi.columns if c.type.name in NUMBERS and not c.sensitive]
    measured = [column for column in measured if not column.primary_key]
    wanted = ["COUNT(*)", *(_measure(column) for column in measured)]
    sql = (
        f"SELECT {quote(time)}, {', '.join(wanted)} FROM {quote_table(kpi.target.table)} "
        f"WHERE {quote(time)} IS NOT NULL GROUP BY {quote(time)} "
        f"ORDER BY {quote(time)} DESC LIMIT {last}"
    )
    rows = warehouse.query(sql)[1][::-1]
    single = all(row[1] == 1 for row in rows)  # then a sum is the value itself
    titles = ["rows", *(column.name if single else _title(column) for column in measured)]
    found = []
    for place, title in list(enumerate(titles, 1))[single:]:
        points = [
            Point(_label(row[0]), float(row[place]))
            for row in rows
            if row[place] is not None and math.isfinite(row[place])
        ]
        if len(points) > 1:
            found.append(chart(title, points))
    return found


def _measure(column: Column) -> str:
    name = quote(column.name)
    return f"SUM({name})" if column.type.name in WHOLE else f"AVG({name})"


def _title(column: Column) -> str:
    return f"{'sum' if column.type.name in WHOLE else 'mean'} of {column.name}"


def _label(value: Any) -> str:
    if isinstance(value, datetime):
        return (
            f"{value:%Y-%m-%d}"
            if (value.hour, value.minute) == (0, 0)
            else f"{value:%Y-%m-%d %H:%M}"
        )
    return str(value)
