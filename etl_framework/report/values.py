"""What the tables of KPIs hold: their newest rows, and their columns over data intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from etl_framework.columns import MASK
from etl_framework.errors import DataMissingError, EtlError
from etl_framework.project.models import Kpi, Pipeline
from etl_framework.report.chart import Chart, Point, chart
from etl_framework.report.measures import TIMES, measure, measured, title
from etl_framework.report.moves import Moves, compared_by, moves_of
from etl_framework.report.tables import Tables
from etl_framework.run.status import label
from etl_framework.sql.quote import names, quote, quote_table
from etl_framework.targets.base import Warehouse
from etl_framework.targets.ledger import Statement

ROWS = 50


@dataclass(frozen=True)
class Values:
    """What a KPI's table holds.

    :param columns: the columns of `rows`, whose sensitive values are masked.
    :param charts: one for the number of rows and for each column of numbers, over time.
    :param moves: what moved most since the last data interval.
    :param problem: why there is nothing to show; empty if there is.
    """

    columns: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    charts: Sequence[Chart] = ()
    moves: Moves | None = None
    problem: str = ""


def values_of(
    tables: Tables, pipeline: Pipeline, kpi: Kpi, last: int, until: date | None
) -> Values:
    """Read the newest rows of a KPI's table, and its columns over the last data intervals.

    :param until: the last day of them; the newest if not given.
    """
    try:
        with tables.warehouse(kpi.target.connection) as warehouse:
            here = warehouse.table_columns(kpi.target.table)
            if not here:
                return Values(problem="its table has not been made yet")
            hidden = pipeline.sensitive()
            time = _time_of(kpi, {name.lower() for name in here}, hidden)
            there = [column for column in kpi.columns if column.name.lower() in here]
            zone = ZoneInfo(pipeline.timezone)
            bound = _bound(kpi, time, until, zone)
            known = kpi.model_copy(update={"columns": there})
            rows = _newest(warehouse, known, hidden, time, bound)
            charts = _charts(warehouse, known, hidden, time, last, bound, zone) if time else ()
            told = compared_by(known, hidden, time)
            within = _bound(kpi, told, until, zone)
            moves = moves_of(warehouse, known, hidden, told, within, partial(_label, zone=zone))
            return Values([column.name for column in there], rows, charts, moves)
    except DataMissingError:
        return Values(problem="nothing has been published yet")
    except EtlError as error:  # a page without values is better than no page
        return Values(problem=error.diagnostics[0].message)


def _time_of(kpi: Kpi, here: set[str], hidden: set[str]) -> str | None:
    """The column that tells when rows are of: that of the data interval, or a date of the key."""
    own = kpi.target.interval_column
    if own and str(own).lower() in here:
        return str(own)
    key = kpi.target.incremental_key
    if key and key.lower() not in hidden:
        return key
    dates = [c for c in kpi.columns if c.type.name in TIMES and c.name.lower() in here - hidden]
    return next((c.name for c in sorted(dates, key=lambda c: not c.primary_key)), None)


def _newest(
    warehouse: Warehouse, kpi: Kpi, hidden: set[str], time: str | None, bound: Statement
) -> list[list[Any]]:
    there = kpi.columns
    keys = [column.name for column in there if column.primary_key]
    order = [*([f"{quote(time)} DESC"] if time else []), *map(quote, keys)]
    by = f" ORDER BY {', '.join(order)}" if order else ""
    condition, values = bound
    listed = names([column.name for column in there])
    sql = f"SELECT {listed} FROM {quote_table(kpi.target.table)}{condition}{by} LIMIT {ROWS}"
    return [
        [
            MASK if column.name.lower() in hidden and value is not None else value
            for column, value in zip(there, row, strict=True)
        ]
        for row in warehouse.query(sql, values)[1]
    ]


def _bound(kpi: Kpi, time: str | None, until: date | None, zone: ZoneInfo) -> Statement:
    """The condition that rows are of a day of the pipeline's time zone, or of one before it."""
    if time is None:
        return "", ()
    filled = f" WHERE {quote(time)} IS NOT NULL"
    if until is None:
        return filled, ()
    end = until + timedelta(days=1)
    types = {column.name: column.type.name for column in kpi.columns}
    if types.get(time, "timestamptz") != "timestamptz":
        return f"{filled} AND {quote(time)} < ?", (end,)
    return f"{filled} AND {quote(time)} < ?", (datetime(end.year, end.month, end.day, tzinfo=zone),)


def _charts(
    warehouse: Warehouse,
    kpi: Kpi,
    hidden: set[str],
    time: str,
    last: int,
    bound: Statement,
    zone: ZoneInfo,
) -> list[Chart]:
    """For example `SELECT "day", COUNT(*), SUM("listens") FROM "plays" GROUP BY "day"`."""
    columns = measured(kpi, hidden)
    wanted = ["COUNT(*)", *map(measure, columns)]
    condition, values = bound
    sql = (
        f"SELECT {quote(time)}, {', '.join(wanted)} FROM {quote_table(kpi.target.table)}"
        f"{condition} GROUP BY {quote(time)} ORDER BY {quote(time)} DESC LIMIT {last}"
    )
    rows = warehouse.query(sql, values)[1][::-1]
    single = all(row[1] == 1 for row in rows)  # then a sum is the value itself
    titles = ["rows", *(title(column, single) for column in columns)]
    found = []
    for place, name in list(enumerate(titles, 1))[single:]:
        points = [
            Point(_label(row[0], zone), float(row[place]))
            for row in rows
            if row[place] is not None and math.isfinite(row[place])
        ]
        if len(points) > 1:
            found.append(chart(name, points))
    return found


def _label(value: Any, zone: ZoneInfo) -> str:
    if not isinstance(value, datetime):
        return str(value)
    return label(value.astimezone(zone) if value.tzinfo else value)
