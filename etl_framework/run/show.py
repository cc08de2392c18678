"""Show what runs produced: the rows of targets, the ledger, rejected rows."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from etl_framework.errors import ConfigError, DataMissingError, did_you_mean
from etl_framework.interval import DataInterval
from etl_framework.project.models import Kpi
from etl_framework.project.project import Project
from etl_framework.project.workspace import Workspace
from etl_framework.quarantine.rows import Quarantine, Rejected, Selection
from etl_framework.run.attempts import Attempt, attempts
from etl_framework.run.history import records
from etl_framework.sql.quote import quote, quote_table
from etl_framework.targets import ledger
from etl_framework.targets.base import Warehouse

ColumnsAndRows = tuple[list[str], list[tuple[Any, ...]]]
LEDGER, RUNS = "ledger", "runs"
QUARANTINE = "quarantine."
RUN_COLUMNS = (
    "started", "pipeline", "interval", "state", "seconds", "rows", "how", "user", "host", "commit",
    "version", "run", "error",
)  # fmt: skip
# The others are told by csv and json.
RUNS_IN_A_TABLE = ("started", "pipeline", "interval", "state", "seconds", "rows", "run", "error")
REJECTED = ("source", "rule", "file", "line", "column", "name", "key", "reason", "row")


def rows_of(
    project: Project, environment: str | None, table: str, order_by: str | None, limit: int
) -> ColumnsAndRows:
    """Return the columns and rows of a table, by the name that `etl show` takes.

    :param order_by: a column to sort by, with `-` before it for largest first.
    :param limit: the highest number of rows; 0 for all rows.
    :raises ConfigError: there is no such table or column.
    :raises DataMissingError: the table has not been made yet.
    """
    project = project.at(environment)
    workspace = project.workspace(environment)
    if table.startswith(QUARANTINE):
        return _rejected(project, environment, table.removeprefix(QUARANTINE), order_by, limit)
    if table == LEDGER:
        return _ledger(project, workspace, order_by, limit)
    if table == RUNS:
        return _runs(project, workspace, order_by, limit)
    kpi = _kpi(project, table)
    keys = [column.name for column in kpi.columns if column.primary_key]
    ordered = [order_by] if order_by else keys or [kpi.columns[0].name]
    return _select(workspace, kpi.target.connection, kpi.target.table, ordered, limit)


def _kpi(project: Project, name: str) -> Kpi:
    sources = (QUARANTINE + source.name for source in project.relations("source"))
    kpi = project.find(name, "kpi", also=[LEDGER, RUNS, *sources]).block
    assert isinstance(kpi, Kpi)
    return kpi


def _select(
    workspace: Workspace, connection: str, table: str, order_by: list[str], limit: int
) -> ColumnsAndRows:
    with workspace.warehouse(connection, read_only=True) as warehouse:
        return _query(warehouse, table, order_by, limit)


def _query(warehouse: Warehouse, table: str, order_by: list[str], limit: int) -> ColumnsAndRows:
    columns = warehouse.table_columns(table)
    if not columns:
        raise DataMissingError(
            f"the table '{table}' has not been made yet", hint="run its pipeline"
        )
    tail = _order(order_by, list(columns), limit)
    return warehouse.query(f"SELECT * FROM {quote_table(table)}{tail}")


def _order(order_by: list[str], columns: list[str], limit: int) -> str:
    parts = []
    for item in order_by:
        name = item.removeprefix("-")
        if name not in columns:
            raise ConfigError(f"there is no column '{name}'", hint=did_you_mean(name, columns))
        parts.append(quote(name) + (" DESC" if item.startswith("-") else ""))
    return f" ORDER BY {', '.join(parts)}" + (f" LIMIT {int(limit)}" if limit > 0 else "")


def _ledger(
    project: Project, workspace: Workspace, order_by: str | None, limit: int
) -> ColumnsAndRows:
    """Return the ledgers of all warehouses that pipelines write to, with JSON lists decoded."""
    connections = dict.fromkeys(
        kpi.target.connection for model in project.models for kpi in model.kpis.values()
    )
    order = [order_by] if order_by else ["-interval_start", "pipeline"]
    columns: list[str] = []
    rows: list[tuple[Any, ...]] = []
    for connection in connections:
        columns, ledger_rows = _select(workspace, connection, ledger.TABLE, order, limit)
        rows += [_unpacked(columns, row) for row in ledger_rows]
    return columns, rows


def _unpacked(columns: list[str], row: tuple[Any, ...]) -> tuple[Any, ...]:
    lists = ("sources", "checks", "targets")
    return tuple(
        ledger.unpacked(value) if name in lists else value
        for name, value in zip(columns, row, strict=True)
    )


def _runs(
    project: Project, workspace: Workspace, order_by: str | None, limit: int
) -> ColumnsAndRows:
    """Return the runs that are remembered, the newest first."""
    found = [
        (attempt, ZoneInfo(model.timezone))
        for model in project.models
        for attempt in attempts(records(workspace.staging, model.name))
    ]
    found.sort(key=lambda run: run[0].started, reverse=True)
    return _sorted(list(RUN_COLUMNS), [_facts_of(*run) for run in found], order_by, limit)


def _facts_of(attempt: Attempt, zone: ZoneInfo) -> tuple[Any, ...]:
    """The values of RUN_COLUMNS."""
    last, seconds = attempt.last, sum(record.seconds for record in attempt.records)
    return (
        f"{attempt.started:%Y-%m-%d %H:%M:%S}Z",
        last.pipeline,
        str(DataInterval.of_key(last.key, zone)),
        attempt.state,
        round(seconds, 3),
        attempt.rows,
        *(last.how, last.user, last.host, last.commit, last.version, last.run),
        attempt.error if attempt.failed else "",
    )


def _sorted(
    columns: list[str], rows: list[tuple[Any, ...]], order_by: str | None, limit: int
) -> ColumnsAndRows:
    key = (order_by or "").removeprefix("-")
    _order([key] if key else [], columns, limit)
    if key:
        place = columns.index(key)
        rows.sort(
            key=lambda row: (row[place] is not None, row[place]),
            reverse=str(order_by).startswith("-"),
        )
    return columns, rows[:limit] if limit > 0 else rows


def _rejected(
    project: Project, environment: str | None, source: str, order_by: str | None, limit: int
) -> ColumnsAndRows:
    """Return the rejected rows of a source in all data intervals, with sensitive values masked."""
    columns = ["interval", "id", *REJECTED, "state"]
    rejected_rows = Quarantine(project, environment, source).rows(Selection(), reveal=False)
    rows = [(row.interval.key, row.id, *_facts(row), row.state) for row in rejected_rows]
    return _sorted(columns, rows, order_by, limit)


def _facts(row: Rejected) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in REJECTED)
