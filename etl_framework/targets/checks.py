"""Checks of whole targets, in the transaction that has loaded them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from etl_framework.checks.base import Check, Context, MeasureCheck, RowCheck, TableCheck
from etl_framework.checks.row_count import RowCount
from etl_framework.checks.sql import Sql
from etl_framework.columns import Column
from etl_framework.errors import CheckFailedError, Diagnostic
from etl_framework.interval import DataInterval
from etl_framework.sql.quote import names, quote, quote_table
from etl_framework.storage.outcome import CheckResult

if TYPE_CHECKING:
    from etl_framework.targets.base import Warehouse


@dataclass(frozen=True)
class Other:
    """A relation that a check compares the table with: a KPI, whole, in the same database."""

    name: str
    table: str
    columns: tuple[Column, ...]

    def named(self) -> str:
        """It under its name: `"plays" AS (SELECT "day" FROM "mart"."plays")`."""
        columns = names([column.name for column in self.columns])
        return f"{quote(self.name)} AS (SELECT {columns} FROM {quote_table(self.table)})"


@dataclass(frozen=True)
class TargetCheck:
    """A check of the whole table that a KPI is loaded into.

    :param place: where the pipeline's file declares the check: path, line, column.
    :param others: what it compares the table with.
    :param select: a SELECT of the rows that break its rule, in Redshift's SQL and in DuckDB's.
    """

    check: Check
    relation: str
    table: str
    columns: tuple[Column, ...]
    place: tuple[str, int, int]
    others: tuple[Other, ...] = ()
    select: tuple[str, str] = ("", "")

    @property
    def compares(self) -> bool:
        """Whether the number of rows is compared with what it was before the run."""
        return isinstance(self.check, RowCount) and self.check.max_change is not None

    def query(self, warehouse: Warehouse, context: Context) -> str:
        """A query for what the check is judged by.

        A number of failing rows and of all rows, or measured values:

            SELECT COUNT(CASE WHEN ("plays" < 0) THEN 1 END), COUNT(*) FROM "plays"
        """
        # A table that is called as its KPI needs no other name; it would name itself.
        others = [other for other in self.others if other.name != other.table]
        named = ", ".join(other.named() for other in others)
        return (f"WITH {named} " if named else "") + self._query(warehouse, context)

    def _query(self, warehouse: Warehouse, context: Context) -> str:
        check, table, condition = self.check, quote_table(self.table), warehouse.condition
        where = condition(check.where, self.columns) if check.where else ""
        checked = f"(SELECT * FROM {table} WHERE {where}) AS checked" if where else table
        if isinstance(check, RowCheck):
            broken = condition(check.violation(), self.columns)
            broken = f"{where} AND {broken}" if where else broken
            return f"SELECT COUNT(CASE WHEN {broken} THEN 1 END), COUNT(*) FROM {table}"
        if isinstance(check, TableCheck):
            if isinstance(check, Sql):
                checked = f"({warehouse.written(*self.select)}) AS checked"
            rows = f"(SELECT COUNT(*) FROM {table})"
            groups = f"({check.groups(checked)}) AS grouped"
            return f"SELECT COALESCE(SUM(failing), 0), {rows} FROM {groups}"
        if isinstance(check, MeasureCheck):
            return check.measure(checked, context)
        raise TypeError(f"{type(check).__name__} is no check of rows, of a table or of a measure")

    def result(self, values: Sequence[Any], context: Context) -> CheckResult:
        """The result, from the row that the query gave."""
        if isinstance(self.check, RowCheck | TableCheck):
            failing, rows = map(int, values)
            return replace(self.check.result(self.table, failing, rows), on="target")
        assert isinstance(self.check, MeasureCheck)
        return replace(self.check.result(self.table, tuple(values), context, 0), on="target")

    def failure(self, result: CheckResult) -> Diagnostic:
        """What is said of a check that has failed."""
        what = result.note or f"{result.failing:,} of {result.rows:,} rows"
        message = f"check '{result.check}' of the whole table {self.table} failed: {what}"
        hint = "its rows are as they were"
        return Diagnostic(*self.place, CheckFailedError.code, message, hint)


def rows_before(checks: Sequence[TargetCheck], warehouse: Warehouse) -> dict[str, int]:
    """Return how many rows the tables have whose number is compared with it later, by table."""
    tables = list(dict.fromkeys(check.table for check in checks if check.compares))
    if not tables:
        return {}
    counts = ", ".join(f"(SELECT COUNT(*) FROM {quote_table(table)})" for table in tables)
    return dict(zip(tables, map(int, warehouse.row(f"SELECT {counts}")), strict=True))


def check_targets(
    checks: Sequence[TargetCheck],
    interval: DataInterval,
    warehouse: Warehouse,
    before: Mapping[str, int],
) -> list[CheckResult]:
    """Run checks, each with one query.

    :param before: how many rows tables had before the run.
    :raises CheckFailedError: rules of severity `error` are broken; the error names all of them.
    """
    results = []
    for check in checks:
        earlier = [rows] if (rows := before.get(check.table)) else []
        context = Context(interval, earlier.copy)
        results.append(check.result(warehouse.row(check.query(warehouse, context)), context))
    if failed := list(_failed(checks, results)):
        raise CheckFailedError(failed, checks=tuple(results))
    return results


def _failed(checks: Sequence[TargetCheck], results: Sequence[CheckResult]) -> Iterator[Diagnostic]:
    for check, result in zip(checks, results, strict=True):
        if result.status == "fail":
            yield check.failure(result)
